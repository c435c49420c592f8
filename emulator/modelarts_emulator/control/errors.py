"""The atlas of errors in the control API: every documented code, who answers it, how a request comes to it."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from flask import Flask

from modelarts_emulator.contract.errors import SLOT, documented_errors, is_code_of, statuses_of
from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.control.asking import refuse

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

# What the project's own tests have been answered without a fault: written by tests/recording.py.
RECORDED = Path(__file__).with_name("recorded.json")
OBJECT_STORAGE = ("obs", "obs:GET object")
NO_BODY = 204


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the atlas into the control API."""

    @flask.get("/_emulator/errors")
    def list_errors():
        entries = atlas(application.operations)
        natural = sum("natural" in entry for entry in entries)
        return {"count": len(entries), "natural": natural, "errors": entries}

    @flask.get("/_emulator/errors/<code>")
    def show_error(code):
        if code not in documented_errors():
            refuse(f"{code} is documented nowhere; GET /_emulator/errors lists all codes", 404)
        return next(entry for entry in atlas(application.operations) if entry["code"] == code)


def atlas(operations: Iterable[Operation]) -> list[dict]:
    """An entry for each documented code, in the order of the codes."""
    known = list(operations)
    documented, areas = codes_of_operations(known), codes_of_areas(known)
    natural = recorded()["codes"]
    by_id = {operation.operation_id: operation for operation in known}
    entries = []
    for code, facts in sorted(documented_errors().items()):
        entry = entry_of(code, facts) | {"operations": documented.get(code, [])}
        entry["areas"] = areas.get(code, [])
        if code in natural:
            entry["natural"] = natural[code]
        entries.append(entry | {"inject": injection_of(entry, by_id)})
    return entries


def entry_of(code: str, facts: dict[str, Any]) -> dict:
    """What is documented of a code; with a note where HTTP has no such answer."""
    statuses = statuses_of(facts)
    entry = {"code": code, "service": facts["service"], "status": statuses[0], "message": facts["message"]}
    if len(statuses) > 1:
        entry["statuses"] = statuses
    if SLOT.search(facts["message"]):
        entry["filled"] = True
    if facts["status"] != statuses[0]:
        entry["note"] = f"documented with {facts['status']}, which ends no request"
    if statuses[0] == NO_BODY:
        entry["note"] = "an answer with this status has no body: the client sees the status alone"
    return entry


def codes_of_operations(operations: list[Operation]) -> dict[str, list[str]]:
    """{code: the operations whose documents name it}."""
    found: dict[str, list[str]] = {}
    for operation in operations:
        for each in operation.definition.get("x-error-codes", ()):
            found.setdefault(each["code"], []).append(operation.operation_id)
    return found


def codes_of_areas(operations: list[Operation]) -> dict[str, list[str]]:
    """{code: the areas that refuse credentials, parameters or bodies with it}."""
    found: dict[str, dict[str, None]] = {}
    for operation in operations:
        error = operation.parameter_error
        codes = {*error[:3], *error.fields.values()}
        codes |= {refusal.code for refusal in operation.access.refusals.values()}
        for code in codes:
            found.setdefault(code, {})[operation.area_of.full_name] = None
    return {code: list(areas) for code, areas in found.items()}


def injection_of(entry: dict, by_id: dict[str, Operation]) -> dict:
    """The fault that has the code answered: at an operation that documents it, else at the one where the tests have
    met it, else at the first of its areas or of its service.
    """
    service, operation = OBJECT_STORAGE
    if entry["service"] != service:
        met = entry.get("natural", {}).get("steps", [""])[-1]
        facts = documented_errors()[entry["code"]]
        candidates = [*entry["operations"], *([met] if met in by_id else [])]
        candidates += [id for id, each in by_id.items() if each.area_of.full_name in entry["areas"]]
        candidates += list(by_id)
        operation = next(id for id in candidates if is_code_of(facts, {by_id[id].service}))
    return {"operation": operation, "code": entry["code"]}


@cache
def recorded() -> dict[str, dict[str, Any]]:
    """What the project's own tests have proven: codes that were answered without a fault, and operations."""
    read: dict[str, dict[str, Any]] = orjson.loads(RECORDED.read_bytes())
    return read
