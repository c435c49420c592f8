"""What is done to several nodes of a pool at once, with a result for each where the documents have one."""

import orjson

from modelarts_emulator.behaviours.modelarts.nodes.jobs import begin_job
from modelarts_emulator.behaviours.modelarts.nodes.nodes import DRAIN, NODES, STANDBY, clear, is_standby
from modelarts_emulator.behaviours.modelarts.orders import LABEL as ORDER
from modelarts_emulator.behaviours.modelarts.pools.pools import POOLS, resize_pool
from modelarts_emulator.behaviours.modelarts.pools.refusals import refuse
from modelarts_emulator.behaviours.modelarts.pools.scaling import (
    BATCH,
    LOCK,
    NODE_POOL,
    QUOTA,
    STEP,
    bind_node,
    is_busy,
    key_of,
    key_of_node,
    lies_in,
    name_of,
    node_pool_of,
    parts_without,
    staying_in,
    step_of,
)
from modelarts_emulator.behaviours.modelarts.tags.kinds import ANNOTATION
from modelarts_emulator.behaviours.modelarts.tags.kinds import NODES as TAGGED_NODES
from modelarts_emulator.behaviours.modelarts.tags.refusals import MOST_TAGS, tags_asked
from modelarts_emulator.frame.registry import behaviour

STAYING = ("Available", "Abnormal", "Checking", "Creating")


def nodes_named(call, names: list[str], verb: str, *phases: str) -> list[dict]:
    """The nodes of the pool with these names; ApiError when there is none, for one that the pool does not have or that
    is in none of the phases.
    """
    pool, bound = POOLS.id_of(POOLS.find(call)), NODES.of(call)
    if not names:
        refuse(f"no node is named that could be {verb}")
    nodes = [bound.get(name) for name in dict.fromkeys(names)]
    for name, node in zip(dict.fromkeys(names), nodes, strict=True):
        if node is None or not lies_in(node, pool):
            refuse(f"node {name} cannot be {verb} because it is not in pool {pool}")
        if phases and node["status"]["phase"] not in phases:
            refuse(
                f"node {name} cannot be {verb}: it is {node['status']['phase']}, must be {' or '.join(phases)}"
            )
    return nodes


def change_each(call, change) -> list[dict]:
    """The result for each node of the body, in its order; change: a function (node) -> whether it could."""
    pool, bound, results = POOLS.id_of(POOLS.find(call)), NODES.of(call), []
    for name in dict.fromkeys(call.body["nodeNames"]):
        node = bound.get(name)
        is_done = node is not None and lies_in(node, pool) and change(node)
        if is_done:
            bound.put(node)
        results.append({"name": name, "status": "success" if is_done else "failed"})
    return results


@behaviour("BatchLockPoolNodes")
def batch_lock_pool_nodes(call):
    """Keep nodes from being deleted; the answer says of each whether it is locked."""

    actions = ",".join(call.body["actions"])

    def lock(node: dict) -> bool:
        node["metadata"]["annotations"][LOCK] = actions
        return bool(actions) and node["status"]["phase"] != "Deleting"

    return {"nodes": change_each(call, lock)}


@behaviour("BatchUnlockPoolNodes")
def batch_unlock_pool_nodes(call):
    """Let nodes be deleted again; one that is not locked cannot be unlocked."""
    actions = set(call.body["actions"])

    def unlock(node: dict) -> bool:
        annotations = node["metadata"]["annotations"]
        locked = set(filter(None, annotations.get(LOCK, "").split(",")))
        if locked <= actions:
            annotations.pop(LOCK, None)
        return bool(locked & actions)

    return {"nodes": change_each(call, unlock)}


