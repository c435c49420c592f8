"""Agents and workflows, heard as streams of events."""

import json
from itertools import pairwise
from uuid import uuid4

import pytest
from modelarts_emulator.contract.facts import fixture

from tests.behaviours.transcripts import events
from tests.conftest import refusal

TRAVEL, PLAIN = (row["agent_id"] for row in fixture("pangu/agents/agents")["agents"])
ANSWERING, ORDERS = (row["workflow_id"] for row in fixture("pangu/agents/agents")["workflows"])
STREAM = {"stream": "true"}
KEY = [{"plugin_id": "p1d3b8a4-orders", "plugin_configs": {"api_key": "x"}}]
both_paths = pytest.mark.parametrize("prefix", ["agent-run/", ""])


def ask(cloud, agent, query, conversation=None, prefix="agent-run/"):
    path = f"/v1/{{project_id}}/{prefix}agents/{agent}/conversations/{conversation or uuid4()}"
    return cloud.post(path, {"query": query}, headers=STREAM)


def run(cloud, workflow, inputs, conversation=None, prefix="agent-run/", stream="true", configs=None):
    path = f"/v1/{{project_id}}/{prefix}workflows/{workflow}/conversations/{conversation or uuid4()}"
    body = {"inputs": inputs} | ({"plugin_configs": configs} if configs else {})
    return cloud.post(path, body, headers={"stream": stream} if stream else {})


def heard(reply):
    """The events of a stream."""
    assert reply.status == 200 and reply.headers["content-type"] == "text/event-stream", reply
    return [json.loads(event["data"]) for event in events(reply.body)]


def names(told):
    """The names of events, those that repeat once."""
    return list(dict.fromkeys(event["event"] for event in told))


def said(told):
    """The text of all messages."""
    return "".join((event.get("data") or event)["content"] for event in told if event["event"] == "message")


