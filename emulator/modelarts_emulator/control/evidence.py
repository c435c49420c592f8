"""What is proven of each operation, an axis each: what docs/evidence.md and the console show."""

from typing import NamedTuple

from modelarts_emulator.contract.operations import Operation
from modelarts_emulator.control.errors import recorded
from modelarts_emulator.frame.registry import NOT_EMULATED, behaviour_of

# {name of an axis: what it says}. They are not summed, for no two mean the same.
AXES = {
    "documented": "how many documents the operation's schema was read from",
    "behaviour": "a function carries it out; without one it answers 501",
    "request checked": (
        "how many parameters and, with `+ body`, a body are held against schemas; the rules over all operations draw "
        "valid requests and such as break one rule"
    ),
    "answer checked": (
        "a success was answered in the tests and its schema was held against it. Where it is left empty, no test has "
        "got that far, or no JSON is documented"
    ),
    "refusals": "how many documented codes the tests were answered there, with no fault",
    "SDK": "a client of Huawei's SDKs has driven it in the tests",
    "restart": "it has answered a success in an emulator that had read the state of one before it",
}


class Evidence(NamedTuple):
    """What is proven of an operation; cells: in the order of AXES."""

    operation: Operation
    cells: tuple[str, ...]


def evidence_of(operation: Operation) -> Evidence:
    """What the schemas say of an operation and what the project's own tests were seen to do with it."""
    proven = recorded()["operations"].get(operation.operation_id, {})
    parameters = len(operation.definition["parameters"])
    statuses = [int(status) for status in operation.definition["responses"] if status < "4"]
    has_schema = any(operation.answer_schema(status) is not None for status in statuses)
    cells = (
        str(len(operation.sources)),
        mark(behaviour_of(operation) is not NOT_EMULATED),
        f"{parameters}{' + body' if operation.body_schema is not None else ''}",
        mark(has_schema and "answered" in proven),
        str(len(proven.get("refused", ()))),
        mark("sdk" in proven),
        mark("restarted" in proven),
    )
    return Evidence(operation, cells)


def mark(holds: bool) -> str:
    """What stands in a cell for yes and no."""
    return "yes" if holds else ""
