"""Objects that become a job's files, and files of it that become objects."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from modelarts_emulator.training_runs.orders import Mirror, Place

LONGEST_NAME = 255
LARGEST_FILE = 1 << 30
DEEPEST = 32
MOST_UPLOADED = 4 << 30
MOST_MIRRORED = 4 << 30


def fetch(objects: Any, place: Place, folder: Path) -> int:
    """Write what lies in a place, or the one object that it names, into a folder; how many objects that were.

    Names that lead out of the folder or are too long for files are passed over. KeyError when the bucket is not there.
    """
    single = place.prefix.rstrip("/")
    keys = objects.keys(place.bucket, place.prefix) or [
        key for key in objects.keys(place.bucket, single) if key == single
    ]
    count = 0
    for key in keys:
        name = key.removeprefix(place.prefix) if key != single else key.rpartition("/")[2]
        if not is_safe(name):
            continue
        target = folder / name
        if name.endswith("/"):
            target.mkdir(parents=True, exist_ok=True)
            continue
        with suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(objects.read(place.bucket, key))
            count += 1
    return count


def is_safe(name: str) -> bool:
    """Whether an object's name can be that of a file in a folder."""
    parts = name.rstrip("/").split("/")
    return all(part not in ("", ".", "..") and len(part.encode()) <= LONGEST_NAME for part in parts)


class Copy:
    """A copy of what lies in a place, in a folder where nobody else writes: each time made as the place is then.

    left_out: how many objects are too large, alone or with those before them.
    """

    def __init__(self, mirror: Mirror, folder: Path):
        self._place = mirror.place
        self._names = re.compile(mirror.names)
        self._folder = folder
        self._known: dict[str, str] = {}
        self.left_out = 0

    def carry_out(self, objects: Any) -> None:
        """Fetch what is new, and forget what is gone. KeyError when the bucket is not there."""
        wanted = self._wanted(objects)
        for name in self._known.keys() - wanted.keys():
            (self._folder / name).unlink(missing_ok=True)
            del self._known[name]
        for name, version in wanted.items():
            if self._known.get(name) == version:
                continue
            # An object may be deleted at any time, and one may be called like the folder of another.
            with suppress(KeyError, FileExistsError, NotADirectoryError, IsADirectoryError):
                content = objects.read(self._place.bucket, self._place.prefix + name)
                self._put(name, content)
                self._known[name] = version

    def _wanted(self, objects: Any) -> dict[str, str]:
        """{name: version} of what is to be there."""
        found, room, self.left_out = {}, MOST_MIRRORED, 0
        for key, size, version in objects.versions(self._place.bucket, self._place.prefix):
            name = key.removeprefix(self._place.prefix)
            if not is_safe(name) or name.endswith("/") or not self._names.search(name):
                continue
            if size > min(LARGEST_FILE, room):
                self.left_out += 1
                continue
            room -= size
            found[name] = version
        return found

    def _put(self, name: str, content: bytes) -> None:
        """Have the file there all at once: whoever reads it meanwhile never finds half of it."""
        target, arriving = self._folder / name, self._folder.parent / "arriving"
        target.parent.mkdir(parents=True, exist_ok=True)
        arriving.write_bytes(content)
        arriving.replace(target)


class Upload:
    """The files of an output on their way to a place: each time those that have changed.

    left_out: how many were too large, alone or with those before them.
    """

    def __init__(self, root: Path, folder: str, place: Place):
        self._root = root
        self._folder = folder
        self._place = place
        self._known: dict[str, tuple[int, int]] = {}
        self._room = MOST_UPLOADED
        self.left_out = 0

    def carry_out(self, objects: Any) -> int:
        """Write what is new; how many files that were. KeyError when the bucket is not there."""
        count = 0
        for name, state, content in files_in(self._root, self._folder, self._known):
            self._known[name] = state
            self._room -= state[1]
            if content is None or self._room < 0:
                self.left_out += 1
                continue
            objects.write(self._place.bucket, self._place.prefix + name, content)
            count += 1
        return count


def files_in(root: Path, folder: str, known: dict) -> Iterator[tuple[str, tuple[int, int], bytes | None]]:
    """(name, time and size, content, None of too large a one) of the files in a folder that are not known as they are.

    The job's code may change what is there at any time: no link is followed, so that nothing outside is read.
    """
    try:
        top = opened(root, folder)
    except OSError:
        return
    try:
        for path, folders, names, at in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            if path.count("/") >= DEEPEST:
                folders.clear()
            for name in sorted(names):
                full = f"{path}/{name}".removeprefix("./")
                found = content_of(name, at, known.get(full))
                if found is not None:
                    yield full, *found
    finally:
        os.close(top)


def opened(root: Path, folder: str) -> int:
    """A folder beneath the root, opened step by step without following a link."""
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for part in folder.strip("/").split("/"):
        above = at
        try:
            at = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
        finally:
            os.close(above)
    return at


def content_of(
    name: str, at: int, known: tuple[int, int] | None
) -> tuple[tuple[int, int], bytes | None] | None:
    """(time and size, content) of a plain file, without the content of too large a one; None for anything else and for
    what is known.
    """
    try:
        number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    except OSError:
        return None
    with os.fdopen(number, "rb") as file:
        found = os.fstat(number)
        state = (found.st_mtime_ns, found.st_size)
        if not stat.S_ISREG(found.st_mode) or state == known:
            return None
        return state, file.read(LARGEST_FILE) if found.st_size <= LARGEST_FILE else None
