"""Batches over nodes that take their time: reboots, resets, migrations, other sizes of supernodes, bindings."""

import pytest

from tests.behaviours.modelarts.nodes.conftest import (
    SUPERNODE,
    TASKS,
    batch,
    names_of,
    node_of,
    nodes_of,
    phases,
    pool_with,
    task,
)
from tests.behaviours.modelarts.pools.conftest import CPU, NPU, ORDERS, POOLS, create, nodes, show, train_in
from tests.conftest import refusal

BAD_REQUEST = (400, "ModelArts.50004000")
BY_NUMBER = {"strategy": "RollingByNumber", "maxUnavailable": 1}


def test_rebooted_nodes_check_themselves_and_serve_again(cloud):
    pool = pool_with(cloud)
    names = names_of(cloud, pool)
    answered = batch(cloud, pool, "reboot", names).json
    assert answered["nodeNames"] == names
    assert (phases(cloud, pool), task(cloud, answered["job_id"])["phase"]) == (["Checking"] * 2, "Running")
    cloud.clock.advance("5m")
    done = task(cloud, answered["job_id"])
    assert (phases(cloud, pool), done["phase"], done["type"]) == (["Available"] * 2, "Success", "reboot-node")
    assert done["endTimestamp"] > done["startTimestamp"]


def test_nodes_are_reset_as_many_at_a_time_as_may_be_missing(cloud):
    pool = pool_with(cloud, 3)
    config = {"name": "EulerOS 2.12", "imageId": "image-1", "runtime": "containerd"}
    reply = batch(cloud, pool, "reset", names_of(cloud, pool), rollingConfig=BY_NUMBER, nodeConfig=config)
    job, seen = reply.json["job_id"], []
    while task(cloud, job)["phase"] == "Running":
        seen.append(phases(cloud, pool).count("Creating"))
        cloud.clock.advance(180 / cloud.world.pace)
    assert (seen, task(cloud, job)["phase"]) == ([1, 1, 1], "Success")
    spec = nodes_of(cloud, pool)[0]["spec"]
    assert (spec["os"], spec["extendParams"]["runtime"]) == (
        {"name": "EulerOS 2.12", "imageId": "image-1"},
        "containerd",
    )


def test_a_share_of_the_nodes_is_reset_at_a_time(cloud):
    pool = pool_with(cloud, 3)
    rolling = {"strategy": "RollingByPercent", "maxUnavailable": 50}
    batch(cloud, pool, "reset", names_of(cloud, pool), rollingConfig=rolling)
    assert phases(cloud, pool).count("Creating") == 2


@pytest.mark.parametrize(
    "rolling", [{"maxUnavailable": 0}, {"strategy": "RollingByPercent", "maxUnavailable": 101}]
)
def test_a_reset_of_none_or_of_more_than_all_at_a_time_is_refused(cloud, rolling):
    pool = pool_with(cloud)
    reply = batch(cloud, pool, "reset", names_of(cloud, pool), rollingConfig=BY_NUMBER | rolling)
    assert refusal(reply) == BAD_REQUEST


def test_a_node_at_work_is_not_reset(cloud):
    pool = pool_with(cloud, 1)
    train_in(cloud, pool)
    cloud.clock.advance("1m")
    assert refusal(batch(cloud, pool, "reset", names_of(cloud, pool), rollingConfig=BY_NUMBER)) == BAD_REQUEST


def test_jobs_over_nodes_are_listed_by_type_pool_and_time(cloud):
    pool, other = pool_with(cloud), pool_with(cloud, 1, "pool-b")
    first = batch(cloud, pool, "reboot", names_of(cloud, pool)).json["job_id"]
    second = batch(cloud, other, "reset", names_of(cloud, other), rollingConfig=BY_NUMBER).json["job_id"]
    started = task(cloud, second)["startTimestamp"]
    queries = (
        "",
        "?type=reset-nodes",
        f"?resource=pools&name={pool}",
        f"?since={started + 1}",
        "?limit=1&offset=1",
    )
    found = [[row["jobId"] for row in cloud.get(f"{TASKS}{query}").json["items"]] for query in queries]
    assert found == [[first, second], [second], [first], [], [second]]
    cloud.clock.advance("31d")
    assert cloud.get(TASKS).json == {"items": [], "count": 0}


