"""Answers written down beforehand: the first row of a script that matches the question says what is answered."""

import json
import re
from itertools import islice
from pathlib import Path

import orjson

from modelarts_emulator.inference.language.asked import Asked, Reply
from modelarts_emulator.inference.language.endings import limited, shorten_calls
from modelarts_emulator.inference.language.tokenizer import tokens

MATCHES = {"model", "last_message", "contains", "regex", "role", "has_tools"}
SAYS = {
    "reply", "reasoning", "tool_calls", "finish_reason", "first_token_delay", "token_delay", "cut_after", "error",
    "message",
}  # fmt: skip


class BadScript(ValueError):
    """A script that cannot be read; its words name the row."""


class Scripted:
    """A backend that answers from rows {"match": {...}, "reply": ...}; what no row matches goes to another backend.

    match: any of model, last_message (equal), contains, regex, role (of the last message), has_tools; {} matches all.
    A row says: reply (text or a list of tokens; groups of the regular expression as {0}, {1} ...),
    reasoning, tool_calls [{"name", "arguments"}], finish_reason, first_token_delay and token_delay in
    seconds, cut_after (tokens after which the connection breaks, or a stream tells the error), error (a documented
    code) with message.
    """

    def __init__(self, rows: list, otherwise):
        self.rows = [checked_row(number, row) for number, row in enumerate(rows)]
        self.otherwise = otherwise

    @classmethod
    def from_file(cls, path: str, otherwise) -> "Scripted":
        """The script in a JSON file: a list of rows. BadScript when it is none."""
        try:
            rows = orjson.loads(Path(path).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise BadScript(f"{path}: {error}") from None
        if not isinstance(rows, list):
            raise BadScript(f"{path}: a script is a list of rows")
        return cls(rows, otherwise)

    def reply(self, asked: Asked) -> Reply:
        """What the first matching row says."""
        for row in self.rows:
            groups = groups_in(row.get("match", {}), asked)
            if groups is not None:
                return reply_of(row, groups, asked)
        return self.otherwise.reply(asked)


def checked_row(number: int, row) -> dict:
    """The row itself; BadScript when it has an unknown member or a bad pattern."""
    if not isinstance(row, dict) or not isinstance(row.get("match", {}), dict):
        raise BadScript(f"row {number}: a row is an object with match and what is said")
    unknown = (row.keys() - SAYS - {"match"}) | (row.get("match", {}).keys() - MATCHES)
    if unknown:
        raise BadScript(f"row {number}: unknown member {', '.join(sorted(unknown))}")
    try:
        re.compile(row.get("match", {}).get("regex", ""))
    except (re.error, TypeError) as error:
        raise BadScript(f"row {number}: regex: {error}") from None
    return row


def groups_in(match: dict, asked: Asked) -> list | None:
    """The groups of the match, [] where there is no regular expression; None when the question is another."""
    last = asked.prompt if asked.prompt is not None else asked.messages[-1]["content"]
    role = "user" if asked.prompt is not None else asked.messages[-1]["role"]
    facts = {"model": asked.model, "last_message": last, "role": role, "has_tools": bool(asked.tools)}
    if any(match[name] != facts[name] for name in facts.keys() & match.keys()):
        return None
    if "contains" in match and match["contains"] not in last:
        return None
    if "regex" not in match:
        return []
    found = re.search(match["regex"], last)
    return None if found is None else [found.group(0), *found.groups("")]


def reply_of(row: dict, groups: list, asked: Asked) -> Reply:
    """The reply that a row writes down."""
    reply = Reply(
        [],
        reasoning=tokens(row.get("reasoning", ""))[: asked.most_thoughts],
        tool_calls=[tool_call_of(number, call) for number, call in enumerate(row.get("tool_calls", ()))],
        first_wait=row.get("first_token_delay", 0.0),
        token_wait=row.get("token_delay", 0.0),
        cut_after=row.get("cut_after"),
        refusal=(row["error"], row.get("message", "")) if "error" in row else None,
    )
    text = row.get("reply", "")
    words = text if isinstance(text, list) else tokens(text_with(text, groups))
    reply.finish_reason = row.get("finish_reason", "tool_calls" if reply.tool_calls else "stop")
    left = asked.most - len(reply.reasoning)
    reply.tokens = limited(reply, words, left, asked.stop)
    shorten_calls(reply, max(0, left - len(words)))
    reply.moments = bool(reply.first_wait or reply.token_wait)
    if asked.ignore_eos and text:
        reply.tokens = islice(limited(reply, repeated(words), left), left)
        reply.finish_reason = "length"
    return reply


def repeated(words: list):
    """The tokens over and over."""
    while True:
        yield from words


def text_with(text: str, groups: list) -> str:
    """The text with {0}, {1} ... replaced by the groups of the match."""
    return re.sub(
        r"\{(\d)\}", lambda slot: groups[int(slot[1])] if int(slot[1]) < len(groups) else slot[0], text
    )


def tool_call_of(number: int, call: dict) -> dict:
    """A tool call in OpenAI's form."""
    arguments = call.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    id = call.get("id", f"chatcmpl-tool-{number:032x}")
    return {"id": id, "type": "function", "function": {"name": call["name"], "arguments": text}}
