"""Schedules and subscriptions: runs that begin by themselves, and who is told."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.behaviours.modelarts.workflows.conftest import (
    act,
    create,
    job_step,
    labeling_step,
    put_script,
    run,
)
from tests.conftest import refusal

DAILY = {"cron": "30 0 8 * * *", "method": "fixed"}


def schedule(cloud, workflow: str, content: dict, **members):
    """The reply to a new schedule."""
    return cloud.post(
        f"{workflow}/schedules", {"type": "time", "action": "run", "content": content, **members}
    )


def runs(cloud, workflow: str) -> list:
    """The runs of a workflow, oldest first."""
    return cloud.get(f"{workflow}/executions?order=asc").json["items"]


def test_a_schedule_starts_a_run_at_its_moments(cloud):
    workflow = create(cloud, labeling_step("a"))
    made = schedule(cloud, workflow, DAILY).json
    assert (made["content"], made["enable"], made["policies"]) == (DAILY, True, {})
    cloud.clock.advance("48h")
    assert [each["created_at"][11:19] for each in runs(cloud, workflow)] == ["08:00:30", "08:00:30"]
    cloud.put(f"{workflow}/schedules/{made['uuid']}", {"content": DAILY, "enable": False})
    cloud.clock.advance("48h")
    assert len(runs(cloud, workflow)) == 2
    cloud.put(f"{workflow}/schedules/{made['uuid']}", {"content": {"interval": 3600}, "enable": True})
    cloud.clock.advance("3h1m")
    assert len(runs(cloud, workflow)) == 5
    assert cloud.get(f"{workflow}/schedules").json["schedules"][0]["content"] == {"interval": 3600}


def test_an_interval_may_be_a_text(cloud):
    workflow = create(cloud, labeling_step("a"))
    assert schedule(cloud, workflow, {"interval": "3600.5"}).json["content"] == {"interval": "3600.5"}
    cloud.clock.advance("2h")
    assert len(runs(cloud, workflow)) == 1


def test_a_schedule_goes_by_the_wall_clock_of_its_zone(cloud):
    workflow = create(cloud, labeling_step("a"))
    schedule(cloud, workflow, {"cron": "0 0 8 * * *", "time_zone": "Asia/Shanghai"})
    cloud.clock.advance("24h")
    assert [each["created_at"][11:19] for each in runs(cloud, workflow)] == ["00:00:00"]


def test_a_schedule_does_not_run_beside_a_run_when_told_so(cloud):
    workflow = create(cloud, labeling_step("a"))
    schedule(cloud, workflow, DAILY, policies={"on_failure": "retry", "on_running": "cancel"})
    cloud.clock.advance("72h")
    assert len(runs(cloud, workflow)) == 1


def test_a_failed_run_of_a_schedule_is_tried_again_once(cloud):
    put_script(cloud)
    step = job_step("train")
    step["properties"]["spec"] = {"resource": {"flavor_id": "no.such.flavor"}}
    workflow = create(cloud, step)
    schedule(cloud, workflow, DAILY, policies={"on_failure": "retry", "on_running": "cancel"})
    cloud.clock.advance("24h")
    (execution,) = runs(cloud, workflow)
    assert [event.split()[1] for event in execution["events"]] == [
        "init",
        "running",
        "abnormal",
        "running",
        "abnormal",
    ]


@pytest.mark.parametrize(
    "content", [{}, {"cron": "every day"}, {"cron": "99 0 8 * * *"}, {"interval": 0}, {"interval": "x"}]
)
def test_a_schedule_that_names_no_moment_is_refused(cloud, content):
    assert refusal(schedule(cloud, create(cloud), content)) == (400, "ModelArts.0104")


def test_a_workflow_has_one_schedule(cloud):
    workflow = create(cloud)
    made = schedule(cloud, workflow, DAILY).json
    assert "has a schedule already" in schedule(cloud, workflow, DAILY).json["error_msg"]
    path = f"{workflow}/schedules/{made['uuid']}"
    assert cloud.delete(path).status == 200
    assert refusal(cloud.get(path)) == (400, "ModelArts.7525")


def test_subscribers_are_told_of_the_states_that_they_name(cloud):
    workflow = create(cloud, labeling_step("a"), labeling_step("b"), with_subscription=True)
    body = {"topic_urns": ["urn:smn:mine"], "entity": "me", "events": ["*:failed,completed,hold", "b:stop"]}
    made = cloud.post(f"{workflow}/subscriptions", body).json
    id = made["subscription_id"]
    assert {name: made[name] for name in body} == body
    execution = run(cloud, workflow)
    cloud.clock.advance("1m")
    act(cloud, execution, "a", "continue")
    act(cloud, execution, "b", "stop")
    sent = cloud.get("/_emulator/messages?to=urn:smn:mine").json["messages"]
    assert [each["subject"] for each in sent] == ["* is hold", "* is hold", "b is stopped"]
    assert sent[2]["content"]["step_name"] == "b"
    # The manual writes one of its examples with the other spelling.
    assert cloud.get(f"{workflow}/subscription/{id}").json == cloud.get(f"{workflow}/subscriptions/{id}").json
    changed = {"topic_urns": ["other"], "events": ["*:stop"]}
    assert cloud.put(f"{workflow}/subscriptions/{id}", changed).json["topic_urns"] == ["other"]
    assert cloud.get(f"{workflow}/subscriptions/{id}").json["events"] == ["*:stop"]
    cloud.delete(f"{workflow}/subscriptions/{id}")
    assert refusal(cloud.get(f"{workflow}/subscriptions/{id}")) == (400, "ModelArts.7519")


def test_nobody_is_told_while_the_switch_of_the_workflow_is_off(cloud):
    workflow = create(cloud, labeling_step("a"))
    cloud.post(f"{workflow}/subscriptions", {"topic_urns": ["urn:smn:mine"], "events": ["*:hold"]})
    told = []
    for switch in (None, True, False):
        if switch is not None:
            assert cloud.put(workflow, {"smn_switch": switch}).json["smn_switch"] is switch
        run(cloud, workflow)
        cloud.clock.advance("1m")
        told.append(len(cloud.get("/_emulator/messages?to=urn:smn:mine").json["messages"]))
    assert told == [0, 1, 1]


def test_an_event_of_another_form_is_refused(cloud):
    reply = cloud.post(f"{create(cloud)}/subscriptions", {"topic_urns": ["a"], "events": ["completed"]})
    assert refusal(reply) == (400, "ModelArts.0104")


def test_a_topic_on_this_machine_is_called(cloud):
    heard = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *words):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Listener)
    Thread(target=server.serve_forever, daemon=True).start()
    workflow = create(cloud, labeling_step("a"), smn_switch=True)
    topic = f"http://127.0.0.1:{server.server_port}/told"
    cloud.post(f"{workflow}/subscriptions", {"topic_urns": [topic], "events": ["*:hold"]})
    run(cloud, workflow)
    cloud.clock.until(lambda: heard)
    server.shutdown()
    server.server_close()
    assert [(each["step_name"], each["status"]) for each in heard] == [("a", "hold")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"interval": 60, "cron": "0 0 8 * * *"}, "not both"),
        ({"interval": True}, "interval is True, must be seconds from 1 to"),
        ({"interval": "1_0"}, "interval is '1_0', must be seconds from 1 to"),
        ({"cron": f"0 {'9' * 5000} * * * *"}, "minute '9999"),
        ({"interval": 1e18}, "interval is 1e+18, must be seconds from 1 to"),
        ({"interval": None}, "interval is None, must be seconds from 1 to"),
        ({"cron": 5}, "cron is 5, has to be second, minute, hour"),
        ({"cron": "* 0 8 * * *"}, "second '*' is not a number from 0 to 59"),
        ({"cron": "0 0 8 * * *", "time_zone": "Asia"}, "time_zone 'Asia' is not known"),
    ],
)
def test_a_content_without_a_moment_is_refused_in_words(cloud, content, words):
    reply = schedule(cloud, create(cloud, labeling_step("a")), content)
    assert refusal(reply) == (400, "ModelArts.0104")
    assert words in reply.json["error_msg"]


def test_a_run_at_work_of_another_workflow_keeps_no_schedule_from_running(cloud):
    run(cloud, create(cloud, labeling_step("a")))
    workflow = create(cloud, labeling_step("a"))
    schedule(cloud, workflow, DAILY, policies={"on_running": "cancel"})
    cloud.clock.advance("24h")
    assert len(runs(cloud, workflow)) == 1
