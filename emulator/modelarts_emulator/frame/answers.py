"""What an operation documents of a record: the members that it answers, and those that it takes."""

from __future__ import annotations

from functools import cache
from typing import Any

from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.contract.paging import Member


def documented(operation: Operation, shown: dict, path: dict, kind: str = "") -> dict | None:
    """What the operation's answer documents of a record as it is shown and of the path's parameters, with the members
    that always have one value: the whole record where it names no members or only one that is called like the kind,
    None where it documents no body.
    """
    if operation.answer_schema(operation.success) is None:
        return None
    names = members_of(operation)
    if names is None:
        return shown
    if names == {kind}:
        return {kind: shown}
    known = {**constants_of(operation), **path, **shown}
    return {name: value for name, value in known.items() if name in names}


def documented_row(operation: Operation, items: Member, record: dict) -> dict:
    """The members of the record that the rows of the operation's list document."""
    names = members_of(operation, items)
    return record if names is None else {name: value for name, value in record.items() if name in names}


@cache
def members_of(operation: Operation, items: Member | None = None) -> frozenset[str] | None:
    """The documented names of the answer of success, or of the elements of its array at `items`; None for any."""
    schemas = flat(operation, [operation.answer_schema(operation.success) or {}])
    if items is not None:
        for name in items:
            inner = [schema["properties"][name] for schema in schemas if name in schema.get("properties", ())]
            schemas = flat(operation, inner)
        schemas = flat(operation, [schema["items"] for schema in schemas if "items" in schema])
    names = [frozenset(schema["properties"]) for schema in schemas if schema.get("properties")]
    return frozenset().union(*names) if names else None


@cache
def names_taken(operation: Operation, member: Member = ()) -> frozenset[str] | None:
    """The documented names of what the body has at `member`; None for any."""
    schemas = [operation.body_schema or {}]
    for name in member:
        schemas = [
            found for schema in flat(operation, schemas) if (found := schema.get("properties", {}).get(name))
        ]
    names = [
        frozenset(schema["properties"]) for schema in flat(operation, schemas) if schema.get("properties")
    ]
    return frozenset().union(*names) if names else None


def taken(operation: Operation, value: dict, member: Member = ()) -> dict:
    """What of a value that the body has at `member` is documented there: the rest is ignored, as the check does."""
    names = names_taken(operation, member)
    return value if names is None else {name: each for name, each in value.items() if name in names}


@cache
def constants_of(operation: Operation) -> dict[str, Any]:
    """The members of the answer of success that always have one value, as `const` in its schema says."""
    schemas = flat(operation, [operation.answer_schema(operation.success) or {}])
    members = [member for schema in schemas for member in schema.get("properties", {}).items()]
    return {name: schema["const"] for name, schema in members if "const" in schema}


def flat(operation: Operation, schemas: list[dict]) -> list[dict]:
    """The schemas with references followed and alternatives beside each other."""
    found, waiting = [], list(schemas)
    while waiting:
        schema = waiting.pop()
        if "$ref" in schema:
            waiting.append(operation.area_of.component(schema["$ref"]))
            continue
        found.append(schema)
        waiting += [each for word in ("anyOf", "oneOf", "allOf") for each in schema.get(word, ())]
    return found