@behaviour("BatchUpdatePoolNodes")
def batch_update_pool_nodes(call):
    """Let nodes stand by for others or not any more, tag them or take tags away; the answer says which ones could."""
    pool, tags, action = POOLS.find(call), tags_asked(call), call.body["action"]
    if action.endswith("Tags") and not tags:
        refuse(f"$.tags is empty, which is nothing to {action}")
    change = {
        "openHaRedundant": lambda node: stand_by(call, pool, node),
        "closeHaRedundant": lambda node: serve_again(call, node),
        "createTags": lambda node: tag(node, TAGGED_NODES.tags_of(node) | tags),
        "deleteTags": lambda node: tag(node, without(TAGGED_NODES.tags_of(node), tags)),
    }[action]
    results = change_each(call, lambda node: LOCK not in node["metadata"]["annotations"] and change(node))
    words = {"success": "successNodeNames", "failed": "failNodeNames"}
    return {words[each]: [row["name"] for row in results if row["status"] == each] for each in words}


def stand_by(call, pool: dict, node: dict) -> bool:
    """Keep a node for the case that another one fails; not one that works, nor the last one that serves."""
    bound = NODES.of(call)
    serving = [each for each in staying_in(POOLS.of(call), pool) if each["_offers"]]
    if is_busy(bound, node) or not node["_offers"] or len(serving) < 2:
        return False
    node["metadata"]["labels"][STANDBY] = "true"
    node["_standby_effect"] = call.body["haRedundantEffect"]
    bound.act(node, "settle")
    return True


def serve_again(call, node: dict) -> bool:
    """End the standing by of a node."""
    if not is_standby(node):
        return False
    node["metadata"]["labels"][STANDBY] = "false"
    if node["status"]["phase"] == "Available":
        NODES.of(call).act(node, "settle")
    return True


def tag(node: dict, tags: dict[str, str]) -> bool:
    """Give the node these tags, which it keeps as text, unless they are too many."""
    rows = [{"key": key, "value": value} for key, value in tags.items()]
    node["metadata"]["annotations"][ANNOTATION] = orjson.dumps(rows).decode()
    return len(rows) <= MOST_TAGS


def without(tags: dict[str, str], gone: dict[str, str]) -> dict[str, str]:
    """The tags whose keys are not among those that go."""
    return {key: value for key, value in tags.items() if key not in gone}


@behaviour("BatchDrainPoolNodes")
def batch_drain_pool_nodes(call):
    """Take all work from nodes and give them none any more, until they start anew."""
    nodes = nodes_named(call, call.body["nodeNames"], "drained", "Available")
    drain(call, nodes)
    return {}


def drain(call, nodes: list[dict]) -> None:
    """Drain the nodes; ApiError for a locked one and when none would be left that serves."""
    serving = {name_of(each) for each in staying_in(POOLS.of(call), POOLS.find(call)) if each["_offers"]}
    for node in nodes:
        refuse_locked(node)
    if not serving - set(map(name_of, nodes)):
        refuse(f"no node of pool {nodes[0]['_pool']} would be left that takes work")
    for node in nodes:
        node["metadata"]["annotations"][DRAIN] = "true"
        NODES.of(call).act(node, "settle")


def refuse_locked(node: dict) -> None:
    """ApiError for a node that is locked."""
    if LOCK in node["metadata"]["annotations"]:
        refuse(f"node {name_of(node)} is locked; unlock it first")


@behaviour("BatchBindPoolNodes")
def batch_bind_pool_nodes(call):
    """Bind nodes to logical pools that lie in the pool, as many as each of them wants at most; "" frees them.

    What runs on a node stays there until it ends, unless the node is to be drained.
    """
    pools, quotas = POOLS.of(call), {each["name"]: each.get("quotaName", "") for each in call.body["nodes"]}
    nodes = nodes_named(call, list(quotas), "bound", "Available")
    for node in nodes:
        labels, quota = node["metadata"]["labels"], quotas[name_of(node)]
        logical = pools.get(quota) if quota else None
        if quota == labels.get(QUOTA, ""):
            refuse(f"the quota of node {name_of(node)} does not change")
        if quota and (logical is None or logical["spec"].get("parent") != node["_pool"]):
            refuse(f"$.nodes.quotaName: pool {node['_pool']} has no logical pool {quota}")
        if quota:
            refuse_full_quota(call, logical, quotas)
        if call.body.get("drain"):
            refuse_locked(node)
            clear(NODES.of(call), node, f"is bound to pool {quota or node['_pool']}")
        bind_node(pools, node, quota)
    return {}


