"""Nodes: what a pool's order makes, how they are listed, locked, tagged, drained, deleted."""

import json

import pytest

from tests.behaviours.modelarts.dev_servers import conftest as servers
from tests.behaviours.modelarts.nodes.conftest import batch, names_of, node_of, nodes_of, phases, pool_with
from tests.behaviours.modelarts.pools.conftest import CPU, GPU, NPU, POOLS, create, nodes, show
from tests.conftest import refusal

BAD_REQUEST = (400, "ModelArts.50004000")
LOCK, TAGS = "os.modelarts.node/lock.action", "os.modelarts/tms.tags"


def annotations(cloud, pool: str) -> list[dict]:
    """The annotations of each node."""
    return [node["metadata"]["annotations"] for node in nodes_of(cloud, pool)]


def test_nodes_are_there_from_the_order_on_and_serve_when_the_pool_runs(cloud):
    pool = create(cloud, count=2)
    before = phases(cloud, pool)
    cloud.clock.advance("10m")
    assert (before, phases(cloud, pool)) == (["Creating", "Creating"], ["Available", "Available"])


def test_a_node_is_a_document_that_says_what_it_has_and_whose_it_is(cloud):
    pool = pool_with(cloud, 1, labels={"os.modelarts/node.prefix": "demo"})
    (node,) = nodes_of(cloud, pool)
    labels, status = node["metadata"]["labels"], node["status"]
    assert (node["kind"], node["apiVersion"], node["spec"]["flavor"]) == ("Node", "v2", NPU)
    assert node["metadata"]["name"].startswith("demo-")
    assert (labels["os.modelarts.node/cluster"], labels["os.modelarts.node/nodepool"]) == (
        pool,
        f"{NPU}-default",
    )
    assert status["resources"] == {"cpu": "192", "memory": "1536Gi", "huawei.com/ascend-snt9": "8"}
    assert status["availableResources"] == status["resources"]
    assert node == node_of(cloud, pool, node["metadata"]["name"])


def test_nodes_have_what_their_part_of_the_pool_asks_for(cloud):
    part = {
        "flavor": CPU,
        "count": 2,
        "nodePool": "nodepool-a",
        "azs": [{"az": "cn-north-4b", "count": 1}, {"az": "cn-north-4a", "count": 1}],
        "taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}],
        "rootVolume": {"volumeType": "SAS", "size": "500"},
        "dataVolumes": [
            {"volumeType": "SSD", "size": "200", "count": 1, "extendParams": {"volumeGroup": "vgpaas"}}
        ],
        "extendParams": {"dockerBaseSize": "100"},
        "os": {"name": "EulerOS 2.10"},
    }
    first, second = nodes_of(cloud, pool_with(cloud, resources=[part]))
    assert [first["status"]["az"], second["status"]["az"]] == ["cn-north-4b", "cn-north-4a"]
    assert first["status"]["privateIp"] != second["status"]["privateIp"]
    assert first["status"]["taints"] == part["taints"]
    spec = first["spec"]
    assert [spec[name] for name in ("rootVolume", "extendParams", "os")] == [
        part[name] for name in ("rootVolume", "extendParams", "os")
    ]
    assert spec["dataVolumes"] == [{"volumeType": "SSD", "size": "200", "count": 1}]


def test_a_node_is_found_in_its_own_pool_only(cloud):
    pool, other = pool_with(cloud), pool_with(cloud, name="pool-b")
    (name, _) = names_of(cloud, other)
    assert refusal(cloud.get(f"{POOLS}/{pool}/nodes/{name}")) == (404, "ModelArts.50005101")
    assert refusal(cloud.get(f"{POOLS}/{'p' * 40}/nodes")) == (404, "ModelArts.50015001")


def test_pages_with_continue_lose_and_repeat_nothing_while_others_come_and_go(cloud):
    pool = pool_with(cloud, 6)
    stays, seen, token = names_of(cloud, pool), [], ""
    gone = stays[2]
    while token is not None:
        page = cloud.get(f"{POOLS}/{pool}/nodes?limit=2&continue={token}").json
        seen += [node["metadata"]["name"] for node in page["items"]]
        token = page["metadata"].get("continue")
        if len(seen) == 2:
            batch(cloud, pool, "delete", [gone])
            cloud.clock.advance("10m")
            part = {"flavor": NPU, "count": 6}
            cloud.send("PATCH", f"{POOLS}/{pool}", {"spec": {"resources": [part]}})
    came = [name for name in names_of(cloud, pool) if name not in stays]
    assert seen == [name for name in stays if name != gone] + came


