"""The calls of Terraform's resource and data source for authorizations: what they read back, and what is gone."""

import pytest

from tests.behaviours.modelarts.conftest import pages_of_an_old_list

GRANTS, AGENCY = "/v2/{project_id}/authorizations", "/v2/{project_id}/agency"


def apply(cloud, user_id: str, agency: str) -> None:
    """Create or update as the provider does: the agency first, which may be there, then the authorization."""
    suffix = "" if agency == "modelarts_agency" else agency.removeprefix("ma_agency_")
    made = cloud.post(AGENCY, {"agency_name_suffix": suffix})
    assert made.json.get("error_code", "ModelArts.3818") == "ModelArts.3818"
    granted = cloud.post(GRANTS, {"user_id": user_id, "type": "agency", "content": agency})
    assert granted.status == 200, granted


def read(cloud, user_id: str) -> dict | None:
    """The state that the provider keeps, from all pages; None when it is gone."""
    rows = [row for page in pages_of_an_old_list(cloud, GRANTS) for row in page]
    return next((row for row in rows if row.get("user_id") == user_id), None)


@pytest.mark.parametrize("agency", ["modelarts_agency", "ma_agency_team"])
@pytest.mark.parametrize("whose", ["all-users", "one user"])
def test_a_second_plan_is_empty(cloud, agency, whose):
    user_id = whose if whose == "all-users" else cloud.world.account.user_id
    for _ in range(2):
        apply(cloud, user_id, agency)
        state = read(cloud, user_id)
        assert (state["type"], state["content"]) == ("agency", agency) and state["user_name"]


def test_another_agency_replaces_the_first_and_a_deleted_one_is_gone(cloud):
    user_id = cloud.world.account.user_id
    for agency in ("ma_agency_one", "ma_agency_two"):
        apply(cloud, user_id, agency)
        assert read(cloud, user_id)["content"] == agency
    assert cloud.delete(f"{GRANTS}?user_id={user_id}").status == 200
    assert read(cloud, user_id) is None
