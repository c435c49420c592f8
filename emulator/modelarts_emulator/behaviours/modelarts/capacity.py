"""What ModelArts has only so much of: nodes of the public flavors, machines, cards of dedicated pools."""

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.bound import usable_record
from modelarts_emulator.frame.capacity import Claim, Place, free_in, held_in, register
from modelarts_emulator.frame.registry import resource_of
from modelarts_emulator.worlds.store import value_at

NODES = "modelarts/capacity"
POOLS, POOL_NODES = "modelarts/pools/pool", "modelarts/nodes/node"
# Machines for nodes of pools and for servers, and machines for servers alone.
SHARED_STOCK, SERVER_STOCK = "modelarts/pools/stock", "modelarts/dev-servers/stock"
NODE_FLAVORS = "modelarts/pools/flavors"
CARDS_PER_NODE = 8
# The member of a node that waits for something, and says until when.
AWAITS = "_awaits"


def nodes_of_flavor(world, project: str, flavor_id: str) -> int | None:
    """How many nodes of a public flavor there are; None for one that is not limited."""
    return fixture(NODES).get(flavor_id)


def refuse_unknown_pool(call, where: str, id: str) -> None:
    """ApiError when a service is to run in a pool that the project does not have, or that is not for services."""
    pool = usable_record(call, POOLS, id)
    if pool is None:
        words = f"{where}: pool {id} does not exist in project {call.project_id}"
        raise ApiError("ModelArts.3547", words, fill=[id])
    if not takes(pool, "Infer"):
        raise ApiError("ModelArts.3547", f"{where}: {words_of_scope(id, pool, 'Infer')}", fill=[id])


def takes(pool: dict, job_type: str) -> bool:
    """Whether the pool is for jobs of that type; one that says nothing of types is for all."""
    scope = value_at(pool, "spec.scope")
    return scope is None or job_type in scope


def words_of_scope(id: str, pool: dict, job_type: str) -> str:
    """Why a job of that type cannot run in the pool."""
    return f"pool {id} is for {', '.join(pool['spec']['scope']) or 'no jobs'}, not for {job_type}"


def cards_of_pool(world, project: str, pool_id: str) -> dict[str, int] | int | None:
    """How many cards each node has for a dedicated pool now; None for a pool that does not exist.

    What runs on a node that serves the pool no more, as it waits for a driver or was bound to another pool, keeps its
    cards until it ends.
    """
    pool = world.store.table(f"{POOLS}/{project}").find(pool_id)
    if pool is None or "spec" not in pool:
        return None
    if "_created" not in pool:
        return sum(part["count"] * cards_of(part["flavor"]) for part in pool["spec"].get("resources", []))
    nodes = world.store.table(f"{POOL_NODES}/{project}")
    cards, family = nodes.column("_cards"), family_of(world, project, pool_id)
    offered = {name: cards[name] for name in nodes.having("_offers", pool_id)}
    for each in family:
        for name, amount in held_in(world, project, f"pool:{each}").items():
            if each == pool_id and name not in offered:
                offered[name] = amount
            elif each != pool_id and name in offered:
                offered[name] -= amount
    return offered


def family_of(world, project: str, pool_id: str) -> list[str]:
    """The ids of the pools that share nodes with a pool: the physical one, and the logical ones that lie in it."""
    pools = world.store.table(f"{POOLS}/{project}")
    root = (pools.find(pool_id) or {}).get("spec", {}).get("parent", pool_id)
    return [root, *pools.having("spec.parent", root)]


def held_on(world, project: str, node: dict) -> int:
    """How many cards of a node are held, in whichever pool it serves or has served."""
    pools, name = family_of(world, project, node["_pool"]), node["metadata"]["name"]
    return sum(held_in(world, project, f"pool:{each}").get(name, 0) for each in pools)


def cards_of(flavor: str) -> int:
    """How many cards a node of a flavor has; eight count for one without, as they do for the work it takes."""
    specs = (each["spec"] for each in fixture(NODE_FLAVORS) if each["metadata"]["name"] == flavor)
    spec = next(specs, {})
    return next((int(spec[kind]["size"]) for kind in ("gpu", "npu") if kind in spec), CARDS_PER_NODE)


def hosts_of(bound, claim: Claim) -> list[str]:
    """The address of the node on which each part of a claim lies that is granted; nothing where no nodes are known."""
    on = Place(bound.world, bound.project_id, claim.place).where(claim.key)
    addresses, each = (
        bound.records(POOL_NODES).column("status.privateIp"),
        max(1, claim.amount // claim.parts),
    )
    return [addresses[name] for name, cards in on.items() for _ in range(max(1, cards // each))]


def machines_beside_pools(world, project: str, hardware: str) -> int:
    """How many machines of a kind of hardware there are that are no nodes of pools."""
    own = fixture(SERVER_STOCK).get(hardware)
    if own is not None:
        return own
    nodes = world.store.table(f"{POOL_NODES}/{project}")
    return fixture(SHARED_STOCK)[hardware] - nodes.how_many("spec.flavor", hardware)


def machine_place(hardware: str) -> str:
    """The place in which servers claim their machines."""
    return f"machine:{hardware}"


def machines_left_of(world, project: str, hardware: str) -> int:
    """How many machines neither a pool nor a server has."""
    return free_in(world, project, machine_place(hardware))


register("machine", machines_beside_pools)
register("flavor", nodes_of_flavor)


def begin_upgrades(world, project: str, pool_id: str) -> None:
    """Let nodes have the driver for which they have waited until nothing runs on them."""
    waiting = world.store.table(f"{POOL_NODES}/{project}").having(AWAITS, "idle")
    if waiting:
        nodes = resource_of(POOL_NODES).at(world, project)
        for node in [nodes.find(name) for name in waiting]:
            if not held_on(world, project, node):
                nodes.act(node, "check")


register("pool", cards_of_pool, family_of, begin_upgrades)
