"""Stories about services of v1: deployment, weights, auto stop, events, counters, batches."""

import json

import pytest

from tests.behaviours.modelarts.conftest import (
    BUCKET,
    CONFIG,
    SERVICES,
    asked,
    deployed,
    entry,
    published,
    put_package,
    service_body,
    shown,
)

pytestmark = pytest.mark.usefixtures("simulated")


def events(cloud, service_id, query="?order=asc"):
    return [row["event_info"] for row in cloud.get(f"{SERVICES}/{service_id}/events{query}").json["events"]]


def put(cloud, service_id, **body):
    return cloud.put(f"{SERVICES}/{service_id}", body)


def test_a_new_service_is_deploying_with_progress_and_then_running(cloud):
    model_id = published(cloud)
    service_id = cloud.post(SERVICES, service_body(entry(model_id))).json["service_id"]
    service = shown(cloud, service_id)
    assert (service["status"], service["progress"]) == ("deploying", 0) and "access_address" not in service
    cloud.clock.advance(0.5)
    assert shown(cloud, service_id)["progress"] == 50
    cloud.clock.advance("1m")
    service = shown(cloud, service_id)
    assert service["status"] == "running" and service["access_address"].endswith(f"/v1/infers/{service_id}")


def test_the_address_of_a_service_has_the_name_by_which_it_was_asked_for(cloud):
    service_id = deployed(cloud, entry(published(cloud)))
    service = cloud.get(f"{SERVICES}/{service_id}", headers={"Host": "localhost:7878"}).json
    assert service["access_address"] == f"http://localhost:7878/v1/infers/{service_id}"


def test_a_deployment_tells_its_steps_in_the_documented_order(cloud):
    told = events(cloud, deployed(cloud, entry(published(cloud))))
    assert told[:7] == [
        "start to deploy service",
        "building image for model [digits 0.0.1]",
        "model (digits 0.0.1) build image success",
        "preparing environment",
        "[digits 0.0.1] prepare environment success",
        "[digits 0.0.1] schedule resource success",
        "[digits 0.0.1] pulling model image",
    ]


def test_events_of_the_future_are_not_told(cloud):
    model_id = published(cloud)
    service_id = cloud.post(SERVICES, service_body(entry(model_id))).json["service_id"]
    assert events(cloud, service_id) == ["start to deploy service"]


def test_events_are_filtered_and_newest_first(cloud):
    service_id = deployed(cloud, entry(published(cloud)))
    assert events(cloud, service_id, "?event_type=abnormal") == []
    assert events(cloud, service_id, "?event_info=pulling") == ["[digits 0.0.1] pulling model image"]
    assert events(cloud, service_id, "")[-1] == "start to deploy service"
    assert len(events(cloud, service_id, "?limit=2&offset=1")) == 2


