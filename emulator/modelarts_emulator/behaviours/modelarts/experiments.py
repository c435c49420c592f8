"""Training experiments: folders that training jobs are sorted into."""

import re

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource, Unique

JOBS = "modelarts/training/training_job"
EXPERIMENT_OF_JOB = "metadata.training_experiment_reference.id"
NAME = re.compile(r"[\w.-]{1,64}")
SPECIAL = re.compile("[!<>=&\"']")

EXPERIMENTS = Resource(
    "modelarts/experiments/training_experiment",
    path_names=("experiment_id",),
    id_field="metadata.id",
    not_found="ModelArts.2842",
    writes=("metadata",),
    unique=Unique("metadata.name", "ModelArts.2841", within="metadata.workspace_id"),
).serves(
    create="CreateTrainingExperiment",
    show="ShowTrainingExperimentDetails",
    list="ListTrainingExperiments",
    delete="DeleteTrainingExperiment",
)


@EXPERIMENTS.showing
def count_jobs(bound, experiment: dict) -> dict:
    """The experiment with the number of its jobs."""
    return {**experiment, "statistic": {"job_count": len(jobs_in(bound, experiment))}}


@EXPERIMENTS.creating
def begin_experiment(call, experiment: dict) -> None:
    """An experiment without jobs."""
    now = call.world.clock.now_ms()
    experiment["metadata"] |= {"create_time": now, "update_time": now}
    experiment["metadata"].setdefault("description", "")
    experiment["_jobs"] = 0
    refuse_bad_words(experiment["metadata"])


@behaviour("ChangeTrainingExperiment")
def change_training_experiment(call):
    """Give an experiment another name or description; its jobs follow the name."""
    bound, experiment, body = EXPERIMENTS.of(call), EXPERIMENTS.find(call), call.body or {}
    metadata = experiment["metadata"]
    metadata |= body | {"update_time": call.world.clock.now_ms()}
    refuse_bad_words(metadata)
    EXPERIMENTS.refuse_duplicate(bound, experiment)
    bound.put(experiment)
    for job in jobs_in(bound, experiment) if "name" in body else ():
        reference = {**job["metadata"]["training_experiment_reference"], "name": metadata["name"]}
        put_reference(bound, job, reference)
    return {"name": metadata["name"], "description": metadata["description"]}


@EXPERIMENTS.deleting
def let_jobs_go(call, experiment: dict) -> None:
    """Jobs of an experiment that goes stay and belong to none."""
    bound = EXPERIMENTS.of(call)
    for job in jobs_in(bound, experiment):
        put_reference(bound, job, None)


@behaviour("CheckTrainingExperiment")
def check_training_experiment(call):
    """Whether the name is taken in the workspace."""
    named = EXPERIMENTS.of(call).having("metadata.name", call.query["experiment_name"])
    workspaces = [experiment["metadata"]["workspace_id"] for experiment in named]
    return {"is_duplicate": call.query["workspace_id"] in workspaces}


def refuse_bad_words(metadata: dict) -> None:
    """ApiError when name or description has characters that it may not have."""
    name, description = metadata["name"], metadata["description"]
    if not NAME.fullmatch(name):
        words = f"the name of the experiment is {name!r}, must be 1 to 64 letters, digits, '_', '-' or '.'"
        raise ApiError("ModelArts.2788", words)
    if SPECIAL.search(description):
        words = f"the description is {description!r}, must have none of ! < > = & \" '"
        raise ApiError("ModelArts.2788", words)


def jobs_in(bound, experiment: dict) -> list[dict]:
    """The training jobs that belong to the experiment."""
    jobs = bound.records(JOBS)
    return [jobs.find(id) for id in jobs.having(EXPERIMENT_OF_JOB, experiment["metadata"]["id"])]


def put_reference(bound, job: dict, reference: dict | None) -> None:
    """Keep what a job says of its experiment; None for a job without one."""
    if reference is None:
        job["metadata"].pop("training_experiment_reference")
    else:
        job["metadata"]["training_experiment_reference"] = reference
    bound.records(JOBS).put(job["metadata"]["id"], job)


def experiment_asked(call, metadata: dict) -> dict | None:
    """The experiment that a new job names: one that exists, or a new one that is not kept yet; None without.

    ApiError when there is none with that id, or none can have that name.
    """
    wanted = metadata.get("training_experiment_reference") or {}
    if wanted.get("id"):
        return EXPERIMENTS.find(call, wanted["id"])
    if not wanted.get("name"):
        return None
    described = {"name": wanted["name"], "description": wanted.get("description", "")}
    described["workspace_id"] = metadata["workspace_id"]
    experiment = EXPERIMENTS.made_from({"metadata": described}, EXPERIMENTS.new_id(call.world))
    begin_experiment(call, experiment)
    EXPERIMENTS.refuse_duplicate(EXPERIMENTS.of(call), experiment)
    return experiment


def join_experiment(call, experiment: dict) -> dict:
    """The reference of a new job to its experiment, which is kept and counts the job from now on."""
    metadata = experiment["metadata"]
    experiment["_jobs"] += 1
    metadata["update_time"] = call.world.clock.now_ms()
    EXPERIMENTS.of(call).put(experiment)
    return {"id": metadata["id"], "name": metadata["name"], "serial_number": str(experiment["_jobs"])}
