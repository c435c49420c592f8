"""The journal of requests: what was asked and answered, without credentials; and why a request was refused."""

import json
from threading import Thread

import pytest

from tests.conftest import CONFIG, CONFIGS, JOB

JOURNAL = "/_emulator/journal"
JOBS = "/v2/{project_id}/training-jobs"


def kept(cloud, query: str = "") -> list[dict]:
    """The exchanges that are kept."""
    return cloud.get(f"{JOURNAL}?whole&{query}").json["exchanges"]


def explain(cloud, reply) -> dict:
    """Why a request was refused."""
    return cloud.get(f"/_emulator/explain/{reply.headers['x-request-id']}").json


def test_a_request_and_its_answer_are_kept(cloud):
    reply = cloud.post(CONFIGS, {"config_name": "a", **CONFIG})
    (exchange,) = kept(cloud, "operation=Create*Config")
    assert (exchange["operation"], exchange["status"]) == ("CreateTrainingJobConfig", 200)
    assert exchange["request_id"] == reply.headers["x-request-id"]
    assert exchange["body"]["config_name"] == "a"
    assert exchange["answer"] == reply.json
    assert cloud.get(f"{JOURNAL}/{exchange['request_id']}").json == exchange


def test_exchanges_are_found_by_operation_status_and_number(cloud):
    cloud.post(CONFIGS, {"config_name": "a", **CONFIG})
    cloud.post(CONFIGS, {})
    cloud.get(CONFIGS)
    assert [each["status"] for each in kept(cloud, "operation=Create*Config")] == [200, 400]
    assert [each["refused_by"] for each in kept(cloud, "status=4xx")] == ["read_request"]
    last = kept(cloud)[-1]["number"]
    assert kept(cloud, f"after={last}") == []
    assert len(kept(cloud, "limit=1")) == 1


def test_credentials_and_passwords_are_not_kept(cloud):
    password = {"user": {"name": "u", "password": "hunter2", "domain": {"name": "d"}}}
    body = {"auth": {"identity": {"methods": ["password"], "password": password}}}
    cloud.post("/v3/auth/tokens", body)
    cloud.get(CONFIGS)
    told = json.dumps([kept(cloud), cloud.get(f"{JOURNAL}.har").json])
    assert "hunter2" not in told
    assert cloud.secret_key not in told
    assert "Signature=..." in told or "X-Auth-Token" not in told


def test_a_fault_is_marked(cloud):
    cloud.post("/_emulator/faults", {"operation": "List*", "status": 503, "times": 1})
    cloud.get(CONFIGS)
    (exchange,) = kept(cloud, "operation=List*")
    assert (exchange["faults"], exchange["refused_by"]) == (["fault-1"], "suffer_fault")


def test_one_can_wait_for_a_request(cloud):
    waiting = []
    thread = Thread(target=lambda: waiting.append(kept(cloud, "operation=Create*Config&wait=30")))
    thread.start()
    cloud.post(CONFIGS, {"config_name": "a", **CONFIG})
    thread.join()
    assert [each["operation"] for each in waiting[0]] == ["CreateTrainingJobConfig"]


def test_what_a_test_expects_is_held_against_what_was_asked(cloud):
    cloud.post(CONFIGS, {"config_name": "a", **CONFIG})
    wanted = {"operation": "CreateTrainingJobConfig", "body": {"config_name": "a"}, "times": 1}
    assert cloud.post(f"{JOURNAL}/expect", wanted).status == 200
    wanted["body"] = {"config_name": "b"}
    refused = cloud.post(f"{JOURNAL}/expect", wanted)
    assert refused.status == 409
    assert "expected 1, found 0 of 2 requests; the nearest" in refused.json["error_msg"]
    assert 'body.config_name: "a", wanted "b"' in refused.json["error_msg"]
    assert cloud.post(f"{JOURNAL}/expect", {"operation": "Delete*", "times": 0}).status == 200


def test_the_archive_is_one_that_browsers_read(cloud):
    cloud.post(CONFIGS, {"config_name": "a", **CONFIG})
    (entry,) = cloud.get(f"{JOURNAL}.har?operation=Create*Config").json["log"]["entries"]
    assert entry["request"]["method"] == "POST"
    assert json.loads(entry["request"]["postData"]["text"])["config_name"] == "a"
    assert entry["response"]["status"] == 200


def test_the_journal_is_emptied(cloud):
    cloud.get(CONFIGS)
    assert cloud.delete(JOURNAL).status == 204
    assert kept(cloud) == []


@pytest.mark.parametrize("query", ["after=x", "limit=-1", "wait=1.5"])
def test_what_is_no_number_is_refused(cloud, query):
    assert cloud.get(f"{JOURNAL}?{query}").status == 400


def test_a_body_that_breaks_the_schema_is_put_right(cloud):
    body = json.loads(json.dumps(JOB))
    body["metadata"]["name"] = "x" * 70
    body["kind"] = "jbo"
    told = explain(cloud, cloud.post(JOBS, body))
    assert told["why"] == "the request breaks the documented schema"
    right = told["corrected_body"]
    assert (right["kind"], len(right["metadata"]["name"]) < 70) == ("job", True)
    assert told["place"] in ("$.kind", "$.metadata.name")
    assert told["value"] in ("jbo", "x" * 70)
    assert sorted(each.partition(": ")[0] for each in told["faults"]) == ["$.kind", "$.metadata.name"]
    assert all(f"{each}: " in told["message"] for each in ("$.kind", "$.metadata.name"))
    assert "client.create_training_job(CreateTrainingJobRequest(body=" in told["sdk"]
    assert told["curl"].startswith("curl -X POST http://")
    assert cloud.post(JOBS, right).json.get("error_code") != "ModelArts.0104"


