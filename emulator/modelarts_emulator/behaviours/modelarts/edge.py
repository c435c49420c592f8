"""Edge services: their nodes are started and stopped one by one."""

from modelarts_emulator.behaviours.modelarts.services.events import note_event
from modelarts_emulator.behaviours.modelarts.services.life import SERVICES, WORKING
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour


@behaviour("UpdateServiceNodeStatus")
def update_service_node_status(call):
    """Start a stopped node of an edge service that runs, or stop a running one."""
    service, wanted = SERVICES.find(call), call.body["status"]
    nodes = service["config"][0].get("nodes", [])
    node = next((node for node in nodes if node["id"] == call.path["node_id"]), None)
    if node is None:
        words = f"service {service['service_id']} has no node {call.path['node_id']}"
        raise ApiError("ModelArts.0101", words)
    if service["status"] not in WORKING:
        words = f"service {service['service_id']} is {service['status']}; its nodes are turned while it is running"
        raise ApiError("ModelArts.0101", words)
    needed = "stopped" if wanted == "running" else "running"
    if node["instance_status"] != needed:
        words = f"node {node['id']} is {node['instance_status']}; {wanted} is possible from {needed} only"
        raise ApiError("ModelArts.0101", words)
    node["instance_status"] = wanted
    note_event(SERVICES.of(call), service, f"node [{node['name']}] is {wanted}")
    SERVICES.change(call, service)
    return {}
