"""Intelligent tasks of a dataset: begun where its samples allow that, carried out, stopped."""

from datetime import UTC, datetime

from modelarts_emulator.behaviours.modelarts.auto_labeling.labeling import (
    AUTO_LABEL,
    DETECTION,
    GROUPING,
    NAME,
    PRE_LABEL,
    carry_out,
)
from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS, refuse_busy
from modelarts_emulator.behaviours.modelarts.datasets.kinds import (
    IMAGE,
    kind_of,
    new_id,
    refuse_kind,
)
from modelarts_emulator.behaviours.modelarts.datasets.work import Done
from modelarts_emulator.behaviours.modelarts.models.models import MODELS
from modelarts_emulator.behaviours.modelarts.samples.annotations import SHAPE
from modelarts_emulator.behaviours.modelarts.samples.storing import (
    LABELED,
    counts_of,
    label_counts,
    samples_in,
    summaries_of,
)
from modelarts_emulator.contract.errors import ApiError, error_facts
from modelarts_emulator.contract.whole import whole_in
from modelarts_emulator.frame.bound import usable_record
from modelarts_emulator.frame.lifecycle import Lifecycle, rests, soon, works
from modelarts_emulator.frame.obs_paths import refuse_bad_obs_path
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource

TYPES = {"auto-label": AUTO_LABEL, "pre-label": PRE_LABEL, "auto-grouping": GROUPING}
NUMBERS = {
    "QUEUED": -1, "INITIAL": 0, "RUNNING": 1, "FAILED": 2, "SUCCEEDED": 3, "STOPPING": 4, "STOPPED": 5
}  # fmt: skip
# With which code a task that runs refuses another; which codes tell that a task has begun, succeeded, failed.
BUSY = {AUTO_LABEL: "ModelArts.4386", PRE_LABEL: "ModelArts.4387", GROUPING: "ModelArts.4394"}
CODES = {
    AUTO_LABEL: ("ModelArts.4914", "ModelArts.4916", "ModelArts.4917"),
    PRE_LABEL: ("ModelArts.4950", "ModelArts.4952", "ModelArts.4953"),
    GROUPING: ("ModelArts.4960", "ModelArts.4962", "ModelArts.4963"),
}
ENDED = {"FAILED": "ModelArts.4392", "STOPPING": "ModelArts.4393", "STOPPED": "ModelArts.4393"}
WAITING_SECONDS, RUNNING_SECONDS, STOPPING_SECONDS = 2, 60, 5
LEAST_LABELS, LEAST_IMAGES, CLUSTERS = 2, 5, range(2, 201)


def after_running(bound, task: dict, done: Done) -> str:
    """Note what the task has come to."""
    task |= done.refusal
    return "FAILED" if done.code else "SUCCEEDED"


LIFE = Lifecycle(
    "QUEUED",
    field="_state",
    numbers=NUMBERS,
    illegal=lambda state, action: ApiError(ENDED.get(state, "ModelArts.4396"), f"the task is {state}"),
    QUEUED=soon("INITIAL", after=WAITING_SECONDS, stop="STOPPING"),
    INITIAL=soon("RUNNING", after=WAITING_SECONDS, stop="STOPPING"),
    RUNNING=works(after_running, carry_out, after=RUNNING_SECONDS, stop="STOPPING"),
    STOPPING=soon("STOPPED", after=STOPPING_SECONDS),
    FAILED=rests(),
    SUCCEEDED=rests(),
    STOPPED=rests(),
)
TASKS = Resource(
    NAME,
    path_names=("task_id",),
    id_field="task_id",
    not_found="ModelArts.4612",
    belongs_to=BelongsTo(DATASETS, "dataset_id"),
    lifecycle=LIFE,
).serves(show="AutoAnnotationProgress", stop="StopAutoAnnotation")


@LIFE.entering("FAILED", "SUCCEEDED", "STOPPED")
def end_task(bound, task):
    """Another may begin; say how it went, and how long it took."""
    task["progress"] = progress_of(bound, task)
    task["elapsed_time"] = (bound.world.clock.now_ms() - task["_began"]) // 1000
    task |= {"_runs_on": "", **told(task["type"], 2 if task["status"] == NUMBERS["FAILED"] else 1)}
    if task["status"] == NUMBERS["SUCCEEDED"]:
        task["progress"] = 100.0


def told(type: int, at: int) -> dict:
    """The code and the words for how far a task is: begun, succeeded, failed."""
    return {"code": CODES[type][at], "message": error_facts(CODES[type][at])["message"]}


def progress_of(bound, task: dict) -> float:
    """How many of a hundred parts are done, by the time that is over."""
    if "progress" in task:
        return task["progress"]
    passed = (bound.world.clock.now_ms() - task["_began"]) / 1000 * bound.world.pace
    return round(min(99.0, 100 * passed / (2 * WAITING_SECONDS + RUNNING_SECONDS)), 1)


@TASKS.showing
def show_task(bound, task):
    """Add how far it is, and how many samples are labeled by now."""
    counts = counts_of(samples_in(bound, task["dataset_id"]))
    numbers = {
        "total_sample_count": counts.total,
        "annotated_sample_count": counts.annotated,
        "unconfirmed_sample_count": counts.unconfirmed,
    }
    elapsed = (bound.world.clock.now_ms() - task["_began"]) // 1000
    return {
        "elapsed_time": elapsed,
        **task,
        **numbers,
        "result": numbers,
        "progress": progress_of(bound, task),
    }


