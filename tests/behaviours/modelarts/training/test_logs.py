"""The logs of training jobs: what has been printed so far, in three places that agree."""

import json
from itertools import pairwise

import pytest
from modelarts_emulator.cli import main

from tests.behaviours.modelarts.training.conftest import (
    JOBS,
    cloud_seconds,
    completed,
    create,
    preview,
    running,
    searching,
)


def aom(cloud, id: str, query: str = "") -> dict:
    """Lines of the log of worker-0."""
    reply = cloud.get(f"{JOBS}/{id}/logs/worker-0{query}")
    assert reply.status == 200, reply
    return reply.json


def test_a_job_that_has_not_run_has_no_log_to_preview_yet(cloud):
    reply = cloud.get(f"{JOBS}/{create(cloud)}/tasks/worker-0/logs/preview")
    assert (reply.status, reply.body) == (204, b"")


def test_a_job_that_was_stopped_before_it_ran_never_gets_a_log(cloud):
    id = create(cloud)
    cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    cloud_seconds(cloud, 60)
    reply = cloud.get(f"{JOBS}/{id}/tasks/worker-0/logs/preview")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2818")


def test_a_task_that_the_job_does_not_have_has_no_log(cloud):
    reply = cloud.get(f"{JOBS}/{running(cloud)}/tasks/worker-7/logs/preview")
    assert reply.status == 400 and "worker-0" in reply.json["error_msg"]


def test_a_log_grows_and_never_changes_what_it_said(cloud):
    id = running(cloud)
    texts = []
    for _ in range(6):
        texts.append(preview(cloud, id))
        cloud_seconds(cloud, 120)
    assert all(after.startswith(before) for before, after in pairwise(texts))
    assert len(set(texts)) == 6


def test_a_log_ends_with_the_exit_code(cloud):
    assert preview(cloud, completed(cloud)).rstrip().endswith("exit with 0")


def test_the_log_of_a_failed_job_says_why(cloud):
    id = running(cloud, algorithm__environments={"EMULATOR_EXIT_CODE": "2"})
    cloud_seconds(cloud, 600)
    text = preview(cloud, id)
    assert "exit code 2" in text and text.rstrip().endswith("exit with 2")


def test_the_log_of_a_stopped_job_stops(cloud):
    id = running(cloud)
    cloud_seconds(cloud, 200)
    before = preview(cloud, id)
    cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    cloud_seconds(cloud, 600)
    added = preview(cloud, id).removeprefix(before)
    assert "exit with 137" in added and "epoch" not in added


def test_the_log_lists_an_epoch_a_line(cloud):
    text = preview(cloud, completed(cloud, algorithm__parameters=[{"name": "epochs", "value": "5"}]))
    assert [f"epoch {number}/5" in text for number in range(1, 7)] == [True] * 5 + [False]


def test_the_log_shows_the_command_with_its_parameters(cloud):
    assert "resnet/train.py --lr=0.1" in preview(cloud, running(cloud))


def test_sizes_are_counted_in_bytes(cloud):
    reply = cloud.get(f"{JOBS}/{running(cloud)}/tasks/worker-0/logs/preview").json
    assert reply["current_size"] == reply["full_size"] == len(reply["content"].encode())


def test_the_live_log_shows_the_newest_lines_first(cloud):
    id = completed(cloud)
    lines = preview(cloud, id).splitlines()
    newest = aom(cloud, id, "?lines=3")
    assert newest["content"].splitlines() == lines[:-4:-1]
    assert (newest["start_line"], newest["end_line"], newest["lines"]) == (
        str(len(lines) - 2),
        str(len(lines)),
        3,
    )


def test_the_live_log_can_be_read_from_the_start(cloud):
    id = completed(cloud)
    lines = preview(cloud, id).splitlines()
    assert aom(cloud, id, "?lines=500&order=asc")["content"].splitlines() == lines


def test_the_live_log_can_be_paged_through(cloud):
    id = completed(cloud)
    lines, read, line = preview(cloud, id).splitlines(), [], 1
    while line <= len(lines):
        page = aom(cloud, id, f"?lines=4&order=asc&base_line={line}")
        read += page["content"].splitlines()
        line = int(page["end_line"]) + 1
    assert read == lines


