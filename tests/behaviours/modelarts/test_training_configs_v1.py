"""Stories about named configurations of v1 training jobs."""

import pytest

CONFIGS = "/v1/{project_id}/training-job-configs"
CODE = {"app_url": "/usr/app/", "boot_file_url": "/usr/app/boot.py", "engine_id": 4}
CONFIG = {**CODE, "data_url": "/usr/data/", "spec_id": 2, "worker_server_num": 1}


def create(cloud, name="testConfig", **changes):
    """Keep the usual configuration, changed, under a name."""
    return cloud.post(CONFIGS, {"config_name": name, **CONFIG, **changes})


def names(cloud, query: str = "") -> list[str]:
    """The names on the page that a query selects."""
    return [row["config_name"] for row in cloud.get(f"{CONFIGS}?{query}").json["configs"]]


def fault(reply) -> tuple:
    """(status, code) of a refusal."""
    assert reply.json["is_success"] is False
    return reply.status, reply.json["error_code"]


def test_a_configuration_shows_its_engine_and_resources_in_full(cloud):
    assert create(cloud, config_desc="This is config").json == {"is_success": True}
    shown = cloud.get(f"{CONFIGS}/testConfig").json
    assert (shown["engine_name"], shown["engine_version"]) == ("TensorFlow", "TF-1.8.0-python3.6")
    assert (shown["spec_code"], shown["core"], shown["data_url"]) == (
        "modelarts.vm.cpu.2u",
        "2",
        "/usr/data/",
    )
    assert shown["create_time"] == int(cloud.clock.now() * 1000)


def test_a_configuration_of_the_same_name_is_refused(cloud):
    create(cloud)
    assert fault(create(cloud)) == (400, "ModelArts.0105")


def test_an_update_replaces_what_was_set_and_keeps_name_and_age(cloud):
    create(cloud, config_desc="old", log_url="/usr/log/")
    born = cloud.get(f"{CONFIGS}/testConfig").json["create_time"]
    cloud.clock.advance("1h")
    assert cloud.put(f"{CONFIGS}/testConfig", {**CONFIG, "spec_id": 27}).json == {"is_success": True}
    shown = cloud.get(f"{CONFIGS}/testConfig").json
    assert (shown["spec_id"], shown["create_time"], shown["config_desc"]) == (27, born, "old")
    assert "log_url" not in shown


def test_a_deleted_configuration_is_gone(cloud):
    create(cloud)
    assert cloud.delete(f"{CONFIGS}/testConfig").json == {"is_success": True}
    assert fault(cloud.get(f"{CONFIGS}/testConfig")) == (400, "ModelArts.0105")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_configuration_that_is_not_there_is_refused(cloud, method):
    body = CONFIG if method == "PUT" else None
    assert fault(cloud.send(method, f"{CONFIGS}/nothing", body)) == (400, "ModelArts.0105")


def test_configurations_are_sorted_searched_and_paged(cloud):
    for name in ("b", "abc", "c"):
        create(cloud, name, config_desc=f"described {name[::-1]}")
        cloud.clock.advance(1)
    assert names(cloud) == ["c", "b", "abc"]
    assert names(cloud, "sortBy=create_time&order=asc") == ["b", "abc", "c"]
    assert names(cloud, "sortBy=config_desc&order=asc") == ["b", "c", "abc"]
    assert names(cloud, "search_content=B&order=asc") == ["abc", "b"]
    assert names(cloud, "per_page=2&page=2") == ["abc"]


def test_samples_are_there_from_the_start_and_cannot_be_changed(cloud):
    listed = names(cloud, "config_type=sample&sortBy=config_desc")
    assert len(listed) == 3 and names(cloud) == []
    shown = cloud.get(f"{CONFIGS}/{listed[0]}?config_type=sample").json
    assert shown["config_name"] == listed[0] and shown["engine_id"]
    assert fault(cloud.delete(f"{CONFIGS}/{listed[0]}")) == (400, "ModelArts.0105")


@pytest.mark.parametrize("query", ["config_type=sample&sortBy=create_time", "page=0"])
def test_a_list_that_cannot_be_had_is_refused_with_the_documented_code(cloud, query):
    assert fault(cloud.get(f"{CONFIGS}?{query}")) == (400, "ModelArts.0105")


@pytest.mark.parametrize(
    "code, changes",
    [
        ("ModelArts.0107", {"dataset_id": "d", "dataset_version_id": "v"}),
        ("ModelArts.0107", {"worker_server_num": 9}),
        ("ModelArts.0107", {"boot_file_url": ""}),
        ("ModelArts.0104", {"spec_id": 99}),
        ("ModelArts.0104", {"data_url": ""}),
    ],
)
def test_what_no_job_could_be_started_with_is_not_kept(cloud, code, changes):
    assert fault(create(cloud, **changes)) == (400, code)
    create(cloud)
    assert fault(cloud.put(f"{CONFIGS}/testConfig", {**CONFIG, **changes})) == (400, code)


def test_a_job_can_be_started_with_what_a_configuration_shows(cloud):
    create(cloud)
    shown = cloud.get(f"{CONFIGS}/testConfig").json
    config = {name: shown[name] for name in CONFIG}
    answer = cloud.post("/v1/{project_id}/training-jobs", {"job_name": "job", "config": config})
    assert answer.json["version_name"] == "V0001"
