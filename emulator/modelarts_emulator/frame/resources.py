"""Create, show, list, update, delete and act, once for every kind of resource that does just that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.paging import Member
from modelarts_emulator.frame.answers import documented, documented_row, taken
from modelarts_emulator.frame.bound import Bound, refuse_misplaced
from modelarts_emulator.frame.calls import Call
from modelarts_emulator.frame.documents import Document
from modelarts_emulator.frame.lifecycle import Lifecycle
from modelarts_emulator.frame.listing import list_records, paging_of
from modelarts_emulator.frame.registry import RESOURCES, behaviour, import_areas_of
from modelarts_emulator.worlds.store import Path, Table, value_at

BORN = (("create_time",), ("create_at",), ("created_at",), ("metadata", "create_time"))


class Unique(NamedTuple):
    """A member whose value no two records share: its dotted path, the documented code, and the member within
    whose value that holds (None: within the project).
    """

    member: str
    code: str
    within: str | None = None


class BelongsTo(NamedTuple):
    """Which record a record belongs to: the kind of that one, and the (dotted) member that says its id."""

    owner: Resource
    member: str


class Resource:
    """One kind of resource: where its records lie, how they are found, and the operations that just handle
    them.

    name: `<service>/<area>/<kind>`; the area is imported when one of its records falls due. path_names: the path
    parameters that may hold its id. id_field: the (dotted) member that holds it in a record, or a function record ->
    id. not_found: the documented code when there is none, where x-parameter-error of the operation gives the path
    parameter no other. new_id: a function (world) -> a fresh id. writes: the members of a body that create and update
    take over as they are, each those that it documents. unique: which member no two share. touches: the member that
    says when a record was changed, in ms. by_age: the members that sort like age. sorts: {dotted member: its path in
    the record, or a function (bound) -> {id: value}} where a list is sorted or grouped by what the record does not
    say. document: what makes records Kubernetes-shaped. belongs_to: the record below whose path a record of this kind
    is found and listed, and with which it goes. present: a function (bound, record) -> the record as the API shows it;
    members that start with `_` never show. awaits: a function (bound, record) -> a threading.Event of something in real
    time without which a due record does not pass on, or None. seeds: a function (bound) -> the records that a project
    has from the beginning and that can not be deleted. refers: {kind of another resource: path of the member that says
    the id of the one that a record uses or lies in}; of the kind "workspace" it is known where most records say it.
    open_to_all: (member, value) of the records that no `finding` hook keeps from anybody.
    """

    def __init__(
        self,
        name: str,
        *,
        path_names: tuple[str, ...] = ("id",),
        id_field: str | Callable[[dict], str] = "id",
        not_found: str,
        new_id: Callable[[Any], str] | None = None,
        writes: tuple[str, ...] = (),
        unique: Unique | None = None,
        touches: str | None = None,
        by_age: tuple[Member, ...] = BORN,
        sorts: dict[str, Any] | None = None,
        document: Document | None = None,
        lifecycle: Lifecycle | None = None,
        belongs_to: BelongsTo | None = None,
        present: Callable[[Bound, dict], dict] | None = None,
        awaits: Callable[[Bound, dict], Any] | None = None,
        seeds: Callable[[Bound], list[dict]] | None = None,
        refers: dict[str, Path] | None = None,
        open_to_all: tuple[str, Any] | None = None,
    ):
        self.name = name
        self.kind = name.rpartition("/")[2]
        self.words = self.kind.replace("_", " ")
        self.path_names = path_names
        self.id_field = id_field
        self.not_found = not_found
        self.new_id = new_id or (lambda world: world.new_uuid())
        self.writes = writes
        self.unique = unique
        self.touches = touches
        self.by_age = by_age
        self.sorts = sorts or {}
        self.document = document
        self.lifecycle = lifecycle
        self.belongs_to = belongs_to
        self.seeds = seeds
        self.refers = refers or {}
        self.open_to_all = open_to_all
        self.operations: dict[str, str] = {}
        self._present = present
        self._awaits = awaits
        self._hooks: defaultdict[str, list[Callable]] = defaultdict(list)
        RESOURCES[name] = self
        if belongs_to is not None:
            belongs_to.owner.gone(lambda owners, id: self._drop_those_of(owners, belongs_to.member, id))

    @property
    def life(self) -> Lifecycle:
        """The lifecycle. TypeError for a kind that has none."""
        if self.lifecycle is None:
            raise TypeError(f"{self.name} has no lifecycle")
        return self.lifecycle

    # What of an area is special about its plain operations.

    def finding(self, function: Callable) -> Callable:
        """Register a function (call, record) that is called when a call has found a record: it refuses callers."""
        self._hooks["find"].append(function)
        return function

    def creating(self, function: Callable) -> Callable:
        """Register a function (call, record) that is called before a new record is stored: it refuses and adds."""
        self._hooks["create"].append(function)
        return function

    def updating(self, function: Callable) -> Callable:
        """Register a function (call, record, before) that is called before a changed record is stored."""
        self._hooks["update"].append(function)
        return function

    def deleting(self, function: Callable) -> Callable:
        """Register a function (call, record) that is called before a record goes: it refuses or tidies up."""
        self._hooks["delete"].append(function)
        return function

    def gone(self, function: Callable[[Bound, str], None]) -> Callable[[Bound, str], None]:
        """Register a function (bound, id) that is called when the record with that id is gone, however it went."""
        self._hooks["gone"].append(function)
        return function

    def listed(self, function: Callable) -> Callable:
        """Register a function (bound, shown) -> how what is shown elsewhere stands in lists."""
        self._hooks["row"].append(function)
        return function

    def showing(self, function: Callable[[Bound, dict], dict]) -> Callable[[Bound, dict], dict]:
        """Register the function (bound, record) -> the record as the API shows it."""
        self._present = function
        return function

    # Records.

    def at(self, world: Any, project_id: str) -> Bound:
        """The records of this kind in a project of a world."""
        return Bound(self, world, project_id)

    def of(self, call: Call) -> Bound:
        """The records of this kind in the call's project."""
        return Bound(self, call.world, call.project_id, call)

    def bound_to(self, world: Any, table: Table) -> Bound:
        """The records of this kind that lie in that table."""
        return Bound(self, world, table.name.removeprefix(self.name).lstrip("/"))

    def table(self, call: Call) -> Table:
        """The table of these records in the call's project."""
        return call.records(self.name)

    def id_in(self, call: Call) -> str:
        """The id that the path of the call names."""
        return str(next(call.path[name] for name in self.path_names if name in call.path))

    def id_of(self, record: dict) -> str:
        """The id that a record says, a number as text."""
        return str(self.id_field(record) if callable(self.id_field) else value_at(record, self.id_field))

    def find(self, call: Call, id: str | None = None) -> dict:
        """A copy of the record the call names; ApiError with the documented code when there is none, or when it
        belongs to another record than the path names, or lies in another workspace than the caller says or may use.
        """
        owner_id, bound = self._owner_in(call), self.of(call)
        id = self.id_in(call) if id is None else str(id)
        if self.belongs_to is None or owner_id is None:
            record = bound.find(id)
        else:
            found = bound.get(id)
            if found is None or value_at(found, self.belongs_to.member) != owner_id:
                raise bound.not_found(id, f"in {self.belongs_to.owner.words} {owner_id}")
            record = found
        refuse_misplaced(call, self, record)
        for hook in self._hooks["find"]:
            hook(call, record)
        return record

    def made_from(self, body: dict, id: str) -> dict:
        """A new record with that id and what a body gives of it."""
        record = {name: body[name] for name in self.writes if name in body}
        if callable(self.id_field):
            return record
        *way, last = self.id_field.split(".")
        place = record
        for name in way:
            # A copy: the body stays as it was sent.
            place[name] = dict(place.get(name, {}))
            place = place[name]
        place[last] = id
        return record

    def add(self, call: Call, record: dict) -> dict:
        """Store a new record, born into its lifecycle if it has one; the record as shown."""
        bound = self.of(call)
        return bound.shown(bound.add(record))

    def change(self, call: Call, record: dict) -> dict:
        """Store a changed record; the record as shown."""
        bound = self.of(call)
        return bound.shown(bound.put(record))

    def act(self, call: Call, record: dict, action: str, code: str | None = None) -> dict | None:
        """Carry out an action of the lifecycle; the record as shown, None when it is gone."""
        acted = self.of(call).act(record, action, code)
        return None if acted is None else self.shown(self.of(call), acted)

    def shown(self, bound: Bound, record: dict) -> dict:
        """The record as the API shows it."""
        if self._present is not None:
            record = self._present(bound, record)
        return without_hidden(record)

    def row(self, call: Call, bound: Bound, record: dict) -> dict:
        """The record as the list of the call shows it: with what the rows of that list document."""
        shown = self.shown(bound, record)
        for hook in self._hooks["row"]:
            shown = hook(bound, shown)
        return documented_row(call.operation, paging_of(call).items, shown)

    def pass_on(self, world: Any, table: Table, id: str) -> None:
        """Let the record go on to what follows its state."""
        bound = self.bound_to(world, table)
        self.life.pass_on(bound, bound.find(id))

    def awaited(self, world: Any, table: Table, id: str) -> Any:
        """What has to be set before the due record passes on; None when nothing has."""
        bound = self.bound_to(world, table)
        record = bound.find(id)
        event = self.life.awaited(bound, record)
        return event if event is not None or self._awaits is None else self._awaits(bound, record)

    # Operations.

    def serves(self, **operations: str) -> Resource:
        """Register create, show, list, update, patch, delete, any action of the lifecycle, by operation ids."""
        self.operations |= operations
        plain = {
            name: getattr(self, name) for name in ("create", "show", "list", "update", "patch", "delete")
        }
        for verb, operation_id in operations.items():
            behaviour(operation_id)(_function(plain.get(verb) or self._action(verb), operation_id))
        return self

    def create(self, call: Call) -> dict | None:
        """The new record, as far as the operation's answer documents it."""
        bound = self.of(call)
        if self.document is not None:
            record = self.document.made_from(call)
        else:
            record = self.made_from(self._written(call), self.new_id(call.world))
        for hook in self._hooks["create"]:
            hook(call, record)
        self.refuse_duplicate(bound, record)
        return self.answer(call, self.shown(bound, bound.add(record)))

    def show(self, call: Call) -> dict | None:
        """The record the call names."""
        return self.answer(call, self.shown(self.of(call), self.find(call)))

    def list(
        self,
        call: Call,
        keep: Callable[[dict], bool] | None = None,
        row: Callable[[dict], dict] | None = None,
    ) -> dict:
        """A page of the records, filtered and sorted as the operation documents.

        With belongs_to, of those that belong to the record in the path. keep, row: as list_records has them.
        """
        owner_id, bound = self._owner_in(call), self.of(call)
        if self.belongs_to is None or owner_id is None:
            return list_records(call, bound, None, keep, row)
        return list_records(call, bound, bound.table.having(self.belongs_to.member, owner_id), keep, row)

    def update(self, call: Call) -> dict | None:
        """The record with the members that the body gives."""
        return self._change(call, lambda record: record.update(self._written(call)))

    def patch(self, call: Call) -> dict | None:
        """The document with the merge patch of the body in it."""
        if self.document is None:
            raise TypeError(f"{self.name} is no document")
        document = self.document
        return self._change(call, lambda record: document.patch(call, record))

    def delete(self, call: Call) -> dict | None:
        """Forget the record the call names, by its lifecycle if that says how; what the answer documents of it."""
        return self.answer(call, self.shown(self.of(call), self.let_go(call, self.find(call))))

    def let_go(self, call: Call, record: dict) -> dict:
        """Delete a record unless a hook refuses that, by its lifecycle if that says how; the record as it was last."""
        self.prepare_deletion(call, record)
        if self.lifecycle is not None and self.lifecycle.knows("delete"):
            return self.of(call).act(record, "delete") or record
        self.of(call).drop(record)
        return record

    def prepare_deletion(self, call: Call, record: dict) -> None:
        """Have the hooks refuse, or tidy up for, a deletion of the record; a document notes when that was."""
        import_areas_of(call.world)
        for hook in self._hooks["delete"]:
            hook(call, record)
        if self.document is not None:
            self.document.mark_deleted(call.world, record)

    def let_belongings_go(self, bound: Bound, id: str) -> None:
        """Drop what belongs to the record with that id, which is gone or as good as gone."""
        import_areas_of(bound.world)
        for hook in self._hooks["gone"]:
            hook(bound, id)

    def answer(self, call: Call, shown: dict) -> dict | None:
        """What the operation's answer documents of a record and of the path."""
        return documented(call.operation, shown, call.path, self.kind)

    def refuse_duplicate(self, bound: Bound, record: dict) -> None:
        """ApiError when another record has the value that has to be unique."""
        if self.unique is None:
            return
        (member, code, within), value = self.unique, value_at(record, self.unique.member)
        for id in bound.table.having(member, value):
            other = bound.find(id)
            is_near = within is None or value_at(other, within) == value_at(record, within)
            if id != self.id_of(record) and is_near:
                raise ApiError(code, f"{self.words} {id} has the {member} {value!r} already", fill=[value])

    def _written(self, call: Call) -> dict:
        """What the body says of the members that are taken over as they are."""
        body = taken(call.operation, call.body or {})
        return {name: body[name] for name in self.writes if name in body}

    def _owner_in(self, call: Call) -> str | None:
        """The id of the record to which those that the call means belong; None when its path names none."""
        if self.belongs_to is None:
            return None
        owner = self.belongs_to.owner
        named = [
            call.path[name] for name in owner.path_names if name in call.path.keys() - {*self.path_names}
        ]
        return owner.id_of(owner.find(call, named[0])) if named else None

    def _drop_those_of(self, owners: Bound, member: str, id: str) -> None:
        """Drop the records whose member says that they belong to the one with that id."""
        bound = owners.beside(self)
        for record in bound.having(member, id):
            bound.drop(record)

    def _change(self, call: Call, change: Callable[[dict], None]) -> dict | None:
        bound, record = self.of(call), self.find(call)
        before = bound.find(self.id_of(record))
        change(record)
        for hook in self._hooks["update"]:
            hook(call, record, before)
        self.refuse_duplicate(bound, record)
        if self.touches is not None:
            record[self.touches] = call.world.clock.now_ms()
        return self.answer(call, self.shown(bound, bound.put(record)))

    def _action(self, action: str) -> Callable[[Call], dict | None]:
        if not self.life.knows(action):
            raise ValueError(f"{self.kind} knows no action {action}")

        def carry_out(call: Call) -> dict | None:
            bound = self.of(call)
            record = bound.act(self.find(call), action)
            return None if record is None else self.answer(call, bound.shown(record))

        return carry_out


def without_hidden(record: dict) -> dict:
    """The record without the members that are only the emulator's."""
    return {name: value for name, value in record.items() if name[0] != "_"}


def _function(plain: Callable[[Call], Any], operation_id: str) -> Callable[[Call], Any]:
    def serve(call: Call) -> Any:
        return plain(call)

    serve.__name__ = operation_id
    serve.__doc__ = plain.__doc__
    return serve
