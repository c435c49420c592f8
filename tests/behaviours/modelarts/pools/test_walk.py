"""Walks through the life of pools, of plugins and jobs in them: whatever is done in whatever order, figures agree."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from modelarts_emulator.frame.capacity import Place

from tests.behaviours.modelarts.conftest import empty
from tests.behaviours.modelarts.pools.conftest import JOBS, ORDERS, POOLS, create, scale, show, train_in

NODES, CARDS = 16, 8
CHANGEABLE = {"Running", "ScalingFailed"}
OVER = {"Completed", "Terminated", "Failed"}


def machine_of(cloud):
    """The machine whose pools live in this account."""

    class Pools(RuleBasedStateMachine):
        @initialize()
        def begin(self):
            empty(cloud)
            self.made = 0

        def pools(self):
            return [each["metadata"]["name"] for each in cloud.get(POOLS).json["items"]]

        def one(self, number):
            pools = self.pools()
            return show(cloud, pools[number % len(pools)])

        def work_in(self, name):
            items = cloud.get(f"{POOLS}/{name}/workloads").json["items"]
            return [each for each in items if each["status"] not in OVER]

        @precondition(lambda self: len(self.pools()) < 3)
        @rule(count=st.sampled_from([0, 1, 2, 9]))
        def make(self, count):
            self.made += 1
            create(cloud, f"pool-{self.made}", count=count)

        @precondition(lambda self: self.pools())
        @rule(number=st.integers(0, 2), count=st.sampled_from([0, 1, 3, 17]))
        def change_size(self, number, count):
            pool = self.one(number)
            name, nodes = pool["metadata"]["name"], pool["status"]["resources"]
            held = Place(cloud.world, cloud.project_id, f"pool:{name}").held
            is_busy = bool(nodes["creating"] or nodes["deleting"])
            same = count == pool["spec"]["resources"][0]["count"]
            # What is asked of a pool whose scaling failed once more is compared with what it has.
            fits = same or count * CARDS >= held or count >= sum(each["count"] for each in nodes["available"])
            allowed = pool["status"]["phase"] in CHANGEABLE and (same or not is_busy) and fits
            assert scale(cloud, name, count).status == (200 if allowed else 400), (
                pool["status"],
                count,
                held,
            )

        @precondition(lambda self: self.pools())
        @rule(number=st.integers(0, 2))
        def train(self, number):
            pool = self.one(number)
            if pool["status"]["phase"] == "Running":
                train_in(cloud, pool["metadata"]["name"])

        @precondition(lambda self: self.pools())
        @rule(number=st.integers(0, 2))
        def end_a_job(self, number):
            for each in self.work_in(self.one(number)["metadata"]["name"])[:1]:
                cloud.post(f"{JOBS}/{each['jobUUID']}/actions", {"action_type": "terminate"})

        @precondition(lambda self: self.pools())
        @rule(number=st.integers(0, 2))
        def delete(self, number):
            pool = self.one(number)
            name = pool["metadata"]["name"]
            allowed = pool["status"]["phase"] != "Deleting" and not self.work_in(name)
            assert cloud.delete(f"{POOLS}/{name}").status == (200 if allowed else 400), pool["status"]

        @rule(seconds=st.sampled_from([0.5, 3, 60]))
        def wait(self, seconds):
            cloud.clock.advance(seconds)

        @invariant()
        def no_card_is_handed_out_twice_and_no_node_is_in_two_pools(self):
            nodes = 0
            for name in self.pools():
                place = Place(cloud.world, cloud.project_id, f"pool:{name}")
                there = show(cloud, name)["status"]["resources"]
                serving = sum(each["count"] for each in there["available"])
                assert place.total == serving * CARDS and 0 <= place.held <= place.total
                nodes += sum(each["count"] for rows in there.values() for each in rows)
            assert nodes <= NODES

        @invariant()
        def a_pool_has_at_most_one_order_that_is_not_done(self):
            rows = cloud.get(f"{ORDERS}?limit=500").json["items"]
            open_ones = [each["resourceName"] for each in rows if each["phase"] in ("pending", "processing")]
            assert len(open_ones) == len(set(open_ones))

        @invariant()
        def the_quota_counts_the_pools_that_were_made(self):
            found = cloud.get(POOLS).json["items"]
            counted = [each for each in found if each["status"]["phase"] != "CreationFailed"]
            rows = cloud.get("/v1/{project_id}/quotas").json["quotas"]["resources"]
            assert {each["type"]: each["used"] for each in rows}["pool"] == len(counted)

    return Pools


def test_pools_are_what_their_life_so_far_makes_them(cloud):
    run_state_machine_as_test(machine_of(cloud), settings=settings(max_examples=12, stateful_step_count=15))
