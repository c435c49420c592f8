"""The file that lets a world's objects survive: every change that was answered with success, in order.

A change is written in two steps. First its frame is put down without the mark that makes it count, so that the disk
has taken all of it before anything changes in memory; then, when the change has been done, the mark is set in place.
"""

import logging
import os
import struct
import zlib
from collections.abc import Iterator
from io import FileIO
from itertools import chain
from mmap import ACCESS_READ, mmap
from pathlib import Path

import orjson

from modelarts_emulator.obs.bodies import Sent, crc32_of, sent
from modelarts_emulator.obs.liveness import live_numbers
from modelarts_emulator.worlds.journal import StateRefused, StateUnwritten, words_of

FORMAT = 1
MAGIC = b"OBSR"
FRAME = struct.Struct(">4sIQI")
UNMARKED = bytes(4)
# What a change finds out about itself while it is done, such as the id of an upload, has room in its header.
ROOM = 96
FOLD_ABOVE = 1 << 20
# So much of all journals is read whole at the start; of what is longer only the frames are followed.
READ_AT_START = 64 << 20
log = logging.getLogger("modelarts_emulator.obs")


class Journal:
    """One world's file. What `append` has returned from survives a kill of the process: the kernel has it.

    Records are told apart by their `number`, which grows. Raises StateRefused when the file is no journal, is of a
    newer format, or is damaged anywhere but at its end.
    """

    def __init__(self, path: Path):
        self.path = path
        self.trouble: str | None = None
        self._file: FileIO | None = None
        self._size = 0
        self._reserved = self._end = 0
        self._owed: tuple[bytes, Sent] | None = None

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
                kept = self._folded(kept)
            with self.path.open("rb") as file:
                for record, start, size in kept:
                    file.seek(start)
                    yield record, self._content(file.read(size))
        self._open()

    def reserve(self, record: dict, body: Sent, room: int = ROOM) -> None:
        """Have the disk take a change that is going to be done; it does not count yet. StateUnwritten when it cannot.

        room: by how many bytes the record may grow until it is committed.
        """
        header = orjson.dumps(record)
        self._reserved = len(header) + room
        try:
            self._write(FRAME.pack(UNMARKED, self._reserved, body.size, 0) + header + b" " * room, body)
        except OSError as error:
            self.release()
            self._refuse(error)
        self.trouble = None

    def commit(self, record: dict, body: Sent) -> None:
        """Make the reserved change count. StateUnwritten when that cannot be written, which is owed from then on."""
        header = orjson.dumps(record).ljust(self._reserved)
        checksum = crc32_of(body.pieces(), zlib.crc32(header))
        head = FRAME.pack(MAGIC, len(header), body.size, checksum) + header
        self._owed = head, sent(b"") if len(header) == self._reserved else body
        self._end = self._size + len(head) + body.size
        self.settle()

    def release(self) -> None:
        """Take back what was reserved: the change has been refused."""
        if self._file is not None:
            self._file.truncate(self._size)

    @property
    def position(self) -> int:
        """Where what counts ends."""
        return self._size

    def take_back(self, position: int) -> None:
        """Let nothing count that has come after that position; that needs no room."""
        self._owed = None
        self._size = position
        self.release()

    def settle(self) -> None:
        """Write what is owed. StateUnwritten when that still cannot be."""
        if self._owed is not None:
            try:
                self._write(*self._owed)
            except OSError as error:
                self._refuse(error)
            self._size, self._owed, self.trouble = self._end, None, None

    def forget(self) -> None:
        """Begin anew with an empty file."""
        self.path.unlink(missing_ok=True)
        self.close()
        # It is made again with its first line alone, by the first change: what is noted before that says this.
        self._size = len(first_line())
        self._owed = self.trouble = None

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, head: bytes, body: Sent) -> None:
        """Write after all that counts."""
        self._open()
        at = self._size
        for part in chain((head,), body.pieces()):
            rest = memoryview(part)
            while rest:
                written = os.pwrite(self._file.fileno(), rest, at)
                at += written
                rest = rest[written:]

    def _refuse(self, error: OSError) -> None:
        self.trouble = words_of(self.path.parent, error)
        log.error("%s", self.trouble)
        raise StateUnwritten(self.trouble) from None

    def _open(self) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                # Never a file that is there without its first line: it would be refused at the next start.
                fresh = self.path.with_suffix(".new")
                fresh.write_bytes(first_line())
                fresh.replace(self.path)
            self._file = FileIO(self.path, "r+")
            self._size = os.fstat(self._file.fileno()).st_size

    def check(self, reads_all: bool) -> None:
        """StateRefused when the file is no journal or is damaged; content that is not read is not looked at."""
        for _ in self._places(reads_all):
            pass

    def _places(self, reads_all: bool = True) -> Iterator[tuple[dict, int, int]]:
        """(record, where its frame starts, its size) of all whole frames; what is cut off at the end is removed."""
        length = self.path.stat().st_size
        with self.path.open("rb") as file:
            refuse_foreign(file.readline(200), self.path)
            start = file.tell()
            while start < length:
                file.seek(start)
                record, size = frame_at(file, length - start, reads_all)
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

    def _folded(self, places: list) -> list:
        """Where these frames are after a fold; where they were when there is no room for one."""
        try:
            return self._fold(places)
        except OSError as error:
            log.warning("%s could not be folded: %s", self.path, error)
            self.path.with_suffix(".new").unlink(missing_ok=True)
            return places

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


def check_journals(folder: Path) -> None:
    """StateRefused when a world's objects cannot be read back; says which file it is. Loads none of them."""
    left = READ_AT_START
    for path in sorted(folder.glob("*.journal")):
        left -= path.stat().st_size
        Journal(path).check(reads_all=left >= 0)


def cut_journal(folder: Path, tag: str, position: int) -> None:
    """Let nothing count that came after that position in the journal of a world whose objects are not loaded."""
    path = folder / f"{tag}.journal"
    if path.exists() and path.stat().st_size > position:
        os.truncate(path, position)


def frame_at(file, left: int, reads_all: bool = True) -> tuple[dict | None, int]:
    """(record, size) of the frame at the file's position, after which `left` bytes come; None when it is not whole."""
    head = file.read(FRAME.size)
    if len(head) < FRAME.size:
        return None, left
    magic, header_size, body_size, checksum = FRAME.unpack(head)
    size = FRAME.size + header_size + body_size
    if magic != MAGIC or size > left:
        return None, left
    header = file.read(header_size)
    if not reads_all:
        return record_in(header), size
    found = zlib.crc32(header)
    while body_size:
        part = file.read(min(body_size, 1 << 20))
        found, body_size = zlib.crc32(part, found), body_size - len(part)
    return (orjson.loads(header), size) if found == checksum else (None, size)


def record_in(header: bytes) -> dict | None:
    """The record that a header holds; None when it is none."""
    try:
        return orjson.loads(header)
    except ValueError:
        return None


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
