"""Stories about tags of services."""

from tests.behaviours.modelarts.inference_v2.conftest import SERVICES, created, shown

BASE = "/v2/{project_id}/modelarts-service-v2"


def tag(key, value):
    return {"key": key, "value": value}


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


def test_a_service_has_twenty_tags_at_most(cloud):
    path = f"{BASE}/{created(cloud)}/tags/create"
    assert cloud.post(path, {"tags": [tag(f"key-{n}", "") for n in range(20)]}).status == 200
    assert cloud.post(path, {"tags": [tag("one-more", "")]}).status == 400


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
