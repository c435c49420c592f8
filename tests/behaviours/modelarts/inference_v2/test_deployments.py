"""Stories about deployments: their states, upgrades step by step, versions, instances, pods, events."""

import pytest
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.behaviours.modelarts.inference_v2.conftest import (
    SERVICES,
    UNIT,
    created,
    deployed,
    deployments,
    group,
    path_of,
    refused,
    shown,
    updated,
)

COMMAND = {"unit_configs": [UNIT | {"cmd": "sleep 20"}]}


def first(cloud, service_id):
    return cloud.get(path_of(cloud, service_id)).json


def instances(cloud, service_id, query=""):
    reply = cloud.get(f"{path_of(cloud, service_id)}/instances?limit=500{query}")
    assert reply.status == 200, reply
    return reply.json["data"]


def running(cloud, service_id):
    return [row["instance_name"] for row in instances(cloud, service_id, "&status=RUNNING")]


def test_a_second_deployment_shares_the_traffic_by_weight(cloud):
    service_id = deployed(cloud, group(weight=30))
    reply = cloud.post(f"{SERVICES}/{service_id}/deployments", group("second", weight=90))
    assert reply.json["status"] == "DEPLOYING"
    cloud.clock.advance("1m")
    assert [row["traffic_ratio"] for row in deployments(cloud, service_id)] == ["25.00%", "75.00%"]


def test_a_name_stands_once_among_the_deployments_of_a_service(cloud):
    reply = cloud.post(f"{SERVICES}/{deployed(cloud)}/deployments", group())
    assert refused(reply, 409)[0] == "ModelArts.3503"


def test_an_unknown_deployment_is_refused_as_documented(cloud):
    service_id = deployed(cloud)
    assert refused(cloud.get(f"{SERVICES}/{service_id}/deployments/nobody"))[0] == "ModelArts.3535"


def test_a_deployment_lives_by_start_stop_and_interrupt(cloud):
    service_id = deployed(cloud)
    path = path_of(cloud, service_id)
    assert refused(cloud.post(f"{path}/interrupt"))[0] == "ModelArts.0104"
    assert cloud.post(f"{path}/stop").json["status"] == "STOPPING"
    assert refused(cloud.post(f"{path}/start"))[0] == "ModelArts.0104"
    cloud.clock.advance("1m")
    assert cloud.post(f"{path}/start").json["status"] == "DEPLOYING"
    assert cloud.post(f"{path}/interrupt").json["status"] == "INTERRUPTING"
    cloud.clock.advance("1m")
    assert first(cloud, service_id)["status"] == "STOPPED" and running(cloud, service_id) == []


def test_a_deleted_deployment_is_listed_for_some_days(cloud):
    service_id = deployed(cloud)
    assert cloud.delete(path_of(cloud, service_id)).json["status"] == "DELETING"
    cloud.clock.advance("1m")
    assert deployments(cloud, service_id) == [] and shown(cloud, service_id)["status"] == "INIT"
    everything = f"{SERVICES}/{service_id}/deployments?status=all"
    assert [row["status"] for row in cloud.get(everything).json["data"]] == ["DELETED"]
    cloud.clock.advance("8d")
    assert cloud.get(everything).json["data"] == []
    assert cloud.get(f"{everything}&delete_after=9").json["total"] == 1


def test_moments_of_a_deployment_are_texts(cloud):
    deployment = first(cloud, deployed(cloud))
    assert len(deployment["create_at"]) == 13 and deployment["create_at"].isdecimal()


def test_a_mount_that_is_not_there_fails_the_deployment_by_its_path(cloud):
    service_id = deployed(cloud, group(package="obs://nobody/model/"))
    assert shown(cloud, service_id)["status"] == "FAILED"
    assert "obs://nobody/model/" in shown(cloud, service_id)["failure_reason"]
    abnormal = cloud.get(f"{SERVICES}/{service_id}/events?event_type=ABNORMAL").json["data"]
    assert any("obs://nobody/model/" in row["event_info"] for row in abnormal)


def upgrade(cloud, service_id, count, surge, unavailable):
    """(most instances at once, fewest running) while a deployment is upgraded, seen every quarter of a step."""
    body = updated(surge=surge, unavailable=unavailable, count=count, **COMMAND)
    assert cloud.put(path_of(cloud, service_id), body).json["status"] == "UPGRADING"
    most, fewest = 0, count
    while first(cloud, service_id)["status"] == "UPGRADING":
        living = [row for row in instances(cloud, service_id) if row["status"] != "DELETED"]
        most = max(most, len(living))
        fewest = min(fewest, sum(row["status"] == "RUNNING" for row in living))
        cloud.clock.advance(0.25)
    return most, fewest


