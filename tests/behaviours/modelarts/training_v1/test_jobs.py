"""Stories about training jobs of v1 and their versions."""

import json
import re

import pytest

from tests.behaviours.modelarts.training_v1.conftest import (
    CODE,
    CONFIG,
    JOBS,
    create,
    fault,
    knob,
    reaches,
    started,
    status,
)


def test_a_new_job_is_accepted_with_its_first_version(cloud):
    answer = create(cloud, "TestModelArtsJob").json
    assert (answer["is_success"], answer["job_id"], answer["version_id"]) == (True, 1, 1)
    assert (answer["version_name"], answer["status"]) == ("V0001", 1)
    assert answer["resource_id"].startswith("job") and answer["create_time"] == int(cloud.clock.now() * 1000)


def test_the_log_file_names_of_job_10_version_10_are_one_a_node(cloud):
    for number in range(1, 10):
        create(cloud, f"job{number}")
    create(cloud, "jobtest_TF", worker_server_num=2)
    answer = cloud.get("/v1/{project_id}/training-jobs/10/versions/10/log/file-names")
    assert answer.json == {"is_success": True, "log_file_list": ["job-jobtest-tf.0", "job-jobtest-tf.1"]}


def test_a_job_goes_from_init_over_waiting_and_running_to_completed(cloud, bucket):
    version, seen = started(cloud), []

    def is_over():
        number = status(cloud, version)
        seen.append(number) if number not in seen else None
        return number == 10

    cloud.clock.until(is_over)
    assert seen == [1, 4, 7, 8, 10]


def test_a_custom_image_is_fetched_before_the_job_is_submitted(cloud):
    image = {"user_image_url": "swr.example.com/jobmng/custom-cpu-base:1.0", "user_command": "bash run.sh"}
    version = started(cloud, without=tuple(CODE), **image)
    shown = reaches(cloud, version, 2)
    assert shown["engine_id"] is None and shown["user_command"] == "bash run.sh"
    cloud.clock.until(lambda: status(cloud, version) == 4)


def test_a_custom_image_without_an_organization_cannot_be_fetched(cloud):
    reaches(cloud, started(cloud, without=tuple(CODE), user_image_url="custom-cpu-base:1.0"), 3)


def test_duration_counts_while_a_job_runs_and_stands_still_afterwards(cloud, bucket):
    version = started(cloud, **knob(duration="2h"))
    start = reaches(cloud, version, 8)
    cloud.clock.advance(30)
    assert cloud.get(version).json["duration"] - start["duration"] == pytest.approx(30_000, abs=2)
    assert reaches(cloud, version, 10)["duration"] == pytest.approx(120_000, abs=2)
    cloud.clock.advance("1h")
    assert cloud.get(version).json["duration"] == pytest.approx(120_000, abs=2)


def test_a_second_job_of_the_same_name_is_refused_in_the_documented_words(cloud):
    create(cloud, "TestModelArtsJob")
    refused = (400, "ModelArts.0103", "Job name:TestModelArtsJob is existed")
    assert fault(create(cloud, "TestModelArtsJob")) == refused


def test_the_name_of_a_deleted_job_is_free_again_and_its_id_is_not(cloud):
    version = started(cloud, "again")
    cloud.delete(f"{JOBS}/1")
    cloud.clock.until(lambda: cloud.get(version).status == 400)
    assert create(cloud, "again").json["job_id"] == 2


def test_a_job_can_be_registered_without_a_version_and_started_later(cloud):
    registered = create(cloud, create_version=False).json
    assert "version_id" not in registered and registered["status"] == 1
    row = cloud.get(JOBS).json["jobs"][0]
    assert (row["version_count"], row["status"], row["duration"]) == (0, 1, 0)
    body = {"config": {**CONFIG, "pre_version_id": 0}}
    assert cloud.post(f"{JOBS}/1/versions", body).json["version_name"] == "V0001"


def test_further_versions_count_up_and_derive_from_one_of_the_same_job(cloud):
    create(cloud), create(cloud, "other")
    body = {"config": {**CONFIG, "pre_version_id": 1}, "job_desc": "better"}
    answer = cloud.post(f"{JOBS}/1/versions", body).json
    assert (answer["job_id"], answer["version_id"], answer["version_name"]) == (1, 3, "V0002")
    shown = cloud.get(f"{JOBS}/1/versions/3").json
    assert (shown["pre_version_id"], shown["job_desc"]) == (1, "better")
    refused = cloud.post(f"{JOBS}/1/versions", {"config": {**CONFIG, "pre_version_id": 2}})
    assert fault(refused) == (
        400,
        "ModelArts.0105",
        "training job version 2 does not exist in training job 1",
    )