def refuse_full_quota(call, logical: dict, quotas: dict[str, str]) -> None:
    """ApiError when a logical pool would have more nodes bound to it than it wants at most."""
    id = POOLS.id_of(logical)
    most = sum(part.get("maxCount", part["count"]) for part in logical["spec"]["resources"])
    table = NODES.of(call).table
    bound_ones = {
        *table.having(("metadata", "labels", QUOTA), id),
        *(name for name in quotas if quotas[name] == id),
    }
    if len(bound_ones) > most:
        refuse(f"logical pool {id} takes {most} nodes, {len(bound_ones)} would be bound to it")


@behaviour("BatchDeletePoolNodes")
def batch_delete_pool_nodes(call):
    """Take nodes out of the pool for good, with an order; what runs on them has to go."""
    nodes, pool = nodes_named(call, call.body["deleteNodeNames"], "deleted", *STAYING), POOLS.find(call)
    if len(nodes) == len(staying_in(POOLS.of(call), pool)):
        refuse(f"pool {POOLS.id_of(pool)} keeps at least one node; delete the pool instead")
    resize_pool(call, pool, parts_without(pool, nodes), tuple(map(name_of, nodes)))
    return {}


@behaviour("BatchResizePoolNodes")
def batch_resize_pool_nodes(call):
    """Give supernodes another number of nodes, with an order: new ones join them, or those that are named go."""
    pool, source, target = POOLS.find(call), call.body["source"], call.body["target"]
    part = next((part for part in pool["spec"]["resources"] if is_named(part, source)), None)
    if part is None or step_of(part) == 1 or step_of(target) == 1:
        refuse(
            "$.source, $.target: only supernodes of the pool, of creatingStep hyperinstance, can be resized"
        )
    changed = target_of(pool, part, target)
    going, batches = (
        [],
        {each.get("batchUID", ""): each.get("deleteNodeNames", []) for each in call.body["nodes"]},
    )
    for uid, names in batches.items():
        mine = [
            node for node in staying_in(POOLS.of(call), pool) if node["metadata"]["labels"].get(BATCH) == uid
        ]
        refuse_bad_batch(part, changed, uid, mine, names)
        for node in mine:
            node["metadata"]["labels"] |= {NODE_POOL: node_pool_of(changed), STEP: str(step_of(changed))}
            NODES.of(call).put(node)
        going += names
    parts = parts_resized(pool, part, changed, len(batches))
    return {"orderName": resize_pool(call, pool, parts, tuple(going))["metadata"]["labels"][ORDER]}


def is_named(part: dict, named: dict) -> bool:
    """Whether a part of a pool is the one that a flavor, a pool of nodes and a step name, as far as they do."""
    pool, step = named.get("nodePool"), named.get("creatingStep")
    return (
        named.get("flavor", part["flavor"]) == part["flavor"]
        and pool in (None, "", node_pool_of(part))
        and (step is None or step_of(named) == step_of(part))
    )


def target_of(pool: dict, part: dict, target: dict) -> dict:
    """The part of the pool that supernodes of a part belong to once they are resized."""
    changed = {**part, **{name: target[name] for name in ("nodePool", "creatingStep") if target.get(name)}}
    same = (each for each in pool["spec"]["resources"] if key_of(each) == key_of(changed))
    return next(same, {**changed, "count": 0, "maxCount": 0, "azs": []})


def parts_resized(pool: dict, part: dict, changed: dict, batches: int) -> list[dict]:
    """The resources of the pool once so many supernodes have gone over from one part to the other."""
    parts, moved = [], {key_of(part): -batches * step_of(part), key_of(changed): batches * step_of(changed)}
    known = [*pool["spec"]["resources"]]
    for each in known if changed in known else [*known, changed]:
        count = each["count"] + moved.get(key_of(each), 0)
        sized = {"count": count} | ({"maxCount": count} if "maxCount" in each else {})
        rest = {name: value for name, value in each.items() if name != "azs" or count == each["count"]}
        parts += [rest | sized] if count else []
    return parts


