"""What two answers say of one thing, held to what they have always had in common.

An answer repeats what its request has said; two operations show the same thing at the same moment, if nothing has
changed in between; a list never had fewer elements. agreements.json has in what the answers of the suite have always
agreed; one that does not turns its test red. `make answers` writes the file anew.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from modelarts_emulator.contract.operations import Operation, Operations

KNOWN = Path(__file__).with_name("agreements.json")
PARAMETER = re.compile(r"\{([^}]+)\}")
FEWEST = "fewest"
# In front of a member that has the same value in both; without it, both have one.
SAME = "="


class AnswerChanged(AssertionError):
    """An answer is not what it has always been."""


class Told(NamedTuple):
    """An answer, and what it was asked for. raw_uri: as it was asked. sent: the JSON value of the request's body, None
    for none. world: whose answer; None leaves out what others have said. before, after: where the world was when the
    operation began and ended. moment: at which its clock stood; None for one that runs.
    """

    operation: Operation
    raw_uri: str
    status: int
    value: Any
    sent: Any = None
    world: Any = None
    before: int = 0
    after: int = 0
    moment: float | None = None


class Seen(NamedTuple):
    """One look at an agreement. name: which two sides. member: in what, see SAME. holds: whether they agree."""

    name: str
    member: str
    holds: bool


class Things:
    """What the operations have last said of the things in each world."""

    def __init__(self) -> None:
        self._said: WeakKeyDictionary[Any, dict[str, dict[str, tuple[tuple, dict]]]] = WeakKeyDictionary()
        self._lock = Lock()

    def look(self, told: Told) -> Iterator[Seen]:
        """The agreements between an answer and what others have said of the same things, if all is as it was then."""
        if told.moment is None or not told.world.past.is_kept:
            return
        began, ended = (told.before, told.moment), (told.after, told.moment)
        with self._lock:
            said = self._said.setdefault(told.world, {})
            for name, thing in things_in(told):
                others = said.setdefault(name, {})
                for other, (when, before) in others.items():
                    if when == began == ended and other != told.operation.operation_id:
                        yield from compared(f"{told.operation.operation_id} after {other}", before, thing)
                others[told.operation.operation_id] = (ended, thing)


THINGS = Things()


@cache
def known() -> dict[str, dict[str, int]]:
    """{two sides: the members in which they always agree}, {operation and "fewest": {place: number of elements}};
    empty while they are written anew.
    """
    return json.loads(KNOWN.read_text()) if KNOWN.exists() else {}


def forget() -> None:
    """Have them written anew."""
    known.cache_clear()
    KNOWN.unlink(missing_ok=True)


def hold(told: Told) -> None:
    """AnswerChanged where a success does not agree with what was said before as it has always done."""
    for name, member, holds in looks(told, THINGS):
        if not holds and member in known().get(name, ()):
            what = f"another {member[1:]}" if member.startswith(SAME) else f"no {member}"
            raise AnswerChanged(f"{name}: {what} now: `make answers`?")
    fewest = known().get(f"{told.operation.operation_id} {FEWEST}", {})
    for place, length in lengths_in(told.value) if fewest else ():
        if length < fewest.get(place, 0):
            words = f"{length} elements of {place}, never fewer than {fewest[place]} before: `make answers`?"
            raise AnswerChanged(f"{told.operation.operation_id} answers {words}")


def looks(told: Told, things: Things) -> list[Seen]:
    """The agreements that a success can be held to."""
    echoes = compared(f"{told.operation.operation_id} asked", told.sent, told.value)
    return [*echoes, *things.look(told)]


class Recording:
    """What all answers so far have agreed in. found: {two sides: {member: whether all have}}, and the fewest."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, int]] = {}

    def note(self, told: Told) -> None:
        """Keep the agreements that have not failed yet, and the shortest lists."""
        for name, member, holds in looks(told, THINGS):
            self.keep(name, member, holds)
        for place, length in lengths_in(told.value):
            self.keep(f"{told.operation.operation_id} {FEWEST}", place, length)

    def add(self, found: dict[str, dict[str, int]]) -> None:
        """Keep what another process has found as well."""
        for name, members in found.items():
            for member, least in members.items():
                self.keep(name, member, least)

    def keep(self, name: str, member: str, least: int) -> None:
        """Keep the least that was seen."""
        members = self.found.setdefault(name, {})
        members[member] = min(least, members.get(member, least))

    def write(self) -> None:
        """Write all down, without what another row says already."""
        rows = []
        for name, members in sorted(self.found.items()):
            held = {member: int(least) for member, least in sorted(members.items()) if least}
            told = {member: least for member, least in held.items() if not is_said(member, held)}
            if told:
                rows.append(
                    f"{json.dumps(name)}: {json.dumps(told if name.endswith(FEWEST) else list(told))}"
                )
        KNOWN.write_text("{\n" + ",\n".join(rows) + "\n}\n")


