"""One account of a running emulator, as a test holds it; and the decorator that brings one along."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPSConnection
from json import dumps, loads
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from modelarts_emulator.identity.records import TOKENS, digest_of
from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.clock import TestClock
from modelarts_emulator.testing.double import CloudFaults, CloudJournal, CloudSnapshots, accepted
from modelarts_emulator.testing.environment import pointing_at
from modelarts_emulator.testing.idle import IDLE
from modelarts_emulator.worlds.world import World

TOKEN_SECONDS = 23 * 3600


class Reply:
    """An HTTP answer: status, headers (names in lower case), body, and the JSON in it."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        """The JSON value of the body; None when there is no body."""
        return loads(self.body) if self.body else None

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def status_code(self) -> int:
        """The status, by the name that the clients of requests and httpx know."""
        return self.status

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status < 400

    def raise_for_status(self) -> Reply:
        """The answer itself; AssertionError with its status and body when it is a refusal."""
        if not self.ok:
            raise AssertionError(f"{self.status}: {self.text}")
        return self

    def __repr__(self) -> str:
        return f"<Reply {self.status} {self.body[:300]!r}>"


class Cloud:
    """An account with everything a test needs: addresses, keys, clock, plain HTTP and clients of SDKs.

    endpoint, obs_endpoint: where ModelArts, Pangu, MaaS and IAM, and where OBS answer. region, project_id,
    project_name, domain_id, domain_name, user_name, user_password, access_key, secret_key, maas_api_key: the account's.
    environment: all of these by name. world: the account's records, clock and chance, for tests of the emulator.
    """

    endpoint: str
    obs_endpoint: str
    region: str
    project_id: str
    project_name: str
    domain_id: str
    domain_name: str
    user_name: str
    user_password: str
    access_key: str
    secret_key: str
    maas_api_key: str

    def __init__(self, emulator: Emulator, world: World):
        self.emulator = emulator
        self.world = world
        self.clock = TestClock(world)
        self.faults = CloudFaults(self)
        self.journal = CloudJournal(self)
        self.snapshots = CloudSnapshots(self)
        self._token: tuple[str, float] | None = None
        self.environment: dict[str, str] = emulator.application.environment(world)
        self.__dict__.update(self.environment)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        auth: bool = True,
        params: dict[str, Any] | None = None,
        json: Any = None,
    ) -> Reply:
        """One request; `{project_id}` in the path is filled in, body is JSON values or bytes, json another name
        for it, params what the query says.

        auth: with the account's token. A path of the control API means this account. Any status is an answer, none
        raises.
        """
        connection = connected(self.endpoint)
        sent = {"Content-Type": "application/json", **(headers or {})}
        if path.startswith("/_emulator/"):
            sent.setdefault("X-Emulator-World", self.world.tag)
        elif auth and not {"X-Auth-Token", "Authorization"} & sent.keys():
            sent["X-Auth-Token"] = self.token
        if params:
            path += ("&" if "?" in path else "?") + urlencode(params, doseq=True)
        value = body if json is None else json
        content = value if isinstance(value, bytes | None) else dumps(value).encode()
        connection.request(method, path.replace("{project_id}", self.project_id), content, sent)
        answer = connection.getresponse()
        reply = Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return reply

    def get(self, path: str, **options: Any) -> Reply:
        """GET a path."""
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        """POST JSON to a path."""
        return self.send("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Reply:
        """PUT JSON to a path."""
        return self.send("PUT", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Reply:
        """PATCH a path with a JSON merge patch."""
        headers = {"Content-Type": "application/merge-patch+json", **(options.pop("headers", None) or {})}
        return self.send("PATCH", path, body, headers=headers, **options)

    def delete(self, path: str, body: Any = None, **options: Any) -> Reply:
        """DELETE a path."""
        return self.send("DELETE", path, body, **options)

    @property
    def token(self) -> str:
        """A token of the account's user, scoped to its project; a fresh one when the clock has outlived the
        last.
        """
        if self._token is None or self._token[1] <= self.clock.now():
            user = {
                "name": self.user_name,
                "password": self.user_password,
                "domain": {"name": self.domain_name},
            }
            identity = {"methods": ["password"], "password": {"user": user}}
            body = {"auth": {"identity": identity, "scope": {"project": {"id": self.project_id}}}}
            reply = self.send("POST", "/v3/auth/tokens", body, auth=False)
            self._token = reply.headers["x-subject-token"], self.clock.now() + TOKEN_SECONDS
        return self._token[0]

    def sdk(self, client_class: Any) -> Any:
        """A client of the official Python SDK, such as ModelArtsClient, with this account's keys and
        endpoint.
        """
        from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials

        if "iam" in client_class.__module__.lower():
            credentials = GlobalCredentials(self.access_key, self.secret_key, self.domain_id)
        else:
            credentials = BasicCredentials(self.access_key, self.secret_key, self.project_id)
        return client_class.new_builder().with_credentials(credentials).with_endpoint(self.endpoint).build()

    def obs(self, **options: Any) -> Any:
        """An ObsClient of esdk-obs-python with this account's keys and endpoint."""
        from obs import ObsClient

        return ObsClient(
            access_key_id=self.access_key,
            secret_access_key=self.secret_key,
            server=self.obs_endpoint,
            **options,
        )

    def openai(self, **options: Any) -> Any:
        """A client of the `openai` package with this account's MaaS key."""
        from openai import OpenAI

        return OpenAI(**{"base_url": f"{self.endpoint}/v1", "api_key": self.maas_api_key, **options})

    def anthropic(self, **options: Any) -> Any:
        """A client of the `anthropic` package with this account's MaaS key."""
        from anthropic import Anthropic

        return Anthropic(
            **{"base_url": f"{self.endpoint}/anthropic", "auth_token": self.maas_api_key, **options}
        )

    @contextmanager
    def fork(self) -> Iterator[Cloud]:
        """An account of its own that begins with what this one has now; it goes afterwards."""
        from modelarts_emulator.travel import fork

        yield from self._lent(fork(self.emulator.application, self.world))

    def _lent(self, world: World | None) -> Iterator[Cloud]:
        """The account of a world that goes afterwards."""
        application = self.emulator.application
        if world is None:
            raise LookupError("the world has been removed already")
        try:
            yield Cloud(self.emulator, world)
        finally:
            application.forget_objects(world)
            application.worlds.remove(world)

    def until(self, condition: str, within: float | str = "24h") -> float:
        """Move the clock on until `training-jobs/NAME status.phase == Running` or the like holds; the virtual seconds
        that took.

        ValueError when it never does, or asks for a resource, field or operator that does not exist.
        """
        told = accepted(self.post("/_emulator/clock/advance", {"until": condition, "within": within}))
        return float(told["advanced"])

    def rewind(
        self,
        *,
        to: float | str | None = None,
        by: float | str | None = None,
        before: Reply | int | str | None = None,
        after: Reply | int | str | None = None,
    ) -> None:
        """Make the account what it was: at a moment, so long ago, or before or after a request.

        Give one of them. A request is meant by its answer, its number in the journal or its id. ValueError for what
        cannot be gone back to, with the reason.
        """
        accepted(self.post("/_emulator/rewind", place_in_time(to, by, before, after)))
        if self._token and digest_of(self._token[0]) not in self.world.store.table(TOKENS):
            self._token = None

    @contextmanager
    def branch(
        self,
        *,
        to: float | str | None = None,
        by: float | str | None = None,
        before: Reply | int | str | None = None,
        after: Reply | int | str | None = None,
    ) -> Iterator[Cloud]:
        """An account of its own that begins as this one was then, said as for `rewind`; it goes afterwards."""
        told = accepted(self.post("/_emulator/branch", place_in_time(to, by, before, after)))
        yield from self._lent(self.emulator.application.worlds.by_tag(told["world"]))

    @contextmanager
    def in_environment(self) -> Iterator[Cloud]:
        """The process's environment pointing every SDK at this account; as it was afterwards."""
        with pointing_at(self.environment, trusted(self.emulator)):
            yield self


