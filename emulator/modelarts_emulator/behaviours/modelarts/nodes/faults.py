"""What strikes nodes from outside: failures, repairs, the reclaim of what was lent; planned over the control API."""

from modelarts_emulator.behaviours.modelarts.nodes.jobs import begin_job
from modelarts_emulator.behaviours.modelarts.nodes.nodes import NODES, is_standby
from modelarts_emulator.behaviours.modelarts.pools.pools import POOLS
from modelarts_emulator.behaviours.modelarts.pools.scaling import name_of, parts_without
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, until
from modelarts_emulator.frame.resources import Resource

ACTIONS = {"fail": "fail", "recover": "recover", "reclaim": "delete"}
USUAL = {"fail": "failed", "recover": "", "reclaim": "was reclaimed by the cloud"}
FAULTS = Resource(
    "modelarts/nodes/fault",
    not_found="ModelArts.50004000",
    lifecycle=Lifecycle(
        "planned", field="state", planned=until(GONE, after=lambda bound, fault: fault["after"])
    ),
)


def plan_fault(world, project_id: str, name: str, action: str, after: float, message: str) -> dict:
    """Let something happen to a node after so many seconds, at once after 0; the node, or what is planned.

    ApiError for a node that no pool has, and for what cannot happen in its state.
    """
    bound = FAULTS.at(world, project_id)
    nodes = bound.beside(NODES)
    if name not in nodes.table:
        raise ApiError("ModelArts.50004000", f"no pool of project {project_id} has a node {name}", status=404)
    fault = {"id": world.new_uuid(), "node": name, "action": action, "after": after, "message": message}
    if after:
        return bound.add(fault)
    strike(bound, fault)
    return nodes.shown(nodes.find(name))


def strike(bound, fault: dict) -> None:
    """Let it happen: a node that is reclaimed is one that its pool does not want any more."""
    nodes, action = bound.beside(NODES), fault["action"]
    node = nodes.find(fault["node"])
    stood_by = is_standby(node)
    words = f"{USUAL[action]}: {fault['message']}" if fault["message"] else USUAL[action]
    if action == "reclaim":
        pool = bound.beside(POOLS).find(node["_pool"])
        pool["spec"]["resources"] = parts_without(pool, [node])
        bound.beside(POOLS).put(pool)
    node = nodes.act(node | {"_fault": words}, ACTIONS[action])
    if is_standby(node) and not stood_by:
        begin_job(bound, node["_pool"], "replace-node", [name_of(node)], 1)


@FAULTS.life.entering(GONE)
def strike_as_planned(bound, fault: dict) -> None:
    """Let happen what was planned, if it still can: a node that is gone cannot fail."""
    node = bound.beside(NODES).get(fault["node"])
    if node is not None and ACTIONS[fault["action"]] in NODES.life.states[node["status"]["phase"]].actions:
        strike(bound, fault)
