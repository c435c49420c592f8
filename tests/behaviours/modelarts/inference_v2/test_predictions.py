"""Stories about predictions of the newer API: who may ask, which version answers, what a crash does."""

from tests.behaviours.modelarts.conftest import CONFIG, ECHO
from tests.behaviours.modelarts.inference_v2.conftest import (
    LIMIT,
    RUNTIME,
    SERVICES,
    asked,
    created,
    deployed,
    group,
    package,
    path_of,
    shown,
    updated,
)
from tests.conftest import refusal

KEYS = f"{SERVICES}/api-keys"


def new_key(cloud, scope="SERVICE", name="key"):
    reply = cloud.post(KEYS, {"name": name, "scope": scope, "description": "for tests, only"})
    assert reply.status == 200, reply
    return reply.json["key_id"], reply.json["api_key"]


def bearer(value):
    return {"auth": False, "headers": {"Authorization": f"Bearer {value}"}}


def version_answering(cloud, service_id):
    return asked(cloud, service_id).json["who"]


def mounted(cloud, who, **more):
    """A deployment of a package that says who it is."""
    unit = {"image": {"source": "SWR", "swr_path": "image:1"}, "envs": {"WHO": who}}
    return {"package": package(cloud, code=ECHO), "unit_configs": [unit], **more}


def test_a_mounted_package_answers_and_is_told_its_variables(cloud):
    service_id = deployed(cloud, group(**mounted(cloud, "first")))
    assert shown(cloud, service_id)["status"] == "RUNNING"
    assert asked(cloud, service_id).json == {"echo": {"data": {"req_data": [{"pixel": 1}]}}, "who": "first"}


def test_both_versions_answer_during_a_rolling_upgrade(cloud):
    service_id = deployed(cloud, group(count=4, **mounted(cloud, "old")))
    body = updated(count=4, surge="50%", unavailable="1%", **mounted(cloud, "new"))
    assert cloud.put(path_of(cloud, service_id), body).json["status"] == "UPGRADING"
    assert {version_answering(cloud, service_id) for _ in range(8)} == {"old"}
    cloud.clock.until(
        lambda: len(cloud.get(f"{path_of(cloud, service_id)}/instances?status=DELETED").json["data"]) > 1
    )
    assert {version_answering(cloud, service_id) for _ in range(24)} == {"old", "new"}
    cloud.clock.until(lambda: shown(cloud, service_id)["status"] == "RUNNING")
    assert {version_answering(cloud, service_id) for _ in range(8)} == {"new"}


def test_an_upgrade_to_a_package_that_fails_leaves_the_old_version_answering(cloud):
    service_id = deployed(cloud, group(**mounted(cloud, "old")))
    broken = package(cloud, "broken", code="raise ValueError('no way')")
    body = updated(package=broken, unit_configs=mounted(cloud, "new")["unit_configs"])
    cloud.put(path_of(cloud, service_id), body)
    cloud.clock.until(lambda: shown(cloud, service_id)["status"] == "RUNNING")
    assert version_answering(cloud, service_id) == "old"
    told = cloud.get(f"{SERVICES}/{service_id}/events?event_type=ABNORMAL").json["data"]
    assert "no way" in told[0]["event_info"]
    assert cloud.get(path_of(cloud, service_id)).json["version"] == "1.0.0"


def test_a_missing_library_fails_the_deployment_by_its_name(cloud):
    needs = [{"installer": "pip", "packages": [{"package_name": "no-such-library"}]}]
    place = package(cloud, config=CONFIG | {"dependencies": needs})
    service_id = deployed(cloud, group(package=place))
    service = shown(cloud, service_id)
    assert service["status"] == "FAILED" and "no-such-library" in service["failure_reason"]


def test_a_model_that_crashes_is_started_again(cloud):
    crashing = ECHO.replace(
        "return data", 'return data if b"die" not in bytes(data, "utf8") else os._exit(3)', 1
    )
    service_id = deployed(cloud, group(package=package(cloud, code=crashing)))
    assert asked(cloud, service_id, {"data": "die"}).status == 503
    assert shown(cloud, service_id)["status"] == "CONCERNING"
    cloud.clock.advance("2m")
    assert shown(cloud, service_id)["status"] == "RUNNING" and asked(cloud, service_id).status == 200


