"""The lock of a world, for which the server's loop never waits."""

from collections import deque
from threading import RLock

from modelarts_emulator.real_time import pause
from modelarts_emulator.waiting import refuse_to_wait

TURN_SECONDS = 0.0002


class Lock:
    """A lock that its holder may take again. Whoever must not wait gets NeedsThread instead of waiting."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._waiting: deque = deque()
        self.depth = 0

    def __enter__(self) -> "Lock":
        if not self._lock.acquire(blocking=False):
            refuse_to_wait()
            self._waiting.append(None)
            self._lock.acquire()
            self._waiting.pop()
        self.depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.depth -= 1
        self._lock.release()

    @property
    def is_mine(self) -> bool:
        """Whether the current thread holds it."""
        owned: bool = self._lock._is_owned()  # type: ignore[attr-defined]
        return owned

    def let_others_in(self) -> None:
        """Give those who wait a turn, if the current thread holds the lock just once."""
        if self.depth != 1:
            return
        self.__exit__()
        # Releasing alone lets nobody in: whoever releases is first to take it again.
        if self._waiting:
            pause(TURN_SECONDS)
        self.__enter__()
