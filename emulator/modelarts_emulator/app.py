"""The path of a request: a list of named steps over one Exchange."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from modelarts_emulator.contract.errors import ApiError, ContractBroken, error_body
from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.frame.calls import Answer, Call, Stream
from modelarts_emulator.frame.registry import Behaviour
from modelarts_emulator.http.hosts import is_known_host
from modelarts_emulator.http.request import Request
from modelarts_emulator.identity.credentials import caller_for, check_credentials
from modelarts_emulator.identity.permissions import refuse_forbidden
from modelarts_emulator.identity.records import Caller
from modelarts_emulator.inference.budget import Budget
from modelarts_emulator.injection import FAULT_HEADER, PREDICTION, suffer_after, suffer_first
from modelarts_emulator.waiting import refuse_to_wait, starting_over
from modelarts_emulator.worlds.faults import HangUp
from modelarts_emulator.worlds.journal import StateUnwritten

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.contract.checking import Check
    from modelarts_emulator.worlds.faults import Fault
    from modelarts_emulator.worlds.transaction import Transaction
    from modelarts_emulator.worlds.world import World

JSON = "application/json;charset=UTF-8"
NO_CONTENT = 204
# Larger bodies are decoded as far as there is room for all of them together; a thread carries them.
LARGE_BODY = 256 << 10
# What a byte of JSON takes at worst as Python's values while it is checked, measured: bodies of nothing but {},{},{}.
BYTES_OF_BYTE = 40
BODIES = Budget(320 << 20)
log = logging.getLogger("modelarts_emulator")


@dataclass(slots=True)
class Exchange:
    """One request on its way to its answer; every step reads what the steps before have found and adds its own.

    environ: the request as WSGI has it. who: who answers it, a key of STEPS, or obs or control, which do all
    themselves. threads, body_limit: what the server wants to know, see Errand. operation, values: what was routed to,
    and the path's values; without an operation the methods that the path has. caller, world: who asks, and where.
    check, behaviour: of the operation. faults: what it suffers because somebody has asked for it, at most one; None
    until that was looked up, which a request that begins again does not do twice. refused_by: the step that ended the
    way. call: what the behaviour is handed. stay: its transaction. answer: what it has handed back. first: what a
    thread has to do before it begins the steps again. room: what it has taken of the memory for decoded bodies.
    """

    environ: dict
    who: str
    threads: str
    body_limit: int
    request: Request
    request_id: str
    operation: Operation | None = None
    values: Any = None
    first: Callable[[], object] | None = None
    caller: Caller = field(init=False)
    world: "World" = field(init=False)
    check: "Check" = field(init=False)
    behaviour: Behaviour = field(init=False)
    faults: "list[Fault] | None" = None
    refused_by: str = ""
    call: Call = field(init=False)
    stay: "Transaction | None" = None
    room: int = 0
    answer: Answer | Stream = field(init=False)

    @property
    def asked(self) -> Operation:
        """The operation, once it is known that the request means one."""
        if self.operation is None:
            raise LookupError("the request means no operation")
        return self.operation


def refuse_broken(app: "Application", exchange: Exchange) -> None:
    """Refuse a request of which the server did not read all."""
    refusal = exchange.environ.get("emulator.refusal")
    if refusal:
        raise ApiError(refusal[0], refusal[2], status=refusal[1])


def refuse_foreign_host(app: "Application", exchange: Exchange) -> None:
    """403 for a name that is not this machine's where only this machine is listened to: a web page whose name is made
    to resolve to loopback would be let in by any credential. Under strict it knows none.
    """
    host, settings = exchange.request.host, app.settings
    if not app.is_private or settings.auth == "strict" or is_known_host(host, settings.allowed_hosts):
        return
    words = f"it is {host[:80]}; use localhost or an address, or start with --allowed-hosts {host[:80]}"
    raise ApiError("Emulator.ForeignHost", words)


def refuse_unknown(app: "Application", exchange: Exchange) -> None:
    """404 that names the nearest operations, 405 that names the allowed methods."""
    if exchange.operation is not None:
        return
    request, methods = exchange.request, exchange.values
    if methods:
        words = f"{request.raw_path} takes {' or '.join(methods)}, not {request.method}"
        raise ApiError("APIG.0101", words, status=405, headers={"Allow": ", ".join(methods)})
    path, _, query = request.raw_path.partition("&")
    if query and app.operations.find(request.method, path)[0] is not None:
        words = f"the query begins with ?, not with &: write {path}?{query}"
        raise ApiError(
            "APIG.0101", f"{request.method} {request.raw_path} is not a documented operation; {words}"
        )
    nearest = app.operations.nearest(request.method, request.raw_path)
    hint = f"nearest: {'; '.join(nearest)}" if nearest else "GET /_emulator/operations lists all"
    raise ApiError("APIG.0101", f"{request.method} {request.raw_path} is not a documented operation; {hint}")


def refuse_early(app: "Application", exchange: Exchange) -> None:
    """503 while the state is being loaded."""
    if not app.ready:
        raise ApiError("Emulator.NotReady", "ask GET /_emulator/ready first", headers={"Retry-After": "1"})


def recognise_caller(app: "Application", exchange: Exchange) -> None:
    """Find out who asks and in which world; refused in the words of the operation's area."""
    exchange.caller = check_credentials(app, exchange.request, exchange.asked)
    exchange.world = app.worlds.by_account(exchange.caller.account_id)


