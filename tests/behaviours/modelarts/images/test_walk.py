"""A walk over the life of own images: what is registered, saved, lost, looked for again and deleted."""

from collections import Counter

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.behaviours.modelarts.images.conftest import IMAGES, drop, save, show
from tests.behaviours.modelarts.notebooks.conftest import run

TAGS = st.sampled_from(["1", "2"])


def walk_of(cloud, notebook: str) -> type:
    """The machine over one notebook: a model of each address says whether an image is there and in which state."""

    class Walk(RuleBasedStateMachine):
        """Two addresses in SWR; `lost` are those whose content was deleted."""

        def __init__(self):
            super().__init__()
            self.ids, self.states, self.lost = {}, {}, set()
            for image in cloud.get(f"{IMAGES}?type=DEDICATED").json["data"]:
                drop(cloud, image["id"])
                cloud.world.store.table("modelarts/images/deleted_content").drop(image["swr_path"])

        @rule(tag=TAGS)
        def register(self, tag):
            reply = cloud.post(IMAGES, {"swr_path": path_of(cloud, tag)})
            assert reply.status == (400 if tag in self.states else 200), reply
            if tag not in self.states:
                self.ids[tag], self.states[tag] = reply.json["id"], "ERROR" if tag in self.lost else "ACTIVE"

        @rule(tag=TAGS)
        def save(self, tag):
            reply = save(cloud, notebook, tag=tag)
            assert reply.status == (400 if tag in self.states else 200), reply
            if tag not in self.states:
                assert drop(cloud, reply.json["id"]).status == 400
                cloud.clock.advance("10m")
                self.ids[tag], self.states[tag] = reply.json["id"], "ACTIVE"
                self.lost.discard(tag)

        @rule(tag=TAGS, is_force=st.booleans())
        def delete(self, tag, is_force):
            if tag in self.states:
                assert drop(cloud, self.ids.pop(tag), is_force=is_force).json["status"] == "DELETED"
                del self.states[tag]
                self.lost |= {tag} if is_force else set()

        @rule(tag=TAGS)
        def sync(self, tag):
            if tag in self.states:
                self.states[tag] = "ERROR" if tag in self.lost else "ACTIVE"
                assert cloud.post(f"{IMAGES}/{self.ids[tag]}/sync").json["status"] == self.states[tag]

        def teardown(self):
            shown = {tag: show(cloud, id)["status"] for tag, id in self.ids.items()}
            assert shown == self.states
            listed = cloud.get(f"{IMAGES}?type=DEDICATED").json["data"]
            assert Counter(each["status"] for each in listed) == Counter(self.states.values())

    return Walk


def path_of(cloud, tag: str) -> str:
    """The address of a version of the image."""
    return f"swr.{cloud.world.region}.myhuaweicloud.com/group/saved:{tag}"


def test_images_go_through_their_documented_states_only(cloud):
    walk = walk_of(cloud, run(cloud, duration=-1))
    run_state_machine_as_test(walk, settings=settings(max_examples=15, stateful_step_count=12))
