"""What the operations have always answered, held against every answer of the suite.

The documents require few members, and a client reads many that they do not require; they seldom say which code answers
which fault. answers.json has what the suite has seen of each operation: the members that each success holds, and with
which status and code it was refused. An answer that lacks such a member, a refusal that is new, and a page that is not
as full as it could be turn their test red. `make answers` writes the file anew.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from modelarts_emulator import application
from modelarts_emulator.contract.checking import branches_of
from modelarts_emulator.contract.operations import Area, Operation, Operations
from modelarts_emulator.testing.breakages import codes_in
from modelarts_emulator.worlds.history import json_of
from modelarts_emulator.worlds.store import value_at

from tests import agreements
from tests.agreements import AnswerChanged, Told
from tests.unread import Reading

KNOWN = Path(__file__).with_name("answers.json")
REFUSED = "refused"
UNHEARD: list[bool] = []


@cache
def known() -> dict[str, dict[str, list[str]]]:
    """{operation and status: {place: the members always there}}, {operation and "refused": {status: codes}}; empty
    while they are written anew.

    The place of an object: "" for the answer itself, "items[]" for each element of a list.
    """
    return json.loads(KNOWN.read_text()) if KNOWN.exists() else {}


def hold_answer(told: Told) -> None:
    """AnswerChanged where an answer is not what answers of the operation have been."""
    operation, raw_uri, status, value = told[:4]
    if status >= 400:
        hold_refusal(operation.operation_id, status, codes_told(value))
        return
    # Some codes of errors are documented with 204.
    if status != 204 and str(status) not in operation.definition["responses"]:
        raise AnswerChanged(f"{operation.operation_id} answers {status}, which is not documented")
    name = f"{operation.operation_id} {status}"
    if known() and name not in known():
        raise AnswerChanged(f"{operation.operation_id} has never answered {status}: `make answers`?")
    hold_members(name, value)
    # What is posted may say more than the query.
    if operation.paging is not None and operation.method == "GET":
        hold_page(operation, dict(parse_qsl(urlsplit(raw_uri).query)), value)
    agreements.hold(told)


def hold_refusal(operation_id: str, status: int, codes: list[str]) -> None:
    """AnswerChanged where the operation has never been refused like this."""
    refused = known().get(f"{operation_id} {REFUSED}")
    new = [code for code in codes if refused is not None and code not in refused.get(str(status), ())]
    if new:
        raise AnswerChanged(
            f"{operation_id} was never refused with {status} {', '.join(new)}: `make answers`?"
        )


def hold_members(name: str, value) -> None:
    """AnswerChanged where a success lacks a member that those of that name have always had."""
    always = known().get(name, {})
    for place, held in objects_in(value) if always else ():
        lost = [member for member in always.get(place, ()) if member not in held]
        if lost:
            where = f" of {place}" if place else ""
            raise AnswerChanged(f"{name} has lost {', '.join(lost)}{where}: `make answers`?")


def hold_page(operation: Operation, asked: dict[str, str], value) -> None:
    """AnswerChanged where a page has more rows than asked for, or not as many as asked for and there."""
    paging = operation.paging
    rows = value_at(value, paging.items)
    limit, offset = (whole(asked.get(name or "")) for name in (paging.limit, paging.offset))
    if not isinstance(rows, list) or limit == 0 or (paging.style == "page-per_page" and offset is None):
        return
    name = operation.operation_id
    if limit is not None and len(rows) > limit:
        raise AnswerChanged(f"{name} answers {len(rows)} rows, asked for {limit}")
    total = value_at(value, paging.total[0]) if paging.total else None
    if not isinstance(total, int) or paging.continue_ in asked:
        return
    most = limit or paging.usual_limit or total
    before = (offset or 0) * (1 if paging.style in ("records", "continue") else most) - most * (
        paging.style == "page-per_page"
    )
    if len(rows) != max(min(total - before, most), 0):
        raise AnswerChanged(f"{name} answers {len(rows)} rows of {total} for {asked}")


def whole(text: str | None) -> int | None:
    """The number of a parameter; None where none was sent, or no number."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 30 else None


