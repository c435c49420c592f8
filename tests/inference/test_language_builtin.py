"""What the built-in model says."""

import json
import re
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.inference.language.asked import Asked
from modelarts_emulator.inference.language.builtin import Builtin
from modelarts_emulator.inference.language.guided import GuideImpossible
from modelarts_emulator.inference.language.tokenizer import count

MODEL = Builtin(fixture("pangu/text/corpus"))
WEATHER = {
    "name": "get_current_weather",
    "description": "Get the current weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        "required": ["location"],
    },
}
TOOLS = [{"type": "function", "function": WEATHER}]


def ask(question, **options):
    messages = options.pop("messages", [{"role": "user", "content": question}])
    return MODEL.reply(Asked("pangu", messages, **options))


def said(question, **options):
    return "".join(ask(question, **options).tokens)


@given(st.text(min_size=1, max_size=60), st.integers())
def test_the_same_question_and_seed_give_the_same_bytes(question, seed):
    assert said(question, seed=seed) == said(question, seed=seed)


def test_another_seed_or_index_gives_another_answer():
    answers = {said("What is good coffee?", seed=seed) for seed in range(10)}
    answers |= {said("What is good coffee?", index=index) for index in range(10)}
    assert len(answers) > 5


def test_greedy_answers_do_not_depend_on_the_index():
    assert said("怎样泡茶？", temperature=0, index=0) == said("怎样泡茶？", temperature=0, index=1)


@pytest.mark.parametrize(
    ("question", "word"), [("怎样泡绿茶？", "绿茶"), ("How do I brew coffee?", "coffee")]
)
def test_an_answer_speaks_of_the_question_in_its_language(question, word):
    answer = said(question)
    assert answer.count(word) >= 2
    assert bool(re.search("[\u4e00-\u9fff]", answer)) == bool(re.search("[\u4e00-\u9fff]", question))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is 17 * 23?", "17 * 23 = 391"),
        ("12加30等于多少", "12 + 30 = 42"),
        ("15% of 80 is how much?", "15 / 100 * 80 = 12"),
        ("The average of 2, 4, 9?", "average of 2, 4, 9 = 5"),
        ("How many r's are in strawberry?", 'There are 3 "r" in "strawberry".'),
        ('How many words are in "the quick brown fox"?', "There are 4 words."),
        ("“人工智能”有几个字？", "一共有4个字。"),
        ("从3数到7", "3, 4, 5, 6, 7"),
        ("Repeat after me: hello world", "hello world"),
        ("Say 'pong' and nothing else", "pong"),
        ("只回答：好的", "好的"),
        ("Reverse the word stressed", "desserts"),
        ("Sort these numbers: 10, 9, 2.5", "2.5, 9, 10"),
        ("总结：模型训练需要数据。数据要整理。整理数据很费时间。", "整理数据很费时间。"),
    ],
)
def test_what_can_be_done_with_a_question_is_done(question, answer):
    assert said(question) == answer


def test_as_many_points_are_listed_as_asked_for():
    assert [line[:2] for line in said("Give me three tips for learning Python").splitlines()] == [
        "1.",
        "2.",
        "3.",
    ]


BEFORE = [
    {"role": "system", "content": "You are a bank clerk. The branch opens at nine in the morning."},
    {"role": "user", "content": "My name is Ada. My favourite colour is green."},
    {"role": "assistant", "content": "Good to know."},
]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What is my name?", "Ada"),
        ("What is my favourite colour?", "green"),
        ("When does the branch open?", "nine in the morning"),
    ],
)
def test_what_the_conversation_has_said_is_remembered(question, words):
    assert words in said("", messages=[*BEFORE, {"role": "user", "content": question}])


@pytest.mark.parametrize(
    ("question", "words"), [("Who are you?", "built-in model"), ("你是谁？", "内置模型")]
)
def test_the_model_says_what_it_is(question, words):
    assert words in said(question)


@given(st.integers())
def test_what_nobody_told_it_the_model_says_it_does_not_know(seed):
    answer = said("What is the capital of France?", seed=seed)
    assert "capital, France" in answer and "built-in model" in answer and "tea" not in answer


