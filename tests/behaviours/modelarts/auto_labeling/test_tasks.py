"""Stories of intelligent tasks: when one may begin, how far it is, how it ends."""

import pytest

from tests.behaviours.modelarts.auto_labeling.conftest import (
    BLUE,
    RED,
    begin,
    begun,
    carried_out,
    half_labeled,
    plain,
    proposals,
    task,
    with_thing,
)
from tests.behaviours.modelarts.datasets.conftest import DATASETS, annotate, made, pictures, tasks_running
from tests.conftest import refusal


def test_a_task_waits_runs_and_succeeds(cloud):
    id = half_labeled(cloud)
    task_id = begun(cloud, id, config={"name": "first"})
    shown = task(cloud, id, task_id)
    assert (shown["status"], shown["code"], shown["task_name"]) == (-1, "ModelArts.4914", "first")
    cloud.clock.until(lambda: task(cloud, id, task_id)["status"], equals=1)
    cloud.clock.advance(0.5)
    running = task(cloud, id, task_id)
    assert 0 < running["progress"] < 100 and running["status"] == 1
    cloud.clock.advance("5m")
    ended = task(cloud, id, task_id)
    assert (ended["status"], ended["progress"], ended["code"]) == (3, 100, "ModelArts.4916")
    assert ended["result"]["unconfirmed_sample_count"] == 2 and ended["elapsed_time"] > 0


def test_a_dataset_says_which_task_runs(cloud):
    id = half_labeled(cloud)
    task_id = begun(cloud, id)
    assert tasks_running(cloud, id) == tasks_running(cloud, id, running_task_type=0) == (True, [task_id])
    assert tasks_running(cloud, id, running_task_type=1) == (False, [])
    cloud.clock.advance("5m")
    assert tasks_running(cloud, id) == (False, [])


def test_a_task_that_is_stopped_proposes_nothing(cloud):
    id = half_labeled(cloud)
    task_id = begun(cloud, id)
    stop = f"{DATASETS}/{id}/tasks/{task_id}/stop"
    assert cloud.post(stop).status == 204
    assert task(cloud, id, task_id)["status"] == 4
    assert refusal(cloud.post(stop)) == (400, "ModelArts.4393")
    cloud.clock.advance("5m")
    stopped = task(cloud, id, task_id)
    assert stopped["status"] == 5 and stopped["progress"] < 100 and proposals(cloud, id) == {}
    assert carried_out(cloud, id)["status"] == 3


def test_what_has_ended_cannot_be_stopped(cloud):
    id = half_labeled(cloud)
    path = f"{DATASETS}/{id}/tasks"
    ended = carried_out(cloud, id)["task_id"]
    assert refusal(cloud.post(f"{path}/{ended}/stop")) == (400, "ModelArts.4396")
    for reply in (cloud.post(f"{path}/none/stop"), cloud.get(f"{path}/none")):
        assert refusal(reply) == (400, "ModelArts.4612")


def test_what_cannot_be_carried_out_fails_and_says_why(cloud):
    id = half_labeled(cloud)
    for at in range(5):
        cloud.world.obs.write("data", f"in/red{at}.png", b"not a picture any more")
    failed = carried_out(cloud, id)
    assert (failed["status"], failed["error_code"], failed["code"]) == (2, "ModelArts.4917", "ModelArts.4917")
    again = cloud.post(f"{DATASETS}/{id}/tasks/{failed['task_id']}/stop")
    assert refusal(again) == (400, "ModelArts.4392")


@pytest.mark.parametrize(
    ("kind", "more", "code"),
    [
        ("auto-label", {}, "ModelArts.4386"),
        ("pre-label", {"model_id": "any"}, "ModelArts.4387"),
        ("auto-grouping", {"config": {"n_clusters": 2}}, "ModelArts.4394"),
    ],
)
def test_one_task_runs_at_a_time(cloud, model, kind, more, code):
    id = half_labeled(cloud, more={f"more{at}.png": plain(RED, at) for at in range(4)})
    begun(cloud, id, kind, **(more | ({"model_id": model} if kind == "pre-label" else {})))
    assert refusal(begin(cloud, id)) == (501, code)


