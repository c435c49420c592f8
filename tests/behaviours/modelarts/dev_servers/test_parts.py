"""What is put into servers and taken out of them: disks, ports, public addresses."""

import pytest

from tests.behaviours.modelarts.dev_servers.conftest import (
    DISK,
    HYPER,
    ILLEGAL,
    MISSING,
    NOBODY,
    PORT,
    PUBLIC_IP,
    SERVERS,
    SUBNET,
    WRONG,
    create,
    hyperinstance,
    running,
    settle,
    show,
    state,
    stopped,
    whole,
)
from tests.conftest import refusal

SPARE = DISK.format(2)
DATA = {"data_volume": {"size": 500, "type": "SSD", "count": 1}}


def part_of_hyperinstance(cloud) -> str:
    """The id of a server of a hyperinstance."""
    return whole(cloud, hyperinstance(cloud))["servers"][0]["id"]


def stop(cloud, id: str) -> None:
    """Stop a server."""
    assert cloud.put(f"{SERVERS}/{id}/stop").status == 200
    settle(cloud)


def attach(cloud, id: str, volume_id: str = SPARE):
    """Ask for a disk."""
    return cloud.post(f"{SERVERS}/{id}/attachvolume", {"volume_id": volume_id})


def operation(cloud, id: str, asked: dict) -> dict:
    """How far an operation is."""
    reply = cloud.get(f"{SERVERS}/{id}/operation/{asked['operation_id']}")
    assert reply.status == 200, reply
    return reply.json


def disks(cloud, id: str) -> list[str]:
    """The disks of the server."""
    return [each["evs_id"] for each in show(cloud, id)["volumes"]]


def test_a_disk_is_attached_by_an_operation_that_is_polled(cloud):
    id = part_of_hyperinstance(cloud)
    before, asked = disks(cloud, id), attach(cloud, id).json
    assert (asked["operation_type"], asked["operation_status"]) == ("node_attach_volume", "pending")
    assert operation(cloud, id, asked) == asked
    cloud.clock.until(lambda: operation(cloud, id, asked)["operation_status"] == "running", within="1m")
    assert disks(cloud, id) == before
    cloud.clock.until(lambda: operation(cloud, id, asked)["operation_status"] == "success", within="1m")
    disk = next(each for each in show(cloud, id)["volumes"] if each["evs_id"] == SPARE)
    assert disk == {"evs_id": SPARE, "evs_type": "GPSSD", "size": 500, "type": "DATA"}


def test_a_detached_disk_can_be_attached_elsewhere(cloud):
    one, other = part_of_hyperinstance(cloud), part_of_hyperinstance(cloud)
    attach(cloud, one)
    settle(cloud)
    assert refusal(attach(cloud, other)) == WRONG
    asked = cloud.delete(f"{SERVERS}/{one}/detachvolume/{SPARE}").json
    assert asked["operation_type"] == "node_detach_volume"
    settle(cloud)
    assert operation(cloud, one, asked)["operation_status"] == "success" and SPARE not in disks(cloud, one)
    attach(cloud, other)
    settle(cloud)
    assert SPARE in disks(cloud, other)


def test_an_operation_fails_when_another_was_faster(cloud):
    one, other = part_of_hyperinstance(cloud), part_of_hyperinstance(cloud)
    attach(cloud, one)
    cloud.clock.advance(0.05)
    asked = attach(cloud, other).json
    settle(cloud)
    found = operation(cloud, other, asked)
    assert found["operation_status"] == "failed" and SPARE in found["operation_error"]["message"]
    assert SPARE in disks(cloud, one) and SPARE not in disks(cloud, other)


def test_an_operation_fails_when_its_server_has_begun_something_else(cloud):
    id = part_of_hyperinstance(cloud)
    asked = attach(cloud, id).json
    cloud.put(f"{SERVERS}/{id}/reboot")
    cloud.clock.until(lambda: operation(cloud, id, asked)["operation_status"] == "failed", within="2m")
    assert operation(cloud, id, asked)["operation_error"]["code"] == "ModelArts.6357"


