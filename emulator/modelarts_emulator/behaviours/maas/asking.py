"""From a MaaS body to a question: what the model server refuses, and what is left for the model."""

import base64
import binascii
import re
from math import inf

from modelarts_emulator.behaviours.maas.generation import Generation, Served, builtin, prompt_of
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.inference.language.asked import Asked, text_of

MOST_IMAGE = 10 << 20
MOST_ALTERNATIVES = 20
FORMATS = ("text", "json_object", "json_schema")
GUIDES = {"guided_choice": "choice", "guided_regex": "regex", "guided_json": "json"}
DATA_URL = re.compile(r"data:image/(png|jpe?g|gif|webp|bmp|tiff);base64,", re.IGNORECASE)


def refuse_extra(call) -> None:
    """400 for a member that the model server does not know."""
    documented = call.operation.area_of.closure(call.operation.body_schema)
    known = documented.get("properties") or call.operation.area_of.component(documented["$ref"])["properties"]
    for name, value in call.body.items():
        if name not in known:
            words = (
                "[{'type': 'extra_forbidden', 'loc': ('body', %r), 'msg': 'Extra inputs are not permitted', "
            )
            raise ApiError("BadRequestError", (words + "'input': %r}]") % (name, value))


def refuse_sampling(body: dict, single: bool = False) -> None:
    """400 for sampling parameters that exclude each other."""
    number, beam = body["n"], body["use_beam_search"]
    rules = [
        (single and number > 1, "n must be 1 for this model"),
        (single and body["length_penalty"] != 1.0, "length_penalty is not supported by this model"),
        (
            body["top_k"] == 0 or body["top_k"] < -1,
            f"top_k must be -1 (disable), or at least 1, got {body['top_k']}.",
        ),
        (
            body.get("best_of", number) < number,
            f"best_of must be greater than or equal to n, got n={number}.",
        ),
        (beam and number == 1 and body.get("best_of", 1) < 2, "beam search needs n greater than 1"),
        (beam and body["temperature"] != 0, "temperature must be 0 when using beam search."),
        (beam and body["top_p"] != 1, "top_p must be 1 when using beam search."),
        (beam and body["top_k"] != -1, "top_k must be -1 when using beam search."),
        (
            body["length_penalty"] != 1.0
            and not (beam and body["top_k"] == -1 and body.get("best_of", 1) > 1),
            "length_penalty needs top_k -1, use_beam_search true and best_of above 1",
        ),
        (
            number > 1 and not beam and (body["temperature"] == 0 or body["top_k"] == 1),
            f"n must be 1 when using greedy sampling, got {number}.",
        ),
        (number > 10, f"n is {number}, must be at most 10"),
        (body.get("best_of", 1) > 20, f"best_of is {body.get('best_of')}, must be at most 20"),
        (body["min_tokens"] < 0, f"min_tokens must be greater than or equal to 0, got {body['min_tokens']}."),
        (
            body["min_tokens"] > (body.get("max_tokens") or inf),
            f"min_tokens must be less than or equal to max_tokens={body.get('max_tokens')}, "
            f"got {body['min_tokens']}.",
        ),
        ("" in stops_of(body), "stop cannot contain an empty string."),
    ]
    for broken, words in rules:
        if broken:
            raise ApiError("BadRequestError", words)


def refuse_alternatives(number: int | None) -> None:
    """400 for a number of alternatives to each token that cannot be."""
    if number is not None and number < 0:
        raise ApiError("BadRequestError", f"the number of logprobs must be non-negative, got {number}.")
    if number is not None and number > MOST_ALTERNATIVES:
        words = (
            f"Requested sample logprobs of {number}, which is greater than max allowed: {MOST_ALTERNATIVES}"
        )
        raise ApiError("BadRequestError", words)


def alternatives_of(body: dict) -> int | None:
    """How many alternatives a chat wants to each token, None for no probabilities. 400 for what cannot be."""
    number = body.get("top_logprobs")
    refuse_alternatives(number)
    if number and not body.get("logprobs"):
        raise ApiError("BadRequestError", "when using `top_logprobs`, `logprobs` must be set to true.")
    return (number or 0) if body.get("logprobs") else None


