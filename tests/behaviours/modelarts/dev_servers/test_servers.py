"""Servers: made of what is asked for, listed, renamed, refused."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.behaviours.modelarts.dev_servers.conftest import (
    CLUSTERS,
    ILLEGAL,
    INACTIVE_IMAGE,
    MISSING,
    NETWORK,
    NO_FLAVOR,
    NO_IMAGE,
    NOBODY,
    NPU,
    NPU_IMAGE,
    OTHER_VM_IMAGE,
    PREPAID,
    SCARCE_VM,
    SERVERS,
    SOLD_OUT,
    VM,
    VM_IMAGE,
    WRONG,
    body_of,
    create,
    running,
    settle,
    show,
    state,
)
from tests.conftest import refusal


def test_a_server_is_made_of_what_was_asked_for(cloud):
    asked = body_of(
        "server_1.a",
        NPU,
        NPU_IMAGE,
        root_volume={"size": 200, "type": "SSD"},
        data_volume={"size": 2048, "type": "ESSD", "count": 2},
        charging_info=PREPAID,
        arch="ARM",
        server_type="BMS",
        availability_zone="cn-north-4a",
    )
    server = show(cloud, cloud.post(SERVERS, asked).json["id"])
    assert [(each["type"], each["size"], each["evs_type"]) for each in server["volumes"]] == [
        ("ROOT", 200, "SSD"),
        ("DATA", 2048, "ESSD"),
        ("DATA", 2048, "ESSD"),
    ]
    told = {name: server[name] for name in ("name", "flavor", "key_pair_name", "category", "charging_mode")}
    assert told == {
        "name": "server_1.a",
        "flavor": NPU,
        "key_pair_name": "KeyPair-3d6a",
        "category": "SERVER",
        "charging_mode": "PRE_PAID",
    }
    assert (server["vpc_id"], server["subnet_id"]) == (NETWORK["vpc_id"], NETWORK["subnet_id"])
    assert (server["image"]["image_id"], server["image"]["arch"]) == (NPU_IMAGE, "ARM")
    assert server["cloud_server"]["type"] == "BMS" and server["order_id"].startswith("CS")
    assert [each["key_pair_names"] for each in server["endpoints"]] == [["KeyPair-3d6a"]]


def test_a_server_with_a_password_shows_neither_password_nor_key_pair(cloud):
    server = show(cloud, create(cloud, admin_pass="Secret-123")["id"])
    assert "key_pair_name" not in server and "Secret" not in str(server)
    assert "order_id" not in server and server["charging_mode"] == "POST_PAID"


def test_several_servers_are_made_at_once_and_the_first_is_answered(cloud):
    first = create(cloud, count=3)
    rows = cloud.get(SERVERS).json["data"]
    assert [row["name"] for row in rows] == ["server-a-0001", "server-a-0002", "server-a-0003"]
    assert rows[0]["id"] == first["id"]


def test_the_servers_for_which_no_machine_is_left_fail(cloud):
    create(cloud, flavor=SCARCE_VM, count=3)
    settle(cloud)
    rows = cloud.get(SERVERS).json["data"]
    assert [row["status"] for row in rows] == ["RUNNING", "RUNNING", "CREATE_FAILED"]
    assert refusal(cloud.post(SERVERS, body_of(flavor=SCARCE_VM))) == SOLD_OUT


def test_a_deleted_server_makes_room_for_another(cloud):
    ids = [create(cloud, flavor=SCARCE_VM)["id"] for _ in range(2)]
    cloud.delete(f"{SERVERS}/{ids[0]}")
    settle(cloud)
    running(cloud, flavor=SCARCE_VM)
    assert refusal(cloud.post(SERVERS, body_of(flavor=SCARCE_VM))) == SOLD_OUT


def test_an_image_that_is_not_active_fails_the_creation(cloud):
    server = create(cloud, image=INACTIVE_IMAGE)
    settle(cloud)
    assert state(cloud, server["id"]) == "CREATE_FAILED"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"admin_pass": "Secret-123", "key_pair_name": "k"}, WRONG),
        ({"key_pair_name": None}, WRONG),
        ({"admin_pass": "onlysmall", "key_pair_name": None}, WRONG),
        ({"admin_pass": "Toor-12345", "key_pair_name": None}, WRONG),
        ({"admin_pass": "Administrator1", "key_pair_name": None}, WRONG),
        ({"resource_flavor": VM}, WRONG),
        ({"flavor": None}, WRONG),
        ({"flavor": "s99.huge"}, NO_FLAVOR),
        ({"flavor": "physical.a100.8", "image_id": OTHER_VM_IMAGE}, WRONG),
        ({"image_id": NOBODY}, NO_IMAGE),
        ({"image_id": NPU_IMAGE}, WRONG),
        ({"arch": "ARM"}, WRONG),
        ({"server_type": "BMS"}, WRONG),
        ({"availability_zone": "cn-north-4z"}, WRONG),
        ({"hps_cluster_id": NOBODY}, WRONG),
        ({"user_data": "no base64!"}, WRONG),
        ({"user_data": base64.b64encode(bytes(32769)).decode()}, WRONG),
        ({"userdata": "no base64!"}, WRONG),
        ({"network": {**NETWORK, "allowed_address_pairs": [{"ip_address": "0.0.0.0/0"}]}}, WRONG),
        ({"network": {**NETWORK, "roce_id": NOBODY}}, MISSING),
        ({"network": {**NETWORK, "hyper_cluster": {"id": NOBODY}}}, MISSING),
    ],
)
def test_what_does_not_fit_is_refused(cloud, changes, refused):
    body = {name: value for name, value in (body_of() | changes).items() if value is not None}
    assert refusal(cloud.post(SERVERS, body)) == refused
    assert cloud.get(SERVERS).json["data"] == []


def test_a_roce_network_and_a_cluster_of_the_right_type_are_taken(cloud):
    roce = cloud.post(f"{SERVERS}/networks", {"network_type": "vxlan_roce", "physical_network": "net-1"}).json
    assert roce["network"]["provider:network_type"] == "vxlan_roce"
    assert roce["network"]["provider:physical_network"] == "net-1"
    plane = cloud.post(CLUSTERS, {"name": "plane", "type": "ECS"}).json
    subnet = plane["network_info"][0]["hyper_cluster_subnet_id"]
    inside = {"id": plane["id"], "hyper_cluster_subnet_id": subnet}
    create(cloud, network={"roce_id": roce["network"]["id"], "hyper_cluster": inside})
    wrong = {"hyper_cluster": {"id": plane["id"], "hyper_cluster_subnet_id": NOBODY}}
    assert refusal(cloud.post(SERVERS, body_of(network=wrong))) == WRONG
    hps = cloud.post(CLUSTERS, {"name": "plane"}).json["id"]
    assert refusal(cloud.post(SERVERS, body_of(network={"hyper_cluster": {"id": hps}}))) == WRONG


def test_a_server_is_renamed(cloud):
    id = running(cloud)
    cloud.clock.advance(5)
    renamed = cloud.put(f"{SERVERS}/{id}", {"name": "server-b"}).json
    assert renamed["name"] == "server-b" and renamed == show(cloud, id)
    assert renamed["update_at"] > renamed["create_at"]


def test_what_does_not_exist_is_refused_with_its_code(cloud):
    replies = [
        cloud.get(f"{SERVERS}/{NOBODY}"),
        cloud.put(f"{SERVERS}/{NOBODY}", {"name": "x"}),
        cloud.delete(f"{SERVERS}/{NOBODY}"),
        cloud.put(f"{SERVERS}/{NOBODY}/start", {}),
        cloud.put(f"{SERVERS}/{NOBODY}/stop"),
        cloud.put(f"{SERVERS}/{NOBODY}/reboot"),
        cloud.post(f"{SERVERS}/{NOBODY}/changeos", {"image_id": VM_IMAGE}),
        cloud.get(f"{SERVERS}/{NOBODY}/publicips"),
        cloud.get(f"{SERVERS}/{NOBODY}/operation/{NOBODY}"),
        cloud.post(f"{SERVERS}/action", {"type": "STOP", "servers": [{"id": NOBODY}]}),
    ]
    assert {refusal(reply) for reply in replies} == {MISSING}


def test_lists_are_paged_from_page_one(cloud):
    create(cloud, count=5)
    page = cloud.get(f"{SERVERS}?limit=2&offset=2").json
    assert [row["name"] for row in page["data"]] == ["server-a-0003", "server-a-0004"]
    assert (page["current"], page["pages"], page["size"], page["total"]) == (2, 3, 2, 5)
    every = cloud.get(f"{SERVERS}/all").json
    assert (every["current"], every["pages"], every["size"], every["total"]) == (1, 1, 5, 5)
    empty = cloud.get(f"{SERVERS}?offset=9").json
    assert (empty["data"], empty["total"]) == ([], 5)


def test_lists_are_sorted_by_creation_or_by_change(cloud):
    ids = []
    for name in "abc":
        ids.append(create(cloud, name)["id"])
        cloud.clock.advance(10)
    cloud.put(f"{SERVERS}/{ids[0]}", {"name": "d"})
    assert listed(cloud, "sort_dir=DESC") == ids[::-1]
    assert listed(cloud, "sort_key=updateTime") == [*ids[1:], ids[0]]
    assert listed(cloud, "sort_key=updateTime&sort_dir=DESC") == [ids[0], *ids[:0:-1]]


def listed(cloud, query: str = "", path: str = SERVERS, **options) -> list[str]:
    """The ids that are listed."""
    return [row["id"] for row in cloud.get(f"{path}?{query}", **options).json["data"]]


def test_everybody_sees_their_own_servers_and_the_owner_of_the_account_also_those_of_others(cloud, stranger):
    mine = create(cloud)["id"]
    theirs = cloud.post(SERVERS, body_of("theirs"), **stranger.options).json["id"]
    assert listed(cloud) == [mine] and listed(cloud, **stranger.options) == [theirs]
    assert listed(cloud, f"owner={stranger.id}") == [theirs]
    assert listed(cloud, f"owner={cloud.world.account.user_id}", **stranger.options) == [theirs]
    assert listed(cloud, path=f"{SERVERS}/all") == [mine, theirs]


ORDER = {"createTime": "create_at", "updateTime": "update_at"}
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "limit": st.integers(0, 6),
        "offset": st.integers(0, 6),
        "sort_key": st.sampled_from(list(ORDER)),
        "sort_dir": st.sampled_from(["ASC", "DESC"]),
    },
)


def test_every_page_is_that_of_a_plain_list(cloud):
    for name in "abcde":
        create(cloud, name)
        cloud.clock.advance(1)
    for row in cloud.get(f"{SERVERS}?sort_dir=DESC&limit=3").json["data"][::2]:
        cloud.put(f"{SERVERS}/{row['id']}", {"name": row["name"] * 2})
        cloud.clock.advance(1)
    rows = cloud.get(f"{SERVERS}/all").json["data"]

    @settings(max_examples=40)
    @given(asked=ASKED)
    def holds(asked):
        page = cloud.get(SERVERS, params=asked).json
        limit, offset = asked.get("limit", 10), asked.get("offset", 0)
        member, is_descending = ORDER[asked.get("sort_key", "createTime")], asked.get("sort_dir") == "DESC"
        ordered = sorted(rows, key=lambda row: row[member], reverse=is_descending)
        assert page["data"] == ordered[offset : offset + limit]
        assert (page["total"], page["size"]) == (len(rows), limit)

    holds()


def test_a_server_on_its_way_out_refuses_everything(cloud):
    id = running(cloud)
    assert cloud.delete(f"{SERVERS}/{id}").json["status"] == "DELETING"
    assert refusal(cloud.delete(f"{SERVERS}/{id}")) == ILLEGAL
    assert refusal(cloud.put(f"{SERVERS}/{id}/stop")) == ILLEGAL
    settle(cloud)
    assert refusal(cloud.get(f"{SERVERS}/{id}")) == MISSING