def test_an_operation_is_found_at_its_server_and_at_the_hyperinstance(cloud):
    id, other = hyperinstance(cloud), hyperinstance(cloud)
    server = whole(cloud, id)["servers"][1]["id"]
    asked = attach(cloud, server).json
    assert cloud.get(f"{HYPER}/{id}/operation/{asked['operation_id']}").json == asked
    assert refusal(cloud.get(f"{HYPER}/{other}/operation/{asked['operation_id']}")) == MISSING
    sibling = whole(cloud, id)["servers"][0]["id"]
    assert refusal(cloud.get(f"{SERVERS}/{sibling}/operation/{asked['operation_id']}")) == MISSING
    assert refusal(cloud.get(f"{HYPER}/{id}/operation/{NOBODY}")) == MISSING


def test_disks_are_attached_to_settled_servers_of_hyperinstances_only(cloud):
    id = part_of_hyperinstance(cloud)
    assert refusal(attach(cloud, running(cloud))) == WRONG
    assert refusal(attach(cloud, id, NOBODY)) == MISSING
    cloud.put(f"{SERVERS}/{id}/reboot")
    assert refusal(attach(cloud, id)) == ILLEGAL


def test_a_disk_with_the_system_stays_and_others_are_not_there_to_detach(cloud):
    id = part_of_hyperinstance(cloud)
    (root,) = disks(cloud, id)
    assert refusal(cloud.delete(f"{SERVERS}/{id}/detachvolume/{root}")) == WRONG
    assert refusal(cloud.delete(f"{SERVERS}/{id}/detachvolume/{SPARE}")) == MISSING


def test_a_disk_that_was_attached_is_free_when_its_server_is_gone(cloud):
    id, other = hyperinstance(cloud), part_of_hyperinstance(cloud)
    attach(cloud, whole(cloud, id)["servers"][0]["id"])
    settle(cloud)
    cloud.delete(f"{HYPER}/{id}")
    settle(cloud)
    assert attach(cloud, other).status == 200


@pytest.mark.parametrize(("is_stopped", "port_state"), [(False, "ACTIVE"), (True, "DOWN")])
def test_a_new_port_gives_a_server_another_address(cloud, is_stopped, port_state):
    id = part_of_hyperinstance(cloud)
    if is_stopped:
        stop(cloud, id)
    asked = {"network_id": SUBNET, "ip_address": "192.168.7.7", "name": "data", "enable_efi": False}
    port = cloud.post(f"{SERVERS}/{id}/attach-ports", asked).json
    assert (port["port_state"], port["virsubnet_id"]) == (port_state, SUBNET)
    assert len(port["mac_addr"].split(":")) == 6
    assert [each["uri"] for each in show(cloud, id)["endpoints"]][1:] == ["192.168.7.7"]


def test_a_port_is_detached_from_a_stopped_server_and_attached_to_another(cloud):
    one, other = part_of_hyperinstance(cloud), part_of_hyperinstance(cloud)
    spare = {"port_id": PORT.format(1)}
    cloud.post(f"{SERVERS}/{one}/attach-ports", spare)
    assert refusal(cloud.post(f"{SERVERS}/{other}/attach-ports", spare)) == WRONG
    ports = f"{SERVERS}/{one}/detach-ports/{PORT.format(1)}"
    assert refusal(cloud.delete(ports)) == ILLEGAL
    stop(cloud, one)
    assert cloud.delete(ports).json == spare
    assert refusal(cloud.delete(ports)) == MISSING
    assert cloud.post(f"{SERVERS}/{other}/attach-ports", spare).json["port_id"] == PORT.format(1)


def test_a_port_that_was_made_for_a_server_goes_when_it_is_detached(cloud):
    id = part_of_hyperinstance(cloud)
    port = cloud.post(f"{SERVERS}/{id}/attach-ports", {"network_id": SUBNET}).json["port_id"]
    stop(cloud, id)
    assert cloud.delete(f"{SERVERS}/{id}/detach-ports/{port}").status == 200
    assert refusal(cloud.post(f"{SERVERS}/{id}/attach-ports", {"port_id": port})) == MISSING


