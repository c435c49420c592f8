"""Versions whose code is there: it runs as v1 starts it, with places in OBS for arguments."""

from textwrap import dedent

from tests.behaviours.modelarts.training_v1.conftest import create, started, status

SCRIPT = """
    import argparse, os
    import moxing as mox
    parser = argparse.ArgumentParser()
    parser.add_argument("--data_url")
    parser.add_argument("--train_url")
    parser.add_argument("--lr", type=float)
    asked = parser.parse_args()
    print("found", mox.file.list_directory(asked.data_url), asked.lr, os.environ["DLS_TASK_NUMBER"])
    mox.file.write(os.path.join(asked.train_url, "model.txt"), "trained")
    print(open("/home/work/user-job-dir/app/boot.py").readline().strip())
    """


def bucket_with(cloud, script: str) -> None:
    """The bucket that the usual configuration names, with that script."""
    cloud.world.obs.create_bucket("usr")
    for key, text in (("app/boot.py", dedent(script).strip()), ("data/images.bin", "x")):
        cloud.world.obs.write("usr", key, text.encode())


def log(cloud, version: str) -> str:
    """What the first node has printed."""
    return cloud.get(f"{version}/log?log_file=job-job.0").json["log"]


def test_a_script_of_v1_reads_and_writes_obs_itself(cloud):
    bucket_with(cloud, SCRIPT)
    version = started(cloud, parameter=[{"label": "lr", "value": "0.5"}])
    cloud.clock.advance("1h")
    assert status(cloud, version) == 10, log(cloud, version)
    assert "found ['images.bin'] 0.5 1\nimport argparse, os\n" in log(cloud, version)
    assert cloud.world.obs.keys("usr", "train/") == ["train/V0001/model.txt"]


def test_a_script_of_v1_that_fails_fails_its_version(cloud):
    bucket_with(cloud, "raise SystemExit(3)")
    version = started(cloud)
    cloud.clock.advance("1h")
    assert status(cloud, version) == 11
    assert "Training failed: the script exited with 3." in log(cloud, version)


def test_a_version_without_code_says_first_that_it_is_simulated(cloud):
    cloud.world.obs.create_bucket("usr")
    cloud.world.obs.write("usr", "data/images.bin", b"x")
    version = started(cloud)
    cloud.clock.advance("1h")
    words = "the script is simulated: code directory /usr/app/ holds no objects"
    assert log(cloud, version).splitlines()[0].endswith(words)


def test_a_mode_of_v1_that_means_nothing_is_refused(cloud):
    reply = create(cloud, parameter=[{"label": "EMULATOR_TRAINING", "value": "perhaps"}])
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.0104")
