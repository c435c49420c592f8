"""What tasks and their members have come to: counts of samples by state, lists of tasks, members and teams."""

from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS
from modelarts_emulator.behaviours.modelarts.samples.searching import conditions_in
from modelarts_emulator.behaviours.modelarts.samples.statistics import stats_of
from modelarts_emulator.behaviours.modelarts.workforces.dispatch import NEVER
from modelarts_emulator.behaviours.modelarts.workforces.samples import counts, ids_in, samples_of
from modelarts_emulator.behaviours.modelarts.workforces.tasks import TASKS
from modelarts_emulator.behaviours.modelarts.workforces.verdicts import (
    counts_of_check,
    history,
    report,
    share,
)
from modelarts_emulator.behaviours.modelarts.workforces.workers import DELETED, LABELER, REVIEWER, WORKERS
from modelarts_emulator.behaviours.modelarts.workforces.workforces import WORKFORCES, members_of, teams_of
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour

# Members of tasks see no difference between what leads to an acceptance and the acceptance.
STATUS_OF_MEMBERS = {5: 2, 7: 2}


def sample_counts(table, worker_id: str | None = None) -> dict[str, int]:
    """How many samples of a task, or of one worker, are in each state, by the names that tasks have for them."""
    number = counts(table, worker_id)
    drawn = [key for key in ids_in(table, "__WORKFORCE_SAMPLED__") or () if key.endswith(worker_id or "")]
    number |= {"total": sum(number.values()), "unannotated": number.pop("un_annotation")}
    return {f"{name}_sample_count": each for name, each in (number | {"sampled": len(drawn)}).items()}


@TASKS.showing
def show_task(bound, task):
    """Add what it counts, as far as that is asked for, and what its acceptances have come to."""
    dataset, table = bound.beside(DATASETS).find(task["dataset_id"]), samples_of(bound, task["task_id"]).table
    stats = sample_counts(table) | {"deleted_sample_count": task["_deleted"]}
    labeled, past, asked = total_labeled(table), history(task), bound.call.query if bound.call else {}
    optional = {
        "sample_stats": lambda: stats,
        "workforce_stats": lambda: {
            "workforce_count": len(teams_of(task)),
            "labeler_count": len(members_of(task, LABELER)),
            "reviewer_count": len(members_of(task, REVIEWER)),
        },
        "label_stats": lambda: stats_of(dataset, table, None)["label_stats"],
    }
    shown = {
        **task,
        **{name: count() for name, count in optional.items() if asked.get(name, name != "label_stats")},
        "workforces_config": config_now(bound, task),
        "sample_search_conditions": conditions_in(task["_conditions"]),
        "worker_stats": worker_tasks(bound, task),
        "check_rate": share(past["sampled"], past["total"]),
        "pass_rate": share(past["accepted"], past["accepted"] + past["rejected"]),
        "score": share(past["points"], past["accepted"]),
        "dataset_name": dataset["dataset_name"],
        "project_id": bound.project_id,
        "total_sample_count": stats["total_sample_count"],
        "annotated_sample_count": labeled,
        "feature_supports": ["0"],
        "label_task_status": task["status"],
        **dict.fromkeys(("workforce_task", "sync_labels", "auto_check_samples"), True),
    }
    return shown | ({"checking_task_desc": check_of(task, table)} if "_check" in task else {})


def total_labeled(table) -> int:
    """How many samples of a task somebody has labeled."""
    return len(ids_in(table, "__ALL__") or ())


def check_of(task: dict, table) -> dict:
    """The acceptance that is under way, or was the last one, and all finished ones together."""
    check = {name: each for name, each in task["_check"].items() if name != "sampling_num"}
    number = task["_checks"].get(check["checking_task_id"]) or counts_of_check(table)
    return {**check, "checking_stats": report(check, number), "total_stats": report({}, history(task))}


def config_now(bound, task: dict) -> dict:
    """Who takes part, and how each of them is to be reached now; of members that are gone only that they are."""
    workers, config = bound.beside(WORKERS), task["workforces_config"]

    def member(worker: dict) -> dict:
        known = workers.get(worker["worker_id"])
        return worker | {"status": known["status"] if known else DELETED}

    teams = [team | {"workers": [member(each) for each in team["workers"]]} for team in teams_of(task)]
    return config | {"workforces": teams}


def worker_tasks(bound, task: dict) -> list[dict]:
    """What the task is for each of its members."""
    table, account = samples_of(bound, task["task_id"]).table, bound.world.account
    rows = []
    for worker in members_of(task):
        stats = sample_counts(table, worker["worker_id"])
        accepted, rejected = stats["accepted_sample_count"], stats["rejected_sample_count"]
        mails = {"email_status": NEVER, "last_notify_time": 0} | task["_mails"].get(worker["worker_id"], {})
        rows.append(
            {
                **{name: task[name] for name in ("task_id", "dataset_id", "create_time", "update_time")},
                **worker,
                **mails,
                "workforce_task_name": task["task_name"],
                "dataset_type": task["task_type"],
                "task_status": STATUS_OF_MEMBERS.get(task["status"], task["status"]),
                "sample_stats": stats,
                "pass_rate": share(accepted, accepted + rejected),
                "user": {
                    "domainId": account.domain_id,
                    "domainName": account.domain_name,
                    "projectId": bound.project_id,
                    "userId": account.user_id,
                    "userName": account.user_name,
                },
            }
        )
    return rows


@behaviour("ListWorkerTasks")
def list_worker_tasks(call):
    """A page of the tasks of all members of teams, by task."""
    tasks = TASKS.of(call)
    return list_rows(call, [row for id in tasks.table.ids() for row in worker_tasks(tasks, tasks.find(id))])


@behaviour("ListWorkforces")
def list_workforces(call):
    """A page of the teams, on request of those only that take part in a task."""
    task = (
        TASKS.of(call).find(call.query["workforce_task_id"]) if call.query.get("workforce_task_id") else None
    )
    ids = [each["workforce_id"] for each in teams_of(task)] if task else []
    return WORKFORCES.list(call, keep=(lambda team: team["workforce_id"] in ids) if task else None)


@behaviour("ListWorkforceTaskStats")
def list_workforce_task_stats(call):
    """How many samples of the task there are, by state and label; the labels of all or of those in one state."""
    task, dataset = TASKS.find(call), DATASETS.find(call)
    table = samples_of(TASKS.of(call), task["task_id"]).table
    number = counts(table)
    stats = stats_of(dataset, table, ids_in(table, call.query.get("sample_state")))
    return {**stats, "sample_stats": number | {"total": sum(number.values())}, "deletion_stats": {}}


@behaviour("GetWorkforceTaskMetrics")
def get_workforce_task_metrics(call):
    """How far each labeler is."""
    task = TASKS.find(call)
    table = samples_of(TASKS.of(call), task["task_id"]).table
    return {
        "sample_stats": {
            each["email"]: counts(table, each["worker_id"]) for each in members_of(task, LABELER)
        }
    }
