"""Text with deployed Pangu models: completions, tokens, vectors."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.behaviours.maas.conftest import console
from tests.behaviours.pangu.conftest import N1, chat, default_deployment, deployments, path_of
from tests.behaviours.transcripts import chunks, events


def complete(cloud, **body):
    return cloud.post(path_of(default_deployment(cloud), "text"), {"prompt": "泡绿茶", **body})


def tokens(cloud, data, **body):
    path = f"/v1/{{project_id}}/deployments/{default_deployment(cloud)}/caltokens"
    return cloud.post(path, {"data": data, **body})


def test_a_completion_has_text_and_usage(cloud):
    answer = complete(cloud).json
    assert answer.keys() == {"id", "created", "choices", "usage"}
    assert "绿茶" in answer["choices"][0]["text"]


def test_a_pool_answers_as_the_v1_path_does(cloud):
    path = f"/v2/{{project_id}}/pools/p/deployments/{default_deployment(cloud)}/text/completions"
    assert cloud.post(path, {"prompt": "泡绿茶"}).json["choices"] == complete(cloud).json["choices"]


def test_frames_hold_text_and_say_the_same(cloud):
    reply = complete(cloud, stream=True)
    assert reply.body.startswith(b"data:{") and reply.body.endswith(b"data:[DONE]\n\n")
    told = chunks(reply.body)
    assert (
        "".join(chunk["choices"][0]["text"] for chunk in told) == complete(cloud).json["choices"][0]["text"]
    )
    assert told[-1]["usage"] == complete(cloud).json["usage"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"prompt": ""}, "PANGU.0010"),
        ({"prompt": "茶水" * 25000}, "PANGU.3318"),
        ({"n": 2, "stream": True}, "PANGU.3321"),
        ({"max_tokens": 5000}, "PANGU.3317"),
    ],
)
def test_a_completion_out_of_its_limits_is_refused(cloud, body, code):
    reply = complete(cloud, **body)
    assert (reply.status, reply.json["error_code"]) == (400, code)


def test_counted_tokens_agree_with_the_usage(cloud):
    said = chat(cloud, default_deployment(cloud), messages=[{"content": "怎样泡 green tea?"}]).json
    counted = tokens(cloud, ["怎样泡 green tea?"]).json
    assert counted["token_number"] == said["usage"]["prompt_tokens"] == len(counted["tokens"])
    answer = said["choices"][0]["message"]["content"]
    assert (
        tokens(cloud, [answer], with_prompt=True).json["token_number"] == said["usage"]["completion_tokens"]
    )


def test_a_whole_conversation_is_counted_as_a_chat_counts_it(cloud):
    texts = ["你好", "你好！", "怎样泡茶？"]
    messages = [
        {"role": role, "content": text}
        for role, text in zip(("user", "assistant", "user"), texts, strict=True)
    ]
    used = chat(cloud, default_deployment(cloud), messages=messages).json["usage"]
    assert tokens(cloud, texts).json["token_number"] == used["prompt_tokens"]


def test_an_even_number_of_texts_is_no_conversation(cloud):
    reply = tokens(cloud, ["a", "b"])
    assert (reply.status, reply.json["error_code"]) == (400, "PANGU.3305")


def test_counted_tokens_joined_are_the_text(cloud):
    @given(st.text(min_size=1))
    def check(text):
        assert "".join(tokens(cloud, [text], with_prompt=True).json["tokens"]) == text

    check()


def search(cloud, what, body):
    id = next(row["deployment_id"] for row in deployments(cloud) if row["kind"] == "SEARCH")
    return cloud.post(f"/v1/{{project_id}}/infer-api/proxy/service/{id}/app/search/v1/{what}", body)


def cosine(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_similar_queries_have_vectors_that_lie_close(cloud):
    texts = ("怎样泡绿茶", "如何泡绿茶", "台风的路径")
    vectors = [search(cloud, "vector/query", {"query": text}).json["embedding"][0] for text in texts]
    assert cosine(*vectors[:2]) > cosine(vectors[0], vectors[2]) + 0.2


def test_a_blank_query_says_why_in_the_body_of_an_answer(cloud):
    reply = search(cloud, "vector/query", {"query": " "})
    assert (reply.status, reply.json["embedding"], reply.json["ret"]) == (400, [], "1")


def test_an_embedding_needs_a_deployment_that_searches(cloud):
    path = f"/v1/{{project_id}}/infer-api/proxy/service/{default_deployment(cloud, N1)}/app/search/v1/vector/query"
    assert cloud.post(path, {"query": "x"}).json["error_code"] == "PANGU.3306"


def test_documents_are_ranked_by_what_they_say_of_the_query(cloud):
    docs = ["台风的路径", {"content": "泡绿茶的水温"}]
    rows = search(cloud, "rerank", {"query": "怎样泡绿茶", "docs": docs}).json["scores"]
    assert [row["index"] for row in rows] == [1, 0]


@pytest.mark.parametrize(
    "body", [{}, {"query": "x"}, {"query": "x", "docs": []}, {"query": "x", "docs": [1]}]
)
def test_ranking_needs_a_query_and_documents(cloud, body):
    reply = search(cloud, "rerank", body)
    assert reply.status == 400 and reply.json["error_code"].startswith("PANGU.")


def test_css_embeds_queries_and_documents_by_the_weight_of_their_fields(cloud):
    (query,) = cloud.post("/embedding/query", {"query": ["泡绿茶"]}).json["embedding"]
    body = {
        "docs": [{"title": "泡绿茶", "text": "水温"}, {"title": "台风", "text": "路径"}],
        "weight": {"title": 5, "text": 1},
    }
    near, far = cloud.post("/embedding/batch", body).json["embedding"]
    assert cosine(query, near) > cosine(query, far) + 0.5


@pytest.mark.parametrize(
    "body", [{"docs": [{}], "weight": {"title": 1}}, {"docs": [{"a": "x"}], "weight": {}}]
)
def test_css_needs_every_weighted_field(cloud, body):
    assert cloud.post("/embedding/batch", body).json["error_code"] == "PANGU.0010"


SET = [
    ("怎样泡绿茶？", "泡绿茶的水温在八十度左右比较合适，时间不要太长。"),
    ("什么是微调？", "微调是在已有模型上继续训练。"),
]


def test_an_evaluation_measures_what_a_deployment_says_of_a_test_set(cloud):
    lines = [json.dumps({"context": context, "target": target}) for context, target in SET]
    cloud.world.obs.create_bucket("tests")
    cloud.world.obs.write("tests", "set.jsonl", "\n".join(lines).encode())
    body = {"deployment_id": default_deployment(cloud), "dataset": "obs://tests/set.jsonl"}
    made = console(cloud, "POST", "pangu/evaluations", body).json
    assert (made["status"], made["samples"], "scores" in made) == ("waiting", 2, False)
    cloud.clock.advance("1h")
    shown = console(cloud, "GET", f"pangu/evaluations/{made['evaluation_id']}").json
    scores = shown["scores"]
    assert shown["status"] == "completed" and scores["PPL"] > 1
    assert 5 < scores["BLEU"] < 100 and 10 < scores["ROUGE"]["rougeL"] < 100


@pytest.mark.parametrize(
    "change", [{"dataset": "obs://none/x"}, {"metrics": ["F1"]}, {"metrics": []}, {"speed": 1}]
)
def test_an_evaluation_of_nothing_is_refused(cloud, change):
    body = {"deployment_id": default_deployment(cloud), "dataset": "obs://tests/none", **change}
    assert console(cloud, "POST", "pangu/evaluations", body).status == 400


def test_a_line_without_a_target_is_named(cloud):
    cloud.world.obs.create_bucket("tests")
    cloud.world.obs.write("tests", "set.jsonl", b'{"context": "x", "target": "y"}\n{"context": "x"}')
    body = {"deployment_id": default_deployment(cloud), "dataset": "obs://tests/set.jsonl"}
    assert "line 2" in console(cloud, "POST", "pangu/evaluations", body).json["error_msg"]


def test_no_event_of_a_completion_is_named(cloud):
    assert all(event.keys() == {"data"} for event in events(complete(cloud, stream=True).body))
