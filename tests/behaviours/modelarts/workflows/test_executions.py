"""Runs: steps begin in order, make what they describe, branch, wait for somebody, fail, and are tried again."""

import json

import pytest

from tests.behaviours.modelarts.workflows.conftest import (
    WORKFLOWS,
    act,
    condition_step,
    create,
    job_step,
    labeling_step,
    put_script,
    run,
    states,
    step_in,
)
from tests.conftest import refusal

IS_LARGE = {"type": ">", "left": "$ref/parameters/size", "right": 10}
SIZE = {"name": "size", "type": "int", "default": 5}


def test_steps_run_in_the_order_of_what_they_depend_on(cloud):
    put_script(cloud)
    execution = run(cloud, create(cloud, job_step("second", "first"), job_step("first")))
    cloud.clock.until(lambda: states(cloud, execution).get("first") == "running")
    assert states(cloud, execution)["second"] == "init"
    cloud.clock.advance("1h")
    shown = cloud.get(execution).json
    assert shown["status"] == "completed"
    first, second = (step_in(cloud, execution, name) for name in ("first", "second"))
    assert first["updated_at"] <= second["events"][1][:19] + "Z" or first["updated_at"] < second["updated_at"]
    job = cloud.get(f"/v2/{{project_id}}/training-jobs/{first['instance_id']}").json
    assert job["status"]["phase"] == "Completed"


def test_a_condition_decides_which_branch_runs(cloud):
    steps = [
        condition_step("decide", IS_LARGE, ["large"], ["small"]),
        labeling_step("large", "decide"),
        labeling_step("after", "large"),
        labeling_step("small", "decide"),
    ]
    workflow = create(cloud, *steps, parameters=[SIZE])
    small, large = run(cloud, workflow), run(cloud, workflow, parameters=[{"name": "size", "value": 50}])
    cloud.clock.advance("1m")
    assert states(cloud, small) == {
        "decide": "completed",
        "large": "skipped",
        "after": "skipped",
        "small": "hold",
    }
    assert states(cloud, large) == {
        "decide": "completed",
        "large": "hold",
        "after": "init",
        "small": "skipped",
    }
    assert step_in(cloud, large, "decide")["conditions_execution"]["result"] == "true"


def test_a_condition_reads_a_figure_that_a_step_has_written(cloud):
    put_script(cloud)
    cloud.world.obs.write(
        "code", "metrics.json", json.dumps([{"key": "acc", "data": {"value": 0.9}}]).encode()
    )
    metrics = {"name": "metrics", "type": "metrics", "config": {"metric_files": ["/code/metrics.json"]}}
    figure = {"input_data": "$ref/steps/train/outputs/metrics", "json_key": "acc"}
    good = {"type": ">=", "left": figure, "right": 0.8}
    steps = [
        job_step("train", outputs=[metrics]),
        condition_step("good", good, ["publish"], [], depend_steps=["train"]),
        labeling_step("publish", "good"),
    ]
    workflow = create(cloud, *steps)
    execution = run(cloud, workflow)
    cloud.clock.advance("1h")
    assert states(cloud, execution) == {"train": "completed", "good": "completed", "publish": "hold"}
    uuid = step_in(cloud, execution, "train")["uuid"]
    shown = cloud.get(f"{execution}/step-executions/{uuid}/metrics").json
    assert [(metric["key"], metric["data"]) for metric in shown] == [("acc", {"value": 0.9})]
    columns = cloud.get(f"{workflow}/step-executions").json["compare_columns"]
    assert columns == {"metrics": ["acc"], "parameters": []}


def test_what_may_come_later_is_asked_for_and_stands_in_the_todo_list(cloud):
    put_script(cloud)
    flavor = {"name": "flavor", "type": "str", "delay": True}
    step = job_step("train")
    step["properties"] = {**step["properties"], "spec": {"resource": {"flavor_id": "$ref/parameters/flavor"}}}
    execution = run(cloud, create(cloud, step, parameters=[flavor]))
    cloud.clock.advance("1m")
    assert states(cloud, execution) == {"train": "wait_inputs"}
    todo = cloud.get(f"{WORKFLOWS}/todolist").json
    assert [(each["step_name"], each["status"]) for each in todo["items"]] == [("train", "wait_inputs")]
    given = {"parameters": [{"name": "flavor", "value": "modelarts.vm.cpu.8u"}]}
    assert act(cloud, execution, "train", "continue", **given).json["status"] == "pending"
    cloud.clock.advance("1h")
    assert cloud.get(execution).json["status"] == "completed"
    assert (
        step_in(cloud, execution, "train")["properties"]["spec"]["resource"]["flavor_id"]
        == "modelarts.vm.cpu.8u"
    )


