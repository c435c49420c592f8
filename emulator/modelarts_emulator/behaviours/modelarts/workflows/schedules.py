"""Schedules: when a workflow runs by itself. The clock of the world decides."""

import logging
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from modelarts_emulator.behaviours.modelarts.workflows.actions import begin_again
from modelarts_emulator.behaviours.modelarts.workflows.executions import EXECUTIONS, called_by, caller_of
from modelarts_emulator.behaviours.modelarts.workflows.refusals import refuse
from modelarts_emulator.behaviours.modelarts.workflows.steps import FAILED, steps_of
from modelarts_emulator.behaviours.modelarts.workflows.workflows import WORKFLOWS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, State, rests
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource
from modelarts_emulator.frame.schedules import Cron, next_moment, number_of, read_cron

LONGEST_INTERVAL = 10 * 366 * 86400
SECONDS = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
log = logging.getLogger("modelarts_emulator.workflows")


def seconds_until_next(bound, schedule: dict) -> float:
    """How long until the next run."""
    now = bound.world.clock.now()
    return next_run(schedule["content"], now) - now


def next_run(content: dict, now: float) -> float:
    """The next moment that the content of a schedule names, after now. ValueError when it names none."""
    if "interval" in content:
        return now + interval_in(content)
    second, cron = cron_in(content)
    zone = zone_in(content)
    # The expression is read as if the zone's wall clock were UTC; the moment found is read back in the zone.
    wall = datetime.fromtimestamp(now - second, zone).replace(tzinfo=UTC).timestamp()
    found = datetime.fromtimestamp(next_moment(cron, wall), UTC).replace(tzinfo=zone)
    return found.timestamp() + second


def interval_in(content: dict) -> float:
    """The seconds between two runs. ValueError for what is no number of them, or stands beside an expression."""
    if "cron" in content:
        raise ValueError("it has to be a cron expression or an interval, not both")
    sent = content["interval"]
    seconds = float(sent) if isinstance(sent, str) and SECONDS.fullmatch(sent) else sent
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 1 <= seconds <= LONGEST_INTERVAL:
        raise ValueError(f"interval is {repr(sent)[:40]}, must be seconds from 1 to {LONGEST_INTERVAL}")
    return seconds


def cron_in(content: dict) -> tuple[int, Cron]:
    """The second, and the rest of a cron expression of five or six fields. ValueError when it is none."""
    text = content.get("cron", "")
    fields = text.split() if isinstance(text, str) else []
    if len(fields) not in (5, 6):
        raise ValueError(f"cron is {text!r}, has to be second, minute, hour, day, month and weekday")
    second = fields[0] if len(fields) == 6 else "0"
    return number_of(second, "second", 0, 59), read_cron(" ".join(fields[-5:]))


def zone_in(content: dict) -> ZoneInfo:
    """The zone whose clock an expression means. ValueError for one that is not known."""
    name = content.get("time_zone", "UTC")
    try:
        return ZoneInfo(name)
    except (ValueError, TypeError, KeyError, OSError):
        raise ValueError(f"time_zone {name!r} is not known; it is named as Asia/Shanghai is") from None


def run_workflow(bound, schedule: dict) -> str:
    """Start a run, unless one is at work and the schedule is not to run beside it."""
    if not (
        schedule["policies"].get("on_running") == "cancel" and is_at_work(bound, schedule["workflow_id"])
    ):
        path = {"project_id": bound.project_id, "workflow_id": schedule["workflow_id"]}
        try:
            made = bound.world.ask(
                caller_of(schedule), "CreateWorkflowExecution", path, {}, schedule["_host"]
            )
        except ApiError as error:
            log.warning("schedule %s could not start its workflow: %s", schedule["uuid"], error.message)
        else:
            where = bound.beside(EXECUTIONS)
            where.put({**where.find(made["execution_id"]), "_scheduled": True})
    return "enabled"


