"""Stories about tags of notebooks."""

from tests.behaviours.modelarts.notebooks.conftest import BASE, NOBODY, create, names, refusal, show
from tests.conftest import add_workspace


def tag(key: str, value: str) -> dict:
    """One tag."""
    return {"key": key, "value": value}


def add(cloud, id: str, *tags: dict):
    """The answer of adding tags."""
    return cloud.post(f"{BASE}/{id}/tags/create", {"tags": list(tags)})


def take(cloud, id: str, *tags: dict):
    """The answer of taking tags away."""
    return cloud.delete(f"{BASE}/{id}/tags/delete", {"tags": list(tags)})


def test_a_notebook_shows_its_tags_and_a_new_value_replaces_the_old_one(cloud):
    id = create(cloud)["id"]
    assert show(cloud, id)["tags"] == []
    assert add(cloud, id, tag("team", "a"), tag("tier", "1")).status == 204
    assert add(cloud, id, tag("team", "b")).status == 204
    assert show(cloud, id)["tags"] == [tag("team", "b"), tag("tier", "1")]


def test_tags_are_taken_away_by_their_keys_and_one_that_is_not_there_is_no_error(cloud):
    id = create(cloud)["id"]
    add(cloud, id, tag("team", "a"), tag("tier", "1"))
    assert take(cloud, id, tag("team", "z"), tag("other", "")).status == 204
    assert show(cloud, id)["tags"] == [tag("tier", "1")]


def test_a_notebook_has_twenty_tags_at_most(cloud):
    id = create(cloud)["id"]
    assert add(cloud, id, *(tag(f"key-{number}", "") for number in range(20))).status == 204
    assert refusal(add(cloud, id, tag("one-more", ""))) == "ModelArts.50004000"


def test_nobodys_notebook_has_no_tags(cloud):
    assert (
        refusal(add(cloud, NOBODY, tag("a", "")))
        == refusal(take(cloud, NOBODY, tag("a", "")))
        == "ModelArts.6309"
    )


def test_a_notebook_is_tagged_in_its_own_workspace(cloud):
    add_workspace(cloud, "f" * 32)
    id = create(cloud, workspace_id="f" * 32)["id"]
    path, body = f"{BASE}/{id}/tags", {"tags": [tag("team", "a")]}
    assert refusal(cloud.post(f"{path}/create?workspace_id=0", body)) == "ModelArts.6309"
    assert cloud.post(f"{path}/create?workspace_id={'f' * 32}", body).status == 204
    refused = cloud.send("DELETE", f"{path}/delete?workspace_id=0", body)
    assert refusal(refused) == "ModelArts.6309" and show(cloud, id)["tags"] == [tag("team", "a")]


def test_notebooks_are_found_by_their_tags(cloud):
    add(cloud, create(cloud, name="one")["id"], tag("team", "a"), tag("tier", "1"))
    add(cloud, create(cloud, name="two")["id"], tag("team", "b"))
    assert names(cloud, "?tags=team") == ["two", "one"]
    assert names(cloud, "?tags=team%7Ca") == ["one"]
    assert names(cloud, "?tags=team%7Ca,tier%7C2") == []


def test_the_tags_of_a_project_are_gathered_from_its_notebooks(cloud):
    add_workspace(cloud, "f" * 32)
    add(cloud, create(cloud)["id"], tag("team", "a"))
    add(cloud, create(cloud, workspace_id="f" * 32)["id"], tag("team", "b"))
    assert cloud.get(f"{BASE}/tags").json["tags"] == [{"key": "team", "values": ["a", "b"]}]
    assert cloud.get(f"{BASE}/tags?workspace_id=0").json["tags"] == [{"key": "team", "values": ["a"]}]
