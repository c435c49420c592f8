"""Stories about who lets ModelArts use OBS, and what is refused without."""

import pytest

from tests.behaviours.modelarts.conftest import MODELS, import_body, put_package
from tests.behaviours.modelarts.notebooks.conftest import BASE as NOTEBOOKS
from tests.behaviours.modelarts.notebooks.conftest import body_of
from tests.conftest import CONFIG, JOB, refusal

GRANTS, AGENCY = "/v2/{project_id}/authorizations", "/v2/{project_id}/agency"
JOBS, JOBS_V1 = "/v2/{project_id}/training-jobs", "/v1/{project_id}/training-jobs"
USUAL = "modelarts_agency"
IN_OBS = {"category": "OBS", "ownership": "MANAGED", "uri": "obs://data/", "dew_secret_name": "secret"}


def grants(cloud, query: str = "") -> dict[str, str]:
    """{id or name of the user: agency or key} of all authorizations, in the order of the list."""
    answer = cloud.get(f"{GRANTS}{query}").json
    return {each.get("user_id", each["user_name"]): each["content"] for each in answer["auth"]}


def agency(cloud, suffix: str = "own") -> str:
    """The name of a new agency."""
    reply = cloud.post(AGENCY, {"agency_name_suffix": suffix})
    assert reply.status == 200, reply
    return reply.json["agency_name"]


def grant(cloud, **body):
    """Authorize somebody."""
    return cloud.post(GRANTS, body)


def take_all(cloud):
    """Take back all authorizations."""
    return cloud.delete(f"{GRANTS}?user_id=all")


def me(cloud) -> str:
    """The id of the user whose keys the test uses."""
    return cloud.world.account.user_id


def test_a_fresh_project_has_authorized_everybody(cloud):
    (entry,) = cloud.get(GRANTS).json["auth"]
    assert (entry["user_id"], entry["user_name"], entry["type"]) == ("all-users", "all-users", "agency")
    assert entry["content"] == USUAL
    assert cloud.post(JOBS, JOB).status == 201


def test_an_agency_is_made_once_and_is_one_of_iam(cloud):
    assert agency(cloud) == "ma_agency_own"
    assert refusal(cloud.post(AGENCY, {"agency_name_suffix": "own"})) == (400, "ModelArts.3818")
    assert refusal(cloud.post(AGENCY, {})) == (400, "ModelArts.3818")
    found = cloud.get(f"/v3.0/OS-AGENCY/agencies?domain_id={cloud.world.account.domain_id}").json["agencies"]
    assert {each["name"]: each["trust_domain_name"] for each in found} == {
        USUAL: "op_svc_modelarts",
        "ma_agency_own": "op_svc_modelarts",
    }


def test_an_account_has_fifty_agencies_at_most(cloud):
    for number in range(49):
        agency(cloud, str(number))
    assert refusal(cloud.post(AGENCY, {"agency_name_suffix": "more"})) == (403, "ModelArts.4500")


def test_a_user_is_authorized_anew_and_no_more(cloud):
    first, second = agency(cloud, "one"), agency(cloud, "two")
    assert grant(cloud, user_id=me(cloud), type="agency", content=first).json == {"result": True}
    grant(cloud, user_id=me(cloud), content=second)
    assert grants(cloud) == {"all-users": USUAL, me(cloud): second}
    assert cloud.delete(f"{GRANTS}?user_id={me(cloud)}").json == {"result": True}
    assert grants(cloud) == {"all-users": USUAL}
    assert refusal(cloud.delete(f"{GRANTS}?user_id={me(cloud)}")) == (400, "ModelArts.0429")


@pytest.mark.parametrize(
    "whom", [{"user_id": "all"}, {"user_id": "all-users"}, {"user_type": "all-users"}], ids=str
)
def test_authorizing_everybody_updates_who_was_authorized(cloud, whom):
    grant(cloud, user_id=me(cloud), content=agency(cloud, "one"))
    other = agency(cloud, "two")
    assert grant(cloud, **whom, content=other).status == 200
    assert grants(cloud) == {"all-users": other, me(cloud): other}


def test_a_user_may_use_the_own_access_key(cloud):
    account = cloud.world.account
    key = {"type": "credential", "content": account.access_key}
    assert grant(cloud, **key, secret_key=account.secret_key).status == 200
    (entry,) = [each for each in cloud.get(GRANTS).json["auth"] if each["type"] == "credential"]
    assert (entry["user_id"], entry["content"]) == (
        me(cloud),
        account.access_key,
    ) and "secret_key" not in entry
    assert refusal(grant(cloud, **key)) == (400, "ModelArts.6354")
    assert refusal(grant(cloud, **key, secret_key="x" * 40)) == (400, "ModelArts.6354")


