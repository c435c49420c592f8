"""Stories about models of v1: import, publishing, versions, deletion."""

import json

import pytest

from tests.behaviours.modelarts.conftest import (
    BUCKET,
    CONFIG,
    ECHO,
    MODELS,
    deployed,
    entry,
    import_body,
    pages_of_an_old_list,
    published,
    put_package,
)
from tests.conftest import CONFIG as JOB_V1
from tests.conftest import JOB

pytestmark = pytest.mark.usefixtures("simulated")


def imported(cloud, location, **more):
    return cloud.post(MODELS, import_body(location, **more))


def test_an_imported_model_is_publishing_and_then_published(cloud):
    model_id = imported(cloud, put_package(cloud)).json["model_id"]
    assert cloud.get(f"{MODELS}/{model_id}").json["model_status"] == "publishing"
    cloud.clock.advance("2m")
    assert cloud.get(f"{MODELS}/{model_id}").json["model_status"] == "published"


def test_a_model_that_needs_libraries_is_built_before_it_is_published(cloud):
    packages = {"installer": "pip", "packages": [{"package_name": "numpy"}]}
    model_id = imported(cloud, put_package(cloud), dependencies=[packages]).json["model_id"]
    status = lambda: cloud.get(f"{MODELS}/{model_id}").json["model_status"]  # noqa: E731
    seen = [status()]
    for _ in range(30):
        cloud.clock.advance(0.2)
        seen.append(status())
    assert list(dict.fromkeys(seen)) == ["publishing", "building", "published"]


def test_a_model_whose_package_vanishes_while_it_is_publishing_has_failed(cloud):
    model_id = imported(cloud, put_package(cloud)).json["model_id"]
    for key in cloud.world.obs.keys(BUCKET):
        cloud.world.obs.delete(BUCKET, key)
    cloud.clock.advance("2m")
    assert cloud.get(f"{MODELS}/{model_id}").json["model_status"] == "failed"


def test_the_detail_shows_what_config_json_says(cloud):
    model = cloud.get(f"{MODELS}/{published(cloud)}").json
    assert (model["runtime"], model["model_algorithm"]) == ("python3.6", "predict_analysis")
    assert [row["param_name"] for row in model["input_params"]] == ["data"]
    assert json.loads(model["apis"])[0]["method"] == "post"
    assert json.loads(model["config"])["model_type"] == "Scikit_Learn"


def test_the_detail_shows_the_image_the_code_and_what_each_parameter_is(cloud):
    model_id = imported(cloud, put_package(cloud, code=ECHO)).json["model_id"]
    assert "image_address" not in cloud.get(f"{MODELS}/{model_id}").json
    cloud.clock.advance("5m")
    model = cloud.get(f"{MODELS}/{model_id}").json
    assert model["image_address"] == f"100.125.5.235:20202/models/{model_id}:0.0.1"
    package = "https://packages.obs.cn-north-4.myhuaweicloud.com/digits/model"
    assert model["execution_code"] == f"{package}/customize_service.py"
    assert model["install_type"] == ["real-time", "edge", "batch"]
    assert json.loads(model["input_params"][0]["param_desc"])["properties"]["req_data"]["type"] == "array"


def test_declared_apis_come_back_as_they_were_sent(cloud):
    sides = {"input_params": {"type": "object", "properties": {"data": {"type": "object"}}}}
    sent = [{"protocol": "http", "url": "/", "method": "post", **sides}]
    model = cloud.get(f"{MODELS}/{published(cloud, apis=sent)}").json
    assert json.loads(model["apis"]) == sent


def test_the_config_that_a_detail_shows_can_be_imported_again(cloud):
    check = {"check_method": "HTTP", "protocol": "http", "url": "/health", "initial_delay_seconds": "30"}
    checks = dict.fromkeys(("health", "readiness_health", "startup_health"), check)
    written = json.dumps(CONFIG | checks | {"model_source": "auto", "tunable": False})
    first = cloud.get(f"{MODELS}/{published(cloud, initial_config=written)}").json
    assert first["health"] == check
    again = published(cloud, name="again", initial_config=first["config"])
    second = cloud.get(f"{MODELS}/{again}").json
    assert json.loads(second["config"]) == json.loads(written) and second["health"] == check


