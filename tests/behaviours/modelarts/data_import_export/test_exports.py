"""Stories about exporting to a folder in OBS or into a new dataset."""

import io
import json
from xml.etree import ElementTree

import pytest
from PIL import Image

from tests.behaviours.modelarts.data_import_export.conftest import exported, published
from tests.behaviours.modelarts.datasets.conftest import (
    BUCKET,
    DATASETS,
    annotate,
    annotations,
    create_body,
    held,
    made,
    pictures,
    samples,
    show,
)
from tests.behaviours.modelarts.samples.conftest import shaped
from tests.conftest import refusal


@pytest.fixture
def zoo(cloud) -> str:
    """A dataset of four images: a cat, a cat with a dog, a dog in a folder, and one without labels."""
    id = made(cloud, pictures("a.png", "b.png", "sub/c.png", "d.png"), import_annotations=False)
    labels = {"a.png": ["cat"], "b.png": ["cat", "dog"], "c.png": ["dog"]}
    annotate(cloud, id, {name: [{"name": each} for each in found] for name, found in labels.items()})
    return id


def written(cloud, folder: str = "out/") -> list[str]:
    """The names of what lies in the folder."""
    return [name.removeprefix(folder) for name in cloud.world.obs.keys(BUCKET, folder)]


def test_images_are_written_flat_with_a_file_of_labels_beside_each(cloud, zoo):
    task = exported(cloud, zoo)
    assert written(cloud) == [
        "a.png",
        "a.txt",
        "b.png",
        "b.txt",
        "cats.manifest",
        "d.png",
        "sub/c.png",
        "sub/c.txt",
    ]
    assert cloud.world.obs.read(BUCKET, "out/b.txt") == b"cat\ndog\n"
    assert (task["status"], task["progress"], task["finished_sample_count"]) == ("SUCCESSED", 100.0, 4)
    assert (task["export_type"], task["export_format"], task["path"]) == (2, 2, "/data/out/")


def test_images_are_written_as_a_tree_of_labels(cloud, zoo):
    exported(cloud, zoo, export_type=0, export_format=1)
    assert written(cloud) == ["cat/a.png", "cat/b.png", "cats.manifest", "dog/c.png"]


def test_the_manifest_names_what_was_written_in_the_scheme_that_is_asked_for(cloud, zoo):
    params = {"ratio_sample_usage": True, "train_sample_ratio": "0.5"}
    exported(cloud, zoo, source_type_header="s3://", export_params=params)
    lines = [json.loads(each) for each in cloud.world.obs.read(BUCKET, "out/cats.manifest").splitlines()]
    assert [each["source"] for each in lines] == [
        f"s3://data/out/{name}.png" for name in ("a", "b", "d", "sub/c")
    ]
    assert sorted(each["usage"] for each in lines if "usage" in each) in (
        ["eval", "train", "train"],
        ["eval", "eval", "train"],
    )


def test_places_in_images_are_written_as_pascal_voc(cloud):
    id = made(cloud, pictures("a.png"), type=1)
    annotate(cloud, id, {"a.png": [shaped("cat")]})
    exported(cloud, id)
    assert written(cloud) == ["a.png", "a.xml", "cats.manifest"]
    assert b"<xmax>10</xmax>" in cloud.world.obs.read(BUCKET, "out/a.xml")


def test_segments_are_shown_in_a_mask_that_is_no_sample_when_it_is_imported(cloud):
    id = made(cloud, pictures("a.png"), type=3)
    annotate(cloud, id, {"a.png": [shaped("cat", "polygon"), shaped("dog", "polygon")]})
    exported(cloud, id)
    assert written(cloud) == ["a.png", "a.xml", "a_mask.png", "cats.manifest"]
    voc = ElementTree.fromstring(cloud.world.obs.read(BUCKET, "out/a.xml"))
    assert {each.text for each in voc.iter("mask_source")} == {"obs://data/out/a_mask.png"}
    colours = [tuple(map(int, each.text.split(","))) for each in voc.iter("mask_color")]
    with Image.open(io.BytesIO(cloud.world.obs.read(BUCKET, "out/a_mask.png"))) as mask:
        assert mask.size == (32, 24) and mask.getpixel((5, 3)) == colours[1]
        assert mask.getpixel((31, 0)) == (0, 0, 0)
    again = made(cloud, {}, name="again", type=3, data_sources=[{"data_type": 0, "data_path": "/data/out/"}])
    assert held(cloud, again) == {"a.png": ["cat", "dog"]}


