"""Pools, their flavors, orders and quotas through the official Python SDK, over a socket."""

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1 import model

from tests.behaviours.modelarts.pools.conftest import NPU, network_of


def create(cloud, client, count: int = 1):
    """A new pool in the SDK's classes."""
    metadata = model.PoolMetadataCreation(labels=model.PoolLabelsCreation(os_modelarts_name="sdk-pool"))
    spec = model.PoolSpecCreation(
        type="Dedicate",
        scope=["Train"],
        network=model.PoolSpecCreationNetwork(name=network_of(cloud)),
        resources=[model.PoolResourceFlavor(flavor=NPU, count=count)],
    )
    body = model.CreatePoolRequestBody(api_version="v2", kind="Pool", metadata=metadata, spec=spec)
    return client.create_pool(model.CreatePoolRequest(body=body))


def show(client, name: str):
    """The pool in the SDK's classes."""
    return client.show_pool(model.ShowPoolRequest(pool_name=name))


def test_a_pool_comes_to_run_and_is_listed(cloud, client):
    name = create(cloud, client).metadata.name
    cloud.clock.until(lambda: show(client, name).status.phase == "Running", within="30m")
    found = client.list_pools(model.ListPoolsRequest(status="created"))
    assert [each.metadata.name for each in found.items] == [name]
    assert [each.state for each in show(client, name).status.scope] == ["Enabling"]


def test_an_order_leads_to_nodes(cloud, client):
    pool = create(cloud, client, count=2)
    cloud.clock.advance("10m")
    order = client.show_order(model.ShowOrderRequest(order_name=pool.metadata.labels.os_modelarts_order_name))
    assert [(each.action, each.status) for each in order.items] == [("createNode", "succeed")] * 2


def test_the_quota_counts_the_pool_and_flavors_name_what_it_is_made_of(cloud, client):
    create(cloud, client)
    quotas = client.show_os_quota(model.ShowOsQuotaRequest()).quotas.resources
    assert {each.type: int(each.used) for each in quotas} == {"pool": 1, "network": 1}
    flavors = client.list_resource_flavors(model.ListResourceFlavorsRequest()).items
    assert NPU in [each.metadata.name for each in flavors]


def test_the_settings_are_read(client):
    assert client.show_os_config(model.ShowOsConfigRequest()).pool_quota == 15


def test_a_deleted_pool_is_not_found(cloud, client):
    name = create(cloud, client).metadata.name
    client.delete_pool(model.DeletePoolRequest(pool_name=name))
    cloud.clock.advance("10m")
    with pytest.raises(ClientRequestException) as refused:
        show(client, name)
    assert (refused.value.status_code, refused.value.error_code) == (404, "ModelArts.50015001")
