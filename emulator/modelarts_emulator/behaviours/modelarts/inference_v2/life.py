"""Services and deployments as records: the lives of deployments, and the state of a service that follows from
them.
"""

from collections import Counter
from math import ceil, inf

from modelarts_emulator.behaviours.modelarts.inference_v2.models import (
    begin_model,
    end_models,
    failure_of,
    model_at_work,
)
from modelarts_emulator.behaviours.modelarts.workspaces.time_used import (
    count_time,
    quota_named,
    time_used,
    uses_time,
)
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.capacity import Claim, ask_anew, change, give_back
from modelarts_emulator.frame.events import EventLog
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, ends, rests, soon, until
from modelarts_emulator.frame.resources import BelongsTo, Resource, Unique

DEPLOYING_SECONDS, PRIORITY = 120, 1
UPGRADE_STEP_SECONDS = 60
KEPT_SECONDS = 30 * 86400
MOST_ENDED = 128

SERVICES = Resource(
    "modelarts/inference-v2/service",
    path_names=("service_id", "id"),
    not_found="ModelArts.3502",
    unique=Unique("name", "ModelArts.3503"),
)
SERVICE_VERSIONS = Resource(
    "modelarts/inference-v2/service_version",
    path_names=("version_id",),
    not_found="ModelArts.0015",
    belongs_to=BelongsTo(SERVICES, "service_id"),
)
EVENTS = EventLog("modelarts/inference-v2/event", of=SERVICES, most=1000)


def claim_of(bound, deployment: dict) -> Claim | None:
    """The cards of its pool that a deployment's instances take, one where none is asked for; None outside pools."""
    config = deployment["_config"]
    if not config.get("pool_id"):
        return None
    cards = [card for unit in config.get("unit_configs") or [{}] for card in cards_of(unit)] * deployment[
        "count"
    ]
    place, id = f"pool:{config['pool_id']}", deployment["id"]
    return Claim(place, sum(cards), PRIORITY, bound.table.name, id, max(1, len(cards)))


def cards_of(unit: dict) -> list[int]:
    """How many cards each part of an instance takes that one of its units describes."""
    custom = unit.get("custom_spec") or {}
    cards = max(1, ceil(custom.get("gpu") or 0), custom.get("ascend") or 0)
    return [cards] * ((unit.get("count") or 1) * (unit.get("group_count") or 1))


def quota_of(config: dict) -> str:
    """Which quota of its workspace a deployment uses up while it runs."""
    cards = {
        flavor["id"] for flavor in fixture("modelarts/inference-v2/flavors") if flavor["category"] != "CPU"
    }
    units = config.get("unit_configs", ())
    custom = [unit.get("custom_spec") or {} for unit in units]
    on_cards = any(unit.get("flavor") in cards for unit in units) or any(
        each.get("gpu") or each.get("ascend") for each in custom
    )
    return quota_named("service", on_cards)


def seconds_of_deploying(bound, deployment: dict) -> float:
    """How long a deployment takes once its pool has room."""
    return DEPLOYING_SECONDS if deployment["_holds"] else inf


def after_deploying(bound, deployment: dict) -> str:
    """RUNNING, or FAILED when the model could not be started."""
    reason = failure_of(bound, deployment, deployment["version_id"])
    if reason is None:
        return "RUNNING"
    note_event(bound, deployment, "ABNORMAL", f"[{deployment['name']}] failed to deploy: {reason}")
    deployment["_failure"] = reason
    return "FAILED"


def after_step(bound, deployment: dict) -> str:
    """What follows a step of an upgrade: the next, or the deployment runs again."""
    upgrade = deployment["_upgrade"]
    upgrade["reason"] = failure_of(bound, deployment, upgrade["version_id"])
    done = all(row["version_id"] == upgrade["version_id"] for row in live_instances(deployment))
    return "RUNNING" if done or upgrade["reason"] is not None else "UPGRADING"


