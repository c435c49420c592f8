"""The list of training jobs: what a search asks for beside paging and order."""

import re
from collections.abc import Callable
from ipaddress import ip_address

from modelarts_emulator.behaviours.modelarts.training.life import TRAINING_JOBS
from modelarts_emulator.behaviours.modelarts.training.status import task_addresses
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.listing import column_of, list_records, paging_of
from modelarts_emulator.frame.registry import behaviour

WHOLE = re.compile("[0-9]{1,15}")
WINDOW_MS = 31 * 86400 * 1000
# What one can filter, sort and group by beside what rows show.
HIDDEN = ("user_id", "runtime_type")
NUMBERS = {"create_time", "start_time", "duration", "node_count"}


@behaviour("ListTrainingJobs")
def list_training_jobs(call):
    """A page of the jobs of one workspace, newest first unless asked otherwise."""
    search, bound = call.body or {}, TRAINING_JOBS.of(call)
    host_ips = search.get("host_ips") or []
    member_of(call, search.get("sort_by") or "create_time", "ModelArts.2790")
    group_by = search.get("group_by")
    conditions = conditions_of(call, bound, search, host_ips)
    ids = [id for id in bound.table.ids() if all(holds(id) for holds in conditions)] if conditions else None

    def row(job: dict) -> dict:
        shown = TRAINING_JOBS.row(call, bound, job)
        if host_ips:
            shown["status"]["task_ips"] = tasks_on(bound.world, job, host_ips)
        return shown

    group = member_of(call, group_by, "ModelArts.2807") if group_by else None
    return {
        "ai_project": "default-ai-project",
        **list_records(call, bound, ids=ids, row=row, group=group),
    }


def member_of(call, field: str, code: str) -> str:
    """Where rows say the field, dotted; ApiError with the code when there is no such field."""
    members = paging_of(call).sort.members
    if field not in members and field not in HIDDEN:
        raise ApiError(code, f"{field!r} is none of {', '.join((*members, *HIDDEN))}")
    return ".".join(members.get(field, (field,)))


def conditions_of(call, bound, search: dict, host_ips: list[str]) -> list[Callable]:
    """A function id -> bool for everything that a job must fulfil to be listed; none when every job does."""
    is_recent_only = bool(search.get("tags") or host_ips)
    window = window_asked(search) if is_recent_only else []
    conditions = [condition_of(call, at, each) for at, each in enumerate(search.get("filters", ()))]
    if search.get("train_type"):
        conditions.append(of_type(bound, search["train_type"] == "ftjob"))
    if search.get("tags"):
        conditions.append(has_tags(bound, search["tags"]))
    if host_ips:
        conditions.append(on_hosts(bound, host_ips))
    if is_recent_only and not window:
        created, oldest = bound.table.column("metadata.create_time"), bound.world.clock.now_ms() - WINDOW_MS
        conditions.append(lambda id: created[id] >= oldest)
    return [condition for condition in conditions if condition is not None]


def condition_of(call, at: int, condition: dict) -> Callable | None:
    """A filter as a function id -> bool; None when it has no value to compare with."""
    field, operator, values = condition.get("key"), condition.get("operator"), condition.get("value", [])
    if not field or not operator:
        raise ApiError("ModelArts.2789", f"$.filters[{at}] must have key and operator")
    column = column_of(TRAINING_JOBS.of(call), member_of(call, field, "ModelArts.2807"))
    if not any(values):
        return None
    if operator == "between":
        return between(f"$.filters[{at}]", field, values, column)
    if operator == "like":
        if field in NUMBERS:
            raise ApiError("ModelArts.2808", f"$.filters[{at}]: {field} takes between, in or not, no like")
        parts = [value.lower() for value in values if value]
        return lambda id: any(part in text_of(column[id]).lower() for part in parts)
    return lambda id: (text_of(column[id]) in values) == (operator == "in")


def text_of(value) -> str:
    """A value as a filter names it; empty where a job does not say it, which is not 0."""
    return "" if value is None else str(value)


def between(where: str, field: str, values: list[str], column: dict) -> Callable:
    """That the value lies in a range of which one end may be open."""
    if field not in NUMBERS:
        raise ApiError("ModelArts.2808", f"{where}: between takes {', '.join(sorted(NUMBERS))}, not {field}")
    if len(values) != 2 or not all(value == "" or WHOLE.fullmatch(value) for value in values):
        words = f"{where}.value is {values}, must be two whole numbers, '' for an open end"
        raise ApiError("ModelArts.2809", words)
    low, high = (float(value) if value else None for value in values)
    return lambda id: (low is None or column[id] >= low) and (high is None or column[id] <= high)


def of_type(bound, is_tuning: bool) -> Callable:
    """That a job is for fine-tuning, or is not."""
    types, configs = bound.table.column("train_type"), bound.table.column("ftjob_config")
    return lambda id: (types[id] is not None or configs[id] is not None) == is_tuning


def has_tags(bound, tags: list[dict]) -> Callable:
    """That a job has every tag key, with one of the values where values are given."""
    keys = [tag["key"] for tag in tags]
    values = {tag["key"]: tag.get("values", ()) for tag in tags}
    if len(values) != len(tags) or any(len(set(each)) != len(each) for each in values.values()):
        words = f"$.tags names {', '.join(keys)}; each key and each of its values only once"
        raise ApiError("ModelArts.2788", words)
    wanted = {key: [value for value in each if value] for key, each in values.items()}
    held = bound.table.column("_tags")
    return lambda id: all(
        key in (held[id] or {}) and (not each or held[id][key] in each) for key, each in wanted.items()
    )


def on_hosts(bound, host_ips: list[str]) -> Callable:
    """That a task of the job runs on one of the nodes; ApiError when one is not an IP address."""
    for at, text in enumerate(host_ips):
        try:
            ip_address(text)
        except ValueError:
            words = f"$.host_ips[{at}] is {text!r}, must be an IPv4 or IPv6 address"
            raise ApiError("ModelArts.2788", words) from None
    return lambda id: bool(tasks_on(bound.world, bound.find(id), host_ips))


def tasks_on(world, job: dict, host_ips: list[str]) -> list[dict]:
    """Where the job's tasks run, as far as that is on one of the nodes."""
    return [address for address in task_addresses(world, job) if address["host_ip"] in host_ips]


def window_asked(search: dict) -> list[str]:
    """The two ends of the create_time filter, [] without one; ApiError when it spans more than 31 days."""
    filters = [each for each in search.get("filters", ()) if each.get("key") == "create_time"]
    values = [each.get("value", []) for each in filters if each.get("operator") == "between"]
    window = next((each for each in values if any(each)), [])
    if window and not (len(window) == 2 and all(WHOLE.fullmatch(each) for each in window)):
        words = f"create_time is {window}; with tags or host_ips both ends are needed"
        raise ApiError("ModelArts.2809", words)
    if window and int(window[1]) - int(window[0]) > WINDOW_MS:
        words = "create_time may span at most 31 days when tags or host_ips are given"
        raise ApiError("ModelArts.2809", words)
    return window
