"""Stories about what v1 jobs may choose from."""

import json

import pytest

JOB = "/v1/{project_id}/job"
ALGORITHMS = "/v1/{project_id}/built-in-algorithms"


def specs(cloud, query: str) -> dict:
    """{code: specification} that a query selects."""
    answer = cloud.get(f"{JOB}/resource-specs?{query}").json
    assert answer["is_success"] and answer["spec_total_count"] == len(answer["specs"])
    return {spec["spec_code"]: spec for spec in answer["specs"]}


def models(cloud, query: str) -> list:
    """The built-in algorithms on the page that a query selects."""
    return cloud.get(f"{ALGORITHMS}?{query}").json["models"]


def test_engines_are_listed_for_a_type_of_job(cloud):
    train = cloud.get(f"{JOB}/ai-engines?job_type=train").json["engines"]
    inference = cloud.get(f"{JOB}/ai-engines?job_type=inference").json["engines"]
    assert {
        "engine_id": 4,
        "engine_name": "TensorFlow",
        "engine_type": 1,
        "engine_version": "TF-1.8.0-python3.6",
    } in train
    assert {row["engine_name"] for row in train} - {row["engine_name"] for row in inference} >= {
        "Ascend-Powered-Engine"
    }
    assert cloud.get(f"{JOB}/ai-engines").json["engines"] == train


def test_specifications_say_their_size_as_text_and_how_many_nodes_a_job_gets(cloud):
    shown = specs(cloud, "job_type=train")["modelarts.vm.cpu.2u"]
    assert (shown["spec_id"], shown["core"], shown["cpu"], shown["max_num"]) == (2, "2", "8", 2)
    assert shown["no_resource"] is False and not any(name.startswith("_") for name in shown)


def test_an_ascend_engine_runs_on_ascend_alone_and_others_elsewhere(cloud):
    ascend, others = specs(cloud, "engine_id=130"), specs(cloud, "engine_id=4")
    assert set(ascend) == {"modelarts.kat1.xlarge", "modelarts.kat1.8xlarge"}
    assert set(ascend) | set(others) == set(specs(cloud, "engine_id=0")) and not set(ascend) & set(others)


def test_a_kind_of_project_narrows_the_specifications(cloud):
    assert all(spec["gpu_num"] == 1 for spec in specs(cloud, "project_type=1").values())


def test_an_engine_nobody_knows_is_refused(cloud):
    reply = cloud.get(f"{JOB}/resource-specs?engine_id=999")
    assert (reply.status, reply.json["error_code"], reply.json["is_success"]) == (
        400,
        "ModelArts.0105",
        False,
    )


def test_a_type_of_job_nobody_knows_is_refused(cloud):
    assert cloud.get(f"{JOB}/ai-engines?job_type=play").json["error_code"] == "ModelArts.0104"


def test_built_in_algorithms_have_parameters_as_json_text(cloud):
    for model in models(cloud, "per_page=100"):
        labels = [row["label"] for row in json.loads(model["parameter"])]
        assert labels and len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    "key", ["model_name", "model_precision", "model_usage", "model_size", "create_time", "parameter"]
)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_built_in_algorithms_are_sorted_as_asked(cloud, key, order):
    values = [model[key] for model in models(cloud, f"sortBy={key}&order={order}")]
    assert values == sorted(values, reverse=order == "desc") and len(values) > 3


def test_built_in_algorithms_are_sorted_by_engine_and_searched_by_name(cloud):
    assert models(cloud, "")[0]["engine_name"] == "TensorFlow"
    assert {row["model_usage"] for row in models(cloud, "search_content=faster")} == {2}
    first, second = models(cloud, "per_page=1&page=1"), models(cloud, "per_page=1&page=2")
    assert first != second and cloud.get(f"{ALGORITHMS}?per_page=1").json["model_total_count"] > 2


def test_pages_of_built_in_algorithms_count_from_one(cloud):
    reply = cloud.get(f"{ALGORITHMS}?page=0")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.0105")
