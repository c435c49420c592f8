"""Hyperinstances: several servers that are one, scaled as a whole; their networks, groups and tags."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from modelarts_emulator.frame.capacity import Place

from tests.behaviours.modelarts.conftest import empty
from tests.behaviours.modelarts.dev_servers.conftest import (
    HPS,
    HPS_IMAGE,
    HYPER,
    ILLEGAL,
    INACTIVE_HPS_IMAGE,
    INACTIVE_IMAGE,
    KEY,
    MISSING,
    NO_FLAVOR,
    NOBODY,
    OTHER_HPS_IMAGE,
    PREPAID,
    SERVERS,
    SOLD_OUT,
    VM,
    WRONG,
    body_of,
    cluster,
    create,
    flavor_of,
    hyperinstance,
    settle,
    states,
    whole,
)
from tests.conftest import refusal

SIZES = (1, 2, 4, 8)
GROWN = {"image_id": HPS_IMAGE, **KEY}
MACHINES = 24


def scale_up(cloud, id: str, size: int, **members):
    """Ask for more servers."""
    return cloud.post(f"{HYPER}/{id}/live-scale-up", {"flavor": flavor_of(size), **GROWN, **members})


def scale_down(cloud, whole_id: str, going: list[str], **members):
    """Ask for these servers to go."""
    return cloud.post(f"{HYPER}/{whole_id}/live-scale-down", {"server_ids": going, **members})


def test_a_hyperinstance_is_made_with_its_servers(cloud):
    plane = cluster(cloud)
    first = create(cloud, "hyper-a", HPS, HPS_IMAGE, hps_cluster_id=plane, charging_info=PREPAID)
    id = first["server_hps"]["id"]
    assert (whole(cloud, id)["status"], first["server_hps"]["name"]) == ("PROVISIONING", "hyper-a")
    settle(cloud)
    found = whole(cloud, id)
    assert (found["status"], found["name"], found["hps_cluster_id"]) == ("ACTIVE", "hyper-a", plane)
    assert {each["order_id"] for each in [found, *found["servers"]]} == {first["order_id"]}
    assert [each["status"] for each in found["servers"]] == ["RUNNING"] * 2
    assert {each["cloud_server"]["hps_id"] for each in found["servers"]} == {found["hps_id"]}
    assert {(each["category"], each["cloud_server"]["type"]) for each in found["servers"]} == {("HPS", "HPS")}
    assert cloud.get(f"{HYPER}/{id}/servers").json["data"] == found["servers"]
    assert cloud.get(SERVERS).json["data"] == found["servers"]


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"hps_cluster_id": None}, WRONG),
        ({"hps_cluster_id": NOBODY}, MISSING),
        ({"count": 1}, WRONG),
        ({"key_pair_name": None, "admin_pass": "Secret-123"}, WRONG),
        ({"flavor": "hps.snt9c.x48"}, SOLD_OUT),
        ({"image_id": INACTIVE_IMAGE}, WRONG),
    ],
)
def test_what_is_not_for_hyperinstances_is_refused(cloud, changes, refused):
    body = body_of("hyper-a", HPS, HPS_IMAGE, hps_cluster_id=cluster(cloud)) | changes
    body = {name: value for name, value in body.items() if value is not None}
    assert refusal(cloud.post(SERVERS, body)) == refused
    assert cloud.get(f"{HYPER}/all").json["data"] == []


def test_all_servers_are_stopped_given_another_os_and_started_together(cloud):
    id = hyperinstance(cloud)
    changed = {"image_id": OTHER_HPS_IMAGE, **KEY}
    assert refusal(cloud.put(f"{HYPER}/{id}/start")) == ILLEGAL
    assert refusal(cloud.post(f"{HYPER}/{id}/changeos", changed)) == ILLEGAL
    assert cloud.put(f"{HYPER}/{id}/stop").json["status"] == "ACTIVE"
    settle(cloud)
    assert states(cloud, id) == ["STOPPED"] * 2
    assert refusal(cloud.put(f"{HYPER}/{id}/stop")) == ILLEGAL
    assert refusal(cloud.post(f"{HYPER}/{id}/changeos", {**changed, "admin_pass": "Secret-123"})) == WRONG
    assert cloud.post(f"{HYPER}/{id}/changeos", changed).json["status"] == "REIMAGING"
    settle(cloud)
    found = whole(cloud, id)
    assert (found["status"], states(cloud, id)) == ("ACTIVE", ["RUNNING"] * 2)
    assert {each["image"]["image_id"] for each in found["servers"]} == {OTHER_HPS_IMAGE}
    cloud.put(f"{HYPER}/{id}/stop")
    settle(cloud)
    assert cloud.put(f"{HYPER}/{id}/start").status == 200
    settle(cloud)
    assert states(cloud, id) == ["RUNNING"] * 2


def test_nothing_is_stopped_when_one_server_cannot_be(cloud):
    id = hyperinstance(cloud)
    one = whole(cloud, id)["servers"][1]["id"]
    cloud.put(f"{SERVERS}/{one}/stop")
    settle(cloud)
    assert refusal(cloud.put(f"{HYPER}/{id}/stop")) == ILLEGAL
    assert states(cloud, id) == ["RUNNING", "STOPPED"]


def test_a_hyperinstance_goes_with_all_its_servers(cloud):
    id = hyperinstance(cloud)
    assert cloud.delete(f"{HYPER}/{id}").json["status"] == "TERMINATING"
    assert refusal(cloud.delete(f"{HYPER}/{id}")) == ILLEGAL
    settle(cloud)
    assert refusal(cloud.get(f"{HYPER}/{id}")) == MISSING
    assert cloud.get(SERVERS).json["total"] == 0


def test_a_hyperinstance_paid_by_month_is_deleted_only_in_error(cloud):
    active = hyperinstance(cloud, charging_info=PREPAID)
    failed = hyperinstance(cloud, image=INACTIVE_HPS_IMAGE, charging_info=PREPAID)
    assert (whole(cloud, active)["status"], whole(cloud, failed)["status"]) == ("ACTIVE", "ERROR")
    assert refusal(cloud.delete(f"{HYPER}/{active}")) == ILLEGAL
    assert refusal(scale_up(cloud, failed, 4)) == ILLEGAL
    assert cloud.delete(f"{HYPER}/{failed}").status == 200


def test_more_servers_come_with_a_larger_flavor(cloud):
    id = hyperinstance(cloud)
    disks = {
        "root_volume": {"size": 300, "type": "SSD"},
        "data_volume": {"size": 500, "type": "SSD", "count": 1},
    }
    assert scale_up(cloud, id, 4, **disks).json["status"] == "ACTIVE"
    assert states(cloud, id) == ["RUNNING"] * 2 + ["CREATING"] * 2
    settle(cloud)
    servers = whole(cloud, id)["servers"]
    assert [(each["status"], each["flavor"]) for each in servers] == [("RUNNING", flavor_of(4))] * 4
    assert [[disk["size"] for disk in each["volumes"]] for each in servers] == [[100]] * 2 + [[300, 500]] * 2
    assert [each["name"][-4:] for each in servers] == ["0001", "0002", "0003", "0004"]


@pytest.mark.parametrize(
    ("size", "changes", "refused"),
    [
        (2, {}, WRONG),
        (1, {}, WRONG),
        (48, {}, SOLD_OUT),
        (4, {"flavor": VM}, WRONG),
        (4, {"flavor": "s99"}, NO_FLAVOR),
        (4, {"userdata": "?"}, WRONG),
        (4, {"image_id": INACTIVE_IMAGE}, WRONG),
    ],
)
def test_a_hyperinstance_grows_only_to_a_larger_flavor_of_which_there_is_enough(
    cloud, size, changes, refused
):
    id = hyperinstance(cloud)
    assert refusal(scale_up(cloud, id, size, **changes)) == refused
    assert states(cloud, id) == ["RUNNING"] * 2


def test_servers_go_with_a_smaller_flavor(cloud):
    id = hyperinstance(cloud, flavor_of(4))
    servers = [each["id"] for each in whole(cloud, id)["servers"]]
    assert scale_down(cloud, id, servers[1:3], id=id, flavor=flavor_of(2)).json["status"] == "ACTIVE"
    assert states(cloud, id) == ["RUNNING", "DELETING", "DELETING", "RUNNING"]
    settle(cloud)
    found = whole(cloud, id)["servers"]
    assert [(each["id"], each["flavor"]) for each in found] == [(servers[0], HPS), (servers[3], HPS)]
    scale_up(cloud, id, 4)
    assert [each["name"][-4:] for each in whole(cloud, id)["servers"]] == ["0001", "0004", "0002", "0003"]


def test_only_settled_servers_of_its_own_go_and_not_all_of_them(cloud):
    id = hyperinstance(cloud, flavor_of(4))
    servers = [each["id"] for each in whole(cloud, id)["servers"]]
    for going, members in (
        (servers, {}),
        ([], {}),
        (servers[:1], {}),
        ([servers[0], NOBODY], {}),
        (servers[:2], {"flavor": flavor_of(1)}),
        (servers[:2], {"id": NOBODY}),
    ):
        assert refusal(scale_down(cloud, id, going, **members)) == WRONG
    cloud.put(f"{SERVERS}/{servers[0]}/reboot")
    assert refusal(scale_down(cloud, id, servers[:2])) == ILLEGAL


def test_the_evaluation_says_to_which_flavors_there_are_enough_machines(cloud):
    id = hyperinstance(cloud, flavor_of(16))
    rows = cloud.get(f"{HYPER}/{id}/scale-evaluations").json["evaluations"]
    sold_out = {row["flavor"]: row["is_sold_out"] for row in rows}
    assert sold_out == {**{flavor_of(size): False for size in SIZES}, flavor_of(48): True}


def test_only_an_active_hyperinstance_is_scaled(cloud):
    server = create(cloud, "hyper-a", HPS, HPS_IMAGE, hps_cluster_id=cluster(cloud))
    id = server["server_hps"]["id"]
    assert refusal(scale_up(cloud, id, 4)) == ILLEGAL
    assert refusal(scale_down(cloud, id, [server["id"]])) == ILLEGAL
    settle(cloud)
    scale_up(cloud, id, 4)
    assert refusal(scale_up(cloud, id, 8)) == ILLEGAL == refusal(scale_down(cloud, id, [server["id"]]))


def test_a_hyperinstance_that_is_being_made_is_not_deleted(cloud):
    server = create(cloud, "hyper-a", HPS, HPS_IMAGE, hps_cluster_id=cluster(cloud))
    assert refusal(cloud.delete(f"{HYPER}/{server['server_hps']['id']}")) == ILLEGAL


def test_lists_show_the_callers_own_hyperinstances_or_those_of_all(cloud, stranger):
    mine = hyperinstance(cloud)
    body = body_of("theirs", HPS, HPS_IMAGE, hps_cluster_id=cluster(cloud))
    theirs = cloud.post(SERVERS, body, **stranger.options).json["server_hps"]["id"]
    assert [row["id"] for row in cloud.get(HYPER).json["data"]] == [mine]
    assert [row["id"] for row in cloud.get(HYPER, **stranger.options).json["data"]] == [theirs]
    every = cloud.get(f"{HYPER}/all").json
    assert ([row["id"] for row in every["data"]], every["current"]) == ([mine, theirs], 1)


def test_hyperinstances_are_sorted_by_change(cloud):
    first, second = hyperinstance(cloud), hyperinstance(cloud)
    cloud.put(f"{HYPER}/{first}/stop")
    rows = cloud.get(f"{HYPER}?sort_key=updateTime&sort_dir=DESC&limit=1").json
    assert ([row["id"] for row in rows["data"]], rows["total"], rows["pages"]) == ([first], 2, 2)
    assert [row["id"] for row in cloud.get(HYPER).json["data"]] == [first, second]


def test_tags_are_added_once_and_taken_away_when_they_are_there(cloud):
    tags = f"{HYPER}/{hyperinstance(cloud)}/tags"
    team, kind = {"key": "team", "value": "vision"}, {"key": "kind", "value": ""}
    assert cloud.post(f"{tags}/create", {"tags": [team, {"key": "kind"}]}).json == {"tags": [team, kind]}
    assert refusal(cloud.post(f"{tags}/create", {"tags": [team]})) == WRONG
    many = [{"key": f"k{n}"} for n in range(19)]
    assert refusal(cloud.post(f"{tags}/create", {"tags": many})) == WRONG
    assert refusal(cloud.post(f"{tags}/delete", {"tags": [{"key": "team", "value": "speech"}]})) == WRONG
    assert refusal(cloud.post(f"{tags}/delete", {"tags": [{"key": "unknown"}]})) == WRONG
    assert cloud.post(f"{tags}/delete", {"tags": [{"key": "team"}]}).json == {"tags": [kind]}
    assert cloud.get(tags).json == {"tags": [kind]}
    assert refusal(cloud.get(f"{HYPER}/{NOBODY}/tags")) == MISSING


def machine_of(cloud):
    """The machine that scales one hyperinstance."""

    class Hyperinstance(RuleBasedStateMachine):
        @initialize()
        def begin(self):
            empty(cloud)
            self.id = hyperinstance(cloud)

        def count(self):
            return len(states(cloud, self.id))

        def is_settled(self):
            return {"CREATING", "DELETING"}.isdisjoint(states(cloud, self.id))

        @rule(size=st.sampled_from(SIZES))
        def grow(self, size):
            allowed = size > self.count() and self.is_settled()
            assert scale_up(cloud, self.id, size).status == (200 if allowed else 400)

        @rule(size=st.sampled_from(SIZES))
        def shrink(self, size):
            going = whole(cloud, self.id)["servers"][size:]
            are_settled = all(each["status"] in ("RUNNING", "STOPPED") for each in going)
            allowed = going and are_settled and self.is_settled()
            reply = scale_down(cloud, self.id, [each["id"] for each in going])
            assert reply.status == (200 if allowed else 400), (reply, states(cloud, self.id))

        @rule(verb=st.sampled_from(["start", "stop"]))
        def act(self, verb):
            wanted = {"start": {"STOPPED"}, "stop": {"RUNNING"}}[verb]
            allowed = set(states(cloud, self.id)) == wanted
            assert cloud.put(f"{HYPER}/{self.id}/{verb}").status == (200 if allowed else 400)

        @rule()
        def wait(self):
            settle(cloud)

        @invariant()
        def every_server_has_one_machine(self):
            held = Place(cloud.world, cloud.project_id, "machine:snt9c").held
            assert held == self.count() <= MACHINES

    return Hyperinstance


def test_a_hyperinstance_is_what_its_life_so_far_makes_it(cloud):
    run_state_machine_as_test(machine_of(cloud), settings=settings(max_examples=8, stateful_step_count=12))