def test_a_run_without_a_value_that_it_needs_is_refused(cloud):
    workflow = create(cloud, parameters=[{"name": "rate", "type": "float"}])
    reply = cloud.post(f"{workflow}/executions", {})
    assert refusal(reply) == (400, "ModelArts.0104")
    assert "no value for parameter rate" in reply.json["error_msg"]
    assert cloud.get(workflow).json["param_ready"] is False
    unknown = cloud.post(f"{workflow}/executions", {"parameters": [{"name": "other", "value": 1}]})
    assert "there is no other; there is rate" in unknown.json["error_msg"]


def test_a_failed_step_makes_the_run_abnormal_until_it_is_tried_again(cloud):
    put_script(cloud)
    step = job_step("train")
    failing = {"environments": {"EMULATOR_EXIT_CODE": "3"}}
    step["properties"] = {**step["properties"], "algorithm": {**step["properties"]["algorithm"], **failing}}
    execution = run(cloud, create(cloud, step, labeling_step("after", "train"), labeling_step("beside")))
    cloud.clock.advance("1h")
    assert states(cloud, execution) == {"train": "failed", "after": "init", "beside": "hold"}
    assert "is Failed" in step_in(cloud, execution, "train")["error_info"]["error_message"]
    act(cloud, execution, "beside", "continue")
    assert cloud.get(execution).json["status"] == "abnormal"
    assert act(cloud, execution, "train", "retry").status == 200
    assert cloud.get(execution).json["status"] == "running"
    cloud.clock.advance("1h")
    assert act(cloud, execution, "train", "continue").json["policy"] == {"execution_policy": "continue"}
    cloud.clock.advance("1m")
    assert states(cloud, execution)["after"] == "hold"


def test_what_cannot_be_made_says_why(cloud):
    broken = job_step("train")
    broken["properties"] = {**broken["properties"], "spec": {"resource": {"flavor_id": "no.such.flavor"}}}
    execution = run(cloud, create(cloud, broken, {"name": "spark", "type": "mrs_job"}))
    cloud.clock.advance("1m")
    assert states(cloud, execution) == {"train": "create_failed", "spark": "create_failed"}
    assert "no.such.flavor" in step_in(cloud, execution, "train")["error_info"]["error_message"]
    assert "mrs_job are not emulated" in step_in(cloud, execution, "spark")["error_info"]["error_message"]


def test_a_stopped_run_stops_what_its_steps_have_made(cloud):
    put_script(cloud)
    execution = run(cloud, create(cloud, job_step("train"), labeling_step("after", "train")))
    cloud.clock.until(lambda: states(cloud, execution).get("train") == "running")
    assert cloud.post(f"{execution}/actions", {"action_name": "stop"}).json["status"] == "stopped"
    cloud.clock.advance("1h")
    assert states(cloud, execution) == {"train": "stopped", "after": "stopped"}
    id = step_in(cloud, execution, "train")["instance_id"]
    assert cloud.get(f"/v2/{{project_id}}/training-jobs/{id}").json["status"]["phase"] == "Terminated"
    assert refusal(cloud.post(f"{execution}/actions", {"action_name": "stop"})) == (400, "ModelArts.0104")


def test_some_steps_are_run_again_with_what_depends_on_them(cloud):
    steps = [labeling_step("a"), labeling_step("b", "a"), labeling_step("c")]
    execution = run(cloud, create(cloud, *steps))
    for name in ("a", "c", "b"):
        cloud.clock.advance("1m")
        act(cloud, execution, name, "continue")
    assert cloud.get(execution).json["status"] == "completed"
    cloud.post(f"{execution}/actions", {"action_name": "rerun", "policies": {"rerun_steps": ["a"]}})
    cloud.clock.advance("1m")
    assert states(cloud, execution) == {"a": "hold", "b": "init", "c": "completed"}
    unknown = {"action_name": "rerun", "policies": {"rerun_steps": ["z"]}}
    assert "has no step z" in cloud.post(f"{execution}/actions", unknown).json["error_msg"]


