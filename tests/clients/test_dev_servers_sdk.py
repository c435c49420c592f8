"""Lite Servers and hyperinstances through the official Python SDK, over a socket."""

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1 import model

from tests.behaviours.modelarts.dev_servers.conftest import (
    DISK,
    HPS_IMAGE,
    NETWORK,
    NOBODY,
    OTHER_HPS_IMAGE,
    OTHER_VM_IMAGE,
    PUBLIC_IP,
    SUBNET,
    VM_IMAGE,
)

KEY = "KeyPair-3d6a"


def create(client, flavor="s7.large.2", image=VM_IMAGE, **members):
    """A new server in the SDK's classes."""
    body = model.ServerCreateRequest(
        name="sdk-server",
        flavor=flavor,
        image_id=image,
        key_pair_name=KEY,
        network=model.ServerNetwork(**NETWORK),
        **members,
    )
    return client.create_dev_server(model.CreateDevServerRequest(body=body))


def show(client, id: str):
    """The server in the SDK's classes."""
    return client.show_dev_server(model.ShowDevServerRequest(id=id))


def wait(cloud, client, id: str, state: str) -> None:
    """Wait for a state of the server."""
    cloud.clock.until(lambda: show(client, id).status == state, within="1h")


def running(cloud, client) -> str:
    """The id of a new server that runs."""
    id = create(client).id
    wait(cloud, client, id, "RUNNING")
    return id


def hyperinstance(cloud, client) -> str:
    """The id of a new hyperinstance that is ACTIVE."""
    body = model.HyperClusterCreateRequest(name="plane")
    plane = client.create_hyper_cluster(model.CreateHyperClusterRequest(body=body)).id
    id = create(client, "hps.snt9c.x2", HPS_IMAGE, hps_cluster_id=plane).server_hps.id
    cloud.clock.until(lambda: whole(client, id).status == "ACTIVE", within="1h")
    return id


def whole(client, id: str):
    """The hyperinstance in the SDK's classes."""
    return client.get_hyperinstance(model.GetHyperinstanceRequest(id=id))


def test_a_server_is_made_with_its_disks_renamed_and_listed(cloud, client):
    server = create(
        client,
        root_volume=model.EvsVolume(size=200, type="SSD"),
        data_volume=model.ServerDataVolume(size=500, type="ESSD", count=2),
        charging_info=model.ChargingInfo(charging_mode="PRE_PAID", period_num=1, period_type="MONTH"),
    )
    wait(cloud, client, server.id, "RUNNING")
    renamed = client.update_dev_server(
        model.UpdateDevServerRequest(id=server.id, body=model.UpdateServerRequest(name="renamed"))
    )
    assert (renamed.name, renamed.key_pair_name, renamed.charging_mode) == ("renamed", KEY, "PRE_PAID")
    assert [(each.type, each.size) for each in renamed.volumes] == [
        ("ROOT", 200),
        ("DATA", 500),
        ("DATA", 500),
    ]
    mine = client.list_dev_servers(model.ListDevServersRequest(sort_key="updateTime", sort_dir="DESC"))
    every = client.list_all_dev_servers(model.ListAllDevServersRequest())
    assert [[each.order_id for each in page.data] for page in (mine, every)] == [[server.order_id]] * 2


def test_a_server_is_stopped_given_another_system_and_started(cloud, client):
    id = running(cloud, client)
    client.reboot_dev_server(model.RebootDevServerRequest(id=id))
    wait(cloud, client, id, "RUNNING")
    client.stop_dev_server(model.StopDevServerRequest(id=id))
    wait(cloud, client, id, "STOPPED")
    body = model.ServerOsRequest(image_id=OTHER_VM_IMAGE, key_pair_name="other")
    client.change_dev_server_os(model.ChangeDevServerOSRequest(id=id, body=body))
    wait(cloud, client, id, "RUNNING")
    assert (show(client, id).image.image_id, show(client, id).key_pair_name) == (OTHER_VM_IMAGE, "other")
    client.stop_dev_server(model.StopDevServerRequest(id=id))
    wait(cloud, client, id, "STOPPED")
    body = model.ServerOsRequest(admin_pass="Secret-123")
    client.reinstall_dev_server_os(model.ReinstallDevServerOSRequest(id=id, body=body))
    wait(cloud, client, id, "RUNNING")
    client.stop_dev_server(model.StopDevServerRequest(id=id))
    wait(cloud, client, id, "STOPPED")
    client.start_dev_server(model.StartDevServerRequest(id=id, body=model.ServerStartRequest(arch="X86")))
    wait(cloud, client, id, "RUNNING")
    synced = client.sync_dev_servers(model.SyncDevServersRequest(limit=1))
    assert [(each.id, each.status) for each in synced.data] == [(id, "RUNNING")]


