"""What can be taken back of a world: how things were before each of its last changes, as far as there is room."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, NamedTuple, Protocol

from modelarts_emulator.worlds.clock import iso_of

# What it takes to note a change, and a record in it, beside what the record said: measured.
OF_A_CHANGE, OF_A_RECORD = 400, 150
BEGAN = "when this emulator started or the world was made"


class OutOfReach(ValueError):
    """A moment or a request to which a world cannot go back."""


class Before(Protocol):
    """How something other than records was before a change."""

    def swap(self) -> None:
        """Be as before the change; once more, as after it."""


class Change(NamedTuple):
    """One change, and how to take it back.

    position: how many changes came before it. moment: where the clock stood. records: (table, id, JSON text before,
    number before) of what was written. other: how something else was before. chance: what all that is random followed
    from before. size: about how many bytes it takes to keep this.
    """

    position: int
    moment: float
    records: list[tuple[Any, str, bytes | None, int | None]]
    other: Before | None
    chance: tuple[Any, ...] | None
    size: int


class Past:
    """The last changes of a world, and the positions between them to which it can go back. Any thread may note one.

    most: for how many bytes there is room; 0 keeps nothing. position: where the world is now; it only grows, also when
    the world goes back, so that none means two things.
    """

    def __init__(self, most: int, now: Callable[[], float]):
        self.most = most
        self.position = 0
        self._now = now
        self._kept: deque[Change] = deque()
        self._bytes = 0
        self._lock = Lock()
        self._undone: list[tuple[int, int]] = []
        self.begin_again(BEGAN)

    @property
    def is_kept(self) -> bool:
        """Whether anything is kept."""
        return self.most > 0

    @property
    def size(self) -> int:
        """About how many bytes are in use."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._kept)

    def begin_again(self, why: str) -> None:
        """Forget all: the world cannot go back beyond what is now. why: what has happened, for refusals."""
        with self._lock:
            self._kept.clear()
            self._undone.clear()
            self._bytes = 0
            self.position += 1
            self.first, self.first_moment, self.why = self.position, self._now(), why

    def note(
        self, records: list[Any], chance: tuple[Any, ...] | None, other: Before | None = None, size: int = 0
    ) -> None:
        """Keep how things were before a change that has been done; the oldest make room for it."""
        size += OF_A_CHANGE
        for _, _, blob, _ in records:
            size += OF_A_RECORD if blob is None else OF_A_RECORD + len(blob)
        with self._lock:
            self._kept.append(Change(self.position, self._now(), records, other, chance, size))
            self.position += 1
            self._bytes += size
            while self._bytes > self.most:
                gone = self._kept.popleft()
                self._bytes -= gone.size
                self.first, self.first_moment = gone.position + 1, gone.moment
                self.why = f"since which the changes fit into --history ({self.most >> 20} MiB)"

    def after(self, position: int) -> list[Change]:
        """The changes since the world was there, the newest first. OutOfReach when that is not known any more."""
        self._refuse_off()
        if any(start < position <= end for start, end in self._undone):
            raise OutOfReach("that was taken back itself when the world went back further")
        if position < self.first:
            raise OutOfReach(f"that is too long ago: {self._reach()}")
        with self._lock:
            kept = list(self._kept)
        return kept[: bisect_left(kept, position, key=lambda change: change.position) - len(kept) - 1 : -1]

    def position_at(self, moment: float) -> int:
        """Where the world was when its clock stood there. OutOfReach for what is to come, or too long ago."""
        self._refuse_off()
        now = self._now()
        if moment > now:
            raise OutOfReach(
                f"{shown(moment)} is to come, it is {iso_of(now)} in this world: advance the clock"
            )
        if moment < self.first_moment:
            raise OutOfReach(f"{shown(moment)} is too long ago: {self._reach()}")
        with self._lock:
            later = [change.position for change in self._kept if change.moment > moment]
            return later[0] if later else self.position

    def cut(self, position: int) -> None:
        """The world is as it was at that position: what came after is no more."""
        with self._lock:
            while self._kept and self._kept[-1].position >= position:
                self._bytes -= self._kept.pop().size
            # What was taken back within this is so with it.
            self._undone = [each for each in self._undone if self.first <= each[1] and each[0] < position]
            self._undone.append((position, self.position))
            self.position += 1

    def _refuse_off(self) -> None:
        if not self.most:
            raise OutOfReach("nothing of the past is kept: start the emulator with --history 8 (MiB)")

    def _reach(self) -> str:
        return f"this world goes back to {iso_of(self.first_moment)}, {self.why}"


def shown(moment: float) -> str:
    """A moment as ISO text, or in seconds where no calendar has it."""
    try:
        return iso_of(moment)
    except (ValueError, OverflowError, OSError):
        return f"{moment:.0f} seconds since 1970"
