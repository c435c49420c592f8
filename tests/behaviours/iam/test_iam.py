"""Stories about IAM: tokens, keys, agencies, projects."""

import pytest

KEYS = "/v3.0/OS-CREDENTIAL/credentials"
TEMPORARY = "/v3.0/OS-CREDENTIAL/securitytokens"
AGENCIES = "/v3.0/OS-AGENCY/agencies"
TOKENS = "/v3/auth/tokens"


def identity_of(cloud, **changes) -> dict:
    """The account's user and its password."""
    user = {"name": cloud.user_name, "password": cloud.user_password, "domain": {"name": cloud.domain_name}}
    return {"methods": ["password"], "password": {"user": user | changes}}


def ask_token(cloud, identity=None, scope=None, query="", **options):
    """The answer to a request for a token, by password unless another identity is given."""
    auth = {"identity": identity or identity_of(cloud)} | ({} if scope is None else {"scope": scope})
    return cloud.post(TOKENS + query, {"auth": auth}, auth=False, **options)


def validated(cloud, token):
    """The answer to the question what a token is good for."""
    return cloud.get(TOKENS, headers={"X-Subject-Token": token})


def error_of(reply) -> tuple:
    """Code and title of an error in IAM's own form."""
    assert reply.json["error"]["code"] == reply.status
    return reply.status, reply.json["error"]["title"]


def test_a_password_gets_a_token_for_a_project(cloud):
    reply = ask_token(cloud, scope={"project": {"name": "cn-north-4"}})
    project = {
        "id": cloud.project_id,
        "name": "cn-north-4",
        "domain": {"id": cloud.domain_id, "name": cloud.domain_name},
    }
    assert (reply.status, reply.json["token"]["project"]) == (201, project)
    assert cloud.get("/v3/regions", headers={"X-Auth-Token": reply.headers["x-subject-token"]}).status == 200


def test_a_token_without_a_scope_is_for_the_account(cloud):
    token = ask_token(cloud).json["token"]
    assert token["domain"] == {"id": cloud.domain_id, "name": cloud.domain_name}
    assert "project" not in token


def test_a_token_is_valid_for_24_hours(cloud):
    token = ask_token(cloud).headers["x-subject-token"]
    cloud.clock.advance("23h59m")
    assert ask_token(cloud, identity={"methods": ["token"], "token": {"id": token}}).status == 201
    cloud.clock.advance("1m")
    assert cloud.get("/v3/regions", headers={"X-Auth-Token": token}).json["error_code"] == "APIG.0307"


def test_the_times_of_a_token_have_microseconds(cloud):
    token = ask_token(cloud).json["token"]
    assert token["expires_at"] == cloud.world.clock.iso(cloud.clock.now() + 86400, fraction=6)
    assert len(token["issued_at"]) == len("2026-01-01T00:00:00.000000Z")


@pytest.mark.parametrize(
    "changes", [{"password": "wrong"}, {"name": "nobody"}, {"domain": {"name": "no account"}}], ids=str
)
def test_a_wrong_user_password_or_account_gets_no_token(cloud, changes):
    assert error_of(ask_token(cloud, identity_of(cloud, **changes))) == (401, "Unauthorized")


def test_a_body_that_is_no_request_for_a_token_is_refused_in_iam_s_words(cloud):
    assert error_of(cloud.post(TOKENS, {"auth": {}}, auth=False)) == (400, "Bad Request")


def test_a_token_for_a_region_that_does_not_exist_is_not_found(cloud):
    assert error_of(ask_token(cloud, scope={"project": {"name": "cn-nowhere-1"}})) == (404, "Not Found")


def test_a_token_for_another_account_is_forbidden(cloud):
    assert error_of(ask_token(cloud, scope={"domain": {"name": "emulator"}})) == (403, "Forbidden")


def test_an_access_key_and_its_secret_get_a_token(cloud):
    pair = {"access": {"key": cloud.access_key}, "secret": {"key": cloud.secret_key}}
    reply = ask_token(
        cloud, {"methods": ["hw_ak_sk"], "hw_ak_sk": pair}, {"project": {"id": cloud.project_id}}
    )
    assert (reply.status, reply.json["token"]["methods"]) == (201, ["hw_ak_sk"])


