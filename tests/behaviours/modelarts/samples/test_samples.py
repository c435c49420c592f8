"""Stories about samples: listed, searched, labeled, uploaded and deleted."""

import json
from base64 import b64encode

import pytest

from tests.behaviours.modelarts.datasets.conftest import (
    BUCKET,
    annotate,
    annotations,
    held,
    made,
    names,
    picture,
    pictures,
    samples,
    show,
)
from tests.behaviours.modelarts.samples.conftest import LABELED, SHAPES, TEXT, entity, relation, shaped
from tests.conftest import refusal


def content_of(name: str) -> bytes:
    """A file for a sample of that name."""
    return picture(name) if name.endswith(".png") else TEXT.encode()


def search(*conditions: dict) -> dict:
    """The parameter that asks for these conditions."""
    return {"search_conditions": json.dumps(conditions)}


@pytest.fixture
def zoo(cloud) -> str:
    """A dataset of five images: two cats, one of them with a dog; one uncertain, one hard; one without labels."""
    id = made(cloud, pictures("a.png", "b.png", "sub/c.png", "d.png", "e.png"), import_annotations=False)
    hard = {"name": "owl", "property": {"@modelarts:hard": "true", "@modelarts:hard_reasons": "1-3"}}
    annotate(
        cloud,
        id,
        {
            "a.png": [{"name": "cat", "score": 0.9}],
            "b.png": [{"name": "cat"}, {"name": "dog", "score": 0.2}],
            "c.png": [hard],
            "d.png": [{"name": "dog"}],
        },
    )
    return id


def test_samples_are_listed_by_page_youngest_first_unless_asked_otherwise(cloud, zoo):
    assert names(cloud, zoo) == ["a.png", "b.png", "d.png", "e.png", "c.png"]
    assert names(cloud, zoo, limit=2, offset=1) == ["d.png", "e.png"]
    assert names(cloud, zoo, limit=2, offset=2, order="desc") == ["a.png"]
    usual = cloud.get(f"{annotations(zoo)}/samples").json
    assert ([each["sample_name"][0] for each in usual["samples"]], usual["sample_count"]) == (
        list("cedba"),
        5,
    )


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"sample_state": "__ALL__"}, ["a.png", "b.png", "d.png", "c.png"]),
        ({"sample_state": "__NONE__"}, ["e.png"]),
        ({"sample_state": "__AUTO_ANNOTATION__"}, []),
        ({"sample_state": "__UNCHECK__"}, []),
        ({"label_name": "cat"}, ["a.png", "b.png"]),
        ({"label_name": "dog", "sample_state": "__ALL__"}, ["b.png", "d.png"]),
        ({"label_type": "0"}, ["a.png", "b.png", "d.png", "c.png"]),
        ({"label_type": "1"}, []),
        ({"low_score": "0.5"}, ["a.png"]),
        ({"high_score": "0.5"}, ["b.png"]),
        ({"email": "nobody"}, []),
        ({"sample_type": "1"}, []),
        (search({"sample_name": "B"}), ["b.png"]),
        (search({"sample_dir": "/data/in/sub/"}), ["c.png"]),
        (search({"sample_dir": "sub/"}), ["c.png"]),
        (search({"hard": "1"}), ["c.png"]),
        (search({"hard": "0"}, {"sample_name": "d"}), ["d.png"]),
        (search({"score": "0.1,0.3"}), ["b.png"]),
        (search({"label_list": {"op": "AND", "labels": [{"name": "cat"}, {"name": "dog"}]}}), ["b.png"]),
        (
            search({"label_list": {"op": "OR", "labels": [{"name": "owl"}, {"name": "dog"}]}}),
            ["b.png", "d.png", "c.png"],
        ),
        (search({"label_list": {"labels": [{"property": {"@modelarts:hard": ["true"]}}]}}), ["c.png"]),
        (search({"metadata": {"props": {"place": ["zoo"]}}}), ["e.png"]),
        (search({"kvp": "zoo"}), ["e.png"]),
        (search({"import_origin": "0", "sample_name": "a"}), ["a.png"]),
        (search({"import_origin": "6"}), []),
        (search({"labeler": "nobody"}), []),
        (search({"sample_time": "0,1"}), []),
        (search({"study_date": "2026"}), []),
    ],
)
def test_samples_are_found_by_state_label_score_and_conditions(cloud, zoo, params, found):
    id = samples(cloud, zoo, **search({"sample_name": "e.png"}))[0]["sample_id"]
    cloud.put(f"{annotations(zoo)}/samples", {"samples": [{"sample_id": id, "metadata": {"place": "zoo"}}]})
    assert names(cloud, zoo, **params) == found


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "1",
        '[{"colour": "red"}]',
        '[{"sample_name": 1}]',
        '[{"score": "many"}]',
        '[{"label_list": []}]',
        '[{"label_list": {"labels": [1]}}]',
        '[{"label_list": {"labels": [{"property": {"a": 1}}]}}]',
        '[{"metadata": {"props": {"a": "b"}}}]',
    ],
)
def test_what_is_no_search_condition_is_refused(cloud, zoo, text):
    reply = cloud.get(f"{annotations(zoo)}/samples", params={"search_conditions": text})
    assert refusal(reply) == (400, "ModelArts.4396")


