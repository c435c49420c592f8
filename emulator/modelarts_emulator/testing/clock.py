"""The virtual clock of an account, as a test holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelarts_emulator.worlds.clock import Clock, moved_by, seconds_of
from modelarts_emulator.worlds.world import World

ANYTHING_TRUE = object()
USUAL_WAIT = "10m"


class TestClock:
    """The clock of one world in a test's hand."""

    __test__ = False

    def __init__(self, world: World):
        self._world = world

    def now(self) -> float:
        """Virtual seconds since the epoch."""
        return self._world.clock.now()

    def freeze(self) -> None:
        """Stand still: from now on only `advance` and `until` move time."""
        self._world.move_clock(Clock.freeze)

    def run(self, speed: float = 1.0) -> None:
        """Run on, that many virtual seconds in a real one."""
        self._world.move_clock(lambda clock: clock.run(speed))

    def advance(self, duration: float | str, *, wait: float | str = USUAL_WAIT) -> None:
        """Move on by seconds or a text such as "2h", doing all that falls due on the way.

        Scripts and models take real time. TimeoutError naming those that are due and still run after so much of it;
        the clock has moved then.
        """
        with self._world.transaction():
            self._world.move_clock(moved_by(seconds_of(duration)))
        self._world.settle(seconds_of(wait))

    def until(
        self,
        holds: Callable[[], Any],
        within: float | str = "24h",
        *,
        equals: Any = ANYTHING_TRUE,
        wait: float | str = USUAL_WAIT,
    ) -> float:
        """Move on until `holds()` is true, or is what `equals` says; the virtual seconds that took.

        TimeoutError naming the last value when that never happens, or what is due on the way and still runs after so
        much real time.
        """
        values: list[Any] = [None]

        def is_met() -> bool:
            values[0] = holds()
            return bool(values[0]) if equals is ANYTHING_TRUE else values[0] == equals

        went = self._world.run_until(is_met, seconds_of(within), seconds_of(wait))
        if went is None:
            wanted = "the condition did not hold" if equals is ANYTHING_TRUE else f"it was not {equals!r}"
            raise TimeoutError(f"{wanted} within {within} of virtual time; the last value was {values[0]!r}")
        return went
