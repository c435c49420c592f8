"""A world that is busy, or whose objects are being loaded, keeps nobody from another one."""

from contextlib import contextmanager
from threading import Event, Thread

import pytest
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.identity.credentials import PREDICTION, proof_of_key
from modelarts_emulator.identity.records import API_KEYS, own_api_key
from modelarts_emulator.obs.application import Obs
from modelarts_emulator.obs.worlds import ObsWorld, ObsWorlds
from modelarts_emulator.running import Emulator
from modelarts_emulator.serving.gateway import find_addressed
from modelarts_emulator.testing.cloud import Cloud
from modelarts_emulator.waiting import MANNER


@contextmanager
def busy(lock):
    """Somebody holds the lock meanwhile, and whoever would wait for it gets NeedsThread."""
    taken, over = Event(), Event()

    def hold() -> None:
        with lock:
            taken.set()
            over.wait(30)

    holder = Thread(target=hold)
    holder.start()
    taken.wait(30)
    MANNER.hurries = True
    try:
        yield
    finally:
        MANNER.hurries = False
        over.set()
        holder.join()


def test_an_api_key_is_found_while_another_world_is_busy(cloud, modelarts_emulator):
    application = modelarts_emulator.application
    with busy(application.worlds.default.lock):
        proof = proof_of_key(application, API_KEYS, own_api_key(cloud.world), PREDICTION)
        with pytest.raises(ApiError):
            proof_of_key(application, API_KEYS, "unknown", PREDICTION)
    assert proof.world is cloud.world


def test_an_address_is_looked_for_while_another_world_is_busy(cloud, modelarts_emulator):
    worlds = modelarts_emulator.application.worlds
    with busy(worlds.default.lock), pytest.raises(ApiError, match="does not exist"):
        find_addressed(worlds, "no-such-service", "/")


@pytest.fixture
def noted(monkeypatch):
    """An emulator whose OBS is not loaded, and a list of whether the lock of the world was held as it was."""
    found = []
    with Emulator(check_answers=True) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        worlds = Obs.worlds.fget

        def load(obs):
            if not obs.is_loaded:
                found.append(cloud.world.lock.depth > 0)
            return worlds(obs)

        monkeypatch.setattr(Obs, "worlds", property(load))
        yield cloud, found


def test_a_behaviour_that_computes_loads_obs_without_the_lock_of_its_world(noted):
    cloud, found = noted
    headers = {"Authorization": f"Bearer {own_api_key(cloud.world)}"}
    asked = {"model": "Wan2.2-T2V-A14B", "input": {"prompt": "tea"}}
    assert cloud.post("/v1/video/generations", asked, headers=headers).status == 200
    assert found == [False]


def test_the_control_api_loads_obs_without_the_lock_of_a_world(noted):
    cloud, found = noted

    def console(environ, start_response):
        with cloud.world.transaction():
            cloud.world.obs.create_bucket(environ["wsgi.input"].read().decode().strip('"'))
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    cloud.emulator.application.__dict__["control"] = console
    assert cloud.post("/_emulator/reset", "bucket", auth=False).status == 200
    assert found == [False]


def test_a_world_whose_objects_are_being_loaded_keeps_nobody_from_another(tmp_path, monkeypatch):
    begun, over = Event(), Event()

    class Slow(ObsWorld):
        def __init__(self, tag, *rest):
            if tag == "SLOW":
                begun.set()
                over.wait(30)
            super().__init__(tag, *rest)

    monkeypatch.setattr("modelarts_emulator.obs.worlds.ObsWorld", Slow)
    worlds = ObsWorlds("r", tmp_path)
    loader = Thread(target=worlds.of, args=("SLOW",))
    loader.start()
    begun.wait(30)
    assert worlds.of("QUICK").storage.buckets == {}
    assert worlds.trouble is None
    assert loader.is_alive()
    over.set()
    loader.join()
