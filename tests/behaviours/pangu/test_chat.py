"""Chat with deployed Pangu models."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelarts_emulator.contract.errors import documented_errors

from tests.behaviours.maas.conftest import console
from tests.behaviours.pangu.conftest import N1, N4, act, chat, default_deployment, deploy, deployments
from tests.behaviours.transcripts import chunks, events, said
from tests.conftest import refusal

TEA = [{"role": "user", "content": "怎样泡绿茶？"}]


def openai(cloud, **body):
    return cloud.post("/api/v2/chat/completions", {"model": "pangu-nlp-n1-32k", "messages": TEA, **body})


def pool(cloud, **body):
    path = f"/v2/{{project_id}}/pools/pool-1/deployments/{default_deployment(cloud)}/chat/completions"
    return cloud.post(path, {"messages": TEA, **body})


def test_a_fresh_account_can_chat_at_once(cloud):
    answer = chat(cloud, default_deployment(cloud)).json
    assert (answer["object"], answer["prompt_logprobs"]) == ("chat.completion", None)
    assert answer["model"].startswith("pangu-nlp-n1-32k_")
    choice = answer["choices"][0]
    assert (choice["finish_reason"], choice["message"]["role"]) == ("stop", "assistant")
    assert "绿茶" in choice["message"]["content"]


def test_all_ways_to_a_deployment_give_the_same_answer(cloud):
    id = default_deployment(cloud)
    historic = f"/v1/infers/abc/v1/{{project_id}}/deployments/{id}/chat/completions"
    replies = [chat(cloud, id), cloud.post(historic, {"messages": TEA}), pool(cloud), openai(cloud)]
    assert len({reply.json["choices"][0]["message"]["content"] for reply in replies}) == 1


def test_a_role_left_out_is_the_users(cloud):
    id = default_deployment(cloud)
    named, nameless = chat(cloud, id), chat(cloud, id, messages=[{"content": "怎样泡绿茶？"}])
    assert named.json["choices"] == nameless.json["choices"]


def test_roles_that_nobody_documents_are_refused_on_every_path(cloud):
    id, wizard = default_deployment(cloud), [{"role": "wizard", "content": "hi"}]
    historic = f"/v1/infers/abc/v1/{{project_id}}/deployments/{id}/chat/completions"
    replies = [chat(cloud, id, messages=wizard), cloud.post(historic, {"messages": wizard})]
    replies += [pool(cloud, messages=wizard), openai(cloud, messages=wizard)]
    assert {refusal(reply) for reply in replies} == {(400, "PANGU.0010")}


def test_v1_frames_have_no_blank_and_hold_messages_and_the_usage(cloud):
    reply = chat(cloud, default_deployment(cloud), stream=True, max_tokens=3)
    assert reply.body.startswith(b"data:{") and reply.body.endswith(b"data:[DONE]\n\n")
    told = chunks(reply.body)
    assert {chunk["object"] for chunk in told} == {"chat.completion.chunk"}
    assert told[0]["choices"][0]["message"] == {"role": "assistant"}
    assert [chunk["usage"]["completion_tokens"] for chunk in told] == [0, 1, 2, 3, 3]
    assert not any("delta" in chunk["choices"][0] for chunk in told)


def test_v1_frames_say_what_the_answer_says(cloud):
    id = default_deployment(cloud)
    whole = chat(cloud, id).json["choices"][0]["message"]["content"]
    assert said(chat(cloud, id, stream=True).body, "message") == whole


def test_the_loop_of_langchain_pangu_reads_a_stream(cloud):
    text = ""
    for line in chat(cloud, default_deployment(cloud), stream=True).body.decode().split("\n"):
        if not line or line.startswith("event:"):
            continue
        if line.startswith("data:[DONE]"):
            break
        text += json.loads(line[5:])["choices"][0]["message"].get("content", "")
    assert "绿茶" in text


@pytest.mark.parametrize("ask", [pool, openai])
def test_v2_frames_hold_deltas(cloud, ask):
    reply = ask(cloud, stream=True)
    assert reply.body.startswith(b"data: {")
    assert said(reply.body) == ask(cloud).json["choices"][0]["message"]["content"]


def test_the_openai_interface_says_the_usage_last_and_only_when_asked(cloud):
    told = chunks(openai(cloud, stream=True, stream_options={"include_usage": True}).body)
    assert ["usage" in chunk for chunk in told] == [False] * (len(told) - 1) + [True]
    assert told[-1]["choices"] == []
    assert not any("usage" in chunk for chunk in chunks(openai(cloud, stream=True).body))


def test_two_answers_differ_and_both_are_counted(cloud):
    id = default_deployment(cloud)
    two, one = chat(cloud, id, n=2).json, chat(cloud, id).json
    texts = [choice["message"]["content"] for choice in two["choices"]]
    assert texts[0] == one["choices"][0]["message"]["content"] != texts[1]
    assert two["usage"]["completion_tokens"] > one["usage"]["completion_tokens"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"stream": True, "n": 2}, "PANGU.3321"),
        ({"n": 3}, "PANGU.3320"),
        ({"n": 0}, "PANGU.3320"),
        ({"max_tokens": 0}, "PANGU.3317"),
        ({"max_tokens": 4097}, "PANGU.3317"),
        ({"messages": []}, "PANGU.0010"),
        ({"messages": TEA * 21}, "PANGU.0010"),
        ({"messages": [{"content": ""}]}, "PANGU.0010"),
        ({"messages": [{"role": "user"}]}, "PANGU.3278"),
        ({"messages": [{"role": "x" * 65, "content": "x"}]}, "PANGU.0010"),
        ({"temperature": 1.1}, "PANGU.0010"),
        ({"top_p": 0}, "PANGU.0010"),
        ({"presence_penalty": -2.1}, "PANGU.0010"),
        ({"user": ""}, "PANGU.0010"),
        ({"messages": [{"content": "茶水" * 25000}]}, "PANGU.3318"),
    ],
)
def test_parameters_out_of_their_limits_are_refused_by_their_codes(cloud, body, code):
    assert refusal(chat(cloud, default_deployment(cloud), **body)) == (400, code)


@pytest.mark.parametrize(
    "body",
    [
        {"n": 1},
        {"messages": TEA * 20},
        {"temperature": 0},
        {"temperature": 1},
        {"top_p": 1},
        {"max_tokens": 4096},
    ],
)
def test_parameters_at_their_limits_are_taken(cloud, body):
    assert chat(cloud, default_deployment(cloud), **body).status == 200


def test_a_small_context_takes_a_half_more_characters_than_tokens_and_no_more(cloud):
    id = default_deployment(cloud, N4)
    assert chat(cloud, id, messages=[{"content": "茶" * 6144}]).status == 200
    assert refusal(chat(cloud, id, messages=[{"content": "茶" * 6145}])) == (400, "PANGU.3318")


def test_a_deployment_that_is_none_or_does_not_run_is_refused(cloud):
    assert refusal(chat(cloud, "none")) == (404, "PANGU.3254")
    id = deploy(cloud)
    act(cloud, id, "stop")
    assert refusal(chat(cloud, id)) == (404, "PANGU.3259")
    assert refusal(openai(cloud, model="none")) == (404, "PANGU.3254")


def test_a_deployment_of_another_kind_is_refused(cloud):
    id = next(row["deployment_id"] for row in deployments(cloud) if row["kind"] == "CV")
    assert refusal(chat(cloud, id)) == (400, "PANGU.3306")


def test_more_requests_a_second_than_allowed_are_refused(cloud):
    id = deploy(cloud, qps=2)
    assert [chat(cloud, id).status for _ in range(3)] == [200, 200, 429]
    assert refusal(chat(cloud, id)) == (429, "PANGU.3267")
    cloud.clock.advance(1)
    assert chat(cloud, id).status == 200


def test_a_refused_stream_is_ordinary_json(cloud):
    reply = chat(cloud, "none", stream=True)
    assert reply.headers["content-type"].startswith("application/json")


def test_a_request_without_credentials_is_refused_by_the_gateway(cloud):
    path = f"/v1/{cloud.project_id}/deployments/{default_deployment(cloud)}/chat/completions"
    reply = cloud.post(path, {"messages": TEA}, auth=False)
    assert (reply.status, reply.json.keys()) == (401, {"error_code", "error_msg", "request_id"})


@pytest.mark.parametrize("tools", [[], [{"type": "function", "function": {"name": "other"}}]])
def test_a_function_that_is_none_of_the_tools_cannot_be_chosen(cloud, tools):
    choice = {"type": "function", "function": {"name": "weather"}}
    reply = chat(cloud, default_deployment(cloud), tools=tools, tool_choice=choice)
    assert refusal(reply) == (400, "PANGU.0010")


MEMBERS = {
    "messages": st.lists(st.fixed_dictionaries({"content": st.text()}, optional={"role": st.text(max_size=70)})),
    "n": st.integers(-1, 4),
    "stop": st.none() | st.text() | st.lists(st.text()),
    "tools": st.lists(st.dictionaries(st.sampled_from(["type", "function"]), st.none() | st.text() | st.dictionaries(
        st.sampled_from(["name", "parameters"]), st.none() | st.text()))),
    "tool_choice": st.none() | st.text() | st.dictionaries(st.text(), st.text()),
    "max_tokens": st.integers(-1, 5000),
    "temperature": st.floats(-0.5, 1.5),
    "top_p": st.floats(-0.5, 1.5),
    "stream": st.booleans(),
    "with_prompt": st.booleans(),
    "user": st.text(max_size=70),
}  # fmt: skip


def test_whatever_is_sent_is_answered_or_refused_as_documented(cloud):
    id = default_deployment(cloud)

    @given(st.fixed_dictionaries({}, optional=MEMBERS))
    def check(options):
        reply = chat(cloud, id, **options)
        if reply.status != 200:
            assert refusal(reply)[0] == 400 and refusal(reply)[1] in documented_errors()

    check()


def test_the_catalogue_names_contexts_and_units(cloud):
    rows = {row["model"]: row for row in console(cloud, "GET", "pangu/models").json["catalogue"]}
    assert (rows[N1]["context"], rows[N1]["units"], rows[N4]["context"]) == (32768, 1, 4096)


def test_the_events_of_a_stream_have_no_name(cloud):
    told = events(chat(cloud, default_deployment(cloud), stream=True).body)
    assert all(event.keys() == {"data"} for event in told)
