"""Drivers of nodes: which one a node has, and when it gets another."""

from tests.behaviours.modelarts.nodes.conftest import job_phase, names_of, node_of, pool_with
from tests.behaviours.modelarts.pools.conftest import CPU, JOBS, NPU, patch, running, scale, show, train_in

OLD, NEW = "23.0.6", "24.1.0"
UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def upgrade(cloud, pool: str, strategy: str, version: str = NEW) -> None:
    """Ask for another driver."""
    reply = patch(cloud, pool, spec={"driver": {"npuVersion": version, "updateStrategy": strategy}})
    assert reply.status == 200, reply


def drivers(cloud, pool: str) -> list[tuple[str, str]]:
    """Version and state of the driver of each node of the pool."""
    found = [node_of(cloud, pool, name)["status"]["driver"] for name in names_of(cloud, pool)]
    return [(each["version"], each["phase"]) for each in found]


def driver(cloud, pool: str) -> tuple[str, str]:
    """Version and state of the driver of the pool."""
    found = show(cloud, pool)["status"]["driver"]["npu"]
    return found["version"], found["state"]


def busy_pool(cloud, count: int = 2) -> tuple[str, str]:
    """A pool of so many nodes and a job that runs on the first."""
    pool = pool_with(cloud, count)
    job = train_in(cloud, pool)
    cloud.clock.advance("1m")
    assert job_phase(cloud, job) == "Running"
    return pool, job


def end(cloud, job: str) -> None:
    """Let a job end."""
    cloud.post(f"{JOBS}/{job}/actions", {"action_type": "terminate"})
    cloud.clock.until(lambda: job_phase(cloud, job) == "Terminated", within="10m")


def test_a_driver_waits_for_the_job_that_runs_on_its_node(cloud):
    pool, job = busy_pool(cloud)
    upgrade(cloud, pool, "idle")
    assert drivers(cloud, pool) == [(OLD, "Upgrading"), (OLD, "Upgrading")]
    cloud.clock.advance("1h")
    assert drivers(cloud, pool) == [(OLD, "Upgrading"), (NEW, "Running")]
    assert driver(cloud, pool) == (NEW, "Upgrading") and job_phase(cloud, job) == "Running"
    end(cloud, job)
    assert node_of(cloud, pool, names_of(cloud, pool)[0])["status"]["phase"] == "Checking"
    cloud.clock.advance("3m")
    assert drivers(cloud, pool) == [(NEW, "Running")] * 2 and driver(cloud, pool) == (NEW, "Running")


def test_a_node_that_waits_for_its_driver_takes_no_more_work(cloud):
    pool, job = busy_pool(cloud, 1)
    upgrade(cloud, pool, "idle")
    (name,) = names_of(cloud, pool)
    assert node_of(cloud, pool, name)["status"]["taints"] == [UNSCHEDULABLE]
    later = train_in(cloud, pool)
    end(cloud, job)
    assert job_phase(cloud, later) == "Pending"
    cloud.clock.advance("3m")
    assert job_phase(cloud, later) == "Running" and drivers(cloud, pool) == [(NEW, "Running")]
    assert node_of(cloud, pool, name)["status"]["taints"] == []


def test_a_forced_upgrade_ends_what_runs(cloud):
    pool, job = busy_pool(cloud)
    upgrade(cloud, pool, "force")
    assert job_phase(cloud, job) == "Failed"
    cloud.clock.advance("3m")
    assert drivers(cloud, pool) == [(NEW, "Running")] * 2


def test_who_waits_idly_may_still_be_forced_or_called_off(cloud):
    pool, job = busy_pool(cloud, 1)
    upgrade(cloud, pool, "idle")
    upgrade(cloud, pool, "idle", OLD)
    assert drivers(cloud, pool) == [(OLD, "Running")] and driver(cloud, pool) == (OLD, "Running")
    upgrade(cloud, pool, "idle")
    upgrade(cloud, pool, "force")
    assert job_phase(cloud, job) == "Failed"
    cloud.clock.advance("3m")
    assert drivers(cloud, pool) == [(NEW, "Running")]


def test_a_driver_without_a_strategy_disturbs_nobody(cloud):
    pool, job = busy_pool(cloud, 1)
    patch(cloud, pool, spec={"driver": {"npuVersion": NEW}})
    cloud.clock.advance("1h")
    assert job_phase(cloud, job) == "Running" and driver(cloud, pool) == (NEW, "Upgrading")


def test_a_node_that_starts_anew_meanwhile_comes_back_with_the_driver(cloud):
    pool, _ = busy_pool(cloud, 1)
    upgrade(cloud, pool, "idle")
    (name,) = names_of(cloud, pool)
    cloud.post(f"/v2/{{project_id}}/pools/{pool}/nodes/batch-reboot", {"nodeNames": [name]})
    cloud.clock.advance("5m")
    assert drivers(cloud, pool) == [(NEW, "Running")]


def test_new_nodes_have_the_driver_of_the_pool(cloud):
    pool = pool_with(cloud, 1)
    upgrade(cloud, pool, "idle")
    scale(cloud, pool, 2)
    cloud.clock.advance("10m")
    assert drivers(cloud, pool) == [(NEW, "Running")] * 2


def test_a_logical_pool_upgrades_its_own_nodes_which_then_keep_their_driver(cloud):
    pool = pool_with(cloud, 2)
    part = {"flavor": NPU, "count": 1}
    inner = running(cloud, "pool-in", resources=[part], type="Logical", parent=pool)
    assert driver(cloud, inner) == (OLD, "Running")
    upgrade(cloud, inner, "idle")
    cloud.clock.advance("3m")
    assert (drivers(cloud, inner), driver(cloud, pool)) == ([(NEW, "Running")], (OLD, "Running"))
    upgrade(cloud, pool, "idle", "25.0.0")
    cloud.clock.advance("3m")
    assert sorted(drivers(cloud, pool)) == [(NEW, "Running"), ("25.0.0", "Running")]


def test_nodes_without_accelerators_show_no_driver(cloud):
    pool = pool_with(cloud, 1, flavor=CPU)
    assert "driver" not in node_of(cloud, pool, names_of(cloud, pool)[0])["status"]