def test_a_missing_library_fails_the_deployment_by_its_name(cloud, monkeypatch):
    monkeypatch.setattr(cloud.emulator.settings, "inference", "real")
    package = {"package_name": "no-such-library"}
    packages = {"installer": "pip", "packages": [package]}
    service_id = deployed(cloud, entry(published(cloud, dependencies=[packages])))
    service = shown(cloud, service_id)
    assert service["status"] == "failed" and "no-such-library" in service["error_msg"]
    abnormal = events(cloud, service_id, "?event_type=abnormal&order=asc")
    assert "build image failed" in abnormal[0] and "no-such-library" in abnormal[0]
    waited = cloud.post("/_emulator/clock/advance", {"until": f"services/{service_id} status == running"})
    assert "status was still 'failed'" in waited.json["error_msg"]
    assert "no-such-library" in waited.json["error_msg"]
    assert cloud.get(f"{SERVICES}/{service_id}/logs").json["logs"][0]["result"] == "FAIL"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"weight": 60}, "ModelArts.0101"),
        ({"weight": 101}, "ModelArts.0101"),
        ({"instance_count": 129}, "ModelArts.0101"),
        ({"weight": "1" * 5000}, "ModelArts.0101"),
        ({"specification": "modelarts.vm.none"}, "ModelArts.0101"),
        ({"specification": "custom", "custom_spec": {"cpu": 1, "memory": 1024}}, "ModelArts.0101"),
        ({"specification": "custom"}, "ModelArts.3610"),
        ({"instance_count": 0}, "ModelArts.0101"),
        ({"model_id": "none"}, "ModelArts.3507"),
        ({"weight": None}, "ModelArts.0101"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(cloud, change, code):
    reply = cloud.post(SERVICES, service_body(entry(published(cloud)) | change))
    assert reply.json["error_code"] == code, reply


def test_a_model_that_is_still_publishing_cannot_be_deployed(cloud):
    model_id = published(cloud)
    cloud.post("/v1/{project_id}/models", {"model_name": "young", "model_version": "0.0.1",
               "model_type": "Scikit_Learn", "source_location": f"/{BUCKET}/digits"})  # fmt: skip
    young = cloud.get("/v1/{project_id}/models?model_name=young").json["models"][0]["model_id"]
    reply = cloud.post(SERVICES, service_body(entry(model_id, 50), entry(young, 50)))
    assert reply.json["error_code"] == "ModelArts.3515"


def test_a_model_meant_for_batches_cannot_be_deployed_in_real_time(cloud):
    reply = cloud.post(SERVICES, service_body(entry(published(cloud, install_type=["batch"]))))
    assert reply.json["error_code"] == "ModelArts.3589"


def test_the_same_model_twice_and_the_same_name_twice_are_refused(cloud):
    model_id = published(cloud)
    twice = service_body(entry(model_id, 50), entry(model_id, 50))
    assert cloud.post(SERVICES, twice).json["error_code"] == "ModelArts.3516"
    deployed(cloud, entry(model_id))
    assert cloud.post(SERVICES, service_body(entry(model_id))).json["error_code"] == "ModelArts.3503"


def test_a_user_has_twenty_real_time_services_at_most(cloud):
    model_id = published(cloud)
    replies = [cloud.post(SERVICES, service_body(entry(model_id), name=f"s{n}")) for n in range(21)]
    assert [reply.status for reply in replies] == [200] * 20 + [400]
    assert replies[-1].json["error_code"] == "ModelArts.3520"


def test_traffic_is_split_by_weight_and_counted(cloud):
    location = put_package(cloud)
    first, second = (published(cloud, location, version=version) for version in ("0.0.1", "0.0.2"))
    service_id = deployed(cloud, entry(first, 80), entry(second, 20))
    for _ in range(100):
        assert asked(cloud, service_id).status == 200
    monitors = cloud.get(f"{SERVICES}/{service_id}/monitor").json
    calls = {row["model_version"]: row["invocation_times"] for row in monitors["monitors"]}
    assert sum(calls.values()) == monitors["req_count_per_min"] == 100 and 70 <= calls["0.0.1"] <= 90
    assert shown(cloud, service_id)["invocation_times"] == 100
    cloud.clock.advance("2m")
    assert cloud.get(f"{SERVICES}/{service_id}/monitor").json["req_count_per_min"] == 0


def test_a_scheduled_service_stops_by_itself_when_its_time_is_up(cloud):
    schedule = [{"type": "stop", "time_unit": "HOURS", "duration": 2}]
    service_id = deployed(cloud, entry(published(cloud)), schedule=schedule)
    service = shown(cloud, service_id)
    left = service["due_time"] / 1000 - cloud.clock.now()
    assert 7000 < left < 7200
    cloud.clock.advance(left - 1)
    assert shown(cloud, service_id)["status"] == "running"
    cloud.clock.advance(10)
    service = shown(cloud, service_id)
    assert service["status"] == "stopped" and "due_time" not in service


def test_a_service_is_stopped_and_started_again(cloud):
    service_id = deployed(cloud, entry(published(cloud)))
    assert put(cloud, service_id, status="running").json["error_code"] == "ModelArts.3519"
    assert put(cloud, service_id, status="stopped").json == {}
    assert shown(cloud, service_id)["status"] == "stopping"
    cloud.clock.advance(30)
    assert shown(cloud, service_id)["status"] == "stopped"
    put(cloud, service_id, status="running")
    cloud.clock.advance("2m")
    assert shown(cloud, service_id)["status"] == "running" and asked(cloud, service_id).status == 200


def test_a_deploying_service_is_neither_changed_nor_stopped(cloud):
    model_id = published(cloud)
    service_id = cloud.post(SERVICES, service_body(entry(model_id))).json["service_id"]
    for body in ({"status": "stopped"}, {"description": "x"}, {"config": [entry(model_id)]}):
        assert put(cloud, service_id, **body).json["error_code"] == "ModelArts.3519"


def test_another_configuration_is_deployed_and_kept_in_the_history(cloud):
    location = put_package(cloud)
    first, second = (published(cloud, location, version=version) for version in ("0.0.1", "0.0.2"))
    service_id = deployed(cloud, entry(first))
    put(cloud, service_id, config=[entry(second)])
    assert shown(cloud, service_id)["status"] == "deploying"
    cloud.clock.advance("2m")
    assert shown(cloud, service_id)["config"][0]["model_version"] == "0.0.2"
    logs = cloud.get(f"{SERVICES}/{service_id}/logs").json["logs"]
    assert [(log["config"][0]["model_id"], log["result"]) for log in logs] == [
        (second, "SUCCESS"), (first, "SUCCESS"),
    ]  # fmt: skip
    one = cloud.get(f"{SERVICES}/{service_id}/logs?update_time={logs[1]['update_time']}").json["logs"]
    assert one == logs[1:]
    assert cloud.delete(f"/v1/{{project_id}}/models/{first}").json["delete_success_list"] == [first]


def test_a_status_goes_before_a_configuration(cloud):
    model_id = published(cloud)
    service_id = deployed(cloud, entry(model_id))
    put(cloud, service_id, status="stopped", config=[entry("none")])
    assert shown(cloud, service_id)["status"] == "stopping"


def test_several_services_are_deleted_at_once_or_none(cloud):
    model_id = published(cloud)
    ids = [deployed(cloud, entry(model_id), name=f"s{n}") for n in range(2)]
    assert cloud.delete(f"{SERVICES}/{ids[0]},none").json["error_code"] == "ModelArts.3502"
    assert cloud.get(SERVICES).json["total_count"] == 2
    assert cloud.delete(f"{SERVICES}/{','.join(ids)}").json == {}
    assert cloud.get(SERVICES).json["total_count"] == 0


def test_services_are_listed_and_filtered(cloud):
    model_id = published(cloud)
    ids = [deployed(cloud, entry(model_id), name=name) for name in ("alpha", "beta")]
    listed = lambda query="": [row["service_id"] for row in cloud.get(f"{SERVICES}{query}").json["services"]]  # noqa: E731
    assert listed() == ids[::-1] and listed("?order=asc") == ids
    assert (
        listed("?service_name=alp") == ids[:1] and listed(f"?model_id={model_id}&status=running") == ids[::-1]
    )
    assert listed("?infer_type=batch") == [] and listed("?workspace_id=1") == []
    assert listed("?sort_by=service_name&limit=1") == ids[1:]


def batch_entry(cloud, model_id, mapping_type="csv", **more):
    cloud.world.obs.write(BUCKET, "in/a.csv", b"1\n2\n")
    row = {"type": "object", "properties": {"pixel": {"type": "number", "index": 0}}}
    rows = {"type": "object", "properties": {"req_data": {"type": "array", "items": row}}}
    rule = {"type": "object", "properties": {"data": rows}}
    paths = {"src_path": f"obs://{BUCKET}/in/", "dest_path": f"/{BUCKET}/out/", "req_uri": "/"}
    configured = {"model_id": model_id, "specification": "modelarts.vm.cpu.2u", "instance_count": 1}
    return configured | paths | {"mapping_type": mapping_type, "mapping_rule": rule} | more


def batch_service(cloud, **more):
    config = [batch_entry(cloud, published(cloud), **more)]
    return cloud.post(SERVICES, {"service_name": "b", "infer_type": "batch", "config": config})


def test_a_batch_writes_its_results_and_is_finished(cloud):
    service_id = batch_service(cloud).json["service_id"]
    cloud.clock.advance("5m")
    service = shown(cloud, service_id)
    assert service["status"] == "finished" and service["config"][0]["finished_time"] > 0
    obs = cloud.world.obs
    line = json.loads(obs.read(BUCKET, "out/infer-result-0.manifest"))
    assert line == {"source": f"obs://{BUCKET}/in/a.csv",
                    "inference-loc": f"obs://{BUCKET}/out/infer-result/a.csv_result.txt"}  # fmt: skip
    rows = obs.read(BUCKET, "out/infer-result/a.csv_result.txt").splitlines()
    assert len(rows) == 2 and "predictresult" in json.loads(rows[0])["data"]["resp_data"][0]


def test_a_finished_batch_is_started_again(cloud):
    service_id = batch_service(cloud).json["service_id"]
    cloud.clock.advance("5m")
    cloud.world.obs.delete(BUCKET, "out/infer-result-0.manifest")
    assert put(cloud, service_id, status="running").status == 200
    cloud.clock.advance("5m")
    assert shown(cloud, service_id)["status"] == "finished"
    assert cloud.world.obs.exists(BUCKET, "out/infer-result-0.manifest")


def test_a_batch_whose_inputs_all_fail_has_failed_and_says_why(cloud):
    cloud.world.obs.create_bucket(BUCKET)
    service_id = batch_service(cloud).json["service_id"]
    cloud.world.obs.write(BUCKET, "in/a.csv", b"no number\n")
    cloud.clock.advance("5m")
    service = shown(cloud, service_id)
    assert service["status"] == "failed" and "no number" in service["error_msg"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"src_path": "obs://nowhere/in"}, "ModelArts.3551"),
        ({"dest_path": "obs://nowhere/out"}, "ModelArts.3551"),
        ({"src_path": ""}, "ModelArts.3610"),
    ],
)
def test_a_batch_needs_its_places(cloud, change, code):
    assert batch_service(cloud, **change).json["error_code"] == code


