"""Pools of nodes: the elements of a pool's resources, each under its name."""

from modelarts_emulator.behaviours.modelarts.nodes.nodes import NODES
from modelarts_emulator.behaviours.modelarts.pools.pools import POOLS, resize_pool
from modelarts_emulator.behaviours.modelarts.pools.refusals import (
    refuse,
    refuse_bad_billing,
    refuse_bad_resources,
)
from modelarts_emulator.behaviours.modelarts.pools.scaling import (
    NODE_POOL,
    is_busy,
    name_of,
    node_pool_of,
    nodes_of,
    resources_of,
    staying_in,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.documents import merged
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour


def find_part(call) -> tuple[dict, dict]:
    """(pool, element of its resources) that the path names; ApiError when there is none."""
    pool, name = POOLS.find(call, call.path["pool_name"]), call.path["nodepool_name"]
    for part in pool["spec"]["resources"]:
        if node_pool_of(part) == name:
            return pool, part
    raise ApiError(NODES.not_found, f"pool {POOLS.id_of(pool)} has no node pool {name}", fill=[name])


def node_pool(call, pool: dict, part: dict) -> dict:
    """An element of a pool's resources as a pool of nodes, with its nodes by what they do."""
    bound, name = POOLS.of(call), node_pool_of(part)
    mine = [
        node for node in nodes_of(bound, bound.id_of(pool)) if node["metadata"]["labels"][NODE_POOL] == name
    ]
    counts = {state: rows[0] for state, rows in resources_of(bound, pool, mine).items() if rows}
    return {
        "kind": "NodePool",
        "apiVersion": "v2",
        "metadata": {"name": name, "annotations": annotations_of(pool, name)},
        "spec": {"resources": {"maxCount": part["count"], **part}},
        "status": {"resources": counts},
    }


def annotations_of(pool: dict, name: str) -> dict:
    """What a pool of nodes was annotated with."""
    return pool.setdefault("_node_pools", {}).setdefault(name, {})


@behaviour("ListNodePools")
def list_node_pools(call):
    """The pools of nodes of a pool."""
    pool = POOLS.find(call)
    return list_rows(call, [node_pool(call, pool, part) for part in pool["spec"]["resources"]])


@behaviour("ShowNodePool")
def show_node_pool(call):
    """A pool of nodes."""
    return answer(call, *find_part(call))


def answer(call, pool: dict, part: dict) -> dict:
    """What the answer of the operation documents of a pool of nodes."""
    return POOLS.answer(call, node_pool(call, pool, part))


@behaviour("CreateNodePool")
def create_node_pool(call):
    """A new element of the pool's resources, whose nodes are ordered."""
    pool, metadata = POOLS.find(call), call.body["metadata"]
    if "spec" not in call.body:
        refuse("$.spec is required: what the nodes are")
    name, annotations, part = (
        metadata["name"],
        metadata.get("annotations", {}),
        call.body["spec"]["resources"],
    )
    parts = pool["spec"]["resources"]
    if name in map(node_pool_of, parts):
        refuse(f"$.metadata.name: pool {POOLS.id_of(pool)} has a node pool {name} already")
    if part["count"] < 1:
        refuse(f"$.spec.resources.count: {part['count']} is too small, must be at least 1")
    part = part | {"nodePool": name}
    refuse_bad_part(pool, part)
    refuse_bad_billing(annotations)
    annotations_of(pool, name).update(annotations)
    return answer(call, resize_pool(call, pool, [*parts, part]), part)


def refuse_bad_part(pool: dict, part: dict) -> None:
    """ApiError for more room than nodes outside logical pools, and for volumes whose group nobody describes."""
    refuse_bad_resources([part])
    if pool["spec"]["type"] != "Logical" and part["maxCount"] > part["count"]:
        refuse(f"$.spec.resources.maxCount: {part['maxCount']} is more than count {part['count']}")
    groups = {each["volumeGroup"] for each in part.get("volumeGroupConfigs", ())}
    for each in part.get("dataVolumes", ()):
        if each["extendParams"]["volumeGroup"] not in groups:
            refuse(f"$.spec.resources.volumeGroupConfigs: {each['extendParams']['volumeGroup']} is missing")


@behaviour("PatchNodePool")
def patch_node_pool(call):
    """Change an element of the pool's resources; nodes are ordered or go as its count says."""
    pool, part = find_part(call)
    changed = merged(part, call.body["spec"]["resources"]) | {"nodePool": node_pool_of(part)}
    refuse_bad_part(pool, changed)
    if changed["flavor"] != part["flavor"]:
        refuse(f"$.spec.resources.flavor: the nodes are of {part['flavor']} and stay that")
    annotations = annotations_of(pool, node_pool_of(part))
    annotations.update(call.body.get("metadata", {}).get("annotations", {}))
    refuse_bad_billing(annotations)
    parts = [changed if each == part else each for each in pool["spec"]["resources"]]
    return answer(call, resize_pool(call, pool, parts), changed)


@behaviour("DeleteNodePool")
def delete_node_pool(call):
    """Let all nodes of an element of the pool's resources go; not the last one, nor one at work."""
    pool, part = find_part(call)
    bound, name, rest = (
        POOLS.of(call),
        node_pool_of(part),
        [each for each in pool["spec"]["resources"] if each != part],
    )
    if not rest:
        refuse(f"pool {POOLS.id_of(pool)} keeps its last node pool")
    billed = (annotations_of(pool, name), pool["metadata"]["annotations"])
    if any(each.get("os.modelarts/billing.mode") == "1" for each in billed):
        refuse(f"node pool {name} of pool {POOLS.id_of(pool)} is paid by month or year and stays")
    pool["_node_pools"].pop(name)
    for node in staying_in(bound, pool):
        if node["metadata"]["labels"][NODE_POOL] == name and is_busy(bound, node):
            refuse(f"node {name_of(node)} of node pool {name} is at work; end that first")
    return answer(call, resize_pool(call, pool, rest), part)


@behaviour("ListNodePoolNodes")
def list_node_pool_nodes(call):
    """The nodes of a pool of nodes."""
    name = node_pool_of(find_part(call)[1])
    return NODES.list(call, keep=lambda node: node["metadata"]["labels"][NODE_POOL] == name)