def test_an_event_tells_of_a_prediction_that_timed_out_and_the_log_what_was_printed(cloud):
    sleeping = ECHO.replace("return data", 'print("sleeping", flush=True) or __import__("time").sleep(60)', 1)
    limit = {"service_limit": LIMIT | {"request_timeout": 1}}
    service_id = deployed(cloud, group(package=package(cloud, code=sleeping)), runtime_config=RUNTIME | limit)
    assert asked(cloud, service_id).status == 504
    events = cloud.get(f"{SERVICES}/{service_id}/events").json
    assert "prediction timed out: POST /: no answer within 1 s" in str(events)
    (model,) = cloud.get(f"/_emulator/logs/{service_id}").json["logs"]
    assert model["output"].startswith("sleeping")


def test_traffic_goes_to_deployments_by_their_weights(cloud):
    service_id = deployed(cloud, group(**mounted(cloud, "first", weight=25)))
    cloud.post(f"{SERVICES}/{service_id}/deployments", group("second", **mounted(cloud, "second", weight=75)))
    cloud.clock.advance("1m")
    answers = [version_answering(cloud, service_id) for _ in range(200)]
    assert 25 <= answers.count("first") <= 75


def test_a_service_that_does_not_run_does_not_answer(cloud, simulated):
    service_id = created(cloud, group(package=package(cloud)))
    assert refusal(asked(cloud, service_id)) == (400, "ModelArts.4203")
    cloud.clock.advance("1m")
    assert asked(cloud, service_id).status == 200
    cloud.post(f"{SERVICES}/{service_id}/stop")
    assert refusal(asked(cloud, service_id)) == (400, "ModelArts.4203")


def test_a_service_that_a_reset_has_taken_is_unknown(cloud, simulated):
    service_id = deployed(cloud, group(package=package(cloud)))
    cloud.world.reset("modelarts/inference-v2")
    assert refusal(asked(cloud, service_id)) == (404, "ModelArts.4204")


def test_what_runs_is_begun_again_when_it_is_asked_after_a_restart(cloud):
    service_id = deployed(cloud, group(**mounted(cloud, "first")))
    cloud.world.let_go()
    assert version_answering(cloud, service_id) == "first"


def test_a_deployment_without_a_package_says_that_images_are_not_run(cloud):
    reply = asked(cloud, deployed(cloud))
    assert refusal(reply) == (503, "ModelArts.4302") and "mount a model package" in reply.json["error_msg"]


def test_an_api_key_opens_the_services_it_is_bound_to(cloud, simulated):
    service_id = deployed(cloud, group(package=package(cloud)), auth_type="API_KEY")
    key_id, value = new_key(cloud)
    assert refusal(asked(cloud, service_id, **bearer(value))) == (403, "APIG.0304")
    bound = cloud.post(f"{SERVICES}/{service_id}/api-keys/{key_id}/bind").json
    assert bound["services"] == [{"id": service_id, "name": "service"}]
    assert asked(cloud, service_id, **bearer(value)).status == 200
    assert refusal(asked(cloud, service_id)) == (401, "APIG.0305")
    cloud.post(f"{SERVICES}/{service_id}/api-keys/{key_id}/unbind")
    assert refusal(asked(cloud, service_id, **bearer(value))) == (403, "APIG.0304")


def test_a_key_of_the_user_opens_all_services_until_it_is_deleted(cloud, simulated):
    service_id = deployed(cloud, group(package=package(cloud)), auth_type="API_KEY")
    key_id, value = new_key(cloud, "USER")
    assert asked(cloud, service_id, **bearer(value)).status == 200
    assert cloud.delete(f"{KEYS}/{key_id}").status == 200
    assert asked(cloud, service_id, **bearer(value)).status == 401


def test_a_temporary_key_works_for_its_hours(cloud, simulated):
    service_id = deployed(cloud, group(package=package(cloud)), auth_type="API_KEY")
    key = cloud.post(f"{KEYS}/temp", {"expire_time": 2}).json
    assert key["expire_time"] - key["create_time"] == 2 * 3600 * 1000
    value = bearer(key["api_key"])
    value["headers"]["X-Api-Key-Type"] = "temp"
    assert asked(cloud, service_id, **value).status == 200
    cloud.clock.advance("2h")
    assert asked(cloud, service_id, **value).status == 401
    assert cloud.post(f"{KEYS}/temp", {"expire_time": 25}).status == 400


