"""What a job's code directory says it needs of other packages, held against what is installed here."""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NAMES = ("pip-requirements.txt", "pip-requirement.txt", "requirements.txt", "requirement.txt")
LARGEST = 1 << 20
NAMED = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*([^#;]*)")
# Wheels only: what else there is of a package runs its own code, and would outside the sandbox.
PIP = [
    sys.executable,
    "-m",
    "pip",
    "install",
    "--disable-pip-version-check",
    "--no-input",
    "--only-binary=:all:",
]
LOOK_SECONDS = 0.2
MOST_LINES = 100
OTHERS = "[ModelArts Service Log][WARNING]{}: {} {}; nothing is installed here"


def lacking(folder: Path) -> list[str]:
    """A line for each package that is asked for and is not there, or not in exactly the version asked for."""
    path = file_in(folder)
    if path is None:
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


def file_in(folder: Path) -> Path | None:
    """The file that says it; None without one, or when it is too long to be one."""
    found = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    return found if found is not None and found.stat().st_size <= LARGEST else None


def installed(folder: Path, target: Path, go_on: Callable[[], None]) -> list[str]:
    """What pip says that installs what is asked for into a folder. ValueError when it fails; go_on may end it."""
    path = file_in(folder)
    if path is None:
        return []
    process = subprocess.Popen(
        [*PIP, "--target", str(target), "-r", path.name], cwd=folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    said = ""
    while process.returncode is None:
        try:
            go_on()
            said = process.communicate(timeout=LOOK_SECONDS)[0]
        except subprocess.TimeoutExpired:
            continue
        except BaseException:
            process.kill()
            process.communicate()
            raise
    lines = said.splitlines()[-MOST_LINES:]
    if process.returncode:
        raise ValueError(f"pip install -r {path.name} failed: {' '.join(lines[-3:])}"[:500])
    return lines
