"""Hypothesis strategies for the schemas of schemas/: valid values, and values that break exactly one rule."""

import copy
import json
from dataclasses import dataclass
from functools import cache, lru_cache
from random import Random
from re import _parser

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from modelarts_emulator.contract.checking import fast_validator
from modelarts_emulator.contract.explaining import lenient, validator_class
from modelarts_emulator.contract.soundness import ANNOTATIONS

DEEPEST = 7
LONGEST_STRING = 20_000
LONGEST_ARRAY = 1_100
LETTERS = "abcxyzABCXYZ0189-_"
# Keywords that say how a value is written or used, not which values are valid.
SILENT = ANNOTATIONS | {
    "default", "contentEncoding", "contentMediaType", "contentSchema", "components", "x-case-insensitive",
    "x-comma-separated", "x-bit-flags", "x-unit", "x-multiple-of-limit", "x-from-example", "x-sdk-stream",
    "x-allow-empty",
}  # fmt: skip
KNOWN = SILENT | {
    "type", "enum", "const", "required", "pattern", "minLength", "maxLength", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems", "items",
    "minProperties", "maxProperties", "additionalProperties", "propertyNames", "properties",
    "dependentRequired",
    "not", "if", "then", "anyOf", "oneOf", "allOf", "$ref", "x-numeric-range",
}  # fmt: skip
KINDS = ("object", "array", "string", "integer", "number", "boolean", "null")
ODD_STRINGS = (
    "",
    "!",
    "no such value",
    "-",
    "<b>'&\"</b>",
    "名",
    "a.b/c",
    " x ",
    "1.5.",
    "x" * 300,
    "ñ",
    "[]{};,\\",
)
# Where engines of regular expressions differ: line ends, spaces, digits and letters that are not ASCII, beyond U+FFFF.
ODD_CHARACTERS = (
    "\n", "\r", "\r\n", "\u2028", "\u2029", "\x85", "\v", "\f", "\x1c", "\0", "\t", "\u00a0", "\u1680", "\u180e",
    "\u2003", "\u200b", "\u3000", "\ufeff", "٣", "５", "\u0e53", "𝟗", "²", "é", "ａ", "ſ", "\u212a", "ı", "‿", "_",
    "名", "龥", "龦", "\u0301", "🙂", "𠀀", "\U0010ffff", "\ue000", "\ufffd",
)  # fmt: skip


