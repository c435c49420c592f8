"""The handle that hooks are handed beside a record: where it lies, whose it is, what it can do."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Call, call_of_account
from modelarts_emulator.frame.lifecycle import GONE
from modelarts_emulator.frame.registry import import_area, resource_of
from modelarts_emulator.worlds.store import Path, Table, value_at
from modelarts_emulator.worlds.world import World

if TYPE_CHECKING:
    from modelarts_emulator.frame.resources import Resource

# Where records say in which workspace they lie, unless their Resource says otherwise.
IN_WORKSPACE: tuple[Path, ...] = (
    "workspace_id",
    "metadata.workspace_id",
    ("metadata", "labels", "os.modelarts/workspace.id"),
)
UNKNOWN_WORKSPACE = "ModelArts.7005"
DEFAULT_WORKSPACE = "0"


class Bound:
    """The records of one kind of resource in one project of one world; with project_id "", those of the account.

    call: the call on whose behalf that is, None for what happens by itself.
    A record is a plain dict; what comes out of the store is a copy, so a change counts when it is `put`. Whoever
    uses a Bound is in a transaction of the world.
    """

    __slots__ = ("call", "project_id", "resource", "table", "world")

    def __init__(self, resource: Resource, world: World, project_id: str, call: Call | None = None):
        self.resource = resource
        self.world = world
        self.project_id = project_id
        self.call = call
        self.table: Table = world.store.table(
            f"{resource.name}/{project_id}" if project_id else resource.name
        )
        if resource.seeds is not None and not self.table:
            for record in resource.seeds(self):
                self.table.put(resource.id_of(record), record)

    @property
    def base_url(self) -> str:
        """Scheme, host and port as the client that calls addressed the emulator; "" where nobody calls."""
        return self.call.base_url if self.call is not None else ""

    def id_of(self, record: dict) -> str:
        """The id that the record says."""
        return self.resource.id_of(record)

    def find(self, id: str) -> dict:
        """A copy of the record with that id; ApiError with the documented code when there is none."""
        record = self.table.find(id)
        if record is None:
            # Records of some kinds lie in a table for each of what they belong to, named after the project.
            project, _, owner = self.project_id.partition("/")
            raise self.not_found(id, f"in {owner}" if owner else f"in project {project}")
        return record

    def not_found(self, id: str, where: str) -> ApiError:
        """The documented refusal of an id that does not exist there."""
        words, code = f"{self.resource.words} {id} does not exist {where}", self.resource.not_found
        if self.call is not None and self.call.operation is not None:
            codes = self.call.operation.parameter_error.fields
            code = next(
                (codes[at] for name in self.resource.path_names if (at := f"path.{name}") in codes), code
            )
        return ApiError(code, words, fill=[id])

    def get(self, id: str) -> dict | None:
        """A copy of the record with that id, None when there is none."""
        return self.table.find(id)

    def having(self, path: str, value: Any) -> list[dict]:
        """Copies of the records with that value at the dotted path, oldest first; an index finds them."""
        return [
            record for id in self.table.having(path, value) if (record := self.table.find(id)) is not None
        ]

    def usable_ids(self, ids: Sequence[str] | None = None) -> Sequence[str] | None:
        """Those of the ids (None: all) whose records do not lie in a workspace that is not the caller's to use, in
        their order; what was handed in where that leaves none out.
        """
        foreign = foreign_ids(self)
        if not foreign:
            return ids
        return [id for id in (self.table.ids() if ids is None else ids) if id not in foreign]

    def usable(self) -> Iterator[dict]:
        """Copies of the records that do not lie in a workspace that is not the caller's to use, oldest first."""
        ids = self.usable_ids()
        return map(self.table.copy_of, list(self.table.ids()) if ids is None else ids)

    def add(self, record: dict) -> dict:
        """Store a new record, born into its lifecycle if it has one; the record as stored."""
        lifecycle = self.resource.lifecycle
        if lifecycle is None:
            return self.put(record)
        return lifecycle.enter(self, record, lifecycle.born) or record

    def put(self, record: dict) -> dict:
        """Store a changed or new record; the record as stored. ApiError when a call makes it in, or moves it to, a
        workspace that does not exist or that the caller may not use.
        """
        if self.call is not None:
            refuse_unusable_workspace(self, record)
        self.table.put(self.id_of(record), record)
        return record

    def drop(self, record: dict) -> None:
        """Forget the record at once, whatever its state, and what belongs to it: hooks on GONE are called."""
        if self.resource.lifecycle is None:
            self.forget(self.id_of(record))
        else:
            self.resource.lifecycle.enter(self, record, GONE)

    def remove(self, record: dict) -> dict | None:
        """Delete the record as far as its state allows, for another resource that goes: None when it is gone at once.

        A record that is on its way out already is left alone. ApiError when its state, or a hook, does not allow a
        deletion: whoever would be refused one is not got rid of with what it lies in.
        """
        life = self.resource.lifecycle
        is_known = life is not None and life.knows("delete")
        if life is not None and is_known and life.state_of(record) in life.targets("delete"):
            return record
        self.resource.prepare_deletion(self.call or call_of_account(self.world, self.project_id), record)
        if life is not None and is_known:
            return life.act(self, record, "delete")
        self.drop(record)
        return None

    def forget(self, id: str) -> None:
        """Take the record out of its table, and what belongs to it out of theirs, without a word to its lifecycle."""
        self.table.drop(id)
        self.resource.let_belongings_go(self, id)

    def enter(self, record: dict, state: str) -> dict | None:
        """Put the record into a state; the record as stored, None when it is gone."""
        return self.resource.life.enter(self, record, state)

    def act(self, record: dict, action: str, code: str | None = None) -> dict | None:
        """Carry out an action; ApiError with the documented code (or `code`) when the state does not allow it."""
        return self.resource.life.act(self, record, action, code)

    def state_of(self, record: dict) -> str:
        """The state that the record is in."""
        return self.resource.life.state_of(record)

    def shown(self, record: dict) -> dict:
        """The record as the API shows it."""
        return self.resource.shown(self, record)

    def records(self, name: str) -> Table:
        """Another table `<service>/<area>/<kind>` of the same project."""
        return self.world.store.table(f"{name}/{self.project_id}")

    def beside(self, resource: Resource) -> Bound:
        """The records of another kind in the same project."""
        return Bound(resource, self.world, self.project_id, self.call)


