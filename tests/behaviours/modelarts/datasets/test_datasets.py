"""Stories about datasets: what lies in a folder of OBS becomes samples, and what becomes of the dataset."""

import io
from urllib.request import urlopen

import pytest
from PIL import Image

from tests.behaviours.modelarts.datasets.conftest import (
    BUCKET,
    DATASETS,
    annotate,
    annotations,
    create_body,
    held,
    made,
    picture,
    pictures,
    put,
    samples,
    show,
    tasks_running,
)
from tests.conftest import refusal

COLUMNS = [{"name": "id", "type": "INT"}, {"name": "day", "type": "DATE"}, {"name": "word", "type": "STRING"}]


def test_a_new_dataset_is_creating_until_its_folder_is_read(cloud):
    put(cloud, pictures("a.png"))
    id = cloud.post(DATASETS, create_body()).json["dataset_id"]
    assert (show(cloud, id)["status"], tasks_running(cloud, id)) == (0, (True, []))
    cloud.clock.advance("1m")
    shown = show(cloud, id)
    assert (shown["status"], shown["total_sample_count"], tasks_running(cloud, id)) == (1, 1, (False, []))


def test_what_was_asked_reads_back(cloud):
    asked = {"description": "pets", "labels": [{"name": "cat", "property": {"@modelarts:color": "#3399ff"}}]}
    id = made(cloud, {}, data_sources=[], import_data=True, **asked)
    shown = show(cloud, id)
    assert {name: shown[name] for name in ("description", "import_data", "work_path", "data_sources")} == {
        "description": "pets",
        "import_data": True,
        "work_path": "/data/work/",
        "data_sources": [],
    }
    assert shown["labels"] == [{"name": "cat", "type": 0, "property": {"@modelarts:color": "#3399ff"}}]
    assert shown["inner_annotation_path"] == f"/data/work/cats-{id}/annotation/"


def test_an_image_is_a_sample_with_its_size_and_a_link_that_opens_it(cloud):
    id = made(cloud, {"a b.png": picture("x", (40, 30)), "broken.png": b"no image", "read.me": b""})
    (sample,) = samples(cloud, id)
    assert sample["metadata"]["@modelarts:size"] == [40, 30, 3]
    assert (sample["sample_name"], sample["sample_dir"], sample["sample_type"]) == ("a b.png", "/data/in/", 0)
    assert sample["sample_size"] == len(picture("x", (40, 30)))
    for link in (sample["source"], sample["preview"]):
        with urlopen(link) as opened:
            assert opened.read() == picture("x", (40, 30))


def test_links_open_images_in_the_size_that_is_asked_for(cloud):
    id = made(cloud, {"a.png": picture("x", (40, 30))})
    (sample,) = samples(cloud, id, process_parameter="image/resize,m_lfit,h_15")
    for link in (sample["source"], sample["preview"]):
        with urlopen(link) as opened:
            assert Image.open(opened).size == (20, 15)


def test_an_image_whose_head_is_long_is_measured_all_the_same(cloud):
    written = io.BytesIO()
    Image.new("L", (50, 40)).save(written, "JPEG", exif=b"Exif\0\0" + bytes(65_000), comment=bytes(60_000))
    id = made(cloud, {"long.jpg": written.getvalue()})
    assert samples(cloud, id)[0]["metadata"]["@modelarts:size"] == [50, 40, 1]


def test_labels_of_images_are_those_beside_them_or_of_their_folder(cloud):
    files = pictures("a.png", "b.png", "dogs/c.png", "dogs/d.png") | {
        "b.txt": b"cat\nbird\n",
        "dogs/d.txt": b"wolf",
    }
    id = made(cloud, files, labels=[{"name": "cat"}])
    assert held(cloud, id) == {"a.png": [], "b.png": ["cat", "bird"], "c.png": ["dogs"], "d.png": ["wolf"]}
    assert [each["name"] for each in show(cloud, id)["labels"]] == ["cat", "bird", "dogs", "wolf"]
    assert show(cloud, id)["annotated_sample_count"] == 3


def test_no_labels_are_read_when_annotations_are_not_to_be_imported(cloud):
    id = made(cloud, pictures("dogs/c.png"), import_annotations=False)
    assert held(cloud, id) == {"c.png": []}


def test_each_line_of_a_text_is_a_sample(cloud):
    id = made(cloud, {"a.txt": "good\tjoy,calm\n\nbad\n好".encode("gbk")}, type=100)
    assert [each["sample_data"] for each in samples(cloud, id)] == [["good"], ["bad"], ["好"]]
    assert [[label["name"] for label in each["labels"]] for each in samples(cloud, id)] == [
        ["joy", "calm"],
        [],
        [],
    ]
    assert samples(cloud, id)[0]["source"] == "content://good"


