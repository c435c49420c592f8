"""Language models deployed as services of one's own, and what they answer at their address."""

import pytest

from tests.behaviours.maas.conftest import console, key_of
from tests.behaviours.modelarts import conftest as v1
from tests.behaviours.modelarts.inference_v2 import conftest as v2
from tests.behaviours.transcripts import said

ASKED = {"messages": [{"role": "user", "content": "What is 2 + 3?"}]}


def deploy(cloud, **body) -> dict:
    """A service that runs, as the console shows it."""
    reply = console(cloud, "POST", "maas/services", {"model": "qwen3-32b", **body})
    assert reply.status == 201, reply
    cloud.clock.advance("1h")
    return console(cloud, "GET", f"maas/services/{reply.json['service_id']}").json


def ask(cloud, service, headers=None, **body):
    """What a service answers to a chat."""
    address = f"/v1/infers/{service['service_id']}/v1/chat/completions"
    body = {"model": service["served_model"], **ASKED, **body}
    return cloud.post(address, body, headers=headers or key_of(cloud), auth=False)


def test_a_service_answers_below_its_own_address_with_a_name_of_its_own(cloud):
    service = deploy(cloud)
    answer = ask(cloud, service).json
    assert service["served_model"].startswith("qwen3-32b-") and answer["model"] == service["served_model"]
    assert answer["choices"][0]["message"]["content"] == "2 + 3 = 5"
    assert said(ask(cloud, service, stream=True).body) == "2 + 3 = 5"


def test_a_service_completes_and_lists_its_model(cloud):
    service = deploy(cloud)
    address = f"/v1/infers/{service['service_id']}/v1"
    body = {"model": service["served_model"], "prompt": "1, 2, 3,", "max_tokens": 4}
    assert (
        cloud.post(f"{address}/completions", body, headers=key_of(cloud)).json["choices"][0]["text"] == "4, 5"
    )
    listed = cloud.get(f"{address}/models", headers=key_of(cloud)).json["data"]
    assert [row["id"] for row in listed] == [service["served_model"]]


def test_an_embedding_model_deployed_gives_vectors_and_no_chats(cloud):
    service = deploy(cloud, model="bge-m3")
    body = {"model": service["served_model"], "input": "green tea"}
    address = f"/v1/infers/{service['service_id']}/v1/embeddings"
    assert len(cloud.post(address, body, headers=key_of(cloud)).json["data"][0]["embedding"]) == 1024
    assert ask(cloud, service).status == 400


def test_qps_are_read_back_changed_and_take_effect(cloud):
    service = deploy(cloud, qps=2)
    cloud.clock.freeze()
    assert [ask(cloud, service).status for _ in range(3)] == [200, 200, 429]
    path = f"maas/services/{service['service_id']}"
    assert console(cloud, "PUT", path, {"qps": None}).json["qps"] is None
    assert ask(cloud, service).status == 200
    assert console(cloud, "GET", path).json["qps"] is None


def test_each_service_has_a_prefix_cache_of_its_own(cloud):
    one, other = deploy(cloud), deploy(cloud)
    long = [{"role": "user", "content": "绿茶的水温。" * 100}]

    def cached(service):
        details = ask(cloud, service, messages=long).json["usage"]["prompt_tokens_details"]
        return 0 if details is None else details["cached_tokens"]

    assert [cached(one), cached(one), cached(other), cached(other)] == [0, 384, 0, 384]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"model": "qwen3-32b"}, 404, "qwen3-32b"),
        ({"temperatur": 1}, 400, "temperatur"),
        ({"n": 0}, 400, "$.n"),
    ],
)
def test_what_the_server_does_not_know_is_refused(cloud, change, status, words):
    reply = ask(cloud, deploy(cloud), **change)
    assert reply.status == status and words in reply.body.decode()


def test_a_stopped_service_does_not_answer_and_a_deleted_one_is_not_there(cloud):
    service = deploy(cloud)
    path = f"maas/services/{service['service_id']}"
    console(cloud, "POST", f"{path}/stop")
    assert ask(cloud, service).json["error"]["code"] == "ModelArts.4203"
    console(cloud, "POST", f"{path}/delete")
    assert ask(cloud, service).json["error"]["code"] == "ModelArts.4204"
    assert console(cloud, "GET", "maas/services").json == {"services": []}


