"""Where servers are: RoCE networks, and the switches at the top of the racks."""

from modelarts_emulator.behaviours.modelarts.dev_servers.catalogue import NOT_FOUND
from modelarts_emulator.behaviours.modelarts.dev_servers.refusals import refuse
from modelarts_emulator.behaviours.modelarts.dev_servers.servers import SERVERS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

RACKS = 200
NOT_PLACED = ("CREATING", "CREATE_FAILED")
ROCE_NETWORKS = Resource("modelarts/dev-servers/roce_network", not_found=NOT_FOUND)


@behaviour("CreateRoceNetwork")
def create_roce_network(call):
    """A network for direct memory access, which servers name as their roce_id."""
    id, asked = call.world.new_uuid(), call.body
    network = {
        "id": id,
        "name": f"roce-{id[:8]}",
        "project_id": call.project_id,
        "tenant_id": call.project_id,
        "status": "ACTIVE",
        "subnets": call.world.new_uuid(),
        "provider:network_type": asked.get("network_type", "roce_v2"),
        "provider:physical_network": asked.get("physical_network", f"physnet-{id[:8]}"),
    }
    return {"network": ROCE_NETWORKS.of(call).put(network)}


@behaviour("GetTopologies")
def get_topologies(call):
    """The addresses of the switches of each physical server; those of a hyperinstance are in one rack."""
    bound, query = SERVERS.of(call), call.query
    servers = [SERVERS.find(call, query["id"])] if "id" in query else [*bound.usable()]
    if "resource_id" in query:
        servers = [each for each in servers if each["cloud_server"]["id"] == query["resource_id"]]
        if not servers:
            raise ApiError(NOT_FOUND, f"there is no server with resource_id {query['resource_id']}")
    placed = [each for each in servers if is_placed(each)]
    if query and not placed:
        refuse(f"server {servers[0]['id']} is not connected to a switch: it is virtual or not there yet")
    return {"servers": [switches_of(bound, each) for each in placed]}


def is_placed(server: dict) -> bool:
    """Whether the server is a machine that stands in a rack."""
    return server["cloud_server"]["type"] != "ECS" and server["status"] not in NOT_PLACED


def switches_of(bound, server: dict) -> dict:
    """The two switches at the top of the server's rack."""
    whole = server.get("server_hps", server)["id"]
    rack = bound.world.seeded("rack", whole).randrange(RACKS)
    nodes = [f"10.{row}.{rack}.1" for row in (100, 101)]
    return {"resource_id": server["cloud_server"]["id"], "network_nodes": nodes}
