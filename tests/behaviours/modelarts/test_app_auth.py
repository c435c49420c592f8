"""Stories about app authorization: apps, codes, secrets, APIs, and what they open."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from tests.behaviours.modelarts.conftest import asked, deployed, entry, published, shown

pytestmark = pytest.mark.usefixtures("simulated")

APPS = "/v1/{project_id}/app-auth/apps"


@pytest.fixture
def service_id(cloud):
    """A service that answers."""
    return deployed(cloud, entry(published(cloud)))


def new_app(cloud, name="app_one", codes=0) -> dict:
    app = cloud.post(APPS, {"app_name": name}).json["app"]
    for _ in range(codes):
        app = cloud.post(f"{APPS}/{app['app_id']}/app-code", {}).json["app"]
    return app


def of(service_id, rest="") -> str:
    return f"/v1/{{project_id}}/services/{service_id}/app-auth-apis{rest}"


def bound(cloud, service_id, *apps) -> dict:
    body = {"apps": [{"app_id": app["app_id"]} for app in apps]}
    return cloud.post(f"/v1/{{project_id}}/services/{service_id}/app-auth-api", body).json


def asked_with(cloud, service_id, **headers):
    return asked(
        cloud,
        service_id,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        auth=False,
    )


def test_a_new_app_has_a_key_and_a_secret_and_no_code(cloud):
    app = new_app(cloud)
    assert app["app_key"] and app["app_secret"] and app["app_codes"] == [] and app["bounded_api_count"] == 0
    assert cloud.get(f"{APPS}/{app['app_id']}").json["app"] == app


def test_a_user_has_five_apps_of_different_names(cloud):
    new_app(cloud)
    assert cloud.post(APPS, {"app_name": "app_one"}).json["error_code"] == "ModelArts.3929"
    statuses = [cloud.post(APPS, {"app_name": f"app_{n}"}).status for n in range(5)]
    assert statuses == [200] * 4 + [409]


def test_a_name_exists_from_creation_to_deletion(cloud):
    exists = lambda: cloud.get(f"{APPS}/app_one/exists").json["exists"]  # noqa: E731
    seen, app = [exists()], new_app(cloud)
    seen.append(exists())
    cloud.delete(f"{APPS}/{app['app_id']}")
    assert [*seen, exists()] == [False, True, False]


def test_apps_are_listed_by_name_and_secrets_only_when_asked_for(cloud):
    second, first = new_app(cloud, "app_b"), new_app(cloud, "app_a")
    listed = cloud.get(APPS).json
    assert [app["app_id"] for app in listed["apps"]] == [first["app_id"], second["app_id"]]
    assert {app["app_secret"] for app in listed["apps"]} == {"******"}
    plain = cloud.get(f"{APPS}?app_name=b&iphertext_enabled=true").json
    assert [app["app_secret"] for app in plain["apps"]] == [second["app_secret"]]
    page = cloud.get(f"{APPS}?limit=1&offset=1").json
    assert (page["count"], page["total_count"], page["apps"][0]["app_id"]) == (1, 2, second["app_id"])


def test_an_unknown_app_is_not_found(cloud):
    reply = cloud.get(f"{APPS}/none")
    assert (reply.status, reply.json["error_code"]) == (404, "ModelArts.3923")


def test_an_app_code_opens_the_services_its_app_is_bound_to_and_no_other(cloud, service_id):
    app, stranger = new_app(cloud, codes=1), new_app(cloud, "app_two", codes=1)
    code = app["app_codes"][0]
    assert asked_with(cloud, service_id, X_Apig_AppCode=code).json["error_code"] == "ModelArts.4901"
    answer = bound(cloud, service_id, app)
    assert answer["auth_result"][0]["success"] and answer["api"]["api_method"] == "ANY"
    assert asked_with(cloud, service_id, X_Apig_AppCode=code).status == 200
    reply = asked_with(cloud, service_id, X_Apig_AppCode=stranger["app_codes"][0])
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.4902")


def test_a_code_nobody_knows_opens_nothing(cloud, service_id):
    reply = asked_with(cloud, service_id, X_Apig_AppCode="none")
    assert (reply.status, reply.json["error_code"]) == (401, "APIG.0303")


def test_a_code_that_was_reset_or_deleted_opens_nothing_any_more(cloud, service_id):
    app = new_app(cloud, codes=2)
    bound(cloud, service_id, app)
    first, second = app["app_codes"]
    reset = cloud.put(f"{APPS}/{app['app_id']}/app-code/{first}", {}).json["app"]["app_codes"]
    left = cloud.delete(f"{APPS}/{app['app_id']}/app-code/{second}").json["app"]["app_codes"]
    assert left == reset[:1]
    statuses = [
        asked_with(cloud, service_id, X_Apig_AppCode=code).status for code in (first, second, left[0])
    ]
    assert statuses == [401, 401, 200]
    gone = cloud.delete(f"{APPS}/{app['app_id']}/app-code/{second}")
    assert gone.json["error_code"] == "ModelArts.3934"


def test_the_app_key_itself_opens_in_the_simple_way(cloud, service_id):
    app = new_app(cloud)
    bound(cloud, service_id, app)
    assert asked_with(cloud, service_id, apikey=app["app_key"]).status == 200


def signed(cloud, service_id, key, secret, body) -> dict:
    date = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    host = cloud.endpoint.partition("://")[2]
    canonical = (
        f"POST\n/v1/infers/{service_id}/\n\nhost:{host}\nx-sdk-date:{date}\n\nhost;x-sdk-date\n"
        + hashlib.sha256(body).hexdigest()
    )
    text = f"SDK-HMAC-SHA256\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()
    value = f"SDK-HMAC-SHA256 Access={key}, SignedHeaders=host;x-sdk-date, Signature={signature}"
    return {"X-Sdk-Date": date, "Authorization": value}


def asked_signed(cloud, service_id, key, secret):
    body = json.dumps({"data": {"req_data": [{"pixel": 1}]}}).encode()
    return asked(cloud, service_id, body, headers=signed(cloud, service_id, key, secret, body))


def test_a_signature_with_the_access_key_opens(cloud, service_id):
    assert asked_signed(cloud, service_id, cloud.access_key, cloud.secret_key).status == 200
    reply = asked_signed(cloud, service_id, cloud.access_key, "wrong")
    assert (reply.status, reply.json["error_code"]) == (401, "APIG.0301")


def test_a_signature_with_app_key_and_secret_opens_what_the_app_is_bound_to(cloud, service_id):
    app = new_app(cloud)
    unbound = asked_signed(cloud, service_id, app["app_key"], app["app_secret"])
    assert unbound.json["error_code"] == "ModelArts.4901"
    bound(cloud, service_id, app)
    assert asked_signed(cloud, service_id, app["app_key"], app["app_secret"]).status == 200
    fresh = cloud.put(f"{APPS}/{app['app_id']}/app-secret", {}).json["app"]["app_secret"]
    refused = asked_signed(cloud, service_id, app["app_key"], app["app_secret"])
    assert (refused.status, refused.json["error_code"]) == (401, "APIG.0303")
    assert asked_signed(cloud, service_id, app["app_key"], fresh).status == 200


def test_an_app_key_signs_predictions_and_nothing_else(cloud):
    app = new_app(cloud)
    date = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    value = f"SDK-HMAC-SHA256 Access={app['app_key']}, SignedHeaders=host;x-sdk-date, Signature=00"
    reply = cloud.get(APPS, headers={"X-Sdk-Date": date, "Authorization": value})
    assert (reply.status, reply.json["error_code"]) == (401, "APIG.0301")


def test_a_service_has_one_api_which_knows_its_address(cloud, service_id):
    assert cloud.get(of(service_id)).json["apis"] == []
    api = cloud.post(of(service_id), {}).json["api"]
    assert api["api_name"] == f"infer_{service_id.replace('-', '')}"
    assert api["predict_url"] == shown(cloud, service_id)["access_address"]
    assert cloud.get(of(service_id)).json["apis"] == [api]
    assert cloud.get(of(service_id, f"/{api['api_id']}")).json["api"] == api
    assert cloud.post(of(service_id), {}).json["error_code"] == "ModelArts.3921"


def test_apps_are_authorised_replaced_and_unbound(cloud, service_id):
    one, two = new_app(cloud), new_app(cloud, "app_two")
    api_id = cloud.post(of(service_id), {}).json["api"]["api_id"]
    auths = of(service_id, f"/{api_id}/app-auth-api")
    rows = of(service_id, f"/{api_id}/api-auths")
    names = lambda: [  # noqa: E731
        row["app"]["app_name"] for row in cloud.get(f"{rows}?show_only=AUTH").json["auths"]
    ]
    results = cloud.post(auths, {"apps": [{"app_id": one["app_id"]}, {"app_id": "none"}]}).json["auth_result"]
    assert [(row["success"], bool(row["auth_id"]), bool(row["reason"])) for row in results] == [
        (True, True, False), (False, False, True),
    ]  # fmt: skip
    assert names() == ["app_one"]
    cloud.put(auths, {"apps": [{"app_id": two["app_id"]}]})
    assert names() == ["app_two"]
    undone = cloud.delete(auths, {"apps": [{"app_id": app["app_id"]} for app in (one, two)]}).json[
        "unauth_result"
    ]
    assert [row["success"] for row in undone] == [False, True] and names() == []


def test_the_apps_of_an_api_are_all_those_one_sees_or_those_that_open_it_or_do_not(cloud, service_id):
    one, two = new_app(cloud, "app_b"), new_app(cloud, "app_a")
    api_id = bound(cloud, service_id, one)["api"]["api_id"]
    rows = lambda query: cloud.get(of(service_id, f"/{api_id}/api-auths?{query}")).json["auths"]  # noqa: E731
    assert [(row["app"]["app_id"], row["authed"]) for row in rows("")] == [
        (two["app_id"], False), (one["app_id"], True),
    ]  # fmt: skip
    assert [row["app"]["app_name"] for row in rows("show_only=AUTH")] == ["app_b"]
    assert [row["app"]["app_name"] for row in rows("show_only=UNAUTH")] == ["app_a"]
    plain = rows(f"iphertext_enabled=true&app_ids={one['app_id']}")
    assert [row["app"]["app_secret"] for row in plain] == ["******", one["app_secret"]]


def test_what_lies_in_another_workspace_than_one_says_is_not_there(cloud):
    workspace = cloud.post("/v1/{project_id}/workspaces", {"name": "team"}).json["id"]
    app = cloud.post(APPS, {"app_name": "app_one", "workspace_id": workspace}).json["app"]
    place = f"{APPS}/{app['app_id']}"
    for query in ("", "?workspace_id=0", f"?workspace_id={workspace}"):
        assert cloud.get(place + query).json["app"]["app_id"] == app["app_id"]
    elsewhere = cloud.post("/v1/{project_id}/workspaces", {"name": "other"}).json["id"]
    for id in (elsewhere, "unknown"):
        replies = [
            cloud.get(f"{place}?workspace_id={id}"),
            cloud.delete(f"{place}?workspace_id={id}"),
            cloud.post(f"{place}/app-code", {"workspace_id": id}),
            cloud.put(f"{place}/app-secret", {"workspace_id": id}),
        ]
        assert {(reply.status, reply.json["error_code"]) for reply in replies} == {(404, "ModelArts.3923")}
        assert cloud.get(f"{APPS}/app_one/exists?workspace_id={id}").json == {"exists": False}
    assert cloud.get(f"{APPS}/app_one/exists?workspace_id={workspace}").json == {"exists": True}
    assert cloud.get(f"{APPS}/app_one/exists").json == {"exists": True}


def test_an_api_is_not_found_when_its_service_lies_elsewhere(cloud, service_id):
    app = new_app(cloud)
    api_id = bound(cloud, service_id, app)["api"]["api_id"]
    apps = {"apps": [{"app_id": app["app_id"]}], "workspace_id": "elsewhere"}
    replies = [
        cloud.get(of(service_id, f"/{api_id}?workspace_id=elsewhere")),
        cloud.get(of(service_id, "?workspace_id=elsewhere")),
        cloud.put(of(service_id, f"/{api_id}/app-auth-api"), apps),
        cloud.delete(of(service_id, f"/{api_id}/app-auth-api?workspace_id=elsewhere"), apps),
    ]
    assert {(reply.status, reply.json["error_code"]) for reply in replies} == {(404, "ModelArts.3502")}
    assert cloud.get(of(service_id, f"/{api_id}")).json["api"]["api_id"] == api_id


def test_both_sides_show_their_bonds(cloud, service_id):
    app = new_app(cloud)
    seen = lambda: cloud.get(f"/v1/{{project_id}}/services/{service_id}/api-auths").json  # noqa: E731
    assert seen() == {"enable_app_auth": False}
    api = bound(cloud, service_id, app)["api"]
    assert [row["app_id"] for row in seen()["app_auth_api"]["authed_apps"]] == [app["app_id"]]
    assert cloud.get(f"{APPS}/{app['app_id']}/auth-apis").json["apis"] == [api]
    assert cloud.get(f"{APPS}/{app['app_id']}/auth-apis?service_name=none").json["apis"] == []
    assert cloud.get(f"{APPS}/{app['app_id']}").json["app"]["bounded_api_count"] == 1


def test_a_bound_app_is_not_deleted_until_the_api_or_the_service_is_gone(cloud, service_id):
    app = new_app(cloud)
    bound(cloud, service_id, app)
    assert cloud.delete(f"{APPS}/{app['app_id']}").json["error_code"] == "ModelArts.3933"
    cloud.delete(f"/v1/{{project_id}}/services/{service_id}")
    assert cloud.delete(f"{APPS}/{app['app_id']}").status == 200
    assert cloud.get(f"{APPS}/{app['app_id']}").status == 404


def test_an_api_is_found_at_its_own_service_only(cloud, service_id):
    other = deployed(cloud, entry(published(cloud, version="0.0.2")), name="other")
    api_id = cloud.post(of(service_id), {}).json["api"]["api_id"]
    assert cloud.get(of(other, f"/{api_id}")).json["error_code"] == "ModelArts.3936"
    assert cloud.get(of(other, "/none")).json["error_code"] == "ModelArts.3935"
    assert cloud.delete(of(service_id, f"/{api_id}")).status == 200
    assert cloud.get(of(service_id, f"/{api_id}")).json["error_code"] == "ModelArts.3935"


def test_the_documented_request_without_a_question_mark_is_told_where_it_goes(cloud):
    reply = cloud.get(f"/v1/{cloud.project_id}/app-auth/apps/app_1/exists&workspace_id=0")
    assert reply.status == 404 and "exists?workspace_id=0" in reply.json["error_msg"]
