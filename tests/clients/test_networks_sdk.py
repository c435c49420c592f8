"""Networks through the official Python SDK, over a socket."""

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1 import model


def create(client, name: str = "sdk-net") -> str:
    """The name of a new network."""
    metadata = model.NetworkMetadataCreation(model.NetworkMetadataLabels(os_modelarts_name=name))
    spec = model.NetworkSpec(cidr="192.168.128.0/17")
    body = model.NetworkCreationRequest(api_version="v1", kind="Network", metadata=metadata, spec=spec)
    return client.create_network(model.CreateNetworkRequest(body=body)).metadata.name


def show(client, name: str):
    """The network in the SDK's classes."""
    return client.show_network(model.ShowNetworkRequest(network_name=name))


def test_a_network_becomes_active_and_is_listed(cloud, client):
    name = create(client)
    assert show(client, name).status.phase == "Creating"
    cloud.clock.until(lambda: show(client, name).status.phase == "Active")
    found = client.list_networks(model.ListNetworksRequest(limit=10))
    assert [(each.metadata.name, each.metadata.labels.os_modelarts_name) for each in found.items] == [
        (name, "sdk-net")
    ]


def test_a_network_is_connected_and_described(cloud, client):
    name = create(client)
    connection = model.NetworkConnection(
        [model.PeerConnectionItem("vpc-1", "subnet-1", default_gate_way=True)]
    )
    body = model.NetworkUpdateRequest(
        metadata=model.NetworkMetadataUpdate(model.NetworkMetadataAnnotations("through the SDK")),
        spec=model.NetworkSpecUpdate(connection=connection),
    )
    patched = client.patch_network(model.PatchNetworkRequest(network_name=name, body=body))
    assert patched.metadata.annotations.os_modelarts_description == "through the SDK"
    cloud.clock.advance("5m")
    (peer,) = show(client, name).status.connection_status.peer_connection_status
    assert (peer.peer_vpc_id, peer.default_gate_way, peer.phase) == ("vpc-1", True, "Active")


def test_addresses_are_counted(cloud, client):
    name = create(client)
    cloud.clock.advance("5m")
    # The SDK's class does not know the subnets of a network.
    subnet = cloud.get(f"/v1/{{project_id}}/networks/{name}").json["status"]["subnets"][0]
    request = model.ShowNetworkAvailableIpRequest(network_name=name, network_id=subnet["networkId"])
    (available,) = client.show_network_available_ip(request).subnet_ip_availability
    assert (available.ip_version, available.used_ips, available.total_ips) == (4, 0, 2**15 - 5)


def test_a_deleted_network_is_not_found(client):
    name = create(client)
    assert client.delete_network(model.DeleteNetworkRequest(network_name=name)).metadata.name == name
    with pytest.raises(ClientRequestException) as refused:
        show(client, name)
    assert (refused.value.status_code, refused.value.error_code) == (404, "ModelArts.50025001")