@pytest.mark.parametrize(
    ("surge", "unavailable", "seen"),
    [
        ("25%", "25%", (5, 3)),
        ("50%", "1%", (6, 4)),
        ("1%", "50%", (5, 2)),
        ("1%", "100%", (4, 0)),
        ("100%", "1%", (8, 4)),
    ],
)
def test_an_upgrade_stays_within_surge_and_unavailable(cloud, surge, unavailable, seen):
    service_id = deployed(cloud, group(count=4))
    before = running(cloud, service_id)
    most, fewest = upgrade(cloud, service_id, 4, surge, unavailable)
    assert (most <= seen[0], fewest >= seen[1]) == (True, True), (most, fewest)
    after = running(cloud, service_id)
    assert len(after) == 4 and not set(before) & set(after)


def test_a_full_upgrade_replaces_all_at_once(cloud):
    service_id = deployed(cloud, group(count=4))
    assert upgrade(cloud, service_id, 4, "1%", "100%")[1] == 0


def test_an_upgrade_ends_with_the_new_version(cloud):
    service_id = deployed(cloud)
    upgrade(cloud, service_id, 1, "1%", "1%")
    deployment = first(cloud, service_id)
    assert (deployment["version"], deployment["version_count"]) == ("1.0.1", 2)
    assert deployment["unit_configs"][0]["cmd"] == "sleep 20"


def test_an_interrupted_upgrade_leaves_the_old_version(cloud):
    service_id = deployed(cloud, group(count=3))
    cloud.put(path_of(cloud, service_id), updated(count=3, **COMMAND))
    cloud.clock.advance(1)
    assert cloud.post(f"{path_of(cloud, service_id)}/interrupt").json["status"] == "INTERRUPTING"
    cloud.clock.advance("1m")
    deployment = first(cloud, service_id)
    assert (deployment["status"], deployment["version"]) == ("RUNNING", "1.0.0")
    assert "cmd" not in deployment["unit_configs"][0] and len(running(cloud, service_id)) == 3


def test_weight_and_count_change_without_a_version(cloud):
    service_id = deployed(cloud)
    body = updated(weight=10, count=3)
    cloud.put(path_of(cloud, service_id), body)
    cloud.clock.advance("1m")
    versions = first(cloud, service_id)["version_count"]
    after = cloud.put(path_of(cloud, service_id), body | {"weight": 20, "count": 2}).json
    assert (after["status"], after["version_count"], after["weight"], after["count"]) == (
        "RUNNING",
        versions,
        20,
        2,
    )


def test_a_stopped_deployment_takes_an_update_when_it_starts(cloud):
    service_id = deployed(cloud)
    cloud.post(f"{path_of(cloud, service_id)}/stop")
    cloud.clock.advance("1m")
    after = cloud.put(path_of(cloud, service_id), updated(**COMMAND)).json
    assert (after["status"], after["version"]) == ("STOPPED", "1.0.1")


def test_the_priority_is_repeated_while_the_deployment_runs(cloud):
    service_id = deployed(cloud, group(priority=2))
    assert "repeat 2" in refused(cloud.put(path_of(cloud, service_id), updated(**COMMAND)))[1]
    assert cloud.put(path_of(cloud, service_id), updated(priority=2, **COMMAND)).status == 200


def test_an_update_without_check_method_is_refused(cloud):
    times = {"failure_threshold": 3, "initial_delay_seconds": 1, "period_seconds": 1, "timeout_seconds": 1}
    unit = UNIT | {"liveness_health": times | {"url": "/health"}}
    reply = cloud.put(path_of(cloud, deployed(cloud)), updated(unit_configs=[unit]))
    assert refused(reply)[0] == "ModelArts.0101"


