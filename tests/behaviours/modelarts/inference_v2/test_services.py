"""Stories about services of the newer inference API: creation, states, lists, versions, schedules, deletion."""

import pytest

from tests.behaviours.modelarts.inference_v2.conftest import (
    SERVICES,
    UNIT,
    add_pool,
    created,
    deployed,
    deployments,
    group,
    path_of,
    refused,
    service_body,
    shown,
)


def status(cloud, service_id):
    return shown(cloud, service_id)["status"]


def test_a_service_without_a_group_is_init_and_has_no_address(cloud):
    service = shown(cloud, created(cloud))
    assert service["status"] == "INIT" and "predict_url" not in service


def test_a_service_with_a_group_is_deploying_and_then_running(cloud):
    reply = cloud.post(SERVICES, service_body(group(count=2)))
    assert reply.status == 200 and reply.json["status"] == "DEPLOYING"
    service_id = reply.json["id"]
    cloud.clock.advance("1m")
    service = shown(cloud, service_id)
    assert service["status"] == "RUNNING"
    assert service["predict_url"][0]["urls"] == [f"{cloud.endpoint}/v2/infers/{service_id}"]
    only = service["version"]["instance_groups"][0]
    assert (only["running_count"], only["traffic_ratio"], only["status"]) == (2, "100.00%", "RUNNING")


def test_a_name_is_taken_until_its_service_is_deleted(cloud):
    service_id = created(cloud)
    assert refused(cloud.post(SERVICES, service_body()), 409)[0] == "ModelArts.3503"
    cloud.post(f"{SERVICES}/delete", {"service_ids": [service_id]})
    assert cloud.post(SERVICES, service_body()).status == 200


def test_an_unknown_service_is_not_found(cloud):
    assert refused(cloud.get(f"{SERVICES}/nobody"), 404)[0] == "ModelArts.3502"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"log_configs": [{"type": "EVENT"}, {"type": "EVENT"}]}, "one per type"),
        ({"schedule": [{"type": "STOP", "duration": 8, "time_unit": "DAYS"}]}, "7 days"),
        ({"schedule": [{"type": "STOP", "duration": 0, "time_unit": "HOURS"}]}, "1 minute"),
        ({"tags": [{"value": "x"}]}, "key"),
        ({"version": "1.0"}, "version"),
        ({"group_configs": [group(unit_configs=[UNIT, UNIT])]}, "one element"),
        ({"group_configs": [group("one", weight=60), group("two", weight=60)]}, "sum to 100"),
        ({"group_configs": [group("one", weight=60), group("one", weight=40)]}, "twice"),
        ({"group_configs": [group(count=129)]}, "count"),
        ({"runtime_config": {"service_invoke": {"port": 8080, "auth_type": "__main__"}}}, "auth_type"),
        ({"group_configs": [group(mirror_traffic_weight="half")]}, "mirror_traffic_weight"),
    ],
)
def test_a_service_whose_parts_do_not_fit_is_refused(cloud, body, words):
    code, message = refused(cloud.post(SERVICES, service_body() | body))
    assert code == "ModelArts.0101" and words in message


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ({"readiness_health": {"check_method": "EXEC"}}, "needs cmd"),
        ({"readiness_health": {"check_method": "HTTP"}}, "needs url"),
        ({"files": [{"source": "OBS", "mount_path": "/files/", "os_warm_up": True}]}, "source_name"),
    ],
)
def test_a_unit_whose_parts_do_not_fit_is_refused(cloud, unit, words):
    times = {"failure_threshold": 3, "initial_delay_seconds": 1, "period_seconds": 1, "timeout_seconds": 1}
    unit = {name: value | times if "health" in name else value for name, value in unit.items()}
    code, message = refused(cloud.post(SERVICES, service_body(group(unit_configs=[UNIT | unit]))))
    assert code == "ModelArts.0101" and words in message


def test_an_asynchronous_service_speaks_no_websocket(cloud):
    body = service_body(type="ASYNC_REAL_TIME")
    body["runtime_config"]["service_invoke"]["protocol"] = "WSS"
    assert "asynchronous" in refused(cloud.post(SERVICES, body))[1]


def test_websockets_exclude_a_limit_of_traffic(cloud):
    body = service_body()
    body["runtime_config"]["service_invoke"]["protocol"] = "WS"
    assert "limit of traffic" in refused(cloud.post(SERVICES, body))[1]


