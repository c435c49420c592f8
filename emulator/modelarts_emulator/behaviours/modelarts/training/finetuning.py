"""Fine-tuning jobs: their detail, their curves, their artifacts and how these are published."""

import itertools
import math

import orjson

from modelarts_emulator.behaviours.modelarts import scripts
from modelarts_emulator.behaviours.modelarts.other import ASSETS, publish_asset
from modelarts_emulator.behaviours.modelarts.training import status, tuned_metrics, tuning
from modelarts_emulator.behaviours.modelarts.training.channels import output_path
from modelarts_emulator.behaviours.modelarts.training.code import algorithm_run
from modelarts_emulator.behaviours.modelarts.training.life import JOBS_TUNED_FROM, TRAINING_JOBS
from modelarts_emulator.behaviours.modelarts.training.script import script_seconds
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.simulation.finetuning import points_until
from modelarts_emulator.waiting import refuse_to_wait
from modelarts_emulator.worlds.clock import iso_of

METRICS = "modelarts/training/finetuning_metrics"
ASSET_MEMBERS = ("name", "version", "type", "code", "series", "desc")


@behaviour("ShowFtDetail")
def show_ft_detail(call):
    """The fine-tuning job: model, data, parameters, resources and how far it is."""
    job = tuning_job(call)
    metadata, resource, asset = job["metadata"], job["spec"]["resource"], job["spec"].get("asset_model") or {}
    config, shown = job.get("ftjob_config") or {}, TRAINING_JOBS.of(call).shown(job)
    detail = {
        "project_id": call.project_id,
        "task_id": metadata["id"],
        "task_name": metadata["name"],
        "task_desc": metadata["description"],
        **{name: shown[name] for name in ("metadata", "spec", "status")},
        "model_type": config.get("model_type") or tuning.MODEL_TYPES[0],
        "train_type": train_type_of(job),
        "task_parameters": as_text(tuning.asked_values(algorithm_run(job), config)),
        "checkpoint_config": as_text(config.get("checkpoint_config") or {}),
        "create_time": metadata["create_time"],
        "update_time": int(max(job["_moments"].values()) * 1000),
        "train_process": percent_done(call.world, job),
        "train_cost_time": int(status.seconds_run(call.world, job)),
        "training_info": as_text(forecast(call.world, job)) if status.over_at(job) is None else "",
        "train_output_path": output_path(job),
        "datasets_config": [dataset_of(channel) for channel in job["algorithm"]["inputs"]],
        "workspace_id": metadata["workspace_id"],
        "user_id": job["_user_id"],
        "user_name": metadata["user_name"],
        "pool_type": "dedicated" if resource.get("pool_id") else "public",
        "pool_id": resource.get("pool_id", ""),
        "pool_node_count": str(resource["node_count"]),
        "flavor_id": resource.get("flavor_id", ""),
        "priority": (job["spec"].get("schedule_policy") or {}).get("priority", 1),
        "model_asset_id": job["spec"].get("asset_id", ""),
        "root_asset_id": asset.get("parent_asset_id", ""),
        **{f"asset_{name}": asset[name] for name in ASSET_MEMBERS if name in asset},
    }
    source = call.records(tuning.CHECKPOINTS).find(job.get("_source", ""))
    return detail | ({"continue_task": continuation(job, source)} if source else {})


@behaviour("ShowFtMetrics")
def show_ft_metrics(call):
    """Loss, perplexity and learning rate by step as far as the job is; nothing before it runs.

    Of a script of the job's own what that reports.
    """
    job, world = tuning_job(call), call.world
    found = curves_of(TRAINING_JOBS.of(call), job)
    metrics = [{**facts, "data": found[name]} for name, facts in fixture(METRICS).items()]
    return {
        "loss": {"data": found["loss"]},
        "eval_loss": {"data": found["eval_loss"]},
        "training_info": forecast(world, job),
        "train_process": percent_done(world, job),
        "data": {"format_version": "1.0", "timestamp": iso_of(world.clock.now(), 0), "metrics": metrics},
    }


def curves_of(bound, job: dict) -> dict[str, list[dict]]:
    """{metric: its values so far}."""
    if scripts.is_real(job):
        # What was printed and written is read anew each time.
        refuse_to_wait()
        return tuned_metrics.reports_of(bound, job)
    done = tuning.iterations_done(bound.world, job)
    points = points_until(job["_tuning"], done) if "_tuning" in job else []
    return {name: series(points, name) for name in fixture(METRICS)}


@behaviour("ListFtArtifacts")
def list_ft_artifacts(call):
    """The checkpoints and the model that the job has written so far, newest first unless asked otherwise.

    steps, epoch and status pick what has that value, loss what has at most that loss.
    """
    job = tuning_job(call)
    rows = [artifact_row(call, each) for each in tuning.artifacts_of(call.world, job)]
    best = min((row["loss"] for row in rows if "loss" in row), default=None)
    return list_rows(call, [row | {"is_best": row.get("loss", math.nan) == best} for row in rows])


@behaviour("PublishFtArtifacts")
def publish_ft_artifacts(call):
    """Make assets of artifacts of a job that has succeeded; the id of the last one."""
    job, body = tuning_job(call), call.body
    if job["status"]["phase"] != "Completed":
        words = f"training job {job['metadata']['id']} is {job['status']['phase']}; only a Completed one is published"
        raise ApiError("ModelArts.2858", words)
    for at, row in enumerate(body.get("publish_artifacts") or [{}]):
        model_id = publish(call, job, f"$.publish_artifacts[{at}]", row)
    return {"model_id": model_id}


