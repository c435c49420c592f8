"""Who may train now: nodes of a specification or pool, the project's running jobs, and the queue for both."""

from modelarts_emulator.behaviours.modelarts.training_v1.catalogue import POOLS, found_in, spec_of
from modelarts_emulator.contract.facts import fixture

QUOTAS = "modelarts/training-v1/quotas"
SPECS = "modelarts/specs-v1/specs"
HOLDING, QUEUING = "holding", "queuing"


def resource_key(config: dict) -> str:
    """What a configuration trains on, as the members `_key` and `_unfinished` of a version say it."""
    spec = spec_of(config)
    return f"spec:{spec['spec_id']}" if spec else f"pool:{config['pool_id']}"


def nodes_of(world, project_id: str, key: str) -> int:
    """How many nodes there are of a specification or in a pool; none in a pool that is gone."""
    kind, _, id = key.partition(":")
    if kind == "spec":
        return found_in(SPECS, "spec_id", int(id))["_nodes"]
    pool = world.store.table(f"{POOLS}/{project_id}").find(id)
    return sum(resource["count"] for resource in pool["spec"]["resources"]) if pool else 0


def nodes_taken(versions, key: str) -> int:
    """How many of them versions of training jobs hold."""
    holders = (versions.find(id) for id in versions.having("_place", HOLDING))
    return sum(version["config"]["worker_server_num"] for version in holders if version["_key"] == key)


def has_room(world, versions, version: dict) -> bool:
    """Whether the version could start: a job less than the project may run, and nodes enough."""
    if len(versions.having("_place", HOLDING)) >= fixture(QUOTAS)["training_jobs"]["running"]:
        return False
    nodes = nodes_of(world, version["_project"], version["_key"]) - nodes_taken(versions, version["_key"])
    return version["config"]["worker_server_num"] <= nodes


def queue_of(versions) -> list[dict]:
    """The versions that wait for room, the one that came first first."""
    waiting = [versions.find(id) for id in versions.having("_place", QUEUING)]
    return sorted(waiting, key=lambda version: (version["_moments"]["WAITING"], version["version_id"]))


def take_place(world, versions, version: dict) -> None:
    """Give the version its nodes, or the last place in the queue for them."""
    ahead = [each for each in queue_of(versions) if each["version_id"] != version["version_id"]]
    if version.get("_place") == QUEUING:
        arrived = (version["_moments"]["WAITING"], version["version_id"])
        ahead = [each for each in ahead if (each["_moments"]["WAITING"], each["version_id"]) < arrived]
    is_first = all(each["_key"] != version["_key"] for each in ahead)
    version["_place"] = HOLDING if is_first and has_room(world, versions, version) else QUEUING


def next_in_queue(world, versions) -> dict | None:
    """The first version in the queue that can start now; nobody overtakes one of its own kind that cannot."""
    blocked = set()
    for version in queue_of(versions):
        if version["_key"] not in blocked and has_room(world, versions, version):
            return version
        blocked.add(version["_key"])
    return None
