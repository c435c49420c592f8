"""Quotas of workspaces."""

import pytest

from tests.behaviours.modelarts.conftest import BUCKET, SERVICES, entry, published, service_body
from tests.behaviours.modelarts.inference_v2 import conftest as inference
from tests.behaviours.modelarts.notebooks import conftest as notebooks
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


def test_a_workspace_whose_time_of_notebooks_is_used_up_begins_no_more(cloud):
    id, cpu, gpu = create(cloud), "notebook.cpu_duration", "notebook.gpu_duration"
    put(cloud, id, (cpu, 10), (gpu, 10))
    first = notebooks.run(cloud, workspace_id=id)
    cloud.clock.advance("5m")
    assert quotas(cloud, id)[cpu]["used_quota"] == 5
    notebooks.stop(cloud, first)
    cloud.clock.advance("1h")
    assert quotas(cloud, id)[cpu]["used_quota"] == 5 and quotas(cloud, id)[gpu]["used_quota"] == 0
    notebooks.act(cloud, first, "start")
    cloud.clock.advance("6m")
    refused = cloud.post(notebooks.BASE, notebooks.body_of(name="second", workspace_id=id))
    assert refusal(refused) == (400, "ModelArts.0113") and cpu in refused.json["error_msg"]
    notebooks.stop(cloud, first)
    assert notebooks.act(cloud, first, "start")["error_code"] == "ModelArts.0113"
    put(cloud, id, (cpu, -1))
    assert notebooks.act(cloud, first, "start")["status"] == "STARTING"


def test_a_workspace_whose_time_of_services_is_used_up_takes_no_more_of_them(cloud, monkeypatch):
    monkeypatch.setattr(cloud.emulator.settings, "inference", "simulated")
    id, quota = create(cloud), "service.cpu_duration"
    put(cloud, id, (quota, 10))
    model = published(cloud)
    body = service_body(entry(model), workspace_id=id)
    first = cloud.post(SERVICES, body).json["service_id"]
    cloud.clock.advance("12m")
    assert quotas(cloud, id)[quota]["used_quota"] == 11
    assert refusal(cloud.post(SERVICES, body | {"service_name": "second"})) == (400, "ModelArts.4860")
    cloud.world.obs.write(BUCKET, "in/a.csv", b"1")
    paths = {
        "src_path": f"/{BUCKET}/in/",
        "dest_path": f"/{BUCKET}/out/",
        "req_uri": "/",
        "mapping_type": "file",
    }
    batch = {"infer_type": "batch", "service_name": "third", "config": [entry(model) | paths]}
    assert refusal(cloud.post(SERVICES, body | batch)) == (400, "ModelArts.4861")
    cloud.put(f"{SERVICES}/{first}", {"status": "stopped"}).raise_for_status()
    cloud.clock.advance("1h")
    assert quotas(cloud, id)[quota]["used_quota"] == 11
    assert refusal(cloud.put(f"{SERVICES}/{first}", {"status": "running"})) == (400, "ModelArts.4860")
    put(cloud, id, (quota, 12))
    assert cloud.put(f"{SERVICES}/{first}", {"status": "running"}).status == 200


def test_deployments_use_up_the_time_of_services(cloud):
    id, quota, with_card = create(cloud), "service.cpu_duration", {"cpu": 1, "memory": 1024, "gpu": 1}
    put(cloud, id, (quota, 10), ("service.gpu_duration", 10))
    first = inference.deployed(cloud, workspace_id=id)
    cloud.clock.advance("12m")
    assert quotas(cloud, id)[quota]["used_quota"] >= 10
    body = inference.service_body(inference.group(), name="second", workspace_id=id)
    assert refusal(cloud.post(inference.SERVICES, body)) == (400, "ModelArts.4860")
    further = f"{inference.SERVICES}/{first}/deployments"
    assert refusal(cloud.post(further, inference.group("second"))) == (400, "ModelArts.4860")
    unit = inference.UNIT | {"custom_spec": with_card}
    assert cloud.post(further, inference.group("third", unit_configs=[unit])).ok
    cloud.post(f"{inference.SERVICES}/{first}/stop").raise_for_status()
    cloud.clock.advance("1h")
    assert refusal(cloud.post(f"{inference.SERVICES}/{first}/start")) == (400, "ModelArts.4860")
    (deployment, _) = inference.deployments(cloud, first)
    start = f"{further}/{deployment['id']}/start"
    assert refusal(cloud.post(start)) == (400, "ModelArts.4860")