@dataclass
class Mutation:
    """A value that breaks one rule: which, where, and whether a refusal can name just that place."""

    rule: str
    path: tuple
    value: object
    exact: bool

    @property
    def json_path(self) -> str:
        """Where the rule is broken, as the emulator writes it below the root."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)


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
    return Schema(json.loads(text))


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
    fewest = part.get("minItems", 0)
    most = max(fewest, min(part.get("maxItems", 2), 2 if depth < DEEPEST else fewest))
    count = max(fewest, 1) if full and depth < DEEPEST and most else draw(st.integers(fewest, most))
    items = [drawn(draw, schema, part.get("items", True), full, depth + 1) for _ in range(count)]
    if part.get("uniqueItems"):
        items = list({json.dumps(item, sort_keys=True): item for item in items}.values())
    return items


def draw_string(draw, schema, part, full, depth):
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
    low, high = bounds(part, 1)
    value = draw(st.integers(low, high))
    step = part.get("multipleOf")
    return value - value % step if step else value


def draw_number(draw, schema, part, full, depth):
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


@cache
def fitting(pattern: str, shortest: int, longest: int) -> list[str]:
    """Some strings that match the pattern and have an allowed length, the same ones every time."""
    source = Random(pattern)
    fast = fast_validator({"pattern": pattern, "minLength": shortest, "maxLength": longest})
    tree = _parser.parse(pattern)
    found = set()
    for number in range(4000):
        text = pieced(tree, source, source.choice((shortest, 1, 3, 8)))
        if "$" not in pattern:
            text += "".join(source.choices(LETTERS, k=max(shortest - len(text), number % 3)))
        if not pattern.startswith("^") and number % 2:
            text = f"a/{text}"
        if fast.is_valid(text) and text.isprintable():
            found.add(text)
        if len(found) > 7:
            break
    if not found:
        raise ValueError(
            f"no string was found for the pattern {pattern} with {shortest} to {longest} characters"
        )
    return sorted(found)


def pieced(tree, source: Random, count: int) -> str:
    """A random string along a parsed pattern; what looks ahead is left to the pattern to judge."""
    return "".join(piece(str(step), what, source, count) for step, what in tree)


def piece(step: str, what, source: Random, count: int) -> str:
    """A random string for one step of a parsed pattern."""
    if step == "LITERAL":
        return chr(what)
    if step in ("ANY", "NOT_LITERAL"):
        return source.choice(LETTERS)
    if step == "BRANCH":
        return pieced(source.choice(what[1]), source, count)
    if step == "SUBPATTERN":
        return pieced(what[3], source, count)
    if step in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, repeated = what
        times = max(least, min(int(most), source.randint(0, count)))
        return "".join(pieced(repeated, source, count) for _ in range(times))
    if step == "IN":
        return source.choice(members_of(what))
    return ""


def members_of(class_) -> str:
    """Characters of a parsed character class."""
    if str(class_[0][0]) == "NEGATE":
        refused = members_of(class_[1:])
        return "".join(letter for letter in LETTERS + "名 ." if letter not in refused)
    found = ""
    for kind, what in class_:
        if str(kind) == "LITERAL":
            found += chr(what)
        elif str(kind) == "RANGE":
            found += "".join(map(chr, range(what[0], min(what[1], what[0] + 25) + 1)))
        elif str(what) == "CATEGORY_DIGIT":
            found += "0123456789"
        else:
            raise ValueError(f"no character is known for {kind} {what}")
    return found


def mutations(document: dict, value, most: int = 10_000) -> list[Mutation]:
    """Every way known here, or that many, to break one rule of the schema that the valid value has met.

    What the API's leniency puts right (numbers as text, text for numbers, letter case) is not among them;
    jsonschema has found each of them invalid.
    """
    schema = as_schema(document)
    found, seen = [], set()
    candidates = list(broken(schema, document, value, (), True))
    for rule, where, replacement, steps, exact in candidates[:: max(1, len(candidates) // most)]:
        mutated = replaced(value, where, replacement)
        key = (rule, tuple("[]" if isinstance(step, int) else step for step in steps), repr(replacement)[:40])
        if key in seen or schema.slow.is_valid(mutated):
            continue
        if isinstance(replacement, int | float) and schema.slow.is_valid(
            replaced(value, where, str(replacement))
        ):
            continue
        # Between alternatives, another letter case may lead into one that lacks the rule.
        if not exact and mended(schema, document, mutated):
            continue
        seen.add(key)
        found.append(Mutation(rule, steps, mutated, exact))
    return found


def mended(schema: Schema, document: dict, value) -> bool:
    """Whether leniency makes a valid value of this one."""
    meant = lenient(document, value)
    return meant is not None and schema.slow.is_valid(meant)


def replaced(value, where: tuple, replacement):
    """A copy of the value with something else at one place."""
    if not where:
        return replacement
    step, *rest = where
    changed = copy.copy(value)
    changed[step] = replaced(value[step], tuple(rest), replacement)
    return changed


def broken(schema: Schema, part, value, path: tuple, exact: bool):
    """(rule, place, replacement, path a refusal names, exact) for one part of a value and all below it."""
    part = schema.flat(part)
    for word in ("anyOf", "oneOf"):
        for branch in part.get(word, ()):
            if schema.allows(branch, value):
                yield from broken(schema, branch, value, path, False)
                break
    exact = exact and not part.keys() & {"if", "not", "anyOf", "oneOf"}
    for rule, replacement in broken_here(part, value):
        yield rule, path, replacement, path, exact
    if isinstance(value, dict):
        for name, member in value.items():
            inner = part.get("properties", {}).get(name, part.get("additionalProperties"))
            if isinstance(inner, dict):
                yield from broken(schema, inner, member, (*path, name), exact)
    if isinstance(value, list) and isinstance(part.get("items"), dict):
        for at, member in enumerate(value[:1]):
            yield from broken(schema, part["items"], member, (*path, at), exact)


def broken_here(part: dict, value):
    """(rule, replacement) for the rules of one flat schema itself."""
    kinds = kinds_of(part) if "type" in part else []
    wrong = wrong_kinds(kinds) if kinds else []
    if wrong:
        yield "type", wrong[len(repr(value)) % len(wrong)]
    if "enum" in part or "const" in part:
        known = part.get("enum", [part.get("const")])
        numbers = [member for member in known if isinstance(member, int) and not isinstance(member, bool)]
        yield "enum", max(numbers) + 1 if numbers else "no-such-value"
    if isinstance(value, str):
        yield from broken_string(part, value)
    elif isinstance(value, bool | None):
        return
    elif isinstance(value, int | float):
        yield from broken_number(part, value)
    elif isinstance(value, list):
        yield from broken_array(part, value)
    else:
        yield from broken_object(part, value)


def wrong_kinds(kinds: list) -> list:
    """Values of types that are none of these, and that leniency does not turn into one of them."""
    samples = {"object": {}, "array": [], "null": None, "boolean": True, "string": "no number", "number": 7.5}
    allowed = {"number", "string", *kinds} if "string" in kinds else set(kinds)
    return [sample for kind, sample in samples.items() if kind not in allowed]


def broken_string(part: dict, value: str):
    if part.get("minLength", 0):
        yield "minLength", value[: part["minLength"] - 1]
    if part.get("maxLength", LONGEST_STRING) < LONGEST_STRING:
        yield "maxLength", value + "a" * (part["maxLength"] + 1 - len(value))
    if "pattern" in part:
        judge = fast_validator({"pattern": part["pattern"]})
        refused = [text for text in (*ODD_STRINGS, f"{value}!", f"{value}\n") if not judge.is_valid(text)]
        for text in (*refused[:2], *refused[-1:]):
            yield "pattern", text
    if "x-numeric-range" in part:
        low, high = part["x-numeric-range"]
        for text in (str(low - 1), str(high + 1), "many"):
            yield "x-numeric-range", text
    if "const" in part.get("not", {}):
        yield "not", part["not"]["const"]


def broken_number(part: dict, value):
    for rule, by in (("minimum", -1), ("maximum", 1), ("exclusiveMinimum", 0), ("exclusiveMaximum", 0)):
        if rule in part:
            yield rule, part[rule] + by
    if part.get("multipleOf"):
        yield "multipleOf", value + part["multipleOf"] / 2


def broken_array(part: dict, value: list):
    if part.get("minItems", 0):
        yield "minItems", value[: part["minItems"] - 1]
    if value and part.get("maxItems", LONGEST_ARRAY) < LONGEST_ARRAY and not part.get("uniqueItems"):
        yield "maxItems", (value * (part["maxItems"] + 1))[: part["maxItems"] + 1]
    if value and part.get("uniqueItems"):
        yield "uniqueItems", [*value, value[0]]


def broken_object(part: dict, value: dict):
    for name in part.get("required", ()):
        yield "required", {other: member for other, member in value.items() if other != name}
    if part.get("additionalProperties") is False:
        yield "additionalProperties", {**value, "no_such_member": 1}
    if part.get("minProperties"):
        yield "minProperties", {}
    if "maxProperties" in part and value:
        member = next(iter(value.values()))
        yield "maxProperties", value | {f"member_{at}": member for at in range(part["maxProperties"] + 1)}
    if "propertyNames" in part:
        yield "propertyNames", {**value, "no name!": "1"}
    for trigger, names in part.get("dependentRequired", {}).items():
        if trigger in value:
            yield (
                "dependentRequired",
                {other: member for other, member in value.items() if other not in names},
            )


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
        @given(values(json.loads(text), full))
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
