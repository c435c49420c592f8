"""Deployments of Pangu models: the catalogue, those that are there from the start, and the lives of all."""

from copy import deepcopy
from functools import cache

from modelarts_emulator.behaviours.maas.generation import Served, forget_compiled
from modelarts_emulator.behaviours.maas.models import limiter_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.frame.lifecycle import Lifecycle, ends, rests, soon
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.inference.language.latency import Engine
from modelarts_emulator.inference.language.servers import variables_in
from modelarts_emulator.inference.language.tuned import Tuned
from modelarts_emulator.worlds.world import derived, uuid_of

SERVING = ("running", "upgrading")
FULL, ROLLING = "full", "rolling"
MODEL_FACTS = ("kind", "context", "max_output", "units", "memory_gb", "precision", "dimensions", "model_id")
# Memory of one unit, an Ascend card.
GB_A_UNIT = 64
INT8_SPEED = 1.6
LEARNT = "pangu/models/lessons"
ENGINE_OPTIONS = tuple(Engine.__dataclass_fields__)


def after_upgrade_step(bound, deployment: dict) -> str:
    """What follows a step of an upgrade: the next instance, or the deployment runs again."""
    upgrade = deployment["upgrade"]
    is_whole = upgrade["type"] == FULL or len(upgrade["renewed"]) >= upgrade["instances"]
    return "running" if is_whole else "upgrading"


DEPLOYMENTS = Resource(
    "pangu/deployments/deployment",
    path_names=("deployment_id",),
    id_field="deployment_id",
    not_found="PANGU.3254",
    lifecycle=Lifecycle(
        born="initialising",
        illegal="PANGU.3259",
        initialising=soon("deploying", after=30, stop="stopping"),
        deploying=soon("running", after=240, stop="stopping"),
        running=rests(stop="stopping", upgrade="upgrading", modify="upgrading", scale="running"),
        upgrading=soon(after_upgrade_step, after=240),
        stopping=soon("stopped", after=20),
        stopped=ends(start="initialising", delete="deleted"),
        deleted=rests(),
    ),
)


@DEPLOYMENTS.lifecycle.entering("initialising", "running", "deleted", "stopped")
def note_state(bound, deployment: dict) -> None:
    """Note since when it is so; a finished upgrade becomes what is deployed."""
    deployment["updated_at"] = bound.world.clock.now_ms()
    upgrade = deployment.get("upgrade")
    if upgrade:
        for name in MODEL_FACTS:
            deployment.pop(name, None)
        deployment |= facts_of(upgrade["model"])
        deployment["instances"] = [upgrade["model"]] * upgrade["instances"]
        del deployment["upgrade"]
        deployment["started"] = bound.world.clock.iso()


@DEPLOYMENTS.lifecycle.entering("initialising")
def note_start(bound, deployment: dict) -> None:
    """A server that starts has compiled nothing yet."""
    deployment["started"] = bound.world.clock.iso()


@DEPLOYMENTS.lifecycle.entering("upgrading")
def renew_instance(bound, deployment: dict) -> None:
    """In a rolling upgrade: free what shrinks away, then renew one instance after the other."""
    upgrade = deployment["upgrade"]
    if upgrade["type"] == FULL:
        return
    instances, goal = deployment["instances"], upgrade["instances"]
    if not upgrade["begun"]:
        upgrade["begun"] = True
        del instances[goal:]
        return
    at = len(upgrade["renewed"])
    instances[at : at + 1] = [upgrade["model"]]
    upgrade["renewed"].append(at)


@DEPLOYMENTS.lifecycle.entering("deleted")
def forget_server(bound, deployment: dict) -> None:
    """What graph mode has compiled for a deployment goes with it."""
    forget_compiled(bound.world, deployment["deployment_id"])


@cache
def catalogue() -> dict:
    """{name: row} of the models that Pangu offers."""
    rows = fixture("pangu/models")
    return {row["model"]: {**row, "memory_gb": row["units"] * GB_A_UNIT} for row in rows}


def facts_of(model: dict) -> dict:
    """What a deployment takes from its model, whether of the catalogue or one's own."""
    suffix = derived("served", model["model"])[:6]
    base = model.get("serves") or model["model"].lower()
    return {
        "model": model["model"],
        "served_model": f"{base}_{suffix}",
        **{name: model[name] for name in MODEL_FACTS if name in model},
    }


def default_deployments() -> dict:
    """{id: deployment} of those that are there from the start: one a model; nothing of them is stored."""
    found = {}
    for row in catalogue().values():
        if not row.get("pretraining_only"):
            deployment = new_deployment(row["model"], row, 1)
            found[deployment["deployment_id"]] = deployment | {
                "status": "running",
                "started": "",
                "default": True,
            }
    return found


