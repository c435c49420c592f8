"""The owner accepts what a team has labeled: samples drawn, graded, accepted or sent back."""

from math import ceil

from modelarts_emulator.behaviours.modelarts.datasets.kinds import new_id
from modelarts_emulator.behaviours.modelarts.samples.storing import LABELED, samples_in
from modelarts_emulator.behaviours.modelarts.workforces.samples import (
    ACCEPTED,
    REJECTED,
    UNCHECKED,
    find_samples,
    pronounce,
    samples_of,
)
from modelarts_emulator.behaviours.modelarts.workforces.tasks import TASKS
from modelarts_emulator.behaviours.modelarts.workforces.verdicts import (
    CANCEL,
    CONFLICTS,
    counts_of_check,
    history,
    report,
    undo_draw,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.waiting import refuse_to_wait


@behaviour("StartWorkforceSamplingTask")
def start_workforce_sampling_task(call):
    """Begin an acceptance of what is labeled, and reviewed where somebody reviews."""
    task, asked = TASKS.find(call), call.body
    number, rate = asked.get("sampling_num"), asked.get("sampling_rate")
    if (number is None) == (rate is None) or (number is not None and number < 1):
        raise ApiError("ModelArts.4396", "send either sampling_num, at least 1, or sampling_rate")
    total = samples_of(TASKS.of(call), task["task_id"]).table.how_many("sample_status", UNCHECKED)
    id = new_id(call.world)
    task["_check"] = {"checking_task_id": id, "sampling_num": number or ceil(rate * total)}
    TASKS.of(call).act(task, "check")
    if not total:
        raise ApiError("ModelArts.4625", "nothing is labeled that was not accepted or rejected")
    return {"task_id": id}


@behaviour("AcceptSamples")
def accept_samples(call):
    """Note what the owner says of samples that were drawn; all or none."""
    task = TASKS.find(call)
    TASKS.of(call).act(task, "comment")
    mine = samples_of(TASKS.of(call), task["task_id"])
    for comment in call.body.get("comments", []):
        found = find_samples(mine, comment.get("sample_id", ""), comment.get("worker_id"))
        drawn = [each for each in found if "_drawn" in each]
        if not drawn:
            raise ApiError("ModelArts.4420", f"{comment['sample_id']} was not drawn for this acceptance")
        for sample in drawn:
            pronounce(sample, "check", comment)
            sample |= {"_drawn": ACCEPTED if comment["accept"] else REJECTED, "_grade": ""}
            mine.put(sample | ({"_grade": comment.get("score", "")} if comment["accept"] else {}))
    return {}


@behaviour("UpdateWorkforceSamplingTask")
def update_workforce_sampling_task(call):
    """Finish an acceptance as decided, call it off, or show which samples the dataset has other labels for."""
    task, bound, action = TASKS.find(call), TASKS.of(call), call.body.get("action", 0)
    if action == CONFLICTS:
        bound.act(task, "comment")
        return conflicts(call, task)
    if action == CANCEL:
        refuse_to_wait()
        bound.act({name: each for name, each in task.items() if name != "_check"}, "cancel")
        undo_draw(bound, task)
        return {}
    if "_check" in task:
        check = task["_check"]
        check |= {"action": action, "overwrite_last_result": call.body["overwrite_last_result"]}
        number = counts_of_check(samples_of(bound, task["task_id"]).table)
        task["_checks"][check["checking_task_id"]] = number
    bound.act(task, "finish")
    return {}


def conflicts(call, task: dict) -> dict:
    """The labeled samples to which somebody has given labels in the dataset since."""
    refuse_to_wait()
    mine, table = samples_of(TASKS.of(call), task["task_id"]), samples_in(TASKS.of(call), task["dataset_id"])
    found = [mine.find(key) for key in mine.table.having("sample_status", UNCHECKED)]
    known = [(each, table.find(each["sample_id"])) for each in found]
    rows = [mine.shown(each) for each, own in known if own and own["sample_status"] == LABELED]
    return {"sample_count": len(rows), "samples": rows}


@behaviour("GetWorkforceSamplingTask")
def get_workforce_sampling_task(call):
    """What an acceptance has come to so far, and all finished ones together."""
    task, id = TASKS.find(call), call.query["checking_task_id"]
    check = task.get("_check", {})
    if id in task["_checks"]:
        number = task["_checks"][id]
    elif check.get("checking_task_id") == id:
        number = counts_of_check(samples_of(TASKS.of(call), task["task_id"]).table)
    else:
        raise ApiError("ModelArts.4612", f"the task has no acceptance {id}")
    return {
        "checking_stats": report({"checking_task_id": id}, number),
        "total_stats": report({}, history(task)),
    }
