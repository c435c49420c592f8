"""Stories of processing tasks and their versions: their states, sources, goals, and the analysis of datasets."""

from urllib.request import urlopen

import pytest
from PIL import Image

from tests.behaviours.modelarts.data_import_export.conftest import published
from tests.behaviours.modelarts.datasets.conftest import DATASETS, annotate, held, made, put, samples, show
from tests.behaviours.modelarts.processing.conftest import (
    BLUE,
    TASKS,
    begun,
    counts,
    create_body,
    halves,
    last_version,
    manifest,
    plain,
    processed,
    results,
    template,
    written,
)
from tests.conftest import refusal

ANALYSIS = {
    "id": "sys_data_analyse",
    "operator_params": [{"id": "sys_data_analyse", "params": {"op_list": []}}],
}


def cats(cloud, **more) -> tuple[str, str]:
    """(id of a dataset with a cat and a dog, id of its version)."""
    id = made(cloud, {"a.png": plain(), "b.png": plain(BLUE)}, **more)
    annotate(cloud, id, {"a.png": [{"name": "cat"}], "b.png": [{"name": "dog"}]})
    published(cloud, id)
    return id, show(cloud, id)["current_version_id"]


def analysis(source: str, version: str | None, **more) -> dict:
    """What analyses a version of a dataset."""
    beside = {} if version is None else {"version_id": version}
    body = {"name": "V001", "template": ANALYSIS, "data_source": {"source": source, "type": "DATASET"}}
    return body | beside | more


def test_a_version_starts_runs_and_finishes(cloud):
    put(cloud, {"a.png": halves()})
    id = begun(cloud, template("Flip"), description="first")
    path = f"{TASKS}/{id}"
    version = f"{path}/versions/{last_version(cloud, id)['task_version_id']}"
    assert cloud.get(version).json["status"] == 0
    for reply in (cloud.post(f"{version}/stop"), cloud.delete(version), cloud.delete(path)):
        assert refusal(reply) == (403, "ModelArts.4850")
    cloud.clock.until(lambda: cloud.get(path).json["status"], equals=1)
    assert cloud.get(version).json["status"] == 1
    cloud.clock.advance("5m")
    ended = cloud.get(path).json
    assert (ended["status"], ended["version_count"], ended["version_name"]) == (2, 1, "V001")
    assert refusal(cloud.post(f"{version}/stop")) == (400, "ModelArts.4396")


def test_what_is_stopped_writes_no_results(cloud):
    put(cloud, {"a.png": halves()})
    id = begun(cloud, template("Flip"))
    cloud.clock.until(lambda: last_version(cloud, id)["status"], equals=1)
    version = last_version(cloud, id)
    stop = f"{TASKS}/{id}/versions/{version['task_version_id']}/stop"
    assert cloud.post(stop).json == {}
    assert refusal(cloud.post(stop)) == (400, "ModelArts.4393")
    cloud.clock.advance("5m")
    assert cloud.get(f"{TASKS}/{id}").json["status"] == 4 and results(cloud, id, version) == []


def test_what_has_failed_cannot_be_stopped(cloud):
    put(cloud, {"a.txt": b"no picture"}, "good/")
    shape = template("PCC", "cleaning", prototype_sample_path="/data/good/")
    id, version = processed(cloud, {"a.png": plain()}, shape)
    stop = f"{TASKS}/{id}/versions/{version['task_version_id']}/stop"
    assert refusal(cloud.post(stop)) == (400, "ModelArts.4392")


def test_another_version_may_do_something_else(cloud):
    id, first = processed(cloud, {"a.png": halves()}, template("Flip"))
    body = {"name": "PRE-1", "template": template("Blur"), "description": "softer"}
    reply = cloud.post(f"{TASKS}/{id}/versions", body)
    cloud.clock.advance("5m")
    second = cloud.get(f"{TASKS}/{id}/versions/{reply.json['version_id']}").json
    assert (second["version_name"], second["description"]) == ("V002", "softer")
    assert sorted(written(cloud, second)) == ["a.png", "a_Blur.png"] and counts(first) == (1, 0, 0, 1)
    other_kind = {"name": "PRE-1", "template": template("RRD", "selection")}
    assert refusal(cloud.post(f"{TASKS}/{id}/versions", other_kind)) == (400, "ModelArts.4396")


