"""The life of a service: its models are set to work, answer, break, and are stopped."""

import math

from modelarts_emulator.behaviours.modelarts.services.events import (
    BUILD_SECONDS,
    begin_update,
    end_update,
    forget_logs,
    note_deployment,
    note_event,
)
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, State, rests, soon
from modelarts_emulator.frame.registry import resource_of
from modelarts_emulator.serving.batch import BatchRun
from modelarts_emulator.serving.fleet import fleet, refused

AREA = "modelarts/services"
SERVICES_TABLE = "modelarts/services/service"
ADDRESSES = "emulator/serving/address"
MODELS_TABLE = "modelarts/models/model"
DEPLOY_SECONDS, BATCH_SECONDS, RESTART_SECONDS = 60, 30, 5
UNITS = {"DAYS": 86400, "HOURS": 3600, "MINUTES": 60}


def key_of(service: dict, entry: dict) -> str:
    """Under which key of the fleet one model of a service is at work."""
    return f"{service['service_id']}/{entry['model_id']}"


def at_work(world, service: dict, entry: dict):
    """The model of one entry of config at work; begun again when the emulator has restarted meanwhile."""
    key = key_of(service, entry)
    return fleet(world, AREA).find(key) or begin_model(world, service, entry)


def begin_model(world, service: dict, entry: dict):
    """Set the model of one entry of config to work."""
    model = world.store.table(f"{MODELS_TABLE}/{service['project']}").find(entry["model_id"])
    if model is None:
        words = f"model {entry['model_id']} does not exist any more"
        return fleet(world, AREA).keep(key_of(service, entry), refused(words))
    envs = entry.get("envs") or {}
    return fleet(world, AREA).begin(world, key_of(service, entry), model, envs, service["_inference"])


def batch_run(world, service: dict) -> BatchRun:
    """The run of a batch service; begun again when the emulator has restarted meanwhile."""
    key, entry = f"{service['service_id']}/run", service["config"][0]
    return fleet(world, AREA).find(key) or fleet(world, AREA).keep(
        key, BatchRun(world, at_work(world, service, entry), entry)
    )


def computes(service: dict) -> bool:
    """Whether the service runs models here; an edge service runs them on its nodes."""
    return service["infer_type"] != "edge"


def awaited(bound, service: dict):
    """What a due service waits for in real time: models that start, a batch that runs."""
    world = bound.world
    if not computes(service):
        return None
    if service["status"] == "running":
        return batch_run(world, service).done if service["infer_type"] == "batch" else None
    if service["status"] not in ("deploying", "concerning"):
        return None
    for entry in service["config"]:
        started = at_work(world, service, entry).started
        if not started.is_set():
            return started
    return None


def deploy_seconds(bound, service: dict) -> float:
    """How long a deployment takes; one whose images cannot be built ends with that."""
    world = bound.world
    refused = [failure_of(world, service, entry) for entry in service["config"]]
    return BUILD_SECONDS if all(refused) else DEPLOY_SECONDS


def failure_of(world, service: dict, entry: dict) -> str | None:
    """Why the model of an entry does not work."""
    return at_work(world, service, entry).failure if computes(service) else None


def deployed(bound, service: dict) -> str:
    """What a deployment ends in."""
    world = bound.world
    failures = [failure_of(world, service, entry) for entry in service["config"]]
    if all(failures):
        return "failed"
    return "concerning" if any(failures) else "running"


def working_seconds(bound, service: dict) -> float:
    """How long a service works: until its auto stop, a batch until its files are done, else until stopped."""
    world = bound.world
    if service["infer_type"] == "batch":
        return BATCH_SECONDS / world.pace
    if "due_time" not in service:
        return math.inf
    return max(0.0, service["due_time"] / 1000 - world.clock.now())


def worked(bound, service: dict) -> str:
    """What follows on working."""
    world = bound.world
    if service["infer_type"] != "batch":
        return "stopping"
    run = batch_run(world, service)
    return "failed" if run.outcome is None or (run.outcome.failed and not run.outcome.done) else "finished"


def broken_seconds(bound, service: dict) -> float:
    """How long some models are broken: until they have been started again; for good when they cannot be."""
    world = bound.world
    if service["_restarting"]:
        return RESTART_SECONDS / world.pace
    return working_seconds(bound, service)


def mended(bound, service: dict) -> str:
    """What follows on some models being broken."""
    if not service["_restarting"]:
        return "stopping"
    service["_restarting"] = False
    return deployed(bound, service)


LIFE = Lifecycle(
    born="deploying",
    illegal="ModelArts.3519",
    deploying=soon(deployed, after=deploy_seconds, delete=GONE),
    running=State(
        worked,
        working_seconds,
        exact=True,
        stop="stopping",
        update="deploying",
        crash="concerning",
        delete=GONE,
    ),
    concerning=State(
        mended,
        broken_seconds,
        exact=True,
        stop="stopping",
        update="deploying",
        crash="concerning",
        delete=GONE,
    ),
    failed=rests(start="deploying", update="deploying", delete=GONE),
    stopping=soon("stopped", after=10, delete=GONE),
    stopped=rests(start="deploying", update="stopped", delete=GONE),
    finished=rests(start="deploying", update="finished", delete=GONE),
)


