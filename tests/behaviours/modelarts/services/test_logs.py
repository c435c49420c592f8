"""Stories about what deployed models print and raise: where it can be read, and who tells of it."""

import json

import pytest
from modelarts_emulator.cli import main
from modelarts_emulator.commands import prefixed
from modelarts_emulator.serving import gateway

from tests.behaviours.modelarts.conftest import SERVICES, asked, deployed, entry, published, put_package

CODE = """
import os
import time

from model_service.log import getLogger
from model_service.python_model_service import XgSklServingBaseService

print("loaded")


class Talking(XgSklServingBaseService):
    def inference(self, data):
        getLogger("mine").info("asked for %s", data)
        if "divide" in data:
            return 1 / 0
        if "crash" in data:
            os._exit(3)
        if "sleep" in data:
            time.sleep(60)
        return {"fine": True}
"""


@pytest.fixture
def service(cloud) -> str:
    """A service whose model says what it is asked for."""
    return deployed(cloud, entry(published(cloud, put_package(cloud, code=CODE))), name="talking")


def log_of(cloud, service: str) -> dict:
    """The log of the service's only model."""
    (model,) = cloud.get(f"/_emulator/logs/{service}").json["logs"]
    return model


def test_what_a_model_prints_and_logs_can_be_read_by_id_and_by_name(cloud, service):
    asked(cloud, service, {"a": 1})
    model = log_of(cloud, "talking")
    assert model == log_of(cloud, service)
    assert model["output"].startswith("loaded\n") and 'INFO mine: asked for {"a": 1}' in model["output"]
    assert (model["ready"], model["failure"], model["written"]) == (True, None, len(model["output"]))
    row = {"world": cloud.world.tag, "service": service, "name": "talking"}
    assert cloud.get("/_emulator/logs").json == {"deployed": [row], "jobs": []}


def test_a_failed_prediction_says_what_was_raised_where_and_where_the_log_is(cloud, service):
    reply = asked(cloud, service, {"divide": 1})
    assert reply.status == 500
    assert {name: reply.json[name] for name in ("erno", "msg", "words_result")} == {
        "erno": "MR.0105",
        "msg": "Recognition failed",
        "words_result": {},
    }
    assert reply.json["reason"] == "ZeroDivisionError: division by zero (customize_service.py, line 15)"
    assert f"modelarts-emulator logs {service}" in reply.json["log"]
    assert "ZeroDivisionError: division by zero" in log_of(cloud, service)["output"]
    told = cloud.get(f"/_emulator/explain/{reply.headers['x-request-id']}").json
    assert (told["code"], told["message"]) == ("MR.0105", reply.json["reason"])
    assert told["why"].startswith("the model, or the service, itself") and "nearest" not in told


def test_the_log_outlives_a_crash_a_restart_and_the_stop_of_its_service(cloud, service):
    reply = asked(cloud, service, {"crash": 1})
    assert f"modelarts-emulator logs {service}" in reply.json["error_msg"]
    cloud.clock.advance("1m")
    asked(cloud, service, {"b": 2})
    text = log_of(cloud, service)["output"]
    assert text.count("loaded") == 2 and text.index("exited with code 3") < text.index('{"b": 2}')
    cloud.put(f"{SERVICES}/{service}", {"status": "stopped"})
    stopped = log_of(cloud, service)
    assert (stopped["ready"], stopped["failure"]) == (False, "it is not at work")
    assert stopped["output"] == text
    cloud.delete(f"{SERVICES}/{service}")
    assert cloud.get(f"/_emulator/logs/{service}").status == 404


def test_the_log_of_a_package_that_cannot_be_loaded_says_why(cloud):
    failed = deployed(cloud, entry(published(cloud, put_package(cloud, code="import nothing_like_it"))))
    text = log_of(cloud, failed)["output"]
    assert "Traceback" in text
    assert "[modelarts-emulator] the model could not be loaded: ModuleNotFoundError" in text


def test_an_event_tells_of_a_prediction_that_timed_out(cloud, service, monkeypatch):
    monkeypatch.setattr(gateway, "SECONDS", 0.3)
    reply = asked(cloud, service, {"sleep": 1})
    assert reply.status == 504 and f"modelarts-emulator logs {service}" in reply.json["error_msg"]
    told = cloud.get(f"{SERVICES}/{service}/events?event_type=abnormal").json["events"]
    assert told[0]["event_info"] == "[digits 0.0.1] prediction timed out: POST /: no answer within 0.3 s"


def follow(cloud, service: str, monkeypatch, turns: list[dict]) -> None:
    """Follow the log of a service from the command line while it is asked these things, until Ctrl-C."""
    left = iter(turns)

    def ask_or_end(_):
        turn = next(left, None)
        if turn is None:
            raise KeyboardInterrupt
        asked(cloud, service, turn)

    monkeypatch.setattr("modelarts_emulator.real_time.pause", ask_or_end)
    assert main(["logs", service, "--follow", "--url", cloud.endpoint, "--world", cloud.world.tag]) == 130


def test_the_command_line_prints_a_log_and_goes_on_with_what_comes(cloud, service, capsys, monkeypatch):
    world = ["--url", cloud.endpoint, "--world", cloud.world.tag]
    assert main(["logs", "talking", *world]) == 0
    assert capsys.readouterr().out == "loaded\n"
    follow(cloud, service, monkeypatch, [{"a": 1}, {"b": 2}])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "loaded" and [json.loads(line[line.index("{") :]) for line in lines[1:]] == [
        {"a": 1},
        {"b": 2},
    ]
    assert main(["logs", *world]) == 0
    assert capsys.readouterr().out == f"{service}  talking\n"
    assert main(["logs", "nobody", *world]) == 1
    assert "no model of a service nobody has been at work" in capsys.readouterr().err


def test_the_command_line_says_whose_each_line_is_where_several_print(cloud, capsys, monkeypatch):
    model = published(cloud, put_package(cloud, code=CODE))
    service = deployed(cloud, entry(model, instance_count=2), name="talking")
    world = ["--url", cloud.endpoint, "--world", cloud.world.tag]
    assert main(["logs", "talking", *world]) == 0
    loaded = ["[instance 1] loaded", "[instance 2] loaded"]
    assert capsys.readouterr().out.splitlines() == loaded
    follow(cloud, service, monkeypatch, [{"a": 1}, {"b": 2}])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == loaded
    told = [(line[:12], json.loads(line[line.index("{") :])) for line in lines[2:]]
    assert told == [("[instance 1]", {"a": 1}), ("[instance 2]", {"b": 2})]


@pytest.mark.parametrize(
    ("text", "is_last", "lines", "begun"),
    [
        ("", False, "", ""),
        ("a\nb", False, "[1] a\n", "b"),
        ("a\nb", True, "[1] a\n[1] b\n", ""),
        ("a\n\n", True, "[1] a\n[1] \n", ""),
    ],
)
def test_a_line_of_one_of_several_is_told_once_it_has_ended_or_nothing_follows(text, is_last, lines, begun):
    assert prefixed(text, "[1] ", is_last) == (lines, begun)
