"""What members do with samples of a task: look for them, label them, review them."""

from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS
from modelarts_emulator.behaviours.modelarts.datasets.results import results_of
from modelarts_emulator.behaviours.modelarts.labels.rules import learn_labels
from modelarts_emulator.behaviours.modelarts.samples.annotations import checked_labels
from modelarts_emulator.behaviours.modelarts.samples.searching import condition_of, conditions_in, ids_left
from modelarts_emulator.behaviours.modelarts.workforces.samples import (
    ACCEPTED,
    REJECTED,
    TEAM_SAMPLES,
    UNCHECKED,
    UNREVIEWED,
    find_samples,
    ids_in,
    pronounce,
    samples_of,
    store,
)
from modelarts_emulator.behaviours.modelarts.workforces.tasks import TASKS, member_named
from modelarts_emulator.behaviours.modelarts.workforces.workers import LABELER, REVIEWER, WORKERS
from modelarts_emulator.behaviours.modelarts.workforces.workforces import members_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour


@behaviour("ListWorkforceTaskSamples")
def list_workforce_task_samples(call):
    """A page of the samples of a task that are looked for, each once for everybody who labels it."""
    mine, query = samples_of(TASKS.of(call), TASKS.find(call)["task_id"]), call.query
    conditions = [condition_of(each) for each in conditions_in(query.get("search_conditions") or "[]")]
    label = query.get("label_name") or None, query.get("label_type")
    ids = ids_in(mine.table, query.get("sample_state"))
    return list_records(
        call, mine, ids_left(mine.table, ids, conditions, None if label == (None, None) else label)
    )


@behaviour("DescribeWorkforceTaskSample")
def describe_workforce_task_sample(call):
    """One sample of a task that was checked once, of a worker where one is named; with a state only if it is in it."""
    task, query = TASKS.find(call), call.query
    if "_check" not in task and not task["_checks"]:
        raise ApiError("ModelArts.4624", "no acceptance of the task has been started")
    mine = samples_of(TASKS.of(call), task["task_id"])
    sample = find_samples(mine, call.path["sample_id"], query.get("worker_id"))[0]
    wanted = ids_in(mine.table, query.get("sample_state"))
    if wanted is not None and mine.id_of(sample) not in wanted:
        raise ApiError("ModelArts.4420", f"the sample is {sample['sample_status']}")
    return TEAM_SAMPLES.answer(call, mine.shown(sample))


@behaviour("UpdateWorkforceTaskSamples")
def update_workforce_task_samples(call):
    """Label samples as a member, each with a result of its own; one without labels loses those that it has."""
    task, now = TASKS.find(call), call.world.clock.now_ms()
    TASKS.of(call).act(task | {"update_time": now}, "label")
    dataset, mine = DATASETS.find(call), samples_of(TASKS.of(call), task["task_id"])
    worker = member_named(task, call.body["email"]) if call.body.get("email") else None
    if worker is not None and worker["role"] != LABELER:
        raise ApiError("ModelArts.4600", f"{worker['email']} is no labeler of the task")
    state = UNREVIEWED if members_of(task, REVIEWER) else UNCHECKED

    def update(asked: dict) -> None:
        who = worker["worker_id"] if worker else asked.get("worker_id")
        sample = find_samples(mine, asked.get("sample_id", ""), who)[0]
        if sample["sample_status"] == ACCEPTED:
            raise ApiError("ModelArts.4600", f"{sample['sample_id']} is accepted")
        text = "".join(sample.get("sample_data", []))
        sample["labels"] = checked_labels(dataset, asked.get("labels", []), text)
        sample["metadata"] |= asked.get("metadata", {})
        sample |= {"_labeled_at": now} | (
            {"_usage": asked["sample_usage"]} if "sample_usage" in asked else {}
        )
        for kind in ("review", "check"):
            pronounce(sample, kind, None)
        store(mine, sample, state)
        member = WORKERS.of(call).get(sample["worker_id"])
        if member is not None:
            WORKERS.of(call).act(member, "log_in")
        if learn_labels(dataset, [sample]):
            DATASETS.of(call).put(dataset)

    return results_of(call.body.get("samples", []), update)


@behaviour("ReviewSamples")
def review_samples(call):
    """Note what a reviewer says of samples, which go to the owner or back to who labeled them; all or none."""
    task = TASKS.find(call)
    TASKS.of(call).act(task, "label")
    mine = samples_of(TASKS.of(call), task["task_id"])
    for comment in call.body.get("comments", []):
        for sample in find_samples(mine, comment.get("sample_id", ""), comment.get("worker_id")):
            if sample["sample_status"] != UNREVIEWED:
                code = "ModelArts.4606" if "review_accept" in sample else "ModelArts.4600"
                raise ApiError(code, f"{sample['sample_id']} is {sample['sample_status']}")
            pronounce(sample, "review", comment)
            store(mine, sample, UNCHECKED if comment["accept"] else REJECTED)
    return {}
