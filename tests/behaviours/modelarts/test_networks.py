"""Networks: made, connected, patched, listed, and kept as long as something uses them."""

import pytest
from modelarts_emulator.frame.registry import RESOURCES
from modelarts_emulator.frame.resources import Resource

from tests.conftest import add_workspace, refusal

NETWORKS = "/v1/{project_id}/networks"
PEER = {"peerVpcId": "vpc-1", "peerSubnetId": "subnet-1"}
TURBO = {"name": "turbo-1", "sfsId": "sfs-1"}


def body_of(name: str = "net-a", cidr: str = "192.168.128.0/17", labels=None, **spec) -> dict:
    """What makes a network."""
    metadata = {"labels": {"os.modelarts/name": name, **(labels or {})}}
    return {"apiVersion": "v1", "kind": "Network", "metadata": metadata, "spec": {"cidr": cidr, **spec}}


def create(cloud, *args, **members) -> str:
    """The name of a new network."""
    reply = cloud.post(NETWORKS, body_of(*args, **members))
    assert reply.status == 200, reply
    return reply.json["metadata"]["name"]


def active(cloud, *args, **members) -> str:
    """The name of a new network that is Active."""
    name = create(cloud, *args, **members)
    cloud.clock.until(lambda: show(cloud, name)["status"]["phase"] == "Active")
    return name


def show(cloud, name: str) -> dict:
    """The network."""
    return cloud.get(f"{NETWORKS}/{name}").json


def patch(cloud, name: str, **members):
    """Send a merge patch."""
    return cloud.send("PATCH", f"{NETWORKS}/{name}", members)


def connections(cloud, name: str) -> dict:
    """How far the connections are."""
    return show(cloud, name)["status"]["connectionStatus"]


@pytest.fixture
def pools(cloud, monkeypatch):
    """A function that puts a pool with so many nodes into a network."""
    monkeypatch.setitem(RESOURCES, "test/pools/pool", None)
    kind = Resource(
        "test/pools/pool", not_found="ModelArts.50015001", refers={"network": "spec.network.name"}
    )

    def put(id: str, network: str, nodes: int) -> None:
        spec = {"network": {"name": network}, "resources": [{"flavor": "f", "count": nodes}]}
        with cloud.world.transaction():
            kind.at(cloud.world, cloud.project_id).put({"id": id, "spec": spec})

    return put


def test_a_new_network_is_a_document_with_a_generated_name(cloud):
    add_workspace(cloud, "w1")
    made = cloud.post(NETWORKS, body_of(labels={"os.modelarts/workspace.id": "w1"})).json
    name = made["metadata"]["name"]
    assert (made["kind"], made["apiVersion"], made["status"]["phase"]) == ("Network", "v1", "Creating")
    assert (name[:6], len(name)) == ("net-a-", 6 + 32)
    assert made["metadata"]["labels"] == {"os.modelarts/name": "net-a", "os.modelarts/workspace.id": "w1"}
    assert made["metadata"]["creationTimestamp"].endswith("Z") and made["metadata"]["annotations"] == {}
    assert show(cloud, name)["spec"] == {"cidr": "192.168.128.0/17"}


def test_the_longest_name_leads_to_one_that_can_be_shown(cloud):
    assert show(cloud, create(cloud, "a" * 32))["metadata"]["labels"]["os.modelarts/name"] == "a" * 32


def test_a_network_has_its_subnet_the_moment_it_is_active(cloud):
    name = create(cloud)
    assert "subnets" not in show(cloud, name)["status"]
    cloud.clock.advance("5m")
    status = show(cloud, name)["status"]
    assert (status["phase"], len(status["subnets"])) == ("Active", 1)
    assert len(status["subnets"][0]["networkId"]) == 36


@pytest.mark.parametrize("cidr", ["172.16.0.0/12", "172.31.255.0/24", "192.168.0.0/16", "192.168.7.0/24"])
def test_addresses_of_the_two_documented_ranges_are_taken(cloud, cidr):
    assert show(cloud, create(cloud, cidr=cidr))["spec"]["cidr"] == cidr


@pytest.mark.parametrize(
    "cidr",
    ["10.0.0.0/8", "172.16.0.0/11", "172.32.0.0/16", "192.168.0.0/25", "192.168.0.0/15", "192.168.1.1/24"]
    + ["192.168.0.0", "192.168.0.0/255.255.0.0", "192.168.0.256/24", "fd00::/64", "", "net"],
)
def test_other_addresses_and_addresses_of_hosts_are_refused(cloud, cidr):
    reply = cloud.post(NETWORKS, body_of(cidr=cidr))
    assert refusal(reply) == (400, "ModelArts.50004000")
    assert "$.spec.cidr: " in reply.json["error_msg"]


@pytest.mark.parametrize("missing", ["apiVersion", "kind", "metadata", "spec"])
def test_a_document_that_lacks_a_part_is_refused(cloud, missing):
    body = body_of()
    del body[missing]
    assert refusal(cloud.post(NETWORKS, body)) == (400, "ModelArts.50004000")


