"""What runs on nodes: where it lies, and what becomes of it when its node goes."""

import pytest

from tests.behaviours.modelarts.nodes.conftest import (
    batch,
    job_phase,
    names_of,
    node_of,
    node_under,
    nodes_of,
    pool_with,
    train,
    workloads,
)
from tests.behaviours.modelarts.pools.conftest import JOBS, NPU, POOLS, patch, scale
from tests.conftest import refusal

NOTEBOOKS = "/v1/{project_id}/notebooks"
IMAGE = "e1a07296-22a8-4f05-8bc8-e936c8e54090"


def explore(cloud, pool: str) -> str:
    """The id of a new notebook in the pool, which runs if there was room."""
    body = {
        "name": f"notebook-{cloud.world.new_hex(6)}",
        "flavor": "modelarts.vm.cpu.2u",
        "image_id": IMAGE,
        "pool_id": pool,
        "volume": {"category": "EVS", "ownership": "MANAGED"},
    }
    reply = cloud.post(NOTEBOOKS, body)
    assert reply.status in (200, 201), reply
    cloud.clock.advance("1m")
    return reply.json["id"]


def hosts(cloud, job: str, count: int = 1) -> list[str]:
    """On which hosts the tasks of a job were when it was scheduled for that time."""
    found = cloud.get(f"{JOBS}/{job}/tasks?schedule_count={count}").json
    return [each["host_ip"] for each in found]


def host_of(cloud, pool: str, name: str) -> str:
    """The address of a node."""
    return node_of(cloud, pool, name)["status"]["privateIp"]


def messages(cloud, job: str) -> list[str]:
    """What the events of a job say."""
    return [each["message"] for each in cloud.get(f"{JOBS}/{job}/events").json["events"]]


def test_workloads_and_tasks_say_on_which_hosts_they_run(cloud):
    pool = pool_with(cloud)
    job = train(cloud, pool, 2)
    addresses = {node["status"]["privateIp"] for node in nodes_of(cloud, pool)}
    (row,) = workloads(cloud, pool)
    assert set(row["hostIps"].split(",")) == set(hosts(cloud, job)) == addresses
    assert row["nodes"][0]["resourceRequirement"]["huawei.com/ascend-1980"] == "8"


def test_a_node_says_what_is_left_of_it(cloud):
    pool = pool_with(cloud, 1)
    train(cloud, pool)
    (node,) = nodes_of(cloud, pool)
    assert node["status"]["availableResources"] == {
        "cpu": "0",
        "memory": "0Gi",
        "huawei.com/ascend-snt9": "0",
    }
    assert node["metadata"]["annotations"]["os.modelarts/npu-topology-placement"] == "0000000011111111"


def test_workloads_are_asked_for_by_host_and_stand_in_a_queue(cloud):
    pool = pool_with(cloud)
    jobs = [train(cloud, pool) for _ in range(4)]
    rows = {row["jobUUID"]: row for row in workloads(cloud, pool)}
    assert [rows[job]["pendingPosition"] for job in jobs] == [0, 0, 1, 2]
    assert [rows[job].get("runningDuration") for job in jobs] == [240, 180, None, None]
    assert [rows[job].get("pendingDuration") for job in jobs] == [None, None, 120, 60]
    first = rows[jobs[0]]["hostIps"]
    assert [row["jobUUID"] for row in workloads(cloud, pool, f"?hostip={first}&limit=0")] == [jobs[0]]
    assert workloads(cloud, pool, "?hostip=1.2.3.4") == []


@pytest.mark.parametrize("verb", ["delete", "reboot", "drain"])
def test_a_job_whose_node_goes_fails_and_says_why(cloud, verb):
    pool = pool_with(cloud)
    job = train(cloud, pool)
    name = node_under(cloud, pool, job)
    assert batch(cloud, pool, verb, [name]).status == 200
    assert job_phase(cloud, job) == "Failed"
    assert any(f"node {name} " in message for message in messages(cloud, job))


@pytest.mark.parametrize(
    "kind, recover", [("job_retry_num", "job_reschedule"), ("pod_retry_num", "pod_reschedule")]
)
def test_a_job_that_may_be_retried_goes_on_elsewhere(cloud, kind, recover):
    pool = pool_with(cloud)
    job = train(cloud, pool, **{kind: "1"})
    name = node_under(cloud, pool, job)
    batch(cloud, pool, "drain", [name])
    assert job_phase(cloud, job) == "Pending"
    cloud.clock.advance("1m")
    status = cloud.get(f"{JOBS}/{job}").json["status"]
    first, last = status["running_records"]
    assert (status["phase"], first["end_recover"], last["start_type"]) == (
        "Running",
        recover,
        "init_or_rescheduled",
    )
    (recovery,) = first["recover_records"]
    assert (recovery["fault_scenario"], recovery["recover_result"], name in recovery["reason"]) == (
        "node_fault",
        "success",
        True,
    )
    assert hosts(cloud, job, 1) == [host_of(cloud, pool, name)] != hosts(cloud, job, 2)
    assert any("rescheduled" in message for message in messages(cloud, job))


