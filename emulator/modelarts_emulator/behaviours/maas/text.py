"""Text with the models of MaaS: plain completions of an Ascend-vLLM server, vectors, and documents in order."""

import base64
import struct
from collections.abc import Iterator
from itertools import accumulate

import orjson

from modelarts_emulator.behaviours.maas.asking import (
    asked_with,
    best_answers,
    refuse_alternatives,
    refuse_extra,
    refuse_sampling,
)
from modelarts_emulator.behaviours.maas.frames import hear_reply
from modelarts_emulator.behaviours.maas.generation import Generation, Served, token_logprobs, until_failure
from modelarts_emulator.behaviours.maas.models import model_called, row_named, use_tokens
from modelarts_emulator.behaviours.pangu.deployments import deployment_serving
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Stream
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.inference.language.sharing import relevance, vector
from modelarts_emulator.inference.language.tokenizer import count, tokens

MOST_PROMPTS = 64


@behaviour("CreateVllmCompletion", computes=True)
def create_vllm_completion(call):
    """What the model writes after a prompt, for each prompt `n` times, at once or as a stream."""
    return complete_with(call, find_server(call))


def complete_with(call, served: Served):
    """What a model server writes after each prompt, at once or as a stream."""
    body = call.body
    refuse_extra(call)
    refuse_sampling(body)
    refuse_alternatives(body.get("logprobs"))
    generations = [generation_of(call, served, prompt) for prompt in prompts_of(body)]
    if body["stream"]:
        return Stream(until_failure(text_frames(generations, body), call))
    choices = []
    for prompt, generation in generations:
        with generation:
            for reply in generation.replies:
                choices.append(choice_of(generation, reply, prompt, len(choices), body))
    return text_head(generations[0][1]) | {"choices": choices, "usage": usage_of(generations)}


def find_server(call) -> Served:
    """The server whose served name, or container path, the body names; 404 in the server's own words."""
    name = call.body["model"]
    row = row_named(name)
    if row is not None and row["kind"] == "chat":
        return Served(row["id"], row["id"], row["context"], row["max_output"])
    served = deployment_serving(call.world, call.project_id, name.rpartition("/")[2])
    if served is None:
        raise ApiError("NotFoundError", fill=[name])
    return served


def prompts_of(body: dict) -> list[str]:
    """The prompts: one text, several, or token ids, which stand for characters here."""
    prompt = body["prompt"]
    if isinstance(prompt, str):
        found = [prompt]
    elif all(isinstance(part, str) for part in prompt):
        found = list(prompt)
    elif all(is_token(part) for part in prompt):
        found = ["".join(map(chr, prompt))]
    elif all(isinstance(part, list) and part and all(map(is_token, part)) for part in prompt):
        found = ["".join(map(chr, part)) for part in prompt]
    else:
        raise ApiError(
            "BadRequestError", "prompt must be a string, array of strings, array of tokens or of arrays"
        )
    if not found or not all(found):
        raise ApiError("BadRequestError", "please provide at least one prompt")
    if len(found) > MOST_PROMPTS:
        raise ApiError(
            "BadRequestError", f"{len(found)} prompts were sent, at most {MOST_PROMPTS} are allowed"
        )
    return found


def is_token(part) -> bool:
    """Whether a number can stand for a character."""
    return isinstance(part, int) and not isinstance(part, bool) and 0 <= part < 0xD800


def generation_of(call, served: Served, prompt: str) -> tuple[str, Generation]:
    """(prompt, its generation). 400 when the context is too short for it."""
    body = call.body
    words = tokens(prompt)
    if len(words) + body["max_tokens"] > served.context:
        raise ApiError(
            "BadRequestError",
            f"This model's maximum context length is {served.context} tokens. However, you requested "
            f"{len(words) + body['max_tokens']} tokens ({len(words)} in the messages, {body['max_tokens']} in the "
            "completion). Please reduce the length of the messages or completion.",
        )
    asked = asked_with(call, served.name, prompt=prompt, most=body["max_tokens"])
    return prompt, best_answers(call, served, asked, words)


def choice_of(generation: Generation, reply, prompt: str, index: int, body: dict) -> dict:
    """One choice: the text with its prompt before it when `echo` is set, and probabilities when asked for."""
    said, _ = hear_reply(generation, reply)
    told = None
    if body.get("logprobs") is not None:
        echoed = tokens(prompt) if body["echo"] else []
        told = logprobs_of(echoed, said, prompt, body["logprobs"])
    return {
        "index": index,
        "text": (prompt if body["echo"] else "") + "".join(said),
        "logprobs": told,
        "finish_reason": reply.finish_reason,
        "stop_reason": reply.stop_reason,
    }


