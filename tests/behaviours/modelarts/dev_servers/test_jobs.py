"""Jobs on servers, made from templates."""

import pytest

from tests.behaviours.modelarts.dev_servers.conftest import (
    JOBS,
    MISSING,
    NOBODY,
    SERVERS,
    WRONG,
    running,
    settle,
    stopped,
)
from tests.conftest import refusal

COMMAND = [{"type": "COMMON", "spec": {"command": "npu-smi info"}}]
DEPLOYED = {"service_name": "chat", "model_name": "pangu", "model_url": "obs://models/pangu/", "port": "9000"}
DEPLOY = [{"type": "SERVICE_DEPLOY", "spec": DEPLOYED}]


def create(cloud, *servers: str, kind="COMMON", items=COMMAND, **members) -> dict:
    """A new job."""
    body = {"name": "job-a", "server_ids": list(servers), "type": kind, "items": items, **members}
    reply = cloud.post(JOBS, body)
    assert reply.status == 200, reply
    return reply.json


def tasks(cloud, id: str) -> list[tuple[str, str]]:
    """The state and message of each task."""
    return [(each["status"], each["message"]) for each in cloud.get(f"{JOBS}/{id}").json["tasks"]]


def row(cloud, id: str) -> dict:
    """The job as it is listed."""
    return cloud.get(f"{JOBS}?id={id}").json["data"][0]


def test_a_job_has_a_task_on_each_server_that_runs(cloud):
    runs, rests = running(cloud, "a"), stopped(cloud, "b")
    job = create(cloud, runs, rests, description="look")
    assert (job["status"], job["template_id"], job["description"]) == (
        "ACTIVE",
        "devserver-template-common",
        "look",
    )
    assert tasks(cloud, job["id"]) == [("PROCESSING", ""), ("SKIPPED", f"server {rests} is STOPPED")]
    assert row(cloud, job["id"])["status"] == "PROCESSING"
    settle(cloud)
    assert tasks(cloud, job["id"])[0] == ("SUCCESS", "COMMON is done")
    done = row(cloud, job["id"])
    assert (done["status"], done["abnormal_count"], done["name"]) == ("FINISHED", 0, "job-a")
    assert cloud.get(f"{JOBS}/{job['id']}").json["items"] == COMMAND


def test_a_task_fails_when_its_server_is_stopped_meanwhile(cloud):
    id = running(cloud)
    job = create(cloud, id)["id"]
    cloud.put(f"{SERVERS}/{id}/stop")
    settle(cloud)
    assert tasks(cloud, job) == [("FAILED", f"server {id} is STOPPED")]
    assert row(cloud, job)["abnormal_count"] == 1


def test_a_task_that_has_failed_begins_once_more_on_request(cloud):
    id = running(cloud)
    job = create(cloud, id, is_reboot=True)["id"]
    cloud.put(f"{SERVERS}/{id}/stop")
    cloud.clock.advance(2.2)
    assert tasks(cloud, job) == [("PROCESSING", "")]
    cloud.put(f"{SERVERS}/{id}/start", {})
    settle(cloud)
    assert tasks(cloud, job) == [("SUCCESS", "COMMON is done")] and row(cloud, job)["abnormal_count"] == 0


@pytest.mark.parametrize(
    ("members", "refused"),
    [
        ({"type": "UNKNOWN"}, WRONG),
        ({"items": []}, WRONG),
        ({"items": DEPLOY}, WRONG),
        ({"items": [{"type": "COMMON"}]}, WRONG),
        ({"items": [{"type": "COMMON", "spec": {"command": "ls", "more": "x"}}]}, WRONG),
        (
            {"type": "LOG_COLLECT", "items": [{"type": "DEVICE_LOG_COLLECT", "spec": {"obs_path": "?"}}]},
            WRONG,
        ),
        ({"server_ids": [NOBODY]}, MISSING),
    ],
)
def test_a_job_that_no_template_is_for_is_refused(cloud, members, refused):
    body = {"name": "job-a", "server_ids": [running(cloud)], "type": "COMMON", "items": COMMAND, **members}
    assert refusal(cloud.post(JOBS, body)) == refused
    assert cloud.get(JOBS).json["total"] == 0


