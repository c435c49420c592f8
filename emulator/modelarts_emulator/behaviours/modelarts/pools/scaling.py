"""The nodes of a pool: which parts it wants, which nodes are made for them, which ones go."""

from collections import Counter
from copy import deepcopy
from ipaddress import IPv4Network

from modelarts_emulator.behaviours.modelarts.capacity import POOL_NODES, cards_of, held_on, machines_left_of
from modelarts_emulator.behaviours.modelarts.networks import NETWORKS
from modelarts_emulator.behaviours.modelarts.pools.flavors import flavor_of
from modelarts_emulator.frame.registry import resource_of

NODE = "os.modelarts.node/"
NODE_POOL, BATCH, STEP = f"{NODE}nodepool", f"{NODE}batch.uid", f"{NODE}batch.count"
LOCK = f"{NODE}lock.action"
# Which logical pool the node serves instead of the one that it was made for.
QUOTA = f"{NODE}elastic.quota"
USUAL_RANGE = "192.168.0.0/16"
USUAL_VOLUME = {"volumeType": "SSD", "size": "150"}


def fleet_of(bound):
    """The nodes of the project."""
    return bound.beside(resource_of(POOL_NODES))


def nodes_of(bound, pool_id: str) -> list[dict]:
    """The nodes of a pool, those of a logical pool bound to it, oldest first, also those that are on their way out."""
    fleet = fleet_of(bound)
    return fleet.having("_pool", pool_id) + fleet.having(("metadata", "labels", QUOTA), pool_id)


def lies_in(node: dict, pool_id: str) -> bool:
    """Whether the node was made for the pool or is bound to it."""
    return pool_id in (node["_pool"], node["metadata"]["labels"].get(QUOTA))


def is_logical(pool: dict) -> bool:
    """Whether the nodes of the pool are some of another one's."""
    return pool["spec"]["type"] == "Logical"


def node_pool_of(part: dict) -> str:
    """The name of the pool of nodes that an element of a pool's resources describes."""
    return part.get("nodePool") or f"{part['flavor']}-default"


def step_of(part: dict) -> int:
    """Of how many nodes each supernode consists; 1 for nodes that stand alone."""
    step = part.get("creatingStep") or {}
    return step["step"] if step.get("type") == "hyperinstance" else 1


def key_of(part: dict) -> tuple[str, str, int]:
    """What tells the parts of a pool from each other."""
    return part["flavor"], node_pool_of(part), step_of(part)


def key_of_node(node: dict) -> tuple[str, str, int]:
    """The part of the pool that the node belongs to."""
    labels = node["metadata"]["labels"]
    return node["spec"]["flavor"], labels[NODE_POOL], int(labels.get(STEP, 1))


def key_in(pool: dict, node: dict) -> tuple[str, str, int]:
    """The part of the pool that the node counts for; to a logical pool only the flavor of nodes matters."""
    return (node["spec"]["flavor"], "", 1) if is_logical(pool) else key_of_node(node)


def wanted_in(spec: dict, member: str = "count") -> Counter:
    """How many nodes each part of the pool is to have; with member maxCount, at most."""
    wanted: Counter = Counter()
    for part in spec.get("resources", ()):
        key = (part["flavor"], "", 1) if spec["type"] == "Logical" else key_of(part)
        wanted[key] += part.get(member, part["count"])
    return wanted


def staying_in(bound, pool: dict) -> list[dict]:
    """The nodes of a pool that are not on their way out."""
    found = nodes_of(bound, bound.id_of(pool))
    return [node for node in found if node["status"]["phase"] != "Deleting"]


def are_broken(bound, pool_id: str) -> bool:
    """Whether the pool has nodes and all of them are Abnormal."""
    return {node["status"]["phase"] for node in nodes_of(bound, pool_id)} - {"Deleting"} == {"Abnormal"}


def is_busy(bound, node: dict) -> bool:
    """Whether something runs on the node."""
    return held_on(bound.world, bound.project_id, node) > 0


def words_of_shortage(bound, pool: dict) -> str:
    """Of which flavor too few nodes are left for what the pool wants; "" when there are enough."""
    there = Counter(key_in(pool, node) for node in staying_in(bound, pool))
    more: Counter = Counter()
    for (flavor, *_), count in (wanted_in(pool["spec"]) - there).items():
        more[flavor] += count
    for flavor, count in more.items():
        if is_logical(pool):
            left, where = len(free_nodes_for(bound, pool, flavor)), f"idle in pool {pool['spec']['parent']}"
        else:
            left, where = machines_left_of(bound.world, bound.project_id, flavor), "left"
        if count > left:
            return f"{count} nodes of {flavor} are wanted, {left} are {where}"
    return ""


def free_nodes_for(bound, pool: dict, flavor: str) -> list[dict]:
    """The nodes of a flavor that a logical pool could take from the one that it lies in: those that serve and idle."""
    parent = pool["spec"]["parent"]
    nodes = fleet_of(bound).having("_offers", parent)
    return [node for node in nodes if node["spec"]["flavor"] == flavor and not is_busy(bound, node)]


