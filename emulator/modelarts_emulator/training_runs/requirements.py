"""What a job's code directory says it needs of other packages, held against what is installed here."""

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NAMES = ("pip-requirements.txt", "pip-requirement.txt", "requirements.txt", "requirement.txt")
LARGEST = 1 << 20
NAMED = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*([^#;]*)")
OTHERS = "[ModelArts Service Log][WARNING]{}: {} {}; nothing is installed here"


def lacking(folder: Path) -> list[str]:
    """A line for each package that is asked for and is not there, or not in exactly the version asked for."""
    path = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    if path is None or path.stat().st_size > LARGEST:
        return []
    found = []
    for line in path.read_text("utf-8", "replace").splitlines():
        asked = NAMED.match(line)
        if asked:
            trouble = trouble_with(asked[1], asked[3].strip())
            found += [OTHERS.format(path.name, asked[1] + asked[3].strip(), trouble)] if trouble else []
    return found


def trouble_with(name: str, wanted: str) -> str:
    """Why a package is not as it is wanted; empty when it is."""
    try:
        there = version(name)
    except PackageNotFoundError:
        return "is not there"
    exactly = re.fullmatch(r"==\s*([^*,]+)", wanted)
    return f"is there as {there}" if exactly and exactly[1].strip() != there else ""
