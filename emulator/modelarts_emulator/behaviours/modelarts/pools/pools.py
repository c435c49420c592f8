"""Resource pools: Kubernetes-shaped, made and scaled by orders, and what may lie in them."""

from modelarts_emulator.behaviours.modelarts.events.pools import watch
from modelarts_emulator.behaviours.modelarts.orders import LABEL, begin_order, finish_order, place_order
from modelarts_emulator.behaviours.modelarts.pools import nodes, refusals, showing
from modelarts_emulator.behaviours.modelarts.pools.workloads import work_in
from modelarts_emulator.frame.capacity import admit_waiting
from modelarts_emulator.frame.documents import Document, new_name
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon, until
from modelarts_emulator.frame.references import users_of
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

CREATING_SECONDS, SCALING_SECONDS, DELETING_SECONDS = 300, 180, 60
# What is left of a pool that could not be made is kept for three days.
KEPT_SECONDS = 3 * 24 * 3600
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
    shortage, is_new = nodes.words_of_shortage(bound, pool), pool["status"]["phase"] == "Creating"
    if shortage:
        pool["status"]["message"] = shortage
        finish_order(bound, pool, [], shortage)
        return "CreationFailed" if is_new else "ScalingFailed"
    finish_order(bound, pool, nodes.settle_nodes(bound, pool))
    if is_new:
        showing.turn_scopes(bound, pool)
    pool["status"].pop("message", None)
    return "Running"


def seconds_of_scaling(bound, pool: dict) -> float:
    """How long the nodes take that the pool lacks or has too many of."""
    return SCALING_SECONDS if nodes.wanted_in(pool["spec"]) != nodes.there_in(pool) else float("inf")


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
        Creating=soon(after_ordering, after=CREATING_SECONDS, wait="Waiting", delete="Deleting"),
        Running=soon(after_ordering, after=seconds_of_scaling, scale="Running", delete="Deleting"),
        Abnormal=rests(scale="Running", delete="Deleting"),
        ScalingFailed=rests(scale="Running", delete="Deleting"),
        CreationFailed=until(GONE, after=KEPT_SECONDS, delete="Deleting"),
        Error=rests(delete="Deleting"),
        Deleting=soon(GONE, after=DELETING_SECONDS),
    ),
).serves(create="CreatePool", show="ShowPool", patch="PatchPool", delete="DeletePool")
watch(POOLS)


@POOLS.creating
def complete_pool(call, pool):
    """Refuse what cannot be made; add whose it is and the order it is made by."""
    bound, labels = POOLS.of(call), pool["metadata"]["labels"]
    refusals.refuse_bad_new_pool(bound, pool)
    labels |= {
        "os.modelarts/resource.id": call.world.new_uuid(),
        "os.modelarts/tenant.project.id": call.project_id,
        "os.modelarts/tenant.domain.id": call.caller.account_id,
    }
    labels[LABEL] = place_order(bound, pool, "apply", [], "pending" if is_unpaid(pool) else "processing")
    pool |= {"_nodes": [], "_created": call.world.clock.now_ms()}
    if "parent" in pool["spec"]:
        pool["status"] |= {"parent": pool["spec"]["parent"], "root": pool["spec"]["parent"]}
    showing.update_drivers(bound, pool)


@POOLS.life.entered("Creating")
def wait_for_payment(bound, pool):
    """A pool that is paid in advance waits until it is."""
    if is_unpaid(pool):
        bound.act(pool, "wait")


@POOLS.life.entered("Running")
def admit_who_waits(bound, pool):
    """New nodes take who waits for room."""
    admit_waiting(bound.world, bound.project_id, f"pool:{bound.id_of(pool)}")


@POOLS.updating
def change_pool(call, pool, before):
    """Pay, scale, turn job types on and off, change drivers, as far as the state allows."""
    bound, labels = POOLS.of(call), before["metadata"]["labels"].items()
    pool["metadata"]["labels"] |= {name: value for name, value in labels if name not in OPEN_LABELS}
    refusals.refuse_bad_change(call, bound, pool, before)
    if bound.state_of(pool) == "Waiting":
        if not is_unpaid(pool):
            begin_order(bound, pool)
            bound.act(pool, "pay")
        return
    showing.update_drivers(bound, pool)
    showing.turn_scopes(bound, pool)
    if nodes.wanted_in(pool["spec"]) != nodes.wanted_in(before["spec"]):
        resources = before["spec"]["resources"]
        pool["metadata"]["labels"][LABEL] = place_order(bound, pool, "modify", resources)
        bound.act(pool, "scale")


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
        finish_order(bound, pool, [], f"pool {id} was deleted")
        place_order(bound, pool, "delete", pool["spec"].get("resources", []))


@POOLS.life.entering(GONE)
def finish_deletion(bound, pool):
    """The order to delete it is done."""
    names = [node["name"] for node in pool.get("_nodes", ())]
    finish_order(bound, pool, [("deleteNode", name) for name in names])


@POOLS.showing
def shown_pool(bound, pool):
    """The pool with its nodes, job types and drivers as they are now."""
    return {**pool, "status": showing.status_of(bound, pool)} if "_nodes" in pool else pool


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
