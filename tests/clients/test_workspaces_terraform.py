"""The calls of Terraform's resource and data sources for workspaces: what they wait for, and what stays."""

import pytest

WORKSPACES = "/v1/{project_id}/workspaces"
KEPT = ("name", "description", "enterprise_project_id", "auth_type", "grants", "status", "status_info")
CONFIGURED = {"name": "demo", "description": "", "auth_type": "internal"}


def apply(cloud, id: str | None = None, **members) -> str:
    """Create or update as the provider does: 200 exactly, members that are empty are left out; the id."""
    body = CONFIGURED | {name: value for name, value in members.items() if value}
    reply = cloud.put(f"{WORKSPACES}/{id}", body) if id else cloud.post(WORKSPACES, body)
    assert reply.status == 200, reply
    return id or reply.json["id"]


def read(cloud, id: str) -> dict:
    """The state that the provider keeps: a grant is the id and name of a user."""
    reply = cloud.get(f"{WORKSPACES}/{id}")
    assert reply.status == 200, reply
    state = {name: reply.json.get(name) for name in KEPT}
    grants = [{name: grant.get(name) for name in ("user_id", "user_name")} for grant in state["grants"]]
    return state | {"grants": grants}


def is_as_configured(configured, state) -> bool:
    """Whether a plan is empty: all that is configured is in the state as it is, lists in their order."""
    if isinstance(configured, dict):
        return all(is_as_configured(value, state[name]) for name, value in configured.items())
    if isinstance(configured, list):
        return len(configured) == len(state) and all(map(is_as_configured, configured, state))
    return configured == state


@pytest.mark.parametrize("auth_type", ["public", "private", "internal"])
def test_a_second_plan_is_empty(cloud, auth_type):
    id = apply(cloud, auth_type=auth_type)
    assert is_as_configured(CONFIGURED | {"auth_type": auth_type, "grants": []}, read(cloud, id))


def test_grants_stay_in_their_order_and_what_is_not_configured_of_them_may_be_filled_in(cloud):
    grants = [{"user_id": "b"}, {"user_name": "developer"}, {"user_id": "a"}]
    state = read(cloud, apply(cloud, grants=grants))
    assert is_as_configured(grants, state["grants"])
    assert state["grants"][1]["user_id"] == cloud.world.account.user_id


def test_an_update_without_grants_takes_them_away_and_without_text_the_description(cloud):
    id = apply(cloud, description="old", grants=[{"user_id": "a"}])
    apply(cloud, id)
    assert is_as_configured({**CONFIGURED, "grants": []}, read(cloud, id))


def test_a_deleted_workspace_is_only_ever_deleting_until_it_is_gone(cloud):
    id = apply(cloud)
    assert cloud.delete(f"{WORKSPACES}/{id}").status == 200
    seen = []
    while (reply := cloud.get(f"{WORKSPACES}/{id}")).status == 200:
        seen.append(reply.json["status"])
        cloud.clock.advance(0.25)
    assert set(seen) == {"DELETING"}
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.7005")


def test_the_list_is_read_by_the_number_of_elements_until_a_page_is_empty(cloud):
    made = {apply(cloud, name=f"demo-{number}") for number in range(3)}
    pages, query = [], ""
    while (page := cloud.get(f"{WORKSPACES}{query}").json)["workspaces"]:
        assert [name for name, value in page.items() if isinstance(value, list)] == ["workspaces"]
        pages.append({each["id"] for each in page["workspaces"]})
        query = f"?offset={sum(map(len, pages))}"
    assert pages == [made | {"0"}]


def test_quotas_are_read_as_numbers(cloud):
    for quota in cloud.get(f"{WORKSPACES}/{apply(cloud)}/quotas").json["quotas"]:
        assert all(
            isinstance(quota[name], int) for name in ("quota", "min_quota", "max_quota", "update_time")
        )
