"""Workspaces: made, listed, changed, deleted together with what lies in them."""

import pytest

from tests.behaviours.modelarts.workspaces.conftest import WORKSPACES, create, names, show
from tests.conftest import JOB, refusal


def test_a_new_workspace_is_normal_public_and_in_the_default_enterprise_project(cloud):
    made = cloud.post(WORKSPACES, {"name": "team-a"}).json
    assert (made["status"], made["status_info"], made["auth_type"]) == ("NORMAL", "", "public")
    assert (made["enterprise_project_id"], made["enterprise_project_name"]) == ("0", "default")
    assert (made["owner"], made["grants"], made["description"]) == ("developer", [], "")
    assert made["create_time"] == made["update_time"]
    assert (len(made["id"]), show(cloud, made["id"])) == (32, made)


def test_every_project_has_a_workspace_0_called_default(cloud):
    shown = show(cloud, "0")
    assert (shown["id"], shown["name"], shown["auth_type"], shown["status"]) == (
        "0",
        "default",
        "public",
        "NORMAL",
    )
    assert names(cloud) == ["default"]


@pytest.mark.parametrize("name", ["default", "abc", "x" * 65, "a b c d", "team.a"])
def test_a_name_that_is_reserved_or_not_as_documented_is_refused(cloud, name):
    id = create(cloud)
    assert refusal(cloud.post(WORKSPACES, {"name": name})) == (400, "ModelArts.0104")
    assert refusal(cloud.put(f"{WORKSPACES}/{id}", {"name": name})) == (400, "ModelArts.0104")


def test_a_name_is_used_once_in_a_project(cloud):
    create(cloud)
    other = create(cloud, "team-b")
    assert refusal(cloud.post(WORKSPACES, {"name": "team-a"})) == (400, "ModelArts.0104")
    assert refusal(cloud.put(f"{WORKSPACES}/{other}", {"name": "team-a"})) == (400, "ModelArts.0104")
    assert cloud.put(f"{WORKSPACES}/{other}", {"name": "team-b"}).status == 200


def test_the_default_workspace_can_be_described_but_neither_renamed_nor_deleted(cloud):
    assert cloud.put(f"{WORKSPACES}/0", {"description": "ours"}).json == {"workspace_id": "0"}
    assert refusal(cloud.put(f"{WORKSPACES}/0", {"name": "mine"})) == (400, "ModelArts.3566")
    assert refusal(cloud.delete(f"{WORKSPACES}/0")) == (400, "ModelArts.3566")
    assert (show(cloud, "0")["description"], show(cloud, "0")["name"]) == ("ours", "default")


@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/quotas")])
def test_an_unknown_workspace_is_refused_with_400_and_a_code(cloud, method, rest):
    reply = cloud.send(method, f"{WORKSPACES}/{'0' * 32}{rest}", {} if method == "PUT" else None)
    assert refusal(reply) == (400, "ModelArts.7005")


def test_an_update_changes_what_it_says_and_the_time(cloud):
    id = create(cloud, description="old", enterprise_project_id="e1")
    cloud.clock.advance(60)
    body = {"name": "renamed", "description": "", "enterprise_project_id": "e2"}
    assert cloud.put(f"{WORKSPACES}/{id}", body).json == {"workspace_id": id}
    shown = show(cloud, id)
    assert (shown["name"], shown["description"], shown["enterprise_project_id"]) == ("renamed", "", "e1")
    assert shown["update_time"] >= shown["create_time"] + 60_000


def test_the_list_is_sorted_by_name_from_the_end_unless_asked_otherwise(cloud):
    show(cloud, "0")
    for name in ("bbbb", "aaaa", "cccc"):
        cloud.clock.advance(1)
        create(cloud, name)
    assert names(cloud) == ["default", "cccc", "bbbb", "aaaa"]
    assert names(cloud, "?order=asc") == ["aaaa", "bbbb", "cccc", "default"]
    assert names(cloud, "?sort_by=update_time")[:3] == ["cccc", "aaaa", "bbbb"]
    assert names(cloud, "?sort_by=status&order=asc")[1:] == ["bbbb", "aaaa", "cccc"]


