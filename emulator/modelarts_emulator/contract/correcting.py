"""A body that would have been right, as near as possible to one that is not: for explanations, never for requests."""

import copy
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from modelarts_emulator.contract.explaining import kind_of, leaves, meant, sorted_errors

MOST_ROUNDS = 40
PLAIN = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}, "null": None}


def corrected(schema: dict, value: Any) -> Any:
    """A copy of the value in which what breaks the schema is put right; None when that does not come to an end.

    What was meant goes first (letter case, numbers as text), then the nearest value that is allowed, then an example.
    """
    holder = [copy.deepcopy(value)]
    for _ in range(MOST_ROUNDS):
        errors = sorted_errors(schema, holder[0])
        if not errors:
            return holder[0]
        if not any(put_right(holder, leaf) for leaf in leaves(errors[0])):
            return None
    return None


def put_right(holder: list, error: Any) -> bool:
    """Change the value in its holder so that it no longer breaks this rule; False where that cannot be said."""
    steps = [0, *error.absolute_path]
    place: Any = holder
    for step in steps[:-1]:
        place = place[step]
    right = meant(error)
    if right is None:
        nearest = NEAREST.get(error.validator)
        right = None if nearest is None else nearest(error)
    if right is None:
        return False
    place[steps[-1]] = right
    return True


def example_of(schema: dict) -> Any:
    """A value of a schema: its example, default or first choice, else the plainest of its type."""
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    if "default" in schema:
        return schema["default"]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "string" and schema.get("minLength"):
        return "x" * schema["minLength"]
    if kind in ("integer", "number") and "minimum" in schema:
        return schema["minimum"]
    return copy.deepcopy(PLAIN[kind])


def _required(error: Any) -> Any:
    sent, properties = dict(error.instance), error.schema.get("properties", {})
    for name in error.validator_value:
        if name not in sent:
            unknown = [each for each in sent if each not in properties]
            close = get_close_matches(name, unknown, 1, 0.6)
            sent[name] = sent.pop(close[0]) if close else example_of(properties.get(name, {}))
    return sent


def _enum(error: Any) -> Any:
    texts = {str(value): value for value in error.validator_value}
    close = get_close_matches(str(error.instance), list(texts), 1, 0)
    return texts[close[0]] if close else error.validator_value[0]


def _type(error: Any) -> Any:
    rule = error.validator_value
    kinds = [rule] if isinstance(rule, str) else rule
    if "array" in kinds and kind_of(error.instance) != "array":
        return [error.instance]
    return example_of({**error.schema, "type": kinds[0]})


def _length(error: Any) -> Any:
    sent, rule = error.instance, error.validator_value
    return sent[:rule] if len(sent) > rule else sent + "x" * (rule - len(sent))


def _rounded(error: Any) -> Any:
    rule = error.validator_value
    return round(error.instance / rule) * rule


NEAREST: dict[str, Callable[[Any], Any]] = {
    "required": _required,
    "enum": _enum,
    "const": lambda error: error.validator_value,
    "type": _type,
    "minimum": lambda error: error.validator_value,
    "maximum": lambda error: error.validator_value,
    "exclusiveMinimum": lambda error: error.validator_value + 1,
    "exclusiveMaximum": lambda error: error.validator_value - 1,
    "multipleOf": _rounded,
    "maxLength": _length,
    "minLength": _length,
    "maxItems": lambda error: error.instance[: error.validator_value],
    "uniqueItems": lambda error: [
        each for at, each in enumerate(error.instance) if each not in error.instance[:at]
    ],
}