@pytest.mark.parametrize(
    "body, code",
    [
        ({"user_id": "0" * 32, "content": USUAL}, "ModelArts.0425"),
        ({"content": USUAL}, "ModelArts.6377"),
        ({"user_type": "federate", "content": USUAL}, "ModelArts.6377"),
        ({"user_id": "all", "content": "ma_agency_nobody"}, "ModelArts.6376"),
        ({"user_id": "all", "content": ""}, "ModelArts.6378"),
        ({"user_id": "all"}, "ModelArts.0104"),
        ({"user_id": "all", "content": USUAL, "type": "friendship"}, "ModelArts.0104"),
    ],
)
def test_an_authorization_names_a_user_and_an_agency_that_are_there(cloud, body, code):
    assert refusal(cloud.post(GRANTS, body)) == (400, code)
    assert grants(cloud) == {"all-users": USUAL}


def test_federated_users_are_authorized_by_name_and_groups_by_id(cloud):
    grant(cloud, user_type="federate", user_name="anna", content=USUAL)
    grant(cloud, user_type="federation-group", user_id="group-1", content=USUAL)
    assert grants(cloud) == {"all-users": USUAL, "anna": USUAL, "group-1": USUAL}


def test_authorizations_are_sorted_by_name_or_age(cloud):
    for name in ("zoe", "anna"):
        cloud.clock.advance(5)
        grant(cloud, user_type="federate", user_name=name, content=USUAL)
    assert list(grants(cloud)) == ["all-users", "anna", "zoe"]
    assert list(grants(cloud, "?order=DESC")) == ["zoe", "anna", "all-users"]
    assert list(grants(cloud, "?sort_by=create_time&limit=1&offset=2")) == ["anna"]


def test_without_an_authorization_what_needs_obs_is_refused(cloud):
    package = put_package(cloud)
    assert take_all(cloud).json["result"] is True and grants(cloud) == {}
    no_entry = (403, "ModelArts.2785")
    assert refusal(cloud.post(JOBS, JOB)) == no_entry
    assert refusal(cloud.post(JOBS_V1, {"job_name": "one", "config": CONFIG})) == no_entry
    assert refusal(cloud.post(MODELS, import_body(package))) == no_entry
    assert refusal(cloud.post(NOTEBOOKS, body_of(volume=IN_OBS))) == (400, "ModelArts.6379")
    assert cloud.post(NOTEBOOKS, body_of()).status == 200
    grant(cloud, user_id=me(cloud), content=USUAL)
    assert cloud.post(JOBS, JOB).status == 201


def test_a_reset_of_the_area_authorizes_everybody_again(cloud):
    take_all(cloud)
    headers = {"X-Emulator-World": cloud.world.tag}
    body = {"world": cloud.world.tag, "area": "modelarts/authorization"}
    assert cloud.send("POST", "/_emulator/reset", body, headers=headers, auth=False).status == 200
    assert grants(cloud) == {"all-users": USUAL}


def test_only_the_account_decides_about_others(cloud, stranger):
    for reply in (
        cloud.post(GRANTS, {"user_id": "all", "content": USUAL}, **stranger.options),
        cloud.post(AGENCY, {"agency_name_suffix": "mine"}, **stranger.options),
        cloud.delete(f"{GRANTS}?user_id=all", **stranger.options),
        cloud.put("/v1/auth-mode", {"mode": "strict"}, **stranger.options),
    ):
        assert refusal(reply) == (400, "ModelArts.2804") and stranger.name in reply.json["error_msg"]


def test_who_is_not_authorized_is_refused_while_others_are_served(cloud, stranger):
    take_all(cloud)
    grant(cloud, user_id=me(cloud), content=USUAL)
    assert refusal(cloud.post(JOBS, JOB, **stranger.options)) == (403, "ModelArts.2785")
    assert cloud.post(JOBS, JOB).status == 201


def test_the_mode_of_the_account_is_loose_until_it_is_switched(cloud):
    account = {"domain_id": cloud.world.account.domain_id}
    assert cloud.get("/v1/auth-mode").json == {"mode": "loose", **account}
    assert cloud.put("/v1/auth-mode", {"mode": "strict"}).json == {"mode": "strict", **account}
    assert cloud.get("/v1/auth-mode").json["mode"] == "strict"


def test_requests_without_or_with_wrong_credentials_are_refused(cloud):
    headers = {"X-Auth-Token": "MIIAAAAAA" + "0" * 60}
    assert refusal(cloud.get(GRANTS, headers=headers)) == (401, "ModelArts.0203")
    other = GRANTS.replace("{project_id}", "0" * 32)
    assert refusal(cloud.get(other)) == (403, "ModelArts.0210")
