"""What a fine-tuning job asks for, and why it is refused."""

import math

from modelarts_emulator.behaviours.modelarts.training.channels import refuse_bad_path
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.simulation.finetuning import SAMPLES_PER_ITERATION, USUAL_RATE

CHECKPOINTS = "modelarts/training/checkpoint"
MODEL_TYPES = ("TextGeneration", "ImageUnderstanding")
MOST = 10**6
# What is counted, under which names scripts know it, and what it is when the job does not say.
WHOLE = {
    "epochs": (("epochs", "epoch", "num_train_epochs", "train_epochs"), 3),
    "batch_size": (("batch_size", "global_batch_size", "train_batch_size"), SAMPLES_PER_ITERATION),
}
RATES = ("learning_rate", "lr")
USUAL_EPOCHS = 3


def asked_values(body: dict) -> dict[str, str]:
    """The values of all parameters of a fine-tuning job, whether given with the algorithm or the task."""
    parameters = (body.get("algorithm") or {}).get("parameters") or ()
    envs = ((body.get("ftjob_config") or {}).get("task_env") or {}).get("envs") or ()
    values = {each["name"]: each.get("value", "") for each in parameters}
    return values | {each["env_name"]: each.get("value", "") for each in envs if each.get("env_name")}


def schedule_of(body: dict) -> dict:
    """{epochs, batch_size, learning_rate} of a fine-tuning job; ApiError when one of them is no such number."""
    values = asked_values(body)
    schedule = {name: whole(values, names) or usual for name, (names, usual) in WHOLE.items()}
    given = next((name for name in RATES if values.get(name)), None)
    return schedule | {"learning_rate": rate(given, values[given]) if given else USUAL_RATE}


def whole(values: dict, names) -> int:
    """The first of the parameters that has a value; 0 when none has."""
    name = next((name for name in names if values.get(name)), None)
    if name is None:
        return 0
    text = values[name]
    if not (text.isascii() and text.isdecimal() and len(text) < 8 and 1 <= int(text) <= MOST):
        raise ApiError(
            "ModelArts.2788", f"parameter {name} is {text!r}, must be a whole number from 1 to {MOST}"
        )
    return int(text)


def rate(name: str, text: str) -> float:
    """The learning rate."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise ApiError(
            "ModelArts.2788", f"parameter {name} is {text!r}, must be a number above 0 and at most 1"
        )
    return value


def refuse_bad_tuning(call, body: dict) -> None:
    """ApiError with the documented code when a fine-tuning job cannot be carried out."""
    config = body.get("ftjob_config") or {}
    schedule_of(body)
    model_type = config.get("model_type")
    if model_type and model_type not in MODEL_TYPES:
        raise ApiError(
            "ModelArts.2798",
            f"$.ftjob_config.model_type is {model_type!r}, must be {' or '.join(MODEL_TYPES)}",
        )
    output_model = ((body.get("spec") or {}).get("output_model") or {}).get("obs") or {}
    for where, path in (
        ("$.ftjob_config.train_output_path", config.get("train_output_path")),
        ("$.spec.output_model.obs.obs_path", output_model.get("obs_path")),
    ):
        if path:
            refuse_bad_path(where, path)
    checkpoint = source_of(config)
    if checkpoint and checkpoint not in call.records(CHECKPOINTS):
        raise ApiError("ModelArts.2788", f"$.ftjob_config: checkpoint {checkpoint} does not exist")


def source_of(config: dict) -> str:
    """The id of the checkpoint that training goes on from; empty when it starts afresh."""
    saved = config.get("checkpoint_config") or {}
    if "restore_training" in saved and not saved["restore_training"]:
        return ""
    return saved.get("checkpoint_id") or config.get("checkpoint_id") or ""
