"""State directories: those of an older format are carried over, and what a disk refuses is nowhere."""

import errno
import os
import shutil
from pathlib import Path

import orjson
import pytest
from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.cloud import Cloud
from modelarts_emulator.worlds.journal import FORMAT, StateRefused, StateUnwritten

from tests.conftest import CONFIG, CONFIGS, JOB

JOBS = "/v2/{project_id}/training-jobs"
SEARCHES = "/v2/{project_id}/training-job-searches"
HERE = Path(__file__).parent


@pytest.fixture(params=range(1, FORMAT))
def old(request, tmp_path) -> Path:
    """A directory as an older format left it: jobs that run and wait, a search with trials, a deployed service."""
    return shutil.copytree(HERE / f"state_of_format_{request.param}", tmp_path / "state")


def phases(cloud) -> dict[str, str]:
    """{name: phase} of all training jobs."""
    rows = cloud.post(SEARCHES, {"limit": 50}).json["items"]
    return {row["metadata"]["name"]: row["status"]["phase"] for row in rows}


def test_a_state_of_an_older_format_is_carried_over_and_works_on(old):
    with Emulator(state=str(old), check_answers=True, inference="simulated") as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        before = phases(cloud)
        assert [before[f"job-{number}"] for number in range(6)] == ["Running"] * 4 + ["Pending"] * 2
        assert (before["search"], before["young"]) == ("Running", "Creating")
        cloud.clock.advance("12h")
        after = phases(cloud)
        assert set(after.values()) == {"Completed"} and after.keys() == before.keys()
        (service,) = cloud.get("/v1/{project_id}/services").json["services"]
        assert cloud.post(f"/v1/infers/{service['service_id']}", {"data": {}}).status == 200
        assert cloud.get(CONFIGS).json["config_total_count"] == 1
        assert emulator.application.broken == []
    assert orjson.loads((old / "records.jsonl").read_bytes().splitlines()[0])["format"] == FORMAT
    with Emulator(state=str(old), inference="simulated") as emulator:
        assert phases(Cloud(emulator, emulator.application.worlds.default)) == after


def test_what_a_carried_over_area_held_is_given_back_by_its_reset(old):
    with Emulator(state=str(old), inference="simulated") as emulator:
        world = emulator.application.worlds.default
        world.reset("modelarts/training")
        world.reset("modelarts/services")
        left = [name for name in world.store.names() if name.startswith("emulator/")]
        assert left == ["emulator/world"]


def test_a_state_of_a_newer_format_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_bytes(orjson.dumps({"format": FORMAT + 1, "what": "records of a ModelArts emulator"}) + b"\n")
    before = path.read_bytes()
    with pytest.raises(StateRefused, match="use a newer emulator"), Emulator(state=str(tmp_path)):
        pass
    assert path.read_bytes() == before


@pytest.fixture
def full(tmp_path, monkeypatch):
    """A function that fills the disk of an emulator with a state, or makes room again."""
    write = os.write

    def refuse(file: int, content: bytes) -> int:
        if content[9:17] == b'{"world"':
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, content)

    def fill(is_full: bool) -> None:
        monkeypatch.setattr("modelarts_emulator.worlds.journal.os.write", refuse if is_full else write)

    return fill


def test_what_a_full_disk_refuses_is_nowhere_and_reads_go_on(tmp_path, full):
    with Emulator(state=str(tmp_path), check_answers=True) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.clock.freeze()
        assert cloud.post(CONFIGS, {"config_name": "before", **CONFIG}).status == 200
        job = cloud.post(JOBS, JOB).json["metadata"]["id"]
        full(True)
        refused = cloud.post(CONFIGS, {"config_name": "refused", **CONFIG})
        assert refused.status == 507
        assert f"{tmp_path} cannot be written: No space left on device" in refused.text
        assert "bytes are free there" in refused.text
        made = cloud.post("/_emulator/worlds", {}, auth=False)
        assert (made.status, made.json["error_code"]) == (507, "Emulator.StateUnwritten")
        assert len(emulator.application.worlds) == 1
        assert cloud.post("/_emulator/reset", {}, auth=False).status == 507
        cloud.world.clock.advance(3600)
        assert cloud.get(f"{JOBS}/{job}").status == 200
        assert "No space left" in cloud.get("/_emulator/ready", auth=False).json["degraded"]
        full(False)
        assert cloud.post(CONFIGS, {"config_name": "after", **CONFIG}).status == 200
        assert cloud.get("/_emulator/ready", auth=False).json == {"ready": True}
        assert emulator.application.broken == []
    with Emulator(state=str(tmp_path)) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        names = {row["config_name"] for row in cloud.get(CONFIGS).json["configs"]}
        assert names == {"before", "after"}
        assert len(emulator.application.worlds) == 1


