"""What tasks of a training job report, which events can be told of, and how its ranks are routed."""

from modelarts_emulator.behaviours.modelarts.training.constraints import cards_of
from modelarts_emulator.behaviours.modelarts.training.life import TRAINING_JOBS
from modelarts_emulator.behaviours.modelarts.training.logs import task_of
from modelarts_emulator.behaviours.modelarts.training.reported import REPORTS, reported
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.registry import behaviour

CATEGORIES = "modelarts/training/event_categories"
MOST_REPORTS = 1000
FEWEST_NODES_ROUTED = 3


@behaviour("NotifyTrainingJobInformation")
def notify_training_job_information(call):
    """Note an event that a running task reports; it stands among the job's events, the newest thousand of them."""
    job, task = task_of(call)
    if job["status"]["phase"] != "Running":
        raise ApiError(
            "ModelArts.2858",
            f"training job {job['metadata']['id']} is {job['status']['phase']}; only tasks of a Running one report",
        )
    kind = call.body.get("type")
    if not kind:
        raise ApiError("ModelArts.2788", "$.type is required and missing: what happened")
    report = {"moment": call.world.clock.now(), "task": task, "type": kind}
    reports = [*reported(call.world, job), report][-MOST_REPORTS:]
    call.records(REPORTS).put(job["metadata"]["id"], {"reports": reports})


@behaviour("ListEventCategories")
def list_event_categories(call):
    """The events one can be told of, of jobs on one type of flavor when asked for."""
    wanted = call.query.get("flavor_type")
    rows = [row for row in fixture(CATEGORIES) if wanted in (None, *row["flavor_types"])]
    return {"event-categories": [row["category"] for row in rows]}


@behaviour("ShowTrainingJobRoutePlan")
def show_training_job_route_plan(call):
    """Which rank each worker has; other than its number only where routes are planned.

    They are for jobs of three Ascend nodes and more in a dedicated pool, once these run.
    """
    job = TRAINING_JOBS.find(call)
    resource, id = job["spec"]["resource"], job["metadata"]["id"]
    workers = list(range(resource["node_count"]))
    is_planned = (
        resource.get("pool_id")
        and "flavor_detail" in resource
        and resource["flavor_detail"]["flavor_type"] == "Ascend"
        and cards_of(resource["flavor_detail"]) > 0
        and len(workers) >= FEWEST_NODES_ROUTED
        and "Running" in job["_moments"]
    )
    if is_planned:
        call.world.seeded(id, "routes").shuffle(workers)
    mapping = ",".join(f"{rank}-{worker}" for rank, worker in enumerate(workers))
    return {"job_id": id, "status": "success" if is_planned else "failed", "rank_mapping": mapping}


@behaviour("ShowTrainingJobExecStatus")
def show_training_job_exec_status(call):
    """No job can be logged in to: the emulator plays the script and has no container."""
    job = TRAINING_JOBS.find(call)
    raise ApiError(
        "ModelArts.2858",
        f"training job {job['metadata']['id']} runs in no container that one could log in to",
    )
