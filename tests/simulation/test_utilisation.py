"""The machine of a task is busy in a plausible and steady way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelarts_emulator.simulation.utilisation import METRICS, usage

KINDS = {"CPU": {"cpuUsage", "memUsage"}}
KINDS["GPU"] = KINDS["CPU"] | {"gpuUtil", "gpuMemUsage"}
KINDS["Ascend"] = KINDS["NPU"] = KINDS["CPU"] | {"npuUtil", "npuMemUsage"}


@given(st.integers(), st.sampled_from(sorted(KINDS)), st.integers(0, 300))
def test_every_metric_has_one_value_a_minute_between_0_and_100(seed, kind, minutes):
    series = usage(seed, "worker-0", kind, minutes)
    assert [each["metric"] for each in series] == list(METRICS)
    assert all(len(each["value"]) == minutes for each in series)
    assert all(value == -1 or 0 <= value <= 100 for each in series for value in each["value"])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_only_what_the_flavor_has_is_measured_and_not_in_the_first_minutes(kind):
    measured = {each["metric"] for each in usage(1, "worker-0", kind, 30) if each["value"][-1] >= 0}
    assert measured == KINDS[kind]
    assert all(each["value"][:2] == [-1, -1] for each in usage(1, "worker-0", kind, 30))


@given(st.integers(), st.integers(0, 100), st.integers(0, 100))
def test_what_was_measured_stays_when_time_goes_on(seed, earlier, more):
    before, after = (usage(seed, "worker-0", "GPU", minutes) for minutes in (earlier, earlier + more))
    assert [each["value"] for each in before] == [each["value"][:earlier] for each in after]


@given(st.integers(), st.sampled_from(sorted(KINDS)))
def test_a_busy_machine_wavers_smoothly(seed, kind):
    for each in usage(seed, "worker-0", kind, 200):
        busy = each["value"][30:]
        assert max(abs(a - b) for a, b in zip(busy, busy[1:])) < 5


def test_a_gpu_works_and_a_stopped_task_rests():
    busy, ended = (
        {each["metric"]: each["value"] for each in usage(1, "worker-0", "GPU", 60, on)}
        for on in (True, False)
    )
    assert min(busy["gpuUtil"][10:]) > 50
    assert ended["gpuUtil"][-1] < 5 < ended["gpuUtil"][-2]


def test_tasks_of_a_job_differ():
    assert usage(1, "worker-0", "CPU", 20) != usage(1, "worker-1", "CPU", 20)
    assert usage(1, "worker-0", "CPU", 20) == usage(1, "worker-0", "CPU", 20)
