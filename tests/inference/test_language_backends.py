"""Answers that are scripted, and what limits, caches and profiles say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.inference.language.asked import Asked, BackendFailed
from modelarts_emulator.inference.language.builtin import Builtin
from modelarts_emulator.inference.language.gguf import Gguf
from modelarts_emulator.inference.language.latency import Engine, Profile, first_token_seconds, token_seconds
from modelarts_emulator.inference.language.pictures import colours_of, film, png
from modelarts_emulator.inference.language.prefix_cache import BLOCK, PrefixCache
from modelarts_emulator.inference.language.rate_limits import RateLimiter
from modelarts_emulator.inference.language.scores import bleu, rouge
from modelarts_emulator.inference.language.scripted import BadScript, Scripted
from modelarts_emulator.inference.language.sharing import relevance, vector
from modelarts_emulator.inference.language.upstream import Upstream, sse_frames

BUILTIN = Builtin(fixture("pangu/text/corpus"))


def ask(rows, question, **options):
    options = {"model": "pangu", **options}
    return Scripted(rows, BUILTIN).reply(Asked(messages=[{"role": "user", "content": question}], **options))


def test_the_first_row_that_matches_answers():
    rows = [{"match": {"contains": "tea"}, "reply": "green"}, {"match": {}, "reply": "anything"}]
    assert ["".join(ask(rows, question).tokens) for question in ("tea?", "coffee?")] == ["green", "anything"]


@pytest.mark.parametrize(
    ("match", "matches"),
    [
        ({"model": "pangu"}, True),
        ({"model": "other"}, False),
        ({"last_message": "order 12"}, True),
        ({"last_message": "order"}, False),
        ({"regex": r"order (\d+)"}, True),
        ({"regex": r"^12"}, False),
        ({"role": "tool"}, False),
        ({"has_tools": False, "contains": "12"}, True),
    ],
)
def test_a_row_matches_on_all_it_says(match, matches):
    assert ("".join(ask([{"match": match, "reply": "scripted"}], "order 12").tokens) == "scripted") == matches


def test_groups_of_the_regular_expression_go_into_the_reply():
    rows = [{"match": {"regex": r"order (\d+)"}, "reply": "order {1} of {0} {9}"}]
    assert "".join(ask(rows, "my order 12 please").tokens) == "order 12 of order 12 {9}"


def test_a_scripted_tool_call_ends_as_tool_calls():
    reply = ask([{"tool_calls": [{"name": "look", "arguments": {"at": 1}}]}], "x")
    assert (reply.tool_calls[0]["function"], reply.finish_reason) == (
        {"name": "look", "arguments": '{"at": 1}'},
        "tool_calls",
    )


def test_a_scripted_reply_ends_at_its_limit():
    reply = ask([{"reply": ["a", "b", "c"]}], "x", most=2)
    assert (list(reply.tokens), reply.finish_reason) == (["a", "b"], "length")


def test_what_a_script_thinks_counts_towards_its_limit():
    reply = ask([{"reasoning": "a b c d", "reply": ["e", "f"]}], "x", most=3)
    assert ("".join(reply.reasoning), list(reply.tokens), reply.finish_reason) == ("a b c", [], "length")


def test_a_scripted_tool_call_breaks_off_at_the_limit_and_none_follows():
    calls = [{"name": "look", "arguments": {"at": 1}}, {"name": "go", "arguments": {}}]
    reply = ask([{"tool_calls": calls}], "x", most=4)
    assert [call["function"] for call in reply.tool_calls] == [{"name": "look", "arguments": '{"at'}]
    assert reply.finish_reason == "length"


@pytest.mark.parametrize("row", [{"say": "x"}, {"match": {"like": "x"}}, {"match": {"regex": "("}}, "x"])
def test_a_script_that_nobody_understands_is_refused_naming_the_row(row):
    with pytest.raises(BadScript, match="row 1"):
        Scripted([{"reply": "x"}, row], BUILTIN)


def test_a_script_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "script.json").write_text('{"reply": "x"}')
    with pytest.raises(BadScript, match="list of rows"):
        Scripted.from_file(str(tmp_path / "script.json"), BUILTIN)


def test_an_upstream_that_is_not_there_says_so():
    with pytest.raises(BackendFailed, match="does not answer"):
        Upstream("http://127.0.0.1:9/v1").reply(Asked("m", [{"role": "user", "content": "x"}]))


@pytest.mark.parametrize("url", ["", "ftp://host/v1", "host:80"])
def test_an_upstream_needs_an_http_address(url):
    with pytest.raises(ValueError, match="no http"):
        Upstream(url)


@pytest.mark.parametrize(
    "frame",
    [
        "NaN",
        "[]",
        '{"choices": [1]}',
        '{"choices": {"delta": 1}}',
        '{"choices": [{"delta": {"content": 7}}]}',
        '{"choices": [{"delta": {"content": "\\ud800"}}]}',
        '{"choices": [{"delta": {"tool_calls": [{"index": 1e12}]}}]}',
        '{"choices": [{"delta": {}, "finish_reason": ["stop"]}]}',
        '{"usage": {"prompt_tokens": -1e300}}',
        '{"usage": 5}',
        "[" * 2000 + "]" * 2000,
    ],
)
def test_a_frame_of_an_upstream_that_is_not_openais_breaks_off(frame):
    with pytest.raises(ValueError):
        list(sse_frames([b"data: " + frame.encode(), b"data: [DONE]"]))


def test_a_gguf_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(BackendFailed, match=r"xllamacpp|there is no file"):
        Gguf(str(tmp_path / "none.gguf")).reply(Asked("m"))


def test_a_minute_later_requests_are_let_through_again():
    limiter = RateLimiter()
    assert [limiter.admit(0.0, 2, None) for _ in range(3)] == [None, None, "rpm"]
    assert (limiter.wait(30.0, "rpm"), limiter.admit(59.9, 2, None), limiter.admit(60.0, 2, None)) == (
        30,
        "rpm",
        None,
    )


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 5)), max_size=60), st.integers(1, 10))
def test_no_window_ever_holds_more_requests_than_its_limit(steps, limit):
    limiter, now, admitted = RateLimiter(), 0.0, []
    for wait, number in steps:
        now += wait
        admitted += [now for _ in range(number) if limiter.admit(now, limit, None) is None]
    assert all(sum(at - 60 < other <= at for other in admitted) <= limit for at in admitted)


def test_a_request_below_the_token_limit_runs_and_the_next_waits():
    limiter = RateLimiter()
    assert limiter.admit(0.0, None, 100) is None
    limiter.use(0.0, 5000)
    assert (limiter.admit(1.0, None, 100), limiter.admit(61.0, None, 100)) == ("tpm", None)


def test_only_whole_blocks_of_a_shared_beginning_are_cached():
    cache = PrefixCache()
    prompt = [str(number) for number in range(3 * BLOCK + 7)]
    assert cache.admit("m", prompt) == 0
    assert cache.admit("m", prompt) == 3 * BLOCK
    assert cache.admit("m", [*prompt[: 2 * BLOCK - 1], "else", *prompt]) == BLOCK
    assert cache.admit("other", prompt) == 0


def test_the_cache_forgets_what_was_not_used_for_longest():
    cache = PrefixCache(most=2)
    first, second = [["a"] * BLOCK, ["b"] * BLOCK]
    for prompt in (first, second, first, ["c"] * BLOCK):
        cache.admit("m", prompt)
    assert (cache.admit("m", first), cache.admit("m", second), len(cache)) == (BLOCK, 0, 2)


def test_a_profile_is_zero_unless_it_says_otherwise():
    assert first_token_seconds(Profile(), Engine(), 1000, 0, True) == token_seconds(Profile(), Engine()) == 0


def test_a_cached_prefix_shortens_the_prefill_and_a_graph_is_compiled_once():
    profile = Profile.parsed("queue=1,prefill_per_token=0.01,graph_compile=60")
    eager, graph = Engine(), Engine(enforce_eager=False)
    assert first_token_seconds(profile, eager, 200, 128, True) == pytest.approx(1.72)
    assert first_token_seconds(profile, graph, 0, 0, True) == 61
    assert first_token_seconds(profile, graph, 0, 0, False) == 1
    assert first_token_seconds(profile, Engine(enforce_eager=False, compile_cache=True), 0, 0, True) == 1


def test_each_switch_of_the_engine_makes_tokens_faster():
    profile = Profile.parsed("per_token=0.01,scheduler=0.08,detokenise=0.004,vocabulary=0.008")
    slow = Engine(num_scheduler_steps=1, use_vocab_parallel=False)
    assert token_seconds(profile, slow) == pytest.approx(0.102)
    assert token_seconds(profile, Engine(num_scheduler_steps=8, use_vocab_parallel=False)) == pytest.approx(
        0.032
    )
    assert token_seconds(profile, Engine(defer_decode=True)) == pytest.approx(0.022)


@pytest.mark.parametrize("text", ["speed=1", "queue=-1", "queue=x", "queue=9999"])
def test_a_profile_that_nobody_understands_is_refused(text):
    with pytest.raises(ValueError):
        Profile.parsed(text)


def cosine(one, other):
    return sum(a * b for a, b in zip(vector(one), vector(other), strict=True))


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("这是一只小猫", "那是一只小猫", "今天股票上涨了"),
        ("how to brew coffee", "brewing good coffee", "the capital of France"),
    ],
)
def test_similar_texts_lie_closer_than_others(text, near, far):
    assert cosine(text, text) == pytest.approx(1, abs=1e-5)
    assert cosine(text, near) > cosine(text, far) + 0.2


@given(st.text(max_size=40))
def test_a_vector_has_length_one_and_is_always_the_same(text):
    assert sum(value * value for value in vector(text, 64)) == pytest.approx(1, abs=1e-5)
    assert vector(text, 64) == vector(text, 64)


def test_the_document_that_speaks_of_the_query_is_the_most_relevant():
    documents = ["咖啡豆的产地在赤道附近", "手冲咖啡的技巧是控制水流和水温", "猫是动物"]
    assert max(documents, key=lambda text: relevance("如何手冲咖啡", text)) == documents[1]


def test_bleu_and_rouge_are_full_for_the_reference_itself_and_less_for_others():
    text = "模型训练的第一步是整理数据"
    assert bleu([text], [text]) == pytest.approx(100)
    assert 0 < bleu(["模型训练的第一步是买数据"], [text]) < 90
    assert rouge([text], [text]) == {"rouge1": 100, "rouge2": 100, "rougeL": 100}
    assert rouge(["the cat sat"], ["the cat lay"]) == {"rouge1": 66.6667, "rouge2": 50.0, "rougeL": 66.6667}


def test_a_picture_is_a_png_of_its_size_that_follows_from_its_names():
    content = png(64, 48, colours_of("cat", 1))
    assert content[:8] == b"\x89PNG\r\n\x1a\n" and content[16:24] == bytes([0, 0, 0, 64, 0, 0, 0, 48])
    assert content == png(64, 48, colours_of("cat", 1)) != png(64, 48, colours_of("cat", 2))


def boxes(content: bytes) -> dict:
    """{kind: content} of the boxes of an MP4 at one level."""
    found, at = {}, 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4])
        found[content[at + 4 : at + 8]] = content[at + 8 : at + size]
        at += size
    return found


def test_the_frames_of_a_film_lie_where_its_index_says():
    content = film(64, 48, 8, 3, colours_of("cat"))
    table = boxes(boxes(boxes(boxes(boxes(boxes(content)[b"moov"])[b"trak"])[b"mdia"])[b"minf"])[b"stbl"])
    number = int.from_bytes(table[b"stco"][4:8])
    offsets = [int.from_bytes(table[b"stco"][8 + 4 * at : 12 + 4 * at]) for at in range(number)]
    assert number == 24 == int.from_bytes(table[b"stsz"][8:12])
    assert all(content[at : at + 8] == b"\x89PNG\r\n\x1a\n" for at in offsets)


def test_a_corpus_is_json_that_the_model_can_say_in_full():
    assert json.dumps(BUILTIN.corpus) and all(BUILTIN.corpus[name]["sentences"] for name in ("zh", "en"))
