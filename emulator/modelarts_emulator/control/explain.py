"""Explanations in the control API: why a request was refused, and what would have been right."""

import re
import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson
from flask import Flask

from modelarts_emulator.contract.correcting import corrected
from modelarts_emulator.contract.errors import documented_errors
from modelarts_emulator.contract.explaining import explain
from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.control.asking import refuse
from modelarts_emulator.control.journal import found
from modelarts_emulator.http.request import Request
from modelarts_emulator.identity.signatures import (
    ALGORITHM,
    BadSignature,
    body_hashes,
    canonical_queries,
    canonical_uris,
    header_lines,
    parse_authorization,
)
from modelarts_emulator.request_journal import HIDDEN, content_of, headers_of, shown_exchange
from modelarts_emulator.worlds.history import Exchanged

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.contract.checking import Check

MOST_FAULTS = 50
STEPS = {
    "refuse_broken": "the server could not read the request",
    "refuse_foreign_host": "the Host is not a name of this emulator",
    "refuse_unknown": "no documented operation has this method and path",
    "refuse_early": "the emulator was still loading its state",
    "recognise_caller": "the credential was not accepted",
    "suffer_fault": "a test has asked for this fault; it is no mistake of the request",
    "read_request": "the request breaks the documented schema",
    "check_permission": "the policies of the user do not allow it",
    "behave": "the request is well formed; the state of the cloud does not allow it",
    "predict": "the way to the model, or the model itself, refused it",
}

# Members of an answer that say what is wrong; the last ones are those of a model in a package.
CODES = ("error_code", "code", "type", "erno")
MESSAGES = ("error_msg", "error_message", "message", "reason", "msg")
# No step has refused it.
OWN_ANSWER = (
    "the model, or the service, itself has answered so; modelarts-emulator logs shows what it has printed"
)


def add_routes(flask: Flask, application: "Application") -> None:
    """Put explanations into the control API."""

    @flask.get("/_emulator/explain/<request_id>")
    def explain(request_id):
        return explained(application, found(application, request_id))


def explained(application: "Application", exchanged: Exchanged) -> dict:
    """Why a request was refused; 400 for one that was not."""
    if exchanged.status < 400:
        refuse(
            f"request {exchanged.request_id} was answered with {exchanged.status}: there is nothing to explain"
        )
    told = shown_exchange(exchanged)
    told |= {"why": STEPS.get(exchanged.step, "it was refused"), **refusal_in(exchanged)}
    path = exchanged.target.partition("?")[0]
    operation, values = application.operations.find(exchanged.method, path)
    if operation is None and exchanged.step != "refuse_unknown":
        # A prediction, or what a deployed service answers: it is no operation, so none is near to it.
        return told | ({} if exchanged.step else {"why": OWN_ANSWER})
    if operation is None:
        return told | {"nearest": application.operations.nearest(exchanged.method, path)}
    told |= {"documented": documented_facts(operation)}
    if exchanged.step == "read_request":
        told |= what_breaks_the_schema(application, operation, exchanged, told)
    if exchanged.step == "recognise_caller":
        told |= what_was_signed(exchanged)
    return told | snippets(application, operation, exchanged, told, values)


def refusal_in(exchanged: Exchanged) -> dict:
    """Code and message of the answer, in whichever of the documented shapes they stand, and the place they name."""
    answer = exchanged.answered
    error = answer.get("error", answer) if isinstance(answer, dict) else {}
    error = {**(answer if isinstance(answer, dict) else {}), **(error if isinstance(error, dict) else {})}
    code = next((error[name] for name in CODES if error.get(name)), None)
    message = next((error[name] for name in MESSAGES if error.get(name)), "")
    place = re.search(r"(?:^|: )((?:\$|path|query|headers?)[^\s:]*): ", f" {message}".lstrip())
    told: dict[str, Any] = {"code": code, "message": message}
    if place:
        told["place"] = place[1]
    return told


def documented_facts(operation: Operation) -> dict:
    """What the documents say of an operation beyond its schema."""
    facts = operation.definition
    codes = [each["code"] if isinstance(each, dict) else each for each in facts.get("x-error-codes", [])]
    known = documented_errors()
    return {
        "operation": operation.operation_id,
        "sources": facts.get("x-sources", []),
        "facts": facts.get("x-facts", []),
        "codes": {code: known[code]["message"] for code in codes if code in known},
    }


