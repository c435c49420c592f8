"""Training jobs v2: created, shown, stopped, changed, deleted; their lists, logs and events are next door."""

from modelarts_emulator.behaviours.modelarts.experiments import join_experiment
from modelarts_emulator.behaviours.modelarts.scripts import training_asked
from modelarts_emulator.behaviours.modelarts.training.asked import TrainingJobAsked
from modelarts_emulator.behaviours.modelarts.training.life import TRAINING_JOBS, queue_again
from modelarts_emulator.behaviours.modelarts.training.refusals import (
    RETRIES,
    refuse_bad_job,
    refuse_bad_retries,
)
from modelarts_emulator.behaviours.modelarts.training.script import exit_code_in
from modelarts_emulator.behaviours.modelarts.training.status import seconds_run
from modelarts_emulator.behaviours.modelarts.workspaces.quotas import refuse_used_up
from modelarts_emulator.behaviours.modelarts.workspaces.time_used import quota_named, uses_time
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.answers import taken
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.worlds.store import value_at

# Horovod of this version places its parameters on a server task of its own.
WITH_SERVER = "horovod-cp36-tf-1.16.2"

TRAINING_JOBS.serves(
    create="CreateTrainingJob",
    show="ShowTrainingJobDetails",
    delete="DeleteTrainingJob",
    terminate="StopTrainingJob",
)


@TRAINING_JOBS.creating
def describe_job(call, job: dict) -> None:
    """Read what is asked for, refuse it or take it over; the job is Creating until the platform has queued it."""
    asked = TrainingJobAsked(call)
    refuse_bad_job(asked)
    algorithm, spec, inherited = asked.algorithm_kept(), asked.spec_kept(), asked.inherited()
    job |= {
        "kind": asked.kind,
        "metadata": {
            "description": "",
            "ai_project": "default-ai-project",
            **asked.metadata,
            "id": job["metadata"]["id"],
            "create_time": call.world.clock.now_ms(),
            "user_name": call.caller.user_name,
        },
        "status": {"tasks": tasks_of(algorithm, spec["resource"]["node_count"])},
        "algorithm": algorithm,
        "spec": spec,
        **{
            name: call.body[name] for name in ("endpoints", "ftjob_config", "train_type") if name in call.body
        },
        "_user_id": call.caller.user_id,
        "_runtime_type": runtime_type_of(asked.annotations),
        "_exit_code": exit_code_in(asked.environments),
        "_training": training_asked(call.settings, asked.environments),
        "_retries": int(asked.annotations.get(RETRIES, "0")),
        "_runs": [],
        "_moments": {},
        **({"_inherited": inherited} if inherited else {}),
    }
    if asked.experiment:
        job["metadata"]["training_experiment_reference"] = join_experiment(call, asked.experiment)
    refuse_used_up(call, job["metadata"]["workspace_id"], quota_of(job), "ModelArts.2815")


def quota_of(job: dict) -> str:
    """Which quota of its workspace a job uses up."""
    flavor = value_at(job, "spec.resource.flavor_detail.flavor_type")
    return quota_named("trainJob", flavor in ("GPU", "Ascend"))


def time_of_job(bound, job: dict) -> dict[str, int]:
    """For how long a job has run, by the quota that this uses up."""
    return {quota_of(job): int(seconds_run(bound.world, job) * 1000)}


uses_time(TRAINING_JOBS, time_of_job)


@behaviour("BatchDeleteTrainingJob")
def batch_delete_training_jobs(call):
    """Forget several jobs of one workspace, or none when one of them cannot be deleted."""
    bound, ids = TRAINING_JOBS.of(call), {row["metadata"]["id"] for row in call.body["jobs"]}
    jobs = [TRAINING_JOBS.find(call, id) for id in sorted(ids)]
    workspaces = {job["metadata"]["workspace_id"] for job in jobs}
    if len(workspaces) > 1:
        words = f"$.jobs are of the workspaces {', '.join(sorted(workspaces))}, must be of one"
        raise ApiError("ModelArts.2788", words)
    for job in jobs:
        bound.drop(job)


@behaviour("ChangeTrainingJobDescription")
def change_training_job_description(call):
    """Change what of a job can be changed: description, annotations, notification, priority, keys."""
    bound, job, operation = TRAINING_JOBS.of(call), TRAINING_JOBS.find(call), call.operation
    body = call.body or {}
    if "description" in body:
        job["metadata"]["description"] = body["description"]
    annotations = (body.get("metadata") or {}).get("annotation") or {}
    if annotations:
        refuse_bad_retries(annotations, "annotation")
        kept = job["metadata"].get("annotations", {}) | annotations
        job["metadata"]["annotations"] = kept
        job |= {"_runtime_type": runtime_type_of(kept), "_retries": int(kept.get(RETRIES, "0"))}
    for name, value in taken(operation, body.get("spec") or {}, ("spec",)).items():
        job["spec"][name] = job["spec"].get(name, {}) | taken(operation, value, ("spec", name))
    if "endpoints" in body:
        job["endpoints"] = taken(operation, body["endpoints"], ("endpoints",))
    bound.put(job)
    queue_again(bound, job)


@behaviour("ValidateTrainingJobName")
def validate_training_job_name(call):
    """Whether the name is taken in the workspace."""
    named = TRAINING_JOBS.of(call).having("metadata.name", call.query["job_name"])
    return {"is_duplicate": call.query["workspace_id"] in [job["metadata"]["workspace_id"] for job in named]}


def runtime_type_of(annotations: dict) -> str:
    """Whether a job is for debugging, because one can work in it, or just trains."""
    return "debug" if annotations.get("jupyter-lab/enable") == "true" else "train"


def tasks_of(algorithm: dict, nodes: int) -> list[str]:
    """The names of the job's tasks."""
    workers = [f"worker-{number}" for number in range(nodes)]
    has_server = (algorithm.get("engine") or {}).get("engine_id") == WITH_SERVER
    return [*workers, "server-0"] if has_server else workers
