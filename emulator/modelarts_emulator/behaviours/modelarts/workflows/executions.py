"""Executions: runs of a workflow."""

from dataclasses import asdict, fields

from modelarts_emulator.behaviours.modelarts.workflows.refusals import (
    lacking,
    listed,
    refuse,
    refuse_bad_data,
    refuse_bad_value,
)
from modelarts_emulator.behaviours.modelarts.workflows.workflows import WORKFLOWS
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, ends, rests, soon
from modelarts_emulator.frame.listing import list_rows
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource
from modelarts_emulator.identity.records import Caller

OVER = ("completed", "stopped", "abnormal")
EXECUTIONS = Resource(
    "modelarts/workflows/execution",
    path_names=("execution_id",),
    id_field="execution_id",
    not_found="ModelArts.7511",
    belongs_to=BelongsTo(WORKFLOWS, "workflow_id"),
    writes=("name", "description", "labels", "scene_id", "scene_name", "policies"),
    lifecycle=Lifecycle(
        "init",
        init=soon("running", after=2, stop="stopped"),
        running=rests(finish="completed", fail="abnormal", stop="stopped"),
        completed=ends(rerun="running"),
        stopped=ends(rerun="running", resume="running"),
        abnormal=rests(rerun="running", resume="running", stop="stopped"),
    ),
).serves(
    create="CreateWorkflowExecution",
    show="ShowWorkflowExecution",
    update="UpdateWorkflowExecution",
    delete="DeleteWorkflowExecution",
)


@EXECUTIONS.creating
def complete_execution(call, execution):
    """Take over what the workflow says, with the values that the run is given; ApiError where one is lacking."""
    workflow = WORKFLOWS.find(call)
    number = EXECUTIONS.of(call).table.having("workflow_id", workflow["workflow_id"])
    execution |= {
        "name": execution.get("name") or f"execution-{len(number) + 1:03d}",
        "workflow_id": workflow["workflow_id"],
        "workflow_name": workflow["name"],
        "workspace_id": workflow["workspace_id"],
        "created_at": call.world.clock.iso(fraction=6),
        "_began": call.world.clock.now(),
        **called_by(call),
    }
    begin_as_asked(execution, workflow, call.body)


def called_by(call) -> dict:
    """What a record keeps of who made it, for what is done on their behalf later."""
    return {"_caller": asdict(call.caller), "_host": call.request.host}


def caller_of(record: dict) -> Caller:
    """Who made the record."""
    return Caller(*(record["_caller"][field.name] for field in fields(Caller)))


def begin_as_asked(execution: dict, workflow: dict, body: dict) -> None:
    """Give a new run its steps and values. ApiError where it lacks one, or names a scene that is not there."""
    policy = workflow.get("policy") or {}
    execution |= {name: workflow[name] for name in ("data_requirements", "parameters", "sub_graphs")}
    execution |= {f"_{name}": workflow[name] for name in ("data", "storages")}
    for name, empty in (("labels", []), ("policies", {}), ("events", [])):
        execution[name] = execution.get(name) or empty
    execution["_policies"] = {
        step["step_name"]: step["policy"]
        for step in body.get("steps_execution", ())
        if "step_name" in step and "policy" in step
    }
    scene = execution.get("scene_id") or policy.get("use_scene")
    scenes = {each.get("id"): each for each in policy.get("scenes", ())}
    if scene and scene not in scenes:
        refuse(f"$.scene_id: there is no scene {scene}; there is {listed(scenes)}")
    names = scenes[scene].get("steps", ()) if scene else None
    execution["_steps"] = [step for step in workflow["steps"] if names is None or step["name"] in names]
    if scene:
        execution |= {"scene_id": scene, "scene_name": scenes[scene].get("name", "")}
    take_values(execution, body)
    missing = list(lacking(execution["parameters"], execution["data_requirements"]))
    if missing:
        refuse(f"the run has no value for {', '.join(missing)}")


@EXECUTIONS.updating
def change_execution(call, execution, before):
    """Change the values of a run: steps that have begun go by those they began with."""
    take_values(execution, call.body)


def take_values(execution: dict, body: dict) -> None:
    """Give the run the values that a body has for its parameters and data. ApiError for those it does not know."""
    for member, check in (("parameters", refuse_bad_value), ("data_requirements", refuse_bad_data)):
        known = {each.get("name"): dict(each) for each in execution[member]}
        for at, given in enumerate(body.get(member) or ()):
            where = f"$.{member}[{at}]"
            if given.get("name") not in known:
                refuse(f"{where}.name: there is no {given.get('name')}; there is {listed(known)}")
            known[given["name"]] |= {"value": given["value"]} if "value" in given else {}
            check(where, known[given["name"]])
        execution[member] = list(known.values())


@EXECUTIONS.lifecycle.entering(*OVER)
def note_end(bound, execution):
    """When a run was over."""
    execution["_ended"] = bound.world.clock.now()


@EXECUTIONS.lifecycle.entering("running")
def forget_end(bound, execution):
    """A run that goes on is not over."""
    execution.pop("_ended", None)


@EXECUTIONS.life.entering_each(*EXECUTIONS.life.states)
def note_state(bound, record: dict, state: str) -> None:
    """Add a line to the events of a run or step that enters a state; one that stays in it says so once."""
    if not record["events"] or record["events"][-1].rpartition(" ")[2] != state:
        record["events"] = [*record["events"], f"{bound.world.clock.iso(fraction=0)} {state}"]


def duration_of(bound, execution: dict) -> int:
    """Seconds of a run from its beginning to its end, or until now."""
    return int(execution.get("_ended", bound.world.clock.now()) - execution["_began"])


def brief(bound, execution: dict, steps: list[dict]) -> dict:
    """A run as its workflow shows it."""
    return {
        "execution_id": execution["execution_id"],
        "created_at": execution["created_at"],
        "status": execution["status"],
        "duration": duration_of(bound, execution),
        "current_steps": [
            step["step_name"] for step in steps if step["status"] in ("wait_inputs", "hold", "failed")
        ],
        "running_steps": [step["step_name"] for step in steps if step["status"] == "running"],
    }


@behaviour("ListWorkflowExecutions")
def list_executions(call):
    """A page of the runs of the workflow, of those that have all the labels."""
    wanted = {name for name in call.query.get("labels", "").split(",") if name}
    return EXECUTIONS.list(call, lambda execution: wanted <= set(execution["labels"]))


@behaviour("ListExecutionLabels")
def list_labels(call):
    """All labels of the workflow's runs, each once."""
    workflow = WORKFLOWS.find(call)
    found = EXECUTIONS.of(call).having("workflow_id", workflow["workflow_id"])
    return list_rows(call, list(dict.fromkeys(label for execution in found for label in execution["labels"])))


def execution_in(call) -> dict:
    """The run that the path names. ApiError when there is none of the workflow."""
    execution = EXECUTIONS.of(call).get(call.path["execution_id"])
    if execution is None or execution["workflow_id"] != WORKFLOWS.find(call)["workflow_id"]:
        raise ApiError(
            EXECUTIONS.not_found, f"execution {call.path['execution_id']} does not exist in the workflow"
        )
    return execution
