"""Stories about services and training jobs that are found by their tags."""

from tests.behaviours.modelarts.inference_v2.conftest import SERVICES, created, shown
from tests.behaviours.modelarts.tags.conftest import job, job_path, tag
from tests.conftest import refusal

BASE = "/v2/{project_id}/modelarts-service-v2"
JOBS = "/v2/{project_id}/modelarts-training-job/resource-instances"


def found(cloud, body, query=""):
    reply = cloud.post(f"{BASE}/resource-instances/filter{query}", body)
    assert reply.status == 200, reply
    return [row["resource_name"] for row in reply.json["resources"]]


def test_tags_are_added_replaced_and_taken_away(cloud):
    id = created(cloud, tags=[tag("team", "a")])
    path = f"{BASE}/{id}/tags"
    assert cloud.post(f"{path}/create", {"tags": [tag("team", "b"), tag("tier", "1")]}).status == 200
    assert cloud.get(path).json["tags"] == [tag("team", "b"), tag("tier", "1")] == shown(cloud, id)["tags"]
    assert cloud.delete(f"{path}/delete", {"tags": [{"key": "team"}]}).status == 200
    assert cloud.get(path).json["tags"] == [tag("tier", "1")]
    assert (
        cloud.delete(f"{path}/delete", {"tags": [tag("tier", "2")]}).json["error_code"]
        == "ModelArts.50004000"
    )


def test_a_request_without_tags_adds_none(cloud):
    id = created(cloud)
    assert cloud.post(f"{BASE}/{id}/tags/create").status == 200 and shown(cloud, id)["tags"] == []


def test_services_are_found_by_all_of_their_tags_and_their_name(cloud):
    created(cloud, name="one", tags=[tag("team", "a"), tag("tier", "1")])
    created(cloud, name="two", tags=[tag("team", "b")])
    created(cloud, name="bare")
    team = {"key": "team", "values": ["a", "b"]}
    assert found(cloud, {"tags": [team]}) == ["two", "one"]
    assert found(cloud, {"tags": [team, {"key": "tier", "values": ["1"]}]}) == ["one"]
    assert found(cloud, {"without_any_tag": True}) == ["bare"]
    assert found(cloud, {"matches": [{"key": "resource_name", "value": "W"}]}) == ["two"]
    assert found(cloud, {}, "?limit=2&offset=2") == ["one"] and found(cloud, {"limit": 1}) == ["bare"]
    assert cloud.post(f"{BASE}/resource-instances/count", {"tags": [team]}).json == {"total_count": 2}


def test_all_tags_are_gathered_by_key(cloud):
    for name, value in (("one", "a"), ("two", "b")):
        created(cloud, name=name, tags=[tag("team", value)])
    assert cloud.get(f"{BASE}/tags").json["tags"] == [{"key": "team", "values": ["a", "b"]}]


def test_tags_of_an_unknown_service_are_not_found(cloud):
    assert cloud.get(f"{BASE}/nobody/tags").json["error_code"] == "ModelArts.3502"
    assert cloud.get(f"{SERVICES}/nobody").status == 404


def jobs_found(cloud, body, query=""):
    """(names of the jobs that are listed, how many are counted) for the same question."""
    listed = cloud.post(f"{JOBS}/filter{query}", body).json
    counted = cloud.post(f"{JOBS}/count", body).json["total_count"]
    assert listed["total_count"] == counted
    return [row["resource_name"] for row in listed["resources"]]


def tagged_jobs(cloud):
    """Three jobs, two of which have tags."""
    for name, tags in (("one", [tag("team", "a"), tag("tier", "1")]), ("two", [tag("team", "b")])):
        assert cloud.post(f"{job_path(job(cloud, name))}/create", {"tags": tags}).status == 204
    job(cloud, "bare")


def test_jobs_have_every_key_asked_for_with_one_of_its_values(cloud):
    tagged_jobs(cloud)
    team = {"key": "team", "values": ["a", "b"]}
    assert jobs_found(cloud, {}) == ["bare", "two", "one"]
    assert jobs_found(cloud, {"tags": [team]}) == ["two", "one"]
    assert jobs_found(cloud, {"tags": [team, {"key": "tier"}]}) == ["one"]
    assert jobs_found(cloud, {"tags": [{"key": "team", "values": ["c"]}]}) == []
    assert jobs_found(cloud, {"tags": [team], "without_any_tag": True}) == ["bare"]
    assert jobs_found(cloud, {"matches": [{"key": "resource_name", "value": "W"}]}) == ["two"]
    assert jobs_found(cloud, {"workspace_id": "f" * 32}) == []
    assert jobs_found(cloud, {}, "?limit=1&offset=1") == ["two"]


def test_a_job_that_is_found_says_its_tags_and_its_workspace(cloud):
    tagged_jobs(cloud)
    (row,) = cloud.post(f"{JOBS}/filter", {"tags": [{"key": "tier"}]}).json["resources"]
    assert (row["tags"], row["workspace_id"]) == ([tag("team", "a"), tag("tier", "1")], "0")


def test_a_key_is_asked_for_once(cloud):
    twice = {"tags": [{"key": "team", "values": ["a"]}, {"key": "team", "values": ["b"]}]}
    for way in ("filter", "count"):
        assert refusal(cloud.post(f"{JOBS}/{way}", twice)) == (400, "ModelArts.50004000")


def test_the_search_of_jobs_finds_them_by_their_tags_too(cloud):
    tagged_jobs(cloud)
    search = {"tags": [{"key": "team", "values": ["b"]}]}
    found = cloud.post("/v2/{project_id}/training-job-searches", search).json["items"]
    assert [each["metadata"]["name"] for each in found] == ["two"]
