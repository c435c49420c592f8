"""Resources of many kinds, made, looked at, changed and deleted in any order: each is there until it is deleted."""

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule
from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.testing.cloud import mock_modelarts
from modelarts_emulator.testing.shapes import collections_of
from modelarts_emulator.worlds.store import value_at

from tests.kinds import KINDS, made

OPERATIONS = Operations()
COLLECTIONS = {collection.create.operation_id: collection for collection in collections_of(list(OPERATIONS))}
SHOWN = [kind for kind in KINDS if kind.create in COLLECTIONS]


def listed(cloud, kind) -> list[str]:
    """The ids in a list of everything of the kind."""
    operation = OPERATIONS.by_id[kind.listed]
    path = operation.path
    if operation.method == "POST":
        found = cloud.post(path, {"limit": 50})
    else:
        found = cloud.get(path, params=dict(kind.query))
    return [str(value_at(row, kind.item_id)) for row in value_at(found.raise_for_status().json, kind.items)]


class Resources(RuleBasedStateMachine):
    """A world in which resources of all kinds come and go."""

    alive, gone = Bundle("alive"), Bundle("gone")

    @initialize()
    def begin(self):
        """A fresh account."""
        self._mock = mock_modelarts()
        self.cloud = self._mock.__enter__()
        self.cloud.clock.freeze()
        self.cloud.world.obs.create_bucket("obs-name")
        self.count = 0

    def teardown(self):
        """The account goes."""
        if hasattr(self, "_mock"):
            assert self.cloud.emulator.application.broken == []
            self._mock.__exit__(None, None, None)

    @rule(target=alive, kind=st.sampled_from(SHOWN))
    def make(self, kind):
        """One more."""
        self.count += 1
        return kind, made(self.cloud, kind, f"name-{self.count}")

    @rule(one=alive)
    def look(self, one):
        """It is shown and listed."""
        kind, place = one
        assert self.cloud.get(place).status == 200
        assert place.rpartition("/")[2] in listed(self.cloud, kind)

    @rule(one=alive)
    def change(self, one):
        """It is changed and stays."""
        kind, place = one
        update = COLLECTIONS[kind.create].update
        if kind.change is not None and update is not None:
            headers = {"Content-Type": "application/json"}
            content = json.dumps(kind.change).encode()
            assert self.cloud.send(update.method, place, content, headers).status < 300
        assert self.cloud.get(place).status == 200

    @rule(target=gone, one=consumes(alive))
    def delete(self, one):
        """It is deleted, and gone after an hour."""
        kind, place = one
        reply = self.cloud.delete(place)
        assert reply.status < 300, reply
        self.cloud.clock.advance("1h")
        return kind, place

    @rule(one=gone)
    def miss(self, one):
        """Nothing shows, lists, changes or deletes it again."""
        kind, place = one
        assert self.cloud.get(place).status == kind.not_found[0]
        assert place.rpartition("/")[2] not in listed(self.cloud, kind)
        assert 400 <= self.cloud.delete(place).status < 500
        assert self.cloud.get(place).status == kind.not_found[0]

    @rule(minutes=st.sampled_from([1, 20]))
    def wait(self, minutes):
        """Time goes on."""
        self.cloud.clock.advance(f"{minutes}m")


TestResources = Resources.TestCase
TestResources.settings = settings(max_examples=12, stateful_step_count=15)