def test_a_batch_answers_no_predictions(cloud):
    service_id = batch_service(cloud).json["service_id"]
    cloud.clock.advance("5m")
    assert asked(cloud, service_id).json["error_code"] == "ModelArts.4204"


def test_specifications_depend_on_the_kind_of_service(cloud):
    def names(query):
        rows = cloud.get(f"{SERVICES}/specifications{query}").json["specifications"]
        return [row["specification"] for row in rows]

    assert "modelarts.vm.cpu.free" in names("") and "modelarts.vm.cpu.free" not in names("?infer_type=batch")
    assert "modelarts.vm.cpu.free" not in names("?is_personal_cluster=true") and len(names("?limit=2")) == 2


def test_the_vpc_channel_is_the_same_every_time(cloud):
    found = cloud.get("/v1/{project_id}/internal-channel-info").json
    assert found["vpcep_info"][0]["service_port"] == 443
    assert cloud.get("/v1/{project_id}/internal-channel-info").json == found


def test_a_simulated_service_answers_the_declared_schema(cloud):
    service_id = deployed(cloud, entry(published(cloud)))
    answer = asked(cloud, service_id).json
    assert isinstance(answer["data"]["resp_data"][0]["predictresult"], int)
    assert asked(cloud, service_id).json == answer and CONFIG["apis"]


