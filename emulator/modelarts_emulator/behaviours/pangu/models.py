"""Pangu models of one's own: trained on one of the catalogue, or compressed from one, and published."""

from modelarts_emulator.behaviours.pangu.deployments import LEARNT, catalogue
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, ends, rests, soon
from modelarts_emulator.frame.obs_paths import obs_path
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.inference.language.tuned import MOST_PAIRS
from modelarts_emulator.simulation.finetuning import (
    SECONDS_PER_ITERATION,
    fit_of,
    iterations_of,
    points_until,
    tuning_lines,
)
from modelarts_emulator.simulation.samples import BadSamples, pair_of, rows_in
from modelarts_emulator.worlds.clock import iso_of

FATES = {"completed": "completed", "failed": "failed", "abnormal": "abnormal"}
LEAST_SECONDS = 600
USUAL_SAMPLES = 1000
# At which rates the loss stops being a number.
NOT_A_NUMBER = 0.05
CAPACITIES = {"N1": 0.8, "N2": 0.9, "N4": 1.0}
LORA = 0.9
INT8_LOSS = 0.98
TRAINING = ("dataset", "epochs", "batch_size", "learning_rate", "method")


def after_training(bound, model: dict) -> str:
    """What a training ends in: what its data and its rate make of it, else what was decided."""
    return "failed" if model.get("_fault") else FATES[model["fate"]]


