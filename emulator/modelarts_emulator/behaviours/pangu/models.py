"""Pangu models of one's own: trained on one of the catalogue, or compressed from one, and published."""

from modelarts_emulator.behaviours.pangu.deployments import catalogue
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.resources import Resource

FATES = {"completed": "completed", "failed": "failed", "abnormal": "abnormal"}
TRAINING_SECONDS = 3600

MODELS = Resource(
    "pangu/models/model",
    id_field="model_id",
    not_found="Emulator.BadControl",
    lifecycle=Lifecycle(
        born="training",
        illegal="Emulator.BadControl",
        training=soon(lambda _, model: FATES[model["fate"]], after=TRAINING_SECONDS, stop="stopping"),
        stopping=soon("stopped", after=30),
        stopped=rests(resume="training", delete=GONE),
        failed=rests(resume="training", delete=GONE),
        abnormal=rests(resume="training", delete=GONE),
        completed=rests(publish="published", delete=GONE),
        published=rests(delete=GONE),
    ),
)


def table_of(world, project_id: str):
    """The models of a project."""
    return world.store.table(f"{MODELS.name}/{project_id}")


@MODELS.lifecycle.entering("training", "stopped", "failed", "abnormal", "completed", "published")
def note_change(bound, model: dict) -> None:
    """Note since when it is so."""
    model["updated_at"] = bound.world.clock.now_ms()


def train(world, project_id: str, name: str, base: str, method: str, fate: str = "completed") -> dict:
    """A new model in training. Refused for a base that cannot be trained."""
    row = base_model(world, project_id, base)
    if not row.get("trainable") or (method == "lora" and row["kind"] != "NLP"):
        raise ApiError("Emulator.BadControl", f"{base} cannot be trained by {method}")
    return add(world, project_id, {**row, "model": name, "base": base, "method": method, "fate": fate})


def compress(world, project_id: str, base: str, precision: str) -> dict:
    """A compressed model in the making: INT8 and NLP only. Refused for any other."""
    row = base_model(world, project_id, base)
    if row["kind"] != "NLP" or not row.get("int8") or precision != "INT8" or row.get("precision"):
        raise ApiError(
            "Emulator.BadControl",
            f"only some NLP models can be compressed, and to INT8; {base} to {precision} not",
        )
    units = max(1, row["units"] // 2)
    made = {**row, "model": f"{base}-INT8", "base": base, "method": "compression", "precision": "INT8"}
    made |= {"units": units, "int8": False, "fate": "completed"}
    if "serves" in row:
        made["serves"] = f"{row['serves']}-int8"
    return add(world, project_id, made)


def add(world, project_id: str, model: dict) -> dict:
    """Store a model that is being made."""
    table = table_of(world, project_id)
    if model["model"] in catalogue() or any(row["model"] == model["model"] for row in table):
        raise ApiError("Emulator.BadControl", f"there is a model {model['model']} already")
    model |= {"model_id": world.new_uuid(), "created_at": world.clock.now_ms()}
    return MODELS.bound_to(world, table).add(model)


def base_model(world, project_id: str, name: str) -> dict:
    """The row of a model in the catalogue, or one's own that is published. Refused when there is none."""
    if name in catalogue():
        return dict(catalogue()[name])
    for model in table_of(world, project_id):
        if name in (model["model"], model["model_id"]):
            if model["status"] != "published":
                raise ApiError("Emulator.BadControl", f"{name} is {model['status']}, it must be published")
            return {key: value for key, value in model.items() if key[0] != "_" and key != "status"}
    raise ApiError("Emulator.BadControl", f"there is no model {name}; GET /_emulator/pangu/models lists all")