def test_a_service_without_authentication_answers_everybody_until_it_wants_tokens(cloud, simulated):
    service_id = deployed(cloud, group(package=package(cloud)), auth_type="NONE")
    assert asked(cloud, service_id, auth=False).status == 200
    invoke = {"port": 8080, "protocol": "HTTPS", "auth_type": "TOKEN"}
    limit = {"rate_limit": {"num": 2, "unit": "SECONDS"}, "request_size_limit": 1, "request_timeout": 1}
    body = {"runtime_config": {"service_invoke": invoke, "service_limit": limit}}
    assert cloud.put(f"{SERVICES}/{service_id}", body).status == 200
    assert asked(cloud, service_id, auth=False).status == 401 and asked(cloud, service_id).status == 200


def test_no_key_opens_a_service_for_tokens(cloud, simulated):
    service_id = deployed(cloud, group(package=package(cloud)))
    assert refusal(asked(cloud, service_id, **bearer(new_key(cloud, "USER")[1]))) == (401, "APIG.0305")


def test_the_name_of_a_key_is_taken_until_it_is_deleted(cloud):
    key_id, _ = new_key(cloud)
    assert refusal(cloud.post(KEYS, {"name": "key", "scope": "USER"})) == (400, "ModelArts.0101")
    cloud.delete(f"{KEYS}/{key_id}")
    assert cloud.post(KEYS, {"name": "key", "scope": "USER"}).status == 200


def test_a_bound_key_is_not_deleted_and_an_unbound_one_not_unbound(cloud):
    service_id = created(cloud)
    key_id, _ = new_key(cloud)
    bind = f"{SERVICES}/{service_id}/api-keys/{key_id}"
    assert refusal(cloud.post(f"{bind}/unbind")) == (400, "ModelArts.0101")
    cloud.post(f"{bind}/bind")
    assert refusal(cloud.post(f"{bind}/bind")) == (400, "ModelArts.0101")
    assert refusal(cloud.delete(f"{KEYS}/{key_id}")) == (400, "ModelArts.0101")
    cloud.post(f"{SERVICES}/delete", {"service_ids": [service_id]})
    assert cloud.delete(f"{KEYS}/{key_id}").status == 200


def test_keys_are_bound_in_a_batch_that_names_its_failures(cloud):
    service_id = created(cloud)
    ids = [new_key(cloud, name=name)[0] for name in ("one", "two")] + ["0" * 32]
    body = {"key_ids": [{"key_id": id} for id in ids]}
    done = cloud.post(f"{SERVICES}/{service_id}/api-keys/batch-bind", body).json
    assert (done["total"], done["success_count"], done["failure_count"]) == (3, 2, 1)
    assert done["failure_items"][0]["key_id"] == "0" * 32
    undone = cloud.post(f"{SERVICES}/{service_id}/api-keys/batch-unbind", body).json
    assert undone["success_count"] == 2
    assert cloud.get(f"{KEYS}?service_id={service_id}").json["data"] == []
    assert cloud.post(f"{SERVICES}/{service_id}/api-keys/batch-bind", {"key_ids": [{}] * 11}).status == 400


def test_keys_are_listed_by_what_they_reach(cloud):
    service_id = created(cloud)
    bound, _ = new_key(cloud, name="bound")
    new_key(cloud, name="loose")
    new_key(cloud, "USER", name="mine")
    cloud.post(f"{SERVICES}/{service_id}/api-keys/{bound}/bind")

    def names(query):
        return [key["name"] for key in cloud.get(f"{KEYS}?{query}").json["data"]]

    assert names("") == ["mine", "loose", "bound"]
    assert names(f"service_id={service_id}") == ["bound"]
    assert names(f"service_id={service_id}&with_user_scope=true") == ["mine", "bound"]
    assert names("scope=USER") == ["mine"] and names(f"key_id={bound}") == ["bound"]
    assert names("service_name=serv") == ["bound"] and names("name=oo") == ["loose"]
