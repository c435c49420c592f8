"""Stories about importing: folders in every layout, manifests, and what is chosen of them."""

import json

import pytest

from tests.behaviours.modelarts.data_import_export.conftest import imported, published
from tests.behaviours.modelarts.datasets.conftest import (
    BUCKET,
    DATASETS,
    held,
    made,
    names,
    picture,
    pictures,
    put,
    samples,
    show,
    tasks_running,
)
from tests.conftest import refusal

VOC = b"""<annotation><size><width>32</width></size>
<object><name>cat</name><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20.5</ymax>
</bndbox><confidence>0.5</confidence><hard-coefficient>0.8</hard-coefficient></object>
<object><name>ring</name><circle><cx>8</cx><cy>8</cy><r>4</r></circle></object></annotation>"""


def manifest(cloud, *lines: dict) -> str:
    """The path of a manifest of these lines."""
    put(cloud, {"m.manifest": b"\n".join(json.dumps(line).encode() for line in lines)}, "lists/")
    return "s3://data/lists/m.manifest"


@pytest.fixture
def empty(cloud) -> str:
    """A dataset for images without any."""
    return made(cloud, {"none.here": b""})


def test_a_task_queues_starts_runs_and_is_completed_while_the_dataset_is_importing(cloud, empty):
    put(cloud, pictures("a.png", "b.png"), "more/")
    tasks = f"{DATASETS}/{empty}/import-tasks"
    id = cloud.post(tasks, {"import_path": "/data/more/", "import_type": "dir"}).json["task_id"]
    assert id.startswith(f"{empty}_") and show(cloud, empty)["status"] == 8
    assert tasks_running(cloud, empty) == (True, [id])
    assert refusal(cloud.post(tasks, {"import_path": "/data/more/"})) == (400, "ModelArts.4356")
    seen = []
    while (state := cloud.get(f"{tasks}/{id}").json["status"]) != "COMPLETED":
        seen.append(state)
        cloud.clock.advance(0.01)
    assert list(dict.fromkeys(seen)) == ["QUEUING", "STARTING", "RUNNING"]
    assert (show(cloud, empty)["status"], tasks_running(cloud, empty)) == (1, (False, []))
    (listed,) = cloud.get(tasks).json["import_tasks"]
    assert (listed["task_id"], listed["import_path"], listed["import_type"]) == (id, "obs://data/more/", 0)
    assert (listed["total_sample_count"], listed["imported_sample_count"]) == (2, 2)


def test_imported_files_are_copied_to_the_input_path(cloud, empty):
    put(cloud, pictures("a.png", "cats/b.png"), "more/")
    task = imported(cloud, empty, "obs://data/more", import_folder="extra")
    assert {each["sample_dir"] + each["sample_name"] for each in samples(cloud, empty)} == {
        "/data/in/extra/a.png",
        "/data/in/extra/cats/b.png",
    }
    assert cloud.world.obs.read(BUCKET, "in/extra/cats/b.png") == picture("cats/b.png")
    assert (task["finished_file_count"], task["finished_file_size"]) == (
        2,
        sum(map(len, pictures("a.png", "cats/b.png").values())),
    )
    assert held(cloud, empty) == {"a.png": [], "b.png": ["cats"]}


def test_a_second_import_of_the_same_files_adds_nothing(cloud, empty):
    put(cloud, pictures("a.png"), "more/")
    counts = [imported(cloud, empty, "/data/more/")["imported_sample_count"] for _ in range(2)]
    assert (counts, len(names(cloud, empty))) == ([1, 0], 1)


@pytest.mark.parametrize("type", [1, 3])
def test_places_in_images_come_from_pascal_voc(cloud, type):
    id = made(cloud, pictures("z.png"), type=type)
    put(cloud, {"a.png": picture("a"), "a.xml": VOC}, "more/")
    assert imported(cloud, id, "/data/more/")["annotated_sample_count"] == 1
    labels = next(each["labels"] for each in samples(cloud, id) if each["sample_name"] == "a.png")
    assert labels == [
        {
            "name": "cat",
            "type": type,
            "score": 0.5,
            "property": {
                "@modelarts:shape": "bndbox",
                "@modelarts:feature": [[1, 2], [10, 20.5]],
                "@modelarts:hard": "true",
                "@modelarts:hard_coefficient": "0.8",
            },
        },
        {
            "name": "ring",
            "type": type,
            "property": {"@modelarts:shape": "circle", "@modelarts:feature": [[8, 8], [4]]},
        },
    ]


def coco(*annotations: dict, **more) -> bytes:
    """A file of COCO about two images, one of which lies elsewhere than it says."""
    images = [{"id": 7, "file_name": "a.png", "width": 32}, {"id": 8, "file_name": "old/b.png"}]
    whole = {"images": images, "annotations": annotations, "categories": [{"id": 3, "name": "cat"}], **more}
    return json.dumps(whole).encode()