def test_a_version_goes_with_its_results_and_leaves_its_output(cloud):
    id, version = processed(cloud, {"a.png": halves()}, template("Flip"))
    path = f"{TASKS}/{id}/versions/{version['task_version_id']}"
    assert cloud.delete(path).status == 204
    for reply in (cloud.get(path), cloud.get(f"{path}/results"), cloud.delete(path)):
        assert refusal(reply) == (400, "ModelArts.4851")
    assert written(cloud, version) and cloud.get(f"{TASKS}/{id}").json["version_count"] == 0


def test_a_task_goes_with_its_versions(cloud):
    id, _ = processed(cloud, {"a.png": halves()}, template("Flip"))
    assert cloud.put(f"{TASKS}/{id}", {"description": "changed"}).json == {}
    assert cloud.get(f"{TASKS}/{id}").json["description"] == "changed"
    assert cloud.delete(f"{TASKS}/{id}").json == {}
    for reply in (cloud.get(f"{TASKS}/{id}"), cloud.get(f"{TASKS}/{id}/versions")):
        assert refusal(reply) == (400, "ModelArts.4700")


def test_results_have_links_that_open_the_pictures(cloud):
    id, version = processed(cloud, {"a.png": halves()}, template("Flip"))
    (added,) = results(cloud, id, version, result_property="3")
    assert "a.png" in added["signed_origin_source"] and "a_Flip.png" in added["signed_new_source"]
    assert added["version_id"] == version["task_version_id"]
    (small,) = results(cloud, id, version, result_property="3", process_parameter="image/resize,h_15")
    for link in (small["signed_origin_source"], small["signed_new_source"]):
        with urlopen(link) as opened:
            assert Image.open(opened).size == (20, 15)


def test_a_task_that_is_not_run_has_no_versions(cloud):
    put(cloud, {"a.png": plain()})
    id = begun(cloud, template("Flip"), create_version=False)
    cloud.clock.advance("5m")
    shown = cloud.get(f"{TASKS}/{id}").json
    assert (shown["status"], shown["version_count"]) == (0, 0)
    again = cloud.post(TASKS, create_body(template("Flip"), create_version=False))
    assert refusal(again) == (400, "ModelArts.4709")


def test_the_output_of_one_task_is_the_input_of_another(cloud):
    id, version = processed(cloud, {"a.png": halves()}, template("Flip"))
    source = {"type": "TASK", "source": id, "version_id": version["task_version_id"]}
    _, second = processed(cloud, {}, template("Grayscale"), name="next", inputs=[source])
    assert counts(second) == (2, 0, 0, 2) and len(manifest(cloud, second)) == 4


def test_the_output_becomes_the_current_version_of_a_dataset(cloud):
    id, version_id = cats(cloud)
    cloud.clock.advance("2m")
    inputs = [{"type": "DATASET", "source": id, "version_id": version_id}]
    goal = {"type": "DATASET", "path": id, "version_name": "flipped"}
    _, version = processed(cloud, {}, template("Flip"), inputs=inputs, work_path=goal)
    cloud.clock.advance("5m")
    assert version["work_path"]["output_path"] == f"/data/work/{version['task_version_id']}/"
    shown = show(cloud, id)
    assert (shown["current_version_name"], shown["status"]) == ("flipped", 1)
    assert shown["current_version_id"] == last_version(cloud, version["task_id"])["work_path"]["version_id"]
    found = held(cloud, id)
    assert found == {"a.png": ["cat"], "a_Flip.png": ["cat"], "b.png": ["dog"], "b_Flip.png": ["dog"]}
    again = create_body(template("Flip"), "again", inputs=inputs, work_path=goal)
    assert refusal(cloud.post(TASKS, again)) == (400, "ModelArts.4371")


def test_a_dataset_that_is_busy_gets_no_version(cloud):
    id, version_id = cats(cloud)
    inputs = [{"type": "DATASET", "source": id, "version_id": version_id}]
    task = begun(cloud, template("Flip"), inputs=inputs, work_path={"type": "DATASET", "path": id})
    cloud.clock.until(lambda: last_version(cloud, task)["status"], equals=1)
    assert cloud.delete(f"{DATASETS}/{id}").status == 204
    cloud.clock.advance("5m")
    assert cloud.get(f"{TASKS}/{task}").json["status"] == 3


