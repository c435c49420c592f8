"""What is refused of a notebook: in words, sizes, volumes, addresses and places, each with its documented code."""

import re
from ipaddress import ip_network
from typing import NoReturn

from modelarts_emulator.behaviours.modelarts.notebooks.life import IN_BUCKETS
from modelarts_emulator.behaviours.modelarts.notebooks.places import flavor_row
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.answers import members_of
from modelarts_emulator.frame.capacity import POOLS
from modelarts_emulator.frame.listing import paging_of

SHORTEST, LONGEST = 3_600_000, 259_200_000
SMALLEST, LARGEST = 5, 4096
NOT_IN_NAME = re.compile(r"[^\w-]")
NOT_IN_DESCRIPTION = re.compile(r"[&<>\"'/]")
# What a running notebook takes; all else waits until it is stopped.
CHANGED_WHILE_RUNNING = {"name", "description", "storage_new_size"}


def wrong(name: str, words: str) -> NoReturn:
    """Refuse the value of a member."""
    raise ApiError("ModelArts.6336", f"$.{name}: {words}", fill=[name])


def refuse_missing(given: dict, *names: str) -> None:
    """ApiError unless all these members are given."""
    for name in names:
        if not given.get(name):
            raise ApiError("ModelArts.6335", f"$.{name}: missing beside {', '.join(given)}", fill=[name])


def refuse_bad_words(given: dict) -> None:
    """ApiError for a character that a name or a description cannot have."""
    for name, pattern in (("name", NOT_IN_NAME), ("description", NOT_IN_DESCRIPTION)):
        found = pattern.search(given.get(name, ""))
        if found:
            words = f"$.{name}: {found.group()!r} in {given[name][:40]!r}"
            raise ApiError("ModelArts.6334", words, fill=[found.group()])


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
    if volume["ownership"] == "DEDICATED" and volume["category"] != "EFS":
        wrong("volume.ownership", f"DEDICATED is for EFS, not for {volume['category']}")
    if volume["category"] == "EVS":
        refuse_bad_size(volume["capacity"])
    elif volume["category"] == "EFS" and volume["ownership"] == "DEDICATED":
        refuse_missing(volume, "id", "uri")
    elif volume["category"] in IN_BUCKETS:
        refuse_missing(volume, "uri", *(["dew_secret_name"] if volume["category"] == "OBS" else []))
        if not volume["uri"].startswith("obs://"):
            wrong("volume.uri", f"{volume['uri']!r} does not begin with obs://")


def refuse_bad_endpoints(endpoints: list[dict]) -> None:
    """ApiError for SSH without a key pair, or an allowed address that is none."""
    for endpoint in endpoints:
        if endpoint.get("service") == "SSH":
            refuse_missing(endpoint, "key_pair_names")
        for address in endpoint.get("allowed_access_ips", ()):
            try:
                ip_network(address, strict=False)
            except ValueError:
                wrong(
                    "endpoints.allowed_access_ips", f"{address!r} is neither an IP address nor a CIDR block"
                )


def refuse_bad_place(bound, notebook: dict) -> None:
    """ApiError for a pool that does not exist, or a flavor that does not suit."""
    pool = notebook.get("pool")
    if pool is not None and pool["id"] not in bound.records(POOLS):
        wrong("pool_id", f"resource pool {pool['id']} does not exist")
    if "custom_spec" in notebook:
        return refuse_bad_custom_spec(notebook)
    refuse_missing(notebook, "flavor")
    row = flavor_row(notebook["flavor"])
    code = "ModelArts.6323" if row is None else fits(row, notebook)
    if code is not None:
        asked = f"image {notebook['image']['name']}, volume {notebook['volume']['category']}"
        place = "a dedicated pool" if pool else "the public pool"
        raise ApiError(code, f"$.flavor: {notebook['flavor']} in {place}, {asked}, {notebook['feature']}")


def refuse_bad_custom_spec(notebook: dict) -> None:
    """ApiError for a size of one's own outside a pool, or one that leaves out what a pool must know."""
    spec = notebook["custom_spec"]
    if "pool" not in notebook:
        wrong("custom_spec", "sizes of one's own are for dedicated pools: pool_id is missing")
    refuse_missing(spec, "arch", "category", *(["gpu"] if spec.get("category") == "GPU" else []))


def fits(row: dict, notebook: dict) -> str | None:
    """The code of what keeps the notebook from the flavor, None when it suits."""
    flavor, image = row["flavor"], notebook["image"]
    cluster = "DEDICATED" if "pool" in notebook else "MANAGED"
    if cluster not in row["clusters"] or flavor["feature"] != notebook["feature"]:
        return "ModelArts.6323"
    if notebook["volume"]["category"] not in flavor["storages"]:
        return "ModelArts.6324"
    runs_on = image.get("resource_categories") or [flavor["category"]]
    is_same_arch = image.get("arch", flavor["arch"]).lower() == flavor["arch"]
    return None if flavor["category"] in runs_on and is_same_arch else "ModelArts.6330"


def refuse_too_many(bound, notebook: dict) -> None:
    """ApiError when the user has as many notebooks of the kind as can be."""
    most = fixture("modelarts/notebooks/quotas")[notebook["feature"]]
    if used_by(bound, notebook["user_id"], notebook["feature"]) >= most:
        words = f"{most} of feature {notebook['feature']} for a user; delete one first"
        raise ApiError("ModelArts.6302", words)


def used_by(bound, user_id: str, feature: str) -> int:
    """How many notebooks of the kind the user has."""
    features = bound.table.column("feature")
    return sum(features[id] == feature for id in bound.table.having("user_id", user_id))


def refuse_bad_moment(bound, notebook: dict, asked: dict) -> None:
    """ApiError for a change that the state of the notebook does not take."""
    state = bound.state_of(notebook)
    if state not in ("RUNNING", "STOPPED"):
        words = f"{notebook['id']} is {state}; an update needs STOPPED or RUNNING"
        raise ApiError("ModelArts.6357", words)
    early = sorted(asked.keys() - CHANGED_WHILE_RUNNING)
    if state == "RUNNING" and early:
        words = f"$.{early[0]}: stop {notebook['id']} first"
        raise ApiError("ModelArts.6347", words, fill=[state, early[0]])


def refuse_unless_running(notebook: dict) -> None:
    """ApiError for what only a running notebook can do."""
    if notebook["status"] != "RUNNING":
        raise ApiError("ModelArts.6327", f"{notebook['id']} is {notebook['status']}")


def refuse_bad_sort_key(call) -> None:
    """ApiError for a member that the rows of the list do not have."""
    key = call.query.get("sort_key")
    known = members_of(call.operation, paging_of(call).items) or ()
    if key and key not in known:
        raise ApiError("ModelArts.6303", f"query.sort_key: {key!r} is none of {', '.join(sorted(known))}")