def guide_of(body: dict) -> dict | None:
    """What guides the text: one of guided_choice, guided_regex, guided_json, response_format; None for nothing."""
    if body.get("guided_grammar"):
        raise ApiError("BadRequestError", "guided_grammar is not supported; use guided_json, regex or choice")
    sent = [name for name in GUIDES if body.get(name) is not None]
    if len(sent) > 1:
        raise ApiError(
            "BadRequestError", f"You can only use one kind of guided decoding, got {', '.join(sent)}"
        )
    if sent:
        return {GUIDES[sent[0]]: body[sent[0]]}
    wanted = body.get("response_format")
    if wanted is None:
        return None
    if wanted.get("type") not in FORMATS:
        words = f"response_format.type is {wanted.get('type')!r}, must be one of {', '.join(FORMATS)}"
        raise ApiError("BadRequestError", words)
    if wanted.get("type") == "json_object":
        return {"json": {}}
    if wanted.get("type") == "json_schema":
        described = wanted.get("json_schema")
        schema = described.get("schema") if isinstance(described, dict) else None
        if not isinstance(schema, dict):
            raise ApiError("BadRequestError", "response_format.json_schema.schema is missing")
        return {"json": schema}
    return None


def stops_of(body: dict) -> tuple[str, ...]:
    """The stop strings."""
    stop = body.get("stop")
    return () if stop is None else (stop,) if isinstance(stop, str) else tuple(stop)


def messages_of(call, images: bool) -> list[dict]:
    """The messages with their content as text. 400 where content is missing or an image cannot be taken."""
    found = []
    for at, message in enumerate(call.body["messages"]):
        refuse_empty(at, message)
        if isinstance(message.get("content"), list):
            refuse_images(message["content"], images)
        told = {"role": message["role"], "content": text_of(message.get("content"))}
        if message.get("tool_calls"):
            refuse_bad_tool_calls(message["tool_calls"])
            told["tool_calls"] = message["tool_calls"]
        if "tool_call_id" in message:
            told["tool_call_id"] = message["tool_call_id"]
        found.append(told)
    return found


def refuse_empty(at: int, message: dict) -> None:
    """400 for a message that says nothing: no content and, from an assistant, no tool calls either."""
    is_assistant = message["role"] == "assistant"
    if message.get("content") is not None or (is_assistant and message.get("tool_calls")):
        return
    words = "must have 'content' or 'tool_calls'" if is_assistant else "must have 'content'"
    raise ApiError(
        "ModelArts.81001",
        "Inference failed: request param validation error, Value error, "
        f"message[{at}] as {message['role']!r} {words}.",
    )


def refuse_bad_tool_calls(tool_calls: list[dict]) -> None:
    """400 for a tool call of a message without a function's name, or whose arguments are not text."""
    for tool_call in tool_calls:
        function = tool_call.get("function")
        refuse_nameless(function)
        arguments = function.get("arguments")
        if not isinstance(arguments, str | None):
            words = f"function.arguments of {function['name'][:80]} is sent as JSON text, not as a value of its own"
            raise ApiError("ModelArts.81001", words)


def refuse_bad_tools(tools: list[dict]) -> None:
    """400 for a tool definition without a function's name, such as one in Anthropic's shape."""
    for tool in tools:
        refuse_nameless(tool.get("function"))


def refuse_bad_choice(choice, tools: list[dict]) -> None:
    """400 for a choice among tools that is none of the documented ones, or names a function that was not sent."""
    if choice in (None, "none"):
        return
    if not tools and choice != "auto":
        raise ApiError("BadRequestError", "When using `tool_choice`, `tools` must be set.")
    if not isinstance(choice, dict):
        if choice not in ("auto", "required"):
            words = 'Only named tools, "none", "auto" or "required" are supported.'
            raise ApiError("BadRequestError", f"Invalid value for `tool_choice`: {str(choice)[:80]}! {words}")
        return
    function = choice.get("function")
    if not isinstance(function, dict) or "name" not in function:
        right = '`{"type": "function", "function": {"name": "my_function"}}`'
        raise ApiError(
            "BadRequestError", f"Expected field `name` in `function` in `tool_choice`! Use {right}"
        )
    if function["name"] not in [tool["function"]["name"] for tool in tools]:
        words = "The tool specified in `tool_choice` does not match any of the specified `tools`"
        raise ApiError("BadRequestError", words)


