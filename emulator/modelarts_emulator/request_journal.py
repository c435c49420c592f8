"""What is kept of each request in the history of its world, and how it is shown: without credentials."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import orjson

from modelarts_emulator.real_time import monotonic, wall_now
from modelarts_emulator.worlds.history import MOST_BODY, Exchanged, json_of

if TYPE_CHECKING:
    from modelarts_emulator.app import Exchange
    from modelarts_emulator.worlds.world import World

BEGAN = "emulator.began"
HIDDEN = "..."
# Headers that are credentials; of Authorization the part that proves it is left out.
NAMES = "X_AUTH_TOKEN X_SUBJECT_TOKEN X_APIG_APPCODE X_API_KEY APIKEY COOKIE X_SECURITY_TOKEN X_OBS_SECURITY_TOKEN"
NAMES += " X_AMZ_SECURITY_TOKEN API_KEY PROXY_AUTHORIZATION"
SECRET = frozenset(f"HTTP_{name}" for name in NAMES.split())
PROOF = re.compile(r"(Signature=|^(?:Bearer|Basic) |^(?:AWS|OBS) [^:]*:).*", re.DOTALL | re.IGNORECASE)
WORDS = "passw(?:or)?d|secret|token|api_?key|access_?key|app_?code"
IN_QUERY = re.compile(rf"((?:signature|credential|{WORDS})=)[^&]+", re.IGNORECASE)
IN_TEXT = re.compile(
    rf'("[^"]*(?:{WORDS}|private_key)[^"]*"\s*:\s*(?:{{\s*"[^"]*"\s*:\s*)?")[^"]*', re.IGNORECASE
)
MEMBERS = r"passw|secret|token$|api_?key|admin_pass|private_key|app_?code|security_?token"
SECRET_MEMBERS = re.compile(MEMBERS, re.IGNORECASE)
SECRET_WORDS = re.compile(MEMBERS.replace("$", "").encode(), re.IGNORECASE)
SHORTEST_SECRET, LONGEST_BEGIN = 4, 16


def tellable(exchange: "Exchange", status: int, answer: Any) -> Any:
    """The answer as journal and log may have it: a refusal may quote what was sent, also what proves who sent it."""
    if status < 400 or not isinstance(answer, bytes):
        return answer
    for secret in secrets_sent(exchange):
        # What is long is quoted cut: at its end, or with its middle left out.
        begin = orjson.dumps(secret)[1:-1][:LONGEST_BEGIN]
        if len(begin) >= SHORTEST_SECRET:
            rest = rb"[^\s\"',;&]*" if len(begin) == LONGEST_BEGIN else b""
            answer = re.sub(re.escape(begin) + rest, HIDDEN.encode(), answer)
    return answer


def secrets_sent(exchange: "Exchange") -> list[str]:
    """What of a request proves who sent it: in headers, query and body."""
    environ, request = exchange.environ, exchange.request
    found = [environ[name] for name in environ if name in SECRET]
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    proof = PROOF.search(authorization)
    found.append(authorization if proof is None else authorization[proof.end(1) :])
    if "=" in request.raw_query:
        found += [unquote_plus(pair[0].partition("=")[2]) for pair in IN_QUERY.finditer(request.raw_query)]
    body = request.__dict__.get("body")
    if body and len(body) <= MOST_BODY and SECRET_WORDS.search(body):
        found += secrets_in(json_of(body))
    return [each for each in found if each]


def secrets_in(value: Any, inside: str = "") -> list[str]:
    """The texts and numbers that a JSON value has where `without_secrets` leaves them out; inside: of which member."""
    if isinstance(value, dict):
        return [
            secret
            for name, each in value.items()
            for secret in secrets_in(each, "secret" if is_secret(name, inside) else name)
        ]
    if isinstance(value, list):
        return [secret for each in value for secret in secrets_in(each, inside)]
    return [str(value)] if value is not None and SECRET_MEMBERS.search(inside) else []


def note_exchange(world: "World", exchange: "Exchange", status: int, answer: Any) -> None:
    """Keep a request and its answer in the history of its world."""
    environ, request, operation = exchange.environ, exchange.request, exchange.operation
    # A request that was refused early has not been read yet.
    is_short = int(environ.get("CONTENT_LENGTH") or 0) <= MOST_BODY
    body = request.body if is_short else request.__dict__.get("body")
    world.history.note(
        exchange.request_id,
        wall_now(),
        world.clock.now(),
        monotonic() - environ[BEGAN],
        request.method,
        f"{request.raw_path}?{request.raw_query}" if request.raw_query else request.raw_path,
        tuple([(name, environ[name]) for name in environ if name[:5] == "HTTP_" and name not in SECRET]),
        body if body is None or len(body) <= MOST_BODY else None,
        operation.operation_id if operation is not None else exchange.who,
        status,
        answer if isinstance(answer, bytes) and len(answer) <= MOST_BODY else None,
        exchange.refused_by,
        tuple([fault.id for fault in exchange.faults]) if exchange.faults else (),
    )


def shown_exchange(exchanged: Exchanged, whole: bool = True) -> dict:
    """An exchange as JSON; without `whole` what tells it from others."""
    told = {
        "number": exchanged.number,
        "request_id": exchanged.request_id,
        "time": moment(exchanged.moment),
        "virtual_time": moment(exchanged.virtual),
        "milliseconds": round(exchanged.seconds * 1000, 3),
        "method": exchanged.method,
        "target": IN_QUERY.sub(rf"\1{HIDDEN}", exchanged.target),
        "operation": exchanged.operation,
        "status": exchanged.status,
    }
    if exchanged.step:
        told["refused_by"] = exchanged.step
    if exchanged.faults:
        told["faults"] = list(exchanged.faults)
    if whole:
        told |= {
            "headers": headers_of(exchanged),
            "body": content_of(exchanged.body),
            "answer": content_of(exchanged.answer),
        }
    return told


def headers_of(exchanged: Exchanged) -> dict[str, str]:
    """{name: value} of the headers that were sent, without what proves who sent them."""
    found = {name[5:].replace("_", "-").title(): value for name, value in exchanged.headers}
    if "Authorization" in found:
        told, count = PROOF.subn(rf"\1{HIDDEN}", found["Authorization"])
        found["Authorization"] = told if count else HIDDEN
    return found


def content_of(content: bytes | None) -> Any:
    """A body as its JSON value or text, without passwords and keys; None where it was not kept."""
    if content is None:
        return None
    value = json_of(content)
    if value is not None:
        return without_secrets(value)
    return IN_TEXT.sub(rf"\1{HIDDEN}", content.decode("utf-8", "replace"))


def without_secrets(value: Any, inside: str = "") -> Any:
    """A JSON value with the texts and numbers of members that are secrets left out; inside: of which member."""
    if isinstance(value, dict):
        return {
            name: without_secrets(each, "secret" if is_secret(name, inside) else name)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(each, inside) for each in value]
    return HIDDEN if value is not None and SECRET_MEMBERS.search(inside) else value


def is_secret(name: str, inside: str) -> bool:
    """Whether a member is a secret though its name does not say so: key or id of a `secret` or `token`."""
    return name in ("id", "key") and inside in ("secret", "token")


def moment(seconds: float) -> str:
    """That moment in UTC, as ISO 8601 writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_har(kept: list[Exchanged], base_url: str, version: str) -> dict:
    """Exchanges as an HTTP archive (HAR 1.2), which browsers and proxies read."""
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "modelarts-emulator", "version": version},
            "entries": [har_entry(each, base_url) for each in kept],
        }
    }


