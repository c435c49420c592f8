"""The tasks of a training job: where they run, their ranks, how busy they are, what they report."""

from modelarts_emulator.behaviours.modelarts import scripts
from modelarts_emulator.behaviours.modelarts.training import runs, status
from modelarts_emulator.behaviours.modelarts.training.catalogue import cards_of
from modelarts_emulator.behaviours.modelarts.training.life import REPORTS, TRAINING_JOBS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.simulation.utilisation import usage

FEWEST_NODES_ROUTED = 3


@behaviour("ListTrainingJobTasks")
def list_training_job_tasks(call):
    """Where the job's tasks run, as far as they have been scheduled."""
    job, wanted = TRAINING_JOBS.find(call), call.query.get("schedule_count", 1)
    return [
        address for address in status.task_addresses(call.world, job) if address["schedule_count"] == wanted
    ]


@behaviour("ShowTrainingJobMetrics")
def show_training_job_metrics(call):
    """How busy the task's machine was, one average a minute since the script started."""
    job, task = task_of(call)
    if status.started_at(job) is None:
        raise ApiError("ModelArts.2777", f"training job {job['metadata']['id']} has not run yet")
    resource = job["spec"]["resource"]
    kind = resource["flavor_detail"]["flavor_type"] if "flavor_detail" in resource else "CPU"
    if scripts.is_real(job):
        return {"metrics": runs.metrics_of(TRAINING_JOBS.of(call), job, task)}
    minutes = int(status.seconds_run(call.world, job) * call.world.pace // 60)
    seed = f"{call.world.seed}/{job['metadata']['id']}"
    return {"metrics": usage(seed, task, kind, minutes, status.stopped_at(job) is None)}


@behaviour("NotifyTrainingJobInformation")
def notify_training_job_information(call):
    """Note an event that a running task reports; it stands among the job's events, the newest thousand of them."""
    job, task = task_of(call)
    if job["status"]["phase"] != "Running":
        raise ApiError(
            "ModelArts.2858",
            f"training job {job['metadata']['id']} is {job['status']['phase']}; only tasks of a Running one report",
        )
    report = {"moment": call.world.clock.now(), "task": task, "type": call.body["type"]}
    REPORTS.note(TRAINING_JOBS.of(call), job["metadata"]["id"], report)


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
    words = f"training job {job['metadata']['id']} runs in no container that one could log in to"
    raise ApiError("ModelArts.2858", words)


def task_of(call) -> tuple[dict, str]:
    """(job, task) that the call names; ApiError when the job has no such task."""
    job, task = TRAINING_JOBS.find(call), call.path["task_id"]
    tasks = job["status"]["tasks"]
    if task not in tasks:
        raise ApiError("ModelArts.2788", f"path.task_id is {task!r}; the job's tasks are {', '.join(tasks)}")
    return job, task
