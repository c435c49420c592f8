"""The calls of Terraform's resources for Lite Servers: what they wait for, and what stays as configured."""

import pytest

from tests.behaviours.modelarts.dev_servers.conftest import (
    INACTIVE_IMAGE,
    MISSING,
    NETWORK,
    NOBODY,
    OTHER_VM_IMAGE,
    PREPAID,
    SERVERS,
    VM_IMAGE,
)
from tests.conftest import refusal

FAILED = {
    "CREATE_FAILED",
    "ERROR",
    "DELETE_FAILED",
    "START_FAILED",
    "STOP_FAILED",
    "REBOOT_FAILED",
    "CHANGINGOS_FAILED",
    "REINSTALLINGOS_FAILED",
}
CONFIGURED = {
    "name": "demo-server",
    "resource_flavor": "s7.large.2",
    "image_id": VM_IMAGE,
    "network": {**NETWORK, "ipv6_enable": False},
    "admin_pass": "Secret-123",
}


def get(cloud, id: str) -> dict:
    """The server as the provider reads it."""
    reply = cloud.get(f"{SERVERS}/{id}")
    assert reply.status == 200, reply
    return reply.json


def wait(cloud, id: str, target: str, within: str) -> None:
    """Poll as the provider does: a state that has failed ends it at once."""

    def is_there() -> bool:
        state = get(cloud, id)["status"]
        assert state not in FAILED
        return state == target

    cloud.clock.until(is_there, within=within)


def create(cloud, **configured) -> str:
    """The id of a server that is paid by use, once it runs."""
    reply = cloud.post(SERVERS, CONFIGURED | configured)
    assert reply.status in (200, 201, 202) and isinstance(reply.json["id"], str), reply
    wait(cloud, reply.json["id"], "RUNNING", "60m")
    return reply.json["id"]


def state_of(server: dict) -> dict:
    """What the provider keeps of a server, with the types that it insists on."""
    assert isinstance(server["create_at"], int)
    return {
        "name": server["name"],
        "resource_flavor": server["resource_flavor"],
        "flavor": server["flavor"],
        "architecture": server["image"]["arch"],
        "image_id": server["image"]["image_id"],
        "vpc_id": server["vpc_id"],
        "type": server["cloud_server"]["type"],
        "key_pair_name": server.get("key_pair_name"),
        "charging_mode": server["charging_mode"],
    }


@pytest.mark.parametrize(
    "configured",
    [
        {},
        {"root_volume": {"type": "SSD", "size": 200}, "availability_zone": "cn-north-4b"},
        {"server_type": "ECS", "arch": "X86", "enterprise_project_id": "0", "userdata": "IyEvYmluL2Jhc2gK"},
    ],
)
def test_a_second_plan_is_empty(cloud, configured):
    assert state_of(get(cloud, create(cloud, **configured))) == {
        "name": "demo-server",
        "resource_flavor": "s7.large.2",
        "flavor": "s7.large.2",
        "architecture": "X86",
        "image_id": VM_IMAGE,
        "vpc_id": NETWORK["vpc_id"],
        "type": "ECS",
        "key_pair_name": None,
        "charging_mode": "POST_PAID",
    }


def test_a_key_pair_stays_as_configured(cloud):
    body = {name: value for name, value in CONFIGURED.items() if name != "admin_pass"}
    id = cloud.post(SERVERS, body | {"key_pair_name": "KeyPair-3d6a"}).json["id"]
    assert state_of(get(cloud, id))["key_pair_name"] == "KeyPair-3d6a"


def test_a_server_paid_by_month_is_found_by_its_order(cloud):
    for n in range(3):
        create(cloud, name=f"other-{n}")
    charging = {**PREPAID, "is_auto_renew": False}
    order = cloud.post(SERVERS, CONFIGURED | {"charging_info": charging}).json["order_id"]

    def found() -> list[dict]:
        rows, offset = [], 0
        while page := cloud.get(f"{SERVERS}?limit=100&offset={offset}").json:
            rows += page["data"]
            offset += len(page["data"])
            if not page["data"] or len(rows) == page["total"]:
                return [row for row in rows if row.get("order_id") == order]

    cloud.clock.until(lambda: [row["status"] for row in found()] == ["RUNNING"], within="60m")
    assert state_of(get(cloud, found()[0]["id"]))["charging_mode"] == "PRE_PAID"