def test_versions_are_listed_shown_and_switched_to(cloud):
    service_id = deployed(cloud)
    upgrade(cloud, service_id, 1, "1%", "1%")
    path = path_of(cloud, service_id)
    listed = cloud.get(f"{path}/versions").json["data"]
    assert [(row["version"], row["version_status"]) for row in listed] == [
        ("1.0.1", "ACTIVE"),
        ("1.0.0", "PUBLISHED"),
    ]
    assert "cmd" not in cloud.get(f"{path}/versions/1.0.0").json["unit_configs"][0]
    body = {"infer_name": first(cloud, service_id)["id"]}
    assert cloud.post(f"{path}/versions/1.0.0/switch", body).status == 200
    assert refused(cloud.post(f"{path}/versions/1.0.0/switch", body))[0] == "ModelArts.0104"
    cloud.clock.advance("5m")
    assert first(cloud, service_id)["version"] == "1.0.0"
    assert "active" in refused(cloud.post(f"{path}/versions/1.0.0/switch", body))[1]


def test_a_version_in_use_is_not_deleted(cloud):
    service_id = deployed(cloud)
    path = path_of(cloud, service_id)
    assert "in use" in refused(cloud.delete(f"{path}/versions/1.0.0"))[1]
    upgrade(cloud, service_id, 1, "1%", "1%")
    assert cloud.delete(f"{path}/versions/1.0.0").status == 200
    assert refused(cloud.get(f"{path}/versions/1.0.0"), 404)[0] == "ModelArts.0015"


def test_scaling_starts_and_ends_instances(cloud):
    service_id = deployed(cloud)
    scale = f"{SERVICES}/{service_id}/deployments/first/scale"
    assert cloud.put(scale, {"count": 3}).json["count"] == 3
    assert len(instances(cloud, service_id, "&status=INIT")) == 2
    cloud.clock.advance("1m")
    assert len(running(cloud, service_id)) == 3
    oldest = running(cloud, service_id)[0]
    cloud.put(scale, {"count": 1})
    assert running(cloud, service_id) == [oldest]
    assert len(instances(cloud, service_id, "&status=DELETED")) == 2
    assert refused(cloud.put(scale, {"count": 0}))[0] == "ModelArts.0101"


def test_a_stopped_deployment_is_not_scaled(cloud):
    service_id = deployed(cloud)
    cloud.post(f"{path_of(cloud, service_id)}/stop")
    reply = cloud.put(f"{SERVICES}/{service_id}/deployments/first/scale", {"count": 3})
    assert refused(reply)[0] == "ModelArts.0104"


def test_an_instance_is_rebuilt_or_given_back(cloud):
    service_id = deployed(cloud, group(count=2))
    base = f"{SERVICES}/{service_id}/deployments/first/instances"
    one, two = running(cloud, service_id)
    assert cloud.delete(f"{base}/{one}").json == {"instance_name": one}
    cloud.clock.advance("5m")
    assert len(running(cloud, service_id)) == 2 and one not in running(cloud, service_id)
    cloud.delete(f"{base}/{two}?operation=DELETE")
    assert first(cloud, service_id)["count"] == 1
    last = running(cloud, service_id)[0]
    assert "last instance" in refused(cloud.delete(f"{base}/{last}?operation=DELETE"))[1]
    assert refused(cloud.delete(f"{base}/{two}"), 404)[0] == "ModelArts.0015"


def test_pods_are_listed_page_by_page_and_replaced(cloud):
    unit = UNIT | {"count": 3, "name": "worker"}
    service_id = deployed(cloud, group(count=2, unit_configs=[unit]))
    base = f"{SERVICES}/{service_id}/deployments/first/instances"
    every = cloud.get(f"{base}/all/pods?limit=4&offset=1").json
    assert (every["total"], every["pages"], every["current"], every["size"]) == (6, 2, 1, 2)
    name = running(cloud, service_id)[0]
    pods = cloud.get(f"{base}/{name}/pods").json["data"]
    assert len(pods) == 3 and {pod["pod_role_name"] for pod in pods} == {"worker"}
    gone = pods[1]["pod_name"]
    assert cloud.delete(f"{base}/{name}/pods/{gone}").json == {"pod_name": gone}
    pending = cloud.get(f"{base}/{name}/pods?status=PENDING").json["data"]
    assert len(pending) == 1 and pending[0]["pod_name"] != gone
    assert instances(cloud, service_id)[0]["status"] == "CONCERNING"
    assert refused(cloud.delete(f"{base}/{name}/pods/{gone}"), 404)[0] == "ModelArts.0015"
    cloud.clock.advance("2m")
    assert cloud.get(f"{base}/{name}/pods?status=PENDING&status=FAILED").json["data"] == []


