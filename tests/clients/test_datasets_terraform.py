"""The calls of Terraform's resources for datasets and their versions: what they wait for, and what stays."""

import pytest

DATASETS = "/v2/{project_id}/datasets"


@pytest.fixture
def images(cloud) -> str:
    """A folder in OBS."""
    cloud.world.obs.create_bucket("terraform")
    cloud.world.obs.write("terraform", "in/a.txt", b"good\nbad")
    return "/terraform/in/"


def apply(cloud, path: str, **more) -> str:
    """Create as the provider does, and wait until the status is 1; the id."""
    body = {
        "work_path_type": 0,
        "import_data": True,
        "dataset_name": "demo",
        "dataset_type": 100,
        "work_path": "/terraform/out/",
        "data_sources": [{"data_type": 0, "with_column_header": True, "data_path": path}],
        "description": "",
        "import_annotations": True,
        "schema": [],
        "labels": None,
        **more,
    }
    reply = cloud.post(DATASETS, body)
    assert reply.status == 201, reply
    wait(cloud, f"{DATASETS}/{reply.json['dataset_id']}")
    return reply.json["dataset_id"]


def wait(cloud, path: str) -> None:
    """Wait for status 1 as the provider does: 0 is on its way, anything else fails."""
    seen = set()
    while (status := cloud.get(path).json["status"]) != 1:
        seen.add(status)
        cloud.clock.advance("10s")
    assert seen <= {0}


def test_a_second_plan_is_empty(cloud, images):
    id = apply(cloud, images, labels=[{"name": "good"}, {"name": "bad"}])
    state = cloud.get(f"{DATASETS}/{id}").json
    assert (state["dataset_name"], state["dataset_type"], state["description"]) == ("demo", 100, "")
    assert (state["work_path"], state["import_data"], state["data_format"]) == (
        "/terraform/out/",
        True,
        "Default",
    )
    assert state["data_sources"] == [{"data_type": 0, "with_column_header": True, "data_path": images}]
    assert [each["name"] for each in state["labels"]] == ["good", "bad"]
    assert state["schema"] == [] and isinstance(state["create_time"], int)


def test_labels_are_added_and_taken_away(cloud, images):
    id = apply(cloud, images, labels=[{"name": "good"}])
    body = {"dataset_name": "renamed", "description": "new"}
    body |= {"add_labels": [{"name": "bad"}], "delete_labels": [{"name": "good"}]}
    assert cloud.put(f"{DATASETS}/{id}", body).status == 200
    state = cloud.get(f"{DATASETS}/{id}").json
    assert (state["dataset_name"], state["description"]) == ("renamed", "new")
    assert [each["name"] for each in state["labels"]] == ["bad"]


def test_a_version_reads_back_and_is_deleted_with_its_dataset(cloud, images):
    id = apply(cloud, images)
    body = {
        "version_name": "v1",
        "description": "",
        "clear_hard_property": True,
        "train_evaluate_sample_ratio": "1.00",
    }
    reply = cloud.post(f"{DATASETS}/{id}/versions", body)
    assert reply.status == 201, reply
    path = f"{DATASETS}/{id}/versions/{reply.json['version_id']}"
    wait(cloud, path)
    state = cloud.get(path, headers={"X-Language": "en-us"}).json
    assert {name: state[name] for name in body} == body
    listed = cloud.get(f"{DATASETS}/{id}/versions").json["versions"]
    assert all(isinstance(listed[0][name], int) for name in ("create_time", "update_time", "status"))
    assert cloud.delete(path).status == 204
    assert cloud.get(path).json["error_code"] == "ModelArts.4353"
    assert cloud.delete(f"{DATASETS}/{id}").status == 204
    for gone in (f"{DATASETS}/{id}", path):
        reply = cloud.get(gone)
        assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.4352")


def test_the_data_source_reads_all_datasets_and_versions(cloud, images):
    id = apply(cloud, images)
    listed = cloud.get(DATASETS, params={"limit": 100, "offset": 0}).json
    assert [each["dataset_id"] for each in listed["datasets"]] == [id] and listed["total_number"] == 1
    assert cloud.get(f"{DATASETS}/{id}/versions").json == {"total_number": 0, "versions": []}
