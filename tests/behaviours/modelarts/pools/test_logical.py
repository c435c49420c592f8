"""Logical pools: they take nodes of the pool in which they lie, and give them back."""

import pytest

from tests.behaviours.modelarts.nodes.conftest import batch, job_phase, names_of, node_of, pool_with
from tests.behaviours.modelarts.pools.conftest import (
    CPU,
    NPU,
    POOLS,
    create,
    nodes,
    patch,
    phase,
    running,
    scale,
    scopes,
    show,
    train_in,
)
from tests.conftest import refusal

BAD_REQUEST = (400, "ModelArts.50004000")
QUOTA = "os.modelarts.node/elastic.quota"


def inner_in(cloud, pool: str, count: int = 1, **members) -> str:
    """The name of a Running logical pool with so many nodes of the pool."""
    return running(cloud, "pool-in", count=count, type="Logical", parent=pool, **members)


def bound_to(cloud, pool: str) -> dict[str, str]:
    """{node of the pool: the logical pool that it is bound to}."""
    found = {name: node_of(cloud, pool, name)["metadata"]["labels"] for name in names_of(cloud, pool)}
    return {name: labels[QUOTA] for name, labels in found.items() if QUOTA in labels}


def bind(cloud, pool: str, drain: bool = False, **quotas: str):
    """Bind nodes of the pool to logical pools."""
    named = [{"name": name, "quotaName": quota} for name, quota in quotas.items()]
    return cloud.post(f"{POOLS}/{pool}/nodes/batch-bind", {"nodes": named, "drain": drain})


def test_a_logical_pool_takes_idle_nodes_of_the_pool_that_it_lies_in(cloud):
    pool = pool_with(cloud, 3)
    job = train_in(cloud, pool)
    cloud.clock.advance("1m")
    inner = inner_in(cloud, pool, 2)
    assert nodes(cloud, inner) == {"available": 2} and nodes(cloud, pool) == {"available": 3}
    first, *others = names_of(cloud, pool)
    assert bound_to(cloud, pool) == dict.fromkeys(others, inner)
    assert names_of(cloud, inner) == others and node_of(cloud, inner, others[0])["spec"]["flavor"] == NPU
    assert cloud.get(f"{POOLS}/{inner}/nodes/{first}").status == 404
    assert job_phase(cloud, job) == "Running"
    assert show(cloud, pool)["metadata"]["annotations"]["os.modelarts.pool/subpools.count"] == "1"


def test_what_runs_in_one_of_the_two_takes_nothing_of_the_other(cloud):
    pool = pool_with(cloud, 2)
    inner = inner_in(cloud, pool)
    jobs = [train_in(cloud, each) for each in (inner, pool, inner, pool)]
    cloud.clock.advance("1m")
    assert [job_phase(cloud, job) for job in jobs] == ["Running", "Running", "Pending", "Pending"]


def test_more_nodes_than_are_idle_are_not_to_be_had(cloud):
    pool = pool_with(cloud, 2)
    train_in(cloud, pool)
    cloud.clock.advance("1m")
    inner = create(cloud, "pool-in", count=2, type="Logical", parent=pool)
    cloud.clock.advance("1m")
    assert phase(cloud, inner) == "CreationFailed" and bound_to(cloud, pool) == {}
    assert "1 are idle in pool" in show(cloud, inner)["status"]["message"]


def test_a_logical_pool_is_scaled_and_deleted_with_nodes_that_stay(cloud):
    pool = pool_with(cloud, 3)
    inner = inner_in(cloud, pool)
    assert scale(cloud, inner, 3).status == 200
    cloud.clock.advance("1m")
    assert (phase(cloud, inner), nodes(cloud, inner)) == ("Running", {"available": 3})
    assert scale(cloud, inner, 1).status == 200
    cloud.clock.advance("1m")
    assert len(bound_to(cloud, pool)) == 1 and nodes(cloud, pool) == {"available": 3}
    assert cloud.delete(f"{POOLS}/{inner}").status == 200
    cloud.clock.advance("5m")
    assert bound_to(cloud, pool) == {} and nodes(cloud, pool) == {"available": 3}


