"""The path of a request: route, credentials, request check, behaviour, answer check."""

import itertools
import logging
from functools import cached_property
from importlib import import_module
from pathlib import Path

import orjson

from modelarts_emulator.contract.errors import ApiError, ContractBroken, error_body
from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.frame.calls import Answer, Call, Stream
from modelarts_emulator.frame.registry import behaviour_of, resource_of
from modelarts_emulator.http.request import Request, raw_path
from modelarts_emulator.identity.credentials import check_credentials, seed_identity
from modelarts_emulator.settings import Settings
from modelarts_emulator.worlds.accounts import Worlds

JSON = "application/json;charset=UTF-8"
PREDICTIONS = ("/v1/infers", "/v2/infers")
HEALTH = ("/_emulator/health", "/_emulator/ready")
log = logging.getLogger("modelarts_emulator")


def create_app(settings: Settings | None = None, operations: Operations | None = None) -> "Application":
    """An emulator as a WSGI callable, its state loaded. Raises BadSchema, StateRefused or ValueError."""
    application = Application(settings or Settings.from_environment(), operations or Operations())
    application.load()
    return application


def serve(app: "Application", request: Request, operation, values: dict) -> Answer | Stream:
    """What an operation answers to a request."""
    caller = check_credentials(app, request, operation)
    world = app.worlds.by_account(caller.account_id)
    check, behave = app.prepared(operation)
    call = Call(
        operation,
        check.read_path(values),
        check.read_query(request.raw_query),
        check.read_headers(request),
        check.read_body(request.body, request.charset),
        caller,
        world,
        request,
        app.settings,
    )
    if behave.computes:
        return as_answer(operation, behave(call))
    with world.transaction():
        return as_answer(operation, behave(call))


def predicted(app: "Application", request: Request) -> tuple[int, list, bytes]:
    """What a deployed model answers to a prediction, which is no documented operation."""
    from modelarts_emulator.serving.gateway import predict

    return predict(app, request)


