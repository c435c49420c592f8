"""The calls of Terraform's resource for pools: its orders and waits, and what stays as configured."""

from tests.behaviours.modelarts.pools.conftest import CPU, MERGE, NPU, ORDERS, POOLS, network_of
from tests.conftest import refusal

RESOURCE = {
    "flavor": CPU,
    "count": 2,
    "nodePool": "nodepool-a",
    "maxCount": 4,
    "azs": [{"az": "cn-north-4b", "count": 1}, {"az": "cn-north-4a", "count": 1}],
    "taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}],
    "tags": [{"key": "team", "value": "vision"}],
    "labels": {"kind": "small"},
    "extendParams": {"dockerBaseSize": "100"},
    "rootVolume": {"volumeType": "SSD", "size": "500"},
    "dataVolumes": [
        {"volumeType": "SSD", "size": "200", "count": 1, "extendParams": {"volumeGroup": "vgpaas"}}
    ],
    "volumeGroupConfigs": [
        {"volumeGroup": "vgpaas", "dockerThinPool": 90, "lvmConfig": {"lvType": "linear"}}
    ],
    "os": {"name": "EulerOS 2.10", "imageId": "", "iamgeType": ""},
    "creatingStep": {"type": "rack", "step": 1},
}


def body_of(cloud, *resources: dict, **spec) -> dict:
    """What the provider sends to make a pool."""
    labels = {
        "os.modelarts/name": "demo-pool",
        "os.modelarts/node.prefix": "demo",
        "os.modelarts/workspace.id": "0",
    }
    return {
        "apiVersion": "v2",
        "kind": "Pool",
        "metadata": {"labels": labels, "annotations": {"os.modelarts/description": "made by hand"}},
        "spec": {
            "type": "Dedicate",
            "scope": ["Infer", "Train"],
            "resources": list(resources) or [RESOURCE],
            "network": {"name": network_of(cloud)},
            **spec,
        },
    }


def create(cloud, body: dict) -> str:
    """The id of a pool once the provider's waits are over."""
    since = int(cloud.world.clock.now() * 1000)
    reply = cloud.post(POOLS, body)
    assert reply.status == 200, reply
    wait(cloud, reply.json, since)
    id = reply.json["metadata"]["name"]
    cloud.clock.until(lambda: is_settled(get(cloud, id)), within="20m")
    return id


def wait(cloud, answered: dict, since: int, wanted: str = "successed") -> str:
    """Wait for the order of an answer; its name. The order has to be in the list from the first time on."""
    id, order = answered["metadata"]["name"], answered["metadata"]["labels"]["os.modelarts/order.name"]

    def phase() -> str:
        found = cloud.get(f"{ORDERS}?limit=500&involvedName={id}&since={since}&offset=0").json["items"]
        return next(each["phase"] for each in found if each["orderName"] == order)

    assert phase() == "processing"
    cloud.clock.until(lambda: phase() not in ("pending", "processing"), within="90m")
    assert phase() == wanted
    return order


def is_settled(pool: dict) -> bool:
    """Whether no job type is on its way, and no node."""
    nodes = pool["status"]["resources"]
    return all(each["state"] in ("Enabled", "Disabled") for each in pool["status"]["scope"]) and not (
        nodes["creating"] or nodes["deleting"]
    )


def get(cloud, id: str) -> dict:
    """The pool."""
    reply = cloud.get(f"{POOLS}/{id}")
    assert reply.status == 200, reply
    return reply.json


def update(cloud, id: str, **spec) -> dict:
    """Patch the pool as the provider does; what is answered."""
    body = {"metadata": {"annotations": {"os.modelarts/description": "changed"}}, "spec": spec}
    reply = cloud.send("PATCH", f"{POOLS}/{id}", body, headers=MERGE)
    assert reply.status == 200, reply
    return reply.json


def items(cloud, order: str) -> list[dict]:
    """What an order led to."""
    return cloud.get(f"{ORDERS}/{order}").json["items"]


