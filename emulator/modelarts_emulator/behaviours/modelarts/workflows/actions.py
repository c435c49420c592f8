"""What can be done to a run and to one of its steps, and what waits for somebody."""

from modelarts_emulator.behaviours.modelarts.workflows.executions import EXECUTIONS, execution_in, take_values
from modelarts_emulator.behaviours.modelarts.workflows.progress import go_on
from modelarts_emulator.behaviours.modelarts.workflows.refusals import refuse
from modelarts_emulator.behaviours.modelarts.workflows.steps import AT_REST, STEPS, metrics_at, steps_of
from modelarts_emulator.behaviours.modelarts.workflows.workflows import WORKFLOWS
from modelarts_emulator.frame.listing import list_records, list_rows
from modelarts_emulator.frame.registry import behaviour

METRIC_TEXTS = ("key", "title", "type", "created_at")


@behaviour("CreateWorkflowExecutionsActions")
def act_on_execution(call):
    """Stop a run, or run it again: all of it, or some steps with what depends on them."""
    bound, execution, action = EXECUTIONS.of(call), execution_in(call), call.body["action_name"]
    take_values(execution, call.body)
    if action == "rerun":
        begin_again(bound, execution, (call.body.get("policies") or {}).get("rerun_steps"))
    bound.act(execution, action)
    return EXECUTIONS.answer(call, bound.shown(bound.find(execution["execution_id"])))


def begin_again(bound, execution: dict, names: list[str] | None) -> None:
    """Put the named steps of a run, or all, back to their beginning, with what depends on them."""
    steps = {step["step_name"]: step for step in steps_of(bound, execution["execution_id"])}
    again = set(steps if names is None else names)
    unknown = sorted(again - steps.keys())
    if unknown:
        refuse(f"$.policies.rerun_steps: the run has no step {unknown[0]}; there are {', '.join(steps)}")
    for _ in steps:
        again |= {name for name, step in steps.items() if again & {*step["_plan"]["depend_steps"]}}
    for name in again:
        if steps[name]["status"] != "init":
            bound.beside(STEPS).act(steps[name], "again")


@behaviour("CreateWorkflowStepExecutionsActions")
def act_on_step(call):
    """Try a step again, stop it, or go on: with what it lacked, or in spite of its failure."""
    bound, step, action = STEPS.of(call), STEPS.find(call), call.body["action_name"]
    executions, execution = EXECUTIONS.of(call), execution_in(call)
    take_values(execution, call.body)
    executions.put(execution)
    step["policy"] = {**step["policy"], "execution_policy": action}
    bound.act(step, action)
    if execution["status"] in ("stopped", "abnormal") and action != "stop":
        executions.act(execution, "resume")
    else:
        go_on(bound, execution["execution_id"])
    return STEPS.answer(call, bound.shown(bound.find(step["uuid"])))


@behaviour("ListWorkflowStepExecution")
def list_step_executions(call):
    """A page of the steps of all runs of the workflow, with the names of their parameters and metrics."""
    workflow, bound = WORKFLOWS.find(call), STEPS.of(call)
    ids = bound.table.having("_workflow", workflow["workflow_id"])
    metrics = {metric["key"] for id in ids for metric in metrics_of(bound, bound.find(id))}
    columns = {
        "metrics": sorted(metrics),
        "parameters": [each.get("name") for each in workflow["parameters"]],
    }
    return {**list_records(call, bound, ids), "default_order": "desc", "compare_columns": columns}


@behaviour("ShowWorkflowStepExecutionMetrics")
def list_metrics(call):
    """The figures that a step has written into its metric files."""
    execution_in(call)
    return metrics_of(STEPS.of(call), STEPS.find(call))


def metrics_of(bound, step: dict) -> list[dict]:
    """The figures in the metric files among a step's outputs, as far as they are there."""
    places = [value for value in step["_values"].values() if "metric_files" in value]
    written = step.get("updated_at", "")
    found = [metric for place in places for metric in metrics_at(bound.world, place)]
    return [{"created_at": written, **metric_shown(metric)} for metric in found]


def metric_shown(metric: dict) -> dict:
    """A figure as the API documents it, whatever else the file says: its data is an object."""
    texts = {name: metric[name] for name in METRIC_TEXTS if isinstance(metric.get(name), str)}
    data = metric.get("data")
    return {**texts, "data": data if isinstance(data, dict) else {"value": data}}


@behaviour("ShowWorkflowsTodolist")
def list_todos(call):
    """The steps that wait for somebody, of all runs in the workspace."""
    bound, executions = STEPS.of(call), EXECUTIONS.of(call)
    found = []
    for step in (each for state in AT_REST for each in bound.having("status", state)):
        execution = executions.find(step["execution_uuid"])
        if execution["workspace_id"] == call.query["workspace_id"]:
            found.append(todo_of(bound.shown(step), execution))
    return list_rows(call, found)


def todo_of(step: dict, execution: dict) -> dict:
    """A step that waits, as the list of what is to be done shows it."""
    return {
        **{name: step[name] for name in ("status", "step_name", "step_title", "duration")},
        **{name: execution[name] for name in ("execution_id", "workflow_id", "workflow_name")},
        "time": step["updated_at"],
    }
