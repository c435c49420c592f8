"""Workflows in the console: their steps as a graph, runs with what waits for somebody, and the forms that go on."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
from flask import Flask, redirect, render_template, request

from modelarts_emulator.console.addresses import address, offset_asked
from modelarts_emulator.console.asking import ask, pause_between, send
from modelarts_emulator.console.commands import curl
from modelarts_emulator.console.graphs import Step, graph
from modelarts_emulator.console.services import json_in
from modelarts_emulator.control.asking import refuse

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

PATH, TITLE = "/console/workflows/", "Workflows"
PAGE = 50
VALUE, DATA = "value.", "data."
# What the API takes in which state of a step, and of a run.
ACTIONS_OF_STEPS = {
    "wait_inputs": ("continue", "stop"), "hold": ("continue", "stop"), "init": ("stop",), "pending": ("stop",),
    "creating": ("stop",), "created": ("stop",), "running": ("stop",), "stopped": ("retry",),
    "failed": ("retry", "continue"), "create_failed": ("retry", "continue"), "timeout": ("retry", "continue"),
}  # fmt: skip
ACTIONS_OF_RUNS = {
    "init": ("stop",), "running": ("stop",), "completed": ("rerun",), "stopped": ("rerun",),
    "abnormal": ("rerun", "stop"),
}  # fmt: skip
FIRST = {"name": "flow", "steps": [{"name": "label", "type": "labeling"}]}


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the workflows into the console."""

    @flask.get(PATH)
    def list_workflows():
        offset = offset_asked()
        found = ask(application, "ListWorkflows", query={"limit": PAGE, "offset": offset})
        return render_template(
            "workflows.html", found=found, offset=offset, page=PAGE, pause=pause_between(application, 2000),
            todos=ask(application, "ShowWorkflowsTodolist")["items"],
            command=None if found["items"] else curl(application, "CreateWorkflow", FIRST),
        )  # fmt: skip

    @flask.get(f"{PATH}<id>")
    def show_workflow(id):
        path, offset = {"workflow_id": id}, offset_asked()
        workflow = ask(application, "ShowWorkflow", path)
        runs = ask(application, "ListWorkflowExecutions", path, {"limit": PAGE, "offset": offset})
        return render_template(
            "workflow.html", workflow=workflow, runs=runs, offset=offset, page=PAGE,
            pause=pause_between(application, 2000),
            graph=graph(f"steps of {workflow['name']}", steps_of(workflow["steps"], {})),
            wanted=[each for each in workflow["parameters"] if not each.get("delay")],
            wanted_data=[each for each in workflow["data_requirements"] if not each.get("delay")],
        )  # fmt: skip

    @flask.post(f"{PATH}<id>")
    def run_workflow(id):
        workflow = ask(application, "ShowWorkflow", {"workflow_id": id})
        run = send(application, "CreateWorkflowExecution", {"workflow_id": id}, values_given(workflow))
        return redirect(address(f"{PATH}{id}/{run['execution_id']}"), 303)

    add_run_routes(flask, application)


def add_run_routes(flask: Flask, application: "Application") -> None:
    """Put the runs of workflows into the console."""

    def run_of(id: str, run: str) -> dict:
        return ask(application, "ShowWorkflowExecution", {"workflow_id": id, "execution_id": run})

    @flask.get(f"{PATH}<id>/<run>")
    def show_run(id, run):
        execution, workflow = run_of(id, run), ask(application, "ShowWorkflow", {"workflow_id": id})
        steps = execution["steps_execution"]
        states = {each["step_name"]: each["status"] for each in steps}
        planned = [each for each in workflow["steps"] if each["name"] in states]
        return render_template(
            "workflow_run.html",
            run=execution,
            graph=graph(f"steps of {execution['name']}", steps_of(planned, states)),
            actions_of_steps=ACTIONS_OF_STEPS,
            actions=ACTIONS_OF_RUNS.get(execution["status"], ()),
            lacking=[
                each for each in execution["parameters"] if each.get("delay") and value_of(each) is None
            ],
            lacking_data=[each for each in execution["data_requirements"] if not each.get("value")],
            pause=pause_between(application, 1500),
        )

    @flask.post(f"{PATH}<id>/<run>/<any(stop, rerun):action>")
    def act_on_run(id, run, action):
        path = {"workflow_id": id, "execution_id": run}
        chosen = request.form.getlist("step")
        policies = {"policies": {"rerun_steps": chosen}} if chosen else {}
        send(application, "CreateWorkflowExecutionsActions", path, {"action_name": action, **policies})
        return redirect(address(f"{PATH}{id}/{run}"), 303)

    @flask.post(f"{PATH}<id>/<run>/steps/<step>/<any(retry, stop, continue):action>")
    def act_on_step(id, run, step, action):
        path = {"workflow_id": id, "execution_id": run, "step_execution_id": step}
        body = {"action_name": action, **values_given(run_of(id, run))}
        send(application, "CreateWorkflowStepExecutionsActions", path, body)
        return redirect(address(f"{PATH}{id}/{run}"), 303)


def value_of(parameter: dict) -> Any:
    """The value of a parameter, its default where it is given none."""
    return parameter.get("value", parameter.get("default"))


def steps_of(planned: list[dict], states: dict[str, str]) -> list[Step]:
    """The steps of a workflow as they are drawn. states: those of a run, by the names of the steps."""
    needs: dict[str, dict[str, str]] = {
        each["name"]: dict.fromkeys(each.get("depend_steps", ()), "") for each in planned
    }
    for each in planned:
        for member, word in (("if_then_steps", "then"), ("else_then_steps", "else")):
            for name in each.get(member) or ():
                if name in needs:
                    needs[name][each["name"]] = word
    return [
        Step(
            name,
            each.get("type", ""),
            states.get(name, ""),
            {need: word for need, word in needs[name].items() if need in needs},
        )
        for name, each in ((each["name"], each) for each in planned)
    ]


def values_given(record: dict) -> dict:
    """The members of a body with what the filled fields of the form give to the parameters and data of a record."""
    parameters = filled_in(record["parameters"], VALUE, typed)
    data = filled_in(record["data_requirements"], DATA, lambda each, text: json_in(f"{DATA}{each['name']}"))
    return ({"parameters": parameters} if parameters else {}) | ({"data_requirements": data} if data else {})


def filled_in(known: list[dict], prefix: str, read: Callable[[dict, str], Any]) -> list[dict]:
    """Those of the known parameters or data whose field in the form is not empty, with what it says."""
    texts = [(each, request.form.get(f"{prefix}{each['name']}", "")) for each in known]
    return [
        {name: each[name] for name in ("name", "type") if name in each} | {"value": read(each, text)}
        for each, text in texts
        if text
    ]


def typed(parameter: dict, text: str) -> Any:
    """What a field of the form says as a value of the parameter's type; 400 in words for what is none."""
    if parameter.get("type", "str") == "str":
        return text
    try:
        return orjson.loads(text.lower() if parameter["type"] == "bool" else text)
    except ValueError:
        refuse(f"{parameter['name']}: {text!r} is no {parameter['type']}")