def test_servers_are_deleted_in_a_batch_and_one_by_one(cloud, client):
    ids = [running(cloud, client) for _ in range(3)]
    body = model.DevServerBatchRequest(
        type="DELETE", servers=[model.BatchActionDevServerIds(id=id) for id in ids[:2]]
    )
    done = client.batch_dev_servers_action(model.BatchDevServersActionRequest(body=body))
    assert [each.status for each in done.data] == ["DELETING"] * 2
    client.delete_dev_server(model.DeleteDevServerRequest(id=ids[2]))
    cloud.clock.advance("1h")
    with pytest.raises(ClientRequestException) as refused:
        show(client, ids[2])
    assert (refused.value.status_code, refused.value.error_code) == (400, "ModelArts.6404")


def test_a_wrong_state_is_refused_in_words(cloud, client):
    id = running(cloud, client)
    with pytest.raises(ClientRequestException) as refused:
        client.start_dev_server(model.StartDevServerRequest(id=id, body=model.ServerStartRequest()))
    assert refused.value.error_code == "ModelArts.6357"
    assert "is RUNNING; start needs STOPPED" in refused.value.error_msg


def test_catalogues_name_what_servers_are_made_of(client):
    flavors = client.list_dev_server_flavors(model.ListDevServerFlavorsRequest(server_type="HPS")).data
    assert {each.flavor_type for each in flavors} == {"ASCEND_SNT9C"}
    images = client.list_dev_server_images(model.ListDevServerImagesRequest(server_type="HPS")).data
    active = [each.image_id for each in images if each.status == "ACTIVE"]
    assert active == [HPS_IMAGE, OTHER_HPS_IMAGE]
    assert client.get_dev_server_image(model.GetDevServerImageRequest(id=HPS_IMAGE)).name == images[0].name


def test_a_disk_and_a_port_are_put_in_and_taken_out(cloud, client):
    whole_id = hyperinstance(cloud, client)
    id = whole(client, whole_id).servers[0].id
    body = model.AttachServerVolumeRequest(volume_id=DISK.format(1))
    asked = client.attach_dev_server_volume(model.AttachDevServerVolumeRequest(id=id, body=body))
    poll = model.GetDevServerOperationRequest(id=id, operation_id=asked.operation_id)
    cloud.clock.until(
        lambda: client.get_dev_server_operation(poll).operation_status == "success", within="5m"
    )
    poll = model.GetHyperinstanceOperationRequest(id=whole_id, operation_id=asked.operation_id)
    assert client.get_hyperinstance_operation(poll).operation_type == "node_attach_volume"
    client.detach_dev_server_volume(model.DetachDevServerVolumeRequest(id=id, volume_id=DISK.format(1)))
    cloud.clock.advance("5m")
    assert [each.type for each in show(client, id).volumes] == ["ROOT"]
    body = model.AttachDevServerPortsRequestBody(network_id=SUBNET, ip_address="192.168.9.9")
    port = client.attach_dev_server_port(model.AttachDevServerPortRequest(id=id, body=body))
    assert [each.uri for each in show(client, id).endpoints][-1] == "192.168.9.9"
    client.stop_dev_server(model.StopDevServerRequest(id=id))
    wait(cloud, client, id, "STOPPED")
    client.detach_dev_server_port(model.DetachDevServerPortRequest(id=id, port_id=port.port_id))
    assert len(show(client, id).endpoints) == 1


