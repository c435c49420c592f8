"""Chat with the models of MaaS: OpenAI's interface on three paths, Anthropic's on one."""

from modelarts_emulator.behaviours.maas.asking import (
    alternatives_of,
    asked_with,
    best_answers,
    messages_of,
    refuse_bad_choice,
    refuse_bad_tools,
    refuse_extra,
    refuse_sampling,
    set_limit,
    thinks,
)
from modelarts_emulator.behaviours.maas.frames import OPENAI, chat_answer, chat_frames
from modelarts_emulator.behaviours.maas.generation import Served, until_failure
from modelarts_emulator.behaviours.maas.models import model_called
from modelarts_emulator.frame.calls import Stream
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.inference.language.asked import Asked


@behaviour("CreateMaasChatCompletion", computes=True)
def create_maas_chat_completion(call):
    """An answer of one of the models that the V1 path serves, at once or as a stream."""
    return chat(call, "v1")


@behaviour("CreateMaasChatCompletionV2", computes=True)
def create_maas_chat_completion_v2(call):
    """An answer of one of the models that the V2 path serves, at once or as a stream."""
    return chat(call, "v2")


@behaviour("CreateMaasOpenAiChatCompletion", computes=True)
def create_maas_open_ai_chat_completion(call):
    """An answer of one of the models that OpenAI's path serves, at once or as a stream."""
    return chat(call, "openai")


def chat(call, api: str):
    """Check in the documented order, ask the model, answer."""
    model = model_called(call, "chat", api)
    return chat_with(call, model, server_from(model))


def chat_with(call, model: dict, served: Served):
    """What a model that may be asked answers, at once or as a stream."""
    body = call.body
    refuse_extra(call)
    refuse_sampling(body, model.get("single", False))
    alternatives = alternatives_of(body)
    refuse_bad_tools(body.get("tools", ()))
    refuse_bad_choice(body.get("tool_choice"), body.get("tools", []))
    asked = asked_in(call, model)
    prompt = set_limit(asked, served, body.get("max_tokens"))
    generation = best_answers(call, served, asked, prompt)
    if body["stream"]:
        shown = (body.get("stream_options") or {}).get("include_usage", True)
        frames = chat_frames(generation, OPENAI, "each" if shown else "none", alternatives)
        return Stream(until_failure(frames, call))
    return chat_answer(generation, alternatives, cached=True)


def server_from(model: dict) -> Served:
    """The model as the machinery of generation wants it."""
    return Served(model["id"], model["id"], model["context"], model["max_output"])


def asked_in(call, model: dict) -> Asked:
    """The question in an OpenAI body."""
    body = call.body
    return asked_with(
        call,
        model["id"],
        messages=messages_of(call, model.get("images", False)),
        tools=body.get("tools") or [],
        tool_choice=body.get("tool_choice") or "auto",
        thinks=thinks(model, body),
    )
