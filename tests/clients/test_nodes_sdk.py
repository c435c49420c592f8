"""Nodes, pools of nodes and jobs over nodes through the official Python SDK, over a socket."""

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1 import model

from tests.behaviours.modelarts.nodes.conftest import pool_with
from tests.behaviours.modelarts.pools.conftest import CPU, NPU, create


def nodes(client, pool: str) -> list:
    """The nodes of the pool in the SDK's classes."""
    return client.list_pool_nodes(model.ListPoolNodesRequest(pool_name=pool)).items


def names(client, pool: str) -> list[str]:
    """The names of the nodes."""
    return [node.metadata.name for node in nodes(client, pool)]


def test_nodes_are_listed_shown_and_paged(cloud, client):
    pool = pool_with(cloud, 3)
    page = client.list_pool_nodes(model.ListPoolNodesRequest(pool_name=pool, limit=2))
    rest = client.list_pool_nodes(
        model.ListPoolNodesRequest(pool_name=pool, _continue=page.metadata._continue)
    )
    assert [node.metadata.name for node in page.items + rest.items] == names(client, pool)
    node = client.show_pool_node(model.ShowPoolNodeRequest(pool_name=pool, node_name=names(client, pool)[0]))
    assert (node.status.phase, node.status.resources.cpu, node.spec.flavor) == ("Available", "192", NPU)


def test_nodes_are_locked_tagged_drained_and_deleted(cloud, client):
    pool = pool_with(cloud, 3)
    first, second, third = names(client, pool)
    lock = model.BatchLockPoolNodesRequestBody(node_names=[first, "none"], actions=["delete"])
    locked = client.batch_lock_pool_nodes(model.BatchLockPoolNodesRequest(pool_name=pool, body=lock))
    assert [(each.name, each.status) for each in locked.nodes] == [(first, "success"), ("none", "failed")]
    client.batch_unlock_pool_nodes(model.BatchUnlockPoolNodesRequest(pool_name=pool, body=lock))
    tags = [model.NodeTag(key="team", value="vision")]
    update = model.BatchUpdatePoolNodesRequestBody(node_names=[first], action="createTags", tags=tags)
    updated = client.batch_update_pool_nodes(model.BatchUpdatePoolNodesRequest(pool_name=pool, body=update))
    assert updated.success_node_names == [first]
    drained = model.BatchDrainPoolNodesReq(node_names=[second])
    client.batch_drain_pool_nodes(model.BatchDrainPoolNodesRequest(pool_name=pool, body=drained))
    gone = model.NodesDeletionRequest(delete_node_names=[second])
    client.batch_delete_pool_nodes(model.BatchDeletePoolNodesRequest(pool_name=pool, body=gone))
    cloud.clock.advance("10m")
    assert names(client, pool) == [first, third]


def job_of(client, id: str):
    """The job over nodes with that id."""
    found = client.list_jobs(model.ListJobsRequest()).items
    return next(job for job in found if job.job_id == id)


def test_jobs_over_nodes_are_followed_to_their_end(cloud, client):
    pool = pool_with(cloud)
    body = model.BatchRebootPoolNodesRequestBody(node_names=names(client, pool))
    rebooted = client.batch_reboot_pool_nodes(model.BatchRebootPoolNodesRequest(pool_name=pool, body=body))
    assert rebooted.node_names == names(client, pool)
    cloud.clock.advance("5m")
    rolling = model.ResetNodesRequestRollingConfig(strategy="RollingByPercent", max_unavailable=100)
    body = model.ResetNodesRequest(node_names=names(client, pool), rolling_config=rolling)
    job = client.batch_reset_pool_nodes(model.BatchResetPoolNodesRequest(pool_name=pool, body=body)).job_id
    assert (job_of(client, job).phase, [node.status.phase for node in nodes(client, pool)]) == (
        "Running",
        ["Creating"] * 2,
    )
    cloud.clock.advance("10m")
    assert job_of(client, job).phase == "Success"


