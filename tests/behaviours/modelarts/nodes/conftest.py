"""What stories of nodes share: pools with nodes, batches over them, what runs on them."""

from tests.behaviours.modelarts.pools.conftest import JOBS, POOLS, running

TASKS = "/v2/{project_id}/jobs"
SUPERNODE = {"type": "hyperinstance", "step": 2}


def pool_with(cloud, count: int = 2, name: str = "pool-a", **members) -> str:
    """The name of a Running pool with so many nodes, all of which serve."""
    pool = running(cloud, name, count=count, **members)
    cloud.clock.advance("5m")
    return pool


def nodes_of(cloud, pool: str) -> list[dict]:
    """The nodes of the pool."""
    reply = cloud.get(f"{POOLS}/{pool}/nodes")
    assert reply.status == 200, reply
    return reply.json["items"]


def names_of(cloud, pool: str) -> list[str]:
    """The names of the nodes of the pool."""
    return [node["metadata"]["name"] for node in nodes_of(cloud, pool)]


def node_of(cloud, pool: str, name: str) -> dict:
    """One node."""
    reply = cloud.get(f"{POOLS}/{pool}/nodes/{name}")
    assert reply.status == 200, reply
    return reply.json


def phases(cloud, pool: str) -> list[str]:
    """The states of the nodes of the pool."""
    return [node["status"]["phase"] for node in nodes_of(cloud, pool)]


def batch(cloud, pool: str, verb: str, names, **members):
    """Do something to nodes of the pool."""
    member = {"delete": "deleteNodeNames", "migrate": "migrateNodeNames"}.get(verb, "nodeNames")
    return cloud.post(f"{POOLS}/{pool}/nodes/batch-{verb}", {member: list(names), **members})


def task(cloud, id: str) -> dict:
    """A job over nodes."""
    reply = cloud.get(f"{TASKS}/{id}")
    assert reply.status == 200, reply
    return reply.json


def workloads(cloud, pool: str, query: str = "") -> list[dict]:
    """What is placed in the pool."""
    return cloud.get(f"{POOLS}/{pool}/workloads{query}").json["items"]


def job_phase(cloud, id: str) -> str:
    """The state of a training job."""
    return cloud.get(f"{JOBS}/{id}").json["status"]["phase"]


def ask_to_train(cloud, pool: str, node_count: int = 1, **annotations: str) -> str:
    """The id of a new long training job in the pool."""
    environments = {"EMULATOR_DURATION": "100h"}
    resource = {"pool_id": pool, "flavor_id": "modelarts.pool.visual.8xlarge", "node_count": node_count}
    named = {f"fault-tolerance/{name.replace('_', '-')}": value for name, value in annotations.items()}
    body = {
        "kind": "job",
        "metadata": {"name": f"job-{cloud.world.new_hex(6)}", "annotations": named},
        "algorithm": {
            "command": "python train.py",
            "engine": {"image_url": "org/image:1"},
            "environments": environments,
        },
        "spec": {"resource": resource},
    }
    reply = cloud.post(JOBS, body)
    assert reply.status == 201, reply
    return reply.json["metadata"]["id"]


def train(cloud, pool: str, node_count: int = 1, **annotations: str) -> str:
    """The id of a new long training job in the pool, which has begun to run if there was room."""
    id = ask_to_train(cloud, pool, node_count, **annotations)
    cloud.clock.advance("1m")
    return id


def node_under(cloud, pool: str, job: str) -> str:
    """The name of the node on which a workload runs."""
    (row,) = [each for each in workloads(cloud, pool) if each["jobUUID"] == job]
    return next(
        node["metadata"]["name"]
        for node in nodes_of(cloud, pool)
        if node["status"]["privateIp"] == row["hostIps"]
    )
