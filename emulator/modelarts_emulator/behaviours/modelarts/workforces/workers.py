"""Members of teams: labelers, reviewers and one manager a team, who are mailed and log in."""

from modelarts_emulator.behaviours.modelarts.datasets.kinds import number_states
from modelarts_emulator.behaviours.modelarts.datasets.results import results_of
from modelarts_emulator.behaviours.modelarts.workforces.workforces import (
    WORKERS as NAME,
)
from modelarts_emulator.behaviours.modelarts.workforces.workforces import (
    WORKFORCES,
    members_of,
    refuse_too_many,
    unfinished_tasks,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, rests
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource, Unique

LABELER, REVIEWER, MANAGER = 0, 1, 2
MOST_WORKERS = 100
LIFE = Lifecycle(
    "NEW",
    field="_state",
    NEW=rests(mail="MAILED", log_in="LOGGED_IN"),
    MAILED=rests(mail="MAILED", log_in="LOGGED_IN"),
    LOGGED_IN=rests(mail="LOGGED_IN", log_in="LOGGED_IN"),
)
DELETED = 3
number_states(LIFE, {"NEW": 0, "MAILED": 1, "LOGGED_IN": 2})
WORKERS = Resource(
    NAME,
    path_names=("worker_id",),
    id_field="worker_id",
    not_found="ModelArts.4604",
    new_id=lambda world: world.new_hex(32),
    writes=("description", "role"),
    unique=Unique("email", "ModelArts.4605", within="workforce_id"),
    touches="update_time",
    lifecycle=LIFE,
    belongs_to=BelongsTo(WORKFORCES, "workforce_id"),
).serves(
    create="CreateWorker",
    show="DescWorker",
    list="ListWorkers",
    update="UpdateWorker",
    delete="DeleteWorker",
)


@behaviour("ListAllWorkers")
def list_all_workers(call):
    """A page of the members of all teams that are in a role."""
    return WORKERS.list(call)


@WORKERS.creating
def complete_worker(call, worker):
    """Say whose member this is and how to reach them; ApiError when the team has as many as it may have."""
    id, now = WORKFORCES.id_of(WORKFORCES.find(call)), call.world.clock.now_ms()
    refuse_too_many(WORKERS.table(call).how_many("workforce_id", id), MOST_WORKERS, f"workers in {id}")
    worker |= {"workforce_id": id, "email": call.body["emails"], "role": int(worker["role"])}
    worker |= {"description": worker.get("description", ""), "create_time": now, "update_time": now}
    refuse_second_manager(call, worker)


@WORKERS.updating
def change_role(call, worker, before):
    """A team has one manager, whoever becomes it."""
    refuse_second_manager(call, worker)


def refuse_second_manager(call, worker: dict) -> None:
    """ApiError when the worker is a manager and the team has another."""
    team = WORKERS.of(call).having("workforce_id", worker["workforce_id"])
    others = [each for each in team if each["worker_id"] != worker["worker_id"] and each["role"] == MANAGER]
    if others and worker["role"] == MANAGER:
        raise ApiError("ModelArts.4617", f"{others[0]['email']} manages {worker['workforce_id']}")


@WORKERS.deleting
def refuse_while_at_work(call, worker):
    """Who deletes does not delete themselves, nor anybody who has a task to finish."""
    if worker["email"] == call.caller.user_name:
        raise ApiError("ModelArts.4618", f"{worker['email']} is the one who calls")
    for task in unfinished_tasks(call):
        if worker["worker_id"] in [each["worker_id"] for each in members_of(task)]:
            raise ApiError("ModelArts.4628", f"{worker['email']} takes part in task {task['task_name']}")


@behaviour("BatchDeleteWorkers")
def batch_delete_workers(call):
    """Delete members of a team, each with a result of its own."""
    WORKFORCES.find(call)
    return results_of(
        call.body.get("workers", []), lambda id: WORKERS.let_go(call, WORKERS.find(call, id)) and None
    )