def test_a_node_moves_to_another_pool(cloud, client):
    pool, other = pool_with(cloud), pool_with(cloud, 1, "pool-b")
    moving = names(client, pool)[0]
    body = model.NodeBatchMigrationRequest(
        migrate_node_names=[moving], from_cluster_name=pool, to_cluster_name=other, to_pool_name=other
    )
    client.batch_migrate_pool_nodes(model.BatchMigratePoolNodesRequest(pool_name=pool, body=body))
    cloud.clock.advance("5m")
    assert moving in names(client, other)


def test_nodes_are_bound_to_a_logical_pool(cloud, client):
    pool = pool_with(cloud, 2)
    part = {"flavor": NPU, "count": 0, "maxCount": 1}
    inner = create(cloud, "pool-in", resources=[part], type="Logical", parent=pool)
    first = names(client, pool)[0]
    body = model.BatchBindPoolNodesReq(nodes=[model.BindNodeItem(name=first, quota_name=inner)])
    client.batch_bind_pool_nodes(model.BatchBindPoolNodesRequest(pool_name=pool, body=body))
    assert nodes(client, pool)[0].metadata.labels.os_modelarts_node_elastic_quota == inner


def test_a_supernode_is_resized(cloud, client):
    step = model.CreatingStep(type="hyperinstance", step=2)
    part = {"flavor": NPU, "count": 2, "creatingStep": {"type": "hyperinstance", "step": 2}}
    pool = pool_with(cloud, resources=[part])
    uid = nodes(client, pool)[0].metadata.labels.os_modelarts_node_batch_uid
    body = model.BatchResizeRequestBody(
        nodes=[model.ResizeNodeInfo(batch_uid=uid)],
        source=model.NodeResizeParams(flavor=NPU, creating_step=step),
        target=model.NodeResizeParams(
            flavor=NPU, creating_step=model.CreatingStep(type="hyperinstance", step=4)
        ),
    )
    client.batch_resize_pool_nodes(model.BatchResizePoolNodesRequest(pool_name=pool, body=body))
    cloud.clock.advance("10m")
    assert [node.metadata.labels.os_modelarts_node_batch_count for node in nodes(client, pool)] == ["4"] * 4


def test_pools_of_nodes_come_and_go(cloud, client):
    pool = pool_with(cloud, 1)
    part = model.PoolResource(flavor=CPU, count=1, max_count=1)
    body = model.CreateNodePoolRequestBody(
        api_version="v2",
        kind="NodePool",
        metadata=model.CreateNodePoolMetaVO(name="small"),
        spec=model.NodePoolSpec(resources=part),
    )
    client.create_node_pool(model.CreateNodePoolRequest(pool_name=pool, body=body))
    cloud.clock.advance("10m")
    part.count = part.max_count = 2
    body = model.PatchNodePoolRequestBody(spec=model.NodePoolSpec(resources=part))
    where = {"pool_name": pool, "nodepool_name": "small"}
    client.patch_node_pool(model.PatchNodePoolRequest(**where, body=body))
    cloud.clock.advance("10m")
    assert client.show_node_pool(model.ShowNodePoolRequest(**where)).status.resources.available.count == 2
    assert len(client.list_node_pool_nodes(model.ListNodePoolNodesRequest(**where)).items) == 2
    found = client.list_node_pools(model.ListNodePoolsRequest(pool_name=pool)).items
    assert [each.metadata.name for each in found] == [f"{NPU}-default", "small"]
    client.delete_node_pool(model.DeleteNodePoolRequest(**where))
    cloud.clock.advance("10m")
    assert len(nodes(client, pool)) == 1


def test_settings_of_nodes_are_read(cloud, client):
    pool = pool_with(cloud, 1)
    config = client.show_pool_node_config(model.ShowPoolNodeConfigRequest(pool_name=pool))
    template = client.show_pool_node_config_template(model.ShowPoolNodeConfigTemplateRequest(pool_name=pool))
    assert (config.status.phase, len(template.spec.templates)) == ("Running", 1)
    request = model.ShowNodeConfigTemplateRequest(nodeconfigtemplate_name="node-virtual")
    assert client.show_node_config_template(request).spec.docker_base_size == 50


def test_a_node_that_is_not_there_is_not_found(cloud, client):
    with pytest.raises(ClientRequestException) as refused:
        client.show_pool_node(model.ShowPoolNodeRequest(pool_name=pool_with(cloud), node_name="none"))
    assert refused.value.status_code == 404
