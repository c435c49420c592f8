"""What objects hold: a little in memory, more in files of their own, which are open only while they are used."""

import os
from collections.abc import Iterable, Iterator
from itertools import chain, count
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from weakref import finalize

MOST_IN_MEMORY = 1 << 20
PIECE = 256 << 10


class Contents:
    """Where the contents of a world's objects lie: in a folder of their own below `parent`, elsewhere without one.

    What is left of an emulator that was killed goes when the world's objects are loaded again.
    """

    def __init__(self, parent: Path | None, name: str):
        self._parent = parent
        self._name = name
        self._folder: Path | None = None
        self._numbers = count(1)
        if parent is not None:
            rmtree(parent / name, ignore_errors=True)

    def fresh_path(self) -> Path:
        """The path of a file that is not there yet."""
        if self._folder is None:
            if self._parent is None:
                self._folder = Path(mkdtemp(prefix="modelarts-emulator-objects-"))
            else:
                self._folder = self._parent / self._name
                self._folder.mkdir(parents=True, exist_ok=True)
            finalize(self, rmtree, self._folder, ignore_errors=True)
        return self._folder / str(next(self._numbers))


class Content:
    """The bytes of one object. Whoever reads pieces reads what was there when it began, whatever becomes of it.

    OSError when a disk does not take what is to be kept: then it is as it was.
    """

    def __init__(self, contents: Contents, content: bytes | Iterable[bytes] = b""):
        self._contents = contents
        self._small = b""
        self._path: Path | None = None
        self._remove: finalize | None = None
        self.size = 0
        self.replace(content)

    @property
    def is_in_memory(self) -> bool:
        """Whether these bytes are, and not in a file."""
        return self._path is None

    def replace(self, content: bytes | Iterable[bytes]) -> None:
        """Hold these bytes instead."""
        if isinstance(content, bytes | bytearray) and len(content) <= MOST_IN_MEMORY:
            self.close()
            self._small, self.size = bytes(content), len(content)
            return
        path = self._contents.fresh_path()
        size = write_all(path, (content,) if isinstance(content, bytes | bytearray) else content)
        self.close()
        # Not deleted under those who read: an open file outlives its name.
        self._path, self._remove, self.size = path, finalize(self, remove, path), size

    def fresh(self, content: bytes | Iterable[bytes]) -> "Content":
        """These bytes, kept in the same place and apart."""
        return Content(self._contents, content)

    def append(self, pieces: Iterable[bytes], size: int) -> None:
        """Hold so many bytes, which come in pieces, behind the others."""
        if self._path is None:
            whole = chain((self._small,), pieces)
            self.replace(b"".join(whole) if self.size + size <= MOST_IN_MEMORY else whole)
            return
        try:
            with self._path.open("r+b", buffering=0) as file:
                file.seek(self.size)
                for piece in pieces:
                    write_to(file, piece)
        except BaseException:
            os.truncate(self._path, self.size)
            raise
        self.size += size

    def read(self, start: int = 0, end: int | None = None) -> bytes:
        """The bytes from start up to but not including end."""
        end = self.size if end is None else min(end, self.size)
        if self._path is None:
            return self._small[start:end]
        with self._path.open("rb", buffering=0) as file:
            file.seek(start)
            return file.read(max(0, end - start))

    def pieces(self, start: int, end: int) -> Iterable[bytes]:
        """The same in pieces, of which only one is in memory at a time; read to the end, or close it."""
        if self._path is None:
            return (self._small[start:end],)
        pieces = pieces_of(self._path, start, end)
        # Open the file now: the name may be gone when the first piece is asked for.
        next(pieces)
        return pieces

    def close(self) -> None:
        """Let go of the bytes."""
        if self._remove is not None:
            self._remove()
        self._small, self._path, self._remove, self.size = b"", None, None, 0


def pieces_of(path: Path, start: int, end: int) -> Iterator[bytes]:
    """First nothing, once the file is open; then its bytes from start to end."""
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        yield b""
        while start < end and (piece := file.read(min(PIECE, end - start))):
            start += len(piece)
            yield piece


def write_all(path: Path, parts: Iterable[bytes]) -> int:
    """Write a file; its size. Nothing of it is there when that fails."""
    try:
        with path.open("xb", buffering=0) as file:
            for part in parts:
                write_to(file, part)
            return file.tell()
    except BaseException:
        remove(path)
        raise


def write_to(file, content: bytes) -> None:
    """Write all of it."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def remove(path: Path) -> None:
    """Remove a file that may be gone with its folder."""
    path.unlink(missing_ok=True)
