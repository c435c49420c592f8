"""Stories about predictions: who may ask, what models compute, what the gateway says when they do not."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from modelarts_emulator.serving import gateway as predictions
from modelarts_emulator.serving.fleet import fleet

from tests.behaviours.modelarts.conftest import (
    CONFIG,
    ECHO,
    SERVICES,
    asked,
    deployed,
    digits_classifier,
    entry,
    published,
    put_package,
    shown,
)

# The digits come writer by writer; steps of seven mix them.
ORDER = [place * 7 % 1797 for place in range(1797)]
HOSTILE = """
import os
import sys

from model_service.python_model_service import XgSklServingBaseService


class Hostile(XgSklServingBaseService):
    def inference(self, data):
        if "crash" in data:
            os._exit(3)
        if "loop" in data:
            while True:
                pass
        if "memory" in data:
            return len(bytearray(10 << 30))
        if "write" in data:
            with open(os.environ["TARGET"], "w") as target:
                target.write("x")
        return {"fine": True}
"""


def echo_service(cloud, name="service", **more) -> str:
    return deployed(
        cloud, entry(published(cloud, put_package(cloud, name, code=ECHO), name=name), **more), name=name
    )


def process_of(cloud, service_id):
    entry = shown(cloud, service_id)["config"][0]
    return fleet(cloud.world, "modelarts/services").find(f"{service_id}/{entry['model_id']}").pids[0]


def is_alive(pid) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_digits_trained_here_are_recognised_through_the_gateway(cloud):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    model, images, labels = digits_classifier()
    location = put_package(cloud, files=[("model.m", model)])
    service_id = deployed(cloud, entry(published(cloud, location)))
    rows = [{f"pixel_{place}": value for place, value in enumerate(image)} for image in images.tolist()]
    reply = asked(cloud, service_id, {"data": {"req_data": rows}})
    found = [row["predictresult"] for row in reply.json["data"]["resp_data"]]
    assert sum(map(int.__eq__, map(int, found), labels.tolist())) / len(rows) > 0.9


def test_an_xgboost_model_trained_here_answers_through_the_gateway(cloud, tmp_path):
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed")
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    images, labels = (each[ORDER] for each in datasets.load_digits(return_X_y=True))
    model = xgboost.XGBClassifier(n_estimators=20, n_jobs=1).fit(images[:1400], labels[:1400])
    model.save_model(tmp_path / "digits.ubj")
    written = (tmp_path / "digits.ubj").read_bytes()
    location = put_package(cloud, config=CONFIG | {"model_type": "XGBoost"}, files=[("model.m", written)])
    service_id = deployed(cloud, entry(published(cloud, location, model_type="XGBoost")))
    reply = asked(cloud, service_id, {"data": {"req_data": images[1400:].tolist()}})
    found = [row["predictresult"] for row in reply.json["data"]["resp_data"]]
    assert sum(map(int.__eq__, map(int, found), labels[1400:].tolist())) / len(found) > 0.9


def test_the_model_sees_the_body_and_its_environment(cloud):
    service_id = echo_service(cloud, envs={"WHO": "me"})
    assert asked(cloud, service_id, {"a": [1]}).json == {"echo": {"a": [1]}, "who": "me"}


TOLD_APART = """
import os

from model_service.python_model_service import XgSklServingBaseService

NAME = os.urandom(8).hex()
print("this is", NAME)


class Named(XgSklServingBaseService):
    def inference(self, data):
        if "crash" in data:
            os._exit(3)
        return {"name": NAME}
"""


def test_instances_share_the_predictions_and_one_that_ends_is_noticed(cloud):
    model = published(cloud, put_package(cloud, code=TOLD_APART))
    service_id = deployed(cloud, entry(model, instance_count=2))
    names = [asked(cloud, service_id).json["name"] for _ in range(4)]
    assert names[:2] == names[2:] and names[0] != names[1]
    logs = cloud.get(f"/_emulator/logs/{service_id}").json["logs"]
    assert [log["output"].split()[-1] for log in logs] == names[:2]
    assert [log["model"].partition(" ")[2] for log in logs] == ["instance 1", "instance 2"]
    crashed = asked(cloud, service_id, {"crash": 1})
    assert (crashed.status, crashed.json["error_code"]) == (503, "ModelArts.4302")
    assert shown(cloud, service_id)["status"] == "concerning"
    assert asked(cloud, service_id).json["name"] == names[1]
    cloud.clock.advance("5m")
    assert shown(cloud, service_id)["status"] == "running"
    later = {asked(cloud, service_id).json["name"] for _ in range(4)}
    assert len(later) == 2 and names[1] in later and names[0] not in later


# The package's folder is that of all its instances: the first to leave the mark there is the only one to fail.
FAILS_ONCE = f"""
from pathlib import Path

