"""The file that makes worlds durable: one line a transaction, each with its checksum."""

import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from io import FileIO
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from typing import IO, TYPE_CHECKING, Any
from zlib import crc32

import orjson

from modelarts_emulator.real_time import pause
from modelarts_emulator.worlds.old_states import carried_over

if TYPE_CHECKING:
    from modelarts_emulator.worlds.store import Store

FORMAT = 3
FOLD_ABOVE = 64 << 20
PIECE = 1 << 20
# A fold copies what came meanwhile so often at most until so little is left that others can wait for it.
MOST_ROUNDS, LITTLE = 8, 64 << 10
# A thread that computes is asked for the interpreter only after 5 ms, which each write of the others would wait: a fold
# rests after so many lines.
LINES_AT_ONCE, REST_SECONDS = 16, 0.0005
# (world, table, id or None for the whole table, JSON text or None for a deletion)
Change = tuple[str, str, str | None, bytes | None]
log = logging.getLogger("modelarts_emulator.journal")


class StateRefused(Exception):
    """A state directory that cannot be used: of a newer format, used by another process, or no state at all."""


class StateUnwritten(OSError):
    """The disk refused a change, of which nothing stays, neither in memory nor in the file."""


class Journal:
    """The file that makes worlds durable: one line a transaction, folded when most of it is history.

    What `append` has returned from survives a kill of the process: the kernel has it. With sync=True it
    survives a loss of power too. Any thread may append. Raises StateRefused when another process uses the directory,
    or when its file is damaged, of a newer format, or not ours: then the file stays as it is.

    trouble: why the last change could not be written; None when it could. format: the one of what was read.
    """

    def __init__(self, folder: Path, sync: bool = False):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.path = folder / "records.jsonl"
        self.sync = sync
        self.trouble: str | None = None
        self._directory_lock = (folder / "lock").open("ab")
        try:
            fcntl.flock(self._directory_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._directory_lock.close()
            raise StateRefused(
                f"{folder} is in use by another emulator; stop it or choose another --state"
            ) from None
        self._lock = Lock()
        # Never a descriptor by its number: once it is closed, the number may be anybody's.
        self._file: FileIO | None = None
        self._size = self._live = 0
        self._is_torn = False
        self._folding: Thread | None = None
        self._is_closing = False
        self._fresh_numbers = count(1)
        self._entries = 0
        self.format = FORMAT

    def read(self) -> Iterator[Change]:
        """What was written, in order; a broken last line is cut off with a warning."""
        if not self.path.exists():
            return
        good = 0
        with self.path.open("rb") as file:
            line = file.readline()
            self.format = self._format_in(line)
            good += len(line)
            for number, line in enumerate(file, 2):
                changes = changes_in(line, self.format)
                if changes is None:
                    if file.read(1):
                        raise StateRefused(f"{self.path}: line {number} is damaged and more lines follow it")
                    log.warning("%s: the last line was cut off or damaged; it is dropped", self.path)
                    break
                good += len(line)
                self._entries += len(changes)
                yield from changes
        if good < self.path.stat().st_size:
            os.truncate(self.path, good)

    def open(self, worlds: dict[str, "Store"]) -> None:
        """Append from now on; to a fresh file with what is live where that is better. worlds: {tag: Store}."""
        for left in self.folder.glob("records-*.new"):
            left.unlink()
        live = sum(len(store) for store in worlds.values())
        if self.format < FORMAT or not self.path.exists() or self._entries > 2 * live:
            fresh = self._fresh_path()
            with fresh.open("xb") as file:
                file.write(first_line())
                for tag, store in worlds.items():
                    for table, id, blob in store.records():
                        file.write(line_of(tag, {(table, id): blob}))
                settle_on_disk(file)
            self._take(fresh)
            settle_folder(self.folder)
        else:
            self._use(FileIO(self.path, "a"))
        self._live = self._size

    def append(
        self, tag: str, changes: dict[tuple[str, str], bytes | None], emptied: Sequence[str] = ()
    ) -> None:
        """Write one transaction: which tables were emptied first, then {(table, id): JSON text or None}.

        StateUnwritten when the disk refuses it.
        """
        self._write(line_of(tag, changes, emptied))

    def close(self) -> None:
        """Let go of the directory."""
        folding, self._is_closing = self._folding, True
        if folding is not None:
            folding.join()
        with self._lock:
            is_history = self._file is not None and self._size > max(FOLD_ABOVE, 4 * self._live)
        if is_history:
            self._fold()
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
            self._directory_lock.close()

    def _write(self, line: bytes) -> None:
        with self._lock:
            if self._file is None:
                raise StateUnwritten(f"{self.folder} is closed already")
            try:
                self._mend()
                written = os.write(self._file.fileno(), line)
                if written != len(line):
                    raise OSError(None, f"only {written} of {len(line)} bytes could be written")
                if self.sync:
                    os.fsync(self._file.fileno())
            except OSError as error:
                self._is_torn = True
                self._refuse(error)
            self.trouble = None
            self._size += len(line)
            if self._size > max(FOLD_ABOVE, 4 * self._live) and self._folding is None:
                self._folding = Thread(target=self._fold, name="folding", daemon=True)
                self._folding.start()

    def _mend(self) -> None:
        """Cut off what is left of a line that could not be written whole."""
        if self._is_torn and self._file is not None:
            self._file.truncate(self._size)
            self._is_torn = False

    def _refuse(self, error: OSError) -> None:
        """StateUnwritten in words for who has to make room."""
        try:
            self._mend()
        except OSError:
            log.warning("%s: a line that was not written whole is cut off later", self.path)
        self.trouble = words_of(self.folder, error)
        log.error("%s", self.trouble)
        raise StateUnwritten(self.trouble) from None

    def _fold(self) -> None:
        """Replace the file by one with what is live. Only for the last of it others wait: what came meanwhile."""
        fresh = self._fresh_path()
        try:
            with self._lock:
                end = self._size
            with self.path.open("rb") as source, fresh.open("xb") as target:
                for number, line in enumerate(live_lines(source, end)):
                    if line:
                        target.write(line)
                    if number % LINES_AT_ONCE == 0 and not self._is_closing:
                        pause(REST_SECONDS)
                settle_on_disk(target)
                live = target.tell()
                for _ in range(MOST_ROUNDS):
                    start, end = end, copy(source, target, end, self._size)
                    settle_on_disk(target)
                    if end - start < LITTLE:
                        break
                with self._lock:
                    copy(source, target, end, self._size)
                    target.flush()
                    if self.sync:
                        settle_on_disk(target)
                    self._take(fresh)
                    self._live = live
            settle_folder(self.folder)
        except OSError as error:
            log.warning("%s could not be folded and goes on growing: %s", self.path, error)
            fresh.unlink(missing_ok=True)
            self._live = self._size
        self._folding = None

    def _fresh_path(self) -> Path:
        return self.folder / f"records-{os.getpid()}-{next(self._fresh_numbers)}.new"

    def _take(self, fresh: Path) -> None:
        """Put the fresh file in the place of the old one and append to it."""
        file = FileIO(fresh, "a")
        fresh.replace(self.path)
        self._use(file)

    def _use(self, file: FileIO) -> None:
        if self._file is not None:
            self._file.close()
        self._file = file
        self._size = os.fstat(file.fileno()).st_size

    def _format_in(self, line: bytes) -> int:
        """The format that the first line names; StateRefused for one that is not ours or newer."""
        try:
            header = orjson.loads(line)
            format = header["format"] if line.endswith(b"\n") and "records" in header["what"] else None
        except (ValueError, KeyError, TypeError):
            format = None
        if not isinstance(format, int):
            what = "is empty" if not line else "does not begin as a state of this emulator does"
            raise StateRefused(
                f"{self.path} {what}; it stays as it is: move it away, or choose another --state"
            )
        if format > FORMAT:
            raise StateRefused(
                f"{self.path} has format {format}, this emulator reads up to {FORMAT}: use a newer emulator"
            )
        return format


def words_of(folder: Path, error: OSError) -> str:
    """Why a folder cannot be written, for who has to make room in it."""
    from shutil import disk_usage

    free = disk_usage(folder).free
    return f"{folder} cannot be written: {error.strerror or error}; {free:,} bytes are free there"


def first_line() -> bytes:
    """What a journal begins with."""
    return orjson.dumps({"format": FORMAT, "what": "records of a ModelArts emulator"}) + b"\n"


def checked_line(entry: bytes) -> bytes:
    """The JSON text of an entry as a line, its checksum in front."""
    return b"%08x %b\n" % (crc32(entry), entry)


def line_of(tag: str, changes: dict[tuple[str, str], bytes | None], emptied: Sequence[str] = ()) -> bytes:
    """The line of one transaction: what changes as JSON, then after a tab each what the records are since.

    No JSON text has a tab or a line break in it; that of a record that is gone is empty.
    """
    head: dict[str, Any] = {"world": tag, "records": list(changes)}
    if emptied:
        head["cleared"] = emptied
    return checked_line(b"\t".join((orjson.dumps(head), *(blob or b"" for blob in changes.values()))))


def changes_in(line: bytes, format: int) -> list[Change] | None:
    """What a line says in order; None when it is not whole or not what was written."""
    if not line.endswith(b"\n"):
        return None
    entry = line[:-1] if format == 1 else line[9:-1]
    if format > 1 and line[:9] != b"%08x " % crc32(entry):
        return None
    text, *blobs = entry.split(b"\t") if format > 2 else (entry,)
    try:
        head = orjson.loads(text)
        world, records = head["world"], head.get("records", ())
        cleared = head.get("cleared", ())
        if format < 3:
            cleared, records, blobs = carried_over(cleared, records, format)
        changes: list[Change] = [(world, table, None, None) for table in cleared]
        for (table, id), blob in zip(records, blobs, strict=True):
            changes.append((world, table, id, blob or None))
    except (KeyError, TypeError, ValueError):
        return None
    return changes


def live_lines(source: IO[bytes], end: int) -> Iterator[bytes]:
    """The lines of a file with what is live in the first `end` bytes of a journal, in order of insertion.

    An empty one for each line that is read, so that who asks may rest meanwhile.
    """
    worlds: dict[str, dict[str, dict[str, bytes]]] = {}
    yield source.readline()
    while source.tell() < end:
        yield b""
        for tag, table, id, blob in changes_in(source.readline(), FORMAT) or ():
            tables = worlds.setdefault(tag, {})
            if id is None:
                tables.pop(table, None)
            elif blob is None:
                tables.get(table, {}).pop(id, None)
            else:
                tables.setdefault(table, {})[id] = blob
    for tag, tables in worlds.items():
        for table, records in tables.items():
            for id, blob in records.items():
                yield line_of(tag, {(table, id): blob})


def copy(source: IO[bytes], target: IO[bytes], start: int, end: int) -> int:
    """Copy the bytes from start to end; where that ended."""
    source.seek(start)
    while start < end:
        piece = source.read(min(PIECE, end - start))
        target.write(piece)
        start += len(piece)
    return end


def settle_folder(folder: Path) -> None:
    """See that a name that was put into a folder survives a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def settle_on_disk(file: IO[bytes]) -> None:
    """See that what was written survives a loss of power."""
    file.flush()
    os.fsync(file.fileno())
