"""The list of training jobs: filtered, sorted, grouped, and cut into pages."""

import re
from collections.abc import Callable
from ipaddress import ip_address

from modelarts_emulator.behaviours.modelarts.training.life import TRAINING_JOBS
from modelarts_emulator.behaviours.modelarts.training.status import seconds_run, task_addresses
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour

MOST_PER_PAGE = 50
UNCONDITIONAL = {"sort_by": "create_time", "order": "desc", "workspace_id": "0"}
WHOLE = re.compile("[0-9]{1,15}")
WINDOW_MS = 31 * 86400 * 1000

# Where a record holds what one can filter, sort and group by.
FIELDS = {
    "id": "metadata.id",
    "name": "metadata.name",
    "description": "metadata.description",
    "user_name": "metadata.user_name",
    "create_time": "metadata.create_time",
    "workspace_id": "metadata.workspace_id",
    "phase": "status.phase",
    "kind": "kind",
    "algorithm_id": "algorithm.id",
    "algorithm_name": "algorithm.name",
    "engine_name": "algorithm.engine.engine_name",
    "flavor_id": "spec.resource.flavor_id",
    "pool_id": "spec.resource.pool_id",
    "node_count": "spec.resource.node_count",
    "experiment_id": "metadata.training_experiment_reference.id",
    "experiment_name": "metadata.training_experiment_reference.name",
    "user_id": "_user_id",
    "runtime_type": "_runtime_type",
    "start_time": "_moments",
    "duration": "_moments",
}
NUMBERS = {"create_time", "start_time", "duration", "node_count"}


@behaviour("ListTrainingJobs")
def list_training_jobs(call):
    """A page of the jobs of one workspace, newest first unless asked otherwise."""
    search = UNCONDITIONAL | (call.body or {})
    limit, offset = search.get("limit", MOST_PER_PAGE), search.get("offset", 0)
    total, page = page_of(call, search, offset * limit, limit)
    return {
        "total": total,
        "count": len(page),
        "limit": limit,
        "offset": offset,
        "sort_by": search["sort_by"],
        "order": search["order"],
        "group_by": search.get("group_by", ""),
        "workspace_id": search["workspace_id"],
        "ai_project": "default-ai-project",
        "items": [listed_job(call, job, search.get("host_ips")) for job in page],
    }


def page_of(call, search: dict, start: int, limit: int) -> tuple[int, list[dict]]:
    """(how many jobs match, the records of the page)."""
    jobs, conditions = TRAINING_JOBS.table(call), conditions_of(call, search)
    newest_first = search["order"] == "desc"
    by_age = search["sort_by"] in ("create_time", "") and not search.get("group_by")
    if by_age and not conditions:
        return len(jobs), jobs.page(start, limit, newest_first)
    ids = [id for id in jobs.ids(newest_first) if all(holds(id) for holds in conditions)]
    if not by_age:
        ids = arranged(call, search, ids)
    return len(ids), [jobs.find(id) for id in ids[start : start + limit]]


def arranged(call, search: dict, ids: list[str]) -> list[str]:
    """The ids sorted by the field asked for, jobs of one group beside each other."""
    sort_by, group_by = search["sort_by"] or "create_time", search.get("group_by")
    value_of = reader(call, sort_by, "ModelArts.2790")
    ids = sorted(ids, key=lambda id: sortable(value_of(id)), reverse=search["order"] == "desc")
    if not group_by:
        return ids
    group_of = reader(call, group_by, "ModelArts.2807")
    groups = {}
    for id in ids:
        groups.setdefault(group_of(id), []).append(id)
    return [id for group in groups.values() for id in group]


def reader(call, field: str, code: str) -> Callable:
    """A function id -> value of the field; ApiError when there is no such field."""
    if field not in FIELDS:
        raise ApiError(code, f"{field!r} is none of {', '.join(FIELDS)}")
    column = TRAINING_JOBS.table(call).column(FIELDS[field])
    if field == "start_time":
        return lambda id: int(column[id].get("Running", 0) * 1000)
    if field == "duration":
        return lambda id: int(seconds_run(call.world, {"_moments": column[id]}) * 1000)
    return column.__getitem__


def sortable(value) -> tuple:
    """A key by which numbers, texts and nothing can stand in one order."""
    if value is None:
        return (0, 0, "")
    return (1, value, "") if isinstance(value, int | float) else (2, 0, str(value))


def conditions_of(call, search: dict) -> list[Callable]:
    """A function id -> bool for everything a job must fulfil to be listed; none when every job does."""
    refuse_bad_window(search)
    conditions = [condition_of(call, at, each) for at, each in enumerate(search.get("filters", ()))]
    conditions += [in_workspace(call, search["workspace_id"]), of_type(call, search.get("train_type"))]
    conditions += [tagged(call, search.get("tags")), on_hosts(call, search.get("host_ips"))]
    if needs_window(search) and not window_of(search):
        oldest, created = call.world.clock.now_ms() - WINDOW_MS, reader(call, "create_time", "ModelArts.2807")
        conditions.append(lambda id: created(id) >= oldest)
    return [condition for condition in conditions if condition is not None]


