"""Stories about scaling rules, the ratio of roles, access from inside, pools and flavors."""

import pytest

from tests.behaviours.modelarts.inference_v2.conftest import (
    SERVICES,
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

INTRANET = "/v2/{project_id}/intranet-connection"


def rule_of(**more):
    return {"name": "night", "type": "CRON_HPA", "schedule": "0 2 * * *", "target_replicas": 5} | more


def with_rules(cloud, *rules, kind="CRON_HPA"):
    """(path of the rules, id of the deployment) of a new service, whose rules are these."""
    service_id = deployed(cloud)
    id = deployments(cloud, service_id)[0]["id"]
    path = f"{path_of(cloud, service_id)}/hpa"
    body = {"type": kind, "target_resource_id": id, "target_resource_type": "GROUP", "hpa_rules": list(rules)}
    reply = cloud.post(path, body)
    assert reply.status == 200, reply
    return path, id


@pytest.mark.parametrize(
    "text", ["", "* * * *", "0 0 2 * * *", "60 * * * *", "a * * * *", "0 0 30 2 *", "5-1 * * * *"]
)
def test_what_is_no_schedule_is_refused(cloud, text):
    service_id = deployed(cloud)
    id = deployments(cloud, service_id)[0]["id"]
    body = {"type": "CRON_HPA", "target_resource_id": id, "target_resource_type": "GROUP"}
    reply = cloud.post(f"{path_of(cloud, service_id)}/hpa", body | {"hpa_rules": [rule_of(schedule=text)]})
    assert refused(reply)[0] == "ModelArts.0101"


def test_a_rule_scales_when_its_time_comes_and_again_the_next_day(cloud):
    path, _ = with_rules(cloud, rule_of())
    assert cloud.get(path).json["hpa_rules"][0]["status"] == "CREATING"
    cloud.clock.advance("24h")
    assert cloud.get(path).json["hpa_rules"][0]["status"] == "EXECUTE_SUCCESS"
    assert cloud.get(path.removesuffix("/hpa")).json["count"] == 5
    cloud.clock.advance("24h")
    events = cloud.get(f"{path}/events").json
    assert events["total"] == 2
    first = events["data"][-1]
    assert (first["current_replicas"], first["target_replicas"], first["final_replicas"]) == (1, 5, 5)
    assert first["record_time"].endswith(" 02:00:00") and first["status"] == "SUCCESS"


def test_a_rule_cannot_scale_what_is_stopped(cloud):
    path, _ = with_rules(cloud, rule_of())
    cloud.post(path.replace("/hpa", "/stop"))
    cloud.clock.advance("24h")
    assert cloud.get(path).json["hpa_rules"][0]["status"] == "FAILED"
    assert "STOPPED" in cloud.get(f"{path}/events").json["data"][0]["message"]


def test_a_disabled_rule_does_nothing(cloud):
    path, _ = with_rules(cloud, rule_of(disable=True))
    assert cloud.get(path).json["status"] == "INACTIVE"
    cloud.clock.advance("48h")
    assert cloud.get(f"{path}/events").json["total"] == 0


def test_rules_by_metrics_keep_the_deployment_in_bounds(cloud):
    rule = rule_of(type="METRIC_HPA", schedule="", min_replicas=3, max_replicas=6)
    path, _ = with_rules(cloud, rule, kind="METRIC_HPA")
    cloud.clock.advance("1m")
    assert cloud.get(path.removesuffix("/hpa")).json["count"] == 3


def test_rules_are_added_changed_and_deleted_one_by_one(cloud):
    path, id = with_rules(cloud, rule_of())
    night = cloud.get(path).json["hpa_rules"][0]["id"]
    rules = [rule_of(id=night, operate="UPDATE", target_replicas=2), rule_of(name="noon", operate="ADD")]
    changed = cloud.put(path, {"id": id, "hpa_rules": rules}).json
    assert [(rule["name"], rule["target_replicas"]) for rule in changed["hpa_rules"]] == [
        ("night", 2),
        ("noon", 5),
    ]
    again = {"id": id, "hpa_rules": [rule_of(operate="ADD")]}
    assert refused(cloud.put(path, again))[0] == "ModelArts.3880"
    gone = cloud.put(path, {"id": id, "hpa_rules": [rule_of(id=night, operate="DELETE")]}).json
    assert [rule["name"] for rule in gone["hpa_rules"]] == ["noon"]
    unknown = {"id": id, "hpa_rules": [rule_of(id=night, operate="UPDATE")]}
    assert refused(cloud.put(path, unknown))[0] == "ModelArts.0101"


def test_all_rules_are_deleted_at_once(cloud):
    path, _ = with_rules(cloud, rule_of())
    assert cloud.delete(path).json["status"] == "DELETED"
    assert refused(cloud.get(path), 404)[0] == "ModelArts.0015"
    assert refused(cloud.delete(path), 404)[0] == "ModelArts.0015"


def test_a_deployment_has_one_set_of_rules(cloud):
    path, id = with_rules(cloud, rule_of())
    body = {
        "type": "CRON_HPA",
        "target_resource_id": id,
        "target_resource_type": "GROUP",
        "hpa_rules": [rule_of()],
    }
    assert refused(cloud.post(path, body))[0] == "ModelArts.3880"


def test_the_ratio_of_roles_is_kept_changed_and_forgotten(cloud):
    path = f"{path_of(cloud, deployed(cloud))}/hra"
    metrics = [{"endpoint": "metrics", "port": "8080", "scheme": "HTTP"}]
    rule = {"metrics": metrics, "slo_info": [{"slo_objectives": [{"metric_ttft": 200}]}]}
    body = {
        "workspace_id": "0",
        "hra_rules": [rule | {"role_replica": [{"name": "prefill", "max_replicas": 4}]}],
    }
    policy = cloud.post(path, body).json
    assert (policy["policy_status"], policy["max_replicas"]) == ("CREATING", 128)
    assert refused(cloud.post(path, body))[0] == "ModelArts.3880"
    cloud.clock.advance("1m")
    assert cloud.get(path).json["policy_status"] == "ACTIVE"
    id = policy["hra_rules"][0]["id"]
    change = {"workspace_id": "0", "disable": True, "hra_rules": [rule | {"id": id, "operate": "UPDATE"}]}
    cloud.put(path, change)
    cloud.clock.advance("1m")
    assert cloud.get(path).json["policy_status"] == "INACTIVE"
    change["hra_rules"][0]["operate"] = "DELETE"
    assert cloud.put(path, change).json["hra_rules"] == []
    assert refused(cloud.put(path, change))[0] == "ModelArts.0101"


def connection(cloud, service_id, **more):
    body = {"service_id": service_id, "scene": "VPC", "vpc_id": "vpc", "subnet_id": "subnet"} | more
    return cloud.post(INTRANET, body)


def reviewed_service(cloud):
    """A service that wants to approve who gets access."""
    body = service_body(group())
    body["runtime_config"]["service_invoke"]["intranet_approval_enable"] = True
    return cloud.post(SERVICES, body).json["id"]


def state(cloud, id):
    return cloud.get(f"{INTRANET}/requests?id={id}").json["data"][0]["status"]


def test_access_is_connected_with_an_address(cloud):
    id = connection(cloud, deployed(cloud)).json["id"]
    assert state(cloud, id) == "CONNECTING"
    cloud.clock.advance("1m")
    row = cloud.get(f"{INTRANET}/requests").json["data"][0]
    assert row["status"] == "CONNECTED" and row["url_list"][0].startswith("http://")
    assert cloud.put(f"{INTRANET}/{id}", {"action": "CANCEL"}).status == 200
    assert state(cloud, id) == "CANCELED"
    assert refused(cloud.put(f"{INTRANET}/{id}", {"action": "CANCEL"}))[0] == "ModelArts.0104"


def test_access_is_approved_or_rejected_where_the_service_wants_it(cloud):
    service_id = reviewed_service(cloud)
    one, two = (connection(cloud, service_id).json["id"] for _ in range(2))
    assert cloud.get(f"{INTRANET}/reviews?status=APPROVING").json["total"] == 2
    cloud.put(f"{INTRANET}/{one}", {"action": "APPROVE"})
    cloud.put(f"{INTRANET}/{two}", {"action": "REJECT", "reason": "not now"})
    cloud.clock.advance("1m")
    assert (state(cloud, one), state(cloud, two)) == ("CONNECTED", "REJECTED")
    assert cloud.get(f"{INTRANET}/reviews?id={two}").json["data"][0]["message"] == "not now"
    assert refused(cloud.put(f"{INTRANET}/{one}", {"action": "APPROVE"}))[0] == "ModelArts.0104"


def test_access_to_a_stopped_service_fails_and_is_retried(cloud):
    service_id = deployed(cloud)
    cloud.post(f"{SERVICES}/{service_id}/stop")
    cloud.clock.advance("1m")
    id = connection(cloud, service_id).json["id"]
    cloud.clock.advance("1m")
    assert state(cloud, id) == "FAILED"
    cloud.post(f"{SERVICES}/{service_id}/start")
    cloud.put(f"{INTRANET}/{id}", {"action": "RETRY"})
    cloud.clock.advance("1m")
    assert state(cloud, id) == "CONNECTED"


def test_access_to_a_deleted_service_cannot_be_retried(cloud):
    service_id = deployed(cloud)
    id = connection(cloud, service_id).json["id"]
    cloud.post(f"{SERVICES}/delete", {"service_ids": [service_id]})
    cloud.clock.advance("5m")
    assert state(cloud, id) == "FAILED"
    assert "deleted" in refused(cloud.put(f"{INTRANET}/{id}", {"action": "RETRY"}))[1]


def test_an_application_says_what_is_connected_to_what(cloud):
    service_id = created(cloud)
    assert "vpc_id" in refused(connection(cloud, service_id, vpc_id=""))[1]
    assert "pool_id" in refused(connection(cloud, service_id, scene="POOL"))[1]
    assert "service_id" in refused(connection(cloud, ""))[1]
    assert connection(cloud, "", type="GLOBAL").status == 200
    assert refused(connection(cloud, "nobody"), 404)[0] == "ModelArts.3502"


def test_custom_addresses_are_checked_and_replaced(cloud):
    id = connection(cloud, deployed(cloud), custom_urls=["https://my.example.com/a"]).json["id"]
    changed = cloud.post(
        f"{INTRANET}/{id}/modify", {"custom_urls": ["ws://10.0.0.1:8080/v1", "http://a-b.cn"]}
    )
    assert changed.json["custom_url_list"] == ["ws://10.0.0.1:8080/v1", "http://a-b.cn"]
    shown = cloud.get(f"{INTRANET}/requests?id={id}").json["data"][0]
    assert shown["custom_url_list"] == changed.json["custom_url_list"]
    for url in ("ftp://a.cn/", "http://10.0.0.1:70000/", "http://-a.cn/", "http://a.cn/?q", "http://a.1/"):
        assert (
            refused(cloud.post(f"{INTRANET}/{id}/modify", {"custom_urls": [url]}))[0] == "ModelArts.0101"
        ), url


def test_access_is_taken_away_all_or_none(cloud):
    id = connection(cloud, deployed(cloud)).json["id"]
    cloud.clock.advance("1m")
    delete = f"{INTRANET}/delete"
    both = {"intranet_connection_ids": [id, "nobody"]}
    assert refused(cloud.post(delete, both), 404)[0] == "ModelArts.0015"
    assert state(cloud, id) == "CONNECTED"
    assert cloud.post(delete, {"intranet_connection_ids": [id]}).status == 200
    cloud.clock.advance("1m")
    assert cloud.get(f"{INTRANET}/requests").json["data"] == []


def test_a_pool_is_known_when_a_deployment_is_in_it(cloud):
    created(cloud, group(pool_id=add_pool(cloud, "pool-1")))
    cluster = cloud.get(f"{SERVICES}/clusters/pool-1").json
    assert cluster["status"] == "ACTIVE" and {"CPU", "GPU", "ASCEND"} == set(cluster["resource_categories"])
    assert refused(cloud.get(f"{SERVICES}/clusters/pool-2"), 404)[0] == "ModelArts.3547"


def test_flavors_are_listed_by_their_kind(cloud):
    everything = cloud.get(f"{SERVICES}/flavors?limit=500").json
    assert everything["total"] == len(everything["data"]) > 3
    ascend = cloud.get(f"{SERVICES}/flavors?flavor_type=ASCEND").json["data"]
    assert ascend and all(flavor["ascend"]["npu"] for flavor in ascend)


def test_a_deleted_service_leaves_no_rules_behind(cloud):
    path, _ = with_rules(cloud, rule_of())
    service_id = path.split("/")[4]
    assert shown(cloud, service_id)["status"] == "RUNNING"
    cloud.post(f"{SERVICES}/delete", {"service_ids": [service_id]})
    cloud.clock.advance("48h")
    assert not any(name.startswith("inference_v2/") for name in cloud.world.store.names())


def workspace(cloud, name="team") -> str:
    """The id of a new workspace."""
    return cloud.post("/v1/{project_id}/workspaces", {"name": name}).json["id"]


def test_rules_are_told_with_the_workspace_of_their_service_and_found_in_no_other(cloud):
    own, other = workspace(cloud), workspace(cloud, "other")
    service_id = deployed(cloud, workspace_id=own)
    id, path = deployments(cloud, service_id)[0]["id"], f"{path_of(cloud, service_id)}/hpa"
    body = {"type": "CRON_HPA", "target_resource_id": id, "target_resource_type": "GROUP"}
    body |= {"hpa_rules": [rule_of()]}
    assert refused(cloud.post(path, body | {"workspace_id": other}), 404)[0] == "ModelArts.3502"
    assert cloud.post(path, body | {"workspace_id": own}).json["workspace_id"] == own
    assert refused(cloud.put(path, {"id": id, "workspace_id": other}), 404)[0] == "ModelArts.3502"


def test_applications_are_listed_by_the_workspace_of_their_service(cloud):
    own = workspace(cloud)
    there = connection(cloud, deployed(cloud, workspace_id=own)).json["id"]
    here = connection(cloud, deployed(cloud, name="other")).json["id"]
    listed = lambda query: {  # noqa: E731
        row["id"] for row in cloud.get(f"{INTRANET}/requests{query}").json["data"]
    }
    assert listed("") == {there, here}
    assert (listed(f"?workspace_id={own}"), listed("?workspace_id=0")) == ({there}, {here})
    assert listed("?vpc_name=vpc") == set()
    assert cloud.get(f"{INTRANET}/reviews?vpc_name=vpc").json["data"] == []
