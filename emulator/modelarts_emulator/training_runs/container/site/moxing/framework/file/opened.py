"""A file that is open, here or in OBS."""

import io

from moxing.framework.file import objects
from moxing.framework.file.errors import MoxFileNotExistsException
from moxing.framework.file.file_io import OPEN, read, write
from moxing.framework.file.objects import is_object_url

MODES = {"r", "w", "a", "r+", "w+", "a+"}


class File:
    """A file opened as `open` does; what is written to one in OBS is there after flush() or close()."""

    def __init__(self, url, mode: str = "r", encoding: str | None = None, **others):
        self.url, self.mode = url, mode
        plain = mode.replace("b", "").replace("t", "")
        if plain not in MODES:
            raise ValueError(
                f"mode is {mode!r}, must be one of {', '.join(sorted(MODES))}, with or without b"
            )
        self._is_remote, self._changes = is_object_url(url), plain != "r"
        if not self._is_remote:
            self._file = OPEN(url, mode, encoding=encoding)
            return
        if plain[0] == "r" and not objects.is_object(url):
            raise MoxFileNotExistsException(f"{url} does not exist")
        content = b"" if plain[0] == "w" or not objects.is_object(url) else read(url, binary=True)
        self._bytes = io.BytesIO(content)
        self._bytes.seek(0, io.SEEK_END if plain[0] == "a" else io.SEEK_SET)
        binary = "b" in mode
        self._file = (
            self._bytes if binary else io.TextIOWrapper(self._bytes, encoding or "utf-8", write_through=True)
        )

    @property
    def name(self) -> str:
        """The path or address."""
        return self.url

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._file.closed

    def size(self) -> int:
        """The bytes in it."""
        here = self._file.tell()
        end = self._file.seek(0, io.SEEK_END)
        self._file.seek(here)
        return end

    def read(self, n: int = -1):
        """What comes next."""
        return self._file.read(n)

    def readline(self):
        """The next line."""
        return self._file.readline()

    def readlines(self):
        """The lines that are left."""
        return self._file.readlines()

    def seek(self, offset: int, whence: int = 0):
        """Go to a place in it."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The place one is at."""
        return self._file.tell()

    def write(self, data):
        """Put something there."""
        return self._file.write(data)

    def writelines(self, lines) -> None:
        """Put lines there."""
        self._file.writelines(lines)

    def flush(self) -> None:
        """See that what was written is there for others."""
        self._file.flush()
        if self._is_remote and self._changes:
            write(self.url, self._bytes.getvalue(), binary=True)

    def close(self) -> None:
        """Be done with it."""
        if not self._file.closed:
            self.flush()
            self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __iter__(self):
        return iter(self._file)
