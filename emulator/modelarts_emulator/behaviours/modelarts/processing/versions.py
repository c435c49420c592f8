"""Versions of processing tasks: each is one run of it, over its inputs, with an output of its own."""

from modelarts_emulator.behaviours.modelarts.dataset_versions.versions import VERSIONS as DATASET_VERSIONS
from modelarts_emulator.behaviours.modelarts.dataset_versions.versions import adopt_version
from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS
from modelarts_emulator.behaviours.modelarts.datasets.kinds import new_id
from modelarts_emulator.behaviours.modelarts.processing.running import RESULT, carry_out
from modelarts_emulator.behaviours.modelarts.processing.sources import VERSION
from modelarts_emulator.behaviours.modelarts.processing.tasks import (
    TASKS,
    inputs_asked,
    refuse_bad_processing,
)
from modelarts_emulator.behaviours.modelarts.samples.showing import picture_link
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon, works
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.obs_paths import obs_path, refuse_bad_obs_path, refuse_missing_bucket
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource
from modelarts_emulator.inference.pictures.catalogue import ANALYSIS

NUMBERS = {"INIT": 0, "RUNNING": 1, "FINISHED": 2, "FAILED": 3, "STOPPED": 4}
# With which code a version refuses what its state does not allow.
FORBIDS = {"INIT": "ModelArts.4850", "FAILED": "ModelArts.4392", "STOPPED": "ModelArts.4393"}
WAITING_SECONDS, RUNNING_SECONDS = 5, 30
ANY = "-1"


def after_running(bound, version: dict, outcome: tuple) -> str:
    """Note what has become of the pictures; where the output is a dataset, it has another version."""
    done, noted = outcome
    version |= noted
    if done.code:
        version["_error_msg"] = f"{done.code}: {done.words}"
        return "FAILED"
    if version["work_path"].get("type") != "DATASET" or version["template"]["id"] == ANALYSIS:
        return "FINISHED"
    try:
        version["work_path"] |= adopt_version(bound, version)
    except ApiError as error:
        version["_error_msg"] = f"{error.code}: {error.message}"
        return "FAILED"
    return "FINISHED"


LIFE = Lifecycle(
    "INIT",
    field="_state",
    numbers=NUMBERS,
    illegal=lambda state, action: ApiError(FORBIDS.get(state, "ModelArts.4396"), f"the version is {state}"),
    INIT=soon("RUNNING", after=WAITING_SECONDS),
    RUNNING=works(after_running, carry_out, after=RUNNING_SECONDS, stop="STOPPED", delete=GONE),
    FINISHED=rests(delete=GONE),
    FAILED=rests(delete=GONE),
    STOPPED=rests(delete=GONE),
)
VERSIONS = Resource(
    VERSION,
    path_names=("version_id",),
    id_field="task_version_id",
    not_found="ModelArts.4851",
    belongs_to=BelongsTo(TASKS, "task_id"),
    lifecycle=LIFE,
).serves(
    show="DescProcessorTaskVersion",
    list="ListProcessorTaskVersions",
    delete="DeleteProcessorTaskVersion",
)


@LIFE.entering(*NUMBERS)
def tell_task(bound, version):
    """A task is in the state of its last version, and has its result."""
    now = bound.world.clock.now_ms()
    version |= {"update_time": now, "duration_seconds": (now - version["create_time"]) // 1000}
    task = bound.beside(TASKS).get(version["task_id"])
    if task is not None and task["_last"] == version["task_version_id"]:
        told = {name: version[name] for name in ("status", "duration_seconds")}
        told |= {name: version[f"_{name}"] for name in ("result", "error_msg") if f"_{name}" in version}
        bound.beside(TASKS).put({name: task[name] for name in task if name != "error_msg"} | told)


def with_links(bound, result: dict) -> dict:
    """A result with links to what the picture was and is."""
    links = {
        f"signed_{name}": picture_link(bound.call, obs_path(result[name]))
        for name in ("origin_source", "new_source")
        if result[name]
    }
    return result | links


RESULTS = Resource(
    RESULT,
    path_names=("result_id",),
    id_field="_id",
    not_found="ModelArts.4851",
    belongs_to=BelongsTo(VERSIONS, "version_id"),
    present=with_links,
)


@behaviour("StopProcessorTaskVersion")
def stop_version(call):
    """End a run; what it has written stays."""
    VERSIONS.act(call, VERSIONS.find(call), "stop")
    return {}


@behaviour("CreateProcessorTask")
def create_processor_task(call):
    """Create a task; an analysis begins at once, processing on request."""
    answer = TASKS.create(call)
    task = TASKS.find(call, answer["task_id"])
    if call.body["create_version"] or task["template"]["id"] == ANALYSIS:
        add_version(call, task)
    return answer


@behaviour("CreateProcessorTaskVersion")
def create_processor_task_version(call):
    """Begin another run of the task, as it is or with other inputs and operators."""
    task = TASKS.find(call)
    asked = {name: call.body[name] for name in ("template", "work_path") if name in call.body}
    run = task | asked | {"inputs": inputs_asked(call.body, task)}
    if run["template"].get("id") != task["template"]["id"]:
        raise ApiError("ModelArts.4396", f"$.template.id must be {task['template']['id']}, as of the task")
    refuse_bad_processing(call, run)
    return {"version_id": add_version(call, run, call.body.get("description", ""))["task_version_id"]}


def add_version(call, task: dict, description: str = "") -> dict:
    """Begin a run of the task."""
    number, now = task.get("_next", 1), call.world.clock.now_ms()
    id = new_id(call.world)
    version = {name: task[name] for name in ("task_id", "template", "inputs")}
    version |= {"task_version_id": id, "version_name": f"V{number:03d}", "description": description}
    version |= {"create_time": now, "work_path": output_asked(call, task, id)}
    stored = TASKS.of(call).find(task["task_id"])
    TASKS.of(call).put(stored | {"_next": number + 1, "_last": id, "version_name": version["version_name"]})
    return VERSIONS.of(call).add(version)


def output_asked(call, task: dict, id: str) -> dict:
    """Where a run writes: a folder called like it, below the work path or that of the dataset which is its goal."""
    if task["template"]["id"] == ANALYSIS:
        return {}
    goal = task.get("work_path", {})
    if not goal.get("path"):
        raise ApiError("ModelArts.4396", "$.work_path.path is missing")
    path = goal["path"]
    if goal.get("type") == "DATASET":
        dataset = DATASETS.find(call, path)
        path = dataset["work_path"]
        if goal.get("version_name"):
            named = {
                "_dataset": dataset["dataset_id"],
                "version_name": goal["version_name"],
                "version_id": "",
            }
            DATASET_VERSIONS.refuse_duplicate(DATASET_VERSIONS.of(call), named)
        goal = goal | {"name": dataset["dataset_name"]}
    place = refuse_bad_obs_path("ModelArts.4313", "$.work_path.path", path).folder
    refuse_missing_bucket(call.world, "ModelArts.4311", "$.work_path.path", place)
    return goal | {"output_path": f"/{place.bucket}/{place.key}{id}/"}


@behaviour("ListProcessorTaskVersionResults")
def list_results(call):
    """A page of what has become of the pictures, on request of those with one fate, with links that open them."""
    id, wanted = VERSIONS.find(call)["task_version_id"], call.query.get("result_property", ANY)
    table = RESULTS.table(call)
    ids = table.having("version_id", id) if wanted == ANY else table.having("_fate", f"{id}/{wanted}")
    return list_records(call, RESULTS.of(call), ids)