def test_a_node_moves_to_another_pool(cloud):
    pool, other = pool_with(cloud), pool_with(cloud, 1, "pool-b")
    first, second = names_of(cloud, pool)
    move = {"fromClusterName": pool, "toClusterName": other, "toPoolName": None, "resourceSpec": None}
    reply = batch(cloud, pool, "migrate", [first], **move)
    assert reply.status == 200, reply
    cloud.clock.advance("5m")
    assert task(cloud, reply.json["job_id"])["phase"] == "Success"
    assert (names_of(cloud, pool), first in names_of(cloud, other)) == ([second], True)
    assert (nodes(cloud, pool), nodes(cloud, other)) == ({"available": 1}, {"available": 2})
    counts = [show(cloud, each)["spec"]["resources"][0]["count"] for each in (pool, other)]
    assert counts == [1, 2]
    assert node_of(cloud, other, first)["metadata"]["labels"]["os.modelarts.node/cluster"] == other


def test_a_node_moves_into_the_node_pool_that_is_described(cloud):
    pool, other = pool_with(cloud), pool_with(cloud, 1, "pool-b", flavor=CPU)
    first, _ = names_of(cloud, pool)
    spec = {"flavor": NPU, "nodePool": "moved", "labels": {"a": "b"}}
    move = {"fromClusterName": pool, "toClusterName": other, "toPoolName": other, "resourceSpec": spec}
    batch(cloud, pool, "migrate", [first], **move)
    cloud.clock.advance("5m")
    assert show(cloud, other)["spec"]["resources"][1] == {**spec, "count": 1}
    assert cloud.get(f"{POOLS}/{other}/nodepools/moved/nodes").json["items"][0]["metadata"]["name"] == first


@pytest.mark.parametrize(
    "wrong", [{"fromClusterName": "x"}, {"toClusterName": "none"}, {"migrateNodeNames": None}]
)
def test_a_move_that_cannot_be_is_refused(cloud, wrong):
    pool, other = pool_with(cloud), pool_with(cloud, 1, "pool-b")
    body = {
        "fromClusterName": pool,
        "toClusterName": other,
        "migrateNodeNames": names_of(cloud, pool)[:1],
        **wrong,
    }
    body["migrateNodeNames"] = body["migrateNodeNames"] or names_of(cloud, pool)
    assert refusal(cloud.post(f"{POOLS}/{pool}/nodes/batch-migrate", body)) == BAD_REQUEST


def test_a_move_fails_when_a_pool_is_being_scaled_at_its_end(cloud):
    pool, other = pool_with(cloud), pool_with(cloud, 1, "pool-b")
    first, _ = names_of(cloud, pool)
    job = batch(cloud, pool, "migrate", [first], fromClusterName=pool, toClusterName=other).json["job_id"]
    part = {"flavor": NPU, "count": 2}
    cloud.send("PATCH", f"{POOLS}/{other}", {"spec": {"resources": [part]}})
    cloud.clock.advance("5m")
    failed = task(cloud, job)
    assert (failed["phase"], "is being changed" in failed["message"]) == ("Failed", True)
    assert (nodes(cloud, pool), nodes(cloud, other)) == ({"available": 2}, {"available": 2})


def supernodes(cloud, pool: str) -> dict[str, list[str]]:
    """{uid: the names of its nodes} of each supernode."""
    found: dict[str, list[str]] = {}
    for node in nodes_of(cloud, pool):
        uid = node["metadata"]["labels"]["os.modelarts.node/batch.uid"]
        found.setdefault(uid, []).append(node["metadata"]["name"])
    return found


def pool_of_supernodes(cloud, count: int = 4) -> str:
    """A pool whose nodes are supernodes of two."""
    return pool_with(cloud, resources=[{"flavor": NPU, "count": count, "creatingStep": SUPERNODE}])


def resize(cloud, pool: str, batches: list[dict], step: int, source=SUPERNODE):
    """Give supernodes another number of nodes."""
    ends = [{"flavor": NPU, "creatingStep": each} for each in (source, {**SUPERNODE, "step": step})]
    body = {"nodes": batches, "source": ends[0], "target": ends[1], "billing": {"autoPay": "1"}}
    return cloud.post(f"{POOLS}/{pool}/nodes/batch-resize", body)


def test_supernodes_consist_of_as_many_nodes_as_their_step_says(cloud):
    assert [len(each) for each in supernodes(cloud, pool_of_supernodes(cloud)).values()] == [2, 2]


