"""Training experiments: made, listed, changed, joined by jobs, deleted."""

import pytest

from tests.behaviours.modelarts.training.conftest import JOBS, changed, create, show
from tests.conftest import add_workspace

EXPERIMENTS = "/v2/{project_id}/training-experiments"


def experiment(cloud, name: str = "search-1", **more) -> str:
    """The id of a new experiment."""
    reply = cloud.post(EXPERIMENTS, {"metadata": {"name": name, **more}})
    assert reply.status == 201, reply
    return reply.json["metadata"]["id"]


def joined(cloud, id: str, name: str) -> str:
    """The id of a new job in the experiment."""
    return create(cloud, metadata__name=name, metadata__training_experiment_reference={"id": id})


def names(cloud, query: str = "") -> list[str]:
    """The names of the experiments that are listed."""
    return [row["metadata"]["name"] for row in cloud.get(f"{EXPERIMENTS}{query}").json["items"]]


def test_a_new_experiment_has_no_jobs(cloud):
    shown = cloud.get(f"{EXPERIMENTS}/{experiment(cloud, description='rates')}").json
    assert shown["statistic"] == {"job_count": 0}
    assert (shown["metadata"]["description"], shown["metadata"]["workspace_id"]) == ("rates", "0")


def test_jobs_of_an_experiment_are_numbered_counted_and_found(cloud):
    id = experiment(cloud)
    jobs = [joined(cloud, id, name) for name in ("a", "b")]
    create(cloud, metadata__name="elsewhere")
    search = {"filters": [{"key": "experiment_id", "operator": "in", "value": [id]}]}
    found = cloud.post("/v2/{project_id}/training-job-searches", search).json["items"]
    references = [show(cloud, job)["metadata"]["training_experiment_reference"] for job in jobs]
    assert [each["serial_number"] for each in references] == ["1", "2"]
    assert {job["metadata"]["id"] for job in found} == set(jobs)
    assert cloud.get(f"{EXPERIMENTS}/{id}").json["statistic"]["job_count"] == 2


def test_a_job_that_gives_only_a_name_makes_its_experiment_first(cloud):
    reference = {"name": "fresh", "description": "by a job"}
    job = show(cloud, create(cloud, metadata__training_experiment_reference=reference))
    made = job["metadata"]["training_experiment_reference"]
    assert (made["name"], made["serial_number"]) == ("fresh", "1")
    assert cloud.get(f"{EXPERIMENTS}/{made['id']}").json["metadata"]["description"] == "by a job"


def test_a_job_cannot_join_an_experiment_that_is_not_there(cloud):
    body = changed(metadata__training_experiment_reference={"id": "none"})
    assert cloud.post(JOBS, body).json["error_code"] == "ModelArts.2842"


@pytest.mark.parametrize("name", ["search-1", "a b", "", "<x>"])
def test_a_name_that_is_taken_or_has_special_characters_is_refused(cloud, name):
    experiment(cloud)
    reply = cloud.post(EXPERIMENTS, {"metadata": {"name": name}})
    code = "ModelArts.2841" if name == "search-1" else "ModelArts.2788"
    assert (reply.status, reply.json["error_code"]) == (400, code)


def test_a_description_with_special_characters_is_refused(cloud):
    reply = cloud.post(EXPERIMENTS, {"metadata": {"name": "a", "description": "<b>"}})
    assert reply.json["error_code"] == "ModelArts.2788"


def test_one_can_ask_whether_a_name_is_taken(cloud):
    experiment(cloud)
    asked = "/v2/{project_id}/training-experiment-names?experiment_name="
    answers = [cloud.get(f"{asked}{name}").json["is_duplicate"] for name in ("search-1", "search-2")]
    assert answers == [True, False]


def test_jobs_follow_the_name_of_their_experiment(cloud):
    id = experiment(cloud)
    job = joined(cloud, id, "a")
    cloud.clock.advance("1h")
    reply = cloud.put(f"{EXPERIMENTS}/{id}", {"name": "search-2"})
    metadata = cloud.get(f"{EXPERIMENTS}/{id}").json["metadata"]
    assert reply.json == {"name": "search-2", "description": ""}
    assert show(cloud, job)["metadata"]["training_experiment_reference"]["name"] == "search-2"
    assert metadata["update_time"] > metadata["create_time"]


def test_an_experiment_can_keep_its_name_but_not_take_anothers(cloud):
    id = experiment(cloud)
    experiment(cloud, "search-2")
    assert cloud.put(f"{EXPERIMENTS}/{id}", {"name": "search-1"}).status == 200
    taken = cloud.put(f"{EXPERIMENTS}/{id}", {"name": "search-2"})
    assert (taken.status, taken.json["error_code"]) == (400, "ModelArts.2841")


def test_a_deleted_experiment_is_gone_and_its_jobs_go_on_without_it(cloud):
    id = experiment(cloud)
    job = joined(cloud, id, "a")
    assert cloud.delete(f"{EXPERIMENTS}/{id}").status == 202
    reply = cloud.get(f"{EXPERIMENTS}/{id}")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2842")
    assert "training_experiment_reference" not in show(cloud, job)["metadata"]


def test_experiments_are_listed_in_pages_of_their_workspace(cloud):
    add_workspace(cloud, "w" * 32)
    for name in ("b", "a", "c"):
        experiment(cloud, name)
    experiment(cloud, "a", workspace_id="w" * 32)
    assert names(cloud) == ["c", "a", "b"]
    assert names(cloud, "?sort_by=name&order=asc") == ["a", "b", "c"]
    assert names(cloud, "?sort_by=name&order=asc&limit=2&offset=1") == ["c"]
    assert names(cloud, f"?workspace_id={'w' * 32}") == ["a"]


def test_an_edited_experiment_keeps_its_place_in_the_list_of_its_workspace(cloud):
    add_workspace(cloud, "w" * 32)
    workspace = "w" * 32
    ids = [experiment(cloud, name, workspace_id=workspace) for name in ("one", "two", "three")]
    cloud.put(f"{EXPERIMENTS}/{ids[0]}", {"description": "edited"})
    assert names(cloud, f"?workspace_id={workspace}") == ["three", "two", "one"]


def test_a_page_without_room_is_refused(cloud):
    reply = cloud.get(f"{EXPERIMENTS}?limit=0")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2788")
