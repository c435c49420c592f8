"""Stories about what has happened to pools."""

import pytest

from tests.behaviours.modelarts.pools.conftest import SOLD_OUT, create, running, scale
from tests.conftest import refusal

EVENTS = "/v1/{project_id}/events?resource=pools"


def page(cloud, pool: str, query: str = "&ascend=true") -> dict:
    """A page of the events of a pool."""
    reply = cloud.get(f"{EVENTS}&name={pool}{query}")
    assert reply.status == 200, reply
    return reply.json


def reasons(cloud, pool: str) -> list[str]:
    """What the events of a pool say has changed, oldest first, with details cut off."""
    return [
        each["message"].partition(", details")[0].partition(", timestamp")[0]
        for each in page(cloud, pool)["items"]
    ]


def test_a_pool_tells_how_it_came_to_run(cloud):
    pool = running(cloud)
    assert reasons(cloud, pool) == [
        "Pool status changed, from  to Creating",
        "Pool resources status changed, available/abnormal/creating/deleting count from 0/0/0/0 to 0/0/1/0",
        "Pool status changed, from Creating to Running",
        "Pool resources status changed, available/abnormal/creating/deleting count from 0/0/1/0 to 1/0/0/0",
    ]


def test_scaling_is_told_step_by_step(cloud):
    pool = running(cloud)
    scale(cloud, pool, 3)
    cloud.clock.advance("10m")
    assert [each[-18:] for each in reasons(cloud, pool)[4:]] == ["1/0/0/0 to 1/0/2/0", "1/0/2/0 to 3/0/0/0"]


def test_what_went_wrong_is_a_warning_with_its_reason(cloud):
    pool = create(cloud, flavor=SOLD_OUT, count=9)
    cloud.clock.advance("10m")
    found = page(cloud, pool, "&type=Warning")["items"][-1]
    assert (found["reason"], found["type"], found["count"]) == ("PoolStatusChange", "Warning", 1)
    assert "are left" in found["message"]


def test_events_are_listed_latest_first_page_by_page(cloud):
    pool = running(cloud)
    oldest_first = page(cloud, pool)["items"]
    first = page(cloud, pool, "&limit=3")
    assert first["items"] == oldest_first[:0:-1] and first["metadata"]["remainingItemCount"] == 1
    scale(cloud, pool, 2)
    rest = page(cloud, pool, f"&limit=3&continue={first['metadata']['continue']}")
    assert rest["items"] == oldest_first[:1] and "continue" not in rest["metadata"]


def test_events_are_cut_to_a_time(cloud):
    pool, now = running(cloud), int(cloud.clock.now())
    cloud.clock.advance("1h")
    scale(cloud, pool, 2)
    assert page(cloud, pool, f"&until={now + 60}")["total"] == 4
    assert page(cloud, pool, f"&since={now + 60}")["total"] == 1


@pytest.mark.parametrize(
    "query, refused",
    [
        ("&name=nobody", (404, "ModelArts.50015001")),
        ("&name=nobody&limit=501", (400, "ModelArts.50004000")),
        ("", (400, "ModelArts.50004000")),
    ],
)
def test_a_pool_that_is_not_there_has_no_events(cloud, query, refused):
    assert refusal(cloud.get(f"{EVENTS}{query}")) == refused


def test_events_are_listed_from_an_offset_on(cloud):
    pool = running(cloud)
    oldest_first = page(cloud, pool)["items"]
    assert page(cloud, pool, "&ascend=true&offset=1&limit=2")["items"] == oldest_first[1:3]
    assert page(cloud, pool, "&offset=3")["items"] == oldest_first[:1]
