"""Faults in the control API: asked for, listed with what they have struck, taken back."""

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from flask import Flask, Response

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
from modelarts_emulator.injection import PREDICTION, problem_of_code
from modelarts_emulator.worlds.faults import Bucket, Fault

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.world import World

COUNT = {"type": "integer", "minimum": 0, "maximum": 1_000_000_000}
OBJECT = {"type": "object"}
FAULT = Body(
    members(
        required=("operation",),
        operation=TEXT,
        when=members(path=OBJECT, query=OBJECT, body=OBJECT),
        skip=COUNT,
        every={"type": "integer", "minimum": 1, "maximum": 1_000_000_000},
        times={"type": "integer", "minimum": 1, "maximum": 1_000_000_000},
        probability={"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        latency=DURATION,
        code=TEXT,
        status={"type": "integer", "minimum": 400, "maximum": 599},
        retry_after=DURATION,
        drop={"enum": ["request", "answer"]},
        truncate=COUNT,
        cut_after=COUNT,
        rate=members(
            required=("requests",),
            requests={"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000_000},
            per={**DURATION, "default": "1s"},
            burst={"type": "number", "minimum": 1, "maximum": 1_000_000_000},
        ),
        optional={"type": "boolean", "default": False},
    )
)
EFFECTS = ("latency", "code", "status", "drop", "truncate", "cut_after", "rate")
PLAIN = ("operation", "when", "skip", "every", "times", "probability", "code", "status", "drop")
PLAIN += ("truncate", "cut_after", "optional")
# How a request may end: refused, without an answer, with a cut one. A fault is one of them.
ENDS = (("code", "status", "rate"), ("drop",), ("truncate", "cut_after"))
COUNTED = ("truncate", "cut_after", "seen", "struck")
SHOWN = ("id", *PLAIN, "latency", "retry_after", "seen", "struck")


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the faults into the control API."""

    @flask.get("/_emulator/faults")
    @takes("world")
    def list_faults():
        return {"faults": [shown_fault(fault) for fault in world_asked(application).faults]}

    @flask.post("/_emulator/faults")
    @takes("world")
    def add_fault():
        world = world_asked(application)
        with world.lock:
            fault = fault_asked(application, world, FAULT.read())
            world.faults.add(fault)
        return shown_fault(fault), 201

    @flask.delete("/_emulator/faults")
    @takes("world")
    def remove_all_faults():
        NOTHING.read()
        world_asked(application).faults.clear()
        return Response(status=204)

    @flask.delete("/_emulator/faults/<id>")
    @takes("world")
    def remove_fault(id):
        NOTHING.read()
        if not world_asked(application).faults.remove(id):
            refuse(f"there is no fault {id}", 404)
        return Response(status=204)


def fault_asked(application: "Application", world: "World", body: dict) -> Fault:
    """The fault that a body describes; 400 for one that does nothing, or that the cloud could not have."""
    if not any(name in body for name in EFFECTS):
        refuse(f"$: a fault needs one of {', '.join(EFFECTS)}")
    ends = [[name for name in names if name in body] for names in ENDS]
    told = [names[0] for names in ends if names]
    if len(told) > 1:
        refuse(f"$: {' and '.join(told)}: only one of them could come about; ask for a fault each")
    id = world.faults.new_id()
    fault = Fault(id, body["operation"], chance=world.seeded("fault", id))
    for name in PLAIN:
        if name in body:
            setattr(fault, name, body[name])
    for name in ("latency", "retry_after"):
        if name in body:
            setattr(fault, name, seconds_in(body, name))
    if "rate" in body:
        fault.bucket = bucket_asked(body["rate"])
    problem = problem_of(application, fault)
    if problem is not None:
        refuse(problem)
    return fault


def bucket_asked(rate: dict) -> Bucket:
    """The bucket of tokens that a rate describes; 400 for one that would never fill."""
    requests, per = rate["requests"], seconds_in(rate, "per")
    if per <= 0:
        refuse(f"$.rate.per: {rate['per']!r} is no time in which tokens could come")
    return Bucket(requests, per, rate.get("burst", max(1, requests)))


def problem_of(application: "Application", fault: Fault) -> str | None:
    """Why there can be no such fault; None when there can."""
    matched = {
        each.service for each in application.operations if fnmatchcase(each.operation_id, fault.operation)
    }
    if fnmatchcase(PREDICTION, fault.operation):
        matched |= {each.service for each in application.operations}
    if fault.operation.startswith("obs:"):
        from modelarts_emulator.obs.faults import problem_of as problem_in_obs

        return problem_in_obs(fault)
    if not matched:
        return f"$.operation: no documented operation is called {fault.operation}; GET /_emulator/operations lists all"
    return problem_of_code(fault, matched)


def shown_fault(fault: Fault) -> dict:
    """A fault, how many requests fitted it and how many it has struck."""
    shown = {name: getattr(fault, name) for name in SHOWN}
    if fault.bucket is not None:
        shown["rate"] = {name: getattr(fault.bucket, name) for name in ("requests", "per", "burst")}
    return {
        name: value
        for name, value in shown.items()
        if value not in (None, {}, 0.0) or (value is not None and name in COUNTED)
    }
