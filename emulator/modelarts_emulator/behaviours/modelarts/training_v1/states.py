"""What v1 jobs share: states as numbers, moments, quotas, ids that count up, and how they are refused."""

import re

from modelarts_emulator.contract.errors import ApiError, parameter_code
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.lifecycle import Lifecycle
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.resources import Resource

QUOTAS = "modelarts/training-v1/quotas"
WORKSPACES = "modelarts/workspaces/workspace"
STATES = "modelarts/training-v1/states"
STATUS_NUMBERS = {name: number for number, name in enumerate(fixture(STATES))}
STATUSES = re.compile(r"([0-9]|1[0-9]|2[0-2])(\|([0-9]|1[0-9]|2[0-2]))*")
# What the documented refusals call an action.
WORDS = {"delete": "delete", "stop": "stop", "restart": "resubmit"}


def illegal_action(state: str, action: str) -> ApiError:
    """The documented refusal of an action that the state does not allow."""
    return ApiError("ModelArts.0105", fill=[WORDS[action], STATUS_NUMBERS[state]])


def note_moments(lifecycle: Lifecycle) -> None:
    """Have records say when they came into each state since they last began."""

    @lifecycle.entering_each(*lifecycle.states)
    def note(bound, record: dict, state: str) -> None:
        earlier = {} if state == lifecycle.born else record["_moments"]
        record["_moments"] = {**earlier, state: bound.world.clock.now()}


def ended_at(record: dict) -> float | None:
    """When what a record runs came to its end; None while it runs or before."""
    moments = record["_moments"]
    return next((moments[state] for state in ("KILLING", "COMPLETED", "FAILED") if state in moments), None)


def seconds_run(world, record: dict) -> float:
    """For how long a record has run."""
    start, end = record["_moments"].get("RUNNING"), ended_at(record)
    return 0.0 if start is None else (world.clock.now() if end is None else end) - start


def milliseconds(moment: float) -> int:
    """A moment or a duration as v1 counts it."""
    return int(moment * 1000)


def next_number(world, name: str) -> int:
    """The next id of the kind `<service>/<area>/<kind>`; none is given twice."""
    table = world.store.table(f"{name}-number")
    last = (table.find("last") or {"number": 0})["number"]
    table.put("last", {"number": last + 1})
    return last + 1


def documented_code(call) -> str:
    """The code that the page of the call's operation documents for what the schema cannot refuse."""
    return call.operation.definition["x-error-codes"][0]["code"]


def refuse_unknown_workspace(call, workspace_id: str) -> None:
    """ApiError when the project has no such workspace; 0 is the one every project has."""
    if workspace_id != "0" and workspace_id not in call.records(WORKSPACES):
        raise ApiError("ModelArts.0102", f"workspace {workspace_id} is not in project {call.project_id}")


def refuse_unknown_status(call) -> None:
    """ApiError when the query's status is anything but numbers of states."""
    text = call.query.get("status")
    if text and not STATUSES.fullmatch(text):
        words = f"query.status: {text!r} must be numbers from 0 to 22 joined with |"
        raise ApiError(parameter_code(call.operation, words=words), words)


def refuse_one_more(bound, kind: str, name: str) -> None:
    """ApiError when the project has a job of that name, or all jobs of the kind that it may have."""
    if bound.table.having("job_name", name):
        raise ApiError("ModelArts.0103", fill=[name])
    most = fixture(QUOTAS)[kind]["jobs"]
    if len(bound.table) >= most:
        raise ApiError("ModelArts.0118", f"the project has its {most} {kind.replace('_', ' ')}; delete some")


def list_in_workspace(call, kind: Resource, quota: str) -> dict:
    """A page of the jobs of the workspace asked for, how many more there may be, and how many may run."""
    workspace_id, bound = call.query["workspace_id"], kind.of(call)
    refuse_unknown_workspace(call, workspace_id)
    refuse_unknown_status(call)
    most = fixture(QUOTAS)[quota]
    left = {"job_count_limit": most["jobs"] - len(bound.table), "quotas": most["running"]}
    return list_records(call, bound, bound.table.having("workspace_id", workspace_id)) | left