def test_jobs_are_listed_by_name_type_and_state(cloud):
    server = running(cloud)
    first = create(cloud, server)["id"]
    settle(cloud)
    items = [{"type": "DEVICE_LOG_COLLECT", "spec": {"obs_path": "obs://logs/npu/"}}]
    second = create(cloud, server, kind="LOG_COLLECT", items=items, name="job-b")
    assert second["items"][0]["spec"] == {"obs_path": "obs://logs/npu/", "days": "1"}
    for query, ids in {
        "": [first, second["id"]],
        "name=JOB-B": [second["id"]],
        "type=COMMON": [first],
        "status=PROCESSING": [second["id"]],
        "visible=false": [],
        "visible=true": [first, second["id"]],
    }.items():
        assert [each["id"] for each in cloud.get(f"{JOBS}?{query}").json["data"]] == ids, query


def test_jobs_are_deleted_all_or_none(cloud):
    server = running(cloud)
    ids = [create(cloud, server)["id"] for _ in range(2)]
    assert refusal(cloud.send("DELETE", JOBS, {"job_ids": [ids[0], NOBODY]})) == MISSING
    deleted = cloud.send("DELETE", JOBS, {"job_ids": ids}).json
    assert [(each["id"], each["status"]) for each in deleted["data"]] == [(id, "DELETED") for id in ids]
    assert cloud.get(JOBS).json["data"] == [] and refusal(cloud.get(f"{JOBS}/{ids[0]}")) == MISSING


def test_a_deployment_is_a_service_with_an_instance_on_each_server(cloud):
    one, other = running(cloud, "a"), running(cloud, "b")
    job = create(cloud, one, other, kind="SERVICE_DEPLOY", items=DEPLOY)["id"]
    service = cloud.get(f"{JOBS}/services/{job}").json
    assert service["status"] == "CREATING" and service["model"]["quant_type"] == "fp16"
    assert service["spec"] == {**DEPLOYED, "quant_type": "fp16"}
    settle(cloud)
    service = cloud.get(f"{JOBS}/services/{job}").json
    assert (service["name"], service["status"]) == ("chat", "RUNNING")
    assert [each["endpoints"].endswith(":9000") for each in service["instances"]] == [True, True]


def test_a_deployment_fails_with_its_servers_and_other_jobs_deploy_nothing(cloud):
    id = running(cloud)
    job, other = create(cloud, id, kind="SERVICE_DEPLOY", items=DEPLOY)["id"], create(cloud, id)["id"]
    cloud.delete(f"{SERVERS}/{id}")
    settle(cloud)
    assert tasks(cloud, job) == [("FAILED", f"server {id} is gone")]
    service = cloud.get(f"{JOBS}/services/{job}").json
    assert (service["status"], service["instances"][0]["endpoints"]) == ("FAILED", "")
    assert refusal(cloud.get(f"{JOBS}/services/{other}")) == MISSING


def test_templates_are_listed_by_type_and_shown_whole(cloud):
    rows = cloud.get(f"{JOBS}/templates?type=COMMON").json
    assert (rows["total"], rows["data"][0]["flavor_type"]) == (1, "ASCEND_GENERIC")
    assert cloud.get(f"{JOBS}/templates?name=log").json["data"][0]["type"] == "LOG_COLLECT"
    template = cloud.get(f"{JOBS}/templates/{rows['data'][0]['id']}").json
    assert template["status"] == "ACTIVE" and template["params"] == rows["data"][0]["params"]
    assert refusal(cloud.get(f"{JOBS}/templates/{NOBODY}")) == MISSING
