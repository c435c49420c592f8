"""Orders: what was asked of a pool, and how far that is."""

from modelarts_emulator.behaviours.modelarts.capacity import POOL_NODES
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour, resource_of
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.worlds.clock import iso_of

POOLS = "modelarts/pools/pool"
LABEL = "os.modelarts/order.name"
OPEN = ("pending", "processing")
# The last month can be queried.
SHOWN_MS = 30 * 24 * 3600 * 1000
ORDERS = Resource(
    "modelarts/orders/order",
    path_names=("order_name",),
    id_field="orderName",
    not_found="ModelArts.50015001",
    by_age=(("creationTimestamp",),),
)


def place_order(bound, pool: dict, operation: str, before: list[dict], phase: str = "processing") -> str:
    """The name of a new order over what the pool wants now; `before`: what it had until now."""
    now, labels = bound.world.clock.now_ms(), pool["metadata"]["labels"]
    order = {
        "orderName": f"order-{bound.world.new_hex(32)}",
        "orderId": pool["metadata"]["annotations"].get("os.modelarts/order.id", ""),
        "operation": operation,
        "phase": phase,
        "resourceName": pool["metadata"]["name"],
        "resourceDisplayName": labels["os.modelarts/name"],
        "workspaceId": labels["os.modelarts/workspace.id"],
        "creationTimestamp": now,
        "beginTimestamp": now if phase == "processing" else 0,
        "endTimestamp": 0,
        "initCount": counts_in(before),
        "specCount": counts_in(pool["spec"].get("resources", [])),
        "_items": [],
    }
    return bound.beside(ORDERS).put(order)["orderName"]


def counts_in(resources: list[dict]) -> list[dict]:
    """How many nodes of what an order says."""
    names = ("flavor", "count", "maxCount", "azs")
    return [{name: each[name] for name in names if name in each} for each in resources]


def find_open_order(bound, pool: dict) -> dict | None:
    """The order of the pool that is not done; None when there is none."""
    orders = bound.beside(ORDERS).having("resourceName", pool["metadata"]["name"])
    return next((order for order in orders if order["phase"] in OPEN), None)


def begin_order(bound, pool: dict) -> None:
    """Begin with an order that had to be paid first."""
    order = find_open_order(bound, pool)
    order |= {"phase": "processing", "beginTimestamp": bound.world.clock.now_ms()}
    order["orderId"] = pool["metadata"]["annotations"].get("os.modelarts/order.id", "")
    bound.beside(ORDERS).put(order)


def note_items(bound, pool: dict, items: list[dict]) -> None:
    """Note which nodes are made and deleted for the open order of the pool."""
    bound.beside(ORDERS).put(find_open_order(bound, pool) | {"_items": items})


def finish_order(bound, pool: dict, failure: str = "") -> None:
    """End the open order of the pool, if there is one; failure: why it failed."""
    order = find_open_order(bound, pool)
    if order is None:
        return
    order |= {"phase": "failed" if failure else "successed", "endTimestamp": bound.world.clock.now_ms()}
    order["resultCount"] = order["initCount"] if failure else order["specCount"]
    bound.beside(ORDERS).put(order | ({"failReason": failure} if failure else {}))


@behaviour("ListOrders")
def list_orders(call):
    """A page of the orders of the last month, oldest first."""
    since, phase = call.world.clock.now_ms() - SHOWN_MS, call.query.get("phase")
    wanted = (phase, "processing" if phase == "running" else phase)
    return ORDERS.list(
        call,
        keep=lambda order: (
            order["creationTimestamp"] >= since and (phase is None or order["phase"] in wanted)
        ),
    )


@behaviour("ShowOrder")
def show_order(call):
    """What an order leads to, node by node, each as far as it is; the pool itself for an order without nodes."""
    order = ORDERS.find(call)
    action = {"apply": "createPool", "delete": "deletePool"}.get(order["operation"], "createNode")
    items = order["_items"] or [{"action": action, "resourceName": order["resourceName"]}]
    begun, ended = order["beginTimestamp"], order["endTimestamp"] or order["beginTimestamp"]
    facts = {"beginTimestamp": text_of(begun), "updateTimestamp": text_of(ended)}
    return list_rows(call, [item | facts | outcome_of(call, order, item) for item in items])


def outcome_of(call, order: dict, item: dict) -> dict:
    """How far one node of an order is."""
    if order["phase"] in ("pending", "failed"):
        status = "failed" if order["phase"] == "failed" else "processing"
        return {"status": status, "message": order.get("failReason", "")}
    node = call.records(POOL_NODES).find(item["resourceName"])
    is_made = node is not None and node["status"]["phase"] != "Creating"
    is_done = is_made if item["action"] == "createNode" else node is None
    return {"status": "succeed" if is_done or order["phase"] == "successed" else "processing", "message": ""}


def text_of(moment_ms: int) -> str:
    """A moment in the form that the items of an order have."""
    return iso_of(moment_ms / 1000, fraction=0)


@behaviour("CreateOrderId")
def create_order_id(call):
    """An order id to pay a pay-per-use pool by month or year; the pool changes when it is patched with it."""
    pool = resource_of(POOLS).find(call, call.path["name"])
    if pool["metadata"]["annotations"].get("os.modelarts/billing.mode") == "1":
        raise ApiError("ModelArts.50004000", f"pool {call.path['name']} is paid by month or year already")
    return {"id": f"CS{call.world.random.randrange(10**14):014d}"}
