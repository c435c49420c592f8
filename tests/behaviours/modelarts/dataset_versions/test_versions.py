"""Stories about versions of datasets: published into OBS, split, listed, made the current one, deleted."""

import json

import pytest

from tests.behaviours.modelarts.datasets.conftest import (
    BUCKET,
    DATASETS,
    annotate,
    annotations,
    held,
    made,
    pictures,
    samples,
    show,
)
from tests.behaviours.modelarts.samples.conftest import shaped
from tests.conftest import refusal


def publish(cloud, id: str, **body) -> str:
    """The id of a version that is published."""
    reply = cloud.post(f"{DATASETS}/{id}/versions", body)
    assert reply.status == 201, reply
    cloud.clock.advance("5m")
    return reply.json["version_id"]


def version_of(cloud, id: str, version_id: str) -> dict:
    """The version."""
    return cloud.get(f"{DATASETS}/{id}/versions/{version_id}").json


def read(cloud, path: str) -> bytes:
    """The object that an answer names as /bucket/key or obs://bucket/key."""
    return cloud.world.obs.read(*path.removeprefix("obs:/").lstrip("/").split("/", 1))


def lines(cloud, version: dict) -> list[dict]:
    """The lines of the manifest of a version."""
    return [json.loads(line) for line in read(cloud, version["manifest_path"]).splitlines()]


@pytest.fixture
def zoo(cloud) -> str:
    """A dataset of ten images: four cats, four dogs, two without labels."""
    id = made(cloud, pictures(*(f"{number}.png" for number in range(10))))
    labels = {f"{number}.png": [{"name": "cat" if number < 4 else "dog"}] for number in range(8)}
    annotate(cloud, id, labels)
    return id


def test_a_version_without_a_name_gets_one_that_no_other_has(cloud, zoo):
    publish(cloud, zoo, version_name="V003")
    publish(cloud, zoo)
    id = publish(cloud, zoo)
    assert (version_of(cloud, zoo, id)["version_name"], show(cloud, zoo)["next_version_num"]) == ("V004", 5)


def test_a_version_is_creating_until_its_manifest_is_written(cloud, zoo):
    id = cloud.post(f"{DATASETS}/{zoo}/versions", {"description": "first"}).json["version_id"]
    assert (version_of(cloud, zoo, id)["status"], show(cloud, zoo)["status"]) == (0, 6)
    cloud.clock.advance("5m")
    version, dataset = version_of(cloud, zoo, id), show(cloud, zoo)
    assert (version["status"], version["version_name"], version["is_current"]) == (1, "V001", True)
    assert (dataset["status"], dataset["current_version_id"], dataset["next_version_num"]) == (1, id, 2)
    assert dataset["versions"][0]["version_id"] == id and dataset["dataset_version_count"] == 1
    assert version["manifest_path"] == f"/data/work/cats-{zoo}/annotation/V001/V001.manifest"


def test_a_manifest_says_of_each_sample_what_is_documented(cloud, zoo):
    first, *_, last = lines(cloud, version_of(cloud, zoo, publish(cloud, zoo)))
    moment = first["annotation"][0].pop("creation-time")
    assert first == {
        "source": "obs://data/in/0.png",
        "usage": "train",
        "id": samples(cloud, zoo)[0]["sample_id"],
        "sample-type": 0,
        "annotation": [{"type": "modelarts/image_classification", "name": "cat", "annotated-by": "human"}],
    }
    assert len(moment) == 19 and last == {
        "source": "obs://data/in/9.png",
        "id": samples(cloud, zoo)[9]["sample_id"],
        "sample-type": 0,
    }


