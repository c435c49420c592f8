"""What a refusal is: its code decides status and words, its operation or its code the body that it becomes."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from modelarts_emulator.contract.facts import folder

if TYPE_CHECKING:
    from modelarts_emulator.contract.operations import Operation

SLOT = re.compile(r"\$\{[^}]*\}|\$\w+|\{[^}]*\}|%[sd]")

OWN_CODES: dict[str, dict[str, Any]] = {
    "Emulator.NotImplemented": {
        "status": 501,
        "message": "This operation is documented but not emulated yet.",
    },
    "Emulator.ForeignHost": {"status": 403, "message": "The Host is not a name of this emulator."},
    "Emulator.NotReady": {"status": 503, "message": "The emulator is still loading its state."},
    "Emulator.Internal": {
        "status": 500,
        "message": "The emulator failed: this is a bug of the emulator, not of the request.",
    },
    "Emulator.Upstream": {"status": 502, "message": ""},
    "Emulator.BadControl": {"status": 400, "message": "The control request cannot be carried out."},
    "Emulator.StateUnwritten": {"status": 507, "message": "The change was refused and is not there."},
}

# Codes that are statuses and whose words no document gives: they have HTTP's own.
BARE_STATUSES = {"404", "405", "409", "413", "500", "503"}
# Whose codes the operations of every service answer with: the gateway before them, the billing behind them.
EVERYWHERE = {"apig", "apigw", "bss"}
# What the documents give some codes as status, and what stands for it: 1xx is never the last word on a request.
UNSENDABLE, STANDS_FOR_IT = 200, 400
# How the words of the request check end, and go on with a hint, where a member or parameter is missing.
MISSING = " is required and missing"


class ParameterError(NamedTuple):
    """With which codes an operation refuses what was sent.

    code: for whatever does not fit. malformed: for a body that is not JSON. missing: for what is required and was not
    sent. fields: {JSON path: code} of what has a code of its own, which goes first.
    """

    code: str
    malformed: str
    missing: str
    fields: dict[str, str]


def read_parameter_error(facts: dict[str, Any]) -> ParameterError:
    """x-parameter-error of an operation or an area. KeyError for a code which is not documented."""
    code = facts["code"]
    error = ParameterError(
        code, facts.get("malformed", code), facts.get("missing", code), facts.get("fields", {})
    )
    for each in (*error[:3], *error.fields.values()):
        error_facts(each)
    return error


class ContractBroken(Exception):
    """An answer of ours that its schema does not allow: a bug of the emulator, never of the client."""


class ApiError(Exception):
    """A documented refusal.

    code: a key of schemas/errors.json (status and words come from there); KeyError when it is not documented.
    detail: what was asked, what is the case and what would have been right, in one sentence.
    status: picks the documented variant of a code that has several.
    fill: what goes into the slots of the documented message, in their order.
    headers: further headers of the answer, such as Retry-After. also: further members of its body.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        status: int | None = None,
        fill: Iterable[object] = (),
        headers: Mapping[str, str] | None = None,
        also: Mapping[str, Any] | None = None,
    ):
        facts = error_facts(code)
        self.code = code
        self.style: str | None = facts.get("body")
        self.status: int = status or facts["status"]
        self.message = worded(facts, self.status, detail, list(fill))
        self.headers = dict(headers or {})
        self.also = dict(also or {})
        super().__init__(f"{self.status} {code}: {self.message}")


@cache
def documented_errors() -> dict[str, dict[str, Any]]:
    """Every documented code: {code: {service, status, message, variants, body}}; body only where all have one."""
    errors: dict[str, dict[str, Any]] = orjson.loads((folder("schemas") / "errors.json").read_bytes())
    return errors


def error_facts(code: str) -> dict[str, Any]:
    """Status, message and variants of a code; KeyError when it is not documented."""
    facts = OWN_CODES.get(code) or documented_errors().get(code)
    if facts is None and code in BARE_STATUSES:
        facts = {"status": int(code), "message": title_of(int(code))}
    return facts or documented_errors()[code]


def statuses_of(facts: dict[str, Any]) -> list[int]:
    """The statuses that a code may be answered with, that which it has without another first."""
    found = [facts["status"], *(variant["status"] for variant in facts.get("variants", ()))]
    return [status if status >= UNSENDABLE else STANDS_FOR_IT for status in dict.fromkeys(found)]


