"""A question on its way through a model server: prompt, cache, backend, waiting, counting."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache

import orjson

from modelarts_emulator.behaviours.maas.metrics import counters_of
from modelarts_emulator.behaviours.maas.models import use_tokens
from modelarts_emulator.contract.errors import ApiError, error_body
from modelarts_emulator.contract.facts import fixture
from modelarts_emulator.inference.language.asked import Asked, BackendFailed, Reply
from modelarts_emulator.inference.language.backends import backend_of
from modelarts_emulator.inference.language.builtin import Builtin
from modelarts_emulator.inference.language.guided import GuideImpossible
from modelarts_emulator.inference.language.latency import Engine, Profile, first_token_seconds, token_seconds
from modelarts_emulator.inference.language.prefix_cache import PrefixCache
from modelarts_emulator.inference.language.tokenizer import count, prompt_tokens, tokens, tool_tokens
from modelarts_emulator.inference.language.tuned import Tuned
from modelarts_emulator.real_time import monotonic


class BrokenOff(ApiError):
    """The model has gone without a word: so does the connection where an answer is under way."""


COMPILED = "maas/chat/torchair_cache"


@dataclass
class Served:
    """A model as it is asked: the name that answers and metrics show, what its tokens are counted under, its server.

    speed: by what factor it is faster than the latency profile says. tuned: what it has learnt besides.
    """

    name: str
    limited_as: str
    context: int
    max_output: int
    engine: Engine = field(default_factory=Engine)
    started: str = ""
    failure: tuple[str, int | None] = ("APIG.0203", None)
    speed: float = 1.0
    tuned: Tuned | None = None


@cache
def builtin() -> Builtin:
    """The built-in model over its corpus."""
    return Builtin(fixture("pangu/text/corpus"))


@cache
def backend_named(chat: str, key: str):
    """The backend that a setting names. BadScript or ValueError when it names none."""
    return backend_of(chat, key, builtin)


@cache
def profile_named(latency: str) -> Profile:
    """The latency profile that a setting describes."""
    return Profile.parsed(latency)


def keep_compiled(world, served: Served) -> bool:
    """Leave what graph mode compiles for a server where its next start finds it; whether it was there already."""
    table, key = world.store.table(COMPILED), f"{served.limited_as}/{served.name}"
    if key in table:
        return True
    table.put(key, {"path": ".torchair_cache", "model": served.name, "made_at": world.clock.now_ms()})
    return False


def compiled_for(world, limited_as: str) -> list[dict]:
    """What graph mode has left for the next start of a server."""
    table = world.store.table(COMPILED)
    return [table.find(key) for key in list(table.ids()) if key.startswith(f"{limited_as}/")]


def forget_compiled(world, limited_as: str) -> None:
    """Drop what graph mode has left for a server."""
    table = world.store.table(COMPILED)
    for key in [key for key in table.ids() if key.startswith(f"{limited_as}/")]:
        table.drop(key)


def prompt_of(asked: Asked, bare: bool = False) -> list[str]:
    """The tokens that the model reads; bare: the messages are a full prompt already and get no marks."""
    if asked.prompt is not None:
        return tokens(asked.prompt)
    if bare:
        return [token for message in asked.messages for token in tokens(message["content"])]
    return [*tool_tokens(asked.tools), *prompt_tokens(asked.messages)]


class Generation:
    """One request to a model server, answered `n` times.

    Use `speak(reply)` to hear a reply token by token as fast as the latency profile allows. Everything counted is
    counted when `with generation:` is left, also when the client hung up in the middle.
    """

    def __init__(self, call, served: Served, asked: Asked, number: int = 1, prompt: list | None = None):
        self.call = call
        self.world = call.world
        self.served = served
        self.prompt = prompt_of(asked) if prompt is None else prompt
        self.prompt_tokens = len(self.prompt)
        self.completion_tokens = 0
        self.since = monotonic()
        self.first = None
        self.profile = profile_named(call.settings.latency)
        with self.world.transaction():
            self._admit()
            self.id = self.world.new_hex(32)
            self.created = int(self.world.clock.now())
        asked = replace(asked, tuned=served.tuned)
        self.replies = [self._reply(replace(asked, index=index)) for index in range(number)]

    def _admit(self) -> None:
        volatile, engine = self.world.volatile, self.served.engine
        self.cached = 0
        if engine.enable_prefix_caching:
            caches = volatile.setdefault("maas/chat/prefix_caches", {})
            known = caches.setdefault(self.served.limited_as, PrefixCache())
            self.cached = known.admit(self.served.started, self.prompt)
        is_first = self._is_first_of_server()
        seconds = first_token_seconds(self.profile, engine, self.prompt_tokens, self.cached, is_first)
        self.first_wait = seconds / self.served.speed
        self.token_wait = token_seconds(self.profile, engine) / self.served.speed

    def _is_first_of_server(self) -> bool:
        """Whether nobody has asked this server since its start; what it then compiles in graph mode stays for the next
        start.
        """
        served, warm = self.served, self.world.volatile.setdefault("maas/chat/warm_servers", set())
        server = f"{served.limited_as}/{served.started}"
        if server in warm:
            return False
        warm.add(server)
        return served.engine.enforce_eager or not keep_compiled(self.world, served)

    def _reply(self, asked: Asked) -> Reply:
        try:
            reply = backend_named(self.call.settings.chat, self.call.settings.chat_key).reply(asked)
        except GuideImpossible as error:
            raise ApiError("BadRequestError", str(error)) from None
        except BackendFailed as error:
            raise failure_of(self.served, error) from None
        if reply.refusal and reply.cut_after is None:
            raise ApiError(*reply.refusal)
        return reply

    @property
    def waits(self) -> bool:
        """Whether the client is made to wait for tokens."""
        slow = self.first_wait or self.token_wait or any(reply.moments for reply in self.replies)
        return bool(slow)

    def speak(self, reply: Reply) -> Iterator[tuple[str, bool]]:
        """(token, whether it is only thought) of a reply as they come, waited for as profile and script say.

        ApiError when the backend refuses to go on, BrokenOff when it just ends.
        """
        wait = self.world.clock.wait
        wait(self.first_wait + reply.first_wait)
        between, number = self.token_wait + reply.token_wait, 0
        for token in reply.reasoning:
            number += 1
            self.count_token()
            yield token, True
            wait(between)
        try:
            for token in reply.tokens:
                if number == reply.cut_after:
                    raise (
                        ApiError(*reply.refusal)
                        if reply.refusal
                        else BackendFailed("the script breaks off here")
                    )
                number += 1
                self.count_token()
                yield token, False
                if between:
                    wait(between)
        except BackendFailed as error:
            kind = BrokenOff if error.status is None else ApiError
            raise failure_of(self.served, error, kind) from None

    def count_token(self) -> None:
        """Count one token that was said."""
        self.completion_tokens += 1
        if self.first is None:
            self.first = monotonic()

    def count_calls(self, reply: Reply) -> None:
        """Count the tokens of a reply's tool calls."""
        for call in reply.tool_calls:
            self.completion_tokens += count(call["function"]["name"]) + count(call["function"]["arguments"])
        if reply.tool_calls and self.first is None:
            self.first = monotonic()

    def usage(self) -> dict:
        """What has been used so far; an upstream's own count where it gave one."""
        told = [reply.usage for reply in self.replies if reply.usage]
        if told:
            prompt = told[0].get("prompt_tokens", self.prompt_tokens)
            said = sum(usage.get("completion_tokens", 0) for usage in told)
        else:
            prompt, said = self.prompt_tokens, self.completion_tokens
        return {"prompt_tokens": prompt, "total_tokens": prompt + said, "completion_tokens": said}

    def usage_with_cache(self) -> dict:
        """The usage with what the prefix cache spared, None where that is nothing."""
        details = {"cached_tokens": self.cached} if self.cached else None
        return self.usage() | {"prompt_tokens_details": details}

    def __enter__(self) -> "Generation":
        with self.world.lock:
            counters_of(self.world, self.served.name).running += 1
        return self

    def __exit__(self, *_) -> None:
        for reply in self.replies:
            if hasattr(reply.tokens, "close"):
                reply.tokens.close()
        used, now = self.usage(), monotonic()
        with self.world.lock:
            counted = counters_of(self.world, self.served.name)
            counted.running -= 1
            counted.totals["prompt_tokens_total"] += used["prompt_tokens"]
            counted.totals["generation_tokens_total"] += used["completion_tokens"]
            counted.totals["gpu_prefix_cache_queries_total"] += self.prompt_tokens
            counted.totals["gpu_prefix_cache_hits_total"] += self.cached
            first = self.first or now
            counted.histograms["time_to_first_token_seconds"].observe(first - self.since)
            if self.completion_tokens > 1:
                between = (now - first) / (self.completion_tokens - 1)
                counted.histograms["time_per_output_token_seconds"].observe(between)
            counted.histograms["e2e_request_latency_seconds"].observe(now - self.since)
            for reply in self.replies:
                reason = "abort" if _[0] is not None else reply.finish_reason
                counted.finished[reason] = counted.finished.get(reason, 0) + 1
        use_tokens(self.world, self.served.limited_as, used["total_tokens"])


