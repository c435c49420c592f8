"""What is refused of a notebook: in words, sizes, volumes, addresses and places, each with its documented code."""

import re
from typing import NoReturn

from modelarts_emulator.behaviours.modelarts.capacity import POOLS, takes, words_of_scope
from modelarts_emulator.behaviours.modelarts.notebooks.catalogue import flavor_of, quota_of
from modelarts_emulator.behaviours.modelarts.notebooks.life import IN_BUCKETS
from modelarts_emulator.behaviours.modelarts.workspaces.quotas import refuse_used_up
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.answers import members_of
from modelarts_emulator.frame.bound import usable_record
from modelarts_emulator.frame.listing import paging_of
from modelarts_emulator.frame.obs_paths import refuse_bad_obs_path

SHORTEST, LONGEST = 3_600_000, 259_200_000
SMALLEST, LARGEST = 5, 4096
FORBIDDEN = {"name": re.compile(r"[^\w-]"), "description": re.compile(r"[&<>\"'/]")}
# What a running notebook takes; all else waits until it is stopped.
CHANGED_WHILE_RUNNING = {"name", "description", "storage_new_size"}


def refuse_value(name: str, words: str) -> NoReturn:
    """Refuse the value of a member."""
    raise ApiError("ModelArts.6336", f"$.{name}: {words}", fill=[name])


def refuse_missing(given: dict, *names: str) -> None:
    """ApiError unless all these members are given."""
    for name in names:
        if not given.get(name):
            raise ApiError("ModelArts.6335", f"there are only {', '.join(given)}", fill=[name])


def refuse_used_up_time(call, notebook: dict) -> None:
    """ApiError when the time that notebooks of its workspace may run is used up."""
    refuse_used_up(call, notebook["workspace_id"], quota_of(notebook), "ModelArts.0113")


def refuse_bad_words(asked: dict) -> None:
    """ApiError for a character that a name or a description cannot have."""
    for name, pattern in FORBIDDEN.items():
        found = pattern.search(asked.get(name, ""))
        if found:
            raise ApiError("ModelArts.6334", f"$.{name}: {asked[name][:40]!r}", fill=[found.group()])


def refuse_bad_duration(duration: int) -> None:
    """ApiError for a lease that is too short or too long; -1 is none."""
    if duration != -1 and not SHORTEST <= duration <= LONGEST:
        words = f"duration is {duration} ms; -1 switches the automatic stop off"
        raise ApiError("ModelArts.6349", words, fill=[SHORTEST, LONGEST])


def refuse_bad_size(size: int, smallest: int = SMALLEST) -> None:
    """ApiError for a disk that is too small or too large."""
    if not smallest <= size <= LARGEST:
        raise ApiError("ModelArts.6331", f"{size} GB is not in that range", fill=[smallest, LARGEST])


def refuse_bad_volume(volume: dict) -> None:
    """ApiError for a volume that does not say where it is, or whose size cannot be."""
    category, is_dedicated = volume["category"], volume["ownership"] == "DEDICATED"
    if is_dedicated and category != "EFS":
        refuse_value("ownership", f"DEDICATED is for EFS, not for {category}")
    if category == "EVS":
        refuse_bad_size(volume["capacity"])
    if category == "EFS" and is_dedicated:
        refuse_missing(volume, "id", "uri")
    if category in IN_BUCKETS:
        refuse_missing(volume, "uri", *(["dew_secret_name"] if category == "OBS" else []))
        refuse_bad_obs_path("ModelArts.6336", "$.volume.uri", volume["uri"], ("obs",))


def refuse_bad_place(bound, notebook: dict) -> None:
    """ApiError for a pool that does not exist, or a flavor that does not suit."""
    pool, spec = notebook.get("pool"), notebook.get("custom_spec")
    if pool is not None:
        refuse_bad_pool("pool_id", usable_record(bound.call, POOLS, pool["id"]), pool["id"])
    if spec is not None:
        if pool is None:
            refuse_value("custom_spec", "it is for dedicated pools, and pool_id is missing")
        return refuse_missing(spec, "arch", "category", *(["gpu"] if spec.get("category") == "GPU" else []))
    refuse_missing(notebook, "flavor")
    flavor = flavor_of(notebook["flavor"])
    code = "ModelArts.6323" if flavor is None else misfit_of(flavor, notebook)
    if code is not None:
        place = f"pool {pool['id']}" if pool else "the public pool"
        words = f"image {notebook['image']['name']}, volume {notebook['volume']['category']}"
        raise ApiError(code, f"$.flavor: {notebook['flavor']} for {notebook['feature']} in {place}, {words}")


def refuse_bad_pool(where: str, pool: dict | None, id: str) -> None:
    """ApiError for a pool that does not exist, or that is not for notebooks."""
    if pool is None:
        refuse_value(where, f"resource pool {id} does not exist")
    if not takes(pool, "Notebook"):
        refuse_value(where, f"resource {words_of_scope(id, pool, 'Notebook')}")


def misfit_of(flavor: dict, notebook: dict) -> str | None:
    """The code of what keeps the notebook from the flavor, None when it suits."""
    cluster, image = "DEDICATED" if "pool" in notebook else "MANAGED", notebook["image"]
    if cluster not in flavor["_clusters"] or flavor["feature"] != notebook["feature"]:
        return "ModelArts.6323"
    if notebook["volume"]["category"] not in flavor["storages"]:
        return "ModelArts.6324"
    runs_on = flavor["category"] in image.get("resource_categories", [flavor["category"]])
    return None if runs_on and image["arch"].lower() == flavor["arch"] else "ModelArts.6330"


def refuse_too_many(bound, notebook: dict) -> None:
    """ApiError when the user has as many notebooks of the kind as can be."""
    counts = counts_of(bound, notebook["user_id"], notebook["feature"])
    if counts["used"] >= counts["quota"]:
        raise ApiError("ModelArts.6302", f"{counts['used']} of {notebook['feature']}; delete one first")


def counts_of(bound, user_id: str, feature: str) -> dict:
    """How many notebooks of the kind the user has, and may have."""
    features, ids = bound.table.column("feature"), bound.table.having("user_id", user_id)
    used = sum(features[id] == feature for id in ids)
    return {"quota": fixture("modelarts/notebooks/quotas")[feature], "used": used}


def refuse_bad_moment(notebook: dict, asked: dict) -> None:
    """ApiError for a change that the state of the notebook does not take."""
    id, state, early = notebook["id"], notebook["status"], sorted(asked.keys() - CHANGED_WHILE_RUNNING)
    if state not in ("RUNNING", "STOPPED"):
        raise ApiError("ModelArts.6357", f"{id} is {state}; an update needs STOPPED or RUNNING")
    if state == "RUNNING" and early:
        raise ApiError("ModelArts.6347", f"$.{early[0]}: stop {id} first", fill=[state, early[0]])


def refuse_unless_running(notebook: dict) -> None:
    """ApiError for what only a running notebook can do."""
    if notebook["status"] != "RUNNING":
        raise ApiError("ModelArts.6327", f"{notebook['id']} is {notebook['status']}")


def refuse_bad_sort_key(call) -> None:
    """ApiError for a member that the rows of the list do not have; several are joined by commas."""
    known, keys = members_of(call.operation, paging_of(call).items), call.query.get("sort_key")
    for key in keys.split(",") if keys else ():
        if key in known:
            continue
        raise ApiError("ModelArts.6303", f"query.sort_key: {key!r} is none of {', '.join(sorted(known))}")
