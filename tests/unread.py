"""Which documented options of a request no behaviour reads: found while `make answers` runs the whole suite.

unread.json has them, each with the reason why nothing needs to: what is taken and does nothing is a fault otherwise.
"""

import json
from pathlib import Path

from modelarts_emulator import app
from modelarts_emulator.contract.checking import branches_of
from modelarts_emulator.contract.operations import Operation, Operations

KNOWN = Path(__file__).with_name("unread.json")
ALL = "*"


def known() -> dict[str, dict[str, str]]:
    """{operation and "query" or "body": {name: why nothing reads it}}."""
    return json.loads(KNOWN.read_text())


class Watched(dict):
    """Parameters or members of a body that note what is read of them."""

    __slots__ = ("read",)

    def __init__(self, values: dict, read: set[str]):
        super().__init__(values)
        self.read = read

    def __getitem__(self, name):
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name, otherwise=None):
        self.read.add(name)
        return super().get(name, otherwise)

    def pop(self, name, *otherwise):
        self.read.add(name)
        return super().pop(name, *otherwise)

    def __contains__(self, name):
        self.read.add(name)
        return super().__contains__(name)

    def __iter__(self):
        self.read.add(ALL)
        return super().__iter__()

    def keys(self):
        self.read.add(ALL)
        return super().keys()

    def items(self):
        self.read.add(ALL)
        return super().items()

    def __or__(self, other):
        self.read.add(ALL)
        return super().__or__(other)

    def __ror__(self, other):
        self.read.add(ALL)
        return super().__ror__(other)


class Reading:
    """What the behaviours of a process read of their calls. found: {operation and "query" or "body": names}."""

    def __init__(self) -> None:
        self.found: dict[str, set[str]] = {}
        make = app.Call

        def call(operation, path, query, headers, body, *others):
            id = operation.operation_id
            return make(
                operation,
                path,
                self.watched(f"{id} query", query),
                headers,
                self.watched(f"{id} body", body),
                *others,
            )

        app.Call = call

    def watched(self, name: str, values):
        """The same, noting what is read of it; what is no object stays as it is."""
        return Watched(values, self.found.setdefault(name, set())) if type(values) is dict else values

    def add(self, found: dict[str, list[str]]) -> None:
        """Keep what another process has read as well."""
        for name, read in found.items():
            self.found.setdefault(name, set()).update(read)

    def told(self) -> dict[str, list[str]]:
        """What was read, as a process can tell another."""
        return {name: sorted(read) for name, read in self.found.items()}

    def write(self) -> None:
        """Write down what was never read, in the order of the documents; what is new has no reason yet."""
        rows, reasons = [], known()
        for operation in Operations():
            for place, names in options_of(operation).items():
                name = f"{operation.operation_id} {place}"
                read = self.found.get(name, set())
                if ALL not in read and (unread := sorted(names - read)):
                    told = {each: reasons.get(name, {}).get(each, "") for each in unread}
                    rows.append(f"{json.dumps(name)}: {json.dumps(told)}")
        KNOWN.write_text("{\n" + ",\n".join(rows) + "\n}\n")


def options_of(operation: Operation) -> dict[str, set[str]]:
    """The documented names in the query and on top of the body, without those that page, sort and filter by facts."""
    paging, body = operation.paging, operation.body_schema
    by_facts: set[str | None] = set()
    if paging is not None:
        by_facts = {paging.limit, paging.offset, paging.continue_, *paging.filters}
        by_facts |= {paging.sort.by, paging.sort.direction} if paging.sort else set()
    parameters = operation.definition.get("parameters", ())
    branches = branches_of(operation.area_of, [body]) if body else []
    return {
        "query": {each["name"] for each in parameters if each["in"] == "query"} - by_facts,
        "body": {name for schema in branches for name in schema.get("properties", {})} - by_facts,
    }
