"""One account of a running emulator, as a test holds it; and the decorator that brings one along."""

import functools
import inspect
import json
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection

from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.environment import pointing_at
from modelarts_emulator.worlds.clock import seconds_of

TOKEN_SECONDS = 23 * 3600


class Reply:
    """An HTTP answer: status, headers (names in lower case), body, and the JSON in it."""

    def __init__(self, status: int, headers: dict, body: bytes):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        """The JSON value of the body; None when there is no body."""
        return json.loads(self.body) if self.body else None

    def __repr__(self):
        return f"<Reply {self.status} {self.body[:300]!r}>"


class TestClock:
    """The clock of one world in a test's hand."""

    __test__ = False

    def __init__(self, world):
        self._world = world

    def now(self) -> float:
        """Virtual seconds since the epoch."""
        return self._world.clock.now()

    def freeze(self) -> None:
        """Stand still: from now on only `advance` and `until` move time."""
        with self._world.lock:
            self._world.clock.freeze()

    def run(self, speed: float = 1.0) -> None:
        """Run on, that many virtual seconds in a real one."""
        with self._world.lock:
            self._world.clock.run(speed)

    def advance(self, duration) -> None:
        """Move on by seconds or a text such as "2h", doing all that falls due on the way."""
        with self._world.transaction():
            self._world.clock.advance(seconds_of(duration))
        self._world.settle()

    def until(self, holds, within="24h") -> float:
        """Move on until `holds()` is true; the virtual seconds that took. TimeoutError when it never is."""
        went = self._world.run_until(holds, seconds_of(within))
        if went is None:
            raise TimeoutError(f"the condition did not hold within {within} of virtual time")
        return went


class Cloud:
    """An account with everything a test needs: addresses, keys, clock, plain HTTP and the official SDK's
    clients.
    """

    def __init__(self, emulator: Emulator, world):
        self.emulator = emulator
        self.world = world
        self.clock = TestClock(world)
        self._token = None
        self.environment = emulator.application.environment(world)
        for name, value in self.environment.items():
            setattr(self, name, value)

    def send(self, method: str, path: str, body=None, headers=None, auth: bool = True) -> Reply:
        """One request; `{project_id}` in the path is filled in, body is JSON values or bytes.

        auth: with the account's token. Any status is an answer, none raises.
        """
        host = self.endpoint.partition("://")[2]
        connection = HTTPConnection(host, timeout=60)
        sent = {"Content-Type": "application/json", **(headers or {})}
        if auth and not {"X-Auth-Token", "Authorization"} & sent.keys():
            sent["X-Auth-Token"] = self.token
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path.replace("{project_id}", self.project_id), content, sent)
        answer = connection.getresponse()
        reply = Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return reply

    def get(self, path: str, **options) -> Reply:
        """GET a path."""
        return self.send("GET", path, **options)

    def post(self, path: str, body=None, **options) -> Reply:
        """POST JSON to a path."""
        return self.send("POST", path, body, **options)

    def put(self, path: str, body=None, **options) -> Reply:
        """PUT JSON to a path."""
        return self.send("PUT", path, body, **options)

    def delete(self, path: str, body=None, **options) -> Reply:
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

    def sdk(self, client_class):
        """A client of the official Python SDK, such as ModelArtsClient, with this account's keys and
        endpoint.
        """
        from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials

        if "iam" in client_class.__module__.lower():
            credentials = GlobalCredentials(self.access_key, self.secret_key, self.domain_id)
        else:
            credentials = BasicCredentials(self.access_key, self.secret_key, self.project_id)
        return client_class.new_builder().with_credentials(credentials).with_endpoint(self.endpoint).build()

    def obs(self, **options):
        """An ObsClient of esdk-obs-python with this account's keys and endpoint."""
        from obs import ObsClient

        return ObsClient(
            access_key_id=self.access_key,
            secret_access_key=self.secret_key,
            server=self.obs_endpoint,
            **options,
        )

    @contextmanager
    def in_environment(self):
        """The process's environment pointing every SDK at this account; as it was afterwards."""
        with pointing_at(self.environment):
            yield self


def mock_modelarts(function=None, **options):
    """Decorator or context manager: the code inside talks to a cloud of its own, by the environment's variables.

    Options are those of Settings. A decorated function is handed the Cloud as `cloud` if it takes one; of a decorated
    class, so is each method whose name begins with `test`.
    """
    return Mock(options) if function is None else Mock(options)(function)


class Mock:
    """One use of mock_modelarts; each entry starts an emulator, each exit ends the one started last."""

    def __init__(self, options: dict):
        self._options = options
        self._open: list[ExitStack] = []

    def __enter__(self) -> Cloud:
        with ExitStack() as stack:
            emulator = stack.enter_context(Emulator(**self._options))
            cloud = Cloud(emulator, emulator.application.worlds.create())
            stack.enter_context(cloud.in_environment())
            self._open.append(stack.pop_all())
        return cloud

    def __exit__(self, *exception) -> None:
        self._open.pop().close()

    def __call__(self, decorated):
        if inspect.isclass(decorated):
            for name, method in list(vars(decorated).items()):
                if name.startswith("test") and inspect.isfunction(method):
                    setattr(decorated, name, surrounded(method, self._options))
            return decorated
        return surrounded(decorated, self._options)


def surrounded(function, options: dict):
    """The function with a cloud of its own around each call."""
    signature = inspect.signature(function)
    takes_cloud = "cloud" in signature.parameters

    def completed(cloud: Cloud, keywords: dict) -> dict:
        return {"cloud": cloud, **keywords} if takes_cloud else keywords

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapped(*arguments, **keywords):
            with Mock(options) as cloud:
                return await function(*arguments, **completed(cloud, keywords))

    else:

        @functools.wraps(function)
        def wrapped(*arguments, **keywords):
            with Mock(options) as cloud:
                return function(*arguments, **completed(cloud, keywords))

    # Test runners read the signature: what is handed over here is no fixture of theirs.
    others = [parameter for name, parameter in signature.parameters.items() if name != "cloud"]
    wrapped.__signature__ = signature.replace(parameters=others)
    return wrapped
