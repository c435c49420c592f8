"""How a run goes on: which step begins when, which are skipped, and how it ends."""

from modelarts_emulator.behaviours.modelarts.workflows.executions import (
    EXECUTIONS,
    brief,
    duration_of,
    note_state,
)
from modelarts_emulator.behaviours.modelarts.workflows.references import references_in
from modelarts_emulator.behaviours.modelarts.workflows.refusals import lacking, value_given
from modelarts_emulator.behaviours.modelarts.workflows.steps import (
    ACTIVE,
    AT_REST,
    FAILED,
    STEPS,
    steps_of,
    stop_instance,
)
from modelarts_emulator.behaviours.modelarts.workflows.workflows import WORKFLOWS

OVER = ("completed", "skipped", "stopped", *FAILED)


@EXECUTIONS.lifecycle.entered("running")
def begin_steps(bound, execution):
    """Make the steps of a run that has none yet, and begin those that wait for nothing."""
    steps = bound.beside(STEPS)
    if not steps.table.having("execution_uuid", execution["execution_id"]):
        for plan in execution["_steps"]:
            steps.add(new_step(bound, execution, plan))
    go_on(bound, execution["execution_id"])


def new_step(bound, execution: dict, plan: dict) -> dict:
    """A step of a run before it has begun."""
    shown = {name: plan[name] for name in ("inputs", "outputs", "properties", "conditions") if name in plan}
    return {
        "uuid": bound.world.new_uuid(),
        "name": plan["name"],
        "step_name": plan["name"],
        "step_title": plan["title"],
        "step_uuid": bound.world.new_uuid(),
        "type": plan.get("type", "job"),
        "execution_uuid": execution["execution_id"],
        "execution_name": execution["name"],
        "created_at": bound.world.clock.iso(fraction=6),
        "instance_id": "",
        "events": [],
        "policy": execution["_policies"].get(plan["name"], {}),
        **shown,
        "_plan": plan,
        "_values": {},
        "_workflow": execution["workflow_id"],
    }


@STEPS.lifecycle.entering(*STEPS.lifecycle.states)
def note_change(bound, step):
    """When a step changed."""
    step["updated_at"] = bound.world.clock.iso(fraction=6)


STEPS.life.entering_each(*STEPS.life.states)(note_state)


@STEPS.lifecycle.entering("init")
def forget_last_attempt(bound, step):
    """A step that begins again has made nothing and has not failed."""
    step |= {"instance_id": "", "_values": {}}
    for member in ("error_info", "conditions_execution", "_began", "_ended", "_digest"):
        step.pop(member, None)


@STEPS.lifecycle.entering("pending")
def note_beginning(bound, step):
    """When a step began."""
    step["_began"] = bound.world.clock.now()


@STEPS.lifecycle.entering(*OVER)
def note_end(bound, step):
    """When a step was over."""
    step["_ended"] = bound.world.clock.now()


@STEPS.lifecycle.entering("stopping")
def let_instance_go(bound, step):
    """What a step that is stopped has made is ended too."""
    stop_instance(bound, step)


@STEPS.lifecycle.entered(*OVER, "hold")
def go_on_after(bound, step):
    """A step that is over lets others begin, or ends the run."""
    go_on(bound, step["execution_uuid"])


def go_on(bound, execution_id: str) -> None:
    """Begin and skip what can be begun and skipped, and end the run when nothing is left to do."""
    executions, steps = bound.beside(EXECUTIONS), bound.beside(STEPS)
    execution = executions.get(execution_id)
    if execution is None or execution["status"] != "running":
        return
    for step in steps_of(bound, execution_id):
        if step["status"] == "init":
            action = next_action(
                step, {each["step_name"]: each for each in steps_of(bound, execution_id)}, execution
            )
            if action is not None:
                steps.act(step, action)
            if action == "skip":
                return
    end_if_over(executions, steps_of(bound, execution_id), execution_id)


