"""What the Terraform provider asks of services of v1: waits, read-back, updates, lists, the end."""

import pytest

from tests.behaviours.modelarts.conftest import (
    SERVICES,
    deployed,
    entry,
    pages_of_an_old_list,
    published,
    put_package,
    service_body,
    shown,
)

pytestmark = pytest.mark.usefixtures("simulated")

NOTIFICATION = {"topic_urn": "urn:smn:topic", "events": [1, 3]}
PROPERTIES = {"smn_notification": NOTIFICATION, "log_report_channels": [{"type": "LTS"}]}
SCHEDULE = [{"type": "stop", "time_unit": "HOURS", "duration": 2}]


@pytest.fixture
def models(cloud) -> list[str]:
    """The ids of two models."""
    location = put_package(cloud)
    return [published(cloud, location, version=version) for version in ("0.0.1", "0.0.2")]


def apply(cloud, models, **more) -> str:
    """The id of a service with all that the provider may send."""
    config = [entry(models[0], 30, envs={"A": "1"}, instance_count=2), entry(models[1], 70)]
    network = {"vpc_id": "v", "subnet_network_id": "n", "security_group_id": "g"}
    return deployed(
        cloud,
        *config,
        schedule=SCHEDULE,
        additional_properties=PROPERTIES,
        description="d",
        **network,
        **more,
    )


def test_a_service_reads_back_as_it_was_sent(cloud, models):
    service = shown(cloud, apply(cloud, models))
    assert [row["model_id"] for row in service["config"]] == models
    assert [(row["weight"], row["instance_count"]) for row in service["config"]] == [(30, 2), (70, 1)]
    assert service["config"][0]["envs"] == {"A": "1"}
    assert service["additional_properties"] == PROPERTIES and service["schedule"] == SCHEDULE
    names = ("vpc_id", "subnet_network_id", "security_group_id", "description", "infer_type")
    assert [service[name] for name in names] == ["v", "n", "g", "d", "real-time"]


def test_what_was_not_sent_is_absent(cloud, models):
    service = shown(cloud, deployed(cloud, entry(models[0])))
    absent = ("additional_properties", "schedule", "vpc_id", "subnet_network_id", "pool_name", "due_time")
    assert [name for name in absent if name in service] == [] and service["description"] == ""
    assert "envs" not in service["config"][0] and "custom_spec" not in service["config"][0]


def test_members_have_the_types_that_the_provider_takes(cloud, models):
    service_id = apply(cloud, models)
    service, row = shown(cloud, service_id), cloud.get(SERVICES).json["services"][0]
    for found in (service, row):
        kinds = (("invocation_times", int), ("failed_times", int), ("is_free", bool), ("is_shared", bool))
        assert [type(found[name]) for name, _ in kinds] == [kind for _, kind in kinds]
    assert row["is_opened_sample_collection"] is False
    assert row["additional_properties"]["smn_notification"]["events"] == ["1", "3"]
    assert row["additional_properties"]["log_report_channels"] == [{"type": "LTS"}]


def test_an_update_takes_all_that_the_provider_sends_and_ends_running(cloud, models):
    service_id = apply(cloud, models)
    body = {"description": "e", "config": [entry(models[1])], "schedule": SCHEDULE}
    body["additional_properties"] = {"smn_notification": NOTIFICATION | {"events": [7]}}
    assert cloud.put(f"{SERVICES}/{service_id}", body).status == 200
    cloud.clock.until(lambda: shown(cloud, service_id)["status"] == "running")
    service = shown(cloud, service_id)
    assert [row["model_id"] for row in service["config"]] == models[1:] and service["description"] == "e"
    assert service["additional_properties"] == body["additional_properties"]


def test_change_status_to_stops_and_starts(cloud, models):
    service_id = apply(cloud, models)
    for status in ("stopped", "running"):
        assert cloud.put(f"{SERVICES}/{service_id}", {"status": status}).status == 200
        cloud.clock.until(lambda status=status: shown(cloud, service_id)["status"] == status)


def test_a_deleted_service_answers_404(cloud, models):
    service_id = apply(cloud, models)
    assert cloud.delete(f"{SERVICES}/{service_id}").status == 200
    assert cloud.get(f"{SERVICES}/{service_id}").status == 404


@pytest.mark.parametrize("path", [SERVICES, f"{SERVICES}?status=running", f"{SERVICES}/specifications"])
def test_lists_of_services_are_read_to_their_end(cloud, models, path):
    apply(cloud, models)
    first, *rest = pages_of_an_old_list(cloud, path)
    assert first and rest == [[]]


def test_a_body_with_a_charset_is_taken(cloud, models):
    headers = {"Content-Type": "application/json;charset=UTF-8"}
    assert cloud.post(SERVICES, service_body(entry(models[0])), headers=headers).json["service_id"]
