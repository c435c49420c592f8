"""The life of a service: its models are set to work, answer, break, and are stopped."""

import math

from modelarts_emulator.behaviours.modelarts.models.models import MODELS
from modelarts_emulator.behaviours.modelarts.services.events import (
    BUILD_SECONDS,
    EVENTS,
    note_deployment,
    note_event,
)
from modelarts_emulator.behaviours.modelarts.workspaces.time_used import (
    count_time,
    quota_named,
    time_used,
    uses_time,
)
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.capacity import Claim, ask_anew, give_back
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, State, ends, soon
from modelarts_emulator.frame.messages import send
from modelarts_emulator.frame.resources import Resource, Unique
from modelarts_emulator.serving.batch import BatchRun
from modelarts_emulator.serving.fleet import fleet, refused

AREA = "modelarts/services"
DEPLOY_SECONDS, BATCH_SECONDS, RESTART_SECONDS = 60, 30, 5
UNITS = {"DAYS": 86400, "HOURS": 3600, "MINUTES": 60}
WORKING = ("running", "concerning")
WHILE_WORKING = {
    "stop": "stopping",
    "update": "deploying",
    "crash": "concerning",
    "evict": "deploying",
    "delete": GONE,
}
PRIORITY = 1


def key_of(service: dict, entry: dict) -> str:
    """Under which key of the fleet one model of a service is at work."""
    return f"{service['service_id']}/{entry['model_id']}"


def name_of(entry: dict) -> str:
    """The model version of an entry of config, as events name it."""
    return f"{entry['model_name']} {entry['model_version']}"


def at_work(bound, service: dict, entry: dict):
    """The model of one entry of config at work; begun again when the emulator has restarted meanwhile."""
    return fleet(bound.world, AREA).find(key_of(service, entry)) or begin_model(bound, service, entry)


def begin_model(bound, service: dict, entry: dict):
    """Set the model of one entry of config to work."""
    models, key = fleet(bound.world, AREA), key_of(service, entry)
    model = bound.beside(MODELS).get(entry["model_id"])
    if model is None:
        return models.keep(key, refused(f"model {entry['model_id']} does not exist any more"))
    count = entry.get("instance_count", 1)
    return models.begin(bound.world, key, model, entry.get("envs") or {}, service["_inference"], count)


def batch_run(bound, service: dict) -> BatchRun:
    """The run of a batch service; begun again when the emulator has restarted meanwhile."""
    models, key, entry = fleet(bound.world, AREA), f"{service['service_id']}/run", service["config"][0]
    return models.find(key) or models.keep(key, BatchRun(bound.world, at_work(bound, service, entry), entry))


def computes(service: dict) -> bool:
    """Whether the service runs models here; an edge service runs them on its nodes."""
    return service["infer_type"] != "edge"


def awaited(bound, service: dict):
    """What a due service waits for in real time: models that start, a batch that runs."""
    if not computes(service):
        return None
    if service["status"] == "running":
        return batch_run(bound, service).done if service["infer_type"] == "batch" else None
    if service["status"] not in ("deploying", "concerning"):
        return None
    starts = (at_work(bound, service, entry).started for entry in service["config"])
    return next((started for started in starts if not started.is_set()), None)


def failure_of(bound, service: dict, entry: dict) -> str | None:
    """Why the model of an entry does not work."""
    return at_work(bound, service, entry).failure if computes(service) else None


def failures_of(bound, service: dict) -> list[str | None]:
    """Why each model of a service does not work."""
    return [failure_of(bound, service, entry) for entry in service["config"]]


def lacks_instances(bound, service: dict) -> bool:
    """Whether an instance of a real-time service does not work, also while others do."""
    is_online = service["infer_type"] == "real-time"
    return is_online and any(at_work(bound, service, entry).fault for entry in service["config"])


def claim_of(bound, service: dict) -> Claim | None:
    """The cards of its pool that the instances of a service take, one where none is asked for; None outside pools."""
    if not service.get("pool_name") or not computes(service):
        return None
    cards = [cards_of(entry) for entry in service["config"] for _ in range(entry.get("instance_count", 1))]
    place, id = f"pool:{service['pool_name']}", service["service_id"]
    return Claim(place, sum(cards), PRIORITY, bound.table.name, id, len(cards))


def cards_of(entry: dict) -> int:
    """How many cards an instance of an entry of config takes."""
    custom = entry.get("custom_spec") or {}
    return max(1, math.ceil(custom.get("gpu_p4", 0)), custom.get("ascend_a310", 0))


def quota_of(service: dict) -> str:
    """Which quota of its workspace a service uses up while it works; cards of any of its models count as its own."""
    rows = [row["specification"] for row in fixture("modelarts/services/specifications")]
    cards = {row["specification"] for row in rows if row["category"] != "CPU"}
    custom = [entry.get("custom_spec") or {} for entry in service["config"]]
    on_cards = any(entry["specification"] in cards for entry in service["config"]) or any(
        each.get("gpu_p4") or each.get("ascend_a310") for each in custom
    )
    return quota_named("service", on_cards)


