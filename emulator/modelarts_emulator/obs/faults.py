"""What a request to OBS suffers from a fault that was asked for."""

import math
from fnmatch import fnmatchcase
from typing import Any

from modelarts_emulator.obs.refusals import ObsError, status_and_words
from modelarts_emulator.obs.replies import Reply
from modelarts_emulator.real_time import pause
from modelarts_emulator.worlds.faults import Fault, HangUp, Pieces, cut

# OBS's codes for statuses that were asked for without one.
STATUS_CODES = {500: "InternalError", 503: "ServiceUnavailable"}
METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS")
SCOPES = ("service", "bucket", "object")


def name_of(request: Any) -> str:
    """What faults call the request: `obs:METHOD object`, bucket or service."""
    scope = "object" if request.key else "bucket" if request.bucket else "service"
    return f"obs:{request.method} {scope}"


def said_by(request: Any) -> dict:
    """What the path and the query of a request say."""
    return {"path": {"bucket": request.bucket, "key": request.key}, "query": request.query}


def suffer_before(fault: Fault) -> None:
    """What a request suffers before it is carried out."""
    pause(fault.latency)
    if fault.drop == "request":
        raise HangUp(f"{fault.id} closes the connection")
    if fault.code is not None or fault.status is not None or fault.bucket is not None:
        code = fault.code or STATUS_CODES[fault.status or 503]
        headers = {}
        if fault.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(fault.retry_after)))
        raise ObsError(code, "", headers)


def suffer_after(fault: Fault, reply: Reply) -> Reply:
    """The answer that is left of a request that has been carried out."""
    if fault.drop == "answer":
        raise HangUp(f"{fault.id} closes the connection before the answer")
    if fault.truncate is not None:
        content = reply.content()
        reply.length = len(content)
        reply.pieces = Pieces(cut(iter([content[: fault.truncate]]), 1))
    return reply


def problem_of(fault: Fault) -> str | None:
    """Why no request to OBS could suffer that; None when one could."""
    if not any(fnmatchcase(f"obs:{each} {scope}", fault.operation) for each in METHODS for scope in SCOPES):
        return f"$.operation: {fault.operation} is not obs:METHOD {'|'.join(SCOPES)}, METHOD of {', '.join(METHODS)}"
    if fault.cut_after is not None:
        return "$.cut_after: OBS answers no frames; truncate cuts its answers after so many bytes"
    if "body" in fault.when:
        return "$.when.body: bodies sent to OBS are not read; take path (bucket, key) and query"
    if fault.code is None:
        known = " or ".join(map(str, STATUS_CODES))
        return (
            None if fault.status in (None, *STATUS_CODES) else f"$.status: OBS takes {known} without a code"
        )
    try:
        status, _ = status_and_words(fault.code)
    except KeyError:
        return f"$.code: OBS has no code {fault.code}"
    return None if fault.status in (None, status) else f"$.status: {fault.code} has {status}"
