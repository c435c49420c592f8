"""The requests of a world and their answers: the last ones, kept to be looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fnmatch import fnmatchcase
from threading import Condition, RLock
from typing import Any, NamedTuple

import orjson

from modelarts_emulator.worlds.faults import agrees

MOST_BODY = 64 << 10
MOST_BYTES = 16 << 20


class Exchanged(NamedTuple):
    """One request and its answer.

    number: how many came before it in this world. moment, virtual: when it was answered, in real and in virtual seconds
    since the epoch. seconds: how long that took. target: path and query as they were sent. headers: (WSGI name, value)
    of what was sent, credentials left out. body, answer: bytes, None where they were too large or left in pieces.
    step: the step of the way that refused it, "" for none. faults: the ids of those it suffered. before, after: where
    in its past the world was when it came to it, and when it was done.
    """

    number: int
    request_id: str
    moment: float
    virtual: float
    seconds: float
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    operation: str
    status: int
    answer: bytes | None
    step: str
    faults: tuple[str, ...]
    before: int
    after: int

    @property
    def size(self) -> int:
        """About how many bytes it takes to keep it."""
        return 1500 + len(self.body or b"") + len(self.answer or b"")

    @property
    def said(self) -> Any:
        """The JSON value of the body; None where it is none."""
        return json_of(self.body)

    @property
    def answered(self) -> Any:
        """The JSON value of the answer; None where it is none."""
        return json_of(self.answer)


class Wanted(NamedTuple):
    """Which exchanges are meant, as far as given: an operation id or pattern, a status or a class such as 4xx, members
    that body and answer have to have.
    """

    operation: str | None = None
    status: str | None = None
    body: Any = None
    answer: Any = None

    def fits(self, exchanged: Exchanged) -> bool:
        """Whether the exchange is meant."""
        return not differences(self, exchanged)


class History:
    """The last exchanges of a world; many threads may note and read them at once."""

    def __init__(self, most: int):
        self.most = most
        self._kept: deque[Exchanged] = deque()
        self._bytes = 0
        self._number = 0
        self._lock = RLock()
        self._changed = Condition(self._lock)
        self._waiting = 0

    def note(self, *what: Any) -> None:
        """Keep an exchange, given as the members of Exchanged behind its number; the oldest make room for it."""
        with self._lock:
            self._number += 1
            exchanged = Exchanged._make((self._number, *what))
            self._kept.append(exchanged)
            self._bytes += exchanged.size
            while len(self._kept) > self.most or self._bytes > MOST_BYTES:
                self._bytes -= self._kept.popleft().size
            if self._waiting:
                self._changed.notify_all()

    def after(self, number: int = 0) -> Iterator[Exchanged]:
        """The exchanges kept that came after so many others, oldest first."""
        with self._changed:
            kept = list(self._kept)
        return (each for each in kept if each.number > number)

    def find(self, request_id: str) -> Exchanged | None:
        """The exchange with that id, None when it is not kept."""
        return next((each for each in self.after() if each.request_id == request_id), None)

    def wait(self, wanted: Wanted, number: int, seconds: float) -> bool:
        """Wait, in real time, until an exchange that is wanted comes after so many others; whether one has come."""

        def has_come() -> bool:
            return any(each.number > number and wanted.fits(each) for each in self._kept)

        with self._lock:
            self._waiting += 1
            try:
                return self._changed.wait_for(has_come, seconds)
            finally:
                self._waiting -= 1

    def clear(self) -> None:
        """Forget all; later ones are counted on."""
        with self._changed:
            self._kept.clear()
            self._bytes = 0


def differences(wanted: Wanted, exchanged: Exchanged) -> list[str]:
    """How an exchange differs from what is wanted, a line a place; empty when it does not."""
    lines = []
    if wanted.operation is not None and not fnmatchcase(exchanged.operation, wanted.operation):
        lines.append(f"operation: {exchanged.operation}, wanted {wanted.operation}")
    if wanted.status is not None and not is_of_class(exchanged.status, str(wanted.status)):
        lines.append(f"status: {exchanged.status}, wanted {wanted.status}")
    for name, value, member in (("body", wanted.body, "said"), ("answer", wanted.answer, "answered")):
        # Read only where it is asked for: most look for operation and status in thousands of exchanges.
        if value is not None and not agrees(value, found := getattr(exchanged, member)):
            lines += places_that_differ(value, found, name)
    return lines


def places_that_differ(wanted: Any, found: Any, place: str) -> Iterator[str]:
    """Where a JSON value lacks what is wanted, and what is there instead."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name, value in wanted.items():
            if name not in found:
                yield f"{place}.{name}: missing, wanted {short(value)}"
            elif not agrees(value, found[name]):
                yield from places_that_differ(value, found[name], f"{place}.{name}")
    else:
        yield f"{place}: {short(found)}, wanted {short(wanted)}"


def is_of_class(status: int, wanted: str) -> bool:
    """Whether a status is the one that is wanted, or of the class, written 4xx."""
    return str(status) == wanted or (wanted.endswith("xx") and str(status)[:1] == wanted[:1])


def short(value: Any) -> str:
    """A JSON value in words, cut where it is long."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= 200 else f"{text[:200]}..."


def json_of(content: bytes | None) -> Any:
    """The JSON value of some bytes; None where they are none."""
    try:
        return orjson.loads(content) if content else None
    except ValueError:
        return None
