"""Stories about notebooks and training tasks that are saved as images, and what is started from those."""

import pytest

from tests.behaviours.modelarts.images.conftest import IMAGES, names, save, saved, show
from tests.behaviours.modelarts.notebooks.conftest import ASCEND_IMAGE, GPU_IMAGE, create, run, stop, until
from tests.behaviours.modelarts.notebooks.conftest import BASE as NOTEBOOKS
from tests.behaviours.modelarts.notebooks.conftest import show as show_notebook
from tests.conftest import JOB, refusal

JOBS = "/v2/{project_id}/training-jobs"


def test_a_running_notebook_is_saved_step_by_step(cloud):
    notebook = run(cloud)
    image = save(cloud, notebook, description="with packages").json
    assert (image["status"], image["origin"], image["description"]) == ("INIT", "IMAGE_SAVE", "with packages")
    assert show_notebook(cloud, notebook)["status"] == "SNAPSHOTTING"
    seen = []
    cloud.clock.until(
        lambda: seen.append(show(cloud, image["id"])["status"]) or seen[-1] == "ACTIVE", within="1h"
    )
    assert list(dict.fromkeys(seen)) == ["INIT", "CREATING", "ACTIVE"]
    assert until(cloud, notebook, "RUNNING")["image"]["id"] != image["id"]


def test_only_a_running_notebook_is_saved_and_once_at_a_time(cloud):
    assert refusal(save(cloud, create(cloud)["id"])) == (400, "ModelArts.6327")
    notebook = run(cloud)
    save(cloud, notebook)
    assert refusal(save(cloud, notebook, tag="2")) == (400, "ModelArts.6327")
    until(cloud, notebook, "RUNNING")
    assert refusal(save(cloud, notebook)) == (400, "ModelArts.6737")
    assert refusal(save(cloud, stop(cloud, notebook), tag="2")) == (400, "ModelArts.6327")


@pytest.mark.parametrize(
    "body, code", [({"name": ""}, "ModelArts.6335"), ({"name": "Capital"}, "ModelArts.6400")]
)
def test_a_name_that_cannot_be_is_refused_and_the_notebook_runs_on(cloud, body, code):
    notebook = run(cloud)
    assert refusal(save(cloud, notebook, **body)) == (400, code)
    assert show_notebook(cloud, notebook)["status"] == "RUNNING"


def test_a_notebook_is_neither_stopped_nor_deleted_while_it_is_saved(cloud):
    notebook = run(cloud)
    save(cloud, notebook)
    assert refusal(cloud.post(f"{NOTEBOOKS}/{notebook}/stop")) == (400, "ModelArts.6357")
    assert refusal(cloud.delete(f"{NOTEBOOKS}/{notebook}")) == (400, "ModelArts.6357")


def test_an_image_whose_container_is_gone_has_failed_and_can_be_saved_anew(cloud):
    image = save(cloud, run(cloud)).json["id"]
    body = {"world": cloud.world.tag, "area": "modelarts/notebooks"}
    assert cloud.send("POST", "/_emulator/reset", body, auth=False).status == 200
    cloud.clock.advance("5m")
    assert (show(cloud, image)["status"], show(cloud, image)["status_message"]) == (
        "CREATE_FAILED",
        "The container is gone.",
    )
    assert save(cloud, run(cloud)).status == 200


@pytest.mark.parametrize(
    "base, flavor", [(GPU_IMAGE, "modelarts.vm.gpu.v100"), (ASCEND_IMAGE, "modelarts.bm.snt9b.xlarge.8")]
)
def test_a_notebook_is_started_from_a_saved_image_on_what_its_base_runs_on(cloud, base, flavor):
    image = saved(cloud, run(cloud, image_id=base, flavor=flavor))
    assert until(cloud, create(cloud, image_id=image, flavor=flavor)["id"], "RUNNING")["image"]["id"] == image
    is_ascend = base == ASCEND_IMAGE
    reply = cloud.post(
        NOTEBOOKS,
        {
            "name": "x",
            "image_id": image,
            "flavor": "modelarts.vm.gpu.8v100" if is_ascend else "modelarts.bm.snt9.xlarge.1",
            "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 5},
        },
    )
    assert refusal(reply) == (400, "ModelArts.6330")


def test_an_image_that_is_not_ready_starts_no_notebook(cloud):
    image = save(cloud, run(cloud)).json["id"]
    failed = until(cloud, create(cloud, image_id=image)["id"], "CREATE_FAILED")
    assert "not ACTIVE" in failed["fail_reason"]


def test_a_job_is_started_from_a_saved_image(cloud):
    image = show(cloud, saved(cloud, run(cloud)))
    engine = {"image_url": image["swr_path"].partition("/")[2]}
    algorithm = {
        "command": "python train.py",
        "engine": engine,
        "environments": {"EMULATOR_DURATION": "100h"},
    }
    job = cloud.post(JOBS, {**JOB, "algorithm": algorithm}).json["metadata"]["id"]
    cloud.clock.advance("1m")
    assert cloud.get(f"{JOBS}/{job}").json["status"]["phase"] == "Running"


def test_a_saved_training_task_is_an_image_from_which_a_notebook_starts(cloud):
    metadata = {"name": "debug", "annotations": {"jupyter-lab/enable": "true"}}
    algorithm = {**JOB["algorithm"], "environments": {"EMULATOR_DURATION": "100h"}}
    job = cloud.post(JOBS, {**JOB, "metadata": metadata, "algorithm": algorithm}).json["metadata"]["id"]
    cloud.clock.until(lambda: cloud.get(f"{JOBS}/{job}").json["status"]["phase"] == "Running", within="1h")
    path = f"{JOBS}/{job}/tasks/worker-0/save-image-job"
    body = {"name": "debugged", "namespace": "group", "tag": "1"}
    assert cloud.post(path, body).status == 200 and names(cloud, "?type=DEDICATED") == []
    cloud.clock.until(lambda: cloud.get(path).json["status"] == "ACTIVE", within="1h")
    (image,) = cloud.get(f"{IMAGES}?type=DEDICATED").json["data"]
    assert (image["name"], image["origin"], image["service_type"]) == ("debugged", "IMAGE_SAVE", "TRAIN")
    until(cloud, create(cloud, image_id=image["id"])["id"], "RUNNING")
    assert refusal(cloud.post(path, body)) == (400, "ModelArts.2884")