def test_locked_nodes_are_not_deleted_until_they_are_unlocked(cloud):
    pool = pool_with(cloud)
    first, second = names_of(cloud, pool)
    locked = batch(cloud, pool, "lock", [first, "none"], actions=["delete"]).json["nodes"]
    assert locked == [{"name": first, "status": "success"}, {"name": "none", "status": "failed"}]
    assert [LOCK in each for each in annotations(cloud, pool)] == [True, False]
    assert refusal(batch(cloud, pool, "delete", [first])) == BAD_REQUEST
    unlocked = batch(cloud, pool, "unlock", [first, second], actions=["delete"]).json["nodes"]
    assert [each["status"] for each in unlocked] == ["success", "failed"]
    assert batch(cloud, pool, "delete", [first]).status == 200


def test_a_locked_node_keeps_its_pool_from_shrinking(cloud):
    pool = pool_with(cloud)
    batch(cloud, pool, "lock", names_of(cloud, pool), actions=["delete"])
    part = {"flavor": NPU, "count": 1}
    assert refusal(cloud.send("PATCH", f"{POOLS}/{pool}", {"spec": {"resources": [part]}})) == BAD_REQUEST


def test_deleted_nodes_go_and_the_pool_wants_them_no_more(cloud):
    pool = pool_with(cloud, 3)
    first, second, third = names_of(cloud, pool)
    assert batch(cloud, pool, "delete", [second]).json == {}
    assert phases(cloud, pool) == ["Available", "Deleting", "Available"]
    cloud.clock.advance("10m")
    assert names_of(cloud, pool) == [first, third]
    assert (show(cloud, pool)["spec"]["resources"][0]["count"], nodes(cloud, pool)) == (2, {"available": 2})


@pytest.mark.parametrize("names", [[], ["none"]])
@pytest.mark.parametrize("verb", ["delete", "drain", "reboot"])
def test_what_is_no_node_of_the_pool_is_refused(cloud, verb, names):
    assert refusal(batch(cloud, pool_with(cloud), verb, names)) == BAD_REQUEST


@pytest.mark.parametrize("verb", ["delete", "drain"])
def test_one_node_of_a_pool_remains(cloud, verb):
    pool = pool_with(cloud)
    assert refusal(batch(cloud, pool, verb, names_of(cloud, pool))) == BAD_REQUEST


def test_a_node_is_not_deleted_while_its_pool_is_scaled(cloud):
    pool = pool_with(cloud, 3)
    first, second, _ = names_of(cloud, pool)
    batch(cloud, pool, "delete", [first])
    assert refusal(batch(cloud, pool, "delete", [second])) == BAD_REQUEST


def test_a_drained_node_takes_no_work_until_it_starts_anew(cloud):
    pool = pool_with(cloud)
    first, _ = names_of(cloud, pool)
    assert batch(cloud, pool, "drain", [first]).json == {}
    drained = node_of(cloud, pool, first)
    assert "os.modelarts.node/drain" in drained["metadata"]["annotations"]
    assert [each["effect"] for each in drained["status"]["taints"]] == ["NoSchedule"]
    batch(cloud, pool, "reboot", [first])
    cloud.clock.advance("5m")
    assert node_of(cloud, pool, first)["status"]["taints"] == []


def test_a_locked_node_is_not_drained(cloud):
    pool = pool_with(cloud)
    first, _ = names_of(cloud, pool)
    batch(cloud, pool, "lock", [first], actions=["delete"])
    assert refusal(batch(cloud, pool, "drain", [first])) == BAD_REQUEST


def test_at_most_ten_nodes_are_drained_at_once(cloud):
    pool = pool_with(cloud, 12)
    assert refusal(batch(cloud, pool, "drain", names_of(cloud, pool)[:11])) == BAD_REQUEST


def test_tags_are_merged_by_key_and_taken_away(cloud):
    pool = pool_with(cloud)
    names = names_of(cloud, pool)
    for key, value in (("team", "a"), ("env", "test"), ("team", "b")):
        made = batch(cloud, pool, "update", names, action="createTags", tags=[{"key": key, "value": value}])
        assert made.json == {"successNodeNames": names, "failNodeNames": []}
    tags = [{"key": "team", "value": "b"}, {"key": "env", "value": "test"}]
    assert json.loads(annotations(cloud, pool)[0][TAGS]) == tags
    batch(cloud, pool, "update", names[:1], action="deleteTags", tags=tags[:1])
    assert [len(json.loads(each[TAGS])) for each in annotations(cloud, pool)] == [1, 2]


def tag_names(cloud, pool: str, *keys: str, action: str = "createTags"):
    """Tag the nodes of the pool with keys."""
    tags = [{"key": key, "value": "v"} for key in keys]
    return batch(cloud, pool, "update", names_of(cloud, pool), action=action, tags=tags)


@pytest.mark.parametrize(
    "keys", [[], [""], ["_sys_a"], ["k" * 129], ["a", "a"], [f"k{n}" for n in range(21)]]
)
def test_tags_that_cannot_be_are_refused(cloud, keys):
    assert refusal(tag_names(cloud, pool_with(cloud, 1), *keys)) == BAD_REQUEST