def workspace_of(resource: Resource, record: dict) -> str:
    """The id of the workspace in which the record says that it lies; 0, which each project has, when it says none."""
    found = (value_at(record, path) for path in workspace_paths(resource))
    return next(filter(None, found), DEFAULT_WORKSPACE)


def workspace_paths(resource: Resource) -> tuple[Path, ...]:
    """Where records of the kind may say in which workspace they lie."""
    own = resource.refers.get("workspace")
    return IN_WORKSPACE if own is None else (own,)


def refuse_unusable_workspace(bound: Bound, record: dict) -> None:
    """ApiError when the record is to lie in a workspace that the project does not have, or that is not the caller's to
    use. One that stays where it is may stay there.
    """
    id = workspace_of(bound.resource, record)
    if id == DEFAULT_WORKSPACE:
        return
    before = bound.get(bound.id_of(record))
    if before is not None and workspace_of(bound.resource, before) == id:
        return
    workspaces = workspaces_with(bound.world, bound.project_id, id)
    if workspaces is None:
        words = f"workspace {id} does not exist in project {bound.project_id}"
        raise ApiError(UNKNOWN_WORKSPACE, words, fill=[id])
    if bound.call is not None:
        workspaces.find(bound.call, id)


def refuse_foreign_workspace(call: Call, resource: Resource, record: dict) -> None:
    """ApiError when a found record lies in a workspace that is not the caller's to use; the account may use all."""
    if call.caller.user_id != call.world.account.user_id:
        refuse_stranger_in(call, workspace_of(resource, record))


