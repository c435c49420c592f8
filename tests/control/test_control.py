"""The control API: what tests and tools may ask, and who may not ask."""

import re

import pytest
from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.control.app import create_control
from modelarts_emulator.worlds.clock import LATEST

from tests.conftest import CONFIG, CONFIGS, JOB

EVERY = len(Operations(check=False))
JOBS = "/v2/{project_id}/training-jobs"


SHOW = {"operation": "ShowTrainingQuotas", "field": "x"}


@pytest.fixture
def control(cloud):
    """A function that asks the control API about the test's own account."""

    def ask(method: str, path: str, body=None, **options):
        headers = {"X-Emulator-World": cloud.world.tag, **options.pop("headers", {})}
        return cloud.send(method, f"/_emulator/{path}", body, headers=headers, auth=False, **options)

    return ask


def test_health_and_readiness_need_no_credentials(control):
    faults = {"count": 0, "last": []}
    assert control("GET", "health").json == {"status": "alive", "operations": EVERY, "faults": faults}
    assert (control("GET", "ready").status, control("GET", "ready").json) == (200, {"ready": True})


def test_an_emulator_that_is_still_loading_is_alive_and_not_ready():
    from modelarts_emulator.application import Application
    from modelarts_emulator.contract.operations import Operations
    from modelarts_emulator.settings import Settings

    from tests.conftest import Answered

    application = Application(Settings(), Operations(check=False))
    assert Answered(application, "GET", "/_emulator/health").status == 200
    assert Answered(application, "GET", "/_emulator/ready").status == 503
    answered = Answered(application, "GET", "/v2/p/training-jobs/x")
    assert (answered.status, answered.headers["retry-after"]) == (503, "1")


def test_the_clock_shows_stands_advances_and_runs(control, cloud):
    shown = control("GET", "clock").json
    assert shown["frozen"] and shown["world"] == cloud.world.tag
    assert control("POST", "clock/advance", {"by": "2h"}).json["now"] == shown["now"] + 7200
    running = control("POST", "clock/run", {"speed": 3}).json
    assert (running["frozen"], running["speed"]) == (False, 3)
    assert control("POST", "clock/freeze").json["frozen"]


def test_the_clock_tells_when_the_next_thing_falls_due(control, cloud):
    assert control("GET", "clock").json["next_due"] is None
    assert cloud.post(JOBS, JOB).status == 201
    assert control("GET", "clock").json["next_due"] > cloud.clock.now()