def place_in_time(
    to: float | str | None,
    by: float | str | None,
    before: Reply | int | str | None,
    after: Reply | int | str | None,
) -> dict[str, Any]:
    """Where to go, as the control API is told."""
    given = {"to": to, "by": by, "before": named(before), "after": named(after)}
    return {name: value for name, value in given.items() if value is not None}


def named(request: Reply | int | str | None) -> int | str | None:
    """The number or id of a request; of an answer its id."""
    return request.headers["x-request-id"] if isinstance(request, Reply) else request


def connected(endpoint: str) -> HTTPConnection:
    """A connection to an emulator; over TLS its certificate is not looked at, since it is in this process."""
    scheme, _, host = endpoint.partition("://")
    if scheme == "http":
        return HTTPConnection(host, timeout=60)
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return HTTPSConnection(host, timeout=60, context=context)


def trusted(emulator: Emulator) -> dict[str, str]:
    """The variables that make clients trust an emulator; none without TLS."""
    if not emulator.settings.tls:
        return {}
    from modelarts_emulator.certificates import trust

    return trust(emulator.settings)


def mock_modelarts(function: Any = None, **options: Any) -> Any:
    """Decorator or context manager: the code inside talks to a cloud of its own, by the environment's variables.

    Options are those of Settings. A decorated function is handed the Cloud as `cloud` if it takes one; of a decorated
    class, so is each method whose name begins with `test`.
    """
    return Mock(options) if function is None else Mock(options)(function)


class Mock:
    """One use of mock_modelarts; each entry takes an emulator, each exit gives back the one taken last."""

    def __init__(self, options: dict[str, Any]):
        self._options = options
        self._open: list[ExitStack] = []

    def __enter__(self) -> Cloud:
        with ExitStack() as stack:
            emulator = stack.enter_context(IDLE.lent(**self._options))
            cloud = Cloud(emulator, emulator.application.worlds.create())
            stack.enter_context(cloud.in_environment())
            self._open.append(stack.pop_all())
        return cloud

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.pop().close()

    def __call__(self, decorated: Any) -> Any:
        if inspect.isclass(decorated):
            for name, method in list(vars(decorated).items()):
                if name.startswith("test") and inspect.isfunction(method):
                    setattr(decorated, name, surround(method, self._options))
            return decorated
        return surround(decorated, self._options)


def surround(function: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    """The function with a cloud of its own around each call."""
    signature = inspect.signature(function)
    takes_cloud = "cloud" in signature.parameters

    def completed(cloud: Cloud, keywords: dict[str, Any]) -> dict[str, Any]:
        return {"cloud": cloud, **keywords} if takes_cloud else keywords

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapped(*arguments: Any, **keywords: Any) -> Any:
            with Mock(options) as cloud:
                return await function(*arguments, **completed(cloud, keywords))

    else:

        @functools.wraps(function)
        def wrapped(*arguments: Any, **keywords: Any) -> Any:
            with Mock(options) as cloud:
                return function(*arguments, **completed(cloud, keywords))

    # Test runners read the signature: what is handed over here is no fixture of theirs.
    others = [parameter for name, parameter in signature.parameters.items() if name != "cloud"]
    vars(wrapped)["__signature__"] = signature.replace(parameters=others)
    return wrapped
