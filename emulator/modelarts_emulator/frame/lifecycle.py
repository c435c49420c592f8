"""The lives of resources as tables: which state follows which, when, and on whose word."""

import math

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.worlds.store import value_at

GONE = "GONE"


class State:
    """One row of a lifecycle.

    follows: the state that comes by itself, or a function (world, record) -> state, or None.
    after: seconds until then as the cloud takes them (divided by the world's pace), or a function (world,
    record) -> seconds, math.inf for never. exact: the seconds are meant literally, the pace does not touch them.
    actions: {action: state it leads to}.
    """

    def __init__(self, follows=None, after=0, exact=False, **actions):
        self.follows = follows
        self.after = after
        self.exact = exact
        self.actions = actions


def soon(follows, after, **actions) -> State:
    """A state that passes by itself after that much simulated work."""
    return State(follows, after, **actions)


def until(follows, after, **actions) -> State:
    """A state that passes by itself after exactly that time: a lease, an auto stop."""
    return State(follows, after, exact=True, **actions)


def rests(**actions) -> State:
    """A state that stays until somebody acts."""
    return State(**actions)


class Lifecycle:
    """The states of one kind of resource.

    born: the first state. field: where a record says its state (dotted). illegal: the documented code of a
    refused action. Only this class changes the field.
    """

    def __init__(self, born: str, *, field: str = "status", illegal: str = "ModelArts.0104", **states: State):
        self.born = born
        self.field = field
        self.illegal = illegal
        self.states = states
        self._entering: dict = {}
        self._entered: dict = {}
        for name, state in states.items():
            named = [state.follows] if isinstance(state.follows, str) else []
            for target in [*named, *state.actions.values(), born]:
                if target not in states and target != GONE:
                    raise ValueError(f"{name} leads to {target}, which is no state")

    def entering(self, *states: str):
        """Register a function (world, record) that is called when a record enters one of the states, before
        it is stored.
        """

        def register(function):
            for state in states:
                self._entering.setdefault(state, []).append(function)
            return function

        return register

    def entered(self, *states: str):
        """Register a function (world, record) that is called when a record is stored in one of the states."""

        def register(function):
            for state in states:
                self._entered.setdefault(state, []).append(function)
            return function

        return register

    def state_of(self, record: dict) -> str:
        """The state a record says it is in."""
        return value_at(record, self.field)

    def enter(self, world, table, id: str, record: dict, state: str) -> dict | None:
        """Store the record in that state, with the moment it runs out; None when the state is GONE and so is
        the record.
        """
        for function in self._entering.get(state, ()):
            function(world, record)
        if state == GONE:
            table.drop(id)
            return None
        *path, last = self.field.split(".")
        place = record
        for step in path:
            place = place.setdefault(step, {})
        place[last] = state
        record.pop("_due", None)
        row = self.states[state]
        seconds = row.after(world, record) if callable(row.after) else row.after
        if row.follows is not None and seconds != math.inf:
            record["_due"] = world.clock.now() + (seconds if row.exact else seconds / world.pace)
            world.schedule(record["_due"], table.name, id)
        table.put(id, record)
        for function in self._entered.get(state, ()):
            function(world, record)
        return record

    def act(self, world, table, id: str, record: dict, action: str, code: str | None = None) -> dict | None:
        """Carry out an action; ApiError with the documented code when the record's state does not allow it."""
        state = self.state_of(record)
        target = self.states[state].actions.get(action)
        if target is None:
            allowed = [name for name, row in self.states.items() if action in row.actions]
            raise ApiError(
                code or self.illegal,
                f"{id} is {state}; {action} needs {' or '.join(allowed) or 'a state that does not exist'}",
                fill=[state],
            )
        return self.enter(world, table, id, record, target)

    def pass_on(self, world, table, id: str, record: dict) -> dict | None:
        """Move the record to what follows its state; called at the moment that is due."""
        follows = self.states[self.state_of(record)].follows
        return self.enter(world, table, id, record, follows(world, record) if callable(follows) else follows)