def test_a_row_of_numbers_goes_on():
    assert said("", messages=[], prompt="2, 4, 6,", most=5) == "8, 10,"


@given(st.text(alphabet="0123456789+-*/^(). =?x", max_size=40))
def test_no_arithmetic_takes_the_model_out_of_its_stride(text):
    assert said(f"calculate {text}")


@pytest.mark.parametrize("text", ["a", "1", "1, ", "-", "(", "A b. ", "a@", "2 x ", "keys a, ", "how many "])
def test_no_long_text_keeps_the_model_busy(text):
    for guide in (None, {"json": {}}):
        assert said(text * (10_000 // len(text)), guide=guide, most=50)


@given(st.integers(1, 200))
def test_no_more_is_said_than_allowed(most):
    reply = ask("什么是微调？", most=most)
    number = len(list(reply.tokens))
    assert number <= most
    assert (reply.finish_reason == "length") == (
        number == most and number < len(list(ask("什么是微调？").tokens))
    )


def test_ignoring_the_end_says_exactly_as_much_as_allowed():
    assert len(list(ask("hello", most=3000, ignore_eos=True).tokens)) == 3000


def test_a_stop_string_ends_the_answer_and_is_left_out():
    whole = said("How do I brew coffee?")
    reply = ask("How do I brew coffee?", stop=("the grind", "water"))
    text = "".join(reply.tokens)
    assert whole.startswith(text) and "water" not in text
    assert (reply.finish_reason, reply.stop_reason) == ("stop", "water")


@given(st.lists(st.sampled_from(["茶", "水温", "时", "，时间", "希望这些", "不存在"]), min_size=1))
def test_stop_strings_cut_at_the_first_of_them(stop):
    whole = said("怎样泡绿茶？")
    places = [whole.find(word) for word in stop if word in whole]
    assert said("怎样泡绿茶？", stop=tuple(stop)) == whole[: min(places, default=len(whole))]


def test_a_model_that_thinks_says_its_thoughts_first_and_counts_them():
    reply = ask("怎样泡茶？", thinks=True, most=20)
    assert "怎样泡茶" in "".join(reply.reasoning)
    assert len(reply.reasoning) + len(list(reply.tokens)) == 20


def test_a_question_about_a_tool_calls_it_with_what_the_question_names():
    reply = ask("What's the weather in Beijing?", tools=TOOLS)
    function = reply.tool_calls[0]["function"]
    assert (function["name"], reply.finish_reason) == ("get_current_weather", "tool_calls")
    assert json.loads(function["arguments"])["location"] == "Beijing"


def test_a_chinese_question_finds_a_tool_described_in_english():
    assert ask("北京今天天气怎么样", tools=TOOLS).tool_calls


@pytest.mark.parametrize("options", [{"tools": TOOLS, "tool_choice": "none"}, {"tools": []}])
def test_without_tools_to_choose_from_the_answer_is_text(options):
    reply = ask("What's the weather in Beijing?", **options)
    assert not reply.tool_calls and "".join(reply.tokens)


def test_a_required_tool_is_called_whatever_the_question():
    assert ask("Tell me a story", tools=TOOLS, tool_choice="required").tool_calls
    assert not ask("Tell me a story", tools=TOOLS).tool_calls


def test_once_the_tool_has_answered_the_model_tells_what_it_said():
    messages = [
        {"role": "user", "content": "weather in Beijing?"},
        {"role": "tool", "content": "sunny, 21 degrees"},
    ]
    reply = ask("", messages=messages, tools=TOOLS)
    assert not reply.tool_calls


@pytest.mark.parametrize(
    "pattern", [r"\d{3}-[a-f]{2,4}", "(yes|no)", r"[^\d\s]+@\w+\.com", r"(ab)\1x?", "a.c", r"\+86\d{11}"]
)
def test_guided_text_matches_the_regular_expression(pattern):
    assert all(re.fullmatch(pattern, said("x", guide={"regex": pattern}, seed=seed)) for seed in range(20))


SCHEMAS = [
    {
        "type": "object",
        "properties": {"age": {"type": "integer", "minimum": 3, "maximum": 5}},
        "required": ["age"],
    },
    {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}, "minItems": 3},
    {"anyOf": [{"const": "a"}, {"type": "string", "pattern": "^b+$"}]},
    {
        "$ref": "#/$defs/node",
        "$defs": {"node": {"type": "object", "properties": {"name": {"type": "string"}}}},
    },
    {"type": "string", "minLength": 30, "maxLength": 31},
    {"allOf": [{"type": "object"}, {"properties": {"x": {"type": ["boolean", "null"]}}, "required": ["x"]}]},
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_guided_json_fits_its_schema(schema):
    for seed in range(10):
        assert Draft202012Validator(schema).is_valid(json.loads(said("x", guide={"json": schema}, seed=seed)))


PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "city": {"type": "string"},
        "is_student": {"type": "boolean"},
    },
    "required": ["name", "age"],
}


