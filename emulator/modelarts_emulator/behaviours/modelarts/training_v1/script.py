"""What the script of a v1 training job is made out to do: how long, with which curve, to what end."""

import orjson

from modelarts_emulator.behaviours.modelarts.training_v1.catalogue import MODELS, found_in
from modelarts_emulator.behaviours.modelarts.training_v1.refusals import parameters_of
from modelarts_emulator.simulation.surrogate import learning_curve
from modelarts_emulator.worlds.clock import seconds_of

USUAL_SECONDS = 600
SECONDS_AN_EPOCH = 60
USUAL_EPOCHS = 10
MOST_EPOCHS = 1000
EPOCHS = ("epochs", "num_epochs", "num_epoch", "train_epochs", "num_train_epochs", "max_epochs")


def script_seconds(config: dict) -> float:
    """Seconds of the cloud that the script runs: as EMULATOR_DURATION says, else longer with more epochs."""
    duration = parameters_of(config).get("EMULATOR_DURATION")
    if duration is not None:
        return seconds_of(duration)
    return max(USUAL_SECONDS, SECONDS_AN_EPOCH * epochs_of(config))


def exit_code_of(config: dict) -> int:
    """What the script exits with at its end: what EMULATOR_EXIT_CODE says."""
    return int(parameters_of(config).get("EMULATOR_EXIT_CODE", 0))


def epochs_of(config: dict) -> int:
    """How often the script goes through its data, by the parameters that usually say so."""
    given = parameters_of(config)
    texts = [str(given[name]) for name in EPOCHS if str(given.get(name, "")).isdecimal()]
    return min(max(int(texts[0]), 1), MOST_EPOCHS) if texts else USUAL_EPOCHS


def curve_of(world, version: dict):
    """The learning curve of the version; its last epoch ends just before the script does."""
    epochs = epochs_of(version["config"])
    curve = learning_curve(f"{world.seed}/{world.tag}/v1/{version['version_id']}", [], {}, epochs)
    seconds = script_seconds(version["config"]) / world.pace
    return curve._replace(seconds_per_iteration=seconds / (epochs + 1.5))


def result_of(world, version: dict) -> bytes:
    """What the script leaves in its output: where it got to, as JSON."""
    epochs = epochs_of(version["config"])
    metric, loss = curve_of(world, version).at(epochs)
    result = {"version": version["version_name"], "epochs": epochs, "accuracy": metric, "loss": loss}
    return orjson.dumps(result | {"parameters": parameters_of(version["config"])})


def model_metrics(world, version: dict) -> str:
    """The evaluation of a finished built-in algorithm as JSON text; `{}` for scripts, which have none."""
    model = found_in(MODELS, "model_id", version["config"].get("model_id"))
    if model is None or "COMPLETED" not in version["_moments"]:
        return "{}"
    accuracy = curve_of(world, version).at(epochs_of(version["config"]))[0]
    chance = world.seeded("v1", version["version_id"], "evaluation")
    recall, precision = (round(accuracy * chance.uniform(0.95, 1), 6) for _ in range(2))
    values = {"recall": recall, "precision": precision, "accuracy": round(accuracy, 6)}
    total = values | {"f1_score": round(2 * recall * precision / (recall + precision), 6)}
    metric = {"metric_values": values, "reserved_data": {}, "metric_meta": {"class_name": 0, "class_id": 0}}
    summary = {"total_metric_meta": {}, "total_reserved_data": {}, "total_metric_values": total}
    return orjson.dumps({"metric": [metric], "total_metric": summary}).decode()