def test_the_clock_runs_until_a_field_has_a_value(control, cloud):
    id = cloud.post(JOBS, JOB).json["metadata"]["id"]
    asked = {
        "operation": "ShowTrainingJobDetails",
        "path": {"training_job_id": id},
        "field": "status.phase",
        "in": ["Running"],
    }
    told = control("POST", "clock/until", asked).json
    assert told["value"] == "Running" and told["advanced"] > 0
    assert cloud.get(f"{JOBS}/{id}").json["status"]["phase"] == "Running"
    never = control("POST", "clock/until", {**asked, "in": ["Failed"], "within": 5})
    assert never.status == 400 and "status.phase was still 'Running' after 5" in never.json["error_msg"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("clock/advance", {}, "$: give by, a duration, or until, a condition"),
        ("clock/advance", {"by": "2 parsecs"}, "$.by: '2 parsecs' is not a duration"),
        ("clock/advance", {"by": -1}, "$.by: -1 is below the minimum"),
        ("clock/advance", {"by": True}, "$.by: true is of type boolean"),
        ("clock/advance", {"by": "11000d"}, "$.by: '11000d' is longer than ten years"),
        ("clock/advance", {"by": "1h", "fast": True}, "unknown member 'fast'; takes by, until, within, wait"),
        ("clock/advance", {"by": "1h", "wait": "long"}, "$.wait: 'long' is not a duration"),
        ("clock/freeze", {"now": 1}, "unknown member 'now'; takes no members"),
        ("clock/run", {"speed": 0}, "$.speed: 0 must be greater than 0"),
        ("clock/run", {"speed": "fast"}, "$.speed: 'fast' is of type string, must be number"),
        ("clock/until", {"field": "status", "equals": 1}, "$: operation is required and missing"),
        (
            "clock/until",
            {**SHOW, "operation": "DeleteTrainingJob", "equals": 1},
            "$.operation: 'DeleteTrainingJob' is",
        ),
        ("clock/until", {**SHOW, "operation": ["x"], "equals": 1}, "$.operation: ['x'] is of type array"),
        ("clock/until", SHOW, "$: give exactly one of equals, in, at_least"),
        ("clock/until", {**SHOW, "equals": 1, "in": [1]}, "$: give exactly one of equals, in, at_least"),
        ("clock/until", {**SHOW, "in": 5}, "$.in: 5 is of type integer, must be array"),
        (
            "clock/until",
            {**SHOW, "equals": 1, "path": {"id": 5}},
            "$.path.id: 5 is of type integer, must be string",
        ),
        ("clock/until", {**SHOW, "equals": 1, "path": {"self": "x"}}, "/training-quotas has no 'self'"),
        ("clock/until", {**SHOW, "operation": "ShowTrainingJobDetails", "equals": 1}, "needs a value for"),
        ("clock/until", {**SHOW, "equals": 1, "within": {}}, "$.within: {} is of type object"),
        ("reset", {"everything": True}, "unknown member 'everything'; takes world, area"),
        ("reset", {"area": "trainin"}, "$.area: there is no area 'trainin'"),
        ("reset", {"world": 5}, "$.world: 5 is of type integer, must be string"),
        ("worlds", {"name": "x"}, "unknown member 'name'; takes seed, pace, region"),
        ("worlds", {"seed": 2**70}, "$.seed: "),
        ("worlds", {"seed": -1}, "$.seed: -1 is below the minimum"),
        ("worlds", {"seed": "one"}, "$.seed: 'one' is of type string, must be integer"),
        ("worlds", {"pace": 0}, "$.pace: 0 must be greater than 0"),
        ("worlds", {"region": 5}, "$.region: 5 is of type integer, must be string"),
        ("worlds", {"region": "the moon"}, "$.region: 'the moon'"),
        ("reset", [], "the body must be a JSON object, not []"),
    ],
)
def test_what_the_control_api_does_not_know_it_refuses_in_words(control, path, body, words):
    reply = control("POST", path, body)
    assert reply.status == 400 and words in reply.json["error_msg"]


def test_no_call_ignores_a_parameter_of_the_query(cloud, control):
    rules = list(create_control(cloud.emulator.application).url_map.iter_rules())
    for rule in rules:
        path = re.sub(r"<any\(([^,]+)[^>]*>", r"\1", rule.rule.removeprefix("/_emulator/"))
        path = re.sub("<[^>]*>", "x", path)
        for method in rule.methods & {"GET", "POST", "PUT", "DELETE"}:
            reply = control(method, f"{path}?areas=x&whose=y")
            assert reply.status == 400, (method, path, reply)
            assert "query: unknown parameter 'areas', 'whose'; takes " in reply.json["error_msg"]
    assert len(rules) > 40


@pytest.mark.parametrize("named", ["query", "header", "body"])
def test_a_reset_empties_the_world_that_is_named_and_no_other(cloud, named):
    other = cloud.post("/_emulator/worlds", {}, auth=False).json["world"]
    assert cloud.post(JOBS, JOB).status == 201
    query = f"?world={other}" if named == "query" else ""
    headers = {"X-Emulator-World": other} if named == "header" else {"X-Emulator-World": ""}
    body = {"world": other} if named == "body" else {}
    reply = cloud.post(f"/_emulator/reset{query}", body, headers=headers, auth=False)
    assert (reply.status, reply.json["worlds"]) == (200, 1)
    assert len(cloud.post("/v2/{project_id}/training-job-searches", {}).json["items"]) == 1
    cloud.delete(f"/_emulator/worlds/{other}", auth=False)


