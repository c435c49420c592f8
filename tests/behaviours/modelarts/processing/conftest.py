"""What the stories of processing share: folders of pictures, tasks over them, what they have written."""

import io
import json

from PIL import Image

from tests.behaviours.modelarts.datasets.conftest import put

TASKS = "/v2/{project_id}/processor-tasks"
RED, BLUE = (200, 30, 30), (30, 30, 200)


def png(image: Image.Image) -> bytes:
    """The picture as a file."""
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def plain(colour: tuple[int, int, int] = RED, size: tuple[int, int] = (40, 30)) -> bytes:
    """A picture of one colour."""
    return png(Image.new("RGB", size, colour))


def halves(size: tuple[int, int] = (40, 30)) -> bytes:
    """A picture that is red on the left and blue on the right."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return png(image)


def template(operator: str, kind: str = "augmentation", **params) -> dict:
    """What one operator is asked to do."""
    asked = {"name": operator, "advanced_params_switch": False, "params": params}
    return {"id": f"sys_data_{kind}", "operator_params": [asked]}


def create_body(shape: dict, name: str = "PRE-1", **more) -> dict:
    """What creates a task over the folder in/ of the bucket and runs it."""
    body = {"name": name, "template": shape, "create_version": True}
    body |= {"inputs": [{"type": "OBS", "source": "/data/in/"}]}
    return body | {"work_path": {"type": "OBS", "path": "/data/out/"}} | more


def begun(cloud, shape: dict, **more) -> str:
    """The id of a task that is created."""
    reply = cloud.post(TASKS, create_body(shape, **more))
    assert reply.status == 200, reply
    return reply.json["task_id"]


def processed(cloud, files: dict[str, bytes], shape: dict, **more) -> tuple[str, dict]:
    """(id of a task over these files, its last version) when it has ended."""
    put(cloud, files)
    id = begun(cloud, shape, **more)
    cloud.clock.advance("5m")
    return id, last_version(cloud, id)


def last_version(cloud, id: str) -> dict:
    """The version of the task that began last."""
    return cloud.get(f"{TASKS}/{id}/versions").json["versions"][0]


def counts(version: dict) -> tuple[int, int, int, int]:
    """How many pictures were added, modified, deleted and left as they are."""
    names = ("add", "modified", "deleted", "unmodified")
    return tuple(version[f"{name}_sample_count"] for name in names)


def written(cloud, version: dict) -> dict[str, bytes]:
    """{name: content} of the pictures that a version has written."""
    folder = f"{version['work_path']['output_path'].removeprefix('/data/')}Data/"
    keys = cloud.world.obs.keys("data", folder)
    return {key.removeprefix(folder): cloud.world.obs.read("data", key) for key in keys}


def pixels(content: bytes) -> Image.Image:
    """The picture that a file holds."""
    return Image.open(io.BytesIO(content))


def manifest(cloud, version: dict) -> list[dict]:
    """The lines of the manifest that a version has written."""
    key = f"{version['work_path']['output_path'].removeprefix('/data/')}output.manifest"
    return [json.loads(line) for line in cloud.world.obs.read("data", key).splitlines()]


def results(cloud, id: str, version: dict, **params) -> list[dict]:
    """What has become of the pictures."""
    path = f"{TASKS}/{id}/versions/{version['task_version_id']}/results"
    reply = cloud.get(path, params={"limit": 100, **params}).json
    assert reply["count"] == len(reply["results"]) and reply["has_more"] is False
    return reply["results"]
