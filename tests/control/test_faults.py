"""Faults that a test asks for: which requests they strike, and what these suffer."""

from http.client import IncompleteRead

import pytest

from tests.behaviours.modelarts.conftest import ECHO, SERVICES, entry, published, put_package
from tests.conftest import CONFIG, CONFIGS

LIST = "ListTrainingJobConfigs"


def ask(cloud, **fault) -> None:
    """Ask for a fault."""
    reply = cloud.post("/_emulator/faults", {"operation": LIST, **fault})
    assert reply.status == 201, reply


def statuses(cloud, count: int) -> list[int]:
    """What that many lists answer."""
    return [cloud.get(CONFIGS).status for _ in range(count)]


def counts(cloud) -> list:
    """(seen, struck) of all faults."""
    return [(each["seen"], each["struck"]) for each in cloud.get("/_emulator/faults").json["faults"]]


def test_a_code_is_answered_as_documented(cloud):
    ask(cloud, code="ModelArts.0210", times=1)
    reply = cloud.get(CONFIGS)
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.0210")
    assert cloud.get(CONFIGS).status == 200
    assert counts(cloud) == [(1, 1)]


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        ({"times": 2}, [503, 503, 200, 200, 200, 200]),
        ({"every": 3}, [200, 200, 503, 200, 200, 503]),
        ({"skip": 4}, [200, 200, 200, 200, 503, 503]),
    ],
)
def test_a_fault_strikes_the_requests_that_it_names(cloud, fault, struck):
    ask(cloud, **fault, code="APIG.0613")
    assert statuses(cloud, 6) == struck


def test_chance_is_the_same_for_the_same_seed(cloud):
    ask(cloud, code="APIG.0613", probability=0.5)
    first = statuses(cloud, 20)
    assert {*first} == {200, 503}
    cloud.delete("/_emulator/faults")
    assert statuses(cloud, 3) == [200, 200, 200]


def test_a_fault_looks_at_what_the_request_says(cloud):
    ask(cloud, operation="Create*", code="ModelArts.0104", when={"body": {"config_name": "bad"}})
    assert cloud.post(CONFIGS, {"config_name": "good", **CONFIG}).status == 200
    assert cloud.post(CONFIGS, {"config_name": "bad", **CONFIG}).status == 400
    assert counts(cloud) == [(1, 1)]


def test_a_rate_is_a_bucket_of_tokens_on_the_worlds_clock(cloud):
    cloud.clock.freeze()
    ask(cloud, rate={"requests": 2, "per": "10s"}, optional=True)
    assert statuses(cloud, 3) == [200, 200, 429]
    reply = cloud.get(CONFIGS)
    assert (reply.json["error_code"], reply.headers["retry-after"]) == ("APIG.0308", "5")
    cloud.clock.advance("5s")
    assert statuses(cloud, 2) == [200, 429]


def test_a_body_is_too_large_for_a_while(cloud):
    ask(cloud, times=1, retry_after="30s", code="APIG.0201")
    assert cloud.get(CONFIGS).headers["retry-after"] == "30"
    reply = cloud.get(CONFIGS, headers={"X-Emulator-Fault": "status=413; retry_after=10s"})
    assert (reply.status, reply.json["error_code"], reply.headers["retry-after"]) == (413, "APIG.0201", "10")


@pytest.mark.parametrize(
    "header", ["ModelArts.0210", "code=ModelArts.0210", "503", "status=503;latency=10ms"]
)
def test_a_header_asks_for_one_request(cloud, header):
    expected = 400 if "0210" in header else 503
    assert cloud.get(CONFIGS, headers={"X-Emulator-Fault": header}).status == expected
    assert cloud.get(CONFIGS).status == 200


@pytest.mark.parametrize(
    "header", ["nonsense=1", "NoSuch.Code", "status=99", "drop=never", "IAM.0001", "truncate=x"]
)
def test_a_header_that_names_no_fault_is_refused(cloud, header):
    reply = cloud.get(CONFIGS, headers={"X-Emulator-Fault": header})
    assert (reply.status, reply.json["error_code"]) == (400, "Emulator.BadControl")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"operation": "NoSuchOperation", "status": 503}, "no documented operation is called"),
        ({"code": "ModelArts.99999"}, "documented nowhere"),
        ({"code": "PANGU.0001"}, "is a code of pangu"),
        ({"code": "ModelArts.0210", "status": 500}, "ModelArts.0210 has"),
        ({"status": 418}, "without a code it is one of"),
        ({"latency": "soon"}, "soon"),
        ({}, "needs one of"),
        ({"status": 503, "unknown": 1}, "unknown member"),
    ],
)
def test_what_the_cloud_could_not_answer_is_refused(cloud, fault, words):
    reply = cloud.post("/_emulator/faults", {"operation": LIST, **fault})
    assert reply.status == 400
    assert words in reply.json["error_msg"]


