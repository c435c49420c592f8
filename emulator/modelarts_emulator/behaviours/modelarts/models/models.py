"""Models of v1: imported from OBS, an image or a template, published, deleted when nobody uses them."""

from modelarts_emulator.behaviours.modelarts.inference_lists import all_in_workspace, page_of
from modelarts_emulator.behaviours.modelarts.models.importing import read_package
from modelarts_emulator.behaviours.modelarts.models.use import services_using
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

MOST_CASCADED = 20
FILTERS = ("model_name", "model_version", "model_status", "description", "model_type", "not_model_type")
LISTED = (
    "model_id", "model_name", "model_version", "model_type", "model_status", "model_size", "model_source",
    "description", "owner", "project", "tenant", "create_at", "source_type", "workspace_id", "install_type",
    "market_flag", "tunable", "publishable_flag", "source_copy", "specification",
)  # fmt: skip


def outcome(bound, model: dict) -> str:
    """What publishing ends in: the package has to be there still, and libraries are built in."""
    world = bound.world
    if not is_there(world, model):
        return "failed"
    return "building" if model["dependencies"] else "published"


def built(bound, model: dict) -> str:
    """What building ends in."""
    world = bound.world
    return "published" if is_there(world, model) else "building_failed"


def is_there(world, model: dict) -> bool:
    """Whether the package still lies where it was imported from."""
    if model["_place"] is None:
        return True
    bucket, prefix = model["_place"]
    try:
        return bool(world.obs.keys(bucket, prefix))
    except KeyError:
        return False


MODELS = Resource(
    "modelarts/models/model",
    path_names=("model_id",),
    id_field="model_id",
    not_found="ModelArts.3001",
    lifecycle=Lifecycle(
        born="publishing",
        field="model_status",
        illegal="ModelArts.3048",
        publishing=soon(outcome, after=60),
        building=soon(built, after=120),
        published=rests(),
        failed=rests(),
        building_failed=rests(),
    ),
).serves(show="ShowModel")


@behaviour("CreateModel")
def create_model(call):
    """The id of a model that is publishing; its package has been read and found in order."""
    body = call.body
    refuse_body(body)
    refuse_duplicate(call)
    package = read_package(call)
    now, model_id = call.world.clock.now_ms(), call.world.new_uuid()
    auto = bool(body.get("source_type")) or "source_job_id" in body
    record = {
        "model_id": model_id,
        "model_name": body["model_name"],
        "model_version": body["model_version"],
        "model_type": body["model_type"],
        "model_source": "auto" if body.get("source_type") == "auto" else "algos" if auto else "custom",
        "source_type": body.get("source_type", ""),
        "source_location": body["source_location"],
        "source_copy": "true",
        "description": body.get("description", ""),
        "execution_code": body.get("execution_code", ""),
        "install_type": body["install_type"],
        "model_docs": body.get("model_docs", []),
        "model_labels": [],
        "labels_map": {"labels": []},
        "owner": call.caller.user_id,
        "tenant": call.caller.account_id,
        "project": call.project_id,
        "workspace_id": body["workspace_id"],
        "create_at": now,
        "market_flag": False,
        "publishable_flag": body.get("source_type") != "auto",
        "tunable": False,
        "specification": {"min_cpu": "1", "min_memory": "1024", "min_gpu": "0", "min_ascend": "0"},
        **{name: body[name] for name in ("source_job_id", "source_job_version") if name in body},
        **package,
    }
    MODELS.add(call, record)
    return {"model_id": model_id}


def refuse_body(body: dict) -> None:
    """ApiError for a parameter whose bounds mean nothing."""
    for parameter in [*body.get("input_params", ()), *body.get("output_params", ())]:
        if {"min", "max"} & parameter.keys() and parameter["param_type"] not in (
            "int",
            "float",
            "number",
            "integer",
        ):
            words = f"min and max of {parameter['param_name']} need param_type int or float"
            raise ApiError("ModelArts.3037", words)


def refuse_duplicate(call) -> None:
    """409 when the project has that version of that model already."""
    table, body = MODELS.table(call), call.body
    for id in table.having("model_name", body["model_name"]):
        if table.find(id)["model_version"] == body["model_version"]:
            raise ApiError("ModelArts.3002", fill=[body["model_name"], body["model_version"]])


@behaviour("ListModels")
def list_models(call):
    """The models that fit all filters; offset counts pages."""
    query, table = call.query, MODELS.table(call)
    if "model_type" in query and "not_model_type" in query:
        raise ApiError("ModelArts.3037", "model_type and not_model_type exclude each other")
    plain = not any(name in query for name in FILTERS) and query["sort_by"] == "create_at"
    plain = plain and all_in_workspace(call, table)
    total, models = page_of(call, table, lambda model: fits(query, model), query["sort_by"], plain)
    shown = [{name: model[name] for name in LISTED if name in model} for model in models]
    return {"total_count": total, "count": len(shown), "models": shown}


def fits(query: dict, model: dict) -> bool:
    """Whether a model passes every filter."""
    exact = query.get("exact_match", False)
    for name in ("model_name", "description"):
        if name in query and (query[name] != model[name] if exact else query[name] not in model[name]):
            return False
    for name in ("model_version", "model_status", "model_type", "workspace_id"):
        if name in query and query[name] != model[name]:
            return False
    return query.get("not_model_type") != model["model_type"]


@behaviour("DeleteModel")
def delete_model(call):
    """Which models went and which did not; with cascade also the other versions of the name, 20 at most."""
    model, table = MODELS.find(call), MODELS.table(call)
    ids = [model["model_id"]]
    if call.query["cascade"]:
        ids += [id for id in table.having("model_name", model["model_name"]) if id not in ids]
    deleted, failed = [], []
    for id in ids[:MOST_CASCADED]:
        if services_using(call, id):
            error = ApiError("ModelArts.3009", fill=[id])
            failed.append({"model_id": id, "error_code": error.code, "error_msg": error.message})
        else:
            MODELS.of(call).enter(table.find(id), GONE)
            deleted.append(id)
    return {"delete_success_list": deleted, "delete_failed_list": failed}


@behaviour("ShowModelEngineAndRuntime")
def show_model_engine_and_runtime(call):
    """The engines a model can be of and the runtimes of each, as the cloud documents them."""
    rows = fixture("modelarts/models/engine_runtimes")
    offset, limit = int(call.query.get("offset", 0)), int(call.query.get("limit") or len(rows))
    page = rows[offset : offset + limit]
    return {"count": len(rows), "total_count": len(page), "engine_runtimes": page}


@behaviour("ListModelTemplates")
def list_model_templates(call):
    """The templates that fit all filters; keyword is looked for in name and description."""
    query = call.query
    found = []
    for template in fixture("modelarts/models/templates"):
        labels, words = template["template_labels"], template["template_name_en"] + template["description_en"]
        wanted = (("theme", labels["theme"]), ("engine", labels["engine"]), ("env", labels["environment"]))
        said = query.get("keyword", "").lower() in words.lower()
        if said and all(query.get(name) in (None, value) for name, value in wanted):
            found.append(template)
    return {"templates": found}