def test_a_token_can_be_exchanged_for_one_of_another_project(cloud):
    identity = {"methods": ["token"], "token": {"id": cloud.token}}
    token = ask_token(cloud, identity, {"project": {"name": "cn-east-3"}}).json["token"]
    assert token["project"]["name"] == "cn-east-3"


def test_a_token_opens_no_other_project(cloud):
    token = ask_token(cloud, scope={"project": {"name": "cn-east-3"}}).headers["x-subject-token"]
    reply = cloud.get("/v2/{project_id}/training-jobs/none", headers={"X-Auth-Token": token})
    assert (reply.status, reply.json["error_code"]) == (403, "ModelArts.0210")


def test_nocatalog_leaves_the_catalog_empty(cloud):
    with_catalog, without = (
        ask_token(cloud, query=query).json["token"]["catalog"] for query in ("", "?nocatalog=true")
    )
    assert with_catalog
    assert without == []


def test_a_validated_token_is_described_as_when_it_was_issued(cloud):
    issued = ask_token(cloud, scope={"project": {"name": "cn-north-4"}})
    reply = validated(cloud, issued.headers["x-subject-token"])
    assert (reply.status, reply.json) == (200, issued.json)
    assert reply.headers["x-subject-token"] == issued.headers["x-subject-token"]


def test_an_expired_token_cannot_be_validated(cloud):
    expired = ask_token(cloud).headers["x-subject-token"]
    cloud.clock.advance("24h")
    valid = ask_token(cloud).headers["x-subject-token"]
    reply = cloud.get(TOKENS, headers={"X-Subject-Token": expired, "X-Auth-Token": valid})
    assert error_of(reply) == (404, "Not Found")


def test_a_token_of_another_account_cannot_be_validated(cloud, modelarts_emulator):
    other = modelarts_emulator.application.worlds.create()
    assert error_of(validated(cloud, f"MIIA{other.tag}0")) == (404, "Not Found")


def test_the_catalog_leads_back_to_the_emulator(cloud):
    catalog = {
        service["type"]: service["endpoints"] for service in cloud.get("/v3/auth/catalog").json["catalog"]
    }
    assert catalog["modelarts"][0]["url"] == f"{cloud.endpoint}/v1/{cloud.project_id}"
    assert catalog["iam"][0]["region"] == "*"


def test_endpoints_are_found_by_their_service(cloud):
    (service,) = cloud.get("/v3/services?type=modelarts").json["services"]
    (endpoint,) = cloud.get(f"/v3/endpoints?service_id={service['id']}").json["endpoints"]
    assert (endpoint["region"], endpoint["interface"]) == ("cn-north-4", "public")
    assert cloud.get("/v3/endpoints?interface=admin").json["endpoints"] == []


def test_every_region_is_one_project(cloud):
    regions = [region["id"] for region in cloud.get("/v3/regions").json["regions"]]
    ids = set()
    for region in regions:
        (project,) = cloud.get(f"/v3/projects?name={region}").json["projects"]
        ids.add(project["id"])
    assert len(ids) == len(regions) > 20
    assert cloud.project_id in ids


def test_a_region_nobody_knows_has_no_project(cloud):
    assert cloud.get("/v3/projects?name=cn-nowhere-1").json["projects"] == []


def test_projects_come_in_pages_only_with_both_page_and_size(cloud):
    everything = cloud.get("/v3/projects").json["projects"]
    assert cloud.get("/v3/projects?page=2&per_page=3").json["projects"] == everything[3:6]
    assert error_of(cloud.get("/v3/projects?page=2")) == (400, "Bad Request")


@pytest.mark.parametrize("query", ["enabled=false", "is_domain=true", "parent_id=0"])
def test_projects_that_are_not_there_are_not_listed(cloud, query):
    assert cloud.get(f"/v3/projects?{query}").json["projects"] == []


