"""Nodes that move from one pool to another."""

from modelarts_emulator.behaviours.modelarts.nodes.nodes import NODES
from modelarts_emulator.behaviours.modelarts.pools.pools import POOLS
from modelarts_emulator.behaviours.modelarts.pools.scaling import (
    NODE,
    NODE_POOL,
    key_of,
    node_pool_of,
    parts_without,
    resize_part,
    staying_in,
)


def move_nodes(bound, move: dict) -> str:
    """Move nodes to a part of another pool, which counts them from now on; why that cannot be, "" when it could."""
    pools, nodes = bound.beside(POOLS), bound.beside(NODES)
    source, target, names, part = (move[name] for name in ("source", "target", "names", "part"))
    here, there = pools.get(source), pools.get(target)
    for id, pool in ((source, here), (target, there)):
        if pool is None or "_shortage" in pool or pools.state_of(pool) != "Running":
            return f"pool {id} is gone or is being changed"
    moving = [node for node in staying_in(pools, here) if node["metadata"]["name"] in names]
    here["spec"]["resources"] = parts_without(here, moving)
    for node in moving:
        wanted = {"flavor": node["spec"]["flavor"], "nodePool": part.get("nodePool", "")}
        mine = part_for(there, {**part, **wanted})
        resize_part(mine, node, 1)
        node["metadata"]["labels"] |= {NODE_POOL: node_pool_of(mine), f"{NODE}cluster": target}
        nodes.put(node | {"_pool": target, "_taints": mine.get("taints", [])})
    pools.put(here)
    pools.put(there)
    return ""


def part_for(pool: dict, part: dict) -> dict:
    """The part of the pool that is like this one, a new one if there is none."""
    parts = pool["spec"]["resources"]
    found = next((each for each in parts if key_of(each) == key_of(part)), None)
    if found is None:
        parts.append(found := {**{name: value for name, value in part.items() if value}, "count": 0})
    return found
