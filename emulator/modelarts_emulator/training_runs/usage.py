"""How busy a task was, minute by minute, from what was seen of it now and then."""

import os

from modelarts_emulator.training_runs.orders import Limits

MINUTE = 60


def percents(usage: list[tuple[float, list]], node: int, limits: Limits) -> dict[str, list[float]]:
    """{metric: one average a minute in percent} of this machine's cores, and of the memory that the job may have."""
    cores, before = os.cpu_count() or 1, (0.0, 0.0)
    cpu: dict[int, list[float]] = {}
    memory: dict[int, list[float]] = {}
    for seconds, tasks in usage:
        used, resident = tasks[node]
        minute, lasted = int(seconds // MINUTE), max(seconds - before[0], 1e-3)
        cpu.setdefault(minute, []).append(max(0.0, used - before[1]) / lasted / cores * 100)
        memory.setdefault(minute, []).append(resident / limits.memory_bytes * 100)
        before = seconds, used
    return {"cpuUsage": averages(cpu), "memUsage": averages(memory)}


def averages(minutes: dict[int, list[float]]) -> list[float]:
    """The average of each minute, -1 where nothing was seen."""
    last = max(minutes, default=-1)
    found = [minutes.get(minute) for minute in range(last + 1)]
    return [round(min(100.0, sum(each) / len(each)), 3) if each else -1 for each in found]
