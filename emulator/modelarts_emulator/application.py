"""One emulator: its operations, its worlds, and the WSGI callable in front of them."""

import itertools
import logging
from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import cached_property
from importlib import import_module
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import orjson

from modelarts_emulator.app import LARGE_BODY, Exchange, as_answer, respond
from modelarts_emulator.contract.facts import folder
from modelarts_emulator.contract.operations import Operation, Operations
from modelarts_emulator.frame.calls import Call, Stream
from modelarts_emulator.frame.registry import RESOURCES, behaviour_of, resource_of
from modelarts_emulator.http.hosts import is_loopback, reachable
from modelarts_emulator.http.request import Request
from modelarts_emulator.identity.credentials import seed_identity
from modelarts_emulator.identity.records import Caller, own_api_key, remember_own_api_key
from modelarts_emulator.obs.names import is_obs_host
from modelarts_emulator.real_time import monotonic
from modelarts_emulator.request_journal import BEGAN, note_exchange, tellable
from modelarts_emulator.request_log import RequestLog
from modelarts_emulator.serving import endpoint
from modelarts_emulator.settings import Settings
from modelarts_emulator.waiting import MANNER, NeedsThread, at_once, begun_again, refuse_to_wait
from modelarts_emulator.worlds.accounts import Worlds
from modelarts_emulator.worlds.journal import StateUnwritten
from modelarts_emulator.worlds.surroundings import Surroundings
from modelarts_emulator.worlds.world import World

if TYPE_CHECKING:
    from flask import Flask

    from modelarts_emulator.obs.application import Obs

CONTROL = "/_emulator/"
CONSOLE = "/console/"
HEALTH = ("/_emulator/health", "/_emulator/ready")
API_BODY = 12 << 20
OBS_BODY = 5 << 30
# Threads that may carry requests of a kind at once. Those that wait for a busy world are a kind for each world.
MOST_THREADS = {
    "obs": 24,
    "predictions": 24,
    "computing": 24,
    "control": 8,
    "first use": 4,
    "large bodies": 4,
    "streams": 24,
}
log = logging.getLogger("modelarts_emulator")


def create_app(settings: Settings | None = None, operations: Operations | None = None) -> "Application":
    """An emulator as a WSGI callable, its state loaded. Raises BadSchema, StateRefused or ValueError."""
    application = Application(settings or Settings.from_environment(), operations or Operations())
    application.load()
    return application


