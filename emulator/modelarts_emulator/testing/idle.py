"""Emulators of this process that nobody uses at the moment: a start takes 50 ms, a fresh world one."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from modelarts_emulator.running import Emulator, settings_of

# Each keeps its ports, its threads and some 2 MiB.
MOST_IDLE = 8


class Idle:
    """Running emulators by process and settings; each is lent to one at a time and is as a new one then, but for its
    ports. Of those that nobody uses the last few are kept.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: list[tuple[tuple[int, str], Emulator]] = []
        self._running: set[Emulator] = set()
        self._process = 0

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
        emulator = self._taken(key) or self._started(**options)
        try:
            yield emulator
        finally:
            emulator.application.begin_again()
            for left_over in self._given_back(key, emulator):
                left_over.stop()

    def _taken(self, key: tuple[int, str]) -> Emulator | None:
        with self._lock:
            at = next((at for at, (other, _) in enumerate(self._idle) if other == key), None)
            return None if at is None else self._idle.pop(at)[1]

    def _started(self, **options: Any) -> Emulator:
        """A new emulator, which ends with the process at the latest."""
        emulator, process = Emulator(**options).start(), os.getpid()
        with self._lock:
            is_first = self._process != process
            if is_first:
                self._process, self._idle, self._running = process, [], set()
            self._running.add(emulator)
        if is_first:
            atexit.register(self._end, process)
        return emulator

    def _given_back(self, key: tuple[int, str], emulator: Emulator) -> list[Emulator]:
        """Keep it for the next who asks; those that are too many, which end."""
        with self._lock:
            self._idle.append((key, emulator))
            left_over = [each for _, each in self._idle[:-MOST_IDLE]]
            del self._idle[:-MOST_IDLE]
            self._running.difference_update(left_over)
        return left_over

    def _end(self, process: int) -> None:
        if os.getpid() == process:
            for emulator in self._running:
                emulator.stop()


# Sockets and threads are the process's: so is who lends them.
IDLE = Idle()