def test_statistics_count_by_state_by_label_and_by_hardness(cloud, zoo):
    stats = cloud.get(f"{annotations(zoo)}/stats").json
    assert {each["name"]: (each["count"], each["sample_count"]) for each in stats["label_stats"]} == {
        "cat": (2, 2),
        "dog": (2, 2),
        "owl": (1, 1),
    }
    assert stats["sample_stats"] == {
        "all": 5,
        "total": 5,
        "lefted": 5,
        "un_annotation": 1,
        "manual_annotation": 4,
        "auto_annotation": 0,
        "deleted": 0,
    }
    assert stats["key_sample_stats"] == {"total": 5, "key_sample": 1, "non_key_sample": 4}
    assert {name: each["key"] for name, each in stats["hard_detail_stats"].items()} == {"1": 1, "3": 1}
    assert [each["name"] for each in stats["grouped_label_stats"]["0"]] == ["cat", "dog", "owl"]
    unlabeled = cloud.get(f"{annotations(zoo)}/stats", params={"sample_state": "__NONE__"}).json
    assert {each["count"] for each in unlabeled["label_stats"]} == {0}
    assert (
        cloud.get(f"{annotations(zoo)}/stats", params={"email": "nobody"}).json["label_stats"][0]["count"]
        == 0
    )


def test_what_can_be_searched_for_is_told(cloud, zoo):
    told = cloud.get(f"{annotations(zoo)}/search-condition").json
    assert [each["name"] for each in told["labels"]] == ["cat", "dog", "owl"]
    assert told["labelers"] == [f"human/{cloud.domain_name}/{cloud.user_name}"]
    assert names(cloud, zoo, **search({"labeler": told["labelers"][0]})) == [
        "a.png",
        "b.png",
        "d.png",
        "c.png",
    ]


def test_one_sample_is_described_and_only_in_the_state_that_is_asked_for(cloud, zoo):
    listed = samples(cloud, zoo)[0]
    path = f"{annotations(zoo)}/samples/{listed['sample_id']}"
    shown = cloud.get(path).json
    assert {name: shown[name] for name in ("sample_id", "labels", "sample_status")} == {
        name: listed[name] for name in ("sample_id", "labels", "sample_status")
    }
    assert cloud.get(path, params={"sample_state": "__ALL__"}).status == 200
    assert refusal(cloud.get(path, params={"sample_state": "__NONE__"})) == (400, "ModelArts.4420")
    unknown = cloud.get(f"{annotations(zoo)}/samples/none")
    assert refusal(unknown) == (400, "ModelArts.4420")
    assert unknown.json["error_msg"].endswith(f"sample none does not exist in {zoo}")


