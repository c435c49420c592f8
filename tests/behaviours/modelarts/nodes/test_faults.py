"""Nodes that fail, recover and are reclaimed, as the control API plays it."""

import pytest
from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.cloud import Cloud

from tests.behaviours.modelarts.nodes.conftest import (
    TASKS,
    batch,
    job_phase,
    names_of,
    node_of,
    node_under,
    phases,
    pool_with,
    train,
)
from tests.behaviours.modelarts.pools.conftest import nodes, phase, show


def strike(cloud, name: str, action: str, **body):
    """Let something happen to a node."""
    url = f"/_emulator/nodes/{name}/{action}?project_id={cloud.project_id}"
    return cloud.send("POST", url, body, headers={"X-Emulator-World": cloud.world.tag}, auth=False)


def test_a_node_that_fails_is_abnormal_until_it_is_mended(cloud):
    pool = pool_with(cloud)
    first, _ = names_of(cloud, pool)
    assert strike(cloud, first, "fail").json["status"]["phase"] == "Abnormal"
    assert (nodes(cloud, pool), phase(cloud, pool)) == ({"available": 1, "abnormal": 1}, "Running")
    strike(cloud, first, "recover")
    assert phases(cloud, pool) == ["Available", "Available"]


@pytest.mark.parametrize("verb", ["reboot", "reset"])
def test_a_node_that_failed_is_mended_by_starting_anew(cloud, verb):
    pool = pool_with(cloud)
    first, _ = names_of(cloud, pool)
    strike(cloud, first, "fail")
    rolling = (
        {"rollingConfig": {"strategy": "RollingByNumber", "maxUnavailable": 1}} if verb == "reset" else {}
    )
    assert batch(cloud, pool, verb, [first], **rolling).status == 200
    cloud.clock.advance("10m")
    assert phases(cloud, pool) == ["Available", "Available"]


def test_a_pool_is_abnormal_while_all_its_nodes_are(cloud):
    pool = pool_with(cloud)
    names, seen = names_of(cloud, pool), []
    for name, action in ((names[0], "fail"), (names[1], "fail"), (names[0], "recover")):
        strike(cloud, name, action)
        seen.append(phase(cloud, pool))
    assert seen == ["Running", "Abnormal", "Running"]


def test_who_runs_on_a_node_that_fails_is_told_what_was_said(cloud):
    pool = pool_with(cloud)
    jobs = [train(cloud, pool), train(cloud, pool, job_retry_num="1")]
    for job in jobs:
        strike(cloud, node_under(cloud, pool, job), "fail", message="HBM multi-bit ECC error")
    assert [job_phase(cloud, job) for job in jobs] == ["Failed", "Pending"]
    events = cloud.get(f"/v2/{{project_id}}/training-jobs/{jobs[1]}/events").json["events"]
    assert any("failed: HBM multi-bit ECC error" in each["message"] for each in events)


def test_a_node_that_stands_by_takes_the_place_of_one_that_fails(cloud):
    pool = pool_with(cloud)
    first, second = names_of(cloud, pool)
    batch(cloud, pool, "update", [second], action="openHaRedundant")
    job = train(cloud, pool, job_retry_num="1")
    strike(cloud, first, "fail")
    cloud.clock.advance("1m")
    label = "os.modelarts.node/ha.redundant.enabled"
    labels = [node_of(cloud, pool, name)["metadata"]["labels"][label] for name in (first, second)]
    assert (labels, node_under(cloud, pool, job)) == (["true", "false"], second)
    assert [row["type"] for row in cloud.get(f"{TASKS}?type=replace-node").json["items"]] == ["replace-node"]


def test_a_node_that_is_reclaimed_goes_and_its_pool_is_smaller(cloud):
    pool = pool_with(cloud)
    first, second = names_of(cloud, pool)
    job = train(cloud, pool)
    strike(cloud, first, "reclaim", message="spot capacity is needed")
    cloud.clock.advance("5m")
    assert (names_of(cloud, pool), show(cloud, pool)["spec"]["resources"][0]["count"]) == ([second], 1)
    assert job_phase(cloud, job) == "Failed"


def test_what_strikes_a_node_is_planned(cloud):
    pool = pool_with(cloud)
    first, second = names_of(cloud, pool)
    strike(cloud, first, "fail", after="1h")
    strike(cloud, second, "reclaim", after="2h")
    strike(cloud, second, "fail", after="3h")
    seen = [phases(cloud, pool)]
    for _ in range(3):
        cloud.clock.advance("1h")
        seen.append(phases(cloud, pool))
    assert seen == [["Available"] * 2, ["Abnormal", "Available"], ["Abnormal", "Deleting"], ["Abnormal"]]


@pytest.mark.parametrize(
    "name, action, body, status",
    [
        ("none", "fail", {}, 404),
        ("", "recover", {}, 400),
        ("", "fail", {"after": "soon"}, 400),
        ("", "fail", {"x": 1}, 400),
        ("", "burn", {}, 404),
    ],
)
def test_what_cannot_happen_is_refused(cloud, name, action, body, status):
    pool = pool_with(cloud)
    assert strike(cloud, name or names_of(cloud, pool)[0], action, **body).status == status


def test_nodes_and_what_is_planned_for_them_outlive_a_restart(tmp_path):
    with Emulator(state=str(tmp_path)) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.clock.freeze()
        pool = pool_with(cloud)
        job = train(cloud, pool, job_retry_num="1")
        name = node_under(cloud, pool, job)
        strike(cloud, name, "fail", after="1h")
        batch(cloud, pool, "reboot", [each for each in names_of(cloud, pool) if each != name])
    with Emulator(state=str(tmp_path)) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.clock.advance("30m")
        assert (phases(cloud, pool), job_phase(cloud, job)) == (["Available"] * 2, "Running")
        cloud.clock.advance("31m")
        assert (nodes(cloud, pool), node_under(cloud, pool, job) != name) == (
            {"available": 1, "abnormal": 1},
            True,
        )
        assert emulator.application.broken == []
