"""Stories about the life of a notebook: failures, waiting for room, and every walk through its states."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from modelarts_emulator.behaviours.modelarts.notebooks.notebooks import NOTEBOOKS

from tests.behaviours.modelarts.notebooks.conftest import (
    BASE,
    GPU_IMAGE,
    HOUR,
    act,
    body_of,
    create,
    put_pool,
    refusal,
    run,
    show,
    stop,
    until,
)

BUCKET = {"category": "OBSFS", "ownership": "MANAGED", "uri": "obs://work-data/home/"}
RARE = {"flavor": "modelarts.vm.gpu.8v100", "image_id": GPU_IMAGE}
IN_POOL = {**RARE, "pool_id": "pool-1"}


def test_a_notebook_is_stopped_and_started_again(cloud):
    id = run(cloud)
    assert act(cloud, id, "stop")["status"] == "STOPPING"
    until(cloud, id, "STOPPED")
    assert act(cloud, id, "start")["status"] == "STARTING"
    until(cloud, id, "RUNNING")


def test_a_volume_in_a_bucket_that_does_not_exist_fails_the_creation(cloud):
    shown = until(cloud, create(cloud, volume=BUCKET)["id"], "CREATE_FAILED")
    assert "obs://work-data/home/" in shown["fail_reason"]
    assert [step["status"] for step in shown["action_progress"]] == [
        "FAILED",
        "WAITING",
        "WAITING",
        "WAITING",
    ]
    assert shown["volume"]["status"] == "MOUNT_FAILED"


def test_a_bucket_that_has_gone_meanwhile_fails_the_start_and_its_return_mends_it(cloud):
    cloud.world.obs.create_bucket("work-data")
    id = stop(cloud, run(cloud, volume=BUCKET))
    objects = cloud.obs()
    assert objects.deleteBucket("work-data").status == 204
    objects.close()
    act(cloud, id, "start")
    assert "work-data" in until(cloud, id, "START_FAILED")["fail_reason"]
    cloud.world.obs.create_bucket("work-data")
    act(cloud, id, "start")
    assert "fail_reason" not in until(cloud, id, "RUNNING")


def test_an_image_that_cannot_be_pulled_fails_the_creation_at_its_last_step(cloud):
    images = cloud.world.store.table(f"modelarts/images/image/{cloud.project_id}")
    id = "11111111-1111-4111-8111-111111111111"
    facts = {
        "id": id,
        "name": "own",
        "swr_path": "swr/own:1",
        "arch": "X86_64",
        "status": "ERROR",
        "type": "DEDICATED",
    }
    with cloud.world.transaction():
        images.put(id, facts)
    shown = until(cloud, create(cloud, image_id=id)["id"], "CREATE_FAILED")
    assert "swr/own:1" in shown["fail_reason"] and shown["action_progress"][3]["status"] == "FAILED"


def test_a_flavor_of_which_nothing_is_left_is_refused_until_one_stops(cloud):
    first = run(cloud, **RARE)
    assert refusal(cloud.post(BASE, body_of(**RARE))) == "ModelArts.6329"
    stop(cloud, first)
    second = run(cloud, **RARE)
    assert refusal(cloud.post(f"{BASE}/{first}/start")) == "ModelArts.6360"
    cloud.delete(f"{BASE}/{second}")
    cloud.clock.advance("1m")
    assert act(cloud, first, "start")["status"] == "STARTING"


def test_who_finds_its_pool_full_waits_and_says_for_what(cloud):
    put_pool(cloud)
    first = run(cloud, **IN_POOL)
    second = create(cloud, **IN_POOL)
    assert second["status"] == "INIT"
    assert "8 free in pool:pool-1" in second["action_progress"][1]["step_description"]
    cloud.clock.advance("30m")
    assert show(cloud, second["id"])["status"] == "INIT"
    stop(cloud, first)
    until(cloud, second["id"], "RUNNING")


def test_a_start_waits_for_its_pool_too(cloud):
    put_pool(cloud)
    first = stop(cloud, run(cloud, **IN_POOL))
    second = run(cloud, **IN_POOL)
    assert act(cloud, first, "start")["status"] == "STARTING"
    cloud.clock.advance("30m")
    assert show(cloud, first)["status"] == "STARTING"
    stop(cloud, second)
    until(cloud, first, "RUNNING")


def test_a_notebook_that_waits_can_be_deleted(cloud):
    put_pool(cloud)
    run(cloud, **IN_POOL)
    waiting = create(cloud, **IN_POOL)["id"]
    assert cloud.delete(f"{BASE}/{waiting}").json["status"] == "DELETING"
    cloud.clock.advance("1m")
    assert refusal(cloud.get(f"{BASE}/{waiting}")) == "ModelArts.6309"


def test_a_pool_that_is_gone_fails_the_creation(cloud):
    put_pool(cloud)
    id = create(cloud, **IN_POOL)["id"]
    with cloud.world.transaction():
        cloud.world.store.table(f"modelarts/pools/pool/{cloud.project_id}").drop("pool-1")
    assert "pool-1" in until(cloud, id, "CREATE_FAILED")["fail_reason"]


def test_what_a_notebook_costs_follows_its_state(cloud):
    id = create(cloud)["id"]
    assert show(cloud, id)["billing_items"] == []
    assert until(cloud, id, "RUNNING")["billing_items"] == ["STORAGE", "COMPUTE"]
    stop(cloud, id)
    assert show(cloud, id)["billing_items"] == ["STORAGE"]


def test_a_notebook_that_is_saved_as_an_image_runs_on_with_the_lease_it_had(cloud):
    id = run(cloud)
    lease = show(cloud, id)["lease"]
    with cloud.world.transaction():
        bound = NOTEBOOKS.at(cloud.world, cloud.project_id)
        bound.act(bound.find(id), "snapshot")
    assert refusal(cloud.post(f"{BASE}/{id}/stop")) == "ModelArts.6357"
    assert show(cloud, id)["status"] == "SNAPSHOTTING"
    assert until(cloud, id, "RUNNING")["lease"] == lease


@pytest.mark.parametrize("state", ["CREATE_FAILED", "START_FAILED", "DELETE_FAILED", "ERROR", "FROZEN"])
def test_a_notebook_in_trouble_can_be_deleted(cloud, state):
    id = run(cloud)
    with cloud.world.transaction():
        bound = NOTEBOOKS.at(cloud.world, cloud.project_id)
        bound.enter(bound.find(id), state)
    assert show(cloud, id)["status"] == state
    assert cloud.delete(f"{BASE}/{id}").json["status"] == "DELETING"


# {action: the states that allow it}; every other state refuses it with the code beside it.
ALLOWED = {
    "start": ({"STOPPED", "START_FAILED"}, "ModelArts.6357"),
    "stop": ({"RUNNING"}, "ModelArts.6357"),
    "delete": ({"CREATING", "STARTING", "RUNNING", "STOPPED", "START_FAILED"}, "ModelArts.6357"),
    "renew": ({"RUNNING"}, "ModelArts.6327"),
    "rename": ({"RUNNING", "STOPPED"}, "ModelArts.6357"),
}


class Life(RuleBasedStateMachine):
    """One notebook, acted upon at any moment; the model says what it is and what it must refuse."""

    cloud = None

    def __init__(self):
        super().__init__()
        self.id = create(self.cloud)["id"]

    @property
    def state(self) -> str:
        """What the notebook says it is; GONE when there is none any more."""
        reply = self.cloud.get(f"{BASE}/{self.id}")
        return reply.json["status"] if reply.status == 200 else "GONE"

    @rule(seconds=st.sampled_from([0.1, 0.4, 1, 60, 3000]))
    def pass_time(self, seconds):
        """A lease never lets a notebook run longer than it says."""
        self.cloud.clock.advance(seconds)
        if self.state == "RUNNING":
            lease = show(self.cloud, self.id)["lease"]
            assert lease["create_at"] + lease["duration"] >= self.cloud.clock.now() * 1000

    @rule(action=st.sampled_from(sorted(ALLOWED)))
    @precondition(lambda self: self.state != "GONE")
    def act_upon(self, action):
        """An action is carried out where the state allows it, and refused with its code elsewhere."""
        states, code = ALLOWED[action]
        state, reply = self.state, self.send(action)
        if state in states:
            assert reply.status == 200, (state, action, reply)
        else:
            assert refusal(reply) == code, (state, action)
            assert self.state == state

    @rule()
    @precondition(lambda self: self.state == "GONE")
    def ask_for_what_is_gone(self):
        """A notebook that is gone is unknown to every action."""
        assert refusal(self.send("stop")) == "ModelArts.6309"
        self.id = create(self.cloud)["id"]

    def send(self, action: str):
        """Ask for the action."""
        path = f"{BASE}/{self.id}"
        if action == "delete":
            return self.cloud.delete(path)
        if action == "renew":
            return self.cloud.send("PATCH", f"{path}/lease", {"duration": HOUR})
        return (
            self.cloud.put(path, {"name": "x"}) if action == "rename" else self.cloud.post(f"{path}/{action}")
        )


def test_every_walk_through_the_states_goes_as_the_table_says(cloud):
    machine = type("LifeInThisCloud", (Life,), {"cloud": cloud})
    run_state_machine_as_test(machine, settings=settings(max_examples=15, stateful_step_count=25))
    assert cloud.get("/_emulator/health", auth=False).status == 200