@pytest.mark.parametrize("path", ["nothing", "clock?world=NOONE", "worlds/NOONE", "clock/rewind"])
def test_what_is_not_there_is_404(control, path):
    method = "POST" if path == "clock/rewind" else "GET"
    assert control(method, path).status == 404


def test_a_body_that_is_not_json_is_refused_in_words(control):
    reply = control("POST", "clock/advance", b"{")
    assert reply.status == 400 and "the body is not JSON" in reply.json["error_msg"]


def test_a_body_of_more_than_a_mebibyte_is_refused_unread(control):
    reply = control("POST", "clock/advance", b'{"by": "' + b" " * (1 << 20) + b'1s"}')
    assert reply.status == 413 and "the body has 1048588 bytes, at most 1048576" in reply.json["error_msg"]
    assert control("GET", "clock").status == 200


def test_a_clock_cannot_leave_the_years_that_four_digits_can_write(control, cloud):
    cloud.clock.advance(LATEST - cloud.clock.now() - 60)
    reply = control("POST", "clock/advance", {"by": "1h"})
    assert reply.status == 400 and "the clock ends at 9990-01-01T00:00:00Z" in reply.json["error_msg"]
    assert control("POST", "clock/advance", {"by": "30s"}).json["iso"].startswith("9989-12-31T23:59:30")


def test_a_value_that_cannot_be_compared_is_told_and_waited_for_no_longer(control, cloud):
    id = cloud.post(JOBS, JOB).json["metadata"]["id"]
    asked = {"operation": "ShowTrainingJobDetails", "path": {"training_job_id": id}}
    reply = control("POST", "clock/until", {**asked, "field": "status.phase", "at_least": 5})
    assert reply.status == 400 and "5 cannot be compared to status.phase" in reply.json["error_msg"]


def test_a_mistake_of_the_emulator_is_a_500_that_fails_the_test(control, cloud, monkeypatch, caplog):
    def fail(*_):
        raise KeyError("a bug")

    monkeypatch.setattr("modelarts_emulator.control.worlds.shown_world", fail)
    reply = control("GET", "worlds")
    assert (reply.status, reply.json["error_code"]) == (500, "Emulator.Internal")
    assert cloud.emulator.application.broken == ["GET /_emulator/worlds: KeyError: 'a bug'"]
    cloud.emulator.application.broken.clear()
    assert caplog.records[-1].exc_info[0] is KeyError


def test_a_record_that_fails_when_it_is_due_shows_in_health_and_fails_no_request(control, cloud, monkeypatch):
    def fail(*_):
        raise RuntimeError("a bug of a behaviour")

    monkeypatch.setattr("modelarts_emulator.frame.lifecycle.Lifecycle.pass_on", fail)
    id = cloud.post(JOBS, JOB).json["metadata"]["id"]
    assert control("POST", "clock/advance", {"by": "1h"}).status == 200
    assert cloud.get(f"{JOBS}/{id}").status == 200
    faults = control("GET", "health").json["faults"]
    mine = [fault for fault in faults["last"] if fault["world"] == cloud.world.tag]
    assert [fault["error"] for fault in mine] == ["RuntimeError: a bug of a behaviour"]
    assert id in mine[0]["record"] and control("GET", "ready").json == {"ready": True}
    (broken,) = cloud.emulator.application.broken
    assert "a bug of a behaviour" in broken
    cloud.emulator.application.broken.clear()


def test_a_reset_says_what_it_removed(control, cloud):
    cloud.post(CONFIGS, {"config_name": "mine", **CONFIG})
    cloud.post(JOBS, JOB)
    one = control("POST", "reset", {"world": cloud.world.tag, "area": "training"}).json
    assert one["worlds"] == 1 and one["removed"]["records"] == 1
    assert cloud.get(CONFIGS).json["config_total_count"] == 1
    assert control("POST", "reset", {"world": cloud.world.tag}).json["removed"]["records"] > 1
    assert cloud.get(CONFIGS).json["config_total_count"] == 0


