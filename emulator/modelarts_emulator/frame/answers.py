"""What an operation documents of a record: the members that it answers, and those that it takes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.contract.paging import Member

# About twice as many as there are operations: what was found of those of an emulator that is gone makes room.
MOST_FORMS = 1024


class Form(NamedTuple):
    """What an operation's answer documents: whether it has a body, which members (None for any), those that always have
    one value, and which of the path's parameters are among them.
    """

    has_body: bool
    names: frozenset[str] | None
    constants: dict[str, Any]
    of_path: tuple[str, ...]


def documented(operation: Operation, shown: dict, path: dict, kind: str = "") -> dict | None:
    """What the operation's answer documents of a record as it is shown and of the path's parameters, with the members
    that always have one value: the whole record where it names no members or only one that is called like the kind,
    None where it documents no body.
    """
    has_body, names, constants, of_path = form_of(operation)
    if not has_body:
        return None
    if names is None:
        return shown
    if names == {kind}:
        return {kind: shown}
    if constants or of_path:
        shown = {**constants, **{name: path[name] for name in of_path if name in path}, **shown}
    return only(names, shown)


def only(names: frozenset[str], shown: dict) -> dict:
    """The members with these names."""
    if shown.keys() <= names:
        return shown
    return {name: value for name, value in shown.items() if name in names}


@lru_cache(MOST_FORMS)
def form_of(operation: Operation) -> Form:
    """What the answer of success documents."""
    names = members_of(operation)
    of_path = [name for name in getattr(operation, "path_names", ()) if names is not None and name in names]
    has_body = operation.answer_schema(operation.success) is not None
    return Form(has_body, names, constants_of(operation), tuple(of_path))


def documented_row(operation: Operation, items: Member, record: dict) -> dict:
    """The members of the record that the rows of the operation's list document."""
    names = members_of(operation, items)
    return record if names is None else only(names, record)


@lru_cache(MOST_FORMS)
def members_of(operation: Operation, items: Member | None = None) -> frozenset[str] | None:
    """The documented names of the answer of success, or of the elements of its array at `items`; None for any."""
    schemas = flat(operation, [operation.answer_schema(operation.success) or {}])
    if items is not None:
        for name in items:
            inner = [schema["properties"][name] for schema in schemas if name in schema.get("properties", ())]
            schemas = flat(operation, inner)
        schemas = flat(operation, [schema["items"] for schema in schemas if "items" in schema])
    if any(schema.get("maxProperties") == 0 for schema in schemas):
        return frozenset()
    names = [frozenset(schema["properties"]) for schema in schemas if schema.get("properties")]
    return frozenset().union(*names) if names else None


@lru_cache(MOST_FORMS)
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


@lru_cache(MOST_FORMS)
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
