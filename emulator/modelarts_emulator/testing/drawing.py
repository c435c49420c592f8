"""Hypothesis strategies for the schemas of schemas/: valid values and valid requests."""

import json
from functools import cache, lru_cache

import orjson
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelarts_emulator.contract.checking import fast_validator
from modelarts_emulator.contract.explaining import validator_class
from modelarts_emulator.contract.soundness import ANNOTATIONS
from modelarts_emulator.testing.fitting import LETTERS, fitting

DEEPEST = 7
LONGEST_STRING = 20_000
# Keywords that say how a value is written or used, not which values are valid.
SILENT = ANNOTATIONS | {
    "default", "contentEncoding", "contentMediaType", "contentSchema", "components", "x-case-insensitive",
    "x-comma-separated", "x-bit-flags", "x-unit", "x-multiple-of-limit", "x-from-example", "x-sdk-stream",
    "x-locates", "x-allow-empty",
}  # fmt: skip
KNOWN = SILENT | {
    "type", "enum", "const", "required", "pattern", "minLength", "maxLength", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems", "items",
    "minProperties", "maxProperties", "additionalProperties", "propertyNames", "properties",
    "dependentRequired",
    "not", "if", "then", "anyOf", "oneOf", "allOf", "$ref", "x-numeric-range",
}  # fmt: skip
KINDS = ("object", "array", "string", "integer", "number", "boolean", "null")


class Schema:
    """A schema document with what is needed to draw from it; references point to #/components/schemas/X.

    slow and fast: the validators of jsonschema and of jsonschema-rs, as the emulator uses them.
    """

    def __init__(self, document: dict):
        self.document = document
        self.components = document.get("components", {}).get("schemas", {})
        self.slow = validator_class()(document)
        self.fast = fast_validator(document)
        self._parts = {}

    def allows(self, part: dict, value) -> bool:
        """Whether one part of the document, such as an alternative, allows the value."""
        if id(part) not in self._parts:
            self._parts[id(part)] = fast_validator({**part, "components": {"schemas": self.components}})
        return self._parts[id(part)].is_valid(value)

    def flat(self, schema) -> dict:
        """The schema with its reference and allOf branches merged in. ValueError for an unknown keyword."""
        if schema is True:
            return {}
        unknown = schema.keys() - KNOWN
        if unknown:
            raise ValueError(f"no values can be drawn for the keywords {', '.join(sorted(unknown))}")
        merged = {name: value for name, value in schema.items() if name not in ("$ref", "allOf")}
        others = [self.components[schema["$ref"].rpartition("/")[2]]] if "$ref" in schema else []
        for other in [*others, *schema.get("allOf", ())]:
            for name, value in self.flat(other).items():
                if name == "properties":
                    merged[name] = {**value, **merged.get(name, {})}
                elif name == "required":
                    merged[name] = [*merged.get(name, ()), *value]
                else:
                    merged.setdefault(name, value)
        return merged


@lru_cache(maxsize=1024)
def schema_of(text: str) -> Schema:
    """The Schema of a document given as JSON text, made once."""
    return Schema(orjson.loads(text))


def as_schema(document: dict) -> Schema:
    """The Schema of a document."""
    return schema_of(json.dumps(document))


@st.composite
def values(draw, document: dict, full: bool = False):
    """A valid value of the schema; full: with every member it documents."""
    schema = as_schema(document)
    value = drawn(draw, schema, document, full, 0)
    assume(schema.fast.is_valid(value))
    return value


def drawn(draw, schema: Schema, part, full: bool, depth: int):
    """A value of one part of a schema, valid but for rules that span several members."""
    part = schema.flat(part)
    for word in ("const", "enum"):
        if word in part:
            return part[word] if word == "const" else draw(st.sampled_from(part[word]))
    for word in ("anyOf", "oneOf"):
        if word in part:
            branch = schema.flat(draw(st.sampled_from(part[word])))
            rest = {name: value for name, value in part.items() if name != word}
            return drawn(draw, schema, joined(rest, branch), full, depth)
    kinds = kinds_of(part)
    kind = draw(st.sampled_from(kinds)) if kinds else draw(st.sampled_from(KINDS[2:]))
    return DRAWS[kind](draw, schema, part, full, depth)


def joined(rest: dict, branch: dict) -> dict:
    """A schema and the branch chosen of its alternatives as one."""
    both = {**rest, **branch}
    both["properties"] = {**rest.get("properties", {}), **branch.get("properties", {})}
    both["required"] = [*rest.get("required", ()), *branch.get("required", ())]
    return both if both["properties"] else {k: v for k, v in both.items() if k != "properties"}


def kinds_of(part: dict) -> list:
    """The types a flat schema allows; what its keywords imply where it does not say."""
    kind = part.get("type")
    if kind is not None:
        return [kind] if isinstance(kind, str) else list(kind)
    if part.keys() & {"properties", "required", "additionalProperties"}:
        return ["object"]
    return ["array"] if "items" in part else ["string"] if "pattern" in part else []


