"""Workflows: made, copied, changed, listed, and refused when their steps do not fit together."""

import pytest

from tests.behaviours.modelarts.workflows.conftest import WORKFLOWS, create, job_step, labeling_step, run
from tests.conftest import add_workspace, refusal


def test_what_was_written_reads_back(cloud):
    written = {
        "description": "a flow",
        "labels": ["b", "a"],
        "parameters": [{"name": "rate", "type": "float", "default": 0.1, "delay": False}],
        "data_requirements": [{"name": "in", "type": "obs", "delay": True}],
        "storages": [{"name": "out", "type": "obs", "path": "/code/out"}],
        "sub_graphs": [{"name": "all", "steps": ["label"]}],
        "smn_switch": True,
        "extend": {"any": {"thing": 1}},
        "policy": {"scenes": [{"id": "s", "name": "short", "steps": ["label"]}]},
    }
    shown = cloud.get(create(cloud, labeling_step("label"), **written)).json
    assert {name: shown[name] for name in written} == written
    assert (shown["run_count"], shown["param_ready"], shown["workspace_id"]) == (0, True, "0")


def test_a_changed_workflow_keeps_what_the_body_leaves_out(cloud):
    workflow = create(cloud, labeling_step("label"), labels=["a"], description="before")
    assert cloud.put(workflow, {"name": "after", "smn_switch": "true"}).status == 200
    shown = cloud.get(workflow).json
    assert (shown["name"], shown["description"], shown["labels"]) == ("after", "before", ["a"])
    assert shown["smn_switch"] is True


def test_a_copy_has_the_steps_of_its_source(cloud):
    source = create(cloud, labeling_step("label"), labels=["a"])
    id = source.rpartition("/")[2]
    copy = cloud.post(WORKFLOWS, {"name": "copy", "source_workflow_id": id}).json
    assert [step["name"] for step in copy["steps"]] == ["label"]
    assert (copy["source_workflow_id"], copy["labels"]) == (id, ["a"])


@pytest.mark.parametrize(
    ("steps", "where"),
    [
        ([labeling_step("a"), labeling_step("a")], "$.steps[1].name"),
        ([labeling_step("a", "b")], "there is no step b"),
        ([labeling_step("a", "b"), labeling_step("b", "a")], "in a circle"),
        (
            [job_step("a", inputs=[{"name": "i", "data": "$ref/parameters/rate"}])],
            "there is no rate in parameters",
        ),
        ([job_step("a", inputs=[{"name": "i", "data": "$ref/nowhere/x"}])], "has to begin with one of"),
    ],
)
def test_steps_that_do_not_fit_together_are_refused(cloud, steps, where):
    reply = cloud.post(WORKFLOWS, {"name": "flow", "steps": steps})
    assert refusal(reply) == (400, "ModelArts.0104")
    assert where in reply.json["error_msg"]


@pytest.mark.parametrize("member", ["parameters", "data", "storages"])
def test_no_two_things_that_references_mean_have_one_name(cloud, member):
    twice = [{"name": "same"}, {"name": "same"}]
    reply = cloud.post(WORKFLOWS, {"name": "flow", "steps": [], member: twice})
    assert refusal(reply) == (400, "ModelArts.0104")
    assert f"$.{member}[1].name: there is a same already" in reply.json["error_msg"]


def test_no_two_inputs_of_a_step_have_one_name(cloud):
    step = job_step("a", inputs=[{"name": "i"}, {"name": "i"}])
    reply = cloud.post(WORKFLOWS, {"name": "flow", "steps": [step]})
    assert (
        refusal(reply) == (400, "ModelArts.0104") and "$.steps[0].inputs[1].name" in reply.json["error_msg"]
    )


@pytest.mark.parametrize(
    "parameter",
    [
        {"name": "n", "type": "int", "default": "1"},
        {"name": "n", "type": "int", "default": True},
        {"name": "n", "type": "str", "value": "c", "enum": ["a", "b"]},
    ],
)
def test_a_value_of_another_type_is_refused(cloud, parameter):
    reply = cloud.post(WORKFLOWS, {"name": "flow", "parameters": [parameter]})
    assert refusal(reply) == (400, "ModelArts.0104")