def test_files_of_free_format_are_copied(cloud):
    id = made(cloud, {"x/a.bin": b"1"}, type=900)
    exported(cloud, id)
    assert written(cloud) == ["x/a.bin"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"export_type": 0}, ["a", "b", "c"]),
        ({"export_type": 1}, ["d"]),
        ({"export_type": 2}, ["a", "b", "c", "d"]),
        ({"export_type": 3}, ["a", "b", "c", "d"]),
        ({"export_type": 3, "sample_state": "__NONE__"}, ["d"]),
        ({"sample_state": "__NONE__"}, ["d"]),
        ({"export_params": {"search_conditions": [{"sample_name": "b."}]}}, ["b"]),
        ({"export_type": 2, "sample_state": "__NONE__"}, ["a", "b", "c", "d"]),
        ({"export_type": 3, "export_params": {"sample_state": "__ALL__"}}, ["a", "b", "c"]),
        (
            {
                "export_type": 3,
                "export_params": {"search_conditions": [{"sample_name": "a."}, {"sample_name": "d."}]},
            },
            ["a", "d"],
        ),
    ],
)
def test_only_what_is_asked_for_is_exported(cloud, zoo, asked, found):
    task = exported(cloud, zoo, **asked)
    names = [name.rpartition("/")[2].removesuffix(".png") for name in written(cloud) if name.endswith(".png")]
    assert (sorted(names), task["finished_sample_count"]) == (found, len(found))


def test_samples_are_exported_by_id(cloud, zoo):
    ids = {each["sample_name"]: each["sample_id"] for each in samples(cloud, zoo)}
    exported(cloud, zoo, export_type=3, export_params={"samples": [ids["d.png"], "none"]})
    assert written(cloud) == ["cats.manifest", "d.png"]


def test_samples_that_are_named_are_chosen_without_saying_so(cloud, zoo):
    id = samples(cloud, zoo)[0]["sample_id"]
    task = exported(cloud, zoo, export_params={"samples": [id]})
    assert (task["export_type"], task["finished_sample_count"]) == (3, 1)


@pytest.mark.parametrize(
    "params",
    [
        *(
            {"ratio_sample_usage": True, "train_sample_ratio": ratio}
            for ratio in ("half", "nan", "", "2", -1, 1.5)
        ),
        {
            "export_dest": "NEW_DATASET",
            "export_new_dataset_name": "x" * 101,
            "export_new_dataset_work_path": "/data/new/",
        },
    ],
)
def test_a_share_and_a_name_that_cannot_be_are_refused_before_anything_is_exported(cloud, zoo, params):
    body = {"path": "/data/out/", "export_params": params}
    assert refusal(cloud.post(f"{DATASETS}/{zoo}/export-tasks", body)) == (400, "ModelArts.4396")


def test_a_version_is_exported_as_it_was_published(cloud, zoo):
    published(cloud, zoo)
    version = show(cloud, zoo)["current_version_id"]
    annotate(cloud, zoo, {"a.png": [{"name": "lion"}]})
    task = exported(cloud, zoo, version_id=version)
    assert cloud.world.obs.read(BUCKET, "out/a.txt") == b"cat\n" and task["version_id"] == version