def deploy_seconds(bound, service: dict) -> float:
    """How long a deployment takes once its pool has room; one whose images cannot be built ends with that."""
    if not service["_holds"]:
        return math.inf
    return BUILD_SECONDS if all(failures_of(bound, service)) else DEPLOY_SECONDS


def after_deploying(bound, service: dict) -> str:
    """What a deployment ends in."""
    if all(failures_of(bound, service)):
        return "failed"
    return "concerning" if lacks_instances(bound, service) else "running"


def working_seconds(bound, service: dict) -> float:
    """How long a service works: until its auto stop, a batch until its files are done, else until stopped."""
    if service["infer_type"] == "batch":
        return BATCH_SECONDS / bound.world.pace
    if "due_time" not in service:
        return math.inf
    return max(0.0, service["due_time"] / 1000 - bound.world.clock.now())


def after_working(bound, service: dict) -> str:
    """What follows on working."""
    if service["infer_type"] != "batch":
        return "stopping"
    run = batch_run(bound, service)
    return "failed" if run.outcome is None or (run.outcome.failed and not run.outcome.done) else "finished"


def broken_seconds(bound, service: dict) -> float:
    """How long some models are broken: until they have been started again; for good when they cannot be."""
    if service["_restarting"]:
        return RESTART_SECONDS / bound.world.pace
    return working_seconds(bound, service)


def after_breaking(bound, service: dict) -> str:
    """What follows on some models being broken."""
    if not service["_restarting"]:
        return "stopping"
    service["_restarting"] = False
    return after_deploying(bound, service)


SERVICES = Resource(
    "modelarts/services/service",
    path_names=("service_id",),
    id_field="service_id",
    not_found="ModelArts.3502",
    refers={"pool": "pool_name"},
    writes=(
        "service_name", "infer_type", "workspace_id", "description", "pool_name", "cluster_id", "vpc_id",
        "subnet_network_id", "security_group_id", "load_balancer_policy", "priority", "schedule", "service_secrets",
        "additional_properties",
    ),
    unique=Unique("service_name", "ModelArts.3503"),
    by_age=(("publish_at",),),
    awaits=awaited,
    lifecycle=Lifecycle(
        born="deploying",
        illegal="ModelArts.3519",
        deploying=soon(
            after_deploying, after=deploy_seconds, admit="deploying", evict="deploying", delete=GONE
        ),
        running=State(after_working, working_seconds, exact=True, **WHILE_WORKING),
        concerning=State(after_breaking, broken_seconds, exact=True, **WHILE_WORKING),
        failed=ends(start="deploying", update="deploying", delete=GONE),
        stopping=soon("stopped", after=10, delete=GONE),
        stopped=ends(start="deploying", update="stopped", delete=GONE),
        finished=ends(start="deploying", update="finished", delete=GONE),
    ),
)  # fmt: skip
LIFE = SERVICES.lifecycle
# By which numbers a notification names what happens to a service.
NOTICES, PENDING = {"failed": 1, "running": 3, "concerning": 7}, 11
SERVICES.gone(EVENTS.forget)


@SERVICES.gone
def forget_models(bound, id: str) -> None:
    """No process and no counter of a service stays."""
    fleet(bound.world, AREA).forget(f"{id}/")


count_time(LIFE, WORKING, lambda bound, service: quota_of(service))
# An edge service works on nodes of its own.
uses_time(SERVICES, lambda bound, service: time_used(bound, service) if computes(service) else {})


@LIFE.entering(*LIFE.states)
def note_transition(bound, service):
    """When the service came into its state."""
    service["transition_at"] = service["operation_time"] = bound.world.clock.now_ms()


@LIFE.entering_each(*NOTICES)
def notify(bound, service: dict, state: str) -> None:
    """Tell a service's topic into which state it comes."""
    if service["status"] != state:
        send_notice(bound, service, NOTICES[state], f"service is {state}")


def send_notice(bound, service: dict, number: int, words: str) -> None:
    """Send a message to the topic of the service's notification if it names the number."""
    notification = service.get("additional_properties", {}).get("smn_notification") or {}
    if number in notification.get("events", ()):
        said = {"service_id": service["service_id"], "service_name": service["service_name"], "event": number}
        send(bound, AREA, notification["topic_urn"], words, {**said, "time": bound.world.clock.iso()})


@LIFE.entering("deploying")
def ask_for_room(bound, service):
    """Take the cards that the instances need, or wait for them; the events say why."""
    claim, lost = claim_of(bound, service), service.pop("_evicted", "")
    if lost:
        note_event(bound, service, f"{lost}, instances are rescheduled", is_normal=False)
    # A deployment that has waited for room, or begins anew on another node, is of the same configuration.
    service["_goes_on"] = bool(lost) or service.get("status") == "deploying"
    service["_holds"] = claim is None or ask_anew(bound.world, bound.project_id, claim)
    if not service["_holds"]:
        words = (
            f"schedule resource failed: {claim.amount} cards are needed, pool {service['pool_name']} is full"
        )
        note_event(bound, service, words, is_normal=False)
        send_notice(bound, service, PENDING, words)


