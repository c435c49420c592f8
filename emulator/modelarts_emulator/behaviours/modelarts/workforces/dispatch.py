"""Who labels which samples of a task: evenly by chance, with mail, and again when the dataset has changed."""

import re

from modelarts_emulator.behaviours.modelarts.datasets.work import DATASETS
from modelarts_emulator.behaviours.modelarts.samples.searching import conditions_of, ids_left
from modelarts_emulator.behaviours.modelarts.samples.storing import counts_of, samples_in
from modelarts_emulator.behaviours.modelarts.workforces import storing
from modelarts_emulator.behaviours.modelarts.workforces.storing import UNCONFIRMED, UNLABELED, samples_of
from modelarts_emulator.behaviours.modelarts.workforces.teams import LABELER, REVIEWER, WORKERS, members
from modelarts_emulator.frame.messages import send
from modelarts_emulator.waiting import refuse_to_wait

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
BAD_ADDRESS, SENT = 1, 3


def ids_to_label(bound, task: dict) -> list[str]:
    """The samples of the dataset without labels of people that the task wants and has not handed out, shuffled."""
    table = samples_in(bound, task["dataset_id"])
    had = set(samples_of(bound, task["task_id"]).table.column("sample_id").values())
    free = [id for state in (UNLABELED, UNCONFIRMED) for id in table.having("sample_status", state)]
    free = [id for id in free if id not in had]
    wanted = list(ids_left(table, free, conditions_of(task["_conditions"])) or ())
    bound.world.seeded("workforces", task["task_id"]).shuffle(wanted)
    return wanted


def hand_out(bound, task: dict, ids: list[str]) -> None:
    """Give samples to the labelers in turn, each to as many as the task says, whoever has it already."""
    mine, table = samples_of(bound, task["task_id"]), samples_in(bound, task["dataset_id"])
    labelers, turn = members(task, LABELER), len(mine.table)
    for sample in filter(None, map(table.find, ids)):
        is_proposed = task["synchronize_auto_labeling_data"] and sample["sample_status"] == UNCONFIRMED
        labels = sample["labels"] if is_proposed else []
        had = [each["worker_id"] for each in mine.having("sample_id", sample["sample_id"])]
        first = turn % len(labelers)
        free = [each for each in labelers[first:] + labelers[:first] if each["worker_id"] not in had]
        for worker in free[: max(0, task["repetition"] - len(had))]:
            id, email = worker["worker_id"], worker["email"]
            who = {"worker_id": id, "_email": email, "annotated_by": f"human/{email}"}
            storing.store(mine, {**sample, **who, "labels": labels}, UNCONFIRMED)
            turn += 1


def after_handing_out(bound, task: dict, result: None) -> str:
    """Mail those who have something to label or to review; the task runs."""
    task["_seen"] = state_of_dataset(bound, task)
    storing.note_progress(bound, task["task_id"])
    for worker in members(task, LABELER, REVIEWER):
        id = None if worker["role"] == REVIEWER else worker["worker_id"]
        if any(storing.counts(samples_of(bound, task["task_id"]).table, id).values()):
            mail(bound, task, worker)
    return "RUNNING"


def mail(bound, task: dict, worker: dict) -> None:
    """Queue a mail to a worker about a task, unless it says no address, and note that."""
    workers, is_address = bound.beside(WORKERS), ADDRESS.fullmatch(worker["email"]) is not None
    status = {"email_status": SENT if is_address else BAD_ADDRESS}
    task["_mails"][worker["worker_id"]] = status | {"last_notify_time": bound.world.clock.now_ms()}
    if is_address:
        content = {name: task[name] for name in ("task_id", "task_name", "dataset_id")}
        send(bound, "modelarts/workforces", worker["email"], f"Team labeling: {task['task_name']}", content)
        workers.act(workers.find(worker["worker_id"]), "mail")


def state_of_dataset(bound, task: dict) -> list[int]:
    """What changes when the samples of the task's dataset do."""
    moment = bound.records(DATASETS).copy_of(task["dataset_id"])["data_update_time"]
    return [moment, *counts_of(samples_in(bound, task["dataset_id"]))]


def follow_dataset(bound, task: dict) -> None:
    """Let the task have what its dataset has got since, and not what it has lost."""
    seen = state_of_dataset(bound, task)
    if task["_seen"] == seen:
        return
    refuse_to_wait()
    mine, table = samples_of(bound, task["task_id"]), samples_in(bound, task["dataset_id"])
    lost = [key for key, id in mine.table.column("sample_id").items() if id not in table]
    task["_deleted"] += sum(mine.table.drop(key) for key in lost)
    unlabeled = mine.table.having("sample_status", UNLABELED)
    for sample in map(mine.find, unlabeled if task["synchronize_auto_labeling_data"] else ()):
        source = table.copy_of(sample["sample_id"])
        if source["sample_status"] == UNCONFIRMED:
            storing.store(mine, sample | {"labels": source["labels"]}, UNCONFIRMED)
    if task["synchronize_data"]:
        hand_out(bound, task, ids_to_label(bound, task))
    storing.note_progress(bound, task["task_id"])
    task["_seen"] = seen
    bound.put(task)


def hand_out_again(bound, task: dict) -> None:
    """Give what those who left had not labeled to those who take part now."""
    mine, here = samples_of(bound, task["task_id"]), [each["worker_id"] for each in members(task, LABELER)]
    unlabeled = [mine.find(key) for key in mine.table.having("sample_status", UNLABELED)]
    left = [each for each in unlabeled if each["worker_id"] not in here]
    for sample in left:
        mine.table.drop(mine.id_of(sample))
    hand_out(bound, task, list(dict.fromkeys(each["sample_id"] for each in left)))
