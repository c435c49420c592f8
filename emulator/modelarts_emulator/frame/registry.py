"""What operations do and what kinds of resource there are, found by name; an area is imported when it is first used."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Call

if TYPE_CHECKING:
    from modelarts_emulator.contract.operations import Operation
    from modelarts_emulator.frame.resources import Resource
    from modelarts_emulator.worlds.world import World


class Behaviour(Protocol):
    """What an operation does: a function of one call. computes: it takes its time, or streams."""

    computes: bool

    def __call__(self, call: Call) -> Any:
        """What the operation answers."""


Function = TypeVar("Function", bound=Callable[..., Any])
BEHAVIOURS = "modelarts_emulator.behaviours"
REGISTERED: dict[str, Behaviour] = {}
RESOURCES: dict[str, Resource] = {}
IMPORTED: set[str] = set()


def behaviour(operation_id: str, computes: bool = False) -> Callable[[Function], Function]:
    """Register a function of one call as what the operation does.

    computes: the behaviour takes its time or streams; it runs on a thread of its own and without the world's
    lock.
    """

    def register(function: Function) -> Function:
        refuse_second(operation_id)
        known = cast(Behaviour, function)
        known.computes = computes
        REGISTERED[operation_id] = known
        return function

    return register


def serve_family(subject: Any, functions: dict[str, Callable[..., Any]], operations: dict[str, str]) -> None:
    """Register what is done alike with several subjects: functions (subject, call) by a verb, and which operation
    ids mean those verbs for this subject.
    """
    for verb, operation_id in operations.items():
        behaviour(operation_id)(partial(functions[verb], subject))


def refuse_second(operation_id: str) -> None:
    """ValueError when the operation already has a behaviour: one of the two would never run."""
    if operation_id in REGISTERED:
        raise ValueError(f"{operation_id} has two behaviours")


def import_area(name: str) -> None:
    """Import the module of the area `<service>/<area>`, or all modules of its package; none need be there."""
    if name in IMPORTED:
        return
    module = f"{BEHAVIOURS}.{name.replace('/', '.').replace('-', '_')}"
    try:
        package = import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise
        IMPORTED.add(name)
        return
    from pkgutil import iter_modules

    for each in iter_modules(getattr(package, "__path__", ())):
        import_module(f"{module}.{each.name}")
    IMPORTED.add(name)


def import_areas_of(world: World) -> None:
    """Import the areas that have records in the world: there stands what goes with a record, or keeps it from going."""
    for area in {"/".join(name.split("/", 2)[:2]) for name in world.store.names()} - IMPORTED:
        import_area(area)


def behaviour_of(operation: Operation) -> Behaviour:
    """The function that carries the operation out; one that answers an honest 501 where none is written."""
    import_area(operation.area_of.full_name)
    return REGISTERED.get(operation.operation_id, NOT_EMULATED)


def resource_of(table_name: str) -> Resource:
    """The Resource whose records lie in the table `<service>/<area>/<kind>/...`; KeyError when there is none."""
    service, area, kind, *_ = table_name.split("/")
    import_area(f"{service}/{area}")
    return RESOURCES[f"{service}/{area}/{kind}"]


def known_resource_of(table_name: str) -> Resource | None:
    """The Resource whose records lie in the table, None for a table of something else, such as events."""
    if table_name.count("/") < 2:
        return None
    try:
        return resource_of(table_name)
    except KeyError:
        return None


def not_emulated(call: Call) -> None:
    """Refuse with 501, naming the operation and what one can do."""
    operation = call.operation
    raise ApiError(
        "Emulator.NotImplemented",
        f"{operation.operation_id} ({operation.method} {operation.path}) passed all checks of its contract, but its "
        "behaviour is not written yet. GET /_emulator/operations lists what is; docs/limits.md says what is planned.",
    )


NOT_EMULATED = cast(Behaviour, not_emulated)
NOT_EMULATED.computes = False
