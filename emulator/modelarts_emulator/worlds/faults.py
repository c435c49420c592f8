"""Faults that somebody has asked for: which requests they strike, and what these suffer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any


class HangUp(ConnectionAbortedError):
    """The connection is closed here: that is what was asked for."""


class Pieces:
    """An answer that leaves piece by piece, so that what comes before its end is on its way when it is cut."""

    in_pieces = True

    def __init__(self, pieces: Iterable[bytes]):
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


def cut(frames: Iterator[bytes], count: int) -> Iterator[bytes]:
    """So many frames that say something, then a closed connection."""
    try:
        while count:
            frame = next(frames, None)
            if frame is None:
                return
            count -= bool(frame)
            yield frame
        # What was sent so far leaves before the connection does.
        yield b""
        raise HangUp("the fault cuts the answer here")
    finally:
        close = getattr(frames, "close", None)
        if close is not None:
            close()


@dataclass(slots=True)
class Bucket:
    """A token bucket: so many requests in so many seconds, as many at once as `burst` says."""

    requests: float
    per: float
    burst: float
    tokens: float = field(init=False)
    since: float | None = None

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def seconds_to_wait(self, now: float) -> float:
        """Take a token, and 0; the seconds until there is one when there is none."""
        if self.since is not None:
            self.tokens = min(self.burst, self.tokens + (now - self.since) * self.requests / self.per)
        self.since = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) * self.per / self.requests


@dataclass(slots=True)
class Fault:
    """One fault.

    operation: an operation id, or a pattern with * of such; OBS's are `obs:METHOD service|bucket|object`, predictions
    `prediction`. when: what the path, query and body of a request have to say. Of the requests that fit, `skip` are let
    through at first, then every `every`-th is struck, with that probability, `times` in all (None: without end).

    What a request suffers, as far as given: latency seconds; then a refusal with code and status, and Retry-After; or
    drop: the connection is closed before ("request") or after ("answer") it is carried out; or its answer is cut after
    `truncate` bytes or `cut_after` frames. bucket: it is refused as soon as the bucket is empty. seen, struck: how many
    requests fitted, how many suffered. optional: it is nobody's mistake when it never strikes.
    """

    id: str
    operation: str
    when: dict[str, Any] = field(default_factory=dict)
    skip: int = 0
    every: int = 1
    times: int | None = None
    probability: float = 1.0
    latency: float = 0.0
    code: str | None = None
    status: int | None = None
    retry_after: float | None = None
    drop: str | None = None
    truncate: int | None = None
    cut_after: int | None = None
    bucket: Bucket | None = None
    optional: bool = False
    chance: Random = field(default_factory=Random)
    seen: int = 0
    struck: int = 0

    def strikes(self, operation: str, said: Callable[[], dict[str, Any]], now: float) -> bool:
        """Whether the request suffers it; counts it if it fits. said: what path, query and body say."""
        if self.is_spent or not fnmatchcase(operation, self.operation):
            return False
        if self.when and not agrees(self.when, said()):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.seen - self.skip) % self.every:
            return False
        if self.probability < 1 and self.chance.random() >= self.probability:
            return False
        if self.bucket is not None:
            wait = self.bucket.seconds_to_wait(now)
            if wait == 0:
                return False
            self.retry_after = wait
        self.struck += 1
        return True

    @property
    def is_spent(self) -> bool:
        """Whether it has struck as often as it was asked to."""
        return self.times is not None and self.struck >= self.times


def agrees(wanted: Any, found: Any) -> bool:
    """Whether a JSON value has what is wanted: objects may have more members, all else is equal."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            name in found and agrees(value, found[name]) for name, value in wanted.items()
        )
    return bool(wanted == found)


class Faults:
    """The faults of one world, in the order they were asked for: the first that strikes a request is its fault."""

    def __init__(self) -> None:
        self._all: dict[str, Fault] = {}
        self._number = 0

    def __bool__(self) -> bool:
        return bool(self._all)

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._all.values()))

    def new_id(self) -> str:
        """An id that no fault has."""
        self._number += 1
        return f"fault-{self._number}"

    def add(self, fault: Fault) -> None:
        """Have it strike from now on."""
        self._all[fault.id] = fault

    def remove(self, id: str) -> bool:
        """Forget a fault; whether it was there."""
        return self._all.pop(id, None) is not None

    def clear(self) -> None:
        """Forget all faults."""
        self._all.clear()

    def that_strikes(self, operation: str, said: Callable[[], dict[str, Any]], now: float) -> Fault | None:
        """The fault that a request suffers, None when none does."""
        return next((fault for fault in self if fault.strikes(operation, said, now)), None)
