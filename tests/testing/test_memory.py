"""What many emulators of one process leave behind when they have ended: nothing."""

import gc
import weakref

from modelarts_emulator.running import Emulator
from modelarts_emulator.testing import idle
from modelarts_emulator.testing.cloud import Cloud

from tests.conftest import JOB


def used(emulator: Emulator) -> weakref.ref:
    """What the emulator holds, once operations, OBS and the control API have been asked."""
    cloud = Cloud(emulator, emulator.application.worlds.default)
    assert cloud.post("/v2/{project_id}/training-jobs", JOB).status == 201
    assert cloud.get("/v1/{project_id}/notebooks").status == 200
    assert cloud.get("/_emulator/clock").status == 200
    cloud.world.obs.create_bucket("data")
    return weakref.ref(emulator.application)


def test_an_emulator_that_has_ended_is_let_go():
    ended = []
    for seed in range(3):
        with Emulator(seed=seed) as emulator:
            ended.append(used(emulator))
        del emulator
    gc.collect()
    assert [each() for each in ended] == [None] * 3


def test_emulators_of_one_process_share_what_is_documented():
    assert Emulator().application.operations is Emulator().application.operations


def test_of_the_emulators_that_nobody_uses_the_last_few_are_kept(monkeypatch):
    monkeypatch.setattr(idle, "MOST_IDLE", 2)
    lender, seen = idle.Idle(), []
    for seed in (1, 2, 3, 1, 3):
        with lender.lent(seed=seed) as emulator:
            seen.append(emulator)
    assert seen[3] is not seen[0] and seen[4] is seen[2]
    kept = weakref.ref(seen[1].application)
    del seen, emulator
    gc.collect()
    assert kept() is None
    lender._end(lender._process)
