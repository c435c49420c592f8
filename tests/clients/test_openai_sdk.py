"""MaaS through the `openai` SDK as it is, over a socket; and the backends behind a chat."""

import json
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import pytest
from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.cloud import Cloud

openai = pytest.importorskip("openai")

HELLO = [{"role": "user", "content": "怎样泡绿茶？"}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "the weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]
SCRIPT = [
    {
        "match": {"contains": "slow"},
        "reply": ["one", "two", "three"],
        "first_token_delay": 0.05,
        "token_delay": 0.05,
    },
    {"match": {"contains": "cut"}, "reply": ["one", "two", "three"], "cut_after": 2},
    {
        "match": {"contains": "halfway"},
        "reply": ["one", "two"],
        "cut_after": 1,
        "error": "ModelArts.81011",
        "message": "sensitive words",
    },
    {"match": {"contains": "secret"}, "error": "ModelArts.81011", "message": "sensitive words"},
    {"match": {"contains": "filter"}, "reply": "no", "finish_reason": "content_filter"},
    {"match": {"regex": r"order (\d+)"}, "reply": "order {1} is on its way", "reasoning": "look it up"},
]


def client_of(cloud, path="/v1", **options):
    """A client with an API key of the account."""
    headers = {"X-Emulator-World": cloud.world.tag}
    key = cloud.post("/_emulator/maas/api-keys", {}, headers=headers, auth=False).json["api_key"]
    return openai.OpenAI(api_key=key, base_url=cloud.endpoint + path, max_retries=0, **options)


@pytest.fixture(params=["/v1", "/v2", "/openai/v1"])
def client(cloud, request):
    """A client of one of the three paths."""
    return client_of(cloud, request.param)


def ask(client, messages=HELLO, **options):
    return client.chat.completions.create(model="deepseek-v3", messages=messages, **options)


def test_a_chat_answers(client):
    answer = ask(client)
    assert "绿茶" in answer.choices[0].message.content
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_says_what_the_answer_says(client):
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    answer = ask(client)
    assert text == answer.choices[0].message.content
    assert chunks[-1].usage.completion_tokens == answer.usage.completion_tokens


def test_a_tool_goes_round(client):
    messages = [{"role": "user", "content": "weather in Shanghai?"}]
    message = ask(client, messages, tools=TOOLS).choices[0].message
    call = message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "Shanghai"}
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "rainy, 12 degrees"}]
    assert "rainy" in ask(client, messages, tools=TOOLS).choices[0].message.content


def test_a_tool_call_streams(client):
    messages = [{"role": "user", "content": "weather in Shanghai?"}]
    with client.chat.completions.stream(model="deepseek-v3", messages=messages, tools=TOOLS) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.name == "get_weather"


def test_thoughts_come_as_reasoning_content(cloud):
    answer = client_of(cloud, "/v2").chat.completions.create(
        model="deepseek-v3.2", messages=HELLO, extra_body={"chat_template_kwargs": {"thinking": True}}
    )
    assert answer.choices[0].message.reasoning_content


def test_refusals_become_the_sdks_exceptions(cloud):
    client = client_of(cloud)
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="none", messages=HELLO)
    assert unknown.value.code == "ModelArts.81009"
    with pytest.raises(openai.BadRequestError, match="extra_forbidden"):
        ask(client, extra_body={"speed": 1})


def test_models_vectors_completions_and_pictures(cloud):
    client = client_of(cloud)
    assert "DeepSeek-V3" in {model.id for model in client.models.list()}
    assert len(client.embeddings.create(model="bge-m3", input=["a cat"]).data[0].embedding) == 1024
    assert client.completions.create(model="deepseek-v3", prompt="tea").choices[0].text
    picture = client.images.generate(model="qwen-image", prompt="cat", size="512x512")
    assert picture.data[0].b64_json.startswith("data:image/png;base64,")


def test_pangu_is_called_by_the_same_sdk(cloud):
    headers = {"X-Auth-Token": cloud.token}
    client = openai.OpenAI(api_key="none", base_url=f"{cloud.endpoint}/api/v2", default_headers=headers)
    chunks = client.chat.completions.create(model="pangu-nlp-n1-32k", messages=HELLO, stream=True)
    assert "绿茶" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def test_many_streams_at_once_lose_and_mix_nothing(cloud):
    client = client_of(cloud, "/v2")

    def one(number: int) -> bool:
        messages = [{"role": "user", "content": f"question number {number}"}]
        chunks = list(ask(client, messages, stream=True, max_tokens=300, extra_body={"ignore_eos": True}))
        said = [chunk.usage.completion_tokens for chunk in chunks]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        return said == [*range(301), 300] and f"number {number}" in text and len({c.id for c in chunks}) == 1

    with ThreadPoolExecutor(64) as threads:
        assert all(threads.map(one, range(64)))


