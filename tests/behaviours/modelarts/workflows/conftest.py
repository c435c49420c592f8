"""What stories about workflows begin with: a script in OBS, steps, runs."""

from tests.conftest import JOB

WORKFLOWS = "/v2/{project_id}/workflows"


def job_step(name: str, *needed: str, **members) -> dict:
    """A step that trains, simulated: no process has to be waited for."""
    algorithm = JOB["algorithm"] | {"environments": {"EMULATOR_TRAINING": "simulate"}}
    properties = {"algorithm": algorithm, "spec": JOB["spec"]}
    return {"name": name, "type": "job", "depend_steps": list(needed), "properties": properties, **members}


def labeling_step(name: str, *needed: str, **members) -> dict:
    """A step that waits for somebody."""
    return {"name": name, "type": "labeling", "depend_steps": list(needed), **members}


def condition_step(name: str, condition: dict, then: list[str], otherwise: list[str], **members) -> dict:
    """A step that decides."""
    branches = {"if_then_steps": then, "else_then_steps": otherwise}
    return {"name": name, "type": "condition", "conditions": [condition], **branches, **members}


def put_script(cloud) -> None:
    """Put there what a training step names."""
    cloud.world.obs.create_bucket("code")
    cloud.world.obs.write("code", "train.py", b"print(1)")


def create(cloud, *steps: dict, **members) -> str:
    """The path of a new workflow."""
    reply = cloud.post(WORKFLOWS, {"name": "flow", "steps": list(steps), **members})
    assert reply.status == 201, reply
    return f"{WORKFLOWS}/{reply.json['workflow_id']}"


def run(cloud, workflow: str, **members) -> str:
    """The path of a new run."""
    reply = cloud.post(f"{workflow}/executions", members)
    assert reply.status == 201, reply
    return f"{workflow}/executions/{reply.json['execution_id']}"


def states(cloud, execution: str) -> dict:
    """{step: state} of a run."""
    return {step["step_name"]: step["status"] for step in cloud.get(execution).json["steps_execution"]}


def step_in(cloud, execution: str, name: str) -> dict:
    """One step of a run."""
    steps = cloud.get(execution).json["steps_execution"]
    return next(step for step in steps if step["step_name"] == name)


def act(cloud, execution: str, name: str, action: str, **members):
    """The reply to an action on a step."""
    path = f"{execution}/step-executions/{step_in(cloud, execution, name)['uuid']}/actions"
    return cloud.post(path, {"action_name": action, **members})
