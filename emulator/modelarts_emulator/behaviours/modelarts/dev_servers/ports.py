"""Ports that are put into servers of a hyperinstance and taken out, and public addresses of servers."""

from ipaddress import AddressValueError, IPv4Address

from modelarts_emulator.behaviours.modelarts.dev_servers.parts import (
    HELD_BY,
    PORTS,
    PUBLIC_IPS,
    find_free,
    find_held,
    new_port,
    parts_in,
    release,
)
from modelarts_emulator.behaviours.modelarts.dev_servers.refusals import (
    refuse,
    refuse_unless_hyper,
    refuse_unless_settled,
)
from modelarts_emulator.behaviours.modelarts.dev_servers.servers import SERVERS
from modelarts_emulator.frame.registry import behaviour


@behaviour("AttachDevServerPort")
def attach_dev_server_port(call):
    """Put a free port into a server, or a new one in a subnet."""
    bound, server, asked = SERVERS.of(call), SERVERS.find(call), call.body
    refuse_unless_hyper(server)
    refuse_unless_settled(server)
    if "port_id" in asked:
        port = find_free(bound, PORTS, asked["port_id"])
    elif "network_id" not in asked:
        refuse("$.network_id is required where no port_id is given")
    else:
        refuse_bad_address(asked.get("ip_address", "192.168.0.1"))
        port = new_port(bound, asked["network_id"], asked.get("ip_address")) | {"_goes": True}
    port = bound.beside(PORTS).put(port | {HELD_BY: server["id"]})
    state = "ACTIVE" if server["status"] == "RUNNING" else "DOWN"
    return {
        "port_id": port["id"],
        "mac_addr": port["mac"],
        "port_state": state,
        "virsubnet_id": port["subnet_id"],
    }


def refuse_bad_address(text: str) -> None:
    """ApiError unless the text is an IPv4 address."""
    try:
        IPv4Address(text)
    except AddressValueError as error:
        refuse(f"$.ip_address: {error}")


@behaviour("DetachDevServerPort")
def detach_dev_server_port(call):
    """Take a port out of a server that does not run; one that was made for it goes."""
    server = SERVERS.find(call)
    refuse_unless_hyper(server)
    port = find_held(call, PORTS, server["id"])
    refuse_unless_settled(server, "STOPPED")
    if port.get("_primary"):
        refuse(f"port {port['id']} is the first one of server {server['id']} and stays")
    release(SERVERS.of(call), PORTS, port)
    return {"port_id": port["id"]}


@behaviour("ListDevServerPublicIP")
def list_dev_server_public_ip(call):
    """The public addresses of a server."""
    return public_ips_of(call, SERVERS.find(call))


@behaviour("BindDevServerPublicIP")
def bind_dev_server_public_ip(call):
    """Give a running server a public address that no other has; all that it has then."""
    bound, server = SERVERS.of(call), SERVERS.find(call)
    refuse_unless_settled(server, "RUNNING")
    address = find_free(bound, PUBLIC_IPS, call.body["public_ip_id"])
    bound.beside(PUBLIC_IPS).put(address | {HELD_BY: server["id"]})
    return public_ips_of(call, server)


@behaviour("UnbindDevServerPublicIP")
def unbind_dev_server_public_ip(call):
    """Take a public address from a server; its id."""
    address = find_held(call, PUBLIC_IPS, SERVERS.find(call)["id"])
    release(SERVERS.of(call), PUBLIC_IPS, address)
    return address["id"]


def public_ips_of(call, server: dict) -> dict:
    """The public addresses of a server as answers have them."""
    found = parts_in(SERVERS.of(call), PUBLIC_IPS, server["id"])
    return {"public_ips": [{"id": each["id"], "address": each["address"]} for each in found]}