def is_said(member: str, held: dict[str, int]) -> bool:
    """Whether what has one value in both, or what it lies in, says that both have this member."""
    parent = member.removeprefix(SAME).rpartition(".")[0]
    return SAME + member in held or (parent != "" and SAME + parent in held)


def compared(name: str, left: Any, right: Any) -> Iterator[Seen]:
    """What two objects have in common: each member of the left one, and where they differ, each of those in it."""
    if not isinstance(left, dict) or not isinstance(right, dict):
        return
    for path, one, other in pairs_of(left, right):
        if one is not None:
            yield Seen(name, SAME + path, one == other)
            yield Seen(name, path, other is not None)


def pairs_of(left: dict, right: dict) -> Iterator[tuple[str, Any, Any]]:
    """(path, value on the left, on the right) of the members of the left one; None where there is none."""
    for name, one in left.items():
        other = right.get(name)
        yield name, one, other
        if isinstance(one, dict) and isinstance(other, dict) and one != other:
            for inner, value in one.items():
                yield f"{name}.{inner}", value, other.get(inner)


@cache
def items_below() -> dict[str, tuple[str, ...]]:
    """For each path without the names of its parameters, the names that a parameter behind it has."""
    found: dict[str, tuple[str, ...]] = {}
    for operation in Operations():
        collection, _, last = operation.path.rpartition("/")
        if operation.method == "GET" and (parameter := PARAMETER.fullmatch(last)):
            place = PARAMETER.sub("{}", collection)
            found[place] = (*found.get(place, ()), parameter[1])
    return found


def things_in(told: Told) -> Iterator[tuple[str, dict]]:
    """(path, what is said of it) of the things that an answer shows: itself, or each element of its list."""
    operation, path = told.operation, told.raw_uri.partition("?")[0]
    template = PARAMETER.sub("{}", operation.path)
    parameters = items_below().get(template)
    if parameters is None:
        while template and not is_item(template):
            template, path = template.rpartition("/")[0], path.rpartition("/")[0]
        thing = unwrapped(told.value)
        if template and thing is not None and operation.method != "DELETE":
            yield path, thing
    elif operation.method == "POST":
        thing = unwrapped(told.value)
        id = id_of(thing, parameters)
        if id is not None:
            yield f"{path}/{id}", thing
    elif isinstance(told.value, dict):
        for rows in told.value.values():
            for row in rows if isinstance(rows, list) else ():
                id = id_of(row, parameters)
                if id is not None:
                    yield f"{path}/{id}", row


def is_item(template: str) -> bool:
    """Whether a path is that of one of many things, which can be shown."""
    collection, _, last = template.rpartition("/")
    return last == "{}" and collection in items_below()


def unwrapped(value: Any) -> dict | None:
    """The object itself, or the one that is all that it holds; None for anything else."""
    if isinstance(value, dict) and len(value) == 1:
        (only,) = value.values()
        return only if isinstance(only, dict) else value
    return value if isinstance(value, dict) and value else None


def id_of(thing: Any, parameters: tuple[str, ...]) -> str | None:
    """What a thing is called in the path of the operation that shows it; None where it does not say so."""
    if not isinstance(thing, dict):
        return None
    metadata = thing.get("metadata")
    for each in (thing, metadata if isinstance(metadata, dict) else {}):
        for name in (*parameters, *(parameter.rpartition("_")[2] for parameter in parameters), "id"):
            if isinstance(each.get(name), str | int):
                return str(each[name])
    return None


def lengths_in(value: Any, place: str = "") -> Iterator[tuple[str, int]]:
    """(place, number of elements) of the lists in an answer."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from lengths_in(member, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        yield place, len(value)
        for each in value:
            yield from lengths_in(each, f"{place}[]")
