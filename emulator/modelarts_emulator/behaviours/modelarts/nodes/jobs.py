"""What is done to nodes step by step: reboots, resets, migrations, and how far they are."""

from modelarts_emulator.behaviours.modelarts.nodes.moving import move_nodes
from modelarts_emulator.behaviours.modelarts.nodes.nodes import NODES
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource

SHOWN_MS = 30 * 24 * 3600 * 1000
# How long each step lasts: a little longer than what it does to nodes, which move before they serve again.
STEP_SECONDS = {"reboot-node": 60, "reset-nodes": 180, "migrate-nodes": 40, "replace-node": 0}
ACTIONS = {"reboot-node": "check", "reset-nodes": "reset", "migrate-nodes": "check"}


def after_step(bound, job: dict) -> str:
    """The next step, or the end: nodes that went or failed meanwhile make the job Failed."""
    if job["_todo"]:
        return "Running"
    if job["type"] == "migrate-nodes":
        job["message"] = job["message"] or move_nodes(bound, job["_move"])
    return "Failed" if job["message"] else "Success"


JOBS = Resource(
    "modelarts/nodes/job",
    path_names=("job_id",),
    id_field="jobId",
    not_found="ModelArts.50005101",
    by_age=(("startTimestamp",),),
    lifecycle=Lifecycle(
        "Running",
        field="phase",
        Running=soon(after_step, after=lambda bound, job: STEP_SECONDS[job["type"]]),
        Success=rests(),
        Failed=rests(),
    ),
)


def begin_job(bound, pool_id: str, kind: str, names: list[str], size: int, **move) -> dict:
    """Begin to do something to nodes of a pool, to so many at a time; move: where to and as what they move."""
    job = {
        "jobId": bound.world.new_uuid(),
        "jobName": f"{kind}-{bound.world.new_hex(8)}",
        "involvedObjects": f"pools/{pool_id}",
        "inputs": ",".join(names),
        "type": kind,
        "suspend": False,
        "startTimestamp": bound.world.clock.now_ms(),
        "message": "",
        "conditions": "",
        "_pool": pool_id,
        "_todo": names,
        "_size": size,
        "_move": {"source": pool_id, "names": names, **move},
    }
    return bound.beside(JOBS).add(job)


@JOBS.life.entering("Running")
def take_step(bound, job):
    """Do it to as many of the nodes as may be unavailable at the same time."""
    nodes, names = bound.beside(NODES), job["_todo"][: job["_size"]]
    job["_todo"] = job["_todo"][job["_size"] :]
    for name in names if job["type"] in ACTIONS else ():
        node = nodes.get(name)
        try:
            if node is None:
                raise nodes.not_found(name, f"in pool {job['_pool']}")
            nodes.act(node, ACTIONS[job["type"]])
        except ApiError as error:
            job["message"] = error.message
    job["conditions"] += f"{bound.world.clock.iso(fraction=0)} {job['type']} {','.join(names)}; "


@JOBS.life.entering("Success", "Failed")
def end_job(bound, job):
    """Note when the job was over."""
    job["endTimestamp"] = bound.world.clock.now_ms()


@behaviour("ListJobs")
def list_jobs(call):
    """The jobs over nodes of the last month, or of the time and the pool asked for."""
    now, query = call.world.clock.now_ms(), call.query
    since, until = query.get("since", now - SHOWN_MS), query.get("until", now)
    return JOBS.list(
        call,
        keep=lambda job: (
            since <= job["startTimestamp"] <= until and query.get("name") in (None, job["_pool"])
        ),
    )