def refuse_bad_batch(part: dict, changed: dict, uid: str, mine: list[dict], names: list[str]) -> None:
    """ApiError for what is no supernode of the part, and unless as many nodes of it go as it is to have less."""
    if not mine or key_of_node(mine[0]) != key_of(part):
        refuse(f"$.nodes.batchUID: {uid!r} is no supernode of node pool {node_pool_of(part)}")
    less = max(0, len(mine) - step_of(changed))
    if len(names) != less or not {*names} <= set(map(name_of, mine)):
        refuse(f"$.nodes.deleteNodeNames: {less} nodes of supernode {uid} go, {len(names)} are named")


@behaviour("BatchRebootPoolNodes")
def batch_reboot_pool_nodes(call):
    """Start nodes anew, all at once; what runs on them has to go."""
    nodes = nodes_named(call, call.body["nodeNames"], "rebooted", "Available", "Abnormal")
    names = list(map(name_of, nodes))
    job = begin_job(POOLS.of(call), nodes[0]["_pool"], "reboot-node", names, len(names))
    return {"nodeNames": names, "job_id": job["jobId"]}


@behaviour("BatchResetPoolNodes")
def batch_reset_pool_nodes(call):
    """Set nodes up anew, as many at a time as may be missing, with another system if one is named."""
    nodes, rolling = (
        nodes_named(call, call.body["nodeNames"], "reset", "Available", "Abnormal"),
        call.body["rollingConfig"],
    )
    most, is_share = rolling["maxUnavailable"], rolling["strategy"] == "RollingByPercent"
    if not 1 <= most <= (100 if is_share else most):
        refuse(
            f"$.rollingConfig.maxUnavailable: {most} is out of bounds, must be 1 or more, at most 100 percent"
        )
    for node in nodes:
        if is_busy(NODES.of(call), node):
            refuse(f"node {name_of(node)} cannot be reset while something runs on it")
    for node in nodes:
        set_up(node, call.body.get("nodeConfig", {}))
        NODES.of(call).put(node)
    size = -(-len(nodes) * most // 100) if is_share else most
    job = begin_job(POOLS.of(call), nodes[0]["_pool"], "reset-nodes", list(map(name_of, nodes)), size)
    return {"job_id": job["jobId"]}


def set_up(node: dict, config: dict) -> None:
    """Note which system and which runtime the node will have."""
    name = config.get("os") or config.get("name")
    system = {"name": name, "imageId": config.get("imageId"), "imageType": config.get("imageType")}
    node["spec"]["os"] = node["spec"].get("os", {}) | {key: value for key, value in system.items() if value}
    if "runtime" in config:
        node["spec"]["extendParams"] = node["spec"].get("extendParams", {}) | {"runtime": config["runtime"]}


@behaviour("BatchMigratePoolNodes")
def batch_migrate_pool_nodes(call):
    """Move nodes to another pool; what runs on them has to go."""
    body, pool, pools = call.body, POOLS.find(call), POOLS.of(call)
    nodes = nodes_named(call, body["migrateNodeNames"], "moved", "Available")
    id, target = POOLS.id_of(pool), pools.get(body.get("toPoolName") or body["toClusterName"])
    if body["fromClusterName"] != id:
        refuse(f"$.fromClusterName: {body['fromClusterName']} is not the cluster of pool {id}")
    if target is None or POOLS.id_of(target) == id or pools.state_of(target) != "Running":
        refuse("$.toPoolName: nodes move to another pool that is Running")
    if len(nodes) == len(staying_in(pools, pool)):
        refuse(f"pool {id} keeps at least one node")
    for node in nodes:
        refuse_locked(node)
        if QUOTA in node["metadata"]["labels"]:
            refuse(
                f"node {name_of(node)} is bound to pool {node['metadata']['labels'][QUOTA]}; free it first"
            )
    part = {name: value for name, value in body.get("resourceSpec", {}).items() if value is not None}
    names = list(map(name_of, nodes))
    job = begin_job(pools, id, "migrate-nodes", names, len(names), target=POOLS.id_of(target), part=part)
    return {"job_id": job["jobId"]}