def test_an_unknown_path_is_told_its_nearest(cloud):
    told = explain(cloud, cloud.get("/v2/{project_id}/trainingjobs"))
    assert told["why"] == "no documented operation has this method and path"
    assert any("/training-jobs" in each for each in told["nearest"])


def test_a_wrong_signature_shows_what_was_signed(cloud):
    signed = (
        "SDK-HMAC-SHA256 Access="
        + cloud.access_key
        + ", SignedHeaders=host;x-sdk-date, Signature="
        + "0" * 64
    )
    headers = {"Authorization": signed, "X-Sdk-Date": "20260101T000000Z"}
    reply = cloud.get(CONFIGS, headers=headers)
    assert reply.status == 401
    told = explain(cloud, reply)
    assert told["why"] == "the credential was not accepted"
    assert told["signature"]["canonical_requests"][0].startswith("GET\n/v1/")


def test_a_state_that_does_not_allow_it_is_explained_by_the_documents(cloud):
    told = explain(cloud, cloud.get(f"{JOBS}/7f0e8c1e-0000-4000-8000-000000000000"))
    assert (told["code"], told["documented"]["operation"]) == ("ModelArts.2775", "ShowTrainingJobDetails")


def test_what_was_not_refused_needs_no_explanation(cloud):
    reply = cloud.get(CONFIGS)
    assert cloud.get(f"/_emulator/explain/{reply.headers['x-request-id']}").status == 400
    assert cloud.get("/_emulator/explain/none").status == 404


def test_the_fixture_expects_and_explains(cloud):
    reply = cloud.post(CONFIGS, {"config_name": "a"})
    cloud.journal.expect("CreateTrainingJobConfig", status=400, body={"config_name": "a"}, times=1)
    with pytest.raises(AssertionError, match="expected at least 1, found 0"):
        cloud.journal.expect("DeleteTrainingJobConfig")
    assert cloud.journal.explain(reply)["code"] == reply.json["error_code"]
    assert [each["status"] for each in cloud.journal.exchanges(status="4xx")] == [400]
    cloud.journal.clear()
    assert cloud.journal.exchanges() == []


def test_the_fixture_asks_for_faults(cloud):
    cloud.faults.add("ListTrainingJobConfigs", status=503, times=1)
    assert len(cloud.faults.unstruck()) == 1
    assert cloud.get(CONFIGS).status == 503
    assert cloud.faults.unstruck() == []
    assert [each["struck"] for each in cloud.faults] == [1]
    with pytest.raises(ValueError, match="documented nowhere"):
        cloud.faults.add("ListTrainingJobConfigs", code="No.Such")
    cloud.faults.clear()


def test_a_query_that_means_nothing_is_refused(cloud):
    cloud.get(CONFIGS)
    assert "takes after, limit" in cloud.get(f"{JOURNAL}?operations=x").json["error_msg"]
    assert "neither a status" in cloud.get(f"{JOURNAL}?status=ok").json["error_msg"]
    assert cloud.post(f"{JOURNAL}/expect", {"status": "ok"}).status == 400
    assert cloud.get(f"{JOURNAL}?limit=0").json["exchanges"] == []


@pytest.mark.parametrize(
    "asked",
    [
        {"headers": {"Authorization": "token hush-hush"}},
        {"headers": {"Authorization": "hush-hush"}},
        {"headers": {"Authorization": "hush-hush" * 20}},
        {"headers": {"X-Auth-Token": "hush-hush"}, "body": {"config_name": 7}},
        {"body": {"config_name": {"api_key": "hush-hush"}}},
        {"body": {"config_name": {"admin_pass": "hush-hush" * 20}}},
        {"headers": {"Authorization": "bearer hush-hush"}},
        {"headers": {"Api-Key": "hush-hush", "Proxy-Authorization": "Basic hush-hush"}},
        {"params": {"access_key": "hush-hush", "password": "hush-hush", "api_key": "hush-hush"}},
        {"body": {"auth": {"token": {"id": "hush-hush"}, "hw_ak_sk": {"secret": {"key": "hush-hush"}}}}},
        {"body": b'{"auth": {"password": "hush-hush", "secret": {"key": "hush-hush"'},
    ],
)
def test_no_way_of_showing_a_credential_brings_it_into_the_journal(cloud, asked):
    id = cloud.send("POST", CONFIGS, **asked).headers["x-request-id"]
    exchange = cloud.get(f"{JOURNAL}/{id}")
    assert exchange.status == 200 and "hush-hush" not in exchange.text
    # Who is not known is kept in the default world.
    for world in (cloud.world, cloud.emulator.application.worlds.default):
        assert "hush-hush" not in cloud.get(f"{JOURNAL}.har?limit=5&world={world.tag}").text


PASSWORD = {"user": {"name": "u", "password": 1234567, "domain": {"name": "d"}}}


@pytest.mark.parametrize(
    "identity",
    [
        {"methods": ["password"], "password": "hush-hush"},
        {"methods": ["password"], "password": PASSWORD},
        {"methods": ["hw_ak_sk"], "hw_ak_sk": {"access": {"key": "A"}, "secret": "hush-hush"}},
        {"methods": ["token"], "token": {"id": ["hush-hush"]}},
        {"methods": ["token"], "token": "hush-hush"},
    ],
)
def test_no_refusal_of_iam_brings_a_password_into_the_journal(cloud, identity):
    reply = cloud.post("/v3/auth/tokens", {"auth": {"identity": identity}}, auth=False)
    assert reply.status in (400, 401)
    told = cloud.get(f"{JOURNAL}/{reply.headers['x-request-id']}").text
    assert "hush-hush" not in told and "1234567" not in told and "KeystoneCreateToken" in told
