"""Accounts beside one another: nothing of one is seen in another."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelarts_emulator.worlds.world import due_in, tag_of_number

from tests.conftest import CONFIG, CONFIGS


@pytest.fixture
def other(modelarts_emulator):
    """A second account."""
    from modelarts_emulator.testing.cloud import Cloud

    worlds = modelarts_emulator.application.worlds
    world = worlds.create()
    yield Cloud(modelarts_emulator, world)
    worlds.remove(world)


def test_no_two_worlds_share_a_tag():
    assert len({tag_of_number(number) for number in range(50_000)}) == 50_000


def test_two_accounts_share_no_key_project_or_name(cloud, other):
    names = ("project_id", "domain_id", "domain_name", "access_key", "secret_key", "user_password")
    assert all(cloud.environment[name] != other.environment[name] for name in names)


def test_what_one_account_creates_no_other_sees(cloud, other):
    assert cloud.post(CONFIGS, {"config_name": "mine", **CONFIG}).status == 200
    assert other.get(CONFIGS).json["config_total_count"] == 0
    foreign = other.get(f"/v1/{cloud.project_id}/training-job-configs")
    assert foreign.status == 403


def test_objects_of_one_account_are_not_there_for_another(cloud, other):
    cloud.world.obs.create_bucket("shared-name")
    cloud.world.obs.write("shared-name", "key", b"mine")
    assert not other.world.obs.exists("shared-name")
    other.world.obs.create_bucket("shared-name")
    with pytest.raises(KeyError):
        other.world.obs.read("shared-name", "key")
    assert cloud.world.obs.read("shared-name", "key") == b"mine"


def test_moving_one_accounts_clock_moves_no_other(cloud, other):
    other.clock.freeze()
    before = other.clock.now()
    cloud.clock.advance("30d")
    assert other.clock.now() == before


def test_the_same_seed_and_calls_give_the_same_ids(modelarts_emulator):
    from modelarts_emulator.worlds.world import World

    first, second = (World(tag_of_number(9), seed=5, pace=60) for _ in range(2))
    assert [first.new_uuid() for _ in range(5)] == [second.new_uuid() for _ in range(5)]
    assert first.seeded("a", 1).random() == second.seeded("a", 1).random() != first.seeded("a", 2).random()
    assert (
        World(tag_of_number(9), seed=6, pace=60).new_uuid()
        != World(tag_of_number(9), seed=5, pace=60).new_uuid()
    )


def test_a_reset_empties_an_account_and_its_keys_keep_opening_it(cloud, modelarts_emulator):
    cloud.post(CONFIGS, {"config_name": "mine", **CONFIG})
    assert modelarts_emulator.application.worlds.reset(cloud.world) > 0
    cloud._token = None
    assert cloud.get(CONFIGS).json["config_total_count"] == 0


def test_a_removed_account_is_gone_and_its_token_opens_the_default_one(modelarts_emulator):
    worlds = modelarts_emulator.application.worlds
    count, world = len(worlds), worlds.create()
    worlds.remove(world)
    assert (len(worlds), worlds.by_tag(world.tag)) == (count, None)
    with pytest.raises(KeyError):
        worlds.by_account(world.account.domain_id)


NAMES = st.sampled_from(["_due", '_due":5,"', "a", 'x","_due', "{"])
VALUES = st.recursive(
    st.floats(0, 1e12) | NAMES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner)
)


@given(st.dictionaries(NAMES, VALUES), st.none() | st.floats(0, 1e12))
def test_the_moment_in_the_text_of_a_record_is_its_own_and_no_members(record, due):
    record = record | {"_due": due}
    assert due_in(orjson.dumps(record)) == due
    del record["_due"]
    assert due_in(orjson.dumps(record)) is None