def test_a_public_address_is_bound_and_unbound(cloud, client):
    id = running(cloud, client)
    body = model.ServerBindPublicIPRequest(public_ip_id=PUBLIC_IP.format(1))
    bound = client.bind_dev_server_public_ip(model.BindDevServerPublicIPRequest(id=id, body=body)).public_ips
    listed = client.list_dev_server_public_ip(model.ListDevServerPublicIPRequest(id=id)).public_ips
    assert bound == listed and listed[0].address == "198.51.100.11"
    client.unbind_dev_server_public_ip(
        model.UnbindDevServerPublicIPRequest(id=id, publicip_id=PUBLIC_IP.format(1))
    )
    assert client.list_dev_server_public_ip(model.ListDevServerPublicIPRequest(id=id)).public_ips == []


def test_a_hyperinstance_is_stopped_given_another_system_and_scaled(cloud, client):
    id = hyperinstance(cloud, client)
    client.stop_hyperinstance(model.StopHyperinstanceRequest(id=id))
    cloud.clock.advance("1h")
    body = model.ServerOsRequest(image_id=OTHER_HPS_IMAGE, key_pair_name=KEY)
    asked = client.change_hyperinstance_os(model.ChangeHyperinstanceOSRequest(id=id, body=body))
    assert asked.status == "REIMAGING"
    cloud.clock.advance("1h")
    evaluated = client.get_scale_evaluations_dev_server(model.GetScaleEvaluationsDevServerRequest(id=id))
    assert "hps.snt9c.x4" in [each.flavor for each in evaluated.evaluations if not each.is_sold_out]
    body = model.ServerHyperScaleUpRequest(flavor="hps.snt9c.x4", image_id=HPS_IMAGE, key_pair_name=KEY)
    client.scale_up_hyperinstance(model.ScaleUpHyperinstanceRequest(id=id, body=body))
    cloud.clock.advance("1h")
    servers = client.list_hyperinstance_servers(model.ListHyperinstanceServersRequest(id=id)).data
    assert [each.status for each in servers] == ["RUNNING"] * 4
    body = model.ServerScaleDownRequest(flavor="hps.snt9c.x1", server_ids=[each.id for each in servers[1:]])
    client.scale_down_hyperinstance(model.ScaleDownHyperinstanceRequest(id=id, body=body))
    cloud.clock.advance("1h")
    assert [each.id for each in whole(client, id).servers] == [servers[0].id]
    client.stop_hyperinstance(model.StopHyperinstanceRequest(id=id))
    cloud.clock.advance("1h")
    assert client.start_hyperinstance(model.StartHyperinstanceRequest(id=id)).servers[0].status == "STARTING"


def test_hyperinstances_are_listed_tagged_and_deleted(cloud, client):
    id = hyperinstance(cloud, client)
    mine = client.list_hyperinstances(model.ListHyperinstancesRequest()).data
    every = client.list_all_hyperinstances(model.ListAllHyperinstancesRequest()).data
    assert [[each.id for each in rows] for rows in (mine, every)] == [[id], [id]]
    body = model.TagRequest(tags=[model.TmsTag(key="team", value="vision")])
    client.create_hyperinstance_tags(model.CreateHyperinstanceTagsRequest(id=id, body=body))
    tags = client.query_hyperinstance_tags(model.QueryHyperinstanceTagsRequest(id=id)).tags
    assert [(each.key, each.value) for each in tags] == [("team", "vision")]
    left = client.delete_hyperinstance_tags(model.DeleteHyperinstanceTagsRequest(id=id, body=body))
    assert left.tags == []
    assert client.delete_hyperinstance(model.DeleteHyperinstanceRequest(id=id)).status == "TERMINATING"