try:
    Path(__file__).with_name("mark").mkdir()
except FileExistsError:
    pass
else:
    raise RuntimeError("the first start fails")
{TOLD_APART}"""


def test_an_instance_that_fails_to_load_is_asked_nothing_and_started_again_while_another_answers(cloud):
    model = published(cloud, put_package(cloud, code=FAILS_ONCE))
    service_id = deployed(cloud, entry(model, instance_count=2))
    assert cloud.get(f"{SERVICES}/{service_id}/monitor").json["service_running_instance_count"] == 1
    names = {asked(cloud, service_id).json["name"] for _ in range(4)}
    assert len(names) == 1
    service = shown(cloud, service_id)
    assert (service["status"], service["config"][0]["status"]) == ("concerning", "concerning")
    told = cloud.get(f"{SERVICES}/{service_id}/events?event_type=abnormal").json["events"]
    assert [row["event_info"].count("the first start fails") for row in told] == [1]
    cloud.clock.advance("1m")
    assert shown(cloud, service_id)["status"] == "running"
    assert cloud.get(f"{SERVICES}/{service_id}/monitor").json["service_running_instance_count"] == 2
    both = {asked(cloud, service_id).json["name"] for _ in range(2)}
    assert len(both) == 2 and names < both


def test_an_instance_that_was_killed_is_asked_nothing_and_started_again_while_another_answers(cloud):
    model = published(cloud, put_package(cloud, code=TOLD_APART))
    service_id = deployed(cloud, entry(model, instance_count=2))
    names = [asked(cloud, service_id).json["name"] for _ in range(2)]
    os.kill(process_of(cloud, service_id), 9)
    wait_until(lambda: not cloud.get(f"/_emulator/logs/{service_id}").json["logs"][0]["ready"])
    assert [asked(cloud, service_id).json["name"] for _ in range(2)] == [names[1]] * 2
    cloud.clock.advance("1m")
    later = {asked(cloud, service_id).json["name"] for _ in range(2)}
    assert shown(cloud, service_id)["status"] == "running" and len(later) == 2 and names[0] not in later


def test_the_log_says_which_instance_answers_and_why_another_does_not(cloud):
    model = published(cloud, put_package(cloud, code=TOLD_APART))
    service_id = deployed(cloud, entry(model, instance_count=2))
    os.kill(process_of(cloud, service_id), 9)

    def states():
        logs = cloud.get(f"/_emulator/logs/{service_id}").json["logs"]
        return [(log["ready"], log["failure"]) for log in logs]

    wait_until(lambda: not states()[0][0])
    (is_ready, failure), other = states()
    assert (is_ready, "the model's process" in failure, other) == (False, True, (True, None))


def test_the_address_of_a_dedicated_pool_leads_to_the_same_service(cloud):
    service_id = echo_service(cloud)
    assert cloud.post(f"/v1/infers/pool-1/{service_id}", {"a": 1}).json["echo"] == {"a": 1}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/infers", 400, "ModelArts.4201"),
        ("/v1/infers/", 400, "ModelArts.4201"),
        ("/v1/infersome", 400, "ModelArts.4202"),
        ("/v1/infers/none", 404, "ModelArts.4204"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_as_documented(cloud, path, status, code):
    reply = cloud.post(path, {})
    assert (reply.status, reply.json["error_code"]) == (status, code) and reply.json["request_id"]


def test_a_path_the_model_does_not_declare_is_not_found(cloud):
    service_id = echo_service(cloud)
    assert cloud.post(f"/v1/infers/{service_id}/other", {}).status == 404
    assert cloud.get(f"/v1/infers/{service_id}").status in (404, 405)


def test_a_service_that_is_not_started_says_so(cloud):
    service_id = echo_service(cloud)
    cloud.put(f"{SERVICES}/{service_id}", {"status": "stopped"})
    reply = asked(cloud, service_id)
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.4203")


def test_a_body_over_12_mb_is_refused(cloud):
    reply = asked(cloud, echo_service(cloud), b"1" * (12 * 1024 * 1024 + 1))
    assert (reply.status, reply.json["error_code"]) == (413, "APIG.0201")


def test_a_body_of_nearly_12_mb_is_answered(cloud):
    body = json.dumps("x" * 12_000_000).encode()
    assert len(asked(cloud, echo_service(cloud), body).json["echo"]) == 12_000_000


def test_a_late_answer_is_cut_off_and_counted_as_failed(cloud, monkeypatch):
    service_id = deployed(cloud, entry(published(cloud, put_package(cloud, code=HOSTILE))))
    monkeypatch.setattr(predictions, "SECONDS", 0.5)
    reply = asked(cloud, service_id, {"loop": 1})
    assert (reply.status, reply.json["error_code"]) == (504, "APIG.0201")
    assert cloud.get(f"{SERVICES}/{service_id}/monitor").json["monitors"][0]["failed_times"] == 1


def test_a_crash_makes_the_service_concerning_until_it_is_restarted(cloud):
    service_id = deployed(cloud, entry(published(cloud, put_package(cloud, code=HOSTILE))))
    before = process_of(cloud, service_id)
    reply = asked(cloud, service_id, {"crash": 1})
    assert (reply.status, reply.json["error_code"]) == (503, "ModelArts.4302")
    assert shown(cloud, service_id)["status"] == "concerning"
    cloud.clock.advance("1m")
    assert shown(cloud, service_id)["status"] == "running" and process_of(cloud, service_id) != before
    assert asked(cloud, service_id, {"a": 1}).json == {"fine": True}
    told = cloud.get(f"{SERVICES}/{service_id}/events?event_type=abnormal").json["events"]
    assert "exited with code 3" in told[0]["event_info"]


def test_a_process_that_is_killed_is_noticed_by_who_looks(cloud):
    service_id = echo_service(cloud)
    os.kill(process_of(cloud, service_id), 9)
    wait_until(lambda: shown(cloud, service_id)["status"] == "concerning")
    cloud.clock.advance("1m")
    assert asked(cloud, service_id, {"a": 1}).status == 200


def wait_until(holds, seconds=5.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_hostile_package_harms_its_own_service_only(cloud, tmp_path):
    kind = echo_service(cloud, "kind")
    target = tmp_path / "written"
    location = put_package(cloud, "hostile", code=HOSTILE)
    model_id = published(cloud, location, name="hostile")
    hostile = deployed(cloud, entry(model_id, envs={"TARGET": str(target)}), name="hostile")
    for deed in ("memory", "write", "crash"):
        assert asked(cloud, hostile, {deed: 1}).status >= 500
        assert asked(cloud, kind, {"a": 1}).json["echo"] == {"a": 1}
        cloud.clock.advance("1m")
    assert not target.exists() and shown(cloud, kind)["status"] == "running"


def test_a_package_whose_code_cannot_be_loaded_fails_the_deployment(cloud):
    service_id = deployed(cloud, entry(published(cloud, put_package(cloud, code="import nothing_like_it"))))
    service = shown(cloud, service_id)
    assert service["status"] == "failed" and "nothing_like_it" in service["error_msg"]


def test_one_of_two_versions_that_cannot_start_leaves_the_service_concerning(cloud):
    good = published(cloud, put_package(cloud, "good", code=ECHO))
    bad = published(cloud, put_package(cloud, "bad", code="1/0"), version="0.0.2")
    service_id = deployed(cloud, entry(good, 50), entry(bad, 50))
    assert shown(cloud, service_id)["status"] == "concerning"
    assert [asked(cloud, service_id, {"a": 1}).status for _ in range(5)] == [200] * 5


def test_an_om_file_says_why_it_cannot_run_here(cloud):
    config = {"model_type": "MindSpore", "model_algorithm": "image_classification", "runtime": "python3.5"}
    location = put_package(cloud, files=[("model.om", b"x")], config=config)
    source = {"input_id": "model_folder", "input": f"{location}/model"}
    template = {"template_id": "arm-ascend", "template_inputs": [source]}
    model_id = published(cloud, location, model_type="Template", template=template)
    service = shown(cloud, deployed(cloud, entry(model_id)))
    assert service["status"] == "failed" and "Ascend" in service["error_msg"]


def test_the_process_ends_when_the_service_is_stopped_and_when_the_world_goes(cloud):
    stopped, kept = echo_service(cloud, "one"), echo_service(cloud, "two")
    pids = [process_of(cloud, stopped), process_of(cloud, kept)]
    cloud.put(f"{SERVICES}/{stopped}", {"status": "stopped"})
    assert [is_alive(pid) for pid in pids] == [False, True]
    cloud.emulator.application.worlds.reset(cloud.world)
    assert not is_alive(pids[1])


def test_eight_clients_get_their_own_answers(cloud):
    service_id, token = echo_service(cloud), cloud.token
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(
            lambda n: asked(cloud, service_id, {"n": n}, headers={"X-Auth-Token": token}).json["echo"]["n"],
            range(200),
        )
        assert list(answers) == list(range(200))


def test_a_token_of_another_account_does_not_find_the_service(cloud):
    service_id = echo_service(cloud)
    reply = asked(cloud, service_id, headers={"X-Auth-Token": "unknown"})
    assert (reply.status, reply.json["error_code"]) == (404, "ModelArts.4204")


def test_no_credential_at_all_is_refused(cloud):
    reply = asked(cloud, echo_service(cloud), auth=False)
    assert (reply.status, reply.json["error_code"]) == (401, "APIG.0301")


def test_a_token_for_the_account_or_another_project_is_refused(cloud):
    service_id = echo_service(cloud)
    for scope in ({"domain": {"id": cloud.domain_id}}, {"project": {"name": "cn-north-1"}}):
        reply = asked(cloud, service_id, headers={"X-Auth-Token": token_for(cloud, scope)})
        assert (reply.status, reply.json["error_code"]) == (401, "ModelArts.4203")


def token_for(cloud, scope) -> str:
    user = {"name": cloud.user_name, "password": cloud.user_password, "domain": {"name": cloud.domain_name}}
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": scope}}
    return cloud.post("/v3/auth/tokens", body, auth=False).headers["x-subject-token"]


def test_a_stored_service_is_found_at_work_again_after_its_process_is_gone(cloud):
    service_id = echo_service(cloud)
    with cloud.world.lock:
        cloud.world.let_go("modelarts/services")
    assert asked(cloud, service_id, {"a": 1}).json["echo"] == {"a": 1}


def test_a_batch_is_computed_by_its_model(cloud):
    config = CONFIG | {"apis": CONFIG["apis"]}
    location = put_package(cloud, code=ECHO, config=config)
    cloud.world.obs.write("packages", "in/a.csv", b"1\n2\n")
    rule = {"type": "object", "properties": {"pixel": {"type": "integer", "index": 0}}}
    batch = {"model_id": published(cloud, location), "specification": "modelarts.vm.cpu.2u", "instance_count": 1,
             "src_path": "/packages/in", "dest_path": "/packages/out", "req_uri": "/", "mapping_type": "csv",
             "mapping_rule": rule}  # fmt: skip
    service = cloud.post(SERVICES, {"service_name": "b", "infer_type": "batch", "config": [batch]}).json
    cloud.clock.advance("5m")
    assert shown(cloud, service["service_id"])["status"] == "finished"
    rows = cloud.world.obs.read("packages", "out/infer-result/a.csv_result.txt").splitlines()
    assert [json.loads(row)["echo"] for row in rows] == [{"pixel": 1}, {"pixel": 2}]


def test_with_a_running_clock_a_service_is_deploying_until_its_model_answers(cloud):
    model_id = published(cloud, put_package(cloud, code="import time\ntime.sleep(1.5)\n" + ECHO))
    cloud.clock.run(60)
    reply = cloud.post(
        SERVICES, {"service_name": "slow", "infer_type": "real-time", "config": [entry(model_id)]}
    )
    service_id, seen = reply.json["service_id"], []
    due = cloud.clock.now() + 20
    wait_until(lambda: cloud.clock.now() > due)
    seen.append(shown(cloud, service_id)["status"])
    wait_until(lambda: shown(cloud, service_id)["status"] != "deploying")
    assert [*seen, shown(cloud, service_id)["status"]] == ["deploying", "running"]
    assert asked(cloud, service_id, {"a": 1}).status == 200


def test_processes_end_with_the_emulator():
    from modelarts_emulator.running import Emulator
    from modelarts_emulator.testing.cloud import Cloud

    with Emulator() as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.create())
        cloud.clock.freeze()
        pid = process_of(cloud, echo_service(cloud))
        assert is_alive(pid)
    assert not is_alive(pid)


def test_without_authentication_a_prediction_needs_no_credential():
    from modelarts_emulator.running import Emulator
    from modelarts_emulator.testing.cloud import Cloud

    with Emulator(auth="off", inference="simulated") as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.create())
        cloud.clock.freeze()
        assert asked(cloud, echo_service(cloud), auth=False).status == 200


def test_a_service_answers_again_after_a_restart_with_state(tmp_path):
    from modelarts_emulator.running import Emulator
    from modelarts_emulator.testing.cloud import Cloud

    options = {"state": str(tmp_path)}
    with Emulator(**options) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.clock.freeze()
        service_id = echo_service(cloud)
    with Emulator(**options) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        assert shown(cloud, service_id)["status"] == "running"
        assert asked(cloud, service_id, {"a": 1}).json["echo"] == {"a": 1}
