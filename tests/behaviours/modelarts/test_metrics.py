"""Stories about how much of pools is used: it follows what runs there."""

import pytest

from tests.behaviours.modelarts.pools.conftest import (
    CPU,
    GPU,
    JOBS,
    POOLS,
    SOLD_OUT,
    create,
    running,
    train_in,
)
from tests.conftest import refusal


def usage(cloud, pool: str) -> dict:
    """The table of a pool's runtime metrics."""
    answer = cloud.get("/v2/{project_id}/metrics/runtime/pools").json
    assert (answer["kind"], answer["apiVersion"]) == ("PoolMetricsList", "v2")
    return {each["metadata"]["name"]: each["table"] for each in answer["items"]}[pool]


def values(cloud, pool: str) -> list[dict]:
    """What the pool has, what of it is taken, and what is free."""
    return [usage(cloud, pool)[name]["value"] for name in ("capacity", "allocated", "available")]


def test_the_table_of_a_pool_follows_what_runs_in_it(cloud):
    pool = running(cloud, count=2)
    whole, half, nothing = (
        {"cpu": cpu, "memory": memory, "ascend-snt9b": cards}
        for cpu, memory, cards in (("384", "3072Gi", "16"), ("192", "1536Gi", "8"), ("0", "0Gi", "0"))
    )
    assert values(cloud, pool) == [whole, nothing, whole]
    job = train_in(cloud, pool)
    cloud.clock.advance("2m")
    assert values(cloud, pool) == [whole, half, half]
    cloud.post(f"{JOBS}/{job}/actions", {"action_type": "terminate"})
    cloud.clock.advance("5m")
    assert values(cloud, pool) == [whole, nothing, whole]


def test_accelerators_are_called_as_documented(cloud):
    assert values(cloud, running(cloud, flavor=GPU))[0] == {"cpu": "8", "memory": "32Gi", "tnt004": "1"}


def test_what_runs_and_what_waits_is_counted(cloud):
    pool = running(cloud)
    for _ in range(3):
        train_in(cloud, pool)
    cloud.clock.advance("5m")
    work = usage(cloud, pool)["workload"]
    assert work["allocated"] == {"train": 1, "infer": 0, "notebook": 0, "sum": 1}
    assert work["queue"]["train"] == work["queue"]["sum"] == 2


def test_pools_are_counted_by_how_they_stand(cloud):
    running(cloud, name="pool-made")
    create(
        cloud,
        name="pool-unpaid",
        annotations={
            "os.modelarts/billing.mode": "1",
            "os.modelarts/period.num": "1",
            "os.modelarts/period.type": "2",
        },
    )
    create(cloud, name="pool-too-large", flavor=SOLD_OUT, count=99)
    cloud.clock.advance("10m")
    cloud.delete(f"{POOLS}/{running(cloud, name='pool-going', flavor=CPU)}")
    create(cloud, name="pool-coming", flavor=CPU)
    answer = cloud.get("/v2/{project_id}/statistics/pools").json
    assert answer["statistics"]["status"] == {
        "created": 1,
        "creating": 1,
        "failed": 1,
        "pending": 1,
        "deleting": 1,
    }
    assert answer["operationTime"].endswith(" +0000 UTC")
    elsewhere = cloud.get("/v2/{project_id}/statistics/pools?workspaceId=other").json["statistics"]["status"]
    assert sum(elsewhere.values()) == 0


def test_work_in_a_pool_is_counted_by_type_and_state(cloud):
    pool = running(cloud)
    train_in(cloud, pool), train_in(cloud, pool)
    cloud.clock.advance("5m")
    answer = cloud.get(f"/v2/{{project_id}}/statistics/pools/{pool}/workloads").json
    assert answer["statistics"] == answer["statics"] and answer["statistics"]["total"] == 2
    train = {each["type"]: each for each in answer["statistics"]["items"]}["train"]
    assert (train["total"], train["status"]["Running"], train["status"]["Failed"]) == (2, 1, 0)


def monitor(cloud, pool: str, query: str = "") -> dict[str, list]:
    """{name of a metric: its values}."""
    reply = cloud.get(f"{POOLS}/{pool}/monitor{query}")
    assert reply.status == 200, reply
    return {
        each["metric"]["metricName"]: [point["statistics"][0]["value"] for point in each["dataPoints"]]
        for each in reply.json["metrics"]
    }


def test_the_monitor_shows_when_work_began(cloud):
    pool = running(cloud)
    cloud.clock.advance("30m")
    idle = monitor(cloud, pool, "?time_range=-1.-1.20")["npuUtil"]
    assert idle == [0] * 20
    train_in(cloud, pool)
    cloud.clock.advance("10m")
    busy = monitor(cloud, pool, "?time_range=-1.-1.20")["npuUtil"]
    assert busy[:9] == [0] * 9 and all(value > 50 for value in busy[11:])


def test_the_monitor_shows_nothing_of_the_time_in_which_work_waited(cloud):
    pool = running(cloud)
    first, second = train_in(cloud, pool), train_in(cloud, pool)
    cloud.clock.advance("20m")
    cloud.post(f"{JOBS}/{first}/actions", {"action_type": "terminate"})
    cloud.clock.advance("10m")
    assert cloud.get(f"{JOBS}/{second}").json["status"]["phase"] == "Running"
    used = monitor(cloud, pool, "?time_range=-1.-1.25")["npuUtil"]
    assert used[:14] == [0] * 14 and all(value > 50 for value in used[16:])


def test_the_monitor_has_the_metrics_of_what_the_pool_is_made_of(cloud):
    with_cards, plain = running(cloud, name="pool-npu"), running(cloud, name="pool-cpu", flavor=CPU)
    common = {"cpuUsage", "memUsedRate", "diskUsedRate", "diskCapacity", "diskAvailableCapacity"}
    assert monitor(cloud, plain).keys() == common
    assert monitor(cloud, with_cards).keys() == common | {"npuUtil", "npuMemUsage"}


def test_the_monitor_sums_up_periods_and_marks_the_time_before_the_pool(cloud):
    pool = running(cloud)
    cloud.clock.advance("1h")
    assert (
        monitor(cloud, pool, "?time_range=-1.-1.30&period=300&statistics=sampleCount")["cpuUsage"] == [5] * 6
    )
    found = [
        monitor(cloud, pool, f"?period=900&statistics={each}")["cpuUsage"]
        for each in ("minimum", "average", "maximum")
    ]
    assert all(low <= middle <= high for low, middle, high in zip(*found, strict=True))
    assert monitor(cloud, pool, "?time_range=0.600000.10")["cpuUsage"] == [-1] * 10


@pytest.mark.parametrize("span", ["-1.-1.1441", "100000000000000000000.-1.60", "-1.-1.0", "now", "5.1.2"])
def test_a_time_that_cannot_be_shown_is_refused(cloud, span):
    assert refusal(cloud.get(f"{POOLS}/{running(cloud)}/monitor?time_range={span}")) == (
        400,
        "ModelArts.50004000",
    )


def test_there_are_no_metrics_of_a_pool_that_is_not_there(cloud):
    nobody = f"pool-{'0' * 36}"
    for path in (f"{POOLS}/{nobody}/monitor", f"/v2/{{project_id}}/statistics/pools/{nobody}/workloads"):
        assert refusal(cloud.get(path)) == (404, "ModelArts.50015001")