def test_the_list_is_filtered_by_part_of_a_name_and_by_enterprise_project(cloud):
    create(cloud, "vision-1", enterprise_project_id="e1")
    create(cloud, "vision-2")
    assert names(cloud, "?name=ISION") == ["vision-2", "vision-1"]
    assert names(cloud, "?enterprise_project_id=e1") == ["vision-1"]


def test_a_page_says_how_many_it_has_and_how_many_there_are(cloud):
    for name in ("aaaa", "bbbb"):
        create(cloud, name)
    page = cloud.get(f"{WORKSPACES}?offset=1&limit=2").json
    assert (page["total_count"], page["count"]) == (3, 1)
    assert [each["name"] for each in page["workspaces"]] == ["aaaa"]
    assert "grants" not in page["workspaces"][0]


def test_a_workspace_is_deleting_before_it_is_gone(cloud):
    id = create(cloud)
    assert cloud.delete(f"{WORKSPACES}/{id}").json == {"workspace_id": id}
    assert show(cloud, id)["status"] == "DELETING"
    for reply in (cloud.put(f"{WORKSPACES}/{id}", {"description": "x"}), cloud.delete(f"{WORKSPACES}/{id}")):
        assert refusal(reply) == (400, "ModelArts.7004")
    cloud.clock.advance("1h")
    assert refusal(cloud.get(f"{WORKSPACES}/{id}")) == (400, "ModelArts.7005")
    assert names(cloud) == ["default"]


def test_what_lies_in_a_workspace_goes_with_it_and_nothing_else_does(cloud):
    id = create(cloud)
    jobs = [
        cloud.post(
            "/v2/{project_id}/training-jobs", JOB | {"metadata": {"name": "a", "workspace_id": place}}
        ).json
        for place in (id, "0")
    ]
    cloud.delete(f"{WORKSPACES}/{id}")
    cloud.clock.advance("1h")
    places = [f"/v2/{{project_id}}/training-jobs/{job['metadata']['id']}" for job in jobs]
    assert refusal(cloud.get(places[0])) == (400, "ModelArts.2775")
    assert cloud.get(places[1]).status == 200


def test_a_workspace_with_something_that_cannot_be_deleted_stays_and_says_why(cloud, stuck):
    id = create(cloud)
    stuck.put(id)
    cloud.delete(f"{WORKSPACES}/{id}")
    cloud.clock.advance("1h")
    shown = show(cloud, id)
    assert (shown["status"], "box 1 cannot be deleted" in shown["status_info"]) == ("DELETE_FAILED", True)
    stuck.free()
    assert cloud.delete(f"{WORKSPACES}/{id}").status == 200
    assert show(cloud, id)["status_info"] == ""
    cloud.clock.advance("1h")
    assert refusal(cloud.get(f"{WORKSPACES}/{id}")) == (400, "ModelArts.7005")


def test_a_workspace_waits_for_what_takes_time_to_go(cloud, stuck):
    id = create(cloud)
    stuck.put(id, "OPEN")
    cloud.delete(f"{WORKSPACES}/{id}")
    cloud.clock.advance("4m")
    assert show(cloud, id)["status"] == "DELETING"
    cloud.clock.advance("10m")
    assert refusal(cloud.get(f"{WORKSPACES}/{id}")) == (400, "ModelArts.7005")


def test_after_a_reset_of_the_area_only_the_default_workspace_is_there(cloud):
    id = create(cloud)
    cloud.world.reset("modelarts/workspaces")
    assert names(cloud) == ["default"]
    assert refusal(cloud.get(f"{WORKSPACES}/{id}")) == (400, "ModelArts.7005")
