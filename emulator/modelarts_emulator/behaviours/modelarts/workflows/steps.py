"""Step executions: the steps of a run, what they make, and what came of it."""

import math

import orjson

from modelarts_emulator.behaviours.modelarts.workflows.executions import EXECUTIONS, caller_of
from modelarts_emulator.behaviours.modelarts.workflows.kinds import KINDS, Asked
from modelarts_emulator.behaviours.modelarts.workflows.references import (
    Scope,
    Unresolved,
    first_resolved,
    holds,
    resolve,
)
from modelarts_emulator.behaviours.modelarts.workflows.refusals import value_given
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, State, rests, soon
from modelarts_emulator.frame.obs_paths import obs_path
from modelarts_emulator.frame.registry import resource_of
from modelarts_emulator.frame.resources import BelongsTo, Resource
from modelarts_emulator.worlds.store import value_at

POLL_SECONDS = 10
FAILED = ("failed", "create_failed", "timeout")
ACTIVE = ("pending", "creating", "created", "running", "stopping")
AT_REST = ("wait_inputs", "hold")


def steps_of(bound, execution_id: str) -> list[dict]:
    """The steps of a run, in the order of the workflow."""
    return bound.beside(STEPS).having("execution_uuid", execution_id)


def scope_of(bound, execution: dict) -> Scope:
    """What references in the steps of a run stand for at the moment."""
    return Scope(
        {each.get("name"): value_given(each) for each in execution["parameters"]},
        {each.get("name"): each.get("value") for each in execution["_data"]},
        {each["name"]: each.get("value") for each in execution["data_requirements"]},
        {each.get("name"): each.get("path") for each in execution["_storages"]},
        {
            step["step_name"]: {"outputs": step["_values"]} if step["status"] == "completed" else None
            for step in steps_of(bound, execution["execution_id"])
        },
    )


def asked_of(step: dict, scope: Scope) -> Asked:
    """What a step gives to what it makes. Unresolved where a reference has no value."""
    inputs = {}
    for each in step["_plan"].get("inputs", ()):
        value = each.get("data", each.get("value"))
        inputs[each.get("name")] = (
            first_resolved(value, scope) if isinstance(value, list) else resolve(value, scope)
        )
    outputs = {
        each.get("name"): resolve(each.get("config") or {}, scope)
        for each in step["_plan"].get("outputs", ())
    }
    return Asked(resolve(step["_plan"].get("properties") or {}, scope), inputs, outputs)


def after_creating(bound, step: dict) -> str:
    """Decide, wait for a person, take over what an earlier run has made, or make something."""
    execution = bound.beside(EXECUTIONS).find(step["execution_uuid"])
    scope = scope_of(bound, execution)
    try:
        if step["type"] == "condition":
            return decide(bound, step, scope)
        asked = asked_of(step, scope)
        show_what_was_asked(step, asked)
        if step["type"] == "labeling":
            step["_values"] = dict(asked.outputs)
            return "hold"
        if use_cache(step, execution) and take_over(bound, step):
            return "completed"
        return make(bound, step, execution, asked)
    except Unresolved as error:
        return fail(step, "create_failed", "ModelArts.0104", str(error))
    except ApiError as error:
        return fail(step, "create_failed", error.code, error.message)


def decide(bound, step: dict, scope: Scope) -> str:
    """Whether all conditions of the step are met; what follows from that is up to the run."""
    metrics: list[dict] = []

    def metric(place, key):
        value = metric_in(bound.world, place, key)
        metrics.append({"key": key, "value": value})
        return value

    result = all(holds(condition, scope, metric) for condition in step["conditions"])
    step["conditions_execution"] = {"result": "true" if result else "false", "metric_list": metrics}
    return "completed"


def metric_in(world, place, key: str):
    """The figure with that key in the file of metrics that a step has written. Unresolved when there is none."""
    for metric in metrics_at(world, place):
        if metric.get("key") == key:
            data = metric.get("data")
            return data.get("value") if isinstance(data, dict) else data
    raise Unresolved(f"no metric {key} lies at {place}")


