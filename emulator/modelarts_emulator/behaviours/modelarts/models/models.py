"""Models of v1: imported from OBS, an image or a template, published, deleted when no service uses them."""

import math

from modelarts_emulator.behaviours.modelarts.authorization import refuse_unauthorized
from modelarts_emulator.behaviours.modelarts.models.importing import is_in_obs, read_package
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

MOST_CASCADED = 20
# The registry of the platform, as the documents show it.
REGISTRY = "100.125.5.235:20202"
DEFAULTS = {
    "source_type": "", "source_copy": "true", "description": "", "model_docs": [],
    "model_labels": [], "labels_map": {"labels": []}, "market_flag": False, "tunable": False,
    "specification": {"min_cpu": "1", "min_memory": "1024", "min_gpu": "0", "min_ascend": "0"},
}  # fmt: skip


def after_publishing(bound, model: dict) -> str:
    """What publishing ends in: the package has to be there still, and libraries are built in."""
    if not is_there(bound.world, model):
        return "failed"
    return "building" if model["dependencies"] else "published"


def after_building(bound, model: dict) -> str:
    """What building ends in."""
    return "published" if is_there(bound.world, model) else "building_failed"


def is_there(world, model: dict) -> bool:
    """Whether the package still lies where it was imported from."""
    if model["_place"] is None:
        return True
    bucket, prefix = model["_place"]
    try:
        return bool(world.obs.keys(bucket, prefix))
    except KeyError:
        return False


JOBS = ("modelarts/training/training_job", "modelarts/training-v1/training_job")
MODELS = Resource(
    "modelarts/models/model",
    path_names=("model_id",),
    id_field="model_id",
    not_found="ModelArts.3001",
    writes=(
        "model_name", "model_version", "model_type", "source_location", "source_copy", "source_type", "source_job_id",
        "source_job_version", "description", "execution_code", "install_type", "model_docs", "workspace_id",
    ),
    by_age=(("create_at",),),
    sorts={"model_version": "_version"},
    lifecycle=Lifecycle(
        born="publishing",
        field="model_status",
        illegal="ModelArts.3048",
        publishing=soon(after_publishing, after=60),
        building=soon(after_building, after=120),
        published=rests(),
        failed=rests(),
        building_failed=rests(),
    ),
).serves(create="CreateModel", show="ShowModel")  # fmt: skip


@MODELS.creating
def import_model(call, model: dict) -> None:
    """A new model's package has been read and found in order."""
    refuse_bounds(call.body)
    refuse_unknown_job(call)
    if is_in_obs(call.body["source_location"]):
        refuse_unauthorized(call)
    refuse_duplicate(call)
    is_auto = model.get("source_type") == "auto"
    for name, value in DEFAULTS.items():
        model.setdefault(name, value)
    model |= {
        "model_source": "auto" if is_auto else "algos" if "source_job_id" in model else "custom",
        "owner": call.caller.user_id,
        "tenant": call.caller.account_id,
        "project": call.project_id,
        "create_at": call.world.clock.now_ms(),
        "publishable_flag": not is_auto,
        "_version": ".".join(f"{int(number):02}" for number in model["model_version"].split(".")),
        **read_package(call),
    }


@MODELS.showing
def present_model(bound, model: dict) -> dict:
    """A published model has an image: its own, or the one built of its package."""
    if model["model_status"] == "published":
        built = f"{REGISTRY}/models/{model['model_id']}:{model['model_version']}"
        model["image_address"] = model.get("_image") or built
    return model


def refuse_unknown_job(call) -> None:
    """ApiError for a model of a training job, of v1 or v2, that there is not; what ExeML has trained is no job here."""
    id = call.body.get("source_job_id")
    if id and call.body.get("source_type") != "auto" and not any(id in call.records(kind) for kind in JOBS):
        words = f"$.source_job_id: training job {id[:80]} does not exist in project {call.project_id}"
        raise ApiError("ModelArts.3037", words, fill=["source_job_id", id[:80]])


def refuse_bounds(body: dict) -> None:
    """ApiError for a parameter whose bounds mean nothing."""
    for parameter in [*body.get("input_params", ()), *body.get("output_params", ())]:
        is_number = parameter["param_type"] in ("int", "float", "number", "integer")
        if {"min", "max"} & parameter.keys() and not is_number:
            words = f"min and max of {parameter['param_name']} need param_type int or float"
            raise ApiError("ModelArts.3037", words)
        if parameter.get("min", -math.inf) > parameter.get("max", math.inf):
            words = f"min of {parameter['param_name']} is {parameter['min']}, its max {parameter['max']}"
            raise ApiError("ModelArts.3037", words)


def refuse_duplicate(call) -> None:
    """409 when the project has that version of that model already."""
    name, version = call.body["model_name"], call.body["model_version"]
    if any(model["model_version"] == version for model in MODELS.of(call).having("model_name", name)):
        raise ApiError("ModelArts.3002", fill=[name, version])


@behaviour("ListModels")
def list_models(call):
    """The models that fit all filters; offset counts pages."""
    if "model_type" in call.query and "not_model_type" in call.query:
        raise ApiError("ModelArts.3037", "model_type and not_model_type exclude each other")
    return MODELS.list(call)


@behaviour("DeleteModel")
def delete_model(call):
    """Which models went and which did not; with cascade also the other versions of the name, 20 at most."""
    models, first = MODELS.of(call), MODELS.find(call)
    others = models.having("model_name", first["model_name"]) if call.query["cascade"] else []
    answer = {"delete_success_list": [], "delete_failed_list": []}
    for model in [first, *(other for other in others if other != first)][:MOST_CASCADED]:
        id = model["model_id"]
        try:
            MODELS.let_go(call, model)
            answer["delete_success_list"].append(id)
        except ApiError as error:
            failed = {"model_id": id, "error_code": error.code, "error_msg": error.message}
            answer["delete_failed_list"].append(failed)
    return answer


@behaviour("ShowModelEngineAndRuntime")
def show_model_engine_and_runtime(call):
    """The engines a model can be of and the runtimes of each, as the cloud documents them."""
    return list_rows(call, fixture("modelarts/models/engine_runtimes"))


@behaviour("ListModelTemplates")
def list_model_templates(call):
    """The templates that fit all filters; keyword is looked for in name and description."""
    word = call.query.get("keyword", "").lower()
    rows = fixture("modelarts/models/templates")
    return list_rows(
        call, [row for row in rows if word in f"{row['template_name_en']} {row['description_en']}".lower()]
    )