def test_what_the_request_says_goes_before_config_json(cloud):
    model = cloud.get(f"{MODELS}/{published(cloud, model_algorithm='image_classification')}").json
    assert model["model_algorithm"] == "image_classification"


def test_initial_config_stands_in_for_config_json(cloud):
    location = put_package(cloud)
    cloud.world.obs.delete(BUCKET, "digits/model/config.json")
    assert imported(cloud, location).json["error_code"] == "ModelArts.3017"
    assert imported(cloud, location, initial_config=json.dumps(CONFIG)).status == 200


@pytest.mark.parametrize(
    "location",
    ["obs://packages/digits", "/packages/digits", "https://packages.obs.cn-north-4.example.com/digits"],
)
def test_a_package_is_found_under_every_form_of_its_place(cloud, location):
    put_package(cloud)
    assert imported(cloud, location).status == 200


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"model_type": "XGBoost"}, "ModelArts.3015", "XGBoost"),
        ({"model_algorithm": "x" * 40}, "ModelArts.3015", "model_algorithm"),
        ({"apis": [{"url": "/a"}, {"url": "/b"}]}, "ModelArts.3015", "apis"),
    ],
)
def test_a_config_json_against_the_rules_is_refused_by_the_name_of_its_field(cloud, change, code, word):
    reply = imported(cloud, put_package(cloud, config=CONFIG | change))
    assert reply.status == 400 and reply.json["error_code"] == code and word in reply.json["error_msg"]


def test_a_config_that_is_no_json_is_refused(cloud):
    reply = imported(cloud, put_package(cloud, files=[("config.json", b"{")]))
    assert reply.json["error_code"] == "ModelArts.3016"


def test_a_package_without_a_model_file_is_refused_by_the_name_of_what_is_missing(cloud):
    location = put_package(cloud)
    cloud.world.obs.delete(BUCKET, "digits/model/model.m")
    reply = imported(cloud, location)
    assert reply.json["error_code"] == "ModelArts.3017" and "*.m" in reply.json["error_msg"]


@pytest.mark.parametrize("location", ["obs://nowhere/digits", "obs://packages/nothing"])
def test_a_place_where_nothing_lies_is_refused(cloud, location):
    put_package(cloud)
    reply = imported(cloud, location)
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.3017")


def test_an_encrypted_object_is_not_imported(cloud):
    location = put_package(cloud)
    cloud.obs().putContent(BUCKET, "digits/model/model.m", "x", headers=encrypted())
    reply = imported(cloud, location)
    assert reply.json["error_code"] == "ModelArts.3017" and "encrypted" in reply.json["error_msg"]


def encrypted():
    from obs import PutObjectHeader, SseKmsHeader

    return PutObjectHeader(sseHeader=SseKmsHeader.getInstance())


def test_name_and_version_are_taken_only_once(cloud):
    location = put_package(cloud)
    imported(cloud, location)
    assert imported(cloud, location).json["error_code"] == "ModelArts.3002"
    assert imported(cloud, location, version="0.0.2").status == 200


def test_a_version_without_restraint_is_refused(cloud):
    packages = {"installer": "pip", "packages": [{"package_name": "numpy", "package_version": "1.0"}]}
    reply = imported(cloud, put_package(cloud), dependencies=[packages])
    assert reply.json["error_code"] == "ModelArts.3037" and "restraint" in reply.json["error_msg"]


def test_a_template_asks_for_its_inputs(cloud):
    body = {
        "model_name": "t",
        "model_version": "0.0.1",
        "model_type": "Template",
        "source_location": "/packages/t",
    }
    assert cloud.post(MODELS, body).json["error_code"] == "ModelArts.3037"
    body["template"] = {"template_id": "none", "template_inputs": []}
    assert cloud.post(MODELS, body).json["error_code"] == "ModelArts.3021"
    body["template"] = {"template_id": "pytorch-py36", "template_inputs": []}
    assert cloud.post(MODELS, body).json["error_code"] == "ModelArts.3024"