MODELS = Resource(
    "pangu/models/model",
    id_field="model_id",
    not_found="Emulator.BadControl",
    lifecycle=Lifecycle(
        born="training",
        illegal="Emulator.BadControl",
        training=soon(after_training, after=lambda _, model: model["_seconds"], stop="stopping"),
        stopping=soon("stopped", after=30),
        stopped=ends(resume="training", delete=GONE),
        failed=ends(resume="training", delete=GONE),
        abnormal=rests(resume="training", delete=GONE),
        completed=ends(publish="published", delete=GONE),
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


@MODELS.lifecycle.entering("training")
def note_start(bound, model: dict) -> None:
    """The log and the curves count from here."""
    model["_began"], model["_ended"] = bound.world.clock.now(), None
    model.pop("reason", None)


@MODELS.lifecycle.entering("stopped", "failed", "abnormal", "completed")
def note_end(bound, model: dict) -> None:
    """Nothing is printed any more."""
    model["_ended"] = bound.world.clock.now()


@MODELS.lifecycle.entering("failed", "abnormal")
def note_reason(bound, model: dict) -> None:
    """Why the training has not succeeded."""
    model["reason"] = model.get("_fault") or f"the console decided that the training ends {model['fate']}"


@MODELS.gone
def forget_lessons(bound, id: str) -> None:
    """What a model has learnt goes with it."""
    bound.records(LEARNT).drop(id)


def train(world, project_id: str, body: dict, content: bytes | None) -> dict:
    """A new model in training on content, the data set of the body. Refused for a base that cannot be trained."""
    base, method = body["base"], body["method"]
    row = base_model(world, project_id, base)
    if not row.get("trainable") or (method == "lora" and row["kind"] != "NLP"):
        raise ApiError("Emulator.BadControl", f"{base} cannot be trained by {method}")
    model = {**row, "model": body["name"], "base": base, "fate": body["fate"]}
    model |= {name: body[name] for name in TRAINING if name in body}
    pairs, reason = lessons_in(body.get("dataset", ""), content, row["kind"])
    samples = len(pairs) if content is not None and pairs else USUAL_SAMPLES
    model |= planned(world, model, samples)
    if body["learning_rate"] >= NOT_A_NUMBER:
        reason = reason or f"the loss is nan: learning_rate {body['learning_rate']:g} is too high"
    if reason:
        model["_fault"] = reason
    made = add(world, project_id, model)
    known = world.store.table(f"{LEARNT}/{project_id}").find(row.get("model_id", "")) or {"pairs": []}
    fit = fit_of(samples, body["epochs"], body["batch_size"], body["learning_rate"], capacity_of(row, method))
    keep_lessons(world, project_id, made, [*pairs[:MOST_PAIRS], *known["pairs"]], fit)
    return made


def capacity_of(row: dict, method: str) -> float:
    """How well a model can learn at best: larger ones better, and better with all their weights than with some."""
    size = next(
        (size for size in CAPACITIES if f"-{size}-" in row["model"] or f"-{size}-" in row.get("base", "")),
        "N1",
    )
    return CAPACITIES[size] * (LORA if method == "lora" else 1.0)


def lessons_in(place: str, content: bytes | None, kind: str) -> tuple[list, str]:
    """(pairs of question and answer, why they cannot be learnt) of a data set."""
    if content is None:
        return [], ""
    try:
        rows = list(rows_in(place, content))
    except BadSamples as error:
        return [], f"{place}: {error}"
    pairs = [pair_of(row) for row in rows]
    bad = next((at for at, (_, answer) in enumerate(pairs, 1) if not answer), None)
    if not rows:
        return [], f"{place} holds no samples"
    if kind == "NLP" and bad:
        return [], f"{place}: row {bad} has no context and target"
    return pairs, ""


def planned(world, model: dict, samples: int) -> dict:
    """How many samples and iterations a training has, and how long it takes."""
    iterations = iterations_of(samples, model["epochs"], model["batch_size"])
    seconds = max(LEAST_SECONDS, SECONDS_PER_ITERATION * iterations)
    return {"samples": samples, "iterations": iterations, "_seconds": seconds}


def keep_lessons(world, project_id: str, model: dict, pairs: list, fit: float) -> None:
    """Remember what a model will have learnt."""
    lessons = {"pairs": pairs[:MOST_PAIRS], "fit": fit}
    world.store.table(f"{LEARNT}/{project_id}").put(model["model_id"], lessons)


def compress(world, project_id: str, body: dict) -> dict:
    """A compressed model in the making: INT8 and NLP only, half as large and faster. Refused for any other."""
    base, precision = body["base"], body["precision"]
    row = base_model(world, project_id, base)
    if row["kind"] != "NLP" or not row.get("int8") or precision != "INT8" or row.get("precision"):
        words = f"only some NLP models can be compressed, and to INT8; {base} to {precision} not"
        raise ApiError("Emulator.BadControl", words)
    source = row.get("model_id", "")
    made = {**row, "model": body.get("name", f"{base}-INT8"), "base": base, "method": "compression"}
    made |= {"precision": "INT8", "units": max(1, row["units"] // 2), "memory_gb": row["memory_gb"] / 2}
    made |= {"int8": False, "fate": "completed", "_seconds": 3600}
    if "serves" in row:
        made["serves"] = f"{row['serves']}-int8"
    made = add(world, project_id, made)
    lessons = world.store.table(f"{LEARNT}/{project_id}").find(source)
    if lessons:
        keep_lessons(world, project_id, made, lessons["pairs"], lessons["fit"] * INT8_LOSS)
    return made


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


def content_of(world, place: str) -> bytes:
    """The data set at obs://bucket/key. Refused when there is no such object."""
    try:
        found = obs_path(place)
        return world.obs.read(found.bucket, found.key)
    except (KeyError, ValueError):
        raise ApiError("Emulator.BadControl", f"there is no object {place}") from None


def tuning_of(world, model: dict) -> dict:
    """The training as the simulation of fine-tuning wants it."""
    seed = f"{world.seed}/{model['base']}/{model['samples']}/{model['learning_rate']}"
    told = {name: model[name] for name in ("samples", "iterations", "epochs", "batch_size", "learning_rate")}
    return told | {"horizon": model["iterations"], "first_step": 0, "seed": seed, "checkpoints": -1}


def log_of(world, model: dict) -> str:
    """What the training has printed so far, and why it failed."""
    if "iterations" not in model:
        return f"compressing {model['base']} to {model['precision']}\n"
    began = model["_began"]
    elapsed = (model["_ended"] or world.clock.now()) - began
    lines = tuning_lines(tuning_of(world, model), model["_seconds"] / world.pace, elapsed)
    lines = [f"{iso_of(began + at, 0)} {line}" for at, line in lines]
    if model["status"] in ("failed", "abnormal"):
        lines.append(f"{iso_of(began + elapsed, 0)} ERROR {model['reason']}")
    return "".join(f"{line}\n" for line in lines)


def metrics_of(world, model: dict) -> list[dict]:
    """Loss, perplexity and rate by step as far as the training is."""
    if "iterations" not in model:
        return []
    elapsed = (model["_ended"] or world.clock.now()) - model["_began"]
    share = min(1.0, elapsed * world.pace / model["_seconds"] + 1e-9)
    return points_until(tuning_of(world, model), int(share * model["iterations"]))
