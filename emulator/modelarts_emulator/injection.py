"""What a request suffers from a fault that was asked for: a refusal, a wait, a cut answer, a closed connection."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import orjson

from modelarts_emulator.contract.errors import (
    ApiError,
    documented_errors,
    error_facts,
    is_code_of,
    statuses_of,
)
from modelarts_emulator.frame.calls import Answer, Stream
from modelarts_emulator.real_time import pause
from modelarts_emulator.waiting import refuse_to_wait
from modelarts_emulator.worlds.clock import seconds_of
from modelarts_emulator.worlds.faults import Fault, HangUp, Pieces, cut

if TYPE_CHECKING:
    from modelarts_emulator.app import Exchange
    from modelarts_emulator.worlds.world import World

FAULT_HEADER = "HTTP_X_EMULATOR_FAULT"
PREDICTION = "prediction"
# Codes of the gateway for statuses of which the operation itself need not know.
GATEWAY_CODES = {
    413: "APIG.0201",
    429: "APIG.0308",
    500: "APIG.0601",
    502: "APIG.0201",
    503: "APIG.0613",
    504: "APIG.0201",
}


def said_by(exchange: "Exchange") -> dict[str, Any]:
    """What the path, the query and the JSON body of a request say."""
    query = dict(pair.partition("=")[::2] for pair in exchange.request.raw_query.split("&") if pair)
    try:
        body = orjson.loads(exchange.request.body) if exchange.request.body else None
    except ValueError:
        body = None
    return {"path": dict(exchange.values or {}), "query": query, "body": body}


def suffer_first(exchange: "Exchange", world: "World", operation: str, service: str) -> None:
    """Look up the fault that a request suffers, once, and let it suffer what comes before it is carried out."""
    if exchange.faults is None:
        fault = fault_of(exchange, world, operation, service)
        exchange.faults = [] if fault is None else [fault]
    for fault in exchange.faults:
        suffer_before(fault)


def suffer_before(fault: Fault) -> None:
    """What a request suffers before it is carried out: a wait in real time, a closed connection, a refusal.

    NeedsThread where that would keep others waiting.
    """
    if fault.latency or fault.drop or fault.truncate is not None:
        refuse_to_wait()
    if fault.latency:
        pause(fault.latency)
    if fault.drop == "request":
        raise HangUp(f"{fault.id} closes the connection")
    if fault.code is not None or fault.status is not None or fault.bucket is not None:
        raise refusal_of(fault)


def refusal_of(fault: Fault) -> ApiError:
    """The documented refusal that a fault stands for."""
    status = fault.status or (429 if fault.bucket is not None else None)
    code = fault.code or GATEWAY_CODES[status or 500]
    status = status or statuses_of(error_facts(code))[0]
    headers = {}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(fault.retry_after)))
    return ApiError(code, status=status, headers=headers)


def suffer_after(fault: Fault, answer: Answer | Stream) -> Answer | Stream:
    """The answer that is left of a request that has been carried out."""
    if fault.drop == "answer":
        raise HangUp(f"{fault.id} closes the connection before the answer")
    if fault.truncate is not None and isinstance(answer, Answer):
        content = answer.body or b""
        headers = {"Content-Type": "application/json;charset=UTF-8", **answer.headers}
        length = {"Content-Length": str(len(content))}
        return Answer(Pieces(cut(iter([content[: fault.truncate]]), 1)), answer.status, {**headers, **length})
    if fault.cut_after is not None and isinstance(answer, Stream):
        return Stream(cut(iter(answer.frames), fault.cut_after), answer.content_type, answer.headers)
    return answer


def fault_of(exchange: "Exchange", world: "World", operation: str, service: str) -> Fault | None:
    """The fault that a request suffers: the one that its header names, else the first of the world's that strikes it.

    ApiError for a header that names none.
    """
    header = exchange.environ.get(FAULT_HEADER)
    if header is None:
        return world.faults.that_strikes(operation, lambda: said_by(exchange), world.clock.now())
    fault = fault_in_header(header)
    problem = problem_of_code(fault, {service})
    if problem is not None:
        refuse_header(problem)
    return fault


def fault_in_header(header: str) -> Fault:
    """The fault that a header names: `code=ModelArts.0210`, `status=503; latency=2s`, `drop=answer`, `cut_after=3`."""
    fault, effects = Fault("header", "*"), {}
    for part in filter(str.strip, header.split(";")):
        name, mark, value = part.strip().partition("=")
        if not mark:
            name, value = (
                ("drop", "request") if name == "drop" else ("status" if name.isdecimal() else "code", name)
            )
        if name not in EFFECTS:
            refuse_header(f"{name!r} is not one of {', '.join(EFFECTS)}")
        effects[name] = value
    try:
        for name, value in effects.items():
            setattr(fault, name, EFFECTS[name](value))
    except ValueError as error:
        refuse_header(str(error))
    if not effects.keys() - {"retry_after"}:
        refuse_header(f"a fault needs one of {', '.join(name for name in EFFECTS if name != 'retry_after')}")
    return fault


def refuse_header(words: str) -> NoReturn:
    """ApiError for a header that names no fault."""
    raise ApiError("Emulator.BadControl", f"X-Emulator-Fault: {words}")


def dropped(value: str) -> str:
    """When a connection is closed. ValueError for anything but request and answer."""
    if value not in ("request", "answer"):
        raise ValueError(f"drop is {value!r}, must be request or answer")
    return value


def counted(value: str) -> int:
    """A status or a number of bytes or frames. ValueError for anything but a whole number."""
    if not (value.isascii() and value.isdecimal() and len(value) < 10):
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


EFFECTS: dict[str, Callable[[str], Any]] = {
    "code": str,
    "status": counted,
    "latency": seconds_of,
    "retry_after": seconds_of,
    "drop": dropped,
    "truncate": counted,
    "cut_after": counted,
}


def problem_of_code(fault: Fault, services: set[str]) -> str | None:
    """What is wrong with the code and status of a fault of operations of these services; None when nothing is."""
    if fault.code is None:
        known = ", ".join(map(str, GATEWAY_CODES))
        return (
            None
            if fault.status in (None, *GATEWAY_CODES)
            else f"$.status: without a code it is one of {known}"
        )
    facts = documented_errors().get(fault.code)
    if facts is None:
        return f"$.code: {fault.code} is documented nowhere"
    if not is_code_of(facts, services):
        owners = ", ".join(sorted(services))
        return f"$.code: {fault.code} is a code of {facts['service']}, the operation is of {owners}"
    statuses = statuses_of(facts)
    if fault.status not in (None, *statuses):
        return f"$.status: {fault.code} has {' or '.join(map(str, sorted(statuses)))}"
    return None
