"""Requests for many things at once: each has a result of its own, and what cannot be fails nothing else."""

from collections.abc import Callable, Iterable
from typing import Any

from modelarts_emulator.contract.errors import ApiError


def results_of(items: Iterable[Any], do: Callable[[Any], dict | None]) -> dict:
    """The answer to a request for many: do(item) refuses with ApiError, or returns what its result says beside that."""
    results = [result_of(item, do) for item in items]
    return {"success": all(each["success"] for each in results), "results": results}


def result_of(item: Any, do: Callable[[Any], dict | None]) -> dict:
    """The result for one item."""
    try:
        return {"success": True, **(do(item) or {})}
    except ApiError as error:
        return {"success": False, "error_code": error.code, "error_msg": error.message}
