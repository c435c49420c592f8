"""What the console asks of the emulator: operations and the control API, as clients see them."""

import hashlib
import hmac
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import orjson
from flask import request

from modelarts_emulator.frame.calls import Call, Stream
from modelarts_emulator.http.request import Request
from modelarts_emulator.identity.records import Caller, own_api_key
from modelarts_emulator.identity.signatures import (
    ALGORITHM,
    body_hashes,
    canonical_queries,
    canonical_uris,
)
from modelarts_emulator.real_time import wall_now
from modelarts_emulator.request_journal import moment

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.world import World

# What of a browser's request goes with what is asked on its behalf.
HANDED_ON = ("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "HTTP_HOST", "wsgi.url_scheme")
STANDING_PAUSE = 3000


class Refused(Exception):
    """What was asked has been refused: status and words of the answer."""

    def __init__(self, status: int, words: str):
        super().__init__(words)
        self.status = status


class Answer:
    """What the emulator answers over HTTP. frames: the body as it comes."""

    status: int
    headers: dict[str, str]

    def __init__(self, application: "Application", environ: dict):
        self.frames: Iterable[bytes] = application(environ, self._start)

    def _start(self, status: str, headers: list, exc_info: object = None) -> None:
        self.status = int(status[:3])
        self.headers = {name.lower(): value for name, value in headers}

    def body(self) -> bytes:
        """The whole body; with its end the request is noted in the journal."""
        try:
            return b"".join(self.frames)
        finally:
            if hasattr(self.frames, "close"):
                self.frames.close()


def world_shown(application: "Application") -> "World | None":
    """The world that the page is about: the one named by the query, else the default one; None before there is any."""
    if not application.ready:
        return None
    return application.worlds.by_tag(request.args.get("world", "")) or application.worlds.default


def pause_between(application: "Application", milliseconds: int) -> int:
    """How long a page that is left open waits until it is renewed.

    Rarer while the clock stands: then only what others ask for changes anything.
    """
    return max(milliseconds, STANDING_PAUSE) if world_shown(application).clock.frozen else milliseconds


def ask(
    application: "Application", operation_id: str, path: dict | None = None, query: dict | None = None,
    body: Any = None,
) -> Any:  # fmt: skip
    """The JSON value that an operation answers to the world's own user, without a line in the journal of requests.

    Only for operations that change nothing. ApiError when it refuses.
    """
    world = world_shown(application)
    operation = application.operations.by_id[operation_id]
    check, behave = application.prepared(operation)
    values = {"project_id": world.account.project_id} | (path or {})
    call = Call(
        operation,
        check.read_path({name: values[name] for name in operation.path_names}),
        check.read_query(urlencode(query or {})),
        {},
        check.read_body(b"" if body is None else orjson.dumps(body)),
        caller_of(world),
        world,
        Request(request.environ, application.obs_port),
        application.settings,
    )
    if behave.computes:
        return plain(behave(call))
    with world.transaction():
        return plain(behave(call))


def plain(answer: Any) -> Any:
    """The JSON value of what a behaviour hands back."""
    if isinstance(answer, Stream):
        raise TypeError("a stream can only be asked for over HTTP")
    body = getattr(answer, "body", answer)
    return orjson.loads(body) if isinstance(body, bytes) and body else body


def caller_of(world: "World") -> Caller:
    """The world's own user."""
    account = world.account
    return Caller(
        account.domain_id, account.domain_name, account.project_id, account.project_name, account.user_id,
        account.user_name, account.access_key, "console",
    )  # fmt: skip


def control(application: "Application", method: str, path: str, body: Any = None) -> Any:
    """What the control API answers about the world that the page is about; Refused in its words."""
    headers = {"HTTP_X_EMULATOR_WORLD": world_shown(application).tag}
    answer = Answer(application, environ_of(method, f"/_emulator/{path}", body, headers))
    return value_of(answer)


def send(application: "Application", operation_id: str, path: dict | None = None, body: Any = None) -> Any:
    """What an operation answers over HTTP to the world's own user; Refused in its words."""
    world = world_shown(application)
    operation = application.operations.by_id[operation_id]
    target = operation.path
    for name, value in ({"project_id": world.account.project_id} | (path or {})).items():
        target = target.replace(f"{{{name}}}", quote(value, safe=""))
    return value_of(sent(application, operation.method, target, body))


def sent(
    application: "Application", method: str, target: str, body: Any = None, kind: str = "application/json"
) -> Answer:
    """The answer over HTTP to a request of the world's own user, signed as its clients sign, or with its API key.

    kind: the content type of the body.
    """
    world = world_shown(application)
    environ = environ_of(method, target, body, {"CONTENT_TYPE": kind})
    operation = application.operations.find(method, target.partition("?")[0])[0]
    if operation is not None and operation.access.only_api_key:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {own_api_key(world)}"
    else:
        sign(world, environ)
    return Answer(application, environ)


def value_of(answer: Answer) -> Any:
    """The JSON value of an answer; Refused for one that is a refusal."""
    content = answer.body()
    value = orjson.loads(content) if content else None
    if answer.status >= 400:
        said = value if isinstance(value, dict) else {}
        inner = said.get("error") if isinstance(said.get("error"), dict) else {}
        code = said.get("error_code") or inner.get("code") or ""
        words = said.get("error_msg") or inner.get("message") or content.decode("utf-8", "replace")
        raise Refused(answer.status, f"{code}: {words}" if code else str(words))
    return value


def environ_of(method: str, target: str, body: Any, headers: dict[str, str]) -> dict:
    """The WSGI environment of a request from where the browser is. body: a JSON value, or bytes as they are."""
    content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    path, _, query = target.partition("?")
    return {
        **{name: request.environ[name] for name in HANDED_ON if name in request.environ},
        "REQUEST_METHOD": method,
        "RAW_URI": target,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.input": io.BytesIO(content),
        **headers,
    }


def sign(world: "World", environ: dict) -> None:
    """Sign a request with the account's own access key."""
    date = moment(wall_now())[:19].replace("-", "").replace(":", "") + "Z"
    environ["HTTP_X_SDK_DATE"] = date
    asked = Request(environ)
    uri, query = min(canonical_uris(asked)), min(canonical_queries(asked))
    canonical = f"{asked.method}\n{uri}\n{query}\nx-sdk-date:{date}\n\nx-sdk-date\n{min(body_hashes(asked))}"
    asked.environ["wsgi.input"].seek(0)
    text = f"{ALGORITHM}\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(world.account.secret_key.encode(), text.encode(), "sha256").hex()
    environ["HTTP_AUTHORIZATION"] = (
        f"{ALGORITHM} Access={world.account.access_key}, SignedHeaders=x-sdk-date, Signature={signature}"
    )
