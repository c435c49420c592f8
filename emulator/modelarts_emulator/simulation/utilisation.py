"""How busy the machine of a task is: one average a minute of processor, memory and accelerator."""

import math
from random import Random
from typing import NamedTuple

METRICS = ("cpuUsage", "memUsage", "gpuUtil", "gpuMemUsage", "npuUtil", "npuMemUsage")
ACCELERATORS = {"GPU": "gpu", "NPU": "npu", "ASCEND": "npu"}
UNKNOWN = -1
SILENT_MINUTES = 2
PERIOD = 6


class Habit(NamedTuple):
    """Percent at rest and at work, by how much it wavers, in how many minutes it gets there."""

    rest: float
    work: float
    waver: float
    rise: float


def usage(seed, task: str, flavor_kind: str, minutes: int, running: bool = True) -> list[dict]:
    """The six series of a task over the minutes since its start, in percent, each as {"metric", "value"}.

    -1 stands for what is not measured: the first two minutes, and accelerators the flavor (CPU, GPU, NPU or Ascend)
    does not have. running: False lets the last minute fall back to rest. A longer series begins like a shorter one.
    """
    accelerator = ACCELERATORS.get(flavor_kind.upper(), "none")
    series = []
    for metric in METRICS:
        values = [UNKNOWN] * minutes
        if metric.startswith(("cpu", "mem", accelerator)):
            key = f"{seed}/{task}/{metric}"
            habit = habit_of(key, metric, accelerator != "none")
            values[SILENT_MINUTES:] = levels(key, habit, minutes)[SILENT_MINUTES:]
            if minutes > SILENT_MINUTES and not running:
                values[-1] = round(habit.rest, 3)
        series.append({"metric": metric, "value": values})
    return series


def habit_of(key: str, metric: str, accelerated: bool) -> Habit:
    """How one metric of one task goes; a machine with accelerators works less on its processors."""
    chance = Random(key)
    work = {
        "cpuUsage": chance.uniform(12, 38) if accelerated else chance.uniform(55, 92),
        "memUsage": chance.uniform(15, 55),
        "gpuUtil": chance.uniform(70, 96),
        "npuUtil": chance.uniform(68, 95),
    }.get(metric, chance.uniform(45, 88))
    if "mem" in metric.lower():
        return Habit(chance.uniform(0.5, 2), work, 1.0, chance.uniform(3, 6))
    return Habit(chance.uniform(0.2, 1.5), work, min(6.0, work / 6), chance.uniform(1, 3))


def levels(key: str, habit: Habit, minutes: int) -> list[float]:
    """The percentages of the first minutes: rising to a level, wavering smoothly about it."""
    chance = Random(f"{key}/wave")
    knots = [chance.uniform(-1, 1) for _ in range(minutes // PERIOD + 2)]
    values = []
    for minute in range(minutes):
        before, within = divmod(minute, PERIOD)
        ease = (1 - math.cos(math.pi * within / PERIOD)) / 2
        wave = knots[before] + (knots[before + 1] - knots[before]) * ease
        risen = 1 - math.exp(-minute / habit.rise)
        percent = habit.rest + risen * (habit.work - habit.rest + habit.waver * wave)
        values.append(round(min(max(percent, 0.0), 100.0), 3))
    return values