@pytest.mark.parametrize("type", LABELED)
def test_labels_of_each_type_read_back(cloud, type):
    file, labels = LABELED[type]
    id = made(cloud, {file: content_of(file)}, type=type)
    sample = samples(cloud, id)[0]
    body = {"samples": [{"sample_id": sample["sample_id"], "labels": labels}]}
    assert cloud.put(f"{annotations(id)}/samples", body).json == {
        "success": True,
        "results": [{"success": True}],
    }
    (shown,) = samples(cloud, id)
    assert shown["labels"] == [{"type": type, "property": {}, **each} for each in labels]
    assert (shown["sample_status"], show(cloud, id)["annotated_sample_count"]) == ("MANUAL_ANNOTATION", 1)
    known = {(each["type"], each["name"]) for each in show(cloud, id)["labels"]}
    assert known == {(each.get("type", type), each["name"]) for each in labels if "name" in each}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_a_label_and_one_with_too_few_points_is_none(cloud, shape):
    id = made(cloud, pictures("a.png"), type=1)
    assert annotate(cloud, id, {"a.png": [shaped("x", shape)]})["success"] is True
    bad = shaped("x", shape)
    bad["property"]["@modelarts:feature"] = [[1, 2, 3]]
    (result,) = annotate(cloud, id, {"a.png": [bad]})["results"]
    assert (result["success"], result["error_code"]) == (False, "ModelArts.4413")
    assert len(samples(cloud, id)[0]["labels"]) == 1


@pytest.mark.parametrize(
    ("type", "label"),
    [
        (0, {"name": ""}),
        (0, {"name": "a\nb"}),
        (0, {"name": "cat", "type": 1}),
        (1, {"name": "cat"}),
        (1, {"name": "cat", "property": {"@modelarts:shape": "bndbox"}}),
        (101, {"name": "City"}),
        (101, entity("City", 5, 5)),
        (101, entity("City", 0, 21)),
        (102, relation("was in", "E1", "E2")),
        (102, {"name": "was in", "type": 102}),
        (102, {"name": "Ada", "type": 101}),
        (201, {"name": "x"}),
        (202, {"name": "x", "property": {"@modelarts:start_time": "00:00:00.000"}}),
    ],
)
def test_a_label_that_lacks_what_its_type_needs_is_refused(cloud, type, label):
    file = LABELED[type][0]
    id = made(cloud, {file: content_of(file)}, type=type)
    body = {"samples": [{"sample_id": samples(cloud, id)[0]["sample_id"], "labels": [label]}]}
    reply = cloud.put(f"{annotations(id)}/samples", body)
    assert (reply.json["success"], reply.json["results"][0]["error_code"]) == (False, "ModelArts.4413")
    assert samples(cloud, id)[0]["labels"] == []


def test_what_cannot_be_labeled_fails_alone(cloud, zoo):
    ids = [each["sample_id"] for each in samples(cloud, zoo)]
    body = {"samples": [{"sample_id": "none", "labels": []}, {"sample_id": ids[0]}]}
    reply = cloud.put(f"{annotations(zoo)}/samples", body).json
    assert [each.get("error_code") for each in reply["results"]] == ["ModelArts.4420", None]
    assert held(cloud, zoo)["a.png"] == []
    free = made(cloud, {"x.bin": b"1"}, name="free", type=900)
    assert annotate(cloud, free, {"x.bin": [{"name": "x"}]})["results"][0]["error_code"] == "ModelArts.4383"


def upload(cloud, id: str, *sent: dict, **more) -> list[dict]:
    """The results of uploading samples."""
    reply = cloud.post(f"{annotations(id)}/samples", {"samples": list(sent), **more})
    assert reply.status == 200, reply
    return reply.json["results"]


def test_an_uploaded_image_lies_in_the_input_path(cloud, zoo):
    sent = {"name": "new.png", "data": b64encode(picture("new")).decode(), "labels": [{"name": "cat"}]}
    (result,) = upload(cloud, zoo, sent)
    assert result == {"success": True, "info": result["info"], "name": "/data/in/new.png"}
    assert cloud.world.obs.read(BUCKET, "in/new.png") == picture("new")
    assert held(cloud, zoo)["new.png"] == ["cat"]
    assert cloud.get(f"{annotations(zoo)}/samples/{result['info']}").json["metadata"]["@modelarts:size"] == [
        32,
        24,
        3,
    ]


def test_labels_that_are_not_final_wait_to_be_confirmed(cloud, zoo):
    sent = {"name": "new.png", "data": b64encode(picture("new")).decode(), "labels": [{"name": "cat"}]}
    upload(cloud, zoo, sent, final_annotation=False)
    assert names(cloud, zoo, sample_state="__AUTO_ANNOTATION__") == ["new.png"]
    assert show(cloud, zoo)["unconfirmed_sample_count"] == 1