def in_workspace(call, workspace_id: str) -> Callable | None:
    """That a job belongs to the workspace; None when all jobs do."""
    jobs = TRAINING_JOBS.table(call)
    if workspace_id == "0" and not jobs.having("_elsewhere", True):
        return None
    workspaces = jobs.column(FIELDS["workspace_id"])
    return lambda id: workspaces[id] == workspace_id


def of_type(call, train_type: str | None) -> Callable | None:
    """That a job is a fine-tuning job, or is none."""
    if train_type is None:
        return None
    tuned = TRAINING_JOBS.table(call).column("_tunes")
    return lambda id: bool(tuned[id]) == (train_type == "ftjob")


def tagged(call, tags: list | None) -> Callable | None:
    """That a job has every tag key, with one of the values where values are given."""
    if not tags:
        return None
    keys = [tag["key"] for tag in tags]
    repeated = [tag["key"] for tag in tags if len(set(tag.get("values", ()))) != len(tag.get("values", ()))]
    if len(set(keys)) != len(keys) or repeated:
        raise ApiError(
            "ModelArts.2788", f"$.tags names {', '.join(keys)}; each key and each of its values only once"
        )
    wanted = {tag["key"]: [value for value in tag.get("values", ()) if value] for tag in tags}
    held = TRAINING_JOBS.table(call).column("_tags")
    return lambda id: all(
        key in (held[id] or {}) and (not values or held[id][key] in values) for key, values in wanted.items()
    )


def on_hosts(call, host_ips: list | None) -> Callable | None:
    """That a task of the job runs on one of the nodes."""
    if not host_ips:
        return None
    for at, text in enumerate(host_ips):
        refuse_bad_address(f"$.host_ips[{at}]", text)
    jobs = TRAINING_JOBS.table(call)
    return lambda id: bool(tasks_on(call.world, jobs.find(id), host_ips))


def refuse_bad_address(where: str, text: str) -> None:
    """ApiError when the text is no IP address."""
    try:
        ip_address(text)
    except ValueError:
        raise ApiError("ModelArts.2788", f"{where} is {text!r}, must be an IPv4 or IPv6 address") from None


def condition_of(call, at: int, condition: dict) -> Callable | None:
    """A filter as a function id -> bool; None when it has no value to compare with."""
    field, operator = condition.get("key"), condition.get("operator")
    if not field or not operator:
        raise ApiError("ModelArts.2789", f"$.filters[{at}] must have key and operator")
    value_of = reader(call, field, "ModelArts.2807")
    values = condition.get("value", [])
    if not any(values):
        return None
    if operator == "between":
        return between(f"$.filters[{at}]", field, values, value_of)
    if operator == "like":
        if field in NUMBERS:
            raise ApiError("ModelArts.2808", f"$.filters[{at}]: {field} takes between, in or not, no like")
        parts = [value.lower() for value in values if value]
        return lambda id: any(part in str(value_of(id) or "").lower() for part in parts)
    return lambda id: (str(value_of(id) or "") in values) == (operator == "in")


def between(where: str, field: str, values: list[str], value_of: Callable) -> Callable:
    """That the value lies in a range of which one end may be open."""
    if field not in NUMBERS:
        raise ApiError("ModelArts.2808", f"{where}: between takes {', '.join(sorted(NUMBERS))}, not {field}")
    if len(values) != 2 or not all(value == "" or WHOLE.fullmatch(value) for value in values):
        raise ApiError(
            "ModelArts.2809", f"{where}.value is {values}, must be two whole numbers, '' for an open end"
        )
    low, high = (float(value) if value else None for value in values)
    return lambda id: (low is None or value_of(id) >= low) and (high is None or value_of(id) <= high)


def needs_window(search: dict) -> bool:
    """Whether the search is one that looks at a month at most."""
    return bool(search.get("tags") or search.get("host_ips"))


def window_of(search: dict) -> list[str]:
    """The two ends of the create_time filter; empty when there is none."""
    found = (each for each in search.get("filters", ()) if each.get("key") == "create_time")
    return next(
        (each["value"] for each in found if each.get("operator") == "between" and any(each.get("value", ()))),
        [],
    )


def refuse_bad_window(search: dict) -> None:
    """ApiError when tags or nodes are searched over more than 31 days."""
    window = window_of(search) if needs_window(search) else []
    if window and not (len(window) == 2 and all(WHOLE.fullmatch(each) for each in window)):
        raise ApiError(
            "ModelArts.2809", f"create_time is {window}; with tags or host_ips both ends are needed"
        )
    if window and int(window[1]) - int(window[0]) > WINDOW_MS:
        raise ApiError(
            "ModelArts.2809", "create_time may span at most 31 days when tags or host_ips are given"
        )


def listed_job(call, job: dict, host_ips: list | None) -> dict:
    """A job as the list shows it: where its tasks run only when that was searched for."""
    shown = TRAINING_JOBS.of(call).shown(job)
    if host_ips:
        shown["status"]["task_ips"] = tasks_on(call.world, job, host_ips)
    return shown


def tasks_on(world, job: dict, host_ips: list) -> list[dict]:
    """Where the job's tasks run, as far as that is on one of the nodes."""
    return [address for address in task_addresses(world, job) if address["host_ip"] in host_ips]
