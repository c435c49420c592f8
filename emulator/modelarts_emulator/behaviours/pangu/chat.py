"""Chat with deployed Pangu models: the v1 interface, v2 with pools, and OpenAI's."""

from modelarts_emulator.behaviours.maas.asking import stops_of
from modelarts_emulator.behaviours.maas.frames import OPENAI, PANGU, chat_answer, chat_frames
from modelarts_emulator.behaviours.maas.generation import Generation, Served, prompt_of, until_failure
from modelarts_emulator.behaviours.pangu.deployments import (
    count_request,
    deployment_called,
    deployment_named,
    server_from,
)
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Stream
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.inference.language.asked import Asked

CHARACTERS_PER_TOKEN = 1.5
DEFAULT_TOKENS = 1024


@behaviour("MaStudioExecuteChatCompletion", computes=True)
def ma_studio_execute_chat_completion(call):
    """An answer of the deployment, at once or as frames whose choices hold a message."""
    return chat(call, deployment_called(call, "NLP"), PANGU, "each")


@behaviour("ExecuteInfersChatCompletion", computes=True)
def execute_infers_chat_completion(call):
    """What the v1 path answers, below the prefix that older clients use."""
    return chat(call, deployment_called(call, "NLP"), PANGU, "each")


@behaviour("ExecuteChatCompletion", computes=True)
def execute_chat_completion(call):
    """An answer of a deployment in a pool, at once or as frames whose choices hold a delta."""
    return chat(call, deployment_called(call, "NLP"), OPENAI, "each")


@behaviour("ExecuteOpenAiChatCompletion", computes=True)
def execute_open_ai_chat_completion(call):
    """An answer of the deployment that the model's name selects, in OpenAI's form."""
    name = call.body["model"]
    with call.world.transaction():
        deployment = deployment_named(call.world, call.project_id, name)
        if deployment is None:
            raise ApiError("PANGU.3254", f"no deployment serves a model called {name[:80]}")
        count_request(call.world, deployment)
    options = call.body.get("stream_options") or {}
    return chat(call, deployment, OPENAI, "last" if options.get("include_usage") else "none")


def chat(call, deployment: dict, style: str, usage: str):
    """Check in the documented order, ask the model, answer."""
    body = call.body
    with call.world.lock:
        served = server_from(call.world, call.project_id, deployment)
    number = body.get("n", 1)
    refuse_number(body, number)
    refuse_unknown_function(body.get("tool_choice"), body.get("tools") or [])
    asked = Asked(
        model=served.name,
        messages=messages_of(body),
        stop=stops_of(body),
        seed=call.world.seed,
        temperature=body.get("temperature", 1.0),
        top_p=body.get("top_p", 1.0),
        tools=body.get("tools") or [],
        tool_choice=body.get("tool_choice") or "auto",
        raw=body,
    )
    prompt = prompt_of(asked, bare=body.get("with_prompt", False))
    asked.most = refuse_length(served, body, prompt, sum(len(said["content"]) for said in asked.messages))
    generation = Generation(call, served, asked, number, prompt)
    if body["stream"]:
        return Stream(
            until_failure(
                chat_frames(generation, style, usage), call, b"data:" if style == PANGU else b"data: "
            )
        )
    return chat_answer(generation)


def refuse_number(body: dict, number: int) -> None:
    """PANGU.3321 for more than one answer as a stream, PANGU.3320 for more than two at once."""
    if body["stream"] and number != 1:
        raise ApiError("PANGU.3321", f"n is {number}")
    if not 1 <= number <= 2:
        raise ApiError("PANGU.3320", f"n is {number}")


def refuse_unknown_function(choice, tools: list[dict]) -> None:
    """PANGU.0010 for a choice of a function that is none of the tools."""
    function = choice.get("function") if isinstance(choice, dict) else None
    if not isinstance(function, dict) or "name" not in function:
        return
    sent = [tool["function"].get("name") for tool in tools if isinstance(tool.get("function"), dict)]
    if function["name"] not in sent:
        words = (
            f"{str(function['name'])[:80]!r} is none of tools: {', '.join(map(str, sent)) or 'none are sent'}"
        )
        raise ApiError("PANGU.0010", f"$.tool_choice.function.name: {words}")


def messages_of(body: dict) -> list[dict]:
    """The messages; a role that was left out is the user's."""
    found = []
    for message in body["messages"]:
        told = {"role": message.get("role", "user"), "content": message["content"]}
        if isinstance(message.get("tool_calls"), list):
            told["tool_calls"] = [called for called in message["tool_calls"] if isinstance(called, dict)]
        found.append(told)
    return found


def refuse_length(served: Served, body: dict, prompt: list[str], characters: int) -> int:
    """How many tokens may be said. PANGU.3317 for more than the model says, PANGU.3318 for more than it reads."""
    wanted = body.get("max_tokens")
    if wanted is not None and wanted > served.max_output:
        raise ApiError(
            "PANGU.3317", f"max_tokens is {wanted}, {served.name} says at most {served.max_output}"
        )
    most = int(served.context * CHARACTERS_PER_TOKEN)
    room = served.context - len(prompt)
    if characters > most or room < 1:
        sent = f"{characters} characters, {len(prompt)} tokens were sent"
        read = f"{served.name} reads at most {most} characters, {served.context} tokens"
        raise ApiError("PANGU.3318", f"{sent}; {read}", status=400)
    return min(wanted or min(DEFAULT_TOKENS, served.max_output), room)
