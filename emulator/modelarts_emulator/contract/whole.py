"""Whole numbers that were sent as 5.0, which JSON Schema counts among the integers and Python does not, or as texts."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from modelarts_emulator.contract.operations import Area

LARGEST = 2**63
MOST_DIGITS = 18


class TooLarge(ValueError):
    """A whole number where an integer is wanted that no integer of the documents holds. path: to it, from outside."""

    def __init__(self, value: float):
        self.path: list[str | int] = []
        super().__init__(f"{value} is above the maximum; the nearest valid value is {LARGEST - 1}")


def integer_maker(area: Area, schema: dict, path: tuple = ()) -> Callable[[Any], Any] | None:
    """A function that makes integers of a value where the schema wants them, in place, and returns it; None where the
    schema wants none. It raises TooLarge.
    """
    if schema.get("$ref") in path:
        return None
    while "$ref" in schema:
        path = (*path, schema["$ref"])
        schema = area.component(schema["$ref"])
    kinds = schema.get("type", ())
    kinds = (kinds,) if isinstance(kinds, str) else kinds
    own = "integer" in kinds and "number" not in kinds
    members = made_of(area, schema.get("properties", {}), path)
    others = schema.get("additionalProperties")
    open_members = integer_maker(area, others, path) if isinstance(others, dict) else None
    items = integer_maker(area, schema["items"], path) if isinstance(schema.get("items"), dict) else None
    branches = [branch for word in ("anyOf", "oneOf", "allOf") for branch in schema.get(word, ())]
    makers = [make for make in (integer_maker(area, branch, path) for branch in branches) if make]
    if not (own or members or open_members or items or makers):
        return None

    def make(value: Any) -> Any:
        if own and type(value) is float and value.is_integer():
            if abs(value) >= LARGEST:
                raise TooLarge(value)
            return int(value)
        if isinstance(value, dict):
            for name, inner in value.items():
                change = members.get(name) or open_members
                if change is not None:
                    value[name] = made(change, name, inner)
        elif isinstance(value, list) and items is not None:
            value[:] = [made(items, at, inner) for at, inner in enumerate(value)]
        for change in makers:
            # Another of the alternatives may want a number.
            with suppress(TooLarge):
                value = change(value)
        return value

    return make


def made(change: Callable[[Any], Any], place: str | int, value: Any) -> Any:
    """What a function makes of the value at that place."""
    try:
        return change(value)
    except TooLarge as large:
        large.path.insert(0, place)
        raise


def made_of(area: Area, properties: dict, path: tuple) -> dict[str, Callable[[Any], Any]]:
    """{name: the maker} of the members in which integers are wanted."""
    makers = {name: integer_maker(area, schema, path) for name, schema in properties.items()}
    return {name: make for name, make in makers.items() if make is not None}


def whole_in(text: str) -> int | None:
    """The whole number that a text says in digits 0 to 9, few enough for an integer; None for any other text."""
    return int(text) if len(text) <= MOST_DIGITS and text.isascii() and text.isdecimal() else None
