"""A fine-tuning job as it goes: what it was planned to do, how far it is, what it leaves in OBS."""

import orjson

from modelarts_emulator.behaviours.modelarts.training.channels import folder_of, place_of, url_of
from modelarts_emulator.behaviours.modelarts.training.finetuning_refusals import (
    CHECKPOINTS,
    schedule_of,
    source_of,
)
from modelarts_emulator.behaviours.modelarts.training.script import script_seconds
from modelarts_emulator.behaviours.modelarts.training.status import run_started_at, started_at, stopped_at
from modelarts_emulator.contract.facts import folder
from modelarts_emulator.simulation.finetuning import checkpoints_until, curve_of, iterations_of, point_at

USUAL_SAMPLES = 1000
UNLIMITED = -1
LINES = (".jsonl", ".csv", ".txt", ".manifest")
BIGGEST = 64 << 20
WEIGHTS = 4096
MODEL_CONFIG = {"model_type": "PyTorch", "model_algorithm": "text_generation"}
SERVICE = "finetuned_service.py"


def plan_tuning(world, job: dict) -> None:
    """Note in a job that has come to run how many samples it sees and in how many iterations."""
    config, schedule = job.get("ftjob_config") or {}, schedule_of(job)
    samples = samples_of(world, job)
    iterations = iterations_of(samples, schedule["epochs"], schedule["batch_size"])
    tuning = {
        "samples": samples,
        "iterations": iterations,
        "horizon": iterations,
        "first_step": 0,
        "seed": f"{world.seed}/{model_of(job)}/{samples}/{schedule['learning_rate']}",
        "checkpoints": (config.get("checkpoint_config") or {}).get("save_checkpoints_max", UNLIMITED),
        **schedule,
    }
    source = world.store.table(f"{CHECKPOINTS}/{job['_project']}").find(source_of(config))
    if source:
        went_on = {name: source["_tuning"][name] for name in ("seed", "horizon", "learning_rate")}
        tuning |= went_on | {"first_step": source["step"]}
        job["_source"] = source["artifact_id"]
    job["_tuning"] = tuning


def model_of(job: dict) -> str:
    """The name of the model that is tuned."""
    asset = job["spec"].get("asset_model") or {}
    return asset.get("name") or job["algorithm"].get("name") or job["metadata"]["name"]


def samples_of(world, job: dict) -> int:
    """How many samples lie in the inputs: a line each in text files, an object each otherwise."""
    count = 0
    for channel in job["algorithm"].get("inputs", ()):
        url = url_of(channel)
        if url and world.obs.exists(place_of(url)[0]):
            bucket, key = place_of(url)
            count += sum(samples_in(world, bucket, name) for name in world.obs.keys(bucket, key))
    return count or USUAL_SAMPLES


def samples_in(world, bucket: str, key: str) -> int:
    """How many samples an object holds."""
    if key.endswith("/"):
        return 0
    if not key.endswith(LINES) or world.obs.size(bucket, key) > BIGGEST:
        return 1
    return sum(1 for line in world.obs.read(bucket, key).splitlines() if line.strip())


def iterations_done(world, job: dict) -> int:
    """How many iterations of the current run are done."""
    tuning, start = job.get("_tuning"), started_at(job)
    if tuning is None or start is None:
        return 0
    if "Completed" in job["_moments"]:
        return tuning["iterations"]
    elapsed = (stopped_at(job) or world.clock.now()) - run_started_at(job)
    share = elapsed * world.pace / script_seconds(job)
    return min(tuning["iterations"], int(share * tuning["iterations"] + 1e-6))


def artifacts_of(world, job: dict) -> list[dict]:
    """The checkpoints the job has written so far, and its model when it is completed; oldest first."""
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
        each["moment"] = run_started_at(job) + each["iteration"] * seconds
    return artifacts


def keep_checkpoints(world, job: dict) -> None:
    """Write what a job that is over has reached to its output path, and remember it for jobs that go on from it."""
    table = world.store.table(f"{CHECKPOINTS}/{job['_project']}")
    for each in artifacts_of(world, job):
        record = {**each, "job_id": job["metadata"]["id"], "_tuning": job["_tuning"], "status": "unpublished"}
        table.put(each["artifact_id"], record)
        write_artifact(world, job, each)


def write_artifact(world, job: dict, artifact: dict) -> None:
    """Put state and weights of a checkpoint, or the package of the model, into the output path if that is there."""
    path = output_path(job)
    if not path or not world.obs.exists(place_of(path)[0]):
        return
    bucket, prefix = folder_of(path)
    is_final = artifact["artifact_type"] == "final"
    name = "model" if is_final else f"checkpoint-{artifact['step']}"
    files = {
        "trainer_state.json": orjson.dumps(
            {
                "simulated": True,
                "artifact_id": artifact["artifact_id"],
                "global_step": artifact["step"],
                "epoch": artifact["epoch"],
                "loss": artifact["loss"],
                "perplexity": artifact["perplexity"],
            },
            option=orjson.OPT_INDENT_2,
        ),
        "model.pth": world.seeded("weights", artifact["artifact_id"]).randbytes(WEIGHTS),
    }
    if is_final:
        files["config.json"] = orjson.dumps(MODEL_CONFIG, option=orjson.OPT_INDENT_2)
        files["customize_service.py"] = (folder("fixtures") / "modelarts" / "training" / SERVICE).read_bytes()
    for file, content in files.items():
        kind = "application/json" if file.endswith(".json") else "application/octet-stream"
        key = f"{prefix}{job['metadata']['id']}/{name}/{file}"
        world.obs.write(bucket, key, content, content_type=kind)


def output_path(job: dict) -> str:
    """Where in OBS the job's checkpoints and model go; empty when it does not say."""
    output_model = (job["spec"].get("output_model") or {}).get("obs") or {}
    return (job.get("ftjob_config") or {}).get("train_output_path") or output_model.get("obs_path", "")


def forget_checkpoints(world, job: dict) -> None:
    """Drop what is remembered of a deleted job's checkpoints; the objects in OBS stay."""
    table = world.store.table(f"{CHECKPOINTS}/{job['_project']}")
    for id in table.having("job_id", job["metadata"]["id"]):
        table.drop(id)
