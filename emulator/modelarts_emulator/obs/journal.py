"""The file that lets a world's objects survive: every change that was answered with success, in order."""

import logging
import os
import struct
import zlib
from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path

import orjson

from modelarts_emulator.obs.liveness import live_numbers
from modelarts_emulator.worlds.journal import StateRefused

FORMAT = 1
MAGIC = b"OBSR"
FRAME = struct.Struct(">4sIQI")
FOLD_ABOVE = 1 << 20
log = logging.getLogger("modelarts_emulator.obs")


class Journal:
    """One world's file. What `append` has returned from survives a kill of the process: the kernel has it.

    Records are told apart by their `number`, which grows. Raises StateRefused when the file is no journal, is of a
    newer format, or is damaged anywhere but at its end.
    """

    def __init__(self, path: Path):
        self.path = path
        self._file = None
        self._size = 0
        self._owed = b""

    def read(self) -> Iterator[tuple[dict, bytes]]:
        """(record, body) of the changes that still matter, in order; a cut off last one is dropped with a warning.

        When most of the file does not matter any more, it is replaced by one with what does.
        """
        if self.path.exists():
            places = list(self._places())
            live = live_numbers([record for record, _, _ in places])
            kept = [place for place in places if place[0]["number"] in live]
            kept_size = sum(size for _, _, size in kept)
            if self.path.stat().st_size > max(FOLD_ABOVE, 2 * kept_size):
                kept = self._fold(kept)
            with self.path.open("rb") as file:
                for record, start, size in kept:
                    file.seek(start)
                    yield record, self._content(file.read(size))
        self._open()

    def append(self, record: dict, body: bytes) -> None:
        """Write one change. OSError when it cannot be written; then nothing of it stays in the file.

        What could not be written is owed: the next call writes it first, so that no change is kept without those
        before it.
        """
        frame = framed(record, body)
        owed = self._owed + frame
        try:
            self._write(owed)
            self._owed = b""
        except OSError:
            self._owed = owed
            os.truncate(self.path, self._size)
            raise

    def settle(self) -> None:
        """Write what is owed. OSError when that still cannot be."""
        if self._owed:
            owed, self._owed = self._owed, b""
            try:
                self._write(owed)
            except OSError:
                self._owed = owed
                os.truncate(self.path, self._size)
                raise

    def forget(self) -> None:
        """Begin anew with an empty file."""
        self.close()
        self._owed = b""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, content: bytes) -> None:
        if self._file is None:
            self._open()
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self._size += len(content)

    def _open(self) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            self._size = os.fstat(self._file).st_size
            if not self._size:
                self._write(first_line())

    def _places(self) -> Iterator[tuple[dict, int, int]]:
        """(record, where its frame starts, its size) of all whole frames; what is cut off at the end is removed."""
        length = self.path.stat().st_size
        with self.path.open("rb") as file:
            refuse_foreign(file.readline(200), self.path)
            start = file.tell()
            while start < length:
                file.seek(start)
                record, size = frame_at(file, length - start)
                if record is None:
                    if self._goes_on(start + 1):
                        raise StateRefused(f"{self.path} is damaged at byte {start} and more follows it")
                    log.warning("%s: the last change was cut off or damaged; it is dropped", self.path)
                    os.truncate(self.path, start)
                    return
                yield record, start, size
                start += size

    def _goes_on(self, start: int) -> bool:
        """Whether a whole frame begins anywhere from there on."""
        with self.path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            at = content.find(MAGIC, start)
            while at >= 0:
                file.seek(at)
                if frame_at(file, len(content) - at)[0] is not None:
                    return True
                at = content.find(MAGIC, at + 1)
        return False

    def _content(self, frame: bytes) -> bytes:
        _, header_size, body_size, _ = FRAME.unpack_from(frame)
        start = FRAME.size + header_size
        return frame[start : start + body_size]

    def _fold(self, places: list) -> list:
        """Replace the file by one with only these frames; where they are now."""
        fresh = self.path.with_suffix(".new")
        moved = []
        with self.path.open("rb") as source, fresh.open("wb") as target:
            target.write(first_line())
            for record, start, size in places:
                source.seek(start)
                moved.append((record, target.tell(), size))
                target.write(source.read(size))
            target.flush()
            os.fsync(target.fileno())
        fresh.replace(self.path)
        return moved


def frame_at(file, left: int) -> tuple[dict | None, int]:
    """(record, size) of the frame at the file's position, after which `left` bytes come; None when it is not whole."""
    head = file.read(FRAME.size)
    if len(head) < FRAME.size:
        return None, left
    magic, header_size, body_size, checksum = FRAME.unpack(head)
    size = FRAME.size + header_size + body_size
    if magic != MAGIC or size > left:
        return None, left
    header = file.read(header_size)
    found = zlib.crc32(header)
    while body_size:
        part = file.read(min(body_size, 1 << 20))
        found, body_size = zlib.crc32(part, found), body_size - len(part)
    return (orjson.loads(header), size) if found == checksum else (None, size)


def framed(record: dict, body: bytes) -> bytes:
    """The record and its body as they are written."""
    header = orjson.dumps(record)
    return FRAME.pack(MAGIC, len(header), len(body), zlib.crc32(body, zlib.crc32(header))) + header + body


def first_line() -> bytes:
    """What a journal begins with."""
    return orjson.dumps({"format": FORMAT, "what": "objects of a ModelArts emulator"}) + b"\n"


def refuse_foreign(line: bytes, path: Path) -> None:
    """StateRefused unless the line begins a journal that this emulator can read."""
    try:
        header = orjson.loads(line)
        format = header["format"] if "objects" in header["what"] else None
    except (ValueError, KeyError, TypeError):
        format = None
    if not isinstance(format, int):
        raise StateRefused(f"{path} is no journal of this emulator's objects")
    if format > FORMAT:
        raise StateRefused(
            f"{path} has format {format}, this emulator reads up to {FORMAT}: use a newer emulator"
        )