def test_the_projects_of_another_account_are_forbidden(cloud):
    assert error_of(cloud.get("/v3/projects?domain_id=0")) == (403, "Forbidden")


def test_the_own_projects_are_found_by_every_road(cloud):
    everything = cloud.get("/v3/projects").json["projects"]
    user_id = cloud.world.account.user_id
    assert cloud.get("/v3/auth/projects").json["projects"] == everything
    assert cloud.get(f"/v3/users/{user_id}/projects").json["projects"] == everything
    assert (
        cloud.get(f"/v3/projects?domain_id={cloud.domain_id}&parent_id={cloud.domain_id}").json["projects"]
        == everything
    )
    assert cloud.get("/v3/projects/{project_id}").json["project"] == everything[0]


def test_there_is_exactly_one_account(cloud):
    (domain,) = cloud.get("/v3/auth/domains").json["domains"]
    assert (domain["id"], domain["name"]) == (cloud.domain_id, cloud.domain_name)


@pytest.mark.parametrize("path", ["/v3/users", "/v3.0/OS-USER/users"])
def test_the_user_is_shown(cloud, path):
    user = cloud.get(f"{path}/{cloud.world.account.user_id}").json["user"]
    assert (user["name"], user["domain_id"], user["enabled"]) == (cloud.user_name, cloud.domain_id, True)


@pytest.mark.parametrize(
    "path",
    [
        "/v3/users/x",
        "/v3.0/OS-USER/users/x",
        "/v3/users/x/projects",
        "/v3/projects/x",
        f"{KEYS}/x",
        f"{AGENCIES}/x",
    ],
)
def test_what_is_not_there_is_not_found(cloud, path):
    reply = cloud.get(path)
    assert error_of(reply) == (404, "Not Found")
    assert reply.json["error"]["message"].endswith(" x")


def create_key(cloud, **more):
    """The answer to a request for a permanent access key of the account's user."""
    return cloud.post(KEYS, {"credential": {"user_id": cloud.world.account.user_id, **more}})


def test_an_access_key_shows_its_secret_once(cloud):
    key = create_key(cloud, description="for tests").json["credential"]
    shown = cloud.get(f"{KEYS}/{key['access']}").json["credential"]
    listed = cloud.get(KEYS).json["credentials"][-1]
    assert key.pop("secret")
    assert (listed, shown) == (key, key | {"last_use_time": key["create_time"]})


def test_a_user_has_at_most_two_access_keys(cloud):
    first = create_key(cloud).json["credential"]["access"]
    refused = create_key(cloud)
    assert error_of(refused) == (400, "Bad Request")
    assert "akSkNumExceed" in refused.json["error"]["message"]
    cloud.delete(f"{KEYS}/{first}")
    assert create_key(cloud).status == 200


def test_an_access_key_for_a_user_who_does_not_exist_is_refused(cloud):
    assert error_of(create_key(cloud, user_id="x")) == (404, "Not Found")


def test_a_deleted_access_key_is_gone(cloud):
    access_key = create_key(cloud).json["credential"]["access"]
    cloud.delete(f"{KEYS}/{access_key}")
    assert [key["access"] for key in cloud.get(KEYS).json["credentials"]] == [cloud.access_key]


def test_an_access_key_can_be_put_to_sleep_and_described(cloud):
    changed = cloud.put(
        f"{KEYS}/{cloud.access_key}", {"credential": {"status": "inactive", "description": "old"}}
    )
    assert (changed.json["credential"]["status"], changed.json["credential"]["description"]) == (
        "inactive",
        "old",
    )
    pair = {"access": {"key": cloud.access_key}, "secret": {"key": cloud.secret_key}}
    assert error_of(ask_token(cloud, {"methods": ["hw_ak_sk"], "hw_ak_sk": pair})) == (401, "Unauthorized")


def test_an_access_key_is_not_changed_by_nothing(cloud):
    assert error_of(cloud.put(f"{KEYS}/{cloud.access_key}", {"credential": {}})) == (400, "Bad Request")