@pytest.fixture(scope="module")
def scripted(tmp_path_factory):
    """An account of an emulator whose chats are scripted."""
    path = tmp_path_factory.mktemp("script") / "script.json"
    path.write_text(json.dumps(SCRIPT))
    with Emulator(chat=f"scripted:{path}", check_answers=True) as emulator:
        yield Cloud(emulator, emulator.application.worlds.create())


@pytest.fixture(scope="module")
def passed_on(scripted):
    """An account of an emulator that passes its chats on to the scripted one."""
    key = client_of(scripted).api_key
    upstream = f"upstream:{scripted.endpoint}/v1#deepseek-v3"
    with Emulator(chat=upstream, chat_key=key, check_answers=True) as emulator:
        yield Cloud(emulator, emulator.application.worlds.create())


def said(cloud, text, **options):
    return ask(client_of(cloud), [{"role": "user", "content": text}], **options)


def test_a_script_answers_what_it_matches_and_the_built_in_model_the_rest(scripted):
    message = said(scripted, "where is order 17?").choices[0].message
    assert (message.content, message.reasoning_content) == ("order 17 is on its way", "look it up")
    assert "绿茶" in said(scripted, "怎样泡绿茶？").choices[0].message.content
    assert said(scripted, "filter this").choices[0].finish_reason == "content_filter"


def test_a_script_can_refuse_with_a_documented_code(scripted):
    with pytest.raises(openai.PermissionDeniedError, match="sensitive words") as refused:
        said(scripted, "a secret")
    assert refused.value.code == "ModelArts.81011"


@pytest.mark.parametrize("account", ["scripted", "passed_on"])
def test_a_stream_that_is_cut_breaks_off_in_the_middle(account, request):
    cloud, text = request.getfixturevalue(account), ""
    with pytest.raises(openai.APIConnectionError):
        for chunk in said(cloud, "cut it", stream=True):
            text += chunk.choices[0].delta.content or ""
    assert text == "onetwo"


@pytest.mark.parametrize("account", ["scripted", "passed_on"])
def test_an_error_in_the_middle_of_a_stream_is_told_in_it(account, request):
    cloud, text = request.getfixturevalue(account), ""
    with pytest.raises(openai.APIError, match="sensitive words"):
        for chunk in said(cloud, "halfway there", stream=True):
            text += chunk.choices[0].delta.content or ""
    assert text == "one"


def test_without_a_stream_what_is_cut_is_a_time_out_of_the_gateway(scripted):
    with pytest.raises(openai.InternalServerError) as failed:
        said(scripted, "cut it")
    assert failed.value.response.json()["error_code"] == "APIG.0203"


def test_scripted_delays_are_waited_for_between_frames(scripted):
    since = perf_counter()
    moments = [
        perf_counter() - since
        for chunk in said(scripted, "slow", stream=True)
        if chunk.choices[0].delta.content
    ]
    assert moments[0] >= 0.04 and moments[2] - moments[0] >= 0.08


def test_a_frozen_clock_makes_nobody_wait(scripted):
    cloud = Cloud(scripted.emulator, scripted.emulator.application.worlds.create())
    cloud.clock.freeze()
    client, since = client_of(cloud), perf_counter()
    for _ in range(10):
        ask(client, [{"role": "user", "content": "slow"}])
    assert perf_counter() - since < 1.5


def test_an_upstream_is_passed_through(passed_on, scripted):
    for text in ("where is order 17?", "怎样泡绿茶？"):
        one, other = said(passed_on, text), said(scripted, text)
        assert one.choices[0].message.content == other.choices[0].message.content
        assert one.usage.completion_tokens == other.usage.completion_tokens
    assert (
        "".join(chunk.choices[0].delta.content or "" for chunk in said(passed_on, "order 3", stream=True))
        == "order 3 is on its way"
    )


def test_tools_pass_through_an_upstream(passed_on):
    call = said(passed_on, "weather in Shanghai?", tools=TOOLS).choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "Shanghai"}


def test_what_an_upstream_refuses_keeps_its_status_and_words(passed_on, scripted):
    told = []
    for client in (passed_on, scripted):
        with pytest.raises(openai.PermissionDeniedError) as refused:
            said(client, "a secret")
        told.append(refused.value.response.json()["error"]["message"])
    assert told[0] == told[1]


def test_a_latency_profile_is_felt_and_a_known_prefix_spares_time():
    with Emulator(latency="prefill_per_token=0.001", check_answers=True) as emulator:
        client = client_of(Cloud(emulator, emulator.application.worlds.create()))
        long, times = [{"role": "user", "content": "茶水" * 260}], []
        for _ in range(2):
            since = perf_counter()
            ask(client, long, max_tokens=1)
            times.append(perf_counter() - since)
    assert times[0] > 0.26 and times[0] - times[1] > 0.15


@pytest.mark.parametrize(
    "options", [{"chat": "scripted:none.json"}, {"chat": "upstream:x"}, {"latency": "speed=1"}]
)
def test_an_emulator_does_not_start_with_a_backend_that_is_none(options):
    with pytest.raises(ValueError):
        Emulator(**options).start()
