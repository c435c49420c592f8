"""Resources walked from their creation to their end: `modelarts-emulator contract` holds each to what one may expect.

Which operations belong together follows from their paths alone: what POST makes at a path is shown, changed and deleted
one segment below, and all that lies deeper is about it.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from modelarts_emulator.contract.checking import Check
from modelarts_emulator.contract.errors import ContractBroken, documented_errors
from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.control.errors import recorded

if TYPE_CHECKING:
    from modelarts_emulator.testing.contract import Endpoint, Reply

NOBODY = "00000000-0000-4000-8000-000000000000"
# What was made may be on its way to a state in which it can be deleted, and gone only after a while.
TIRED_AFTER, LATER = 3, "1h"
# The bucket and the folder of a path in OBS, as JSON has it.
MADE_BY = re.compile(r'"{([A-Z]\w+)}"')
FOLDER = re.compile(r'"(?:/|obs://)([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([^"]*))?/"')


class Collection(NamedTuple):
    """What one path makes. uses: the operations on one of its elements, or on what belongs to it."""

    path: str
    create: Operation
    show: Operation
    list: Operation | None
    update: Operation | None
    delete: Operation
    uses: tuple[Operation, ...]

    @property
    def name(self) -> str:
        """The parameter that names an element."""
        return self.show.path.rpartition("/")[2][1:-1]


class Walked:
    """One collection walked. problems: where it broke what one may expect. why: why it could not be walked, if so."""

    def __init__(self, collection: Collection):
        self.collection = collection
        self.steps: list[str] = []
        self.problems: list[str] = []
        self.why = ""


class NotMade(Exception):
    """No request that is known makes one."""


def collections_of(operations: Iterator[Operation] | list[Operation]) -> list[Collection]:
    """All collections whose elements can be made, shown and deleted."""
    by_path: dict[str, dict[str, Operation]] = defaultdict(dict)
    for operation in operations:
        by_path[operation.path][operation.method] = operation
    found = []
    for path, below in by_path.items():
        collection, _, last = path.rpartition("/")
        create = by_path.get(collection, {}).get("POST")
        if not last.startswith("{") or create is None or not {"GET", "DELETE"} <= below.keys():
            continue
        uses = [
            operation
            for other, methods in by_path.items()
            for operation in methods.values()
            if other == path or other.startswith(f"{path}/")
        ]
        update = below.get("PUT") or below.get("PATCH")
        listed = by_path[collection].get("GET")
        found.append(
            Collection(collection, create, below["GET"], listed, update, below["DELETE"], tuple(uses))
        )
    return found


class Walker:
    """Walks collections in the account of an endpoint."""

    def __init__(self, endpoint: Endpoint, collections: list[Collection], bodies: dict[str, Any]):
        self._endpoint = endpoint
        self._collections = {collection.path: collection for collection in collections}
        self._bodies = bodies
        self._making: list[str] = []

    def walk(self, collection: Collection) -> Walked:
        """Make one, look at it, change it, delete it, and see that nothing knows it any more."""
        walked = Walked(collection)
        self._endpoint.log_in()
        try:
            owners = self._made_owners(collection)
            path = self._make(collection, owners)
        except NotMade as error:
            walked.why = str(error)
            return walked
        walked.steps.append("create")
        never = self._ask(collection.show, {**path, collection.name: another(path[collection.name])})
        self._see(walked, path)
        self._change(walked, path)
        if self._delete(walked, path):
            self._miss(walked, path, never)
        return walked

    def _made_owners(self, collection: Collection) -> dict[str, str]:
        """The path's values of what the collection lies below, made for it."""
        owner = max(
            (each for each in self._collections.values() if collection.path.startswith(f"{each.show.path}/")),
            key=lambda each: len(each.path),
            default=None,
        )
        known = set(owner.show.path_names) if owner is not None else {"project_id"}
        missing = [name for name in collection.create.path_names if name not in known]
        if missing:
            raise NotMade(f"no collection makes the {missing[0]} of its path")
        return self._make(owner, self._made_owners(owner)) if owner is not None else {}

    def _make(self, collection: Collection, owners: dict[str, str]) -> dict[str, str]:
        """The path's values of a new element."""
        from modelarts_emulator.testing.drawing import samples

        create, tried, told = collection.create, [], ""
        before = set(texts_in(self._listed(collection, owners)))
        if create.operation_id in self._bodies:
            text = json.dumps(self._bodies[create.operation_id])
            for name, id in self._endpoint.ids.items():
                text = text.replace(f"{{{name}}}", id)
            for maker in set(MADE_BY.findall(text)):
                text = text.replace(f"{{{maker}}}", self._made_by(maker))
            for bucket, folder in FOLDER.findall(text):
                self._endpoint.put(f"/{bucket}")
                if folder:
                    self._endpoint.put(f"/{bucket}/{folder}/example.jpg")
            tried.append(orjson.loads(text))
        for body in (*tried, *(request[3] for request in samples(create))):
            reply = self._endpoint.send(create, ({"project_id": "", **owners}, {}, {}, body))
            told = told or " ".join(reply.text.split())[:160]
            if reply.status < 300:
                listed = texts_in(self._listed(collection, owners))
                for id in (
                    *ids_in(reply.value, body, collection),
                    *(each for each in listed if each not in before),
                ):
                    path = {**owners, collection.name: id}
                    if self._ask(collection.show, path).status < 300:
                        return path
                raise NotMade(
                    f"{create.operation_id} answers no id by which {collection.show.operation_id} shows it"
                )
        raise NotMade(f"{create.operation_id} takes none of the bodies that are known: {told}")

    def _made_by(self, operation_id: str) -> str:
        """The id of something that the operation has made for what names it."""
        makers = (each for each in self._collections.values() if each.create.operation_id == operation_id)
        maker = next(makers, None)
        if maker is None or operation_id in self._making:
            raise NotMade(f"it needs what {operation_id} makes, which is not known to be made alone")
        self._making.append(operation_id)
        path = self._make(maker, self._made_owners(maker))
        self._making.remove(operation_id)
        return path[maker.name]

    def _listed(self, collection: Collection, owners: dict[str, str]) -> Any:
        """What the list answers; None where there is none."""
        operation = collection.list
        if operation is None:
            return None
        answers = [self._ask(operation, owners).value]
        for name, value in choices_of(operation):
            answers.append(self._ask(operation, owners, {name: value}).value)
        return answers

    def _see(self, walked: Walked, path: dict[str, str]) -> None:
        """It is shown as documented, and listed."""
        collection = walked.collection
        shown = self._ask(collection.show, path)
        self._expect_fit(walked, collection.show, shown)
        walked.steps.append("show")
        if collection.list is not None:
            if not says(self._listed(collection, path), path[collection.name]):
                walked.problems.append(f"{collection.list.operation_id} does not list what was made")
            walked.steps.append("list")

    def _change(self, walked: Walked, path: dict[str, str]) -> None:
        """What changes it leaves it there."""
        from modelarts_emulator.testing.drawing import samples

        update = walked.collection.update
        if update is None:
            return
        for request in samples(update):
            reply = self._endpoint.send(update, ({**request[0], **path}, *request[1:]))
            if reply.status < 300:
                self._expect_fit(walked, update, reply)
                walked.steps.append("update")
                break
        if self._ask(walked.collection.show, path).status >= 300:
            walked.problems.append(f"{update.operation_id} was asked, and it is not shown any more")

    def _delete(self, walked: Walked, path: dict[str, str]) -> bool:
        """Whether it could be deleted, at once or after a while."""
        delete = walked.collection.delete
        for _ in range(TIRED_AFTER):
            reply = self._ask(delete, path)
            if reply.status < 300:
                self._expect_fit(walked, delete, reply)
                walked.steps.append("delete")
                self._endpoint.advance(LATER)
                self._endpoint.log_in()
                return True
            self._endpoint.advance(LATER)
            self._endpoint.log_in()
        # What has to be stopped first, or lives on below something else, says so with a documented code.
        if reply.codes & documented_errors().keys():
            walked.steps.append(f"delete refused: {reply.text[:160]}")
        else:
            walked.problems.append(f"{delete.operation_id} refuses what was made: {reply.text[:160]}")
        return False

    def _miss(self, walked: Walked, path: dict[str, str], never: Reply) -> None:
        """Nothing shows, lists or does anything with what is gone."""
        collection = walked.collection
        gone = self._ask(collection.show, path)
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
        if "list" in walked.steps and says(self._listed(collection, path), path[collection.name]):
            walked.problems.append(f"what was deleted at {collection.path} is still listed")
        for use in collection.uses:
            self._refuse_use(walked, use, path)
        walked.steps.append(f"{len(collection.uses)} uses refused")

    def _refuse_use(self, walked: Walked, use: Operation, path: dict[str, str]) -> None:
        """An operation on what is gone is refused with a documented code."""
        from modelarts_emulator.testing.drawing import samples

        for drawn in samples(use)[-1:]:
            reply = self._endpoint.send(use, ({**drawn[0], **path}, *drawn[1:]))
            if not 400 <= reply.status < 500:
                walked.problems.append(
                    f"{use.operation_id} of what was deleted answers {reply.status}: {reply.text[:120]}"
                )

    def _ask(self, operation: Operation, path: dict[str, str], query: dict[str, str] | None = None) -> Reply:
        """What is answered without a body."""
        values = {name: path.get(name, NOBODY) for name in operation.path_names}
        body = {} if operation.body_schema is not None else None
        return self._endpoint.send(operation, (values, {**required_of(operation), **(query or {})}, {}, body))

    def _expect_fit(self, walked: Walked, operation: Operation, reply: Reply) -> None:
        try:
            Check(operation).check_answer(reply.status, reply.value)
        except ContractBroken as error:
            walked.problems.append(str(error))