def test_a_manifest_is_written_byte_for_byte(cloud):
    id = made(cloud, {"a.txt": b"I like it"}, type=100)
    label = {
        "name": "good",
        "score": 0.5,
        "property": {"@modelarts:hard": "true", "@modelarts:hard_coefficient": "0.8"},
    }
    body = {
        "samples": [
            {"sample_id": samples(cloud, id)[0]["sample_id"], "labels": [label], "sample_usage": "TEST"}
        ]
    }
    assert cloud.put(f"{annotations(id)}/samples", body).json["success"]
    version = version_of(cloud, id, publish(cloud, id, clear_hard_property=False, remove_sample_usage=False))
    written = read(cloud, version["manifest_path"]).decode()
    moment = json.loads(written)["annotation"][0]["creation-time"]
    assert written == (
        f'{{"source":"content://I like it","usage":"test","id":"{samples(cloud, id)[0]["sample_id"]}","sample-type":1,'
        '"annotation":[{"type":"modelarts/text_classification","name":"good","confidence":0.5,"hard":"true",'
        f'"hard-coefficient":0.8,"annotated-by":"human","creation-time":"{moment}"}}]}}\n'
    )


def test_places_in_images_lie_in_files_beside_the_manifest(cloud):
    id = made(cloud, pictures("a.png", "sub/a.png"), type=1)
    ids = [each["sample_id"] for each in samples(cloud, id)]
    labels = [shaped("cat"), shaped("ring", "circle", score=0.25)]
    body = {"samples": [{"sample_id": each, "labels": labels} for each in ids]}
    cloud.put(f"{annotations(id)}/samples", body)
    version = version_of(cloud, id, publish(cloud, id))
    found = [each["annotation"] for each in lines(cloud, version)]
    folder = f"obs://data/work/cats-{id}/annotation/V001/annotations"
    assert [each["annotation-loc"] for (each,) in found] == [f"{folder}/a.xml", f"{folder}/sub/a.xml"]
    assert {(each["type"], each["annotation-format"]) for (each,) in found} == {
        ("modelarts/object_detection", "PASCAL VOC")
    }
    text = read(cloud, f"{folder}/a.xml").decode()
    for part in ("<width>32</width>", "<xmin>1</xmin>", "<r>4</r>", "<confidence>0.25</confidence>"):
        assert part in text


