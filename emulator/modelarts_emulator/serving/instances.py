"""The instances of a model version: processes over the same package that share its predictions."""

import os
from collections.abc import Sequence
from threading import Event, Lock

from modelarts_emulator.inference.packages.worker import ModelWorker, Output

# More of them than processors answer nothing sooner; two show already what instances are for.
MOST = max(2, os.cpu_count() or 1)


class Instances:
    """Workers that share the predictions of one model version. Any thread may call any method.

    failure: why the first has ended when all have; None while one answers or still starts. fault: why the first of
    those that have ended has; None while all answer or still start.
    """

    def __init__(self, workers: Sequence[ModelWorker]):
        self._workers = workers
        self._busy = [0] * len(workers)
        self._turns = [0] * len(workers)
        self._lock = Lock()

    def start(self) -> None:
        """Begin a process each and return at once."""
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """End all processes and what they have started."""
        for worker in self._workers:
            worker.stop()

    def restart(self) -> None:
        """Begin new processes for those that have ended; for all when none has."""
        for worker in [worker for worker in self._workers if not worker.alive] or self._workers:
            worker.restart()

    @property
    def started(self) -> Event:
        """Set once the start of one more of them has succeeded or failed; of the first when all have."""
        events = [worker.started for worker in self._workers]
        return next((event for event in events if not event.is_set()), events[0])

    @property
    def ready(self) -> bool:
        """Whether predictions are answered now, by however many."""
        return any(worker.ready for worker in self._workers)

    @property
    def failure(self) -> str | None:
        """Why none of them can answer; None while one can or still starts."""
        failures = [worker.failure for worker in self._workers]
        return None if None in failures else failures[0]

    @property
    def fault(self) -> str | None:
        """Why one of them cannot answer; None while all can or still start."""
        failures = (worker.failure for worker in self._workers)
        return next((failure for failure in failures if failure is not None), None)

    @property
    def pids(self) -> list[int]:
        """The processes they run in."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    def outputs(self) -> list[Output]:
        """What the package has printed and logged in each."""
        return [worker.output() for worker in self._workers]

    def states(self) -> list[tuple[bool, str | None]]:
        """Of each whether it answers predictions now, and why it cannot."""
        return [(worker.ready, worker.failure) for worker in self._workers]

    def predict(
        self, path: str, method: str, headers: dict[str, str], body: bytes, timeout: float
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer of the one with least to do, of those that was asked longest ago.

        One that still starts is asked when none is ready, one that has ended when all have. Raises PredictionTimeout
        when no answer comes within timeout seconds, WorkerDown when none can come.
        """
        with self._lock:
            at = min(range(len(self._workers)), key=self._burden)
            self._busy[at] += 1
            self._turns[at] = max(self._turns) + 1
        try:
            return self._workers[at].predict(path, method, headers, body, timeout)
        finally:
            with self._lock:
                self._busy[at] -= 1

    def _burden(self, at: int) -> tuple[bool, bool, int, int]:
        """The least is that of the one which a prediction asks."""
        worker = self._workers[at]
        return not worker.ready, not worker.alive, self._busy[at], self._turns[at]
