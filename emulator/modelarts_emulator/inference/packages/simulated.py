"""Answers made up from the declared output schema, for those who have not the libraries to compute them."""

import json
from random import Random

import orjson

from modelarts_emulator.inference.packages.config import ModelConfig

MOST_ITEMS = 3
LONGEST = 1000
LARGEST = 1 << 53
ROWS_IN, ROWS_OUT = "req_data", "resp_data"


def predict(
    config: ModelConfig, seed: str | int, body: bytes, path: str = "/", method: str = "POST"
) -> bytes:
    """JSON that fits the response schema of an api: the same for the same seed, request and config.

    resp_data has a row for each row of the request's req_data. An api without a schema answers {};
    LookupError for one that is not declared.
    """
    declared = [api for api in config.apis if (api.url, api.method) == (path, method)]
    if config.apis and not declared:
        raise LookupError(f"{method} {path} is no api of this model")
    schema = declared[0].response.data if declared else None
    random = Random(f"{seed}|{method} {path}|{body.hex()}")
    return json.dumps(value(schema or {"type": "object"}, random, rows_of(body)), ensure_ascii=False).encode()


def rows_of(body: bytes) -> int | None:
    """How many rows a request for predictive analysis has; None when it is of another kind."""
    try:
        return len(orjson.loads(body)["data"][ROWS_IN])
    except (ValueError, LookupError, TypeError):
        return None


def value(schema: dict, random: Random, rows: int | None, name: str = ""):
    """Something the schema allows."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum") and isinstance(schema["enum"], list):
        return random.choice(schema["enum"])
    kind = schema.get("type") or (
        "object" if "properties" in schema else "array" if "items" in schema else "object"
    )
    kind = next(iter(kind), "null") if isinstance(kind, list) else kind
    if kind == "object":
        return {key: value(each, random, rows, key) for key, each in schema.get("properties", {}).items()}
    if kind == "array":
        return items(schema, random, rows, name)
    if kind in ("number", "integer"):
        return number(schema, random, kind)
    if kind == "boolean":
        return random.random() < 0.5
    return None if kind == "null" else text(schema, random, name)


def items(schema: dict, random: Random, rows: int | None, name: str) -> list:
    if "prefixItems" in schema:
        return [value(each, random, rows, name) for each in schema["prefixItems"]]
    least = length_in(schema, "minItems", 1)
    count = random.randint(least, max(least, min(length_in(schema, "maxItems", MOST_ITEMS), MOST_ITEMS)))
    if name == ROWS_OUT and rows is not None:
        count = rows
    return [value(schema.get("items", {"type": "number"}), random, rows, name) for _ in range(count)]


def number(schema: dict, random: Random, kind: str) -> float:
    """Between the bounds the schema gives; a number without bounds looks like a probability."""
    low = bound_in(schema, "minimum", 0)
    high = max(low, bound_in(schema, "maximum", low + (9 if kind == "integer" else 1)))
    if kind == "integer":
        least = -int(-low // 1)
        return random.randint(least, max(least, int(high // 1)))
    return round(random.uniform(low, high), 6)


def text(schema: dict, random: Random, name: str) -> str:
    """A word made of the field's name, within the length the schema gives."""
    word, least = f"{name or 'text'}_{random.randrange(10)}", length_in(schema, "minLength", 0)
    return word.ljust(least, "_")[: max(least, length_in(schema, "maxLength", len(word) + least))]


def bound_in(schema: dict, keyword: str, otherwise: float) -> float:
    """A bound that the schema gives; what is no number, or beyond what a double counts exactly, is none."""
    found = schema.get(keyword)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return found if is_number and abs(found) <= LARGEST else otherwise


def length_in(schema: dict, keyword: str, otherwise: int) -> int:
    """A length that the schema gives, as far as an answer has room for it."""
    return min(LONGEST, max(0, int(bound_in(schema, keyword, otherwise))))
