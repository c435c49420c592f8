"""Job types, drivers, flavors, and what is placed in a pool."""

import pytest

from tests.behaviours.modelarts.pools.conftest import (
    CPU,
    GPU,
    POOLS,
    create,
    patch,
    running,
    scale,
    scopes,
    show,
    train_in,
)
from tests.conftest import refusal

BAD_REQUEST = (400, "ModelArts.50004000")


def retry(cloud, name: str, scope: str = "Train"):
    """Enable a job type anew."""
    return cloud.post(f"{POOLS}/{name}/retry-scope", {"scope": scope})


def workloads(cloud, name: str, query: str = "") -> list[tuple[str, str]]:
    """(type, status) of what is placed in the pool."""
    items = cloud.get(f"{POOLS}/{name}/workloads{query}").json["items"]
    return [(each["type"], each["status"]) for each in items]


def test_job_types_are_enabled_and_disabled_after_a_while(cloud):
    name = running(cloud)
    cloud.clock.advance("5m")
    assert scopes(cloud, name) == {"Train": "Enabled"}
    patch(cloud, name, spec={"scope": ["Infer"]})
    assert scopes(cloud, name) == {"Train": "Disabling", "Infer": "Enabling"}
    cloud.clock.advance("5m")
    assert scopes(cloud, name) == {"Train": "Disabled", "Infer": "Enabled"}


def test_a_job_type_needs_a_node_and_is_retried_when_there_is_one(cloud):
    name = running(cloud, count=0)
    cloud.clock.advance("5m")
    assert scopes(cloud, name) == {"Train": "EnableFailed"}
    scale(cloud, name, 1)
    cloud.clock.advance("10m")
    assert (retry(cloud, name).status, scopes(cloud, name)) == (200, {"Train": "Enabling"})
    cloud.clock.advance("5m")
    assert scopes(cloud, name) == {"Train": "Enabled"}


@pytest.mark.parametrize("scope", ["Train", "Infer", "none"])
def test_only_what_failed_is_retried(cloud, scope):
    name = running(cloud)
    cloud.clock.advance("5m")
    assert refusal(retry(cloud, name, scope)) == BAD_REQUEST


def test_a_job_type_in_use_stays(cloud):
    name = running(cloud)
    train_in(cloud, name)
    assert refusal(patch(cloud, name, spec={"scope": ["Infer"]})) == BAD_REQUEST


def test_the_driver_fits_the_accelerator_and_is_upgraded(cloud):
    name = running(cloud, flavor=GPU, driver={"gpuVersion": "470.57.02"})
    assert show(cloud, name)["status"]["driver"] == {"gpu": {"version": "470.57.02", "state": "Running"}}
    patch(cloud, name, spec={"driver": {"gpuVersion": "515.65.01", "updateStrategy": "force"}})
    assert show(cloud, name)["status"]["driver"]["gpu"] == {"version": "515.65.01", "state": "Upgrading"}
    cloud.clock.advance("5m")
    assert show(cloud, name)["status"]["driver"]["gpu"]["state"] == "Running"


def test_nodes_without_accelerators_have_no_driver(cloud):
    assert show(cloud, create(cloud, flavor=CPU))["status"]["driver"] == {}


def test_workloads_are_what_is_placed_in_the_pool(cloud):
    name = running(cloud)
    id = train_in(cloud, name)
    train_in(cloud, name)
    cloud.clock.advance("2m")
    assert sorted(workloads(cloud, name)) == [("train", "Pending"), ("train", "Running")]
    assert workloads(cloud, name, "?status=Running&type=train") == [("train", "Running")]
    assert workloads(cloud, name, "?type=notebook") == []
    cloud.post(f"/v2/{{project_id}}/training-jobs/{id}/actions", {"action_type": "terminate"})
    cloud.clock.advance("2m")
    assert sorted(workloads(cloud, name)) == [("train", "Running"), ("train", "Terminated")]


def test_workloads_of_a_pool_that_does_not_exist_are_not_found(cloud):
    path = f"{POOLS}/pool-{'0' * 32}/workloads"
    assert refusal(cloud.get(path)) == (404, "ModelArts.50015001")


def test_flavors_are_paged_and_say_what_is_sold_out(cloud):
    flavors = cloud.get("/v1/{project_id}/resourceflavors?limit=3").json
    rest = cloud.get(f"/v1/{{project_id}}/resourceflavors?continue={flavors['metadata']['continue']}").json
    names = [each["metadata"]["name"] for each in flavors["items"] + rest["items"]]
    assert (len(flavors["items"]), len(names), len(set(names))) == (3, 8, 8)
    sold_out = [each for each in rest["items"] if "soldout" in each["status"]["phase"].values()]
    assert [each["metadata"]["name"] for each in sold_out] == ["modelarts.bm.a100.8"]


def test_virtual_flavors_lead_to_their_template(cloud):
    flavors = cloud.get("/v1/{project_id}/virtualresourceflavors").json["items"]
    path = "/v1/{project_id}/virtualresourcetemplates"
    for flavor in flavors:
        name = flavor["spec"]["virtualResourceTemplateName"]
        assert cloud.get(f"{path}/{name}").json["metadata"]["name"] == name
    assert refusal(cloud.get(f"{path}/none")) == (404, "ModelArts.50005101")


def test_pools_are_clusters_of_v1(cloud):
    name = running(cloud)
    create(cloud, "pool-b")
    found = cloud.get("/v1/{project_id}/clusters?status=running").json
    (cluster,) = found["clusters"]
    assert (cluster["cluster_id"], cluster["nodes"]["available_count"], found["count"]) == (name, 1, 1)


def test_a_job_over_nodes_that_does_not_exist_is_not_found(cloud):
    assert refusal(cloud.get("/v2/{project_id}/jobs/none")) == (404, "ModelArts.50005101")