@pytest.mark.parametrize(
    ("ratio", "train", "evaluate"), [("1.00", 8, 0), ("0.75", 6, 2), ("0.5", 4, 4), ("0", 0, 8)]
)
def test_the_labeled_samples_are_split_by_the_share_with_some_of_each_label(
    cloud, zoo, ratio, train, evaluate
):
    version = version_of(cloud, zoo, publish(cloud, zoo, train_evaluate_sample_ratio=ratio))
    found = [
        (each["annotation"][0]["name"], each["usage"]) for each in lines(cloud, version) if "usage" in each
    ]
    for name in ("cat", "dog"):
        usages = [usage for label, usage in found if label == name]
        assert (usages.count("train"), usages.count("eval")) == (train // 2, evaluate // 2)
    assert version["train_evaluate_sample_ratio"] == ratio


@pytest.mark.parametrize(("keeps", "usage"), [(True, "eval"), (False, "train")])
def test_a_usage_is_kept_only_when_it_is_not_to_be_removed(cloud, zoo, keeps, usage):
    sample = {
        "sample_id": samples(cloud, zoo)[0]["sample_id"],
        "labels": [{"name": "cat"}],
        "sample_usage": "EVAL",
    }
    cloud.put(f"{annotations(zoo)}/samples", {"samples": [sample]})
    version = version_of(cloud, zoo, publish(cloud, zoo, remove_sample_usage=not keeps))
    assert lines(cloud, version)[0]["usage"] == usage


@pytest.mark.parametrize("clear", [True, False])
def test_what_is_hard_is_said_only_when_it_is_not_to_be_cleared(cloud, zoo, clear):
    metadata = {"@modelarts:hard": True, "@modelarts:hard_coefficient": 0.75}
    sample = {
        "sample_id": samples(cloud, zoo)[0]["sample_id"],
        "labels": [{"name": "cat"}],
        "metadata": metadata,
    }
    cloud.put(f"{annotations(zoo)}/samples", {"samples": [sample]})
    first = lines(cloud, version_of(cloud, zoo, publish(cloud, zoo, clear_hard_property=clear)))[0]
    found = {name: first[name] for name in first if name.startswith("hard")}
    assert found == ({} if clear else {"hard": "true", "hard-coefficient": 0.75})


def test_images_are_copied_when_they_are_to_be_exported(cloud, zoo):
    version = version_of(cloud, zoo, publish(cloud, zoo, export_images=True))
    assert read(cloud, f"{version['data_path']}0.png") == pictures("0.png")["0.png"]


def test_a_table_is_written_as_rows(cloud):
    columns = [{"name": "id", "type": "INT"}, {"name": "word", "type": "STRING"}]
    id = made(cloud, {"t.csv": b'1,"a, b"\nx,c\n'}, type=400, schema=columns)
    version = version_of(cloud, id, publish(cloud, id))
    assert read(cloud, f"{version['data_path']}V001.csv") == b'id,word\r\n1,"a, b"\r\n,c\r\n'
    assert (version["version_format"], version["total_sample_count"]) == ("CSV", 2)
    plain = version_of(cloud, id, publish(cloud, id, with_column_header=False))
    assert read(cloud, f"{plain['data_path']}V002.csv") == b'1,"a, b"\r\n,c\r\n'


def test_a_version_counts_what_it_had_when_it_was_published(cloud, zoo):
    id = publish(cloud, zoo)
    annotate(cloud, zoo, {"9.png": [{"name": "owl"}, {"name": "cat"}]})
    version = version_of(cloud, zoo, id)
    assert (version["total_sample_count"], version["annotated_sample_count"], version["label_type"]) == (
        10,
        8,
        "single",
    )
    assert {each["name"]: each["sample_count"] for each in version["label_stats"]} == {"cat": 4, "dog": 4}
    assert held(cloud, zoo, version_id=id)["9.png"] == [] and held(cloud, zoo)["9.png"] == ["owl", "cat"]
    labels = cloud.get(f"{annotations(zoo)}/labels", params={"version_id": id}).json["labels"]
    assert labels == [{"name": name, "type": 0, "property": {}} for name in ("cat", "dog")]
    second = version_of(cloud, zoo, publish(cloud, zoo))
    assert (second["version_name"], second["previous_version_id"], second["label_type"]) == (
        "V002",
        id,
        "multi",
    )


def test_versions_are_listed_by_page_status_format_and_share(cloud, zoo):
    made_ids = [publish(cloud, zoo, train_evaluate_sample_ratio=ratio) for ratio in ("1.00", "0.5", "0.75")]

    def listed(**params):
        reply = cloud.get(f"{DATASETS}/{zoo}/versions", params=params).json
        assert reply["total_number"] >= len(reply["versions"])
        return [each["version_id"] for each in reply["versions"]]

    assert listed() == made_ids and listed(limit=2, offset=1) == made_ids[2:]
    assert listed(train_evaluate_ratio="0.5,0.8") == made_ids[1:] and listed(version_format=2) == []
    assert listed(status=1) == made_ids and listed(status=4) == []
    for params, found in (({"version_format": 0}, 1), ({"train_evaluate_ratio": "0,0.1"}, 0)):
        assert cloud.get(DATASETS, params=params).json["total_number"] == found
    row = cloud.get(DATASETS, params={"contain_versions": "true"}).json["datasets"][0]
    assert [each["version_id"] for each in row["versions"]] == made_ids


def test_another_current_version_brings_back_its_samples_and_labels(cloud, zoo):
    first = publish(cloud, zoo)
    before = held(cloud, zoo)
    ids = [each["sample_id"] for each in samples(cloud, zoo)]
    annotate(cloud, zoo, {"9.png": [{"name": "owl"}], "8.png": [{"name": "owl"}]})
    cloud.put(f"{annotations(zoo)}/samples", {"samples": [{"sample_id": ids[1], "labels": []}]})
    cloud.post(f"{annotations(zoo)}/samples/delete", {"samples": [ids[0]]})
    second = publish(cloud, zoo)
    assert cloud.put(f"{DATASETS}/{zoo}", {"current_version_id": first}).status == 200
    assert show(cloud, zoo)["status"] == 7
    assert refusal(cloud.put(f"{DATASETS}/{zoo}", {"current_version_id": second})) == (400, "ModelArts.4349")
    cloud.clock.advance("1m")
    assert held(cloud, zoo) == before and show(cloud, zoo)["current_version_id"] == first
    assert version_of(cloud, zoo, second)["is_current"] is False


def test_a_deleted_version_leaves_what_it_wrote_and_another_takes_its_place(cloud, zoo):
    first, second = publish(cloud, zoo), publish(cloud, zoo)
    path = version_of(cloud, zoo, second)["manifest_path"]
    assert cloud.delete(f"{DATASETS}/{zoo}/versions/{second}").status == 204
    assert refusal(cloud.get(f"{DATASETS}/{zoo}/versions/{second}")) == (400, "ModelArts.4353")
    assert show(cloud, zoo)["current_version_name"] == "V001" and read(cloud, path)
    assert cloud.delete(f"{DATASETS}/{zoo}/versions/{first}").status == 204
    assert "current_version_id" not in show(cloud, zoo)


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"version_name": "V001"}, (400, "ModelArts.4371")),
        ({"version_name": "a b"}, (400, "ModelArts.4396")),
        ({"train_evaluate_sample_ratio": "2"}, (400, "ModelArts.4396")),
        ({"version_format": "CSV"}, (501, "ModelArts.4383")),
        ({"version_format": "CarbonData"}, (501, "ModelArts.4383")),
    ],
)
def test_what_cannot_be_published_is_refused(cloud, zoo, body, refused):
    publish(cloud, zoo)
    assert refusal(cloud.post(f"{DATASETS}/{zoo}/versions", body)) == refused