def surplus_of(bound, pool: dict, going: tuple[str, ...] = ()) -> list[dict]:
    """The nodes that the pool has too many of: those in `going`, then idle ones, the youngest first."""
    staying, id = staying_in(bound, pool), bound.id_of(pool)
    keys = {name_of(node): key_in(pool, node) for node in staying}
    more, found = (
        Counter(keys.values()) - wanted_in(pool["spec"], "maxCount" if is_logical(pool) else "count"),
        [],
    )
    rank = {
        name_of(node): (name_of(node) not in going, is_lent(node, id), is_busy(bound, node))
        for node in staying
    }
    staying.reverse()
    for node in sorted(staying, key=lambda each: rank[name_of(each)]):
        if more[keys[name_of(node)]] > 0:
            more[keys[name_of(node)]] -= 1
            found.append(node)
    return found


def is_lent(node: dict, pool_id: str) -> bool:
    """Whether the node of the pool is bound to another one."""
    return node["metadata"]["labels"].get(QUOTA, pool_id) != pool_id


def name_of(node: dict) -> str:
    """The name of the node."""
    return node["metadata"]["name"]


def order_nodes(bound, pool: dict, going: tuple[str, ...] = ()) -> list[dict]:
    """Make the nodes that the pool lacks and let those go that it has too many of: what is done with each.

    Where too few are left nothing is done; `_shortage` of the pool says why.
    """
    pool["_shortage"] = words_of_shortage(bound, pool)
    if pool["_shortage"]:
        return []
    fleet, done = fleet_of(bound), let_nodes_go(bound, pool, surplus_of(bound, pool, going))
    if is_logical(pool):
        return done + take_nodes(bound, pool)
    for part in pool["spec"].get("resources", ()):
        mine = [node for node in staying_in(bound, pool) if key_of_node(node) == key_of(part)]
        for _ in range(wanted_in(pool["spec"])[key_of(part)] - len(mine)):
            mine.append(fleet.add(new_node(bound, pool, part, mine)))
            done.append({"action": "createNode", "resourceName": name_of(mine[-1])})
    return done


def take_nodes(bound, pool: dict) -> list[dict]:
    """Bind the nodes that a logical pool lacks, the oldest first: what is done with each."""
    there, done = Counter(key_in(pool, node) for node in staying_in(bound, pool)), []
    for (flavor, *_), count in (wanted_in(pool["spec"]) - there).items():
        for node in free_nodes_for(bound, pool, flavor)[:count]:
            bind_node(bound, node, bound.id_of(pool))
            done.append({"action": "createNode", "resourceName": name_of(node)})
    return done


def bind_node(bound, node: dict, pool_id: str) -> None:
    """Let a node serve a logical pool from now on, or with "" the pool that it was made for."""
    if pool_id:
        node["metadata"]["labels"][QUOTA] = pool_id
    else:
        node["metadata"]["labels"].pop(QUOTA)
    if node["status"]["phase"] == "Available":
        fleet_of(bound).act(node, "settle")
    else:
        fleet_of(bound).put(node)


def parts_without(pool: dict, nodes: list[dict]) -> list[dict]:
    """The resources of a pool without these nodes."""
    parts = deepcopy(pool["spec"]["resources"])
    for node in nodes:
        part = next(each for each in parts if is_of_part(pool, node, each) and each["count"])
        resize_part(part, node, -1)
    return parts


def is_of_part(pool: dict, node: dict, part: dict) -> bool:
    """Whether the node counts for the part of the pool."""
    return node["spec"]["flavor"] == part["flavor"] and (
        is_logical(pool) or key_of_node(node) == key_of(part)
    )


def resize_part(part: dict, node: dict, more: int) -> None:
    """Count a node more or less in a part of a pool, and in its zone where the part has zones."""
    if part.get("maxCount") == part["count"]:
        part["maxCount"] += more
    part["count"] += more
    if "azs" in part:
        zones = Counter({zone["az"]: zone["count"] for zone in part["azs"]})
        zones[node["status"]["az"]] += more
        part["azs"] = [{"az": zone, "count": count} for zone, count in zones.items() if count]


def let_nodes_go(bound, pool: dict, nodes: list[dict]) -> list[dict]:
    """Put the nodes of a pool on their way out, those of a logical one back to where they are from: what is done."""
    for node in nodes:
        if is_logical(pool) and node["_pool"] != bound.id_of(pool):
            bind_node(bound, node, "")
        else:
            fleet_of(bound).remove(node)
    return [{"action": "deleteNode", "resourceName": name_of(node)} for node in nodes]


def refresh_nodes(bound, pool: dict) -> None:
    """Hand the taints of each part of the pool on to its nodes, unless the part says to leave those alone."""
    parts = {key_of(part): part for part in pool["spec"].get("resources", ())}
    for node in staying_in(bound, pool):
        part = parts.get(key_of_node(node), {})
        policy = part.get("extendParams", {}).get("taintPolicyOnExistingNodes", "refresh")
        if part and policy == "refresh" and part.get("taints", []) != node["_taints"]:
            fleet_of(bound).put(node | {"_taints": part.get("taints", [])})


