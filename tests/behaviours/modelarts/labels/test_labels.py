"""Stories about labels: created, changed, renamed and deleted, with the samples that have them."""

import pytest

from tests.behaviours.modelarts.datasets.conftest import (
    BUCKET,
    DATASETS,
    annotate,
    annotations,
    create_body,
    held,
    made,
    pictures,
    show,
)
from tests.conftest import refusal

RED = {"@modelarts:color": "#ff0000", "@modelarts:shortcut": "r"}
TRIPLET = {"@modelarts:from_type": "Person", "@modelarts:to_type": "City"}


@pytest.fixture
def zoo(cloud) -> str:
    """A dataset of three images with the labels cat, cat and dog, and none."""
    id = made(
        cloud, pictures("a.png", "b.png", "c.png"), labels=[{"name": "cat", "property": RED}, {"name": "dog"}]
    )
    annotate(cloud, id, {"a.png": [{"name": "cat"}], "b.png": [{"name": "cat"}, {"name": "dog"}]})
    return id


def labels_path(id: str) -> str:
    """Where the labels of a dataset are."""
    return f"{annotations(id)}/labels"


def listed(cloud, id: str, **params) -> list[str]:
    """The names of the labels."""
    return [each["name"] for each in cloud.get(labels_path(id), params=params).json["labels"]]


def codes(reply) -> list[str | None]:
    """The code of each result, None for what went well."""
    assert reply.status == 200, reply
    assert reply.json["success"] is all(each["success"] for each in reply.json["results"])
    return [each.get("error_code") for each in reply.json["results"]]


def test_labels_are_created_and_listed_by_page(cloud, zoo):
    attributes = [{"name": "age", "type": "select", "values": [{"value": "old"}, {"value": "young"}]}]
    asked = [{"name": "owl", "property": {"@modelarts:color": "#00ff00"}, "attributes": attributes}]
    assert codes(cloud.post(labels_path(zoo), {"labels": asked})) == [None]
    assert listed(cloud, zoo) == ["cat", "dog", "owl"] and listed(cloud, zoo, limit=2, offset=1) == ["owl"]
    reply = cloud.get(labels_path(zoo)).json
    assert (reply["total_number"], reply["labels"][2]) == (3, {"type": 0, **asked[0]})


def test_a_label_is_renamed_in_all_samples_that_have_it(cloud, zoo):
    asked = {"name": "cat", "property": {"@modelarts:color": "#8a1524", "@modelarts:rename_to": "tiger"}}
    assert codes(cloud.put(labels_path(zoo), {"labels": [asked]})) == [None]
    assert held(cloud, zoo) == {"a.png": ["tiger"], "b.png": ["tiger", "dog"], "c.png": []}
    assert show(cloud, zoo)["labels"][0]["property"] == RED | {"@modelarts:color": "#8a1524"}
    assert cloud.put(f"{labels_path(zoo)}/tiger", {"@modelarts:rename_to": "lion"}).status == 204
    assert held(cloud, zoo)["a.png"] == ["lion"] and listed(cloud, zoo) == ["lion", "dog"]


@pytest.mark.parametrize(
    ("policy", "samples", "files"),
    [
        (None, {"a.png": [], "b.png": ["dog"], "c.png": []}, [True, True]),
        (0, {"a.png": [], "b.png": ["dog"], "c.png": []}, [True, True]),
        (1, {"b.png": ["dog"], "c.png": []}, [True, True]),
        (2, {"b.png": ["dog"], "c.png": []}, [False, True]),
    ],
)
def test_a_deleted_label_leaves_samples_as_the_policy_says(cloud, zoo, policy, samples, files):
    params = {} if policy is None else {"delete_policy": policy}
    assert codes(cloud.post(f"{labels_path(zoo)}/delete", {"labels": [{"name": "cat"}]}, params=params)) == [
        None
    ]
    assert held(cloud, zoo) == samples and listed(cloud, zoo) == ["dog"]
    assert [cloud.world.obs.exists(BUCKET, f"in/{name}") for name in ("a.png", "b.png")] == files