def after_interrupting(bound, deployment: dict) -> str:
    """An interrupted deployment is stopped, an interrupted upgrade leaves the old version running."""
    return "RUNNING" if "_upgrade" in deployment else "STOPPED"


def awaited(bound, deployment: dict):
    """The start of a model, without which neither a deployment nor a step of an upgrade can end."""
    starting = {"DEPLOYING": deployment, "CONCERNING": deployment, "UPGRADING": deployment.get("_upgrade")}
    what = starting.get(deployment["status"])
    return what and model_at_work(bound, deployment, what["version_id"]).started


DEPLOYMENTS = Resource(
    "modelarts/inference-v2/deployment",
    path_names=("deployment_id",),
    not_found="ModelArts.3535",
    refers={"pool": "_config.pool_id"},
    belongs_to=BelongsTo(SERVICES, "service_id"),
    awaits=awaited,
    lifecycle=Lifecycle(
        born="DEPLOYING",
        DEPLOYING=soon(
            after_deploying,
            seconds_of_deploying,
            stop="STOPPING",
            interrupt="INTERRUPTING",
            admit="DEPLOYING",
            evict="DEPLOYING",
        ),
        RUNNING=rests(
            stop="STOPPING", delete="DELETING", upgrade="UPGRADING", fault="CONCERNING", evict="DEPLOYING"
        ),
        UPGRADING=soon(after_step, UPGRADE_STEP_SECONDS, interrupt="INTERRUPTING", evict="DEPLOYING"),
        CONCERNING=soon("RUNNING", 60, stop="STOPPING", delete="DELETING", evict="DEPLOYING"),
        INTERRUPTING=soon(after_interrupting, 10),
        STOPPING=soon("STOPPED", 20),
        STOPPED=ends(start="DEPLOYING", delete="DELETING"),
        FAILED=ends(start="DEPLOYING", stop="STOPPING", delete="DELETING"),
        DELETING=soon("DELETED", 20),
        DELETED=until(GONE, KEPT_SECONDS),
    ),
)
VERSIONS = Resource(
    "modelarts/inference-v2/version",
    path_names=("version",),
    not_found="ModelArts.0015",
    by_age=(("create_at",), ("update_at",)),
    belongs_to=BelongsTo(DEPLOYMENTS, "deployment_id"),
)


WORKING = ("RUNNING", "UPGRADING", "CONCERNING")
count_time(DEPLOYMENTS.lifecycle, WORKING, lambda bound, deployment: quota_of(deployment["_config"]))


def time_of_service(bound, service: dict) -> dict[str, int]:
    """For how long the deployments of a service have run, by the quota that this uses up."""
    deployments = bound.beside(DEPLOYMENTS)
    used: Counter[str] = Counter()
    for deployment in deployments.having("service_id", service["id"]):
        used.update(time_used(deployments, deployment))
    return dict(used)


uses_time(SERVICES, time_of_service)


def deployments_of(bound, service_id: str) -> list[dict]:
    """The deployments of a service that are not deleted, oldest first."""
    found = bound.beside(DEPLOYMENTS).having("service_id", service_id)
    return [deployment for deployment in found if deployment["status"] != "DELETED"]


def live_instances(deployment: dict) -> list[dict]:
    """The instances of a deployment that are not deleted."""
    return [row for row in deployment["_instances"] if not row["deleted"]]


def new_instances(world, deployment: dict, version_id: str, count: int, seconds: float) -> None:
    """Add that many instances of a version, ready after so much simulated work."""
    now = world.clock.now()
    for _ in range(count):
        name = f"infer-{deployment['id'][:8]}-{world.new_hex(10)}"
        row = {"name": name, "version_id": version_id, "ready_at": now + seconds / world.pace, "pods": {}}
        deployment["_instances"].append(row | {"since": now, "deleted": False})


def end_instances(world, deployment: dict, instances: list[dict]) -> None:
    """Delete instances; what has ended longest ago is forgotten when there are many."""
    for row in instances:
        row |= {"deleted": True, "since": world.clock.now()}
    ended = [row for row in deployment["_instances"] if row["deleted"]]
    for row in ended[:-MOST_ENDED]:
        deployment["_instances"].remove(row)


