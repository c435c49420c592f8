"""What keeping the past costs: a transaction that creates, one that only looks, and going back 1,000 jobs."""

import gc
from collections.abc import Callable
from timeit import repeat

from modelarts_emulator.application import create_app
from modelarts_emulator.settings import Settings
from modelarts_emulator.travel import point_at, rewind

from benchmarks.requests import TRAINING_JOB

TURNS, TRIES, JOBS = 5_000, 9, 1_000
TABLE = "modelarts/training/training_job/project"


def world_with(history: int):
    """The default world of an emulator that keeps so many MiB of the past, and that emulator."""
    application = create_app(Settings(log_level="silent", history=history))
    application.worlds.default.clock.freeze()
    return application, application.worlds.default


def microseconds(function: Callable[[], None]) -> float:
    """The best time of a call."""
    gc.disable()
    best = min(repeat(function, number=TURNS, repeat=TRIES))
    gc.enable()
    return best / TURNS * 1e6


def transactions(world) -> tuple[float, float]:
    """(microseconds of one that creates a record, of one that does nothing)."""

    def create() -> None:
        with world.transaction():
            id = world.new_hex()
            world.store.table(TABLE).put(id, {"id": id})

    def look() -> None:
        with world.transaction():
            pass

    return microseconds(create), microseconds(look)


def measure() -> None:
    """Print all of it."""
    for history in (0, 8):
        create, look = transactions(world_with(history)[1])
        print(
            f"--history {history}: a transaction that creates {create:.2f} us, one that looks {look:.2f} us"
        )
    application, world = world_with(8)
    start = world.clock.now()
    world.clock.advance(1)
    for number in range(JOBS):
        with world.transaction():
            world.store.table(TABLE).put(str(number), {**TRAINING_JOB, "number": number})
    took = []

    def go_back() -> None:
        took.append(rewind(application, world, point_at(world, start)))

    seconds = repeat(go_back, number=1, repeat=1)[0]
    print(f"rewind of {took[0]:,} changes: {seconds * 1000:.1f} ms; kept {world.past.most >> 20} MiB at most")


if __name__ == "__main__":
    measure()