@LIFE.entering("failed", "stopping", "finished", GONE)
def let_go(bound, service):
    """Give back what the instances held; others that wait for it go on."""
    claim = claim_of(bound, service)
    if claim is not None:
        give_back(bound.world, bound.project_id, claim)


@LIFE.entering("deploying")
def begin_deployment(bound, service):
    """The models are set to work; what cannot be built here is told by the events."""
    service["_deployment_began"] = bound.world.clock.now()
    service["_restarting"] = False
    for name in ("error_msg", "due_time", "finished_time", "start_time"):
        service.pop(name, None)
    turn_nodes(service, "notReady")
    fleet(bound.world, AREA).end_all(f"{service['service_id']}/")
    if not service["_holds"]:
        return
    refusals = {
        name_of(entry): begin_model(bound, service, entry).failure if computes(service) else None
        for entry in service["config"]
    }
    note_deployment(bound, service, refusals)


@LIFE.entering("running", "concerning")
def note_working(bound, service):
    """The address answers, the auto stop counts from here."""
    if service["_restarting"]:
        return
    service["_deployed"] = True
    for entry, failure in zip(service["config"], failures_of(bound, service), strict=True):
        entry["status"] = "notReady" if failure else "ready"
        outcome = f"start model failed: {failure}" if failure else "start model success"
        note_event(bound, service, f"[{name_of(entry)}] {outcome}", is_normal=not failure)
    if "due_time" not in service:
        plan_stop(bound.world, service)


def plan_stop(world, service: dict) -> None:
    """Note when the auto stop of a service that works comes, counted from now; nothing for one that has none."""
    service.pop("due_time", None)
    for row in service.get("schedule", [])[:1]:
        seconds = row["duration"] * UNITS[row["time_unit"]]
        service["due_time"] = int((world.clock.now() + seconds) * 1000)


@LIFE.entering("running")
def note_start(bound, service):
    """An edge service runs on its nodes; a batch begins with its inputs."""
    if service["infer_type"] == "batch":
        service["start_time"] = service["config"][0]["start_time"] = bound.world.clock.now_ms()
        note_event(bound, service, "batch prediction started")
    turn_nodes(service, "running")
    note_event(bound, service, "service is running")


def turn_nodes(service: dict, status: str) -> None:
    """The nodes of an edge service are all in one state; other services have none."""
    for node in service["config"][0].get("nodes", ()):
        node["instance_status"] = status


@LIFE.entered("running")
def begin_batch(bound, service):
    """The inputs of a batch are read from now on."""
    if service["infer_type"] == "batch":
        batch_run(bound, service)


@LIFE.entering("failed")
def note_failure(bound, service):
    """What went wrong is told by error_msg and an event."""
    reasons = [failure for failure in failures_of(bound, service) if failure]
    if not reasons:
        run = batch_run(bound, service)
        reasons = [run.refusal] if run.refusal else run.outcome.failed[:10]
    service["error_msg"] = "; ".join(reasons)
    for reason in reasons:
        note_event(bound, service, f"service failed: {reason}", is_normal=False)
    end_models(bound, service)


@LIFE.entering("finished")
def note_finish(bound, service):
    """How many inputs a batch has done."""
    if service["status"] != "running":
        return
    service["finished_time"] = service["config"][0]["finished_time"] = bound.world.clock.now_ms()
    outcome = batch_run(bound, service).outcome
    for words in outcome.failed[:10]:
        note_event(bound, service, f"prediction failed: {words}", is_normal=False)
    note_event(bound, service, f"batch prediction finished, {len(outcome.done)} inputs done")
    end_models(bound, service)


@LIFE.entering("stopping")
def stop_models(bound, service):
    """The models end at once; what a client then asks is refused."""
    service.pop("due_time", None)
    end_models(bound, service)
    note_event(bound, service, "stopping service")


@LIFE.entering("stopped")
def note_stop(bound, service):
    """Told once."""
    if service["status"] == "stopping":
        note_event(bound, service, "service is stopped")


def end_models(bound, service: dict) -> None:
    """Stop the models of a service and whatever it runs."""
    fleet(bound.world, AREA).end_all(f"{service['service_id']}/")
    for entry in service["config"]:
        entry["status"] = "notReady"
    turn_nodes(service, "stopped")


def note_crash(bound, service: dict, entry: dict, words: str) -> None:
    """The process of a model has ended by itself: it is started again, the service is concerning meanwhile."""
    words = f"[{name_of(entry)}] model instance failed, it is restarted: {words}"
    note_event(bound, service, words, is_normal=False)
    at_work(bound, service, entry).restart()
    entry["status"] = "concerning"
    service["_restarting"] = True
    bound.act(service, "crash")