@behaviour("CreateTask")
def create_task(call):
    """Begin to label or to group samples."""
    dataset, body = DATASETS.find(call), call.body
    type = type_asked(body)
    config = body.get("config", {})
    model_id = str(body.get("model_id") or config.get("model_id") or "")
    refuse_unfit(call, dataset, type, config, model_id)
    now, id = call.world.clock.now_ms(), new_id(call.world)
    task = {
        "task_id": id,
        "task_name": config.get("name") or id,
        "dataset_id": dataset["dataset_id"],
        "type": type,
        "config": config,
        "export_type": body.get("export_type", config.get("result_type", 0)),
        "create_time": f"{datetime.fromtimestamp(now / 1000, UTC):%Y-%m-%d %H:%M:%S}",
        "_began": now,
        "_runs_on": dataset["dataset_id"],
        "_collects": body["collect_key_sample"],
        "_inference": call.settings.inference,
        **told(type, 0),
    }
    model = MODELS.of(call).get(model_id) if type == PRE_LABEL else None
    if model is not None:
        task |= {"model_id": model_id, **{name: model[name] for name in ("model_name", "model_version")}}
    return TASKS.answer(call, TASKS.add(call, task))


def type_asked(body: dict) -> int:
    """The type of the task as a number; the request names it, or says the number."""
    name, number = body.get("task_type"), body.get("type")
    if name in ("auto-deploy", "auto_deploy"):
        raise ApiError(
            "ModelArts.4383", "auto-deploy: today's API has auto-label, pre-label and auto-grouping"
        )
    if name is None and number not in TYPES.values():
        raise ApiError("ModelArts.4396", f"$.task_type must be one of {', '.join(TYPES)}")
    return TYPES.get(name, number)


def refuse_unfit(call, dataset: dict, type: int, config: dict, model_id: str) -> None:
    """ApiError for a dataset that is busy, or whose samples do not allow such a task."""
    if dataset["_state"] != "NORMAL":
        raise refuse_busy(dataset["_state"], "an intelligent task")
    is_image = kind_of(dataset).sample_type == IMAGE
    refuse_kind(
        dataset, is_image and (type == GROUPING or dataset["dataset_type"] in (0, DETECTION)), "the task"
    )
    running = TASKS.of(call).having("_runs_on", dataset["dataset_id"])
    if running:
        raise ApiError(BUSY[running[0]["type"]], f"task {running[0]['task_id']} has not ended")
    table = samples_in(DATASETS.of(call), dataset["dataset_id"])
    if type == AUTO_LABEL:
        refuse_few_labels(table, dataset)
    counts = counts_of(table)
    if counts.annotated == counts.total:
        raise ApiError("ModelArts.4407", "every sample has labels already")
    if type == PRE_LABEL and usable_record(call, MODELS.name, model_id) is None:
        raise ApiError("ModelArts.4934", f"$.model_id: there is no model {model_id!r}")
    if type == GROUPING:
        refuse_bad_grouping(config, counts.total - counts.annotated)


def refuse_few_labels(table, dataset: dict) -> None:
    """Two labels with five images each are needed to learn from; things in images are boxes."""
    labeled = table.having("sample_status", LABELED)
    counts = label_counts(summaries_of(table, labeled))
    if len(counts) < LEAST_LABELS:
        raise ApiError("ModelArts.4405", f"{len(counts)} labels are in use, {LEAST_LABELS} are needed")
    enough = [name for (_, name), (_, images) in counts.items() if images >= LEAST_IMAGES]
    if len(enough) < LEAST_LABELS:
        raise ApiError(
            "ModelArts.4406", f"{len(enough)} labels have {LEAST_IMAGES} images, {LEAST_LABELS} are needed"
        )
    if dataset["dataset_type"] != DETECTION:
        return
    shapes = {label["property"].get(SHAPE) for id in labeled for label in table.copy_of(id)["labels"]}
    if shapes != {"bndbox"}:
        raise ApiError("ModelArts.4408", f"there are labels of the shapes {', '.join(sorted(shapes))}")


def refuse_bad_grouping(config: dict, count: int) -> None:
    """So many groups as there are samples at most; the folder that the result goes to is one."""
    sent = str(config.get("n_clusters", ""))
    number = whole_in(sent)
    if number is None or number not in CLUSTERS:
        raise ApiError("ModelArts.4396", f"$.config.n_clusters is {sent[:80]!r}, must be from 2 to 200")
    if number >= count:
        raise ApiError("ModelArts.4622", f"$.config.n_clusters is {number}, there are {count} samples")
    if config.get("output_dir"):
        refuse_bad_obs_path("ModelArts.4313", "$.config.output_dir", config["output_dir"])


@behaviour("ListTasks")
def list_tasks(call):
    """A page of the tasks of the dataset; those that group only where they are asked for."""
    wanted = call.query.get("type")
    types = (AUTO_LABEL, PRE_LABEL) if wanted is None else (TYPES.get(wanted),)
    page = TASKS.list(call, lambda task: task["type"] in types)
    return page | {"exist_running_deploy_task": False}
