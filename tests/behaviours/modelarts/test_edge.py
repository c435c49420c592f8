"""Stories about edge services: their nodes are started and stopped one by one."""

import pytest

from tests.behaviours.modelarts.conftest import SERVICES, published, shown


@pytest.fixture
def service_id(cloud, monkeypatch) -> str:
    """A running edge service on two nodes."""
    monkeypatch.setattr(cloud.emulator.settings, "inference", "simulated")
    config = {"model_id": published(cloud), "specification": "modelarts.vm.cpu.2u", "nodes": ["n1", "n2"]}
    body = {"service_name": "e", "infer_type": "edge", "config": [config]}
    id = cloud.post(SERVICES, body).json["service_id"]
    cloud.clock.advance("2m")
    return id


def nodes(cloud, service_id) -> list[str]:
    """The states of the service's nodes."""
    return [node["instance_status"] for node in shown(cloud, service_id)["config"][0]["nodes"]]


def turn(cloud, service_id, node, status):
    """Ask a node to be running or stopped."""
    return cloud.put(f"{SERVICES}/{service_id}/nodes/{node}/status", {"status": status})


def test_one_node_is_stopped_and_the_other_goes_on(cloud, service_id):
    assert nodes(cloud, service_id) == ["running", "running"]
    assert turn(cloud, service_id, "n1", "stopped").json == {}
    assert nodes(cloud, service_id) == ["stopped", "running"]


def test_a_stopped_node_is_started_again(cloud, service_id):
    turn(cloud, service_id, "n1", "stopped")
    turn(cloud, service_id, "n1", "running")
    assert nodes(cloud, service_id) == ["running", "running"]


@pytest.mark.parametrize(("node", "status"), [("n1", "running"), ("n3", "stopped"), ("n1", "asleep")])
def test_what_a_node_cannot_do_is_refused(cloud, service_id, node, status):
    reply = turn(cloud, service_id, node, status)
    assert reply.status == 400 and reply.json["error_code"] == "ModelArts.0101"


def test_a_node_of_an_unknown_service_is_not_found(cloud, service_id):
    assert turn(cloud, "6d28e85a-a78b-4e1a-9b4b-d83501bcd4a1", "n1", "stopped").status == 404


def test_each_node_has_its_row_in_the_monitor(cloud, service_id):
    rows = cloud.get(f"{SERVICES}/{service_id}/monitor?node_id=n2").json["monitors"]
    log = cloud.get(f"{SERVICES}/{service_id}/logs").json["logs"][0]
    assert [row["node_id"] for row in rows] == ["n2"]
    assert (log["success_num"], log["failed_num"]) == (2, 0)


def test_the_nodes_of_a_stopped_service_are_stopped_and_stay_so(cloud, service_id):
    monitor = f"{SERVICES}/{service_id}/monitor"
    counts = ("service_instance_count", "service_running_instance_count")
    turn(cloud, service_id, "n1", "stopped")
    assert [cloud.get(monitor).json[name] for name in counts] == [2, 1]
    cloud.put(f"{SERVICES}/{service_id}", {"status": "stopped"})
    cloud.clock.advance("1m")
    assert nodes(cloud, service_id) == ["stopped", "stopped"]
    assert turn(cloud, service_id, "n1", "running").json["error_code"] == "ModelArts.0101"
    assert [cloud.get(monitor).json[name] for name in counts] == [2, 0]
    cloud.put(f"{SERVICES}/{service_id}", {"status": "running"})
    assert nodes(cloud, service_id) == ["notReady", "notReady"]
    cloud.clock.advance("2m")
    assert nodes(cloud, service_id) == ["running", "running"]


@pytest.mark.parametrize("named", [["n1", "n1"], [""], [{"id": "n1"}, "n1"]])
def test_each_node_is_named_once(cloud, service_id, named):
    config = {"model_id": shown(cloud, service_id)["config"][0]["model_id"], "nodes": named}
    body = {"config": [{**config, "specification": "modelarts.vm.cpu.2u"}]}
    assert cloud.put(f"{SERVICES}/{service_id}", body).json["error_code"] == "ModelArts.0101"