def test_a_service_is_stopped_and_started(cloud):
    service_id = deployed(cloud)
    assert cloud.post(f"{SERVICES}/{service_id}/stop").json["status"] == "STOPPING"
    cloud.clock.advance("1m")
    assert status(cloud, service_id) == "STOPPED"
    assert refused(cloud.post(f"{SERVICES}/{service_id}/stop"))[0] == "ModelArts.0104"
    assert cloud.post(f"{SERVICES}/{service_id}/start").json["status"] == "DEPLOYING"
    cloud.clock.advance("1m")
    assert status(cloud, service_id) == "RUNNING"
    assert refused(cloud.post(f"{SERVICES}/{service_id}/start"))[0] == "ModelArts.0104"


def test_an_interrupted_deployment_ends_stopped(cloud):
    service_id = created(cloud, group())
    assert cloud.post(f"{SERVICES}/{service_id}/interrupt").status == 200
    cloud.clock.advance("1m")
    assert status(cloud, service_id) == "STOPPED"
    assert refused(cloud.post(f"{SERVICES}/{service_id}/interrupt"))[0] == "ModelArts.0104"


def test_a_schedule_stops_the_service_when_it_says(cloud):
    service_id = deployed(cloud, schedule=[{"type": "STOP", "duration": 2, "time_unit": "HOURS"}])
    cloud.clock.advance("118m")
    service = shown(cloud, service_id)
    assert service["status"] == "RUNNING" and not service["schedule"][0]["processed"]
    cloud.clock.advance("3m")
    service = shown(cloud, service_id)
    assert service["status"] == "STOPPED" and service["schedule"][0]["processed"]


def test_deleting_takes_a_while_and_all_that_belongs_to_the_service(cloud):
    service_id = deployed(cloud)
    reply = cloud.post(f"{SERVICES}/delete", {"service_ids": [service_id]})
    assert reply.json["service_responses"][0]["status"] == "DELETING"
    cloud.clock.advance("1m")
    assert cloud.get(f"{SERVICES}/{service_id}").status == 404
    left = [name for name in cloud.world.store.names() if name.startswith("inference_v2/")]
    assert left == []


def test_a_deletion_with_one_unknown_id_deletes_nothing(cloud):
    service_id = deployed(cloud)
    reply = cloud.post(f"{SERVICES}/delete", {"service_ids": [service_id, ""]})
    assert reply.status == 404 and status(cloud, service_id) == "RUNNING"


def test_a_service_on_its_way_is_not_deleted(cloud):
    service_id = created(cloud, group())
    assert refused(cloud.post(f"{SERVICES}/delete", {"service_ids": [service_id]}))[0] == "ModelArts.0104"


def names(cloud, query=""):
    reply = cloud.get(f"{SERVICES}?{query}")
    assert reply.status == 200, reply
    return [row["name"] for row in reply.json["data"]]


def test_the_list_is_newest_first_and_paged(cloud):
    for name in ("one", "two", "three"):
        created(cloud, name=name)
        cloud.clock.advance(1)
    assert names(cloud) == ["three", "two", "one"]
    assert names(cloud, "sort_dir=ASC&sort_key=create_at") == ["one", "two", "three"]
    page = cloud.get(f"{SERVICES}?limit=2&offset=2").json
    assert (page["current"], page["pages"], page["size"], page["total"]) == (1, 2, 1, 3)
    assert "multiple" in refused(cloud.get(f"{SERVICES}?limit=2&offset=1"))[1]


def test_a_service_runs_in_no_pool_that_is_not_there(cloud):
    reply = cloud.post(SERVICES, service_body(group(pool_id="pool-x")))
    assert refused(reply)[0] == "ModelArts.3547"
    id = deployed(cloud)
    further = cloud.post(f"{SERVICES}/{id}/deployments", group("second", pool_id="pool-x"))
    assert refused(further)[0] == "ModelArts.3547"


def test_the_list_is_filtered(cloud):
    tagged = {"tags": [{"key": "team", "value": "a"}, {"key": "tier", "value": "b"}]}
    created(cloud, name="plain")
    created(
        cloud,
        group(pool_id=add_pool(cloud, "pool-1")),
        name="tagged",
        auth_type="API_KEY",
        description="for cats",
        **tagged,
    )
    for query in (
        "tags=team|a,tier|b",
        "auth_type=API_KEY",
        "description=CATS",
        "pool_id=pool-1",
        "status=DEPLOYING",
    ):
        assert names(cloud, query) == ["tagged"], query
    assert names(cloud, "tags=team|b") == []