def test_a_stopped_version_is_killing_and_then_killed(cloud, bucket):
    version = started(cloud)
    reaches(cloud, version, 8)
    assert cloud.post(f"{version}/stop").json == {"is_success": True}
    assert status(cloud, version) == 9
    cloud.clock.advance(1)
    assert status(cloud, version) == 12


@pytest.mark.parametrize("number", [9, 10, 12])
def test_a_version_that_ends_or_is_over_cannot_be_stopped(cloud, bucket, number):
    version = started(cloud)
    if number != 10:
        cloud.post(f"{version}/stop")
    reaches(cloud, version, number)
    words = f"This job can't be stop. job status: {number}"
    assert fault(cloud.post(f"{version}/stop")) == (400, "ModelArts.0105", words)


@pytest.mark.parametrize("what", [f"{JOBS}/1", f"{JOBS}/1/versions/1"])
def test_nothing_is_deleted_while_it_is_being_killed(cloud, what):
    cloud.post(f"{started(cloud)}/stop")
    words = "This job can't be delete. job status: 9"
    assert fault(cloud.delete(what)) == (400, "ModelArts.0105", words)
    assert cloud.get(f"{JOBS}/1/versions").json["version_count"] == 1


def test_a_running_job_that_is_deleted_is_killed_first_and_takes_no_new_version(cloud, bucket):
    version = started(cloud)
    reaches(cloud, version, 8)
    assert cloud.delete(f"{JOBS}/1").json == {"is_success": True}
    assert status(cloud, version) == 9
    refused = cloud.post(f"{JOBS}/1/versions", {"config": {**CONFIG, "pre_version_id": 1}})
    assert fault(refused) == (400, "ModelArts.0105", "training job 1 is being deleted")
    cloud.clock.advance(1)
    assert cloud.get(JOBS).json["job_total_count"] == 0


def test_a_version_that_is_over_is_gone_at_once_and_the_job_stays(cloud, bucket):
    version = started(cloud)
    reaches(cloud, version, 10)
    cloud.delete(version)
    assert fault(cloud.get(version)) == (
        400,
        "ModelArts.0105",
        "training job version 1 does not exist in training job 1",
    )
    assert cloud.get(JOBS).json["jobs"][0]["version_count"] == 0


def test_a_registered_job_without_versions_is_deleted_at_once(cloud):
    create(cloud, create_version=False)
    cloud.delete(f"{JOBS}/1")
    words = f"training job 1 does not exist in project {cloud.project_id}"
    assert fault(cloud.delete(f"{JOBS}/1"))[1:] == ("ModelArts.0105", words)


def test_only_the_description_of_a_job_changes(cloud):
    version = started(cloud)
    assert cloud.put(f"{JOBS}/1", {"job_desc": "This is a ModelArts job"}).json == {"is_success": True}
    assert cloud.get(version).json["job_desc"] == "This is a ModelArts job"


def test_a_job_whose_data_are_not_in_obs_fails_and_its_log_names_them(cloud):
    version = started(cloud)
    reaches(cloud, version, 11)
    log = cloud.get(f"{version}/aom-log?log_file=job-job.0").json["content"]
    assert "No such file or directory: /usr/data/ does not exist in OBS" in log


def test_a_job_fails_with_the_exit_code_it_was_told(cloud, bucket):
    version = started(cloud, **knob(exit_code="3"))
    reaches(cloud, version, 11)
    assert "the script exited with 3" in cloud.get(f"{version}/aom-log?log_file=job-job.0").json["content"]


def test_a_job_that_has_nowhere_to_write_fails_at_its_end(cloud, bucket):
    version = started(cloud, train_url="/no-such-bucket/train/")
    reaches(cloud, version, 11)
    assert "no-such-bucket" in cloud.get(f"{version}/aom-log?log_file=job-job.0").json["content"]


def test_output_and_log_lie_in_obs_in_a_folder_of_the_version(cloud, bucket):
    version = started(cloud, log_url="/usr/log/")
    reaches(cloud, version, 10)
    result = json.loads(bucket.read("usr", "train/V0001/result.json"))
    assert result["epochs"] == 10 and 0 < result["accuracy"] <= 1
    shown = cloud.get(f"{version}/log?log_file=job-job.0").json["log"]
    assert bucket.read("usr", "log/V0001/job-job.0").decode() == shown
    assert re.search(rf"epoch 10/10 .* accuracy={result['accuracy']:.6g} ", shown)


def test_a_specification_can_be_named_by_its_code(cloud):
    shown = cloud.get(started(cloud, without=["spec_id"], flavor={"code": "modelarts.vm.cpu.8u"})).json
    assert (shown["spec_id"], shown["core"], shown["cpu"]) == (27, "8", "32")


