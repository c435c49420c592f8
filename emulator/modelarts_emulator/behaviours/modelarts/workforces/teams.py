"""Teams that label, and their members: labelers, reviewers and one manager a team, who are mailed and log in."""

from modelarts_emulator.behaviours.modelarts.datasets.kinds import new_id
from modelarts_emulator.behaviours.modelarts.datasets.results import results_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, rests
from modelarts_emulator.frame.registry import behaviour, resource_of
from modelarts_emulator.frame.resources import BelongsTo, Resource, Unique

TASKS = "modelarts/workforces/task"
LABELER, REVIEWER, MANAGER = 0, 1, 2
MOST_WORKFORCES, MOST_WORKERS = 10, 100
WORKFORCES = Resource(
    "modelarts/workforces/workforce",
    path_names=("workforce_id",),
    id_field="workforce_id",
    not_found="ModelArts.4601",
    new_id=new_id,
    writes=("workforce_name", "description"),
    unique=Unique("workforce_name", "ModelArts.4602"),
    touches="update_time",
).serves(create="CreateWorkforce", show="DescWorkforce", update="UpdateWorkforce", delete="DeleteWorkforce")
REACHED = {"mail": "MAILED", "log_in": "LOGGED_IN"}
LIFE = Lifecycle(
    "NEW",
    field="_state",
    numbers={"NEW": 0, "MAILED": 1, "LOGGED_IN": 2},
    NEW=rests(**REACHED),
    MAILED=rests(**REACHED),
    LOGGED_IN=rests(mail="LOGGED_IN", log_in="LOGGED_IN"),
)
DELETED = 3
WORKERS = Resource(
    "modelarts/workforces/worker",
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
    create="CreateWorker", show="DescWorker", list="ListWorkers", update="UpdateWorker", delete="DeleteWorker"
)


def begin(call, record: dict, **members: object) -> None:
    """Say of a new record how it is described unless the call does, and when it came to be."""
    times = dict.fromkeys(("create_time", "update_time"), call.world.clock.now_ms())
    record |= {"description": record.get("description", ""), **times, **members}


@WORKFORCES.creating
def complete_workforce(call, workforce):
    """ApiError when there are as many teams as there may be."""
    refuse_too_many(len(WORKFORCES.table(call)), MOST_WORKFORCES, "workforces in a project")
    begin(call, workforce)


@WORKFORCES.showing
def count_workers(bound, workforce):
    """Add how many members the team has."""
    count = bound.beside(WORKERS).table.how_many("workforce_id", workforce["workforce_id"])
    return {**workforce, "worker_count": count, "workspace_id": "0"}


@WORKERS.creating
def complete_worker(call, worker):
    """Say whose member this is and how to reach them; ApiError when the team has as many as it may have."""
    id = WORKFORCES.id_of(WORKFORCES.find(call))
    refuse_too_many(WORKERS.table(call).how_many("workforce_id", id), MOST_WORKERS, f"workers in {id}")
    begin(call, worker, workforce_id=id, email=call.body["emails"], role=int(worker["role"]))
    refuse_second_manager(call, worker)


def refuse_too_many(number: int, most: int, what: str) -> None:
    """ApiError when there are as many already as there may be."""
    if number >= most:
        raise ApiError("ModelArts.4354", f"there are {number} {what}, at most {most} are allowed")


@WORKERS.updating
def refuse_second_manager(call, worker, before=None):
    """A team has one manager, whoever becomes it."""
    team = WORKERS.of(call).having("workforce_id", worker["workforce_id"])
    others = [each for each in team if each["worker_id"] != worker["worker_id"] and each["role"] == MANAGER]
    if others and worker["role"] == MANAGER:
        raise ApiError("ModelArts.4617", f"{others[0]['email']} manages {worker['workforce_id']}")


@WORKFORCES.deleting
@WORKERS.deleting
def refuse_at_work(call, record):
    """Who takes part in a task that is not accepted stays, team or member, as does the one who deletes."""
    if record.get("email") == call.caller.user_name:
        raise ApiError("ModelArts.4618", f"{record['email']} is the one who calls")
    id, code = record["workforce_id"], "ModelArts.4615"
    if "worker_id" in record:
        id, code = record["worker_id"], "ModelArts.4628"
    for task in call.records(TASKS):
        config = task["workforces_config"]
        busy = {config.get("agency"), *(each["workforce_id"] for each in config["workforces"])}
        if task["_state"] != "ACCEPTED" and id in busy | {each["worker_id"] for each in members(task)}:
            raise ApiError(code, f"{id} takes part in task {task['task_name']}, which is {task['_state']}")


def members(task: dict, *roles: int) -> list[dict]:
    """The workers of a task, of all teams, those in one of the roles where any are named."""
    found = [worker for team in task["workforces_config"]["workforces"] for worker in team["workers"]]
    return [worker for worker in found if not roles or worker["role"] in roles]


@behaviour("ListAllWorkers")
def list_all_workers(call):
    """A page of the members of all teams that are in a role."""
    return WORKERS.list(call)


@behaviour("BatchDeleteWorkers")
def batch_delete_workers(call):
    """Delete members of a team, each with a result of its own."""
    WORKFORCES.find(call)
    ids = call.body.get("workers", [])
    return results_of(ids, lambda id: WORKERS.let_go(call, WORKERS.find(call, id)) and None)


@behaviour("ListWorkforces")
def list_workforces(call):
    """A page of the teams, on request of those only that take part in a task."""
    if not call.query.get("workforce_task_id"):
        return WORKFORCES.list(call)
    task = resource_of(TASKS).of(call).find(call.query["workforce_task_id"])
    chosen = [each["workforce_id"] for each in task["workforces_config"]["workforces"]]
    return WORKFORCES.list(call, keep=lambda team: team["workforce_id"] in chosen)
