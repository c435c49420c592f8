"""A backend that passes questions on to any server that speaks OpenAI's language, and its answers back."""

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import orjson
from jsonschema_rs import ValidationError, validator_for

from modelarts_emulator.inference.language.asked import Asked, BackendFailed, Reply

SECONDS = 300
PASSED_ON = (
    "temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty", "repetition_penalty", "seed", "tools",
    "tool_choice", "response_format", "guided_json", "guided_regex", "guided_choice", "logprobs", "top_logprobs",
    "chat_template_kwargs",
)  # fmt: skip
TEXT = {"type": ["string", "null"]}
CALL = {
    "type": "object",
    "properties": {
        "index": {"type": "integer", "minimum": 0, "maximum": 1000},
        "id": TEXT,
        "function": {"type": ["object", "null"], "properties": {"name": TEXT, "arguments": TEXT}},
    },
}
DELTA = {
    "type": ["object", "null"],
    "properties": {
        "content": TEXT,
        "reasoning_content": TEXT,
        "tool_calls": {"type": ["array", "null"], "items": CALL},
    },
}
CHOICE = {
    "type": "object",
    "properties": {"delta": DELTA, "message": DELTA, "finish_reason": TEXT},
}
COUNT = {"type": "integer", "minimum": 0, "maximum": 1 << 53}
COUNTS = {
    "type": ["object", "null"],
    "properties": {"prompt_tokens": COUNT, "completion_tokens": COUNT},
}
FRAMES = validator_for(
    {
        "type": "object",
        "properties": {"usage": COUNTS, "choices": {"type": "array", "items": CHOICE}},
    }
)


class Upstream:
    """One upstream: its base URL (the part before /chat/completions), key and, if it has another name there, model."""

    def __init__(self, url: str, key: str = "", model: str = ""):
        self.address = urlsplit(url.rstrip("/"))
        if self.address.scheme not in ("http", "https") or not self.address.hostname:
            raise ValueError(f"{url!r} is no http or https URL of an OpenAI-compatible server")
        self.key = key
        self.model = model

    def reply(self, asked: Asked) -> Reply:
        """What the upstream answers, streamed as it comes. BackendFailed when it does not answer."""
        connection, response = self._ask(asked)
        reply = Reply([], moments=True)
        frames = sse_frames(response)
        try:
            first = self._until_said(reply, frames)
        except (OSError, HTTPException, ValueError) as error:
            connection.close()
            raise BackendFailed(f"the upstream broke off: {error}") from None
        reply.tokens = self._words(reply, first, frames, connection)
        return reply

    def _ask(self, asked: Asked):
        body = {name: asked.raw[name] for name in PASSED_ON if name in asked.raw}
        body |= {
            "model": self.model or asked.model,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        body.setdefault("seed", asked.seed + asked.index if isinstance(asked.seed, int) else 0)
        body |= {"max_tokens": asked.most, **({"stop": list(asked.stop)} if asked.stop else {})}
        if asked.prompt is None:
            body["messages"] = asked.messages
        else:
            body["messages"] = [{"role": "user", "content": asked.prompt}]
        kind = HTTPSConnection if self.address.scheme == "https" else HTTPConnection
        connection = kind(self.address.hostname, self.address.port, timeout=SECONDS)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key or 'none'}"}
        try:
            connection.request("POST", f"{self.address.path}/chat/completions", json.dumps(body), headers)
            response = connection.getresponse()
        except (OSError, HTTPException) as error:
            raise BackendFailed(f"the upstream {self.address.netloc} does not answer: {error}") from None
        if response.status != 200:
            words = words_of(response.read(20000).decode("utf-8", "replace"))
            connection.close()
            raise BackendFailed(words, max(400, response.status))
        return connection, response

    def _until_said(self, reply: Reply, frames) -> list:
        """Read up to the first words; what the frames before them say goes into the reply."""
        for frame in frames:
            said = taken(reply, frame)
            if said:
                return said
        return []

    def _words(self, reply: Reply, first: list, frames, connection):
        try:
            yield from first
            for frame in frames:
                yield from taken(reply, frame)
        except (OSError, HTTPException, ValueError) as error:
            raise BackendFailed(f"the upstream broke off: {error}") from None
        finally:
            connection.close()


def words_of(refusal: str) -> str:
    """The message in an upstream's refusal, in whichever of the usual forms it came; else all that it said."""
    try:
        told = orjson.loads(refusal)
    except ValueError:
        return refusal[:2000]
    inner = told.get("error", told) if isinstance(told, dict) else refusal
    if isinstance(inner, dict):
        found = [
            inner[name] for name in ("message", "error_msg", "detail") if isinstance(inner.get(name), str)
        ]
        return found[0] if found else refusal[:2000]
    return str(inner)[:2000]


def sse_frames(response):
    """The JSON of each data line of an event stream, until [DONE]. ValueError when it ends before."""
    for line in response:
        line = line.strip()
        if line.startswith(b"data:"):
            content = line[5:].strip()
            if content == b"[DONE]":
                return
            yield checked(orjson.loads(content))
    raise ValueError("the stream ended without [DONE]")


def checked(frame):
    """The frame itself; ValueError when it is not as OpenAI's language has it."""
    try:
        FRAMES.validate(frame)
    except ValidationError as error:
        where = "".join(f".{step}" for step in error.instance_path)
        raise ValueError(f"a frame of its stream is wrong: ${where}: {error.message[:200]}") from None
    return frame


def taken(reply: Reply, frame: dict) -> list[str]:
    """The words of a frame; its usage, tool calls, reasoning and finish reason go into the reply.

    BackendFailed with the upstream's words for a frame that tells an error.
    """
    if frame.get("error"):
        raise BackendFailed(words_of(json.dumps(frame)), 500)
    if frame.get("usage"):
        reply.usage = frame["usage"]
    words = []
    for choice in frame.get("choices", ())[:1]:
        delta = choice.get("delta") or choice.get("message") or {}
        if delta.get("reasoning_content"):
            reply.reasoning.append(delta["reasoning_content"])
        for call in delta.get("tool_calls") or ():
            add_call(reply, call)
        if delta.get("content"):
            words.append(delta["content"])
        if choice.get("finish_reason"):
            reply.finish_reason = choice["finish_reason"]
            reply.stop_reason = choice.get("stop_reason")
    return words


def add_call(reply: Reply, part: dict) -> None:
    """Join a part of a streamed tool call to what is there of it."""
    at = part.get("index", len(reply.tool_calls))
    while len(reply.tool_calls) <= at:
        reply.tool_calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
    call, function = reply.tool_calls[at], part.get("function") or {}
    call["id"] = part.get("id") or call["id"]
    call["function"]["name"] += function.get("name") or ""
    call["function"]["arguments"] += function.get("arguments") or ""