def test_a_disk_that_was_moved_outlasts_the_server_that_it_came_with(cloud):
    id, other = hyperinstance(cloud, **DATA), part_of_hyperinstance(cloud)
    server = whole(cloud, id)["servers"][0]
    disk = next(each["evs_id"] for each in server["volumes"] if each["type"] == "DATA")
    cloud.delete(f"{SERVERS}/{server['id']}/detachvolume/{disk}")
    settle(cloud)
    cloud.delete(f"{HYPER}/{id}")
    settle(cloud)
    assert attach(cloud, other, disk).status == 200


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ({}, WRONG),
        ({"port_id": NOBODY}, MISSING),
        ({"network_id": SUBNET, "ip_address": "somewhere"}, WRONG),
    ],
)
def test_a_port_that_cannot_be_is_refused(cloud, asked, refused):
    id = part_of_hyperinstance(cloud)
    assert refusal(cloud.post(f"{SERVERS}/{id}/attach-ports", asked)) == refused
    assert len(show(cloud, id)["endpoints"]) == 1


def test_ports_are_for_settled_servers_of_hyperinstances_only(cloud):
    asked, id = {"network_id": SUBNET}, part_of_hyperinstance(cloud)
    alone = stopped(cloud)
    assert refusal(cloud.post(f"{SERVERS}/{alone}/attach-ports", asked)) == WRONG
    assert refusal(cloud.delete(f"{SERVERS}/{alone}/detach-ports/{PORT.format(1)}")) == WRONG
    cloud.put(f"{SERVERS}/{id}/reboot")
    assert refusal(cloud.post(f"{SERVERS}/{id}/attach-ports", asked)) == ILLEGAL


def test_a_public_address_is_bound_to_one_running_server_and_unbound(cloud):
    one, other = running(cloud, "a"), running(cloud, "b")
    bound = cloud.post(f"{SERVERS}/{one}/publicips", {"public_ip_id": PUBLIC_IP.format(1)}).json
    assert bound == {"public_ips": [{"id": PUBLIC_IP.format(1), "address": "198.51.100.11"}]}
    assert cloud.get(f"{SERVERS}/{one}/publicips").json == bound
    asked = {"public_ip_id": PUBLIC_IP.format(1)}
    assert refusal(cloud.post(f"{SERVERS}/{other}/publicips", asked)) == WRONG
    assert refusal(cloud.delete(f"{SERVERS}/{other}/publicips/{PUBLIC_IP.format(1)}")) == MISSING
    assert cloud.delete(f"{SERVERS}/{one}/publicips/{PUBLIC_IP.format(1)}").json == PUBLIC_IP.format(1)
    assert cloud.get(f"{SERVERS}/{one}/publicips").json == {"public_ips": []}
    assert cloud.post(f"{SERVERS}/{other}/publicips", asked).status == 200


def test_a_public_address_needs_a_running_server_and_has_to_exist(cloud):
    id = create(cloud)["id"]
    assert refusal(cloud.post(f"{SERVERS}/{id}/publicips", {"public_ip_id": PUBLIC_IP.format(1)})) == ILLEGAL
    settle(cloud)
    assert refusal(cloud.post(f"{SERVERS}/{id}/publicips", {"public_ip_id": NOBODY})) == MISSING


def test_a_public_address_is_free_when_its_server_is_gone(cloud):
    one, other = running(cloud, "a"), running(cloud, "b")
    asked = {"public_ip_id": PUBLIC_IP.format(2)}
    cloud.post(f"{SERVERS}/{one}/publicips", asked)
    cloud.delete(f"{SERVERS}/{one}")
    settle(cloud)
    assert (
        cloud.post(f"{SERVERS}/{other}/publicips", asked).status == 200 and state(cloud, other) == "RUNNING"
    )
