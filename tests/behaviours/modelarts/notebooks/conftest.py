"""How these tests create notebooks and watch them."""

import pytest

BASE = "/v1/{project_id}/notebooks"
CPU_IMAGE = "e1a07296-22a8-4f05-8bc8-e936c8e54090"
GPU_IMAGE = "5b27b8a9-5f0b-4c6a-9a38-1d2f6e7c1b01"
ASCEND_IMAGE = "5b27b8a9-5f0b-4c6a-9a38-1d2f6e7c1b04"
NOBODY = "00000000-0000-4000-8000-000000000000"
HOUR = 3_600_000
DISK = {"category": "EVS", "ownership": "MANAGED", "capacity": 10}


@pytest.fixture(autouse=True)
def frozen(cloud):
    """Time only moves when a test moves it."""
    cloud.clock.freeze()


def body_of(**changes) -> dict:
    """What a small notebook is created with."""
    plain = {"name": "explore", "flavor": "modelarts.vm.cpu.2u", "image_id": CPU_IMAGE, "volume": DISK}
    return {name: value for name, value in {**plain, **changes}.items() if value is not None}


def create(cloud, **changes) -> dict:
    """A notebook that has just been asked for; None leaves a member out."""
    reply = cloud.post(BASE, body_of(**changes))
    assert reply.status == 200, reply
    return reply.json


def show(cloud, id: str) -> dict:
    """The notebook as it is now."""
    reply = cloud.get(f"{BASE}/{id}")
    assert reply.status == 200, reply
    return reply.json


def until(cloud, id: str, status: str, within: str = "1h") -> dict:
    """The notebook once it has that status."""
    cloud.clock.until(lambda: show(cloud, id)["status"] == status, within=within)
    return show(cloud, id)


def run(cloud, **changes) -> str:
    """The id of a notebook that runs."""
    return until(cloud, create(cloud, **changes)["id"], "RUNNING")["id"]


def stop(cloud, id: str) -> str:
    """The id of the notebook once it is stopped."""
    assert cloud.post(f"{BASE}/{id}/stop").status == 200
    return until(cloud, id, "STOPPED")["id"]


def act(cloud, id: str, action: str) -> dict:
    """What start or stop answers, or its refusal."""
    return cloud.post(f"{BASE}/{id}/{action}").json


def names(cloud, query: str = "", path: str = BASE) -> list[str]:
    """The names in a list of notebooks."""
    reply = cloud.get(f"{path}{query}")
    assert reply.status == 200, reply
    return [row["name"] for row in reply.json["data"]]


def refusal(reply) -> str:
    """The code with which the request was refused."""
    assert reply.status == 400, reply
    return reply.json["error_code"]


def put_pool(cloud, id: str = "pool-1", count: int = 1) -> str:
    """A dedicated pool of so many nodes; eight cards each."""
    pool = {
        "metadata": {"name": id, "labels": {"os.modelarts/name": f"{id}-name"}},
        "spec": {"resources": [{"flavor": "modelarts.bm.snt9b.xlarge.8", "count": count}]},
    }
    with cloud.world.transaction():
        cloud.world.store.table(f"modelarts/pools/pool/{cloud.project_id}").put(id, pool)
    return id
