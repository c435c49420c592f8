"""The model behind an agent or a node of a workflow: asked once, heard token by token."""

from collections.abc import Iterator

from modelarts_emulator.behaviours.maas.generation import Generation, Served, prompt_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.inference.language.asked import Asked

MOST_TOKENS = 1024


def ask_model(call, served: Served, messages: list[dict], tools: list[dict] | None = None) -> Generation:
    """The model's answer to the messages. Versatile.03001001 for more than it reads; ApiError when it refuses."""
    asked = Asked(served.name, messages, seed=call.world.seed, tools=tools or [])
    prompt = prompt_of(asked)
    room = served.context - len(prompt)
    if room < 1:
        words = f"{len(prompt)} tokens were sent, {served.name} reads {served.context}"
        raise ApiError("Versatile.03001001", words)
    asked.most = min(MOST_TOKENS, served.max_output, room)
    return Generation(call, served, asked, 1, prompt)


def spoken(generation: Generation) -> Iterator[str]:
    """The tokens of the answer as they come, without those that are only thought."""
    return (token for token, is_thought in generation.speak(generation.replies[0]) if not is_thought)
