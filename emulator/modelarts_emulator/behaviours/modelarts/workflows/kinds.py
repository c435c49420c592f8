"""What each kind of step makes: which operation it asks, what it asks for, and how it learns what came of that."""

from collections.abc import Callable
from typing import Any, NamedTuple

from modelarts_emulator.behaviours.modelarts.workflows.references import Unresolved

MODELS = "modelarts/models/model"


class Asked(NamedTuple):
    """What a step gives, with its references resolved: its properties, its inputs and outputs as {name: value}."""

    properties: dict
    inputs: dict[str, Any]
    outputs: dict[str, dict]

    def output(self, member: str) -> dict:
        """The first output whose configuration has the member; {} when none has."""
        return next((value for value in self.outputs.values() if member in value), {})


class Kind(NamedTuple):
    """One kind of step.

    resource: the kind of resource it makes, `<service>/<area>/<kind>`. create: the operation that makes one. body: a
    function (bound, asked) -> (what its path says, its body). id: the member of its answer that says the id. show: the
    operation that shows it; path: a function (id, path) -> what its path says. state: the dotted member that says its
    state. ends: {state: how the step ends}. stop: (operation, body) that ends it early, None when nothing does. made: a
    function (shown) -> the value of outputs that say none themselves.
    """

    resource: str
    create: str
    body: Callable[[Any, Asked], tuple[dict, dict]]
    id: str
    show: str
    path: Callable[[str, dict], dict]
    state: str
    ends: dict[Any, str]
    stop: tuple[str, dict] | None
    made: Callable[[dict], dict]


def job_asked(bound, asked: Asked) -> tuple[dict, dict]:
    """A training job: the inputs and outputs of the step are those of its algorithm."""
    body = {"kind": "job", "metadata": {"name": f"workflow-{bound.world.new_hex(32)}"}, **asked.properties}
    algorithm = body.get("algorithm") or {}
    if not isinstance(algorithm, dict):
        return {}, body
    inputs = [{"name": name, "remote": remote_of(value)} for name, value in asked.inputs.items()]
    outputs = [
        {"name": name, "remote": {"obs": {"obs_url": value["obs_url"]}}}
        for name, value in asked.outputs.items()
        if "obs_url" in value
    ]
    body["algorithm"] = {**algorithm, "inputs": inputs, "outputs": outputs}
    return {}, body


def remote_of(value: Any) -> dict:
    """Where the data of an input lies, as a training job says it."""
    place = place_in(value)
    if place is not None:
        return {"obs": {"obs_url": place}}
    id = value.get("dataset_id") or value.get("id")
    if id is None:
        raise Unresolved(f"{value!r} names no obs_url and no dataset_id")
    return {"dataset": {"id": id, "version_id": value.get("version_id", "")}}


def model_asked(bound, asked: Asked) -> tuple[dict, dict]:
    """A model from what lies at the step's input; the next version of its name unless it says one."""
    body = {"model_type": "TensorFlow", **asked.properties, **asked.output("model_type")}
    body.setdefault("model_name", f"workflow_{bound.world.new_hex(16)}")
    if "source_location" not in body:
        body["source_location"] = next(iter(places_in(asked)), "")
    if not body.get("model_version"):
        body["model_version"] = next_version(bound, body["model_name"])
    return {}, body


def next_version(bound, name: str) -> str:
    """One more than the highest version of models of that name."""
    versions = [
        tuple(map(int, model["model_version"].split(".")))
        for model in bound.records(MODELS)
        if model["model_name"] == name
    ]
    if not versions:
        return "0.0.1"
    number = sum(part * 100**place for place, part in enumerate(reversed(max(versions)))) + 1
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def service_asked(bound, asked: Asked) -> tuple[dict, dict]:
    """A service of the models that the step's inputs name, or with the configuration that its output says."""
    body = {
        "infer_type": "real-time",
        **asked.properties,
        **asked.output("config"),
        **asked.output("infer_type"),
    }
    models = [
        model for value in asked.inputs.values() for model in (value if isinstance(value, list) else [value])
    ]
    if not all(isinstance(model, dict) for model in models):
        raise Unresolved(f"{models!r} of the step's inputs are no models, such as {{'model_id': ...}}")
    body.setdefault("service_name", f"workflow_{bound.world.new_hex(16)}")
    entries = body.get("config") or [{} for _ in models]
    if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
        return {}, body
    plain = {"specification": "modelarts.vm.cpu.2u", "instance_count": 1}
    body["config"] = [
        {
            **plain,
            "weight": 100 // max(1, len(entries)),
            **known_model(models[at] if at < len(models) else {}),
            **entry,
        }
        for at, entry in enumerate(entries)
    ]
    return {}, body


