"""Orders: what was asked of a pool, and the nodes that came of it."""

from tests.behaviours.modelarts.pools.conftest import (
    NPU,
    ORDERS,
    POOLS,
    SOLD_OUT,
    create,
    running,
    scale,
    show,
)
from tests.conftest import refusal


def order_of(cloud, pool: str) -> str:
    """The name of the latest order of a pool."""
    return show(cloud, pool)["metadata"]["labels"]["os.modelarts/order.name"]


def orders(cloud, query: str = "") -> list[dict]:
    """The orders listed."""
    return cloud.get(f"{ORDERS}?limit=500{query}").json["items"]


def items(cloud, order: str) -> list[tuple[str, str]]:
    """(action, status) of what an order leads to."""
    return [(each["action"], each["status"]) for each in cloud.get(f"{ORDERS}/{order}").json["items"]]


def test_an_order_is_listed_at_once_and_done_when_the_pool_runs(cloud):
    pool = create(cloud, count=2)
    (order,) = orders(cloud, f"&involvedName={pool}")
    assert (order["orderName"], order["phase"], order["endTimestamp"]) == (
        order_of(cloud, pool),
        "processing",
        0,
    )
    assert items(cloud, order["orderName"]) == [("createNode", "processing")] * 2
    cloud.clock.advance("10m")
    (order,) = orders(cloud, f"&involvedName={pool}")
    assert (order["phase"], order["specCount"]) == ("successed", [{"flavor": NPU, "count": 2}])
    assert items(cloud, order["orderName"]) == [("createNode", "succeed")] * 2


def test_each_change_of_size_is_an_order_of_its_own(cloud):
    pool = running(cloud)
    first = order_of(cloud, pool)
    answered = scale(cloud, pool, 3).json["metadata"]["labels"]["os.modelarts/order.name"]
    cloud.clock.advance("10m")
    assert (answered, answered == first) == (order_of(cloud, pool), False)
    assert items(cloud, answered) == [("createNode", "succeed")] * 2
    scale(cloud, pool, 2)
    cloud.clock.advance("10m")
    assert items(cloud, order_of(cloud, pool)) == [("deleteNode", "succeed")]
    assert [each["operation"] for each in orders(cloud)] == ["apply", "modify", "modify"]


def test_an_order_that_fails_says_why(cloud):
    pool = create(cloud, flavor=SOLD_OUT)
    cloud.clock.advance("10m")
    (order,) = orders(cloud, "&phase=failed")
    assert (order["resourceName"], "are left" in order["failReason"]) == (pool, True)
    assert items(cloud, order["orderName"]) == [("createPool", "failed")]


def test_a_deletion_is_an_order_too(cloud):
    pool = running(cloud)
    cloud.delete(f"{POOLS}/{pool}")
    cloud.clock.advance("10m")
    assert [(each["operation"], each["phase"]) for each in orders(cloud)] == [
        ("apply", "successed"),
        ("delete", "successed"),
    ]


def test_orders_are_asked_for_by_time_and_forgotten_after_a_month(cloud):
    create(cloud)
    made = orders(cloud)[0]["creationTimestamp"]
    assert (len(orders(cloud, f"&since={made}")), len(orders(cloud, f"&since={made + 1}"))) == (1, 0)
    cloud.clock.advance("31d")
    assert orders(cloud) == []


def test_orders_of_what_does_not_exist_are_not_found(cloud):
    assert refusal(cloud.get(f"{ORDERS}/none")) == (404, "ModelArts.50015001")
    assert refusal(cloud.post(f"{POOLS}/none/orderid", {})) == (404, "ModelArts.50015001")


def test_an_order_id_is_for_a_pool_that_is_not_paid_by_month_yet(cloud):
    period = {
        "os.modelarts/billing.mode": "1",
        "os.modelarts/period.num": "1",
        "os.modelarts/period.type": "2",
    }
    assert len(cloud.post(f"{POOLS}/{create(cloud)}/orderid", {}).json["id"]) == 16
    paid = create(cloud, "pool-b", annotations=period)
    assert refusal(cloud.post(f"{POOLS}/{paid}/orderid", {})) == (400, "ModelArts.50004000")


def test_an_order_id_is_for_a_pool_of_the_workspace_that_one_says(cloud):
    path = f"{POOLS}/{running(cloud)}/orderid"
    assert refusal(cloud.post(f"{path}?workspaceId=elsewhere", {})) == (404, "ModelArts.50015001")
    assert refusal(cloud.post(path, {"actionType": "toOther"})) == (400, "ModelArts.50004000")
    assert cloud.post(f"{path}?workspaceId=0", {"actionType": "toPeriod"}).json["id"].startswith("CS")
