"""What v1 jobs share: states as numbers, refusals that quote them, ids that count up."""

from modelarts_emulator.contract.errors import ApiError

NAMES = [
    "UNKNOWN",
    "INIT",
    "IMAGE_CREATING",
    "IMAGE_FAILED",
    "SUBMIT_TRYING",
    "SUBMIT_FAILED",
    "DELETE_FAILED",
    "WAITING",
    "RUNNING",
    "KILLING",
    "COMPLETED",
    "FAILED",
    "KILLED",
    "CANCELED",
    "LOST",
    "SCALING",
    "SUBMIT_MODEL_FAILED",
    "DEPLOY_SERVICE_FAILED",
    "CHECK_INIT",
    "CHECK_RUNNING",
    "CHECK_RUNNING_COMPLETED",
    "CHECK_FAILED",
    "MOUNT_FAILED",
]
STATUS_NUMBERS = {name: number for number, name in enumerate(NAMES)}
# What the documented refusals call an action.
WORDS = {"delete": "delete", "stop": "stop", "restart": "resubmit"}


def refuse_illegal(lifecycle, record: dict, action: str) -> None:
    """ApiError in the documented words when the state of the record does not allow the action."""
    state = lifecycle.state_of(record)
    if action not in lifecycle.states[state].actions:
        raise ApiError("ModelArts.0105", fill=[WORDS[action], STATUS_NUMBERS[state]])


def documented_code(call) -> str:
    """The code that the page of the call's operation documents for what the schema cannot refuse."""
    return call.operation.definition["x-error-codes"][0]["code"]


def next_number(call, area: str, kind: str) -> int:
    """The next id of that kind in the project, counted in the area of that full name; none is given twice."""
    table = call.records(f"{area}/number")
    last = (table.find(kind) or {"last": 0})["last"]
    table.put(kind, {"last": last + 1})
    return last + 1


def milliseconds(moment: float) -> int:
    """A moment or a duration as v1 counts it."""
    return int(moment * 1000)