def test_the_same_step_is_taken_from_an_earlier_run_on_request(cloud):
    put_script(cloud)
    workflow = create(cloud, job_step("train"))
    first = run(cloud, workflow)
    cloud.clock.advance("1h")
    second = run(cloud, workflow, policies={"use_cache": True})
    third = run(cloud, workflow)
    cloud.clock.advance("1m")
    made = [step_in(cloud, execution, "train")["instance_id"] for execution in (first, second, third)]
    assert states(cloud, second) == {"train": "completed"}
    assert (made[0] == made[1], made[0] == made[2]) == (True, False)


def test_a_step_that_takes_too_long_is_ended(cloud):
    put_script(cloud)
    step = job_step("train", policy={"max_execution_minutes": "1", "poll_interval_seconds": "30"})
    slow = {"environments": {"EMULATOR_DURATION": "10h"}}
    step["properties"] = {**step["properties"], "algorithm": {**step["properties"]["algorithm"], **slow}}
    execution = run(cloud, create(cloud, step))
    cloud.clock.advance("3m")
    assert states(cloud, execution) == {"train": "timeout"}
    id = step_in(cloud, execution, "train")["instance_id"]
    cloud.clock.advance("1m")
    assert cloud.get(f"/v2/{{project_id}}/training-jobs/{id}").json["status"]["phase"] == "Terminated"


def test_a_scene_runs_its_steps_alone(cloud):
    policy = {"scenes": [{"id": "short", "name": "Short", "steps": ["b"]}]}
    workflow = create(cloud, labeling_step("a"), labeling_step("b", "a"), policy=policy)
    execution = run(cloud, workflow, scene_id="short")
    cloud.clock.advance("1m")
    assert states(cloud, execution) == {"b": "hold"}
    assert cloud.get(execution).json["scene_name"] == "Short"
    assert refusal(cloud.post(f"{workflow}/executions", {"scene_id": "none"})) == (400, "ModelArts.0104")


def test_runs_are_listed_changed_and_deleted(cloud):
    workflow = create(cloud, labeling_step("a"))
    first, second = run(cloud, workflow, labels=["x"]), run(cloud, workflow, name="mine", labels=["x", "y"])
    assert [each["name"] for each in cloud.get(f"{workflow}/executions").json["items"]] == [
        "mine",
        "execution-001",
    ]
    assert cloud.get(f"{workflow}/executions?labels=x,y").json["total"] == 1
    assert cloud.get(f"{workflow}/executions/labels").json == ["x", "y"]
    assert cloud.put(first, {"labels": ["z"], "description": "changed"}).json["labels"] == ["z"]
    assert cloud.get(first).json["description"] == "changed"
    assert cloud.delete(second).status == 200
    assert refusal(cloud.get(second)) == (400, "ModelArts.7511")
    assert cloud.get(workflow).json["run_count"] == 1


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (job_step("a", inputs=[{"name": "x", "value": 5}]), "5 of an input is no OBS path"),
        ({**job_step("a"), "properties": {"algorithm": "x"}}, "'x' is of type string, must be object"),
        ({"name": "a", "type": "model", "inputs": [{"name": "x", "value": None}]}, "None of an input is no"),
        (
            {"name": "a", "type": "service", "inputs": [{"name": "x", "value": [5]}]},
            "[5] of the step's inputs",
        ),
        ({"name": "a", "type": "service", "properties": {"config": 5}}, "config"),
    ],
)
def test_a_step_that_is_given_what_it_cannot_use_fails_and_says_so(cloud, step, words):
    execution = run(cloud, create(cloud, step))
    cloud.clock.advance("1h")
    found = step_in(cloud, execution, "a")
    assert found["status"] == "create_failed"
    assert words in found["error_info"]["error_message"]


def test_figures_are_shown_as_documented_whatever_their_file_says(cloud):
    put_script(cloud)
    figures = [{"key": 5, "data": 1}, {"key": "loss", "data": 3, "title": 7, "more": 1}, 5]
    cloud.world.obs.write("code", "m.json", json.dumps(figures).encode())
    outputs = [{"name": "m", "config": {"metric_files": ["/code/m.json"]}}]
    execution = run(cloud, create(cloud, labeling_step("a", outputs=outputs)))
    cloud.clock.advance("1h")
    act(cloud, execution, "a", "continue")
    path = f"{execution}/step-executions/{step_in(cloud, execution, 'a')['uuid']}/metrics"
    (shown,) = cloud.get(path).json
    assert (shown["key"], shown["data"], sorted(shown)) == (
        "loss",
        {"value": 3},
        ["created_at", "data", "key"],
    )
