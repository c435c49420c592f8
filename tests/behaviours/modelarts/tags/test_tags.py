"""Stories about tags that hold for every kind of resource that has them, and about those of pools and nodes."""

import json

import pytest

from tests.behaviours.modelarts.pools.conftest import POOLS, running, scale, show
from tests.behaviours.modelarts.tags.conftest import (
    add,
    job,
    job_path,
    pool,
    read,
    tag,
    tagged,
    take,
    values_in,
)
from tests.conftest import refusal

BAD = [
    {"key": ""},
    {"key": "k" * 129},
    {"key": "_sys_owner"},
    {"key": " team"},
    {"key": "team "},
    {"key": "team", "value": "v" * 256},
]


def test_tags_are_merged_by_key_and_taken_away(cloud, one):
    add(cloud, one, tag("team", "a"), tag("tier", "1"))
    add(cloud, one, tag("team", "b"))
    assert read(cloud, one) == {"team": "b", "tier": "1"}
    take(cloud, one, tag("team"))
    assert read(cloud, one) == {"tier": "1"}


@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_bad_keys_and_values_are_refused_and_change_nothing(cloud, one, bad):
    assert refusal(add(cloud, one, tag("good"), {"value": "", **bad})) == (400, "ModelArts.50004000")
    assert read(cloud, one) == {}


def test_a_key_is_named_once_in_a_request(cloud, one):
    reply = add(cloud, one, tag("team", "a"), tag("team", "b"))
    assert refusal(reply) == (400, "ModelArts.50004000") and "team" in reply.json["error_msg"]


def test_a_resource_has_twenty_tags_at_most(cloud, one):
    assert refusal(add(cloud, one, *(tag(f"key-{n}") for n in range(21)))) == (400, "ModelArts.50004000")
    add(cloud, one, *(tag(f"key-{n}") for n in range(20)))
    assert refusal(add(cloud, one, tag("one-more"))) == (400, "ModelArts.50004000")
    assert len(read(cloud, one)) == 20


def test_jobs_answer_204_and_pools_answer_what_they_have(cloud):
    path = job_path(job(cloud))
    assert cloud.post(f"{path}/create", {"tags": [tag("a", "1")]}).status == 204
    assert cloud.delete(f"{path}/delete", {"tags": [tag("a")]}).status == 204
    reply = cloud.post(f"/v1/{{project_id}}/pools/{pool(cloud)}/tags/create", {"tags": [tag("a", "1")]})
    assert (reply.status, reply.json) == (200, {"tags": [{"key": "a", "values": ["1"]}]})


def test_a_pool_shows_its_tags_as_an_annotation_by_which_it_can_be_made_with_some(cloud):
    name = running(cloud, annotations={"os.modelarts/tms.tags": json.dumps([tag("team", "a")])})
    path = f"/v1/{{project_id}}/pools/{name}/tags"
    cloud.post(f"{path}/create", {"tags": [tag("tier", "1")]})
    assert values_in(cloud.get(path).json["tags"]) == {"team": "a", "tier": "1"}
    annotation = show(cloud, name)["metadata"]["annotations"]["os.modelarts/tms.tags"]
    assert json.loads(annotation) == [tag("team", "a"), tag("tier", "1")]


def test_only_jobs_and_notebooks_let_a_tag_be_taken_away_that_is_not_there(cloud, one):
    is_lenient = "modelarts-training-job" in one.path or "notebooks" in one.path
    assert take(cloud, one, tag("absent")).status == (204 if is_lenient else 400)


def test_the_tags_of_a_resource_that_is_not_there_are_not_found(cloud):
    missing = {
        "/v1/{project_id}/pools/nobody/tags": (404, "ModelArts.50015001"),
        "/v1/{project_id}/nodes/nobody/tags": (404, "ModelArts.50005101"),
        "/v2/{project_id}/modelarts-service-v2/nobody/tags": (404, "ModelArts.3502"),
        job_path("nobody"): (400, "ModelArts.2775"),
    }
    for path, code in missing.items():
        assert refusal(cloud.get(path)) == code, path