def test_an_analysis_tells_what_a_version_is_like(cloud):
    id, version_id = cats(cloud)
    task = cloud.post(TASKS, analysis(id, version_id)).json["task_id"]
    assert "result" not in cloud.get(f"{TASKS}/{task}").json
    cloud.clock.advance("5m")
    shown = cloud.get(f"{TASKS}/{task}").json
    assert (shown["status"], shown["version_id"], shown["is_current"]) == (2, version_id, True)
    assert shown["result"]["label_distribution"] == {"cat": 1, "dog": 1}
    assert shown["result"]["image_width"]["mean"] == 40


def test_only_the_last_analysis_of_a_version_is_current(cloud):
    id, version_id = cats(cloud)
    first, second = (cloud.post(TASKS, analysis(id, version_id, name=name)).json["task_id"] for name in "ab")
    cloud.clock.advance("5m")

    def listed(**params) -> list[dict]:
        asked = {"source": id, "source_type": "DATASET", "task_type": "sys_data_analyse", **params}
        return cloud.get(TASKS, params=asked).json["tasks"]

    assert {each["task_id"] for each in listed(version_id=version_id)} == {first, second}
    assert [each["task_id"] for each in listed(query_current="true")] == [second]
    assert all("result" in each for each in listed())
    assert not any("result" in each for each in listed(return_result="false"))
    assert cloud.get(TASKS, params={"source": "other"}).json["count"] == 0


def test_the_kinds_of_processing_have_names_in_two_languages(cloud):
    reply = cloud.get(f"{TASKS}/items").json
    assert reply["total"] == 4 and all(each["label_en"] and each["label_zh"] for each in reply["items"])


def test_what_cannot_be_analysed_is_refused(cloud):
    id, version_id = cats(cloud)
    texts = made(cloud, {"a.txt": b"one"}, name="texts", type=100)
    put(cloud, {"a.png": plain()}, "bare/")
    bare = made(cloud, {}, name="bare", folder="bare")
    published(cloud, bare)
    none = show(cloud, bare)["current_version_id"]
    wanted = {
        "ModelArts.4701": analysis(texts, version_id),
        "ModelArts.4703": analysis(bare, none),
        "ModelArts.4352": analysis("none", version_id),
        "ModelArts.4353": analysis(id, "none"),
        "ModelArts.4396": analysis(id, None),
    }
    refused = {code: cloud.post(TASKS, body).json["error_code"] for code, body in wanted.items()}
    assert refused == {code: code for code in wanted}
    assert refusal(cloud.post(TASKS, analysis(id, version_id, create_version=True))) == (
        400,
        "ModelArts.4396",
    )


def test_a_version_that_is_not_usable_is_not_analysed(cloud):
    id, _ = cats(cloud)
    cloud.clock.advance("2m")
    reply = cloud.post(f"{DATASETS}/{id}/versions", {})
    assert refusal(cloud.post(TASKS, analysis(id, reply.json["version_id"]))) == (400, "ModelArts.4706")


def test_a_manifest_that_is_gone_fails_the_task(cloud):
    id, version = processed(cloud, {"a.png": halves()}, template("Flip"))
    source = {"type": "TASK", "source": id, "version_id": version["task_version_id"]}
    cloud.world.obs.delete(
        "data", f"{version['work_path']['output_path'].removeprefix('/data/')}output.manifest"
    )
    second, _ = processed(cloud, {}, template("Grayscale"), name="next", inputs=[source])
    failed = cloud.get(f"{TASKS}/{second}").json
    assert failed["status"] == 3 and failed["error_msg"].startswith("ModelArts.4707")


def test_a_source_that_is_gone_when_a_task_starts_fails_it(cloud):
    id, version = processed(cloud, {"a.png": halves()}, template("Flip"))
    source = {"type": "TASK", "source": id, "version_id": version["task_version_id"]}
    second = begun(cloud, template("Grayscale"), name="next", inputs=[source])
    assert cloud.delete(f"{TASKS}/{id}").status == 200
    cloud.clock.advance("5m")
    failed = cloud.get(f"{TASKS}/{second}").json
    assert failed["status"] == 3 and failed["error_msg"].startswith("ModelArts.4851")


