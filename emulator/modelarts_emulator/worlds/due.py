"""What falls due in a world: each record that runs out of its state, at its own time and in order."""

import heapq
import logging
from collections import deque
from collections.abc import Callable
from itertools import islice
from threading import Event
from typing import TYPE_CHECKING, Any

from modelarts_emulator.real_time import monotonic
from modelarts_emulator.worlds.clock import Clock

if TYPE_CHECKING:
    from modelarts_emulator.worlds.world import World

MOST_FAULTS = 100
SLICE_SECONDS = 0.004
log = logging.getLogger("modelarts_emulator.due")


class StillAtWork(TimeoutError):
    """What is due could not be waited for any longer. records: `<table>/<id>` of what still runs in real time."""

    def __init__(self, records: list[str]):
        super().__init__(
            f"still at work in real time: {', '.join(records)}; wait longer, or stop what never ends"
        )
        self.records = records


class RealEnd(Event):
    """The end, in real time, of what a record waits for, with the moment at which that is by the world's clock.

    The record passes on then and not when it was due. On a clock that stands still nothing takes time.
    """

    def __init__(self, clock: Clock):
        super().__init__()
        self.moment = 0.0
        self._clock = clock

    def set(self) -> None:
        """Note that it has come, and when."""
        if not self._clock.frozen:
            self.moment = self._clock.present()
        super().set()


def end_of(wait: float | None) -> float | None:
    """Until when, by the monotonic clock, somebody waits who has so many real seconds; None for however long."""
    return None if wait is None else monotonic() + wait


def left_until(end: float | None) -> float | None:
    """How many real seconds are left until then; None where there is no end."""
    return None if end is None else max(0.0, end - monotonic())


def wait_until(end: float | None, awaited: list[tuple[Event, str]]) -> None:
    """Wait for the first of what records wait for. StillAtWork with all that has not come by the end."""
    if not awaited[0][0].wait(left_until(end)):
        still = [record for event, record in awaited if not event.is_set()]
        if still:
            raise StillAtWork(still)


class Due:
    """The moments at which records of one world run out of their states. Used under the world's lock.

    A record that fails when it passes on stays in its state for good: the failure is logged, reported and kept in
    `faults`, and fails nothing else. faults: the last ones as {"world", "record", "moment", "error"};
    fault_count: how many there were. report: told of each in one line.
    """

    def __init__(self, world: "World", resource_of: Callable[[str], Any], report: Callable[[str], object]):
        self._world = world
        self._resource_of = resource_of
        self._report = report
        self._heap: list[tuple[float, str, str]] = []
        self._held: list[tuple[Event, tuple[float, str, str]]] = []
        self.faults: deque[dict] = deque(maxlen=MOST_FAULTS)
        self.fault_count = 0

    def schedule(self, moment: float, table: str, id: str) -> None:
        """Note that the record runs out of its state then; its own `_due` decides whether that still holds."""
        heapq.heappush(self._heap, (moment, table, id))

    def next_moment(self) -> float | None:
        """When the next record runs out of its state; None when none does."""
        while self._heap and not self._holds(*self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def coming(self, most: int) -> list[tuple[float, str, str]]:
        """(moment, table, id) of the records that run out of their states next, that many at most."""
        found = (entry for entry in sorted(set(self._heap)) if self._holds(*entry))
        return list(islice(found, most))

    def has_work(self, goal: float) -> bool:
        """Whether something may be due at the goal."""
        return bool(self._held) or (bool(self._heap) and self._heap[0][0] <= goal)

    def catch_up(self, goal: float, seconds: float = SLICE_SECONDS) -> bool:
        """Do what has fallen due up to the goal, for about so many real seconds; whether that was all.

        What is done counts. What waits for something in real time is passed over until that is there.
        """
        if self._held:
            self._release_held()
        if not self._heap or self._heap[0][0] > goal:
            return True
        end = monotonic() + seconds
        while self._heap and self._heap[0][0] <= goal:
            if monotonic() > end:
                return False
            self._pass_on(*heapq.heappop(self._heap))
        return True

    def awaited(self) -> list[tuple[Event, str]]:
        """(what it waits for in real time, `<table>/<id>`) of each record that is due and held up."""
        return [(event, "/".join(entry[1:])) for event, entry in self._held if self._holds(*entry)]

    def forget(self, belongs: Callable[[str], bool]) -> None:
        """Drop the moments and faults of all records in the tables whose name `belongs`."""
        self._heap = [entry for entry in self._heap if not belongs(entry[1])]
        heapq.heapify(self._heap)
        self._held = [each for each in self._held if not belongs(each[1][1])]
        kept = [fault for fault in self.faults if not belongs(fault["record"])]
        self.fault_count -= len(self.faults) - len(kept)
        self.faults = deque(kept, MOST_FAULTS)

    def begin_again(self, moments: list[tuple[float, str, str]]) -> None:
        """Know these (moment, table, id) too; what was held back has to be asked again what it waits for."""
        # Each once: what comes back to a moment that is noted still would be waited for twice.
        self._heap = list({*self._heap, *(entry for _, entry in self._held), *moments})
        self._held = []
        heapq.heapify(self._heap)

    def tables(self) -> set[str]:
        """The names of the tables for whose records a moment is noted."""
        return {entry[1] for entry in self._heap} | {entry[1] for _, entry in self._held}

    def _pass_on(self, moment: float, name: str, id: str) -> None:
        if not self._holds(moment, name, id):
            return
        try:
            error = self._carry_out(moment, name, id)
            self._world.commit()
        except BaseException:
            self._world.undo()
            self.schedule(moment, name, id)
            raise
        if error is not None:
            self._note_fault(moment, f"{name}/{id}", error)

    def _carry_out(self, moment: float, name: str, id: str) -> Exception | None:
        """Let the record pass on; what went wrong, in which case it stays as it is and is due no more."""
        world = self._world
        try:
            resource, table = self._resource_of(name), world.store.table(name)
            with world.clock.at(moment):
                event = resource.awaited(world, table, id)
            if event is not None and not event.is_set():
                # A moment may be noted twice where a world went back and came to the same one again.
                if (event, (moment, name, id)) not in self._held:
                    self._held.append((event, (moment, name, id)))
                return None
            with world.clock.at(max(moment, event.moment) if isinstance(event, RealEnd) else moment):
                resource.pass_on(world, table, id)
        except Exception as error:
            world.undo()
            record = world.store.table(name).copy_of(id)
            del record["_due"]
            world.store.table(name).put(id, record)
            return error
        return None

    def _note_fault(self, moment: float, record: str, error: Exception) -> None:
        log.error("%s failed when it fell due and stays as it is", record, exc_info=error)
        iso, words = self._world.clock.iso(moment), f"{type(error).__name__}: {error}"
        self.faults.append({"world": self._world.tag, "record": record, "moment": iso, "error": words})
        self.fault_count += 1
        self._report(f"{record} fell due at {iso} and failed: {words}")

    def _release_held(self) -> None:
        held, self._held = self._held, []
        for event, entry in held:
            if event.is_set():
                heapq.heappush(self._heap, entry)
            elif self._holds(*entry):
                self._held.append((event, entry))

    def _holds(self, moment: float, name: str, id: str) -> bool:
        blob = self._world.store.table(name).blob(id)
        if blob is None or b'"_due"' not in blob:
            return False
        return bool(self._world.store.table(name).copy_of(id).get("_due") == moment)
