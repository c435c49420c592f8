"""What the stories of datasets share: files in OBS, and datasets over them."""

import io
from zlib import crc32

from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.cloud import Cloud
from PIL import Image

DATASETS = "/v2/{project_id}/datasets"
BUCKET = "data"


def begun(state) -> Emulator:
    """An emulator over that state."""
    return Emulator(state=str(state), check_answers=True)


def cloud_of(emulator) -> Cloud:
    """Its default account, whose clock stands still."""
    cloud = Cloud(emulator, emulator.application.worlds.default)
    cloud.clock.freeze()
    return cloud


def picture(name: str = "", size: tuple[int, int] = (32, 24)) -> bytes:
    """An image in PNG; its colour follows from the name."""
    shade = crc32(name.encode())
    written = io.BytesIO()
    Image.new("RGB", size, (shade & 255, shade >> 8 & 255, shade >> 16 & 255)).save(written, "PNG")
    return written.getvalue()


def put(cloud, files: dict[str, bytes], folder: str = "in/") -> None:
    """Write these files into the bucket."""
    cloud.world.obs.create_bucket(BUCKET)
    for name, content in files.items():
        cloud.world.obs.write(BUCKET, f"{folder}{name}", content)


def pictures(*names: str) -> dict[str, bytes]:
    """Images by their names."""
    return {name: picture(name) for name in names}


def create_body(name: str = "cats", type: int = 0, folder: str = "in", **more) -> dict:
    """What creates a dataset over a folder."""
    sources = [{"data_type": 0, "data_path": f"/{BUCKET}/{folder}/"}]
    body = {
        "dataset_name": name,
        "dataset_type": type,
        "data_sources": sources,
        "work_path": f"/{BUCKET}/work/",
    }
    return body | {"work_path_type": 0} | more


def made(cloud, files: dict[str, bytes], **more) -> str:
    """The id of a dataset over these files whose folder has been read."""
    put(cloud, files)
    reply = cloud.post(DATASETS, create_body(**more))
    assert reply.status == 201, reply
    cloud.clock.advance("1m")
    return reply.json["dataset_id"]


def show(cloud, id: str, **params) -> dict:
    """The dataset."""
    return cloud.get(f"{DATASETS}/{id}", params=params).json


def tasks_running(cloud, id: str, **params) -> tuple[bool, list[str]]:
    """Whether a task runs in the dataset, and the ids of those that do."""
    shown = show(cloud, id, check_running_task="true", **params)
    return shown["exist_running_task"], shown["running_tasks_id"]


def annotations(id: str) -> str:
    """The path below which the samples and labels of a dataset lie."""
    return f"{DATASETS}/{id}/data-annotations"


def samples(cloud, id: str, **params) -> list[dict]:
    """The samples that are listed, oldest first."""
    reply = cloud.get(f"{annotations(id)}/samples", params={"limit": 100, "order": "asc", **params})
    assert reply.status == 200, reply
    assert reply.json["sample_count"] >= len(reply.json["samples"])
    return reply.json["samples"]


def names(cloud, id: str, **params) -> list[str]:
    """The names of the samples that are listed, oldest first."""
    return [each["sample_name"] for each in samples(cloud, id, **params)]


def annotate(cloud, id: str, labels: dict[str, list[dict]]) -> dict:
    """Give the samples of these names these labels; the answer."""
    ids = {each["sample_name"]: each["sample_id"] for each in samples(cloud, id)}
    asked = [{"sample_id": ids[name], "labels": each} for name, each in labels.items()]
    reply = cloud.put(f"{annotations(id)}/samples", {"samples": asked})
    assert reply.status == 200, reply
    return reply.json


def held(cloud, id: str, **params) -> dict[str, list[str]]:
    """{name of a sample: names of its labels}."""
    found = samples(cloud, id, **params)
    return {each["sample_name"]: [label["name"] for label in each["labels"]] for each in found}
