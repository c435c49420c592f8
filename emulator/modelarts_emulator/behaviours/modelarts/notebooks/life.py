"""The life of a notebook: its states, the steps of its creation, and what happens on entering them.

DELETE_FAILED and FROZEN are what the cloud's own trouble brings about; nothing a caller does leads there. ERROR is what
a notebook comes to whose node goes.
"""

import math

from modelarts_emulator.behaviours.modelarts.capacity import POOLS
from modelarts_emulator.behaviours.modelarts.notebooks.catalogue import claim_of, image_of, quota_of
from modelarts_emulator.behaviours.modelarts.workspaces.time_used import count_time
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.capacity import ask, give_back
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, ends, rests, soon, until
from modelarts_emulator.frame.obs_paths import obs_path

STORAGE, COMPUTE, NETWORK, INITIALISATION = 1, 2, 3, 4
STEP_SECONDS = {STORAGE: 10, COMPUTE: 15, NETWORK: 10, INITIALISATION: 25}
START_SECONDS = 30
IN_BUCKETS = ("OBS", "OBSFS")


def missing_bucket(bound, notebook: dict) -> str:
    """Which bucket of its volumes the notebook lacks; "" for none."""
    for volume in (notebook["volume"], *notebook["_data_volumes"]):
        if volume["category"] in IN_BUCKETS and not bound.world.obs.exists(obs_path(volume["uri"]).bucket):
            return f"The bucket of {volume['uri']} does not exist."
    return ""


def missing_pool(bound, notebook: dict) -> str:
    """That the pool of the notebook is gone; "" when it is there or none is needed."""
    id = notebook["pool"]["id"] if "pool" in notebook else None
    return "" if id is None or id in bound.records(POOLS) else f"Resource pool {id} does not exist any more."


def missing_image(bound, notebook: dict) -> str:
    """That the image cannot be pulled; "" when it can."""
    image = image_of(bound, notebook["image"]["id"])
    is_there = image is not None and image["status"] == "ACTIVE"
    return "" if is_there else f"Image {notebook['image']['swr_path']} is gone or not ACTIVE."


TROUBLES = {STORAGE: missing_bucket, COMPUTE: missing_pool, INITIALISATION: missing_image}


def note_trouble(bound, notebook: dict, *steps: int) -> bool:
    """Whether something keeps the notebook from passing these steps; it is kept in its fail_reason."""
    reasons = filter(None, (TROUBLES[step](bound, notebook) for step in steps if step in TROUBLES))
    notebook["fail_reason"] = next(reasons, "")
    return bool(notebook["fail_reason"] or notebook.pop("fail_reason"))


def end_of_step(bound, notebook: dict) -> str:
    """What follows a step of the creation: the next one, failure, or a notebook that runs."""
    if note_trouble(bound, notebook, notebook["_step"]):
        return "CREATE_FAILED"
    if notebook["_step"] == INITIALISATION:
        return "RUNNING"
    notebook["_step"] += 1
    return "CREATING"


def end_of_start(bound, notebook: dict) -> str:
    """What starting comes to: it needs what creating needed."""
    return "START_FAILED" if note_trouble(bound, notebook, *TROUBLES) else "RUNNING"


def seconds_of_start(bound, notebook: dict) -> float:
    """How long starting takes; a notebook that waits for its pool starts when that has room."""
    return START_SECONDS if notebook["_holds"] else math.inf


def state_without_node(bound, notebook: dict) -> str:
    """A notebook whose node goes breaks off what it does; what was not stored on its volume is lost."""
    notebook["fail_reason"] = notebook.pop("_evicted")
    return {"CREATING": "CREATE_FAILED", "STARTING": "START_FAILED"}.get(notebook["status"], "ERROR")


def seconds_left(bound, notebook: dict) -> float:
    """How long the notebook runs before its lease stops it."""
    lease = notebook["lease"]
    end = lease["create_at"] + lease["duration"] if lease["enable"] else math.inf
    return max(0, end / 1000 - bound.world.clock.now())


LIFE = Lifecycle(
    born="INIT",
    illegal="ModelArts.6357",
    INIT=rests(admit="CREATING", delete="DELETING"),
    CREATING=soon(
        end_of_step,
        after=lambda bound, notebook: STEP_SECONDS[notebook["_step"]],
        delete="DELETING",
        evict=state_without_node,
    ),
    RUNNING=until(
        "STOPPING",
        seconds_left,
        stop="STOPPING",
        renew="RUNNING",
        snapshot="SNAPSHOTTING",
        delete="DELETING",
        evict=state_without_node,
    ),
    SNAPSHOTTING=soon("RUNNING", after=120, evict=state_without_node),
    STOPPING=soon("STOPPED", after=20),
    STOPPED=ends(start="STARTING", delete="DELETING"),
    STARTING=soon(
        end_of_start, after=seconds_of_start, admit="STARTING", delete="DELETING", evict=state_without_node
    ),
    DELETING=soon(GONE, after=10),
    CREATE_FAILED=rests(delete="DELETING"),
    START_FAILED=ends(start="STARTING", delete="DELETING"),
    DELETE_FAILED=rests(delete="DELETING"),
    ERROR=rests(delete="DELETING"),
    FROZEN=rests(delete="DELETING"),
)


count_time(LIFE, ("RUNNING", "SNAPSHOTTING"), lambda bound, notebook: quota_of(notebook))


@LIFE.entering(*LIFE.states)
def note_change(bound, notebook: dict) -> None:
    """Keep when the notebook changed last."""
    notebook["update_at"] = bound.world.clock.now_ms()


@LIFE.entering("INIT", "STARTING")
def ask_for_room(bound, notebook: dict) -> None:
    """Take what the notebook needs; a pool lets it wait, a flavor of which nothing is left refuses it."""
    notebook["_holds"] = ask(bound.world, bound.project_id, claim_of(bound, notebook))
    if not notebook["_holds"] and "pool" not in notebook:
        code = "ModelArts.6360" if "status" in notebook else "ModelArts.6329"
        raise ApiError(code, f"nothing is left of flavor {notebook['flavor']}")


@LIFE.entered("INIT")
def begin_creating(bound, notebook: dict) -> None:
    """A notebook that has room is created at once."""
    if notebook["_holds"]:
        bound.act(notebook, "admit")


@LIFE.entering("RUNNING")
def begin_lease(bound, notebook: dict) -> None:
    """Count the lease that was asked for from the moment the notebook runs; a snapshot begins none."""
    if "_asked" in notebook:
        extend_lease(bound, notebook, notebook.pop("_asked"))


def extend_lease(bound, notebook: dict, duration: int) -> None:
    """Let the lease end that many ms from now, -1 for never; a lease counts from the creation of its notebook."""
    lease, now = notebook["lease"], bound.world.clock.now_ms()
    age = now - lease["create_at"] if duration != -1 else 0
    lease |= {"update_at": now, "enable": duration != -1, "duration": age + duration}


@LIFE.entering("STOPPED", "CREATE_FAILED", "START_FAILED", "ERROR", "FROZEN", GONE)
def let_go(bound, notebook: dict) -> None:
    """Give back what the notebook held; others that wait for it go on."""
    give_back(bound.world, bound.project_id, claim_of(bound, notebook))
