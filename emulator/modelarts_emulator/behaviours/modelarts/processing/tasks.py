"""Processing tasks: what is processed how, or of which version of a dataset it is told what it is like."""

from modelarts_emulator.behaviours.modelarts.datasets.datasets import DATASETS
from modelarts_emulator.behaviours.modelarts.datasets.kinds import new_id
from modelarts_emulator.behaviours.modelarts.processing.sources import TASK, VERSION, refuse_bad_source
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.obs_paths import is_in_obs, refuse_bad_obs_path
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.inference.pictures.catalogue import (
    ANALYSIS,
    AUGMENTATION,
    CLEANING,
    OPERATORS,
    SELECTION,
    VALIDATION,
    read_params,
)

ITEMS = {
    CLEANING: ("data cleaning", "数据清洗"),
    VALIDATION: ("data validation", "数据校验"),
    SELECTION: ("data selection", "数据选择"),
    AUGMENTATION: ("data augmentation", "数据增强"),
}
TASKS = Resource(
    TASK,
    path_names=("task_id",),
    id_field="task_id",
    not_found="ModelArts.4700",
    new_id=new_id,
    writes=(
        "data_source",
        "description",
        "inputs",
        "name",
        "template",
        "version_id",
        "work_path",
        "workspace_id",
    ),
).serves(show="DescribeProcessorTask")


@TASKS.creating
def complete_task(call, task):
    """Refuse what cannot be processed, and say what a new task is."""
    task["template"] = task.get("template", {})
    if "id" not in task["template"]:
        raise ApiError("ModelArts.4396", "$.template.id is missing")
    is_analysis = task["template"]["id"] == ANALYSIS
    if is_analysis and call.body["create_version"]:
        raise ApiError("ModelArts.4396", "$.create_version is for processing, an analysis has no versions")
    task["inputs"] = inputs_asked(call.body, task)
    task |= {"data_source": task["inputs"][0], "description": task.get("description", "")}
    refuse_bad_processing(call, task)
    others = [] if is_analysis else TASKS.of(call).having("name", task["name"])
    if any(other["template"]["id"] != ANALYSIS for other in others):
        raise ApiError("ModelArts.4709", f"there is a task {task['name']} already")
    task |= {"create_time": call.world.clock.now_ms(), "duration_seconds": 0, "status": 0, "is_current": True}
    if is_analysis:
        task["version_id"] = task["inputs"][0]["version_id"]
        for old in TASKS.of(call).having("version_id", task["version_id"]):
            TASKS.of(call).put(old | {"is_current": False})


def inputs_asked(body: dict, usual: dict) -> list[dict]:
    """What is read, as data_source or inputs say it; the version beside them counts for the first."""
    if "data_source" in body and "inputs" in body:
        raise ApiError("ModelArts.4396", "$.data_source and $.inputs exclude each other, send one")
    inputs = [body["data_source"]] if "data_source" in body else body.get("inputs") or usual.get("inputs", [])
    if not inputs:
        raise ApiError("ModelArts.4396", "$.inputs says nothing that is read")
    beside = {"version_id": body["version_id"]} if body.get("version_id") else {}
    return [{"type": "DATASET", **beside, **inputs[0]}, *inputs[1:]]


def refuse_bad_processing(call, task: dict) -> None:
    """ApiError for sources that cannot be read, and for operators that there are not or that lack something."""
    template = task["template"]
    for at, source in enumerate(task["inputs"]):
        where = "$.data_source" if "data_source" in call.body else f"$.inputs[{at}]"
        refuse_bad_source(call, where, source, template)
    goal = task.get("work_path", {})
    if goal.get("type") == "DATASET" and goal.get("path"):
        DATASETS.find(call, goal["path"])
    asked = template.get("operator_params", [])
    if template["id"] == ANALYSIS:
        return
    known = [name for name, operator in OPERATORS.items() if operator.template == template["id"]]
    if not asked or any(each.get("name") not in known for each in asked):
        where = f"$.template.operator_params: {template['id']} has the operators"
        raise ApiError("ModelArts.4396", f"{where} {', '.join(known)}")
    for each in asked:
        try:
            params = read_params(each["name"], each.get("params", {}))
        except ValueError as error:
            raise ApiError("ModelArts.4396", f"$.template.operator_params: {error}") from None
        for name in (name for name in params if name.endswith("_path") and params[name]):
            place = refuse_bad_obs_path("ModelArts.4313", name, params[name])
            if not is_in_obs(call.world, place):
                raise ApiError("ModelArts.4312", f"{name}: nothing lies in {params[name]}")


@TASKS.deleting
def refuse_initializing(call, task):
    """A version that is about to start keeps its task."""
    versions = call.records(VERSION)
    if any(versions.copy_of(id)["_state"] == "INIT" for id in versions.having("task_id", task["task_id"])):
        raise ApiError("ModelArts.4850", "a version of the task is about to start")


@TASKS.showing
def show_task(bound, task):
    """Add how many versions it has."""
    return task | {"version_count": len(bound.records(VERSION).having("task_id", task["task_id"]))}


@TASKS.listed
def leave_out_result(bound, task):
    """Lists have the result of an analysis on request only."""
    if bound.call.query["return_result"]:
        return task
    return {name: value for name, value in task.items() if name != "result"}


@behaviour("ListProcessorTasks")
def list_processor_tasks(call):
    """A page of the tasks, on request those of one source, and of analyses the last one of each version only."""
    source, is_current = call.query.get("source"), call.query["query_current"]

    def keep(task: dict) -> bool:
        is_of_source = not source or any(each.get("source") == source for each in task["inputs"])
        return is_of_source and (task["is_current"] or not is_current)

    return TASKS.list(call, keep if source or is_current else None)


@behaviour("UpdateProcessorTask")
def update_processor_task(call):
    """Change the description."""
    TASKS.update(call)
    return {}


@behaviour("DeleteProcessorTask")
def delete_processor_task(call):
    """Delete a task with its versions; what they wrote stays in OBS."""
    TASKS.delete(call)
    return {}


@behaviour("GetProcessorTaskItems")
def get_processor_task_items(call):
    """The kinds of processing."""
    rows = [{"template_id": id, "label_en": en, "label_zh": zh} for id, (en, zh) in ITEMS.items()]
    return list_rows(call, rows)