def test_a_reset_account_is_opened_by_its_own_key_and_knows_no_others(cloud, modelarts_emulator):
    create_key(cloud)
    modelarts_emulator.application.worlds.reset(cloud.world)
    assert [key["access"] for key in cloud.get(KEYS).json["credentials"]] == [cloud.access_key]


def temporary_key(cloud, identity, **options) -> dict:
    """A temporary access key."""
    reply = cloud.post(TEMPORARY, {"auth": {"identity": identity}}, **options)
    assert reply.status == 201
    return reply.json["credential"]


@pytest.mark.parametrize(("asked", "lives"), [({}, 900), ({"duration_seconds": 21600}, 21600)], ids=str)
def test_a_temporary_key_lives_as_long_as_was_asked(cloud, asked, lives):
    key = temporary_key(cloud, {"methods": ["token"], "token": {"id": cloud.token, **asked}}, auth=False)
    assert key["expires_at"] == cloud.world.clock.iso(cloud.clock.now() + lives, fraction=6)


def test_a_temporary_key_is_given_for_the_token_in_the_header_too(cloud):
    assert temporary_key(cloud, {"methods": ["token"]})["access"] != cloud.access_key


@pytest.mark.parametrize("seconds", [899, 86401])
def test_a_temporary_key_cannot_live_shorter_or_longer_than_documented(cloud, seconds):
    identity = {"methods": ["token"], "token": {"id": cloud.token, "duration_seconds": seconds}}
    assert error_of(cloud.post(TEMPORARY, {"auth": {"identity": identity}}, auth=False)) == (
        400,
        "Bad Request",
    )


def test_a_temporary_key_is_not_given_to_nobody(cloud):
    reply = cloud.post(TEMPORARY, {"auth": {"identity": {"methods": ["token"]}}}, auth=False)
    assert (reply.status, reply.json["error_code"]) == (401, "APIG.0301")


def test_a_temporary_key_is_no_permanent_one(cloud):
    key = temporary_key(cloud, {"methods": ["token"]})
    assert error_of(cloud.get(f"{KEYS}/{key['access']}")) == (404, "Not Found")


def create_agency(cloud, name="helpers", **more):
    """The answer to a request for an agency that trusts the account itself."""
    asked = {"name": name, "domain_id": cloud.domain_id, "trust_domain_name": cloud.domain_name, **more}
    return cloud.post(AGENCIES, {"agency": {key: value for key, value in asked.items() if value is not None}})


def test_an_agency_has_a_name(cloud):
    assert error_of(create_agency(cloud, name="")) == (400, "Bad Request")


def test_an_agency_is_found_by_id_name_and_whom_it_trusts(cloud):
    agency = create_agency(cloud).json["agency"]
    create_agency(cloud, name="others", trust_domain_name="op_svc_modelarts")
    listed = [
        cloud.get(f"{AGENCIES}?domain_id={cloud.domain_id}&{query}").json["agencies"]
        for query in ("name=helpers", f"trust_domain_id={cloud.domain_id}", "page=1&per_page=1")
    ]
    assert listed == [[agency]] * 3
    assert cloud.get(f"{AGENCIES}/{agency['id']}").json["agency"] == agency


@pytest.mark.parametrize(
    ("duration", "hours"), [(None, "FOREVER"), ("ONEDAY", "24"), ("30", "720"), (2, "48")]
)
def test_an_agency_lasts_as_long_as_was_asked(cloud, duration, hours):
    agency = create_agency(cloud, duration=duration).json["agency"]
    lasts = cloud.world.clock.iso(cloud.clock.now() + int(hours) * 3600, fraction=6) if duration else ""
    assert (agency["duration"], agency["expire_time"]) == (hours, lasts)


@pytest.mark.parametrize("duration", ["SOON", "0", "-1", 1.5, ["1"]], ids=str)
def test_an_agency_lasts_no_time_that_is_none(cloud, duration):
    assert error_of(create_agency(cloud, duration=duration)) == (400, "Bad Request")