def test_two_labels_with_five_images_each_are_needed(cloud):
    id = made(cloud, pictures("a.png", "b.png"))
    assert refusal(begin(cloud, id)) == (400, "ModelArts.4405")
    assert refusal(begin(cloud, half_labeled(cloud, 4, name="few"))) == (400, "ModelArts.4406")


def test_something_has_to_be_left_to_label(cloud):
    id = half_labeled(cloud)
    annotate(cloud, id, {"red5.png": [{"name": "cat"}], "blue5.png": [{"name": "dog"}]})
    assert refusal(begin(cloud, id)) == (400, "ModelArts.4407")


def test_things_are_learnt_from_boxes_only(cloud):
    files = {f"{at}.png": with_thing(RED if at % 2 else BLUE, (5, 5)) for at in range(11)}
    id = made(cloud, files, type=1)
    circle = {"@modelarts:shape": "circle", "@modelarts:feature": [[11, 11], [6]]}
    labels = {f"{at}.png": [{"name": "ab"[at % 2], "property": circle}] for at in range(10)}
    annotate(cloud, id, labels)
    assert refusal(begin(cloud, id)) == (400, "ModelArts.4408")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"task_type": None}, "ModelArts.4396"),
        ({"task_type": "pre-label", "model_id": "none"}, "ModelArts.4934"),
        ({"task_type": "auto-grouping"}, "ModelArts.4396"),
        ({"task_type": "auto-grouping", "config": {"n_clusters": 1}}, "ModelArts.4396"),
        ({"task_type": "auto-grouping", "config": {"n_clusters": "9" * 5000}}, "ModelArts.4396"),
        ({"task_type": "auto-grouping", "config": {"n_clusters": "\u0663"}}, "ModelArts.4396"),
        ({"task_type": "auto-grouping", "config": {"n_clusters": 2}}, "ModelArts.4622"),
        (
            {"task_type": "auto-grouping", "config": {"n_clusters": 2, "output_dir": "no path"}},
            "ModelArts.4622",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(cloud, body, code):
    id = half_labeled(cloud)
    asked = {name: value for name, value in body.items() if value is not None}
    assert refusal(cloud.post(f"{DATASETS}/{id}/tasks", asked)) == (400, code)


def test_other_datasets_and_deployments_are_no_matter_of_tasks(cloud):
    id = half_labeled(cloud)
    assert refusal(begin(cloud, id, "auto-deploy")) == (501, "ModelArts.4383")
    texts = made(cloud, {"a.txt": b"one"}, name="texts", type=100)
    assert refusal(begin(cloud, texts)) == (501, "ModelArts.4383")
    busy = cloud.post(f"{DATASETS}/{id}/sync-data")
    assert busy.status == 200
    assert refusal(begin(cloud, id)) == (400, "ModelArts.4355")


def test_the_list_shows_what_labels_unless_groups_are_asked_for(cloud):
    id = half_labeled(cloud, more={f"more{at}.png": plain(RED, at) for at in range(4)})
    label = carried_out(cloud, id, config={"name": "labels"})["task_id"]
    group = carried_out(cloud, id, "auto-grouping", {"n_clusters": 2, "name": "groups"})["task_id"]

    def listed(**params) -> list[str]:
        reply = cloud.get(f"{DATASETS}/{id}/tasks", params=params).json
        assert reply["total_count"] == len(reply["tasks"]) and reply["exist_running_deploy_task"] is False
        return [each["task_id"] for each in reply["tasks"]]

    assert listed() == [label] and listed(type="auto-grouping") == [group]
    assert listed(task_name="lab") == [label] and listed(type="auto-deploy") == []


def test_tasks_go_with_their_dataset(cloud):
    id = half_labeled(cloud)
    task_id = begun(cloud, id)
    assert cloud.delete(f"{DATASETS}/{id}").status == 204
    cloud.clock.advance("5m")
    assert refusal(cloud.get(f"{DATASETS}/{id}/tasks/{task_id}")) == (400, "ModelArts.4352")
