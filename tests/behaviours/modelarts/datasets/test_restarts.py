"""Stories about datasets that outlive the emulator, and about resets."""

from tests.behaviours.modelarts.datasets.conftest import (
    DATASETS,
    annotate,
    annotations,
    begun,
    cloud_of,
    create_body,
    held,
    made,
    pictures,
    put,
    samples,
    show,
)


def test_samples_labels_and_versions_survive_a_restart(tmp_path):
    with begun(tmp_path) as emulator:
        cloud = cloud_of(emulator)
        id = made(cloud, pictures("a.png", "b.png"))
        annotate(cloud, id, {"a.png": [{"name": "cat"}]})
        assert cloud.post(f"{DATASETS}/{id}/versions", {}).status == 201
        cloud.clock.advance("5m")
        before = show(cloud, id), held(cloud, id)
    with begun(tmp_path) as emulator:
        cloud = cloud_of(emulator)
        assert (show(cloud, id), held(cloud, id)) == before
        assert held(cloud, id, label_name="cat") == {"a.png": ["cat"]}
        assert cloud.get(f"{annotations(id)}/stats").json["label_stats"][0]["count"] == 1


def test_a_dataset_that_was_being_read_is_read_after_a_restart(tmp_path):
    with begun(tmp_path) as emulator:
        cloud = cloud_of(emulator)
        put(cloud, pictures("a.png", "b.png"))
        id = cloud.post(DATASETS, create_body()).json["dataset_id"]
    with begun(tmp_path) as emulator:
        cloud = cloud_of(emulator)
        cloud.clock.advance("1m")
        assert show(cloud, id)["status"] == 1 and len(samples(cloud, id)) == 2


def test_a_reset_of_the_areas_leaves_no_sample_and_no_task(cloud):
    id = made(cloud, pictures("a.png"))
    assert cloud.post(f"{DATASETS}/{id}/import-tasks", {"import_path": "/data/in/"}).status == 200
    for area in ("datasets", "samples", "labels", "dataset-versions", "data-import-export"):
        assert cloud.post("/_emulator/reset", {"area": f"modelarts/{area}"}).status == 200
    cloud.clock.advance("5m")
    assert not [name for name in cloud.world.store.names() if name.startswith("modelarts/")]
    assert cloud.world.due.fault_count == 0


def test_tasks_whose_datasets_were_reset_away_fail_alone(cloud):
    id = made(cloud, pictures("a.png"))
    assert cloud.post(f"{DATASETS}/{id}/export-tasks", {"path": "/data/out/"}).status == 200
    assert cloud.post(f"{DATASETS}/{id}/import-tasks", {"import_path": "/data/in/"}).status == 200
    assert cloud.post("/_emulator/reset", {"area": "modelarts/datasets"}).status == 200
    cloud.clock.advance("5m")
    assert cloud.world.due.fault_count == 0
