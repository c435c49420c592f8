"""Services in the console: listed, one with its versions, counters, events and logs, and a form to try it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
from flask import Flask, render_template, request

from modelarts_emulator.console.addresses import offset_asked
from modelarts_emulator.console.asking import ask, control, pause_between, sent
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.control.asking import refuse
from modelarts_emulator.real_time import monotonic

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/services/", "Services"
PAGE = 50
DEEPEST = 8
BOUNDARY = "emulator-console-boundary"


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the services into the console."""

    @flask.get(PATH)
    def list_services():
        offset = offset_asked()
        found = ask(application, "ListServices", query={"limit": PAGE, "offset": offset // PAGE})
        return render_template(
            "services.html", found=found, offset=offset, page=PAGE, pause=pause_between(application, 2000)
        )

    @flask.get(f"{PATH}<id>")
    def show_service(id):
        return service_page(application, id)

    @flask.post(f"{PATH}<id>/try")
    def try_service(id):
        return service_page(application, id, answer_to_form(application, f"/v1/infers/{id}"))


def service_page(application: "Application", id: str, tried: dict | None = None) -> str:
    """The page of one service; tried: what it has answered to the form."""
    path = {"service_id": id}
    service = ask(application, "ShowService", path)
    is_answering = service["infer_type"] == "real-time"
    names = {
        each.get("model_id"): f"{each.get('model_name')} {each.get('model_version')}"
        for each in service["config"]
    }
    return render_template(
        "service.html",
        service=service,
        monitor=ask(application, "ShowServiceMonitorInfo", path) if is_answering else {},
        events=ask(application, "ShowServiceEvents", path)["events"],
        logs=logs_of(application, id, lambda model: names.get(model, model)),
        inputs=inputs_of(application, service) if is_answering else [],
        tried=tried,
        form=request.form,
        pause=pause_between(application, 2000),
    )


def logs_of(application: "Application", id: str, name_of: Callable[[str], str]) -> list[dict]:
    """What the models of a service have printed, named by name_of; none before one was at work."""
    deployed = control(application, "GET", "logs")["deployed"]
    if id not in [each["service"] for each in deployed]:
        return []
    logs = control(application, "GET", f"logs/{id}")["logs"]
    return [each | {"model": name_of(each["model"])} for each in logs]


def inputs_of(application: "Application", service: dict) -> list[dict]:
    """The paths that the model of the service answers at, each with a body of the form that it declares."""
    model_id = next((each["model_id"] for each in service["config"] if "model_id" in each), "")
    try:
        apis = ask(application, "ShowModel", {"model_id": model_id}).get("apis") or "[]"
        declared = orjson.loads(apis) if isinstance(apis, str) else apis
    except (ApiError, ValueError):
        declared = []
    return [input_of(each) for each in declared if isinstance(each, dict)] or [input_of({})]


def input_of(declared: dict) -> dict:
    """A path of a model with what a form for it needs: fields, of which some are files, or the sample of a body."""
    form = declared.get("input_params") or {}
    members = {name: each for name, each in (form.get("properties") or {}).items() if isinstance(each, dict)}
    fields = [{"name": name, "is_file": each.get("type") == "file"} for name, each in members.items()]
    return {
        "path": declared.get("url") or "/",
        "method": str(declared.get("method") or "post").upper(),
        "fields": fields if any(each["is_file"] for each in fields) else [],
        "sample": sample_of(form) if members else {},
    }


def sample_of(schema: dict, depth: int = 0) -> Any:
    """A value of the form that a declared input has, to be filled in."""
    kind = schema.get("type")
    if kind == "object" and depth < DEEPEST:
        members = schema.get("properties") or {}
        return {name: sample_of(each, depth + 1) for name, each in members.items() if isinstance(each, dict)}
    if kind == "array" and depth < DEEPEST:
        items = schema.get("items")
        return [sample_of(items, depth + 1)] if isinstance(items, dict) else []
    return {"number": 0, "integer": 0, "boolean": False}.get(kind, "")


def answer_to_form(application: "Application", address: str) -> dict:
    """What the service at the address answers to the form: its status, how long that took, its body to be read."""
    began = monotonic()
    answer = predicted(application, address)
    content = answer.body()
    took = round((monotonic() - began) * 1000, 1)
    return {"status": answer.status, "milliseconds": took, "body": readable(content)}


def predicted(application: "Application", address: str) -> Any:
    """The answer of the service to what the form holds: its files and fields where there are any, else the JSON."""
    path, method = request.form.get("path", "/"), request.form.get("method", "POST")
    target = address + ("" if path == "/" else path)
    parts = parts_in_form()
    if parts:
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return sent(application, method, target, as_multipart(parts), kind)
    return sent(application, method, target, json_in("body"))


def parts_in_form() -> list[tuple[str, str, str, bytes]]:
    """(field, name of the file, content type, content) of what is sent as a form; none where no file was chosen."""
    files = [(name.partition(".")[2], each) for name, each in request.files.items() if each.filename]
    parts = [
        (name or request.form.get("field") or "images", each.filename or "", each.mimetype, each.read())
        for name, each in files
    ]
    texts = [
        (name.partition(".")[2], text) for name, text in request.form.items() if name.startswith("text.")
    ]
    return parts + [(name, "", "", text.encode()) for name, text in texts if parts and text]


def json_in(name: str) -> Any:
    """The JSON in a field of the form; 400 in words for what is none."""
    try:
        return orjson.loads(request.form.get(name, ""))
    except ValueError as error:
        refuse(f"{name}: not JSON: {error}")


def as_multipart(parts: list[tuple[str, str, str, bytes]]) -> bytes:
    """The body of a form with these parts; one without the name of a file is a plain field."""
    written = b""
    for part in parts:
        field, filename, kind = (text.translate({ord(each): "_" for each in '"\r\n'}) for text in part[:3])
        head = f'Content-Disposition: form-data; name="{field}"'
        head += f'; filename="{filename}"\r\nContent-Type: {kind}' if filename else ""
        written += f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + part[3] + b"\r\n"
    return written + f"--{BOUNDARY}--\r\n".encode()


def readable(content: bytes) -> str:
    """A body as people read it: JSON indented, other text as it is."""
    try:
        return orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2).decode()
    except ValueError:
        return content.decode("utf-8", "replace")
