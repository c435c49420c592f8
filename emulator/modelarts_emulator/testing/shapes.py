"""Which operations belong together, by the shapes of their paths: what POST makes at a path is shown, changed, stopped
and deleted one segment below, and all that lies deeper is about it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from modelarts_emulator.contract.operations import Operation

PARAMETER = re.compile(r"{(?:\w*_)?([^\W_]+)}")
# What ends what runs, as paths and bodies of the documents call it.
ENDS = ("stop", "terminate")

# An element by its segments: those of its path, with values for all parameters but that of the project.
Place = tuple[str, ...]


class Collection(NamedTuple):
    """What one path makes. uses: the operations on one of its elements, or on what belongs to it."""

    create: Operation
    show: Operation
    list: Operation | None
    update: Operation | None
    delete: Operation
    uses: tuple[Operation, ...]

    @property
    def path(self) -> str:
        """Where its elements are made."""
        return self.create.path

    @property
    def name(self) -> str:
        """The parameter that names an element."""
        return name_of(self.show)


class Shapes:
    """Operations by the shapes of their paths, in which of a parameter's name the last word is left: `{id}` and
    `{instance_id}` mean the same element, `{name}` means it by something else.
    """

    def __init__(self, operations: Iterable[Operation]):
        self.by_shape: dict[str, dict[str, Operation]] = defaultdict(dict)
        for operation in operations:
            self.by_shape[shape_of(operation.path)][operation.method] = operation
        self.by_id = {each.operation_id: each for ops in self.by_shape.values() for each in ops.values()}

    def below(self, create: Operation) -> dict[str, Operation]:
        """{method: operation} on one element of what is made."""
        elements = f"{shape_of(create.path)}/{{"
        found = [shape for shape in self.by_shape if re.fullmatch(re.escape(elements) + r"\w+}", shape)]
        return self.by_shape[max(found, key=lambda shape: len(self.by_shape[shape]))] if found else {}

    def maker_at(self, path: str) -> Operation | None:
        """The operation that makes what lies below the path."""
        return self.by_shape.get(shape_of(path), {}).get("POST")


def shape_of(path: str) -> str:
    """The path with the last words of the names of its parameters."""
    return PARAMETER.sub(r"{\1}", path)


def collections_of(operations: Iterable[Operation]) -> list[Collection]:
    """All collections whose elements can be made, shown and deleted."""
    shapes, found = Shapes(operations), []
    for shape, below in shapes.by_shape.items():
        collection, _, last = shape.rpartition("/")
        at = shapes.by_shape.get(collection, {})
        if not last.startswith("{") or "POST" not in at or not {"GET", "DELETE"} <= below.keys():
            continue
        uses = [
            operation
            for other, methods in shapes.by_shape.items()
            for operation in methods.values()
            if other == shape or other.startswith(f"{shape}/")
        ]
        update = below.get("PUT") or below.get("PATCH")
        found.append(
            Collection(at["POST"], below["GET"], at.get("GET"), update, below["DELETE"], tuple(uses))
        )
    return found


def name_of(operation: Operation) -> str:
    """The parameter that ends the operation's path."""
    return operation.path.rpartition("/{")[2][:-1]


def values_at(operation: Operation, place: Place) -> dict[str, str]:
    """The values of the parameters of an operation's path that the place has."""
    named = zip(operation.path.split("/"), place, strict=False)
    return {name[1:-1]: value for name, value in named if name.startswith("{")}


def stops_of(collection: Collection) -> Iterator[tuple[Operation, Any]]:
    """(operation, body) of what ends an element that runs: at a path of its own, or an action that can be named so."""
    from modelarts_emulator.testing.drawing import as_schema, samples

    for use in collection.uses:
        if use.method == "GET" or use.path.count("/") != collection.show.path.count("/") + 1:
            continue
        body = samples(use)[0][3]
        if use.path.rpartition("/")[2] in ENDS:
            yield use, body
        elif isinstance(body, dict):
            schema = use.area_of.closure(use.body_schema or {})
            members = as_schema(schema).flat(schema).get("properties", {})
            actions = {name: set(member.get("enum", ())) & set(ENDS) for name, member in members.items()}
            yield from ((use, {**body, name: end}) for name, ends in actions.items() for end in ends)


def required_of(operation: Operation) -> dict[str, str]:
    """A value for each parameter of the query that is required and one of some: the first."""
    return {
        parameter["name"]: str(parameter["schema"]["enum"][0])
        for parameter in operation.definition.get("parameters", ())
        if parameter["in"] == "query" and parameter.get("required") and "enum" in parameter.get("schema", {})
    }


def choices_of(operation: Operation) -> list[tuple[str, str]]:
    """(parameter, value) of what a list takes one of several of, and takes a certain one for if it is not said."""
    found = []
    for parameter in operation.definition.get("parameters", ()):
        schema = parameter.get("schema", {})
        if parameter["in"] == "query" and "default" in schema:
            found += [(parameter["name"], str(value)) for value in schema.get("enum", ())]
    return found
