"""Pools: made, scaled, failed, paid and deleted."""

import pytest

from tests.behaviours.modelarts.pools.conftest import (
    CPU,
    GPU,
    JOBS,
    NETWORKS,
    NPU,
    POOLS,
    SOLD_OUT,
    body_of,
    create,
    network_of,
    nodes,
    patch,
    phase,
    running,
    scale,
    show,
    train_in,
)
from tests.conftest import add_workspace, refusal

BAD_REQUEST = (400, "ModelArts.50004000")
PREPAID = {"os.modelarts/billing.mode": "1", "os.modelarts/period.num": "1", "os.modelarts/period.type": "2"}


def test_a_new_pool_is_a_document_with_a_generated_name_and_an_order(cloud):
    add_workspace(cloud, "w1")
    made = cloud.post(POOLS, body_of(cloud, labels={"os.modelarts/workspace.id": "w1"})).json
    labels = made["metadata"]["labels"]
    assert (made["kind"], made["apiVersion"], made["status"]["phase"]) == ("Pool", "v2", "Creating")
    assert made["metadata"]["name"].startswith("pool-a-")
    assert (labels["os.modelarts/name"], labels["os.modelarts/workspace.id"]) == ("pool-a", "w1")
    assert labels["os.modelarts/order.name"].startswith("order-")
    assert labels["os.modelarts/tenant.project.id"] == cloud.project_id


def test_nodes_are_being_made_until_the_pool_runs(cloud):
    name = create(cloud, count=2)
    before = nodes(cloud, name)
    cloud.clock.advance("10m")
    assert (before, nodes(cloud, name), phase(cloud, name)) == ({"creating": 2}, {"available": 2}, "Running")


def test_a_pool_for_whose_flavor_there_are_no_nodes_cannot_be_made(cloud):
    name = create(cloud, flavor=SOLD_OUT)
    cloud.clock.advance("10m")
    failed = show(cloud, name)["status"]
    assert (failed["phase"], "0 are left" in failed["message"]) == ("CreationFailed", True)
    cloud.clock.advance("3d")
    assert refusal(cloud.get(f"{POOLS}/{name}")) == (404, "ModelArts.50015001")


def test_pools_compete_for_the_nodes_of_a_flavor(cloud):
    running(cloud, count=15)
    name = create(cloud, "pool-b", count=2)
    cloud.clock.advance("10m")
    assert phase(cloud, name) == "CreationFailed"


def test_a_pool_grows_and_shrinks_while_it_runs(cloud):
    name = running(cloud, count=2)
    scale(cloud, name, 5)
    growing = nodes(cloud, name)
    cloud.clock.advance("10m")
    scale(cloud, name, 1)
    assert (growing, nodes(cloud, name)) == ({"available": 2, "creating": 3}, {"available": 1, "deleting": 4})
    cloud.clock.advance("10m")
    assert (nodes(cloud, name), phase(cloud, name)) == ({"available": 1}, "Running")


def test_a_pool_that_cannot_grow_keeps_what_it_has_and_can_be_scaled_again(cloud):
    name = running(cloud, count=2)
    scale(cloud, name, 17)
    cloud.clock.advance("10m")
    assert (phase(cloud, name), nodes(cloud, name)) == ("ScalingFailed", {"available": 2})
    scale(cloud, name, 3)
    cloud.clock.advance("10m")
    assert (phase(cloud, name), nodes(cloud, name)) == ("Running", {"available": 3})


def test_a_pool_is_not_scaled_while_it_is_scaled(cloud):
    name = running(cloud)
    scale(cloud, name, 2)
    assert refusal(scale(cloud, name, 3)) == BAD_REQUEST


def test_a_pool_that_is_being_made_is_not_changed(cloud):
    assert refusal(scale(cloud, create(cloud), 3)) == BAD_REQUEST


def test_a_pool_paid_in_advance_waits_for_its_order(cloud):
    name = create(cloud, annotations=PREPAID)
    cloud.clock.advance("10m")
    assert phase(cloud, name) == "Waiting"
    order = cloud.post(f"{POOLS}/{running(cloud, 'pool-b')}/orderid", {"actionType": "toPeriod"}).json["id"]
    patch(cloud, name, metadata={"annotations": {"os.modelarts/order.id": order}})
    assert phase(cloud, name) == "Creating"
    cloud.clock.advance("10m")
    assert phase(cloud, name) == "Running"