def refuse_nameless(function) -> None:
    """400 for what is not a function with a name."""
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name:
        raise ApiError("ModelArts.81001", f"invalid function name: {name or None}")


def refuse_images(parts: list, images: bool) -> None:
    """400 for an image that the model cannot see, or that is none or too large."""
    for part in parts:
        if part.get("type") != "image_url":
            continue
        if not images:
            raise ApiError("BadRequestError", "At most 0 image(s) may be provided in one request.")
        url = (part.get("image_url") or {}).get("url", "")
        if url.startswith("data:"):
            picture_in(url)
        elif not url.startswith(("http://", "https://")):
            raise ApiError("BadRequestError", "image_url.url must be http, https or data:image/...;base64")


def picture_in(url: str) -> bytes:
    """The bytes of an image in a data URL. 400 when there is none, or more than 10 MB."""
    head = DATA_URL.match(url)
    if head is None:
        raise ApiError("BadRequestError", "an image is sent as data:image/png;base64,... or jpeg, gif, webp")
    if len(url) > MOST_IMAGE:
        raise ApiError("BadRequestError", f"the image has {len(url)} characters, at most 10 MB are allowed")
    try:
        return base64.b64decode(url[head.end() :], validate=True)
    except binascii.Error as error:
        raise ApiError("BadRequestError", f"the image is not base64: {error}") from None


def thinks(model: dict, body: dict) -> bool:
    """Whether the model is to think aloud: as it always does, as it is told, or as is its default."""
    if model["thinking"] in ("always", "never"):
        return model["thinking"] == "always"
    told = (body.get("chat_template_kwargs") or {}).get(model["switch"])
    if told is None and "thinking" in body:
        return body["thinking"]["type"] == "enabled"
    if told is None:
        return model["thinking"] == "on" or "reasoning_effort" in body
    return told


def set_limit(asked: Asked, served: Served, wanted: int | None) -> list[str]:
    """Set how many tokens may be said; the prompt's tokens. 400 when that exceeds the model's context or output."""
    prompt = prompt_of(asked)
    room = served.context - len(prompt)
    if room < 1 or (wanted or 0) > min(room, served.max_output):
        most = served.context if (wanted or 1) > room else served.max_output
        completion = wanted or 1
        words = (
            f"This model's maximum context length is {most} tokens. However, you requested {len(prompt) + completion} "
            f"tokens ({len(prompt)} in the messages, {completion} in the completion). Please reduce the length of the "
            "messages or completion."
        )
        raise ApiError("BadRequestError", words)
    asked.most = wanted or min(room, served.max_output)
    return prompt


def asked_with(call, model: str, **more) -> Asked:
    """The question of a body, with what bodies for chat and for texts both say. more: what else it says."""
    body = call.body
    return Asked(
        model=model,
        least=body["min_tokens"],
        stop=stops_of(body),
        seed=body.get("seed", call.world.seed),
        temperature=1.0 if body["use_beam_search"] else body["temperature"],
        top_p=body["top_p"],
        top_k=body["top_k"],
        guide=guide_of(body),
        ignore_eos=body["ignore_eos"],
        raw=body,
        **more,
    )


def best_answers(call, served: Served, asked: Asked, prompt) -> Generation:
    """A generation of the `n` most probable of `best_of` answers; in the order drawn where all are wanted.

    A beam holds no answer twice as long as the model knows others.
    """
    number, beam = call.body["n"], call.body["use_beam_search"]
    drawn = max(number, call.body.get("best_of", number)) * (4 if beam else 1)
    generation = Generation(call, served, asked, drawn, prompt)
    if drawn == number:
        return generation
    probabilities, scored = builtin().probabilities, []
    for reply in generation.replies:
        said = list(reply.tokens)
        reply.tokens = iter(said)
        found = probabilities.log_probabilities(said[:200])
        scored.append((-sum(found) / max(1, len(found)), "".join(said), reply))
    scored.sort(key=lambda row: row[:2])
    if beam:
        scored = first_of_each(scored)
    generation.replies = [reply for *_, reply in scored[:number]]
    return generation


def first_of_each(scored: list) -> list:
    """The rows with the first of each text in front."""
    unique, again = {}, []
    for row in scored:
        if unique.setdefault(row[1], row) is not row:
            again.append(row)
    return [*unique.values(), *again]
