"""Training experiments: folders that training jobs are sorted into."""

from modelarts_emulator.behaviours.modelarts.experiments.refusals import (
    EXPERIMENT_OF_JOB,
    EXPERIMENTS,
    JOBS,
    named,
    new_experiment,
    refuse_bad_description,
    refuse_bad_experiment_name,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

USUAL_PAGE = 50
PLACE = "metadata.workspace_id"


def jobs_in(world, experiment: dict) -> list[str]:
    """The ids of the training jobs that belong to the experiment."""
    jobs = world.store.table(f"{JOBS}/{experiment['_project']}")
    return jobs.having(EXPERIMENT_OF_JOB, experiment["metadata"]["id"])


def shown_experiment(bound, experiment: dict) -> dict:
    """The experiment as the API shows it, with the number of its jobs."""
    world = bound.world
    return {**experiment, "statistic": {"job_count": len(jobs_in(world, experiment))}}


EXPERIMENT = Resource(
    EXPERIMENTS,
    path_names=("experiment_id",),
    id_field="metadata.id",
    not_found="ModelArts.2842",
    present=shown_experiment,
).serves(show="ShowTrainingExperimentDetails")


@behaviour("CreateTrainingExperiment")
def create_training_experiment(call):
    """Make an experiment without jobs."""
    metadata = {"description": "", **call.body["metadata"]}
    refuse_bad_experiment_name(call, metadata["name"], metadata["workspace_id"])
    refuse_bad_description(metadata["description"])
    record = new_experiment(call, metadata["name"], metadata["description"], metadata["workspace_id"])
    return EXPERIMENT.of(call).shown(record)


@behaviour("ChangeTrainingExperiment")
def change_training_experiment(call):
    """Give an experiment another name or description; its jobs follow the name."""
    experiment, body = EXPERIMENT.find(call), call.body or {}
    metadata = experiment["metadata"]
    if "name" in body:
        refuse_bad_experiment_name(call, body["name"], metadata["workspace_id"], metadata["id"])
    refuse_bad_description(body.get("description", ""))
    metadata |= body | {"update_time": call.world.clock.now_ms()}
    EXPERIMENT.change(call, experiment)
    jobs = call.records(JOBS)
    for id in jobs_in(call.world, experiment) if "name" in body else ():
        job = jobs.find(id)
        job["metadata"]["training_experiment_reference"]["name"] = metadata["name"]
        jobs.put(id, job)
    return {"name": metadata["name"], "description": metadata["description"]}


@behaviour("DeleteTrainingExperiment")
def delete_training_experiment(call):
    """Forget an experiment; its jobs stay and belong to none."""
    experiment, jobs = EXPERIMENT.find(call), call.records(JOBS)
    for id in jobs_in(call.world, experiment):
        job = jobs.find(id)
        del job["metadata"]["training_experiment_reference"]
        jobs.put(id, job)
    EXPERIMENT.table(call).drop(experiment["metadata"]["id"])


@behaviour("ListTrainingExperiments")
def list_training_experiments(call):
    """A page of the experiments of one workspace, newest first unless asked otherwise."""
    query, limit, offset = call.query, call.query.get("limit", USUAL_PAGE), call.query["offset"]
    if limit < 1:
        raise ApiError("ModelArts.2788", f"query.limit is {limit}, must be at least 1")
    sort_by = query.get("sort_by", "create_time")
    total, page = page_of(call, sort_by, offset * limit, limit)
    return {
        "total": total,
        "count": len(page),
        "limit": limit,
        "offset": offset,
        "sort_by": sort_by,
        "order": query["order"],
        "items": [EXPERIMENT.of(call).shown(experiment) for experiment in page],
    }


def page_of(call, sort_by: str, start: int, limit: int) -> tuple[int, list[dict]]:
    """(how many experiments the workspace has, the records of the page)."""
    experiments, query = EXPERIMENT.table(call), call.query
    newest_first, workspace_id = query["order"] == "desc", query["workspace_id"]
    if sort_by == "create_time" and workspace_id == "0" and not experiments.having("_elsewhere", True):
        return len(experiments), experiments.page(start, limit, newest_first)
    ids = experiments.having(PLACE, workspace_id)
    if sort_by != "create_time":
        column = experiments.column(f"metadata.{sort_by}")
        ids.sort(key=lambda id: column[id])
    ids = ids[::-1] if newest_first else ids
    return len(ids), [experiments.find(id) for id in ids[start : start + limit]]


@behaviour("CheckTrainingExperiment")
def check_training_experiment(call):
    """Whether the name is taken in the workspace."""
    return {"is_duplicate": bool(named(call, call.query["experiment_name"], call.query["workspace_id"]))}