def refuse_misplaced(call: Call, resource: Resource, record: dict) -> None:
    """ApiError when a found record lies in a workspace that is not the caller's to use; as for what is not there when
    the path names it and the call says that it lies in another workspace.

    What belongs to another record lies where that one does, so it is not asked where it lies.
    """
    refuse_foreign_workspace(call, resource, record)
    named = None if resource.belongs_to else workspace_named(call)
    if named not in (None, workspace_of(resource, record)) and resource.id_of(record) in call.path.values():
        raise resource.of(call).not_found(resource.id_of(record), f"in workspace {named}")


def workspace_named(call: Call) -> str | None:
    """The id of the workspace in which the call says that the record lies that its path names; None when it says none.

    A documented default stands for what was not said: records of all workspaces can be reached with it.
    """
    for place, name, default in call.operation.locators if call.operation else ():
        id = (getattr(call, place) or {}).get(name)
        if id not in (None, "", default):
            return str(id)
    return None


def usable_record(call: Call, name: str, id: str) -> dict | None:
    """A copy of the record with that id of the kind `<service>/<area>/<kind>`, None when the project has none.

    For what a body names: ApiError when it lies in a workspace that is not the caller's to use.
    """
    record = call.records(name).find(id)
    if record is not None:
        refuse_foreign_workspace(call, resource_of(name), record)
    return record


def refuse_stranger_in(call: Call, id: str) -> None:
    """ApiError when the workspace with that id is there and not the caller's to use."""
    workspaces = None if id == DEFAULT_WORKSPACE else workspaces_with(call.world, call.project_id, id)
    if workspaces is not None:
        workspaces.find(call, id)


def foreign_ids(bound: Bound) -> set[str]:
    """The ids of the records that lie in a workspace that is not the caller's to use; indexes find them."""
    return {
        id
        for workspace in foreign_workspaces(bound.call)
        for path in workspace_paths(bound.resource)
        for id in bound.table.having(path, workspace)
    }


def foreign_workspaces(call: Call | None) -> list[str]:
    """The ids of the project's workspaces that are not the caller's to use; none for the account, nor without a call.

    Costs the same however many there are while all are open to everybody.
    """
    if call is None or call.caller.user_id == call.world.account.user_id:
        return []
    # Where a project has workspaces, the default one is there too.
    workspaces = workspaces_with(call.world, call.project_id, DEFAULT_WORKSPACE)
    if workspaces is None or workspaces.open_to_all is None:
        return []
    (path, value), table = workspaces.open_to_all, workspaces.table(call)
    if table.how_many(path, value) == len(table):
        return []
    closed = [id for id, held in table.column(path).items() if held != value and id != DEFAULT_WORKSPACE]
    return [id for id in closed if not finds(call, workspaces, id)]


def finds(call: Call, resource: Resource, id: str) -> bool:
    """Whether the caller may find the record with that id."""
    try:
        resource.find(call, id)
    except ApiError:
        return False
    return True


def records_with(worlds: Iterable[World], id: str, kinds: Container[str]) -> Iterator[Bound]:
    """The records among which one with that id lies, in any of the worlds, of the kinds `<service>/<area>/<kind>`."""
    for world in worlds:
        for name in world.store.tables_with(id):
            service, area, kind, *_ = [*name.split("/"), ""]
            # Who handles a kind says so when its area is imported.
            import_area(f"{service}/{area}")
            if f"{service}/{area}/{kind}" in kinds:
                with world.lock:
                    bound = resource_of(name).bound_to(world, world.store.table(name))
                yield bound


def workspaces_with(world: World, project_id: str, id: str) -> Resource | None:
    """The kind of which the workspace with that id is one; None when the project does not have it."""
    places = world.store.tables_with(id)
    name = next((name for name in places if name.endswith(f"/workspace/{project_id}")), None)
    return None if name is None else resource_of(name)
