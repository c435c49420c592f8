"""The runs that are under way for one area of a world."""

from modelarts_emulator.training_runs.run import Run


class Runs:
    """Runs by keys of the area's choice. Nothing waits for a run that is ended here, but close() for all of them."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._ending: list[Run] = []

    def find(self, key: str) -> Run | None:
        """The run under the key; None when there is none."""
        return self._runs.get(key)

    def keep(self, key: str, run: Run) -> Run:
        """Keep a run under the key; what was there is ended."""
        self.end(key)
        self._runs[key] = run
        return run

    def end(self, key: str) -> None:
        """End the run under the key, and see its files removed."""
        run = self._runs.pop(key, None)
        if run is not None:
            run.stop()
            self._ending = [each for each in self._ending if each.is_alive] + [run]

    def close(self) -> None:
        """End all, and return when nothing is left of them."""
        for key in list(self._runs):
            self.end(key)
        for run in self._ending:
            run.join()