@pytest.mark.parametrize("name", ["abc", "Net-a", "net-", "1net", "a" * 33])
def test_a_name_that_is_not_as_documented_is_refused(cloud, name):
    assert refusal(cloud.post(NETWORKS, body_of(name))) == (400, "ModelArts.50004000")


def test_a_project_has_at_most_as_many_networks_as_its_quota_says(cloud):
    made = [create(cloud) for _ in range(15)]
    reply = cloud.post(NETWORKS, body_of())
    assert refusal(reply) == (400, "ModelArts.50004000") and "quota is 15" in reply.json["error_msg"]
    cloud.delete(f"{NETWORKS}/{made[0]}")
    create(cloud)


def test_networks_may_have_the_same_name_and_the_same_addresses(cloud):
    assert create(cloud) != create(cloud)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_network_is_not_found(cloud, method):
    reply = cloud.send(method, f"{NETWORKS}/net-a-{'0' * 32}", {} if method == "PATCH" else None)
    assert refusal(reply) == (404, "ModelArts.50025001")


def test_a_peer_connection_is_connecting_before_it_is_active(cloud):
    name = active(cloud)
    reply = patch(cloud, name, spec={"connection": {"peerConnectionList": [PEER]}})
    peer = {**PEER, "defaultGateWay": False}
    assert reply.json["status"]["connectionStatus"] == {
        "peerConnectionStatus": [{**peer, "phase": "Connecting"}]
    }
    cloud.clock.advance("5m")
    assert connections(cloud, name) == {"peerConnectionStatus": [{**peer, "phase": "Active"}]}


def test_a_file_system_is_connected_and_then_has_an_address_in_the_network(cloud):
    name = active(cloud, cidr="192.168.7.0/24")
    turbo = {**TURBO, "subnetId": show(cloud, name)["status"]["subnets"][0]["networkId"]}
    patch(cloud, name, spec={"connection": {"sfsTurboConnectionList": [turbo]}})
    (status,) = connections(cloud, name)["sfsTurboStatus"]
    assert (status["sfsId"], status["status"], "ipAddr" in status) == ("sfs-1", "Creating", False)
    cloud.clock.advance("5m")
    (status,) = connections(cloud, name)["sfsTurboStatus"]
    assert (status["status"], status["ipAddr"][:10]) == ("Active", "192.168.7.")
    assert show(cloud, name)["spec"]["connection"] == {"sfsTurboConnectionList": [turbo]}


def test_connections_asked_for_at_creation_are_there_once_the_network_is(cloud):
    name = create(cloud, connection={"peerConnectionList": [PEER]})
    assert connections(cloud, name)["peerConnectionStatus"][0]["phase"] == "Connecting"
    cloud.clock.advance("5m")
    assert connections(cloud, name)["peerConnectionStatus"][0]["phase"] == "Active"


def test_connections_stay_in_the_order_sent_and_those_that_stay_are_not_connected_anew(cloud):
    name = active(cloud)
    turbos = [{"name": f"turbo-{id}", "sfsId": id} for id in "cab"]
    patch(cloud, name, spec={"connection": {"sfsTurboConnectionList": turbos[:2]}})
    cloud.clock.advance("5m")
    patch(cloud, name, spec={"connection": {"sfsTurboConnectionList": turbos[::-1]}})
    found = [(each["sfsId"], each["status"]) for each in connections(cloud, name)["sfsTurboStatus"]]
    assert found == [("b", "Creating"), ("a", "Active"), ("c", "Active")]


def test_null_in_a_patch_takes_a_list_away_and_leaves_the_other(cloud):
    name = active(cloud, connection={"peerConnectionList": [PEER], "sfsTurboConnectionList": [TURBO]})
    reply = patch(cloud, name, spec={"connection": {"peerConnectionList": None}})
    assert reply.json["spec"]["connection"] == {"sfsTurboConnectionList": [TURBO]}
    assert connections(cloud, name).keys() == {"sfsTurboStatus"}
    assert patch(cloud, name, spec={"connection": None}).json["spec"] == {"cidr": "192.168.128.0/17"}


def test_a_patch_changes_description_and_labels_and_nothing_that_stays(cloud):
    name = active(cloud)
    add_workspace(cloud, "w1")
    metadata = {
        "annotations": {"os.modelarts/description": "ours"},
        "labels": {"os.modelarts/workspace.id": "w1"},
    }
    patched = patch(cloud, name, metadata=metadata, spec={"cidr": "172.16.0.0/16"}).json
    assert patched["metadata"]["annotations"] == metadata["annotations"]
    assert patched["metadata"]["labels"] == {"os.modelarts/name": "net-a", "os.modelarts/workspace.id": "w1"}
    assert patched["spec"]["cidr"] == "192.168.128.0/17"
    cleared = patch(cloud, name, metadata={"annotations": {"os.modelarts/description": None}}).json
    assert cleared["metadata"]["annotations"] == {}


def test_a_patch_may_call_itself_a_merge_patch(cloud):
    name = active(cloud)
    headers = {"Content-Type": "application/merge-patch+json"}
    assert cloud.send("PATCH", f"{NETWORKS}/{name}", {"spec": {}}, headers=headers).status == 200


