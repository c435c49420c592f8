"""Answers made up from the declared output schema, for those who have not the libraries to compute them."""

import json
from random import Random

from modelarts_emulator.inference.packages.config import ModelConfig

MOST_ITEMS = 3
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
        return len(json.loads(body)["data"][ROWS_IN])
    except (ValueError, LookupError, TypeError):
        return None


def value(schema: dict, random: Random, rows: int | None, name: str = ""):
    """Something the schema allows."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return random.choice(schema["enum"])
    kind = schema.get("type") or (
        "object" if "properties" in schema else "array" if "items" in schema else "object"
    )
    kind = kind[0] if isinstance(kind, list) else kind
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
    least = schema.get("minItems", 1)
    count = random.randint(least, max(least, min(schema.get("maxItems", MOST_ITEMS), MOST_ITEMS)))
    if name == ROWS_OUT and rows is not None:
        count = rows
    return [value(schema.get("items", {"type": "number"}), random, rows, name) for _ in range(count)]


def number(schema: dict, random: Random, kind: str) -> float:
    """Between the bounds the schema gives; a number without bounds looks like a probability."""
    low = schema.get("minimum", 0)
    high = schema.get("maximum", low + (9 if kind == "integer" else 1))
    if kind == "integer":
        return random.randint(-int(-low // 1), int(high // 1))
    return round(random.uniform(low, high), 6)


def text(schema: dict, random: Random, name: str) -> str:
    """A word made of the field's name, within the length the schema gives."""
    word = f"{name or 'text'}_{random.randrange(10)}"
    return word.ljust(schema.get("minLength", 0), "_")[
        : schema.get("maxLength", len(word) + schema.get("minLength", 0))
    ]
