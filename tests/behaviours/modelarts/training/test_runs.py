"""Jobs whose script is there: it runs, and the job ends as the script does."""

import pytest
from modelarts_emulator import driving_time
from modelarts_emulator.cli import main

from tests.behaviours.modelarts.training.conftest import (
    CODE,
    JOBS,
    changed,
    create,
    job_with,
    messages,
    phase,
    preview,
    show,
)

OUTPUT = {"name": "train_url", "remote": {"obs": {"obs_url": f"/{CODE}/out/"}}}
INPUT = {"name": "data_url", "remote": {"obs": {"obs_url": f"/{CODE}/data/"}}}


def ended(cloud, script: str | None, **changes) -> dict:
    """The job at its end."""
    id = job_with(cloud, script, **changes)
    cloud.clock.advance("1h")
    return show(cloud, id)


@pytest.mark.parametrize(
    ("script", "code", "line"),
    [
        ("print('hello')\nraise SystemExit(3)", 3, "hello"),
        ("print('hello'", 1, "SyntaxError: '(' was never closed"),
        (None, 127, "/resnet/train.py: No such file or directory"),
    ],
    ids=["exits with 3", "syntax error", "no such file"],
)
def test_a_script_that_fails_fails_its_job_with_its_own_words(cloud, script, code, line):
    job = ended(cloud, script)
    log = preview(cloud, job["metadata"]["id"])
    assert job["status"]["phase"] == "Failed"
    assert job["status"]["running_records"][-1]["end_reason"] == f"exit with {code}"
    assert [each["exit_code"] for each in job["status"]["task_statuses"]] == [code]
    assert line in log and log.endswith(f"exit with {code}\n")


def test_a_script_reads_its_data_and_leaves_its_outputs(cloud):
    cloud.world.obs.create_bucket(CODE)
    cloud.world.obs.write(CODE, "data/a.csv", b"1,2")
    script = """
        import argparse, pathlib
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float)
        for name in ("data_url", "train_url"):
            parser.add_argument(f"--{name}", type=pathlib.Path)
        asked, _ = parser.parse_known_args()
        (asked.train_url / "model").mkdir()
        (asked.train_url / "model/weights").write_text((asked.data_url / "a.csv").read_text())
        print("lr", asked.lr)
        """
    job = ended(cloud, script, algorithm__inputs=[INPUT], algorithm__outputs=[OUTPUT])
    id = job["metadata"]["id"]
    assert job["status"]["phase"] == "Completed", preview(cloud, id)
    assert cloud.world.obs.read(CODE, "out/model/weights") == b"1,2"
    assert cloud.world.obs.keys(CODE, "out/") == ["out/model/weights"]
    assert "\nlr 0.1\n" in preview(cloud, id)
    assert "[worker-0] Training finished. Exit code 0." in messages(cloud, id)


def test_a_running_script_is_asked_to_end_and_what_it_leaves_is_kept(cloud):
    script = """
        import signal, sys, time
        def leave(*_):
            open(sys.argv[-1].partition("=")[2] + "last", "w").write("kept")
            sys.exit(9)
        signal.signal(signal.SIGTERM, leave)
        print("ready", flush=True)
        time.sleep(60)
        """
    id = job_with(cloud, script, algorithm__outputs=[OUTPUT])
    cloud.clock.until(lambda: phase(cloud, id) == "Running")
    while "ready" not in preview(cloud, id):
        pass
    reply = cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    assert reply.json["status"]["phase"] == "Terminating"
    cloud.clock.advance("1h")
    job = show(cloud, id)
    assert (job["status"]["phase"], job["status"]["task_statuses"][0]["exit_code"]) == ("Terminated", 9)
    assert cloud.world.obs.read(CODE, "out/last") == b"kept"


def test_a_script_that_fails_is_started_again_as_often_as_the_job_says(cloud):
    script = (
        "import os\nprint('lock', os.path.exists('/tmp/lock'))\nopen('/tmp/lock', 'w')\nraise SystemExit(4)"
    )
    job = ended(cloud, script, metadata__annotations={"fault-tolerance/job-retry-num": "1"})
    records = job["status"]["running_records"]
    assert [each["end_reason"] for each in records] == ["exit with 4", "exit with 4"]
    assert preview(cloud, job["metadata"]["id"]).count("lock False") == 2


def test_a_command_is_read_by_a_shell_and_gets_the_arguments_at_its_end(cloud):
    algorithm = {
        "code_dir": f"/{CODE}/resnet/",
        "command": "cd ${MA_JOB_DIR}/resnet && echo $PWD && python train.py",
        "engine": {"image_url": "org/image:1"},
        "parameters": [{"name": "lr", "value": "0.1"}],
        "environments": {"GREETING": "hi"},
    }
    script = "import os, sys\nprint(os.environ['GREETING'], sys.argv[1:])"
    job = ended(cloud, script, algorithm=algorithm, algorithm__engine=algorithm["engine"])
    log = preview(cloud, job["metadata"]["id"])
    assert job["status"]["phase"] == "Completed", log
    assert "user-job-dir/resnet\nhi ['--lr=0.1']\n" in log