def test_a_service_shows_no_member_that_it_hides(cloud):
    reply = console(cloud, "POST", "maas/services", {"model": "qwen3-32b"})
    path = f"maas/services/{reply.json['service_id']}"
    shown = [reply.json, *console(cloud, "GET", "maas/services").json["services"]]
    shown.append(console(cloud, "GET", path).json)
    shown.append(console(cloud, "PUT", path, {"qps": 1}).json)
    shown.append(console(cloud, "POST", f"{path}/stop").json)
    assert not [name for each in shown for name in each if name.startswith("_")]


@pytest.mark.parametrize("model", ["none", "qwen-image"])
def test_what_speaks_no_language_is_not_deployed(cloud, model):
    assert console(cloud, "POST", "maas/services", {"model": model}).status == 400


def test_a_service_opens_to_the_accounts_keys_and_tokens_alone(cloud):
    service = deploy(cloud)
    assert (
        ask(cloud, service, headers={"Authorization": "Bearer none"}).json["error"]["code"]
        == "ModelArts.81003"
    )
    assert ask(cloud, service, headers={"X-Apig-AppCode": "none"}).json["error_code"] == "APIG.0303"


VLLM = {
    "image": {"source": "SWR", "swr_path": "swr.example.com/llm/ascend_vllm:1"},
    "cmd": "python -m vllm.entrypoints.openai.api_server --served-model-name qwen --max-model-len 4096",
    "custom_spec": {"cpu": 1, "memory": 1024},
}
TEXT = {**v1.CONFIG, "model_algorithm": "text_generation"}


def chat(cloud, service_id, name, path="/v1/infers"):
    """What a service of ModelArts answers to a chat, asked with a token."""
    return cloud.post(f"{path}/{service_id}/v1/chat/completions", {"model": name, **ASKED})


def test_a_server_of_language_models_deployed_as_a_newer_service_chats(cloud):
    service_id = v2.deployed(cloud, v2.group(unit_configs=[VLLM]))
    answer = chat(cloud, service_id, "qwen").json
    assert (answer["model"], answer["choices"][0]["message"]["content"]) == ("qwen", "2 + 3 = 5")
    long = [{"role": "user", "content": "茶水" * 5000}]
    body = {"model": "qwen", "messages": long}
    assert "4096 tokens" in cloud.post(f"/v1/infers/{service_id}/v1/chat/completions", body).body.decode()


def test_a_service_that_asks_for_no_credential_chats_without_one(cloud):
    service_id = v2.deployed(cloud, v2.group(unit_configs=[VLLM]), auth_type="NONE")
    body = {"model": "qwen", **ASKED}
    assert cloud.post(f"/v1/infers/{service_id}/v1/chat/completions", body, auth=False).status == 200


def test_a_service_with_api_keys_refuses_tokens_and_takes_its_keys(cloud):
    service_id = v2.deployed(cloud, v2.group(unit_configs=[VLLM]), auth_type="API_KEY")
    key = {"name": "key", "scope": "USER", "description": "for tests, only"}
    value = cloud.post(f"{v2.SERVICES}/api-keys", key).json["api_key"]
    body, address = {"model": "qwen", **ASKED}, f"/v1/infers/{service_id}/v1/chat/completions"
    headers = {"Authorization": f"Bearer {value}"}
    assert chat(cloud, service_id, "qwen").json["error_code"] == "APIG.0305"
    assert cloud.post(address, body, headers=headers, auth=False).status == 200


def test_any_other_image_does_not_chat(cloud):
    reply = chat(cloud, v2.deployed(cloud), "first")
    assert (reply.status, reply.json["error_code"]) == (503, "ModelArts.4302")


def test_a_package_that_generates_text_chats_once_it_is_deployed(cloud, monkeypatch):
    monkeypatch.setattr(cloud.emulator.settings, "inference", "simulated")
    model_id = v1.published(cloud, v1.put_package(cloud, config=TEXT))
    service_id = v1.deployed(cloud, v1.entry(model_id))
    answer = chat(cloud, service_id, "digits").json
    assert (answer["model"], answer["choices"][0]["message"]["content"]) == ("digits", "2 + 3 = 5")


def test_any_other_package_answers_as_it_declares(cloud, monkeypatch):
    monkeypatch.setattr(cloud.emulator.settings, "inference", "simulated")
    service_id = v1.deployed(cloud, v1.entry(v1.published(cloud)))
    assert chat(cloud, service_id, "digits").json["error_code"] == "ModelArts.4204"
