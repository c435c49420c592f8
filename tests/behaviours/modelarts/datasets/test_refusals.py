"""What is no dataset, or cannot be done with one: each documented code of the area."""

import pytest

from tests.behaviours.modelarts.datasets.conftest import DATASETS, create_body, made, pictures, put, show
from tests.conftest import refusal


def source(path: str) -> dict:
    """The data source that is that path."""
    return {"data_sources": [{"data_path": path}]}


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"work_path": "/Not A Bucket/x/"}, (400, "ModelArts.4313")),
        ({"work_path": "/nowhere/x/"}, (400, "ModelArts.4311")),
        (source("/nowhere/in/"), (400, "ModelArts.4311")),
        (source("/data/empty/"), (400, "ModelArts.4312")),
        (source("in"), (400, "ModelArts.4313")),
        ({"work_path": "/data/in/"}, (400, "ModelArts.4374")),
        ({"work_path": "/data/in/work/"}, (400, "ModelArts.4374")),
        ({"dataset_type": 400}, (400, "ModelArts.4400")),
        ({"dataset_type": 400, "schema": [{"name": "a", "type": "ROMAN"}]}, (400, "ModelArts.4396")),
        ({"data_sources": [{"data_type": 1, "source_info": {"cluster_id": "x"}}]}, (400, "ModelArts.4400")),
        ({"dataset_type": 900, "labels": [{"name": "a"}]}, (501, "ModelArts.4383")),
        ({"labels": [{"name": "a"}, {"name": "a"}]}, (400, "ModelArts.4411")),
        ({"labels": [{"name": ""}]}, (400, "ModelArts.4396")),
        ({"dataset_name": "cats"}, (400, "ModelArts.4351")),
        ({"dataset_type": 7}, (400, "ModelArts.4396")),
    ],
)
def test_what_cannot_be_a_dataset_is_refused(cloud, change, refused):
    made(cloud, pictures("a.png"))
    assert refusal(cloud.post(DATASETS, create_body("new") | change)) == refused


def test_a_body_that_is_no_json_is_refused_with_a_code_of_its_own(cloud):
    assert refusal(cloud.post(DATASETS, b"{")) == (400, "ModelArts.4105")


def test_a_dataset_that_is_read_is_not_published(cloud):
    put(cloud, pictures("a.png"))
    id = cloud.post(DATASETS, create_body()).json["dataset_id"]
    assert refusal(cloud.post(f"{DATASETS}/{id}/versions", {})) == (501, "ModelArts.4394")


def test_a_bucket_that_goes_before_it_is_read_leaves_an_abnormal_dataset(cloud):
    put(cloud, pictures("a.png"))
    cloud.world.obs.create_bucket("other")
    id = cloud.post(DATASETS, create_body(work_path="/other/work/")).json["dataset_id"]
    cloud.world.obs.delete("data", "in/a.png")
    cloud.world.obs.delete("data", "")
    cloud.clock.advance("1m")
    assert show(cloud, id)["status"] == 4
    assert refusal(cloud.post(f"{DATASETS}/{id}/versions", {})) == (500, "ModelArts.4367")


@pytest.mark.parametrize("label", [{"name": "none"}, {"name": "cat", "type": 1}])
def test_a_label_that_is_not_there_is_neither_changed_nor_deleted(cloud, label):
    id = made(cloud, pictures("a.png"), labels=[{"name": "cat"}])
    for way in ("update_labels", "delete_labels"):
        assert refusal(cloud.put(f"{DATASETS}/{id}", {way: [label]})) == (400, "ModelArts.4410")


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_a_dataset_takes_no_name_that_a_new_one_could_not_have(cloud, name):
    id = made(cloud, {}, data_sources=[])
    assert refusal(cloud.put(f"{DATASETS}/{id}", {"dataset_name": name})) == (400, "ModelArts.4396")


def test_a_share_that_is_no_range_is_refused(cloud):
    reply = cloud.get(DATASETS, params={"train_evaluate_ratio": "half"})
    assert refusal(reply) == (400, "ModelArts.4396")