def new_deployment(name: str, model: dict, instances: int, id: str = "") -> dict:
    """A deployment's record but for its state."""
    return {
        "deployment_id": id or uuid_of(derived("deployment", name)),
        "name": name,
        **facts_of(model),
        "instances": [model] * instances,
        "description": "",
        "qps": None,
        "engine": {},
        "environment": {},
    }


@cache
def defaults() -> dict:
    """The default deployments, read once; hand out copies."""
    return default_deployments()


def table_of(world, project_id: str):
    """The deployments of a project that are not as they were from the start."""
    return world.store.table(f"{DEPLOYMENTS.name}/{project_id}")


def find_deployment(world, project_id: str, id: str) -> dict:
    """A copy of the deployment. PANGU.3254 when there has never been one with that id."""
    deployment = table_of(world, project_id).find(id) or deepcopy(defaults().get(id))
    if deployment is None:
        words = f"deployment {id[:80]} does not exist; GET /_emulator/pangu/deployments lists all"
        raise ApiError("PANGU.3254", words)
    return deployment


def deployments_in(world, project_id: str) -> list[dict]:
    """All deployments of a project that have not been deleted."""
    stored = {row["deployment_id"]: row for row in table_of(world, project_id)}
    found = {**deepcopy(defaults()), **stored}
    return [row for row in found.values() if row["status"] != "deleted"]


def deployment_called(call, *kinds: str) -> dict:
    """The running deployment that the path names, its request counted.

    PANGU.3254 when there is none, 3259 when it does not serve, 3306 when its model is of another kind, 3267 when it
    is asked more often than its limit says.
    """
    with call.world.transaction():
        deployment = find_deployment(call.world, call.project_id, call.path["deployment_id"])
        refuse_unfit(deployment, kinds)
        count_request(call.world, deployment)
        choose_instance(call.world, deployment)
    return deployment


def refuse_unfit(deployment: dict, kinds: tuple) -> None:
    """PANGU.3259 for a deployment that does not serve, PANGU.3306 for one of another kind."""
    id = deployment["deployment_id"]
    if deployment["status"] not in SERVING:
        raise ApiError("PANGU.3259", f"{id} is {deployment['status']}")
    if kinds and deployment["kind"] not in kinds:
        words = f"{id} serves {deployment['model']}, a model of kind {deployment['kind']}, not {' or '.join(kinds)}"
        raise ApiError("PANGU.3306", words)


def count_request(world, deployment: dict) -> None:
    """Count a request; PANGU.3267 when the deployment's limit a second is reached."""
    id, now = deployment["deployment_id"], world.clock.now()
    if limiter_of(world, id).admit(now, None, None, deployment["qps"]):
        words = f"{id} takes {deployment['qps']} requests a second"
        raise ApiError("PANGU.3267", words, headers={"Retry-After": "1"})


def choose_instance(world, deployment: dict) -> None:
    """While an upgrade goes on, let one instance after the other answer with the model it has."""
    if "upgrade" in deployment and deployment["upgrade"]["type"] == ROLLING:
        turns = world.volatile.setdefault("pangu/chat/turns", {})
        id = deployment["deployment_id"]
        turns[id] = turns.get(id, -1) + 1
        deployment.pop("model_id", None)
        deployment |= facts_of(deployment["instances"][turns[id] % len(deployment["instances"])])


def lessons_of(world, project_id: str, deployment: dict) -> Tuned | None:
    """What the model of a deployment has learnt from its training; None for one of the catalogue."""
    found = world.store.table(f"{LEARNT}/{project_id}").find(deployment.get("model_id", ""))
    return found and Tuned(found["pairs"], found["fit"])


def server_from(world, project_id: str, deployment: dict) -> Served:
    """The deployment as the machinery of generation wants it."""
    told = deployment["engine"] | variables_in(deployment.get("environment", {}))
    options = {name: value for name, value in told.items() if name in ENGINE_OPTIONS}
    id = deployment["deployment_id"]
    return Served(
        deployment["served_model"],
        id,
        deployment["context"],
        deployment["max_output"],
        Engine(**options),
        deployment["started"],
        ("PANGU.3342", None),
        INT8_SPEED if deployment.get("precision") == "INT8" else 1.0,
        lessons_of(world, project_id, deployment),
    )


def deployment_named(world, project_id: str, name: str) -> dict | None:
    """The serving NLP deployment whose id, name, model or served model is that."""
    wanted = name.lower()
    for row in deployments_in(world, project_id):
        names = (row["deployment_id"], row["name"], row["model"], row["served_model"])
        base = row["served_model"].rpartition("_")[0]
        if row["kind"] == "NLP" and row["status"] in SERVING and wanted in map(str.lower, (*names, base)):
            return row
    return None


def deployment_serving(world, project_id: str, name: str) -> Served | None:
    """The server of a deployment by one of its names; None when none is called that."""
    with world.lock:
        deployment = deployment_named(world, project_id, name)
        return None if deployment is None else server_from(world, project_id, deployment)
