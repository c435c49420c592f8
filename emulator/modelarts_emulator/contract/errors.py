"""What a refusal is, and the body in which each service documents its refusals."""

import re
from functools import cache
from http import HTTPStatus

import orjson

from modelarts_emulator.contract.facts import folder

SLOT = re.compile(r"\$\{[^}]*\}|\$\w+|\{[^}]*\}|%[sd]")
GATEWAY = re.compile(r"^(APIG|APIGW)\.")

OWN_CODES = {
    "Emulator.NotImplemented": {
        "status": 501,
        "message": "This operation is documented but not emulated yet.",
    },
    "Emulator.NotReady": {"status": 503, "message": "The emulator is still loading its state."},
    "Emulator.Internal": {
        "status": 500,
        "message": "The emulator failed: this is a bug of the emulator, not of the request.",
    },
    "Emulator.BadControl": {"status": 400, "message": "The control request cannot be carried out."},
}

IAM_STATUSES = {"404", "405", "409", "413", "500", "503"}

# The code with which an area refuses a parameter, and the one for a body that is no JSON where it differs.
PARAMETER_CODES = {
    "training": ("ModelArts.2788", "ModelArts.2787"),
    "algorithms": ("ModelArts.2788", "ModelArts.2787"),
    "autosearch": ("ModelArts.2788", "ModelArts.2787"),
    "experiments": ("ModelArts.2788", "ModelArts.2787"),
    "models": ("ModelArts.3037",),
    "services": ("ModelArts.0101",),
    "service-tasks": ("ModelArts.0101",),
    "inference-v2": ("ModelArts.0101",),
    "app-auth": ("ModelArts.0101",),
    "edge": ("ModelArts.0101",),
    "notebooks": ("ModelArts.6400",),
    "images": ("ModelArts.6400",),
    "devenv-v1": ("ModelArts.6400",),
    "dev-servers": ("ModelArts.6600",),
    **dict.fromkeys(
        ("pools", "nodes", "networks", "plugins", "events", "orders", "tags", "metrics", "quotas-config"),
        ("ModelArts.50004000",),
    ),
    **dict.fromkeys(
        (
            "datasets",
            "dataset-versions",
            "data-import-export",
            "labels",
            "samples",
            "auto-labeling",
            "processing",
        )
        + ("workforces",),
        ("ModelArts.4396", "ModelArts.4105"),
    ),
}
SERVICE_PARAMETER_CODES = {
    "iam": ("400",),
    "maas": ("ModelArts.81001",),
    "pangu": ("PANGU.0010",),
    "modelarts": ("ModelArts.0104",),
}
PANGU_PARAMETER_CODES = {"cv": ("IIT.0201",), "agents": ("Versatile.03001001",)}

# The codes of Pangu's chat and text that say which parameter is wrong: how the refusal's words start or end.
PANGU_FIELD_CODES = (
    ("$.n: ", "PANGU.3320"),
    ("$.max_tokens: ", "PANGU.3317"),
    (" is required and missing", "PANGU.3278"),
)

MODEL_SERVER_ERRORS = {"BadRequestError", "NotFoundError"}
MODEL_SERVER_OPERATIONS = {"CreateVllmCompletion"}

V1_TRAINING = {"training-v1", "training-configs-v1", "specs-v1", "visualization-v1"}


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
        self, code: str, detail: str = "", *, status: int | None = None, fill=(), headers=None, also=None
    ):
        facts = error_facts(code)
        self.code = code
        self.status = status or facts["status"]
        self.message = worded(facts, self.status, detail, list(fill))
        self.headers = headers or {}
        self.also = also or {}
        super().__init__(f"{self.status} {code}: {self.message}")


@cache
def documented_errors() -> dict:
    """Every documented code: {code: {service, status, message, variants}}."""
    return orjson.loads((folder("schemas") / "errors.json").read_bytes())


def error_facts(code: str) -> dict:
    """Status, message and variants of a code; KeyError when nobody documents it.

    IAM's codes are statuses: those whose words no document gives have HTTP's own.
    """
    facts = OWN_CODES.get(code) or documented_errors().get(code)
    if facts is None and code in IAM_STATUSES:
        facts = {"status": int(code), "message": title_of(int(code))}
    return facts or documented_errors()[code]


def worded(facts: dict, status: int, detail: str, fill: list) -> str:
    """The documented words of a code, its slots filled, followed by what the caller wants to know."""
    variants = [variant["message"] for variant in facts.get("variants", ()) if variant["status"] == status]
    template = facts["message"] if facts["status"] == status or not variants else variants[0]
    filled = SLOT.sub(lambda slot: str(fill.pop(0)) if fill else slot.group(), template)
    if not detail:
        return filled
    if not filled or SLOT.search(filled):
        return detail
    return f"{filled.rstrip('. ')}: {detail}"


def parameter_code(operation, malformed: bool = False, words: str = "") -> str:
    """The code with which the operation's area refuses a parameter, or a body that is no JSON.

    words: of the refusal, where the area has codes of its own for some parameters.
    """
    if operation.operation_id in MODEL_SERVER_OPERATIONS:
        return "BadRequestError"
    if operation.service == "pangu" and operation.area in ("chat", "text"):
        for mark, code in PANGU_FIELD_CODES:
            if words.startswith(mark) or words.endswith(mark):
                return code
    codes = PARAMETER_CODES.get(operation.area) if operation.service == "modelarts" else None
    if operation.service == "pangu":
        codes = PANGU_PARAMETER_CODES.get(operation.area)
    codes = codes or SERVICE_PARAMETER_CODES[operation.service]
    return codes[-1] if malformed else codes[0]


def error_body(error: ApiError, operation, request_id: str) -> dict:
    """The body in which the operation's service documents refusals; the gateway's own where no operation was
    reached.
    """
    if GATEWAY.match(error.code) or operation is None:
        return {"error_code": error.code, "error_msg": error.message, "request_id": request_id}
    if operation.service == "iam":
        return {
            "error": {
                "code": int(error.code) if error.code.isdigit() else error.code,
                "message": error.message,
                "title": title_of(error.status),
            }
        }
    if error.code in MODEL_SERVER_ERRORS:
        return {
            "object": "error",
            "message": error.message,
            "type": error.code,
            "param": None,
            "code": error.status,
        }
    if operation.service == "maas":
        return {"error": {"code": error.code, "message": error.message}}
    if operation.area in V1_TRAINING:
        return {"is_success": False, "error_code": error.code, "error_message": error.message}
    if operation.area == "devenv-v1":
        return {"error_code": error.code, "error_message": error.message}
    return {"error_code": error.code, "error_msg": error.message, **error.also}


def title_of(status: int) -> str:
    """The HTTP reason that IAM repeats in its error bodies."""
    return HTTPStatus(status).phrase
