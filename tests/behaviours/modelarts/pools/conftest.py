"""What stories of pools share: pools, scaling, jobs in them."""

POOLS, ORDERS, NETWORKS = "/v2/{project_id}/pools", "/v1/{project_id}/orders", "/v1/{project_id}/networks"
JOBS = "/v2/{project_id}/training-jobs"
NPU, GPU, CPU, SOLD_OUT = (
    "modelarts.bm.snt9b.xlarge.8",
    "modelarts.vm.gpu.tnt004",
    "modelarts.vm.cpu.8ud",
    "modelarts.bm.a100.8",
)
MERGE = {"Content-Type": "application/merge-patch+json"}


def network_of(cloud) -> str:
    """The name of a network that is Active, the same one each time."""
    found = cloud.get(NETWORKS).json["items"]
    if found:
        return found[0]["metadata"]["name"]
    metadata = {"labels": {"os.modelarts/name": "net-a"}}
    body = {"apiVersion": "v1", "kind": "Network", "metadata": metadata, "spec": {"cidr": "192.168.0.0/16"}}
    name = cloud.post(NETWORKS, body).json["metadata"]["name"]
    cloud.clock.advance("5m")
    return name


def body_of(cloud, name="pool-a", flavor=NPU, count=1, labels=None, annotations=None, **spec) -> dict:
    """What makes a pool."""
    metadata = {"labels": {"os.modelarts/name": name, **(labels or {})}, "annotations": annotations or {}}
    usual = {
        "type": "Dedicate",
        "scope": ["Train"],
        "network": {"name": network_of(cloud)},
        "resources": [{"flavor": flavor, "count": count}],
    }
    return {"apiVersion": "v2", "kind": "Pool", "metadata": metadata, "spec": {**usual, **spec}}


def create(cloud, *args, **members) -> str:
    """The name of a new pool."""
    reply = cloud.post(POOLS, body_of(cloud, *args, **members))
    assert reply.status == 200, reply
    return reply.json["metadata"]["name"]


def running(cloud, *args, **members) -> str:
    """The name of a new pool that is Running."""
    name = create(cloud, *args, **members)
    cloud.clock.until(lambda: phase(cloud, name) == "Running", within="30m")
    return name


def show(cloud, name: str) -> dict:
    """The pool."""
    reply = cloud.get(f"{POOLS}/{name}")
    assert reply.status == 200, reply
    return reply.json


def phase(cloud, name: str) -> str:
    """The state of the pool."""
    return show(cloud, name)["status"]["phase"]


def patch(cloud, name: str, **members):
    """Send a merge patch."""
    return cloud.send("PATCH", f"{POOLS}/{name}", members, headers=MERGE)


def scale(cloud, name: str, count: int, flavor: str = NPU):
    """Ask for another number of nodes."""
    return patch(cloud, name, spec={"resources": [{"flavor": flavor, "count": count}]})


def nodes(cloud, name: str) -> dict[str, int]:
    """How many nodes are in each state, those states only in which some are."""
    found = show(cloud, name)["status"]["resources"]
    return {state: sum(each["count"] for each in rows) for state, rows in found.items() if rows}


def scopes(cloud, name: str) -> dict[str, str]:
    """The state of each job type."""
    return {each["scopeType"]: each["state"] for each in show(cloud, name)["status"]["scope"]}


def job_body(pool: str, node_count: int = 1, name: str = "job") -> dict:
    """What makes a long training job in the pool."""
    engine = {"image_url": "org/image:1"}
    environments = {"EMULATOR_DURATION": "100h"}
    resource = {"pool_id": pool, "flavor_id": "modelarts.pool.visual.8xlarge", "node_count": node_count}
    return {
        "kind": "job",
        "metadata": {"name": name},
        "algorithm": {"command": "python train.py", "engine": engine, "environments": environments},
        "spec": {"resource": resource},
    }


def train_in(cloud, pool: str, node_count: int = 1) -> str:
    """The id of a new long training job in the pool."""
    reply = cloud.post(JOBS, job_body(pool, node_count, f"job-{cloud.world.new_hex(6)}"))
    assert reply.status == 201, reply
    return reply.json["metadata"]["id"]
