"""The acceptance of a task: samples are drawn, and what the owner decides passes into the dataset."""

from modelarts_emulator.behaviours.modelarts.datasets.work import datasets_of
from modelarts_emulator.behaviours.modelarts.samples.samples import note_samples
from modelarts_emulator.behaviours.modelarts.samples.storing import LABELED, samples_in, store_sample
from modelarts_emulator.behaviours.modelarts.workforces.samples import (
    ACCEPTED,
    REJECTED,
    UNCHECKED,
    counts,
    in_batches,
    pronounce,
    samples_of,
    store,
)

PASS_ALL, REJECT_ALL, CANCEL, CONFLICTS, PASS_REST, REJECT_REST = range(6)
# Which samples an action passes, by what the owner said of them; None of those that were not drawn.
PASSES = {
    PASS_ALL: (ACCEPTED, REJECTED, UNCHECKED, None),
    REJECT_ALL: (),
    PASS_REST: (ACCEPTED, UNCHECKED, None),
    REJECT_REST: (ACCEPTED,),
}
POINTS = {"A": 4, "B": 3, "C": 2, "D": 1}
COUNTED = ("total", "sampled", "accepted", "rejected", "points")
BROUGHT = ("labels", "metadata", "annotated_by", "_labeled_at", "_usage")


def draw_samples(bound, task: dict):
    """Choose by chance the samples that the owner looks at, without the world's lock."""
    check = task["_check"]

    def draw(keys: list[str]) -> None:
        mine = samples_of(bound, task["task_id"])
        for key in keys:
            mine.put(mine.find(key) | {"_drawn": UNCHECKED})

    def work() -> None:
        with bound.world.transaction():
            keys = list(samples_of(bound, task["task_id"]).table.having("sample_status", UNCHECKED))
        number = min(check["sampling_num"], len(keys))
        chosen = bound.world.seeded("workforces", check["checking_task_id"]).sample(keys, number)
        in_batches(bound, task, chosen, draw)

    return work


def pass_results_on(bound, task: dict):
    """Accept and reject as the owner decided, without the world's lock; what is accepted passes into the dataset."""
    passes, given = PASSES[task["_check"]["action"]], set()

    def decide(keys: list[str]) -> None:
        mine = samples_of(bound, task["task_id"])
        samples = [mine.find(key) for key in keys]
        accepted = [each for each in samples if each.pop("_drawn", None) in passes]
        for sample in samples:
            sample.pop("_grade", None)
            store(mine, sample, ACCEPTED if sample in accepted else REJECTED)
        if task["auto_sync_dataset"]:
            new = {each["sample_id"]: each for each in reversed(accepted) if each["sample_id"] not in given}
            give(bound, task, [*new.values()])
            given.update(new)

    def work() -> None:
        with bound.world.transaction():
            keys = list(samples_of(bound, task["task_id"]).table.having("sample_status", UNCHECKED))
        in_batches(bound, task, keys, decide)

    return work


def give(bound, task: dict, samples: list[dict]) -> None:
    """Give the dataset these labels; those that it has stay unless they are to be overwritten."""
    datasets = datasets_of(bound.world, bound.project_id)
    dataset, table, changed = datasets.get(task["dataset_id"]), samples_in(bound, task["dataset_id"]), []
    for sample in samples:
        own = table.find(sample["sample_id"])
        keeps = own and own["sample_status"] == LABELED and not task["_check"]["overwrite_last_result"]
        if dataset is not None and own is not None and not keeps:
            own |= {name: sample[name] for name in BROUGHT if name in sample}
            store_sample(table, own)
            changed.append(own)
    if dataset is not None and changed:
        note_samples(datasets, dataset, changed)


def after_passing_on(bound, task: dict, result: None) -> str:
    """Rejected samples go back to who labeled them; a task whose samples are all accepted is done."""
    left = counts(samples_of(bound, task["task_id"]).table)
    task["update_time"] = bound.world.clock.now_ms()
    if left["rejected"]:
        return "REJECTED"
    return "ACCEPTED" if left["accepted"] == sum(left.values()) else "RUNNING"


def undo_draw(bound, task: dict) -> None:
    """Forget which samples were drawn, and what was said of them."""
    mine = samples_of(bound, task["task_id"])
    for state in (UNCHECKED, ACCEPTED, REJECTED):
        for key in list(mine.table.having("_drawn", state)):
            sample = mine.find(key)
            pronounce(sample, "check", None)
            mine.put({name: each for name, each in sample.items() if name not in ("_drawn", "_grade")})


def counts_of_check(table) -> dict[str, int]:
    """What the acceptance that is under way has come to."""
    number = {state: table.how_many("_drawn", state) for state in (UNCHECKED, ACCEPTED, REJECTED)}
    points = sum(table.how_many("_grade", grade) * worth for grade, worth in POINTS.items())
    found = (sum(number.values()), number[ACCEPTED], number[REJECTED], points)
    return dict(zip(COUNTED, (table.how_many("sample_status", UNCHECKED), *found), strict=True))


def report(check: dict, number: dict) -> dict:
    """An acceptance, or several together, as the API tells it. check: what was asked for, {} for several."""
    checked = number["accepted"] + number["rejected"]
    grade = "EDCBA"[round(number["points"] / max(number["accepted"], 1))]
    return {
        **({"task_id": check["checking_task_id"]} if check else {}),
        **{f"{name}_sample_count": number[name] for name in COUNTED[:4]},
        "checked_sample_count": checked,
        "unchecked_sample_count": number["sampled"] - checked,
        "sampling_num": number["sampled"],
        "sampling_rate": share(number["sampled"], number["total"]),
        "pass_rate": share(number["accepted"], checked),
        "total_score": number["points"],
        "score": grade,
    }


def share(part: int, whole: int) -> float:
    """Which part of the whole that is."""
    return part / whole if whole else 0.0


def history(task: dict) -> dict[str, int]:
    """What all finished acceptances of the task have come to together."""
    return {name: sum(each[name] for each in task["_checks"].values()) for name in COUNTED}