def test_a_rename_is_read_back_at_once(cloud):
    id = create(cloud)
    reply = cloud.put(f"{SERVERS}/{id}", {"name": "renamed"})
    assert reply.status in (200, 201, 202) and get(cloud, id)["name"] == "renamed"


def test_a_destroyed_server_is_forgotten_by_the_next_refresh(cloud):
    id = create(cloud)
    assert cloud.delete(f"{SERVERS}/{id}").status in (200, 202, 204)
    assert get(cloud, id)["status"] == "DELETING"
    cloud.clock.until(lambda: cloud.get(f"{SERVERS}/{id}").status != 200, within="30m")
    assert refusal(cloud.get(f"{SERVERS}/{id}")) == MISSING == refusal(cloud.delete(f"{SERVERS}/{id}"))


def test_a_server_that_never_was_counts_as_gone(cloud):
    assert refusal(cloud.get(f"{SERVERS}/{NOBODY}")) == MISSING
    assert refusal(cloud.delete(f"{SERVERS}/{NOBODY}")) == MISSING


def test_a_failed_creation_ends_the_wait(cloud):
    id = cloud.post(SERVERS, CONFIGURED | {"image_id": INACTIVE_IMAGE}).json["id"]
    with pytest.raises(AssertionError):
        wait(cloud, id, "RUNNING", "60m")


def act(cloud, id: str, action: str) -> None:
    """One action with the body that the provider sends, and its wait."""
    method, body, target = {
        "start": ("PUT", {}, "RUNNING"),
        "stop": ("PUT", None, "STOPPED"),
        "reboot": ("PUT", None, "RUNNING"),
        "changeos": ("POST", {"image_id": OTHER_VM_IMAGE, "key_pair_name": "k"}, "RUNNING"),
        "reinstallos": ("POST", {"admin_pass": "Secret-123", "user_data": "IyEvYmluL2Jhc2gK"}, "RUNNING"),
    }[action]
    reply = cloud.send(method, f"{SERVERS}/{id}/{action}", body)
    assert reply.status in (200, 201, 202), reply
    wait(cloud, id, target, "20m")


def test_every_action_comes_to_its_end_in_the_time_of_the_provider(cloud):
    id = create(cloud)
    for action in ("reboot", "stop", "start", "stop", "changeos", "stop", "reinstallos"):
        act(cloud, id, action)
    assert get(cloud, id)["image"]["image_id"] == OTHER_VM_IMAGE


@pytest.mark.parametrize(
    ("source", "texts", "lists"),
    [
        (
            "resource-flavors",
            {"flavor", "specification", "arch", "server_type", "sku_code", "charging_mode", "status"},
            {"server_flavors": {"name": str}, "availability_zones": {"id": str, "is_sold_out": bool}},
        ),
        ("images", {"image_id", "name", "arch", "server_type", "status"}, {}),
        ("plugins", {"name"}, {"infos": {"id": str, "version": str, "status": str, "url": str}}),
        (
            "jobs/templates",
            {"id", "name", "type", "flavor_type", "description"},
            {"params": {"name": str, "description": str, "value": str, "visible": str, "regex": str}},
        ),
    ],
)
def test_data_sources_have_the_types_that_the_provider_insists_on(cloud, source, texts, lists):
    rows = cloud.get(f"{SERVERS}/{source}").json["data"]
    assert rows
    for row in rows:
        assert all(isinstance(row[name], str) for name in texts)
        assert all(type(row[name]) is int for name in ("roce_num", "count") if source == "resource-flavors")
        for name, types in lists.items():
            for each in row[name]:
                assert {member: type(each[member]) for member in types} == types