BOX = {"image_id": 7, "category_id": 3, "bbox": [1, 2, 9, 18.5]}


def test_boxes_come_from_files_of_coco(cloud):
    id = made(cloud, {"none.here": b""}, type=1)
    files = {**pictures("images/a.png", "images/b.png", "c.png"), "a.xml": VOC, "other.json": b"[]"}
    further = coco(
        BOX | {"image_id": 8}, {"image_id": 8, "category_id": 3, "bbox": [0, 0, 4, 4], "iscrowd": 1}
    )
    put(cloud, files | {"images/boxes.json": coco(BOX), "annotations/b.json": further}, "coco/")
    task = imported(cloud, id, "/data/coco/", annotation_format="COCO")
    assert (task["status"], task["annotated_sample_count"]) == ("COMPLETED", 2)
    found = {each["sample_name"]: each["labels"] for each in samples(cloud, id)}
    place = {"@modelarts:shape": "bndbox", "@modelarts:feature": [[1, 2], [10, 20.5]]}
    assert found["a.png"] == [{"name": "cat", "type": 1, "property": place}]
    features = [each["property"]["@modelarts:feature"] for each in found["b.png"]]
    assert features == [[[1, 2], [10, 20.5]], [[0, 0], [4, 4]]] and found["c.png"] == []
    assert [each["name"] for each in show(cloud, id)["labels"]] == ["cat"]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"a.json": b"no json"},
        {"a.json": coco({"image_id": 7, "category_id": 3})},
        {"a.json": coco(BOX | {"category_id": 4})},
        {"a.json": coco(BOX | {"image_id": 9})},
        {"a.json": coco(BOX | {"bbox": [1, 2, 3]})},
        {"a.json": coco(BOX | {"bbox": ["a", 2, 3, 4]})},
        {"a.json": coco(images=3)},
        {"a.json": coco(BOX).replace(b"18.5", b"NaN")},
    ],
)
def test_what_is_not_written_as_coco_fails_the_task(cloud, files):
    id = made(cloud, {"none.here": b""}, type=1)
    put(cloud, pictures("a.png") | files, "coco/")
    assert imported(cloud, id, "/data/coco/", annotation_format="COCO")["error_code"] == "ModelArts.4361"


YOLO = {
    "obj.names": b"cat\ndog\n",
    "obj.data": b"names = obj.names\ntrain = train.txt\nvalid = data/valid.txt\ntest = test.txt\n",
    "train.txt": b"obj_train_data/a.png\n",
    "valid.txt": b"data/obj_valid_data/b.png\n",
    "obj_train_data/a.png": picture("a", (100, 50)),
    "obj_train_data/a.txt": b"1 0.5 0.5 0.2 0.4\n",
    "obj_valid_data/b.png": picture("b"),
    "obj_test_data/c.png": picture("c"),
}


def test_boxes_come_from_yolo_for_the_subsets_that_are_known(cloud):
    id = made(cloud, {"none.here": b""}, type=1)
    put(cloud, YOLO, "yolo/")
    imported(cloud, id, "/data/yolo/")
    assert held(cloud, id) == {"a.png": ["dog"], "b.png": []}
    label = samples(cloud, id, label_name="dog")[0]["labels"][0]
    assert label["property"]["@modelarts:feature"] == [[40, 15], [60, 35]]
    path = published(cloud, id, remove_sample_usage=False)
    lines = [json.loads(each) for each in cloud.world.obs.read(*path[1:].split("/", 1)).splitlines()]
    assert [each["usage"] for each in lines] == ["train", "eval"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"obj_train_data/a.txt": b"1 0.5\n"}, "ModelArts.4361"),
        ({"obj_train_data/a.txt": b"7 0.5 0.5 0.2 0.4\n"}, "ModelArts.4361"),
        ({"obj.data": b"names = other.names"}, "ModelArts.4345"),
    ],
)
def test_what_is_not_laid_out_as_yolo_fails_the_task(cloud, change, code):
    id = made(cloud, {"none.here": b""}, type=1)
    put(cloud, YOLO | change, "yolo/")
    assert imported(cloud, id, "/data/yolo/")["error_code"] == code


def test_a_table_gets_further_rows(cloud):
    columns = [{"name": "id", "type": "INT"}]
    id = made(cloud, {"a.csv": b"1\n"}, type=400, schema=columns)
    put(cloud, {"b.csv": b"id\n2\n"}, "more/")
    imported(cloud, id, "/data/more/", with_column_header=True)
    assert [each["sample_data"] for each in samples(cloud, id)] == [["1"], ["2"]]