def resize(bound, deployment: dict, count: int) -> bool:
    """Bring the number of instances to `count`, if the pool has room: new ones start, the youngest go first."""
    world, before = bound.world, deployment["count"]
    deployment["count"] = count
    claim = claim_of(bound, deployment)
    if claim is not None and not change(world, bound.project_id, claim):
        deployment["count"] = before
        return False
    live = live_instances(deployment)
    end_instances(world, deployment, live[count:])
    new_instances(world, deployment, deployment["version_id"], count - len(live), UPGRADE_STEP_SECONDS)
    return True


def share_of(count: int, share: str, up: bool) -> int:
    """So many percent of the instances, rounded up or down."""
    part = count * int(share.rstrip("%"))
    return -(-part // 100) if up else part // 100


@DEPLOYMENTS.lifecycle.entering("DEPLOYING")
def ask_for_room(bound, deployment: dict) -> None:
    """Take the cards that the instances need, or wait for them; the service's events say why."""
    claim, lost, name = claim_of(bound, deployment), deployment.pop("_evicted", ""), deployment["name"]
    if lost:
        deployment.pop("_upgrade", None)
        note_event(bound, deployment, "WARNING", f"[{name}] {lost}, instances are rescheduled")
    deployment["_holds"] = claim is None or ask_anew(bound.world, bound.project_id, claim)
    if not deployment["_holds"]:
        words = f"[{name}] needs {claim.amount} cards, pool {deployment['_config']['pool_id']} is full"
        note_event(bound, deployment, "WARNING", words)


@DEPLOYMENTS.lifecycle.entering("STOPPED", "DELETED", "FAILED", GONE)
def let_go(bound, deployment: dict) -> None:
    """Give back what the instances held; others that wait for it go on."""
    claim = claim_of(bound, deployment)
    if claim is not None:
        give_back(bound.world, bound.project_id, claim)


@DEPLOYMENTS.lifecycle.entering("DEPLOYING")
def place_instances(bound, deployment: dict) -> None:
    """All instances begin anew, once there is room."""
    end_instances(bound.world, deployment, live_instances(deployment))
    deployment.pop("_failure", None)
    if not deployment["_holds"]:
        return
    new_instances(bound.world, deployment, deployment["version_id"], deployment["count"], DEPLOYING_SECONDS)
    begin_model(bound, deployment, deployment["version_id"])


@DEPLOYMENTS.lifecycle.entering("UPGRADING")
def take_step(bound, deployment: dict) -> None:
    """Replace as many instances as max_surge and max_unavailable allow."""
    upgrade, count = deployment["_upgrade"], deployment["count"]
    surge = share_of(count, upgrade["max_surge"], up=True)
    unavailable = share_of(count, upgrade["max_unavailable"], up=False)
    live = live_instances(deployment)
    old = [row for row in live if row["version_id"] != upgrade["version_id"]]
    leaving = old[: max(0, len(live) - max(0, count - unavailable))]
    end_instances(bound.world, deployment, leaving)
    staying = len(live) - len(leaving)
    renewed = staying - (len(old) - len(leaving))
    coming = min(count - renewed, count + surge - staying)
    new_instances(bound.world, deployment, upgrade["version_id"], coming, UPGRADE_STEP_SECONDS)
    if not upgrade["begun"]:
        upgrade["begun"] = True
        begin_model(bound, deployment, upgrade["version_id"])


@DEPLOYMENTS.lifecycle.entering("RUNNING")
def settle_upgrade(bound, deployment: dict) -> None:
    """A finished upgrade is what runs from now on; one that failed or was interrupted leaves the old version."""
    upgrade = deployment.pop("_upgrade", None)
    if upgrade is None:
        return
    reason = upgrade["reason"]
    old, new = deployment["version_id"], upgrade["version_id"]
    kept, gone = (new, old) if reason is None else (old, new)
    if kept == new:
        set_version(deployment, bound.beside(VERSIONS).find(new))
    else:
        note_event(bound, deployment, "ABNORMAL", f"[{deployment['name']}] failed to upgrade: {reason}")
    leaving = [row for row in live_instances(deployment) if row["version_id"] != kept]
    end_instances(bound.world, deployment, leaving)
    missing = deployment["count"] - len(live_instances(deployment))
    new_instances(bound.world, deployment, kept, missing, UPGRADE_STEP_SECONDS)
    end_models(bound, deployment, gone)


def set_version(deployment: dict, version: dict) -> None:
    """Let a deployment be at a version."""
    deployment |= {"version": version["version"], "version_id": version["id"], "_config": version["config"]}


@DEPLOYMENTS.lifecycle.entering("STOPPED", "DELETED", "FAILED")
def free_instances(bound, deployment: dict) -> None:
    """Resources are given back."""
    deployment.pop("_upgrade", None)
    end_instances(bound.world, deployment, live_instances(deployment))
    end_models(bound, deployment)


@DEPLOYMENTS.lifecycle.entering("INTERRUPTING")
def note_interruption(bound, deployment: dict) -> None:
    """What an interrupted upgrade ends with."""
    if "_upgrade" in deployment:
        deployment["_upgrade"]["reason"] = "it was interrupted"


@DEPLOYMENTS.lifecycle.entering(*DEPLOYMENTS.lifecycle.states)
def note_change(bound, deployment: dict) -> None:
    """Note since when it is so."""
    deployment["update_at"] = bound.world.clock.now_ms()


@DEPLOYMENTS.lifecycle.entered("DELETED")
def forget_belongings(bound, deployment: dict) -> None:
    """Lists still show a deleted deployment for a while; its versions and rules are gone."""
    DEPLOYMENTS.let_belongings_go(bound, deployment["id"])


@DEPLOYMENTS.lifecycle.entered(*DEPLOYMENTS.lifecycle.states)
def tell_service(bound, deployment: dict) -> None:
    """An event of the service, and the service's own state."""
    kind = {"FAILED": "ABNORMAL", "CONCERNING": "WARNING"}.get(deployment["status"], "NORMAL")
    note_event(bound, deployment, kind, f"[{deployment['name']}] is {deployment['status']}")
    refresh_service(bound, deployment["service_id"])


def refresh_service(bound, service_id: str) -> None:
    """Let the service say what its deployments are; one that is being deleted goes with its last one."""
    services = bound.beside(SERVICES)
    service, left = services.get(service_id), deployments_of(bound, service_id)
    if service is None:
        return
    if service["status"] == "DELETING":
        if not left:
            services.drop(service)
        return
    status = state_of_service([row["status"] for row in left])
    if status != service["status"]:
        services.put(service | {"status": status, "update_at": bound.world.clock.now_ms()})


def state_of_service(states: list[str]) -> str:
    """The state of a service whose deployments are in these states."""
    if not states:
        return "INIT"
    if "UPGRADING" in states:
        return "UPGRADING"
    if "CONCERNING" in states or ("RUNNING" in states and "FAILED" in states):
        return "CONCERNING"
    for state in ("RUNNING", "DEPLOYING", "INTERRUPTING", "STOPPING", "DELETING", "FAILED"):
        if state in states:
            return {"INTERRUPTING": "DEPLOYING", "DELETING": "STOPPING"}.get(state, state)
    return "STOPPED"


def note_event(bound, deployment: dict, kind: str, words: str) -> None:
    """Add an event to the service of a deployment; one that repeats itself is counted."""
    now = bound.world.clock.now_ms()
    event = {"id": bound.world.new_uuid(), "service_id": deployment["service_id"], "create_at": now}
    event |= {"service_version_id": deployment["version_id"], "event_type": kind}
    event |= {"event_info": words, "event_info_cn": words}
    EVENTS.note_or_count(
        bound, deployment["service_id"], event, ("event_info",), "event_count", update_at=now
    )
