"""The owner accepts what a team has labeled: samples are drawn, graded, and pass into the dataset or go back."""

from math import ceil

from modelarts_emulator.behaviours.modelarts.datasets.kinds import new_id
from modelarts_emulator.behaviours.modelarts.datasets.work import datasets_of
from modelarts_emulator.behaviours.modelarts.samples.samples import note_samples
from modelarts_emulator.behaviours.modelarts.samples.storing import LABELED, samples_in, store_sample
from modelarts_emulator.behaviours.modelarts.workforces import storing
from modelarts_emulator.behaviours.modelarts.workforces.storing import ACCEPTED, REJECTED, UNCHECKED
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.waiting import refuse_to_wait

PASS_ALL, REJECT_ALL, CANCEL, CONFLICTS, PASS_REST, REJECT_REST = range(6)
# Which samples an action passes, by what the owner said of them; None of those that were not drawn.
PASSES: dict[int, tuple] = {PASS_ALL: (ACCEPTED, REJECTED, UNCHECKED, None), REJECT_ALL: ()}
PASSES |= {PASS_REST: (ACCEPTED, UNCHECKED, None), REJECT_REST: (ACCEPTED,)}
POINTS = {"A": 4, "B": 3, "C": 2, "D": 1}
# What a sample says only while it is drawn.
DRAWN = ("_drawn", "_drawn_of", "_grade")
COUNTED = ("total", "sampled", "accepted", "rejected", "points")
PASSED_ON = ("labels", "metadata", "annotated_by", "_labeled_at", "_usage")


@behaviour("StartWorkforceSamplingTask")
def start_workforce_sampling_task(call):
    """Begin an acceptance of what is labeled, and reviewed where somebody reviews."""
    number, rate = call.body.get("sampling_num"), call.body.get("sampling_rate")
    if (number is None) == (rate is None) or (number is not None and number < 1):
        raise ApiError("ModelArts.4396", "send either sampling_num, at least 1, or sampling_rate")
    (task, tasks, mine), id = storing.task_asked(call, "check"), new_id(call.world)
    total = mine.table.how_many("sample_status", UNCHECKED)
    if not total:
        waiting = mine.table.how_many("sample_status", storing.UNREVIEWED)
        words = "nothing that is labeled and reviewed was not accepted or rejected"
        raise ApiError("ModelArts.4625", f"{words}; {waiting} samples wait for a review")
    tasks.put(task | {"_check": {"checking_task_id": id}, "_number": number or ceil(rate * total)})
    return {"task_id": id}


def ids_to_decide(bound, task: dict) -> list[str]:
    """The labeled samples of the task that wait for acceptance."""
    return [*storing.samples_of(bound, task["task_id"]).table.having("sample_status", UNCHECKED)]


def ids_to_draw(bound, task: dict) -> list[str]:
    """By chance those of them that the owner looks at."""
    keys, id = ids_to_decide(bound, task), task["_check"]["checking_task_id"]
    return bound.world.seeded("workforces", id).sample(keys, min(task["_number"], len(keys)))


def draw(bound, task: dict, keys: list[str]) -> None:
    """Note that samples were chosen."""
    mine = storing.samples_of(bound, task["task_id"])
    for sample in map(mine.find, keys):
        mine.put(sample | {"_drawn": UNCHECKED, "_drawn_of": sample["worker_id"]})


@behaviour("AcceptSamples")
def accept_samples(call):
    """Note what the owner says of samples that were drawn; all or none."""
    _, _, mine = storing.task_asked(call, "comment")
    for comment in call.body.get("comments", []):
        drawn = [each for each in storing.find_samples(mine, comment) if "_drawn" in each]
        if not drawn:
            raise ApiError("ModelArts.4420", f"{comment['sample_id']} was not drawn for this acceptance")
        for sample in drawn:
            grade = {"_grade": comment.get("score", "") if comment["accept"] else ""}
            said = storing.with_verdict(sample, "check", comment) | grade
            mine.put(said | {"_drawn": ACCEPTED if comment["accept"] else REJECTED})
    return {}


@behaviour("UpdateWorkforceSamplingTask")
def update_workforce_sampling_task(call):
    """Finish an acceptance as decided, call it off, or show which samples the dataset has other labels for."""
    action = call.body.get("action", PASS_ALL)
    if action in (CANCEL, CONFLICTS):
        refuse_to_wait()
        return call_off(call) if action == CANCEL else conflicts(call)
    task, tasks, mine = storing.task_asked(call, "finish")
    check = task["_check"]
    check |= {"action": action, "overwrite_last_result": call.body["overwrite_last_result"]}
    tasks.put(task | {"_checks": task["_checks"] | {check["checking_task_id"]: counts_of_check(mine.table)}})
    return {}


