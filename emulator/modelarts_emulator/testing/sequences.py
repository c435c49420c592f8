"""Resources walked from their creation to their end: `modelarts-emulator contract` holds each to what one may expect.

Which operations belong together follows from their paths alone (shapes.py). With which body one is made stands in
makings.json.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from modelarts_emulator.contract.checking import Check
from modelarts_emulator.contract.errors import ContractBroken, documented_errors
from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.testing.shapes import (
    Collection,
    Place,
    Shapes,
    choices_of,
    collections_of,
    name_of,
    required_of,
    shape_of,
    stops_of,
    values_at,
)

if TYPE_CHECKING:
    from modelarts_emulator.testing.contract import Endpoint, Reply

NOBODY = "00000000-0000-4000-8000-000000000000"
# What was made is ready for others and for its end after a while, and gone after another; a lease of an hour may end.
READY, LATER, TIRED_AFTER = "5m", "1h", 4
# How each kind is made: {operation that creates: {"body", "change", "objects"}}, "operation:word" for one more of them
# that others need. In a body "{CreateModel}" stands for the id of what is so made, "{CreateModel.name}" for that member
# of the answer, "{user_id}" for the caller. change: a body that changes one. objects: what has to be in OBS before, by
# path: a text, its lines, or a JSON object; a path that ends with / is a folder.
MAKINGS = Path(__file__).with_name("makings.json")
MADE_BY = re.compile(r'"{([A-Z]\w+(?::\w+)?)(?:\.(\w+))?}"')


class Made(NamedTuple):
    """An element, and what the operation that made it has answered."""

    place: Place
    answer: Any


class Walked:
    """One collection walked. problems: where it broke what one may expect. why: why it could not be walked, if so."""

    def __init__(self, collection: Collection):
        self.collection = collection
        self.steps: list[str] = []
        self.problems: list[str] = []
        self.why = ""


class NotMade(Exception):
    """No request that is known makes one."""


class Walker:
    """Walks collections in the account of an endpoint."""

    def __init__(self, endpoint: Endpoint, shapes: Shapes, makings: dict[str, Any]):
        self._endpoint = endpoint
        self._shapes = shapes
        self._makings = makings
        self._made: dict[str, Made] = {}
        self._making: list[str] = []

    def walk(self, collection: Collection) -> Walked:
        """Make one, look at it, change it, delete it, and see that nothing knows it any more."""
        walked = Walked(collection)
        self._endpoint.log_in()
        try:
            place = self._make(collection.create.operation_id).place
        except NotMade as error:
            walked.why = str(error)
            return walked
        walked.steps.append("create")
        never = self._ask(collection.show, (*place[:-1], another(place[-1])))
        self._see(walked, place)
        self._change(walked, place)
        if self._delete(walked, place):
            self._miss(walked, place, never)
        return walked

    def _part(self, making: str) -> Made:
        """One that others need: made when it is first asked for, and given time to become ready."""
        if making in self._making:
            raise NotMade(f"{making} needs what it makes itself")
        if making not in self._made:
            self._making.append(making)
            self._made[making] = self._make(making)
            self._making.remove(making)
            self._endpoint.advance(READY)
        return self._made[making]

    def _collection(self, create: Operation) -> Place:
        """The path at which one is made, below what was made for it."""
        above, parameter, below = create.path.rpartition("}")
        path, _, name = above.rpartition("/{")
        if not parameter or name == "project_id":
            return tuple(create.path.split("/"))
        maker = self._shapes.maker_at(path)
        if maker is None:
            raise NotMade(f"no operation makes the {name} of its path")
        return (*self._part(maker.operation_id).place, *below.split("/")[1:])

    def _make(self, making: str) -> Made:
        """A new one."""
        create = self._shapes.by_id[making.partition(":")[0]]
        collection = self._collection(create)
        told, before = "", set(texts_in(self._listed(create, collection)))
        for body in self._bodies(making, create):
            reply = self._endpoint.send(create, (values_at(create, collection), {}, {}, body))
            if reply.status < 300:
                return Made(self._find(create, collection, reply.value, body, before), reply.value)
            told = told or " ".join(reply.text.split())[:160]
        raise NotMade(f"{create.operation_id} takes none of the bodies that are known: {told}")

    def _bodies(self, name: str, create: Operation) -> list[Any]:
        """What may make one: what is known to, with all it needs; else what is drawn."""
        from modelarts_emulator.testing.drawing import samples

        making = self._makings.get(name)
        if making is None:
            return [request[3] for request in samples(create)]
        for path, content in making.get("objects", {}).items():
            self._endpoint.put(path, written(content))
        text = json.dumps(making["body"])
        for found in MADE_BY.finditer(text):
            part = self._part(found[1])
            value = next(members(part.answer, found[2])) if found[2] else part.place[-1]
            text = text.replace(found[0], json.dumps(value))
        for name, id in self._endpoint.ids.items():
            text = text.replace(f"{{{name}}}", id)
        return [orjson.loads(text)]

    def _find(self, create: Operation, collection: Place, answer: Any, body: Any, before: set[str]) -> Place:
        """Where that lies which was made: below the first id by which it is shown, where something shows it."""
        below = self._shapes.below(create)
        if not below:
            raise NotMade(f"nothing that is documented is about one that {create.operation_id} has made")
        name = name_of(next(iter(below.values())))
        listed = texts_in(self._listed(create, collection))
        for id in (*ids_in(answer, body, name), *(each for each in listed if each not in before)):
            place = (*collection, id)
            if "GET" not in below or self._ask(below["GET"], place).status < 300:
                return place
        raise NotMade(f"{create.operation_id} answers no id by which it is found")

    def _listed(self, create: Operation, collection: Place) -> Any:
        """What the list answers; None where there is none."""
        operation = self._shapes.by_shape[shape_of(create.path)].get("GET")
        if operation is None:
            return None
        answers = [self._ask(operation, collection).value]
        for name, value in choices_of(operation):
            answers.append(self._ask(operation, collection, {name: value}).value)
        return answers

    def _lists(self, collection: Collection, place: Place) -> bool:
        """Whether the list has it."""
        return lists(self._listed(collection.create, place[:-1]), place[-1], collection.name)

    def _see(self, walked: Walked, place: Place) -> None:
        """It is shown as documented, and listed."""
        collection = walked.collection
        shown = self._ask(collection.show, place)
        self._expect_fit(walked, collection.show, shown)
        walked.steps.append("show")
        if collection.list is not None:
            if not self._lists(collection, place):
                walked.problems.append(f"{collection.list.operation_id} does not list what was made")
            walked.steps.append("list")

    def _change(self, walked: Walked, place: Place) -> None:
        """What changes it leaves it there, and shows it as it was told to be."""
        from modelarts_emulator.testing.drawing import samples

        update, making = (
            walked.collection.update,
            self._makings.get(walked.collection.create.operation_id, {}),
        )
        if update is None:
            return
        requests = samples(update)
        if "change" in making:
            requests = [(*requests[0][:3], making["change"])]
            self._wait(READY)
        for request in requests:
            reply = self._endpoint.send(update, ({**request[0], **values_at(update, place)}, *request[1:]))
            if reply.status < 300:
                self._expect_fit(walked, update, reply)
                walked.steps.append("update")
                break
        shown = self._ask(walked.collection.show, place)
        if shown.status >= 300:
            walked.problems.append(f"{update.operation_id} was asked, and it is not shown any more")
        elif "change" in making and "update" not in walked.steps:
            walked.why = f"{update.operation_id} refuses its change: {reply.text[:160]}"
        for name in unlike(making.get("change"), shown.value) if reply.status < 300 else ():
            walked.problems.append(f"{update.operation_id} changed {name[1:]}, and it is shown as it was")

    def _delete(self, walked: Walked, place: Place) -> bool:
        """Whether it could be deleted: at once, when it has become ready, when it has been stopped, or later."""
        delete = walked.collection.delete
        for attempt in range(TIRED_AFTER):
            reply = self._ask(delete, place)
            if reply.status < 300:
                self._expect_fit(walked, delete, reply)
                walked.steps.append("delete")
                self._wait(LATER)
                return True
            if attempt == 1:
                self._stop(walked, place)
            self._wait(READY if attempt < 2 else LATER)
        told = f"{delete.operation_id} refuses what was made: {reply.text[:160]}"
        # What lives on below something else says so with a documented code.
        if reply.codes & documented_errors().keys():
            walked.why = told
        else:
            walked.problems.append(told)
        return False

    def _stop(self, walked: Walked, place: Place) -> None:
        """End what runs, where an operation does that."""
        for operation, body in stops_of(walked.collection):
            if self._endpoint.send(operation, (values_at(operation, place), {}, {}, body)).status < 300:
                walked.steps.append("stop")

    def _wait(self, duration: str) -> None:
        """Let time pass, and have a token that lasts."""
        self._endpoint.advance(duration)
        self._endpoint.log_in()

    def _miss(self, walked: Walked, place: Place, never: Reply) -> None:
        """Nothing shows, lists or does anything with what is gone."""
        collection = walked.collection
        gone = self._ask(collection.show, place)
        if gone.status < 300:
            walked.problems.append(
                f"{collection.show.operation_id} shows what was deleted: {gone.text[:160]}"
            )
        elif (gone.status, gone.codes & documented_errors().keys()) != (
            never.status,
            never.codes & documented_errors().keys(),
        ):
            walked.problems.append(
                f"{collection.show.operation_id} says of what was deleted {gone.text[:120]}, of what never was "
                f"{never.text[:120]}"
            )
        if "list" in walked.steps and self._lists(collection, place):
            walked.problems.append(f"what was deleted at {collection.path} is still listed")
        for use in collection.uses:
            self._refuse_use(walked, use, place)
        walked.steps.append(f"{len(collection.uses)} uses refused")

    def _refuse_use(self, walked: Walked, use: Operation, place: Place) -> None:
        """An operation on what is gone is refused with a documented code."""
        from modelarts_emulator.testing.drawing import samples

        for drawn in samples(use)[-1:]:
            reply = self._endpoint.send(use, ({**drawn[0], **values_at(use, place)}, *drawn[1:]))
            if not 400 <= reply.status < 500:
                walked.problems.append(
                    f"{use.operation_id} of what was deleted answers {reply.status}: {reply.text[:120]}"
                )

    def _ask(self, operation: Operation, place: Place, query: dict[str, str] | None = None) -> Reply:
        """What is answered without a body."""
        values = dict.fromkeys(operation.path_names, NOBODY) | values_at(operation, place)
        body = {} if operation.body_schema is not None else None
        return self._endpoint.send(operation, (values, {**required_of(operation), **(query or {})}, {}, body))

    def _expect_fit(self, walked: Walked, operation: Operation, reply: Reply) -> None:
        try:
            Check(operation).check_answer(reply.status, reply.value)
        except ContractBroken as error:
            walked.problems.append(str(error))


def written(content: Any) -> bytes:
    """An object of OBS as makings.json has it: a text, its lines, or a JSON object."""
    if isinstance(content, dict):
        return orjson.dumps(content)
    return (content if isinstance(content, str) else "\n".join(content)).encode()


def unlike(change: Any, shown: Any) -> list[str]:
    """The members of a change that are shown, with another value."""
    if isinstance(change, dict) and isinstance(shown, dict):
        both = change.keys() & shown.keys()
        return [f".{name}{rest}" for name in both for rest in unlike(change[name], shown[name])]
    return [] if isinstance(change, dict | list | None) or change == shown else [""]


def another(id: str) -> str:
    """An id of the same form that nothing has."""
    return f"{id[:-1]}{'0' if id[-1] != '0' else '1'}"


def ids_in(value: Any, body: Any, name: str) -> Iterator[str]:
    """What may be the id of a new element, that paths call so: what its answer or its body calls so, the likeliest
    first.
    """
    last = name.rpartition("_")[2]
    names = dict.fromkeys((name, "id", last, f"{last}_id", "name"))
    for place in (value, body):
        for name in names:
            for found in members(place, name):
                if isinstance(found, str | int) and not isinstance(found, bool) and found != "":
                    yield str(found)
    for name, found in value.items() if isinstance(value, dict) else ():
        if name.endswith(("_id", "_name")) and isinstance(found, str | int):
            yield str(found)


def members(value: Any, name: str, depth: int = 0) -> Iterator[Any]:
    """The members of that name, those nearest to the top first."""
    if isinstance(value, dict):
        if name in value:
            yield value[name]
        for each in value.values() if depth < 2 else ():
            yield from members(each, name, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from members(each, name, depth + 1)


def texts_in(value: Any) -> list[str]:
    """All texts and numbers of a JSON value."""
    if isinstance(value, dict | list):
        rows = value.values() if isinstance(value, dict) else value
        return [text for each in rows for text in texts_in(each)]
    return [] if value is None else [str(value)]


def lists(value: Any, id: str, name: str) -> bool:
    """Whether an element that paths call so stands in an answer. A number may mean much else: it must be called so."""
    if not id.isdecimal():
        return id in texts_in(value)
    if isinstance(value, dict):
        return str(value.get(name)) == id or any(lists(each, id, name) for each in value.values())
    return isinstance(value, list) and any(lists(each, id, name) for each in value)


def walk_all(
    new_account: Callable[[], Endpoint], operations: list[Operation], area: str | None
) -> tuple[int, int, int]:
    """Walk all collections, or those of an area, each in an account of its own, a line each; (walked, not walked,
    broken promises).
    """
    shapes, makings = Shapes(operations), orjson.loads(MAKINGS.read_bytes())
    count = left = broken = 0
    for collection in collections_of(operations):
        if area not in (None, collection.create.area_of.full_name):
            continue
        endpoint = new_account()
        try:
            walked = Walker(endpoint, shapes, makings).walk(collection)
        finally:
            endpoint.leave()
        count, left, broken = count + (not walked.why), left + bool(walked.why), broken + len(walked.problems)
        told = f"not walked: {walked.why}" if walked.why else ", ".join(walked.steps)
        print(f"{collection.create.operation_id:50} {told}")
        for problem in walked.problems:
            print(f"  broken: {problem}")
        sys.stdout.flush()
    return count, left, broken
