"""The documented operations in the console: listed with their behaviour, each with facts and a form that sends it."""

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from flask import Flask, render_template, request

from modelarts_emulator.console.addresses import offset_asked
from modelarts_emulator.console.asking import sent, world_shown
from modelarts_emulator.console.requests import text_of
from modelarts_emulator.console.services import json_in, readable
from modelarts_emulator.contract.correcting import corrected
from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.control.asking import refuse
from modelarts_emulator.control.explain import documented_facts
from modelarts_emulator.control.operations import shown_operation

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/operations/", "Operations"
PAGE = 100


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the operations into the console."""

    @flask.get(PATH)
    def list_operations():
        (words, found), offset = operations_asked(application), offset_asked()
        return render_template(
            "operations.html", rows=[shown_operation(each) for each in found[offset : offset + PAGE]],
            words=words, total=len(found), offset=offset, page=PAGE,
        )  # fmt: skip

    @flask.get(f"{PATH}<operation_id>")
    def show_operation(operation_id):
        return operation_page(application, operation_named(application, operation_id))

    @flask.post(f"{PATH}<operation_id>")
    def send_operation(operation_id):
        operation = operation_named(application, operation_id)
        body = json_in("body") if request.form.get("body", "").strip() else None
        answer = sent(application, operation.method, target_asked(operation), body)
        content = answer.body()
        return operation_page(application, operation, {"status": answer.status, "body": readable(content)})


def operations_asked(application: "Application") -> tuple[str, list[Operation]]:
    """The words that are looked for, and the operations that have all of them."""
    words = request.args.get("words", "").lower().split()
    found = [each for each in application.operations if all(word in described(each) for word in words)]
    return " ".join(words), found


def described(operation: Operation) -> str:
    """What an operation can be found by."""
    return (
        f"{operation.operation_id} {operation.area_of.full_name} {operation.method} {operation.path}".lower()
    )


def operation_named(application: "Application", operation_id: str) -> Operation:
    """The operation of that id; 404 when there is none."""
    operation = application.operations.by_id.get(operation_id)
    if operation is None:
        refuse(f"there is no operation {operation_id}", 404)
    return operation


def operation_page(application: "Application", operation: Operation, told: dict | None = None) -> str:
    """The page of one operation; told: what the emulator has answered to the form."""
    return render_template(
        "operation.html",
        operation=shown_operation(operation),
        facts=documented_facts(operation),
        parameters=parameters_of(application, operation),
        body=request.form.get("body") or body_of(application, operation),
        told=told,
    )


def parameters_of(application: "Application", operation: Operation) -> list[dict]:
    """The parameters of path and query, with what the form holds for them; the project is the world's own."""
    own = {"project_id": world_shown(application).account.project_id}
    found = []
    for each in operation.definition.get("parameters", ()):
        if each["in"] in ("path", "query"):
            field = f"{each['in']}.{each['name']}"
            value = request.form.get(field, own.get(each["name"], ""))
            required = bool(each.get("required"))
            found.append({"field": field, "name": each["name"], "required": required, "value": value})
    return found


def body_of(application: "Application", operation: Operation) -> str:
    """A body that the schema allows, to be filled in; empty for an operation without one."""
    shape = application.prepared(operation)[0].body
    return "" if shape is None else text_of(corrected(shape.slow, {}) or {})


def target_asked(operation: Operation) -> str:
    """Path and query as the form fills them in; 400 for a place in the path that is left empty."""
    path = operation.path
    for name in operation.path_names:
        value = request.form.get(f"path.{name}", "")
        if not value:
            refuse(f"path.{name}: {operation.path} needs a value for it")
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    sent_fields = (
        (name.partition(".")[2], value) for name, value in request.form.items() if name.startswith("query.")
    )
    query = urlencode([(name, value) for name, value in sent_fields if value])
    return f"{path}?{query}" if query else path