@pytest.mark.parametrize("kind", ["pools", "nodes"])
def test_pools_and_nodes_change_their_tags_by_an_action(cloud, kind):
    path = path_of(cloud, kind)

    def update(action, *tags):
        return cloud.post(path, {"action": action, "tags": list(tags)})

    assert update("create", tag("a", "1"), tag("b", "2")).json == {"tags": [tag("a", "1"), tag("b", "2")]}
    assert refusal(update("delete", tag("a", "other"))) == (400, "ModelArts.50004000")
    assert update("delete", tag("a", "1")).json == {"tags": [tag("b", "2")]}
    assert refusal(update("create")) == refusal(update("delete")) == (400, "ModelArts.50004000")
    assert update("reset", tag("c", "3")).json == {"tags": [tag("c", "3")]}
    assert update("reset").json == {"tags": []}
    assert values_in(cloud.get(path).json["tags"]) == {}


def path_of(cloud, kind: str) -> str:
    """Where the tags of a new pool, or of its node, are."""
    name = pool(cloud)
    return f"/v1/{{project_id}}/{kind}/{name if kind == 'pools' else node_of(cloud, name)}/tags"


def node_of(cloud, pool: str) -> str:
    """The name of the first node of a pool."""
    return cloud.get(f"{POOLS}/{pool}/nodes").json["items"][0]["metadata"]["name"]


def test_tags_of_nodes_are_gathered_over_all_pools_or_one_and_go_with_the_node(cloud):
    first, second = running(cloud, name="pool-one"), running(cloud, name="pool-two")
    for name, value in ((first, "a"), (second, "b")):
        body = {"action": "create", "tags": [tag("team", value)]}
        assert cloud.post(f"/v1/{{project_id}}/nodes/{node_of(cloud, name)}/tags", body).status == 200
    nodes = "/v1/{project_id}/nodes/tags"
    assert cloud.get(nodes).json == {"tags": [{"key": "team", "values": ["a", "b"]}]}
    assert cloud.get(f"{nodes}?pool={second}").json == {"tags": [{"key": "team", "values": ["b"]}]}
    scale(cloud, second, 0)
    cloud.clock.advance("10m")
    assert cloud.get(nodes).json == {"tags": [{"key": "team", "values": ["a"]}]}


def test_tags_of_pools_and_jobs_are_gathered_page_by_page(cloud):
    path = f"/v1/{{project_id}}/pools/{pool(cloud)}/tags"
    cloud.post(f"{path}/create", {"tags": [tag("a", "1"), tag("b", "2"), tag("c", "3")]})
    page = cloud.get("/v1/{project_id}/pools/tags?limit=2&offset=1").json["tags"]
    assert page == [{"key": "c", "values": ["3"]}]
    for value in ("1", "2"):
        tags = [tag("run", value), tag("stage", "test")]
        cloud.post(f"{job_path(job(cloud, f'job-{value}'))}/create", {"tags": tags})
    path = "/v2/{project_id}/modelarts-training-job/tags"
    whole = [{"key": "run", "values": ["1", "2"]}, {"key": "stage", "values": ["test"]}]
    assert cloud.get(path).json["tags"] == whole
    assert cloud.get(f"{path}?limit=1&offset=1").json["tags"] == whole[1:]


def test_the_tags_of_a_notebook_are_not_changed_in_another_workspace(cloud):
    one = tagged(cloud, "notebook")
    reply = cloud.post(f"{one.path}/create?workspace_id=elsewhere", {"tags": [tag("team", "a")]})
    assert refusal(reply) == (400, "ModelArts.6309") and read(cloud, one) == {}


def test_tags_are_taken_from_the_service_in_the_path_alone(cloud):
    one = tagged(cloud, "service")
    add(cloud, one, tag("team", "a"))
    body = {"tags": [tag("team")], "resource_id": "another"}
    reply = cloud.delete(f"{one.path}/delete", body)
    assert reply.status == 400 and "another" in reply.json["error_msg"]
    own = one.path.split("/")[-2]
    assert cloud.delete(f"{one.path}/delete", body | {"resource_id": own}).status < 300
    assert read(cloud, one) == {}
