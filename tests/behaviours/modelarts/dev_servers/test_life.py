"""The life of servers: what is done with them in which state, and what that comes to."""

import pytest
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
from tests.behaviours.modelarts.dev_servers.conftest import (
    ILLEGAL,
    INACTIVE_IMAGE,
    KEY,
    MISSING,
    NO_IMAGE,
    NOBODY,
    NPU,
    NPU_IMAGE,
    OTHER_VM_IMAGE,
    PREPAID,
    SCARCE_VM,
    SERVERS,
    VM_IMAGE,
    WRONG,
    body_of,
    create,
    hyperinstance,
    running,
    settle,
    show,
    state,
    stopped,
    whole,
)
from tests.behaviours.modelarts.pools.conftest import NPU as NODE
from tests.behaviours.modelarts.pools.conftest import create as new_pool
from tests.behaviours.modelarts.pools.conftest import phase
from tests.behaviours.modelarts.pools.conftest import running as running_pool
from tests.conftest import refusal

MACHINES = 2
PASSING = {
    "CREATING": "RUNNING",
    "STOPPING": "STOPPED",
    "STARTING": "RUNNING",
    "REBOOTING": "RUNNING",
    "CHANGINGOS": "RUNNING",
    "REINSTALLINGOS": "RUNNING",
}
ALLOWED = {
    "start": {"STOPPED": "STARTING"},
    "stop": {"RUNNING": "STOPPING"},
    "reboot": {"RUNNING": "REBOOTING"},
    "changeos": {"STOPPED": "CHANGINGOS"},
    "reinstallos": {"STOPPED": "REINSTALLINGOS"},
}
FAILING = {
    "STARTING": "START_FAILED",
    "CHANGINGOS": "CHANGINGOS_FAILED",
    "REINSTALLINGOS": "REINSTALLINGOS_FAILED",
}
BODIES = {"start": {}, "changeos": {"image_id": OTHER_VM_IMAGE, **KEY}, "reinstallos": KEY}
DELETABLE = {"RUNNING", "STOPPED", "CREATING", "CREATE_FAILED", *FAILING.values()}


def do(cloud, id: str, action: str, **body):
    """Send the request for an action."""
    method = "POST" if action.endswith("os") else "PUT"
    return cloud.send(method, f"{SERVERS}/{id}/{action}", {**BODIES.get(action, {}), **body})


@pytest.mark.parametrize(
    ("action", "before", "meanwhile", "after"),
    [
        ("stop", running, "STOPPING", "STOPPED"),
        ("start", stopped, "STARTING", "RUNNING"),
        ("reboot", running, "REBOOTING", "RUNNING"),
        ("changeos", stopped, "CHANGINGOS", "RUNNING"),
        ("reinstallos", stopped, "REINSTALLINGOS", "RUNNING"),
    ],
)
def test_an_action_takes_its_time_and_refuses_the_next_one_meanwhile(cloud, action, before, meanwhile, after):
    id = before(cloud)
    assert do(cloud, id, action).json["status"] == meanwhile == state(cloud, id)
    assert [refusal(do(cloud, id, each)) for each in ALLOWED] == [ILLEGAL] * len(ALLOWED)
    settle(cloud)
    assert state(cloud, id) == after


def test_another_image_and_key_pair_count_from_the_end_of_the_change(cloud):
    id = stopped(cloud)
    meanwhile = do(cloud, id, "changeos", key_pair_name="other").json
    assert (meanwhile["image"]["image_id"], meanwhile["key_pair_name"]) == (VM_IMAGE, "KeyPair-3d6a")
    settle(cloud)
    server = show(cloud, id)
    assert (server["image"]["image_id"], server["key_pair_name"]) == (OTHER_VM_IMAGE, "other")


def test_a_password_takes_the_place_of_the_key_pair(cloud):
    id = stopped(cloud)
    body = {"admin_pass": "Secret-123", "user_data": "IyEvYmluL2Jhc2gK"}
    assert cloud.post(f"{SERVERS}/{id}/reinstallos", body).status == 200
    settle(cloud)
    assert "key_pair_name" not in show(cloud, id) and show(cloud, id)["image"]["image_id"] == VM_IMAGE


