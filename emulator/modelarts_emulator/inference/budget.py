"""Memory for what requests decode, shared by all of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from weakref import finalize


class Budget:
    """So many bytes for all requests together; who wants more than is left waits. Any thread may ask.

    A thread must hold nothing of it while it asks for more. What alone is larger than all of it is let in alone.
    """

    def __init__(self, size: int):
        self.size = size
        self._held = 0
        self._changed = Condition()

    def take(self, size: int) -> None:
        """Wait until there is room, and take it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + size <= self.size)
            self._held += size

    def give_back(self, size: int) -> None:
        """Make room."""
        with self._changed:
            self._held -= size
            self._changed.notify_all()

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """Wait until there is room, and keep it meanwhile."""
        self.take(size)
        try:
            yield
        finally:
            self.give_back(size)

    def give_back_with(self, thing: object, size: int) -> None:
        """Make room as soon as nobody has the thing any more."""
        finalize(thing, self.give_back, size)

    @property
    def held(self) -> int:
        """How much is taken."""
        return self._held


# Pictures, arrays and science files, decoded for all requests together: the largest pictures take 160 MB each.
DECODED = Budget(320 << 20)
