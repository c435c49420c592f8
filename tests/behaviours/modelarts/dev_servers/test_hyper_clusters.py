"""Networks of hyperinstances and groups in them: what is in them, and whether there is room for more."""

import pytest

from tests.behaviours.modelarts.dev_servers.conftest import (
    CLUSTERS,
    GROUPS,
    HPS,
    HPS_IMAGE,
    HYPER,
    MISSING,
    NO_FLAVOR,
    NOBODY,
    SERVERS,
    WRONG,
    body_of,
    cluster,
    flavor_of,
    hyperinstance,
    running,
    settle,
    whole,
)
from tests.conftest import refusal

SIZES = (1, 2, 4, 8)


def test_a_cluster_is_found_by_its_type_and_stays_while_something_is_in_it(cloud):
    made = cloud.post(CLUSTERS, {"name": "plane", "hyper_cluster_subnet_id": NOBODY}).json
    assert made["network_info"] == [{"hyper_cluster_subnet_id": NOBODY, "is_default": True}]
    plane = f"{CLUSTERS}/{made['id']}"
    assert cloud.get(plane).json == made == cloud.get(f"{plane}?type=HPS").json
    assert refusal(cloud.get(f"{plane}?type=ECS")) == MISSING == refusal(cloud.delete(f"{plane}?type=ECS"))
    assert cloud.get(CLUSTERS).json["hyper_clusters"] == [made]
    assert cloud.get(f"{CLUSTERS}?type=ECS").json["hyper_clusters"] == []
    id = hyperinstance(cloud, within=made["id"])
    assert refusal(cloud.delete(plane)) == WRONG
    cloud.delete(f"{HYPER}/{id}")
    settle(cloud)
    assert cloud.delete(plane).status == 200 and refusal(cloud.get(plane)) == MISSING


def test_a_group_counts_its_npus_and_takes_no_more_than_its_limit(cloud):
    plane = cluster(cloud)
    group = cloud.post(GROUPS, {"name": "group-a", "hyperinstance_cluster_id": plane}).json
    assert (group["npu_count"], group["npu_count_limit"]) == ("0", "768")
    id = hyperinstance(cloud, group=group["id"], within=plane)
    assert cloud.get(f"{GROUPS}/{group['id']}").json["npu_count"] == "32"
    assert (
        refusal(cloud.delete(f"{GROUPS}/{group['id']}"))
        == WRONG
        == refusal(cloud.delete(f"{CLUSTERS}/{plane}"))
    )
    listed = cloud.get(GROUPS).json
    assert ([each["name"] for each in listed["data"]], listed["total"]) == (["group-a"], 1)
    cloud.delete(f"{HYPER}/{id}")
    settle(cloud)
    assert cloud.delete(f"{GROUPS}/{group['id']}").json == group["id"]
    assert refusal(cloud.get(f"{GROUPS}/{group['id']}")) == MISSING


def test_a_group_is_in_a_cluster_that_exists_and_so_are_its_hyperinstances(cloud):
    assert refusal(cloud.post(GROUPS, {"name": "g", "hyperinstance_cluster_id": NOBODY})) == MISSING
    group = cloud.post(GROUPS, {"name": "g", "hyperinstance_cluster_id": cluster(cloud)}).json["id"]
    network = {"hyper_group": {"id": group}}
    body = body_of("h", HPS, HPS_IMAGE, network=network, hps_cluster_id=cluster(cloud, "other"))
    assert refusal(cloud.post(SERVERS, body)) == WRONG


def test_capacity_is_evaluated_for_clusters_and_groups(cloud):
    plane = cluster(cloud)
    group = cloud.post(GROUPS, {"name": "g", "hyperinstance_cluster_id": plane}).json["id"]
    hyperinstance(cloud, flavor_of(16), group=group, within=plane)
    reply = cloud.post(f"{HYPER}/cluster-capacity-evaluations", {"availability_zone": "cn-north-4a"})
    rows = reply.json["capacities"]
    assert {row["flavor"]: row["is_sold_out"] for row in rows} == {
        **{flavor_of(size): False for size in SIZES},
        flavor_of(16): True,
        flavor_of(48): True,
    }
    assert {(row["hyperinstance_cluster_id"], row["hyperinstance_cluster_name"]) for row in rows} == {
        (plane, "plane-a")
    }
    asked = {"hyperinstance_group_ids": [group], "availability_zone": "cn-north-4b"}
    for size, is_sold_out in ((8, False), (16, True)):
        asked["resource_flavor"] = flavor_of(size)
        (row,) = cloud.post(f"{HYPER}/group-capacity-evaluations", asked).json["capacities"]
        assert (row["hyperinstance_group_name"], row["is_sold_out"]) == ("g", is_sold_out)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"hyperinstance_group_ids": [NOBODY]}, MISSING),
        ({"availability_zone": "nowhere"}, WRONG),
        ({"resource_flavor": "s99"}, NO_FLAVOR),
    ],
)
def test_capacity_is_evaluated_for_what_exists_only(cloud, changes, refused):
    group = cloud.post(GROUPS, {"name": "g", "hyperinstance_cluster_id": cluster(cloud)}).json["id"]
    asked = {"hyperinstance_group_ids": [group], "availability_zone": "cn-north-4b", "resource_flavor": HPS}
    assert refusal(cloud.post(f"{HYPER}/group-capacity-evaluations", asked | changes)) == refused
    of_clusters = {"hyperinstance_cluster_ids": [NOBODY], "flavor": HPS}
    assert refusal(cloud.post(f"{HYPER}/cluster-capacity-evaluations", of_clusters)) == MISSING


def test_the_switches_of_a_hyperinstance_are_those_of_one_rack(cloud):
    id, virtual = hyperinstance(cloud), running(cloud)
    servers = whole(cloud, id)["servers"]
    found = cloud.get(f"{SERVERS}/instance-physical-topologies").json["servers"]
    assert [row["resource_id"] for row in found] == [each["cloud_server"]["id"] for each in servers]
    assert found[0]["network_nodes"] == found[1]["network_nodes"] and len(found[0]["network_nodes"]) == 2
    topologies = f"{SERVERS}/instance-physical-topologies"
    assert cloud.get(f"{topologies}?id={servers[0]['id']}").json["servers"] == found[:1]
    assert cloud.get(f"{topologies}?resource_id={found[1]['resource_id']}").json["servers"] == found[1:]
    assert refusal(cloud.get(f"{topologies}?id={virtual}")) == WRONG
    assert refusal(cloud.get(f"{topologies}?id={NOBODY}")) == MISSING
    assert refusal(cloud.get(f"{topologies}?resource_id={NOBODY}")) == MISSING
