"""Plain completions, vectors and documents in order."""

import base64
import struct
from statistics import fmean

import pytest
from modelarts_emulator.behaviours.maas.generation import builtin
from modelarts_emulator.inference.language.tokenizer import tokens

from tests.behaviours.maas.conftest import key_of, set_model
from tests.behaviours.transcripts import chunks


def complete(cloud, **body):
    return cloud.post("/v1/completions", {"model": "deepseek-v3", "prompt": "Good coffee", **body})


def test_a_completion_says_sixteen_tokens_unless_told_otherwise(cloud):
    answer = complete(cloud, ignore_eos=True).json
    assert (answer["object"], answer["usage"]["completion_tokens"]) == ("text_completion", 16)
    assert answer["choices"][0]["finish_reason"] == "length"


def test_a_model_server_asks_for_no_key(cloud):
    reply = cloud.post("/v1/completions", {"model": "deepseek-v3", "prompt": "x"}, auth=False)
    assert reply.status == 200


def test_each_prompt_is_answered_as_often_as_asked(cloud):
    answer = complete(cloud, prompt=["tea", "coffee"], n=2, max_tokens=8).json
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert answer["usage"]["prompt_tokens"] == 2


def test_a_stream_says_what_the_answer_says(cloud):
    told = chunks(complete(cloud, stream=True, stream_options={"include_usage": True}).body)
    text = "".join(choice["text"] for chunk in told for choice in chunk["choices"])
    whole = complete(cloud).json
    assert (text, told[-1]["usage"]) == (whole["choices"][0]["text"], whole["usage"])


def test_echo_repeats_the_prompt_and_probabilities_name_each_token(cloud):
    choice = complete(cloud, echo=True, logprobs=1, max_tokens=4).json["choices"][0]
    told = choice["logprobs"]
    assert choice["text"].startswith("Good coffee")
    assert choice["text"] == "".join(told["tokens"])
    assert all(
        choice["text"].startswith(token, at)
        for at, token in zip(told["text_offset"], told["tokens"], strict=True)
    )
    assert (told["token_logprobs"][0], told["top_logprobs"][0]) == (None, None)


@pytest.mark.parametrize("echo", [False, True])
def test_the_frames_of_a_stream_name_the_same_probabilities(cloud, echo):
    asked = {"logprobs": 1, "max_tokens": 4, "echo": echo}
    whole = complete(cloud, **asked).json["choices"][0]["logprobs"]
    frames = [chunk["choices"][0]["logprobs"] for chunk in chunks(complete(cloud, stream=True, **asked).body)]
    for member, values in whole.items():
        assert [value for frame in frames if frame for value in frame[member]] == values


def test_more_documents_than_any_integer_counts_are_not_asked_for(cloud):
    body = b'{"model": "bge-reranker-v2-m3", "query": "a", "documents": ["a"], "top_n": 1e308}'
    reply = cloud.post("/v1/rerank", body, headers=key_of(cloud))
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.81001")


@pytest.mark.parametrize("number", [-1, 21])
def test_a_number_of_alternatives_that_cannot_be_is_refused(cloud, number):
    reply = complete(cloud, logprobs=number)
    assert (reply.status, reply.json["type"]) == (400, "BadRequestError")


def test_the_best_of_several_is_the_most_probable(cloud):
    texts = [complete(cloud, seed=3, best_of=of, max_tokens=30).json["choices"][0]["text"] for of in (1, 8)]
    scores = [fmean(builtin().probabilities.log_probabilities(tokens(text))) for text in texts]
    assert scores[1] >= scores[0]


def test_a_pangu_deployment_is_served_under_its_name(cloud):
    assert complete(cloud, model="pangu-nlp-n1-32k").json["model"].startswith("pangu-nlp-n1-32k_")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"model": "none"}, 404, "NotFoundError"),
        ({"prompt": []}, 400, "BadRequestError"),
        ({"prompt": ["x", 1]}, 400, "BadRequestError"),
        ({"prompt": [[-1]]}, 400, "BadRequestError"),
        ({"max_tokens": 200000}, 400, "BadRequestError"),
        ({"max_tokens": 0}, 400, "BadRequestError"),
        ({"top_p": 2}, 400, "BadRequestError"),
        ({"n": 2, "temperature": 0}, 400, "BadRequestError"),
        ({"unknown": 1}, 400, "BadRequestError"),
    ],
)
def test_the_model_server_refuses_in_its_own_form(cloud, body, status, kind):
    reply = complete(cloud, **body)
    assert (reply.status, reply.json["object"], reply.json["type"], reply.json["code"]) == (
        status, "error", kind, status,
    )  # fmt: skip


def embed(cloud, input, **body):
    return cloud.post("/v1/embeddings", {"model": "bge-m3", "input": input, **body}, headers=key_of(cloud))


def test_vectors_have_1024_dimensions_and_the_order_of_the_texts(cloud):
    one, other = embed(cloud, "小猫").json, embed(cloud, ["小狗", "小猫"]).json
    assert len(one["data"][0]["embedding"]) == 1024
    assert other["data"][1]["embedding"] == one["data"][0]["embedding"]
    assert one["usage"] == {
        "prompt_tokens": 1, "total_tokens": 1, "completion_tokens": 0, "prompt_tokens_details": None,
    }  # fmt: skip


def test_base64_holds_the_same_numbers_as_floats(cloud):
    packed = base64.b64decode(embed(cloud, "小猫", encoding_format="base64").json["data"][0]["embedding"])
    numbers = embed(cloud, "小猫").json["data"][0]["embedding"]
    assert struct.unpack("<1024f", packed) == pytest.approx(numbers)


@pytest.mark.parametrize("input", ["", [], ["x", ""], "茶水" * 9000])
def test_nothing_and_too_much_cannot_be_embedded(cloud, input):
    assert embed(cloud, input).status == 400


def test_used_tokens_count_towards_the_limit(cloud):
    set_model(cloud, "bge-m3", tpm=1)
    assert [embed(cloud, "小猫").status for _ in range(2)] == [200, 429]


def rerank(cloud, **body):
    asked = {
        "model": "bge-reranker-v2-m3",
        "query": "如何手冲咖啡",
        "documents": ["猫是动物", "手冲咖啡的技巧", "咖啡豆"],
    }
    return cloud.post("/v1/rerank", {**asked, **body}, headers=key_of(cloud))


def test_documents_come_back_the_most_relevant_first(cloud):
    results = rerank(cloud).json["results"]
    assert [row["index"] for row in results] == [1, 2, 0]
    assert results[0]["document"] == {"text": "手冲咖啡的技巧"}
    scores = [row["relevance_score"] for row in results]
    assert scores == sorted(scores, reverse=True) and 0 <= scores[-1] < scores[0] <= 1


@pytest.mark.parametrize(
    "body", [{"query": ""}, {"documents": []}, {"model": "bge-m3"}, {"documents": ["茶水" * 9000]}]
)
def test_what_cannot_be_ranked_is_refused(cloud, body):
    assert 400 <= rerank(cloud, **body).status < 500


def test_rerank_answers_the_first_top_n_and_leaves_documents_out_when_told(cloud):
    results = rerank(cloud, top_n=1, return_documents=False).json["results"]
    assert [row.keys() for row in results] == [{"index", "relevance_score"}]


@pytest.mark.parametrize("ask", [rerank])
def test_members_that_no_document_names_are_passed_over_but_in_chats(cloud, ask):
    assert ask(cloud, user="somebody").status == 200