@pytest.mark.parametrize(
    ("action", "body", "refused"),
    [
        ("changeos", {"image_id": NOBODY}, NO_IMAGE),
        ("changeos", {"image_id": NPU_IMAGE}, WRONG),
        ("changeos", {"admin_pass": "Secret-123"}, WRONG),
        ("changeos", {"user_data": "?"}, WRONG),
        ("reinstallos", {"image_id": OTHER_VM_IMAGE}, WRONG),
        ("start", {"arch": "ARM"}, WRONG),
        ("start", {"server_type": "BMS"}, WRONG),
        ("start", {"charging_mode": "PRE_PAID"}, WRONG),
    ],
)
def test_what_does_not_fit_the_server_is_refused(cloud, action, body, refused):
    id = stopped(cloud)
    assert refusal(do(cloud, id, action, **body)) == refused
    assert state(cloud, id) == "STOPPED"


def test_a_change_of_the_os_needs_an_image_and_a_way_to_log_in(cloud):
    id = stopped(cloud)
    assert refusal(cloud.post(f"{SERVERS}/{id}/changeos", KEY)) == WRONG
    assert refusal(cloud.post(f"{SERVERS}/{id}/changeos", {"image_id": OTHER_VM_IMAGE})) == WRONG


def test_a_change_to_an_image_that_is_not_active_fails_and_a_sync_tells_that_the_server_is_stopped(cloud):
    id = stopped(cloud)
    do(cloud, id, "changeos", image_id=INACTIVE_IMAGE)
    settle(cloud)
    assert state(cloud, id) == "CHANGINGOS_FAILED" and show(cloud, id)["image"]["image_id"] == VM_IMAGE
    assert [row["status"] for row in cloud.send("PUT", f"{SERVERS}/sync").json["data"]] == ["STOPPED"]
    do(cloud, id, "start")
    settle(cloud)
    assert state(cloud, id) == "RUNNING"


def test_a_start_fails_when_others_have_taken_the_machine(cloud):
    id = stopped(cloud, flavor=SCARCE_VM)
    others = create(cloud, flavor=SCARCE_VM, count=2)
    do(cloud, id, "start")
    settle(cloud)
    assert state(cloud, id) == "START_FAILED" and state(cloud, others["id"]) == "RUNNING"


def test_a_server_paid_by_month_keeps_its_machine_while_it_is_stopped(cloud):
    id = stopped(cloud, flavor=SCARCE_VM, charging_info=PREPAID)
    create(cloud, flavor=SCARCE_VM, count=2)
    do(cloud, id, "start")
    settle(cloud)
    assert state(cloud, id) == "RUNNING"


def test_pools_and_servers_share_their_machines(cloud):
    place = Place(cloud.world, cloud.project_id, f"machine:{NODE}")
    before = place.total
    running_pool(cloud, flavor=NODE, count=2)
    assert Place(cloud.world, cloud.project_id, f"machine:{NODE}").total == before - 2
    rows = create_many(cloud, 10) + create_many(cloud, 10)
    assert rows.count("RUNNING") == before - 2 and rows.count("CREATE_FAILED") == 22 - before
    late = new_pool(cloud, "pool-b", flavor=NODE, count=1)
    settle(cloud)
    assert phase(cloud, late) == "CreationFailed"


def create_many(cloud, count: int) -> list[str]:
    """The states that so many new servers come to."""
    known = {row["id"] for row in cloud.get(f"{SERVERS}/all").json["data"]}
    create(cloud, flavor=NPU, image=NPU_IMAGE, count=count)
    settle(cloud)
    rows = cloud.get(f"{SERVERS}/all").json["data"]
    return [row["status"] for row in rows if row["id"] not in known]


def batch(cloud, kind: str, *ids: str, **members):
    """Send the request for an action on several servers."""
    return cloud.post(f"{SERVERS}/action", {"type": kind, "servers": [{"id": id} for id in ids], **members})


