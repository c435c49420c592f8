"""How stories of events plan what happens to a node."""

from functools import partial

import pytest

from tests.behaviours.modelarts.pools.conftest import POOLS, running

SCHEDULED = "/v1/{project_id}/scheduled-events"


def ask_operator(cloud, path: str = "", **body):
    """Ask the control API about scheduled events of the test's own account."""
    headers = {"X-Emulator-World": cloud.world.tag}
    url = f"/_emulator/scheduled-events{path}?project_id={cloud.project_id}"
    return cloud.send("POST", url, body, headers=headers, auth=False)


@pytest.fixture
def operator(cloud):
    """A function that asks the operator of the test's own account."""
    return partial(ask_operator, cloud)


def pool_with_node(cloud, name="pool-a") -> tuple[str, str]:
    """The names of a pool that is Running and of its node."""
    pool = running(cloud, name=name)
    return pool, node_of(cloud, pool)


def node_of(cloud, pool: str) -> str:
    """The name of the first node of a pool."""
    return cloud.get(f"{POOLS}/{pool}/nodes").json["items"][0]["metadata"]["name"]


@pytest.fixture
def planned(cloud, operator):
    """The id of a planned event of a node."""
    _, node = pool_with_node(cloud)
    return planned_for(operator, node)


def planned_for(operator, node: str, **body) -> str:
    """The id of a new event of that node."""
    reply = operator(node=node, **body)
    assert reply.status == 201, reply
    return reply.json["id"]


def accept(cloud, id: str, **body):
    """Accept an event."""
    return cloud.post(f"{SCHEDULED}/{id}/accept", body)


def listed(cloud, query: str = "") -> list[dict]:
    """The scheduled events."""
    reply = cloud.get(f"{SCHEDULED}{query}")
    assert reply.status == 200, reply
    assert reply.json["count"] >= len(reply.json["events"])
    return reply.json["events"]


def state(cloud, id: str) -> str:
    """How far an event is."""
    (event,) = listed(cloud, f"?id={id}")
    return event["state"]
