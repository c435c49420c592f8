"""Records: TinyDB tables whose writes cost the same however much they hold."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

import orjson
from tinydb.storages import MemoryStorage
from tinydb.table import Document
from tinydb.table import Table as TinyTable

from modelarts_emulator.worlds.indexes import Holders, Sorted
from modelarts_emulator.worlds.journal import Journal

Path = str | tuple[str, ...]


def value_at(record: Any, path: Path) -> Any:
    """The value at a dotted path such as `status.phase`, or at the names of a tuple; None where there is none."""
    for step in path.split(".") if isinstance(path, str) else path:
        if not isinstance(record, dict):
            return None
        record = record.get(step)
    return record


class Table(TinyTable):
    """Records of one kind by id, in order of insertion.

    A record is a dict of JSON values. What comes out is a copy; what goes in is copied. TinyDB's queries and
    its reading and writing methods work; `put`, `find` and `drop` are the ones whose cost does not grow.
    A table belongs to a Store, whose lock its callers hold.
    """

    # TinyDB counts its documents; ours are called by the ids of the API.
    document_id_class = str  # type: ignore[assignment]

    def __init__(self, name: str, store: "Store"):
        super().__init__(MemoryStorage(), name, cache_size=0)
        self._store = store
        self._blobs: dict[str, bytes] = {}
        self._columns: dict[Path, dict[str, Any]] = {}
        self._lookups: dict[Path, Holders] = {}
        self._sorted: dict[tuple[Path, bool], Sorted] = {}
        # When each record was inserted, counted: the order that lists have whatever a record says since.
        self._numbers: dict[str, int] = {}
        self._inserted = 0
        self._is_mixed = False

    def find(self, id: str) -> dict | None:
        """A copy of the record, None when there is none."""
        blob = self._blobs.get(id)
        return None if blob is None else orjson.loads(blob)

    def copy_of(self, id: str) -> dict:
        """A copy of a record that is there. KeyError when it is not."""
        record: dict = orjson.loads(self._blobs[id])
        return record

    def blob(self, id: str) -> bytes | None:
        """The record as JSON text, ready to be sent; None when there is none."""
        return self._blobs.get(id)

    def put(self, id: str, record: dict) -> None:
        """Store the record under the id; TypeError when it holds anything but JSON values."""
        # orjson leaves the room that it wrote in around its answer, a kilobyte and more; a copy has none.
        self._store.note(self, id, bytes(memoryview(orjson.dumps(record))), record)

    def drop(self, id: str) -> bool:
        """Forget the record; whether there was one."""
        if id not in self._blobs:
            return False
        self._store.note(self, id, None, None)
        return True

    def __contains__(self, id: str) -> bool:
        return id in self._blobs

    def __len__(self) -> int:
        return len(self._blobs)

    def __iter__(self) -> Iterator[Document]:
        for id, blob in list(self._blobs.items()):
            yield Document(orjson.loads(blob), id)  # type: ignore[arg-type]

    def ids(self, newest_first: bool = False) -> Iterable[str]:
        """All ids by age; read them before the table changes."""
        return reversed(self._blobs) if newest_first else iter(self._blobs)

    def page_ids(self, offset: int, limit: int, newest_first: bool = True) -> list[str]:
        """The ids from `offset` on, at most `limit`; costs what the page costs, not what the table holds."""
        return list(islice(self.ids(newest_first), offset, offset + limit))

    def page(self, offset: int, limit: int, newest_first: bool = True) -> list[dict]:
        """The records from `offset` on, at most `limit`."""
        return [orjson.loads(self._blobs[id]) for id in self.page_ids(offset, limit, newest_first)]

    def column(self, path: Path) -> dict[str, Any]:
        """{id: value} of the member at that path for all records; kept up to date once asked for."""
        if path not in self._columns:
            self._columns[path] = {id: value_at(orjson.loads(blob), path) for id, blob in self._blobs.items()}
        return self._columns[path]

    def having(self, path: Path, value: Any) -> list[str]:
        """The ids of the records with that value at the path, oldest first; an index answers, no scan."""
        return self._lookup(path).ids(value, self._numbers)

    def how_many(self, path: Path, value: Any) -> int:
        """How many records have that value at the path; costs the same however many they are."""
        return self._lookup(path).count(value)

    def ordered(self, path: Path, descending: bool = False) -> Sequence[str]:
        """All ids by the member at the path, equal ones by age: an index, to be read before the table changes."""
        if (path, descending) not in self._sorted:
            self._sorted[path, descending] = Sorted(self.column(path), self._numbers, descending)
        return self._sorted[path, descending].ids()

    def number(self, id: str) -> int:
        """When the record was inserted, counted: larger than those of all that are older. KeyError for no record."""
        return self._numbers[id]

    def get(self, cond: Any = None, doc_id: Any = None, doc_ids: Any = None) -> Any:
        """TinyDB's get; by id it costs no scan."""
        if doc_id is not None:
            found = self.find(doc_id)
            return None if found is None else Document(found, doc_id)
        return super().get(cond, None, doc_ids)

    def _lookup(self, path: Path) -> Holders:
        if path not in self._lookups:
            lookup = self._lookups[path] = Holders()
            column = self.column(path)
            for id in self._blobs:
                lookup.note(column[id], id, is_newest=True)
        return self._lookups[path]

    def _read_table(self) -> Any:
        return {document.doc_id: document for document in self}

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        before: dict[Any, Document] = self._read_table()
        after = {id: dict(document) for id, document in before.items()}
        updater(after)
        for id in before.keys() - after.keys():
            self.drop(id)
        for id, record in after.items():
            if before.get(id) != record:
                self.put(id, dict(record))

    def _get_next_id(self) -> Any:
        return self._store.next_id()

    def _set(self, id: str, blob: bytes | None, record: dict | None, number: int | None = None) -> tuple:
        """Change one record; (what it was, its number). number: the one of a record that comes back."""
        before, before_number = self._blobs.get(id), self._numbers.get(id)
        if blob is None:
            self._blobs.pop(id, None)
            self._numbers.pop(id, None)
        else:
            self._blobs[id] = blob
            if before is None:
                self._numbers[id] = self._inserted if number is None else number
                self._inserted += 1
                self._is_mixed = self._is_mixed or number is not None
        if self._columns and (blob is not None or before is not None):
            self._reindex(id, blob, record, before is not None, before_number, number is None)
        return before, before_number

    def sort(self) -> None:
        """Bring records that have come back to where they stood."""
        if self._is_mixed:
            self._is_mixed = False
            self._blobs = {id: self._blobs[id] for id in sorted(self._blobs, key=self.number)}

    def _reindex(
        self, id: str, blob: bytes | None, record: dict | None, was: bool, number: Any, is_new: bool
    ) -> None:
        """Bring the columns and indexes up to date; a value that is as it was keeps its place in them."""
        if blob is not None and record is None:
            record = orjson.loads(blob)
        for path, column in self._columns.items():
            held = column.pop(id, None) if blob is None else column.get(id)
            value = None if blob is None else value_at(record, path)
            if blob is not None:
                column[id] = value
                if was and held == value and type(held) is type(value):
                    continue
            lookup = self._lookups.get(path)
            if lookup is not None:
                if was:
                    lookup.drop(held, id)
                if blob is not None:
                    lookup.note(value, id, is_newest=not was and is_new)
            for descending in (False, True):
                index = self._sorted.get((path, descending))
                if index is not None and was:
                    index.drop(held, number, id)
                if index is not None and blob is not None:
                    index.note(value, self._numbers[id], id)


