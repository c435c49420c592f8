"""One resource of each kind that can have tags, and how its tags are added, taken away and read."""

from typing import NamedTuple

import pytest

from tests.behaviours.modelarts.inference_v2.conftest import created
from tests.behaviours.modelarts.notebooks.conftest import create as create_notebook
from tests.behaviours.modelarts.pools.conftest import running
from tests.conftest import JOB

JOBS = "/v2/{project_id}/training-jobs"


class Tagged(NamedTuple):
    """Where the tags of one resource are: the path below which they are changed, and the one that shows them."""

    path: str
    shows: str


def tag(key, value="") -> dict:
    """A tag."""
    return {"key": key, "value": value}


def pool(cloud) -> str:
    """The name of a pool with a node."""
    return running(cloud, name=f"pool-{cloud.world.new_hex(6)}")


def job(cloud, name="resnet", **metadata) -> str:
    """The id of a new training job."""
    reply = cloud.post(JOBS, {**JOB, "metadata": {"name": name, **metadata}})
    assert reply.status == 201, reply
    return reply.json["metadata"]["id"]


def job_path(id: str) -> str:
    """Where the tags of a training job are."""
    return f"/v2/{{project_id}}/modelarts-training-job/{id}/tags"


def tagged(cloud, kind: str) -> Tagged:
    """A new resource of the kind."""
    if kind == "notebook":
        path = f"/v1/{{project_id}}/notebooks/{create_notebook(cloud)['id']}"
        return Tagged(f"{path}/tags", path)
    if kind == "pool":
        return same(f"/v1/{{project_id}}/pools/{pool(cloud)}/tags")
    if kind == "service":
        return same(f"/v2/{{project_id}}/modelarts-service-v2/{created(cloud)}/tags")
    return same(job_path(job(cloud)))


def same(path: str) -> Tagged:
    """Tags that are changed and shown below one path."""
    return Tagged(path, path)


@pytest.fixture(params=["pool", "notebook", "service", "training job"])
def one(cloud, request) -> Tagged:
    """A resource of each kind in turn."""
    return tagged(cloud, request.param)


def add(cloud, one: Tagged, *tags: dict):
    """Add tags."""
    return cloud.post(f"{one.path}/create", {"tags": list(tags)})


def take(cloud, one: Tagged, *tags: dict):
    """Take tags away."""
    return cloud.delete(f"{one.path}/delete", {"tags": list(tags)})


def read(cloud, one: Tagged) -> dict[str, str]:
    """The tags as they are shown."""
    return values_in(cloud.get(one.shows).json["tags"])


def values_in(rows: list[dict]) -> dict[str, str]:
    """{key: value} of tags that say a value, or a list of one."""
    return {row["key"]: row["value"] if "value" in row else "".join(row["values"]) for row in rows}
