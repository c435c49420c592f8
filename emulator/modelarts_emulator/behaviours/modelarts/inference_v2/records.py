"""Services and deployments as records: the lives of deployments, and the state of a service that follows from
them.
"""

from modelarts_emulator.behaviours.modelarts.inference_v2.models import (
    awaited_model,
    begin_model,
    end_models,
    failure_of,
)
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon, until
from modelarts_emulator.frame.resources import Resource

DEPLOYING_SECONDS = 120
UPGRADE_STEP_SECONDS = 60
KEPT_SECONDS = 30 * 86400
DEFAULT_SHARE = "1%"
MOST_ENDED = 128

SERVICES = Resource(
    "modelarts/inference-v2/service",
    path_names=("service_id", "id"),
    not_found="ModelArts.3502",
)
SERVICE_VERSIONS = Resource("modelarts/inference-v2/service_version", not_found="ModelArts.0015")
VERSIONS = Resource("modelarts/inference-v2/version", not_found="ModelArts.0015")
EVENTS = Resource("modelarts/inference-v2/event", not_found="ModelArts.0015")


def after_deploying(bound, deployment: dict) -> str:
    """RUNNING, or FAILED when the model could not be started."""
    world = bound.world
    reason = failure_of(world, deployment, deployment["version_id"])
    if reason is None:
        return "RUNNING"
    note_event(world, deployment, "ABNORMAL", f"[{deployment['name']}] failed to deploy: {reason}")
    deployment["_failure"] = reason
    return "FAILED"


def after_step(bound, deployment: dict) -> str:
    """What follows a step of an upgrade: the next, or the deployment runs again."""
    world = bound.world
    upgrade = deployment["_upgrade"]
    upgrade["reason"] = failure_of(world, deployment, upgrade["version_id"])
    done = all(row["version_id"] == upgrade["version_id"] for row in live_instances(deployment))
    return "RUNNING" if done or upgrade["reason"] is not None else "UPGRADING"


def after_interrupting(bound, deployment: dict) -> str:
    """An interrupted deployment is stopped, an interrupted upgrade leaves the old version running."""
    return "RUNNING" if "_upgrade" in deployment else "STOPPED"


def awaited(bound, deployment: dict):
    """The start of a model, without which neither a deployment nor a step of an upgrade can end."""
    world = bound.world
    if deployment["status"] in ("DEPLOYING", "CONCERNING"):
        return awaited_model(world, deployment, deployment["version_id"])
    if deployment["status"] == "UPGRADING":
        return awaited_model(world, deployment, deployment["_upgrade"]["version_id"])
    return None


DEPLOYMENTS = Resource(
    "modelarts/inference-v2/deployment",
    path_names=("deployment_id",),
    not_found="ModelArts.3535",
    awaits=awaited,
    lifecycle=Lifecycle(
        born="DEPLOYING",
        DEPLOYING=soon(after_deploying, DEPLOYING_SECONDS, stop="STOPPING", interrupt="INTERRUPTING"),
        RUNNING=rests(stop="STOPPING", delete="DELETING", upgrade="UPGRADING", fault="CONCERNING"),
        UPGRADING=soon(after_step, UPGRADE_STEP_SECONDS, interrupt="INTERRUPTING"),
        CONCERNING=soon("RUNNING", 60, stop="STOPPING", delete="DELETING"),
        INTERRUPTING=soon(after_interrupting, 10),
        STOPPING=soon("STOPPED", 20),
        STOPPED=rests(start="DEPLOYING", delete="DELETING"),
        FAILED=rests(start="DEPLOYING", stop="STOPPING", delete="DELETING"),
        DELETING=soon("DELETED", 20),
        DELETED=until(GONE, KEPT_SECONDS),
    ),
)


def table_of(world, record: dict, resource: Resource):
    """The table of a kind in the project that the record belongs to."""
    return world.store.table(f"{resource.name}/{record['_project_id']}")


def deployments_of(world, service: dict) -> list[dict]:
    """The deployments of a service that are not deleted, oldest first."""
    table = table_of(world, service, DEPLOYMENTS)
    found = [table.find(id) for id in table.having("service_id", service["id"])]
    return sorted((row for row in found if row["status"] != "DELETED"), key=lambda row: row["create_at"])


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


def resize(world, deployment: dict, count: int) -> None:
    """Bring the number of instances to `count`: new ones start, the youngest go first."""
    deployment["count"] = count
    live = live_instances(deployment)
    end_instances(world, deployment, live[count:])
    new_instances(world, deployment, deployment["version_id"], count - len(live), UPGRADE_STEP_SECONDS)


