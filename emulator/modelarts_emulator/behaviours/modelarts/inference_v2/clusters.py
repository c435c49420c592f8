"""The pools that services are deployed to, and the flavors of their instances."""

from modelarts_emulator.behaviours.modelarts.inference_v2.life import DEPLOYMENTS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.worlds.world import derived

FLAVORS = "modelarts/inference-v2/flavors"
POOLS = "modelarts/pools/pool"


@behaviour("ShowInferServiceCluster")
def show_infer_service_cluster(call):
    """A pool that there is, or that a deployment names."""
    id = call.path["id"]
    made = moment_of(call, id)
    if made is None:
        words = f"no deployment of project {call.project_id} is in it, and no pool has that id"
        raise ApiError("ModelArts.3547", words, status=404, fill=[id])
    flavors = fixture(FLAVORS)
    return {
        "pool_id": id,
        "physical_pool_id": id,
        "logic_cluster_id": derived("cluster", id),
        "pool_type": "PHYSICAL",
        "type": "MANAGED",
        "status": "ACTIVE",
        "project_id": call.project_id,
        "workspace_id": "0",
        "flavors": flavors,
        "resource_categories": sorted({flavor["category"] for flavor in flavors}),
        "create_at": made,
        "update_at": made,
    }


def moment_of(call, id: str) -> int | None:
    """Since when a pool is known; None when it is not."""
    pool = call.records(POOLS).find(id)
    if pool is not None:
        return pool.get("_created", call.world.clock.now_ms())
    users = DEPLOYMENTS.of(call).having("_config.pool_id", id)
    return min((deployment["create_at"] for deployment in users), default=None)


@behaviour("ListInferClusterFlavors")
def list_infer_cluster_flavors(call):
    """A page of the flavors an instance can have."""
    return list_rows(call, fixture(FLAVORS))