def what_breaks_the_schema(
    application: "Application", operation: Operation, exchanged: Exchanged, told: dict
) -> dict:
    """The value at the place of the refusal, everything that is wrong, and a body that would have been right."""
    check: Check = application.prepared(operation)[0]
    place, body = told.get("place", ""), exchanged.said
    if not place.startswith("$") or check.body is None or body is None:
        return {}
    right = corrected(check.body.slow, body)
    faults = explain(check.body.slow, body, "$", MOST_FAULTS)
    return {"value": value_at(body, place), "faults": faults, "corrected_body": right}


def value_at(body: Any, place: str) -> Any:
    """The value at a JSON path such as $.spec.resources[0]; None where there is none."""
    for name, index in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", place):
        try:
            body = body[int(index) if index else name]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def what_was_signed(exchanged: Exchanged) -> dict:
    """The canonical requests that the emulator has tried, to be held beside the one that the client has signed."""
    headers = dict(exchanged.headers)
    authorization = headers.get("HTTP_AUTHORIZATION", "")
    if not authorization.startswith(ALGORITHM):
        return {}
    environ = {**headers, "REQUEST_METHOD": exchanged.method, "RAW_URI": exchanged.target}
    environ["QUERY_STRING"] = exchanged.target.partition("?")[2]
    request = Request(environ)
    request.__dict__["body"] = exchanged.body or b""
    try:
        signed = parse_authorization(authorization)
        lines = header_lines(request, signed.headers)
        hashes = body_hashes(request)
    except BadSignature as error:
        return {"signature": {"problem": str(error)}}
    names = ";".join(signed.headers)
    tried = [
        f"{exchanged.method}\n{uri}\n{query}\n{lines}\n{names}\n{body}"
        for uri in sorted(canonical_uris(request))
        for query in sorted(canonical_queries(request))
        for body in sorted(hashes)
    ]
    hint = "hold the canonical request in the client's debug log beside these: what differs was changed on the way"
    return {"signature": {"access_key": signed.access_key, "canonical_requests": tried, "hint": hint}}


def snippets(
    application: "Application", operation: Operation, exchanged: Exchanged, told: dict, values: Any
) -> dict:
    """The request as it should be, for a shell and for the official SDK."""
    body = told.get("corrected_body")
    body = content_of(exchanged.body) if body is None else body
    world = next(iter(application.worlds))
    url = application.environment(world)["endpoint"] + told["target"]
    parts = ["curl", "-X", exchanged.method, url]
    for name, value in headers_of(exchanged).items():
        if name not in ("Host", "User-Agent", "Accept-Encoding", "Connection", "Authorization"):
            parts += ["-H", f"{name}: {value}"]
    if "HTTP_AUTHORIZATION" in dict(exchanged.headers) or HIDDEN not in " ".join(parts):
        parts += ["-H", "X-Auth-Token: $TOKEN"]
    if body is not None:
        parts += [
            "-H",
            "Content-Type: application/json",
            "-d",
            body if isinstance(body, str) else text_of(body),
        ]
    found_snippets = {"curl": " ".join(shlex.quote(part) if part != "curl" else part for part in parts)}
    sdk = sdk_call(operation, body, values)
    return found_snippets | ({"sdk": sdk} if sdk else {})


def sdk_call(operation: Operation, body: Any, values: Any) -> str:
    """The call of the official Python SDK; "" for an operation that it does not have."""
    source = next(
        (each for each in operation.definition.get("x-sources", ()) if each.startswith("sdk:huaweicloudsdk")),
        "",
    )
    if not source:
        return ""
    package, _, method = source.removeprefix("sdk:").rpartition(".")
    words = [
        f"{name}={unquote(str(value))!r}"
        for name, value in dict(values or {}).items()
        if name != "project_id"
    ]
    if body is not None:
        words.append(f"body={body!r}")
    name = operation.operation_id
    return f"from {package} import *\nclient.{method}({name}Request({', '.join(words)}))"


def text_of(value: Any) -> str:
    """JSON text."""
    return orjson.dumps(value).decode()
