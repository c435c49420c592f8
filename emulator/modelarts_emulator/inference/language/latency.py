"""How long an Ascend-vLLM server would take: queue, prefill, decoding, graph compilation, as a profile says."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Profile:
    """Seconds; all zero means: as fast as it can.

    queue: before a request starts. prefill_per_token: for each prompt token that no cache holds. per_token: for each
    token said. graph_compile: once after a start without a compile cache, in graph mode. scheduler: a step of the
    scheduler, shared by num_scheduler_steps tokens; DEFER_DECODE hides the decoding of tokens behind the next step,
    vocabulary parallelism spares a part of each token.
    """

    queue: float = 0.0
    prefill_per_token: float = 0.0
    per_token: float = 0.0
    graph_compile: float = 0.0
    scheduler: float = 0.0
    detokenise: float = 0.0
    vocabulary: float = 0.0

    @classmethod
    def parsed(cls, text: str) -> "Profile":
        """The profile of a text such as `queue=0.05,per_token=0.02`. ValueError when it says something else."""
        known = {row.name for row in fields(cls)}
        values = {}
        for part in filter(None, text.split(",")):
            name, _, number = part.partition("=")
            name = name.strip()
            if name not in known:
                raise ValueError(f"latency knows {', '.join(sorted(known))}, not {name!r}")
            values[name] = float(number)
            if not 0 <= values[name] <= 3600:
                raise ValueError(f"latency {name} is {number}, must be from 0 to 3600 seconds")
        return cls(**values)


@dataclass(frozen=True)
class Engine:
    """How an Ascend-vLLM server was started."""

    enforce_eager: bool = True
    compile_cache: bool = False
    num_scheduler_steps: int = 8
    defer_decode: bool = False
    use_vocab_parallel: bool = True
    enable_prefix_caching: bool = True


def first_token_seconds(profile: Profile, engine: Engine, prompt: int, cached: int, is_first: bool) -> float:
    """From the request to the first token; is_first: the first request since the server started."""
    compiles = is_first and not engine.enforce_eager and not engine.compile_cache
    seconds = profile.queue + profile.prefill_per_token * (prompt - cached)
    return seconds + (profile.graph_compile if compiles else 0.0)


def token_seconds(profile: Profile, engine: Engine) -> float:
    """From one token to the next."""
    seconds = profile.per_token + profile.scheduler / max(1, engine.num_scheduler_steps)
    seconds += 0.0 if engine.defer_decode else profile.detokenise
    return seconds + profile.vocabulary * (0.25 if engine.use_vocab_parallel else 1.0)
