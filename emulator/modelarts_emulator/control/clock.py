"""The clock of a world in the control API: shown, frozen, run, advanced, driven until a field has a value."""

from typing import TYPE_CHECKING, Any

from flask import Flask, request

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
from modelarts_emulator.frame.calls import Call
from modelarts_emulator.http.request import Request
from modelarts_emulator.identity.records import Caller
from modelarts_emulator.worlds.clock import FASTEST, Clock, OutOfTime, moved_by
from modelarts_emulator.worlds.store import value_at

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.world import World

SPEED = {"type": "number", "exclusiveMinimum": 0, "maximum": FASTEST, "default": 1}
RUN = Body(members(speed=SPEED))
ADVANCE = Body(members(("by",), by=DURATION))
UNTIL = Body(
    members(
        ("operation", "field"),
        operation=TEXT,
        path={"type": "object", "additionalProperties": {"type": "string"}, "default": {}},
        field=TEXT,
        equals={},
        **{"in": {"type": "array", "minItems": 1}},
        at_least={"type": ["number", "string"]},
        within=DURATION | {"default": "24h"},
    )
)
TESTS = ("equals", "in", "at_least")


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


def advance(application: "Application", world: "World") -> None:
    """Move on `by` that much, doing all that falls due on the way."""
    seconds = seconds_in(ADVANCE.read(), "by")
    world.move_clock(moved_by(seconds))
    world.settle()


def until(application: "Application", world: "World") -> dict:
    """Move on until a field of what a show operation answers has a value, at most `within`."""
    body = UNTIL.read()
    operation = application.operations.by_id.get(body["operation"])
    if operation is None or operation.method != "GET":
        refuse(f"$.operation: {body['operation']!r} is not a documented operation with method GET")
    path = path_asked(operation, {"project_id": world.account.project_id} | body["path"])
    if sum(name in body for name in TESTS) != 1:
        refuse(f"$: give exactly one of {', '.join(TESTS)}")
    within = seconds_in(body, "within")
    values: list = []

    def holds() -> bool:
        with world.transaction():
            values.append(field_shown(application, world, operation, path, body["field"]))
        return is_met(body, values[-1])

    went = world.run_until(holds, within)
    if went is None:
        refuse(f"clock until: {body['field']} was still {values[-1]!r} after {within} virtual seconds")
    return {"advanced": went, "value": values[-1]}


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


def field_shown(
    application: "Application", world: "World", operation: Operation, path: dict, field: str
) -> Any:
    """A field of what the operation answers to the world's own user; ApiError when it refuses."""
    account = world.account
    caller = Caller(
        account.domain_id, account.domain_name, account.project_id, account.project_name, account.user_id,
        account.user_name, account.access_key, "control",
    )  # fmt: skip
    check, behave = application.prepared(operation)
    call = Call(
        operation, path, check.read_query(""), {}, None, caller, world, Request(request.environ),
        application.settings,
    )  # fmt: skip
    return value_at(behave(call), field)


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