def logprobs_of(echoed: list[str], said: list[str], context: str, top: int, start: int = 0) -> dict:
    """Probabilities in the form of plain completions.

    echoed: the tokens of the prompt where the text repeats it; nothing comes before the first, so it has none. context:
    what comes before what is said. start: how many characters of the text came before.
    """
    found = token_logprobs(echoed, "") + token_logprobs(said, context)
    values = [row["logprob"] for row in found]
    if echoed:
        values[0] = None
    told = [*echoed, *said]
    return {
        "text_offset": list(accumulate(map(len, told[:-1]), initial=start)) if told else [],
        "token_logprobs": values,
        "tokens": told,
        "top_logprobs": [
            {token: value} if top and value is not None else None
            for token, value in zip(told, values, strict=True)
        ],
    }


def text_head(generation: Generation) -> dict:
    """What answers and frames of plain completions share."""
    return {
        "id": f"cmpl-{generation.id}",
        "object": "text_completion",
        "created": generation.created,
        "model": generation.served.name,
    }


def usage_of(generations: list) -> dict:
    """The usage of all prompts together."""
    total = {"prompt_tokens": 0, "total_tokens": 0, "completion_tokens": 0}
    for _, generation in generations:
        for name, number in generation.usage().items():
            total[name] += number
    cached = sum(generation.cached for _, generation in generations)
    return total | {"prompt_tokens_details": {"cached_tokens": cached} if cached else None}


def text_frames(generations: list, body: dict) -> Iterator[bytes]:
    """The frames of a streamed completion; the last one says what was used when that is wanted."""
    common, index = text_head(generations[0][1]), -1

    def frame(text: str, finish=None, stop=None, logprobs=None) -> bytes:
        choice = {
            "index": index,
            "text": text,
            "logprobs": logprobs,
            "finish_reason": finish,
            "stop_reason": stop,
        }
        return b"data: " + orjson.dumps({**common, "choices": [choice]}) + b"\n\n"

    top = body.get("logprobs")
    for prompt, generation in generations:
        pause = [b""] if generation.waits else []
        with generation:
            for reply in generation.replies:
                index += 1
                before, start = prompt, len(prompt) if body["echo"] else 0
                if body["echo"]:
                    yield frame(
                        prompt, logprobs=None if top is None else logprobs_of(tokens(prompt), [], "", top)
                    )
                yield from pause
                for token, _ in generation.speak(reply):
                    found = None
                    if top is not None:
                        found = logprobs_of([], [token], before, top, start)
                        before += token
                        start += len(token)
                    yield frame(token, logprobs=found)
                    yield from pause
                yield frame("", reply.finish_reason, reply.stop_reason)
    if (body.get("stream_options") or {}).get("include_usage"):
        yield b"data: " + orjson.dumps({**common, "choices": [], "usage": usage_of(generations)}) + b"\n\n"
    yield b"data: [DONE]\n\n"


@behaviour("CreateMaasEmbeddings", computes=True)
def create_maas_embeddings(call):
    """A vector of length one for each text; texts that share words lie close."""
    return embed_with(call, model_called(call, "embedding"))


def embed_with(call, model: dict) -> dict:
    """The vectors of a model that may be asked."""
    body = call.body
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    used = sum(map(count, texts))
    refuse_long(used, model, texts)
    use_tokens(call.world, model["id"], used)
    found = [vector(text, model["dimensions"]) for text in texts]
    if body["encoding_format"] == "base64":
        found = [base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode() for row in found]
    with call.world.transaction():
        id, now = call.world.new_hex(32), int(call.world.clock.now())
    return {
        "id": f"embd-{id}",
        "object": "list",
        "created": now,
        "model": model["id"],
        "data": [{"index": at, "object": "embedding", "embedding": row} for at, row in enumerate(found)],
        "usage": {
            "prompt_tokens": used,
            "total_tokens": used,
            "completion_tokens": 0,
            "prompt_tokens_details": None,
        },
    }


@behaviour("CreateMaasRerank", computes=True)
def create_maas_rerank(call):
    """The documents with how much of the query each speaks of, the most relevant first."""
    body = call.body
    model = model_called(call, "rerank")
    used = count(body["query"]) + sum(map(count, body["documents"]))
    refuse_long(used, model, [body["query"]])
    use_tokens(call.world, model["id"], used)
    scored = [(relevance(body["query"], text), at) for at, text in enumerate(body["documents"])]
    with call.world.transaction():
        id = call.world.new_hex(32)
    results = [
        {"index": at, "document": {"text": body["documents"][at]}, "relevance_score": round(score, 8)}
        for score, at in sorted(scored, key=lambda pair: (-pair[0], pair[1]))[: body.get("top_n")]
    ]
    if not body["return_documents"]:
        results = [{name: row[name] for name in ("index", "relevance_score")} for row in results]
    return {"id": f"rerank-{id}", "model": model["id"], "usage": {"total_tokens": used}, "results": results}


def refuse_long(used: int, model: dict, texts: list[str]) -> None:
    """400 for more tokens than the model reads, and for nothing to read."""
    if not texts or not all(texts):
        raise ApiError("BadRequestError", "the input must not be empty")
    if used > model["context"]:
        words = f"This model's maximum context length is {model['context']} tokens. However, you requested {used} "
        raise ApiError("BadRequestError", words + "tokens in the input for embedding generation.")
