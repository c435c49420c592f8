"""Training jobs of v1 as the stories about them create and watch them."""

import pytest

JOBS = "/v1/{project_id}/training-jobs"
CODE = {"app_url": "/usr/app/", "boot_file_url": "/usr/app/boot.py", "engine_id": 4}
CONFIG = {**CODE, "data_url": "/usr/data/", "train_url": "/usr/train/", "spec_id": 2, "worker_server_num": 1}
FREE = {"spec_id": 6}


@pytest.fixture
def bucket(cloud):
    """The bucket that the documented examples read from and write to."""
    cloud.world.obs.create_bucket("usr")
    cloud.world.obs.write("usr", "data/images.bin", b"content", content_type="text/plain")
    return cloud.world.obs


def create(cloud, name="job", without=(), **config):
    """Ask for a job; members of the usual configuration that are in `without` are left out."""
    usual = {name: value for name, value in CONFIG.items() if name not in without}
    return cloud.post(JOBS, {"job_name": name, "config": {**usual, **config}})


def started(cloud, name="job", **config) -> str:
    """The path of the first version of a new job."""
    answer = create(cloud, name, **config).json
    return f"{JOBS}/{answer['job_id']}/versions/{answer['version_id']}"


def status(cloud, version: str) -> int:
    """The number of the state a version is in."""
    return cloud.get(version).json["status"]


def reaches(cloud, version: str, number: int) -> dict:
    """Wait until the version is in that state; its details."""
    cloud.clock.until(lambda: status(cloud, version) == number, within="48h")
    return cloud.get(version).json


def fault(reply) -> tuple:
    """(status, code, words) of a refusal, whose body says that it is no success."""
    assert reply.json["is_success"] is False
    return reply.status, reply.json["error_code"], reply.json["error_message"]


def knob(**values) -> dict:
    """Parameters that only the emulator knows."""
    return {
        "parameter": [{"label": f"EMULATOR_{name.upper()}", "value": value} for name, value in values.items()]
    }
