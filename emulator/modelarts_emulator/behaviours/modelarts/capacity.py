"""What ModelArts has only so much of: nodes of the public flavors, cards of dedicated pools."""

from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.capacity import register

NODES = "modelarts/capacity"
POOLS = "modelarts/pools/pool"
NODE_FLAVORS = "modelarts/pools/flavors"
CARDS_PER_NODE = 8


def nodes_of_flavor(world, project: str, flavor_id: str) -> int | None:
    """How many nodes of a public flavor there are; None for one that is not limited."""
    return fixture(NODES).get(flavor_id)


def cards_of_pool(world, project: str, pool_id: str) -> int | None:
    """How many cards the nodes have that are in a dedicated pool now; None for a pool that does not exist."""
    pool = world.store.table(f"{POOLS}/{project}").find(pool_id)
    if pool is None or "spec" not in pool:
        return None
    return cards_in(pool["_nodes"] if "_nodes" in pool else pool["spec"].get("resources") or [])


def cards_in(nodes: list[dict]) -> int:
    """How many cards nodes have, each of a flavor and, where it says so, as many as its count."""
    cards = {flavor["metadata"]["name"]: cards_of_spec(flavor["spec"]) for flavor in fixture(NODE_FLAVORS)}
    return sum(node.get("count", 1) * cards.get(node["flavor"], CARDS_PER_NODE) for node in nodes)


def cards_of_spec(spec: dict) -> int:
    """How many cards a node has; eight count for one without accelerators, as they do for the work it takes."""
    sizes = [int(spec[kind]["size"]) for kind in ("gpu", "npu") if kind in spec]
    return sizes[0] if sizes else CARDS_PER_NODE


register("flavor", nodes_of_flavor)
register("pool", cards_of_pool)
