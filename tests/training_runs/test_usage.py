"""How busy a task was, from what was seen of it."""

import os

from modelarts_emulator.training_runs.orders import Limits
from modelarts_emulator.training_runs.usage import percents


def test_a_task_is_as_busy_as_its_processes_were_on_average_each_minute():
    cores, limits = os.cpu_count(), Limits(memory_bytes=1000)
    usage = [(10, [[10 * cores, 500]]), (30, [[20 * cores, 100]]), (130, [[20 * cores, 200]])]
    assert percents(usage, 0, limits) == {"cpuUsage": [75.0, -1, 0.0], "memUsage": [30.0, -1, 20.0]}


def test_of_a_task_that_was_never_looked_at_nothing_is_known():
    assert percents([], 0, Limits()) == {"cpuUsage": [], "memUsage": []}
