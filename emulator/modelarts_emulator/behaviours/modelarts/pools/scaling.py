"""The nodes of a pool: which parts it wants, which nodes are made for them, which ones go."""

from collections import Counter
from copy import deepcopy
from ipaddress import IPv4Network

from modelarts_emulator.behaviours.modelarts.capacity import POOL_NODES, cards_of, machines_left_of
from modelarts_emulator.behaviours.modelarts.networks import NETWORKS
from modelarts_emulator.behaviours.modelarts.pools.flavors import flavor_of
from modelarts_emulator.frame.capacity import Place
from modelarts_emulator.frame.registry import resource_of

NODE = "os.modelarts.node/"
NODE_POOL, BATCH, STEP = f"{NODE}nodepool", f"{NODE}batch.uid", f"{NODE}batch.count"
LOCK = f"{NODE}lock.action"
USUAL_RANGE = "192.168.0.0/16"
USUAL_VOLUME = {"volumeType": "SSD", "size": "150"}


def fleet_of(bound):
    """The nodes of the project."""
    return bound.beside(resource_of(POOL_NODES))


def nodes_of(bound, pool_id: str) -> list[dict]:
    """The nodes of a pool, oldest first, also those that are on their way out."""
    return fleet_of(bound).having("_pool", pool_id)


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


def wanted_in(spec: dict) -> Counter:
    """How many nodes each part of the pool is to have."""
    wanted: Counter = Counter()
    for part in spec.get("resources", ()):
        wanted[key_of(part)] += part["count"]
    return wanted


def staying_in(bound, pool: dict) -> list[dict]:
    """The nodes of a pool that are not on their way out."""
    found = nodes_of(bound, bound.id_of(pool))
    return [node for node in found if node["status"]["phase"] != "Deleting"]


def are_broken(bound, pool_id: str) -> bool:
    """Whether the pool has nodes and all of them are Abnormal."""
    table = bound.records(POOL_NODES)
    states = table.column("status.phase")
    return {states[name] for name in table.having("_pool", pool_id)} - {"Deleting"} == {"Abnormal"}


def is_busy(bound, node: dict) -> bool:
    """Whether something runs on the node."""
    place = Place(bound.world, bound.project_id, f"pool:{node['_pool']}")
    return place.held_on(node["metadata"]["name"]) > 0


def words_of_shortage(bound, pool: dict) -> str:
    """Of which flavor too few nodes are left for what the pool wants; "" when there are enough."""
    lacking = wanted_in(pool["spec"]) - Counter(map(key_of_node, staying_in(bound, pool)))
    more: Counter = Counter()
    for (flavor, *_), count in lacking.items():
        more[flavor] += count
    for flavor, count in more.items():
        left = machines_left_of(bound.world, bound.project_id, flavor)
        if count > left:
            return f"{count} nodes of {flavor} are wanted, {left} are left"
    return ""


def surplus_of(bound, pool: dict, going: tuple[str, ...] = ()) -> list[dict]:
    """The nodes that the pool has too many of: those in `going`, then idle ones, the youngest first."""
    staying = staying_in(bound, pool)
    more, found = Counter(map(key_of_node, staying)) - wanted_in(pool["spec"]), []
    rank = {name_of(node): (name_of(node) not in going, is_busy(bound, node)) for node in staying}
    staying.reverse()
    for node in sorted(staying, key=lambda each: rank[name_of(each)]):
        if more[key_of_node(node)] > 0:
            more[key_of_node(node)] -= 1
            found.append(node)
    return found


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
    fleet, done = fleet_of(bound), let_nodes_go(bound, surplus_of(bound, pool, going))
    for part in pool["spec"].get("resources", ()):
        mine = [node for node in staying_in(bound, pool) if key_of_node(node) == key_of(part)]
        for _ in range(wanted_in(pool["spec"])[key_of(part)] - len(mine)):
            mine.append(fleet.add(new_node(bound, pool, part, mine)))
            done.append({"action": "createNode", "resourceName": name_of(mine[-1])})
    return done


def parts_without(pool: dict, nodes: list[dict]) -> list[dict]:
    """The resources of a pool without these nodes."""
    parts = deepcopy(pool["spec"]["resources"])
    for node in nodes:
        part = next(each for each in parts if key_of(each) == key_of_node(node) and each["count"])
        resize_part(part, node, -1)
    return parts


def resize_part(part: dict, node: dict, more: int) -> None:
    """Count a node more or less in a part of a pool, and in its zone where the part has zones."""
    if part.get("maxCount") == part["count"]:
        part["maxCount"] += more
    part["count"] += more
    if "azs" in part:
        zones = Counter({zone["az"]: zone["count"] for zone in part["azs"]})
        zones[node["status"]["az"]] += more
        part["azs"] = [{"az": zone, "count": count} for zone, count in zones.items() if count]


def let_nodes_go(bound, nodes: list[dict]) -> list[dict]:
    """Put the nodes on their way out: what is done with each."""
    for node in nodes:
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
    }


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
        part = parts.get(key, {})
        row = {"flavor": key[0], "count": count, "maxCount": max(part.get("maxCount", 0), count)}
        row["azs"] = [{"az": zone, "count": number} for zone, number in zones.items()]
        rows.append(row | ({"nodePool": part["nodePool"]} if "nodePool" in part else {}))
    return rows
