"""Create, show, list, update, delete and act, once for every kind of resource that does just that."""

from collections.abc import Callable

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Call
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle
from modelarts_emulator.frame.registry import RESOURCES, behaviour


class Resource:
    """One kind of resource: where its records lie, how they are found, and the operations that just handle
    them.

    name: "<area>/<kind>", the area being the behaviours module that is imported when one of its records falls
    due. path_names: the path parameters that may hold its id. id_field: the member that holds it in a record.
    not_found: the documented code when there is none. items: the member of a list answer that holds the page.
    present: a function (world, record) -> the record as the API shows it; members that start with `_` never
    show. awaits: a function (world, record) -> a threading.Event of something in real time without which a due
    record does not pass on, or None.
    """

    def __init__(
        self,
        name: str,
        *,
        path_names: tuple[str, ...] = ("id",),
        id_field: str = "id",
        items: str = "items",
        not_found: str,
        lifecycle: Lifecycle | None = None,
        present: Callable | None = None,
        awaits: Callable | None = None,
    ):
        self.name = name
        self.kind = name.rpartition("/")[2]
        self.path_names = path_names
        self.id_field = id_field
        self.items = items
        self.not_found = not_found
        self.lifecycle = lifecycle
        self._present = present
        self._awaits = awaits
        RESOURCES[name] = self

    def table(self, call: Call):
        """The table of these records in the call's project."""
        return call.records(self.name)

    def id_in(self, call: Call) -> str:
        """The id that the path of the call names."""
        return next(call.path[name] for name in self.path_names if name in call.path)

    def find(self, call: Call, id: str | None = None) -> dict:
        """A copy of the record the call names; ApiError with the documented code when there is none."""
        id = self.id_in(call) if id is None else id
        record = self.table(call).find(id)
        if record is None:
            raise ApiError(
                self.not_found, f"{self.kind} {id} does not exist in project {call.project_id}", fill=[id]
            )
        return record

    def add(self, call: Call, id: str, record: dict) -> dict:
        """Store a new record, born into its lifecycle if it has one; the record as shown."""
        if self.lifecycle is None:
            self.table(call).put(id, record)
        else:
            record = self.lifecycle.enter(call.world, self.table(call), id, record, self.lifecycle.born)
        return self.shown(call.world, record)

    def change(self, call: Call, id: str, record: dict) -> dict:
        """Store a changed record; the record as shown."""
        self.table(call).put(id, record)
        return self.shown(call.world, record)

    def act(self, call: Call, id: str, record: dict, action: str, code: str | None = None) -> dict | None:
        """Carry out an action of the lifecycle; the record as shown, None when it is gone."""
        record = self.lifecycle.act(call.world, self.table(call), id, record, action, code)
        return None if record is None else self.shown(call.world, record)

    def pass_on(self, world, table, id: str) -> None:
        """Let the record go on to what follows its state."""
        self.lifecycle.pass_on(world, table, id, table.find(id))

    def awaited(self, world, table, id: str):
        """What has to be set before the due record passes on; None when nothing has."""
        return None if self._awaits is None else self._awaits(world, table.find(id))

    def shown(self, world, record: dict) -> dict:
        """The record as the API shows it."""
        if self._present is not None:
            record = self._present(world, record)
        return {name: value for name, value in record.items() if name[0] != "_"}

    def serves(self, **operations: str) -> "Resource":
        """Register the plain operations: show, delete, and any action of the lifecycle, each by its operation
        id.
        """
        for verb, operation_id in operations.items():
            plain = {"show": self.show, "delete": self.delete}.get(verb) or self._action(verb)
            behaviour(operation_id)(_function(plain, operation_id))
        return self

    def show(self, call: Call) -> dict:
        """The record the call names."""
        return self.shown(call.world, self.find(call))

    def delete(self, call: Call) -> None:
        """Forget the record the call names, by its lifecycle if that says how."""
        record = self.find(call)
        id = record[self.id_field]
        if self.lifecycle is None:
            self.table(call).drop(id)
        elif any("delete" in state.actions for state in self.lifecycle.states.values()):
            self.act(call, id, record, "delete")
        else:
            self.lifecycle.enter(call.world, self.table(call), id, record, GONE)

    def _action(self, action: str):
        if not any(action in state.actions for state in self.lifecycle.states.values()):
            raise ValueError(f"{self.kind} knows no action {action}")

        def carry_out(call: Call):
            record = self.find(call)
            return self.act(call, record[self.id_field], record, action)

        return carry_out


def _function(plain, operation_id: str):
    def serve(call: Call):
        return plain(call)

    serve.__name__ = operation_id
    serve.__doc__ = plain.__doc__
    return serve
