"""Workflows through the official Python SDK, over a socket: from data to a prediction."""

import json

import pytest

pytest.importorskip("huaweicloudsdkmodelarts")

from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkmodelarts.v1 import model

from tests.behaviours.modelarts.conftest import ECHO, put_package
from tests.conftest import JOB


def steps_of_flow() -> list:
    """A training, the model that it leaves, and the service of that model."""
    place = [{"name": "train_url", "type": "obs", "config": {"obs_url": "$ref/storages/out"}}]
    training = model.WorkflowStep(
        name="train",
        type="job",
        properties={"algorithm": JOB["algorithm"], "spec": JOB["spec"]},
        outputs=[model.JobOutput(**each) for each in place],
    )
    registered = {"model_type": "Scikit_Learn", "model_name": "flow", "runtime": "python3.6"}
    publishing = model.WorkflowStep(
        name="publish",
        type="model",
        depend_steps=["train"],
        inputs=[model.JobInput(name="place", type="obs", data="$ref/steps/train/outputs/train_url")],
        outputs=[model.JobOutput(name="model", type="model", config=registered)],
    )
    deploying = model.WorkflowStep(
        name="deploy",
        type="service",
        depend_steps=["publish"],
        inputs=[model.JobInput(name="model", data="$ref/steps/publish/outputs/model")],
        outputs=[model.JobOutput(name="service", config={"service_name": "flow"})],
    )
    return [training, publishing, deploying]


def test_a_workflow_ends_in_a_service_that_answers(cloud, client):
    put_package(cloud, "digits", code=ECHO)
    cloud.world.obs.create_bucket("code")
    cloud.world.obs.write("code", "train.py", b"print(1)")
    storages = [model.WorkflowStorage(name="out", type="obs", path="/packages/digits")]
    body = model.WorkflowParam(name="flow", steps=steps_of_flow(), storages=storages)
    workflow = client.create_workflow(model.CreateWorkflowRequest(body=body)).workflow_id
    started = client.create_workflow_execution(
        model.CreateWorkflowExecutionRequest(workflow_id=workflow, body=model.WorkflowExecution())
    )
    cloud.clock.advance("2h")
    shown = client.show_workflow_execution(
        model.ShowWorkflowExecutionRequest(workflow_id=workflow, execution_id=started.execution_id)
    )
    ends = {step.step_name: (step.status, step.error_info) for step in shown.steps_execution}
    assert ends == dict.fromkeys(("train", "publish", "deploy"), ("completed", None))
    id = shown.steps_execution[2].instance_id
    service = cloud.get(f"/v1/{{project_id}}/services/{id}").json
    assert (service["status"], service["config"][0]["model_name"]) == ("running", "flow")
    reply = cloud.post(f"/v1/infers/{id}", {"data": [1, 2]})
    assert reply.json["echo"] == {"data": [1, 2]}
    brief = client.show_workflow(model.ShowWorkflowRequest(workflow_id=workflow)).latest_execution
    assert (brief.status, brief.execution_id) == ("completed", started.execution_id)


def test_schedules_and_subscriptions_read_back(client):
    body = model.WorkflowParam(name="flow")
    workflow = client.create_workflow(model.CreateWorkflowRequest(body=body)).workflow_id
    content = {"cron": "0 0 0 * * Thu", "method": "fixed"}
    policies = model.WorkflowSchedulePolicies(on_failure="retry", on_running="cancel")
    asked = model.WorkflowSchedule(type="time", action="run", content=content, policies=policies)
    made = client.create_workflow_schedule(
        model.CreateWorkflowScheduleRequest(workflow_id=workflow, body=asked)
    )
    shown = client.show_workflow_schedule(
        model.ShowWorkflowScheduleRequest(workflow_id=workflow, schedule_id=made.uuid)
    )
    assert (shown.content, shown.enable, shown.policies.on_running) == (content, True, "cancel")
    wanted = model.Subscription(topic_urns=["b", "a"], events=["*:failed"])
    subscription = client.create_workflow_subscriptions(
        model.CreateWorkflowSubscriptionsRequest(workflow_id=workflow, body=wanted)
    )
    assert subscription.topic_urns == ["b", "a"]


def test_a_workflow_that_is_not_there_is_refused_as_documented(client):
    with pytest.raises(ClientRequestException) as refused:
        client.show_workflow(model.ShowWorkflowRequest(workflow_id="none"))
    assert (refused.value.status_code, refused.value.error_code) == (400, "ModelArts.7512")


def test_what_terraform_writes_reads_back(cloud):
    """The provider sends JSON values where its configuration has texts, and an empty policy for every step."""
    written = {
        "name": "flow",
        "workspace_id": "",
        "with_subscription": False,
        "smn_switch": False,
        "steps": [
            {"name": "a", "type": "job", "title": "A", "policy": {}, "properties": {"kind": "job"}},
        ],
        "parameters": [{"name": "n", "type": "int", "default": 1, "delay": False}],
        "storages": [{"name": "s", "type": "obs"}],
        "labels": ["z", "a"],
    }
    workflow = f"/v2/{{project_id}}/workflows/{cloud.post('/v2/{project_id}/workflows', written).json['workflow_id']}"
    shown = cloud.get(f"{workflow}?workspace_id=").json
    for name in ("name", "parameters", "storages", "labels", "smn_switch"):
        assert shown[name] == written[name]
    assert {name: shown["steps"][0][name] for name in written["steps"][0]} == written["steps"][0]
    assert isinstance(shown["run_count"], int)
    schedule = cloud.post(
        f"{workflow}/schedules", {"type": "time", "action": "run", "content": {"cron": "0 0 0 * * Thu"}}
    )
    assert json.dumps(schedule.json["content"]) == '{"cron": "0 0 0 * * Thu"}'
