"""Tasks of services: inputs that are to be read and outputs to be written, on a schedule."""

import math
import re
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from typing import NoReturn
from zoneinfo import ZoneInfo

from modelarts_emulator.behaviours.modelarts.services.life import SERVICES
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, State, ends, soon
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource

NEEDED = {
    "vis": ("stream_name",),
    "obs": ("bucket", "path"),
    "url": ("url",),
    "restful": ("url", "certificate_check", "rtsp_path_in_response"),
    "vcn": ("device_id",),
    "edgecamera": ("id",),
}
MOMENT = re.compile(r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]")
# A time zone is an offset as in the documented example, +08:00, or a name.
OFFSET = re.compile(r"(?:UTC|GMT)?([+-])([01]?[0-9]):?([0-5][0-9])")
TIME = re.compile(r"[0-9][0-9]:[0-9][0-9]:[0-9][0-9]")


def working_seconds(bound, task: dict) -> float:
    """How long a task runs: until its only period is over, else until it is stopped."""
    ends = task.get("_ends")
    return math.inf if ends is None else max(0.0, ends - bound.world.clock.now())


TASKS = Resource(
    "modelarts/service-tasks/task",
    path_names=("task_id",),
    not_found="ModelArts.0101",
    belongs_to=BelongsTo(SERVICES, "service_id"),
    lifecycle=Lifecycle(
        born="PENDING",
        field="state",
        illegal="ModelArts.0101",
        PENDING=soon("STARTING", after=5, delete="DELETING"),
        STARTING=soon("RUNNING", after=20, stop="STOPPING", delete="DELETING"),
        RUNNING=State("SUCCEEDED", working_seconds, exact=True, stop="STOPPING", delete="DELETING"),
        SUCCEEDED=ends(start="STARTING", delete="DELETING"),
        STOPPING=soon("STOPPED", after=10, delete="DELETING"),
        STOPPED=ends(start="STARTING", delete="DELETING"),
        DELETING=soon(GONE, after=5),
    ),
).serves(show="ShowTask", start="StartTask", stop="StopTask", delete="DeleteTask")


@TASKS.lifecycle.entering(*TASKS.lifecycle.states)
def note_transition(bound, task):
    """When the task came into its state."""
    task["updated_at"] = bound.world.clock.iso(fraction=0)


@TASKS.lifecycle.entering("PENDING", "STOPPING", "SUCCEEDED")
def leave_schedule(bound, task):
    """What has not been started yet, has been stopped, or is over, does not begin by itself."""
    task["schedule_status"] = "INACTIVATED"


@TASKS.lifecycle.entering("STARTING")
def enter_schedule(bound, task):
    """What has been started follows its schedule."""
    task["schedule_status"] = "ACTIVATED" if "schedule" in task else "INACTIVATED"


@behaviour("CreateTasks")
def create_tasks(call):
    """The id of a task for each of the inputs; they start by themselves."""
    service, body = SERVICES.find(call), call.body
    refuse_task(body)
    sources = body["input"]["data"]
    task = {
        "description": body.get("description", ""),
        "config": body.get("config", {}),
        "output": body["output"],
        "creator": call.caller.user_name,
        "created_at": call.world.clock.iso(fraction=0),
        "project_id": call.project_id,
        "service_id": service["service_id"],
        "service_name": service["service_name"],
        "_created": call.world.clock.now_ms(),
    }
    if "schedule" in body:
        task["schedule"] = body["schedule"] | {"type": body["schedule"]["type"].lower()}
        task["_ends"] = end_of(task["schedule"])
    ids = []
    for number, source in enumerate(sources, 1):
        task["id"] = call.world.new_hex(32)
        task["name"] = f"{body['name'][:90]}-{number}" if len(sources) > 1 else body["name"]
        TASKS.add(call, task | {"input": body["input"] | {"data": [source]}})
        ids.append({"id": task["id"]})
    return {"tasks": ids}


def end_of(schedule: dict) -> float | None:
    """When a task that runs once is over, as seconds since the epoch; None for those that come again."""
    if schedule["type"] != "once":
        return None
    rows, zone = schedule.get("periods") or [schedule["frequency"]], zone_named(schedule["timezone"])
    # By differences: the last day of the calendar has no time of UTC in every zone.
    moments = (datetime.fromisoformat(row["end_at"]) for row in rows)
    return max(
        each.replace(tzinfo=UTC).timestamp() - zone.utcoffset(each).total_seconds() for each in moments
    )


def zone_named(text: str) -> tzinfo:
    """The time zone of an offset such as +08:00, or of a name such as Asia/Shanghai; ApiError for none."""
    offset = OFFSET.fullmatch(text)
    if offset is not None:
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(ahead if offset[1] == "+" else -ahead)
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        refuse(f"$.schedule.timezone is {text[:80]!r}, must be an offset such as +08:00 or a name")


def refuse_task(body: dict) -> None:
    """ApiError for an input, output or schedule that lacks something."""
    kind = body["input"]["type"]
    if not body["input"]["data"]:
        refuse("$.input.data is empty")
    if kind == "vcn" and "vcn" not in body["input"]:
        refuse("$.input.vcn is required for input type vcn")
    for number, source in enumerate(body["input"]["data"]):
        for name in NEEDED[kind]:
            if name not in source:
                refuse(f"$.input.data[{number}].{name} is required for input type {kind}")
        if source.get("camera_type") == "ipc" and "tag" not in source:
            refuse(f"$.input.data[{number}].tag is required for camera_type ipc")
    if not body["output"]:
        refuse("$.output needs at least one of obs, dis, webhook")
    if "schedule" in body:
        refuse_schedule(body["schedule"])


def refuse_schedule(schedule: dict) -> None:
    """ApiError for a schedule that says too much, too little or no time."""
    styles = [name for name in ("periods", "frequency") if name in schedule]
    if len(styles) != 1:
        refuse("$.schedule needs exactly one of periods and frequency")
    mode = "period" if styles == ["periods"] else "frequency"
    if schedule.get("execution_mode", mode) != mode:
        refuse(f"$.schedule.execution_mode is {schedule['execution_mode']}, {styles[0]} needs {mode}")
    zone_named(schedule["timezone"])
    kind = schedule["type"].lower()
    for name, owner in (("days_of_week", "weekly"), ("days_of_month", "monthly")):
        if (name in schedule) != (kind == owner):
            refuse(f"$.schedule.{name} belongs to type {owner}, this is {kind}")
    pattern, words = (MOMENT, "yyyy-MM-ddThh:mm:ss") if kind == "once" else (TIME, "hh:mm:ss")
    for row in schedule.get("periods") or [schedule["frequency"]]:
        for name in ("begin_at", "end_at"):
            if not pattern.fullmatch(row[name]) or not is_a_time(row[name]):
                refuse(f"$.schedule {name} is {row[name]!r}, type {kind} needs {words}")
        if row["begin_at"] >= row["end_at"]:
            refuse(f"$.schedule begins at {row['begin_at']} and ends at {row['end_at']}")


def is_a_time(text: str) -> bool:
    """Whether digits of the right form are a moment that exists."""
    try:
        (datetime if "T" in text else time).fromisoformat(text)
    except ValueError:
        return False
    return True


def refuse(words: str) -> NoReturn:
    """The documented refusal of a parameter."""
    raise ApiError("ModelArts.0101", words)


@behaviour("ListTasksDetails")
def list_tasks_details(call):
    """The tasks of the service that fit all filters."""
    since, until = call.query.get("created_since", 0), call.query.get("created_until", math.inf)
    return TASKS.list(call, lambda task: since <= task["_created"] <= until)
