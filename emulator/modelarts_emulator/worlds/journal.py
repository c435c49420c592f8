"""The file that makes worlds durable: one line a transaction."""

import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import orjson

FORMAT = 1
FOLD_ABOVE = 64 << 20
log = logging.getLogger("modelarts_emulator.journal")


class StateRefused(Exception):
    """A state directory that cannot be used: of a newer format, used by another process, or no state at all."""


class Journal:
    """The file that makes worlds durable: one line a transaction, folded when most of it is history.

    What `append` has returned from survives a kill of the process: the kernel has it. With sync=True it
    survives a loss of power too. Raises StateRefused when another process uses the directory or the format is
    newer.
    """

    def __init__(self, folder: Path, sync: bool = False):
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "records.jsonl"
        self.sync = sync
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise StateRefused(
                f"{folder} is in use by another emulator; stop it or choose another --state"
            ) from None
        self._file = None
        self._size = self._live = 0

    def read(self) -> Iterator[tuple[str, str, str | None, bytes | None]]:
        """(world, table, id or None for the whole table, JSON text or None for a deletion) in order; a broken
        last line is cut off with a warning.
        """
        if not self.path.exists():
            return
        good = 0
        with self.path.open("rb") as file:
            for number, line in enumerate(file):
                try:
                    entries = orjson.loads(line) if line.endswith(b"\n") else None
                except ValueError:
                    entries = None
                if entries is None:
                    if file.read(1):
                        raise StateRefused(
                            f"{self.path}: line {number + 1} is damaged and more lines follow it"
                        )
                    log.warning("%s: the last line was cut off or damaged; it is dropped", self.path)
                    break
                good += len(line)
                if number == 0:
                    self._refuse_newer(entries)
                    continue
                for table in entries.get("cleared", ()):
                    yield entries["world"], table, None, None
                for table, id, record in entries.get("records", ()):
                    yield entries["world"], table, id, None if record is None else orjson.dumps(record)
        if good < self.path.stat().st_size:
            os.truncate(self.path, good)

    def open(self, worlds: dict) -> None:
        """Fold what is live into a fresh file and append to it from now on; worlds: {tag: Store}."""
        self.worlds = worlds
        self._fold()

    def append(self, tag: str, changes: dict) -> None:
        """Write one transaction: {(table, id): JSON text or None}."""
        entries = b",".join(
            b"[" + orjson.dumps(table) + b"," + orjson.dumps(id) + b"," + (blob or b"null") + b"]"
            for (table, id), blob in changes.items()
        )
        self._write(b'{"world":"' + tag.encode() + b'","records":[' + entries + b"]}\n")

    def append_clear(self, tag: str, names: list[str]) -> None:
        """Write that these tables of a world were emptied."""
        self._write(orjson.dumps({"world": tag, "cleared": names}) + b"\n")

    def close(self) -> None:
        """Let go of the directory."""
        if self._file is not None:
            os.close(self._file)
        os.close(self._lock)

    def _write(self, line: bytes) -> None:
        written = os.write(self._file, line)
        if written != len(line):
            os.truncate(self.path, self._size)
            raise OSError(f"{self.path}: only {written} of {len(line)} bytes could be written")
        if self.sync:
            os.fsync(self._file)
        self._size += len(line)
        if self._size > max(FOLD_ABOVE, 4 * self._live):
            self._fold()

    def _fold(self) -> None:
        fresh = self.path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(orjson.dumps({"format": FORMAT, "what": "records of a ModelArts emulator"}) + b"\n")
            for tag, store in self.worlds.items():
                for table, id, blob in store.records():
                    entry = b"[" + orjson.dumps(table) + b"," + orjson.dumps(id) + b"," + blob + b"]"
                    file.write(b'{"world":"' + tag.encode() + b'","records":[' + entry + b"]}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        if self._file is not None:
            os.close(self._file)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self._size = self._live = os.fstat(self._file).st_size

    def _refuse_newer(self, header: dict) -> None:
        if not isinstance(header, dict) or "format" not in header:
            raise StateRefused(f"{self.path} is no state of this emulator")
        if header["format"] > FORMAT:
            raise StateRefused(
                f"{self.path} has format {header['format']}, this emulator reads up to {FORMAT}: use a newer emulator"
            )
