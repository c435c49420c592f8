"""What operations do: one module per schema file, of the same name, imported when its area is first used."""

from importlib import import_module

from emulator.calls import Call
from emulator.errors import ApiError

REGISTERED: dict = {}


def behaviour(operation_id: str, computes: bool = False):
    """Register a function of one call as what the operation does.

    computes: the behaviour takes its time or streams; it runs on a thread of its own and without the world's
    lock.
    """

    def register(function):
        refuse_second(operation_id)
        function.computes = computes
        REGISTERED[operation_id] = function
        return function

    return register


def refuse_second(operation_id: str) -> None:
    """ValueError when the operation already has a behaviour: one of the two would never run."""
    if operation_id in REGISTERED:
        raise ValueError(f"{operation_id} has two behaviours")


def behaviour_of(operation):
    """The function that carries the operation out; one that answers an honest 501 where none is written."""
    name = f"{__name__}.{operation.area_of.module}"
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
    return REGISTERED.get(operation.operation_id, not_emulated)


def not_emulated(call: Call):
    """Refuse with 501, naming the operation and what one can do."""
    operation = call.operation
    raise ApiError(
        "Emulator.NotImplemented",
        f"{operation.operation_id} ({operation.method} {operation.path}) passed all checks of its contract, but its "
        "behaviour is not written yet. GET /_emulator/operations lists what is; docs/limits.md says what is planned.",
    )


not_emulated.computes = False
