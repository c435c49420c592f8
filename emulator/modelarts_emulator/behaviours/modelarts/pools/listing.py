"""Lists of pools, in the words of today and of v1, and of what is placed in one."""

from modelarts_emulator.behaviours.modelarts.nodes.jobs import JOBS
from modelarts_emulator.behaviours.modelarts.pools.pools import POOLS
from modelarts_emulator.behaviours.modelarts.pools.scaling import nodes_of
from modelarts_emulator.behaviours.modelarts.pools.workloads import workloads_of
from modelarts_emulator.frame.capacity import free_in
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour

FAILED, CREATING = ("CreationFailed", "Error"), ("Creating", "Waiting")
STATES_OF_V1 = {"Creating": "deploying", "Waiting": "deploying", "Running": "running", "Deleting": "running"}
JOBS.serves(show="ShowPoolJob")


@behaviour("ListPools")
def list_pools(call):
    """The pools of a workspace, on request of those only that are made, being made or could not be made."""
    wanted = call.query.get("status")
    return POOLS.list(call, keep=lambda pool: wanted in (None, standing_of(pool)))


def standing_of(pool: dict) -> str:
    """Whether the pool is made: created, creating or failed."""
    phase = pool["status"]["phase"]
    return "failed" if phase in FAILED else "creating" if phase in CREATING else "created"


@behaviour("ListWorkloads")
def list_workloads(call):
    """A page of what was placed in the pool; all that runs on the hosts that are asked for."""
    rows, hosts = workloads_of(POOLS.of(call), POOLS.id_of(POOLS.find(call))), call.query.get("hostip")
    if not hosts:
        return list_rows(call, rows)
    wanted = {address for each in hosts for address in each.split(",")}
    call.query.update(limit=None, offset=None)
    return list_rows(call, [row for row in rows if wanted & {*row.get("hostIps", "").split(",")}])


@behaviour("ListClusters")
def list_clusters(call):
    """A page of the pools in the words of v1."""
    bound = POOLS.of(call)
    return list_rows(call, [cluster_of(bound, pool) for pool in bound.usable() if "_created" in pool])


def cluster_of(bound, pool: dict) -> dict:
    """A pool in the words of v1."""
    resources, metadata, id = pool["spec"]["resources"], pool["metadata"], bound.id_of(pool)
    account = bound.world.account
    nodes = {
        "specification": resources[0]["flavor"] if resources else "",
        "count": sum(each["count"] for each in resources),
        "available_count": len(
            [node for node in nodes_of(bound, id) if node["status"]["phase"] == "Available"]
        ),
    }
    return {
        "cluster_id": id,
        "cluster_name": metadata["labels"]["os.modelarts/name"],
        "description": metadata["annotations"].get("os.modelarts/description", ""),
        "tenant": account.domain_id,
        "project": bound.project_id,
        "owner": account.user_id,
        "created_at": pool["_created"],
        "status": STATES_OF_V1.get(bound.state_of(pool), "abnormal"),
        "nodes": nodes,
        "allocatable_gpus": free_in(bound.world, bound.project_id, f"pool:{id}"),
    }
