"""The nodes of pools: made by orders, checked, reset, broken and mended; what runs on one that goes is told so."""

from modelarts_emulator.behaviours.modelarts.capacity import AWAITS, family_of, held_on
from modelarts_emulator.behaviours.modelarts.events.pools import note_counts
from modelarts_emulator.behaviours.modelarts.pools.flavors import amounts, flavor_of
from modelarts_emulator.behaviours.modelarts.pools.pools import POOLS
from modelarts_emulator.behaviours.modelarts.pools.scaling import (
    NODE,
    QUOTA,
    are_broken,
    key_of_node,
    lies_in,
    name_of,
)
from modelarts_emulator.frame.capacity import admit_waiting, evict
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource

CREATING_SECONDS, CHECKING_SECONDS, UPGRADING_SECONDS, DELETING_SECONDS = 170, 50, 120, 50
DRAIN, STANDBY = f"{NODE}drain", f"{NODE}ha.redundant.enabled"
CHIPS = {"ascend-snt3": "huawei.com/ascend-snt3", "ascend-snt9b": "huawei.com/ascend-snt9"}
# Why what runs on a node has to go, by the state that the node enters; `_fault` of the node says more.
WORDS = {"Creating": "is reset", "Checking": "restarts", "Deleting": "is deleted", "Abnormal": "failed"}


def seconds_of_check(bound, node: dict) -> float:
    """How long a node takes to start anew, with another driver where it is to have one."""
    return UPGRADING_SECONDS if "_upgrade" in node else CHECKING_SECONDS


NODES = Resource(
    "modelarts/nodes/node",
    path_names=("node_name",),
    id_field="metadata.name",
    not_found="ModelArts.50005101",
    belongs_to=BelongsTo(POOLS, "_pool"),
    lifecycle=Lifecycle(
        "Creating",
        field="status.phase",
        illegal="ModelArts.50004000",
        Creating=soon("Available", after=CREATING_SECONDS, delete="Deleting"),
        Available=rests(
            settle="Available", check="Checking", reset="Creating", fail="Abnormal", delete="Deleting"
        ),
        Checking=soon("Available", after=seconds_of_check, fail="Abnormal", delete="Deleting"),
        Abnormal=rests(check="Checking", reset="Creating", recover="Available", delete="Deleting"),
        Deleting=soon(GONE, after=DELETING_SECONDS),
    ),
)


def is_standby(node: dict) -> bool:
    """Whether the node is kept for the case that another one fails."""
    return node["metadata"]["labels"][STANDBY] == "true"


@NODES.life.entering("Available")
def offer_cards(bound, node):
    """A node serves its pool while it is Available, is not drained, does not stand by and waits for no driver."""
    node.pop("_fault", None)
    if AWAITS not in node and "_upgrade" in node:
        node["_driver"] = node.pop("_upgrade")
    is_closed = DRAIN in node["metadata"]["annotations"] or is_standby(node) or AWAITS in node
    node["_offers"] = "" if is_closed else node["metadata"]["labels"].get(QUOTA) or node["_pool"]


@NODES.life.entering("Creating", "Checking", "Abnormal", "Deleting")
def withdraw_cards(bound, node):
    """A node in any other state serves nobody; what starts anew is not drained any more."""
    node["_offers"] = ""
    node["metadata"]["annotations"].pop(DRAIN, None)
    node.pop(AWAITS, None)


@NODES.life.entered(*NODES.life.states)
def tell_who_uses_it(bound, node):
    """Who waits gets in where cards are offered; who runs on a node that offers none any more has to go."""
    if node["_offers"]:
        admit_waiting(bound.world, bound.project_id, f"pool:{node['_offers']}")
    elif AWAITS not in node:
        words = node.get("_fault") or WORDS.get(node["status"]["phase"], "takes no work any more")
        clear(bound, node, words)
    if node["status"]["phase"] not in ("Creating", "Deleting"):
        for each in dict.fromkeys((node["_pool"], node["metadata"]["labels"].get(QUOTA, node["_pool"]))):
            judge_pool(bound, each)


