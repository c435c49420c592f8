"""Visualization jobs of v1: TensorBoard and MindInsight pages that stop by themselves when told to."""

import math

from modelarts_emulator.behaviours.modelarts.training_v1.life import STOPPABLE, state_after_killing
from modelarts_emulator.behaviours.modelarts.training_v1.states import (
    QUOTAS,
    illegal_action,
    milliseconds,
    next_number,
    number_states,
    quotas_left,
    refuse_one_more,
    refuse_unknown_status,
    refuse_unknown_workspace,
    seconds_run,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon, until
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.obs_paths import obs_path, refuse_bad_obs_path
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

NAME = "modelarts/visualization-v1/visualization_job"
OVER = {"restart": "INIT", "delete": GONE}


def state_after_waiting(bound, job: dict) -> str:
    """A page whose bucket is not in OBS has nothing to draw."""
    return "RUNNING" if bound.world.obs.exists(obs_path(job["train_url"]).bucket) else "FAILED"


def seconds_until_stop(bound, job: dict) -> float:
    """How long the page stays: as many hours as it was told, or until somebody stops it."""
    return job["_hours"] * 3600 or math.inf


LIFE = Lifecycle(
    born="INIT",
    field="_state",
    illegal=illegal_action,
    INIT=soon("WAITING", after=3, **STOPPABLE),
    WAITING=soon(state_after_waiting, after=15, **STOPPABLE),
    RUNNING=until("COMPLETED", after=seconds_until_stop, **STOPPABLE),
    KILLING=soon(state_after_killing, after=5),
    COMPLETED=rests(**OVER),
    FAILED=rests(**OVER),
    KILLED=rests(**OVER),
)
VISUALIZATION_JOBS = Resource(
    NAME,
    path_names=("job_id",),
    id_field="job_id",
    new_id=lambda world: next_number(world, NAME),
    not_found="ModelArts.0105",
    writes=("job_name", "job_desc", "job_type", "train_url"),
    by_age=(("job_id",), ("create_time",)),
    lifecycle=LIFE,
).serves(
    create="CreateVisualizationJob",
    show="ShowVisualizationJob",
    update="UpdateVisualizationJob",
    delete="DeleteVisualizationJob",
    stop="StopVisualizationJob",
    restart="RestartVisualizationJob",
)
number_states(LIFE)


@LIFE.entering("INIT")
def take_active_place(bound, job: dict) -> None:
    """A job that is started, or started again, is one of those that may be active in the project."""
    most = fixture(QUOTAS)["visualization_jobs"]["running"]
    if len(bound.table.having("_active", True)) >= most:
        raise ApiError("ModelArts.0118", f"{most} visualization jobs are active; stop some")
    job["_active"] = True


@LIFE.entering("KILLED", "COMPLETED", "FAILED")
def give_active_place_back(bound, job: dict) -> None:
    """A job that is over takes nothing of the quota."""
    job["_active"] = False


@VISUALIZATION_JOBS.creating
def fill_in(call, job: dict) -> None:
    """What a job is and when it stops; ApiError when there may be no such job."""
    refuse_bad_obs_path("ModelArts.0104", "train_url", job["train_url"])
    refuse_one_more(VISUALIZATION_JOBS.of(call), "visualization_jobs", job["job_name"])
    rules = call.body.get("schedule", [])
    rules = rules if isinstance(rules, list) else [rules]
    job |= {
        "job_desc": job.get("job_desc", ""),
        "create_time": call.world.clock.now_ms(),
        "resource_id": call.world.new_uuid(),
        "workspace_id": "0",
        "schedule": [
            {"type": rule["type"], "timeUnit": rule["time_unit"], "duration": rule["duration"]}
            for rule in rules
        ],
        "_hours": min((rule["duration"] for rule in rules if rule["duration"]), default=0),
    }


@VISUALIZATION_JOBS.deleting
def mark_deleted(call, job: dict) -> None:
    """A job that runs is killed first; it goes afterwards."""
    job["_deleting"] = True


@VISUALIZATION_JOBS.showing
def show_page(bound, job: dict) -> dict:
    """A job shows the address of its page, for how long that has been there and how long it will be."""
    seconds = seconds_run(bound.world, job)
    is_stopped = job["_hours"] and job["_active"]
    return {
        **job,
        "duration": milliseconds(seconds),
        "remaining_duration": milliseconds(job["_hours"] * 3600 - seconds) if is_stopped else None,
        "service_url": f"{bound.base_url}/modelarts/{job['job_type']}/{bound.project_id}/{job['job_id']}/",
    }


@behaviour("ListVisualizationJobs")
def list_visualization_jobs(call):
    """A page of the jobs, and how many more there may be."""
    refuse_unknown_workspace(call, call.query["workspace_id"])
    refuse_unknown_status(call)
    jobs = VISUALIZATION_JOBS.of(call)
    ids = jobs.table.having("workspace_id", call.query["workspace_id"])
    return list_records(call, jobs, ids) | quotas_left(jobs, "visualization_jobs")
