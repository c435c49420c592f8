"""A fine-tuning job: what it asks for, what it was planned to do, how far it is, what it leaves in OBS."""

import math

import orjson

from modelarts_emulator.behaviours.modelarts import scripts
from modelarts_emulator.behaviours.modelarts.training import status
from modelarts_emulator.behaviours.modelarts.training.channels import (
    count_samples_at,
    model_path,
    output_path,
    places_of,
)
from modelarts_emulator.behaviours.modelarts.training.code import algorithm_run
from modelarts_emulator.behaviours.modelarts.training.script import script_seconds, values_of
from modelarts_emulator.behaviours.modelarts.training.tuned_outputs import written_artifacts
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import folder
from modelarts_emulator.frame.obs_paths import obs_path, refuse_bad_obs_path
from modelarts_emulator.simulation.finetuning import (
    SAMPLES_PER_ITERATION,
    USUAL_RATE,
    checkpoints_until,
    curve_of,
    iterations_of,
    point_at,
)

CHECKPOINTS = "modelarts/training/checkpoint"
MODEL_TYPES = ("TextGeneration", "ImageUnderstanding")
MOST = 10**6
# What is counted, under which names scripts know it, and what it is when the job does not say.
WHOLE = {
    "epochs": (("epochs", "epoch", "num_train_epochs", "train_epochs"), 3),
    "batch_size": (("batch_size", "global_batch_size", "train_batch_size"), SAMPLES_PER_ITERATION),
}
RATES = ("learning_rate", "lr")
USUAL_SAMPLES = 1000
UNLIMITED = -1
WEIGHTS = 4096
MODEL_CONFIG = {"model_type": "PyTorch", "model_algorithm": "text_generation"}
SERVICE = "finetuned_service.py"
UNPUBLISHED, PUBLISHED = "unpublished", "published"


def is_tuning(job: dict) -> bool:
    """Whether a job, or the body that asks for one, is for fine-tuning."""
    return "train_type" in job or "ftjob_config" in job


def refuse_bad_tuning(call) -> None:
    """ApiError with the documented code when a fine-tuning job cannot be carried out."""
    body = call.body
    config = body.get("ftjob_config") or {}
    schedule_of(body.get("algorithm") or {}, config)
    model_type = config.get("model_type")
    if model_type and model_type not in MODEL_TYPES:
        words = f"$.ftjob_config.model_type is {model_type!r}, must be {' or '.join(MODEL_TYPES)}"
        raise ApiError("ModelArts.2798", words)
    for where, path in (
        ("$.ftjob_config.train_output_path", config.get("train_output_path")),
        ("$.spec.output_model.obs.obs_path", model_path(body.get("spec") or {})),
    ):
        if path:
            refuse_bad_obs_path("ModelArts.2791", where, path)
    checkpoint = source_of(config)
    if checkpoint and checkpoint not in call.records(CHECKPOINTS):
        raise ApiError("ModelArts.2788", f"$.ftjob_config: checkpoint {checkpoint} does not exist")


def asked_values(algorithm: dict, config: dict) -> dict[str, str]:
    """The values of all parameters of a fine-tuning job, whether given with the algorithm or the task."""
    envs = (config.get("task_env") or {}).get("envs") or ()
    values = values_of({"parameters": algorithm.get("parameters") or ()})
    return values | {each["env_name"]: each.get("value", "") for each in envs if each.get("env_name")}


def schedule_of(algorithm: dict, config: dict) -> dict:
    """{epochs, batch_size, learning_rate} of a fine-tuning job; ApiError when one of them is no such number."""
    values = asked_values(algorithm, config)
    schedule = {name: whole_number(values, names) or usual for name, (names, usual) in WHOLE.items()}
    return schedule | {"learning_rate": learning_rate(values)}


def given_name(values: dict[str, str], names: tuple[str, ...]) -> str | None:
    """The first of the names under which a parameter has a value; None when it has none."""
    return next((name for name in names if values.get(name)), None)


def whole_number(values: dict[str, str], names: tuple[str, ...]) -> int:
    """The value of the parameter of these names; 0 when it has none. ApiError when it is no such number."""
    name = given_name(values, names)
    if name is None:
        return 0
    text = values[name]
    if not (text.isascii() and text.isdecimal() and len(text) < 8 and 1 <= int(text) <= MOST):
        words = f"parameter {name} is {text!r}, must be a whole number from 1 to {MOST}"
        raise ApiError("ModelArts.2788", words)
    return int(text)


def learning_rate(values: dict[str, str]) -> float:
    """The learning rate that is asked for, or the usual one. ApiError when it is no such number."""
    name = given_name(values, RATES)
    if name is None:
        return USUAL_RATE
    try:
        value = float(values[name])
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        words = f"parameter {name} is {values[name]!r}, must be a number above 0 and at most 1"
        raise ApiError("ModelArts.2788", words)
    return value


def source_of(config: dict) -> str:
    """The id of the checkpoint that training goes on from; empty when it starts afresh."""
    saved = config.get("checkpoint_config") or {}
    if "restore_training" in saved and not saved["restore_training"]:
        return ""
    return saved.get("checkpoint_id") or config.get("checkpoint_id") or ""


