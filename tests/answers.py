"""What every success has always held: an answer of an operation that lacks one of its members turns the test red.

The documents require few members, and a client reads many that they do not require. answers.json has, of each
operation and status, the documented members that each answer of the suite holds, by the place of the object they are
members of: "" for the answer itself, "items[]" for each element of a list. A member of some answers only is not there.
`make answers` writes it anew.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from modelarts_emulator.contract.checking import Check, branches_of
from modelarts_emulator.contract.errors import ContractBroken
from modelarts_emulator.contract.operations import Area, Operations

KNOWN = Path(__file__).with_name("answers.json")


@cache
def known() -> dict[str, dict[str, list[str]]]:
    """{operation and status: {place: the members always there}}; empty while they are written anew."""
    return json.loads(KNOWN.read_text()) if KNOWN.exists() else {}


def objects_in(value, place: str = "") -> Iterator[tuple[str, dict]]:
    """(place, object) of the value and all objects in it."""
    if isinstance(value, dict):
        yield place, value
        for name, member in value.items():
            yield from objects_in(member, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for each in value:
            yield from objects_in(each, f"{place}[]")


def hold(name: str, value) -> None:
    """ContractBroken where an answer lacks a member that answers of that name have always had."""
    always = known().get(name)
    if not always:
        return
    for place, held in objects_in(value):
        lost = [member for member in always.get(place, ()) if member not in held]
        if lost:
            where = f" of {place}" if place else ""
            raise ContractBroken(
                f"{name} has lost {', '.join(lost)}{where}, which it had (tests/answers.json)"
            )


def hold_all() -> None:
    """Have every answer that is held against its schema held against this, too."""
    check_answer = Check.check_answer

    def check_and_hold(check: Check, status: int, body) -> None:
        check_answer(check, status, body)
        if status < 300:
            hold(f"{check.operation.operation_id} {status}", body)

    Check.check_answer = check_and_hold


class Recording:
    """The members that all answers so far have had."""

    def __init__(self):
        self.found: dict[str, dict[str, list[str]]] = {}

    def note(self, check: Check, status: int, body) -> None:
        """Keep of what is known only what this answer has as well."""
        places = self.found.setdefault(f"{check.operation.operation_id} {status}", {})
        schema = check.operation.answer_schema(status)
        for place, members in documented_in(check.area, [schema] if schema else [], body):
            self.keep(places, place, members)

    def add(self, found: dict) -> None:
        """Keep what another process has found as well."""
        for name, places in found.items():
            for place, members in places.items():
                self.keep(self.found.setdefault(name, {}), place, members)

    def keep(self, places: dict, place: str, members: list[str]) -> None:
        """Keep the members that are in both."""
        places[place] = sorted({*places[place]}.intersection(members) if place in places else members)

    def write(self) -> None:
        """Write all down, in the order of the documents."""
        rows = []
        for operation in Operations():
            for name in sorted(each for each in self.found if each.split()[0] == operation.operation_id):
                held = {place: members for place, members in sorted(self.found[name].items()) if members}
                rows.append(f"{json.dumps(name)}: {json.dumps(held)}")
        KNOWN.write_text("{\n" + ",\n".join(rows) + "\n}\n")


def documented_in(area: Area, schemas: list, value, place: str = "") -> Iterator[tuple[str, list[str]]]:
    """(place, documented members) of a value and all objects in it; what is a map for its schema has none."""
    branches = branches_of(area, schemas)
    if isinstance(value, list):
        items = [schema["items"] for schema in branches if "items" in schema]
        for each in value:
            yield from documented_in(area, items, each, f"{place}[]")
    elif isinstance(value, dict):
        properties: dict[str, list] = {}
        for schema in branches:
            for name, member in schema.get("properties", {}).items():
                properties.setdefault(name, []).append(member)
        yield place, [name for name in value if name in properties]
        for name, member in value.items():
            if name in properties:
                yield from documented_in(area, properties[name], member, f"{place}.{name}" if place else name)


def pytest_configure(config) -> None:
    """As a plugin of its own (`-p tests.answers`): write down what the answers of this run have always held."""
    config.pluginmanager.register(Listener(config), "answers")


class Listener:
    """Notes every answer of a process, and puts together what several of them have noted."""

    def __init__(self, config):
        self.config, self.recording = config, Recording()
        known.cache_clear()
        KNOWN.unlink(missing_ok=True)
        check_answer = Check.check_answer

        def check_and_note(check: Check, status: int, body) -> None:
            check_answer(check, status, body)
            if status < 300:
                self.recording.note(check, status, body)

        Check.check_answer = check_and_note

    def pytest_testnodedown(self, node, error):
        """A process of several has ended."""
        self.recording.add(node.workeroutput["answers"])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self):
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["answers"] = self.recording.found
        else:
            self.recording.write()
