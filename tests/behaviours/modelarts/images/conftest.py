"""How stories of images register and save them, and watch them."""

import pytest

from tests.behaviours.modelarts.notebooks.conftest import BASE as NOTEBOOKS

IMAGES = "/v1/{project_id}/images"
PATH = "swr.cn-north-4.myhuaweicloud.com/group/resnet:1.0"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def frozen(cloud):
    """Time only moves when a test moves it."""
    cloud.clock.freeze()


def register(cloud, path: str = PATH, **body) -> str:
    """The id of a registered image."""
    reply = cloud.post(IMAGES, {"swr_path": path, **body})
    assert reply.status == 200, reply
    return reply.json["id"]


def save(cloud, notebook: str, **body):
    """The answer to saving a notebook."""
    asked = {"name": "saved", "namespace": "group", "tag": "1", **body}
    return cloud.post(f"{NOTEBOOKS}/{notebook}/create-image", asked)


def show(cloud, id: str) -> dict:
    """The image."""
    reply = cloud.get(f"{IMAGES}/{id}")
    assert reply.status == 200, reply
    return reply.json


def saved(cloud, notebook: str, **body) -> str:
    """The id of a saved image that is ACTIVE."""
    id = save(cloud, notebook, **body).json["id"]
    cloud.clock.until(lambda: show(cloud, id)["status"] == "ACTIVE", within="1h")
    return id


def names(cloud, query: str = "") -> list[str]:
    """The names that are listed."""
    reply = cloud.get(f"{IMAGES}{query}")
    assert reply.status == 200, reply
    return [each["name"] for each in reply.json["data"]]


def groups(cloud, query: str = "?type=DEDICATED") -> dict[str, dict]:
    """{name: group} of those that are listed."""
    reply = cloud.get(f"{IMAGES}/group{query}")
    assert reply.status == 200, reply
    return {each["name"]: each for each in reply.json["data"]}


def drop(cloud, id: str, **body):
    """Delete an image."""
    return cloud.delete(f"{IMAGES}/{id}", body)
