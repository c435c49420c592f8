"""Where a text ends: at a stop string or after so many tokens."""

from collections.abc import Iterable, Iterator

from modelarts_emulator.inference.language.asked import Reply
from modelarts_emulator.inference.language.tokenizer import count, tokens


def limited(reply: Reply, words: Iterable[str], most: int, stop: tuple[str, ...] = ()) -> Iterator[str]:
    """The tokens up to a stop string, which is left out, or the limit; tells the reply why they ended."""
    source = stopped(reply, iter(words), stop) if stop else iter(words)
    left = most
    for token in source:
        if left == 0:
            reply.finish_reason, reply.stop_reason = "length", None
            return
        left -= 1
        yield token


def shorten_calls(reply: Reply, most: int) -> None:
    """Cut the tool calls of a reply at the limit: there the arguments of one break off, and none comes after it."""
    left, kept = most, []
    for call in reply.tool_calls:
        function = call["function"]
        words = tokens(function["arguments"])
        left -= count(function["name"])
        if left < len(words):
            reply.finish_reason = "length"
            if left > 0:
                kept.append({**call, "function": {**function, "arguments": "".join(words[:left])}})
            break
        left -= len(words)
        kept.append(call)
    reply.tool_calls = kept


def stopped(reply: Reply, words: Iterator[str], stop: tuple[str, ...]) -> Iterator[str]:
    """The tokens before the first stop string; a token that reaches into it is cut."""
    reach = max(map(len, stop)) - 1
    held: list[str] = []
    for token in words:
        held.append(token)
        text = "".join(held)
        found = [(text.find(word), word) for word in stop if word in text]
        if found:
            at, reply.stop_reason = min(found, key=lambda pair: pair[0])
            yield from cut(held, at)
            return
        while held and len(text) - len(held[0]) >= reach:
            text = text[len(held[0]) :]
            yield held.pop(0)
    yield from held


def cut(words: list[str], at: int) -> Iterator[str]:
    """The tokens of the first `at` characters."""
    for word in words:
        if at <= 0:
            return
        yield word[:at]
        at -= len(word)
