"""Which models MaaS serves to an account."""

import pytest

from tests.behaviours.maas.conftest import console, key_of, set_model


def names(cloud):
    return {row["id"] for row in cloud.get("/v1/models", headers=key_of(cloud)).json["data"]}


def test_models_are_listed_under_the_names_they_are_called_by(cloud):
    assert {"DeepSeek-V3", "qwen3-32b", "bge-m3", "qwen-image", "Wan2.2-T2V-A14B"} <= names(cloud)


def test_a_model_without_access_is_not_listed(cloud):
    set_model(cloud, "qwen3-32b", access="not_subscribed")
    assert "qwen3-32b" not in names(cloud)


def test_the_list_needs_a_key(cloud):
    reply = cloud.get("/v1/models", auth=False)
    assert (reply.status, reply.json["error"]["code"]) == (400, "ModelArts.81002")


def test_a_key_that_has_expired_is_refused(cloud):
    key = console(cloud, "POST", "maas/api-keys", {"seconds": 60}).json["api_key"]
    headers = {"Authorization": f"Bearer {key}"}
    assert cloud.get("/v1/models", headers=headers).status == 200
    cloud.clock.advance(61)
    reply = cloud.get("/v1/models", headers=headers)
    assert (reply.status, reply.json["error"]["code"]) == (401, "ModelArts.81003")


def test_settings_nobody_knows_are_refused(cloud):
    for body in ({"access": "maybe"}, {"rpm": -1}, {"speed": 1}):
        assert console(cloud, "PUT", "maas/models/bge-m3", body).status == 400
    assert console(cloud, "PUT", "maas/models/none", {}).status == 404


def test_the_first_model_of_the_list_chats_below_v1(cloud):
    first = cloud.get("/v1/models", headers=key_of(cloud)).json["data"][0]["id"]
    body = {"model": first, "messages": [{"role": "user", "content": "hello"}]}
    assert cloud.post("/v1/chat/completions", body, headers=key_of(cloud)).status == 200


def test_a_model_asked_for_at_the_wrong_path_says_where_it_is_served(cloud):
    body = {"model": "deepseek-v4-pro", "messages": [{"role": "user", "content": "hello"}]}
    reply = cloud.post("/v1/chat/completions", body, headers=key_of(cloud))
    assert reply.status == 404 and "/v2/chat/completions" in reply.json["error"]["message"]


@pytest.mark.parametrize("path", ["/v2/models", "/openai/v1/models", "/plan/v2/models"])
def test_the_models_are_listed_below_every_base_address(cloud, path):
    assert cloud.get(path, headers=key_of(cloud)).json == cloud.get("/v1/models", headers=key_of(cloud)).json
