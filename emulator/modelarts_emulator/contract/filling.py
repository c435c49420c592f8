"""What a body is brought to before a behaviour sees it: defaults put in, optional members that are null taken out."""

from collections.abc import Callable
from typing import Any

from modelarts_emulator.contract.operations import Area


def resolved(area: Area, schema: dict) -> dict:
    """The schema itself, its reference followed."""
    while "$ref" in schema:
        schema = area.component(schema["$ref"])
    return schema


def filler(area: Area, schema: dict, path: tuple) -> Callable[[Any], None] | None:
    """A function that fills a value of the schema with its defaults; None where the schema has none."""
    if schema.get("$ref") in path:
        return None
    if "$ref" in schema:
        path = (*path, schema["$ref"])
    schema = resolved(area, schema)
    own: dict[str, Any] = {}
    nested: dict[str, Callable[[Any], None]] = {}
    for name, member in schema.get("properties", {}).items():
        flat = resolved(area, member)
        if "default" in flat:
            own[name] = flat["default"]
        fill = filler(area, member, path)
        if fill is not None:
            nested[name] = fill
    items = filler(area, schema["items"], path) if isinstance(schema.get("items"), dict) else None
    branches = [branch for word in ("anyOf", "allOf") for branch in schema.get(word, ())]
    others = [fill for fill in (filler(area, branch, path) for branch in branches) if fill is not None]
    if not (own or nested or items or others):
        return None

    def fill_in(value: Any) -> None:
        if isinstance(value, dict):
            for name, default in own.items():
                if name not in value:
                    value[name] = default.copy() if isinstance(default, dict | list) else default
            for name, fill in nested.items():
                if name in value:
                    fill(value[name])
            for fill in others:
                fill(value)
        elif isinstance(value, list) and items is not None:
            for member in value:
                items(member)

    return fill_in


def null_dropper(area: Area, schema: dict, path: tuple) -> Callable[[Any], None] | None:
    """A function that takes documented, optional members that are null out of a value; None where there are none."""
    if schema.get("$ref") in path:
        return None
    if "$ref" in schema:
        path = (*path, schema["$ref"])
    schema = resolved(area, schema)
    members = {
        name: null_dropper(area, member, path) for name, member in schema.get("properties", {}).items()
    }
    required = schema.get("required", ())
    items = null_dropper(area, schema["items"], path) if isinstance(schema.get("items"), dict) else None
    branches = [branch for word in ("anyOf", "allOf") for branch in schema.get(word, ())]
    others = [drop for drop in (null_dropper(area, branch, path) for branch in branches) if drop is not None]
    if not (members or items or others):
        return None

    def drop_from(value: Any) -> None:
        if isinstance(value, dict):
            for name, drop in members.items():
                if name in value and value[name] is None and name not in required:
                    del value[name]
                elif drop is not None and name in value:
                    drop(value[name])
        elif isinstance(value, list) and items is not None:
            for member in value:
                items(member)
        for drop in others:
            drop(value)

    return drop_from