@pytest.mark.parametrize("delete_source", [False, True])
def test_a_label_goes_with_the_samples_that_have_no_other(cloud, zoo, delete_source):
    reply = cloud.delete(f"{labels_path(zoo)}/cat", params={"delete_source": str(delete_source).lower()})
    assert reply.status == 204
    assert held(cloud, zoo) == {"b.png": ["dog"], "c.png": []}
    assert cloud.world.obs.exists(BUCKET, "in/a.png") is not delete_source


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ({"name": "cat"}, "ModelArts.4411"),
        ({"name": "owl", "property": {"@modelarts:shortcut": "r"}}, "ModelArts.4412"),
        ({"name": ""}, "ModelArts.4396"),
        ({"name": "owl", "attributes": [{"name": "a"}, {"name": "a"}]}, "ModelArts.4428"),
        ({"name": "owl", "attributes": [{"name": "a", "values": [{"value": "x"}] * 2}]}, "ModelArts.4429"),
        ({"name": "owl", "type": 102, "property": TRIPLET}, "ModelArts.4413"),
    ],
)
def test_a_label_that_does_not_fit_beside_the_others_is_refused_alone(cloud, zoo, label, code):
    assert codes(cloud.post(labels_path(zoo), {"labels": [label, {"name": "new"}]})) == [code, None]
    assert listed(cloud, zoo) == ["cat", "dog", "new"]


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ({"name": "none"}, "ModelArts.4410"),
        ({"name": "dog", "property": {"@modelarts:rename_to": "cat"}}, "ModelArts.4411"),
        ({"name": "dog", "property": {"@modelarts:shortcut": "r"}}, "ModelArts.4412"),
    ],
)
def test_a_change_that_does_not_fit_changes_nothing(cloud, zoo, label, code):
    assert codes(cloud.put(labels_path(zoo), {"labels": [label]})) == [code]
    assert listed(cloud, zoo) == ["cat", "dog"]


def test_an_attribute_is_changed_by_its_id_when_there_is_one(cloud, zoo):
    asked = {"name": "owl", "attributes": [{"id": "1", "name": "age", "type": "text"}]}
    assert codes(cloud.post(labels_path(zoo), {"labels": [asked]})) == [None]
    change = {"name": "owl", "attributes": [{"id": "1", "name": "years", "type": "text"}]}
    assert codes(cloud.put(labels_path(zoo), {"labels": [change]})) == [None]
    assert show(cloud, zoo)["labels"][2]["attributes"] == change["attributes"]
    change["attributes"][0]["id"] = "2"
    assert codes(cloud.put(labels_path(zoo), {"labels": [change]})) == ["ModelArts.4430"]


def test_a_relation_keeps_its_entities(cloud):
    entities = [{"name": "Person", "type": 103}, {"name": "City"}]
    id = made(cloud, {"a.txt": b"x"}, type=102, labels=[*entities, {"name": "was in", "property": TRIPLET}])
    assert [each["type"] for each in show(cloud, id)["labels"]] == [103, 103, 102]
    delete = f"{labels_path(id)}/delete"
    assert codes(cloud.post(delete, {"labels": [{"name": "City"}]})) == ["ModelArts.4415"]
    ends = {"@modelarts:from_type": "Person", "@modelarts:to_type": "Planet"}
    nowhere = {"labels": [{"name": "is on", "property": ends}]}
    assert codes(cloud.post(labels_path(id), nowhere)) == ["ModelArts.4414"]
    change = {"name": "City", "property": {"@modelarts:rename_to": "Place"}}
    assert codes(cloud.put(labels_path(id), {"labels": [change]})) == [None]
    assert show(cloud, id)["labels"][2]["property"]["@modelarts:to_type"] == "Place"
    assert codes(cloud.post(delete, {"labels": [{"name": "was in"}, {"name": "Place"}]})) == [None, None]


def test_a_label_that_is_not_there_is_neither_changed_nor_deleted(cloud, zoo):
    assert refusal(cloud.put(f"{labels_path(zoo)}/none", {})) == (400, "ModelArts.4410")
    assert refusal(cloud.delete(f"{labels_path(zoo)}/none")) == (400, "ModelArts.4410")
    assert codes(cloud.post(f"{labels_path(zoo)}/delete", {"labels": [{"name": "none"}]})) == [
        "ModelArts.4410"
    ]


@pytest.mark.parametrize("label", [{"name": "box", "type": 1}, {"name": "a\u0000b"}])
def test_a_label_that_no_sample_could_have_is_refused_wherever_it_is_made(cloud, zoo, label):
    assert codes(cloud.post(labels_path(zoo), {"labels": [label]})) == ["ModelArts.4413"]
    change = cloud.put(f"{DATASETS}/{zoo}", {"add_labels": [label]})
    assert refusal(change) == (400, "ModelArts.4413")
    reply = cloud.post(DATASETS, create_body("more", labels=[label]))
    assert refusal(reply) == (400, "ModelArts.4413")
