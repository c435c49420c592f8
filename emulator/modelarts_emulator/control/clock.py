"""The clock of a world in the control API: shown, frozen, run, advanced, driven until a field has a value."""

from typing import TYPE_CHECKING, Any

from flask import Flask

from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.control.asking import (
    DURATION,
    NOTHING,
    TEXT,
    Body,
    members,
    refuse,
    seconds_in,
    takes,
    world_asked,
)
from modelarts_emulator.control.conditions import (
    Condition,
    Looked,
    condition_asked,
    refuse_impossible,
    refuse_unknown_field,
    seen,
    short,
    value_in,
    why_final,
)
from modelarts_emulator.worlds.clock import FASTEST, Clock, OutOfTime, moved_by
from modelarts_emulator.worlds.due import StillAtWork

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.world import World

SPEED = {"type": "number", "exclusiveMinimum": 0, "maximum": FASTEST, "default": 1}
RUN = Body(members(speed=SPEED))
WAIT = DURATION | {"default": "10m"}
ADVANCE = Body(members(by=DURATION, until=TEXT, within=DURATION, wait=WAIT))
UNTIL = Body(
    members(
        ("operation", "field"),
        operation=TEXT,
        path={"type": "object", "additionalProperties": {"type": "string"}, "default": {}},
        field=TEXT,
        equals={},
        **{"in": {"type": "array", "minItems": 1}},
        at_least={"type": ["number", "string"]},
        within=DURATION,
        wait=WAIT,
    )
)
LONGEST_DRIVE = "24h"
TESTS = ("equals", "in", "at_least")
# Members in which a resource that has failed says why.
REASONS = ("error_msg", "error_message", "fail_reason")


class Final(Exception):
    """What is looked at cannot come to anything else any more."""


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the clocks into the control API."""

    @flask.get("/_emulator/clock")
    @takes("world")
    def show():
        return shown_clock(world_asked(application))

    @flask.post("/_emulator/clock/<action>")
    @takes("world")
    def change(action):
        if action not in ACTIONS:
            refuse(f"the clock knows {', '.join(ACTIONS)}, not {action}", 404)
        world = world_asked(application)
        try:
            told = ACTIONS[action](application, world) or {}
        except OutOfTime as error:
            refuse(f"clock {action}: {error}")
        return shown_clock(world) | told


def freeze(application: "Application", world: "World") -> None:
    """Stand still."""
    NOTHING.read()
    world.move_clock(Clock.freeze)


def run(application: "Application", world: "World") -> None:
    """Run on, `speed` virtual seconds in a real one."""
    speed = RUN.read()["speed"]
    world.move_clock(lambda clock: clock.run(float(speed)))


def advance(application: "Application", world: "World") -> dict:
    """Move on `by` that much, or `until` a condition holds, doing all that falls due on the way.

    What is due and runs in real time is waited for at most `wait` real seconds, and named if it still does.
    """
    body = ADVANCE.read()
    if ("by" in body) == ("until" in body) or ("within" in body and "by" in body):
        refuse("$: give by, a duration, or until, a condition, with within")
    if "until" in body:
        return drive(application, world, condition_asked(application, world, body["until"]), body)
    seconds, wait = seconds_in(body, "by"), seconds_in(body, "wait")
    world.move_clock(moved_by(seconds))
    try:
        world.settle(wait)
    except StillAtWork as error:
        return {"waiting_for": error.records}
    return {"waiting_for": []}


def until(application: "Application", world: "World") -> dict:
    """Move on until a field of what a show operation answers has a value, at most `within`."""
    body = UNTIL.read()
    operation = application.operations.by_id.get(body["operation"])
    if operation is None or operation.method != "GET":
        refuse(f"$.operation: {body['operation']!r} is not a documented operation with method GET")
    looked = Looked(operation, path_asked(operation, {"project_id": world.account.project_id} | body["path"]))
    if sum(name in body for name in TESTS) != 1:
        refuse(f"$: give exactly one of {', '.join(TESTS)}")
    field, answer = body["field"], seen(application, world, looked)
    schemas = refuse_unknown_field(operation, field, answer)
    wanted = body.get("in", [body["equals"]] if "equals" in body else [])
    refuse_impossible(schemas, value_in(answer, field), wanted, f"$: {field}")
    text = " ".join(f"{name} {short(body[name])}" for name in TESTS if name in body)
    condition = Condition(looked, field, lambda value: is_met(body, value), f"{field} {text}")
    return drive(application, world, condition, body)


def drive(application: "Application", world: "World", condition: Condition, body: dict) -> dict:
    """Move on until the condition holds, at most `within`; 400 naming the last value when it never does, or cannot any
    more, or what still runs after `wait` real seconds.
    """
    within, wait = seconds_in({"within": LONGEST_DRIVE, **body}, "within"), seconds_in(body, "wait")
    start, looked, field = world.clock.now(), condition.looked, condition.field
    answer: Any = None

    def holds() -> bool:
        nonlocal answer
        answer = seen(application, world, looked)
        if condition.holds(value_in(answer, field)):
            return True
        why = why_final(world, looked)
        if why:
            with world.lock, world.clock.at(start + within):
                later = seen(application, world, looked)
            # Some values follow from the time alone.
            if value_in(later, field) == value_in(answer, field):
                raise Final(
                    f", and stays so until a request changes it: {why}; {condition.text} was waited for"
                )
        return False

    final = ""
    try:
        went = world.run_until(holds, within, wait)
    except StillAtWork as error:
        refuse(f"clock until: after {wait:g} real seconds {error}")
    except Final as error:
        went, final = None, str(error)
    if went is None:
        passed = world.clock.now() - start
        words = f"{field} was still {value_in(answer, field)!r} after {passed:g} virtual seconds{final}"
        # What has failed usually says why; without it one would have to ask once more.
        reasons = [answer[name] for name in REASONS if isinstance(answer, dict) and answer.get(name)]
        refuse(": ".join(["clock until", words, *reasons[:1]]))
    return {"advanced": went, "value": value_in(answer, field)}


def path_asked(operation: Operation, path: dict) -> dict:
    """The values of the operation's path; 400 for a name that it does not have, or one that is missing."""
    names = operation.path_names
    unknown = [name for name in path if name not in names and name != "project_id"]
    missing = [name for name in names if name not in path]
    for name in (*unknown, *missing):
        verb = "has no" if name in unknown else "needs a value for"
        refuse(f"$.path: {operation.path} {verb} {name!r}")
    return {name: path[name] for name in names}


def is_met(body: dict, value: Any) -> bool:
    """Whether the value is as the body wants it; 400 where the two cannot be compared."""
    if "equals" in body:
        return value == body["equals"]
    if "in" in body:
        return value in body["in"]
    least = body["at_least"]
    if value is None:
        return False
    alike = isinstance(value, str) == isinstance(least, str) and isinstance(value, int | float | str)
    if not alike:
        refuse(f"$.at_least: {least!r} cannot be compared to {body['field']}, which is {value!r}")
    return value >= least


def shown_clock(world: "World") -> dict:
    """Where the clock of a world stands."""
    clock = world.clock
    with world.lock:
        due = world.next_due()
    return {
        "world": world.tag,
        "now": clock.now(),
        "iso": clock.iso(),
        "frozen": clock.frozen,
        "speed": clock.speed,
        "next_due": due,
    }


ACTIONS = {"freeze": freeze, "run": run, "advance": advance, "until": until}