PAIR = [{"name": "id", "type": "INT"}, {"name": "word", "type": "STRING"}]


def test_columns_of_an_imported_table_are_found_by_the_names_that_schema_maps_give(cloud):
    id = made(cloud, {"none.here": b""}, type=400, schema=PAIR)
    put(cloud, {"b.csv": b"word,left out,number\ntwo,x,2\n"}, "more/")
    maps = [{"src_name": "number", "dest_name": "id"}]
    imported(cloud, id, "/data/more/", data_source={"with_column_header": True, "schema_maps": maps})
    assert [each["sample_data"] for each in samples(cloud, id)] == [["2", "two"]]


def test_a_table_without_a_column_that_schema_maps_name_fails_the_task(cloud):
    id = made(cloud, {"none.here": b""}, type=400, schema=PAIR)
    put(cloud, {"b.csv": b"word,id\ntwo,2\n"}, "more/")
    maps = {"schema_maps": [{"src_name": "number", "dest_name": "id"}]}
    task = imported(cloud, id, "/data/more/", with_column_header=True, data_source=maps)
    assert (task["status"], task["error_code"]) == ("FAILED", "ModelArts.4362")


@pytest.mark.parametrize(
    ("maps", "has_header"),
    [
        ([{"src_name": "number", "dest_name": "none"}], True),
        ([{"dest_name": "id"}], True),
        ([{"src_name": "number", "dest_name": "id"}], False),
    ],
)
def test_schema_maps_that_map_nothing_are_refused(cloud, maps, has_header):
    id = made(cloud, {"none.here": b""}, type=400, schema=PAIR)
    body = {
        "import_path": "/data/in/",
        "with_column_header": has_header,
        "data_source": {"schema_maps": maps},
    }
    assert refusal(cloud.post(f"{DATASETS}/{id}/import-tasks", body)) == (400, "ModelArts.4396")


def test_texts_are_imported_with_the_separators_that_are_given(cloud):
    id = made(cloud, {"none.here": b""}, type=100)
    put(cloud, {"a.txt": b"good film|joy;fun\n"}, "more/")
    format = {"label_type": "1", "text_sample_separator": "|", "text_label_separator": ";"}
    imported(cloud, id, "/data/more/", label_format=format)
    (sample,) = samples(cloud, id)
    assert sample["sample_data"] == ["good film"] and len(sample["labels"]) == 2


def line(name: str, *labels: str, **more) -> dict:
    """A line of a manifest of images that lie in OBS."""
    annotation = [{"type": "modelarts/image_classification", "name": label, **more} for label in labels]
    return {"source": f"s3://data/pool/{name}", "annotation": annotation}


def test_a_manifest_brings_samples_where_they_lie_with_all_that_it_says(cloud, empty):
    put(cloud, pictures("a.png", "b.png"), "pool/")
    written = line(
        "a.png", "cat", confidence=0.5, hard=True, **{"hard-coefficient": 0.25, "annotated-by": "human"}
    )
    written |= {
        "hard": "true",
        "hard-coefficient": 0.75,
        "usage": "TRAIN",
        "property": {"place": "zoo"},
        "id": "x",
    }
    path = manifest(
        cloud, written, {"source": "obs://data/pool/b.png"}, {"source": "obs://data/pool/gone.png"}
    )
    task = imported(cloud, empty, path, import_type="manifest")
    assert (task["status"], task["import_type"], task["imported_sample_count"]) == ("COMPLETED", 1, 2)
    first, second = samples(cloud, empty)
    assert first["labels"] == [
        {
            "name": "cat",
            "type": 0,
            "score": 0.5,
            "property": {"@modelarts:hard": "true", "@modelarts:hard_coefficient": "0.25"},
        }
    ]
    assert {
        name: first["metadata"].get(name)
        for name in ("@modelarts:hard", "@modelarts:hard_coefficient", "place")
    } == {
        "@modelarts:hard": True,
        "@modelarts:hard_coefficient": 0.75,
        "place": "zoo",
    }
    assert (second["labels"], second["metadata"]["@modelarts:size"]) == ([], [32, 24, 3])
    assert first["sample_dir"] == "/data/pool/"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, {"a.png": ["cat"], "b.png": ["dog", "cat"], "c.png": []}),
        ({"import_annotations": False}, {"a.png": [], "b.png": [], "c.png": []}),
        ({"included_labels": ["DOG"]}, {"b.png": ["dog"]}),
        ({"included_labels": [{"name": "dog"}]}, {"b.png": ["dog"]}),
        ({"included_tags": ["dog"]}, {"b.png": ["dog"]}),
        ({"excluded_labels": [{"name": "dog"}]}, {"a.png": ["cat"], "c.png": []}),
        ({"difficult_only": True}, {"a.png": ["cat"]}),
    ],
)
def test_only_what_is_asked_for_is_imported(cloud, empty, asked, found):
    put(cloud, pictures("a.png", "b.png", "c.png"), "pool/")
    path = manifest(
        cloud, line("a.png", "cat") | {"hard": "true"}, line("b.png", "dog", "cat"), line("c.png")
    )
    imported(cloud, empty, path, **asked)
    assert held(cloud, empty) == found