def draw_object(draw, schema, part, full, depth):
    """An object: what is required, and of the rest what falls to it."""
    required = set(part.get("required", ()))
    value = {}
    for name, member in part.get("properties", {}).items():
        wanted = depth < DEEPEST and (full or draw(st.booleans()))
        if name in required or (wanted and member is not False):
            value[name] = drawn(draw, schema, member, full and depth < DEEPEST, depth + 1)
    for trigger, names in part.get("dependentRequired", {}).items():
        if trigger in value:
            for name in names:
                value.setdefault(name, drawn(draw, schema, part["properties"][name], full, depth + 1))
    others = part.get("additionalProperties", True)
    fewest = part.get("minProperties", 0)
    spare = 1 if full and isinstance(others, dict) else 0
    for number in range(max(spare, fewest - len(value))):
        if others is not False:
            value[f"member_{number}"] = drawn(draw, schema, others, full, depth + 1)
    return value


def draw_array(draw, schema, part, full, depth):
    """A list of few elements."""
    fewest = part.get("minItems", 0)
    most = max(fewest, min(part.get("maxItems", 2), 2 if depth < DEEPEST else fewest))
    count = max(fewest, 1) if full and depth < DEEPEST and most else draw(st.integers(fewest, most))
    items = [drawn(draw, schema, part.get("items", True), full, depth + 1) for _ in range(count)]
    if part.get("uniqueItems"):
        items = list({json.dumps(item, sort_keys=True): item for item in items}.values())
    return items


def draw_string(draw, schema, part, full, depth):
    """A string of an allowed length that matches the pattern."""
    shortest, longest = part.get("minLength", 0), part.get("maxLength", 40)
    if "x-numeric-range" in part:
        return str(draw(st.integers(*part["x-numeric-range"])))
    if "pattern" in part:
        return draw(
            st.sampled_from(fitting(part["pattern"], shortest, part.get("maxLength", LONGEST_STRING)))
        )
    usual = st.text(LETTERS, min_size=shortest, max_size=max(shortest, min(longest, 12)))
    return draw(
        usual if full else usual | st.text(min_size=shortest, max_size=max(shortest, min(longest, 12)))
    )


def draw_integer(draw, schema, part, full, depth):
    """A whole number between the bounds."""
    low, high = bounds(part, 1)
    value = draw(st.integers(low, high))
    step = part.get("multipleOf")
    return value - value % step if step else value


def draw_number(draw, schema, part, full, depth):
    """A number between the bounds."""
    low, high = bounds(part, 0.001)
    value = draw(st.floats(low, high, allow_nan=False, allow_infinity=False, allow_subnormal=False))
    step = part.get("multipleOf")
    return value // step * step if step and value // step * step >= low else low if step else value


def bounds(part: dict, step) -> tuple:
    """Least and greatest number the part allows; narrow where it does not say."""
    low = part.get("minimum", part["exclusiveMinimum"] + step if "exclusiveMinimum" in part else None)
    high = part.get("maximum", part["exclusiveMaximum"] - step if "exclusiveMaximum" in part else None)
    if low is None:
        low = -3 if high is None or high >= -3 else high - 10
    return low, low + 1000 if high is None else high


DRAWS = {
    "object": draw_object,
    "array": draw_array,
    "string": draw_string,
    "integer": draw_integer,
    "number": draw_number,
    "boolean": lambda draw, *_: draw(st.booleans()),
    "null": lambda *_: None,
}


def parameter_schema(operation, place: str) -> dict:
    """The parameters of one place as the properties of an object."""
    parameters = [found for found in operation.definition["parameters"] if found["in"] == place]
    return operation.area_of.closure(
        {
            "type": "object",
            "properties": {found["name"]: found["schema"] for found in parameters},
            "required": [found["name"] for found in parameters if found["required"]],
            "additionalProperties": False,
        }
    )


def sendable(value) -> bool:
    """Whether a parameter's value survives being written as text: not empty, no comma inside a list."""
    if isinstance(value, list):
        return bool(value) and all(
            isinstance(item, int | str) and str(item) and "," not in str(item) for item in value
        )
    return value is not None and not isinstance(value, dict) and str(value) != ""


def as_text(value) -> str:
    """A parameter's value as it stands in a URL or header."""
    if isinstance(value, list):
        return ",".join(as_text(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


@st.composite
def requests(draw, operation, full: bool = False):
    """(path values, query, headers, body) of a valid request, parameters as text."""
    places = []
    for place in ("path", "query", "header"):
        sent = draw(values(parameter_schema(operation, place), full))
        assume(all(sendable(value) for value in sent.values()))
        places.append({name: as_text(value) for name, value in sent.items()})
    assume(all(text.isascii() and text.isprintable() and text == text.strip() for text in places[2].values()))
    schema = operation.body_schema
    body = None if schema is None else draw(values(operation.area_of.closure(schema), full))
    return *places, body


@lru_cache(maxsize=64)
def samples_of(text: str) -> list:
    """A few valid values of a schema given as JSON text, the last one with all it documents."""
    found = []
    for full, count in ((False, 2), (True, 1)):

        @settings(max_examples=count)
        @given(values(orjson.loads(text), full))
        def gather(value):
            found.append(value)

        gather()
    return found


@cache
def samples(operation) -> list:
    """A few valid requests of the operation, some with all it documents; the same ones every time."""
    found = []
    for full, count in ((False, 3), (True, 2)):

        @settings(max_examples=count)
        @given(requests(operation, full))
        def gather(request):
            found.append(request)

        gather()
    return found