def test_a_damaged_journal_of_objects_is_told_at_the_start(tmp_path):
    with Emulator(state=str(tmp_path)) as emulator:
        obs = emulator.application.worlds.default.obs
        obs.create_bucket("data")
        obs.write("data", "a", b"x" * 100)
        obs.write("data", "b", b"y" * 100)
    (path,) = (tmp_path / "objects").glob("*.journal")
    path.write_bytes(path.read_bytes().replace(b"x" * 100, b"z" * 100))
    with pytest.raises(StateRefused, match="is damaged at byte"), Emulator(state=str(tmp_path)):
        pass


def test_an_object_that_a_full_disk_refuses_refuses_the_operation_that_writes_it(tmp_path, monkeypatch):
    with Emulator(state=str(tmp_path)) as emulator:
        obs = emulator.application.worlds.default.obs
        obs.create_bucket("data")
        monkeypatch.setattr(
            "os.pwrite", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left"))
        )
        with pytest.raises(StateUnwritten, match="bytes are free there"):
            obs.write("data", "a", b"1")
        assert "No space left" in emulator.application.degraded()["degraded"]
        assert not obs.exists("data", "a")


def test_a_reset_that_a_full_disk_refuses_leaves_the_keys_of_the_world(tmp_path, full):
    with Emulator(state=str(tmp_path)) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.post(CONFIGS, {"config_name": "before", **CONFIG})
        full(True)
        assert cloud.post("/_emulator/reset", {}, auth=False).status == 507
        assert cloud.get(CONFIGS).json["config_total_count"] == 1
        full(False)
        assert cloud.post("/_emulator/reset", {}, auth=False).status == 200
        assert cloud.get(CONFIGS).json["config_total_count"] == 0


@pytest.mark.parametrize("move", [("advance", {"by": "1h"}), ("freeze", {}), ("run", {"speed": 7})])
def test_a_clock_that_a_full_disk_keeps_from_moving_has_not_moved(tmp_path, full, move):
    with Emulator(state=str(tmp_path)) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        if move[0] != "freeze":
            cloud.clock.freeze()
        before = cloud.world.clock.setting()
        full(True)
        assert cloud.post(f"/_emulator/clock/{move[0]}", move[1], auth=False).status == 507
        assert cloud.world.clock.setting() == before
        full(False)
        assert cloud.post(f"/_emulator/clock/{move[0]}", move[1], auth=False).status == 200


def test_a_clock_that_is_driven_while_the_disk_is_full_stays_where_it_was(tmp_path, full):
    with Emulator(state=str(tmp_path)) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.clock.freeze()
        job = cloud.post(JOBS, JOB).json["metadata"]["id"]
        before = cloud.world.clock.setting()
        full(True)
        until = {
            "operation": "ShowTrainingJobDetails",
            "path": {"training_job_id": job},
            "field": "status.phase",
        }
        refused = cloud.post("/_emulator/clock/until", {**until, "equals": "Completed"}, auth=False)
        assert (refused.status, cloud.world.clock.setting()) == (507, before)


@pytest.fixture
def cloud_with_data(tmp_path):
    """A cloud with a state and a bucket that holds one object."""
    with Emulator(state=str(tmp_path)) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.world.obs.create_bucket("data")
        cloud.world.obs.write("data", "old", b"as it was")
        yield cloud


def write_objects_and_a_record(world) -> None:
    """What a behaviour does that writes both."""
    with world.transaction():
        world.obs.create_bucket("other")
        world.obs.write("other", "new", b"x")
        world.obs.write("data", "old", b"overwritten")
        world.obs.write("data", "new", b"y" * (2 << 20))
        world.obs.delete("data", "old")
        world.store.table("modelarts/x/y").put("1", {"id": "1"})


def test_objects_of_a_request_whose_record_is_refused_are_as_they_were(cloud_with_data, full, tmp_path):
    world = cloud_with_data.world
    journal = next((tmp_path / "objects").glob("*.journal"))
    before = journal.read_bytes()
    full(True)
    with pytest.raises(StateUnwritten):
        write_objects_and_a_record(world)
    assert (world.obs.read("data", "old"), world.obs.keys("data")) == (b"as it was", ["old"])
    assert not world.obs.exists("other")
    assert journal.read_bytes() == before
    full(False)
    write_objects_and_a_record(world)
    assert (world.obs.keys("data"), world.obs.keys("other")) == (["new"], ["new"])


def test_objects_of_a_behaviour_that_refuses_after_writing_them_are_as_they_were(cloud_with_data):
    world = cloud_with_data.world
    with pytest.raises(KeyError), world.transaction():
        world.obs.write("data", "old", b"overwritten")
        world.obs.write("nowhere", "x", b"")
    assert world.obs.read("data", "old") == b"as it was"
    assert world.obs._world.storage.lock.depth == 0