def is_at_work(bound, workflow_id: str) -> bool:
    """Whether a run of the workflow is under way."""
    executions = bound.beside(EXECUTIONS)
    under_way = (each for state in ("init", "running") for each in executions.having("status", state))
    return any(execution["workflow_id"] == workflow_id for execution in under_way)


SCHEDULES = Resource(
    "modelarts/workflows/schedule",
    path_names=("schedule_id",),
    id_field="uuid",
    not_found="ModelArts.7525",
    belongs_to=BelongsTo(WORKFLOWS, "workflow_id"),
    writes=("type", "content", "action", "enable", "policies"),
    lifecycle=Lifecycle(
        "disabled",
        field="_state",
        enabled=State(run_workflow, seconds_until_next, exact=True, disable="disabled"),
        disabled=rests(enable="enabled"),
    ),
).serves(
    create="CreateWorkflowSchedule",
    show="ShowWorkflowSchedule",
    delete="DeleteWorkflowScheduleId",
)


@SCHEDULES.creating
def complete_schedule(call, schedule):
    """Add whose it is. ApiError for a second schedule of a workflow, and for one that names no moment."""
    workflow = WORKFLOWS.find(call)
    if SCHEDULES.of(call).table.having("workflow_id", workflow["workflow_id"]):
        refuse(f"workflow {workflow['workflow_id']} has a schedule already; change or delete that")
    refuse_bad_content(call, schedule.setdefault("content", {}))
    schedule |= {
        "type": schedule.get("type", "time"),
        "action": schedule.get("action", "run"),
        "enable": schedule.get("enable", True),
        "policies": schedule.get("policies", {}),
        "workflow_id": workflow["workflow_id"],
        "user_id": call.caller.user_id,
        "created_at": call.world.clock.iso(fraction=6),
        **called_by(call),
    }


def refuse_bad_content(call, content: dict) -> None:
    """ApiError for a content from which no moment follows."""
    try:
        next_run(content, call.world.clock.now())
    except ValueError as error:
        words = 'such as {"cron": "0 0 8 * * Mon", "time_zone": "Asia/Shanghai"} or {"interval": 3600}'
        refuse(f"$.content: {error}; write {words}")


@SCHEDULES.lifecycle.entered("disabled")
def enable_schedule(bound, schedule):
    """A schedule that is enabled goes on by itself."""
    if schedule["enable"]:
        bound.act(schedule, "enable")


@behaviour("UpdateWorkflowSchedule")
def change_schedule(call):
    """The schedule as changed; its next moment is found anew."""
    bound, schedule = SCHEDULES.of(call), SCHEDULES.find(call)
    schedule |= {name: call.body[name] for name in ("content", "enable") if name in call.body}
    refuse_bad_content(call, schedule["content"])
    bound.enter(schedule, "disabled")
    return SCHEDULES.answer(call, bound.shown(bound.find(schedule["uuid"])))


@behaviour("ShowWorkflowScheduleList")
def list_schedules(call):
    """The schedules of the workflow."""
    bound, workflow = SCHEDULES.of(call), WORKFLOWS.find(call)
    return list_rows(
        call, [bound.shown(each) for each in bound.having("workflow_id", workflow["workflow_id"])]
    )


@EXECUTIONS.lifecycle.entered("abnormal")
def retry_failed_run(bound, execution):
    """A run that a schedule has started begins again once where the schedule says so."""
    schedules = bound.beside(SCHEDULES).having("workflow_id", execution["workflow_id"])
    wants_retry = any(each["policies"].get("on_failure") == "retry" and each["enable"] for each in schedules)
    if wants_retry and execution.get("_scheduled") and not execution.get("_retried"):
        steps = steps_of(bound, execution["execution_id"])
        begin_again(bound, execution, [step["step_name"] for step in steps if step["status"] in FAILED])
        bound.act({**execution, "_retried": True}, "resume")