def test_work_stays_on_a_node_that_is_bound_and_keeps_its_cards_until_it_ends(cloud):
    pool = pool_with(cloud, 2)
    job = train_in(cloud, pool)
    cloud.clock.advance("1m")
    busy, idle = names_of(cloud, pool)
    part = {"flavor": NPU, "count": 0, "maxCount": 1}
    inner = running(cloud, "pool-in", resources=[part], type="Logical", parent=pool)
    assert bind(cloud, pool, **{busy: inner}).status == 200
    mine, theirs = train_in(cloud, inner), train_in(cloud, pool)
    cloud.clock.advance("1m")
    phases = [job_phase(cloud, each) for each in (job, mine, theirs)]
    assert phases == ["Running", "Pending", "Running"] and idle not in bound_to(cloud, pool)
    cloud.post(f"/v2/{{project_id}}/training-jobs/{job}/actions", {"action_type": "terminate"})
    cloud.clock.advance("2m")
    assert job_phase(cloud, mine) == "Running"


def test_a_node_that_is_drained_for_another_pool_serves_it_at_once(cloud):
    pool = pool_with(cloud, 1)
    job = train_in(cloud, pool)
    part = {"flavor": NPU, "count": 0, "maxCount": 1}
    inner = running(cloud, "pool-in", resources=[part], type="Logical", parent=pool)
    (only,) = names_of(cloud, pool)
    assert bind(cloud, pool, drain=True, **{only: inner}).status == 200
    mine = train_in(cloud, inner)
    cloud.clock.advance("1m")
    assert (job_phase(cloud, job), job_phase(cloud, mine)) == ("Failed", "Running")


def test_a_node_that_is_bound_is_neither_given_up_nor_moved(cloud):
    pool, other = pool_with(cloud, 2), pool_with(cloud, 1, "pool-b")
    inner_in(cloud, pool, 2)
    (first, _) = names_of(cloud, pool)
    assert refusal(scale(cloud, pool, 1)) == BAD_REQUEST
    moved = batch(
        cloud, pool, "migrate", [first], fromClusterName=pool, toPoolName=other, toClusterName=other
    )
    assert refusal(moved) == BAD_REQUEST


def test_a_logical_pool_is_abnormal_while_all_its_nodes_are(cloud):
    pool = pool_with(cloud, 2)
    inner = inner_in(cloud, pool)
    (mine,) = bound_to(cloud, pool)
    assert cloud.post(f"/_emulator/nodes/{mine}/fail", {}).status == 200
    assert (phase(cloud, inner), phase(cloud, pool)) == ("Abnormal", "Running")
    cloud.post(f"/_emulator/nodes/{mine}/recover", {})
    assert phase(cloud, inner) == "Running"


def test_a_node_of_a_logical_pool_that_is_deleted_there_is_given_back(cloud):
    pool = pool_with(cloud, 3)
    inner = inner_in(cloud, pool, 2)
    gone, kept = names_of(cloud, inner)
    assert batch(cloud, inner, "delete", [gone]).status == 200
    cloud.clock.advance("1m")
    assert names_of(cloud, inner) == [kept] and len(names_of(cloud, pool)) == 3


def test_job_types_of_a_logical_pool_run_on_the_nodes_of_the_pool_around_it(cloud):
    pool = pool_with(cloud, 1)
    part = {"flavor": NPU, "count": 0, "maxCount": 1}
    inner = running(cloud, "pool-in", resources=[part], type="Logical", parent=pool)
    cloud.clock.advance("1m")
    assert scopes(cloud, inner) == {"Train": "Enabled"}


@pytest.mark.parametrize(
    "members",
    [
        {"resources": [{"flavor": CPU, "count": 1}]},
        {"resources": [{"flavor": NPU, "count": 0}]},
        {"resources": [{"flavor": NPU, "count": 1, "maxCount": 2}], "scope": ["Notebook"]},
    ],
    ids=["flavor", "nothing", "notebooks"],
)
def test_a_quota_that_the_pool_around_it_cannot_have_is_refused(cloud, members):
    pool = pool_with(cloud, 2)
    body = {"apiVersion": "v2", "kind": "Pool", "metadata": {"labels": {"os.modelarts/name": "pool-in"}}}
    spec = {"type": "Logical", "parent": pool, "scope": ["Train"], **members}
    assert refusal(cloud.post(POOLS, {**body, "spec": spec})) == BAD_REQUEST


def test_a_logical_pool_lies_in_no_logical_pool(cloud):
    pool = pool_with(cloud, 2)
    inner = inner_in(cloud, pool)
    spec = {
        "type": "Logical",
        "parent": inner,
        "scope": ["Train"],
        "resources": [{"flavor": NPU, "count": 1}],
    }
    body = {"apiVersion": "v2", "kind": "Pool", "metadata": {"labels": {"os.modelarts/name": "pool-on"}}}
    assert refusal(cloud.post(POOLS, {**body, "spec": spec})) == BAD_REQUEST
    assert refusal(patch(cloud, inner, spec={"resources": [{"flavor": CPU, "count": 1}]})) == BAD_REQUEST