@pytest.mark.parametrize("step", [2, 3])
def test_supernodes_are_whole_and_of_a_step_of_their_flavor(cloud, step):
    pool = pool_with(cloud)
    part = {"flavor": NPU, "count": 3, "creatingStep": {**SUPERNODE, "step": step}}
    assert refusal(cloud.send("PATCH", f"{POOLS}/{pool}", {"spec": {"resources": [part]}})) == BAD_REQUEST


def test_a_supernode_grows_by_an_order(cloud):
    pool = pool_of_supernodes(cloud)
    uid, other = supernodes(cloud, pool)
    order = resize(cloud, pool, [{"batchUID": uid}], 4).json["orderName"]
    cloud.clock.advance("10m")
    assert {each: len(names) for each, names in supernodes(cloud, pool).items()} == {uid: 4, other: 2}
    assert [each["status"] for each in cloud.get(f"{ORDERS}/{order}").json["items"]] == ["succeed"] * 2
    parts = [(part["count"], part["creatingStep"]["step"]) for part in show(cloud, pool)["spec"]["resources"]]
    assert parts == [(2, 2), (4, 4)]


def test_a_supernode_shrinks_by_the_nodes_that_are_named(cloud):
    pool = pool_of_supernodes(cloud)
    uid, other = supernodes(cloud, pool)
    resize(cloud, pool, [{"batchUID": uid}, {"batchUID": other}], 4)
    cloud.clock.advance("10m")
    names = supernodes(cloud, pool)[uid]
    source = {**SUPERNODE, "step": 4}
    assert refusal(resize(cloud, pool, [{"batchUID": uid}], 2, source)) == BAD_REQUEST
    assert resize(cloud, pool, [{"batchUID": uid, "deleteNodeNames": names[:2]}], 2, source).status == 200
    cloud.clock.advance("10m")
    assert supernodes(cloud, pool)[uid] == names[2:]


def test_only_supernodes_are_resized(cloud):
    pool = pool_with(cloud)
    assert refusal(resize(cloud, pool, [{"batchUID": "x"}], 4)) == BAD_REQUEST


def test_what_is_no_supernode_of_the_pool_is_not_resized(cloud):
    assert refusal(resize(cloud, pool_of_supernodes(cloud), [{"batchUID": "x"}], 4)) == BAD_REQUEST


def bind(cloud, pool: str, **quotas: str):
    """Bind nodes of the pool to logical pools."""
    named = [{"name": name, "quotaName": quota} for name, quota in quotas.items()]
    return cloud.post(f"{POOLS}/{pool}/nodes/batch-bind", {"nodes": named, "drain": False})


def test_nodes_are_bound_to_logical_pools_as_far_as_these_have_room(cloud):
    pool = pool_with(cloud, 3)
    part = {"flavor": NPU, "count": 0, "maxCount": 1}
    inner = create(cloud, "pool-in", resources=[part], type="Logical", parent=pool)
    first, second, _ = names_of(cloud, pool)
    assert bind(cloud, pool, **{first: inner}).json == {}
    assert node_of(cloud, pool, first)["metadata"]["labels"]["os.modelarts.node/elastic.quota"] == inner
    wrong = ({first: inner}, {second: inner}, {second: "none"}, {"none": inner}, {second: ""})
    assert [refusal(bind(cloud, pool, **quotas)) for quotas in wrong] == [BAD_REQUEST] * 5
    assert bind(cloud, pool, **{first: ""}).status == 200
    assert bind(cloud, pool, **{second: inner}).status == 200


def test_a_job_over_a_node_that_is_gone_fails(cloud):
    pool = pool_with(cloud, 3)
    first, second, _ = names_of(cloud, pool)
    job = batch(cloud, pool, "reset", [first, second], rollingConfig=BY_NUMBER).json["job_id"]
    batch(cloud, pool, "delete", [second])
    cloud.clock.advance("30m")
    failed = task(cloud, job)
    assert (failed["phase"], second in failed["message"]) == ("Failed", True)
    assert refusal(cloud.get(f"{TASKS}/none")) == (404, "ModelArts.50005101")


def test_a_node_is_unlocked_for_what_is_named_alone(cloud):
    pool = pool_with(cloud)
    names = names_of(cloud, pool)[:1]
    results = lambda verb, actions: [  # noqa: E731
        each["status"] for each in batch(cloud, pool, verb, names, actions=actions).json["nodes"]
    ]
    assert (results("lock", []), results("lock", ["delete"])) == (["failed"], ["success"])
    assert (results("unlock", []), results("unlock", ["delete"])) == (["failed"], ["success"])
