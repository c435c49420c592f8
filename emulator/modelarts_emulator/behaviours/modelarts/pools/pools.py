"""Resource pools: Kubernetes-shaped, made and scaled by orders, and what may lie in them."""

from modelarts_emulator.behaviours.modelarts.events.pools import watch
from modelarts_emulator.behaviours.modelarts.orders import (
    LABEL,
    begin_order,
    finish_order,
    note_items,
    place_order,
)
from modelarts_emulator.behaviours.modelarts.pools import drivers, refusals, scaling, showing
from modelarts_emulator.behaviours.modelarts.pools.workloads import work_in
from modelarts_emulator.frame.documents import Document, new_name
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon, until
from modelarts_emulator.frame.references import users_of
from modelarts_emulator.frame.registry import behaviour, import_area
from modelarts_emulator.frame.resources import Resource

CREATING_SECONDS, SCALING_SECONDS, DELETING_SECONDS = 300, 180, 60
# The nodes of a logical pool are there already.
BINDING_SECONDS = 30
# What is left of a pool that could not be made is kept for three days.
KEPT_SECONDS = 3 * 24 * 3600
# The area that installs in a Running pool what it needs.
PLUGINS = "modelarts/plugins"
# What can be changed of the labels; the others are the cloud's, or given once.
OPEN_LABELS = ("os.modelarts/workspace.id", "os.modelarts/sharing")


def pool_name(call) -> str:
    """The generated name of a new pool, which begins with a letter."""
    label = call.body["metadata"]["labels"]["os.modelarts/name"]
    return new_name(call.world, label if label[0].isalpha() else f"pool{label}")


def is_unpaid(pool: dict) -> bool:
    """Whether somebody has to pay before the pool is made."""
    annotations = pool["metadata"]["annotations"]
    is_paid = (
        annotations.get("os.modelarts/auto.pay") in ("1", "true") or "os.modelarts/order.id" in annotations
    )
    return annotations.get("os.modelarts/billing.mode") == "1" and not is_paid


def after_ordering(bound, pool: dict) -> str:
    """What a pool is when its nodes have been ordered: Running, or failed when there are too few."""
    import_area(PLUGINS)
    shortage, is_new = pool.pop("_shortage"), pool["status"]["phase"] == "Creating"
    finish_order(bound, pool, shortage)
    if shortage:
        pool["status"]["message"] = shortage
        return "CreationFailed" if is_new else "ScalingFailed"
    if is_new:
        showing.turn_scopes(bound, pool)
    pool["status"].pop("message", None)
    return "Abnormal" if scaling.are_broken(bound, bound.id_of(pool)) else "Running"


def seconds_of_scaling(bound, pool: dict) -> float:
    """How long the nodes take that are ordered or go."""
    if "_shortage" not in pool:
        return float("inf")
    return BINDING_SECONDS if scaling.is_logical(pool) else SCALING_SECONDS


def seconds_of_creation(bound, pool: dict) -> float:
    """How long it takes until a pool has its nodes."""
    return BINDING_SECONDS if scaling.is_logical(pool) else CREATING_SECONDS


POOLS = Resource(
    "modelarts/pools/pool",
    path_names=("pool_name",),
    id_field="metadata.name",
    not_found="ModelArts.50015001",
    document=Document("Pool", pool_name, "v2"),
    refers={"network": "spec.network.name", "pool": "spec.parent"},
    lifecycle=Lifecycle(
        "Creating",
        field="status.phase",
        illegal="ModelArts.50004000",
        Waiting=rests(pay="Creating", delete=GONE),
        Creating=soon(after_ordering, after=seconds_of_creation, wait="Waiting", delete="Deleting"),
        Running=soon(
            after_ordering, after=seconds_of_scaling, scale="Running", suffer="Abnormal", delete="Deleting"
        ),
        Abnormal=rests(scale="Running", recover="Running", delete="Deleting"),
        ScalingFailed=rests(scale="Running", delete="Deleting"),
        CreationFailed=until(GONE, after=KEPT_SECONDS, delete="Deleting"),
        Error=rests(delete="Deleting"),
        Deleting=soon(GONE, after=DELETING_SECONDS),
    ),
).serves(create="CreatePool", show="ShowPool", patch="PatchPool", delete="DeletePool")


@POOLS.creating
def complete_pool(call, pool):
    """Refuse what cannot be made; add whose it is and the order it is made by."""
    bound, labels = POOLS.of(call), pool["metadata"]["labels"]
    refusals.refuse_bad_new_pool(bound, pool)
    labels |= {
        "os.modelarts/resource.id": call.world.new_uuid(),
        "os.modelarts/tenant.project.id": call.project_id,
        "os.modelarts/tenant.domain.id": call.caller.account_id,
        "os.modelarts.pool/biz": "private",
    }
    labels[LABEL] = place_order(bound, pool, "apply", [], "pending" if is_unpaid(pool) else "processing")
    pool["_created"] = call.world.clock.now_ms()
    if "parent" in pool["spec"]:
        pool["status"] |= {"parent": pool["spec"]["parent"], "root": pool["spec"]["parent"]}
    drivers.choose_drivers(bound, pool)


