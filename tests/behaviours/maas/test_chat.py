"""Chat with the models of MaaS."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelarts_emulator.contract.errors import documented_errors
from modelarts_emulator.inference.language.tokenizer import tokens

from tests.behaviours.maas.conftest import key_of, set_model
from tests.behaviours.transcripts import chunks, events, said

PATHS = {"v1": "/v1/chat/completions", "v2": "/v2/chat/completions", "openai": "/openai/v1/chat/completions"}
TEA = [{"role": "user", "content": "怎样泡绿茶？"}]
WEATHER = {
    "name": "get_weather",
    "description": "the weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def chat(cloud, path="/v2/chat/completions", **body):
    return cloud.post(path, {"model": "deepseek-v3", "messages": TEA, **body}, headers=key_of(cloud))


def fault(reply):
    """(status, code) of a refusal."""
    return reply.status, reply.json["error"]["code"]


@pytest.mark.parametrize("path", PATHS.values())
def test_each_path_answers_in_openais_form(cloud, path):
    answer = chat(cloud, path).json
    assert (answer["object"], answer["model"]) == ("chat.completion", "DeepSeek-V3")
    assert "绿茶" in answer["choices"][0]["message"]["content"]
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.parametrize(("model", "path"), [("deepseek-v3.2", "v1"), ("qwen2.5-vl-72b", "v2")])
def test_a_model_is_unknown_where_its_interface_is_not_offered(cloud, model, path):
    assert fault(chat(cloud, PATHS[path], model=model)) == (404, "ModelArts.81009")


def test_a_stream_says_what_the_answer_says(cloud):
    whole = chat(cloud).json["choices"][0]["message"]["content"]
    assert said(chat(cloud, stream=True).body) == whole


def test_every_chunk_says_what_was_used_so_far(cloud):
    used = [chunk["usage"] for chunk in chunks(chat(cloud, stream=True, max_tokens=5).body)]
    assert [usage["completion_tokens"] for usage in used] == [0, 1, 2, 3, 4, 5, 5]
    assert {usage["total_tokens"] - usage["completion_tokens"] for usage in used} == {
        used[0]["prompt_tokens"]
    }


def test_usage_can_be_left_out_of_a_stream(cloud):
    reply = chat(cloud, stream=True, stream_options={"include_usage": False})
    assert not any("usage" in chunk for chunk in chunks(reply.body))


def test_a_stream_is_server_sent_events_with_a_blank_after_the_colon(cloud):
    reply = chat(cloud, stream=True)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.body.startswith(b"data: {") and reply.body.endswith(b"data: [DONE]\n\n")


def test_a_stream_begins_with_the_role_and_ends_with_the_reason(cloud):
    found = [chunk["choices"][0] for chunk in chunks(chat(cloud, stream=True, max_tokens=3).body)]
    assert found[0]["delta"] == {"role": "assistant", "content": ""}
    assert [choice["finish_reason"] for choice in found] == [None, None, None, None, "length"]


def test_several_answers_of_one_stream_keep_apart(cloud):
    reply = chat(cloud, model="Kimi-K2", stream=True, n=3, temperature=0.9)
    texts = {}
    for chunk in chunks(reply.body):
        choice = chunk["choices"][0]
        texts[choice["index"]] = texts.get(choice["index"], "") + choice["delta"].get("content", "")
    told = chat(cloud, model="Kimi-K2", n=3, temperature=0.9).json["choices"]
    assert texts == {choice["index"]: choice["message"]["content"] for choice in told}


def test_a_model_thinks_when_told_to(cloud):
    def thoughts(model, **options):
        return "reasoning_content" in chat(cloud, model=model, **options).json["choices"][0]["message"]

    on, off = (
        {"chat_template_kwargs": {"thinking": True}},
        {"chat_template_kwargs": {"enable_thinking": False}},
    )
    assert [thoughts("deepseek-v3.2"), thoughts("deepseek-v3.2", **on)] == [False, True]
    assert [thoughts("qwen3-30b-a3b"), thoughts("qwen3-30b-a3b", **off)] == [True, False]
    assert [thoughts("deepseek-r1-250528"), thoughts("DeepSeek-V3", **on)] == [True, False]


def test_thoughts_stream_before_the_answer(cloud):
    reply = chat(cloud, model="deepseek-r1-250528", stream=True)
    kinds = ["reasoning_content" in chunk["choices"][0]["delta"] for chunk in chunks(reply.body)[1:]]
    assert kinds.count(True) > 5 and kinds == sorted(kinds, reverse=True)


def test_a_tool_call_streams_whole(cloud):
    tools = [{"type": "function", "function": WEATHER}]
    asked = [{"role": "user", "content": "weather in Shanghai?"}]
    reply = chat(cloud, messages=asked, tools=tools, stream=True)
    calls = [
        call for chunk in chunks(reply.body) for call in chunk["choices"][0]["delta"].get("tool_calls", ())
    ]
    assert json.loads(calls[0]["function"]["arguments"]) == {"city": "Shanghai"}
    assert chunks(reply.body)[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_after_a_tools_answer_the_model_speaks_of_it(cloud):
    called = {"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    asked = [
        {"role": "user", "content": "weather in Shanghai?"},
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "1", "content": "sunny, 21 degrees"},
    ]
    answer = chat(cloud, messages=asked, tools=[{"type": "function", "function": WEATHER}]).json
    assert "sunny, 21 degrees" in answer["choices"][0]["message"]["content"]


def test_guided_answers_follow_their_guide(cloud):
    def text(**options):
        return chat(cloud, **options).json["choices"][0]["message"]["content"]

    assert text(guided_regex=r"\d{4}")[:4].isdigit()
    assert text(guided_choice=["红茶", "绿茶"]) == "绿茶"
    schema = {"type": "object", "properties": {"degrees": {"type": "integer"}}, "required": ["degrees"]}
    assert isinstance(json.loads(text(guided_json=schema))["degrees"], int)
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert isinstance(json.loads(text(response_format=wanted))["degrees"], int)


def test_probabilities_are_named_when_asked_for(cloud):
    choice = chat(cloud, logprobs=True, top_logprobs=1, max_tokens=4).json["choices"][0]
    rows = choice["logprobs"]["content"]
    assert "".join(row["token"] for row in rows) == choice["message"]["content"]
    assert all(row["logprob"] < 0 and len(row["top_logprobs"]) == 1 for row in rows)


def test_the_frames_of_a_stream_name_the_same_probabilities(cloud):
    asked = {"logprobs": True, "top_logprobs": 1, "max_tokens": 4}
    whole = chat(cloud, **asked).json["choices"][0]["logprobs"]["content"]
    frames = [chunk["choices"][0]["logprobs"] for chunk in chunks(chat(cloud, stream=True, **asked).body)]
    assert [row for frame in frames if frame for row in frame["content"]] == whole


@pytest.mark.parametrize(
    "asked",
    [
        {"logprobs": True, "top_logprobs": -1},
        {"logprobs": True, "top_logprobs": 21},
        {"top_logprobs": 1},
        {"response_format": {"type": "xml"}},
        {"response_format": {}},
        {"min_tokens": 11, "max_tokens": 10},
        {"tool_choice": "required"},
        {"tool_choice": "sometimes", "tools": [{"type": "function", "function": WEATHER}]},
        {"tool_choice": {"type": "function"}, "tools": [{"type": "function", "function": WEATHER}]},
        {
            "tool_choice": {"type": "function", "function": {"name": "get_time"}},
            "tools": [{"type": "function", "function": WEATHER}],
        },
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
    ],
)
def test_what_the_model_server_cannot_do_is_refused(cloud, asked):
    assert fault(chat(cloud, **asked)) == (400, "BadRequestError")


@pytest.mark.parametrize("most", [1, 5])
def test_a_tool_call_is_no_longer_than_the_limit(cloud, most):
    tools = [{"type": "function", "function": WEATHER}]
    answer = chat(cloud, tools=tools, tool_choice="required", max_tokens=most).json
    assert (answer["choices"][0]["finish_reason"], answer["usage"]["completion_tokens"] <= most) == (
        "length",
        True,
    )


def test_guided_text_ends_at_a_stop_string_too(cloud):
    choice = chat(cloud, guided_choice=["tea, please"], stop=[","]).json["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"], choice["stop_reason"]) == (
        "tea",
        "stop",
        ",",
    )


def test_tools_are_read_with_the_prompt_and_counted(cloud):
    tools = [{"type": "function", "function": WEATHER}]
    bare, with_tools = (chat(cloud, **more).json["usage"] for more in ({}, {"tools": tools}))
    assert with_tools["prompt_tokens"] > bare["prompt_tokens"] + 10


def test_beam_search_gives_different_answers_the_most_probable_first(cloud):
    beam = {"use_beam_search": True, "temperature": 0, "top_p": 1.0, "top_k": -1, "n": 3}
    choices = chat(cloud, model="Kimi-K2", **beam).json["choices"]
    assert len({choice["message"]["content"] for choice in choices}) == 3


def test_a_shared_beginning_is_counted_as_cached(cloud):
    long = [{"role": "user", "content": "绿茶的水温。" * 100}]
    details = [chat(cloud, messages=long).json["usage"]["prompt_tokens_details"] for _ in range(2)]
    assert details == [None, {"cached_tokens": 384}]


@pytest.mark.parametrize(
    "options",
    [
        {"n": 2},
        {"model": "Kimi-K2", "n": 2, "temperature": 0},
        {"model": "Kimi-K2", "use_beam_search": True},
        {"model": "Kimi-K2", "use_beam_search": True, "n": 2, "temperature": 0.5},
        {"model": "Kimi-K2", "length_penalty": 0.5},
        {"top_k": 0},
        {"model": "Kimi-K2", "n": 3, "best_of": 2},
        {"guided_regex": "a", "guided_choice": ["b"]},
        {"guided_regex": "("},
        {"guided_grammar": "root ::= 'a'"},
        {"stop": [""]},
        {"max_tokens": 70000},
        {"messages": [{"role": "user", "content": "茶水" * 140000}]},
        {"temperatur": 1},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]},
    ],
)
def test_what_the_model_server_does_not_do_is_refused_with_its_own_code(cloud, options):
    assert fault(chat(cloud, **options)) == (400, "BadRequestError")


def test_too_long_a_request_is_refused_in_the_documented_words(cloud):
    words = chat(cloud, max_tokens=70000).json["error_msg"]
    assert words.startswith(
        "This model's maximum context length is 65536 tokens. However, you requested 70007 tokens"
    )


def test_an_image_is_seen_by_a_model_that_can_see(cloud):
    content = [
        {"type": "text", "text": "描述图片"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    ]
    asked = [{"role": "user", "content": content}]
    assert chat(cloud, "/v1/chat/completions", model="qwen2.5-vl-72b", messages=asked).status == 200


@pytest.mark.parametrize(
    ("access", "code"),
    [
        ("not_subscribed", "ModelArts.81004"),
        ("quota_used_up", "ModelArts.81005"),
        ("frozen", "ModelArts.81006"),
        ("expired", "ModelArts.81014"),
    ],
)
def test_access_that_was_taken_away_is_refused(cloud, access, code):
    set_model(cloud, "deepseek-v3", access=access)
    assert fault(chat(cloud, temperature=0, n=2)) == (403, code)


def test_more_requests_than_allowed_a_minute_are_refused_until_the_minute_is_over(cloud):
    set_model(cloud, "deepseek-v3", rpm=2)
    assert [chat(cloud).status for _ in range(3)] == [200, 200, 429]
    reply = chat(cloud)
    assert fault(reply)[1] == "ModelArts.81101" and "2 times per minute" in reply.json["error"]["message"]
    cloud.clock.advance(int(reply.headers["retry-after"]))
    assert chat(cloud).status == 200


def test_more_tokens_than_allowed_a_minute_are_refused(cloud):
    set_model(cloud, "deepseek-v3", tpm=20)
    assert chat(cloud).status == 200
    assert fault(chat(cloud)) == (429, "ModelArts.81103")


def test_more_requests_than_allowed_a_second_are_refused_by_the_gateway(cloud):
    set_model(cloud, "deepseek-v3", qps=1)
    assert chat(cloud).status == 200
    reply = chat(cloud)
    assert (reply.status, reply.json["error_code"]) == (429, "APIG.0308")
    cloud.clock.advance(1)
    assert chat(cloud).status == 200


def test_checks_come_in_the_documented_order(cloud):
    body = {"model": "none", "messages": TEA, "n": 2}
    assert cloud.post(PATHS["v2"], body, auth=False).status == 400
    assert cloud.post(PATHS["v2"], b"{", headers=key_of(cloud)).json["error"]["code"] == "ModelArts.81001"
    assert fault(cloud.post(PATHS["v2"], body, headers=key_of(cloud))) == (404, "ModelArts.81009")
    set_model(cloud, "deepseek-v3", access="frozen", rpm=0)
    assert fault(chat(cloud, n=2)) == (403, "ModelArts.81006")
    set_model(cloud, "deepseek-v3", access="open", rpm=0)
    assert fault(chat(cloud, n=2)) == (429, "ModelArts.81101")
    set_model(cloud, "deepseek-v3", access="open", rpm=None)
    assert fault(chat(cloud, n=2)) == (400, "BadRequestError")


def test_a_request_without_a_key_is_refused(cloud):
    reply = cloud.post("/v1/chat/completions", {"model": "deepseek-v3", "messages": TEA}, auth=False)
    assert fault(reply) == (400, "ModelArts.81002")


def test_an_assistant_message_without_content_needs_tool_calls(cloud):
    assert fault(chat(cloud, messages=[*TEA, {"role": "assistant"}])) == (400, "ModelArts.81001")


def test_optional_members_that_are_null_count_as_absent_in_the_body_and_in_every_message(cloud):
    names = ("max_tokens", "stop", "tools", "n", "seed", "stream", "temperature", "top_p", "stream_options")
    replayed = {
        "role": "assistant",
        "content": "好",
        "tool_calls": None,
        "reasoning_content": None,
        "name": None,
    }
    messages = [TEA[0] | {"tool_call_id": None}, replayed, *TEA]
    plain = chat(cloud, messages=[*TEA, {"role": "assistant", "content": "好"}, *TEA])
    answered = chat(cloud, messages=messages, **dict.fromkeys(names))
    assert answered.json["choices"] == plain.json["choices"]


def test_a_required_member_that_is_null_is_missing(cloud):
    assert fault(chat(cloud, model=None)) == (400, "ModelArts.81001")


def test_thinking_is_switched_by_the_member_that_huaweis_own_plugin_sends(cloud):
    def thoughts(kind):
        return chat(cloud, model="deepseek-v3.2", thinking={"type": kind}).json["choices"][0]["message"]

    assert "reasoning_content" in thoughts("enabled") and "reasoning_content" not in thoughts("disabled")


@pytest.mark.parametrize(
    "tool", [{"type": "function", "function": {"name": None}}, {"type": "function"}, {"name": "get_weather"}]
)
def test_a_tool_definition_without_a_function_s_name_is_refused(cloud, tool):
    reply = chat(cloud, tools=[tool])
    assert fault(reply) == (400, "ModelArts.81001") and "invalid function name: None" in reply.text


def test_a_replayed_tool_call_whose_arguments_are_an_object_is_refused(cloud):
    called = {"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "x"}}}
    messages = [*TEA, {"role": "assistant", "content": None, "tool_calls": [called]}]
    assert fault(chat(cloud, messages=messages)) == (400, "ModelArts.81001")


def test_a_refusal_has_the_members_that_answers_of_the_service_show(cloud):
    told = chat(cloud, model="x").json
    assert told.keys() == {"error", "error_code", "error_msg", "span_id"}
    assert (told["error"]["type"], told["error"]["param"]) == ("NotFound", None)
    assert (told["error_code"], told["error_msg"]) == (told["error"]["code"], told["error"]["message"])


def test_refusals_of_every_kind_have_one_shape_on_one_path(cloud):
    bodies = [chat(cloud, **body).json for body in ({"n": 0}, {"unknown": 1}, {"model": "x"})]
    assert len({frozenset(body) for body in bodies}) == 1


@pytest.mark.parametrize("path", ["/anthropic/v1/messages", "/plan/anthropic/v1/messages"])
def test_refusals_below_anthropic_have_anthropics_shape(cloud, path):
    refused = [cloud.post(path, {}, headers=key_of(cloud)), cloud.post(path, {}, auth=False)]
    refused.append(cloud.post(path, {"model": "x", "max_tokens": 1, "messages": TEA}, headers=key_of(cloud)))
    assert [reply.json["error"]["type"] for reply in refused] == [
        "invalid_request_error",
        "invalid_request_error",
        "not_found_error",
    ]
    assert {reply.json["type"] for reply in refused} == {"error"}


def test_a_token_plan_s_addresses_answer_as_the_usual_ones(cloud):
    assert chat(cloud, "/plan/v2/chat/completions").json["choices"] == chat(cloud).json["choices"]


def test_an_authorization_header_of_another_form_is_an_invalid_one(cloud):
    reply = cloud.post(PATHS["v2"], {}, headers={"Authorization": "Basic x"})
    assert fault(reply) == (401, "ModelArts.81003")


def test_a_token_is_no_api_key(cloud):
    body = {"model": "deepseek-v3", "messages": TEA}
    reply = cloud.post("/v1/chat/completions", body, headers={"X-Auth-Token": cloud.token})
    assert fault(reply) == (400, "ModelArts.81002")


KINDS = st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "null", "x"])
SCHEMAS = st.recursive(
    st.dictionaries(
        st.sampled_from(
            ["type", "enum", "const", "pattern", "$ref", "minimum", "minLength", "minItems", "required"]
        ),
        KINDS | st.text(max_size=4) | st.integers(-5, 10**10) | st.lists(st.text(max_size=3), max_size=2),
        max_size=3,
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": KINDS,
            "properties": st.dictionaries(st.text(max_size=3), inner, max_size=2),
            "items": inner,
            "anyOf": st.lists(inner, max_size=2),
            "allOf": st.lists(inner, max_size=2),
        },
    ),
    max_leaves=4,
)
MEMBERS = {
    "messages": st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["system", "user", "assistant", "tool", "x"])},
            optional={
                "content": st.none() | st.text() | st.lists(st.dictionaries(st.text(max_size=5), st.text())),
                "tool_calls": st.lists(st.dictionaries(st.sampled_from(["id", "function"]), st.text())),
            },
        )
    ),
    "n": st.integers(-1, 12),
    "stop": st.none() | st.text() | st.lists(st.text()),
    "tools": st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "type": st.just("function"),
                "function": st.none()
                | st.fixed_dictionaries(
                    {},
                    optional={
                        "name": st.none() | st.text(),
                        "description": st.none() | st.text(),
                        "parameters": st.none() | SCHEMAS,
                    },
                ),
            },
        )
    ),
    "tool_choice": st.none()
    | st.sampled_from(["auto", "none", "required", "x"])
    | st.dictionaries(st.text(), st.text()),
    "guided_json": st.none() | st.text() | SCHEMAS,
    "guided_regex": st.text(),
    "response_format": st.dictionaries(st.just("type"), st.sampled_from(["json_object", "json_schema", "x"])),
    "max_tokens": st.integers(-1, 200000),
    "min_tokens": st.integers(-2, 50),
    "temperature": st.floats(-1, 3),
    "top_k": st.integers(-3, 3),
    "best_of": st.integers(-1, 25),
    "use_beam_search": st.booleans(),
    "stream": st.booleans(),
    "stream_options": st.dictionaries(st.just("include_usage"), st.booleans()),
    "logprobs": st.booleans() | st.integers(-1, 3),
    "top_logprobs": st.integers(-2, 5),
    "chat_template_kwargs": st.dictionaries(st.just("thinking"), st.booleans()),
}


def test_whatever_is_sent_is_answered_or_refused_as_documented(cloud):
    set_model(cloud, "Kimi-K2", rpm=None, tpm=None)

    @given(st.fixed_dictionaries({}, optional=MEMBERS))
    def check(options):
        reply = chat(cloud, model="Kimi-K2", **options)
        if reply.status != 200:
            assert fault(reply)[0] == 400 and fault(reply)[1] in documented_errors()

    check()


def message(cloud, **body):
    asked = {"model": "deepseek-v3.2", "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}]}
    return cloud.post("/anthropic/v1/messages", {**asked, **body}, headers=key_of(cloud))


def test_a_message_has_blocks_a_reason_and_tokens(cloud):
    answer = message(cloud).json
    assert (answer["type"], answer["content"][0]["type"], answer["stop_reason"]) == (
        "message",
        "text",
        "end_turn",
    )
    assert answer["usage"]["output_tokens"] > 5


def test_the_events_of_a_message_come_in_order_and_say_the_same(cloud):
    told = events(message(cloud, stream=True).body)
    kinds = [event["event"] for event in told]
    assert kinds[:3] == ["message_start", "ping", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    deltas = [json.loads(event["data"]) for event in told if event["event"] == "content_block_delta"]
    assert "".join(delta["delta"]["text"] for delta in deltas) == message(cloud).json["content"][0]["text"]
    assert all(json.loads(event["data"])["type"] == event["event"] for event in told)


def test_a_tool_use_and_its_result_go_round(cloud):
    tools = [
        {"name": "get_weather", "description": "the weather of a city", "input_schema": WEATHER["parameters"]}
    ]
    asked = [{"role": "user", "content": "weather in Shanghai?"}]
    answer = message(cloud, messages=asked, tools=tools).json
    use = answer["content"][0]
    assert (use["type"], use["input"], answer["stop_reason"]) == (
        "tool_use",
        {"city": "Shanghai"},
        "tool_use",
    )
    result = {"type": "tool_result", "tool_use_id": use["id"], "content": [{"type": "text", "text": "rainy"}]}
    asked += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    assert "rainy" in message(cloud, messages=asked, tools=tools).json["content"][0]["text"]


@pytest.mark.parametrize(
    "asked",
    [
        {"tool_choice": {"type": "any"}},
        {"tool_choice": {"type": "tool", "name": "get_time"}, "tools": [{"name": "get_weather"}]},
        {"tool_choice": {"type": "tool"}, "tools": [{"name": "get_weather"}]},
    ],
)
def test_a_message_cannot_choose_a_tool_that_was_not_sent(cloud, asked):
    reply = message(cloud, **asked)
    assert (reply.status, reply.json["error"]["type"]) == (400, "invalid_request_error")
    assert "$.tool_choice" in reply.json["error"]["message"]


def test_thinking_has_a_budget_below_the_limit(cloud):
    def thoughts(budget: int) -> dict:
        return message(cloud, thinking={"type": "enabled", "budget_tokens": budget}).json

    thinking, text = thoughts(3)["content"]
    assert (len(tokens(thinking["thinking"])), text["type"]) == (3, "text")
    assert "$.thinking.budget_tokens" in thoughts(100)["error"]["message"]


def test_thinking_is_a_block_of_its_own(cloud):
    kinds = [block["type"] for block in message(cloud, thinking={"type": "enabled"}).json["content"]]
    assert kinds == ["thinking", "text"]


def test_a_message_ends_at_a_stop_sequence_or_at_its_limit(cloud):
    answer = message(cloud, stop_sequences=["I"]).json
    assert (answer["stop_reason"], answer["stop_sequence"]) == ("stop_sequence", "I")
    assert message(cloud, max_tokens=2).json["stop_reason"] == "max_tokens"
