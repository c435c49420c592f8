"""Text with deployed Pangu models: completions, counting tokens, vectors and documents in order."""

from collections.abc import Iterator

import orjson

from modelarts_emulator.behaviours.maas.frames import hear_reply
from modelarts_emulator.behaviours.maas.generation import Generation, prompt_of, until_failure
from modelarts_emulator.behaviours.pangu.chat import refuse_length, refuse_number
from modelarts_emulator.behaviours.pangu.deployments import deployment_called, server_from
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Answer, Stream
from modelarts_emulator.frame.registry import behaviour
from modelarts_emulator.inference.language.asked import Asked
from modelarts_emulator.inference.language.sharing import relevance, vector
from modelarts_emulator.inference.language.tokenizer import tokens
from modelarts_emulator.real_time import monotonic
from modelarts_emulator.worlds.world import uuid_of

CSS_DIMENSIONS = 768
MOST_VECTORS = 1000
DOCUMENT_NAMES = ("docs", "documents")
TEXT_NAMES = ("content", "text")


@behaviour("MaStudioExecuteTextCompletion", computes=True)
def ma_studio_execute_text_completion(call):
    """What the deployment writes after a prompt, at once or as frames."""
    return complete(call)


@behaviour("ExecuteTextCompletion", computes=True)
def execute_text_completion(call):
    """What a deployment in a pool writes after a prompt, at once or as frames."""
    return complete(call)


def complete(call):
    """Check in the documented order, ask the model, answer."""
    body, deployment = call.body, deployment_called(call, "NLP")
    with call.world.lock:
        served = server_from(call.world, call.project_id, deployment)
    refuse_number(body, body["n"])
    asked = Asked(
        model=served.name,
        prompt=body["prompt"],
        seed=call.world.seed,
        temperature=body.get("temperature", 1.0),
        top_p=body.get("top_p", 1.0),
        raw=body,
    )
    prompt = prompt_of(asked)
    asked.most = refuse_length(served, body, prompt, len(body["prompt"]))
    generation = Generation(call, served, asked, body["n"], prompt)
    if body["stream"]:
        return Stream(until_failure(text_frames(generation), call, b"data:"))
    with generation:
        choices = [
            {"index": at, "text": "".join(hear_reply(generation, reply)[0])}
            for at, reply in enumerate(generation.replies)
        ]
    return {**head_of(generation), "choices": choices, "usage": generation.usage()}


def head_of(generation: Generation) -> dict:
    """What answer and frames share."""
    return {"id": uuid_of(generation.id), "created": generation.created}


def text_frames(generation: Generation) -> Iterator[bytes]:
    """The frames of a stream, each with what was used so far."""
    head, pause = head_of(generation), [b""] if generation.waits else []
    (reply,) = generation.replies
    with generation:
        for token, _ in generation.speak(reply):
            choices = [{"index": 0, "text": token}]
            yield b"data:" + orjson.dumps({**head, "choices": choices, "usage": generation.usage()}) + b"\n\n"
            yield from pause
        yield b"data:[DONE]\n\n"


@behaviour("CalculateTokens", computes=True)
def calculate_tokens(call):
    """The tokens of a conversation: of its texts alone with `with_prompt`, else as a chat would count them."""
    body = call.body
    deployment_called(call, "NLP")
    if len(body["data"]) % 2 == 0:
        words = (
            f"data has {len(body['data'])} texts; a conversation is question, answer, question: an odd number"
        )
        raise ApiError("PANGU.3305", words)
    roles = ("user", "assistant")
    messages = [{"role": roles[at % 2], "content": text} for at, text in enumerate(body["data"])]
    found = prompt_of(Asked("", messages), bare=body.get("with_prompt", False))
    return {"tokens": found, "token_number": len(found)}


@behaviour("PanguEmbeddingQuery", computes=True)
def pangu_embedding_query(call):
    """The vector of a query; `ret` 0 says that all is well, another value comes with status 400 and why."""
    since = monotonic()
    deployment = deployment_called(call, "SEARCH")
    query = call.body["query"]
    if not tokens(query.strip()):
        told = {"embedding": [], "ret": "1", "msg": "query is blank"}
        return Answer({**told, "cost": cost_since(since)}, 400)
    found = vector(query, deployment["dimensions"])
    return {"embedding": [found], "ret": "0", "msg": "success", "cost": cost_since(since)}


def cost_since(since: float) -> float:
    """Milliseconds since then."""
    return round(1000 * (monotonic() - since), 3)


@behaviour("PanguSearchRerank", computes=True)
def pangu_search_rerank(call):
    """Documents with how much of the query each speaks of, the most relevant first."""
    deployment_called(call, "SEARCH")
    query = call.body.get("query")
    if not isinstance(query, str) or not query:
        raise ApiError("PANGU.3278", "$.query: a text is required")
    texts = texts_of(call.body)
    scored = [(relevance(query, text), at) for at, text in enumerate(texts)]
    found = sorted(scored, key=lambda pair: (-pair[0], pair[1]))
    return {"scores": [{"index": at, "text": texts[at], "score": round(score, 8)} for score, at in found]}


def texts_of(body: dict) -> list[str]:
    """The documents of a body: texts, or objects with a content or text."""
    sent = next((body[name] for name in DOCUMENT_NAMES if isinstance(body.get(name), list)), None)
    if not sent or len(sent) > MOST_VECTORS:
        raise ApiError("PANGU.3278", f"$.docs: 1 to {MOST_VECTORS} documents are required")
    found = []
    for at, document in enumerate(sent):
        if isinstance(document, dict):
            document = next((document[name] for name in TEXT_NAMES if name in document), None)
        if not isinstance(document, str):
            raise ApiError("PANGU.0010", f"$.docs[{at}]: must be a text, or an object with content")
        found.append(document)
    return found


@behaviour("PanguCssEmbeddingQuery", computes=True)
def pangu_css_embedding_query(call):
    """A vector for each query."""
    refuse_many(call.body["query"], "query")
    return {"embedding": [vector(text, CSS_DIMENSIONS) for text in call.body["query"]]}


@behaviour("PanguCssEmbeddingBatch", computes=True)
def pangu_css_embedding_batch(call):
    """A vector for each document: its fields' vectors, weighted and added."""
    weights = call.body["weight"]
    refuse_many(call.body["docs"], "docs")
    if not weights:
        raise ApiError("PANGU.0010", "$.weight: names no field")
    return {
        "embedding": [weighted_vector(at, document, weights) for at, document in enumerate(call.body["docs"])]
    }


def refuse_many(sent: list, name: str) -> None:
    """PANGU.0010 for more than can be embedded at once."""
    if len(sent) > MOST_VECTORS:
        raise ApiError("PANGU.0010", f"$.{name}: has {len(sent)} items, must have at most {MOST_VECTORS}")


def weighted_vector(at: int, document: dict, weights: dict) -> list[float]:
    """The sum of the vectors of a document's fields, of length one."""
    total = [0.0] * CSS_DIMENSIONS
    for name, weight in weights.items():
        if not isinstance(document.get(name), str):
            raise ApiError("PANGU.0010", f"$.docs[{at}].{name}: must be a text, as weight names it")
        for place, value in enumerate(vector(document[name], CSS_DIMENSIONS)):
            total[place] += weight * value
    length = sum(value * value for value in total) ** 0.5 or 1.0
    return [round(value / length, 8) for value in total]
