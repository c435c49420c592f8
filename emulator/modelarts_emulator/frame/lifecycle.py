"""The lives of resources as tables: which state follows which, when, and on whose word."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame import work
from modelarts_emulator.worlds.store import value_at

if TYPE_CHECKING:
    from modelarts_emulator.frame.bound import Bound

GONE = "GONE"
Hook = Callable[["Bound", dict], Any]
StateHook = Callable[..., Any]
Target = str | Callable[["Bound", dict], str]


class State:
    """One row of a lifecycle.

    follows: the state that comes by itself, or a function (bound, record) -> state, or None. after: seconds until
    then as the cloud takes them (divided by the world's pace), or a function (bound, record) -> seconds, math.inf
    for never. exact: the seconds are meant literally, the pace does not touch them. work: a function (bound,
    record) -> a function without arguments that is carried out on a thread once the seconds are over; what it
    returns is handed to `follows`, which then is a function (bound, record, result) -> state, and may be a state
    when the result does not matter. actions: {action: state it leads to, or a function (bound, record) -> state}.
    is_final: whether nothing but a client's request leads out of it.
    """

    def __init__(
        self,
        follows: str | Callable[..., str] | None = None,
        after: float | Callable[[Bound, dict], float] = 0,
        exact: bool = False,
        work: Callable[[Bound, dict], Callable[[], Any]] | None = None,
        **actions: Target,
    ):
        self.follows = follows
        self.after = after
        self.exact = exact
        self.work = work
        self.actions = actions
        # Whoever is gone cannot come to anything else either.
        self.is_final = follows is None and actions.keys() <= {"delete"}


def soon(follows: str | Callable[..., str], after: Any, **actions: Target) -> State:
    """A state that passes by itself after that much simulated work."""
    return State(follows, after, False, None, **actions)


def until(follows: str | Callable[..., str], after: Any, **actions: Target) -> State:
    """A state that passes by itself after exactly that time: a lease, an auto stop."""
    return State(follows, after, True, None, **actions)


def works(follows: str | Callable[..., str], work: Any, after: Any = 0, **actions: Target) -> State:
    """A state that passes when work that takes real time is done, after that much simulated work at the earliest."""
    return State(follows, after, False, work, **actions)


def rests(**actions: Target) -> State:
    """A state that stays until somebody acts."""
    return State(None, 0, False, None, **actions)


def ends(**actions: Target) -> State:
    """A state that stays until a client asks for another: nothing that is scheduled leads out of it."""
    state = rests(**actions)
    state.is_final = True
    return state


class Lifecycle:
    """The states of one kind of resource.

    born: the first state. field: where a record says its state (dotted). illegal: the documented code of a
    refused action, or a function (state, action) -> ApiError in the documented words. numbers: {state: the number
    by which the member `status` tells it}. Only this class changes the field and the number.
    """

    def __init__(
        self,
        born: str,
        *,
        field: str = "status",
        illegal: str | Callable[[str, str], ApiError] = "ModelArts.0104",
        numbers: dict[str, int] | None = None,
        **states: State,
    ):
        self.born = born
        self.field = field
        self.illegal = illegal
        self.numbers = numbers or {}
        self.states = states
        self._entering: dict[str, list[Hook]] = {}
        self._entered: dict[str, list[Hook]] = {}
        for name, state in states.items():
            named = [state.follows] if isinstance(state.follows, str) else []
            for target in [*named, *state.actions.values(), born]:
                if not callable(target) and target not in states and target != GONE:
                    raise ValueError(f"{name} leads to {target}, which is no state")

    def entering(self, *states: str) -> Callable[[Hook], Hook]:
        """Register a function (bound, record) that is called when a record enters one of the states, before
        it is stored.
        """
        return self._register(self._entering, states)

    def entering_each(self, *states: str) -> Callable[[StateHook], StateHook]:
        """Register a function (bound, record, state) that is called as those of `entering` are, told which one it
        enters: the record still says the one that it comes from.
        """

        def register(function: StateHook) -> StateHook:
            for state in states:
                self.entering(state)(partial(function, state=state))
            return function

        return register

    def entered(self, *states: str) -> Callable[[Hook], Hook]:
        """Register a function (bound, record) that is called when a record is stored in one of the states."""
        return self._register(self._entered, states)

    def knows(self, action: str) -> bool:
        """Whether any state allows the action."""
        return any(action in state.actions for state in self.states.values())

    def targets(self, action: str) -> set[str]:
        """The states that the action leads to, those that are known beforehand."""
        found = {state.actions[action] for state in self.states.values() if action in state.actions}
        return {target for target in found if isinstance(target, str)}

    def state_of(self, record: dict) -> str:
        """The state a record says it is in."""
        return value_at(record, self.field)

    def enter(self, bound: Bound, record: dict, state: str) -> dict | None:
        """Store the record in that state, with the moment it runs out; None when the state is GONE and so is
        the record.
        """
        if state in self.numbers:
            record["status"] = self.numbers[state]
        for function in self._entering.get(state, ()):
            function(bound, record)
        id = bound.id_of(record)
        work.forget(bound, id)
        if state == GONE:
            bound.forget(id)
            return None
        *path, last = self.field.split(".")
        place = record
        for step in path:
            place = place.setdefault(step, {})
        place[last] = state
        self._plan(bound, record)
        bound.put(record)
        for function in self._entered.get(state, ()):
            function(bound, record)
        return record

    def replan(self, bound: Bound, record: dict) -> dict:
        """Store the record, which stays in its state, with the moment that runs out as it follows from the record now;
        no hook is called.
        """
        self._plan(bound, record)
        return bound.put(record)

    def _plan(self, bound: Bound, record: dict) -> None:
        """Note when the record's state runs out, counted from now."""
        row = self.states[self.state_of(record)]
        record.pop("_due", None)
        seconds = row.after(bound, record) if callable(row.after) else row.after
        if row.follows is not None and seconds != math.inf:
            record["_due"] = bound.world.clock.now() + (seconds if row.exact else seconds / bound.world.pace)
            bound.world.schedule(record["_due"], bound.table.name, bound.id_of(record))

    def act(self, bound: Bound, record: dict, action: str, code: str | None = None) -> dict | None:
        """Carry out an action; ApiError with the documented code when the record's state does not allow it."""
        state = self.state_of(record)
        target = self.states[state].actions.get(action)
        if target is None:
            if callable(self.illegal):
                raise self.illegal(state, action)
            allowed = [name for name, row in self.states.items() if action in row.actions]
            raise ApiError(
                code or self.illegal,
                f"{bound.id_of(record)} is {state}; {action} needs "
                f"{' or '.join(allowed) or 'a state that does not exist'}",
                fill=[state],
            )
        return self.enter(bound, record, target(bound, record) if callable(target) else target)

    def pass_on(self, bound: Bound, record: dict) -> dict | None:
        """Move the record to what follows its state; called at the moment that is due."""
        row = self.states[self.state_of(record)]
        if row.follows is None or isinstance(row.follows, str):
            follows = row.follows
        elif row.work is None:
            follows = row.follows(bound, record)
        else:
            follows = row.follows(bound, record, work.result_of(bound, bound.id_of(record)))
        return None if follows is None else self.enter(bound, record, follows)

    def awaited(self, bound: Bound, record: dict) -> Any:
        """The threading.Event of the work without which the due record does not pass on; None when there is none."""
        row = self.states[self.state_of(record)]
        return None if row.work is None else work.begin(bound, record, row.work)

    def _register(self, hooks: dict[str, list[Hook]], states: tuple[str, ...]) -> Callable[[Hook], Hook]:
        def register(function: Hook) -> Hook:
            for state in states:
                hooks.setdefault(state, []).append(function)
            return function

        return register