@pytest.mark.parametrize("place", ["pool_name", "cluster_id"])
def test_a_service_runs_in_no_pool_that_is_not_there(cloud, place):
    model = published(cloud)
    for body in (
        service_body(entry(model), **{place: "pool-x"}),
        service_body(entry(model, **{place: "pool-x"})),
    ):
        reply = cloud.post(SERVICES, body)
        assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.3547")
        assert f"{place}: pool pool-x does not exist" in reply.json["error_msg"]


def test_an_auto_stop_that_is_changed_counts_from_the_change(cloud):
    service_id = deployed(cloud, entry(published(cloud)))
    one, three = ([{"type": "stop", "time_unit": "HOURS", "duration": hours}] for hours in (1, 3))
    began = events(cloud, service_id)
    put(cloud, service_id, schedule=one)
    assert round(shown(cloud, service_id)["due_time"] / 1000 - cloud.clock.now()) == 3600
    put(cloud, service_id, schedule=three)
    assert events(cloud, service_id) == began
    cloud.clock.advance("2h")
    assert shown(cloud, service_id)["status"] == "running"
    put(cloud, service_id, schedule=[])
    assert "due_time" not in shown(cloud, service_id)
    put(cloud, service_id, schedule=one)
    cloud.clock.advance("61m")
    assert shown(cloud, service_id)["status"] == "stopped"


def test_what_is_sent_beside_a_status_counts_but_for_the_configuration(cloud):
    model_id = published(cloud)
    service_id = deployed(cloud, entry(model_id))
    put(cloud, service_id, status="stopped", description="enough", config=[entry(model_id, instance_count=2)])
    service = shown(cloud, service_id)
    assert (service["status"], service["description"]) == ("stopping", "enough")
    assert service["config"][0]["instance_count"] == 1


def test_an_auto_stop_longer_than_a_number_holds_is_refused(cloud):
    model_id, far = published(cloud), {"type": "stop", "time_unit": "DAYS", "duration": 10**12}
    reply = cloud.post(SERVICES, service_body(entry(model_id), schedule=[far]))
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.0101")
    service_id = deployed(cloud, entry(model_id), schedule=[far | {"duration": 2**31 - 1}])
    assert shown(cloud, service_id)["status"] == "running"


def test_log_channels_are_not_exchanged_once_they_are_there(cloud):
    service_id = deployed(cloud, entry(published(cloud)))
    channels = {"log_report_channels": [{"type": "LTS"}]}
    assert put(cloud, service_id, additional_properties=channels).json == {}
    for other in ([], [{"type": "OTHER"}]):
        reply = put(cloud, service_id, additional_properties={"log_report_channels": other})
        assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.0101"), other
    assert shown(cloud, service_id)["additional_properties"] == channels
