"""The life of an instance: waiting for room, running until its automatic stop; what a wrong state refuses."""

import math

from modelarts_emulator.behaviours.modelarts.notebooks.catalogue import claim_of, flavor_of
from modelarts_emulator.behaviours.modelarts.notebooks.life import missing_pool
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.capacity import ask, give_back
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, ends, rests, soon, until
from modelarts_emulator.frame.obs_paths import obs_path

CREATING_SECONDS, STARTING_SECONDS, STOPPING_SECONDS = 60, 30, 20
# How long a place that came free is kept for who waited for it.
RESERVED_SECONDS = 600
# What an action that the state does not allow is refused with; all else is ModelArts.6357.
REFUSALS = {
    ("start", "RUNNING"): "ModelArts.6305",
    ("start", "STARTING"): "ModelArts.6306",
    ("start", "RESTARTING"): "ModelArts.6306",
    ("start", "STOPPING"): "ModelArts.6308",
    ("stop", "STOPPED"): "ModelArts.6307",
    ("stop", "STOPPING"): "ModelArts.6308",
    ("restart", "STOPPED"): "ModelArts.6327",
    ("delete", "RUNNING"): "ModelArts.6304",
    ("delete", "RESTARTING"): "ModelArts.6304",
    ("delete", "STARTING"): "ModelArts.6304",
}


def refusal_of(state: str, action: str) -> ApiError:
    """What is answered to an action that the state does not allow."""
    return ApiError(
        REFUSALS.get((action, state), "ModelArts.6357"), f"the instance is {state}; {action} cannot be done"
    )


def end_of(failure: str):
    """A function (bound, instance) -> RUNNING, or the failure when bucket or pool are missing."""

    def end(bound, instance: dict) -> str:
        missing = missing_pool(bound, instance) or missing_bucket(bound, instance)
        instance["spec"]["failed_reasons"] = (
            {"code": "ModelArts.6320", "message": missing} if missing else None
        )
        return failure if missing else "RUNNING"

    return end


def missing_bucket(bound, instance: dict) -> str:
    """Which bucket the instance lacks; "" for none."""
    storage = instance["spec"]["storage"]
    if storage["type"] == "evs" or bound.world.obs.exists(bucket_of(storage)):
        return ""
    return f"The bucket of {storage['location']['path']} does not exist."


def bucket_of(storage: dict) -> str:
    """The bucket of a storage in OBS: of its path, or the one that the whole path is."""
    path = storage["location"]["path"]
    return obs_path(path).bucket if storage["type"] == "obs" else path.strip("/")


def seconds_left(bound, instance: dict) -> float:
    """How long the instance runs before it is stopped."""
    return max(0, instance.get("_stops", math.inf) - bound.world.clock.now())


LIFE = Lifecycle(
    born="CREATE_QUEUING",
    illegal=refusal_of,
    CREATE_QUEUING=rests(admit="CREATING", dequeue=GONE, delete=GONE),
    CREATING=soon(end_of("CREATE_FAILED"), after=CREATING_SECONDS, evict="CREATE_FAILED"),
    RUNNING=until(
        "STOPPING", seconds_left, stop="STOPPING", restart="RESTARTING", renew="RUNNING", evict="UNAVAILABLE"
    ),
    RESTARTING=soon("RUNNING", after=STARTING_SECONDS, evict="UNAVAILABLE"),
    UNAVAILABLE=rests(start="STARTING", stop="STOPPED", delete=GONE),
    STOPPING=soon("STOPPED", after=STOPPING_SECONDS),
    STOPPED=ends(start="STARTING", queue="START_QUEUING", delete=GONE),
    START_QUEUING=rests(admit="READY_TO_START", dequeue="STOPPED", delete=GONE),
    READY_TO_START=until("STOPPED", RESERVED_SECONDS, start="STARTING", dequeue="STOPPED", delete=GONE),
    STARTING=soon(end_of("START_FAILED"), after=STARTING_SECONDS, evict="START_FAILED"),
    CREATE_FAILED=rests(delete=GONE),
    START_FAILED=ends(start="STARTING", queue="START_QUEUING", delete=GONE),
)


@LIFE.entering(*LIFE.states)
def note_change(bound, instance: dict) -> None:
    """Keep when the instance changed last, and since when it is in its state."""
    instance["_since"] = bound.world.clock.now_ms()
    instance["latest_update_timestamp"] = str(instance["_since"])


@LIFE.entering("CREATE_QUEUING", "START_QUEUING", "STARTING")
def ask_for_room(bound, instance: dict) -> None:
    """Take what the instance needs, or a turn in the queue for it."""
    instance["_holds"] = ask(bound.world, bound.project_id, claim_of(bound, instance))


@LIFE.entering("CREATE_QUEUING", "STARTING")
def refuse_without_room(bound, instance: dict) -> None:
    """Who is new on a free flavor or in a pool waits; all others who find no room are refused."""
    is_new = "status" not in instance
    if not (instance["_holds"] or (is_new and ("pool" in instance or is_free(instance)))):
        code = "ModelArts.6329" if is_new else "ModelArts.6360"
        raise ApiError(code, f"nothing is left of flavor {instance['flavor']}")


def is_free(instance: dict) -> bool:
    """Whether the instance runs on a free flavor, for which one can queue."""
    flavor = flavor_of(instance["flavor"])
    return flavor is not None and flavor["free"]


@LIFE.entered("CREATE_QUEUING", "START_QUEUING")
def pass_queue(bound, instance: dict) -> None:
    """Who has room does not wait."""
    if instance["_holds"]:
        bound.act(instance, "admit")


@LIFE.entering("CREATING", "STARTING", "RESTARTING")
def count_anew(bound, instance: dict) -> None:
    """A run that begins has not counted its time yet."""
    instance.pop("_stops", None)


@LIFE.entering("RUNNING")
def begin_run(bound, instance: dict) -> None:
    """The automatic stop counts from the moment the instance runs, as it was asked for then."""
    auto_stop = instance["spec"]["auto_stop"]
    if auto_stop["enable"]:
        instance.setdefault("_stops", bound.world.clock.now() + auto_stop["duration"])
    else:
        instance.pop("_stops", None)


@LIFE.entering("UNAVAILABLE", "CREATE_FAILED", "START_FAILED")
def tell_eviction(bound, instance: dict) -> None:
    """Say what became of the node below an instance that has lost it."""
    if "_evicted" in instance:
        instance["spec"]["failed_reasons"] = {"code": "ModelArts.6333", "message": instance.pop("_evicted")}


@LIFE.entering("STOPPED", "UNAVAILABLE", "CREATE_FAILED", "START_FAILED", GONE)
def let_go(bound, instance: dict) -> None:
    """Give back what the instance held, or its turn; others that wait go on."""
    give_back(bound.world, bound.project_id, claim_of(bound, instance))
