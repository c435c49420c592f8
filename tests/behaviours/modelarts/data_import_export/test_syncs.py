"""Stories about synchronization with the input path of a dataset."""

from tests.behaviours.modelarts.data_import_export.conftest import synchronized
from tests.behaviours.modelarts.datasets.conftest import (
    BUCKET,
    DATASETS,
    annotate,
    held,
    made,
    pictures,
    put,
    show,
)
from tests.conftest import refusal


def test_what_is_new_comes_and_what_is_gone_goes_and_labels_stay(cloud):
    id = made(cloud, pictures("a.png", "b.png"))
    annotate(cloud, id, {"a.png": [{"name": "cat"}]})
    put(cloud, pictures("dogs/c.png", "d.png"))
    cloud.world.obs.delete(BUCKET, "in/b.png")
    state = synchronized(cloud, id)
    assert held(cloud, id) == {"a.png": ["cat"], "c.png": ["dogs"], "d.png": []}
    assert {name: state[name] for name in ("status", "add_sample_count", "deleted_sample_count")} == {
        "status": "COMPLETED",
        "add_sample_count": 2,
        "deleted_sample_count": 1,
    }
    assert (state["total_sample_count"], state["dataset_id"], show(cloud, id)["status"]) == (3, id, 1)


def test_a_dataset_is_synchronizing_and_not_twice(cloud):
    id = made(cloud, pictures("a.png"))
    status = f"{DATASETS}/{id}/sync-data/status"
    assert cloud.get(status).json == {"dataset_id": id, "status": "NOT_EXIST"}
    assert cloud.post(f"{DATASETS}/{id}/sync-data").status == 200
    assert (cloud.get(status).json["status"], show(cloud, id)["status"]) == ("QUEUING", 5)
    assert refusal(cloud.post(f"{DATASETS}/{id}/sync-data")) == (400, "ModelArts.4355")


def test_what_was_imported_from_elsewhere_stays(cloud):
    id = made(cloud, pictures("a.png"), data_sources=[{"data_type": 0, "data_path": "/data/in/"}])
    put(cloud, {"m.manifest": b'{"source": "obs://data/pool/x.png"}'}, "lists/")
    put(cloud, pictures("x.png"), "pool/")
    assert (
        cloud.post(f"{DATASETS}/{id}/import-tasks", {"import_path": "/data/lists/m.manifest"}).status == 200
    )
    cloud.clock.advance("5m")
    assert synchronized(cloud, id)["deleted_sample_count"] == 0 and len(held(cloud, id)) == 2


def test_texts_and_datasets_without_an_input_path_are_not_synchronized(cloud):
    texts = made(cloud, {"a.txt": b"x"}, type=100)
    assert refusal(cloud.post(f"{DATASETS}/{texts}/sync-data")) == (501, "ModelArts.4383")
    bare = made(cloud, {}, name="bare", data_sources=[])
    assert refusal(cloud.post(f"{DATASETS}/{bare}/sync-data")) == (400, "ModelArts.4374")


def test_a_bucket_that_is_gone_fails_the_synchronization(cloud):
    cloud.world.obs.create_bucket("other")
    id = made(cloud, pictures("a.png"), work_path="/other/work/")
    cloud.world.obs.delete(BUCKET, "in/a.png")
    cloud.world.obs.delete(BUCKET, "")
    state = synchronized(cloud, id)
    assert (state["status"], state["error_code"], show(cloud, id)["status"]) == (
        "FAILED",
        "ModelArts.4311",
        1,
    )
