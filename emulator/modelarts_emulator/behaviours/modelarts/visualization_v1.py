"""Visualization jobs of v1: pages of TensorBoard that stop by themselves when told to."""

import math

from modelarts_emulator.behaviours.modelarts import scripts, tensorboard
from modelarts_emulator.behaviours.modelarts.training_v1.life import STOPPABLE, state_after_killing
from modelarts_emulator.behaviours.modelarts.training_v1.states import (
    QUOTAS,
    STATUS_NUMBERS,
    illegal_action,
    list_in_workspace,
    milliseconds,
    next_number,
    note_moments,
    refuse_one_more,
    seconds_run,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, ends, soon, until
from modelarts_emulator.frame.obs_paths import obs_path, refuse_bad_obs_path
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.serving.pages import Page, address_of, show_pages
from modelarts_emulator.training_runs.orders import Order

AREA = "modelarts/visualization-v1"
NAME = f"{AREA}/visualization_job"
OVER = {"restart": "INIT", "delete": GONE}
UNKNOWN_PAGES = "no page of {0} is shown here; make the job with job_type tensorboard"


def trouble_with(job_type: str) -> str:
    """Why pages of that kind cannot be shown here; empty when they can."""
    return tensorboard.trouble() if job_type == tensorboard.KIND else UNKNOWN_PAGES.format(job_type)


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
    numbers=STATUS_NUMBERS,
    INIT=soon("WAITING", after=3, **STOPPABLE),
    WAITING=soon(state_after_waiting, after=15, **STOPPABLE),
    RUNNING=until("COMPLETED", after=seconds_until_stop, **STOPPABLE),
    KILLING=soon(state_after_killing, after=5),
    COMPLETED=ends(**OVER),
    FAILED=ends(**OVER),
    KILLED=ends(**OVER),
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
note_moments(LIFE)


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
    """A job shows the address of its page, for how long that has been there and how long it will be; and why nothing is
    to be seen there.
    """
    is_stopped = job["_hours"] and job["_active"]
    is_looked_at = bound.call is not None and bound.call.operation.method == "GET"
    trouble = trouble_with(job["job_type"]) if is_looked_at else ""
    return {
        **job,
        "duration": milliseconds(seconds_run(bound.world, job)),
        "remaining_duration": milliseconds(seconds_left(bound.world, job)) if is_stopped else None,
        "service_url": address_of(bound, job["job_type"], bound.id_of(job)),
        **({"error_message": trouble} if trouble else {}),
    }


def seconds_left(world, job: dict) -> float:
    """For how long the page of a job will be there; infinite without an auto stop."""
    return (job["_hours"] * 3600 or math.inf) - seconds_run(world, job)


def page_of(bound, id: str, job_type: str) -> Page:
    """The page of a job, its program begun by the first who wants to see it; ApiError where there is none."""
    job = bound.get(id)
    if job is None or job["job_type"] != job_type:
        raise ApiError("APIG.0101", f"{bound.resource.words} {id} of type {job_type} does not exist")
    if job["_state"] != "RUNNING":
        words = f"the page of {bound.resource.words} {id} is there while it is RUNNING; it is {job['_state']}"
        raise ApiError("APIG.0101", words)
    if job_type != tensorboard.KIND:
        raise tensorboard.unavailable(trouble_with(job_type))
    place, address = obs_path(job["train_url"]), address_of(bound, job_type, id)

    def order() -> Order:
        return tensorboard.order_over(place, address, job["resource_id"], seconds_left(bound.world, job))

    return tensorboard.page_over(bound.world, AREA, key_of(bound, id), order)


def key_of(bound, id: str) -> str:
    """By what the program that shows a job's page is kept: ids count up in every project."""
    return f"{bound.project_id}/{id}"


show_pages(VISUALIZATION_JOBS, page_of)


@LIFE.entering("KILLING", "COMPLETED", "FAILED", "KILLED", GONE)
def end_page(bound, job: dict) -> None:
    """What shows a page ends as soon as the job does."""
    scripts.runs_in(bound.world, AREA).end(key_of(bound, bound.id_of(job)))


@behaviour("ListVisualizationJobs")
def list_visualization_jobs(call):
    """A page of the jobs, and how many more there may be."""
    return list_in_workspace(call, VISUALIZATION_JOBS, "visualization_jobs")
