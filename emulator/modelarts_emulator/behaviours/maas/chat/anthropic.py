"""Chat with the models of MaaS by Anthropic's Messages interface."""

import json
from collections.abc import Iterator

import orjson

from modelarts_emulator.behaviours.maas.asking import set_limit
from modelarts_emulator.behaviours.maas.frames import hear_reply
from modelarts_emulator.behaviours.maas.generation import Generation, Served, until_failure
from modelarts_emulator.behaviours.maas.models import model_called
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Stream
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.inference.language.asked import Asked

STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


@behaviour("CreateMaasAnthropicMessage", computes=True)
def create_maas_anthropic_message(call):
    """A message of the model: text, thoughts and tool uses as blocks, at once or as a stream of events."""
    body = call.body
    model = model_called(call, "chat", "anthropic")
    served = Served(model["id"], model["id"], model["context"], model["max_output"])
    asked = asked_in(call, model)
    generation = Generation(call, served, asked, 1, set_limit(asked, served, body["max_tokens"]))
    if body["stream"]:
        return Stream(until_failure(message_frames(generation, asked), call, b"event: error\ndata: "))
    return message_of(generation, asked)


def asked_in(call, model: dict) -> Asked:
    """The question in an Anthropic body."""
    body = call.body
    asked_thinking = body.get("thinking") or {}
    thinking, budget = asked_thinking.get("type") == "enabled", asked_thinking.get("budget_tokens")
    if thinking and budget is not None and budget >= body["max_tokens"]:
        words = (
            f"$.thinking.budget_tokens: {budget} must be less than max_tokens, which is {body['max_tokens']}"
        )
        raise ApiError("ModelArts.81001", words)
    return Asked(
        model=model["id"],
        messages=messages_of(body),
        stop=tuple(body.get("stop_sequences", ())),
        seed=call.world.seed,
        temperature=body["temperature"],
        top_p=body["top_p"],
        top_k=body["top_k"],
        tools=[{"type": "function", "function": function_of(tool)} for tool in body.get("tools", ())],
        tool_choice=choice_of(body.get("tool_choice") or {"type": "auto"}, body.get("tools", [])),
        thinks=model["thinking"] == "always" or (thinking and model["thinking"] != "never"),
        thoughts=budget if thinking else None,
        raw={name: body[name] for name in ("temperature", "top_p") if name in body},
    )


def messages_of(body: dict) -> list[dict]:
    """System text and messages in OpenAI's form: tool results become messages of their own."""
    found = []
    if body.get("system"):
        found.append({"role": "system", "content": text_in(body["system"])})
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        uses = [block for block in blocks if block["type"] == "tool_use"]
        for block in blocks:
            if block["type"] == "tool_result":
                told = text_in(block.get("content") or "")
                found.append({"role": "tool", "content": told, "tool_call_id": block.get("tool_use_id", "")})
        text = text_in([block for block in blocks if block["type"] in ("text", "image")])
        if text or uses or not blocks:
            told = {"role": message["role"], "content": text}
            if uses:
                told["tool_calls"] = [call_of(use) for use in uses]
            found.append(told)
    if not found:
        raise ApiError("ModelArts.81001", "$.messages: content is missing")
    return found


def text_in(content) -> str:
    """The text of a content: itself, or that of its blocks, an image standing as a mark."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return json.dumps(content, ensure_ascii=False)
    parts = []
    for block in content:
        if isinstance(block, dict) and block.get("type") == "image":
            parts.append("<image>")
        elif isinstance(block, dict):
            parts.append(str(block.get("text", "")))
    return "\n".join(parts)


def call_of(use: dict) -> dict:
    """A tool use as OpenAI's tool call."""
    arguments = json.dumps(use.get("input", {}), ensure_ascii=False)
    function = {"name": use.get("name", ""), "arguments": arguments}
    return {"id": use.get("id", ""), "type": "function", "function": function}


def function_of(tool: dict) -> dict:
    """A tool as OpenAI's function."""
    return {
        "name": tool["name"],
        "description": tool.get("description", ""),
        "parameters": tool.get("input_schema", {}),
    }


