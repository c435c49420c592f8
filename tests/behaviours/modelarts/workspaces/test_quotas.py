"""Quotas of workspaces."""

import pytest

from tests.behaviours.modelarts.workspaces.conftest import WORKSPACES, create, show
from tests.conftest import JOB, refusal

GPU, CPU = "exemlProject.gpu_duration", "trainJob.cpu_duration"


def quotas(cloud, id: str) -> dict[str, dict]:
    """The quotas of the workspace by resource."""
    return {each["resource"]: each for each in cloud.get(f"{WORKSPACES}/{id}/quotas").json["quotas"]}


def put(cloud, id: str, *asked: tuple[str, int]):
    """Set quotas."""
    body = {"quotas": [{"resource": resource, "quota": quota} for resource, quota in asked]}
    return cloud.put(f"{WORKSPACES}/{id}/quotas", body)


def test_nothing_is_limited_at_first_since_the_workspace_was_created(cloud):
    id = create(cloud)
    cloud.clock.advance(60)
    for quota in quotas(cloud, id).values():
        assert (quota["quota"], quota["used_quota"]) == (-1, None)
        assert quota["update_time"] == show(cloud, id)["create_time"]
        assert (
            quota["min_quota"] == -1
            and quota["name_en"]
            and quota["name_cn"]
            and quota["unit_en"] == "minute"
        )


def test_a_quota_is_set_and_says_when(cloud):
    id = create(cloud)
    cloud.clock.advance(60)
    reply = put(cloud, id, (GPU, 10))
    assert [(each["resource"], each["quota"], each["max_quota"]) for each in reply.json["quotas"]] == [
        (GPU, 10, 60000)
    ]
    assert "used_quota" not in reply.json["quotas"][0]
    found = quotas(cloud, id)
    assert (found[GPU]["quota"], found[GPU]["used_quota"], found[CPU]["quota"]) == (10, 0, -1)
    assert found[GPU]["update_time"] >= show(cloud, id)["create_time"] + 60_000


def test_a_limit_can_be_taken_away_again(cloud):
    id = create(cloud)
    put(cloud, id, (GPU, 10))
    put(cloud, id, (GPU, -1))
    assert (quotas(cloud, id)[GPU]["quota"], quotas(cloud, id)[GPU]["used_quota"]) == (-1, None)


@pytest.mark.parametrize(("resource", "quota"), [(GPU, 0), (GPU, -2), (GPU, 60001), ("cake", 1)])
def test_a_quota_out_of_bounds_or_of_nothing_is_refused_and_nothing_is_set(cloud, resource, quota):
    id = create(cloud)
    assert refusal(put(cloud, id, (CPU, 5), (resource, quota))) == (400, "ModelArts.0104")
    assert quotas(cloud, id)[CPU]["quota"] == -1


def test_quotas_of_a_workspace_that_is_going_cannot_be_set(cloud):
    id = create(cloud)
    cloud.delete(f"{WORKSPACES}/{id}")
    assert refusal(put(cloud, id, (GPU, 10))) == (400, "ModelArts.7004")


def test_the_time_of_training_jobs_is_used_up_by_those_of_the_workspace(cloud):
    id = create(cloud)
    put(cloud, id, (CPU, 1000), ("trainJob.gpu_duration", 1000))
    for place in (id, "0"):
        cloud.post("/v2/{project_id}/training-jobs", JOB | {"metadata": {"name": "a", "workspace_id": place}})
    cloud.clock.advance("1h")
    jobs = [
        each["status"]["duration"]
        for each in cloud.post("/v2/{project_id}/training-job-searches", {"workspace_id": id}).json["items"]
        if each["metadata"]["workspace_id"] == id
    ]
    found = quotas(cloud, id)
    assert found[CPU]["used_quota"] == jobs[0] // 60_000
    assert found["trainJob.gpu_duration"]["used_quota"] == 0


def test_a_workspace_whose_time_of_training_is_used_up_takes_no_more_jobs(cloud):
    id = create(cloud)
    put(cloud, id, (CPU, 1))
    algorithm = JOB["algorithm"] | {"environments": {"EMULATOR_DURATION": "100h"}}

    def train(name: str, place: str):
        metadata = {"name": name, "workspace_id": place}
        body = JOB | {"metadata": metadata, "algorithm": algorithm}
        return cloud.post("/v2/{project_id}/training-jobs", body)

    assert train("first", id).status == 201
    cloud.clock.advance("1h")
    refused = train("second", id)
    assert refusal(refused) == (400, "ModelArts.2815") and CPU in refused.json["error_msg"]
    assert train("second", "0").status == 201
    put(cloud, id, (CPU, -1))
    assert train("second", id).status == 201
