"""Event streams read as the standard says, by a parser that shares nothing with the emulator."""

import json


def events(text: bytes) -> list[dict]:
    """[{"event", "data"}] of a stream: lines of name, colon, an optional blank and a value; a blank line ends each."""
    found, event = [], {}
    for line in text.decode().split("\n"):
        if line == "":
            if event:
                found.append(event)
            event = {}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        event[name] = f"{event[name]}\n{value}" if name in event else value
    assert not event, "the stream ends within an event"
    return found


def chunks(text: bytes) -> list[dict]:
    """The JSON of each chunk of a completion; AssertionError when the stream does not end with [DONE]."""
    told = [event["data"] for event in events(text)]
    assert told[-1] == "[DONE]" and "[DONE]" not in told[:-1]
    return [json.loads(data) for data in told[:-1]]


def said(text: bytes, place: str = "delta", member: str = "content") -> str:
    """The words of all chunks put together."""
    parts = [choice[place].get(member) or "" for chunk in chunks(text) for choice in chunk["choices"]]
    return "".join(parts)