def test_a_model_is_imported_with_a_template_and_without_config_json(cloud):
    cloud.world.obs.create_bucket(BUCKET)
    cloud.world.obs.write(BUCKET, "t/model/model.om", b"x")
    source = {"input_id": "model_folder", "input": "/packages/t/model"}
    template = {"template_id": "arm-ascend", "template_inputs": [source]}
    model_id = published(cloud, "/packages/t", model_type="Template", template=template)
    assert cloud.get(f"{MODELS}/{model_id}").json["model_type"] == "Template"


def test_models_are_listed_newest_first_and_filtered(cloud):
    location = put_package(cloud)
    ids = [published(cloud, location, name=name) for name in ("first_model", "second", "third")]
    names = lambda query="": [row["model_name"] for row in cloud.get(f"{MODELS}{query}").json["models"]]  # noqa: E731
    assert names() == ["third", "second", "first_model"]
    assert names("?order=asc&limit=2&offset=1") == ["third"]
    assert names("?model_name=ir") == ["third", "first_model"]
    assert names("?model_name=ir&exact_match=true") == []
    assert names("?model_status=publishing") == [] and len(ids) == 3
    listed = cloud.get(f"{MODELS}?limit=1").json
    assert (listed["total_count"], listed["count"]) == (3, 1)


def test_model_type_and_not_model_type_exclude_each_other(cloud):
    reply = cloud.get(f"{MODELS}?model_type=PyTorch&not_model_type=Image")
    assert reply.json["error_code"] == "ModelArts.3037"


def test_a_model_in_use_is_not_deleted_and_the_others_of_its_name_are(cloud):
    location = put_package(cloud)
    used, free = (published(cloud, location, version=version) for version in ("0.0.1", "0.0.2"))
    service_id = deployed(cloud, entry(used))
    reply = cloud.delete(f"{MODELS}/{used}?cascade=true").json
    assert reply["delete_success_list"] == [free]
    assert [(row["model_id"], row["error_code"]) for row in reply["delete_failed_list"]] == [
        (used, "ModelArts.3009")
    ]
    cloud.delete(f"/v1/{{project_id}}/services/{service_id}")
    assert cloud.delete(f"{MODELS}/{used}").json["delete_success_list"] == [used]
    assert cloud.get(f"{MODELS}/{used}").json["error_code"] == "ModelArts.3001"


def test_engines_and_runtimes_are_as_documented(cloud):
    answer = cloud.get(f"{MODELS}/ai-engine-runtimes").json
    assert (answer["count"], answer["total_count"]) == (4, 4)
    rows = {row["ai_engine"]: row for row in answer["engine_runtimes"]}
    assert list(rows) == ["TensorFlow", "PyTorch", "MindSpore", "Custom"]
    assert rows["PyTorch"]["accelerators"][3] == {
        "type": "npu", "name": "SNT9", "driver_version_section": "C8x",
    }  # fmt: skip
    assert len(rows["TensorFlow"]["runtimes"]) == 10


def test_templates_are_filtered_by_their_labels(cloud):
    found = cloud.get(f"{MODELS}/template?engine=MindSpore").json["templates"]
    assert [row["template_id"] for row in found] == ["arm-ascend"]


