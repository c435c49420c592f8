"""Networks that resource pools lie in: Kubernetes-shaped, connected to the caller's own networks and file systems."""

from ipaddress import IPv4Network

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.documents import Document, new_name
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.references import users_of
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.worlds.store import value_at

CREATING_SECONDS, CONNECTING_SECONDS = 60, 30
RANGES = (IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
LONGEST_PREFIX = 24
# Of every subnet the cloud keeps its own address, the gateway's, two of its services' and the broadcast address.
KEPT_ADDRESSES = 5
# A generated name has at most 63 characters, 33 of which are not the caller's.
LONGEST_NAME = 30


def network_name(call) -> str:
    """The generated name of a new network."""
    return new_name(
        call.world, call.body["metadata"]["labels"]["os.modelarts/name"][:LONGEST_NAME].rstrip("-")
    )


NETWORKS = Resource(
    "modelarts/networks/network",
    path_names=("network_name",),
    id_field="metadata.name",
    not_found="ModelArts.50025001",
    document=Document("Network", network_name),
    lifecycle=Lifecycle(
        "Creating",
        field="status.phase",
        Creating=soon("Active", after=CREATING_SECONDS, delete=GONE),
        Active=rests(delete=GONE),
        Abnormal=rests(delete=GONE),
    ),
).serves(
    create="CreateNetwork",
    show="ShowNetwork",
    list="ListNetworks",
    patch="PatchNetwork",
    delete="DeleteNetwork",
)


@NETWORKS.creating
def complete_network(call, network):
    """Refuse addresses that cannot be and one network too many; give it a subnet."""
    refuse_bad_cidr(network["spec"]["cidr"])
    most, there = fixture("modelarts/quotas-config/quotas")["network"], len(NETWORKS.table(call))
    if there >= most:
        refuse(f"the project has {there} networks, its quota is {most}")
    network["_subnet_id"] = call.world.new_uuid()
    note_connections(call, network)


@NETWORKS.updating
def change_network(call, network, before):
    """Connect and disconnect; what stays connected is not connected anew."""
    if before["spec"].get("ipv6enable") and not network["spec"].get("ipv6enable"):
        refuse("$.spec.ipv6enable: IPv6 is on and cannot be switched off")
    note_connections(call, network)


@NETWORKS.deleting
def refuse_deleting_in_use(call, network):
    """A network stays as long as something uses it."""
    for where, id in users_of(NETWORKS.of(call), network["metadata"]["name"]):
        refuse(f"{where.resource.kind} {id} uses network {network['metadata']['name']}; delete that first")


@NETWORKS.showing
def shown_network(bound, network):
    """The network with its subnet, once that is there, and how far each connection is."""
    status = {**network["status"], "connectionStatus": connection_status(bound, network)}
    if status["phase"] == "Active":
        status["subnets"] = [{"networkId": network["_subnet_id"], "cidr": network["spec"]["cidr"]}]
    return {**network, "status": status}


def connection_status(bound, network: dict) -> dict:
    """The state of each connection that is wanted, in the order sent; nothing for a kind of which there is none."""
    now, is_active = bound.world.clock.now(), network["status"]["phase"] == "Active"
    ready = {key for key, moment in network["_ready"].items() if is_active and moment <= now}
    peers = [
        {**each, "phase": "Active" if key_of(each) in ready else "Connecting"}
        for each in connections_of(network, "peerConnectionList")
    ]
    turbos = [
        turbo_status(bound, network, each, each["sfsId"] in ready)
        for each in connections_of(network, "sfsTurboConnectionList")
    ]
    found = {"peerConnectionStatus": peers, "sfsTurboStatus": turbos}
    return {name: rows for name, rows in found.items() if rows}


def turbo_status(bound, network: dict, turbo: dict, is_ready: bool) -> dict:
    """The state of the connection to a file system, with its address once it is connected."""
    status = {"sfsId": turbo["sfsId"], "name": turbo["name"], "connectionType": "VpcPort"}
    if not is_ready:
        return {**status, "status": "Creating"}
    cidr = IPv4Network(network["spec"]["cidr"])
    chance = bound.world.seeded("sfs-turbo", network["metadata"]["name"], turbo["sfsId"])
    return {**status, "status": "Active", "ipAddr": f"{cidr[chance.randrange(2, cidr.num_addresses - 3)]}:/"}


def connections_of(network: dict, name: str) -> list[dict]:
    """The connections of one kind that are wanted."""
    return value_at(network, f"spec.connection.{name}") or []


def key_of(connection: dict) -> str:
    """What makes a connection the same one."""
    return connection.get("sfsId") or f"{connection['peerVpcId']}/{connection['peerSubnetId']}"


def note_connections(call, network: dict) -> None:
    """Note from when on each wanted connection works."""
    known, ready = network.get("_ready", {}), call.world.clock.now() + CONNECTING_SECONDS / call.world.pace
    wanted = connections_of(network, "peerConnectionList") + connections_of(network, "sfsTurboConnectionList")
    network["_ready"] = {key: known.get(key, ready) for key in map(key_of, wanted)}


def refuse_bad_cidr(text: str) -> None:
    """ApiError unless the text is a private network of the two documented ranges, written as a network."""
    try:
        cidr = IPv4Network(text)
    except ValueError as error:
        refuse(f"$.spec.cidr: {error}")
    if str(cidr) != text or cidr.prefixlen > LONGEST_PREFIX or not any(map(cidr.subnet_of, RANGES)):
        refuse(f"$.spec.cidr: {text} is none of 172.16.0.0/12 to /24 and 192.168.0.0/16 to /24")


def refuse(words: str) -> None:
    """ApiError for what cannot be done."""
    raise ApiError("ModelArts.50004000", words)


@behaviour("ShowNetworkAvailableIp")
def show_network_available_ip(call):
    """How many addresses the subnet has and how many are taken: one by each node and each file system in it."""
    network, id = NETWORKS.find(call), call.query["network_id"]
    if id != network["_subnet_id"]:
        raise ApiError(NETWORKS.not_found, f"network {network['metadata']['name']} has no subnet {id}")
    users = [where.find(each) for where, each in users_of(NETWORKS.of(call), network["metadata"]["name"])]
    used = sum(map(nodes_of, users)) + len(connections_of(network, "sfsTurboConnectionList"))
    cidr = IPv4Network(network["spec"]["cidr"])
    subnet = {
        "cidr": str(cidr),
        "ipVersion": 4,
        "totalIps": cidr.num_addresses - KEPT_ADDRESSES,
        "usedIps": used,
    }
    return {"name": network["metadata"]["name"], "networkId": id, "subnetIpAvailability": [subnet]}


def nodes_of(user: dict) -> int:
    """How many nodes a record has that uses a network; one when it does not say, none of its own for a logical pool."""
    if value_at(user, "spec.type") == "Logical":
        return 0
    return sum(each["count"] for each in value_at(user, "spec.resources") or [{"count": 1}])
