"""Containers of debugging jobs that are saved as images."""

import pytest

from tests.behaviours.modelarts.training.conftest import JOBS, cloud_seconds, create, running

DEBUGGING = {"metadata__annotations": {"jupyter-lab/enable": "true"}}
IMAGE = {"name": "resnet", "namespace": "group", "tag": "0.1", "description": "as it runs"}
LONG = {"EMULATOR_DURATION": "10h"}


def debugging(cloud, **changes) -> str:
    """The id of a running job for debugging."""
    return running(cloud, **DEBUGGING, algorithm__environments=LONG, **changes)


def save(cloud, id: str, task: str = "worker-0", **changes):
    """The answer to saving the task's container."""
    return cloud.post(f"{JOBS}/{id}/tasks/{task}/save-image-job", IMAGE | changes)


def status(cloud, id: str) -> str:
    """How far saving is."""
    return cloud.get(f"{JOBS}/{id}/tasks/worker-0/save-image-job").json["status"]


def test_an_image_is_saved_step_by_step(cloud):
    id = debugging(cloud)
    seen = [save(cloud, id).json["status"]]
    for seconds in (5.1, 120):
        cloud_seconds(cloud, seconds)
        seen.append(status(cloud, id))
    assert seen == ["INIT", "CREATING", "ACTIVE"]


def test_an_image_that_is_being_saved_shows_what_was_asked_for(cloud):
    id = debugging(cloud)
    save(cloud, id)
    shown = cloud.get(f"{JOBS}/{id}/tasks/worker-0/save-image-job").json
    assert {name: shown[name] for name in IMAGE} == IMAGE
    assert shown["create_time"] == cloud.world.clock.now_ms()


def test_saving_fails_when_the_job_ends_meanwhile(cloud):
    id = debugging(cloud)
    save(cloud, id)
    cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    cloud_seconds(cloud, 126)
    assert status(cloud, id) == "CREATE_FAILED"


@pytest.mark.parametrize(
    ("code", "prepare"),
    [
        ("2879", lambda cloud: running(cloud, algorithm__environments=LONG)),
        ("2883", lambda cloud: create(cloud, **DEBUGGING)),
    ],
)
def test_only_a_running_debugging_job_is_saved(cloud, code, prepare):
    reply = save(cloud, prepare(cloud))
    assert (reply.status, reply.json["error_code"]) == (400, f"ModelArts.{code}")


def test_a_job_that_becomes_a_debugging_one_can_be_saved(cloud):
    id = running(cloud, algorithm__environments=LONG)
    cloud.put(f"{JOBS}/{id}", {"metadata": {"annotation": {"jupyter-lab/enable": "true"}}})
    assert save(cloud, id).status == 200


def test_a_task_is_saved_once_at_a_time(cloud):
    id = debugging(cloud)
    save(cloud, id)
    assert save(cloud, id, tag="0.2").json["error_code"] == "ModelArts.2880"


def test_an_image_is_not_overwritten(cloud):
    id = debugging(cloud)
    save(cloud, id)
    cloud_seconds(cloud, 126)
    assert save(cloud, id).json["error_code"] == "ModelArts.2884"
    assert save(cloud, id, tag="0.2").status == 200


def test_a_task_that_was_never_saved_has_no_image(cloud):
    reply = cloud.get(f"{JOBS}/{debugging(cloud)}/tasks/worker-0/save-image-job")
    assert (reply.status, reply.json["error_code"]) == (404, "ModelArts.2881")


def test_a_task_that_the_job_does_not_have_is_not_saved(cloud):
    assert save(cloud, debugging(cloud), "worker-7").json["error_code"] == "ModelArts.2788"
