"""Where a text ends: at a stop string or after so many tokens."""

from collections.abc import Iterable, Iterator

from modelarts_emulator.inference.language.asked import Reply


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
