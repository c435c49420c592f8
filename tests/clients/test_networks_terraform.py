"""The calls of Terraform's resource for networks: what they wait for, and what stays as configured."""

from tests.conftest import add_workspace

NETWORKS = "/v1/{project_id}/networks"
MERGE = {"Content-Type": "application/merge-patch+json"}
CIDR = "192.168.20.0/24"


def create(cloud, workspace_id: str = "") -> str:
    """A network as the provider creates it: the id, once it is Active."""
    labels = {"os.modelarts/name": "demo-net", "os.modelarts/workspace.id": workspace_id}
    metadata = {"labels": {name: value for name, value in labels.items() if value}}
    body = {"apiVersion": "v1", "kind": "Network", "metadata": metadata, "spec": {"cidr": CIDR}}
    id = cloud.post(NETWORKS, body).json["metadata"]["name"]
    cloud.clock.until(lambda: get(cloud, id)["status"]["phase"] == "Active", within="20m")
    assert get(cloud, id)["status"]["subnets"][0]["networkId"]
    return id


def get(cloud, id: str) -> dict:
    """The network."""
    reply = cloud.get(f"{NETWORKS}/{id}")
    assert reply.status == 200, reply
    return reply.json


def connect(cloud, id: str, peers=(), turbos=()) -> None:
    """Send both lists as the provider does, an empty one as null, and wait until they are as wanted."""
    subnet_id = get(cloud, id)["status"]["subnets"][0]["networkId"]
    connection = {
        "peerConnectionList": [{"peerVpcId": vpc, "peerSubnetId": subnet} for vpc, subnet in peers] or None,
        "sfsTurboConnectionList": [{"sfsId": each, "name": each, "subnetId": subnet_id} for each in turbos]
        or None,
    }
    reply = cloud.send("PATCH", f"{NETWORKS}/{id}", {"spec": {"connection": connection}}, headers=MERGE)
    assert reply.status == 200 and reply.json, reply
    cloud.clock.until(lambda: is_connected(get(cloud, id), turbos), within="20m")


def is_connected(network: dict, turbos) -> bool:
    """Whether the file systems are those wanted, none too many, and each is Active."""
    found = network["status"]["connectionStatus"].get("sfsTurboStatus", [])
    return {each["sfsId"] for each in found} == set(turbos) and all(
        each["status"] == "Active" for each in found
    )


def state_of(network: dict) -> tuple:
    """What the provider keeps of the two lists; of a file system also its address."""
    connection = network["spec"].get("connection") or {}
    addresses = {
        each["sfsId"]: each["ipAddr"]
        for each in network["status"]["connectionStatus"].get("sfsTurboStatus") or []
    }
    peers = [(each["peerVpcId"], each["peerSubnetId"]) for each in connection.get("peerConnectionList") or []]
    turbos = connection.get("sfsTurboConnectionList") or []
    return peers, [(each["sfsId"], each["name"], bool(addresses[each["sfsId"]])) for each in turbos]


def test_a_second_plan_is_empty(cloud):
    network = get(cloud, create(cloud))
    assert (network["metadata"]["labels"]["os.modelarts/name"], network["spec"]["cidr"]) == ("demo-net", CIDR)
    assert network["metadata"]["labels"]["os.modelarts/workspace.id"] == "0"
    assert state_of(network) == ([], [])


def test_a_workspace_that_is_configured_stays(cloud):
    add_workspace(cloud, "w1")
    labels = get(cloud, create(cloud, "w1"))["metadata"]["labels"]
    assert labels["os.modelarts/workspace.id"] == "w1"


def test_both_lists_stay_in_their_order(cloud):
    id, peers = create(cloud), [("vpc-2", "s-2"), ("vpc-1", "s-1")]
    connect(cloud, id, peers, ["c", "a", "b"])
    assert state_of(get(cloud, id)) == (peers, [(each, each, True) for each in "cab"])


def test_a_list_that_is_not_configured_any_more_is_gone(cloud):
    id = create(cloud)
    connect(cloud, id, [("vpc-1", "s-1")], ["a"])
    connect(cloud, id, [("vpc-1", "s-1")])
    assert state_of(get(cloud, id)) == ([("vpc-1", "s-1")], [])
    connect(cloud, id)
    assert state_of(get(cloud, id)) == ([], [])


def test_a_deleted_network_is_not_found(cloud):
    id = create(cloud)
    assert cloud.delete(f"{NETWORKS}/{id}").status == 200
    cloud.clock.advance("20m")
    assert cloud.get(f"{NETWORKS}/{id}").status == 404


def test_the_list_is_read_until_there_is_no_token(cloud):
    made, read, query = {create(cloud) for _ in range(3)}, [], ""
    while True:
        page = cloud.get(f"{NETWORKS}?limit=2{query}").json
        read += [each["metadata"]["name"] for each in page["items"]]
        if not page["metadata"].get("continue"):
            break
        query = f"&continue={page['metadata']['continue']}"
    assert (set(read), len(read)) == (made, 3)
