"""Search jobs from the job's side: they run until their trials end, and print what the trials report."""

import re

from tests.behaviours.modelarts.training.conftest import (
    JOBS,
    cloud_seconds,
    create,
    phase,
    preview,
    running,
    searching,
    show,
)

SEARCHING = {"algorithm__policies": searching()}


def trials(cloud, id: str) -> list[list]:
    """The rows of the trials table."""
    return cloud.get(f"{JOBS}/{id}/autosearch-trials").json["items"]["data"]


def until_over(cloud, id: str) -> None:
    """Move on until the job is over."""
    cloud.clock.until(lambda: phase(cloud, id) in ("Completed", "Failed"))


def test_a_search_job_runs_until_its_trials_have_ended(cloud):
    id = running(cloud, **SEARCHING)
    until_over(cloud, id)
    assert phase(cloud, id) == "Completed"
    assert len(trials(cloud, id)) == 4 and {row[9] for row in trials(cloud, id)} == {"TERMINATED"}


def test_the_expression_of_a_search_reads_from_the_log_what_the_trials_report(cloud):
    id = running(cloud, **SEARCHING)
    until_over(cloud, id)
    read = re.findall("acc=([0-9.]+)", preview(cloud, id))
    assert read and {row[8] for row in trials(cloud, id)} <= set(read)


def test_the_script_of_a_search_that_fails_makes_the_job_fail(cloud):
    id = running(cloud, **SEARCHING, algorithm__environments={"EMULATOR_EXIT_CODE": "1"})
    until_over(cloud, id)
    assert phase(cloud, id) == "Failed"


def test_the_trials_of_a_stopped_search_stop(cloud):
    id = running(cloud, **SEARCHING)
    cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    count = len(trials(cloud, id))
    cloud_seconds(cloud, 3600)
    assert phase(cloud, id) == "Terminated"
    assert len(trials(cloud, id)) == count and {row[9] for row in trials(cloud, id)} == {"TERMINATED"}


def test_an_auto_stop_ends_a_search_that_takes_longer(cloud):
    cloud.world.pace = 0.01
    id = running(cloud, **SEARCHING, spec__auto_stop={"duration": 1, "time_unit": "HOURS"})
    cloud.clock.advance("59m")
    assert phase(cloud, id) == "Running"
    cloud.clock.advance("1h")
    assert phase(cloud, id) == "Terminated"
    assert {row[9] for row in trials(cloud, id)} == {"TERMINATED"}


def test_a_deleted_search_leaves_no_trials(cloud):
    id = running(cloud, **SEARCHING)
    cloud.delete(f"{JOBS}/{id}")
    assert len(cloud.world.store.table(f"modelarts/training/trial/{cloud.project_id}")) == 0


def test_a_search_whose_yaml_is_missing_fails_and_says_so(cloud):
    id = create(cloud, algorithm__autosearch_config_path="/training-code/search.yaml")
    cloud_seconds(cloud, 30)
    assert phase(cloud, id) == "Failed"
    assert "search.yaml" in preview(cloud, id)
    assert "search.yaml" in show(cloud, id)["status"]["task_statuses"][0]["message"]


def test_a_search_whose_results_have_no_bucket_fails_before_it_runs(cloud):
    outputs = [{"name": "train_url", "remote": {"obs": {"obs_url": "/training-results/"}}}]
    id = create(cloud, **SEARCHING, algorithm__outputs=outputs)
    cloud_seconds(cloud, 30)
    status = show(cloud, id)["status"]
    assert (status["phase"], status["start_time"]) == ("Failed", 0)
