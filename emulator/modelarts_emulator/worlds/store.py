"""Records: TinyDB tables whose writes cost the same however much they hold."""

from collections.abc import Iterable, Iterator
from itertools import islice

import orjson
from tinydb.storages import MemoryStorage
from tinydb.table import Document
from tinydb.table import Table as TinyTable

from modelarts_emulator.worlds.journal import Journal


def value_at(record: dict, path: str):
    """The value at a dotted path such as `status.phase`; None where the record has none."""
    for step in path.split("."):
        if not isinstance(record, dict):
            return None
        record = record.get(step)
    return record


def note_holder(lookup: dict, value, id: str) -> None:
    """Add an id to those that hold the value: the id itself while it is the only one, else a dict of ids."""
    holders = lookup.get(value)
    if holders is None:
        lookup[value] = id
    elif isinstance(holders, str):
        lookup[value] = {holders: None, id: None}
    else:
        holders[id] = None


def drop_holder(lookup: dict, value, id: str) -> None:
    """Take an id out of those that hold the value."""
    holders = lookup.get(value)
    if isinstance(holders, dict):
        holders.pop(id, None)
    elif holders == id:
        del lookup[value]


class Table(TinyTable):
    """Records of one kind by id, in order of insertion.

    A record is a dict of JSON values. What comes out is a copy; what goes in is copied. TinyDB's queries and
    its reading and writing methods work; `put`, `find` and `drop` are the ones whose cost does not grow.
    A table belongs to a Store, whose lock its callers hold.
    """

    document_id_class = str

    def __init__(self, name: str, store: "Store"):
        super().__init__(MemoryStorage(), name, cache_size=0)
        self._store = store
        self._blobs: dict[str, bytes] = {}
        self._columns: dict[str, dict] = {}
        self._lookups: dict[str, dict] = {}

    def find(self, id: str) -> dict | None:
        """A copy of the record, None when there is none."""
        blob = self._blobs.get(id)
        return None if blob is None else orjson.loads(blob)

    def blob(self, id: str) -> bytes | None:
        """The record as JSON text, ready to be sent; None when there is none."""
        return self._blobs.get(id)

    def put(self, id: str, record: dict) -> None:
        """Store the record under the id; TypeError when it holds anything but JSON values."""
        self._store.note(self, id, orjson.dumps(record), record)

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
            yield Document(orjson.loads(blob), id)

    def ids(self, newest_first: bool = False) -> Iterable[str]:
        """All ids by age; read them before the table changes."""
        return reversed(self._blobs) if newest_first else iter(self._blobs)

    def page(self, offset: int, limit: int, newest_first: bool = True) -> list[dict]:
        """The records from `offset` on, at most `limit`; costs what the page costs, not what the table holds."""
        return [
            orjson.loads(self._blobs[id]) for id in islice(self.ids(newest_first), offset, offset + limit)
        ]

    def column(self, path: str) -> dict:
        """{id: value} of the member at that path for all records; kept up to date once asked for."""
        if path not in self._columns:
            self._columns[path] = {id: value_at(orjson.loads(blob), path) for id, blob in self._blobs.items()}
        return self._columns[path]

    def having(self, path: str, value) -> list[str]:
        """The ids of the records with that value at the path; an index answers, no scan."""
        if path not in self._lookups:
            lookup = self._lookups[path] = {}
            for id, held in self.column(path).items():
                note_holder(lookup, held, id)
        holders = self._lookups[path].get(value, ())
        return [holders] if isinstance(holders, str) else list(holders)

    def get(self, cond=None, doc_id=None, doc_ids=None):
        """TinyDB's get; by id it costs no scan."""
        if doc_id is not None:
            found = self.find(doc_id)
            return None if found is None else Document(found, doc_id)
        return super().get(cond, None, doc_ids)

    def _read_table(self) -> dict:
        return {document.doc_id: document for document in self}

    def _update_table(self, updater) -> None:
        before = {document.doc_id: document for document in self}
        after = {document.doc_id: dict(document) for document in before.values()}
        updater(after)
        for id in before.keys() - after.keys():
            self.drop(id)
        for id, record in after.items():
            if before.get(id) != record:
                self.put(id, dict(record))

    def _get_next_id(self) -> str:
        return self._store.next_id()

    def _set(self, id: str, blob: bytes | None, record: dict | None) -> bytes | None:
        before = self._blobs.get(id)
        if blob is None:
            self._blobs.pop(id, None)
        else:
            self._blobs[id] = blob
        for path, column in self._columns.items():
            held = column.pop(id, None) if blob is None else column.get(id)
            if before is not None and path in self._lookups:
                drop_holder(self._lookups[path], held, id)
            if blob is not None:
                column[id] = value_at(orjson.loads(blob) if record is None else record, path)
                if path in self._lookups:
                    note_holder(self._lookups[path], column[id], id)
        return before


class Store:
    """The tables of one world, changed in transactions: all of a request's writes count, or none.

    Not thread-safe by itself: whoever uses it holds the world's lock.
    """

    def __init__(self, tag: str = "", journal: Journal | None = None):
        self.tag = tag
        self._journal = journal
        self._tables: dict[str, Table] = {}
        self._undo: list = []
        self._pending: dict = {}
        self._sequence = 0

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

    def next_id(self) -> str:
        """An id for records that TinyDB's own insert has to name."""
        self._sequence += 1
        return f"{self._sequence:012d}"

    def note(self, table: Table, id: str, blob: bytes | None, record: dict | None) -> None:
        """Change one record inside the transaction that `commit` or `rollback` ends."""
        self._undo.append((table, id, table._set(id, blob, record)))
        self._pending[(table.name, id)] = blob

    def commit(self) -> None:
        """Make the changes since the last commit count; with a journal they are on their way to disk on
        return.

        OSError when the disk refuses them: then they are undone.
        """
        if not self._undo:
            return
        if self._journal is not None:
            try:
                self._journal.append(self.tag, self._pending)
            except OSError:
                self.rollback()
                raise
        self._undo.clear()
        self._pending.clear()

    def rollback(self) -> None:
        """Undo the changes since the last commit."""
        for table, id, before in reversed(self._undo):
            table._set(id, before, None)
        self._undo.clear()
        self._pending.clear()

    def load(self, name: str, id: str | None, blob: bytes | None) -> None:
        """Take over one record from a journal, or with no id that the table was emptied."""
        if id is None:
            self._tables.pop(name, None)
            return
        self.table(name)._set(id, blob, None)
        self._sequence += 1

    def clear(self, belongs=lambda name: True) -> int:
        """Forget all records of the tables whose name `belongs`, at once and for good; how many there were."""
        names = [name for name, table in self._tables.items() if len(table) and belongs(name)]
        removed = sum(len(self._tables.pop(name)) for name in names)
        self.commit()
        if names and self._journal is not None:
            self._journal.append_clear(self.tag, names)
        return removed

    def records(self) -> Iterator[tuple[str, str, bytes]]:
        """(table, id, JSON text) of everything stored."""
        for name, table in self._tables.items():
            for id, blob in table._blobs.items():
                yield name, id, blob