def test_labels_alone_are_imported_for_the_samples_that_are_there(cloud):
    id = made(cloud, pictures("a.png"))
    annotation = [{"type": "modelarts/image_classification", "name": "cat"}]
    put(cloud, pictures("b.png"), "pool/")
    path = manifest(cloud, {"source": "obs://data/in/a.png", "annotation": annotation}, line("b.png", "cat"))
    imported(cloud, id, path, import_samples=False)
    assert held(cloud, id) == {"a.png": ["cat"]}


def test_labels_that_are_not_final_wait_to_be_confirmed(cloud, empty):
    put(cloud, pictures("cats/a.png"), "more/")
    task = imported(cloud, empty, "/data/more/", final_annotation=False)
    assert (task["unconfirmed_sample_count"], show(cloud, empty)["unconfirmed_sample_count"]) == (1, 1)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["{"], "ModelArts.4362"),
        (['{"annotation": []}'], "ModelArts.4362"),
        (['{"source": "ftp://x"}'], "ModelArts.4362"),
        (['{"source": "obs://data/pool/gone.png"}'], "ModelArts.4340"),
        (
            ['{"source": "obs://data/in/a", "annotation": [{"type": "modelarts/text_entity"}]}'],
            "ModelArts.4399",
        ),
        ([""], "ModelArts.4340"),
    ],
)
def test_a_manifest_that_makes_no_sense_fails_the_task_and_frees_the_dataset(cloud, empty, lines, code):
    put(cloud, {"bad.manifest": "\n".join(lines).encode()}, "lists/")
    task = imported(cloud, empty, "/data/lists/bad.manifest")
    assert (task["status"], task["error_code"], show(cloud, empty)["status"]) == ("FAILED", code, 1)


def test_a_file_that_is_no_pascal_voc_fails_the_task(cloud):
    id = made(cloud, {"none.here": b""}, type=1)
    put(cloud, {"a.png": picture(), "a.xml": b"<annotation>"}, "more/")
    assert imported(cloud, id, "/data/more/")["error_code"] == "ModelArts.4361"


def test_a_dataset_may_go_while_something_is_imported(cloud, empty):
    put(cloud, pictures("a.png"), "more/")
    assert cloud.post(f"{DATASETS}/{empty}/import-tasks", {"import_path": "/data/more/"}).status == 200
    assert cloud.delete(f"{DATASETS}/{empty}").status == 204
    cloud.clock.advance("5m")
    assert not [name for name in cloud.world.store.names() if empty in name or "import_task" in name]
    assert cloud.world.due.fault_count == 0


@pytest.mark.parametrize(
    ("type", "body", "refused"),
    [
        (0, {"import_path": "nowhere"}, (400, "ModelArts.4313")),
        (0, {"import_path": "/nowhere/x/"}, (400, "ModelArts.4311")),
        (0, {"import_path": "/data/empty/"}, (400, "ModelArts.4312")),
        (0, {"import_path": "/data/x.manifest"}, (400, "ModelArts.4345")),
        (0, {}, (400, "ModelArts.4396")),
        *(
            (0, {"import_path": "/data/in/", "import_folder": name}, (400, "ModelArts.4313"))
            for name in ("../x", "a/../b", "a//b", "/a", ".")
        ),
        (0, {"import_path": "/data/in/", "import_origin": "dws"}, (501, "ModelArts.4383")),
        (0, {"import_path": "/data/in/", "annotation_format": "COCO"}, (501, "ModelArts.4383")),
        (1, {"import_path": "/data/x.manifest", "annotation_format": "COCO"}, (501, "ModelArts.4383")),
        (900, {"import_path": "/data/x.manifest"}, (501, "ModelArts.4383")),
    ],
)
def test_what_cannot_be_imported_is_refused(cloud, type, body, refused):
    id = made(cloud, {"none.here": b""}, type=type)
    assert refusal(cloud.post(f"{DATASETS}/{id}/import-tasks", body)) == refused


def test_a_task_that_does_not_exist_is_told_as_a_state(cloud, empty):
    assert cloud.get(f"{DATASETS}/{empty}/import-tasks/none").json == {
        "task_id": "none",
        "dataset_id": empty,
        "status": "NOT_EXIST",
    }