def test_labels_are_sorted_by_who_made_their_workflows_and_when(cloud):
    first = create(cloud, labels=["z", "a"]).rpartition("/")[2]
    create(cloud, labels=["b", "a"])
    with cloud.world.transaction():
        table = cloud.world.store.table(f"modelarts/workflows/workflow/{cloud.project_id}")
        table.put(first, table.find(first) | {"user_name": "zoe"})
    for query, found in (("sort_by=create_time", ["z", "a", "b"]), ("sort_by=user_name", ["b", "a", "z"])):
        assert cloud.get(f"{WORKFLOWS}/labels?{query}&order=asc").json == found
        assert cloud.get(f"{WORKFLOWS}/labels?{query}").json == found[::-1]


def test_workflows_are_sorted_by_what_they_have(cloud):
    for name in ("two", "one"):
        create(cloud, name=name)
    rows = cloud.get(f"{WORKFLOWS}?sort_by=name").json["items"]
    assert [each["name"] for each in rows] == ["two", "one"]
    assert refusal(cloud.get(f"{WORKFLOWS}?sort_by=colour")) == (400, "ModelArts.0104")


def test_a_workflow_is_shown_in_its_own_workspace(cloud):
    add_workspace(cloud, "f" * 32)
    workflow = create(cloud, workspace_id="f" * 32)
    assert cloud.get(workflow).status == cloud.get(f"{workflow}?workspace_id={'f' * 32}").status == 200
    assert refusal(cloud.get(f"{workflow}?workspace_id=0")) == (400, "ModelArts.7512")


def test_workflows_are_found_by_labels_name_and_state(cloud):
    first = create(cloud, labeling_step("label"), labels=["a", "b"])
    create(cloud, labels=["b"])
    run(cloud, first)
    cloud.clock.advance("1m")

    def count(query):
        return cloud.get(f"{WORKFLOWS}?{query}").json["total"]

    assert [
        count("labels=a,b"),
        count("labels=b"),
        count("name=flo"),
        count("name=flo&search_type=equal"),
    ] == [1, 2, 2, 0]
    assert [count("status=running"), count("status=init"), count("status=completed")] == [1, 1, 0]
    assert cloud.get(f"{WORKFLOWS}/labels?order=asc").json == ["a", "b"]
    assert cloud.get(f"{WORKFLOWS}/overview").json == {"total": 2, "stat": {"running": 1, "init": 1}}


def test_a_deleted_workflow_takes_its_runs_along(cloud):
    workflow = create(cloud, labeling_step("label"))
    execution = run(cloud, workflow)
    cloud.delete(workflow)
    assert refusal(cloud.get(workflow)) == (400, "ModelArts.7512")
    assert refusal(cloud.get(execution)) == (400, "ModelArts.7512")
    cloud.clock.advance("1h")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"inputs": [{"value": "/code/"}]}, "$.steps[0].inputs[0].name is missing"),
        ({"outputs": [{"config": {}}]}, "$.steps[0].outputs[0].name is missing"),
        ({"policy": {"poll_interval_seconds": -5}}, "poll_interval_seconds: -5 is not a whole number from 1"),
        ({"policy": {"poll_interval_seconds": "soon"}}, "poll_interval_seconds: soon is not a whole number"),
        ({"policy": {"max_execution_minutes": "0"}}, "max_execution_minutes: 0 is not a whole number from 1"),
        ({"type": "condition"}, "$.steps[0].conditions is missing"),
        ({"conditions": [{"left": 1, "right": 1}]}, "$.steps[0].conditions[0].type: None is not one of =="),
        ({"conditions": [{"type": "or", "left": {"type": "x", "left": 1}}]}, "conditions[0].left.type: 'x'"),
        ({"conditions": [{"type": "==", "right": {"json_key": "loss"}}]}, "[0].right.input_data is missing"),
    ],
)
def test_a_step_that_could_not_be_carried_out_is_refused(cloud, members, words):
    reply = cloud.post(WORKFLOWS, {"name": "flow", "steps": [labeling_step("a") | members]})
    assert refusal(reply) == (400, "ModelArts.0104")
    assert words in reply.json["error_msg"]
