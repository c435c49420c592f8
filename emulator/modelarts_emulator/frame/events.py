"""What has happened to a resource: a list that only grows, whose writes cost the same however long it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelarts_emulator.frame.bound import Bound
    from modelarts_emulator.frame.resources import Resource


class EventLog:
    """The events of the resources of one kind, in a table of their own.

    name: `<service>/<area>/<kind>` of that table. of: the kind; events go with the record that they are of. most: how
    many events of a record are kept, the youngest; None for all. An event is a dict; it is kept with `_of`, the id of
    its resource.
    """

    def __init__(self, name: str, of: Resource | None = None, most: int | None = None):
        self.name = name
        self.most = most
        if of is not None:
            of.gone(self.forget)

    def note(self, bound: Bound, id: str, event: dict) -> None:
        """Add an event to the resource with that id."""
        table = bound.records(self.name)
        table.put(bound.world.store.next_id(), {**event, "_of": id})
        if self.most is not None:
            for old in table.having("_of", id)[: -self.most]:
                table.drop(old)

    def note_or_count(
        self, bound: Bound, id: str, event: dict, same: tuple[str, ...], counter: str, **now: Any
    ) -> None:
        """Add an event; one that says the same as the last one, in the members `same`, is counted there instead.

        counter: the member that counts. now: members of the last event that are brought up to date.
        """
        table = bound.records(self.name)
        ids = table.having("_of", id)
        last = table.find(ids[-1]) if ids else None
        if last is not None and all(last.get(name) == event.get(name) for name in same):
            table.put(ids[-1], last | {counter: last[counter] + 1, **now})
        else:
            self.note(bound, id, {**event, counter: 1, **now})

    def of(self, bound: Bound, id: str) -> list[dict]:
        """Copies of the events of the resource, oldest first."""
        table = bound.records(self.name)
        found = (table.find(each) for each in table.having("_of", id))
        return [{name: value for name, value in event.items() if name != "_of"} for event in found if event]

    def forget(self, bound: Bound, id: str) -> None:
        """Drop the events of a resource that is gone."""
        table = bound.records(self.name)
        for each in table.having("_of", id):
            table.drop(each)