def test_the_topic_of_a_job_is_told_that_it_has_started_again(cloud):
    pool = pool_with(cloud)
    job = train(cloud, pool, job_retry_num="1")
    notification = {"topic_urn": "urn:smn:x", "events": ["JobStarted", "JobRestarted"]}
    cloud.put(f"{JOBS}/{job}", {"spec": {"notification": notification}})
    batch(cloud, pool, "drain", [node_under(cloud, pool, job)])
    cloud.clock.advance("1m")
    sent = cloud.get("/_emulator/messages?to=urn:smn:x").json["messages"]
    assert [each["subject"] for each in sent] == ["JobRestarted"]


def test_a_job_that_was_retried_as_often_as_it_may_fails(cloud):
    pool = pool_with(cloud, 3)
    job = train(cloud, pool, job_retry_num="1")
    for _ in range(2):
        batch(cloud, pool, "reboot", [node_under(cloud, pool, job)])
        cloud.clock.advance("1m")
    assert job_phase(cloud, job) == "Failed"


def test_a_job_that_is_to_go_on_waits_for_room_and_says_so(cloud):
    pool = pool_with(cloud, 1)
    job = train(cloud, pool, job_retry_num="1")
    batch(cloud, pool, "reboot", names_of(cloud, pool))
    assert (job_phase(cloud, job), workloads(cloud, pool)[0]["pendingPosition"]) == ("Pending", 0)
    cloud.clock.advance("5m")
    assert job_phase(cloud, job) == "Running"


def test_a_job_that_has_not_begun_queues_again(cloud):
    pool = pool_with(cloud)
    environments = train(cloud, pool)
    job = train(cloud, pool)
    waiting = train(cloud, pool)
    batch(cloud, pool, "delete", [node_under(cloud, pool, job)])
    assert [job_phase(cloud, each) for each in (environments, job, waiting)] == [
        "Running",
        "Failed",
        "Pending",
    ]


def test_a_notebook_whose_node_goes_is_in_error_and_says_why(cloud):
    pool = pool_with(cloud, scope=["Train", "Notebook"])
    notebook = explore(cloud, pool)
    name = node_under(cloud, pool, notebook)
    batch(cloud, pool, "reboot", [name])
    shown = cloud.get(f"{NOTEBOOKS}/{notebook}").json
    assert (shown["status"], name in shown["fail_reason"]) == ("ERROR", True)


def test_a_pool_shrinks_by_idle_nodes_only(cloud):
    pool = pool_with(cloud, 3)
    job = train(cloud, pool)
    busy = node_under(cloud, pool, job)
    scale(cloud, pool, 1)
    cloud.clock.advance("10m")
    assert (names_of(cloud, pool), job_phase(cloud, job)) == ([busy], "Running")
    assert refusal(patch(cloud, pool, spec={"resources": [{"flavor": NPU, "count": 0}]})) == (
        400,
        "ModelArts.50004000",
    )


def test_a_drained_node_is_left_out_when_room_is_given(cloud):
    pool = pool_with(cloud)
    first, second = names_of(cloud, pool)
    batch(cloud, pool, "drain", [first])
    jobs = [train(cloud, pool), train(cloud, pool)]
    assert (node_under(cloud, pool, jobs[0]), job_phase(cloud, jobs[1])) == (second, "Pending")
    batch(cloud, pool, "reboot", [first])
    cloud.clock.advance("5m")
    assert node_under(cloud, pool, jobs[1]) == first


def test_pools_with_work_in_them_stay(cloud):
    pool = pool_with(cloud, 1)
    train(cloud, pool)
    assert refusal(cloud.delete(f"{POOLS}/{pool}")) == (400, "ModelArts.50004000")


@pytest.mark.parametrize("number", ["many", "-1", "129"])
def test_how_often_a_pod_is_scheduled_anew_is_a_number(cloud, number):
    pool = pool_with(cloud, 1)
    body = {
        "kind": "job",
        "metadata": {"name": "job", "annotations": {"fault-tolerance/pod-retry-num": number}},
        "algorithm": {"command": "python train.py", "engine": {"image_url": "org/image:1"}},
        "spec": {
            "resource": {"pool_id": pool, "flavor_id": "modelarts.pool.visual.8xlarge", "node_count": 1}
        },
    }
    assert refusal(cloud.post(JOBS, body)) == (400, "ModelArts.2788")
