"""What tasks and their members have come to: as they are shown, and counted by state, label and member."""

from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS
from modelarts_emulator.behaviours.modelarts.samples.searching import conditions_in
from modelarts_emulator.behaviours.modelarts.samples.statistics import stats_of
from modelarts_emulator.behaviours.modelarts.workforces import storing, teams
from modelarts_emulator.behaviours.modelarts.workforces.acceptance import history, reports, share
from modelarts_emulator.behaviours.modelarts.workforces.storing import (
    DRAWN,
    counts,
    how_many,
    ids_in,
    task_asked,
)
from modelarts_emulator.behaviours.modelarts.workforces.tasks import TASKS
from modelarts_emulator.behaviours.modelarts.workforces.teams import members
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour

# Members of tasks see no difference between what leads to an acceptance and the acceptance.
STATUS_OF_MEMBERS = {5: 2, 7: 2}
NOT_MAILED = {"email_status": 0, "last_notify_time": 0}
# Which statistics a task is shown with unless the call says so: a list has them all but the dear one.
SHOWN_IN_LISTS = {"sample_stats": True, "workforce_stats": True, "label_stats": False}


def sample_counts(table, worker_id: str | None = None) -> dict[str, int]:
    """How many samples of a task, or of one worker, are in each state, by the names that tasks have for them."""
    number = counts(table, worker_id)
    number |= {"total": sum(number.values()), "unannotated": number.pop("un_annotation")}
    number["sampled"] = (
        how_many(table, DRAWN) if worker_id is None else table.how_many("_drawn_of", worker_id)
    )
    return {f"{name}_sample_count": each for name, each in number.items()}


@TASKS.showing
def show_task(bound, task):
    """Add what it counts, as far as that is asked for, and what its acceptances have come to."""
    dataset = bound.beside(DATASETS).find(task["dataset_id"])
    table, past = storing.samples_of(bound, task["task_id"]).table, history(task)
    optional = {
        "sample_stats": lambda: sample_counts(table) | {"deleted_sample_count": task["_deleted"]},
        "workforce_stats": lambda: team_counts(task),
        "label_stats": lambda: stats_of(dataset, table, None)["label_stats"],
    }
    asked = SHOWN_IN_LISTS | (bound.call.query if bound.call else {})
    shown = {
        **task,
        **{name: count() for name, count in optional.items() if asked[name]},
        "workforces_config": config_now(bound, task),
        "sample_search_conditions": conditions_in(task["_conditions"]),
        "worker_stats": worker_tasks(bound, task),
        "check_rate": share(past["sampled"], past["total"]),
        "pass_rate": share(past["accepted"], past["accepted"] + past["rejected"]),
        "score": share(past["points"], past["accepted"]),
        "dataset_name": dataset["dataset_name"],
        "total_sample_count": len(table),
        "annotated_sample_count": how_many(table, "__ALL__"),
        **dict.fromkeys(("workforce_task", "sync_labels", "auto_check_samples"), True),
    }
    if "_check" in task:
        id = task["_check"]["checking_task_id"]
        shown["checking_task_desc"] = task["_check"] | reports(task, table, id)
    return shown


def team_counts(task: dict) -> dict[str, int]:
    """How many teams take part, and how many of their members label and review."""
    labelers, reviewers = (len(members(task, role)) for role in (teams.LABELER, teams.REVIEWER))
    count = len(task["workforces_config"]["workforces"])
    return {"workforce_count": count, "labeler_count": labelers, "reviewer_count": reviewers}


def config_now(bound, task: dict) -> dict:
    """Who takes part, and how far each of them was reached; of members that are gone only that they are."""
    workers, config = bound.beside(teams.WORKERS), task["workforces_config"]

    def member(worker: dict) -> dict:
        return worker | {"status": (workers.get(worker["worker_id"]) or {"status": teams.DELETED})["status"]}

    teams_now = [team | {"workers": [*map(member, team["workers"])]} for team in config["workforces"]]
    return config | {"workforces": teams_now}


def worker_tasks(bound, task: dict) -> list[dict]:
    """What the task is for each of its members."""
    table, said = storing.samples_of(bound, task["task_id"]).table, ("task_id", "dataset_id", "create_time")
    stats = {each["worker_id"]: sample_counts(table, each["worker_id"]) for each in members(task)}
    ends = {
        id: [each[f"{name}_sample_count"] for name in ("accepted", "rejected")] for id, each in stats.items()
    }
    rates = {id: share(accepted, accepted + rejected) for id, (accepted, rejected) in ends.items()}
    return [
        {name: task[name] for name in (*said, "update_time")}
        | worker
        | task["_mails"].get(worker["worker_id"], NOT_MAILED)
        | {"workforce_task_name": task["task_name"], "dataset_type": task["task_type"]}
        | {"task_status": STATUS_OF_MEMBERS.get(task["status"], task["status"])}
        | {"sample_stats": stats[worker["worker_id"]], "pass_rate": rates[worker["worker_id"]]}
        for worker in members(task)
    ]


@behaviour("ListWorkerTasks")
def list_worker_tasks(call):
    """A page of the tasks of all members of teams, by task; of datasets that the caller may use."""
    tasks, usable = TASKS.of(call), DATASETS.of(call).usable_ids()
    found = map(tasks.find, tasks.table.ids())
    if usable is not None:
        known = set(usable)
        found = (task for task in found if task["dataset_id"] in known)
    return list_rows(call, [row for task in found for row in worker_tasks(tasks, task)])


@behaviour("ListWorkforceTaskStats")
def list_workforce_task_stats(call):
    """How many samples of the task there are, by state and label; the labels of all or of those in one state."""
    table = task_asked(call)[2].table
    stats = stats_of(DATASETS.find(call), table, ids_in(table, call.query.get("sample_state")))
    return {**stats, "sample_stats": counts(table) | {"total": len(table)}, "deletion_stats": {}}


@behaviour("GetWorkforceTaskMetrics")
def get_workforce_task_metrics(call):
    """How far each labeler is."""
    task, _, mine = task_asked(call)
    labelers = members(task, teams.LABELER)
    return {"sample_stats": {each["email"]: counts(mine.table, each["worker_id"]) for each in labelers}}
