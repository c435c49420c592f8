"""Training jobs that fail and begin again, tasks that are killed, and logs of devices."""

import pytest

from tests.behaviours.modelarts.training.conftest import (
    JOBS,
    changed,
    cloud_seconds,
    create,
    messages,
    phase,
    preview,
    running,
    show,
)

FAILING = {"EMULATOR_EXIT_CODE": "2", "EMULATOR_DURATION": "100s"}
THRICE = {"fault-tolerance/job-retry-num": "2"}


def restarted(cloud, **changes) -> str:
    """The id of a running job that will fail and may begin again twice."""
    return running(cloud, metadata__annotations=THRICE, algorithm__environments=FAILING, **changes)


def test_a_failing_job_begins_again_as_often_as_it_may(cloud):
    id, seen = restarted(cloud), []
    for _ in range(3):
        cloud_seconds(cloud, 99)
        seen.append(phase(cloud, id))
        cloud_seconds(cloud, 1.1)
    assert (seen, phase(cloud, id)) == (["Running"] * 3, "Failed")


def test_each_run_of_a_job_is_recorded_with_how_it_ended(cloud):
    id = restarted(cloud)
    cloud_seconds(cloud, 301)
    records = show(cloud, id)["status"]["running_records"]
    assert [each["start_type"] for each in records] == ["init_or_rescheduled", "restarted", "restarted"]
    assert [each.get("end_recover") for each in records] == ["proc_restart", "proc_restart", None]
    assert records[0]["recover_records"][0]["fault_scenario"] == "job_failed"
    assert {each["end_reason"] for each in records} == {"exit with 2"}


def test_the_duration_of_a_job_is_that_of_all_its_runs(cloud):
    id = restarted(cloud)
    start = show(cloud, id)["status"]["start_time"]
    cloud_seconds(cloud, 301)
    status = show(cloud, id)["status"]
    assert status["start_time"] == start
    assert status["duration"] == pytest.approx(300_000 / cloud.world.pace, abs=1)


def test_log_and_events_tell_of_every_restart(cloud):
    id = restarted(cloud)
    cloud_seconds(cloud, 301)
    text = preview(cloud, id)
    assert (text.count("training for 10 epochs"), text.count("RuntimeError")) == (3, 3)
    assert "restart 2 of 2" in text
    assert sum("is restarted" in words for words in messages(cloud, id)) == 2


def test_a_job_without_retries_fails_at_once(cloud):
    id = running(cloud, algorithm__environments=FAILING)
    cloud_seconds(cloud, 100.1)
    assert phase(cloud, id) == "Failed"


def test_an_auto_stop_counts_all_runs_together(cloud):
    environments = {"EMULATOR_EXIT_CODE": "2", "EMULATOR_DURATION": "40h"}
    stop = {"duration": 1, "time_unit": "HOURS"}
    id = running(
        cloud, metadata__annotations=THRICE, algorithm__environments=environments, spec__auto_stop=stop
    )
    cloud.clock.advance("41m")
    assert phase(cloud, id) == "Running"
    assert len(show(cloud, id)["status"]["running_records"]) == 2
    cloud.clock.advance("20m")
    assert phase(cloud, id) == "Terminated"


@pytest.mark.parametrize("retries", ["-1", "many", "129", "9" * 30])
def test_a_number_of_retries_that_is_none_is_refused(cloud, retries):
    body = changed(metadata__annotations={"fault-tolerance/job-retry-num": retries})
    assert cloud.post(JOBS, body).json["error_code"] == "ModelArts.2788"


def test_when_one_task_fails_the_others_are_killed(cloud):
    id = running(cloud, spec__resource__node_count=3, algorithm__environments=FAILING)
    cloud_seconds(cloud, 101)
    statuses = show(cloud, id)["status"]["task_statuses"]
    assert [(each["task"], each["exit_code"]) for each in statuses] == [
        ("worker-0", 2),
        ("worker-1", 137),
        ("worker-2", 137),
    ]


def test_an_ascend_job_leaves_a_log_of_every_device_beside_the_workers_own(cloud):
    cloud.world.obs.create_bucket("training-logs")
    resource = {"flavor_id": "modelarts.kat1.8xlarge", "node_count": 2}
    id = create(cloud, spec__resource=resource, spec__log_export_path={"obs_url": "/training-logs/run/"})
    cloud_seconds(cloud, 700)
    keys = set(cloud.world.obs.keys("training-logs", "run/"))
    workers = {f"run/modelarts-job-{id}-worker-{number}.log" for number in (0, 1)}
    ranks = {f"run/modelarts-job-{id}-proc-rank-{rank}-device-{rank % 8}.txt" for rank in range(16)}
    assert keys == workers | ranks
    text = cloud.world.obs.read("training-logs", f"run/modelarts-job-{id}-proc-rank-9-device-1.txt").decode()
    assert text.startswith("[worker-1][rank 9][device 1]")
