"""Why a value does not fit its schema, in words; and what was meant, where the API is known to be lenient."""

import copy
import re
import reprlib
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from itertools import islice
from typing import Any

from modelarts_emulator.contract.patterns import for_python, for_rust, patterns_of
from modelarts_emulator.waiting import refuse_to_wait

WHOLE = re.compile(r"-?[0-9]{1,30}")
NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,3})?")
MOST_MENDED = 1000
MOST_ALTERNATIVES = 3
MOST_COMPARED = 50
MOST_TOLD = 5


def explain(schema: dict, value: Any, root: str, most: int = MOST_TOLD) -> list[str]:
    """A sentence a fault: where the value leaves the schema, which rule, what was sent, what would be right.

    The first `most` of them. What leniency mends is told only where nothing else is wrong. None when jsonschema finds
    nothing wrong or gives up because the value is nested too deeply.
    """
    try:
        errors = sorted_errors(schema, value)
        errors = [error for error in errors if not is_mendable(error)] or errors
        sentences: dict[str, None] = {}
        for error in errors:
            if len(sentences) == most:
                break
            sentences[told(error, root)] = None
        return list(sentences)
    except RecursionError:
        return []


def explain_fast(schema: dict, validator: Any, value: Any, root: str) -> str:
    """The same in the words of jsonschema-rs: for values so large that jsonschema would take long."""
    from jsonschema_rs import ValidationError

    try:
        validator.validate(value)
    except ValidationError as error:
        short = error.message if len(error.message) < 300 else f"breaks the rule {error.schema_path[-1]}"
        if error.schema_path[-1] == "pattern" and hasattr(error.kind, "pattern"):
            short = f"{shown(error.instance)} does not match {pattern_of(schema, error)}"
        return f"{path_of(error.instance_path, root)}: {short}"
    raise ValueError("a value that fits its schema cannot be explained")


def pattern_of(schema: dict, error: Any) -> str:
    """The pattern an error of jsonschema-rs is about, as the schema has it."""
    written = {for_rust(pattern): pattern for pattern in patterns_of(schema)}
    return str(written.get(error.kind.pattern, error.kind.pattern))


def lenient(schema: dict, value: Any) -> Any:
    """A copy with numbers as text, text as numbers and letter case put right; None if that is not all.

    The result still has to be validated: a mended value may break a further rule.
    """
    try:
        mended = copy.deepcopy(value)
        for error in sorted_errors(schema, value):
            if not any(mend(mended, leaf) for leaf in leaves(error)):
                return None
        return mended
    except RecursionError:
        return None


def sorted_errors(schema: dict, value: Any) -> list:
    """The first errors of jsonschema, the outermost and the wrong types in front."""
    errors = islice(validator_class()(schema).iter_errors(value), MOST_MENDED)
    return sorted(errors, key=lambda error: (len(error.absolute_path), error.validator != "type"))


