"""Chat completions as one answer and as server-sent frames, in OpenAI's form and in that of Pangu's v1 interface."""

from collections.abc import Iterator

import orjson

from modelarts_emulator.behaviours.maas.generation import Generation, token_logprobs
from modelarts_emulator.inference.language.asked import Reply

OPENAI, PANGU = "openai", "pangu"


def chat_answer(generation: Generation, logprobs: int | None = None, cached: bool = False) -> dict:
    """All replies at once. logprobs: how many alternatives to name with each token, None for no probabilities."""
    with generation:
        choices = [choice_of(generation, at, reply, logprobs) for at, reply in enumerate(generation.replies)]
    return {
        "id": f"chat-{generation.id}",
        "object": "chat.completion",
        "created": generation.created,
        "model": generation.served.name,
        "choices": choices,
        "usage": generation.usage_with_cache() if cached else generation.usage(),
        "prompt_logprobs": None,
    }


def choice_of(generation: Generation, index: int, reply: Reply, logprobs: int | None) -> dict:
    """One choice of an answer."""
    content, reasoning = hear_reply(generation, reply)
    message = {"role": "assistant", "content": "".join(content)}
    if reasoning:
        message["reasoning_content"] = "".join(reasoning)
    message["tool_calls"] = reply.tool_calls
    told = None if logprobs is None else {"content": token_logprobs(content, "", logprobs)}
    return {
        "index": index,
        "message": message,
        "logprobs": told,
        "finish_reason": reply.finish_reason,
        "stop_reason": reply.stop_reason,
    }


def hear_reply(generation: Generation, reply: Reply) -> tuple[list[str], list[str]]:
    """(tokens of the content, tokens of the reasoning) of a whole reply."""
    content, reasoning = [], []
    for token, is_thought in generation.speak(reply):
        (reasoning if is_thought else content).append(token)
    generation.count_calls(reply)
    return content, reasoning


def chat_frames(
    generation: Generation, style: str, usage: str, logprobs: int | None = None
) -> Iterator[bytes]:
    """The frames of a stream. usage: `each` frame says what was used so far, only the `last` one, or `none`. logprobs:
    how many alternatives to name with each token, None for no probabilities.
    """
    frame = ChatFrame(generation, style, usage)
    pause = [b""] if generation.waits else []
    with generation:
        for index, reply in enumerate(generation.replies):
            yield frame.of(
                index, {"role": "assistant"} if style == PANGU else {"role": "assistant", "content": ""}
            )
            yield from pause
            if logprobs is None:
                content = frame.frame_maker(index, "content")
            else:
                content = frame.measured_frame_maker(index, logprobs)
            reasoning = frame.frame_maker(index, "reasoning_content")
            for token, is_thought in generation.speak(reply):
                yield (reasoning if is_thought else content)(token)
                if pause:
                    yield b""
            generation.count_calls(reply)
            for at, call in enumerate(reply.tool_calls):
                yield frame.of(index, {"tool_calls": [{"index": at, **call}]})
            last = {"content": ""} if style == PANGU or not reply.tool_calls else {}
            yield frame.of(index, last, reply.finish_reason, reply.stop_reason)
        if usage == "last":
            yield frame.usage_alone()
        yield b"data:[DONE]\n\n" if style == PANGU else b"data: [DONE]\n\n"


class ChatFrame:
    """What the frames of one stream have in common."""

    def __init__(self, generation: Generation, style: str, usage: str):
        self.generation = generation
        self.head = b"data:" if style == PANGU else b"data: "
        self.said_in = "message" if style == PANGU else "delta"
        self.usage = usage
        self.common = {
            "id": f"chat-{generation.id}",
            "object": "chat.completion.chunk",
            "created": generation.created,
            "model": generation.served.name,
        }

    def of(
        self, index: int, said: dict, finish_reason: str | None = None, stop_reason=None, logprobs=None
    ) -> bytes:
        """A frame with one choice."""
        choice = {
            "index": index,
            self.said_in: said,
            "logprobs": logprobs,
            "finish_reason": finish_reason,
            "stop_reason": stop_reason,
        }
        return self._sent({**self.common, "choices": [choice]}, self.usage == "each")

    def measured_frame_maker(self, index: int, top: int):
        """A function of the tokens of the content, one after the other, that makes the frame of each with its
        probability.
        """
        said = ""

        def frame_of(token: str) -> bytes:
            nonlocal said
            found = token_logprobs([token], said, top)
            said += token
            return self.of(index, {"content": token}, logprobs={"content": found})

        return frame_of

    def frame_maker(self, index: int, member: str):
        """A function of a token that makes its frame: all but the token and the usage is put together once."""
        frame = self.of(index, {member: "\x00PLACE"})
        before, _, after = frame.partition(orjson.dumps("\x00PLACE"))
        if self.usage != "each":
            return lambda token: b"%b%b%b" % (before, orjson.dumps(token), after)
        generation = self.generation
        prompt = generation.prompt_tokens
        between = after[: after.index(b'"usage":')]
        pattern = b'%b%b%b"usage":{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d}}\n\n'

        def frame_of(token: str) -> bytes:
            said = generation.completion_tokens
            return pattern % (before, orjson.dumps(token), between, prompt, prompt + said, said)

        return frame_of

    def usage_alone(self) -> bytes:
        """The frame that only says what was used."""
        return self._sent({**self.common, "choices": []}, True)

    def _sent(self, frame: dict, with_usage: bool) -> bytes:
        if with_usage:
            frame["usage"] = self.generation.usage()
        return self.head + orjson.dumps(frame) + b"\n\n"