def test_labels_of_texts_lie_beside_them_line_by_line(cloud):
    files = {"a.txt": b"one\ntwo", "a_result.txt": b"odd|prime\neven|prime"}
    format = {"label_type": "0", "text_label_separator": "|"}
    id = made(cloud, files, type=100, label_format=format)
    found = [[label["name"] for label in each["labels"]] for each in samples(cloud, id)]
    assert found == [["odd", "prime"], ["even", "prime"]]


def test_rows_of_a_table_have_the_types_of_their_columns(cloud):
    rows = "id,day,word\n1,2026-01-31,one\ntoo,many,columns,here\nx,2026-02-31,three\n1_0,٢٠٢٦-01-31,four\n".encode()
    source = [{"data_type": 0, "data_path": f"/{BUCKET}/in/", "with_column_header": True}]
    id = made(cloud, {"t.csv": rows}, type=400, data_sources=source, schema=COLUMNS, import_data=True)
    assert [each["sample_data"] for each in samples(cloud, id)] == [
        ["1", "2026-01-31", "one"],
        ["", "", "three"],
        ["", "", "four"],
    ]
    assert show(cloud, id)["schema"] == COLUMNS


def test_columns_of_a_new_table_are_found_by_the_names_that_schema_maps_give(cloud):
    maps = [{"src_name": "number", "dest_name": "id"}, {"src_name": "name", "dest_name": "word"}]
    source = {"data_type": 0, "data_path": f"/{BUCKET}/in/", "with_column_header": True, "schema_maps": maps}
    rows = {"t.csv": b"name,day,number\none,2026-01-31,1\n"}
    id = made(cloud, rows, type=400, data_sources=[source], schema=COLUMNS, import_data=True)
    assert samples(cloud, id)[0]["sample_data"] == ["1", "2026-01-31", "one"]


def test_a_table_that_is_read_at_creation_tells_of_it_as_of_an_import_task(cloud):
    put(cloud, {"t.csv": b"1,2026-01-31,one\n"})
    reply = cloud.post(DATASETS, create_body(type=400, schema=COLUMNS, import_data=True)).json
    task = f"{DATASETS}/{reply['dataset_id']}/import-tasks/{reply['import_task_id']}"
    assert cloud.get(task).json["status"] == "RUNNING"
    cloud.clock.advance("1m")
    ended = cloud.get(task).json
    assert (ended["status"], ended["imported_sample_count"]) == ("COMPLETED", 1)
    assert ended["import_path"] == "obs://data/in/"


@pytest.mark.parametrize(
    ("type", "files", "found"),
    [
        (200, {"bark/a.wav": b"RIFF", "b.mp3": b""}, {"a.wav": ["bark"]}),
        (201, {"bark/a.wav": b"RIFF"}, {"a.wav": []}),
        (600, {"a.mp4": b"video", "b.png": b""}, {"a.mp4": []}),
        (900, {"a.bin": b"1", "b": b"2"}, {"a.bin": [], "b": []}),
    ],
)
def test_files_of_each_type_are_samples(cloud, type, files, found):
    assert held(cloud, made(cloud, files, type=type)) == found


def test_a_dataset_takes_its_samples_with_it_and_leaves_obs_alone(cloud):
    id = made(cloud, pictures("a.png"))
    assert cloud.delete(f"{DATASETS}/{id}").status == 204
    assert refusal(cloud.get(f"{DATASETS}/{id}")) == (400, "ModelArts.4352")
    assert cloud.world.obs.exists(BUCKET, "in/a.png")
    assert not [name for name in cloud.world.store.names() if id in name]


def test_a_dataset_that_goes_while_it_is_read_leaves_nothing(cloud):
    put(cloud, pictures("a.png", "b.png"))
    id = cloud.post(DATASETS, create_body()).json["dataset_id"]
    assert cloud.delete(f"{DATASETS}/{id}").status == 204
    cloud.clock.advance("1m")
    assert not [name for name in cloud.world.store.names() if id in name]


def test_a_dataset_is_renamed_and_keeps_its_place(cloud):
    id = made(cloud, pictures("a.png"))
    body = {"dataset_name": "pets", "description": "all", "add_labels": [{"name": "cat"}]}
    assert cloud.put(f"{DATASETS}/{id}", body).json == {"dataset_id": id}
    shown = show(cloud, id)
    assert (shown["dataset_name"], shown["description"], shown["labels"][0]["name"]) == ("pets", "all", "cat")
    assert shown["inner_work_path"] == f"/data/work/cats-{id}/"
    change = {"update_labels": [{"name": "cat", "property": {"@modelarts:rename_to": "tiger"}}]}
    assert cloud.put(f"{DATASETS}/{id}", change).status == 200
    assert [each["name"] for each in show(cloud, id)["labels"]] == ["tiger"]
    assert cloud.put(f"{DATASETS}/{id}", {"delete_labels": [{"name": "tiger"}]}).status == 200
    assert show(cloud, id)["labels"] == []