@pytest.mark.parametrize("base_line", ["0", "99999", "first", "-1"])
def test_a_line_that_the_log_does_not_have_is_refused(cloud, base_line):
    reply = cloud.get(f"{JOBS}/{running(cloud)}/logs/worker-0?base_line={base_line}")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2788")


def test_a_job_that_has_not_run_has_no_live_log(cloud):
    reply = cloud.get(f"{JOBS}/{create(cloud)}/logs/worker-0")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2818")


def test_each_worker_has_a_log_of_its_own(cloud):
    id = running(cloud, spec__resource__node_count=2)
    assert "worker-1" in preview(cloud, id, "worker-1") and "worker-1" not in preview(cloud, id)


def log_with(cloud, **values) -> list[str]:
    """The log of a job over 640 rows that is started with these parameters."""
    cloud.world.obs.create_bucket("rows")
    cloud.world.obs.write("rows", "set/train.json", json.dumps([{"x": 1}] * 640).encode())
    algorithm = {
        "engine": {"image_url": "group/trainer:1"},
        "command": "sh train.sh",
        "inputs": [{"name": "data", "remote": {"obs": {"obs_url": "/rows/set/"}}}],
        "parameters": [{"name": name, "value": value} for name, value in values.items()],
    }
    name = f"job-with-{len(values.get('lr', ''))}"
    return preview(cloud, completed(cloud, metadata__name=name, algorithm=algorithm)).splitlines()


def test_the_log_of_a_plain_job_counts_the_samples_of_its_input(cloud):
    assert "loaded 640 training samples" in log_with(cloud)


def test_a_rate_of_ten_diverges_and_a_sensible_one_does_not(cloud):
    def best(**values):
        (line,) = [line for line in log_with(cloud, **values) if line.startswith("best accuracy=")]
        return float(line.rpartition("=")[2])

    assert best(lr="10") < 0.3 < 0.6 < best(lr="0.001")


def test_the_emulator_shows_the_log_of_a_job_by_id_and_by_name(cloud):
    id = running(cloud)
    shown = cloud.get(f"/_emulator/logs/{id}").json
    (log,) = shown["logs"]
    assert shown == cloud.get("/_emulator/logs/resnet").json
    assert (shown["job"], shown["over"], log["task"]) == (id, False, "worker-0")
    assert log["output"] == preview(cloud, id) and log["written"] == len(log["output"].encode())
    row = {"world": cloud.world.tag, "job": id, "name": "resnet"}
    assert cloud.get("/_emulator/logs").json == {"deployed": [], "jobs": [row]}


def test_each_trial_of_a_search_has_a_log_of_its_own(cloud):
    id = completed(cloud, algorithm__policies=searching())
    cloud.clock.advance("20h")
    logs = cloud.get(f"/_emulator/logs/{id}").json["logs"]
    task, *trials = logs
    lines = sorted(line for log in logs for line in log["output"].splitlines())
    assert lines == sorted(preview(cloud, id).splitlines())
    assert len(trials) == 4 and all(log["trial"] not in task["output"] for log in trials)
    assert cloud.get(f"/_emulator/logs/{trials[2]['trial']}").json["logs"] == [trials[2]]


def test_following_a_job_ends_with_it(cloud, capsys, monkeypatch):
    id = running(cloud)
    monkeypatch.setattr("modelarts_emulator.real_time.pause", lambda _: cloud_seconds(cloud, 300))
    world = ["--url", cloud.endpoint, "--world", cloud.world.tag]
    assert main(["logs", id, "--follow", *world]) == 0
    assert capsys.readouterr().out == preview(cloud, id)
    assert main(["logs", *world]) == 0
    assert capsys.readouterr().out == f"{id}  resnet\n"


def test_the_command_line_says_whose_each_line_of_a_search_is(cloud, capsys):
    id = completed(cloud, algorithm__policies=searching())
    cloud.clock.advance("20h")
    logs = cloud.get(f"/_emulator/logs/{id}").json["logs"]
    assert main(["logs", id, "--url", cloud.endpoint, "--world", cloud.world.tag]) == 0
    rows = [(log.get("task") or log["trial"], line) for log in logs for line in log["output"].splitlines()]
    assert capsys.readouterr().out.splitlines() == [f"[{whose}] {line}" for whose, line in rows]