def test_a_node_has_at_most_twenty_tags_which_the_tag_service_shows(cloud):
    pool = pool_with(cloud, 1)
    (name,) = names_of(cloud, pool)
    assert tag_names(cloud, pool, *(f"k{n}" for n in range(20))).json["successNodeNames"] == [name]
    assert tag_names(cloud, pool, "more").json["failNodeNames"] == [name]
    assert len(cloud.get(f"/v1/{{project_id}}/nodes/{name}/tags").json["tags"]) == 20


def test_nodes_that_are_locked_or_not_there_are_not_updated(cloud):
    pool = pool_with(cloud)
    first, second = names_of(cloud, pool)
    batch(cloud, pool, "lock", [first], actions=["delete"])
    tags = [{"key": "team", "value": "a"}]
    updated = batch(cloud, pool, "update", [first, "none", second], action="createTags", tags=tags).json
    assert updated == {"successNodeNames": [second], "failNodeNames": [first, "none"]}


def test_a_node_stands_by_and_serves_again(cloud):
    pool = pool_with(cloud)
    first, second = names_of(cloud, pool)
    opened = batch(
        cloud, pool, "update", [first, second], action="openHaRedundant", haRedundantEffect="NoExecute"
    )
    assert opened.json == {"successNodeNames": [first], "failNodeNames": [second]}
    node = node_of(cloud, pool, first)
    assert node["metadata"]["labels"]["os.modelarts.node/ha.redundant.enabled"] == "true"
    assert [each["effect"] for each in node["status"]["taints"]] == ["NoExecute"]
    closed = batch(cloud, pool, "update", [first, second], action="closeHaRedundant")
    assert closed.json == {"successNodeNames": [first], "failNodeNames": [second]}


def test_taints_of_a_part_are_handed_on_to_its_nodes_unless_it_says_otherwise(cloud):
    pool, taint = pool_with(cloud), {"key": "k", "value": "v", "effect": "NoSchedule"}
    part = {"flavor": NPU, "count": 2, "taints": [taint]}
    ignored = {**part, "extendParams": {"taintPolicyOnExistingNodes": "ignore"}}
    for resources, taints in (([ignored], []), ([part | {"extendParams": {}}], [taint])):
        assert cloud.send("PATCH", f"{POOLS}/{pool}", {"spec": {"resources": resources}}).status == 200
        assert nodes_of(cloud, pool)[0]["status"]["taints"] == taints


def test_nodes_go_with_their_pool(cloud):
    pool = pool_with(cloud)
    cloud.delete(f"{POOLS}/{pool}")
    assert phases(cloud, pool) == ["Deleting", "Deleting"]
    cloud.clock.advance("10m")
    assert refusal(cloud.get(f"{POOLS}/{pool}/nodes")) == (404, "ModelArts.50015001")


def test_the_settings_of_nodes_are_read(cloud):
    pool = pool_with(cloud)
    config = cloud.get(f"{POOLS}/{pool}/node-config").json
    template = cloud.get(f"{POOLS}/{pool}/node-config-template").json
    assert (config["status"]["phase"], config["spec"]["configs"]["cpu_manager"]) == (
        "Running",
        {"mode": "none"},
    )
    assert template["spec"]["templates"] == [{"configs": config["spec"]["configs"]}]


def test_the_template_that_a_flavor_names_is_shown(cloud):
    flavors = cloud.get("/v1/{project_id}/resourceflavors").json["items"]
    name = next(each["spec"]["nodeConfigTemplate"] for each in flavors if each["metadata"]["name"] == GPU)
    shown = cloud.get(f"/v1/{{project_id}}/nodeconfigtemplates/{name}").json
    assert (shown["metadata"]["name"], shown["spec"]["dockerLvmConfig"]["dockerDiskType"]) == (name, "evs")
    missing = cloud.get("/v1/{project_id}/nodeconfigtemplates/none")
    assert refusal(missing) == (404, "ModelArts.50005101")


def test_a_reset_of_pools_leaves_no_node_and_no_plugin(cloud):
    pool_with(cloud, 16)
    cloud.world.reset("modelarts/pools")
    left = [
        name
        for name in cloud.world.store.names()
        if name.startswith(("modelarts/nodes/", "modelarts/plugins/"))
    ]
    assert left == []
    assert nodes(cloud, pool_with(cloud, 16, "pool-b")) == {"available": 16}


def test_servers_and_nodes_share_the_machines_there_are(cloud):
    servers.create(cloud, flavor=servers.NPU, image=servers.NPU_IMAGE)
    pool = create(cloud, count=16)
    cloud.clock.advance("10m")
    assert "16 nodes" in show(cloud, pool)["status"]["message"]
    assert "15 are left" in show(cloud, pool)["status"]["message"]
    assert nodes(cloud, pool_with(cloud, 15, "pool-b")) == {"available": 15}