def test_labels_that_an_update_renames_or_deletes_are_renamed_or_deleted_in_the_samples(cloud):
    id = made(cloud, pictures("a.png", "b.png"), labels=[{"name": "cat"}, {"name": "dog"}])
    annotate(cloud, id, {"a.png": [{"name": "cat"}, {"name": "dog"}], "b.png": [{"name": "dog"}]})
    before = show(cloud, id)
    cloud.clock.advance("1m")
    rename = {"name": "cat", "property": {"@modelarts:rename_to": "tiger"}}
    body = {"update_labels": [rename], "delete_labels": [{"name": "dog"}]}
    assert cloud.put(f"{DATASETS}/{id}", body).status == 200
    assert held(cloud, id) == {"a.png": ["tiger"], "b.png": []}
    shown = show(cloud, id)
    assert ([each["name"] for each in shown["labels"]], shown["annotated_sample_count"]) == (["tiger"], 1)
    assert shown["data_update_time"] >= before["data_update_time"] + 60_000


def test_a_dataset_says_when_its_samples_came(cloud):
    id = made(cloud, pictures("a.png"))
    (sample,), shown = samples(cloud, id), show(cloud, id)
    assert shown["data_update_time"] >= sample["sample_time"] > shown["create_time"]


def test_datasets_are_listed_by_page_name_and_type_with_what_is_asked_for(cloud):
    put(cloud, pictures("a.png", "b.png"))
    for name, type in (("cats", 0), ("boxes", 1), ("files", 900), ("voices", 201)):
        assert cloud.post(DATASETS, create_body(name, type, labels=[] if type == 900 else [{"name": "x"}])).ok
    cloud.clock.advance("1m")

    def listed(**params):
        return [each["dataset_name"] for each in cloud.get(DATASETS, params=params).json["datasets"]]

    assert listed(sort_by="dataset_name", order="asc") == ["boxes", "cats", "files", "voices"]
    assert listed(limit=3, offset=1, sort_by="dataset_name", order="asc") == ["voices"]
    assert listed(search_content="OX") == ["boxes"] and listed(dataset_type=900) == ["files"]
    assert listed(support_export="true") == ["files", "boxes", "cats"]
    assert listed(dataset_version="v2") == [] and len(listed(dataset_version="v1")) == 4
    assert len(listed(dataset_version="all")) == 4
    (row,) = cloud.get(DATASETS, params={"search_content": "cats", "file_preview": "true"}).json["datasets"]
    assert [each["url"].partition("?")[0].rpartition("/")[2] for each in row["files"]] == ["a.png", "b.png"]
    assert "labels" not in row and "versions" not in row
    row = cloud.get(DATASETS, params={"with_labels": "true", "search_content": "cats"}).json["datasets"][0]
    assert row["labels"] == [{"name": "x", "type": 0, "property": {}}]


def test_tasks_that_run_are_told_to_whom_wants_to_know_of_their_type(cloud):
    id = made(cloud, pictures("a.png"))
    exported = cloud.post(f"{DATASETS}/{id}/export-tasks", {"path": "/data/out/"}).json["task_id"]
    put(cloud, pictures("b.png"), "more/")
    imported = cloud.post(f"{DATASETS}/{id}/import-tasks", {"import_path": "/data/more/"}).json["task_id"]
    assert show(cloud, id)["exist_running_task"] is False and show(cloud, id)["running_tasks_id"] == []
    assert tasks_running(cloud, id) == (True, [imported, exported])
    assert tasks_running(cloud, id, running_task_type=2) == (True, [exported])
    assert tasks_running(cloud, id, running_task_type=5) == (True, [imported])
    assert tasks_running(cloud, id, running_task_type=6) == (False, [])
    query = {"check_running_task": "true", "running_task_type": 2}
    (row,) = cloud.get(DATASETS, params=query).json["datasets"]
    assert (row["exist_running_task"], row["running_tasks_id"]) == (True, [exported])
    cloud.clock.advance("1m")
    assert tasks_running(cloud, id) == (False, [])


def test_how_samples_became_more_is_told_by_minute(cloud):
    id = made(cloud, pictures("a.png", "b.png"))
    cloud.clock.advance("10m")
    ids = [each["sample_id"] for each in samples(cloud, id)]
    cloud.put(f"{annotations(id)}/samples", {"samples": [{"sample_id": ids[0], "labels": [{"name": "cat"}]}]})
    now = int(cloud.clock.now() * 1000)
    metrics = cloud.get(f"{DATASETS}/{id}/metrics", params={"start_time": 0, "end_time": now}).json["metrics"]
    assert list(metrics["total"].values()) == [2, 2]
    assert list(metrics["un_annotation"].values()) == [2, 1]
    assert list(metrics["manual_annotation"].values()) == [0, 1]
    later = cloud.get(f"{DATASETS}/{id}/metrics", params={"start_time": now + 1, "end_time": now + 2})
    assert later.json["metrics"]["total"] == {}


def test_a_null_is_as_good_as_nothing(cloud):
    id = made(cloud, pictures("a.png"), labels=None)
    assert show(cloud, id)["labels"] == []