def har_entry(exchanged: Exchanged, base_url: str) -> dict:
    """One exchange of an HTTP archive."""
    shown = shown_exchange(exchanged)
    target = shown["target"]
    query = [pair.partition("=")[::2] for pair in target.partition("?")[2].split("&") if pair]
    plain = {"httpVersion": "HTTP/1.1", "cookies": [], "headersSize": -1}
    request = {
        **plain,
        "method": exchanged.method,
        "url": base_url + target,
        "headers": [{"name": name, "value": value} for name, value in shown["headers"].items()],
        "queryString": [{"name": name, "value": value} for name, value in query],
        "bodySize": len(exchanged.body or b""),
    }
    if exchanged.body:
        request["postData"] = {"mimeType": "application/json", "text": text_of(shown["body"])}
    content = {
        "size": len(exchanged.answer or b""),
        "mimeType": "application/json",
        "text": text_of(shown["answer"]),
    }
    response = {**plain, "status": exchanged.status, "statusText": "", "headers": [], "content": content}
    took = shown["milliseconds"]
    return {
        "startedDateTime": moment(exchanged.moment - exchanged.seconds),
        "time": took,
        "request": request,
        "response": response | {"redirectURL": "", "bodySize": content["size"]},
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
    }


def text_of(value: Any) -> str:
    """A shown body as text."""
    return value if isinstance(value, str) else "" if value is None else orjson.dumps(value).decode()
