"""Indexes over the records of a table: by the value of a member, and in order of it."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import Any


def sort_key(value: Any) -> tuple:
    """A key by which numbers, texts and nothing can stand in one order: what is absent first, then numbers."""
    if value is None:
        return (0, 0, "")
    return (1, value, "") if isinstance(value, int | float) else (2, 0, str(value))


class Holders:
    """Which ids hold which value of one member, each value's in order of insertion.

    A value that one id holds costs no set of its own: most members that are looked up are as good as unique.
    """

    def __init__(self) -> None:
        self._held: dict[Any, Any] = {}
        self._mixed: set = set()

    def note(self, value: Any, id: str, is_newest: bool) -> None:
        """The id holds the value from now on; is_newest: no id that is held was inserted later."""
        held = self._held.get(value)
        if held is None:
            self._held[value] = id
            return
        if isinstance(held, str):
            self._held[value] = {held: None, id: None}
        else:
            held[id] = None
        if not is_newest:
            self._mixed.add(value)

    def drop(self, value: Any, id: str) -> None:
        """The id does not hold the value any more."""
        held = self._held.get(value)
        if isinstance(held, dict):
            held.pop(id, None)
        elif held == id:
            del self._held[value]

    def count(self, value: Any) -> int:
        """How many ids hold the value."""
        held = self._held.get(value, ())
        return 1 if isinstance(held, str) else len(held)

    def ids(self, value: Any, numbers: dict[str, int]) -> list[str]:
        """The ids that hold the value, oldest first; numbers: {id: when it was inserted, counted}."""
        held = self._held.get(value, ())
        if isinstance(held, str):
            return [held]
        if value in self._mixed:
            self._mixed.discard(value)
            self._held[value] = held = dict.fromkeys(sorted(held, key=numbers.__getitem__))
        return list(held)


class Sorted:
    """The ids of a table by the value of one member; equal values stand in order of insertion, in both directions."""

    def __init__(self, column: dict[str, Any], numbers: dict[str, int], descending: bool):
        self._sign = -1 if descending else 1
        self._rows = sorted(self._row(value, numbers[id], id) for id, value in column.items())

    def note(self, value: Any, number: int, id: str) -> None:
        """The id has the value from now on."""
        insort(self._rows, self._row(value, number, id))

    def drop(self, value: Any, number: int, id: str) -> None:
        """The id with that value is gone."""
        row = self._row(value, number, id)
        at = bisect_left(self._rows, row)
        if at < len(self._rows) and self._rows[at] == row:
            del self._rows[at]

    def ids(self) -> Sequence[str]:
        """All ids in order, to be cut into pages before the table changes."""
        return Ids(self._rows, self._sign < 0)

    def _row(self, value: Any, number: int, id: str) -> tuple:
        return sort_key(value), self._sign * number, id


class Ids(Sequence):
    """The ids of sorted rows, read where they stand."""

    def __init__(self, rows: list[tuple], backwards: bool):
        self._rows = rows
        self._backwards = backwards

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return (row[2] for row in (reversed(self._rows) if self._backwards else self._rows))

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        return self._rows[-1 - at if self._backwards else at][2]
