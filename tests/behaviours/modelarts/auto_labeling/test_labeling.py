"""Stories of labels that are proposed, of hard samples and of groups."""

import json

from tests.behaviours.modelarts.auto_labeling.conftest import (
    BLUE,
    RED,
    begun,
    carried_out,
    half_labeled,
    plain,
    proposals,
    task,
    with_thing,
)
from tests.behaviours.modelarts.conftest import published
from tests.behaviours.modelarts.datasets.conftest import DATASETS, annotate, made, samples, show
from tests.conftest import refusal

PURPLE = (115, 30, 115)


def names_of(found: dict[str, dict]) -> dict[str, list[str]]:
    """{name of a sample: names of the labels that are proposed}."""
    return {name: [label["name"] for label in sample["labels"]] for name, sample in found.items()}


def test_labels_are_proposed_by_what_the_pictures_show(cloud):
    id = half_labeled(cloud)
    carried_out(cloud, id)
    found = proposals(cloud, id)
    assert names_of(found) == {"red5.png": ["cat"], "blue5.png": ["dog"]}
    (label,) = found["red5.png"]["labels"]
    assert label["score"] > 0.9 and label["annotated_by"] == "auto"
    assert show(cloud, id)["unconfirmed_sample_count"] == 2


def test_proposals_count_once_somebody_confirms_them(cloud):
    id = half_labeled(cloud)
    carried_out(cloud, id)
    annotate(cloud, id, {"red5.png": [{"name": "cat"}]})
    assert names_of(proposals(cloud, id)) == {"blue5.png": ["dog"]}
    shown = show(cloud, id)
    assert (shown["annotated_sample_count"], shown["unconfirmed_sample_count"]) == (11, 1)


def test_a_second_task_proposes_anew(cloud):
    id = half_labeled(cloud)
    carried_out(cloud, id)
    annotate(cloud, id, {f"red{at}.png": [{"name": "bird"}] for at in range(5)})
    carried_out(cloud, id, config={"algorithm_type": "fast"})
    assert names_of(proposals(cloud, id))["red5.png"] == ["bird"]


def test_proposals_are_looked_for_by_label_and_score(cloud):
    id = half_labeled(cloud, more={"between.png": plain(PURPLE)})
    carried_out(cloud, id)
    assert [*proposals(cloud, id, label_name="dog")] != [*proposals(cloud, id)]
    assert {*proposals(cloud, id, low_score="0.9")} == {"red5.png", "blue5.png"}
    assert {*proposals(cloud, id, high_score="0.8")} == {"between.png"}


def test_one_sample_is_shown_while_its_label_is_not_confirmed(cloud):
    id = half_labeled(cloud)
    carried_out(cloud, id)
    path = f"{DATASETS}/{id}/auto-annotations/samples"
    proposed = proposals(cloud, id)["red5.png"]["sample_id"]
    assert cloud.get(f"{path}/{proposed}").json["labels"][0]["name"] == "cat"
    labeled = next(each["sample_id"] for each in samples(cloud, id) if each["sample_name"] == "red0.png")
    for sample in (labeled, "none"):
        assert refusal(cloud.get(f"{path}/{sample}")) == (400, "ModelArts.4420")


def test_what_the_classifier_is_unsure_of_is_a_hard_sample(cloud):
    id = half_labeled(cloud, more={"between.png": plain(PURPLE)})
    carried_out(cloud, id, config={"confidence_scope": "0.00-0.80"}, collect_key_sample=True)
    hard = {name: sample["metadata"]["@modelarts:hard"] for name, sample in proposals(cloud, id).items()}
    assert hard == {"red5.png": False, "blue5.png": False, "between.png": True}
    metadata = proposals(cloud, id)["between.png"]["metadata"]
    assert metadata["@modelarts:hard_reasons"] == [1] and metadata["@modelarts:hard_coefficient"] > 0
    stats = cloud.get(f"{DATASETS}/{id}/data-annotations/stats").json
    assert stats["key_sample_stats"]["key_sample"] == 1


