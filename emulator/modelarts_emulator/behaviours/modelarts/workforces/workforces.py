"""Teams that label: by name, with at most so many of them in a project, and their members."""

from modelarts_emulator.behaviours.modelarts.datasets.kinds import new_id
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.resources import Resource, Unique

WORKERS, TASKS = "modelarts/workforces/worker", "modelarts/workforces/task"
MOST_WORKFORCES = 10
WORKFORCES = Resource(
    "modelarts/workforces/workforce",
    path_names=("workforce_id",),
    id_field="workforce_id",
    not_found="ModelArts.4601",
    new_id=new_id,
    writes=("workforce_name", "description"),
    unique=Unique("workforce_name", "ModelArts.4602"),
    touches="update_time",
).serves(
    create="CreateWorkforce",
    show="DescWorkforce",
    update="UpdateWorkforce",
    delete="DeleteWorkforce",
)


@WORKFORCES.creating
def complete_workforce(call, workforce):
    """Say when the team came to be; ApiError when there are as many as there may be."""
    refuse_too_many(len(WORKFORCES.of(call).table), MOST_WORKFORCES, "workforces in a project")
    now = call.world.clock.now_ms()
    workforce |= {"description": workforce.get("description", ""), "create_time": now, "update_time": now}


@WORKFORCES.deleting
def refuse_while_tasks_run(call, workforce):
    """A team that has a task to finish stays."""
    for task in unfinished_tasks(call):
        if workforce["workforce_id"] in [each["workforce_id"] for each in teams_of(task)]:
            raise ApiError("ModelArts.4615", f"task {task['task_name']} is {task['_state']}")


@WORKFORCES.showing
def count_workers(bound, workforce):
    """Add how many members the team has."""
    count = bound.records(WORKERS).how_many("workforce_id", workforce["workforce_id"])
    return {**workforce, "worker_count": count, "workspace_id": "0"}


def refuse_too_many(number: int, most: int, what: str) -> None:
    """ApiError when there are as many already as there may be."""
    if number >= most:
        raise ApiError("ModelArts.4354", f"there are {number} {what}, at most {most} are allowed")


def unfinished_tasks(call) -> list[dict]:
    """The tasks of the project that are not accepted yet."""
    table = call.records(TASKS)
    return [task for id in table.ids() if (task := table.copy_of(id))["_state"] != "ACCEPTED"]


def teams_of(task: dict) -> list[dict]:
    """The teams of a task, each with those members that take part."""
    teams: list[dict] = task["workforces_config"]["workforces"]
    return teams


def members_of(task: dict, *roles: int) -> list[dict]:
    """The workers of a task, of all teams, those in one of the roles where any are named."""
    found = [worker for team in teams_of(task) for worker in team["workers"]]
    return [worker for worker in found if not roles or worker["role"] in roles]