def test_an_uploaded_text_is_a_sample_of_its_own(cloud):
    id = made(cloud, {}, data_sources=[], type=100)
    data = b64encode("好".encode("gbk")).decode()
    (result,) = upload(cloud, id, {"name": "x.txt", "data": data, "encoding": "GBK"})
    assert result["success"] and samples(cloud, id)[0]["sample_data"] == ["好"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"name": "n.png", "data": "no base64"}, "ModelArts.4421"),
        ({"name": "n.png", "data": {}}, "ModelArts.4421"),
        ({"name": "n.gif", "data": ""}, "ModelArts.4421"),
        ({"data": ""}, "ModelArts.4421"),
        ({"name": "n.png", "data": ""}, "ModelArts.4372"),
        ({"name": "a.png", "data": b64encode(picture()).decode()}, "ModelArts.4422"),
        (
            {"name": "n.png", "data": b64encode(picture()).decode(), "labels": [{"name": ""}]},
            "ModelArts.4417",
        ),
    ],
)
def test_what_is_no_sample_is_not_uploaded(cloud, zoo, sent, code):
    (result,) = upload(cloud, zoo, sent)
    assert (result["success"], result["error_code"]) == (False, code)
    assert len(names(cloud, zoo)) == 5


@pytest.mark.parametrize(
    ("format", "text", "labels"),
    [
        ({"text_sample_separator": ";", "text_label_separator": "|"}, "good", ["new", "fine", "odd"]),
        ({"label_type": "0"}, "good;fine|odd", ["new"]),
    ],
)
def test_labels_stand_behind_an_uploaded_text_where_its_format_says_so(cloud, format, text, labels):
    id = made(cloud, {}, data_sources=[], type=100)
    sent = {"data": b64encode(b"good;fine|odd").decode(), "labels": [{"name": "new"}]}
    body = {"samples": [sent], "label_format": format}
    assert cloud.post(f"{annotations(id)}/samples", body).json["success"] is True
    (sample,) = samples(cloud, id)
    assert (sample["sample_data"], [each["name"] for each in sample["labels"]]) == ([text], labels)


def test_a_text_that_is_too_long_is_not_uploaded(cloud):
    id = made(cloud, {}, data_sources=[], type=100)
    (result,) = upload(cloud, id, {"data": b64encode(bytes((100 << 10) + 1)).decode()})
    assert result["error_code"] == "ModelArts.4419"


def test_a_deleted_sample_is_gone_and_its_file_only_when_that_is_asked_for(cloud, zoo):
    ids = {each["sample_name"]: each["sample_id"] for each in samples(cloud, zoo)}
    path = f"{annotations(zoo)}/samples/delete"
    results = cloud.post(path, {"samples": [ids["a.png"], "none"]}).json["results"]
    assert [each["success"] for each in results] == [True, False]
    assert cloud.post(path, {"samples": [ids["b.png"]], "delete_source": True}).json["success"] is True
    assert names(cloud, zoo) == ["d.png", "e.png", "c.png"]
    assert [cloud.world.obs.exists(BUCKET, f"in/{name}") for name in ("a.png", "b.png")] == [True, False]
    assert show(cloud, zoo)["deleted_sample_count"] == 2


def test_nothing_is_written_to_or_deleted_from_a_bucket_that_is_gone(cloud):
    cloud.world.obs.create_bucket("other")
    id = made(cloud, pictures("a.png"), work_path="/other/work/")
    cloud.world.obs.delete(BUCKET, "in/a.png")
    cloud.world.obs.delete(BUCKET, "")
    asked = {"samples": [samples(cloud, id)[0]["sample_id"]], "delete_source": True}
    (result,) = cloud.post(f"{annotations(id)}/samples/delete", asked).json["results"]
    assert result["error_code"] == "ModelArts.4424" and len(samples(cloud, id)) == 1
    (result,) = upload(cloud, id, {"name": "b.png", "data": b64encode(picture()).decode()})
    assert result["error_code"] == "ModelArts.4421"


def test_a_line_of_a_text_goes_without_its_file(cloud):
    id = made(cloud, {"a.txt": b"one\ntwo"}, type=100)
    asked = {"samples": [samples(cloud, id)[0]["sample_id"]], "delete_source": True}
    assert cloud.post(f"{annotations(id)}/samples/delete", asked).json["success"] is True
    assert cloud.world.obs.exists(BUCKET, "in/a.txt") and len(samples(cloud, id)) == 1