def make_ready(app: "Application", exchange: Exchange) -> None:
    """Have the operation's checks compiled and its area imported."""
    exchange.check, exchange.behaviour = app.prepared(exchange.asked)


def suffer_fault(app: "Application", exchange: Exchange) -> None:
    """Let the request suffer the fault that its header names, or the first of the world's that strikes it."""
    if FAULT_HEADER in exchange.environ or exchange.world.faults:
        suffer_first(exchange, exchange.world, exchange.asked.operation_id, exchange.asked.service)


def take_room(app: "Application", exchange: Exchange) -> None:
    """Wait until there is room for what a large body becomes when it is decoded, beside those of all other requests."""
    if exchange.request.length <= LARGE_BODY:
        return
    refuse_to_wait()
    size = exchange.request.length * BYTES_OF_BYTE
    BODIES.take(size)
    exchange.room = size


def read_request(app: "Application", exchange: Exchange) -> None:
    """Check path, query, headers and body, and make the call of them."""
    check, request = exchange.check, exchange.request
    exchange.call = Call(
        exchange.asked,
        check.read_path(exchange.values),
        check.read_query(request.raw_query),
        check.read_headers(request),
        check.read_body(request.body, request.charset),
        exchange.caller,
        exchange.world,
        request,
        app.settings,
    )


def check_permission(app: "Application", exchange: Exchange) -> None:
    """Refuse a user whose policies do not let them carry the operation out."""
    refuse_forbidden(exchange.caller, exchange.world, exchange.asked, exchange.call.body)


def behave(app: "Application", exchange: Exchange) -> None:
    """Do what the operation does: in one transaction of the world, unless it computes and takes its own."""
    stay = exchange.stay = exchange.world.transaction()
    if exchange.behaviour.computes:
        stay.before = stay.after = exchange.world.past.position
        try:
            exchange.answer = as_answer(exchange.asked, exchange.behaviour(exchange.call))
        finally:
            stay.after = exchange.world.past.position
        return
    with stay:
        exchange.answer = as_answer(exchange.asked, exchange.behaviour(exchange.call))


def check_answer(app: "Application", exchange: Exchange) -> None:
    """ContractBroken when the answer does not fit its schema; a file that is no JSON has none."""
    answer = exchange.answer
    if not app.settings.check_answers or isinstance(answer, Stream):
        return
    if "json" not in answer.headers.get("Content-Type", JSON):
        return
    try:
        body = orjson.loads(answer.body) if answer.body else None
    except ValueError:
        words = f"{exchange.asked.operation_id} answers {answer.body[:80]!r}, which is not JSON"
        raise ContractBroken(words) from None
    exchange.check.check_answer(answer.status or exchange.asked.success, body)


def spoil_answer(app: "Application", exchange: Exchange) -> None:
    """Leave of the answer what the fault leaves of it."""
    for fault in exchange.faults or ():
        exchange.answer = suffer_after(fault, exchange.answer)


def predict(app: "Application", exchange: Exchange) -> None:
    """What a deployed model answers to a prediction, which is not a documented operation."""
    from modelarts_emulator.serving.gateway import predict

    def suffer(world: "World", service: str) -> None:
        exchange.world = world
        if FAULT_HEADER in exchange.environ or world.faults:
            suffer_first(exchange, world, PREDICTION, service)

    status, headers, body = predict(app, exchange.request, suffer)
    exchange.answer = Answer(body, status, dict(headers))


def show_page(app: "Application", exchange: Exchange) -> None:
    """What the program says that shows a record's page to people."""
    from modelarts_emulator.serving import pages

    exchange.world, status, headers, body = pages.answer(app, exchange.request)
    exchange.answer = Answer(body, status, headers)