def known_model(value: dict) -> dict:
    """What a service says of a model that a step has made, or that the user has chosen."""
    return {
        name: value[name]
        for name in ("model_id", "weight", "specification", "instance_count")
        if name in value
    }


def places_in(asked: Asked) -> list[str]:
    """The OBS paths among the inputs."""
    return [place for value in asked.inputs.values() if (place := place_in(value))]


def place_in(value: Any) -> str | None:
    """The OBS path that the value of an input is, or says; None where it says none. Unresolved for other values."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise Unresolved(f"{value!r} of an input is no OBS path and no object with obs_url or an id")
    return value.get("obs_url")


def dataset_asked(bound, asked: Asked) -> tuple[dict, dict]:
    """A data set over what lies at the step's input."""
    body = {"dataset_name": f"workflow-{bound.world.new_hex(8)}", "work_path_type": 0, **asked.properties}
    body |= asked.output("dataset_name")
    if "data_sources" not in body:
        body["data_sources"] = [{"data_type": 0, "data_path": place} for place in places_in(asked)[:1]]
    return {}, body


def dataset_id_of(asked: Asked) -> str:
    """The data set among the properties and inputs. Unresolved when there is none."""
    values = [asked.properties, *(value for value in asked.inputs.values() if isinstance(value, dict))]
    id = next((value["dataset_id"] for value in values if "dataset_id" in value), None)
    if id is None:
        raise Unresolved("no input of the step names a data set")
    return id


def import_asked(bound, asked: Asked) -> tuple[dict, dict]:
    """A task that imports what lies at one input into the data set of another."""
    body = {name: value for name, value in asked.properties.items() if name != "dataset_id"}
    if "import_path" not in body:
        body["import_path"] = next(iter(places_in(asked)), "")
    return {"dataset_id": dataset_id_of(asked)}, {"import_type": "dir", **body}


def release_asked(bound, asked: Asked) -> tuple[dict, dict]:
    """A version of the data set at the step's input."""
    body = {name: value for name, value in asked.properties.items() if name != "dataset_id"}
    return {"dataset_id": dataset_id_of(asked)}, {**body, **asked.output("version_name")}


KINDS = {
    "job": Kind(
        "modelarts/training/training_job",
        "CreateTrainingJob", job_asked, "metadata.id", "ShowTrainingJobDetails",
        lambda id, path: {"training_job_id": id}, "status.phase",
        {"Completed": "completed", "Failed": "failed", "Abnormal": "failed", "Terminated": "stopped"},
        ("StopTrainingJob", {"action_type": "terminate"}), lambda shown: {},
    ),
    "model": Kind(
        "modelarts/models/model",
        "CreateModel", model_asked, "model_id", "ShowModel", lambda id, path: {"model_id": id}, "model_status",
        {"published": "completed", "failed": "failed", "building_failed": "failed"}, None,
        lambda shown: {name: shown[name] for name in ("model_id", "model_name", "model_version")},
    ),
    "create_dataset": Kind(
        "modelarts/datasets/dataset",
        "CreateDataset", dataset_asked, "dataset_id", "DescDataset", lambda id, path: {"dataset_id": id}, "status",
        {1: "completed", 4: "failed"}, None,
        lambda shown: {name: shown[name] for name in ("dataset_id", "dataset_name")},
    ),
    "dataset_import": Kind(
        "modelarts/data-import-export/import_task",
        "ImportTask", import_asked, "task_id", "DescImportTask", lambda id, path: {"task_id": id}, "status",
        {"COMPLETED": "completed", "FAILED": "failed"}, None, lambda shown: {},
    ),
    "release_dataset": Kind(
        "modelarts/dataset-versions/version",
        "CreateDatasetVersion", release_asked, "version_id", "DescribeDatasetVersion",
        lambda id, path: {"version_id": id}, "status", {1: "completed", 4: "failed"}, None,
        lambda shown: {name: shown[name] for name in ("version_id", "version_name")},
    ),
    "service": Kind(
        "modelarts/services/service",
        "CreateService", service_asked, "service_id", "ShowService", lambda id, path: {"service_id": id}, "status",
        {"running": "completed", "finished": "completed", "concerning": "failed", "failed": "failed",
         "stopped": "stopped"},
        ("UpdateService", {"status": "stopped"}),
        lambda shown: {name: shown[name] for name in ("service_id", "service_name", "access_address") if name in shown},
    ),
}  # fmt: skip
