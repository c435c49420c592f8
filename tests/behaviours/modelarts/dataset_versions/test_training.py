"""Stories about training jobs that read a version of a dataset."""

import json

import pytest

from tests.behaviours.modelarts.data_import_export.conftest import published
from tests.behaviours.modelarts.datasets.conftest import made, pictures, show
from tests.conftest import CONFIG, CONFIGS, JOB, refusal

JOBS = "/v2/{project_id}/training-jobs"


@pytest.fixture
def version(cloud) -> dict:
    """A dataset with a published version, as an input of a job names it."""
    id = made(cloud, pictures("a.png"))
    published(cloud, id)
    return {"id": id, "version_id": show(cloud, id)["current_version_id"]}


def job_with(dataset: dict) -> dict:
    """A job that reads the dataset."""
    inputs = [{"name": "data_url", "remote": {"dataset": dataset}}]
    return JOB | {"algorithm": JOB["algorithm"] | {"inputs": inputs}}


def test_a_version_is_an_input_that_lies_where_it_was_published(cloud, version):
    reply = cloud.post(JOBS, job_with(version))
    assert reply.status == 201, reply
    shown = cloud.get(f"{JOBS}/{reply.json['metadata']['id']}").json["algorithm"]["inputs"][0]
    folder = show(cloud, version["id"])["inner_annotation_path"]
    assert shown["remote"]["dataset"] == {**version, "obs_url": f"obs:/{folder}V001/"}


@pytest.mark.parametrize("change", [{"version_id": "none"}, {"id": "other"}])
def test_a_version_that_is_not_there_is_refused(cloud, version, change):
    other = made(cloud, {}, name="other", data_sources=[])
    asked = version | ({"id": other} if "id" in change else change)
    assert refusal(cloud.post(JOBS, job_with(asked))) == (400, "ModelArts.2782")


READER = b"""
import argparse, json, pathlib
parser = argparse.ArgumentParser()
for name in ("data_url", "train_url"):
    parser.add_argument(f"--{name}", type=pathlib.Path)
asked, _ = parser.parse_known_args()
(manifest,) = asked.data_url.glob("*.manifest")
sources = [json.loads(line)["source"] for line in manifest.read_text().splitlines()]
files = sorted(path.name for path in asked.data_url.rglob("*.png"))
(asked.train_url / "found.json").write_text(json.dumps([manifest.name, sources, files]))
"""


def test_a_script_finds_the_manifest_and_the_exported_files_in_its_input(cloud):
    id = made(cloud, pictures("a.png"))
    published(cloud, id, export_images=True)
    body = job_with({"id": id, "version_id": show(cloud, id)["current_version_id"]})
    body["algorithm"]["outputs"] = [{"name": "train_url", "remote": {"obs": {"obs_url": "/code/out/"}}}]
    cloud.world.obs.create_bucket("code")
    cloud.world.obs.write("code", "train.py", READER)
    job = cloud.post(JOBS, body).json["metadata"]["id"]
    cloud.clock.advance("1h")
    assert cloud.get(f"{JOBS}/{job}").json["status"]["phase"] == "Completed"
    found = json.loads(cloud.world.obs.read("code", "out/found.json"))
    assert found == ["V001.manifest", ["obs://data/in/a.png"], ["a.png"]]


def test_old_training_takes_a_version_that_is_there_and_no_other(cloud, version):
    config = {name: value for name, value in CONFIG.items() if name != "data_url"}
    config |= {"dataset_id": version["id"], "config_name": "usual"}
    assert cloud.post(CONFIGS, config | {"dataset_version_id": version["version_id"]}).status == 200
    reply = cloud.post(CONFIGS, config | {"config_name": "other", "dataset_version_id": "none"})
    assert refusal(reply) == (400, "ModelArts.0104")
