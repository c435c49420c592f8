"""Pools of nodes: parts of a pool that are made, changed, listed and deleted one by one."""

import pytest

from tests.behaviours.modelarts.nodes.conftest import names_of, pool_with
from tests.behaviours.modelarts.pools.conftest import CPU, MERGE, NPU, POOLS, nodes, running, show, train_in
from tests.conftest import refusal

BAD_REQUEST = (400, "ModelArts.50004000")
PART = {
    "flavor": CPU,
    "count": 2,
    "maxCount": 2,
    "taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}],
    "tags": [{"key": "team", "value": "vision"}],
    "labels": {"kind": "small"},
    "extendParams": {"dockerBaseSize": "100", "nodePoolName": "small"},
    "rootVolume": {"volumeType": "SSD", "size": "500"},
    "dataVolumes": [
        {"volumeType": "SSD", "size": "200", "count": 1, "extendParams": {"volumeGroup": "vgpaas"}}
    ],
    "volumeGroupConfigs": [
        {"volumeGroup": "vgpaas", "dockerThinPool": 90, "lvmConfig": {"lvType": "linear"}}
    ],
    "os": {"name": "EulerOS 2.10", "imageId": "image-1"},
}


def make(cloud, pool: str, name: str = "small", **members):
    """Ask for a pool of nodes."""
    body = {"apiVersion": "v2", "kind": "NodePool", "metadata": {"name": name}}
    return cloud.post(f"{POOLS}/{pool}/nodepools", {**body, "spec": {"resources": {**PART, **members}}})


def node_pools(cloud, pool: str) -> dict[str, dict]:
    """The pools of nodes by their names."""
    found = cloud.get(f"{POOLS}/{pool}/nodepools").json["items"]
    return {each["metadata"]["name"]: each for each in found}


def patch(cloud, pool: str, name: str = "small", **members):
    """Change a pool of nodes."""
    body = {"spec": {"resources": {**PART, **members}}}
    return cloud.send("PATCH", f"{POOLS}/{pool}/nodepools/{name}", body, headers=MERGE)


def counts(node_pool: dict) -> dict[str, int]:
    """How many nodes are in each state."""
    return {state: row["count"] for state, row in node_pool["status"]["resources"].items()}


def test_the_parts_of_a_pool_are_its_pools_of_nodes(cloud):
    pool = running(
        cloud, resources=[{"flavor": NPU, "count": 1}, {"flavor": CPU, "count": 2, "nodePool": "cpus"}]
    )
    found = node_pools(cloud, pool)
    assert [(name, counts(each)) for name, each in found.items()] == [
        (f"{NPU}-default", {"available": 1}),
        ("cpus", {"available": 2}),
    ]


def test_a_new_pool_of_nodes_shows_all_it_was_made_with_and_gets_its_nodes(cloud):
    pool = pool_with(cloud, 1)
    made = make(cloud, pool)
    assert made.status == 200, made
    shown = cloud.get(f"{POOLS}/{pool}/nodepools/small").json
    assert shown["spec"]["resources"] == {**PART, "nodePool": "small"}
    assert counts(shown) == {"creating": 2}
    cloud.clock.advance("10m")
    listed = cloud.get(f"{POOLS}/{pool}/nodepools/small/nodes?limit=1").json
    assert [node["metadata"]["name"] for node in listed["items"]] == names_of(cloud, pool)[1:2]
    assert (listed["metadata"]["remainingItemCount"], nodes(cloud, pool)) == (1, {"available": 3})


def test_annotations_of_a_pool_of_nodes_are_kept_and_changed(cloud):
    pool, paid = pool_with(cloud, 1), {"os.modelarts/billing.mode": "1", "os.modelarts/period.num": "1"}
    body = {"apiVersion": "v2", "kind": "NodePool", "spec": {"resources": PART}}
    made = {"name": "small", "annotations": {"os.modelarts/billing.mode": "0"}}
    assert cloud.post(f"{POOLS}/{pool}/nodepools", {**body, "metadata": made}).status == 200
    cloud.clock.advance("10m")
    change = {"spec": body["spec"], "metadata": {"annotations": {**paid, "os.modelarts/period.type": "2"}}}
    assert cloud.send("PATCH", f"{POOLS}/{pool}/nodepools/small", change, headers=MERGE).status == 200
    annotations = cloud.get(f"{POOLS}/{pool}/nodepools/small").json["metadata"]["annotations"]
    assert annotations.items() >= {**paid, "os.modelarts/period.type": "2"}.items()
    assert refusal(cloud.delete(f"{POOLS}/{pool}/nodepools/small")) == BAD_REQUEST


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 0, "maxCount": 0},
        {"maxCount": 3},
        {"flavor": "none"},
        {"volumeGroupConfigs": []},
        {"azs": [{"az": "cn-north-4a", "count": 1}]},
    ],
)
def test_a_pool_of_nodes_that_cannot_be_is_refused(cloud, wrong):
    assert refusal(make(cloud, pool_with(cloud, 1), **wrong)) == BAD_REQUEST


def test_the_name_of_a_pool_of_nodes_is_given_once(cloud):
    assert refusal(make(cloud, pool_with(cloud, 1), f"{NPU}-default")) == BAD_REQUEST


def test_a_pool_of_nodes_grows_and_changes(cloud):
    pool = pool_with(cloud, 1)
    make(cloud, pool)
    assert refusal(patch(cloud, pool, count=3, maxCount=3)) == BAD_REQUEST
    cloud.clock.advance("10m")
    changed = patch(cloud, pool, count=3, maxCount=3, labels={"kind": "big"}).json
    assert (changed["spec"]["resources"]["count"], changed["spec"]["resources"]["labels"]) == (
        3,
        {"kind": "big"},
    )
    cloud.clock.advance("10m")
    assert counts(node_pools(cloud, pool)["small"]) == {"available": 3}
    assert refusal(patch(cloud, pool, flavor=NPU)) == BAD_REQUEST


def test_a_pool_of_nodes_goes_with_its_nodes(cloud):
    pool = pool_with(cloud, 1)
    make(cloud, pool)
    cloud.clock.advance("10m")
    assert cloud.delete(f"{POOLS}/{pool}/nodepools/small").json["metadata"]["name"] == "small"
    cloud.clock.advance("10m")
    assert (list(node_pools(cloud, pool)), nodes(cloud, pool)) == ([f"{NPU}-default"], {"available": 1})
    assert refusal(cloud.get(f"{POOLS}/{pool}/nodepools/small")) == (404, "ModelArts.50005101")


def test_the_last_pool_of_nodes_and_one_at_work_stay(cloud):
    pool = pool_with(cloud, 1)
    assert refusal(cloud.delete(f"{POOLS}/{pool}/nodepools/{NPU}-default")) == BAD_REQUEST
    make(cloud, pool)
    cloud.clock.advance("10m")
    train_in(cloud, pool, 3)
    cloud.clock.advance("1m")
    assert refusal(cloud.delete(f"{POOLS}/{pool}/nodepools/small")) == BAD_REQUEST


def test_the_pools_of_nodes_of_a_pool_paid_by_month_stay(cloud):
    period = {
        "os.modelarts/billing.mode": "1",
        "os.modelarts/period.num": "1",
        "os.modelarts/period.type": "2",
    }
    pool = pool_with(cloud, 1, annotations={**period, "os.modelarts/auto.pay": "1"})
    make(cloud, pool)
    cloud.clock.advance("10m")
    assert refusal(cloud.delete(f"{POOLS}/{pool}/nodepools/small")) == BAD_REQUEST
    assert show(cloud, pool)["spec"]["resources"][1]["nodePool"] == "small"