def prompt_tokens(cloud):
    """How many tokens all models have read so far."""
    text = cloud.get("/metrics").body.decode()
    counts = [line for line in text.splitlines() if line.startswith("vllm:prompt_tokens_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in counts)


@both_paths
def test_an_agent_starts_speaks_and_ends(cloud, prefix):
    told = heard(ask(cloud, PLAIN, "How do I brew green tea?", prefix=prefix))
    assert names(told) == ["start", "message", "end"]
    assert "tea" in said(told) and len([event for event in told if event["event"] == "message"]) > 5
    assert all(event["createdTime"] == int(cloud.clock.now() * 1000) for event in told)
    assert told[-1]["latency"].keys() == {"firstToken", "plugin", "total"}


def test_an_agent_calls_its_plugin_and_tells_what_that_said(cloud):
    told = heard(ask(cloud, TRAVEL, "上海天气怎么样？"))
    assert names(told) == ["start", "plugin", "message", "end"]
    (plugin,) = (event for event in told if event["event"] == "plugin")
    assert plugin["plugin"]["plugin_id"] == "p1d3b8a4-weather"
    assert plugin["plugin"]["request"].keys() == {"city"}
    assert plugin["content"] in said(told)


def test_a_conversation_is_remembered(cloud):
    conversation = str(uuid4())
    heard(ask(cloud, PLAIN, "My name is Ada.", conversation))
    again = said(heard(ask(cloud, PLAIN, "How do I brew green tea?", conversation)))
    remembered = cloud.world.store.table(f"pangu/agents/conversation/{cloud.project_id}")
    messages = remembered.find(f"{PLAIN}/{conversation}")["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    assert messages[0]["content"] == "My name is Ada." and messages[-1]["content"] == again


def test_the_memory_of_a_conversation_reaches_the_model(cloud):
    conversation, used = str(uuid4()), [0]
    for _ in range(3):
        heard(ask(cloud, PLAIN, "How do I brew green tea?", conversation))
        used.append(prompt_tokens(cloud))
    steps = [after - before for before, after in pairwise(used)]
    assert steps[0] < steps[1] < steps[2]


def test_a_memory_keeps_the_latest_messages_only(cloud):
    conversation = str(uuid4())
    for at in range(12):
        heard(ask(cloud, PLAIN, f"tea {at}", conversation))
    table = cloud.world.store.table(f"pangu/agents/conversation/{cloud.project_id}")
    messages = table.find(f"{PLAIN}/{conversation}")["messages"]
    assert len(messages) == 20 and messages[0]["content"] == "tea 2"


@both_paths
def test_an_agent_only_streams(cloud, prefix):
    path = f"/v1/{{project_id}}/{prefix}agents/{PLAIN}/conversations/{uuid4()}"
    refused = cloud.post(path, {"query": "hi"}, headers={"stream": "false"})
    assert refusal(refused) == (400, "Versatile.03001001") and "must be true" in refused.json["error_msg"]


def test_an_empty_query_is_refused(cloud):
    assert refusal(ask(cloud, PLAIN, "")) == (400, "Versatile.03001001")


def test_a_query_longer_than_the_model_reads_is_refused(cloud):
    assert refusal(ask(cloud, PLAIN, "tea " * 40_000)) == (400, "Versatile.03001001")


def test_what_nobody_made_is_not_found(cloud):
    assert refusal(ask(cloud, str(uuid4()), "hi")) == (404, "Versatile.03001003")
    assert refusal(run(cloud, str(uuid4()), {"query": "hi"})) == (404, "Versatile.03001003")


@both_paths
def test_a_workflow_tells_of_each_node(cloud, prefix):
    told = heard(run(cloud, ANSWERING, {"query": "How do I brew green tea?"}, prefix=prefix))
    assert names(told) == [
        "workflow_started",
        "node_started",
        "node_finished",
        "message",
        "workflow_finished",
        "end",
    ]
    finished = [event["data"] for event in told if event["event"] == "node_finished"]
    assert [node["node_type"] for node in finished] == ["Start", "LLM", "End"]
    assert all(node["status"] == {"code": 0, "desc": "succeeded"} for node in finished)


def test_a_workflow_ends_with_all_that_was_said(cloud):
    conversation = str(uuid4())
    told = heard(run(cloud, ANSWERING, {"query": "How do I brew green tea?"}, conversation))
    end = told[-1]["data"]
    assert end["conversation_id"] == conversation
    assert end["outputs"] == {"responseContent": said(told)} and "tea" in said(told)


def test_a_workflow_waits_for_an_answer_and_goes_on_with_it(cloud):
    conversation = str(uuid4())
    first = heard(run(cloud, ORDERS, {"query": "我的订单在哪？"}, conversation))
    assert first[-1]["event"] == "node_wait" and "订单号" in first[-1]["data"]["message"]
    second = heard(run(cloud, ORDERS, {"query": "A-17"}, conversation, configs=KEY))
    assert said(second) == "订单 A-17："
    assert second[-1]["data"]["outputs"]["responseContent"] == "已发货，预计明天送达。"
    third = heard(run(cloud, ORDERS, {"query": "again"}, conversation))
    assert third[-1]["event"] == "node_wait"


@pytest.mark.parametrize(
    ("order", "configs", "words"), [("404", KEY, "没有这个订单"), ("1", None, "api_key")]
)
def test_a_plugin_that_fails_ends_the_workflow_with_an_error(cloud, order, configs, words):
    conversation = str(uuid4())
    heard(run(cloud, ORDERS, {"query": "?"}, conversation))
    told = heard(run(cloud, ORDERS, {"query": order}, conversation, configs=configs))
    assert names(told)[-2:] == ["exception", "error"] and words in told[-1]["data"]["message"]
    assert told[-3]["data"]["node_status"] == "failed"


def test_the_later_path_answers_without_a_stream_too(cloud):
    reply = run(cloud, ANSWERING, {"query": "How do I brew green tea?"}, prefix="", stream="false")
    assert reply.status == 200 and "tea" in reply.json["outputs"]["responseContent"]
    waiting = run(cloud, ORDERS, {"query": "?"}, prefix="", stream="false").json
    assert waiting["node_status"] == "waiting"


def test_the_older_path_only_streams(cloud):
    assert refusal(run(cloud, ANSWERING, {"query": "x"}, stream="false")) == (400, "Versatile.03001001")
    assert names(heard(run(cloud, ANSWERING, {"query": "x"}, stream="")))[-1] == "end"


@pytest.mark.parametrize("inputs", [{}, {"query": "x", "other": 1}])
def test_inputs_are_those_of_the_start_node(cloud, inputs):
    assert refusal(run(cloud, ANSWERING, inputs)) == (400, "Versatile.03001001")


def define(cloud, kind, id, **definition):
    return cloud.put(f"/_emulator/pangu/{kind}/{id}?world={cloud.world.tag}", definition, auth=False)


def node(kind, id, **members):
    return {"node_id": id, "node_name": id, "node_type": kind, **members}


def test_an_agent_of_ones_own_calls_a_plugin_of_ones_own(cloud):
    schema = {"type": "object", "properties": {"symbol": {"type": "string"}}, "required": ["symbol"]}
    answers = [{"when": {}, "answer": "{{symbol}} costs 42"}]
    facts = {"name": "get_stock_price", "description": "stock price", "parameters": schema, "needs": []}
    assert define(cloud, "plugins", "stocks", **facts, answers=answers).status == 200
    agent = {"name": "broker", "model": "Pangu-NLP-N1-Chat-32K-20241130", "prompt": "", "plugins": ["stocks"]}
    assert define(cloud, "agents", "broker", **agent).status == 200
    told = heard(ask(cloud, "broker", "What is the stock price of ACME?"))
    assert "costs 42" in said(told)
    listed = cloud.get(f"/_emulator/pangu/agents?world={cloud.world.tag}", auth=False).json["agents"]
    assert {row["agent_id"] for row in listed} == {TRAVEL, PLAIN, "broker"}


def test_a_workflow_of_ones_own_runs(cloud):
    nodes = [
        node("Start", "a"),
        node("Message", "b", text="hello {{who}}"),
        node("End", "c", output="{{b}}!"),
    ]
    assert define(cloud, "workflows", "greeting", name="g", inputs=["who"], nodes=nodes).status == 200
    assert heard(run(cloud, "greeting", {"who": "Ada"}))[-1]["data"]["outputs"] == {
        "responseContent": "hello Ada!"
    }


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([], "nodes"),
        ([node("Start", "a")], "must be of type End"),
        ([node("End", "a")], "nodes[0]"),
        ([node("End", "a", output="x")] * 2, "same node_id"),
        ([node("Question", "q", question="?", answered_by="y"), node("End", "e", output="x")], "answered_by"),
    ],
)
def test_a_definition_that_could_not_run_is_refused(cloud, nodes, words):
    reply = define(cloud, "workflows", "w", name="w", inputs=["x"], nodes=nodes)
    assert reply.status == 400 and words in reply.body.decode()


@pytest.mark.parametrize("kind", ["agents", "workflows", "plugins"])
def test_what_is_there_from_the_start_would_be_taken_as_ones_own(cloud, kind):
    for row in fixture("pangu/agents/agents")[kind]:
        id = f"{kind[:-1]}_id"
        told = {name: value for name, value in row.items() if name != id}
        assert define(cloud, kind, row[id], **told).json == row
