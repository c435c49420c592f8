"""What v1 jobs run on and with: engines, resource specifications, built-in algorithms."""

from modelarts_emulator.behaviours.modelarts.training_v1.lists import page_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.registry import behaviour

ENGINES = "modelarts/training-v1/engines"
SPECS = "modelarts/specs-v1/specs"
MODELS = "modelarts/training-v1/built_in_algorithms"
POOLS = "modelarts/pools/pool"
ENGINE_FACTS = ("engine_id", "engine_name", "engine_type", "engine_version")
SPEC_FACTS = ("spec_id", "spec_code", "core", "cpu", "gpu_num", "gpu_type")


@behaviour("ListBuiltInAlgorithms")
def list_built_in_algorithms(call):
    """A page of the preset algorithms, searched by name and engine."""
    wanted = call.query.get("search_content", "").lower()
    models = [
        model
        for model in fixture(MODELS)
        if wanted in f"{model['model_name']} {model['engine_name']}".lower()
    ]
    field = {"engine": "engine_name"}.get(call.query["sortBy"], call.query["sortBy"])
    models.sort(key=lambda model: model[field], reverse=call.query["order"] == "desc")
    return {"is_success": True, "model_total_count": len(models), "models": page_of(call, models)}


def found_in(name: str, field: str, value) -> dict | None:
    """The row of a fixture with that value; None when there is none."""
    return next((row for row in fixture(name) if row[field] == value), None)


def row_named(name: str, where: str, field: str, value) -> dict:
    """The row of a fixture that a request names; ApiError that says which there are when it names none."""
    row = found_in(name, field, value)
    if row is None:
        known = ", ".join(str(row[field]) for row in fixture(name))
        raise ApiError("ModelArts.0104", f"{where} is {value}; there are {known}")
    return row


def public(row: dict) -> dict:
    """What the API shows of a row of a fixture."""
    return {name: value for name, value in row.items() if name[0] != "_"}


def engine_facts(config: dict) -> dict:
    """The engine that a configuration trains with; nothing for a custom image."""
    if config.get("user_image_url"):
        return {}
    model = found_in(MODELS, "model_id", config.get("model_id"))
    engine = found_in(ENGINES, "engine_id", model["engine_id"] if model else config["engine_id"])
    return {name: engine[name] for name in ENGINE_FACTS}


def spec_facts(config: dict) -> dict:
    """The resource specification that a configuration trains on; nothing in a dedicated pool."""
    spec = spec_of(config)
    return {name: spec[name] for name in SPEC_FACTS} if spec else {}


def spec_of(config: dict) -> dict | None:
    """The specification that a configuration names by id or code; None when it names none."""
    code = (config.get("flavor") or {}).get("code")
    if config.get("spec_id") is None and not code:
        return None
    return found_in(SPECS, "spec_code", code) if code else found_in(SPECS, "spec_id", config["spec_id"])


def pool_facts(world, project_id: str, config: dict) -> dict:
    """The dedicated pool that a configuration trains in; nothing on the public pool."""
    if not config.get("pool_id"):
        return {}
    pool = world.store.table(f"{POOLS}/{project_id}").find(config["pool_id"])
    return {"pool_id": config["pool_id"], **({"pool_name": pool["metadata"]["name"]} if pool else {})}


def dataset_facts(world, project_id: str, config: dict) -> dict:
    """The dataset version that a configuration trains with."""
    if not config.get("dataset_id"):
        return {}
    dataset = world.store.table(f"modelarts/datasets/dataset/{project_id}").find(config["dataset_id"]) or {}
    names = ("dataset_id", "dataset_version_id")
    facts = {name: config[name] for name in names}
    return facts | ({"dataset_name": dataset["dataset_name"]} if "dataset_name" in dataset else {})
