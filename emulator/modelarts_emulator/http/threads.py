"""Threads that carry what takes its time, shared so that no kind of work can keep another from its turn."""

import logging
from collections import deque
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from threading import Condition, Thread

MOST_OF_A_KIND = 8
IDLE_SECONDS = 30
log = logging.getLogger("modelarts_emulator.http.threads")


class Threads:
    """Threads for jobs of several kinds: of each kind only so many are carried at once, the others wait their turn.

    most: how many of a kind, MOST_OF_A_KIND where it says nothing. A thread that finds nothing to do for a while ends.
    """

    def __init__(self, most: Mapping[str, int] | None = None):
        self._most = dict(most or {})
        self._changed = Condition()
        self._carried: dict[str, int] = {}
        self._waiting: dict[str, deque] = {}
        self._idle = 0
        self._handed: SimpleQueue = SimpleQueue()

    def submit(self, kind: str, job: Callable[[], object]) -> None:
        """Have the job done by a thread, as soon as its kind has one free."""
        with self._changed:
            carried = self._carried.get(kind, 0)
            if carried >= self._most.get(kind, MOST_OF_A_KIND):
                self._waiting.setdefault(kind, deque()).append(job)
                return
            self._carried[kind] = carried + 1
            is_fresh = not self._idle
            self._idle -= not is_fresh
            # Handed over, also to a fresh thread: what a thread is started with it keeps as long as it lives.
            self._handed.put((kind, job))
        if is_fresh:
            Thread(target=self._work, name="emulator", daemon=True).start()

    def end(self) -> None:
        """Let the threads go that have nothing to do, instead of after a while."""
        with self._changed:
            for _ in range(self._idle):
                self._handed.put(None)
            self._idle = 0

    def finish(self, seconds: float) -> bool:
        """Wait until nothing is carried any more, at most so many seconds; whether that came."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._carried, seconds)

    def _work(self) -> None:
        handed = self._handed.get()
        while handed is not None:
            self._carry(*handed)
            # What was done is let go before the wait for more.
            handed = None
            try:
                handed = self._handed.get(timeout=IDLE_SECONDS)
            except Empty:
                with self._changed:
                    if self._idle:
                        self._idle -= 1
                        return
                # Somebody has counted on this thread in the meantime.
                handed = self._handed.get()

    def _carry(self, kind: str, job: Callable[[], object]) -> None:
        """Do the job, and those of its kind that wait meanwhile."""
        while True:
            try:
                job()
            except Exception:
                log.exception("a job of kind %s failed", kind)
            with self._changed:
                waiting = self._waiting.get(kind)
                if not waiting:
                    self._end_one(kind)
                    self._idle += 1
                    return
                job = waiting.popleft()

    def _end_one(self, kind: str) -> None:
        self._waiting.pop(kind, None)
        self._carried[kind] -= 1
        if not self._carried[kind]:
            del self._carried[kind]
        self._changed.notify_all()