class Application:
    """One emulator: the operations, the worlds, and the WSGI callable in front of them.

    Operations and OBS are served by this class itself; the control API below /_emulator is a Flask
    application that is imported when it is first asked. broken: what answers broke their schema, for the
    tests to fail on.
    """

    def __init__(self, settings: Settings, operations: Operations):
        self.settings = settings
        self.operations = operations
        self.ready = False
        self.broken: list[str] = []
        self.addresses: dict = {}
        self.obs_port = ""
        self._prepared: dict = {}
        self._request_numbers = itertools.count(1)

    def load(self) -> None:
        """Bring back the stored worlds, or make the default one; from then on requests are answered."""

        if self.settings.chat != "builtin" or self.settings.latency:
            import_module("modelarts_emulator.behaviours.maas.generation").refuse_bad_settings(self.settings)
        worlds = Worlds(self.settings, lambda world: self.obs.of(world), seed_identity, resource_of)
        worlds.load()
        self.worlds = worlds
        self.ready = True

    def warm(self) -> None:
        """Import what the first requests will need, and refuse schemas that say what nobody checks."""
        for module in ("modelarts_emulator.contract.checking", "modelarts_emulator.control.app"):
            import_module(module)
        Operations(self.operations.folder)

    def close(self) -> None:
        """Save where the clocks stand and let go of the state directory."""
        if self.ready:
            for world in self.worlds:
                with world.lock:
                    world.let_go()
                    world.save()
            self.worlds.close()
        if "obs" in self.__dict__:
            self.obs.close()

    @cached_property
    def obs(self):
        """The object storage of all worlds."""
        from modelarts_emulator.obs.keys import object_storage

        return object_storage(self)

    def forget_objects(self, world) -> int:
        """Drop what a world has in OBS; how many objects that were. Does not load OBS only to find it empty."""
        stored = self.settings.state and Path(self.settings.state, "objects").is_dir()
        return self.obs.reset(world.tag) if stored or "obs" in self.__dict__ else 0

    def environment(self, world) -> dict:
        """What a client needs to use a world: endpoints, region, project, keys."""
        account = world.account
        return {
            "endpoint": f"http://{self.addresses.get('host', '127.0.0.1')}:{self.addresses.get('port', 0)}",
            "obs_endpoint": f"http://{self.addresses.get('host', '127.0.0.1')}:{self.addresses.get('obs_port', 0)}",
            "region": account.project_name,
            "project_id": account.project_id,
            "project_name": account.project_name,
            "domain_id": account.domain_id,
            "domain_name": account.domain_name,
            "user_name": account.user_name,
            "user_password": account.user_password,
            "access_key": account.access_key,
            "secret_key": account.secret_key,
        }

    @cached_property
    def control(self):
        """The control API, a Flask application."""
        from modelarts_emulator.control.app import create_control

        return create_control(self)

    def prepared(self, operation):
        """(check, behaviour) of an operation, made on its first use."""
        found = self._prepared.get(operation.operation_id)
        if found is None:
            from modelarts_emulator.contract.checking import Check

            found = (Check(operation, self.settings.strict_fields), behaviour_of(operation))
            self._prepared[operation.operation_id] = found
        return found

    def route(self, environ: dict) -> tuple:
        """(who answers, operation, path values or allowed methods) of a request; found once and kept in its
        environ.
        """
        found = environ.get("emulator.route")
        if found is None:
            found = environ["emulator.route"] = self._route(environ)
        return found

    def computes(self, environ: dict) -> bool:
        """Whether the request may take its time, so that a server must not let others wait for it."""
        who, operation, _ = self.route(environ)
        if who != "operation":
            return who != "health"
        if operation is None or not self.ready:
            return False
        try:
            return self.prepared(operation)[1].computes
        except Exception:
            # The request itself meets the same failure and answers it as a 500; asking must not end the server.
            return False

    def is_for_obs(self, environ: dict) -> bool:
        """Whether the request is addressed to OBS: by its port or its host name."""
        if environ.get("SERVER_PORT") == self.obs_port:
            return True
        return "obs." in environ.get("HTTP_HOST", "") and self.obs.serves(environ["HTTP_HOST"])

    def _route(self, environ: dict) -> tuple:
        if self.is_for_obs(environ):
            return "obs", None, None
        path = raw_path(environ)
        if path.startswith("/_emulator/"):
            return ("health" if path in HEALTH else "control"), None, None
        operation, values = self.operations.find(environ["REQUEST_METHOD"], path)
        if operation is None and not values and path.startswith(PREDICTIONS):
            return "prediction", None, None
        return "operation", operation, values

    def __call__(self, environ: dict, start_response):
        """Answer one WSGI request."""
        who = self.route(environ)[0]
        if who == "obs":
            return self.obs(environ, start_response)
        if who == "control":
            return self.control(environ, start_response)
        request_id = f"{next(self._request_numbers):032x}"
        status, headers, body = self.respond(Request(environ, self.obs_port), request_id)
        headers.append(("X-Request-Id", request_id))
        if isinstance(body, bytes):
            headers.append(("Content-Length", str(len(body))))
            body = [body]
        start_response(STATUS_LINES.get(status) or f"{status} Answered by a model", headers)
        return body

    def respond(self, request: Request, request_id: str):
        """(status, headers, body) of a request: body is bytes, or an iterable of bytes for a stream."""
        who, operation, values = self.route(request.environ)
        try:
            refusal = request.environ.get("emulator.refusal")
            if refusal:
                raise ApiError(refusal[0], refusal[2], status=refusal[1])
            if who == "health":
                return self.state_of_health(request.raw_path)
            if who == "prediction" and self.ready:
                return predicted(self, request)
            if operation is None:
                self.refuse_route(request, values)
            if not self.ready:
                raise ApiError(
                    "Emulator.NotReady", "ask GET /_emulator/ready first", headers={"Retry-After": "1"}
                )
            answer = serve(self, request, operation, values)
            if isinstance(answer, Stream):
                return 200, [("Content-Type", answer.content_type), *answer.headers.items()], answer.frames
            if self.settings.check_answers:
                self.check(operation, answer)
            headers = [("Content-Type", JSON), *answer.headers.items()]
            return answer.status, headers, answer.body
        except ApiError as error:
            return self.refused(error, operation, request_id)
        except Exception as error:
            log.exception("%s %s failed", request.method, request.raw_path)
            self.broken.append(f"{request.method} {request.raw_path}: {type(error).__name__}: {error}")
            words = f"{type(error).__name__} in {operation.operation_id if operation else 'the front'}"
            return self.refused(ApiError("Emulator.Internal", words), operation, request_id)

    def refused(self, error: ApiError, operation, request_id: str):
        """The documented answer to a refusal."""
        body = orjson.dumps(error_body(error, operation, request_id))
        return error.status, [("Content-Type", JSON), *error.headers.items()], body

    def refuse_route(self, request: Request, methods: list) -> None:
        """404 that names the nearest operations, 405 that names the allowed methods."""
        if methods:
            raise ApiError(
                "APIG.0101",
                f"{request.raw_path} takes {' or '.join(methods)}, not {request.method}",
                status=405,
                headers={"Allow": ", ".join(methods)},
            )
        nearest = self.operations.nearest(request.method, request.raw_path)
        hint = f"nearest: {'; '.join(nearest)}" if nearest else "GET /_emulator/operations lists all"
        raise ApiError("APIG.0101", f"{request.method} {request.raw_path} is no documented operation; {hint}")

    def check(self, operation, answer: Answer) -> None:
        """ContractBroken when the answer does not fit its schema."""
        try:
            body = orjson.loads(answer.body) if answer.body else None
            self.prepared(operation)[0].check_answer(answer.status, body)
        except ValueError:
            raise ContractBroken(
                f"{operation.operation_id} answers {answer.body[:80]!r}, which is no JSON"
            ) from None

    def state_of_health(self, path: str):
        """health: the process lives. ready: 200 once state and seed data are loaded, 503 before."""
        if path == "/_emulator/health":
            body = {"status": "alive", "operations": len(self.operations)}
            return 200, [("Content-Type", JSON)], orjson.dumps(body)
        status = 200 if self.ready else 503
        return status, [("Content-Type", JSON)], orjson.dumps({"ready": self.ready})


def as_answer(operation, answer) -> Answer | Stream:
    """What a behaviour handed back, as a status, headers and JSON text."""
    if isinstance(answer, Stream):
        return answer
    if not isinstance(answer, Answer):
        answer = Answer(answer)
    if answer.status is None:
        answer.status = operation.success
    if not isinstance(answer.body, bytes):
        answer.body = b"" if answer.body is None else orjson.dumps(answer.body)
    return answer


def status_lines() -> dict:
    """{status: status line} of all statuses HTTP knows, and 494 as the gateway documents it."""
    from http import HTTPStatus

    return {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus} | {
        494: "494 Request Headers Too Large"
    }


STATUS_LINES = status_lines()