def test_terraform_reads_a_model_as_it_was_sent(cloud):
    location, config = put_package(cloud), json.dumps(CONFIG | {"metrics": {"f1": 0.5}})
    sent = import_body(
        location,
        initial_config=config,
        source_copy="false",
        model_algorithm="image_classification",
        runtime="python3.6",
        description="digits",
        execution_code=f"{location}/customize_service.py",
        model_docs=[{"doc_name": "guide", "doc_url": "https://example.com/guide"}],
        model_metrics=json.dumps({"f1": 0.5}),
        install_type=["batch", "real-time"],
        workspace_id="0",
    )
    model_id = cloud.post(MODELS, sent).json["model_id"]
    model = cloud.get(f"{MODELS}/{model_id}").json
    assert json.loads(model["config"]) == json.loads(config)
    assert {name: model[name] for name in sent if name != "initial_config"} == {
        name: value for name, value in sent.items() if name != "initial_config"
    }


def test_terraform_waits_for_a_model_that_is_publishing_and_then_published(cloud):
    model_id = imported(cloud, put_package(cloud)).json["model_id"]
    seen = []
    for _ in range(8):
        seen.append(cloud.get(f"{MODELS}/{model_id}").json["model_status"])
        cloud.clock.advance(0.25)
    assert list(dict.fromkeys(seen)) == ["publishing", "published"]


def test_terraform_finds_a_deleted_model_by_status_404(cloud):
    model_id = published(cloud)
    assert cloud.delete(f"{MODELS}/{model_id}").status == 200
    assert cloud.get(f"{MODELS}/{model_id}").status == 404


@pytest.mark.parametrize("path", [MODELS, f"{MODELS}?model_type=Scikit_Learn", f"{MODELS}/template"])
def test_terraform_reads_lists_of_models_to_their_end(cloud, path):
    published(cloud)
    first, *rest = pages_of_an_old_list(cloud, path)
    assert first and rest == [[]]


def test_versions_of_a_model_are_sorted_as_numbers(cloud):
    location = put_package(cloud)
    for version in ("0.0.10", "0.0.9", "0.1.0"):
        published(cloud, location, version=version)
    listed = cloud.get(f"{MODELS}?sort_by=model_version&order=asc").json["models"]
    assert [row["model_version"] for row in listed] == ["0.0.9", "0.0.10", "0.1.0"]


@pytest.mark.parametrize("engine", ["MindSpore", "Custom"])
def test_every_engine_that_the_list_of_runtimes_names_can_be_imported(cloud, engine):
    location = put_package(cloud, config=CONFIG | {"model_type": engine})
    reply = imported(cloud, location, model_type=engine)
    assert reply.status == 200, reply
    assert cloud.get(f"{MODELS}/{reply.json['model_id']}").json["model_type"] == engine


def test_a_runtime_that_the_engine_does_not_have_is_refused(cloud):
    reply = imported(cloud, put_package(cloud), model_type="TensorFlow", runtime="python9")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.3037")
    assert "$.runtime" in reply.json["error_msg"]


def test_a_model_comes_from_a_training_job_that_is_there(cloud):
    place = put_package(cloud)
    reply = imported(cloud, place, source_job_id="7f0e8c1e-0000-4000-8000-000000000000")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.3037")
    assert "$.source_job_id: training job 7f0e8c1e" in reply.json["error_msg"]
    of_v1 = cloud.post("/v1/{project_id}/training-jobs", {"job_name": "old", "config": JOB_V1}).json["job_id"]
    of_v2 = cloud.post("/v2/{project_id}/training-jobs", JOB).json["metadata"]["id"]
    for number, id in enumerate((str(of_v1), of_v2)):
        made = imported(cloud, place, version=f"0.0.{number}", source_job_id=id).json["model_id"]
        assert cloud.get(f"{MODELS}/{made}").json["model_source"] == "algos"
    by_exeml = imported(cloud, place, version="0.0.9", source_job_id="exeml", source_type="auto")
    assert by_exeml.status == 200


def test_the_bounds_of_a_parameter_are_in_order(cloud):
    place = {"url": "/", "method": "post", "protocol": "http", "param_name": "a", "param_type": "int"}
    location = put_package(cloud)
    assert imported(cloud, location, input_params=[place | {"min": 1, "max": 1}]).status == 200
    reply = imported(cloud, location, name="other", input_params=[place | {"min": 5, "max": 1}])
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.3037")