def test_the_list_finds_a_service_by_the_node_of_a_pod(cloud):
    service_id = deployed(cloud)
    deployment = path_of(cloud, service_id)
    instance = cloud.get(f"{deployment}/instances").json["data"][0]["instance_name"]
    pod = cloud.get(f"{deployment}/instances/{instance}/pods").json["data"][0]
    assert names(cloud, f"node_ip={pod['pod_node_ip']}") == ["service"]
    assert names(cloud, "node_ip=10.0.0.1") == []


def test_another_description_makes_no_version(cloud):
    service_id = deployed(cloud)
    before = shown(cloud, service_id)["version"]
    body = {"version": before["version"], "description": "new words", "id": service_id}
    after = cloud.put(f"{SERVICES}/{service_id}", body).json["version"]
    assert (after["id"], after["description"]) == (before["id"], "new words")


def test_an_update_makes_a_version_and_keeps_what_it_leaves_out(cloud):
    service_id = deployed(cloud, description="first words")
    body = {"group_configs": [group(count=2)], "version": "2.0.0"}
    service = cloud.put(f"{SERVICES}/{service_id}", body).json
    assert service["version"]["version"] == "2.0.0"
    assert service["version"]["description"] == "first words"
    assert service["version"]["runtime_config"]["service_invoke"]["auth_type"] == "TOKEN"
    assert service["version"]["instance_groups"][0]["count"] == 2


def test_an_update_in_between_is_refused(cloud):
    service_id = created(cloud, group())
    assert refused(cloud.put(f"{SERVICES}/{service_id}", {"description": "x"}))[0] == "ModelArts.0104"


def test_an_update_adds_a_group_whose_parts_fit(cloud):
    service_id = deployed(cloud)
    path = f"{SERVICES}/{service_id}"
    both = [group(weight=40), group("second", weight=60, unit_configs=[UNIT, UNIT])]
    assert "one element" in refused(cloud.put(path, {"group_configs": both}))[1]
    both[1]["unit_configs"].pop()
    assert cloud.put(path, {"group_configs": both}).status == 200
    assert [row["name"] for row in deployments(cloud, service_id)] == ["first", "second"]


def test_a_service_goes_back_to_an_older_version(cloud):
    service_id = deployed(cloud)
    first = shown(cloud, service_id)["version"]
    unit = UNIT | {"cmd": "sleep 20"}
    cloud.put(f"{SERVICES}/{service_id}", {"group_configs": [group(unit_configs=[unit])], "version": "2.0.0"})
    cloud.clock.advance("5m")
    listed = cloud.get(f"{SERVICES}/{service_id}/versions?limit=500&offset=0").json["data"]
    assert [row["version"] for row in listed] == ["2.0.0", "1.0.0"]
    switch = {"id": service_id, "target_version_id": first["id"], "workspace_id": "0"}
    assert cloud.post(f"{SERVICES}/{service_id}/versions/switch", switch).status == 200
    cloud.clock.advance("5m")
    version = shown(cloud, service_id)["version"]
    assert version["version"] == "1.0.0" and "cmd" not in version["instance_groups"][0]["unit_configs"][0]


def test_a_switch_to_a_version_of_another_service_is_refused(cloud):
    other = shown(cloud, deployed(cloud, name="other"))["version"]["id"]
    reply = cloud.post(f"{SERVICES}/{deployed(cloud)}/versions/switch", {"target_version_id": other})
    assert refused(reply, 404)[0] == "ModelArts.0015"


def test_a_provider_updates_its_service_with_its_own_token_only(cloud):
    headers = {"X-Auth-Token-Provider": "token-of-a-provider"}
    service_id = cloud.post(SERVICES, service_body(group()), headers=headers).json["id"]
    cloud.clock.advance("1m")
    body = {"description": "x"}
    assert refused(cloud.put(f"{SERVICES}/{service_id}", body), 403)[0] == "ModelArts.0108"
    assert cloud.put(f"{SERVICES}/{service_id}", body, headers=headers).status == 200