def test_the_name_of_an_agency_is_unique(cloud):
    create_agency(cloud)
    assert error_of(create_agency(cloud)) == (409, "Conflict")


def test_an_agency_must_trust_somebody(cloud):
    assert error_of(create_agency(cloud, trust_domain_name=None)) == (400, "Bad Request")


def test_an_agency_is_made_in_the_own_account_only(cloud):
    assert error_of(create_agency(cloud, domain_id="0")) == (403, "Forbidden")


def assume(cloud, name="helpers", **more) -> dict:
    """An identity that assumes an agency of the account."""
    asked = {"agency_name": name, "domain_name": cloud.domain_name, **more}
    return {
        "methods": ["assume_role"],
        "assume_role": {key: value for key, value in asked.items() if value is not None},
    }


def test_an_agency_gives_a_token_that_says_who_uses_it(cloud):
    create_agency(cloud)
    auth = {"identity": assume(cloud), "scope": {"project": {"name": "cn-north-4"}}}
    reply = cloud.post(TOKENS, {"auth": auth})
    token = reply.json["token"]
    assert (reply.status, token["user"]["name"]) == (201, f"{cloud.domain_name}/helpers")
    assert token["assumed_by"]["user"]["name"] == cloud.user_name


def test_an_agency_gives_a_temporary_key(cloud):
    create_agency(cloud)
    key = temporary_key(cloud, assume(cloud, duration_seconds=3600, session_user={"name": "SessionUser"}))
    assert key["expires_at"] == cloud.world.clock.iso(cloud.clock.now() + 3600, fraction=6)


def test_an_agency_that_trusts_somebody_else_is_not_for_the_account(cloud):
    create_agency(cloud, trust_domain_name="op_svc_modelarts")
    assert error_of(cloud.post(TOKENS, {"auth": {"identity": assume(cloud)}})) == (403, "Forbidden")


def test_an_agency_that_does_not_exist_cannot_be_assumed(cloud):
    assert error_of(cloud.post(TOKENS, {"auth": {"identity": assume(cloud, "none")}})) == (404, "Not Found")


def test_an_agency_cannot_be_assumed_after_its_time(cloud):
    create_agency(cloud, duration="ONEDAY")
    cloud.clock.advance("24h")
    assert error_of(cloud.post(TOKENS, {"auth": {"identity": assume(cloud)}})) == (404, "Not Found")


def test_who_assumes_an_agency_says_whose(cloud):
    create_agency(cloud)
    auth = {"identity": assume(cloud, domain_name=None)}
    assert error_of(cloud.post(TOKENS, {"auth": auth})) == (400, "Bad Request")


def test_whom_an_identity_provider_vouches_for_gets_a_token(cloud):
    provider = {"X-Idp-Id": cloud.domain_name}
    body = {"auth": {"id_token": {"id": "a.b.c"}, "scope": {"project": {"name": "cn-north-4"}}}}
    reply = cloud.post("/v3.0/OS-AUTH/id-token/tokens", body, headers=provider, auth=False)
    token = reply.headers["x-subject-token"]
    assert reply.json["token"]["user"]["OS-FEDERATION"]["identity_provider"] == {"id": cloud.domain_name}
    assert validated(cloud, token).json["token"]["project"]["id"] == cloud.project_id


def test_an_empty_id_token_gets_nothing(cloud):
    body = {"auth": {"id_token": {"id": ""}}}
    reply = cloud.post("/v3.0/OS-AUTH/id-token/tokens", body, headers={"X-Idp-Id": "idp"}, auth=False)
    assert error_of(reply) == (401, "Unauthorized")


def test_keystone_s_versions_are_told_without_a_credential(cloud):
    versions, version = cloud.get("/", auth=False), cloud.get("/v3", auth=False)
    assert (versions.status, version.status) == (300, 200)
    assert versions.json["versions"]["values"] == [version.json["version"]]
    assert version.json["version"]["links"][0]["href"] == f"{cloud.endpoint}/v3/"
    assert cloud.get("/v3/", auth=False).json == version.json