@pytest.mark.parametrize(
    ("question", "person"),
    [
        ("John Smith is 34 years old and lives in Paris, not a student", ["John Smith", 34, "Paris", False]),
        ("name: Bob; age: 7; city: Rome", ["Bob", 7, "Rome", True]),
        ("张三今年28岁，住在北京市", ["张三", 28, "北京", True]),
    ],
)
def test_json_holds_what_the_question_says(question, person):
    assert [*json.loads(said(question, guide={"json": PERSON})).values()] == person


def test_any_object_holds_the_answer_or_the_members_that_were_asked_for():
    assert json.loads(said("What is 2 + 3?", guide={"json": {}})) == {"answer": "2 + 3 = 5"}
    asked = "Ada is 36 years old. Answer as JSON with keys name and age"
    assert json.loads(said(asked, guide={"json": {}})) == {"name": "Ada", "age": 36}


def test_a_choice_of_moods_follows_the_words():
    moods = {"choice": ["negative", "positive"]}
    assert [said(text, guide=moods) for text in ("I love it", "I hate it")] == ["positive", "negative"]


def test_a_guided_choice_is_the_one_closest_to_the_question():
    assert said("Is this review negative?", guide={"choice": ["positive", "negative"]}) == "negative"


GROWING = {
    "type": "object",
    "properties": {name: {"$ref": "#/$defs/n"} for name in "abcdefghij"},
    "required": list("abcdefghij"),
}


@pytest.mark.parametrize(
    "guide",
    [{"regex": "("}, {"regex": "a(?!a)a^"}, {"choice": []}, {"json": {"type": "nothing"}}, {"json": "{"}],
)
def test_a_guide_that_nothing_satisfies_is_refused(guide):
    with pytest.raises(GuideImpossible):
        said("x", guide=guide)


def test_known_text_is_more_probable_than_unknown_and_that_more_than_noise():
    perplexity = MODEL.probabilities.perplexity
    known, new, noise = (
        perplexity(["泡绿茶的水温"]),
        perplexity(["泡红茶的水温"]),
        perplexity(["鑫龘垚犇淼麤"]),
    )
    assert 1 < known < new < noise


@pytest.mark.parametrize("context", ["", "模型", "the ", "鑫"])
def test_the_probabilities_of_all_characters_add_up_to_one(context):
    probability = MODEL.probabilities.probability
    corpus = {*"".join(MODEL.corpus["zh"]["sentences"] + MODEL.corpus["en"]["sentences"])}
    unseen = 0x110000 - len(corpus)
    assert sum(probability(character, context) for character in corpus) + unseen * probability(
        "\x00", context
    ) == pytest.approx(1)


def test_counting_agrees_with_what_was_said():
    reply = ask("什么是微调？")
    words = list(reply.tokens)
    assert count("".join(words)) == len(words)


def test_a_schema_that_points_elsewhere_is_not_followed_there():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        schema = {"$ref": f"http://127.0.0.1:{server.getsockname()[1]}/schema"}
        with pytest.raises(GuideImpossible):
            said("x", guide={"json": schema})
        with pytest.raises(BlockingIOError):
            server.accept()
