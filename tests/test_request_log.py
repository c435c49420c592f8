"""The request log: a line a request, at the level and in the form that were chosen."""

import json
import re

import pytest
from modelarts_emulator import request_log
from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.cloud import Cloud


def lines_of(capsys, **options) -> list[str]:
    """What an emulator tells of five requests: one answered, one refused, one of health, one of OBS, one of control."""
    with Emulator(**options) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        token = {"X-Auth-Token": cloud.token}
        cloud.get("/v2/{project_id}/training-quotas?limit=1&X-Amz-Signature=abc", headers=token)
        cloud.get("/v2/{project_id}/training-jobs/none", headers=token)
        cloud.get("/_emulator/health")
        cloud.get("/_emulator/clock")
        Cloud.send(at_obs(cloud), "GET", "/bucket/key", auth=False)
    return capsys.readouterr().err.splitlines()


def at_obs(cloud: Cloud) -> Cloud:
    """The account as a client of OBS addresses it."""
    cloud.endpoint = cloud.obs_endpoint
    return cloud


def told(lines: list[str]) -> list[tuple[str, int]]:
    """(operation, status) of lines in JSON."""
    return [(line["operation"], line["status"]) for line in map(json.loads, lines)]


ALL = [
    ("KeystoneCreateToken", 201),
    ("ShowTrainingQuotas", 200),
    ("ShowTrainingJobDetails", 400),
    ("health", 200),
    ("control", 200),
    ("obs", 403),
]


@pytest.mark.parametrize(
    ("level", "wanted"),
    [
        ("debug", ALL),
        ("info", [row for row in ALL if row[0] != "health"]),
        ("warning", [row for row in ALL if row[1] >= 400]),
        ("error", []),
        ("silent", []),
    ],
)
def test_a_level_says_which_requests_are_told(capsys, level, wanted):
    assert told(lines_of(capsys, log_level=level, log_format="json")) == wanted


def test_a_line_of_text_has_the_request_its_answer_and_why_it_was_refused(capsys):
    lines = lines_of(capsys, log_level="info")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z GET /v2/[0-9a-f]{32}/training-quotas"
        r"\?limit=1&X-Amz-Signature=\.\.\. 200 ShowTrainingQuotas \d+\.\d ms",
        lines[1],
    )
    assert "training-jobs/none 400 ShowTrainingJobDetails" in lines[2] and '"error_code":' in lines[2]


def test_in_tests_nothing_is_told_unless_it_is_asked_for(capsys, monkeypatch):
    assert lines_of(capsys) == []
    monkeypatch.setenv("MODELARTS_EMULATOR_LOG_LEVEL", "info")
    assert len(lines_of(capsys)) == 5


def test_lines_that_nobody_reads_keep_no_request_waiting(capsys, monkeypatch):
    monkeypatch.setattr(request_log, "MOST_WAITING", 0)
    assert lines_of(capsys, log_level="info") == []


def test_a_refusal_that_quotes_a_credential_is_told_without_it(capsys):
    with Emulator(log_level="info") as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        reply = cloud.get(
            "/v2/{project_id}/training-quotas", headers={"Authorization": "hush-hush"}, auth=False
        )
        assert (reply.status, "hush-hush" in reply.text) == (401, True)
    told = capsys.readouterr().err
    assert "APIG.0301" in told and "hush-hush" not in told and "..." in told