def new_node(bound, pool: dict, part: dict, mine: list[dict]) -> dict:
    """A node for a part of the pool; mine: those that the part has already."""
    prefix, world = pool["metadata"]["labels"].get("os.modelarts/node.prefix", "os-node-created"), bound.world
    volumes = [
        {name: each[name] for name in ("volumeType", "size", "count") if name in each}
        for each in part.get("dataVolumes", ())
    ]
    labels = {
        "os.modelarts/resource.id": world.new_uuid(),
        "os.modelarts/tenant.domain.id": world.account.domain_id,
        "os.modelarts/tenant.project.id": bound.project_id,
        "os.modelarts/billing.status": "0",
        f"{NODE}cluster": bound.id_of(pool),
        f"{NODE}underlying.instance.id": world.new_uuid(),
        f"{NODE}ha.redundant.enabled": "false",
        NODE_POOL: node_pool_of(part),
        **batch_of(world, prefix, part, mine),
    }
    usual = {"rootVolume": USUAL_VOLUME, "hostNetwork": part.get("network", {})}
    kept = {name: part[name] for name in ("rootVolume", "os", "extendParams") if name in part}
    return {
        "kind": "Node",
        "apiVersion": "v2",
        "metadata": {
            "name": f"{prefix}-{world.new_hex(8)}",
            "creationTimestamp": world.clock.iso(fraction=0),
            "labels": labels,
            "annotations": {},
        },
        "spec": {"flavor": part["flavor"], **usual, **kept, "dataVolumes": volumes},
        "status": {"az": zone_for(part, mine), "privateIp": free_address(bound, pool), "taints": []},
        "_pool": bound.id_of(pool),
        "_cards": cards_of(part["flavor"]),
        "_workspace": pool["metadata"]["labels"].get("os.modelarts/workspace.id", "0"),
        "_taints": part.get("taints", []),
        "_driver": driver_for(pool, part["flavor"]),
    }


def driver_for(pool: dict, flavor: str) -> str:
    """The version of the driver that nodes of a flavor have in the pool; "" without accelerators."""
    spec, drivers = flavor_of(flavor)["spec"], pool.get("_drivers", {})
    return next((driver["version"] for kind, driver in drivers.items() if kind in spec), "")


def batch_of(world, prefix: str, part: dict, mine: list[dict]) -> dict:
    """The labels that say to which supernode the next node of a part belongs; none for nodes that stand alone."""
    step, names = step_of(part), ("uid", "name")
    if step == 1:
        return {}
    sizes = Counter(
        tuple(node["metadata"]["labels"][f"{NODE}batch.{each}"] for each in names) for node in mine
    )
    open_ones = (batch for batch, size in sizes.items() if size < step)
    uid, name = next(open_ones, None) or (world.new_uuid(), f"{prefix}-batch-{world.new_hex(8)}")
    return {BATCH: uid, f"{NODE}batch.name": name, f"{NODE}batch.type": "hyperinstance", STEP: str(step)}


def zone_for(part: dict, mine: list[dict]) -> str:
    """The zone in which the next node of a part is made: as its zones say, else the first that the flavor has."""
    there = Counter(node["status"]["az"] for node in mine)
    lacking = (zone["az"] for zone in part.get("azs", ()) if there[zone["az"]] < zone["count"])
    return next(lacking, next(iter(flavor_of(part["flavor"])["status"]["phase"])))


def free_address(bound, pool: dict) -> str:
    """An address in the pool's network that no node has; the first two of a network are the cloud's."""
    network = bound.beside(NETWORKS).get(pool["spec"].get("network", {}).get("name", ""))
    cidr = IPv4Network(network["spec"]["cidr"] if network else USUAL_RANGE)
    taken = set(fleet_of(bound).table.column("status.privateIp").values())
    return next(text for at in range(3, cidr.num_addresses) if (text := str(cidr[at])) not in taken)


def resources_of(bound, pool: dict, nodes: list[dict] | None = None) -> dict[str, list[dict]]:
    """The nodes of a pool, or some of them, by what they do, as the status of the pool counts them."""
    groups: dict[str, list[dict]] = {"creating": [], "available": [], "abnormal": [], "deleting": []}
    for node in nodes_of(bound, bound.id_of(pool)) if nodes is None else nodes:
        phase = node["status"]["phase"].lower()
        groups[phase if phase in groups else "abnormal"].append(node)
    return {name: rows_of(pool, group) for name, group in groups.items()}


def rows_of(pool: dict, nodes: list[dict]) -> list[dict]:
    """Nodes, counted by part of the pool."""
    parts = {key_of(part): part for part in pool["spec"].get("resources", ())}
    rows = []
    for key, count in Counter(map(key_of_node, nodes)).items():
        zones = Counter(node["status"]["az"] for node in nodes if key_of_node(node) == key)
        part = parts.get(key) or parts.get((key[0], f"{key[0]}-default", 1), {})
        row = {"flavor": key[0], "count": count, "maxCount": max(part.get("maxCount", 0), count)}
        row["azs"] = [{"az": zone, "count": number} for zone, number in zones.items()]
        rows.append(row | ({"nodePool": part["nodePool"]} if "nodePool" in part else {}))
    return rows
