"""A world that is busy, or whose objects are being loaded, keeps nobody from another one."""

from concurrent.futures import ThreadPoolExecutor
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
def held(lock):
    """Somebody holds the lock meanwhile."""
    taken, over = Event(), Event()

    def hold() -> None:
        with lock:
            taken.set()
            over.wait(30)

    holder = Thread(target=hold)
    holder.start()
    taken.wait(30)
    try:
        yield
    finally:
        over.set()
        holder.join()


@contextmanager
def busy(lock):
    """Somebody holds the lock meanwhile, and whoever would wait for it gets NeedsThread."""
    with held(lock):
        MANNER.hurries = True
        try:
            yield
        finally:
            MANNER.hurries = False


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


def test_objects_that_somebody_holds_are_waited_for_by_threads_alone(cloud, modelarts_emulator):
    client, text = cloud.obs(), "kept" * 100
    client.createBucket("held")
    client.putContent("held", "there", "before")
    objects = modelarts_emulator.application.obs.worlds.of(cloud.world.tag)
    with ThreadPoolExecutor(2) as pool:
        with held(objects.storage.lock):
            put = pool.submit(client.putContent, "held", "new", text)
            got = pool.submit(client.getObject, "held", "there", loadStreamInMemory=True)
            # The loop, which has them too, goes on.
            assert cloud.get("/v1/{project_id}/workspaces").status == 200
            assert not put.done() and not got.done()
        assert (put.result().status, got.result().body.buffer) == (200, b"before")
    assert client.getObject("held", "new", loadStreamInMemory=True).body.buffer == text.encode()


@pytest.mark.parametrize(
    ("method", "path", "headers", "is_quick"),
    [
        ("GET", "/bucket/key", {}, True),
        ("GET", "/bucket/", {}, False),
        ("GET", "/bucket", {}, False),
        ("POST", "/bucket/key", {}, False),
        ("PUT", "/bucket/key", {"CONTENT_LENGTH": "10"}, True),
        ("PUT", "/bucket/key", {"CONTENT_LENGTH": str(1 << 20)}, False),
        ("PUT", "/bucket/key", {"HTTP_TRANSFER_ENCODING": "chunked"}, False),
        ("PUT", "/bucket/key", {"CONTENT_LENGTH": "0", "HTTP_X_OBS_COPY_SOURCE": "/bucket/large"}, False),
    ],
)
def test_what_may_take_long_in_obs_is_left_to_threads(
    cloud, modelarts_emulator, method, path, headers, is_quick
):
    cloud.obs().listBuckets()
    obs = modelarts_emulator.application.obs
    assert obs.is_quick({"REQUEST_METHOD": method, **headers}, "127.0.0.1:9000", path) is is_quick
    in_host = "/" + path[1:].partition("/")[2]
    assert obs.is_quick({"REQUEST_METHOD": method, **headers}, "bucket.obs.local", in_host) is is_quick


def test_who_reads_large_objects_slowly_takes_no_threads_of_other_streams(
    cloud, modelarts_emulator, monkeypatch
):
    client, threads = cloud.obs(), modelarts_emulator.server.threads
    client.createBucket("films")
    client.putContent("films", "film", "x" * (2 << 20))
    kinds, submit = [], threads.submit
    monkeypatch.setattr(threads, "submit", lambda kind, job: kinds.append(kind) or submit(kind, job))
    assert len(client.getObject("films", "film", loadStreamInMemory=True).body.buffer) == 2 << 20
    assert kinds == ["obs"]
