"""Tasks of services: inputs that are to be read and outputs to be written, on a schedule."""

import math
import re
from datetime import UTC, datetime, time

from modelarts_emulator.behaviours.modelarts.services.services import SERVICES
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Answer
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, State, rests, soon
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

NEEDED = {
    "vis": ("stream_name",),
    "obs": ("bucket", "path"),
    "url": ("url",),
    "restful": ("url", "certificate_check", "rtsp_path_in_response"),
    "vcn": ("device_id",),
    "edgecamera": ("id",),
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
TIME = re.compile(r"\d\d:\d\d:\d\d")


def working_seconds(bound, task: dict) -> float:
    """How long a task runs: until its only period is over, else until it is stopped."""
    world = bound.world
    ends = task.get("_ends")
    return math.inf if ends is None else max(0.0, ends - world.clock.now())


TASKS = Resource(
    "modelarts/service-tasks/task",
    path_names=("task_id",),
    not_found="ModelArts.0101",
    lifecycle=Lifecycle(
        born="PENDING",
        field="state",
        illegal="ModelArts.0101",
        PENDING=soon("STARTING", after=5, delete="DELETING"),
        STARTING=soon("RUNNING", after=20, stop="STOPPING", delete="DELETING"),
        RUNNING=State("SUCCEEDED", working_seconds, exact=True, stop="STOPPING", delete="DELETING"),
        SUCCEEDED=rests(start="STARTING", delete="DELETING"),
        STOPPING=soon("STOPPED", after=10, delete="DELETING"),
        STOPPED=rests(start="STARTING", delete="DELETING"),
        DELETING=soon(GONE, after=5),
    ),
)


@TASKS.lifecycle.entering(*TASKS.lifecycle.states)
def note_transition(bound, task):
    """When the task came into its state."""
    world = bound.world
    task["updated_at"] = world.clock.iso(fraction=0)


@TASKS.lifecycle.entering("STOPPING", "SUCCEEDED")
def leave_schedule(bound, task):
    """What has been stopped, or is over, begins no more by itself."""
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
    ids, now = [], call.world.clock.iso(fraction=0)
    for number, source in enumerate(body["input"]["data"]):
        id = call.world.new_hex(32)
        several = len(body["input"]["data"]) > 1
        task = {
            "id": id,
            "name": f"{body['name'][:90]}-{number + 1}" if several else body["name"],
            "description": body.get("description", ""),
            "config": body.get("config", {}),
            "input": body["input"] | {"data": [source]},
            "output": body["output"],
            "creator": call.caller.user_name,
            "created_at": now,
            "project_id": call.project_id,
            "service_id": service["service_id"],
            "service_name": service["service_name"],
            "schedule_status": "INACTIVATED",
            "_created": call.world.clock.now_ms(),
        }
        if "schedule" in body:
            task["schedule"] = body["schedule"] | {"type": body["schedule"]["type"].lower()}
            task["_ends"] = end_of(body["schedule"])
        TASKS.add(call, task)
        ids.append({"id": id})
    return {"tasks": ids}


def end_of(schedule: dict) -> float | None:
    """When a task that runs once is over, as seconds since the epoch; None for those that come again."""
    if schedule["type"] != "once":
        return None
    rows = schedule.get("periods") or [schedule["frequency"]]
    return max(datetime.fromisoformat(row["end_at"]).replace(tzinfo=UTC).timestamp() for row in rows)


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


def refuse(words: str) -> None:
    """The documented refusal of a parameter."""
    raise ApiError("ModelArts.0101", words)


def task_called(call) -> dict:
    """The task the path names, of the service the path names."""
    service, task = SERVICES.find(call), TASKS.find(call)
    if task["service_id"] != service["service_id"]:
        refuse(f"task {task['id']} is not of service {service['service_id']}")
    return task


@behaviour("ShowTask")
def show_task(call):
    """The task."""
    return TASKS.of(call).shown(task_called(call))


@behaviour("ListTasksDetails")
def list_tasks_details(call):
    """The tasks of the service that fit all filters; offset counts records."""
    service, query, table = SERVICES.find(call), call.query, TASKS.table(call)
    tasks = [table.find(id) for id in table.having("service_id", service["service_id"])]
    tasks = [task for task in tasks if fits(query, task)]
    column = query.get("sort_key", "created_at")
    column = "_created" if column == "created_at" else column
    tasks.sort(key=lambda task: task[column], reverse=query.get("sort_dir", "desc") == "desc")
    start = query.get("offset", 0)
    page = tasks[start : start + query["limit"]] if "limit" in query else tasks[start:]
    return {"count": len(tasks), "tasks": [TASKS.of(call).shown(task) for task in page]}


def fits(query: dict, task: dict) -> bool:
    """Whether a task passes every filter."""
    if query.get("state") not in (None, task["state"]) or query.get("id") not in (None, task["id"]):
        return False
    if query.get("name_like", "") not in task["name"]:
        return False
    return query.get("created_since", 0) <= task["_created"] <= query.get("created_until", task["_created"])


def act(call, action: str) -> Answer:
    """Carry out an action on the task; it takes its time."""
    task = task_called(call)
    TASKS.act(call, task, action)
    return Answer(None, status=202)


@behaviour("StartTask")
def start_task(call):
    """The task is starting."""
    return act(call, "start")


@behaviour("StopTask")
def stop_task(call):
    """The task is stopping."""
    return act(call, "stop")


@behaviour("DeleteTask")
def delete_task(call):
    """The task is being deleted."""
    return act(call, "delete")
