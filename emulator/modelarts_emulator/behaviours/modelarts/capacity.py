"""What ModelArts has only so much of: nodes of the public flavors, cards of dedicated pools."""

from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.capacity import register

NODES = "modelarts/capacity"
POOLS = "modelarts/pools/pool"
CARDS_PER_NODE = 8


def nodes_of_flavor(world, project: str, flavor_id: str) -> int | None:
    """How many nodes of a public flavor there are; None for one that is not limited."""
    return fixture(NODES).get(flavor_id)


def cards_of_pool(world, project: str, pool_id: str) -> int | None:
    """How many cards the nodes of a dedicated pool have, eight a node; None for a pool that does not exist."""
    pool = world.store.table(f"{POOLS}/{project}").find(pool_id)
    if pool is None or "spec" not in pool:
        return None
    return CARDS_PER_NODE * sum(resource["count"] for resource in pool["spec"].get("resources") or ())


register("flavor", nodes_of_flavor)
register("pool", cards_of_pool)