def answer_for_service(app: "Application", exchange: Exchange) -> None:
    """What the operation says where the service serves a language model; any other service answers as it likes."""
    from modelarts_emulator.serving.gateway import hold_to_limits, is_language, open_to_all

    id = exchange.values["service_id"]
    if not is_language(app, id):
        predict(app, exchange)
        return
    proof = open_to_all(app, id)
    if proof is None:
        recognise_caller(app, exchange)
    else:
        exchange.caller = caller_for(proof, exchange.request, exchange.asked.access, None)
        exchange.world = proof.world
    hold_to_limits(app, id, exchange.request)
    for step in (make_ready, suffer_fault, read_request, behave, check_answer):
        step(app, exchange)


def tell_health(app: "Application", exchange: Exchange) -> None:
    """health: the process lives, and what failed in it. ready: 200 once the state is loaded, 503 before."""
    if exchange.request.raw_path == "/_emulator/ready":
        told = {"ready": app.ready, **app.degraded()}
        exchange.answer = Answer(orjson.dumps(told), 200 if app.ready else 503)
        return
    told = {"status": "alive", "operations": len(app.operations), "faults": app.faults()}
    exchange.answer = Answer(orjson.dumps(told), 200)


STEPS: dict[str, tuple[Callable[["Application", Exchange], None], ...]] = {
    "operation": (
        refuse_broken,
        refuse_foreign_host,
        refuse_unknown,
        refuse_early,
        recognise_caller,
        make_ready,
        suffer_fault,
        take_room,
        read_request,
        check_permission,
        behave,
        check_answer,
        spoil_answer,
    ),
    "prediction": (refuse_broken, refuse_foreign_host, refuse_early, predict, spoil_answer),
    "service": (refuse_broken, refuse_foreign_host, refuse_early, answer_for_service, spoil_answer),
    "page": (refuse_broken, refuse_foreign_host, refuse_early, show_page),
    "health": (refuse_broken, tell_health),
}


def respond(app: "Application", exchange: Exchange) -> tuple[int, list, Any]:
    """(status, headers, body) of a request: body is bytes, or an iterable of bytes for a stream.

    NeedsThread where something would keep others waiting; then nothing has been done.
    """
    try:
        return taken_steps(app, exchange)
    finally:
        # By now nobody has the decoded body any more: not even the error that has refused it.
        if exchange.room:
            BODIES.give_back(exchange.room)
            exchange.room = 0


def taken_steps(app: "Application", exchange: Exchange) -> tuple[int, list, Any]:
    """What the steps come to, or the first of them that refuses."""
    try:
        with starting_over():
            for step in STEPS[exchange.who]:
                step(app, exchange)
    except ApiError as error:
        exchange.refused_by = step.__name__
        return refused_answer(error, exchange)
    except HangUp:
        raise
    except StateUnwritten as error:
        return refused_answer(ApiError("Emulator.StateUnwritten", str(error)), exchange)
    except Exception as error:
        name = f"{exchange.request.method} {exchange.request.raw_path}"
        log.exception("%s failed", name)
        app.broken.append(f"{name}: {type(error).__name__}: {error}")
        where = exchange.operation.operation_id if exchange.operation else "the front"
        internal = ApiError("Emulator.Internal", f"{type(error).__name__} in {where}")
        return refused_answer(internal, exchange)
    answer = exchange.answer
    if exchange.room:
        del exchange.call
    if isinstance(answer, Stream):
        return 200, [("Content-Type", answer.content_type), *answer.headers.items()], answer.frames
    status = 200 if answer.status is None else answer.status
    if "Content-Type" in answer.headers:
        return status, list(answer.headers.items()), answer.body
    return status, [("Content-Type", JSON), *answer.headers.items()], answer.body


def refused_answer(error: ApiError, exchange: Exchange) -> tuple[int, list, bytes]:
    """The documented answer to a refusal."""
    body = orjson.dumps(error_body(error, exchange.operation, exchange.request_id))
    return error.status, [("Content-Type", JSON), *error.headers.items()], body


def as_answer(operation: Operation, answer: Any) -> Answer | Stream:
    """What a behaviour handed back, as a status, headers and JSON text."""
    if isinstance(answer, Stream):
        return answer
    if not isinstance(answer, Answer):
        answer = Answer(answer)
    if answer.status is None:
        answer.status = operation.success
    if answer.body is None or answer.status == NO_CONTENT:
        answer.body = b""
    elif not isinstance(answer.body, bytes):
        answer.body = orjson.dumps(answer.body)
    return answer