@cache
def validator_class() -> Any:
    """jsonschema's validator, which finds in patterns what jsonschema-rs does and knows our own keywords."""
    refuse_to_wait()
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def pattern(_: Any, rule: str, sent: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(sent, str) and not for_python(rule).search(sent):
            yield ValidationError(f"{sent!r} does not match {rule!r}")

    def numeric_range(_: Any, rule: list, sent: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(sent, str) and not in_numeric_range(sent, rule):
            yield ValidationError(f"{sent!r} is not a whole number from {rule[0]} to {rule[1]}")

    return extend(Draft202012Validator, {"pattern": pattern, "x-numeric-range": numeric_range})


def in_numeric_range(text: str, limits: list) -> bool:
    """Whether the text is a whole number between the limits; empty text counts as not given."""
    return text == "" or (bool(WHOLE.fullmatch(text)) and limits[0] <= int(text) <= limits[1])


def leaves(error: Any) -> list:
    """The errors at the bottom of a tree of alternatives."""
    if not error.context:
        return [error]
    return [leaf for child in error.context for leaf in leaves(child)]


def told(error: Any, root: str) -> str:
    """Where the error is and what it is; where alternatives are left, what keeps it from each of them."""
    place = path_of(error.absolute_path, root)
    if not error.context:
        return f"{place}: {sentence(error)}"
    branches: dict[int, list] = {}
    for child in error.context:
        branches.setdefault(child.schema_path[0], []).append(child)
    right_kind = [
        errors for errors in branches.values() if not any(is_kind_error(child, error) for child in errors)
    ]
    if not right_kind:
        rules = [child.validator_value for child in error.context if is_kind_error(child, error)]
        kinds = dict.fromkeys(kind for rule in rules for kind in ([rule] if isinstance(rule, str) else rule))
        sent = error.instance
        return f"{place}: {shown(sent)} is of type {kind_of(sent)}, must be {' or '.join(kinds)}"
    closest = sorted(right_kind, key=lambda errors: len({tuple(child.absolute_path) for child in errors}))
    specific = [
        max(errors, key=lambda child: (len(child.absolute_path), child.validator == "type"))
        for errors in closest[:MOST_ALTERNATIVES]
    ]
    words = list(dict.fromkeys(told(child, root) for child in specific))
    if len(words) == 1:
        return words[0]
    return f"{place}: fits none of the documented alternatives: {'; or '.join(words)}"


def is_kind_error(child: Any, parent: Any) -> bool:
    """Whether the alternative is out already because the value is of another type."""
    return bool(child.validator == "type" and child.absolute_path == parent.absolute_path)


def mend(value: Any, error: Any) -> bool:
    """Put right what the error says at its place in the value; False where leniency does not reach."""
    steps = list(error.absolute_path)
    right = meant(error)
    if right is None or not steps:
        return False
    for step in steps[:-1]:
        value = value[step]
    value[steps[-1]] = right
    return True


def is_mendable(error: Any) -> bool:
    """Whether leniency could put the error right."""
    return bool(error.absolute_path) and any(meant(leaf) is not None for leaf in leaves(error))


def meant(error: Any) -> Any:
    """The value that was meant; None when that cannot be said."""
    sent, rule = error.instance, error.validator_value
    if error.validator == "type":
        kinds = [rule] if isinstance(rule, str) else rule
        if isinstance(sent, str) and "integer" in kinds and WHOLE.fullmatch(sent.strip()):
            return int(sent)
        if isinstance(sent, str) and "number" in kinds and NUMBER.fullmatch(sent.strip()):
            return float(sent)
        if isinstance(sent, str) and "boolean" in kinds and sent.lower() in ("true", "false"):
            return sent.lower() == "true"
        if isinstance(sent, int | float) and not isinstance(sent, bool) and "string" in kinds:
            return str(sent)
    if error.validator == "enum" and isinstance(sent, str):
        same = [value for value in rule if isinstance(value, str) and value.lower() == sent.lower()]
        return same[0] if same else None
    return None


def path_of(steps: Iterable, root: str) -> str:
    """The JSON path of these steps below root."""
    return root + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def sentence(error: Any) -> str:
    """The broken rule, the value and the nearest valid one."""
    rule, sent = error.validator_value, error.instance
    words = SENTENCES.get(error.validator)
    if words is None:
        return f"{shown(sent)} breaks the rule {error.validator} {shown(rule)}"
    return words(rule, sent, error)


def shown(value: Any) -> str:
    """The value, shortened."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = 80
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else short.repr(value)


def kind_of(value: Any) -> str:
    """The JSON name of the value's type."""
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return names.get(type(value), "null")


def _type(rule: Any, sent: Any, error: Any) -> str:
    kinds = " or ".join([rule] if isinstance(rule, str) else rule)
    return f"{shown(sent)} is of type {kind_of(sent)}, must be {kinds}{_example(error.schema)}"


def _example(schema: dict) -> str:
    values = (
        schema.get("examples") or schema.get("enum") or ([schema["default"]] if "default" in schema else [])
    )
    return f", such as {shown(values[0])}" if values else ""


def _enum(rule: list, sent: Any, _: Any) -> str:
    close = get_close_matches(str(sent), [str(value) for value in rule], 1, 0.5)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"{shown(sent)} is not one of {', '.join(str(value) for value in rule)}{hint}"


def _required(rule: list, sent: dict, error: Any) -> str:
    missing = [name for name in rule if name not in sent]
    unknown = [name for name in islice(sent, MOST_COMPARED) if name not in error.schema.get("properties", {})]
    close = get_close_matches(missing[0], unknown, 1, 0.6)
    hint = f"; it was sent as {close[0]!r}" if close else ""
    return f"{', '.join(missing)} is required and missing{hint}"


def _length(rule: int, sent: str, error: Any) -> str:
    word = {"maxLength": "at most", "minLength": "at least"}[error.validator]
    return f"{shown(sent)} has {len(sent)} characters, must have {word} {rule}"


def _count(rule: int, sent: list, error: Any) -> str:
    word = {"maxItems": "at most", "minItems": "at least"}[error.validator]
    return f"has {len(sent)} items, must have {word} {rule}"


def _members(rule: int, sent: dict, error: Any) -> str:
    word = {"maxProperties": "at most", "minProperties": "at least"}[error.validator]
    return f"has {len(sent)} members, must have {word} {rule}"


SENTENCES: dict[str, Callable[[Any, Any, Any], str]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda rule, sent, _: f"{shown(sent)} must be {shown(rule)}",
    "required": _required,
    "minimum": lambda rule, sent, _: f"{shown(sent)} is below the minimum; the nearest valid value is {rule}",
    "maximum": lambda rule, sent, _: f"{shown(sent)} is above the maximum; the nearest valid value is {rule}",
    "exclusiveMinimum": lambda rule, sent, _: f"{shown(sent)} must be greater than {rule}",
    "exclusiveMaximum": lambda rule, sent, _: f"{shown(sent)} must be less than {rule}",
    "multipleOf": lambda rule, sent, _: (
        f"{shown(sent)} is not a multiple of {rule}; the nearest is {round(sent / rule) * rule}"
    ),
    "pattern": lambda rule, sent, _: f"{shown(sent)} does not match {rule}",
    "maxLength": _length,
    "minLength": _length,
    "maxItems": _count,
    "minItems": _count,
    "maxProperties": _members,
    "minProperties": _members,
    "uniqueItems": lambda rule, sent, _: f"{shown(sent)} holds the same item twice",
    "additionalProperties": lambda rule, sent, error: error.message,
    "dependentRequired": lambda rule, sent, error: error.message,
    "anyOf": lambda rule, sent, _: f"{shown(sent)} fits none of the documented alternatives",
    "oneOf": lambda rule, sent, _: f"{shown(sent)} must fit exactly one of the documented alternatives",
    "x-numeric-range": lambda rule, sent, _: f"{shown(sent)} is not a whole number from {rule[0]} to {rule[1]}",
    "not": lambda rule, sent, _: f"{shown(sent)} must not fit {shown(rule)}",
}  # fmt: skip
