"""Tokens of the built-in model."""

from hypothesis import given
from hypothesis import strategies as st
from modelarts_emulator.inference.language.tokenizer import count, prompt_tokens, tokens


@given(st.text())
def test_joined_tokens_are_the_text_again(text):
    assert "".join(tokens(text)) == text


@given(st.text(), st.integers(0, 50))
def test_the_first_tokens_of_a_text_are_the_tokens_of_its_beginning(text, number):
    beginning = tokens(text)[:number]
    assert tokens("".join(beginning)) == beginning


def test_a_chinese_token_has_up_to_two_characters():
    assert tokens("模型训练好了。") == ["模型", "训练", "好了", "。"]


def test_a_conversation_counts_its_marks():
    messages = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "hello there"}]
    assert len(prompt_tokens(messages)) == 3 + count("你好") + 3 + count("hello there")