@pytest.mark.parametrize(
    ("inputs", "status", "code"),
    [
        ([], 400, "ModelArts.4396"),
        ([{"type": "CUSTOM", "source": "x"}], 400, "ModelArts.4396"),
        ([{"type": "OBS", "source": "no path"}], 400, "ModelArts.4313"),
        ([{"type": "OBS", "source": "/data/none/"}], 400, "ModelArts.4312"),
        ([{"type": "DATASET", "source": "none"}], 400, "ModelArts.4352"),
        ([{"type": "TASK", "source": "none"}], 400, "ModelArts.4700"),
    ],
)
def test_what_is_not_there_cannot_be_read(cloud, inputs, status, code):
    put(cloud, {"a.png": plain()})
    assert refusal(cloud.post(TASKS, create_body(template("Flip"), inputs=inputs))) == (status, code)


@pytest.mark.parametrize(
    ("members", "where"),
    [
        ({"data_source": {"type": "OBS", "path": "/data/in/"}}, "$.data_source.source"),
        ({"data_source": {}}, "$.data_source.source"),
        (
            {"inputs": [{"type": "OBS", "source": "/data/in/"}, {"type": "OBS", "source": "/data/no/"}]},
            "$.inputs[1].source",
        ),
    ],
)
def test_a_refusal_says_which_of_the_sources_is_wrong(cloud, members, where):
    put(cloud, {"a.png": plain()})
    body = create_body(template("Flip"))
    del body["inputs"]
    reply = cloud.post(TASKS, body | members)
    assert (reply.status, where in reply.json["error_msg"]) == (400, True)


def test_a_task_reads_a_version_of_another_that_has_finished(cloud):
    put(cloud, {"a.png": halves()})
    id = begun(cloud, template("Flip"))
    source = {"type": "TASK", "source": id, "version_id": "none"}
    assert refusal(cloud.post(TASKS, create_body(template("Blur"), "b", inputs=[source]))) == (
        400,
        "ModelArts.4851",
    )
    source["version_id"] = last_version(cloud, id)["task_version_id"]
    assert refusal(cloud.post(TASKS, create_body(template("Blur"), "b", inputs=[source]))) == (
        403,
        "ModelArts.4613",
    )


@pytest.mark.parametrize(
    ("goal", "code"),
    [
        ({}, "ModelArts.4396"),
        ({"type": "OBS", "path": "no path"}, "ModelArts.4313"),
        ({"type": "OBS", "path": "/no-such-bucket/x/"}, "ModelArts.4311"),
        ({"type": "DATASET", "path": "none"}, "ModelArts.4352"),
    ],
)
def test_the_output_needs_a_place(cloud, goal, code):
    put(cloud, {"a.png": plain()})
    assert refusal(cloud.post(TASKS, create_body(template("Flip"), work_path=goal))) == (400, code)


def test_data_source_and_inputs_exclude_each_other(cloud):
    put(cloud, {"a.png": plain()})
    body = create_body(template("Flip"))
    source = {"data_source": body["inputs"][0]}
    assert refusal(cloud.post(TASKS, body | source)) == (400, "ModelArts.4396")
    del body["inputs"]
    id = cloud.post(TASKS, body | source).json["task_id"]
    assert cloud.get(f"{TASKS}/{id}").json["inputs"][0]["source"] == "/data/in/"


def test_texts_are_not_processed(cloud):
    texts = made(cloud, {"a.txt": b"one"}, name="texts", type=100)
    assert samples(cloud, texts)
    inputs = [{"type": "DATASET", "source": texts}]
    assert refusal(cloud.post(TASKS, create_body(template("Flip"), inputs=inputs))) == (501, "ModelArts.4383")


def test_a_task_writes_into_no_dataset_that_is_not_there(cloud):
    put(cloud, {"a.png": plain()})
    body = create_body(template("Flip"), work_path={"type": "DATASET", "path": "q" * 22})
    reply = cloud.post(TASKS, body | {"create_version": False})
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.4352")