def test_a_new_dataset_is_begun_over_what_was_exported(cloud, zoo):
    params = {"export_dest": "NEW_DATASET", "export_new_dataset_name": "copy"}
    params["export_new_dataset_work_path"] = "/data/work2/"
    task = exported(cloud, zoo, export_params=params)
    cloud.clock.advance("1m")
    (new,) = cloud.get(DATASETS, params={"search_content": "copy"}).json["datasets"]
    assert (task["status"], new["status"], new["work_path"]) == ("SUCCESSED", 1, "/data/work2/")
    assert held(cloud, new["dataset_id"]) == held(cloud, zoo)
    labels = [cloud.get(f"{annotations(id)}/labels").json["labels"] for id in (zoo, new["dataset_id"])]
    assert labels[0] == labels[1]


def test_a_new_dataset_whose_name_was_taken_meanwhile_fails_the_task(cloud, zoo):
    params = {"export_dest": "NEW_DATASET", "export_new_dataset_name": "copy"}
    body = {"path": "/data/out/", "export_params": params | {"export_new_dataset_work_path": "/data/work2/"}}
    id = cloud.post(f"{DATASETS}/{zoo}/export-tasks", body).json["task_id"]
    assert cloud.post(DATASETS, create_body("copy", data_sources=[])).status == 201
    cloud.clock.advance("5m")
    task = cloud.get(f"{DATASETS}/{zoo}/export-tasks/{id}").json
    assert (task["status"], task["error_code"]) == ("FAILED", "ModelArts.4351")


def test_tasks_are_listed_by_page_and_type(cloud, zoo):
    ids = [exported(cloud, zoo, export_type=type)["task_id"] for type in (0, 1, 2)]
    tasks = f"{DATASETS}/{zoo}/export-tasks"

    def listed(**params):
        return [each["task_id"] for each in cloud.get(tasks, params=params).json["export_tasks"]]

    assert listed() == ids and listed(limit=2, offset=1) == ids[2:] and listed(export_type=1) == [ids[1]]
    assert refusal(cloud.get(f"{tasks}/none")) == (400, "ModelArts.4359")


def test_what_is_gone_from_obs_fails_the_task(cloud, zoo):
    cloud.world.obs.delete(BUCKET, "in/a.png")
    task = exported(cloud, zoo)
    assert (task["status"], task["error_code"]) == ("FAILED", "ModelArts.4710")


NEW = {
    "export_dest": "NEW_DATASET",
    "export_new_dataset_name": "copy",
    "export_new_dataset_work_path": "/data/w/",
}


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, (400, "ModelArts.4358")),
        ({"path": "/nowhere/out/"}, (400, "ModelArts.4358")),
        ({"path": "/data/out/", "annotation_format": "COCO"}, (400, "ModelArts.4384")),
        ({"path": "/data/out/", "version_id": "none"}, (400, "ModelArts.4353")),
        ({"path": "/data/out/", "export_params": {"export_dest": "NEW_DATASET"}}, (400, "ModelArts.4384")),
        (
            {"path": "/data/out/", "export_params": NEW | {"export_new_dataset_name": "cats"}},
            (400, "ModelArts.4351"),
        ),
        (
            {"path": "/data/out/", "export_params": NEW | {"export_dataset_version_name": "V001"}},
            (400, "ModelArts.4384"),
        ),
        ({"path": "/data/w/", "export_params": NEW}, (400, "ModelArts.4374")),
        ({"path": "/data/out/", "export_type": 7}, (400, "ModelArts.4396")),
    ],
)
def test_what_cannot_be_exported_is_refused(cloud, zoo, body, refused):
    assert refusal(cloud.post(f"{DATASETS}/{zoo}/export-tasks", body)) == refused


def test_a_version_without_samples_is_not_exported(cloud):
    id = made(cloud, {}, data_sources=[])
    published(cloud, id)
    body = {"path": "/data/out/", "version_id": show(cloud, id)["current_version_id"]}
    assert refusal(cloud.post(f"{DATASETS}/{id}/export-tasks", body)) == (400, "ModelArts.4825")


def test_only_images_and_free_formats_are_exported(cloud):
    id = made(cloud, {"a.txt": b"x"}, type=100)
    assert refusal(cloud.post(f"{DATASETS}/{id}/export-tasks", {"path": "/data/out/"})) == (
        501,
        "ModelArts.4383",
    )