@POOLS.life.entered("Creating")
def wait_for_payment(bound, pool):
    """A pool that is paid in advance waits until it is; its nodes are made then."""
    if is_unpaid(pool):
        bound.act(pool, "wait")
    else:
        note_items(bound, pool, scaling.order_nodes(bound, pool))
        bound.put(pool)


def scale_pool(bound, pool, before, going=()):
    """Order what the pool lacks of its resources, and let go of what is too much, those in `going` first."""
    pool["metadata"]["labels"][LABEL] = place_order(
        bound, pool, "modify", before["spec"].get("resources", [])
    )
    note_items(bound, pool, scaling.order_nodes(bound, pool, going))
    bound.act(pool, "scale")


def resize_pool(call, pool, parts, going=()):
    """Give the pool other resources, as far as its state allows; going: nodes that go whatever runs on them."""
    bound, before = POOLS.of(call), POOLS.of(call).find(POOLS.id_of(pool))
    pool["spec"]["resources"] = parts
    refusals.refuse_bad_change(bound, pool, before, going)
    scaling.refresh_nodes(bound, pool)
    if scaling.wanted_in(pool["spec"]) != scaling.wanted_in(before["spec"]):
        scale_pool(bound, pool, before, going)
    return bound.put(pool)


@POOLS.updating
def change_pool(call, pool, before):
    """Pay, scale, turn job types on and off, change drivers, as far as the state allows."""
    bound, labels = POOLS.of(call), before["metadata"]["labels"].items()
    pool["metadata"]["labels"] |= {name: value for name, value in labels if name not in OPEN_LABELS}
    refusals.refuse_bad_change(bound, pool, before)
    if bound.state_of(pool) == "Waiting":
        if not is_unpaid(pool):
            begin_order(bound, pool)
            bound.act(pool, "pay")
        return
    drivers.choose_drivers(bound, pool)
    if "driver" in call.body.get("spec", {}):
        drivers.upgrade_nodes(bound, pool)
    showing.turn_scopes(bound, pool)
    scaling.refresh_nodes(bound, pool)
    if scaling.wanted_in(pool["spec"]) != scaling.wanted_in(before["spec"]):
        scale_pool(bound, pool, before)


@POOLS.deleting
def refuse_deleting_in_use(call, pool):
    """A pool stays as long as something waits or runs in it, or another pool lies in it."""
    bound, id = POOLS.of(call), pool["metadata"]["name"]
    for each in work_in(bound, id):
        refusals.refuse(f"{each['type']} {each['jobUUID']} is {each['status']} in pool {id}; end that first")
    for where, user in users_of(bound, id):
        if where.resource is POOLS:
            refusals.refuse(f"pool {user} lies in pool {id}; delete that first")
    if bound.state_of(pool) != "Deleting":
        finish_order(bound, pool, f"pool {id} was deleted")
        place_order(bound, pool, "delete", pool["spec"].get("resources", []))
        note_items(bound, pool, scaling.let_nodes_go(bound, pool, scaling.staying_in(bound, pool)))


@POOLS.life.entering(GONE)
def finish_deletion(bound, pool):
    """The order to delete it is done."""
    finish_order(bound, pool)


@POOLS.showing
def shown_pool(bound, pool):
    """The pool with its nodes, job types and drivers as they are now, and with how many logical pools lie in it."""
    if "_created" not in pool:
        return pool
    metadata, inside = pool["metadata"], len(bound.table.having("spec.parent", bound.id_of(pool)))
    if inside:
        annotations = metadata["annotations"] | {"os.modelarts.pool/subpools.count": str(inside)}
        metadata = {**metadata, "annotations": annotations}
    return {**pool, "metadata": metadata, "status": showing.status_of(bound, pool)}


@behaviour("RetryPoolScope")
def retry_pool_scope(call):
    """Enable a job type anew that could not be enabled."""
    bound, pool, wanted = POOLS.of(call), POOLS.find(call), call.body["scope"]
    states = {each["scopeType"]: each["state"] for each in showing.scopes_of(bound, pool)}
    if states.get(wanted) != "EnableFailed":
        state = states.get(wanted, "not one of the pool")
        refusals.refuse(f"pool {bound.id_of(pool)} scope {wanted} cannot be enabled: it is {state}")
    showing.turn_scopes(bound, pool, again=wanted)
    bound.put(pool)
    return {}


# Last, so that events count the nodes that entering a state has made.
watch(POOLS)