def test_a_batch_does_the_same_with_every_server(cloud):
    ids = [running(cloud, name) for name in "ab"]
    for kind, after in (
        ("REBOOT", "RUNNING"),
        ("STOP", "STOPPED"),
        ("START", "RUNNING"),
        ("STOP", "STOPPED"),
    ):
        reply = batch(cloud, kind, *ids)
        assert reply.status == 200 and reply.json["total"] == 2, reply
        settle(cloud)
        assert [state(cloud, id) for id in ids] == [after] * 2
    changed = {"image_id": OTHER_VM_IMAGE, **KEY}
    assert [row["status"] for row in batch(cloud, "CHANGEOS", *ids, extend_param=changed).json["data"]] == [
        "CHANGINGOS"
    ] * 2
    settle(cloud)
    assert [row["status"] for row in batch(cloud, "DELETE", *ids, ids[0]).json["data"]] == ["DELETING"] * 2
    settle(cloud)
    assert cloud.get(SERVERS).json["total"] == 0


def test_a_batch_does_nothing_when_one_server_cannot(cloud):
    ids = [running(cloud, "a"), stopped(cloud, "b")]
    assert refusal(batch(cloud, "STOP", *ids)) == ILLEGAL
    assert refusal(batch(cloud, "STOP", ids[0], NOBODY)) == MISSING
    assert refusal(batch(cloud, "REINSTALLOS", ids[1])) == WRONG
    assert [state(cloud, id) for id in ids] == ["RUNNING", "STOPPED"]


def test_a_server_of_a_hyperinstance_lives_alone_but_goes_with_the_others(cloud):
    id = whole(cloud, hyperinstance(cloud))["servers"][0]["id"]
    assert do(cloud, id, "reboot").status == 200
    settle(cloud)
    assert refusal(cloud.delete(f"{SERVERS}/{id}")) == ILLEGAL
    assert refusal(batch(cloud, "DELETE", id)) == ILLEGAL


def machine_of(cloud):
    """The machine whose servers live in this account, on two machines of a scarce kind."""

    class Servers(RuleBasedStateMachine):
        @initialize()
        def begin(self):
            empty(cloud)

        def servers(self):
            return cloud.get(f"{SERVERS}/all").json["data"]

        @precondition(lambda self: len(self.servers()) < 3)
        @rule(is_prepaid=st.booleans())
        def make(self, is_prepaid):
            left = MACHINES - Place(cloud.world, cloud.project_id, "machine:pi2").held
            more = {"charging_info": PREPAID} if is_prepaid else {}
            reply = cloud.post(SERVERS, body_of(flavor=SCARCE_VM, **more))
            assert reply.status == (200 if left else 400), reply

        @precondition(lambda self: self.servers())
        @rule(number=st.integers(0, 2), action=st.sampled_from(list(ALLOWED)))
        def act(self, number, action):
            server = self.servers()[number % len(self.servers())]
            target = ALLOWED[action].get(server["status"])
            reply = do(cloud, server["id"], action)
            assert reply.status == (200 if target else 400), (server["status"], action)
            assert state(cloud, server["id"]) == (target or server["status"])

        @precondition(lambda self: self.servers())
        @rule(number=st.integers(0, 2))
        def delete(self, number):
            server = self.servers()[number % len(self.servers())]
            allowed = server["status"] in DELETABLE
            assert cloud.delete(f"{SERVERS}/{server['id']}").status == (200 if allowed else 400)

        @rule()
        def wait(self):
            before = {each["id"]: each["status"] for each in self.servers()}
            settle(cloud)
            after = {each["id"]: each["status"] for each in self.servers()}
            for id, status in before.items():
                if status == "DELETING":
                    assert id not in after
                else:
                    assert after[id] in (PASSING.get(status, status), FAILING.get(status))

        @rule()
        def sync(self):
            before = [each["status"] for each in self.servers()]
            cloud.send("PUT", f"{SERVERS}/sync")
            real = ["STOPPED" if each in FAILING.values() else each for each in before]
            assert [each["status"] for each in self.servers()] == real

        @invariant()
        def nobody_runs_without_a_machine(self):
            held = Place(cloud.world, cloud.project_id, "machine:pi2").held
            states = [each["status"] for each in self.servers()]
            assert sum(each in ("RUNNING", "REBOOTING", "CREATING") for each in states) <= held <= MACHINES

    return Servers


def test_servers_are_what_their_life_so_far_makes_them(cloud):
    run_state_machine_as_test(machine_of(cloud), settings=settings(max_examples=10, stateful_step_count=15))
