"""How many connections a process can carry, and how it goes on when it cannot take another."""

import errno
import logging
import resource
import selectors
import socket
from collections.abc import Callable

from modelarts_emulator.real_time import monotonic

MOST_CONNECTIONS = 2000
# What the loop waits for at most, and for how long it takes no connections when the process has no descriptor left.
PATIENCE = 5.0
PAUSE_SECONDS = 1.0
# A client that is gone before it was accepted: the next one may be taken at once.
PASSING = (errno.EAGAIN, errno.EINTR, errno.ECONNABORTED, errno.EPROTO)
log = logging.getLogger("modelarts_emulator.http.limits")


def most_connections() -> int:
    """How many connections are kept at once: a quarter of the process's descriptors stays for files, threads and
    children.
    """
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if allowed < 0 else max(1, min(MOST_CONNECTIONS, allowed * 3 // 4))


class Accepting:
    """Listening sockets in a selector: taken out for a while when a connection cannot be taken, because one that waits
    would wake the loop again and again.

    patience: how long the loop may wait for something to happen.
    """

    def __init__(self, selector: selectors.BaseSelector, listeners: list[socket.socket], accept: Callable):
        self._selector = selector
        self._listeners = listeners
        self._accept = accept
        self._until: float | None = None

    @property
    def patience(self) -> float:
        """Seconds that may pass before `go_on` has to be called."""
        return PATIENCE if self._until is None else PAUSE_SECONDS

    def begin(self) -> None:
        """Take connections."""
        for listener in self._listeners:
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, self._accept)

    def pause_unless_passing(self, error: OSError) -> None:
        """Take no connection for a while, unless the error is over with the one it was about."""
        if error.errno in PASSING or self._until is not None:
            return
        log.error("no connection can be taken: %s; trying again every %g s", error.strerror, PAUSE_SECONDS)
        self._until = monotonic() + PAUSE_SECONDS
        for listener in self._listeners:
            self._selector.unregister(listener)

    def go_on(self, now: float) -> None:
        """Take connections again once the pause is over."""
        if self._until is not None and now >= self._until:
            self._until = None
            self.begin()