@LIFE.entering(*LIFE.states)
def note_transition(bound, service):
    """When the service came into its state."""
    world = bound.world
    service["transition_at"] = service["operation_time"] = world.clock.now_ms()


@LIFE.entering("deploying")
def begin_deployment(bound, service):
    """The models are set to work; what cannot be built here is told by the events."""
    world = bound.world
    service["_deployment_began"] = world.clock.now()
    service["_restarting"] = False
    for name in ("error_msg", "due_time", "finished_time", "start_time"):
        service.pop(name, None)
    fleet(world, AREA).end_all(f"{service['service_id']}/")
    refusals = {}
    for entry in service["config"]:
        refusal = begin_model(world, service, entry).failure if computes(service) else None
        refusals[f"{entry['model_name']} {entry['model_version']}"] = refusal
    begin_update(world, service, [logged(entry) for entry in service["config"]])
    note_deployment(world, service, refusals)


@LIFE.entering("running", "concerning")
def note_working(bound, service):
    """The address answers, the auto stop counts from here."""
    world = bound.world
    if service["_restarting"]:
        return
    service["_deployed"] = True
    failures = [failure_of(world, service, entry) for entry in service["config"]]
    for entry, failure in zip(service["config"], failures, strict=True):
        model = f"{entry['model_name']} {entry['model_version']}"
        entry["status"] = "notReady" if failure else "ready"
        words = f"[{model}] start model failed: {failure}" if failure else f"[{model}] start model success"
        note_event(world, service, words, normal=not failure)
    end_update(world, service, succeeded=True)
    for row in service.get("schedule", [])[:1]:
        if "due_time" not in service:
            seconds = row["duration"] * UNITS[row["time_unit"]]
            service["due_time"] = int((world.clock.now() + seconds) * 1000)


@LIFE.entering("running")
def note_start(bound, service):
    """An edge service runs on its nodes; a batch begins with its inputs."""
    world = bound.world
    if service["infer_type"] == "batch":
        service["start_time"] = service["config"][0]["start_time"] = world.clock.now_ms()
        note_event(world, service, "batch prediction started")
    if service["infer_type"] == "edge":
        for node in service["config"][0]["nodes"]:
            node["instance_status"] = "running"
    note_event(world, service, "service is running")


@LIFE.entered("running")
def begin_batch(bound, service):
    """The inputs of a batch are read from now on."""
    world = bound.world
    if service["infer_type"] == "batch":
        batch_run(world, service)


@LIFE.entering("failed")
def note_failure(bound, service):
    """What went wrong is told by error_msg and an event."""
    world = bound.world
    reasons = [failure for entry in service["config"] if (failure := failure_of(world, service, entry))]
    if not reasons:
        run = batch_run(world, service)
        reasons = [run.refusal] if run.refusal else run.outcome.failed[:10]
    service["error_msg"] = "; ".join(reasons)
    for reason in reasons:
        note_event(world, service, f"service failed: {reason}", normal=False)
    end_update(world, service, succeeded=False)
    end_models(world, service)


@LIFE.entering("finished")
def note_finish(bound, service):
    """How many inputs a batch has done."""
    world = bound.world
    if service["status"] != "running":
        return
    service["finished_time"] = service["config"][0]["finished_time"] = world.clock.now_ms()
    outcome = batch_run(world, service).outcome
    for words in outcome.failed[:10]:
        note_event(world, service, f"prediction failed: {words}", normal=False)
    note_event(world, service, f"batch prediction finished, {len(outcome.done)} inputs done")
    end_models(world, service)


@LIFE.entering("stopping")
def stop_models(bound, service):
    """The models end at once; what a client then asks is refused."""
    world = bound.world
    service.pop("due_time", None)
    end_models(world, service)
    note_event(world, service, "stopping service")


@LIFE.entering("stopped")
def note_stop(bound, service):
    """Told once."""
    world = bound.world
    if service["status"] == "stopping":
        note_event(world, service, "service is stopped")


@LIFE.entering(GONE)
def forget_service(bound, service):
    """Nothing of the service stays: no process, address, event or counter."""
    world = bound.world
    fleet(world, AREA).forget(f"{service['service_id']}/")
    world.store.table(ADDRESSES).drop(service["service_id"])
    forget_logs(world, service)


def end_models(world, service: dict) -> None:
    """Stop the models of a service and whatever it runs."""
    fleet(world, AREA).end_all(f"{service['service_id']}/")
    for entry in service["config"]:
        entry["status"] = "notReady"


def logged(entry: dict) -> dict:
    """One entry of config as the history of updates keeps it."""
    names = (
        "model_id", "model_name", "model_version", "specification", "weight", "instance_count", "envs",
        "custom_spec", "cluster_id", "additional_properties",
    )  # fmt: skip
    return {name: entry[name] for name in names if name in entry}


def note_crash(world, service: dict, entry: dict, words: str) -> None:
    """The process of a model has ended by itself: it is started again, the service is concerning meanwhile."""
    model = f"{entry['model_name']} {entry['model_version']}"
    note_event(world, service, f"[{model}] model instance failed, it is restarted: {words}", normal=False)
    at_work(world, service, entry).restart()
    entry["status"] = "concerning"
    service["_restarting"] = True
    table = world.store.table(f"{SERVICES_TABLE}/{service['project']}")
    resource_of(SERVICES_TABLE).bound_to(world, table).act(service, "crash")
