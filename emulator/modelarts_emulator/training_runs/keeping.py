"""The runs that are under way for one area of a world."""

from modelarts_emulator.training_runs.run import Run

MOST_OVER = 64


class Runs:
    """Runs by keys of the area's choice. Nothing waits for a run that is ended here, but close() for all of them.

    The last ones that are over can still be found: what was noted of their end may have to be noted again.
    """

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._over: dict[str, Run] = {}

    def find(self, key: str) -> Run | None:
        """The run under the key; None when there is none, or it has been over for long."""
        return self._runs.get(key) or self._over.get(key)

    def at_work(self, key: str) -> Run | None:
        """The run under the key that has neither ended nor been ended; None when there is none."""
        run = self._runs.get(key)
        return None if run is None or run.done.is_set() else run

    def keep(self, key: str, run: Run) -> Run:
        """Keep a run under the key; what was there is ended."""
        self.end(key)
        self._over.pop(key, None)
        self._runs[key] = run
        return run

    def end(self, key: str) -> None:
        """End the run under the key, and see its files removed."""
        run = self._runs.pop(key, None)
        if run is None:
            return
        run.stop()
        self._over[key] = run
        for old in list(self._over)[:-MOST_OVER]:
            self._over.pop(old)

    def close(self) -> None:
        """End all, and return when nothing is left of them."""
        for key in list(self._runs):
            self.end(key)
        for run in self._over.values():
            run.join()
        self._over.clear()
