"""What the stories of intelligent tasks share: datasets of red and blue pictures, some with labels, and tasks."""

import io

import pytest
from modelarts_emulator.inference.packages import dependencies
from PIL import Image

from tests.behaviours.modelarts.conftest import CONFIG, published, put_package
from tests.behaviours.modelarts.datasets.conftest import DATASETS, annotate, made

RED, BLUE = (200, 30, 30), (30, 30, 200)


def plain(colour: tuple[int, int, int], shade: int = 0, size: tuple[int, int] = (40, 30)) -> bytes:
    """A picture of one colour, a little lighter by the shade."""
    written = io.BytesIO()
    Image.new("RGB", size, tuple(min(255, part + shade) for part in colour)).save(written, "PNG")
    return written.getvalue()


def with_thing(colour: tuple[int, int, int], at: tuple[int, int]) -> bytes:
    """A white picture with a square of that colour, 12 wide."""
    image = Image.new("RGB", (60, 40), (250, 250, 250))
    image.paste(colour, (*at, at[0] + 12, at[1] + 12))
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def half_labeled(cloud, count: int = 5, more: dict[str, bytes] | None = None, **options) -> str:
    """The id of a dataset with so many red cats and blue dogs that have labels, and a red and a blue one without."""
    shades = range(count + 1)
    files = {f"red{at}.png": plain(RED, 5 * at) for at in shades}
    files |= {f"blue{at}.png": plain(BLUE, 5 * at) for at in shades}
    id = made(cloud, files | (more or {}), **options)
    names = {f"red{at}.png": [{"name": "cat"}] for at in range(count)}
    annotate(cloud, id, names | {f"blue{at}.png": [{"name": "dog"}] for at in range(count)})
    return id


def begin(cloud, id: str, kind: str = "auto-label", config: dict | None = None, **more):
    """The answer to a request for a task."""
    return cloud.post(f"{DATASETS}/{id}/tasks", {"task_type": kind, "config": config or {}} | more)


def begun(cloud, id: str, *args, **more) -> str:
    """The id of a task that has begun."""
    reply = begin(cloud, id, *args, **more)
    assert reply.status == 200, reply
    return reply.json["task_id"]


def task(cloud, id: str, task_id: str) -> dict:
    """The task."""
    return cloud.get(f"{DATASETS}/{id}/tasks/{task_id}").json


def carried_out(cloud, id: str, *args, **more) -> dict:
    """The task when it has ended."""
    task_id = begun(cloud, id, *args, **more)
    cloud.clock.advance("5m")
    return task(cloud, id, task_id)


def proposals(cloud, id: str, **params) -> dict[str, dict]:
    """{name of a sample: the sample} of those whose labels await that somebody confirms them."""
    reply = cloud.get(f"{DATASETS}/{id}/auto-annotations/samples", params={"limit": 100, **params})
    assert reply.status == 200, reply
    assert reply.json["sample_count"] == len(reply.json["samples"])
    return {each["sample_name"]: each for each in reply.json["samples"]}


COLOURS = """
from model_service.tfserving_model_service import TfServingBaseService
from PIL import Image


class Colours(TfServingBaseService):
    def _preprocess(self, data):
        (picture,) = data["images"].values()
        return Image.open(picture).convert("RGB").resize((1, 1)).getpixel((0, 0))

    def _inference(self, data):
        return "rose" if data[0] > data[2] else "iris"

    def _postprocess(self, data):
        return {"predicted_label": data, "scores": [[data, "0.875"]]}
"""


@pytest.fixture
def model(cloud, monkeypatch) -> str:
    """The id of a model that tells roses from irises by their colour; its library, which it does not use, counts as
    there.
    """
    monkeypatch.setitem(dependencies.LIBRARIES, "TensorFlow", ())
    api = CONFIG["apis"][0]
    pictures = {"type": "object", "properties": {"images": {"type": "file"}}}
    request = {"Content-type": "multipart/form-data", "data": pictures}
    config = CONFIG | {"apis": [api | {"request": request}], "model_type": "TensorFlow"}
    config |= {"model_algorithm": "image_classification", "runtime": "python3.6"}
    files = {"saved_model.pb": b"", "variables/variables.index": b"", "variables/variables.data-0": b""}
    package = put_package(cloud, "colours", COLOURS, config, files.items())
    return published(cloud, package, model_type="TensorFlow")