def names(cloud, query: str) -> list[str]:
    """The names of the jobs on the page that a query selects."""
    return [row["job_name"] for row in cloud.get(f"{JOBS}?{query}").json["jobs"]]


def test_jobs_are_sorted_by_name_unless_asked_otherwise(cloud):
    for name in ("b", "a", "c"):
        create(cloud, name)
        cloud.clock.advance(0.001)
    assert names(cloud, "") == ["a", "b", "c"]
    assert names(cloud, "sortBy=create_time&order=desc") == ["c", "a", "b"]


@pytest.mark.parametrize("key", ["job_desc", "status", "duration", "version_count"])
def test_jobs_can_be_sorted_by_everything_the_list_shows(cloud, bucket, key):
    create(cloud, "early", **knob(duration="10m"))
    reaches(cloud, f"{JOBS}/1/versions/1", 8)
    create(cloud, "late")
    cloud.put(f"{JOBS}/1", {"job_desc": "z"})
    cloud.post(f"{JOBS}/1/versions", {"config": {**CONFIG, "pre_version_id": 1}})
    cloud.clock.advance("1m")
    cloud.post(f"{JOBS}/2/versions/2/stop")
    rows = cloud.get(f"{JOBS}?sortBy={key}&order=desc").json["jobs"]
    assert [row[key] for row in rows] == sorted((row[key] for row in rows), reverse=True)


def test_jobs_are_searched_by_name_and_by_several_states(cloud):
    stopped = started(cloud, "JobOne")
    create(cloud, "job_two"), create(cloud, "else")
    cloud.post(f"{stopped}/stop")
    assert names(cloud, "search_content=job") == ["JobOne", "job_two"]
    assert names(cloud, "status=9") == ["JobOne"]
    assert names(cloud, "status=1%7C9&search_content=job") == ["JobOne", "job_two"]


@pytest.mark.parametrize("text", ["running", "8|", "23"])
def test_a_state_that_is_no_number_of_one_is_refused(cloud, text):
    refused = fault(cloud.get(f"{JOBS}?status={text.replace('|', '%7C')}"))
    assert refused[:2] == (400, "ModelArts.0105") and "numbers from 0 to 22" in refused[2]


def test_a_page_holds_what_was_asked_for_and_the_total_counts_all(cloud):
    for name in ("a", "b", "c"):
        create(cloud, name)
    shown = cloud.get(f"{JOBS}?per_page=2&page=2").json
    assert [row["job_name"] for row in shown["jobs"]] == ["c"] and shown["job_total_count"] == 3


def test_all_versions_are_listed_unless_a_page_is_asked_for(cloud):
    create(cloud)
    for _ in range(2):
        cloud.post(f"{JOBS}/1/versions", {"config": {**CONFIG, "pre_version_id": 1}})
    everything = cloud.get(f"{JOBS}/1/versions?per_page=1").json
    assert [version["version_name"] for version in everything["versions"]] == ["V0003", "V0002", "V0001"]
    page = cloud.get(f"{JOBS}/1/versions?per_page=1&page=2").json
    assert [version["version_name"] for version in page["versions"]] == ["V0002"]
    assert page["version_count"] == 3


def test_a_finished_built_in_algorithm_has_been_evaluated_and_a_script_has_not(cloud, bucket):
    model = started(cloud, "model", without=tuple(CODE), model_id=1)
    script = started(cloud, "script")
    assert json.loads(reaches(cloud, script, 10)["model_metric_list"]) == {}
    values = json.loads(reaches(cloud, model, 10)["model_metric_list"])["total_metric"]["total_metric_values"]
    assert all(0 < values[name] <= 1 for name in ("recall", "precision", "accuracy", "f1_score"))
    assert cloud.get(model).json["engine_version"] == "TF-1.8.0-python3.6"


def test_epochs_of_more_digits_than_a_number_has_are_none(cloud, bucket):
    version = started(cloud, parameter=[{"label": "epochs", "value": "1" * 5000}])
    reaches(cloud, version, 10)


def test_the_topic_of_a_job_is_told_of_the_events_that_its_notification_names(cloud, bucket):
    wanted = {"topic_urn": "urn:smn:v1", "events": ["JobStarted", "JobTerminated"]}
    job = cloud.post(JOBS, {"job_name": "job", "config": CONFIG, "notification": wanted}).json
    version = f"{JOBS}/{job['job_id']}/versions/{job['version_id']}"
    reaches(cloud, version, 8)
    cloud.post(f"{version}/stop")
    reaches(cloud, version, 12)
    told = cloud.get("/_emulator/messages?to=urn:smn:v1").json["messages"]
    assert [each["content"]["event"] for each in told] == ["JobStarted", "JobTerminated"]
    assert told[0]["content"]["version_id"] == job["version_id"]
