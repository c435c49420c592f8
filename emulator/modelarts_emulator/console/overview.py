"""The overview of a world: what lives, what falls due next, and its clock."""

from collections import Counter
from typing import TYPE_CHECKING

from flask import Flask, redirect, render_template, request

from modelarts_emulator.console.addresses import address
from modelarts_emulator.console.asking import control, world_shown

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.world import World

PATH, TITLE = "/console/", "Overview"
MOST_DUE = 12
# What every account has from its beginning says nothing about what lives in it.
ALWAYS_THERE = "iam/iam/"


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the overview into the console."""

    @flask.get(PATH)
    def overview():
        world = world_shown(application)
        with world.transaction():
            living, coming = living_in(world), coming_in(world)
        clock = control(application, "GET", "clock")
        return render_template("overview.html", living=living, coming=coming, clock=clock)

    @flask.post("/console/clock/<any(freeze, run, advance):action>")
    def move_clock(action):
        control(application, "POST", f"clock/{action}", BODIES[action]())
        return redirect(address(PATH), 303)


BODIES = {
    "freeze": dict,
    "run": lambda: {"speed": number_in("speed")},
    # Whoever looks at a page sees what still runs, and need not wait for it.
    "advance": lambda: {"by": request.form.get("by", ""), "wait": 10},
}


def number_in(name: str) -> float | str:
    """A number of the form; its text where it is none, for the control API to refuse in words."""
    text = request.form.get(name, "")
    try:
        return float(text)
    except ValueError:
        return text


def living_in(world: "World") -> list[tuple[str, int]]:
    """(area and kind, how many) of all records, in alphabetical order."""
    counted: Counter = Counter()
    for name in world.store.names():
        if name.count("/") >= 2 and not name.startswith(ALWAYS_THERE):
            counted["/".join(name.split("/")[:3])] += len(world.store.table(name))
    return sorted((kind, count) for kind, count in counted.items() if count)


def coming_in(world: "World") -> list[dict]:
    """What runs out of its state next: what it is, when, and in how many virtual seconds."""
    now = world.clock.now()
    return [
        {
            "moment": moment,
            "in": max(0, round(moment - now)),
            "kind": "/".join(table.split("/")[:3]),
            "id": id,
        }
        for moment, table, id in world.due.coming(MOST_DUE)
    ]