def failure_of(served: Served, error: BackendFailed, kind: type[ApiError] = ApiError) -> ApiError:
    """How a failure of the backend is told: a refusal of its own with its status and words, else as documented."""
    if error.status is not None:
        return ApiError("Emulator.Upstream", str(error), status=error.status)
    code, status = served.failure
    return kind(code, str(error), status=status)


def until_failure(frames: Iterator[bytes], call, head: bytes = b"data: ") -> Iterator[bytes]:
    """The frames of a stream; when the model fails in the middle, the last one is the refusal, as the operation has it.

    head: what stands before its JSON.
    """
    try:
        yield from frames
    except BrokenOff as error:
        raise ConnectionAbortedError(str(error)) from None
    except ApiError as error:
        yield b"%b%b\n\n" % (head, orjson.dumps(error_body(error, call.operation, call.world.tag)))


def token_logprobs(reply_tokens: list[str], context: str, top: int = 0) -> list[dict]:
    """The logarithm of each token's probability, as the built-in model holds it; `top` names the token itself."""
    found = builtin().probabilities.log_probabilities(reply_tokens, context)
    return [
        {
            "token": token,
            "logprob": round(value, 6),
            "bytes": list(token.encode()),
            "top_logprobs": [{"token": token, "logprob": round(value, 6), "bytes": list(token.encode())}][
                :top
            ],
        }
        for token, value in zip(reply_tokens, found, strict=True)
    ]