def publish(call, job: dict, where: str, row: dict) -> str:
    """Make an asset of the artifact that a row names; its id."""
    checkpoints = call.records(tuning.CHECKPOINTS)
    artifact = checkpoints.find(artifact_named(call, job, where, row))
    name = row.get("asset_name") or usual_name(call, job, artifact)
    asset = {
        "visibility": "current",
        **row,
        "asset_name": name,
        "asset_version": row.get("asset_version") or "1.0.0",
        "artifact_id": artifact["artifact_id"],
        "job_id": job["metadata"]["id"],
        "workspace_id": call.body.get("workspace_id", "0"),
        "location": artifact.get("location") or output_path(job),
    }
    id = publish_asset(call, asset)
    artifact |= {"status": tuning.PUBLISHED, "asset_id": id, "asset_name": name}
    checkpoints.put(artifact["artifact_id"], artifact)
    return id


def usual_name(call, job: dict, artifact: dict) -> str:
    """What an asset is called that is given no name: counted on where another artifact of the same second has that."""
    name = "-".join((tuning.model_of(job), train_type_of(job), iso_of(artifact["moment"], 0)))
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(each for each in names if not belongs_to_another(call, each, artifact))


def belongs_to_another(call, name: str, artifact: dict) -> bool:
    """Whether an asset of that name has been made of something else."""
    found = ASSETS.of(call).having("asset_name", name)
    return any(each.get("artifact_id") != artifact["artifact_id"] for each in found)


def artifact_named(call, job: dict, where: str, row: dict) -> str:
    """The id of the artifact that a row names: a checkpoint by its id, else the model; ApiError when there is none."""
    artifacts = {each["artifact_id"]: each for each in tuning.artifacts_of(call.world, job)}
    id = row.get("artifact_id")
    if not id and not row.get("is_ckpt"):
        id = next((id for id, each in artifacts.items() if each["artifact_type"] == "final"), "")
        if not id:
            raise ApiError("ModelArts.2788", f"{where}: the job has written no model to its output")
        return id
    if id not in artifacts:
        raise ApiError("ModelArts.2788", f"{where}.artifact_id is {id!r}; the job has {', '.join(artifacts)}")
    if call.records(tuning.CHECKPOINTS).find(id)["status"] == tuning.PUBLISHED:
        raise ApiError("ModelArts.2788", f"{where}: artifact {id} is published already")
    return id


def artifact_row(call, artifact: dict) -> dict:
    """An artifact as the list shows it, with the jobs that went on from it."""
    id, bound = artifact["artifact_id"], TRAINING_JOBS.of(call)
    kept = call.records(tuning.CHECKPOINTS).find(id) or {}
    tasks = bound.having(JOBS_TUNED_FROM, id)
    return {
        "artifact_id": id,
        "artifact_type": artifact["artifact_type"],
        "steps": artifact["step"],
        **{name: artifact[name] for name in ("epoch", "loss") if name in artifact},
        "create_time": iso_of(artifact["moment"], 0),
        "status": kept.get("status", tuning.UNPUBLISHED),
        "asset_id": kept.get("asset_id", ""),
        "asset_name": kept.get("asset_name", ""),
        "publish_error_msg": "",
        "continue_train_nums": len(tasks),
        "task_infos": [
            {
                "checkpoint_id": id,
                "continue_task_id": task["metadata"]["id"],
                "continue_task_name": task["metadata"]["name"],
                "continue_train_type": train_type_of(task),
                "create_time": iso_of(task["metadata"]["create_time"] / 1000, 0),
                "restore_training": 1,
            }
            for task in tasks
        ],
    }


def tuning_job(call) -> dict:
    """The fine-tuning job that the call names; ApiError when there is none or it tunes nothing."""
    job = TRAINING_JOBS.find(call)
    if not tuning.is_tuning(job):
        words = "is not a fine-tuning job: it has neither train_type nor ftjob_config"
        raise ApiError("ModelArts.2858", f"training job {job['metadata']['id']} {words}")
    return job


def train_type_of(job: dict) -> str:
    """How the model is tuned."""
    return job.get("train_type") or "SFT"


def continuation(job: dict, source: dict) -> dict:
    """What the detail of a job says of the checkpoint that it went on from."""
    return {
        "checkpoint_id": source["artifact_id"],
        "source_model_id": source["job_id"],
        "source_model_name": tuning.model_of(job),
        "epoch": source.get("epoch", 0),
        "steps": source["step"],
    }


def percent_done(world, job: dict) -> float:
    """How much of the training is done, in percent."""
    if "_tuning" not in job:
        return 100.0 if "Completed" in job["_moments"] else 0.0
    return round(100 * tuning.iterations_done(world, job) / job["_tuning"]["iterations"], 2)


def forecast(world, job: dict) -> dict:
    """How long the training is expected to take and to go on, in seconds; empty before it runs."""
    if status.started_at(job) is None or "_tuning" not in job:
        return {}
    lasts = script_seconds(job) / world.pace
    left = 0.0 if status.over_at(job) else lasts * (1 - percent_done(world, job) / 100)
    return {
        "iterations": job["_tuning"]["iterations"],
        "samples": job["_tuning"]["samples"],
        "estimated_seconds": round(lasts, 3),
        "remaining_seconds": round(left, 3),
    }


def dataset_of(channel: dict) -> dict:
    """An input as a data set of the training."""
    dataset = channel["remote"].get("dataset") or {}
    return {
        "dataset_id": dataset.get("id", ""),
        "dataset_name": dataset.get("name") or channel["name"],
        "dataset_source": "datamng" if dataset else "OBS",
        "used_step": "train",
    }


def series(points: list[dict], name: str) -> list[dict]:
    """One value by step."""
    return [{"step": point["step"], "epoch": point["epoch"], "value": point[name]} for point in points]


def as_text(value) -> str:
    """JSON in a text, as some members of the detail are."""
    return orjson.dumps(value).decode()