def is_code_of(facts: dict[str, Any], services: set[str]) -> bool:
    """Whether operations of one of the services answer with the code; one of `x-part` is one of `x`."""
    owner: str = facts["service"]
    return owner in EVERYWHERE or owner in services or owner.partition("-")[0] in services


def worded(facts: dict[str, Any], status: int, detail: str, fill: list[object]) -> str:
    """The documented words of a code, its slots filled, followed by what the caller wants to know."""
    variants = [variant["message"] for variant in facts.get("variants", ()) if variant["status"] == status]
    template: str = facts["message"] if facts["status"] == status or not variants else variants[0]
    filled = SLOT.sub(lambda slot: str(fill.pop(0)) if fill else slot.group(), template)
    if not detail:
        return filled
    if not filled or SLOT.search(filled):
        return detail
    words = filled.rstrip(". ")
    return detail if detail.startswith(words) else f"{words}: {detail}"


def parameter_code(operation: "Operation", malformed: bool = False, words: str = "") -> str:
    """The code with which the operation refuses a parameter, or a body that is not JSON.

    words: of the refusal, which name the parameter.
    """
    error = operation.parameter_error
    if malformed:
        return error.malformed
    place, _, reason = words.partition(": ")
    if place in error.fields:
        return error.fields[place]
    return error.missing if MISSING in f" {reason}" else error.code


def error_body(error: ApiError, operation: "Operation | None", request_id: str) -> dict[str, Any]:
    """The body of a refusal: in the operation's style where a path has only one; else in that which its code has
    everywhere, or in that of the operation; in the gateway's where no operation was reached.
    """
    own = operation.error_style if operation else GATEWAY
    is_own = own == "anthropic" or (own == "openai" and error.style != GATEWAY)
    style = own if is_own else error.style or own
    return STYLES[style](error, request_id)


def error_msg(error: ApiError, request_id: str) -> dict[str, Any]:
    """A code and a message on the top level."""
    return {"error_code": error.code, "error_msg": error.message, **error.also}


def error_message(error: ApiError, request_id: str) -> dict[str, Any]:
    """The same, the message under its older name."""
    return {"error_code": error.code, "error_message": error.message}


def is_success(error: ApiError, request_id: str) -> dict[str, Any]:
    """The same with a flag that answers of success have too."""
    return {"is_success": False, **error_message(error, request_id)}


def gateway(error: ApiError, request_id: str) -> dict[str, Any]:
    """Code, message and the request's id."""
    return {"error_code": error.code, "error_msg": error.message, "request_id": request_id}


def keystone(error: ApiError, request_id: str) -> dict[str, Any]:
    """An object with the status as a number, as Keystone has it."""
    code = int(error.code) if error.code.isdigit() else error.code
    return {"error": {"code": code, "message": error.message, "title": title_of(error.status)}}


def nested(error: ApiError, request_id: str) -> dict[str, Any]:
    """An object with code and message."""
    return {"error": {"code": error.code, "message": error.message}}


def model_server(error: ApiError, request_id: str) -> dict[str, Any]:
    """As servers of language models have it."""
    return {
        "object": "error",
        "message": error.message,
        "type": error.code,
        "param": None,
        "code": error.status,
    }


def openai(error: ApiError, request_id: str) -> dict[str, Any]:
    """What OpenAI's clients read, and code and message once more on the top level."""
    kind = title_of(error.status).replace(" ", "")
    told = {"code": error.code, "message": error.message, "param": None, "type": kind}
    return {"error": told, "error_code": error.code, "error_msg": error.message, "span_id": request_id[-16:]}


def anthropic(error: ApiError, request_id: str) -> dict[str, Any]:
    """As Anthropic's clients read it; the code stands before the words."""
    kind = ANTHROPIC_KINDS.get(error.status, "api_error" if error.status >= 500 else "invalid_request_error")
    told = {"type": kind, "message": f"{error.code}: {error.message}"}
    return {"type": "error", "error": told, "request_id": request_id}


ANTHROPIC_KINDS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
GATEWAY = "gateway"
# What x-error-body, and "body" in errors.json, may say.
STYLES: dict[str, Callable[[ApiError, str], dict[str, Any]]] = {
    "error-msg": error_msg,
    "error-message": error_message,
    "is-success": is_success,
    GATEWAY: gateway,
    "keystone": keystone,
    "nested": nested,
    "model-server": model_server,
    "openai": openai,
    "anthropic": anthropic,
}


def title_of(status: int) -> str:
    """The reason that HTTP has for a status."""
    return HTTPStatus(status).phrase
