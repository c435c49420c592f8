"""The nodes of a pool: which it has, which it wants, and whether there are as many."""

from collections import Counter

from modelarts_emulator.behaviours.modelarts.pools.flavors import STOCK
from modelarts_emulator.contract.facts import fixture


def part_of(resource: dict) -> tuple[str, str]:
    """What tells a part of a pool from the others: the flavor, and the pool of nodes."""
    return resource["flavor"], resource.get("nodePool", "")


def wanted_in(spec: dict) -> Counter:
    """How many nodes each part of the pool is to have."""
    wanted: Counter = Counter()
    for resource in spec.get("resources", []):
        wanted[part_of(resource)] += resource["count"]
    return wanted


def there_in(pool: dict) -> Counter:
    """How many nodes each part of the pool has."""
    return Counter(part_of(node) for node in pool["_nodes"])


def words_of_shortage(bound, pool: dict) -> str:
    """Of which flavor too few nodes are left for what the pool wants; "" when there are enough."""
    taken = Counter(node["flavor"] for id in bound.table.ids() for node in bound.find(id).get("_nodes", ()))
    more: Counter = Counter()
    for (flavor, _), count in (wanted_in(pool["spec"]) - there_in(pool)).items():
        more[flavor] += count
    for flavor, count in more.items():
        left = fixture(STOCK)[flavor] - taken[flavor]
        if count > left:
            return f"{count} nodes of {flavor} are wanted, {left} are left"
    return ""


def settle_nodes(bound, pool: dict) -> list[tuple[str, str]]:
    """Give the pool the nodes that it wants and take the others, the youngest first: (action, name) of each."""
    wanted, done, kept = wanted_in(pool["spec"]), [], []
    for node in pool["_nodes"]:
        is_wanted = wanted[part_of(node)] > 0
        wanted[part_of(node)] -= is_wanted
        kept += [node] if is_wanted else []
        done += [] if is_wanted else [("deleteNode", node["name"])]
    prefix = pool["metadata"]["labels"].get("os.modelarts/node.prefix", "os-node-created")
    for (flavor, node_pool), count in (+wanted).items():
        names = [f"{prefix}-{bound.world.new_hex(8)}" for _ in range(count)]
        kept += [{"name": name, "flavor": flavor, "nodePool": node_pool} for name in names]
        done += [("createNode", name) for name in names]
    pool["_nodes"] = kept
    return done


def resources_of(pool: dict) -> dict[str, list[dict]]:
    """The nodes by what happens to them; nothing is made or deleted in a pool whose scaling failed."""
    wanted, there = wanted_in(pool["spec"]), there_in(pool)
    if pool["status"]["phase"] not in ("Creating", "Waiting", "Running"):
        wanted = there
    counts = {"creating": wanted - there, "available": wanted & there, "deleting": there - wanted}
    rows = {name: rows_of(pool, count) for name, count in counts.items()}
    return {**rows, "abnormal": []}


def rows_of(pool: dict, counts: Counter) -> list[dict]:
    """Counts of parts of the pool as its status has them."""
    most = {part_of(each): each.get("maxCount", each["count"]) for each in pool["spec"].get("resources", [])}
    return [
        {"flavor": part[0], "count": count, "maxCount": max(most.get(part, 0), count), "azs": []}
        | ({"nodePool": part[1]} if part[1] else {})
        for part, count in counts.items()
    ]