def test_events_of_a_pod_are_those_until_now(cloud):
    service_id = created(cloud, group())
    base = f"{SERVICES}/{service_id}/deployments/first/instances"
    name = instances(cloud, service_id)[0]["instance_name"]
    pod = cloud.get(f"{base}/{name}/pods").json["data"][0]["pod_name"]
    path = f"{base}/{name}/pods/{pod}/events"
    assert [row["reason"] for row in cloud.get(path).json] == ["Scheduled", "Pulling"]
    cloud.clock.advance("1m")
    assert [row["reason"] for row in cloud.get(path).json][2:] == ["Pulled", "Started"]
    assert "together" in refused(cloud.get(f"{path}?start_time=0"))[1]
    assert cloud.get(f"{path}?start_time=0&end_time=1").json == []


def test_events_of_a_service_tell_its_life(cloud):
    service_id = deployed(cloud)
    path = f"{SERVICES}/{service_id}/events"
    told = [row["event_info"] for row in cloud.get(f"{path}?sort_dir=ASC").json["data"]]
    assert told == ["[first] is DEPLOYING", "[first] is RUNNING"]
    assert cloud.get(f"{path}?event_info_key=running").json["total"] == 1
    now = int(cloud.clock.now() * 1000)
    assert cloud.get(f"{path}?start_time={now + 1}").json["total"] == 0
    assert cloud.get(f"{path}?end_time={now}").json["total"] == 2


class Deployments(RuleBasedStateMachine):
    """A walk of a deployment through what is allowed and what is not, against the documented table."""

    cloud = None
    ALLOWED = {
        "start": {"STOPPED", "FAILED"},
        "stop": {"RUNNING", "DEPLOYING", "FAILED", "CONCERNING"},
        "interrupt": {"DEPLOYING", "UPGRADING"},
    }

    @initialize()
    def create(self):
        names = self.cloud.get(f"{SERVICES}?limit=500").json["data"]
        self.service_id = created(self.cloud, group(count=3), name=f"service-{len(names)}")
        self.path = path_of(self.cloud, self.service_id)
        self.status = "DEPLOYING"
        self.count = 3

    def now(self):
        return self.cloud.get(self.path).json["status"]

    def act(self, action):
        before = self.now()
        reply = self.cloud.post(f"{self.path}/{action}")
        assert (reply.status == 200) == (before in self.ALLOWED[action]), (before, action, reply)

    @rule()
    def start(self):
        self.act("start")

    @rule()
    def stop(self):
        self.act("stop")

    @rule()
    def interrupt(self):
        self.act("interrupt")

    @rule()
    def update(self):
        before = self.now()
        command = {"unit_configs": [UNIT | {"cmd": f"sleep {int(self.cloud.clock.now())}"}]}
        reply = self.cloud.put(self.path, updated(count=self.count, surge="50%", **command))
        assert (reply.status == 200) == (before in ("RUNNING", "STOPPED", "FAILED")), (before, reply)

    @rule()
    def scale(self):
        before, count = self.now(), self.count % 4 + 1
        reply = self.cloud.put(f"{SERVICES}/{self.service_id}/deployments/first/scale", {"count": count})
        assert (reply.status == 200) == (before in ("RUNNING", "CONCERNING")), (before, reply)
        self.count = count if reply.status == 200 else self.count

    @rule()
    def wait(self):
        self.cloud.clock.advance(0.6)

    @rule()
    def settle(self):
        self.cloud.clock.advance("5m")
        assert self.now() in ("RUNNING", "STOPPED", "FAILED")

    @precondition(lambda self: hasattr(self, "path"))
    @invariant()
    def the_instances_are_what_the_state_says(self):
        status = self.now()
        living = [
            row
            for row in self.cloud.get(f"{self.path}/instances?limit=500").json["data"]
            if row["status"] != "DELETED"
        ]
        if status == "RUNNING":
            assert len(living) == self.count
        if status == "STOPPED":
            assert living == []
        service = shown(self.cloud, self.service_id)["status"]
        assert service == {"INTERRUPTING": "DEPLOYING"}.get(status, status)


def test_a_walk_through_the_states_of_a_deployment_keeps_to_the_table(cloud):
    Deployments.cloud = cloud
    run_state_machine_as_test(Deployments, settings=settings(max_examples=8, stateful_step_count=15))
