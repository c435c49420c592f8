"""Time travel in the control API: a world is rewound, another one branches off from its past."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Flask

from modelarts_emulator.control.asking import DURATION, Body, members, refuse, seconds_in, takes, world_asked
from modelarts_emulator.control.clock import shown_clock
from modelarts_emulator.control.worlds import shown_world
from modelarts_emulator.travel import Point, branch, point_at, point_of, reach_of, request_named, rewind
from modelarts_emulator.worlds.clock import LATEST
from modelarts_emulator.worlds.past import OutOfReach

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.world import World

MOMENT = {"type": ["number", "string"], "minimum": 0, "maximum": LATEST, "maxLength": 100}
REQUEST = {"type": ["integer", "string"], "minimum": 1, "minLength": 1, "maxLength": 100}
WHERE = Body(members(to=MOMENT, by=DURATION, before=REQUEST, after=REQUEST))


def add_routes(flask: Flask, application: "Application") -> None:
    """Put time travel into the control API."""

    @flask.get("/_emulator/rewind")
    @takes("world")
    def show_reach():
        return reach_of(world_asked(application))

    @flask.post("/_emulator/rewind")
    @takes("world")
    def rewind_world():
        body, world = WHERE.read(), world_asked(application)
        try:
            undone = rewind(application, world, point_asked(world, body))
        except OutOfReach as error:
            refuse(str(error))
        return {"undone": undone, **shown_clock(world)}

    @flask.post("/_emulator/branch")
    @takes("world")
    def branch_off():
        body, world = WHERE.read(), world_asked(application)
        try:
            made = branch(application, world, point_asked(world, body))
        except OutOfReach as error:
            refuse(str(error))
        return shown_world(application, made), 201


def point_asked(world: "World", body: dict[str, Any]) -> Point:
    """Where the body wants to go; 400 unless it says that in one way. OutOfReach when nobody can go there."""
    if len(body) != 1:
        refuse(
            "$: give exactly one of to (a moment), by (a duration), before or after (a request of the journal)"
        )
    ((how, value),) = body.items()
    if how == "by":
        return point_at(world, world.clock.now() - seconds_in(body, "by"))
    if how == "to":
        return point_at(world, moment_in(value))
    return point_of(request_named(world, str(value)), is_done=how == "after")


def moment_in(value: Any) -> float:
    """Seconds since the epoch of a number or of ISO text, which means UTC unless it says otherwise; 400 for others."""
    if not isinstance(value, str):
        return float(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        refuse(f"$.to: {value!r} is no moment: give seconds since 1970 or text as 2026-01-01T00:00:00Z")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