def share_of(count: int, share: str, up: bool) -> int:
    """So many percent of the instances, rounded up or down."""
    part = count * int(share.rstrip("%"))
    return -(-part // 100) if up else part // 100


@DEPLOYMENTS.lifecycle.entering("DEPLOYING")
def place_instances(bound, deployment: dict) -> None:
    """All instances begin anew."""
    world = bound.world
    end_instances(world, deployment, live_instances(deployment))
    new_instances(world, deployment, deployment["version_id"], deployment["count"], DEPLOYING_SECONDS)
    deployment.pop("_failure", None)
    begin_model(world, deployment, deployment["version_id"])


@DEPLOYMENTS.lifecycle.entering("UPGRADING")
def take_step(bound, deployment: dict) -> None:
    """Replace as many instances as max_surge and max_unavailable allow."""
    world = bound.world
    upgrade, count = deployment["_upgrade"], deployment["count"]
    surge = share_of(count, upgrade["max_surge"], up=True)
    unavailable = share_of(count, upgrade["max_unavailable"], up=False)
    live = live_instances(deployment)
    old = [row for row in live if row["version_id"] != upgrade["version_id"]]
    leaving = old[: max(0, len(live) - max(0, count - unavailable))]
    end_instances(world, deployment, leaving)
    staying = len(live) - len(leaving)
    renewed = staying - (len(old) - len(leaving))
    coming = min(count - renewed, count + surge - staying)
    new_instances(world, deployment, upgrade["version_id"], coming, UPGRADE_STEP_SECONDS)
    if not upgrade["begun"]:
        upgrade["begun"] = True
        begin_model(world, deployment, upgrade["version_id"])


@DEPLOYMENTS.lifecycle.entering("RUNNING")
def settle_upgrade(bound, deployment: dict) -> None:
    """A finished upgrade is what runs from now on; one that failed or was interrupted leaves the old version."""
    world = bound.world
    upgrade = deployment.pop("_upgrade", None)
    if upgrade is None:
        return
    reason = upgrade["reason"]
    old, new = deployment["version_id"], upgrade["version_id"]
    kept, gone = (new, old) if reason is None else (old, new)
    if kept == new:
        version = table_of(world, deployment, VERSIONS).find(new)
        deployment |= {"version_id": new, "version": version["version"], "_config": version["config"]}
    else:
        note_event(world, deployment, "ABNORMAL", f"[{deployment['name']}] failed to upgrade: {reason}")
    end_instances(world, deployment, [row for row in live_instances(deployment) if row["version_id"] != kept])
    missing = deployment["count"] - len(live_instances(deployment))
    new_instances(world, deployment, kept, missing, UPGRADE_STEP_SECONDS)
    end_models(world, deployment, gone)


@DEPLOYMENTS.lifecycle.entering("STOPPED", "DELETED", "FAILED")
def free_instances(bound, deployment: dict) -> None:
    """Resources are given back."""
    world = bound.world
    deployment.pop("_upgrade", None)
    end_instances(world, deployment, live_instances(deployment))
    end_models(world, deployment)


@DEPLOYMENTS.lifecycle.entering("INTERRUPTING")
def note_interruption(bound, deployment: dict) -> None:
    """What an interrupted upgrade ends with."""
    if "_upgrade" in deployment:
        deployment["_upgrade"]["reason"] = "it was interrupted"


@DEPLOYMENTS.lifecycle.entering(*DEPLOYMENTS.lifecycle.states)
def note_change(bound, deployment: dict) -> None:
    """Note since when it is so."""
    world = bound.world
    deployment["update_at"] = world.clock.now_ms()


@DEPLOYMENTS.lifecycle.entered(*DEPLOYMENTS.lifecycle.states)
def tell_service(bound, deployment: dict) -> None:
    """An event of the service, and the service's own state."""
    world = bound.world
    kind = {"FAILED": "ABNORMAL", "CONCERNING": "WARNING"}.get(deployment["status"], "NORMAL")
    note_event(world, deployment, kind, f"[{deployment['name']}] is {deployment['status']}")
    refresh_service(world, deployment)


@DEPLOYMENTS.lifecycle.entering(GONE)
def forget_versions(bound, deployment: dict) -> None:
    """The versions of a deployment go with it."""
    world = bound.world
    versions = table_of(world, deployment, VERSIONS)
    for id in versions.having("deployment_id", deployment["id"]):
        versions.drop(id)


def refresh_service(world, deployment: dict) -> None:
    """Let the service say what its deployments are; one that is being deleted goes with its last one."""
    table = table_of(world, deployment, SERVICES)
    service = table.find(deployment["service_id"])
    if service is None:
        return
    left = deployments_of(world, service)
    if service["status"] == "DELETING":
        if not left:
            forget_service(world, service)
        return
    status = state_of_service([row["status"] for row in left])
    if status != service["status"]:
        table.put(service["id"], service | {"status": status, "update_at": world.clock.now_ms()})


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


def forget_service(world, service: dict) -> None:
    """Drop a service and all that is only about it."""
    for resource in (DEPLOYMENTS, SERVICE_VERSIONS, EVENTS):
        table = table_of(world, service, resource)
        for id in table.having("service_id", service["id"]):
            if resource is DEPLOYMENTS:
                forget_versions(DEPLOYMENTS.bound_to(world, table), table.find(id))
            table.drop(id)
    table_of(world, service, SERVICES).drop(service["id"])


def note_event(world, deployment: dict, kind: str, words: str) -> None:
    """Add an event to the service of a deployment; one that repeats itself is counted."""
    table, now = table_of(world, deployment, EVENTS), world.clock.now_ms()
    ids = table.having("service_id", deployment["service_id"])
    last = table.find(ids[-1]) if ids else None
    if last is not None and last["event_info"] == words:
        table.put(last["id"], last | {"event_count": last["event_count"] + 1, "update_at": now})
        return
    event = {"id": world.new_uuid(), "service_id": deployment["service_id"], "event_count": 1}
    event |= {"service_version_id": deployment["version_id"], "event_type": kind, "event_info": words}
    table.put(event["id"], event | {"event_info_cn": words, "create_at": now, "update_at": now})
