"""The tokenizer of the built-in model: every text is the concatenation of its tokens, and no token is out of reach."""

import json
import re

TOKEN = re.compile(
    r" ?[A-Za-z]{1,10}"
    r"|[0-9]{1,3}"
    r"|[\u3400-\u4dbf\u4e00-\u9fff]{1,2}"
    r"|\n+|.",
    re.DOTALL,
)


def tokens(text: str) -> list[str]:
    """The tokens of a text in order; joined they are the text again."""
    return TOKEN.findall(text)


def count(text: str) -> int:
    """How many tokens a text has."""
    return len(TOKEN.findall(text))


def prompt_tokens(messages: list[dict]) -> list[str]:
    """The tokens of a conversation as the model reads it: each message between marks that say its role."""
    read = []
    for message in messages:
        read += ["<|", message["role"], "|>"]
        read += tokens(message["content"])
        for called in message.get("tool_calls", ()):
            function = called.get("function", {})
            read += tokens(f"{function.get('name', '')}{function.get('arguments', '')}")
    return read


def tool_tokens(tools: list[dict]) -> list[str]:
    """The tokens of the tools that a conversation may use, as the model reads them before it."""
    if not tools:
        return []
    return ["<|", "tools", "|>", *tokens(json.dumps(tools, ensure_ascii=False, sort_keys=True))]
