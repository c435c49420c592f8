"""Model packages in OBS, models imported from them, services deployed, a second user: what many stories begin with."""

import copy
import io
import json

import pytest

SERVICES = "/v1/{project_id}/services"
MODELS = "/v1/{project_id}/models"
BUCKET = "packages"


def table(name: str, column: str, kind: str) -> dict:
    """The schema of a body whose `data` has rows under a name, with one column."""
    row = {"type": "object", "properties": {column: {"type": kind}}}
    rows = {"type": "object", "properties": {name: {"type": "array", "items": row}}}
    return {"type": "object", "properties": {"data": rows}}


ROWS, REQUEST = table("resp_data", "predictresult", "integer"), table("req_data", "pixel", "number")
CONFIG = {
    "model_type": "Scikit_Learn",
    "model_algorithm": "predict_analysis",
    "runtime": "python3.6",
    "apis": [
        {
            "url": "/",
            "method": "post",
            "request": {"Content-type": "application/json", "data": REQUEST},
            "response": {"Content-type": "application/json", "data": ROWS},
        }
    ],
}
ECHO = """
import json
import os

from model_service.python_model_service import XgSklServingBaseService


class Echo(XgSklServingBaseService):
    def _preprocess(self, data):
        return data

    def _inference(self, data):
        return json.loads(data)

    def _postprocess(self, data):
        return {"echo": data, "who": os.environ.get("WHO", "")}
"""


def put_package(cloud, folder="digits", code=None, config=None, files=()) -> str:
    """The OBS path of a package written there."""
    obs = cloud.world.obs
    obs.create_bucket(BUCKET)
    written = {"config.json": json.dumps(config or CONFIG).encode(), "model.m": b"nothing"} | dict(files)
    if code is not None:
        written["customize_service.py"] = code.encode()
    for name, content in written.items():
        obs.write(BUCKET, f"{folder}/model/{name}", content)
    return f"obs://{BUCKET}/{folder}"


def with_members(body: dict, **changes) -> dict:
    """A body with members at dotted paths (__ for the dot) set; None takes one out."""
    body = copy.deepcopy(body)
    for path, value in changes.items():
        *steps, last = path.split("__")
        place = body
        for step in steps:
            place = place.setdefault(step, {})
        place.pop(last, None)
        if value is not None:
            place[last] = value
    return body


@pytest.fixture
def simulated(cloud, monkeypatch):
    """Models answer from the schema that they declare; no process is started for them."""
    monkeypatch.setattr(cloud.emulator.settings, "inference", "simulated")


def empty(cloud) -> None:
    """Make an account as if it had just been opened: what each walk begins with."""
    application = cloud.emulator.application
    application.worlds.reset(cloud.world)
    application.forget_objects(cloud.world)
    cloud._token = None


def digits_classifier():
    """(file of a classifier, held-back images, their labels)."""
    import joblib
    from sklearn.datasets import load_digits
    from sklearn.svm import SVC

    images, labels = load_digits(return_X_y=True)
    written = io.BytesIO()
    joblib.dump(SVC().fit(images[:1400], labels[:1400]), written)
    return written.getvalue(), images[1400:], labels[1400:]


def import_body(location: str, name="digits", version="0.0.1", **more) -> dict:
    """What imports a package."""
    body = {"model_name": name, "model_version": version, "model_type": "Scikit_Learn"}
    return body | {"source_location": location} | more


def published(cloud, location=None, **more) -> str:
    """The id of a model that is published."""
    reply = cloud.post(MODELS, import_body(location or put_package(cloud), **more))
    assert reply.status == 200, reply
    cloud.clock.advance("5m")
    return reply.json["model_id"]


def entry(model_id: str, weight=100, **more) -> dict:
    """One model of a real-time service."""
    configured = {"model_id": model_id, "weight": weight, "specification": "modelarts.vm.cpu.2u"}
    return configured | {"instance_count": 1} | more


def service_body(*config: dict, name="service", **more) -> dict:
    """What deploys a real-time service."""
    return {"service_name": name, "infer_type": "real-time", "config": list(config)} | more


def deployed(cloud, *config: dict, **more) -> str:
    """The id of a service whose deployment has ended."""
    reply = cloud.post(SERVICES, service_body(*config, **more))
    assert reply.status == 200, reply
    cloud.clock.advance("2m")
    return reply.json["service_id"]


def shown(cloud, service_id: str) -> dict:
    """The service."""
    return cloud.get(f"{SERVICES}/{service_id}").json


def asked(cloud, service_id: str, body=None, **options):
    """A prediction."""
    return cloud.post(f"/v1/infers/{service_id}", body or {"data": {"req_data": [{"pixel": 1}]}}, **options)


def pages_of_an_old_list(cloud, path: str) -> list[list]:
    """The pages of one of the six old lists as the Terraform provider reads them: first without limit and offset, then
    with the number of elements read as offset, until a page is empty. Each answer holds one array.
    """
    pages, url = [], path
    while not pages or pages[-1]:
        reply = cloud.get(url)
        assert reply.status == 200 and reply.headers["content-type"].startswith("application/json"), reply
        (page,) = [value for value in reply.json.values() if isinstance(value, list)]
        pages.append(page)
        assert len(pages) < 4, "the list does not end"
        url = f"{path}{'&' if '?' in path else '?'}offset={sum(map(len, pages))}"
    return pages
