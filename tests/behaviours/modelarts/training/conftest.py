"""What the tests of training jobs share: jobs, their events and logs, pools and searches."""

from textwrap import dedent

from tests.behaviours.modelarts.conftest import with_members

CODE = "training-code"
JOBS = "/v2/{project_id}/training-jobs"
BODY = {
    "kind": "job",
    "metadata": {"name": "resnet", "description": "a first try"},
    "algorithm": {
        "code_dir": "/training-code/resnet/",
        "boot_file": "/training-code/resnet/train.py",
        "engine": {"engine_id": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"},
        "parameters": [{"name": "lr", "value": "0.1"}],
        "environments": {"MODE": "fast"},
    },
    "spec": {"resource": {"flavor_id": "modelarts.vm.cpu.8u", "node_count": 1}},
}
FREE = "modelarts.p3.large.public.free"
ROOM = 4
LONG = {"EMULATOR_DURATION": "10h"}
NODE = "modelarts.pool.visual.8xlarge"
SEARCH = {
    "reward_attrs": [{"name": "acc", "mode": "max", "regex": "acc=([0-9.]+)"}],
    "search_params": [
        {"name": "lr", "param_type": "continuous", "lower_bound": "0.001", "upper_bound": "0.1"}
    ],
    "algo_configs": [
        {"name": "tpe_search", "params": [{"key": "num_samples", "type": "Integer", "value": "4"}]}
    ],
}


def changed(**changes) -> dict:
    """The usual body with members at dotted paths (__ for the dot) set; None takes one out."""
    return with_members(BODY, **changes)


def create(cloud, **changes) -> str:
    """The id of a new job."""
    reply = cloud.post(JOBS, changed(**changes))
    assert reply.status == 201, reply
    return reply.json["metadata"]["id"]


def show(cloud, id: str) -> dict:
    """The job as the API shows it."""
    reply = cloud.get(f"{JOBS}/{id}")
    assert reply.status == 200, reply
    return reply.json


def phase(cloud, id: str) -> str:
    """The phase the job is in."""
    return show(cloud, id)["status"]["phase"]


def cloud_seconds(cloud, seconds: float) -> None:
    """Move on by that many seconds of simulated work."""
    cloud.clock.advance(seconds / cloud.world.pace)


def running(cloud, **changes) -> str:
    """The id of a new job that has come to run."""
    id = create(cloud, **changes)
    cloud_seconds(cloud, 20)
    assert phase(cloud, id) == "Running"
    return id


def completed(cloud, **changes) -> str:
    """The id of a new job that has run to its end."""
    id = running(cloud, **changes)
    cloud_seconds(cloud, 600)
    return id


def events(cloud, id: str, query: str = "", **headers) -> list[dict]:
    """The events of a job, newest first."""
    reply = cloud.get(f"{JOBS}/{id}/events{query}", headers=headers)
    assert reply.status == 200, reply
    return reply.json["events"]


def messages(cloud, id: str, query: str = "") -> list[str]:
    """What the events of a job say."""
    return [event["message"] for event in events(cloud, id, query)]


def pool_of(cloud, nodes: int, id: str = "pool-1") -> str:
    """The id of a dedicated pool with so many nodes."""
    with cloud.world.transaction():
        table = cloud.world.store.table(f"modelarts/pools/pool/{cloud.project_id}")
        table.put(id, {"spec": {"resources": [{"flavor": "modelarts.bm.npu", "count": nodes}]}})
    return id


def in_pool(cloud, flavor_id: str = NODE, priority: int = 1, pool_id: str = "pool-1", **resource) -> str:
    """The id of a new long job in the pool."""
    spec = {
        "resource": {"pool_id": pool_id, "flavor_id": flavor_id, "node_count": 1, **resource},
        "schedule_policy": {"priority": priority},
    }
    name = f"job-{cloud.world.new_hex(8)}"
    return create(cloud, metadata__name=name, spec=spec, algorithm__environments=LONG)


def preview(cloud, id: str, task: str = "worker-0") -> str:
    """The log of a task as the preview shows it."""
    reply = cloud.get(f"{JOBS}/{id}/tasks/{task}/logs/preview")
    assert reply.status == 200, reply
    return reply.json["content"]


def searching(**changes) -> dict:
    """A search policy with some members changed."""
    return {"auto_search": SEARCH | changes}


def job_with(cloud, script: str | None, **changes) -> str:
    """The id of a new job whose code directory holds that script, or another file."""
    cloud.world.obs.create_bucket(CODE)
    name = "other.py" if script is None else "train.py"
    cloud.world.obs.write(CODE, f"resnet/{name}", dedent(script or "").encode())
    return create(cloud, algorithm__environments=None, **changes)
