"""What stands for a value in a workflow: `$ref/parameters/name`, `$ref/steps/name/outputs/name`, and conditions."""

import operator
from collections.abc import Iterator
from typing import Any, NamedTuple

MARK = "$ref/"
PLACES = ("parameters", "data", "data_requirements", "storages", "steps")
OPERATORS = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
    "in": lambda left, right: left in right, "or": lambda left, right: bool(left or right),
}  # fmt: skip


class Unresolved(ValueError):
    """A reference to what has no value, and why."""


class Scope(NamedTuple):
    """What references can stand for: {name: value} of each place; of a step {output: value}, None if it did not run."""

    parameters: dict[str, Any]
    data: dict[str, Any]
    data_requirements: dict[str, Any]
    storages: dict[str, str]
    steps: dict[str, dict[str, Any] | None]


def references_in(value: Any) -> Iterator[str]:
    """All references in a JSON value, without the mark."""
    if isinstance(value, str):
        if value.startswith(MARK):
            yield value[len(MARK) :]
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from references_in(each)


def resolve(value: Any, scope: Scope) -> Any:
    """The JSON value with what its references stand for. Unresolved where one has no value."""
    if isinstance(value, str):
        return value_of(value[len(MARK) :], scope) if value.startswith(MARK) else value
    if isinstance(value, dict):
        return {name: resolve(each, scope) for name, each in value.items()}
    return [resolve(each, scope) for each in value] if isinstance(value, list) else value


def value_of(reference: str, scope: Scope) -> Any:
    """What a reference stands for; what follows the name of a storage is a path in it."""
    place, name, *rest = (*reference.split("/"), "")
    rest = [part for part in rest if part]
    values = getattr(scope, place, None) if place in PLACES else None
    if values is None or values.get(name) is None:
        raise Unresolved(f"{MARK}{reference} has no value")
    value = values[name]
    if place == "storages":
        return "/".join([value.rstrip("/"), *rest]) + ("/" if reference.endswith("/") or not rest else "")
    for part in rest:
        if not isinstance(value, dict) or part not in value:
            raise Unresolved(f"{MARK}{reference} has no value: there is no {part}")
        value = value[part]
    return value


def first_resolved(values: list, scope: Scope) -> Any:
    """The first of several values whose references all have one: of branches, the one that ran."""
    for value in values:
        try:
            return resolve(value, scope)
        except Unresolved:
            continue
    raise Unresolved("none of the values to choose from is there")


def holds(condition: dict, scope: Scope, metric: Any) -> bool:
    """Whether a condition is met. metric: a function (place, key) -> a figure that a step has written.

    Unresolved where a side has no value, or where the sides cannot be compared.
    """
    left, right = (side_of(condition.get(side), scope, metric) for side in ("left", "right"))
    try:
        return bool(OPERATORS[condition["type"]](left, right))
    except TypeError as error:
        raise Unresolved(f"{left!r} {condition['type']} {right!r} cannot be decided: {error}") from None


def side_of(value: Any, scope: Scope, metric: Any) -> Any:
    """What one side of a condition stands for: a value, a condition in it, or a figure that a step has written."""
    if isinstance(value, dict) and "type" in value and "left" in value:
        return holds(value, scope, metric)
    if isinstance(value, dict) and "json_key" in value:
        return metric(resolve(value["input_data"], scope), value["json_key"])
    return resolve(value, scope)