def terraform_payload() -> dict:
    """What the provider sends for a service of two groups with everything that its resource can say."""
    health = dict.fromkeys(
        ("initial_delay_seconds", "timeout_seconds", "period_seconds", "failure_threshold"), 1
    )
    unit = UNIT | {"recovery": "INSTANCE", "envs": {"foo": "bar"}, "count": 1, "cmd": "sleep 20"}
    unit |= {"readiness_health": health | {"check_method": "EXEC", "command": "ls"}, "role": "COMMON"}
    invoke = {"port": 9876, "protocol": "HTTPS", "auth_type": "TOKEN", "direct_channel_auth_enable": False}
    return {
        "name": "terraform",
        "version": "0.0.1",
        "type": "REAL_TIME",
        "deploy_type": "SINGLE",
        "workspace_id": "0",
        "group_configs": [
            {"name": f"group-{n}", "weight": 50, "count": 2, "framework": "COMMON", "unit_configs": [unit]}
            for n in (1, 2)
        ],
        "runtime_config": {
            "service_invoke": invoke,
            "service_limit": {"rate_limit": {"num": 2, "unit": "SECONDS"}},
        },
        "upgrade_config": {
            "type": "ROLLING",
            "rolling_update": {"max_surge": "50%", "max_unavailable": "50%"},
        },
        "log_configs": [{"log_group_id": "g", "log_stream_id": "s"}],
        "tags": [{"key": "foo", "value": "bar"}],
    }


def test_the_payload_of_the_terraform_provider_lives_its_life(cloud):
    body = terraform_payload()
    unit, invoke = body["group_configs"][0]["unit_configs"][0], body["runtime_config"]["service_invoke"]
    service_id = cloud.post(SERVICES, body).json["id"]
    cloud.clock.until(lambda: status(cloud, service_id) == "RUNNING")
    version = shown(cloud, service_id)["version"]
    assert version["upgrade_config"] == body["upgrade_config"]
    kept = version["instance_groups"][0]["unit_configs"][0]
    for name in ("envs", "cmd", "count", "recovery", "role"):
        assert kept[name] == unit[name]
    assert kept["readiness_health"]["command"] == "ls"
    limit = {"rate_limit": {"num": 2, "unit": "SECONDS"}, "request_size_limit": 20, "request_timeout": 30}
    upgrade = {
        "id": service_id,
        "version": "0.0.2",
        "description": "",
        "group_configs": body["group_configs"][:1],
    }
    upgrade |= {"runtime_config": {"service_invoke": invoke, "service_limit": limit}, "log_configs": []}
    assert (
        cloud.put(f"{SERVICES}/{service_id}", upgrade | {"upgrade_config": body["upgrade_config"]}).status
        == 200
    )
    cloud.clock.until(lambda: status(cloud, service_id) == "RUNNING")
    cloud.clock.advance("1m")
    assert [row["name"] for row in deployments(cloud, service_id)] == ["group-1"]
    cloud.post(f"{SERVICES}/delete", {"service_ids": [service_id]})
    cloud.clock.until(lambda: cloud.get(f"{SERVICES}/{service_id}").status == 404)


def test_the_list_is_sorted_by_several_members(cloud):
    for name in ("one", "two"):
        created(cloud, name=name)
    cloud.clock.advance(1)
    created(cloud, name="three")
    assert names(cloud, "sort_key=update_at,create_at&sort_dir=ASC") == ["one", "two", "three"]
    cloud.clock.advance(1)
    one = cloud.get(f"{SERVICES}?name=one").json["data"][0]["id"]
    cloud.put(f"{SERVICES}/{one}", {"description": "x"})
    assert names(cloud, "sort_key=update_at,create_at&sort_dir=DESC")[-1] == "two"


def test_a_switch_that_names_another_service_than_its_path_is_refused(cloud):
    service_id = deployed(cloud)
    switch = {"target_version_id": shown(cloud, service_id)["version"]["id"]}
    path = f"{SERVICES}/{service_id}/versions/switch"
    assert refused(cloud.post(path, switch | {"id": "another"}))[0] == "ModelArts.0101"
    assert refused(cloud.post(path, switch | {"workspace_id": "other"}), 404)[0] == "ModelArts.3502"
    assert cloud.post(path, switch | {"id": service_id}).status == 200


def test_the_groups_of_a_service_are_of_its_kind_of_workload(cloud):
    two_units = group(unit_configs=[dict(UNIT), dict(UNIT)])
    assert refused(cloud.post(SERVICES, service_body(two_units)))[0] == "ModelArts.0101"
    service_id = created(cloud, two_units, workload_type="LWS")
    (shown_group,) = shown(cloud, service_id)["version"]["instance_groups"]
    assert shown_group["workload_type"] == "LWS"


def test_a_key_for_some_hours_is_for_a_workspace_that_is_there(cloud):
    keys = f"{SERVICES}/api-keys/temp"
    assert refused(cloud.post(keys, {"workspace_id": "nowhere"}))[0] == "ModelArts.7005"
    assert cloud.post(keys, {"workspace_id": "0"}).json["api_key"]
