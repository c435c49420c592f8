"""Visualization jobs of v1: TensorBoard and MindInsight pages that stop by themselves when told to."""

from modelarts_emulator.behaviours.modelarts.training.channels import place_of
from modelarts_emulator.behaviours.modelarts.training_v1.capacity import QUOTAS
from modelarts_emulator.behaviours.modelarts.training_v1.lists import (
    page_of,
    refuse_unknown_workspace,
    selected_ids,
)
from modelarts_emulator.behaviours.modelarts.training_v1.refusals import refuse_bad_place
from modelarts_emulator.behaviours.modelarts.training_v1.states import (
    STATUS_NUMBERS,
    documented_code,
    milliseconds,
    next_number,
    refuse_illegal,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, State, rests, soon
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

JOBS = "modelarts/visualization-v1/visualization_job"
NEVER = float("inf")
SHOWN = ("job_id", "job_name", "job_desc", "create_time", "train_url", "resource_id")


def deployed(bound, job: dict) -> str:
    """A page whose bucket is not in OBS has nothing to draw."""
    world = bound.world
    return "RUNNING" if world.obs.exists(place_of(job["train_url"])[0]) else "FAILED"


def seconds_until_stop(bound, job: dict) -> float:
    """How long the page stays: as many hours as it was told, or until somebody stops it."""
    return job["_hours"] * 3600 if job["_hours"] else NEVER


def killed(bound, job: dict) -> str:
    """A job is killed to stop it, or to delete it."""
    return GONE if "_deleting" in job else "KILLED"


STOPPABLE = {"stop": "KILLING", "delete": "KILLING"}
OVER = {"restart": "INIT", "delete": GONE}
LIFE = Lifecycle(
    born="INIT",
    field="_state",
    illegal="ModelArts.0105",
    INIT=soon("WAITING", after=3, **STOPPABLE),
    WAITING=soon(deployed, after=15, **STOPPABLE),
    RUNNING=State("COMPLETED", after=seconds_until_stop, exact=True, **STOPPABLE),
    KILLING=soon(killed, after=5),
    COMPLETED=rests(**OVER),
    FAILED=rests(**OVER),
    KILLED=rests(**OVER),
)
VISUALIZATION_JOBS = Resource(
    JOBS,
    path_names=("job_id",),
    id_field=lambda job: str(job["job_id"]),
    not_found="ModelArts.0105",
    lifecycle=LIFE,
)


@LIFE.entering("INIT")
def begin_anew(bound, job: dict) -> None:
    """A job that is started, or started again, is active; its time runs from when its page is there."""
    job |= {"_active": True, "_started": None, "_ended": None}


@LIFE.entering("RUNNING")
def note_start(bound, job: dict) -> None:
    """The page is there."""
    world = bound.world
    job["_started"] = world.clock.now()


@LIFE.entering("KILLING", "COMPLETED", "FAILED")
def note_end(bound, job: dict) -> None:
    """The page is gone."""
    world = bound.world
    job["_ended"] = world.clock.now()


@LIFE.entering("KILLED", "COMPLETED", "FAILED")
def count_no_more(bound, job: dict) -> None:
    """A job that is over takes nothing of the quota."""
    job["_active"] = False


@behaviour("CreateVisualizationJob")
def create_visualization_job(call):
    """Accept a job; its page is there once it runs."""
    body, jobs, now = call.body, call.records(JOBS), call.world.clock.now_ms()
    refuse_bad_place("train_url", body["train_url"])
    if jobs.having("job_name", body["job_name"]):
        raise ApiError("ModelArts.0103", fill=[body["job_name"]])
    most = fixture(QUOTAS)["visualization_jobs"]["jobs"]
    if len(jobs) >= most:
        raise ApiError("ModelArts.0118", f"the project has its {most} visualization jobs; delete some")
    refuse_over_quota(call)
    schedules = schedules_of(body)
    job = {
        "job_id": next_number(call, "modelarts/visualization-v1", "visualization_job"),
        "job_name": body["job_name"],
        "job_desc": body.get("job_desc", ""),
        "job_type": body["job_type"],
        "create_time": now,
        "train_url": body["train_url"],
        "resource_id": call.world.new_uuid(),
        "workspace_id": "0",
        "_schedule": schedules,
        "_hours": min((schedule["duration"] for schedule in schedules if schedule["duration"]), default=0),
    }
    VISUALIZATION_JOBS.add(call, job)
    shown = {name: job[name] for name in ("job_id", "job_name", "create_time")}
    return {
        "is_success": True,
        **shown,
        "status": STATUS_NUMBERS["INIT"],
        "service_url": service_url(call, job),
    }


@behaviour("ListVisualizationJobs")
def list_visualization_jobs(call):
    """A page of the jobs, and how many more there may be."""
    refuse_unknown_workspace(call, call.query["workspace_id"])
    jobs = call.records(JOBS)
    states = jobs.column("_state")
    keys = {name: jobs.column(name).__getitem__ for name in ("job_id", "job_name", "job_desc", "create_time")}
    keys["status"] = lambda id: STATUS_NUMBERS[states[id]]
    ids = selected_ids(call, jobs, states.__getitem__, keys)
    quotas = fixture(QUOTAS)["visualization_jobs"]
    return {
        "is_success": True,
        "job_total_count": len(ids),
        "job_count_limit": quotas["jobs"] - len(jobs),
        "quotas": quotas["running"],
        "jobs": [listed(call, jobs.find(id)) for id in page_of(call, ids)],
    }


@behaviour("ShowVisualizationJob")
def show_visualization_job(call):
    """A job with the address of its page."""
    return {"is_success": True, **shown_job(call, find_job(call))}


@behaviour("UpdateVisualizationJob")
def update_visualization_job(call):
    """Change the description of a job."""
    job = find_job(call)
    call.records(JOBS).put(str(job["job_id"]), job | {"job_desc": call.body["job_desc"]})
    return {"is_success": True}


@behaviour("StopVisualizationJob")
def stop_visualization_job(call):
    """Ask a job to end; it is 9 (KILLING) until it has."""
    act(call, find_job(call), "stop")
    return {"is_success": True}


@behaviour("RestartVisualizationJob")
def restart_visualization_job(call):
    """Start a job that is over once more; its auto stop counts from the beginning."""
    job = find_job(call)
    refuse_illegal(LIFE, job, "restart")
    refuse_over_quota(call)
    act(call, job, "restart")
    return {"is_success": True}


@behaviour("DeleteVisualizationJob")
def delete_visualization_job(call):
    """Forget a job; one that runs is killed first."""
    act(call, find_job(call) | {"_deleting": True}, "delete")
    return {"is_success": True}


def find_job(call) -> dict:
    """The job the call names; ApiError with the code its operation documents when there is none."""
    job = call.records(JOBS).find(call.path["job_id"])
    if job is None:
        raise ApiError(documented_code(call), f"visualization job {call.path['job_id']!r} does not exist")
    return job


def act(call, job: dict, action: str) -> None:
    """Carry out an action; ApiError in the documented words when the state does not allow it."""
    refuse_illegal(LIFE, job, action)
    VISUALIZATION_JOBS.act(call, job, action)


def refuse_over_quota(call) -> None:
    """ApiError when the project has as many active jobs as it may."""
    most = fixture(QUOTAS)["visualization_jobs"]["running"]
    if len(call.records(JOBS).having("_active", True)) >= most:
        raise ApiError("ModelArts.0118", f"{most} visualization jobs are active; stop some")


def schedules_of(body: dict) -> list[dict]:
    """The rules of the auto stop, whether sent as one or as a list."""
    schedule = body.get("schedule", [])
    return schedule if isinstance(schedule, list) else [schedule]


def listed(call, job: dict) -> dict:
    """A job as the list shows it: with its auto stop."""
    rules = [
        {"type": rule["type"], "timeUnit": rule["time_unit"], "duration": rule["duration"]}
        for rule in job["_schedule"]
    ]
    return shown_job(call, job) | {"schedule": rules}


def shown_job(call, job: dict) -> dict:
    """What the API shows of a job at this moment."""
    return {
        **{name: job[name] for name in SHOWN},
        "status": STATUS_NUMBERS[job["_state"]],
        "duration": milliseconds(seconds_run(call.world, job)),
        "remaining_duration": remaining_duration(call.world, job),
        "service_url": service_url(call, job),
    }


def seconds_run(world, job: dict) -> float:
    """For how long the page has been there, since the last start."""
    if job["_started"] is None:
        return 0.0
    return (world.clock.now() if job["_ended"] is None else job["_ended"]) - job["_started"]


def remaining_duration(world, job: dict) -> int | None:
    """How long it is until the auto stop; None without one."""
    if not job["_hours"] or not job["_active"]:
        return None
    return milliseconds(job["_hours"] * 3600 - seconds_run(world, job))


def service_url(call, job: dict) -> str:
    """The address of the page."""
    return f"{call.base_url}/modelarts/{job['job_type']}/{call.project_id}/{job['job_id']}/"
