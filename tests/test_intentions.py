"""A kill in the middle of what changes records and objects together leaves both as before, or both as after it."""

import shutil

import pytest
from modelarts_emulator.intentions import ENDING
from modelarts_emulator.obs.worlds import ObsWorld
from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.cloud import Cloud
from modelarts_emulator.worlds.journal import StateUnwritten
from modelarts_emulator.worlds.store import Store

from tests.conftest import CONFIG, CONFIGS


def add(cloud, name: str):
    """Store a configuration and an object of that name; the answer for the configuration."""
    cloud.world.obs.write("files", name, name.encode())
    return cloud.post(CONFIGS, {"config_name": name, **CONFIG}).raise_for_status()


def what_is_there(cloud) -> tuple[list[str], list[str]]:
    """The names of the configurations and of the objects."""
    obs = cloud.world.obs
    keys = list(obs.keys("files")) if "files" in obs.buckets() else []
    return sorted(each["config_name"] for each in cloud.get(CONFIGS).json["configs"]), sorted(keys)


def rewind(cloud) -> None:
    """Back to before the second change."""
    cloud.rewind(before=cloud.journal.exchanges("CreateTrainingJobConfig")[1]["number"])


def load(cloud) -> None:
    """Put back the snapshot of the first change."""
    cloud.post("/_emulator/snapshots/first/load").raise_for_status()


def reset(cloud) -> None:
    """Forget all."""
    cloud.post("/_emulator/reset", {"world": cloud.world.tag}).raise_for_status()


def remove(cloud) -> None:
    """Remove the world."""
    cloud.delete(f"/_emulator/worlds/{cloud.world.tag}").raise_for_status()


# A rewind goes to before the configuration, which is written after the object.
AFTER = {rewind: (["a"], ["a", "b"]), load: (["a"], ["a"]), reset: ([], []), remove: ([], [])}


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """The folders that a state is copied to before and after each step that changes it; a list that grows."""
    taken = []

    def watched(function):
        def wrapper(*arguments, **keywords):
            take_picture()
            try:
                return function(*arguments, **keywords)
            finally:
                take_picture()

        return wrapper

    def take_picture():
        if any((tmp_path / "state").glob(f"*{ENDING}")):
            taken.append(shutil.copytree(tmp_path / "state", tmp_path / str(len(taken))))

    for kind, name in (
        (Store, "commit"),
        (ObsWorld, "take_back"),
        (ObsWorld, "forget"),
        (ObsWorld, "commit"),
    ):
        monkeypatch.setattr(kind, name, watched(getattr(kind, name)))
    return taken


@pytest.mark.parametrize("change", AFTER)
def test_a_kill_at_any_step_leaves_records_and_objects_together(tmp_path, pictures, change):
    with Emulator(state=str(tmp_path / "state"), history=8) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.create())
        cloud.clock.freeze()
        cloud.world.obs.create_bucket("files")
        add(cloud, "a")
        cloud.post("/_emulator/snapshots", {"name": "first"}).raise_for_status()
        add(cloud, "b")
        before = what_is_there(cloud)
        cloud.world.obs.write("files", "c", b"c")
        change(cloud)
        tag = cloud.world.tag
    assert len(pictures) > 3 and not list((tmp_path / "state").glob(f"*{ENDING}"))
    seen = [state_after_start(path, tag) for path in pictures]
    assert (before[0], [*before[1], "c"]) == (["a", "b"], ["a", "b", "c"])
    assert set(map(str, seen)) <= {str((before[0], [*before[1], "c"])), str(AFTER[change])}
    assert seen[-1] == AFTER[change]


def fork(cloud) -> None:
    """Begin a world that is what this one is."""
    cloud.post(f"/_emulator/worlds/{cloud.world.tag}/fork").raise_for_status()


def branch(cloud) -> None:
    """Begin a world that is what this one was before the second change."""
    before = cloud.journal.exchanges("CreateTrainingJobConfig")[1]["number"]
    cloud.post("/_emulator/branch", {"before": before}).raise_for_status()


@pytest.mark.parametrize("begin", [fork, branch])
def test_a_kill_while_a_world_begins_as_another_leaves_nothing_of_it(tmp_path, pictures, begin):
    with Emulator(state=str(tmp_path / "state"), history=8) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.create())
        cloud.world.obs.create_bucket("files")
        add(cloud, "a")
        add(cloud, "b")
        begin(cloud)
        there, made = what_is_there(cloud), {world.tag for world in emulator.application.worlds}
    assert len(pictures) > 3 and not list((tmp_path / "state").glob(f"*{ENDING}")) and len(made) == 3
    for path in pictures:
        with Emulator(state=str(path)) as emulator:
            worlds = emulator.application.worlds
            assert len(worlds) == 2 and not list(path.glob(f"*{ENDING}"))
            assert what_is_there(Cloud(emulator, worlds.by_tag(cloud.world.tag))) == there
            again = worlds.create()
            assert again.tag in made and what_is_there(Cloud(emulator, again)) == ([], [])


@pytest.mark.parametrize("begin", [fork, branch])
def test_a_world_that_cannot_become_another_is_not_there(tmp_path, monkeypatch, begin):
    def refuse(*_):
        raise StateUnwritten("no space left")

    with Emulator(state=str(tmp_path / "state"), history=8) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.create())
        cloud.world.obs.create_bucket("files")
        add(cloud, "a")
        add(cloud, "b")
        with monkeypatch.context() as patched:
            patched.setattr("modelarts_emulator.travel.put_back", refuse)
            with pytest.raises(AssertionError, match="507.*no space left"):
                begin(cloud)
        assert len(emulator.application.worlds) == 2


def state_after_start(path, tag: str) -> tuple[list[str], list[str]]:
    """What an emulator has that begins with the folder as a kill left it."""
    with Emulator(state=str(path)) as emulator:
        worlds = emulator.application.worlds
        found = worlds.by_tag(tag)
        assert not list(path.glob(f"*{ENDING}"))
        if found is None:
            # The number, and with it the tag, is given out again.
            found = worlds.create()
            assert found.tag == tag
        return what_is_there(Cloud(emulator, found))
