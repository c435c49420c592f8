"""The control API below /_emulator: a Flask application for tests and tools, not part of the cloud."""

import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.exceptions import HTTPException

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.control import (
    clock,
    errors,
    explain,
    faults,
    journal,
    logs,
    messages,
    operations,
    snapshots,
    users,
    worlds,
)
from modelarts_emulator.control.asking import refuse, refuse_unknown_query
from modelarts_emulator.control.consoles import routes
from modelarts_emulator.worlds.journal import StateUnwritten

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")
TOPICS = (
    worlds,
    users,
    clock,
    errors,
    faults,
    journal,
    explain,
    messages,
    operations,
    logs,
    snapshots,
    routes,
)
log = logging.getLogger("modelarts_emulator.control")


def create_control(application: "Application") -> Flask:
    """The control API of one emulator."""
    flask = Flask("modelarts_emulator.control.app", static_folder=None)
    flask.json.sort_keys = False

    @flask.before_request
    def guard():
        refuse_strangers(application)
        if request.endpoint is not None:
            refuse_unknown_query(flask.view_functions[request.endpoint])

    @flask.errorhandler(HTTPException)
    def answer_refusal(error):
        code = "Emulator.BadControl" if error.code < 500 else "Emulator.Internal"
        return {"error_code": code, "error_msg": error.description}, error.code

    @flask.errorhandler(ApiError)
    def answer_api_error(error):
        return {"error_code": error.code, "error_msg": error.message}, error.status

    @flask.errorhandler(StateUnwritten)
    def answer_unwritten(error):
        return answer_api_error(ApiError("Emulator.StateUnwritten", str(error)))

    @flask.errorhandler(Exception)
    def answer_mistake(error):
        return answer_own_mistake(application, error)

    for topic in TOPICS:
        topic.add_routes(flask, application)
    return flask


def answer_own_mistake(application: "Application", error: Exception) -> tuple[dict, int]:
    """What failed here is a mistake of the emulator: it is logged, fails the test that caused it, and answers 500."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    application.broken.append(f"{request.method} {request.path}: {type(error).__name__}: {error}")
    told = ApiError("Emulator.Internal", f"{type(error).__name__} in {request.method} {request.path}")
    return {"error_code": told.code, "error_msg": told.message}, told.status


def refuse_strangers(application: "Application") -> None:
    """403 for calls from other origins and, unless they show the secret key, from other machines."""
    origin = request.headers.get("Origin")
    if (origin and urlsplit(origin).netloc != request.host) or request.headers.get(
        "Sec-Fetch-Site"
    ) == "cross-site":
        refuse(f"the control API takes no calls from other origins, this one came from {origin}", 403)
    key = f"Bearer {application.worlds.default.account.secret_key}" if application.ready else ""
    if key and request.headers.get("Authorization") == key:
        return
    host = request.host
    name = host.rpartition(":")[0] if host[-1:].isdigit() and ":" in host else host
    local = name in LOCAL_NAMES or name.endswith(".localhost")
    if not local or not ip_address(request.remote_addr).is_loopback:
        refuse("from another machine or name the control API needs Authorization: Bearer <secret key>", 403)
    if not application.ready:
        refuse("the emulator is still loading its state", 503)
