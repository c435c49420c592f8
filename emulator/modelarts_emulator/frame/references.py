"""Which records name another one: what lies in a workspace, what uses a network."""

from __future__ import annotations

from modelarts_emulator.frame.bound import IN_WORKSPACE, Bound
from modelarts_emulator.frame.registry import known_resource_of
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.worlds.store import Path, value_at
from modelarts_emulator.worlds.world import World


def users_of(bound: Bound, id: str) -> list[tuple[Bound, str]]:
    """(where it lies, its id) of every record of the project that names the record with that id.

    Which ones do is registered by `refers` of their Resource; the order is that of tables, then of age.
    """
    found = []
    for resource in resources_in(bound):
        where = resource.at(bound.world, bound.project_id)
        path = naming_member(where, bound.resource.kind)
        if path is not None:
            found += [(where, each) for each in where.table.having(path, id)]
    return found


def resources_in(bound: Bound) -> list[Resource]:
    """The kinds of which the project has records."""
    tables = {name: known_resource_of(name) for name in bound.world.store.names()}
    return [each for name, each in tables.items() if each and name == f"{each.name}/{bound.project_id}"]


def forget_belongings(world: World, area: str) -> None:
    """Forget what belongs to records of an area that is being reset, and what belongs to that."""
    for name in list(world.store.names()):
        resource = known_resource_of(name)
        owner = resource.belongs_to.owner if resource is not None and resource.belongs_to else None
        if resource is not None and owner is not None and owner.name.startswith(f"{area}/"):
            bound = resource.bound_to(world, world.store.table(name))
            for id in list(bound.table.ids()):
                bound.forget(id)


def naming_member(where: Bound, kind: str) -> Path | None:
    """The member in which these records say which record of that kind they use; None when they do not."""
    refers = where.resource.refers
    if kind in refers or kind != "workspace":
        return refers.get(kind)
    first = where.table.find(next(iter(where.table.ids())))
    return next((path for path in IN_WORKSPACE if value_at(first, path) is not None), None)
