"""Training jobs and OBS: inputs that must be there, results and logs that are left behind."""

import json
import urllib.error
import urllib.request

import pytest

from tests.behaviours.modelarts.training.conftest import (
    JOBS,
    cloud_seconds,
    completed,
    create,
    phase,
    preview,
    running,
    show,
)

INPUTS = [{"name": "data_url", "remote": {"obs": {"obs_url": "/training-data/cifar/"}}}]
OUTPUTS = [{"name": "train_url", "remote": {"obs": {"obs_url": "obs://training-results/run/"}}}]


def with_objects(cloud, bucket: str, *keys: str) -> None:
    """A bucket that holds these objects."""
    cloud.world.obs.create_bucket(bucket)
    for key in keys:
        cloud.world.obs.write(bucket, key, b"content")


def event_text(cloud, id: str) -> str:
    """All events of a job as one text."""
    return str(cloud.get(f"{JOBS}/{id}/events").json["events"])


def log_link(cloud, id: str, **headers) -> str:
    """A link to the log of worker-0."""
    reply = cloud.get(f"{JOBS}/{id}/tasks/worker-0/logs/url", headers=headers)
    assert reply.status == 200, reply
    return reply.json["obs_url"]


@pytest.mark.parametrize("objects", [(), ("cifar2/a.bin",), ("cifar-old",)])
def test_a_job_without_its_input_fails_before_it_runs(cloud, objects):
    with_objects(cloud, "training-data", *objects)
    id = create(cloud, algorithm__inputs=INPUTS)
    cloud_seconds(cloud, 30)
    status = show(cloud, id)["status"]
    assert (status["phase"], status["start_time"]) == ("Failed", 0)
    assert "/training-data/cifar/" in event_text(cloud, id) and "/training-data/cifar/" in preview(cloud, id)


def test_a_job_without_the_bucket_of_its_input_fails(cloud):
    id = create(cloud, algorithm__inputs=INPUTS)
    cloud_seconds(cloud, 30)
    assert phase(cloud, id) == "Failed"


@pytest.mark.parametrize("url", ["/training-data/", "/training-data/cifar", "s3://training-data/cifar/a.bin"])
def test_a_job_runs_when_its_input_is_there(cloud, url):
    with_objects(cloud, "training-data", "cifar/a.bin")
    running(cloud, algorithm__inputs=[{"name": "data_url", "remote": {"obs": {"obs_url": url}}}])


def test_an_empty_code_folder_is_a_warning_and_no_failure(cloud):
    id = completed(cloud)
    assert phase(cloud, id) == "Completed"
    warnings = cloud.get(f"{JOBS}/{id}/events?level=Warning").json["events"]
    assert "/training-code/resnet/" in warnings[0]["message"] and "WARNING" in preview(cloud, id)


def test_code_that_is_there_is_no_warning(cloud):
    with_objects(cloud, "training-code", "resnet/train.py")
    assert cloud.get(f"{JOBS}/{running(cloud)}/events?level=Warning").json["events"] == []


def test_a_completed_job_leaves_its_result_in_obs(cloud):
    with_objects(cloud, "training-results")
    id = completed(cloud, algorithm__outputs=OUTPUTS)
    result = json.loads(cloud.world.obs.read("training-results", "run/result.json"))
    assert (result["job_id"], result["parameters"]) == (id, {"lr": "0.1"})
    assert f"accuracy={result['accuracy']:.6g}" in preview(cloud, id)


def test_a_running_job_has_no_result_yet(cloud):
    with_objects(cloud, "training-results")
    running(cloud, algorithm__outputs=OUTPUTS)
    assert not cloud.world.obs.exists("training-results", "run/result.json")


def test_a_job_whose_output_has_no_bucket_fails_at_the_end(cloud):
    id = running(cloud, algorithm__outputs=OUTPUTS)
    cloud_seconds(cloud, 600)
    assert phase(cloud, id) == "Failed"
    assert "training-results" in event_text(cloud, id) and "training-results" in preview(cloud, id)


@pytest.mark.parametrize("code", ["0", "1"])
def test_the_log_is_left_where_the_job_wants_it(cloud, code):
    with_objects(cloud, "training-logs")
    export = {"obs_url": "/training-logs/run"}
    id = completed(cloud, spec__log_export_path=export, algorithm__environments={"EMULATOR_EXIT_CODE": code})
    text = cloud.world.obs.read("training-logs", f"run/modelarts-job-{id}-worker-0.log").decode()
    assert text == preview(cloud, id) and f"exit with {code}" in text


def test_a_missing_bucket_for_the_log_does_not_keep_a_job_from_its_end(cloud):
    assert (
        phase(cloud, completed(cloud, spec__log_export_path={"obs_url": "/no-such-bucket/"})) == "Completed"
    )


def test_a_link_to_a_log_that_has_no_bucket_is_refused(cloud):
    id = running(cloud, spec__log_export_path={"obs_url": "/no-such-bucket/"})
    reply = cloud.get(f"{JOBS}/{id}/tasks/worker-0/logs/url")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2820")


def test_a_job_that_has_not_run_has_no_link_to_its_log_yet(cloud):
    assert cloud.get(f"{JOBS}/{create(cloud)}/tasks/worker-0/logs/url").status == 204


def test_the_link_really_shows_the_log(cloud):
    id = running(cloud)
    with urllib.request.urlopen(log_link(cloud, id)) as answer:
        assert answer.read().decode() == preview(cloud, id)
        assert answer.headers["Content-Type"].startswith("text/plain")


def test_the_link_downloads_the_log_when_that_was_asked_for(cloud):
    link = log_link(cloud, running(cloud), **{"Content-Type": "application/octet-stream"})
    with urllib.request.urlopen(link) as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment")


def test_the_link_opens_for_five_minutes_and_not_longer(cloud):
    link = log_link(cloud, running(cloud))
    cloud.clock.advance("299s")
    urllib.request.urlopen(link).close()
    cloud.clock.advance("2s")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(link)


def test_the_documented_request_for_a_log_link_is_answered(cloud):
    reply = cloud.get(f"{JOBS}/{running(cloud)}/tasks/worker-0/logs/url?Content-Type=text/plain")
    assert list(reply.json) == ["obs_url"] and reply.json["obs_url"].startswith("http://")