def objects_in(value, place: str = "") -> Iterator[tuple[str, dict]]:
    """(place, object) of the value and all objects in it."""
    if isinstance(value, dict):
        yield place, value
        for name, member in value.items():
            yield from objects_in(member, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for each in value:
            yield from objects_in(each, f"{place}[]")


def listen(take) -> None:
    """Have `take` called with every answer of an operation that no fault has struck, see Told."""
    tellable = application.tellable

    def tell(exchange, status: int, answer):
        value = json_of(answer) if isinstance(answer, bytes) else None
        is_json = answer == b"" or value is not None
        if is_json and not UNHEARD and exchange.operation is not None and not exchange.faults:
            take(told_of(exchange, status, value))
        return tellable(exchange, status, answer)

    application.tellable = tell


@contextmanager
def unheard() -> Iterator[None]:
    """Nobody is told of the answers meanwhile: what asks is no test."""
    UNHEARD.append(True)
    try:
        yield
    finally:
        UNHEARD.clear()


def told_of(exchange, status: int, value) -> Told:
    """What is told of an answer; the world of what was refused does not matter."""
    told = Told(exchange.operation, exchange.environ.get("RAW_URI", ""), status, value)
    stay = exchange.stay
    if status >= 400 or stay is None:
        return told
    sent = json_of(exchange.request.__dict__.get("body") or b"")
    clock = exchange.world.clock
    moment = clock.now() if clock.frozen else None
    return told._replace(sent=sent, world=exchange.world, before=stay.before, after=stay.after, moment=moment)


def codes_told(value) -> list[str]:
    """The codes of a refusal, in whichever documented shape."""
    return [code for _, code in codes_in(value) if code]


class Recording:
    """What all answers so far have had in common."""

    def __init__(self):
        self.found: dict[str, dict[str, list[str]]] = {}
        self.agreements = agreements.Recording()

    def note(self, told: Told) -> None:
        """Keep a refusal that is new, and of the members that are known only those that this answer has as well."""
        operation, _, status, value = told[:4]
        if status >= 400:
            refused = self.found.setdefault(f"{operation.operation_id} {REFUSED}", {})
            self.keep(refused, str(status), codes_told(value), True)
            return
        places = self.found.setdefault(f"{operation.operation_id} {status}", {})
        schema = operation.answer_schema(status)
        for place, members in documented_in(operation.area_of, [schema] if schema else [], value):
            self.keep(places, place, members, False)
        self.agreements.note(told)

    def add(self, found: dict) -> None:
        """Keep what another process has found as well."""
        for name, places in found.items():
            kept = self.found.setdefault(name, {})
            for place, members in places.items():
                self.keep(kept, place, members, name.endswith(REFUSED))

    def keep(self, places: dict, place: str, members: list[str], any_counts: bool) -> None:
        """Keep the members that are in all answers, or in any."""
        kept = set(places.get(place, members))
        places[place] = sorted(kept.union(members) if any_counts else kept.intersection(members))

    def write(self) -> None:
        """Write all down, in the order of the documents."""
        rows = []
        for operation in Operations():
            for name in sorted(each for each in self.found if each.split()[0] == operation.operation_id):
                held = {place: members for place, members in sorted(self.found[name].items()) if members}
                rows.append(f"{json.dumps(name)}: {json.dumps(held)}")
        KNOWN.write_text("{\n" + ",\n".join(rows) + "\n}\n")
        self.agreements.write()


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
                inner = f"{place}.{name}" if place else name
                yield from documented_in(area, properties[name], member, inner)


def pytest_configure(config) -> None:
    """As a plugin of its own (`-p tests.answers`): write down what the answers of this run have in common."""
    config.pluginmanager.register(Listener(config), "answers")


class Listener:
    """Notes every answer of a process, and puts together what several of them have noted."""

    def __init__(self, config):
        self.config, self.recording, self.reading = config, Recording(), Reading()
        known.cache_clear()
        KNOWN.unlink(missing_ok=True)
        agreements.forget()
        listen(self.recording.note)

    def pytest_testnodedown(self, node, error):
        """A process of several has ended."""
        self.recording.add(node.workeroutput["answers"])
        self.recording.agreements.add(node.workeroutput["agreements"])
        self.reading.add(node.workeroutput["read"])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self):
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["answers"] = self.recording.found
            self.config.workeroutput["agreements"] = self.recording.agreements.found
            self.config.workeroutput["read"] = self.reading.told()
        else:
            self.recording.write()
            self.reading.write()
