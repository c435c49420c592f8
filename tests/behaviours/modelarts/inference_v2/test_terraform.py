"""What the Terraform provider asks of services of v2: read-back, versions at once, updates, tags, the end."""

import pytest

from tests.behaviours.modelarts.inference_v2.conftest import (
    INVOKE,
    LIMIT,
    SERVICES,
    UNIT,
    add_pool,
    group,
    shown,
)

RUNTIME = {"service_invoke": INVOKE, "service_limit": LIMIT}
UPGRADE = {"type": "ROLLING", "rolling_update": {"max_surge": "50%", "max_unavailable": "50%"}}
LOGS = [{"type": "STDOUT", "log_group_id": "g", "log_stream_id": "s"}]
TAGS = [{"key": "foo", "value": "bar"}]


def body(**more) -> dict:
    """What the provider creates a service with."""
    sent = {"name": "service", "version": "0.0.1", "type": "REAL_TIME", "deploy_type": "SINGLE"}
    sent |= {"description": "first", "workspace_id": "0", "group_configs": [group(pool_id="pool")]}
    return (
        sent
        | {"runtime_config": RUNTIME, "upgrade_config": UPGRADE, "log_configs": LOGS, "tags": TAGS}
        | more
    )


@pytest.fixture(autouse=True)
def _pool(cloud):
    """The pool in which the services lie."""
    add_pool(cloud, "pool")


@pytest.fixture
def service_id(cloud) -> str:
    """A service that runs."""
    id = cloud.post(SERVICES, body()).json["id"]
    wait(cloud, id)
    return id


def wait(cloud, id) -> None:
    """Ask until the service runs; FAILED would be an error at once."""
    cloud.clock.until(lambda: shown(cloud, id)["status"] in ("RUNNING", "STOPPED"))


def versions(cloud, id) -> list[dict]:
    """The versions, asked as the provider asks: with a body."""
    reply = cloud.send("GET", f"{SERVICES}/{id}/versions?limit=500&offset=0", {"workspace_id": "0"})
    assert reply.status == 200, reply
    return reply.json["data"]


def test_versions_hold_the_current_one_as_soon_as_the_service_is_readable(cloud):
    id = cloud.post(SERVICES, body()).json["id"]
    current = shown(cloud, id)["version"]
    assert [(row["version"], row["id"]) for row in versions(cloud, id)] == [("0.0.1", current["id"])]


def test_a_service_reads_back_as_it_was_sent(cloud, service_id):
    service = shown(cloud, service_id)
    assert (service["name"], service["type"], service["deploy_type"]) == ("service", "REAL_TIME", "SINGLE")
    assert (service["tags"], service["workspace_id"]) == (TAGS, "0")
    version = service["version"]
    assert (version["version"], version["description"]) == ("0.0.1", "first")
    assert version["upgrade_config"] == UPGRADE and version["runtime_config"]["service_limit"] == LIMIT
    assert INVOKE.items() <= version["runtime_config"]["service_invoke"].items()
    assert [{name: log[name] for name in LOGS[0]} for log in version["log_configs"]] == LOGS


def test_groups_stand_in_the_version_and_have_ids_as_their_units_do(cloud, service_id):
    (only,) = shown(cloud, service_id)["version"]["instance_groups"]
    (unit,) = only["unit_configs"]
    assert only["id"] and unit["id"] and unit["custom_spec"] == UNIT["custom_spec"]
    assert UNIT["image"].items() <= unit["image"].items()
    assert (only["name"], only["count"], only["weight"], only["pool_id"]) == ("first", 1, 100, "pool")


def test_what_was_not_sent_is_absent_or_empty(cloud):
    bare = {
        name: value for name, value in body().items() if name not in ("description", "log_configs", "tags")
    }
    service = shown(cloud, cloud.post(SERVICES, bare).json["id"])
    assert (service["version"]["description"], service["version"]["log_configs"], service["tags"]) == (
        "",
        [],
        [],
    )
    unit = service["version"]["instance_groups"][0]["unit_configs"][0]
    optional = (
        "envs",
        "models",
        "codes",
        "readiness_health",
        "startup_health",
        "liveness_health",
        "recovery",
    )
    assert [name for name in optional if name in unit] == []


def test_an_update_with_known_groups_makes_a_version_and_a_switch_goes_back(cloud, service_id):
    before = shown(cloud, service_id)["version"]
    known = group(pool_id="pool", id=before["instance_groups"][0]["id"], count=2)
    sent = body(id=service_id, version="0.0.2", group_configs=[known], deploy_type="", log_configs=[])
    del sent["name"], sent["type"], sent["tags"]
    assert cloud.put(f"{SERVICES}/{service_id}", sent).status == 200
    cloud.clock.advance("10s")
    wait(cloud, service_id)
    assert [row["version"] for row in versions(cloud, service_id)] == ["0.0.2", "0.0.1"]
    after = shown(cloud, service_id)
    assert (after["version"]["version"], after["version"]["instance_groups"][0]["count"]) == ("0.0.2", 2)
    assert (after["name"], after["tags"], after["deploy_type"]) == ("service", TAGS, "SINGLE")
    switch = {"id": service_id, "target_version_id": before["id"], "workspace_id": "0"}
    assert cloud.post(f"{SERVICES}/{service_id}/versions/switch", switch).status == 200
    wait(cloud, service_id)
    assert shown(cloud, service_id)["version"]["version"] == "0.0.1"


def test_another_description_is_read_back_at_once(cloud, service_id):
    sent = {"id": service_id, "version": "0.0.1", "description": "second"}
    assert cloud.put(f"{SERVICES}/{service_id}", sent).status == 200
    assert shown(cloud, service_id)["version"]["description"] == "second"


def test_tags_are_readable_at_once_and_adding_them_answers_200(cloud, service_id):
    path = f"/v2/{{project_id}}/modelarts-service-v2/{service_id}/tags"
    assert cloud.post(f"{path}/create", {"tags": [{"key": "more", "value": "1"}]}).status == 200
    assert {tag["key"] for tag in shown(cloud, service_id)["tags"]} == {"foo", "more"}
    assert cloud.delete(f"{path}/delete", {"tags": [{"key": "foo"}]}).status == 200
    assert [tag["key"] for tag in shown(cloud, service_id)["tags"]] == ["more"]


def test_actions_take_no_body(cloud, service_id):
    statuses = []
    for action in ("stop", "start", "interrupt"):
        statuses.append(cloud.post(f"{SERVICES}/{service_id}/{action}").status)
        cloud.clock.advance("1m" if action == "stop" else 0)
    assert statuses == [200, 200, 200]


def test_a_deleted_service_answers_404_in_the_end(cloud, service_id):
    assert cloud.post(f"{SERVICES}/delete", {"service_ids": [service_id]}).status == 200
    cloud.clock.until(lambda: cloud.get(f"{SERVICES}/{service_id}").status == 404, within="20m")