def another(id: str) -> str:
    """An id of the same form that nothing has."""
    return f"{id[:-1]}{'0' if id[-1] != '0' else '1'}"


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


def ids_in(value: Any, body: Any, collection: Collection) -> Iterator[str]:
    """What may be the id of a new element: what its answer or its body calls so, the likeliest first."""
    last = collection.name.rpartition("_")[2]
    names = dict.fromkeys((collection.name, "id", last, f"{last}_id", "name"))
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


def says(value: Any, text: str) -> bool:
    """Whether the text stands anywhere in a JSON value."""
    return text in texts_in(value)


def walk_all(
    new_account: Callable[[], Endpoint], operations: list[Operation], area: str | None
) -> tuple[int, int, int]:
    """Walk all collections, or those of an area, each in an account of its own, a line each; (walked, not walked,
    broken promises).
    """
    collections, bodies = collections_of(operations), recorded().get("made", {})
    count = left = broken = 0
    for collection in collections:
        if area not in (None, collection.create.area_of.full_name):
            continue
        endpoint = new_account()
        try:
            walked = Walker(endpoint, collections, bodies).walk(collection)
        finally:
            endpoint.leave()
        count, left, broken = count + (not walked.why), left + bool(walked.why), broken + len(walked.problems)
        told = f"not walked: {walked.why}" if walked.why else ", ".join(walked.steps)
        print(f"{collection.create.operation_id:50} {told}")
        for problem in walked.problems:
            print(f"  broken: {problem}")
        sys.stdout.flush()
    return count, left, broken