class Companion(Protocol):
    """What is changed elsewhere together with records: it counts if they do."""

    def keep(self) -> None:
        """The records count."""

    def undo(self) -> None:
        """They do not: be as before."""


class Store:
    """The tables of one world, changed in transactions: all of a request's writes count, or none.

    sequence_before: how many ids it had made when the present transaction began.
    Not thread-safe by itself: whoever uses it holds the world's lock.
    """

    def __init__(self, tag: str = "", journal: Journal | None = None):
        self.tag = tag
        self._journal = journal
        self._tables: dict[str, Table] = {}
        self._undo: list = []
        self._pending: dict = {}
        # Tables that the transaction has emptied before it wrote anything.
        self._emptied: dict[str, Table] = {}
        self._companions: list[Companion] = []
        self._sequence = self.sequence_before = 0
        # Told of each change with how things were before it; None while nobody wants to know.
        self.changed: Callable[[list], None] | None = None

    def join(self, companion: Companion) -> None:
        """Tell it how the transaction ends, once."""
        self._companions.append(companion)

    def table(self, name: str) -> Table:
        """The table of that name; it need not have been there."""
        if name not in self._tables:
            self._tables[name] = Table(name, self)
        return self._tables[name]

    def names(self) -> list[str]:
        """The names of all tables that hold something."""
        return [name for name, table in self._tables.items() if len(table)]

    def __len__(self) -> int:
        return sum(len(table) for table in self._tables.values())

    def tables_with(self, id: str) -> list[str]:
        """The names of the tables that hold a record with that id at this moment.

        Anybody may ask without the lock, to find out whose lock is worth waiting for; what counts is what is found
        under it.
        """
        tables = [*list(self._emptied.items()), *list(self._tables.items())]
        return [name for name, table in tables if id in table]

    def next_id(self) -> str:
        """An id for records that TinyDB's own insert has to name."""
        self._sequence += 1
        return f"{self._sequence:012d}"

    def note(self, table: Table, id: str, blob: bytes | None, record: dict | None) -> None:
        """Change one record inside the transaction that `commit` or `rollback` ends."""
        self._undo.append((table, id, *table._set(id, blob, record)))
        self._pending[(table.name, id)] = blob

    @property
    def changes(self) -> int:
        """How many writes the transaction has made so far."""
        return len(self._undo)

    def commit(self) -> None:
        """Make the changes since the last commit count; with a journal they are on their way to disk on
        return.

        OSError when the disk refuses them: then they are undone.
        """
        if self._journal is not None and (self._undo or self._emptied):
            try:
                self._journal.append(self.tag, self._pending, list(self._emptied))
            except OSError:
                self.rollback()
                raise
        if self.changed is not None and self._undo:
            undo, self._undo = self._undo, []
            self.changed(undo)
        self._end()
        while self._companions:
            self._companions.pop().keep()

    def rollback(self) -> None:
        """Undo the changes since the last commit."""
        for table, id, before, number in reversed(self._undo):
            table._set(id, before, None, number)
        self.sort()
        self._sequence = self.sequence_before
        self._tables.update(self._emptied)
        self._end()
        while self._companions:
            self._companions.pop().undo()

    def take_back(self, name: str, id: str, blob: bytes | None, number: int | None) -> None:
        """Change one record to what it was, in the place that it had, inside the present transaction."""
        table = self.table(name)
        if id in table and (blob is None or table.number(id) != number):
            self._undo.append((table, id, *table._set(id, None, None)))
        if blob is not None:
            self._undo.append((table, id, *table._set(id, blob, None, number)))
        self._pending[(name, id)] = blob

    def sort(self) -> None:
        """Bring records that have come back in the present transaction to where they stood."""
        for table in {undo[0] for undo in self._undo}:
            table.sort()

    def count_from(self, sequence: int) -> None:
        """Go on with the ids that come after so many others."""
        self._sequence = self.sequence_before = sequence

    def _end(self) -> None:
        self.sequence_before = self._sequence
        self._undo.clear()
        self._pending.clear()
        self._emptied.clear()

    def load(self, name: str, id: str | None, blob: bytes | None) -> None:
        """Take over one record from a journal, or with no id that the table was emptied."""
        if id is None:
            self._tables.pop(name, None)
            return
        self.table(name)._set(id, blob, None)
        if len(id) == 12 and id.isdecimal():
            self._sequence = max(self._sequence, int(id))

    def empty(self, belongs: Callable[[str], bool] = lambda name: True) -> int:
        """Begin a transaction by forgetting all records of the tables whose name `belongs`; how many there were."""
        self.commit()
        names = [name for name, table in self._tables.items() if len(table) and belongs(name)]
        # In both for a moment: who looks without the lock finds them.
        self._emptied = {name: self._tables[name] for name in names}
        for name in names:
            del self._tables[name]
        return sum(len(table) for table in self._emptied.values())

    def clear(self, belongs: Callable[[str], bool] = lambda name: True) -> int:
        """Forget all records of the tables whose name `belongs`, at once and for good; how many there were."""
        count = self.empty(belongs)
        self.commit()
        return count

    def records(self) -> Iterator[tuple[str, str, bytes]]:
        """(table, id, JSON text) of everything stored."""
        for name, table in self._tables.items():
            for id, blob in table._blobs.items():
                yield name, id, blob