@pytest.mark.parametrize("off", [False, None])
def test_ipv6_is_switched_on_and_never_off(cloud, off):
    name = active(cloud)
    assert patch(cloud, name, spec={"ipv6enable": True}).json["spec"]["ipv6enable"] is True
    assert refusal(patch(cloud, name, spec={"ipv6enable": off})) == (400, "ModelArts.50004000")
    assert show(cloud, name)["spec"]["ipv6enable"] is True


def test_a_deletion_answers_the_network_with_the_time_and_it_is_gone(cloud):
    name = active(cloud)
    reply = cloud.delete(f"{NETWORKS}/{name}")
    assert (reply.status, reply.json["metadata"]["name"]) == (200, name)
    assert reply.json["metadata"]["deletionTimestamp"].endswith("Z")
    assert refusal(cloud.get(f"{NETWORKS}/{name}")) == (404, "ModelArts.50025001")


def test_a_network_that_is_still_being_created_can_be_deleted(cloud):
    name = create(cloud)
    assert cloud.delete(f"{NETWORKS}/{name}").status == 200
    cloud.clock.advance("5m")
    assert cloud.get(NETWORKS).json["items"] == []


def test_a_network_that_a_pool_uses_cannot_be_deleted(cloud, pools):
    name, other = active(cloud), active(cloud)
    pools("pool-1", name, 2)
    reply = cloud.delete(f"{NETWORKS}/{name}")
    assert refusal(reply) == (400, "ModelArts.50004000")
    assert "pool pool-1 uses network" in reply.json["error_msg"]
    assert (cloud.get(f"{NETWORKS}/{name}").status, cloud.delete(f"{NETWORKS}/{other}").status) == (200, 200)


def availability(cloud, name: str, network_id: str | None = None):
    """What is said about the addresses of the network."""
    id = network_id or show(cloud, name)["status"]["subnets"][0]["networkId"]
    return cloud.get(f"{NETWORKS}/{name}/network-ip-availabilities?network_id={id}")


def test_nodes_and_file_systems_take_addresses(cloud, pools):
    name = active(cloud, cidr="192.168.7.0/24")
    assert availability(cloud, name).json["subnetIpAvailability"] == [
        {"cidr": "192.168.7.0/24", "ipVersion": 4, "totalIps": 251, "usedIps": 0}
    ]
    pools("pool-1", name, 2)
    patch(cloud, name, spec={"connection": {"sfsTurboConnectionList": [TURBO]}})
    answer = availability(cloud, name).json
    assert (answer["name"], answer["subnetIpAvailability"][0]["usedIps"]) == (name, 3)


def test_addresses_of_a_subnet_of_another_network_are_not_found(cloud):
    name, other = active(cloud), active(cloud)
    id = show(cloud, other)["status"]["subnets"][0]["networkId"]
    assert refusal(availability(cloud, name, id)) == (404, "ModelArts.50025001")


def names(cloud, query: str = "") -> list[str]:
    """The names that were given to the networks that are listed."""
    items = cloud.get(f"{NETWORKS}{query}").json["items"]
    return [each["metadata"]["labels"]["os.modelarts/name"] for each in items]


def test_the_list_goes_on_with_the_token_of_the_page_before(cloud):
    for name in ("net-a", "net-b", "net-c"):
        create(cloud, name)
    page = cloud.get(f"{NETWORKS}?limit=2").json
    assert (page["kind"], page["apiVersion"], len(page["items"])) == ("NetworkList", "v1", 2)
    assert page["metadata"]["remainingItemCount"] == 1
    cloud.delete(f"{NETWORKS}/{page['items'][1]['metadata']['name']}")
    assert names(cloud, f"?limit=2&continue={page['metadata']['continue']}") == ["net-c"]
    assert cloud.get(NETWORKS).json["metadata"] == {}


def test_the_list_is_that_of_one_workspace_and_of_the_labels_asked_for(cloud):
    add_workspace(cloud, "w1")
    create(cloud, "net-a")
    create(cloud, "net-b")
    create(cloud, "net-c", labels={"os.modelarts/workspace.id": "w1"})
    assert names(cloud) == ["net-a", "net-b"]
    assert names(cloud, "?workspaceId=w1") == ["net-c"]
    assert names(cloud, "?labelSelector=os.modelarts/name%20in%20(net-b,net-c)") == ["net-b"]
    assert refusal(cloud.get(f"{NETWORKS}?labelSelector=a%20b")) == (400, "ModelArts.50004000")


def test_a_network_goes_with_its_workspace(cloud):
    id = cloud.post("/v1/{project_id}/workspaces", {"name": "team-a"}).json["id"]
    name = create(cloud, labels={"os.modelarts/workspace.id": id})
    cloud.delete(f"/v1/{{project_id}}/workspaces/{id}")
    cloud.clock.advance("1h")
    assert refusal(cloud.get(f"{NETWORKS}/{name}")) == (404, "ModelArts.50025001")
