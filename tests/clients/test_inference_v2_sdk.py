"""The newer inference API through the official Python SDK's own classes, over a socket."""

import json

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1 import model


def unit(command: str = "run") -> model.UnitConfig:
    """The unit of a deployment."""
    image = model.ImageInfo(source="SWR", swr_path="swr.example.com/group/image:1")
    return model.UnitConfig(image=image, cmd=command, flavor="modelarts.vm.cpu.2u")


def group(name: str = "first", count: int = 2) -> model.GroupConfig:
    """The configuration of a deployment."""
    return model.GroupConfig(name=name, count=count, weight=100, unit_configs=[unit()])


def service(name: str = "service", auth_type: str = "API_KEY") -> model.ServiceCreateRequest:
    """What creates a service."""
    invoke = model.ServiceInvokeCreateRequest(port=8080, protocol="HTTPS", auth_type=auth_type)
    limit = model.ServiceLimit(
        rate_limit=model.RateLimit(num=200, unit="SECONDS"), request_size_limit=20, request_timeout=30
    )
    return model.ServiceCreateRequest(
        name=name,
        type="REAL_TIME",
        custom_metrics_path="/metrics",
        group_configs=[group()],
        runtime_config=model.RuntimeConfigCreateRequest(service_invoke=invoke, service_limit=limit),
    )


def create(client, **more) -> str:
    """The id of a new service."""
    return client.create_infer_service(model.CreateInferServiceRequest(body=service(**more))).id


def show(client, id: str):
    """The service in the SDK's classes."""
    return client.show_infer_service(model.ShowInferServiceRequest(service_id=id))


def deployment_id(client, id: str) -> str:
    """The id of the service's first deployment."""
    return client.list_infer_deployments(model.ListInferDeploymentsRequest(service_id=id)).data[0].id


def test_a_service_lives_from_creation_to_deletion(cloud, client):
    id = create(client)
    cloud.clock.until(lambda: show(client, id).status == "RUNNING")
    assert show(client, id).version.instance_groups[0].running_count == 2
    assert client.stop_infer_service(model.StopInferServiceRequest(service_id=id)).status == "STOPPING"
    cloud.clock.until(lambda: show(client, id).status == "STOPPED")
    assert client.start_infer_service(model.StartInferServiceRequest(service_id=id)).status == "DEPLOYING"
    cloud.clock.until(lambda: show(client, id).status == "RUNNING")
    listed = client.list_infer_services(model.ListInferServicesRequest(name="serv"))
    assert [row.id for row in listed.data] == [id]
    body = model.DeleteServicesRequest(service_ids=[id])
    client.batch_delete_infer_services(model.BatchDeleteInferServicesRequest(body=body))
    cloud.clock.advance("1m")
    with pytest.raises(ClientRequestException) as refusal:
        show(client, id)
    assert (refusal.value.status_code, refusal.value.error_code) == (404, "ModelArts.3502")


def test_a_deployment_is_upgraded_switched_back_and_scaled(cloud, client):
    id = create(client)
    cloud.clock.advance("1m")
    named = {"service_id": id, "deployment_id": deployment_id(client, id)}
    advanced = model.AdvancedConfig(
        port=8080, protocol="HTTPS", upgrade_config=model.UpgradeConfig(type="ROLLING")
    )
    body = model.GroupConfigUpdateRequest(
        name="first", weight=100, count=2, advanced_config=advanced, unit_configs=[unit("other")]
    )
    upgraded = client.update_infer_deployment(model.UpdateInferDeploymentRequest(**named, body=body))
    assert upgraded.status == "UPGRADING" and int(upgraded.create_at) > 0
    cloud.clock.until(lambda: show(client, id).status == "RUNNING")
    versions = client.list_infer_deployment_versions(model.ListInferDeploymentVersionsRequest(**named)).data
    assert [row.version for row in versions] == ["1.0.1", "1.0.0"]
    back = model.SwitchInferDeploymentVersionRequestBody(infer_name=named["deployment_id"])
    client.switch_infer_deployment_version(
        model.SwitchInferDeploymentVersionRequest(**named, version="1.0.0", body=back)
    )
    cloud.clock.until(lambda: show(client, id).status == "RUNNING")
    found = client.show_infer_deployment(model.ShowInferDeploymentRequest(**named))
    assert (found.version, found.unit_configs[0].cmd) == ("1.0.0", "run")
    scale = model.UpdateInferDeploymentScale(count=3)
    request = model.UpdateInferDeploymentScaleRequest(service_id=id, deployment_name="first", body=scale)
    assert client.update_infer_deployment_scale(request).count == 3