def test_the_network_of_a_hyperinstance_has_groups_and_room(cloud, client):
    id = hyperinstance(cloud, client)
    plane = whole(client, id).hps_cluster_id
    shown = client.get_hyper_cluster(model.GetHyperClusterRequest(id=plane))
    assert (
        client.list_hyper_cluster(model.ListHyperClusterRequest()).hyper_clusters[0].id == shown.id == plane
    )
    body = model.HyperinstanceGroupCreateRequest(name="group", hyperinstance_cluster_id=plane)
    group = client.create_hyperinstance_group(model.CreateHyperinstanceGroupRequest(body=body)).id
    assert client.get_hyperinstance_group(model.GetHyperinstanceGroupRequest(id=group)).npu_count == "0"
    assert client.list_hyperinstance_group(model.ListHyperinstanceGroupRequest()).total == 1
    body = model.HyperinstanceClustersCapacityRequest(
        hyperinstance_cluster_ids=[plane], flavor="hps.snt9c.x48"
    )
    request = model.ListHyperinstanceClustersCapacityRequest(body=body)
    rows = client.list_hyperinstance_clusters_capacity(request).capacities
    assert [each.is_sold_out for each in rows] == [True, True]
    body = model.HyperinstanceGroupsCapacityRequest(
        hyperinstance_group_ids=[group], availability_zone="cn-north-4a", resource_flavor="hps.snt9c.x1"
    )
    request = model.ListHyperinstanceGroupsCapacityRequest(body=body)
    assert not client.list_hyperinstance_groups_capacity(request).capacities[0].is_sold_out
    client.delete_hyperinstance_group(model.DeleteHyperinstanceGroupRequest(id=group))
    client.delete_hyperinstance(model.DeleteHyperinstanceRequest(id=id))
    cloud.clock.advance("1h")
    client.delete_hyper_cluster(model.DeleteHyperClusterRequest(id=plane))
    assert client.list_hyper_cluster(model.ListHyperClusterRequest()).hyper_clusters == []


def test_switches_and_roce_networks_are_told(cloud, client):
    server = whole(client, hyperinstance(cloud, client)).servers[0]
    (row,) = client.get_topologies(model.GetTopologiesRequest(id=server.id)).servers
    assert (row.resource_id, len(row.network_nodes)) == (server.cloud_server.id, 2)
    body = model.ServerRoceNetworkRequest(network_type="roce_v2", physical_network="net-1")
    network = client.create_roce_network(model.CreateRoceNetworkRequest(body=body)).network
    assert (network.providernetwork_type, network.providerphysical_network) == ("roce_v2", "net-1")


def test_jobs_are_made_from_templates_and_deploy_services(cloud, client):
    server = running(cloud, client)
    rows = client.list_dev_server_job_templates(model.ListDevServerJobTemplatesRequest(type="SERVICE_DEPLOY"))
    template = client.get_dev_server_job_template(model.GetDevServerJobTemplateRequest(id=rows.data[0].id))
    assert [each.name for each in template.params][:2] == ["service_name", "model_name"]
    spec = {"service_name": "chat", "model_name": "pangu", "model_url": "obs://models/pangu/"}
    body = model.DevServerJobCreateRequest(
        name="deploy",
        server_ids=[server],
        type="SERVICE_DEPLOY",
        items=[model.DevServerJobItem(type="SERVICE_DEPLOY", spec=spec)],
    )
    id = client.create_dev_server_job(model.CreateDevServerJobRequest(body=body)).id
    cloud.clock.advance("1h")
    job = client.get_dev_server_job(model.GetDevServerJobRequest(id=id))
    assert [each.status for each in job.tasks] == ["SUCCESS"]
    service = client.get_dev_server_job_service(model.GetDevServerJobServiceRequest(id=id))
    assert (service.status, service.model.name) == ("RUNNING", "pangu")
    listed = client.list_dev_server_jobs(model.ListDevServerJobsRequest(status="FINISHED")).data
    assert [each.id for each in listed] == [id]
    body = model.ServerJobDeleteRequest(job_ids=[id])
    assert client.delete_dev_server_jobs(model.DeleteDevServerJobsRequest(body=body)).total == 1


def test_what_does_not_exist_is_refused_with_its_code(client):
    for call in (
        lambda: client.get_hyperinstance(model.GetHyperinstanceRequest(id=NOBODY)),
        lambda: client.get_hyper_cluster(model.GetHyperClusterRequest(id=NOBODY)),
        lambda: client.get_dev_server_job(model.GetDevServerJobRequest(id=NOBODY)),
        lambda: client.get_dev_server_image(model.GetDevServerImageRequest(id=NOBODY)),
    ):
        with pytest.raises(ClientRequestException) as refused:
            call()
        assert (refused.value.status_code, refused.value.error_code) == (400, "ModelArts.6404")