class Application:
    """One emulator: the operations, the worlds, and the WSGI callable in front of them.

    Operations and predictions are answered by the steps above; OBS, the control API and the console are applications of
    their own, imported when they are first asked. broken: what failed by our own fault, for the tests to fail on.
    is_private: whether only this machine is listened to.
    """

    def __init__(self, settings: Settings, operations: Operations):
        self.settings = settings
        self.operations = operations
        self.worlds: Worlds
        self.is_private = is_loopback(settings.host)
        self.ready = False
        self.broken: list[str] = []
        self.addresses: dict = {}
        self.obs_port = ""
        self.request_log = None if settings.log_level == "silent" else RequestLog(settings)
        self._prepared: dict[str, tuple] = {}
        self._making_ready = RLock()
        self._obs: Obs | None = None
        self._request_numbers = itertools.count(1)

    def load(self) -> None:
        """Bring back the stored worlds, or make the default one; from then on requests are answered."""
        refuse_bad_options(self.settings)
        areas = getattr(self.operations, "areas", ())
        surroundings = Surroundings(
            obs_of=lambda world: self.obs.of(world),
            obs_is_loaded=lambda: self._obs is not None and self._obs.is_loaded,
            load_obs=lambda: self.obs.worlds,
            resource_of=resource_at_hand,
            ask=self.ask,
            report=self.broken.append,
            areas=frozenset(area.full_name for area in areas),
            forget=forget_elsewhere,
        )
        worlds = Worlds(self.settings, seed_identity, surroundings)
        try:
            worlds.load()
            for world in worlds:
                with world.lock:
                    # States of earlier releases know no such key.
                    remember_own_api_key(world)
                    world.store.commit()
            if self.settings.state and Path(self.settings.state, "objects").is_dir():
                from modelarts_emulator.obs.journal import check_journals

                check_journals(Path(self.settings.state, "objects"))
        except BaseException:
            worlds.close()
            raise
        self.worlds = worlds
        try:
            if self.settings.state and any(Path(self.settings.state).glob("*.intended")):
                import_module("modelarts_emulator.intentions").finish(self)
            self.plant_seed(worlds.default)
        except BaseException:
            worlds.close()
            self.close()
            raise
        self.ready = True

    def plant_seed(self, world: World) -> None:
        """Give a fresh world what the seed file says, if there is one. BadSeed where something of it is refused."""
        if self.settings.seed_file:
            import_module("modelarts_emulator.seeding").plant(self, world, self.settings.seed_file)

    def warm(self) -> None:
        """Import what the first requests will need, and refuse schemas that say what nothing checks."""
        for name in ("contract.checking", "frame.references", "control.app"):
            import_module(f"modelarts_emulator.{name}")
        own = self.operations.folder == folder("schemas")
        Operations(None if own else self.operations.folder)

    def close(self) -> None:
        """Save where the clocks stand and let go of the state directory."""
        if self.ready:
            for world in self.worlds:
                with world.lock:
                    world.let_go()
                    try:
                        world.save()
                    except StateUnwritten:
                        log.error(
                            "the clock of world %s could not be saved: its last saved time holds", world.tag
                        )
            self.worlds.close()
        if self._obs is not None:
            self._obs.close()
        if self.request_log is not None:
            self.request_log.close()

    @property
    def obs(self) -> "Obs":
        """The object storage of all worlds."""
        if self._obs is not None:
            return self._obs
        with self._making_ready:
            if self._obs is None:
                from modelarts_emulator.obs.keys import object_storage

                self._obs = object_storage(self)
            return self._obs

    def forget_objects(self, world: World) -> int:
        """Drop what a world has in OBS; how many objects that were. Does not load OBS only to find it empty."""
        stored = self.settings.state and Path(self.settings.state, "objects").is_dir()
        return self.obs.reset(world.tag) if stored or self._obs is not None else 0

    def begin_again(self) -> None:
        """Forget all that was done: be as after `load`."""
        for world in self.worlds:
            self.forget_objects(world)
        self.worlds.begin_again()
        self.broken.clear()
        self.plant_seed(self.worlds.default)

    def environment(self, world: World) -> dict:
        """What a client needs to use a world: endpoints, region, project, keys."""
        host = reachable(self.addresses.get("host", "127.0.0.1"))
        scheme = "https" if self.settings.tls else "http"
        return {
            "endpoint": f"{scheme}://{host}:{self.addresses.get('port', 0)}",
            "obs_endpoint": f"{scheme}://{host}:{self.addresses.get('obs_port', 0)}",
            **world.environment,
            "maas_api_key": own_api_key(world),
        }

    def faults(self) -> dict:
        """What failed when it fell due: how many records in all, and the last ones of each world."""
        worlds = list(self.worlds) if self.ready else []
        last = [fault for world in worlds for fault in list(world.due.faults)]
        return {"count": sum(world.due.fault_count for world in worlds), "last": last}

    def degraded(self) -> dict[str, str]:
        """{"degraded": why} while the last change could not be written; nothing otherwise."""
        trouble = self.worlds.journal.trouble if self.ready and self.worlds.journal is not None else None
        if trouble is None and self._obs is not None:
            trouble = self._obs.trouble
        return {} if trouble is None else {"degraded": trouble}

    @cached_property
    def control(self) -> "Flask":
        """The control API, a Flask application."""
        from modelarts_emulator.control.app import create_control

        return create_control(self)

    @cached_property
    def console(self) -> "Flask":
        """The pages for people, a Flask application."""
        from modelarts_emulator.console.app import create_console

        return create_console(self)

    def prepared(self, operation: Operation) -> tuple:
        """(check, behaviour) of an operation, made on its first use."""
        found = self._prepared.get(operation.operation_id)
        if found is None:
            refuse_to_wait()
            with self._making_ready:
                from modelarts_emulator.contract.checking import Check

                found = (Check(operation, self.settings.strict_fields), behaviour_of(operation))
                self._prepared[operation.operation_id] = found
        return found

    def ask(
        self, world: World, caller: Caller, operation_id: str, path: dict[str, str], body: Any, host: str
    ) -> Any:
        """What an operation answers when the emulator asks on the caller's behalf; see World.ask."""
        operation = self.operations.by_id[operation_id]
        check, behaviour = self.prepared(operation)
        environ = {"REQUEST_METHOD": operation.method, "RAW_URI": operation.path, "HTTP_HOST": host}
        call = Call(
            operation,
            check.read_path(path),
            check.read_query(""),
            {},
            check.read_body(b"" if body is None else orjson.dumps(body)),
            caller,
            world,
            Request(environ, self.obs_port),
            self.settings,
        )
        answer = as_answer(operation, behaviour(call))
        if isinstance(answer, Stream):
            raise TypeError(f"{operation_id} streams: it can only be asked over HTTP")
        return orjson.loads(answer.body) if answer.body else None

    def begin(self, environ: dict) -> Exchange:
        """Route a request and say which threads have to carry it, if any."""
        environ[BEGAN] = monotonic()
        request = Request(environ, self.obs_port)
        request_id = f"{next(self._request_numbers):032x}"
        host = request.host.lower()
        if environ.get("SERVER_PORT") == self.obs_port or ("obs." in host and is_obs_host(host)):
            # Over TLS no loop tries to answer, and the threads of operations are for them alone.
            obs = None if self.settings.tls else self._obs
            is_quick = obs is not None and obs.is_quick(environ, host, request.raw_path)
            return Exchange(environ, "obs", "" if is_quick else "obs", OBS_BODY, request, request_id)
        path = request.raw_path
        if path.startswith(CONTROL):
            who, threads = ("health", "") if path in HEALTH else ("control", "control")
            return Exchange(environ, who, threads, API_BODY, request, request_id)
        if path.startswith(CONSOLE) or (path == "/" and "text/html" in environ.get("HTTP_ACCEPT", "")):
            return Exchange(environ, "console", "control", API_BODY, request, request_id)
        operation, values = self.operations.find(environ["REQUEST_METHOD"], path)
        if operation is None:
            if not values and path.startswith(endpoint.PREFIXES):
                return Exchange(environ, "prediction", "predictions", API_BODY, request, request_id)
            if not values and path.startswith(endpoint.PAGES):
                return Exchange(environ, "page", "pages", API_BODY, request, request_id)
            return Exchange(environ, "operation", "", API_BODY, request, request_id, None, values)
        prepared = self._prepared.get(operation.operation_id)
        if "service_id" in values and path.startswith(endpoint.PREFIXES):
            threads = "first use" if prepared is None else "computing"
            return Exchange(environ, "service", threads, API_BODY, request, request_id, operation, values)
        threads = "first use" if prepared is None else "computing" if prepared[1].computes else ""
        if not threads and request.length > LARGE_BODY:
            threads = "large bodies"
        return Exchange(environ, "operation", threads, API_BODY, request, request_id, operation, values)

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        """Answer one WSGI request."""
        return self.answer(self.begin(environ), start_response) or ()

    def answer(
        self, exchange: Exchange, start_response: Callable, hurries: bool = False
    ) -> Iterable[bytes] | None:
        """The answer to what was begun; with hurries None where it would have to wait, and a thread must ask."""
        if exchange.who == "obs":
            return self._answer_obs(exchange, self.telling(exchange, start_response), hurries)
        if exchange.who in ("control", "console"):
            flask = self.control if exchange.who == "control" else self.console
            return begun_again(flask, exchange.environ, self.telling(exchange, start_response))
        if hurries:
            try:
                MANNER.hurries = True
                status, headers, body = respond(self, exchange)
            except NeedsThread as needed:
                exchange.first = needed.first
                world = getattr(exchange, "world", None)
                exchange.threads = f"waiting for {world.tag if world else 'a world'}"
                return None
            finally:
                MANNER.hurries = False
        else:
            status, headers, body = self.respond_in_time(exchange)
        told = tellable(exchange, status, body)
        if self.request_log is not None:
            self.request_log.note(exchange, status, told)
        if self.settings.journal and self.ready and exchange.who != "health":
            note_exchange(getattr(exchange, "world", None) or self.worlds.default, exchange, status, told)
        headers.append(("X-Request-Id", exchange.request_id))
        if exchange.request.method == "HEAD" and not isinstance(body, bytes):
            body = b"".join(body)
        if isinstance(body, bytes):
            headers.append(("Content-Length", str(len(body))))
            body = [b"" if exchange.request.method == "HEAD" else body]
        start_response(STATUS_LINES.get(status) or f"{status} Answered by a model", headers)
        return body

    def _answer_obs(self, exchange: Exchange, told: Callable, hurries: bool) -> Iterable[bytes] | None:
        if not hurries:
            return self.obs(exchange.environ, told)
        pieces = at_once(self.obs, exchange.environ, told)
        # What comes in pieces is sent by those who carry OBS: who reads it slowly keeps no other stream waiting.
        exchange.threads = "" if isinstance(pieces, list | tuple) else "obs"
        return pieces

    def telling(self, exchange: Exchange, start_response: Callable) -> Callable:
        """The start_response of an application of its own, which tells the request log of the answer."""
        request_log = self.request_log
        if request_log is None:
            return start_response

        def start(status: str, headers: list, exc_info: object = None) -> Any:
            request_log.note(exchange, int(status[:3]))
            return start_response(status, headers)

        return start

    def respond_in_time(self, exchange: Exchange) -> tuple[int, list, Any]:
        """What `respond` says, begun again as often as something has to come first."""
        while True:
            if exchange.first is not None:
                exchange.first()
            try:
                return respond(self, exchange)
            except NeedsThread as needed:
                exchange.first = needed.first


def refuse_bad_options(settings: Settings) -> None:
    """ValueError for options that only the modules they are for can judge; those at their default are not asked."""
    rows = [row for row in fields(settings) if getattr(settings, row.name) != row.default]
    for name in dict.fromkeys(row.metadata["checked_by"] for row in rows):
        if name:
            import_module(name).refuse_bad_settings(settings)


def resource_at_hand(table_name: str) -> Any:
    """The kind of resource that lies in a table; NeedsThread where its area would have to be imported first."""
    if "/".join(table_name.split("/", 3)[:3]) not in RESOURCES:
        refuse_to_wait()
    return resource_of(table_name)


def forget_elsewhere(world: World, area: str) -> None:
    """Forget what belongs to records of an area that is being reset, and what they hold."""
    from modelarts_emulator.frame import capacity, references

    references.forget_belongings(world, area)
    capacity.forget_area(world, area)


def status_lines() -> dict[int, str]:
    """{status: status line} of all statuses HTTP knows, and 494 as the gateway documents it."""
    from http import HTTPStatus

    lines = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
    return lines | {494: "494 Request Headers Too Large"}


STATUS_LINES = status_lines()