def test_a_pool_that_is_paid_by_itself_waits_for_nobody(cloud):
    assert phase(cloud, create(cloud, annotations={**PREPAID, "os.modelarts/auto.pay": "1"})) == "Creating"


@pytest.mark.parametrize("missing", ["num", "type"])
def test_a_period_is_said_whole(cloud, missing):
    annotations = {name: value for name, value in PREPAID.items() if not name.endswith(missing)}
    assert refusal(cloud.post(POOLS, body_of(cloud, annotations=annotations))) == BAD_REQUEST


@pytest.mark.parametrize(
    "spec",
    [
        {"resources": [{"flavor": "none", "count": 1}]},
        {"resources": [{"flavor": NPU, "count": -1}]},
        {"resources": [{"flavor": NPU, "count": 3, "maxCount": 2}]},
        {"resources": [{"flavor": NPU, "count": 2, "azs": [{"az": "cn-north-4a", "count": 1}]}]},
        {"network": {"name": "none"}},
        {"network": {}},
        {"type": "Logical", "parent": "none"},
    ],
)
def test_a_pool_that_cannot_be_is_refused(cloud, spec):
    assert refusal(cloud.post(POOLS, body_of(cloud, **spec))) == BAD_REQUEST


@pytest.mark.parametrize("name", ["abc", "Pool", "pool_a", "a" * 26])
def test_a_name_that_is_not_as_documented_is_refused(cloud, name):
    assert refusal(cloud.post(POOLS, body_of(cloud, name))) == BAD_REQUEST


def test_a_name_in_use_is_refused_unless_that_pool_failed(cloud):
    create(cloud, flavor=SOLD_OUT)
    assert refusal(cloud.post(POOLS, body_of(cloud))) == (409, "ModelArts.50015000")
    cloud.clock.advance("10m")
    assert create(cloud)


def test_a_project_has_at_most_fifteen_pools(cloud):
    made = [create(cloud, f"pool-{at}", CPU) for at in range(15)]
    assert refusal(cloud.post(POOLS, body_of(cloud, "pool-more", CPU))) == BAD_REQUEST
    cloud.delete(f"{POOLS}/{made[0]}")
    cloud.clock.advance("10m")
    assert create(cloud, "pool-more", CPU)


def test_a_pool_is_deleting_before_it_is_gone(cloud):
    name = running(cloud)
    deleted = cloud.delete(f"{POOLS}/{name}").json
    assert (deleted["status"]["phase"], "deletionTimestamp" in deleted["metadata"]) == ("Deleting", True)
    cloud.clock.advance("10m")
    assert refusal(cloud.get(f"{POOLS}/{name}")) == (404, "ModelArts.50015001")
    assert refusal(cloud.delete(f"{POOLS}/{name}")) == (404, "ModelArts.50015001")


def test_a_pool_with_work_in_it_stays(cloud):
    name = running(cloud)
    job = train_in(cloud, name)
    assert refusal(cloud.delete(f"{POOLS}/{name}")) == BAD_REQUEST
    cloud.post(f"/v2/{{project_id}}/training-jobs/{job}/actions", {"action_type": "terminate"})
    cloud.clock.advance("10m")
    assert cloud.delete(f"{POOLS}/{name}").status == 200


def test_a_pool_in_which_another_lies_stays(cloud):
    name = running(cloud)
    inner = create(cloud, "pool-in", type="Logical", parent=name)
    assert show(cloud, inner)["status"]["parent"] == name
    assert [each["metadata"]["name"] for each in cloud.get(f"{POOLS}?parent={name}").json["items"]] == [inner]
    assert refusal(cloud.delete(f"{POOLS}/{name}")) == BAD_REQUEST


def test_a_network_with_a_pool_in_it_stays(cloud):
    name = create(cloud)
    network = network_of(cloud)
    assert refusal(cloud.delete(f"{NETWORKS}/{network}")) == BAD_REQUEST
    cloud.delete(f"{POOLS}/{name}")
    cloud.clock.advance("10m")
    assert cloud.delete(f"{NETWORKS}/{network}").status == 200


def test_a_pool_does_not_shrink_below_what_runs_in_it(cloud):
    name = running(cloud, count=2)
    train_in(cloud, name)
    cloud.clock.advance("2m")
    assert refusal(scale(cloud, name, 0)) == BAD_REQUEST
    assert scale(cloud, name, 1).status == 200