def next_action(step: dict, others: dict[str, dict], execution: dict) -> str | None:
    """What a step does that has not begun: begin, ask for what it lacks, skip; None while it has to wait."""
    needed = [others[name] for name in step["_plan"]["depend_steps"] if name in others]
    if not all(is_satisfied(other) for other in needed):
        return None
    if is_left_out(step["step_name"], others) or (
        needed and all(other["status"] == "skipped" for other in needed)
    ):
        return "skip"
    return "ask" if lacks_something(step, execution) else "begin"


def is_satisfied(step: dict) -> bool:
    """Whether what depends on the step may go on: it is over, and a failure was accepted."""
    accepted = step["status"] in FAILED and step["policy"].get("execution_policy") == "continue"
    return step["status"] in ("completed", "skipped") or accepted


def is_left_out(name: str, others: dict[str, dict]) -> bool:
    """Whether a condition has decided for another branch than the step's."""
    for step in others.values():
        if step["type"] == "condition" and step["status"] == "completed":
            other = "else_then_steps" if step["conditions_execution"]["result"] == "true" else "if_then_steps"
            if name in step["_plan"].get(other, ()):
                return True
    return False


def lacks_something(step: dict, execution: dict) -> bool:
    """Whether the step uses a value that the run has not been given yet."""
    used = {tuple(reference.split("/")[:2]) for reference in references_in(step["_plan"])}
    parameters = {each.get("name"): value_given(each) for each in execution["parameters"]}
    data = {each["name"]: each.get("value") for each in execution["data_requirements"]}
    for each in (*execution["parameters"], *execution["data_requirements"]):
        if step["step_name"] in each.get("used_steps", ()) and each.get("delay"):
            used.add(("data_requirements" if each.get("name") in data else "parameters", each.get("name")))
    missing = {("parameters", name) for name, value in parameters.items() if value is None}
    missing |= {("data_requirements", name) for name, value in data.items() if not value}
    return bool(used & missing)


def end_if_over(executions, steps: list[dict], execution_id: str) -> None:
    """End the run when no step is at work or waits for somebody: well, or not."""
    execution = executions.get(execution_id)
    if execution is None or execution["status"] != "running":
        return
    states = [step["status"] for step in steps]
    if any(state in (*ACTIVE, *AT_REST) for state in states):
        return
    if all(is_satisfied(step) for step in steps):
        executions.act(execution, "finish")
    elif "stopped" in states and not any(state in FAILED for state in states):
        executions.act(execution, "stop")
    else:
        executions.act(execution, "fail")


@EXECUTIONS.lifecycle.entered("stopped")
def stop_steps(bound, execution):
    """A run that is stopped stops all its steps."""
    steps = bound.beside(STEPS)
    for step in steps_of(bound, execution["execution_id"]):
        if "stop" in STEPS.life.states[step["status"]].actions:
            steps.act(step, "stop")


@EXECUTIONS.showing
def show_execution(bound, execution):
    """A run with its steps as they are."""
    steps = [bound.beside(STEPS).shown(step) for step in steps_of(bound, execution["execution_id"])]
    return {**execution, "duration": duration_of(bound, execution), "steps_execution": steps}


@STEPS.showing
def show_step(bound, step):
    """A step with how long it has taken."""
    end = step.get("_ended", bound.world.clock.now())
    return {**step, "duration": int(end - step["_began"]) if "_began" in step else 0}


@WORKFLOWS.showing
def show_workflow(bound, workflow):
    """A workflow with its last run, and whether it could run as it is."""
    executions = bound.beside(EXECUTIONS)
    ids = executions.table.having("workflow_id", workflow["workflow_id"])
    shown = {**workflow, "run_count": len(ids)}
    shown["param_ready"] = not list(lacking(workflow["parameters"], workflow["data_requirements"]))
    if ids:
        shown["latest_execution"] = brief(bound, executions.find(ids[-1]), steps_of(bound, ids[-1]))
    return shown