def test_things_are_proposed_with_their_boxes(cloud):
    files = {f"{at}.png": with_thing(RED if at % 2 else BLUE, (5 + at, 5 + at)) for at in range(10)}
    files |= {"new.png": with_thing(RED, (30, 20)), "empty.png": plain((250, 250, 250))}
    id = made(cloud, files, type=1)
    boxes = {at: [[5 + at, 5 + at], [17 + at, 17 + at]] for at in range(10)}
    shape = {"@modelarts:shape": "bndbox"}
    labels = {
        f"{at}.png": [
            {"name": ("ball", "cup")[at % 2], "property": shape | {"@modelarts:feature": boxes[at]}}
        ]
        for at in range(10)
    }
    annotate(cloud, id, labels)
    carried_out(cloud, id, collect_key_sample=True)
    (label,) = proposals(cloud, id)["new.png"]["labels"]
    assert (label["name"], label["property"]["@modelarts:feature"]) == ("cup", [[30, 20], [42, 32]])
    empty = next(each for each in samples(cloud, id) if each["sample_name"] == "empty.png")
    assert empty["sample_status"] == "UN_ANNOTATION" and empty["metadata"]["@modelarts:hard_reasons"] == [0]


def test_groups_are_noted_in_the_samples(cloud):
    files = {f"red{at}.png": plain(RED, at) for at in range(3)} | {
        "b.png": plain(BLUE),
        "c.png": plain(BLUE, 4),
    }
    id = made(cloud, files)
    body = {"type": 2, "export_type": 1, "config": {"n_clusters": "2", "property": "look"}}
    assert cloud.post(f"{DATASETS}/{id}/tasks", body).status == 200
    cloud.clock.advance("5m")
    looks = {each["sample_name"]: each["metadata"]["look"] for each in samples(cloud, id)}
    red, blue = looks["red0.png"], looks["b.png"]
    assert looks == dict.fromkeys(("red0.png", "red1.png", "red2.png"), red) | {"b.png": blue, "c.png": blue}
    assert red != blue and show(cloud, id)["unconfirmed_sample_count"] == 0


def test_groups_are_written_to_a_folder(cloud):
    dark, light = (20, 20, 20), (240, 240, 240)
    files = {"a.png": plain(dark), "b.png": plain(dark, 3), "c.png": plain(light), "d.png": plain(light, 3)}
    id = made(cloud, files)
    config = {"n_clusters": 2, "image_brightness": True, "output_dir": "/data/groups/"}
    ended = carried_out(cloud, id, "auto-grouping", config)
    written = json.loads(cloud.world.obs.read("data", f"groups/{ended['task_id']}.json"))
    group = {source.rpartition("/")[2]: number for source, number in written.items()}
    assert group["a.png"] == group["b.png"] != group["c.png"] == group["d.png"]
    assert ended["code"] == "ModelArts.4962"


def test_pictures_that_cannot_be_read_make_no_groups(cloud):
    id = made(cloud, {f"{at}.png": plain(RED, at) for at in range(3)})
    task_id = begun(cloud, id, "auto-grouping", {"n_clusters": 2})
    assert task(cloud, id, task_id)["code"] == "ModelArts.4960"
    for at in range(3):
        cloud.world.obs.delete("data", f"in/{at}.png")
    cloud.clock.advance("5m")
    assert task(cloud, id, task_id)["error_code"] == "ModelArts.4963"


def test_a_model_of_the_account_proposes_what_it_predicts(cloud, model):
    id = made(cloud, {"a.png": plain(RED), "b.png": plain(BLUE)})
    ended = carried_out(cloud, id, "pre-label", model_id=model)
    assert (ended["status"], ended["code"]) == (3, "ModelArts.4952")
    found = proposals(cloud, id)
    assert names_of(found) == {"a.png": ["rose"], "b.png": ["iris"]}
    assert found["a.png"]["labels"][0]["score"] == 0.875
    assert sorted(each["name"] for each in show(cloud, id)["labels"]) == ["iris", "rose"]


def test_a_model_that_answers_something_else_fails_the_task(cloud):
    id = made(cloud, {"a.png": plain(RED)})
    task_id = begun(cloud, id, "pre-label", model_id=published(cloud))
    assert task(cloud, id, task_id)["code"] == "ModelArts.4950"
    cloud.clock.advance("5m")
    ended = task(cloud, id, task_id)
    assert (ended["status"], ended["code"], ended["error_code"]) == (2, "ModelArts.4953", "ModelArts.4654")


def test_groups_for_which_there_is_no_bucket_fail_the_task(cloud):
    id = made(cloud, {f"{at}.png": plain(RED, at) for at in range(3)})
    ended = carried_out(cloud, id, "auto-grouping", {"n_clusters": 2, "output_dir": "/no-such-bucket/x/"})
    assert (ended["status"], ended["error_code"]) == (2, "ModelArts.4311")