def test_who_waits_for_room_gets_in_when_the_pool_has_grown(cloud):
    name = running(cloud)
    ids = [train_in(cloud, name), train_in(cloud, name)]
    cloud.clock.advance("2m")
    scale(cloud, name, 2)
    cloud.clock.advance("10m")
    phases = [cloud.get(f"/v2/{{project_id}}/training-jobs/{id}").json["status"]["phase"] for id in ids]
    assert phases == ["Running", "Running"]


def test_pools_are_listed_by_workspace_state_and_label(cloud):
    add_workspace(cloud, "w1")
    made = running(cloud)
    failed = create(cloud, "pool-f", SOLD_OUT)
    cloud.clock.advance("10m")
    coming = create(cloud, "pool-c", GPU)
    create(cloud, "pool-w", GPU, labels={"os.modelarts/workspace.id": "w1"})
    queries = ("status=created", "status=failed", "status=creating", "labelSelector=os.modelarts/name=pool-a")
    found = [
        [row["metadata"]["name"] for row in cloud.get(f"{POOLS}?{each}").json["items"]] for each in queries
    ]
    assert found == [[made], [failed], [coming], [made]]


def test_the_workspace_is_not_changed_together_with_the_size(cloud):
    add_workspace(cloud, "w1")
    name, labels = running(cloud), {"labels": {"os.modelarts/workspace.id": "w1"}}
    resources = [{"flavor": NPU, "count": 2}]
    assert refusal(patch(cloud, name, metadata=labels, spec={"resources": resources})) == BAD_REQUEST
    assert patch(cloud, name, metadata=labels).json["metadata"]["labels"]["os.modelarts/workspace.id"] == "w1"


def test_labels_that_cannot_be_changed_stay(cloud):
    name = running(cloud)
    before = show(cloud, name)["metadata"]["labels"]
    sent = {"os.modelarts/name": None, "os.modelarts/order.name": "mine", "os.modelarts/sharing": "shared"}
    patched = patch(cloud, name, metadata={"labels": sent}).json["metadata"]["labels"]
    assert patched == before | {"os.modelarts/sharing": "shared"}


def test_a_pool_can_give_up_all_nodes(cloud):
    name = running(cloud)
    assert patch(cloud, name, spec={"resources": []}).status == 200
    cloud.clock.advance("10m")
    assert (nodes(cloud, name), phase(cloud, name)) == ({}, "Running")


def test_a_pool_with_work_in_it_does_not_go_with_its_workspace(cloud):
    id = cloud.post("/v1/{project_id}/workspaces", {"name": "team-a"}).json["id"]
    place = f"/v1/{{project_id}}/workspaces/{id}"
    name = running(cloud, labels={"os.modelarts/workspace.id": id})
    job = train_in(cloud, name)
    cloud.delete(place)
    cloud.clock.advance("10m")
    shown = cloud.get(place).json
    assert (shown["status"], f"pool {name} cannot be deleted" in shown["status_info"]) == (
        "DELETE_FAILED",
        True,
    )
    assert phase(cloud, name) == "Running"
    cloud.post(f"{JOBS}/{job}/actions", {"action_type": "terminate"})
    cloud.clock.advance("10m")
    cloud.delete(place)
    cloud.clock.advance("1h")
    assert [cloud.get(path).status for path in (place, f"{POOLS}/{name}")] == [400, 404]


def test_a_network_goes_after_the_pool_that_lies_in_the_same_workspace(cloud):
    id = cloud.post("/v1/{project_id}/workspaces", {"name": "team-a"}).json["id"]
    labels = {"os.modelarts/workspace.id": id}
    network = {"labels": {"os.modelarts/name": "net-b", **labels}}
    body = {"apiVersion": "v1", "kind": "Network", "metadata": network, "spec": {"cidr": "192.168.0.0/16"}}
    made = cloud.post(NETWORKS, body).json["metadata"]["name"]
    cloud.clock.advance("5m")
    running(cloud, labels=labels, network={"name": made})
    cloud.delete(f"/v1/{{project_id}}/workspaces/{id}")
    cloud.clock.advance("1h")
    assert cloud.get(f"/v1/{{project_id}}/workspaces/{id}").status == 400
    assert cloud.get(f"{NETWORKS}/{made}").status == 404