def call_off(call) -> dict:
    """Forget which samples were drawn, and what was said of them."""
    task, tasks, mine = storing.task_asked(call, "cancel")
    tasks.put(storing.without(task, "_check"))
    for sample in map(mine.find, storing.ids_in(mine.table, storing.DRAWN)):
        mine.put(storing.without(storing.with_verdict(sample, "check", {}), *DRAWN))
    return {}


def conflicts(call) -> dict:
    """The labeled samples to which somebody has given labels in the dataset since."""
    task, tasks, mine = storing.task_asked(call, "comment")
    labeled = set(samples_in(tasks, task["dataset_id"]).having("sample_status", LABELED))
    found = [mine.find(key) for key in mine.table.having("sample_status", UNCHECKED)]
    rows = [mine.shown(each) for each in found if each["sample_id"] in labeled]
    return {"sample_count": len(rows), "samples": rows}


def decide(bound, task: dict, keys: list[str]) -> None:
    """Accept and reject as the owner decided; what is accepted passes into the dataset unless that has labels."""
    mine, table = storing.samples_of(bound, task["task_id"]), samples_in(bound, task["dataset_id"])
    check, changed, datasets = task["_check"], [], datasets_of(bound.world, bound.project_id)
    for sample in map(mine.find, keys):
        passes = sample.get("_drawn") in PASSES[check["action"]]
        others = [each["sample_status"] for each in mine.having("sample_id", sample["sample_id"])]
        storing.store(mine, storing.without(sample, *DRAWN), ACCEPTED if passes else REJECTED)
        own = table.find(sample["sample_id"])
        # Of what several have made of a sample, the first that is accepted counts.
        passes_on = passes and ACCEPTED not in others and task["auto_sync_dataset"] and own is not None
        if passes_on and (check["overwrite_last_result"] or own["sample_status"] != LABELED):
            changed.append(own | {name: sample[name] for name in PASSED_ON if name in sample})
            store_sample(table, changed[-1])
    note_samples(datasets, datasets.find(task["dataset_id"]), changed)


def after_passing_on(bound, task: dict, result: None) -> str:
    """Rejected samples go back to who labeled them; a task whose samples are all accepted is done."""
    left = storing.counts(storing.samples_of(bound, task["task_id"]).table)
    if left["rejected"]:
        return "REJECTED"
    return "ACCEPTED" if left["accepted"] == sum(left.values()) else "RUNNING"


def counts_of_check(table) -> dict[str, int]:
    """What the acceptance that is under way has come to."""
    accepted, rejected, left = (table.how_many("_drawn", state) for state in (ACCEPTED, REJECTED, UNCHECKED))
    points = sum(table.how_many("_grade", grade) * worth for grade, worth in POINTS.items())
    total = table.how_many("sample_status", UNCHECKED)
    return dict(zip(COUNTED, (total, accepted + rejected + left, accepted, rejected, points), strict=True))


def history(task: dict) -> dict[str, int]:
    """What all finished acceptances of the task have come to together."""
    return {name: sum(each[name] for each in task["_checks"].values()) for name in COUNTED}


def share(part: int, whole: int) -> float:
    """Which part of the whole that is."""
    return part / whole if whole else 0.0


def reports(task: dict, table, id: str) -> dict:
    """What an acceptance with that id has come to, and all finished ones together, as the API tells it."""
    number = task["_checks"].get(id) or counts_of_check(table)
    return {"checking_stats": {"task_id": id, **report(number)}, "total_stats": report(history(task))}


def report(number: dict[str, int]) -> dict:
    """What was counted of an acceptance, or of several."""
    checked, mean = number["accepted"] + number["rejected"], share(number["points"], number["accepted"])
    return {
        **{f"{name}_sample_count": number[name] for name in COUNTED[:4]},
        "checked_sample_count": checked,
        "unchecked_sample_count": number["sampled"] - checked,
        "sampling_num": number["sampled"],
        "sampling_rate": share(number["sampled"], number["total"]),
        "pass_rate": share(number["accepted"], checked),
        "total_score": number["points"],
        "score": "EDCBA"[round(mean)],
    }


@behaviour("GetWorkforceSamplingTask")
def get_workforce_sampling_task(call):
    """What an acceptance has come to so far, and all finished ones together."""
    (task, _, mine), id = storing.task_asked(call), call.query["checking_task_id"]
    if id not in (*task["_checks"], task.get("_check", {}).get("checking_task_id")):
        raise ApiError("ModelArts.4612", f"the task has no acceptance {id}")
    return reports(task, mine.table, id)
