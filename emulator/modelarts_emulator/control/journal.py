"""The journal of requests in the control API: read, followed, waited for, held against what a test expects."""

import re
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from modelarts_emulator import __version__
from modelarts_emulator.control.asking import NOTHING, TEXT, Body, members, refuse, takes, world_asked
from modelarts_emulator.request_journal import as_har, shown_exchange
from modelarts_emulator.worlds.history import Exchanged, History, Wanted, differences

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

LONGEST_WAIT = 60
CHOICE = ("operation", "status", "after", "limit", "wait", "world")
STATUS = re.compile(r"[1-5]([0-9][0-9]|xx)")
COUNT = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
EXPECTED = Body(
    members(
        operation=TEXT,
        status={
            "type": ["integer", "string"],
            "minimum": 100,
            "maximum": 599,
            "pattern": rf"^{STATUS.pattern}$",
        },
        body={},
        answer={},
        after={**COUNT, "default": 0},
        times=COUNT,
        at_least={**COUNT, "default": 1},
        within={"type": "number", "minimum": 0, "maximum": LONGEST_WAIT, "default": 0},
    )
)


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the journal into the control API."""

    @flask.get("/_emulator/journal")
    @takes(*CHOICE, "whole")
    def list_exchanges():
        kept = chosen(world_asked(application).history)
        return {"exchanges": [shown_exchange(each, whole="whole" in request.args) for each in kept]}

    @flask.get("/_emulator/journal.har")
    @takes(*CHOICE)
    def export_archive():
        return as_har(chosen(world_asked(application).history), request.host_url.rstrip("/"), __version__)

    @flask.get("/_emulator/journal/<request_id>")
    def show_exchange(request_id):
        return shown_exchange(found(application, request_id))

    @flask.post("/_emulator/journal/expect")
    @takes("world")
    def expect():
        return expected_calls(world_asked(application).history, EXPECTED.read())

    @flask.delete("/_emulator/journal")
    @takes("world")
    def clear():
        NOTHING.read()
        world_asked(application).history.clear()
        return Response(status=204)


def found(application: "Application", request_id: str) -> Exchanged:
    """The exchange with that id, in whichever world; 404 when none is kept."""
    kept = next((each for world in application.worlds if (each := world.history.find(request_id))), None)
    if kept is None:
        refuse(
            f"no request {request_id} is kept; the last {application.settings.journal} of each world are", 404
        )
    return kept


def number_in(name: str, default: int) -> int:
    """A whole number of the query; 400 for anything else."""
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        refuse(f"query.{name}: {text!r} is not a whole number")
    return int(text)


def chosen(history: History) -> list[Exchanged]:
    """The exchanges that the query means, oldest first; with `wait`, seconds, it waits for the first of them."""
    refuse_bad_status()
    wanted = Wanted(request.args.get("operation"), request.args.get("status"))
    number, wait = number_in("after", 0), number_in("wait", 0)
    if wait:
        history.wait(wanted, number, min(wait, LONGEST_WAIT))
    kept = [each for each in history.after(number) if wanted.fits(each)]
    return kept[max(0, len(kept) - number_in("limit", 0)) :] if "limit" in request.args else kept


def refuse_bad_status() -> None:
    """400 for a status in the query that no answer can have."""
    status = request.args.get("status")
    if status is not None and not STATUS.fullmatch(status):
        refuse(f"query.status: {status!r} is neither a status such as 404 nor a class such as 4xx")


def expected_calls(history: History, body: dict) -> dict:
    """How often what is expected has been asked; 409 naming the nearest request where that is not often enough."""
    status = None if "status" not in body else str(body["status"])
    wanted = Wanted(body.get("operation"), status, body.get("body"), body.get("answer"))
    if body["within"]:
        history.wait(wanted, body["after"], body["within"])
    words = unmet(history, wanted, body["after"], body.get("times"), body["at_least"])
    if words:
        refuse(words, 409)
    return {
        "exchanges": [
            shown_exchange(each, whole=False) for each in history.after(body["after"]) if wanted.fits(each)
        ]
    }


def unmet(history: History, wanted: Wanted, after: int, times: int | None, at_least: int) -> str:
    """Why an expectation is not met, in words; "" when it is."""
    kept = list(history.after(after))
    count = sum(wanted.fits(each) for each in kept)
    if (count == times) if times is not None else count >= at_least:
        return ""
    told = f"expected {times if times is not None else f'at least {at_least}'}, found {count}"
    others = [(differences(wanted, each), each) for each in kept]
    near = min(
        (other for other in others if other[0]),
        key=lambda other: (len(other[0]), -other[1].number),
        default=None,
    )
    if near is None or count > (times or 0):
        return f"{told} of {len(kept)} requests"
    lines, nearest = near
    where = f"the nearest, {nearest.request_id} {nearest.operation}, differs in {'; '.join(lines)}"
    return f"{told} of {len(kept)} requests; {where}"