def plan_tuning(bound, job: dict) -> None:
    """Note in a job that has come to run how many samples it sees and in how many iterations."""
    config = job.get("ftjob_config") or {}
    schedule = schedule_of(algorithm_run(job), config)
    samples = samples_of(bound.world, job)
    iterations = iterations_of(samples, schedule["epochs"], schedule["batch_size"])
    tuning = {
        "samples": samples,
        "iterations": iterations,
        "horizon": iterations,
        "first_step": 0,
        "seed": f"{bound.world.seed}/{model_of(job)}/{samples}/{schedule['learning_rate']}",
        "checkpoints": (config.get("checkpoint_config") or {}).get("save_checkpoints_max", UNLIMITED),
        **schedule,
    }
    source = note_source(bound, job)
    if source:
        earlier = source.get("_tuning", {})
        went_on = {name: earlier[name] for name in ("seed", "horizon", "learning_rate") if name in earlier}
        tuning |= went_on | {"first_step": source["step"]}
    job["_tuning"] = tuning


def note_source(bound, job: dict) -> dict | None:
    """Note in a job from which checkpoint it goes on; that, None when it starts afresh."""
    source = bound.records(CHECKPOINTS).find(source_of(job.get("ftjob_config") or {}))
    if source:
        job["_source"] = source["artifact_id"]
    return source


def model_of(job: dict) -> str:
    """The name of the model that is tuned."""
    asset = job["spec"].get("asset_model") or {}
    return asset.get("name") or job["algorithm"].get("name") or job["metadata"]["name"]


def samples_of(world, job: dict) -> int:
    """How many samples a fine-tuning job sees."""
    return count_samples_at(world, places_of(world, job["algorithm"]["inputs"])) or USUAL_SAMPLES


def iterations_done(world, job: dict) -> int:
    """How many iterations of the current run are done."""
    tuning, start = job.get("_tuning"), status.started_at(job)
    if tuning is None or start is None:
        return 0
    if "Completed" in job["_moments"]:
        return tuning["iterations"]
    elapsed = (status.stopped_at(job) or world.clock.now()) - status.run_started_at(job)
    share = elapsed * world.pace / script_seconds(job)
    return min(tuning["iterations"], int(share * tuning["iterations"] + 1e-6))


def artifacts_of(world, job: dict) -> list[dict]:
    """The checkpoints the job has written so far, and its model when it is completed; oldest first."""
    if scripts.is_real(job):
        kept = job.get("_artifacts")
        return written_artifacts(world, job) if kept is None else kept
    if "_tuning" not in job:
        return []
    tuning, done = job["_tuning"], iterations_done(world, job)
    artifacts = [{**each, "artifact_type": "middle"} for each in checkpoints_until(tuning, done)]
    if "Completed" in job["_moments"]:
        final = {**point_at(tuning, curve_of(tuning), done), "iteration": done, "epoch": tuning["epochs"]}
        artifacts = [each for each in artifacts if each["iteration"] != done]
        artifacts.append({**final, "artifact_type": "final"})
    seconds = script_seconds(job) / world.pace / tuning["iterations"]
    for each in artifacts:
        chance = world.seeded(job["metadata"]["id"], "artifact", each["step"])
        each["artifact_id"] = f"{chance.getrandbits(128):032x}"
        each["moment"] = status.run_started_at(job) + each["iteration"] * seconds
    return artifacts


def keep_checkpoints(bound, job: dict) -> None:
    """Write what a job that is over has reached to its output path, and remember it for jobs that go on from it."""
    table, artifacts = bound.records(CHECKPOINTS), artifacts_of(bound.world, job)
    plan = {name: job[name] for name in ("_tuning",) if name in job}
    for each in artifacts:
        record = {**each, "job_id": job["metadata"]["id"], **plan, "status": UNPUBLISHED}
        table.put(each["artifact_id"], record)
        if plan:
            write_artifact(bound.world, job, each)
    if scripts.is_real(job):
        job["_artifacts"] = artifacts


def write_artifact(world, job: dict, artifact: dict) -> None:
    """Put state and weights of a checkpoint, or the package of the model, into the output path if that is there."""
    path = output_path(job)
    if not path or not world.obs.exists(obs_path(path).bucket):
        return
    is_final = artifact["artifact_type"] == "final"
    name = "model" if is_final else f"checkpoint-{artifact['step']}"
    state = {"simulated": True, "artifact_id": artifact["artifact_id"], "global_step": artifact["step"]}
    state |= {member: artifact[member] for member in ("epoch", "loss", "perplexity")}
    files = {
        "trainer_state.json": orjson.dumps(state, option=orjson.OPT_INDENT_2),
        "model.pth": world.seeded("weights", artifact["artifact_id"]).randbytes(WEIGHTS),
    }
    if is_final:
        files["config.json"] = orjson.dumps(MODEL_CONFIG, option=orjson.OPT_INDENT_2)
        files["customize_service.py"] = (folder("fixtures") / "modelarts" / "training" / SERVICE).read_bytes()
    goal = obs_path(path).folder.below(f"{job['metadata']['id']}/{name}/")
    for file, content in files.items():
        kind = "application/json" if file.endswith(".json") else "application/octet-stream"
        world.obs.write(*goal.below(file), content, content_type=kind)


def forget_checkpoints(bound, id: str) -> None:
    """Drop what is remembered of a deleted job's checkpoints; the objects in OBS stay."""
    table = bound.records(CHECKPOINTS)
    for each in table.having("job_id", id):
        table.drop(each)
