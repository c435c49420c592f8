"""The calls of Terraform's resources for nodes: deleting, locking, rebooting, resetting, moving, resizing."""

from tests.behaviours.modelarts.nodes.conftest import SUPERNODE, TASKS, names_of, nodes_of, pool_with
from tests.behaviours.modelarts.pools.conftest import NPU, ORDERS, POOLS
from tests.conftest import refusal


def act(cloud, pool: str, verb: str, **body) -> dict:
    """What a one-shot action answers: 200 with JSON."""
    reply = cloud.post(f"{POOLS}/{pool}/nodes/batch-{verb}", body)
    assert (reply.status, isinstance(reply.json, dict)) == (200, True), reply
    return reply.json


def wait_for_job(cloud, id: str) -> None:
    """Wait for a job over nodes as the provider does."""

    def phase() -> str:
        reply = cloud.get(f"{TASKS}/{id}")
        assert reply.status == 200, reply
        assert reply.json["phase"] in ("Running", "Success")
        return reply.json["phase"]

    cloud.clock.until(lambda: phase() == "Success", within="30m")


def test_a_pool_is_destroyed_after_its_nodes_were_asked_for(cloud):
    pool = pool_with(cloud)
    assert all(
        node["metadata"]["labels"]["os.modelarts.node/underlying.instance.id"]
        and node["metadata"]["labels"]["os.modelarts/billing.status"] == "0"
        for node in nodes_of(cloud, pool)
    )
    assert cloud.get(f"{POOLS}/{pool}").status == 200
    assert cloud.delete(f"{POOLS}/{pool}").status == 200
    cloud.clock.until(lambda: cloud.get(f"{POOLS}/{pool}").status == 404, within="30m")
    assert refusal(cloud.get(f"{POOLS}/{pool}/nodes")) == (404, "ModelArts.50015001")


def test_the_nodes_of_an_order_are_in_the_list_of_nodes(cloud):
    pool = pool_with(cloud, 1)
    part = {"flavor": NPU, "count": 3}
    answered = cloud.send("PATCH", f"{POOLS}/{pool}", {"spec": {"resources": [part]}}).json
    order = answered["metadata"]["labels"]["os.modelarts/order.name"]
    cloud.clock.advance("10m")
    items = cloud.get(f"{ORDERS}/{order}").json["items"]
    assert (
        [item["status"] for item in items],
        {item["resourceName"] for item in items} <= {*names_of(cloud, pool)},
    ) == (
        ["succeed", "succeed"],
        True,
    )
    # The provider waits for the nodes of its order until this is so.
    assert all(node["status"]["driver"]["phase"] == "Running" for node in nodes_of(cloud, pool))


def test_deleted_nodes_are_waited_for_until_the_list_has_none_of_them(cloud):
    pool = pool_with(cloud, 3)
    going = names_of(cloud, pool)[:2]
    act(cloud, pool, "delete", deleteNodeNames=going)
    cloud.clock.until(lambda: not set(going) & set(names_of(cloud, pool)), within="30m")


def test_nodes_are_locked_and_unlocked(cloud):
    pool = pool_with(cloud)
    for verb in ("lock", "unlock"):
        act(cloud, pool, verb, nodeNames=names_of(cloud, pool), actions=["delete"])


def test_reboots_and_resets_are_jobs_with_an_id_in_snake_case(cloud):
    pool = pool_with(cloud)
    names = names_of(cloud, pool)
    wait_for_job(cloud, act(cloud, pool, "reboot", nodeNames=names)["job_id"])
    rolling = {"strategy": "RollingByNumber", "maxUnavailable": 1}
    wait_for_job(cloud, act(cloud, pool, "reset", nodeNames=names, rollingConfig=rolling)["job_id"])


def test_a_migration_leaves_out_nothing_but_sends_null(cloud):
    pool, other = pool_with(cloud), pool_with(cloud, 1, "pool-b")
    (moving, _) = names_of(cloud, pool)
    clusters = {"fromClusterName": pool, "toClusterName": other, "toPoolName": other}
    job = act(cloud, pool, "migrate", migrateNodeNames=[moving], **clusters, resourceSpec=None)["job_id"]
    wait_for_job(cloud, job)
    assert moving in names_of(cloud, other)


def test_a_resize_is_an_order_that_is_waited_for(cloud):
    pool = pool_with(cloud, resources=[{"flavor": NPU, "count": 2, "creatingStep": SUPERNODE}])
    (node, _) = nodes_of(cloud, pool)
    labels = node["metadata"]["labels"]
    source = {"nodePool": labels["os.modelarts.node/nodepool"], "flavor": NPU, "creatingStep": SUPERNODE}
    target = {**source, "creatingStep": {**SUPERNODE, "step": 4}}
    batches = [{"batchUID": labels["os.modelarts.node/batch.uid"], "deleteNodeNames": None}]
    answered = act(
        cloud, pool, "resize", nodes=batches, source=source, target=target, billing={"autoPay": "1"}
    )

    def phase() -> str:
        rows = cloud.get(f"{ORDERS}?limit=500&involvedName={pool}&since=0&offset=0").json["items"]
        return next(each["phase"] for each in rows if each["orderName"] == answered["orderName"])

    cloud.clock.until(lambda: phase() == "successed", within="90m")
    assert len(names_of(cloud, pool)) == 4