def metrics_at(world, place) -> list[dict]:
    """The metrics that lie in the files named; none where a file is not there or holds something else."""
    names = place.get("metric_files", place.get("obs_url")) if isinstance(place, dict) else place
    found = []
    for name in names if isinstance(names, list) else [names]:
        try:
            bucket, key = obs_path(str(name))
            value = orjson.loads(world.obs.read(bucket, key))
        except (KeyError, ValueError):
            continue
        found += [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return [metric for metric in found if isinstance(metric.get("key"), str)]


def show_what_was_asked(step: dict, asked: Asked) -> None:
    """Let the step show its inputs, outputs and properties with the values that they came to."""
    plan = step["_plan"]
    step["inputs"] = [{**each, "value": asked.inputs[each.get("name")]} for each in plan.get("inputs", ())]
    step["outputs"] = [
        {**each, "config": asked.outputs[each.get("name")]} for each in plan.get("outputs", ())
    ]
    step["properties"] = asked.properties
    step["_digest"] = orjson.dumps(list(asked), option=orjson.OPT_SORT_KEYS).decode()


def use_cache(step: dict, execution: dict) -> bool:
    """Whether the step may take over what an earlier run has made of the same."""
    return bool(step["policy"].get("use_cache", execution["policies"].get("use_cache")))


def take_over(bound, step: dict) -> bool:
    """Take over what the last completed execution of the same step has made of the same; whether there is one."""
    for other in reversed(bound.having("_digest", step["_digest"])):
        if (other["status"], other["step_name"], other["_workflow"]) == (
            "completed",
            step["step_name"],
            step["_workflow"],
        ):
            step |= {"_values": other["_values"], "instance_id": other["instance_id"]}
            return True
    return False


def make(bound, step: dict, execution: dict, asked: Asked) -> str:
    """Ask for what the step makes."""
    kind = KINDS.get(step["type"])
    if kind is None:
        return fail(step, "create_failed", "ModelArts.0104", f"steps of type {step['type']} are not emulated")
    path, body = kind.body(bound, asked)
    answer = ask(bound, execution, kind.create, path, body)
    step |= {"instance_id": str(value_at(answer, kind.id)), "_path": path}
    step["_values"] = dict(asked.outputs)
    return "created"


def ask(bound, execution: dict, operation_id: str, path: dict, body=None):
    """What an operation answers to the one who started the run."""
    path = {"project_id": bound.project_id, **path}
    return bound.world.ask(caller_of(execution), operation_id, path, body, execution["_host"])


def after_polling(bound, step: dict) -> str:
    """Look at what the step has made: still at it, ended in one way or another, or too late."""
    execution, kind = bound.beside(EXECUTIONS).find(step["execution_uuid"]), KINDS[step["type"]]
    try:
        path = {**step["_path"], **kind.path(step["instance_id"], step["_path"])}
        shown = ask(bound, execution, kind.show, path)
    except ApiError as error:
        return fail(step, "failed", error.code, error.message)
    state = value_at(shown, kind.state)
    end = kind.ends.get(state)
    if end == "completed":
        made = {**step["_path"], **kind.made(shown)}
        step["_values"] = {name: {**value, **made} for name, value in step["_values"].items()}
    elif end == "failed":
        return fail(step, end, "", f"{step['type']} {step['instance_id']} is {state}")
    elif end is None and bound.world.clock.now() >= latest_end(step):
        stop_instance(bound, step)
        minutes = step["_plan"]["policy"]["max_execution_minutes"]
        return fail(step, "timeout", "", f"still {state} after {minutes} minutes")
    return end or "running"


def latest_end(step: dict) -> float:
    """When a step takes too long."""
    minutes = step["_plan"]["policy"].get("max_execution_minutes")
    return step["_began"] + 60 * float(minutes) if minutes else math.inf


def poll_seconds(bound, step: dict) -> float:
    """How long until the step looks again at what it has made."""
    return max(1.0, float(step["_plan"]["policy"].get("poll_interval_seconds") or POLL_SECONDS))


def stop_instance(bound, step: dict) -> None:
    """End what the step has made, where that can be ended; it may be over or gone already."""
    kind = KINDS[step["type"]]
    if kind.stop is None:
        return
    execution = bound.beside(EXECUTIONS).find(step["execution_uuid"])
    operation_id, body = kind.stop
    try:
        ask(bound, execution, operation_id, kind.path(step["instance_id"], step["_path"]), body)
    except ApiError as error:
        step["events"] = [*step["events"], f"{bound.world.clock.iso(fraction=0)} {error.message}"]


def fail(step: dict, state: str, code: str, words: str) -> str:
    """Note why a step ends in a state of failure; that state."""
    step["error_info"] = {"error_code": code, "error_message": words}
    return state


def awaited(bound, step: dict):
    """What has to be done in real time before the step looks: what it has made may be about to pass on."""
    if step["status"] != "running":
        return None
    made = bound.beside(resource_of(KINDS[step["type"]].resource))
    record = made.get(step["instance_id"])
    if record is None or record.get("_due", math.inf) > step["_due"]:
        return None
    return made.resource.awaited(bound.world, made.table, step["instance_id"])


STOP = {"stop": "stopped"}
STEPS = Resource(
    "modelarts/workflows/step_execution",
    path_names=("step_execution_id",),
    id_field="uuid",
    not_found="ModelArts.7511",
    belongs_to=BelongsTo(EXECUTIONS, "execution_uuid"),
    by_age=(("created_at",), ("create_time",)),
    awaits=awaited,
    lifecycle=Lifecycle(
        "init",
        init=rests(begin="pending", ask="wait_inputs", skip="skipped", **STOP),
        wait_inputs=State(**{"continue": "pending"}, **STOP),
        pending=soon("creating", after=1, **STOP),
        creating=soon(after_creating, after=1, **STOP),
        created=soon("running", after=1, stop="stopping"),
        running=soon(after_polling, after=poll_seconds, stop="stopping"),
        stopping=soon("stopped", after=2),
        hold=State(**{"continue": "completed"}, **STOP),
        completed=rests(again="init"),
        skipped=rests(again="init"),
        stopped=rests(again="init", retry="init"),
        failed=rests(again="init", retry="init", **{"continue": "failed"}),
        create_failed=rests(again="init", retry="init", **{"continue": "create_failed"}),
        timeout=rests(again="init", retry="init", **{"continue": "timeout"}),
    ),
)
