"""Stories about tasks of services."""

import pytest
from modelarts_emulator.worlds.clock import iso_of

from tests.behaviours.modelarts.conftest import deployed, entry, published

WEBHOOK = {"webhook": {"url": "http://example.com", "headers": {"X-Key": "k"}}}


@pytest.fixture
def tasks(cloud, monkeypatch):
    """The path of the tasks of a service."""
    monkeypatch.setattr(cloud.emulator.settings, "inference", "simulated")
    return f"/v1/{{project_id}}/services/{deployed(cloud, entry(published(cloud)))}/tasks"


def body(*data, kind="obs", **more) -> dict:
    source = {"type": kind, "data": list(data) or [{"bucket": "b", "path": "p"}]}
    return {"name": "watch", "input": source, "output": WEBHOOK} | more


def created(cloud, tasks, *data, **more) -> str:
    reply = cloud.post(tasks, body(*data, **more))
    assert reply.status == 201, reply
    return f"{tasks}/{reply.json['tasks'][0]['id']}"


def state(cloud, task) -> str:
    return cloud.get(task).json["state"]


def test_a_task_starts_by_itself_and_is_stopped_and_started(cloud, tasks):
    task = created(cloud, tasks)
    assert state(cloud, task) == "PENDING"
    cloud.clock.advance("1m")
    assert state(cloud, task) == "RUNNING"
    assert cloud.post(f"{task}/start").json["error_code"] == "ModelArts.0101"
    assert cloud.post(f"{task}/stop").status == 202 and state(cloud, task) == "STOPPING"
    cloud.clock.advance("1m")
    assert state(cloud, task) == "STOPPED" and cloud.post(f"{task}/start").status == 202
    cloud.clock.advance("1m")
    assert state(cloud, task) == "RUNNING"


def test_a_deleted_task_is_gone_after_a_while(cloud, tasks):
    task = created(cloud, tasks)
    assert cloud.delete(task).status == 202 and state(cloud, task) == "DELETING"
    cloud.clock.advance("1m")
    assert cloud.get(task).json["error_code"] == "ModelArts.0101"


def test_each_input_becomes_a_task(cloud, tasks):
    ids = cloud.post(tasks, body({"bucket": "a", "path": "x"}, {"bucket": "b", "path": "y"})).json["tasks"]
    rows = cloud.get(f"{tasks}?sort_key=name&sort_dir=asc").json
    assert rows["count"] == 2 and [row["id"] for row in rows["tasks"]] == [each["id"] for each in ids]
    assert [row["input"]["data"][0]["bucket"] for row in rows["tasks"]] == ["a", "b"]


def test_a_task_with_one_period_succeeds_when_it_is_over(cloud, tasks):
    now = cloud.clock.now()
    period = {"begin_at": iso_of(now, 0)[:-1], "end_at": iso_of(now + 3600, 0)[:-1]}
    task = created(cloud, tasks, schedule={"type": "once", "timezone": "UTC", "periods": [period]})
    cloud.clock.advance("30m")
    shown = cloud.get(task).json
    assert (shown["state"], shown["schedule_status"]) == ("RUNNING", "ACTIVATED")
    cloud.clock.advance("31m")
    assert state(cloud, task) == "SUCCEEDED"


@pytest.mark.parametrize(
    ("zone", "ahead"), [("+08:00", 8), ("-03:30", -3.5), ("GMT+08:00", 8), ("Asia/Shanghai", 8)]
)
def test_a_period_is_in_the_time_zone_of_its_schedule(cloud, tasks, zone, ahead):
    there = cloud.clock.now() + ahead * 3600
    period = {"begin_at": iso_of(there, 0)[:-1], "end_at": iso_of(there + 3600, 0)[:-1]}
    task = created(cloud, tasks, schedule={"type": "once", "timezone": zone, "periods": [period]})
    cloud.clock.advance("59m")
    assert state(cloud, task) == "RUNNING"
    cloud.clock.advance("2m")
    assert state(cloud, task) == "SUCCEEDED"


DAILY = {"type": "daily", "timezone": "UTC", "periods": [{"begin_at": "08:00:00", "end_at": "09:00:00"}]}
OFTEN = {"begin_at": "08:00:00", "end_at": "09:00:00", "interval": 10, "duration": 5}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"input": {"type": "obs", "data": [{"bucket": "b"}]}}, "path"),
        ({"input": {"type": "obs", "data": []}}, "data"),
        ({"schedule": {**DAILY, "timezone": "Nowhere/City"}}, "timezone"),
        ({"schedule": {**DAILY, "timezone": "../UTC"}}, "timezone"),
        ({"schedule": {**DAILY, "timezone": "+20:00"}}, "timezone"),
        ({"input": {"type": "vcn", "data": [{"device_id": "d"}]}}, "vcn"),
        ({"output": {}}, "output"),
        ({"schedule": DAILY | {"frequency": OFTEN}}, "exactly one"),
        ({"schedule": DAILY | {"execution_mode": "frequency"}}, "execution_mode"),
        ({"schedule": DAILY | {"type": "weekly"}}, "days_of_week"),
        ({"schedule": DAILY | {"days_of_month": [1]}}, "days_of_month"),
        ({"schedule": DAILY | {"type": "once"}}, "yyyy-MM-dd"),
        ({"schedule": DAILY | {"periods": [{"begin_at": "09:00:00", "end_at": "08:00:00"}]}}, "ends at"),
        ({"schedule": DAILY | {"periods": [{"begin_at": "25:00:00", "end_at": "26:00:00"}]}}, "hh:mm:ss"),
    ],
)
def test_a_task_that_lacks_something_is_refused_by_its_name(cloud, tasks, change, word):
    reply = cloud.post(tasks, body() | change)
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.0101") and word in reply.json[
        "error_msg"
    ]


def test_an_unknown_service_and_the_task_of_another_are_not_found(cloud, tasks):
    none = "/v1/{project_id}/services/none/tasks"
    assert cloud.post(none, body()).json["error_code"] == "ModelArts.3502"
    other = (
        f"/v1/{{project_id}}/services/{deployed(cloud, entry(published(cloud, version='0.0.2')), name='x')}"
    )
    task = created(cloud, tasks).rpartition("/")[2]
    assert cloud.get(f"{other}/tasks/{task}").status == 400


def test_tasks_are_filtered(cloud, tasks):
    task = created(cloud, tasks).rpartition("/")[2]
    count = lambda query: cloud.get(f"{tasks}?{query}").json["count"]  # noqa: E731
    assert [count(query) for query in ("state=PENDING", "state=RUNNING", "name_like=atc", "name_like=x")] == [
        1,
        0,
        1,
        0,
    ]
    assert (count(f"id={task}"), count("id=none")) == (1, 0)
    moment = int(cloud.clock.now() * 1000)
    assert (count(f"created_since={moment - 1000}"), count(f"created_until={moment - 1000}")) == (1, 0)


def test_tasks_go_with_their_service(cloud, tasks):
    task = created(cloud, tasks)
    cloud.delete(tasks.removesuffix("/tasks"))
    assert cloud.get(task).json["error_code"] == "ModelArts.3502"
    assert not list(cloud.world.store.table(f"modelarts/service-tasks/task/{cloud.project_id}").ids())
