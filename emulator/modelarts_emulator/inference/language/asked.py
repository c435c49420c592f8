"""What a model is asked and what it says, in one form for all backends."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from modelarts_emulator.inference.language.tuned import Tuned


@dataclass
class Asked:
    """One question to a model.

    messages: {"role", "content" (text), "tool_calls"?, "tool_call_id"?}; a plain prompt is `prompt` instead. most,
    least: how many tokens to say. guide: {"choice": [...]}, {"regex": ...}, {"json": schema} or {"json": {}}
    for any object.
    thoughts: how many tokens may be thought at most, None for as many as may be said. index: the which-th answer to
    the same question. seed: decides what is drawn. tuned: what the model has
    learnt besides. raw: the body as it was sent, for backends that pass it on.
    """

    model: str
    messages: list[dict] = field(default_factory=list)
    prompt: str | None = None
    most: int = 1024
    least: int = 0
    stop: tuple[str, ...] = ()
    seed: object = 0
    index: int = 0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    tools: list[dict] = field(default_factory=list)
    tool_choice: object = "auto"
    guide: dict | None = None
    ignore_eos: bool = False
    thinks: bool = False
    thoughts: int | None = None
    tuned: Tuned | None = None
    raw: dict = field(default_factory=dict)

    @property
    def question(self) -> str:
        """The text that an answer answers: the prompt, or the last message of the user."""
        if self.prompt is not None:
            return self.prompt
        said = [message["content"] for message in self.messages if message["role"] == "user"]
        return said[-1] if said else self.messages[-1]["content"] if self.messages else ""

    @property
    def most_thoughts(self) -> int:
        """How many tokens may be thought."""
        return self.most if self.thoughts is None else min(self.thoughts, self.most)

    @property
    def is_greedy(self) -> bool:
        """Whether the most probable answer is wanted and no other."""
        return self.temperature == 0 or self.top_k == 1


@dataclass
class Reply:
    """What a model says.

    tokens: pieces of text, once; finish_reason and stop_reason hold when they are exhausted. tool_calls: {"id", "type",
    "function": {"name", "arguments"}}. usage: an upstream's own count. first_wait, token_wait: seconds a script wants.
    cut_after: the connection breaks after that many tokens. refusal: (code, words) of a scripted refusal. moments: the
    tokens come when they come, so that each is to be sent at once.
    """

    tokens: Iterable[str]
    reasoning: list[str] = field(default_factory=list)
    tool_calls: list[dict] = field(default_factory=list)
    finish_reason: str = "stop"
    stop_reason: object = None
    usage: dict | None = None
    first_wait: float = 0.0
    token_wait: float = 0.0
    cut_after: int | None = None
    refusal: tuple[str, str] | None = None
    moments: bool = False


class BackendFailed(Exception):
    """A backend that cannot answer: a server that is not there, a file that is no model. status: with which it
    refused, if it did; the words are then its own.
    """

    def __init__(self, words: str, status: int | None = None):
        self.status = status
        super().__init__(words)


def text_of(content) -> str:
    """The text of a message's content: itself, or the text parts of a list, an image standing as a mark."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    parts = []
    for part in content:
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part, dict):
            parts.append(part["text"] if isinstance(part.get("text"), str) else "<image>")
    return "\n".join(parts)