def choice_of(choice: dict, tools: list[dict]):
    """The tool choice in OpenAI's form. 400 for a tool that was not sent."""
    if choice["type"] != "none" and choice["type"] != "auto" and not tools:
        raise ApiError("ModelArts.81001", "$.tool_choice may only be specified while providing tools")
    if choice["type"] == "tool":
        if choice.get("name") not in [tool["name"] for tool in tools]:
            words = f"$.tool_choice.name: tool {choice.get('name')!r} not found in provided tools"
            raise ApiError("ModelArts.81001", words)
        return {"type": "function", "function": {"name": choice["name"]}}
    return {"auto": "auto", "any": "required", "none": "none"}[choice["type"]]


def stop_of(asked: Asked, reply) -> dict:
    """Why the message ended."""
    if reply.stop_reason in asked.stop:
        return {"stop_reason": "stop_sequence", "stop_sequence": reply.stop_reason}
    return {"stop_reason": STOP_REASONS.get(reply.finish_reason, "end_turn"), "stop_sequence": None}


def usage_of(generation: Generation) -> dict:
    """Tokens in and out."""
    used = generation.usage()
    return {
        "input_tokens": used["prompt_tokens"] - generation.cached,
        "cache_read_input_tokens": generation.cached,
        "output_tokens": used["completion_tokens"],
    }


def head_of(generation: Generation) -> dict:
    """What a message says before it says anything."""
    return {
        "id": f"msg_{generation.id}",
        "type": "message",
        "role": "assistant",
        "model": generation.served.name,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage_of(generation),
    }


def message_of(generation: Generation, asked: Asked) -> dict:
    """The whole message."""
    (reply,) = generation.replies
    with generation:
        content, reasoning = hear_reply(generation, reply)
    blocks = [{"type": "thinking", "thinking": "".join(reasoning), "signature": ""}] if reasoning else []
    blocks += [{"type": "text", "text": "".join(content)}] if content else []
    blocks += [use_of(called, inputs_of(called)) for called in reply.tool_calls]
    return head_of(generation) | {"content": blocks} | stop_of(asked, reply)


def use_of(called: dict, inputs: dict) -> dict:
    """A tool call as Anthropic's block."""
    return {"type": "tool_use", "id": called["id"], "name": called["function"]["name"], "input": inputs}


def inputs_of(called: dict) -> dict:
    """The arguments of a tool call as an object."""
    try:
        inputs = orjson.loads(called["function"]["arguments"])
    except ValueError:
        inputs = None
    return inputs if isinstance(inputs, dict) else {"arguments": called["function"]["arguments"]}


def event(kind: str, **members) -> bytes:
    """One event of the stream."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **members}))


def message_frames(generation: Generation, asked: Asked) -> Iterator[bytes]:
    """The events of a streamed message."""
    (reply,) = generation.replies
    pause = [b""] if generation.waits else []
    with generation:
        yield event("message_start", message=head_of(generation))
        yield event("ping")
        yield from pause
        opened, index = None, -1
        for token, is_thought in generation.speak(reply):
            kind = "thinking" if is_thought else "text"
            if kind != opened:
                if opened:
                    yield event("content_block_stop", index=index)
                opened, index = kind, index + 1
                yield event("content_block_start", index=index, content_block={"type": kind, kind: ""})
            delta = {"type": f"{kind}_delta", kind: token}
            yield event("content_block_delta", index=index, delta=delta)
            yield from pause
        if opened:
            yield event("content_block_stop", index=index)
        generation.count_calls(reply)
        for called in reply.tool_calls:
            index += 1
            yield event("content_block_start", index=index, content_block=use_of(called, {}))
            delta = {"type": "input_json_delta", "partial_json": called["function"]["arguments"]}
            yield event("content_block_delta", index=index, delta=delta)
            yield event("content_block_stop", index=index)
        yield event("message_delta", delta=stop_of(asked, reply), usage=usage_of(generation))
        yield event("message_stop")