def test_a_connection_is_closed_before_or_after_the_request_is_carried_out(cloud):
    for drop, made in (("request", 0), ("answer", 1)):
        ask(cloud, operation="CreateTrainingJobConfig", drop=drop, times=1)
        with pytest.raises(ConnectionError):
            cloud.post(CONFIGS, {"config_name": drop, **CONFIG})
        assert cloud.get(CONFIGS).json["config_total_count"] == made


def test_an_answer_is_cut_in_its_middle(cloud):
    ask(cloud, truncate=5, times=1)
    with pytest.raises(IncompleteRead) as cut:
        cloud.get(CONFIGS)
    assert cut.value.partial == b'{"is_'


def test_faults_of_one_world_are_none_of_anothers(cloud):
    tag = cloud.post("/_emulator/worlds", {}).json["world"]
    cloud.post(f"/_emulator/faults?world={tag}", {"operation": "*", "status": 503})
    assert statuses(cloud, 1) == [200]
    cloud.delete(f"/_emulator/worlds/{tag}")


def test_a_reset_forgets_faults(cloud):
    ask(cloud, code="APIG.0613")
    cloud.post("/_emulator/reset", {"world": cloud.world.tag})
    assert cloud.get("/_emulator/faults").json["faults"] == []


def object_of(cloud, method: str = "GET") -> int:
    """What OBS answers to a request for an object."""
    client = cloud.obs(max_retry_count=0)
    try:
        reply = (
            client.getObject("files", "a", loadStreamInMemory=True)
            if method == "GET"
            else client.putContent("files", "a", "b")
        )
        return reply.status
    finally:
        client.close()


def test_obs_suffers_its_own_codes(cloud):
    cloud.world.obs.create_bucket("files")
    cloud.world.obs.write("files", "a", b"content")
    ask(cloud, operation="obs:GET object", code="ServiceUnavailable", when={"path": {"key": "a"}}, times=1)
    assert [object_of(cloud, "PUT"), object_of(cloud), object_of(cloud)] == [200, 503, 200]
    assert counts(cloud) == [(1, 1)]


@pytest.mark.parametrize(
    "fault", [{"code": "ModelArts.0210"}, {"code": "NoSuchKey", "status": 500}, {"status": 429}]
)
def test_obs_takes_no_others_codes(cloud, fault):
    assert cloud.post("/_emulator/faults", {"operation": "obs:*", **fault}).status == 400


def test_a_prediction_suffers_a_fault(cloud):
    model = published(cloud, put_package(cloud, code=ECHO))
    body = {"service_name": "s", "infer_type": "real-time", "config": [entry(model)]}
    id = cloud.post(SERVICES, body).json["service_id"]
    cloud.clock.until(lambda: cloud.get(f"{SERVICES}/{id}").json["status"] == "running")
    ask(cloud, operation="prediction", status=504, times=1)
    replies = [cloud.post(f"/v1/infers/{id}", {"a": 1}) for _ in range(2)]
    assert [reply.status for reply in replies] == [504, 200]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"rate": {"requests": 1, "per": 0}}, "$.rate.per: 0 is no time"),
        ({"drop": "request", "code": "ModelArts.0210"}, "code and drop: only one of them could come about"),
        ({"status": 503, "truncate": 1}, "status and truncate: only one of them"),
        ({"operation": "obs:nonsense", "status": 503}, "$.operation: obs:nonsense is not obs:METHOD"),
        ({"operation": "obs:GET object", "cut_after": 1}, "$.cut_after: OBS answers no frames"),
        ({"operation": "obs:*", "status": 503, "when": {"body": {"a": 1}}}, "$.when.body"),
    ],
)
def test_a_fault_that_could_never_come_about_is_refused(cloud, fault, words):
    reply = cloud.post("/_emulator/faults", {"operation": LIST, **fault})
    assert reply.status == 400
    assert words in reply.json["error_msg"]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("status=abc", "'abc' is not a whole number"),
        ("truncate=-5", "'-5' is not a whole number"),
        ("retry_after=5", "a fault needs one of code, status"),
    ],
)
def test_a_header_is_refused_in_words(cloud, header, words):
    reply = cloud.get(CONFIGS, headers={"X-Emulator-Fault": header})
    assert reply.status == 400
    assert words in reply.json["error_message"]


def test_a_fault_is_shown_with_its_rate_and_the_bytes_it_leaves(cloud):
    ask(cloud, rate={"requests": 2, "per": "10s"}, optional=True)
    ask(cloud, truncate=0, optional=True)
    rate, cut = cloud.get("/_emulator/faults").json["faults"]
    assert (rate["rate"], cut["truncate"]) == ({"requests": 2, "per": 10, "burst": 2}, 0)