def test_a_fine_tuning_job_with_code_runs_it_and_says_where_the_model_goes(cloud):
    script = "import os\nprint(os.environ['OBS_MODEL_OUTPUT'])"
    job = ended(cloud, script, ftjob_config={"train_output_path": f"/{CODE}/model/"})
    id = job["metadata"]["id"]
    assert job["status"]["phase"] == "Completed"
    assert f"\nobs://{CODE}/model/\n" in preview(cloud, id)
    metrics = cloud.get(f"{JOBS}/{id}/metrics/worker-0").json["metrics"]
    names = ["cpuUsage", "memUsage", "gpuUtil", "gpuMemUsage", "npuUtil", "npuMemUsage"]
    assert metrics == [{"metric": name, "value": []} for name in names]


def test_a_clock_that_runs_ends_a_job_when_its_script_ends(cloud):
    id = job_with(cloud, "import time\ntime.sleep(0.3)")
    cloud.clock.until(lambda: phase(cloud, id) == "Running")
    cloud.clock.run(10)
    cloud.world.settle()
    while phase(cloud, id) == "Running":
        pass
    assert phase(cloud, id) == "Completed"
    assert show(cloud, id)["status"]["duration"] >= 3000


def test_a_simulated_job_says_first_that_it_is_and_why(cloud):
    id = create(cloud)
    cloud.clock.advance("1h")
    first = preview(cloud, id).splitlines()[0]
    assert first.endswith("the script is simulated: code directory /training-code/resnet/ holds no objects")


def test_a_command_without_code_runs_where_it_has_to(cloud):
    image, environments = {"image_url": "org/image:1"}, {"EMULATOR_TRAINING": "run"}
    algorithm = {"command": "echo hello; exit 3", "engine": image, "environments": environments}
    id = create(cloud, algorithm=algorithm)
    cloud.clock.advance("1h")
    assert (phase(cloud, id), "\nhello\n" in preview(cloud, id)) == ("Failed", True)


def test_a_job_that_has_to_run_and_cannot_fails(cloud):
    id = create(cloud, algorithm__environments={"EMULATOR_TRAINING": "run"})
    cloud.clock.advance("1h")
    assert phase(cloud, id) == "Failed"
    assert "The script cannot be run here: code directory" in preview(cloud, id)


def test_nothing_runs_on_when_its_area_is_reset_or_its_job_deleted(cloud):
    ids = [job_with(cloud, "import time\ntime.sleep(60)", metadata__name=name) for name in ("a", "b")]
    cloud.clock.until(lambda: {phase(cloud, id) for id in ids} == {"Running"})
    first, second = (cloud.world.volatile["modelarts/training/runs"].find(id) for id in ids)
    assert cloud.delete(f"{JOBS}/{ids[0]}").status == 202
    assert first.done.wait(30) and second.is_alive
    cloud.world.reset("modelarts/training")
    assert not first.is_alive and not second.is_alive


def test_a_mode_that_means_nothing_is_refused(cloud):
    reply = cloud.post(JOBS, changed(algorithm__environments={"EMULATOR_TRAINING": "perhaps"}))
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2788")


def test_who_moves_the_clock_waits_so_long_and_is_told_what_still_runs(cloud):
    id = job_with(cloud, "import time\ntime.sleep(60)")
    record = f"modelarts/training/training_job/{cloud.project_id}/{id}"
    with pytest.raises(TimeoutError, match=f"still at work in real time: {record}; "):
        cloud.clock.advance("1h", wait=0.05)
    with pytest.raises(TimeoutError, match=record):
        cloud.clock.until(lambda: phase(cloud, id) == "Completed", wait=0.05)
    told = cloud.post("/_emulator/clock/advance", {"by": 0, "wait": "50ms"}).json
    assert (told["waiting_for"], phase(cloud, id)) == ([record], "Running")
    asked = {"operation": "ShowTrainingJobDetails", "path": {"training_job_id": id}, "wait": 0.05}
    asked |= {"field": "status.phase", "equals": "Completed"}
    refused = cloud.post("/_emulator/clock/until", asked)
    assert (refused.status, record in refused.json["error_msg"]) == (400, True)
    cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    assert cloud.post("/_emulator/clock/advance", {"by": "1h"}).json["waiting_for"] == []
    assert phase(cloud, id) == "Terminated"


def test_the_command_that_moves_the_clock_says_what_it_waits_for(cloud, capsys, monkeypatch):
    monkeypatch.setattr(driving_time, "LOOK_SECONDS", 0.01)
    id = job_with(cloud, "import time\ntime.sleep(0.3)")
    moving = ["clock", "advance", "1h", "--world", cloud.world.tag, "--url", cloud.endpoint]
    assert main([*moving, "--wait", "10ms"]) == 1
    assert (
        f"stop what never ends: modelarts/training/training_job/{cloud.project_id}/{id}"
        in capsys.readouterr().err
    )
    assert main(moving) == 0
    assert ("still at work" in capsys.readouterr().err, phase(cloud, id)) == (True, "Completed")
