"""What members do with samples of a task: look for them, label them, review them."""

from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS
from modelarts_emulator.behaviours.modelarts.datasets.results import results_of
from modelarts_emulator.behaviours.modelarts.labels.rules import learn_labels
from modelarts_emulator.behaviours.modelarts.samples.samples import label_sample
from modelarts_emulator.behaviours.modelarts.samples.searching import ids_asked
from modelarts_emulator.behaviours.modelarts.workforces import storing
from modelarts_emulator.behaviours.modelarts.workforces.storing import find_samples, ids_in, task_asked
from modelarts_emulator.behaviours.modelarts.workforces.teams import LABELER, REVIEWER, WORKERS, members
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import behaviour


@behaviour("ListWorkforceTaskSamples")
def list_workforce_task_samples(call):
    """A page of the samples of a task that are looked for, each once for everybody who labels it."""
    _, _, mine = task_asked(call)
    ids = ids_in(mine.table, call.query.get("sample_state"))
    return list_records(call, mine, ids_asked(mine.table, ids, call.query))


@behaviour("DescribeWorkforceTaskSample")
def describe_workforce_task_sample(call):
    """One sample of a task that was checked once, of a worker where one is named; with a state only if it is in it."""
    task, _, mine = task_asked(call)
    if "_check" not in task and not task["_checks"]:
        raise ApiError("ModelArts.4624", "no acceptance of the task has been started")
    sample = find_samples(mine, call.path | call.query)[0]
    wanted = ids_in(mine.table, call.query.get("sample_state"))
    if wanted is not None and mine.id_of(sample) not in wanted:
        raise ApiError("ModelArts.4420", f"the sample is {sample['sample_status']}")
    return mine.resource.answer(call, mine.shown(sample))


@behaviour("UpdateWorkforceTaskSamples")
def update_workforce_task_samples(call):
    """Label samples as a member, each with a result of its own; one without labels loses those that it has."""
    (task, tasks, mine), dataset, workers = task_asked(call, "label"), DATASETS.find(call), WORKERS.of(call)
    worker = member_named(task, call.body["email"]) if call.body.get("email") else {}
    if worker.get("role", LABELER) != LABELER:
        raise ApiError("ModelArts.4600", f"{worker['email']} is no labeler of the task")
    state = storing.UNREVIEWED if members(task, REVIEWER) else storing.UNCHECKED

    def update(asked: dict) -> None:
        sample = find_samples(mine, {**asked, **worker})[0]
        if sample["sample_status"] == storing.ACCEPTED:
            raise ApiError("ModelArts.4600", f"{sample['sample_id']} is accepted")
        label_sample(call, dataset, sample, asked)
        sample = storing.with_verdict(storing.with_verdict(sample, "review", {}), "check", {})
        storing.store(mine, sample, state)
        learn_labels(dataset, [sample])
        for member in workers.having("worker_id", sample["worker_id"]):
            workers.act(member, "log_in")

    answer = results_of(call.body.get("samples", []), update)
    storing.note_progress(tasks, task["task_id"])
    DATASETS.of(call).put(dataset)
    return answer


def member_named(task: dict, email: str) -> dict:
    """The worker of the task with that mail address; ApiError when there is none."""
    worker = next((each for each in members(task) if each["email"] == email), None)
    if worker is None:
        raise ApiError("ModelArts.4604", f"{email} takes no part in the task")
    return worker


@behaviour("ReviewSamples")
def review_samples(call):
    """Note what a reviewer says of samples, which go to the owner or back to who labeled them; all or none."""
    _, _, mine = task_asked(call, "label")
    for comment in call.body.get("comments", []):
        for sample in find_samples(mine, comment):
            if sample["sample_status"] != storing.UNREVIEWED:
                code = "ModelArts.4606" if "review_accept" in sample else "ModelArts.4600"
                raise ApiError(code, f"{sample['sample_id']} is {sample['sample_status']}")
            sample = storing.with_verdict(sample, "review", comment)
            storing.store(mine, sample, storing.UNCHECKED if comment["accept"] else storing.REJECTED)
    return {}