def test_the_list_of_operations_says_which_are_emulated(control):
    rows = {row["operation_id"]: row for row in control("GET", "operations").json["operations"]}
    assert len(rows) == EVERY
    assert rows["CreateTrainingJob"] == {
        "operation_id": "CreateTrainingJob",
        "service": "modelarts",
        "area": "training",
        "method": "POST",
        "path": JOBS,
        "behaviour": True,
        "sources": ["otc", "sdk"],
    }
    assert all(row["behaviour"] for row in rows.values())


def test_a_world_is_made_shown_listed_and_removed(control):
    made = control("POST", "worlds", {"seed": 5, "pace": 2, "region": "cn-east-3"})
    assert (made.status, made.json["seed"], made.json["region"]) == (201, 5, "cn-east-3")
    tag = made.json["world"]
    assert control("GET", f"worlds/{tag}").json == made.json
    assert tag in {row["world"] for row in control("GET", "worlds").json["worlds"]}
    assert control("DELETE", f"worlds/{tag}").status == 204
    assert control("GET", f"worlds/{tag}").status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
        {"Host": "evil.example:7878"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "evil.example", "Authorization": "Bearer wrong"},
    ],
)
def test_web_pages_and_foreign_names_are_kept_out(control, headers):
    reply = control("POST", "clock/advance", {"by": 1}, headers=headers)
    assert reply.status == 403


def test_whoever_shows_the_secret_key_may_come_from_anywhere(control, modelarts_emulator):
    secret = modelarts_emulator.application.worlds.default.account.secret_key
    headers = {"Host": "build-server.example", "Authorization": f"Bearer {secret}"}
    assert control("GET", "clock", headers=headers).status == 200


def test_every_body_of_the_control_api_has_a_schema(control, modelarts_emulator):
    rules = modelarts_emulator.application.control.url_map.iter_rules()
    changing = [
        (rule, method) for rule in rules for method in sorted(rule.methods - {"GET", "HEAD", "OPTIONS"})
    ]
    assert len(changing) > 10
    for rule, method in changing:
        actions = ("freeze", "run", "advance", "until") if "clock" in rule.rule else ("upgrade", "stop")
        for action in actions:
            path = rule.rule.removeprefix("/_emulator/").replace("<action>", action)
            path = re.sub("<any[^>]*>", "agents", path)
            if (method, path) == ("PUT", "snapshots/<name>"):
                # A file of a format of its own, which has tests of its own.
                continue
            reply = control(method, re.sub("<[^>]*>", "x", path), {"no_such_member": 1})
            assert (reply.status, "no_such_member" in reply.json["error_msg"]) == (400, True), (method, path)


HOSTILE = [None, True, 0, -1, 2**70, 1e308, "", "x" * 2000, "1e400", "\ud83d\ude00", [], [[]], {}, {"a": 1}]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_no_value_of_any_type_makes_the_control_api_fail(control, value):
    show = {"operation": "ListTrainingJobEngines", "field": "total", "within": 1}
    bodies = [("worlds", {name: value}) for name in ("seed", "pace", "region")]
    bodies += [("reset", {name: value}) for name in ("area",)]
    bodies += [
        ("clock/advance", {"by": value}),
        ("clock/run", {"speed": value}),
        ("maas/api-keys", {"seconds": value}),
    ]
    bodies += [
        ("clock/until", {**show, "equals": 1, name: value})
        for name in ("operation", "field", "path", "within")
    ]
    bodies += [("clock/until", {**show, name: value}) for name in ("equals", "in", "at_least")]
    bodies += [("pangu/models", {"name": "n", "base": value}), ("pangu/deployments", {"model": value})]
    for path, body in bodies:
        assert control("POST", path, body).status < 500, (path, body)
