"""Worlds in the control API: listed, made, removed, emptied."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from modelarts_emulator.control.asking import (
    NOTHING,
    TEXT,
    Body,
    members,
    refuse,
    tag_asked,
    takes,
    world_tagged,
)
from modelarts_emulator.http.request import Request
from modelarts_emulator.intentions import intended
from modelarts_emulator.settings import MOST_PACE, MOST_SEED, REGION

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.world import World

RESET = Body(members(world=TEXT, area=TEXT))
NEW_WORLD = Body(
    members(
        seed={"type": "integer", "minimum": 0, "maximum": MOST_SEED},
        pace={"type": "number", "exclusiveMinimum": 0, "maximum": MOST_PACE},
        region={"type": "string", "pattern": REGION},
    )
)


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the worlds into the control API."""

    @flask.post("/_emulator/reset")
    @takes("world")
    def reset():
        return reset_worlds(application, RESET.read())

    @flask.get("/_emulator/worlds")
    def list_worlds():
        return {"worlds": [shown_world(application, world) for world in application.worlds]}

    @flask.post("/_emulator/worlds")
    def create_world():
        body = NEW_WORLD.read()
        seed = int(body["seed"]) if "seed" in body else None
        world = application.worlds.create(seed, body.get("pace"), body.get("region"))
        return shown_world(application, world), 201

    @flask.get("/_emulator/worlds/<tag>")
    def show_world(tag):
        return shown_world(application, world_tagged(application, tag))

    @flask.delete("/_emulator/worlds/<tag>")
    def remove_world(tag):
        NOTHING.read()
        world = world_tagged(application, tag)
        with intended(application, world.tag, "removal"):
            application.worlds.remove(world)
            application.forget_objects(world)
        return Response(status=204)


def reset_worlds(application: "Application", body: dict) -> dict:
    """Forget records and objects: of all worlds, of one (world), or of one area (area). Says what went."""
    area = area_named(application, body["area"]) if "area" in body else None
    tag = body.get("world") or tag_asked()
    worlds = [world_tagged(application, tag)] if tag else list(application.worlds)
    records = objects = 0
    for world in worlds:
        with nullcontext() if area else intended(application, world.tag, "reset"):
            records += application.worlds.reset(world, area)
            objects += 0 if area else application.forget_objects(world)
    return {"worlds": len(worlds), "removed": {"records": records, "objects": objects}}


def area_named(application: "Application", name: str) -> str:
    """The full name of the area `<service>/<area>`, or of `<area>` where just one service has it; 400 for others."""
    areas = sorted(area.full_name for area in application.operations.areas)
    found = [area for area in areas if name in (area, area.partition("/")[2])]
    if len(found) != 1:
        refuse(f"$.area: there is no area {name!r}; areas are {', '.join(found or areas)}")
    return found[0]


def shown_world(application: "Application", world: "World") -> dict:
    """A world with everything a client needs to use it; the addresses are those by which it was asked."""
    asked = Request(request.environ, application.obs_port)
    told = {"world": world.tag, "seed": world.seed, "pace": world.pace, **application.environment(world)}
    return told | {"endpoint": asked.base_url, "obs_endpoint": asked.obs_base_url} if asked.host else told
