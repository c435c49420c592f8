"""What a training job adds to its script's own start: `python -m benchmarks.training`."""

import subprocess
import sys
from statistics import median
from time import perf_counter

from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.cloud import Cloud
from modelarts_emulator.training_runs.orders import Limits, Order, Place
from modelarts_emulator.training_runs.run import Run

ROUNDS = 15
AT_ONCE = 8
SCRIPT = b"print('first', flush=True)\nimport sys\nsys.stdin.read()\n"
BUCKET = "bench"


class FirstLine:
    """When a script has printed its first line."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._since = perf_counter()

    def __call__(self, line: str) -> None:
        self.seconds.append(perf_counter() - self._since)


def own_start() -> float:
    """Seconds until Python alone has printed the script's first line."""
    since = perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT.decode()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        return perf_counter() - since


def begun(cloud, number: int) -> tuple[Run, FirstLine]:
    """A run of the script."""
    first = FirstLine()
    order = Order(f"{number:08d}", code=Place(BUCKET, "code/"), code_name="code", boot_file="train.py")
    return Run(order._replace(limits=Limits(seconds=60)), lambda: cloud.world.obs, on_line=first), first


def finished(runs: list[tuple[Run, FirstLine]]) -> list[float]:
    """Seconds until the first line of each run, once all are over."""
    for run, _ in runs:
        run.done.wait()
        run.join()
    return [first.seconds[0] for _, first in runs]


def main() -> None:
    with Emulator() as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.world.obs.create_bucket(BUCKET)
        cloud.world.obs.write(BUCKET, "code/train.py", SCRIPT)
        finished([begun(cloud, 0)])
        alone, added, whole = [], [], []
        for number in range(ROUNDS):
            alone.append(own_start())
            since = perf_counter()
            added += finished([begun(cloud, number)])
            whole.append(perf_counter() - since)
        many = finished([begun(cloud, number) for number in range(AT_ONCE)])
    print(f"Python's own start to its first line   {1000 * median(alone):6.0f} ms")
    print(f"a job's start to its first line        {1000 * median(added):6.0f} ms")
    print(f"  beyond Python's own                  {1000 * (median(added) - median(alone)):6.0f} ms")
    print(f"a job's start to nothing left          {1000 * median(whole):6.0f} ms")
    print(f"first line of the slowest of {AT_ONCE} at once   {1000 * max(many):6.0f} ms")


if __name__ == "__main__":
    main()