def test_instances_pods_and_their_events_come_as_objects(cloud, client):
    id = create(client)
    cloud.clock.advance("1m")
    request = model.ListInferDeploymentInstancesRequest(id=id, name="first", status=["RUNNING"])
    instances = client.list_infer_deployment_instances(request).data
    named = {"id": id, "deployment_name": "first"}
    instance = instances[0].instance_name
    pods = client.list_infer_deployment_pods(
        model.ListInferDeploymentPodsRequest(**named, name=instance)
    ).data
    pod = {"instance_name": instance, "name": pods[0].pod_name}
    events = client.list_infer_deployment_pod_events(
        model.ListInferDeploymentPodEventsRequest(**named, **pod)
    ).body
    assert [event.reason for event in events] == ["Scheduled", "Pulling", "Pulled", "Started"]
    gone = client.delete_infer_deployment_pod(model.DeleteInferDeploymentPodRequest(**named, **pod))
    assert gone.pod_name == pods[0].pod_name


def test_a_key_is_read_from_the_stream_and_bound(client):
    id = create(client)
    body = model.CreateApiKeyReq(name="key", scope="SERVICE")
    read = []
    client.create_infer_api_key(model.CreateInferApiKeyRequest(body=body)).consume_download_stream(
        lambda answer: read.append(answer.content)
    )
    key = json.loads(read[0])
    assert len(key["api_key"]) == 86
    bound = client.bind_infer_api_key(model.BindInferApiKeyRequest(service_id=id, key_id=key["key_id"]))
    assert bound.services[0].id == id
    listed = client.list_infer_api_keys(model.ListInferApiKeysRequest(service_id=id)).data
    assert [row.key_id for row in listed] == [key["key_id"]]
    temporary = model.CreateInferTempApiKeyRequest(body=model.CreateTempApiKeyReq(expire_time=1))
    assert client.create_infer_temp_api_key(temporary).api_key


def test_rules_scale_a_deployment_at_night(cloud, client):
    id = create(client)
    cloud.clock.advance("1m")
    named = {"service_id": id, "deployment_id": deployment_id(client, id)}
    rule = model.HpaRules(
        name="night", type="CRON_HPA", schedule="0 2 * * *", target_replicas=4, disable=False
    )
    body = model.CreateHpaRequestBody(
        type="CRON_HPA",
        target_resource_id=named["deployment_id"],
        target_resource_type="GROUP",
        hpa_rules=[rule],
    )
    created = client.create_infer_deployment_hpa(model.CreateInferDeploymentHpaRequest(**named, body=body))
    assert created.status == "ACTIVE"
    cloud.clock.advance("24h")
    events = client.list_infer_deployment_hpa_events(model.ListInferDeploymentHpaEventsRequest(**named)).data
    assert events[0].final_replicas == 4


def test_access_from_inside_is_applied_for_and_connected(cloud, client):
    id = create(client)
    cloud.clock.advance("1m")
    body = model.IntranetConnectionRequest(service_id=id, scene="VPC", vpc_id="vpc", subnet_id="subnet")
    client.create_infer_intranet_connection(model.CreateInferIntranetConnectionRequest(body=body))
    cloud.clock.advance("1m")
    request = model.ListInferIntranetConnectionApplicationsRequest(service_id=id)
    assert client.list_infer_intranet_connection_applications(request).data[0].status == "CONNECTED"
