"""Lists of v1: which records a query selects, in what order, and which page of them."""

import re

from modelarts_emulator.behaviours.modelarts.training_v1.states import STATUS_NUMBERS, documented_code
from modelarts_emulator.contract.errors import ApiError

STATUSES = re.compile(r"\d{1,2}(\|\d{1,2})*")


def selected_ids(call, table, state_of, sort_keys: dict) -> list[str]:
    """The ids of the jobs that workspace, status and search content of the query leave, sorted as it says.

    state_of: id -> state name. sort_keys: {value of sortBy: id -> what it sorts by}.
    """
    query = call.query
    workspaces, names = table.column("workspace_id"), table.column("job_name")
    ids = [id for id in table.ids() if workspaces[id] == query["workspace_id"]]
    wanted = query.get("search_content", "").lower()
    if wanted:
        ids = [id for id in ids if wanted in names[id].lower()]
    numbers = status_filter(call)
    if numbers:
        ids = [id for id in ids if STATUS_NUMBERS[state_of(id)] in numbers]
    return sorted(ids, key=sort_keys[query["sortBy"]], reverse=query["order"] == "desc")


def status_filter(call) -> set[int]:
    """The numbers that the query's status names, several joined with `|`; empty when it names none."""
    text = call.query.get("status", "")
    if not text:
        return set()
    numbers = {int(number) for number in text.split("|")} if STATUSES.fullmatch(text) else set()
    if not numbers or not numbers <= set(STATUS_NUMBERS.values()):
        raise ApiError(
            documented_code(call), f"query.status is {text!r}, must be numbers from 0 to 22 joined with |"
        )
    return numbers


def page_of(call, rows: list) -> list:
    """The page of the rows that the query names, counted from 1."""
    page, size = call.query["page"], call.query["per_page"]
    if page < 1:
        raise ApiError(documented_code(call), f"query.page is {page}, pages count from 1")
    return rows[(page - 1) * size : page * size]


def refuse_unknown_workspace(call, workspace_id: str) -> None:
    """ApiError when the project has no such workspace; 0 is the one every project has."""
    if workspace_id != "0" and workspace_id not in call.records("modelarts/workspaces/workspace"):
        raise ApiError("ModelArts.0102", f"workspace {workspace_id} is not in project {call.project_id}")
