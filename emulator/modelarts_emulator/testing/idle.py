"""Emulators of this process that nobody uses at the moment: a start takes 50 ms, a fresh world one."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from modelarts_emulator.running import Emulator, settings_of


class Idle:
    """Running emulators by process and settings; each is lent to one at a time and is as a new one then, but for its
    ports.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._emulators: dict[tuple[int, str], list[Emulator]] = {}

    @contextmanager
    def lent(self, **options: Any) -> Iterator[Emulator]:
        """An emulator with these options. One that others have to find, or whose state they do, ends afterwards."""
        settings = settings_of(**options)
        if settings.state or settings.port or settings.obs_port or settings.tls:
            with Emulator(**options) as emulator:
                yield emulator
            return
        # A child that was forked has the emulators of its parent without the threads that serve them.
        key = os.getpid(), repr(settings)
        emulator = self._taken(key) or started(**options)
        try:
            yield emulator
        finally:
            emulator.application.begin_again()
            with self._lock:
                self._emulators.setdefault(key, []).append(emulator)

    def _taken(self, key: tuple[int, str]) -> Emulator | None:
        with self._lock:
            found = self._emulators.get(key)
            return found.pop() if found else None


def started(**options: Any) -> Emulator:
    """A new emulator, which ends with the process."""
    emulator, process = Emulator(**options).start(), os.getpid()
    atexit.register(lambda: emulator.stop() if os.getpid() == process else None)
    return emulator


# Sockets and threads are the process's: so is who lends them.
IDLE = Idle()