def test_only_what_has_each_label_twice_is_split(cloud, zoo):
    annotate(cloud, zoo, {"9.png": [{"name": "owl"}]})
    half = {"train_evaluate_sample_ratio": "0.5"}
    assert refusal(cloud.post(f"{DATASETS}/{zoo}/versions", half)) == (400, "ModelArts.4711")
    speech = made(cloud, {"a.wav": b"RIFF"}, name="speech", type=201)
    assert refusal(cloud.post(f"{DATASETS}/{speech}/versions", half)) == (400, "ModelArts.4342")


def test_versions_come_a_minute_apart_and_nothing_is_labeled_meanwhile(cloud, zoo):
    versions = f"{DATASETS}/{zoo}/versions"
    assert cloud.post(versions, {}).status == 201
    assert refusal(cloud.post(versions, {})) == (400, "ModelArts.4370")
    assert refusal(cloud.put(f"{annotations(zoo)}/samples", {"samples": []})) == (400, "ModelArts.4381")
    assert refusal(cloud.post(f"{DATASETS}/{zoo}/sync-data")) == (400, "ModelArts.4343")
    cloud.clock.advance("30s")
    assert refusal(cloud.post(versions, {})) == (400, "ModelArts.4370")
    cloud.clock.advance("30s")
    assert cloud.post(versions, {}).status == 201


def test_a_version_that_obs_does_not_take_is_faulty_and_the_dataset_free_again(cloud):
    cloud.world.obs.create_bucket("other")
    id = made(cloud, pictures("a.png"), work_path="/other/work/")
    cloud.world.obs.delete("other", "")
    version = version_of(cloud, id, publish(cloud, id))
    assert (version["status"], version["code"], show(cloud, id)["status"]) == (4, "ModelArts.4712", 1)
    change = {"current_version_id": version["version_id"]}
    assert refusal(cloud.put(f"{DATASETS}/{id}", change)) == (400, "ModelArts.4824")


def test_a_manifest_that_was_deleted_cannot_be_listed(cloud, zoo):
    id = publish(cloud, zoo)
    path = version_of(cloud, zoo, id)["manifest_path"]
    cloud.world.obs.delete(BUCKET, path.removeprefix(f"/{BUCKET}/"))
    reply = cloud.get(f"{annotations(zoo)}/samples", params={"version_id": id})
    assert refusal(reply) == (400, "ModelArts.4345")
