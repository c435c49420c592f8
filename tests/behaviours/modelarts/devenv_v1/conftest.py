"""How stories of instances create them and watch them."""

import pytest

BASE = "/v1/{project_id}/demanager/instances"
CPU, FREE, GPU, ASCEND = (
    "modelarts.vm.cpu.2u",
    "modelarts.vm.cpu.free",
    "modelarts.vm.gpu.8v100",
    "modelarts.bm.snt9.xlarge.1",
)
DISK = {"storage": {"type": "evs", "location": {"volume_size": 5}}}
HOUR = 3600


@pytest.fixture(autouse=True)
def frozen(cloud):
    """Time only moves when a test moves it."""
    cloud.clock.freeze()


def body_of(name="explore", **changes) -> dict:
    """What creates a small instance; `spec` is added to a disk."""
    spec = {**DISK, **changes.pop("spec", {})}
    plain = {"name": name, "flavor": CPU, "profile_id": "Multi-Engine 1.0 (python3)-cpu"}
    return {**plain, **changes, "spec": spec}


def ask(cloud, *args, **changes):
    """The answer to creating an instance."""
    return cloud.post(BASE, body_of(*args, **changes))


def create(cloud, *args, **changes) -> str:
    """The id of a new instance."""
    reply = ask(cloud, *args, **changes)
    assert reply.status == 200, reply
    return reply.json["id"]


def show(cloud, id: str) -> dict:
    """The instance."""
    reply = cloud.get(f"{BASE}/{id}")
    assert reply.status == 200, reply
    return reply.json


def until(cloud, id: str, status: str, within: str = "1h") -> dict:
    """The instance once it has that status."""
    cloud.clock.until(lambda: show(cloud, id)["status"] == status, within=within)
    return show(cloud, id)


def run(cloud, *args, **changes) -> str:
    """The id of an instance that runs."""
    return until(cloud, create(cloud, *args, **changes), "RUNNING")["id"]


def act(cloud, id: str, action: str):
    """The answer to an action."""
    return cloud.post(f"{BASE}/{id}/action", {"action": action})


def stop(cloud, id: str) -> str:
    """The id of the instance once it is stopped."""
    assert act(cloud, id, "stop").status == 200
    return until(cloud, id, "STOPPED")["id"]


def names(cloud, query: str = "") -> list[str]:
    """The names that are listed."""
    reply = cloud.get(f"{BASE}?de_type=Notebook{query}")
    assert reply.status == 200, reply
    return [each["name"] for each in reply.json["instances"]]


def refusal(reply) -> str:
    """The code of a refusal, whose body has error_message."""
    assert reply.status == 400 and reply.json["error_message"], reply
    return reply.json["error_code"]


def fill(cloud, flavor: str = FREE, count: int = 16) -> list[str]:
    """The ids of instances that take all there is of a flavor."""
    return [create(cloud, f"filler-{number}", flavor=flavor) for number in range(count)]