def test_a_second_plan_is_empty(cloud):
    body = body_of(cloud, RESOURCE, {"flavor": NPU, "count": 1})
    pool = get(cloud, create(cloud, body))
    assert pool["spec"] == body["spec"]
    assert pool["metadata"]["labels"].items() >= body["metadata"]["labels"].items()
    assert pool["metadata"]["annotations"] == body["metadata"]["annotations"]
    assert (pool["status"]["phase"], "os.modelarts/resource.id" in pool["metadata"]["labels"]) == (
        "Running",
        True,
    )


def test_a_pool_in_a_network_of_the_caller_keeps_what_is_configured(cloud):
    spec = {
        "network": {"vpcId": "vpc-1", "subnetId": "subnet-1"},
        "userLogin": {"keyPairName": "key-1"},
        "clusters": [{"providerId": "cce-1"}],
    }
    assert get(cloud, create(cloud, body_of(cloud, **spec)))["spec"].items() >= spec.items()


def test_volume_sizes_are_text_and_the_parts_stay_in_their_order(cloud):
    parts = [{"flavor": each, "count": 1} for each in (NPU, CPU)]
    pool = get(cloud, create(cloud, body_of(cloud, parts[0], {**RESOURCE, "flavor": CPU})))
    assert [each["flavor"] for each in pool["spec"]["resources"]] == [NPU, CPU]
    assert pool["spec"]["resources"][1]["rootVolume"]["size"] == "500"


def test_a_change_of_size_is_answered_with_its_order_and_the_nodes_of_it(cloud):
    id = create(cloud, body_of(cloud))
    before, since = get(cloud, id), int(cloud.world.clock.now() * 1000)
    azs = [{"az": "cn-north-4a", "count": 3}]
    answered = update(cloud, id, resources=[{**RESOURCE, "count": 3, "azs": azs}])
    order = wait(cloud, answered, since)
    assert order != before["metadata"]["labels"]["os.modelarts/order.name"]
    assert [each["status"] for each in items(cloud, order)] == ["succeed"]
    assert items(cloud, order)[0]["resourceName"].startswith("demo-")
    assert get(cloud, id)["spec"]["resources"][0]["count"] == 3


def test_what_is_not_a_size_is_changed_without_an_order(cloud):
    id = create(cloud, body_of(cloud))
    order = get(cloud, id)["metadata"]["labels"]["os.modelarts/order.name"]
    answered = update(cloud, id, scope=["Train"], resources=[RESOURCE])
    assert answered["metadata"]["labels"]["os.modelarts/order.name"] == order
    cloud.clock.until(lambda: is_settled(get(cloud, id)), within="20m")
    assert (get(cloud, id)["spec"]["scope"], answered["status"]["phase"]) == (["Train"], "Running")
    assert get(cloud, id)["metadata"]["annotations"]["os.modelarts/description"] == "changed"


def test_an_order_that_fails_says_why(cloud):
    reply = cloud.post(POOLS, body_of(cloud, {"flavor": NPU, "count": 17}))
    wait(cloud, reply.json, 0, "failed")
    found = cloud.get(f"{ORDERS}?involvedName={reply.json['metadata']['name']}").json["items"]
    assert found[0]["failReason"] == f"17 nodes of {NPU} are wanted, 16 are left"


def test_a_pool_that_is_not_paid_in_advance_is_never_billed_as_one(cloud):
    annotations = get(cloud, create(cloud, body_of(cloud)))["metadata"]["annotations"]
    assert annotations.get("os.modelarts/billing.mode") != "1"


def test_a_pool_paid_in_advance_by_itself_is_made(cloud):
    body, period = body_of(cloud), {"mode": "billing.mode", "type": "period.type", "num": "period.num"}
    values = {"mode": "1", "type": "2", "num": "1"}
    body["metadata"]["annotations"] |= {f"os.modelarts/{name}": values[each] for each, name in period.items()}
    body["metadata"]["annotations"] |= {"os.modelarts/auto.pay": "1", "os.modelarts/auto.renew": "1"}
    assert get(cloud, create(cloud, body))["metadata"]["annotations"] == body["metadata"]["annotations"]


def test_a_deleted_pool_is_not_found(cloud):
    id = create(cloud, body_of(cloud))
    assert cloud.delete(f"{POOLS}/{id}").status == 200
    cloud.clock.advance("30m")
    assert refusal(cloud.get(f"{POOLS}/{id}")) == (404, "ModelArts.50015001")