def clear(bound, node: dict, words: str) -> None:
    """Take all work from a node, whichever pool it was placed in, and tell it why."""
    name = name_of(node)
    for each in family_of(bound.world, bound.project_id, node["_pool"]):
        evict(bound.world, bound.project_id, f"pool:{each}", name, f"node {name} {words}")


def judge_pool(bound, pool_id: str) -> None:
    """A pool whose nodes are all broken is Abnormal until one of them is not."""
    pools = bound.beside(POOLS)
    pool = pools.get(pool_id)
    if pool is None or "_shortage" in pool or pools.state_of(pool) not in ("Running", "Abnormal"):
        return
    note_counts(pools, pool)
    is_broken = are_broken(pools, pool_id)
    if is_broken != (pools.state_of(pool) == "Abnormal"):
        pools.act(pool, "suffer" if is_broken else "recover")


@NODES.life.entering("Abnormal")
def call_standby(bound, node):
    """A node of the same part that stands by takes the place of one that fails, which then stands by itself."""
    for other in bound.having("_pool", node["_pool"]):
        is_ready = other["status"]["phase"] == "Available" and is_standby(other)
        if is_ready and not is_standby(node) and key_of_node(other) == key_of_node(node):
            other["metadata"]["labels"][STANDBY] = "false"
            if QUOTA in node["metadata"]["labels"]:
                other["metadata"]["labels"][QUOTA] = node["metadata"]["labels"].pop(QUOTA)
            node["metadata"]["labels"][STANDBY] = "true"
            node["_standby_effect"] = other["_standby_effect"]
            bound.act(other, "settle")
            return


@NODES.showing
def shown_node(bound, node):
    """The node with its taints, with what it has and what of that is free."""
    cards, used = node["_cards"], held_on(bound.world, bound.project_id, node)
    flavor, annotations = node["spec"]["flavor"], dict(node["metadata"]["annotations"])
    if "npu" in flavor_of(flavor)["spec"]:
        annotations["os.modelarts/npu-topology-placement"] = f"{(1 << used) - 1:016b}"
    shown = {
        "taints": node["_taints"] + own_taints(node),
        **driver_of(node),
        "resources": amounts(flavor, cards, cards, CHIPS),
        "availableResources": amounts(flavor, cards, cards - used, CHIPS),
    }
    metadata = {**node["metadata"], "annotations": annotations}
    return {**node, "metadata": metadata, "status": {**node["status"], **shown}}


def driver_of(node: dict) -> dict:
    """What the status says of the driver; nothing of a node without accelerators."""
    if not node.get("_driver"):
        return {}
    states = {"Creating": "Creating", "Abnormal": "Abnormal"}
    state = "Upgrading" if "_upgrade" in node else "Running"
    return {"driver": {"version": node["_driver"], "phase": states.get(node["status"]["phase"], state)}}


def own_taints(node: dict) -> list[dict]:
    """What keeps work from a node that is drained, waits for a driver or stands by."""
    taints = []
    if DRAIN in node["metadata"]["annotations"] or AWAITS in node:
        taints.append({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
    if is_standby(node):
        taints.append({"key": STANDBY, "value": "true", "effect": node["_standby_effect"]})
    return taints


@behaviour("ListPoolNodes")
def list_pool_nodes(call):
    """A page of the nodes of a pool, those of a logical pool bound to it."""
    bound, id = NODES.of(call), POOLS.id_of(POOLS.find(call))
    ids = [*bound.table.having("_pool", id), *bound.table.having(("metadata", "labels", QUOTA), id)]
    return list_records(call, bound, ids)


@behaviour("ShowPoolNode")
def show_pool_node(call):
    """A node of a pool."""
    bound, id = NODES.of(call), POOLS.id_of(POOLS.find(call))
    node = bound.find(call.path["node_name"])
    if not lies_in(node, id):
        raise bound.not_found(call.path["node_name"], f"in pool {id}")
    return NODES.answer(call, bound.shown(node))
