"""Text under guidance: one of some choices, a match of a regular expression, an instance of a JSON schema."""

import json
import random
import re
from re import _constants as kinds
from re import _parser as parser

from emulator.inference.language.sharing import likeness

MOST_REPEATS = 6
TRIES = 40
DEEPEST = 12
PLACE = re.compile(r"(?:\bin|\bat|\bfor|\bto|\bof)\s+([A-Z][\w-]*(?:\s+[A-Z][\w-]*)*)")
CHINESE_PLACE = re.compile(r"([\u4e00-\u9fff]{2,3}?)(?:市|省|的|今天|明天|现在|天气)")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
QUOTED = re.compile(r"[\"'“「]([^\"'”」]{1,80})[\"'”」]")
CATEGORIES = {
    kinds.CATEGORY_DIGIT: "0123456789",
    kinds.CATEGORY_WORD: "abcdefghijklmnopqrstuvwxyz0123456789",
    kinds.CATEGORY_SPACE: " ",
    kinds.CATEGORY_NOT_DIGIT: "abcdefghijklmnopqrstuvwxyz",
    kinds.CATEGORY_NOT_WORD: " -",
    kinds.CATEGORY_NOT_SPACE: "abcdefghijklmnopqrstuvwxyz0123456789",
}
PRINTABLE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,-_:/@#"


class GuideImpossible(ValueError):
    """A guide that nothing satisfies, or that cannot be read."""


def guided_text(guide: dict, question: str, source: random.Random) -> str:
    """A text that satisfies the guide. GuideImpossible when there is none."""
    if "choice" in guide:
        if not guide["choice"]:
            raise GuideImpossible("guided_choice has no choices")
        return max(guide["choice"], key=lambda choice: likeness(question, choice))
    if "regex" in guide:
        return matching(guide["regex"], source)
    schema = guide["json"]
    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except ValueError as error:
            raise GuideImpossible(f"guided_json is no JSON: {error}") from None
    return json.dumps(fitting(schema, source, question), ensure_ascii=False)


def matching(pattern: str, source: random.Random) -> str:
    """A text that the whole pattern matches."""
    try:
        compiled, tree = re.compile(pattern), parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise GuideImpossible(f"guided_regex is no regular expression: {error}") from None
    for _ in range(TRIES):
        found = pieced(tree, source, {})
        if compiled.fullmatch(found):
            return found
    raise GuideImpossible(f"nothing was found that matches {pattern[:80]!r}")


def pieced(tree, source: random.Random, groups: dict) -> str:
    """A text made after a parsed pattern."""
    return "".join(piece(kind, what, source, groups) for kind, what in tree)


def piece(kind, what, source: random.Random, groups: dict) -> str:
    """The text of one step of a parsed pattern; empty for what takes no room."""
    if kind is kinds.LITERAL:
        return chr(what)
    if kind is kinds.NOT_LITERAL:
        return source.choice([character for character in PRINTABLE if ord(character) != what])
    if kind is kinds.ANY:
        return source.choice(PRINTABLE)
    if kind is kinds.IN:
        return source.choice(members(what))
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT, kinds.POSSESSIVE_REPEAT):
        least, most, inner = what
        times = source.randint(least, min(most, least + MOST_REPEATS))
        return "".join(pieced(inner, source, groups) for _ in range(times))
    if kind is kinds.BRANCH:
        return pieced(source.choice(what[1]), source, groups)
    if kind is kinds.SUBPATTERN:
        found = pieced(what[3], source, groups)
        groups[what[0]] = found
        return found
    if kind is kinds.ATOMIC_GROUP:
        return pieced(what, source, groups)
    return groups.get(what, "") if kind is kinds.GROUPREF else ""


def members(inside) -> list[str]:
    """The characters that a class in brackets allows, of those that are printed."""
    allowed, negated = [], False
    for kind, what in inside:
        if kind is kinds.NEGATE:
            negated = True
        elif kind is kinds.LITERAL:
            allowed.append(chr(what))
        elif kind is kinds.RANGE:
            allowed += map(chr, range(what[0], min(what[1], what[0] + 200) + 1))
        elif kind is kinds.CATEGORY:
            allowed += CATEGORIES[what]
    if negated:
        allowed = [character for character in PRINTABLE if character not in set(allowed)]
    if not allowed:
        raise GuideImpossible("a class of the pattern allows no printable character")
    return allowed


def fitting(schema, source: random.Random, question: str):
    """A JSON value that the schema allows. GuideImpossible when none was found or the schema is none."""
    from jsonschema import Draft202012Validator, SchemaError

    if not isinstance(schema, dict):
        raise GuideImpossible("guided_json is a JSON schema: an object")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise GuideImpossible(f"guided_json is no JSON schema: {error.message}") from None
    validator = Draft202012Validator(schema)
    try:
        for _ in range(TRIES):
            found = instance(schema, source, question)
            if validator.is_valid(found):
                return found
    except RecursionError:
        raise GuideImpossible("the JSON schema refers to itself without end") from None
    raise GuideImpossible("no value was found that fits the JSON schema")


def instance(schema, source: random.Random, question: str, root=None, depth: int = 0):
    """A value made after a JSON schema, from the question where that offers one."""
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > DEEPEST:
        return {} if depth == 0 else None
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    if schema.get("enum"):
        named = [value for value in schema["enum"] if str(value).lower() in question.lower()]
        return named[0] if named else source.choice(schema["enum"])
    if "$ref" in schema:
        return instance(referred(root, schema["$ref"]), source, question, root, depth + 1)
    for word in ("anyOf", "oneOf"):
        if schema.get(word):
            return instance(source.choice(schema[word]), source, question, root, depth + 1)
    if schema.get("allOf"):
        joined = {
            name: value for part in schema["allOf"] if isinstance(part, dict) for name, value in part.items()
        }
        return instance(
            {**joined, **{k: v for k, v in schema.items() if k != "allOf"}}, source, question, root, depth + 1
        )
    kind = schema.get("type", "object" if "properties" in schema or depth == 0 else "string")
    kind = source.choice(kind) if isinstance(kind, list) else kind
    make = MAKERS.get(kind)
    return None if make is None else make(schema, source, question, root, depth)


def referred(root: dict, reference: str):
    """What a reference inside the document points to; {} where it points nowhere."""
    found = root
    for step in reference.lstrip("#/").split("/"):
        found = found.get(step, {}) if isinstance(found, dict) and step else found
    return found


def an_object(schema, source, question, root, depth) -> dict:
    """An object with its required members, and the others while it is not deep."""
    properties = schema.get("properties", {})
    required = schema.get("required", [])
    names = [name for name in properties if name in required or depth < 3]
    made = {name: instance(properties[name], source, question, root, depth + 1) for name in names}
    return made | {name: "x" for name in required if name not in made}


def an_array(schema, source, question, root, depth) -> list:
    """An array of one or two items, or as many as it must have."""
    least = schema.get("minItems", 1)
    number = min(max(least, source.randint(1, 2)), schema.get("maxItems", 1000))
    items = schema.get("items", {"type": "string"})
    return [instance(items, source, question, root, depth + 1) for _ in range(number)]


def a_string(schema, source, question, root, depth) -> str:
    """A text: after its pattern, of its format, or a word of the question."""
    if "pattern" in schema:
        return matching(schema["pattern"], source)
    formats = {
        "date": "2025-06-01",
        "date-time": "2025-06-01T08:00:00Z",
        "time": "08:00:00Z",
        "email": "user@example.com",
        "uri": "https://example.com/",
        "uuid": "00000000-0000-4000-8000-000000000000",
        "ipv4": "192.0.2.1",
    }
    text = formats.get(schema.get("format")) or named_in(question)
    text = text[: schema.get("maxLength", 80)]
    return text + "x" * (schema.get("minLength", 0) - len(text))


def named_in(question: str) -> str:
    """What a question names: something quoted, a place, or else its first words."""
    for pattern in (QUOTED, PLACE, CHINESE_PLACE):
        found = pattern.search(question)
        if found:
            return found.group(1)
    return question.strip()[:20] or "text"


def an_integer(schema, source, question, root, depth) -> int:
    """A whole number in its range, the question's own where that fits."""
    low, high = bounds(schema, 1)
    step = schema.get("multipleOf", 1)
    sent = [int(text) for text in NUMBER.findall(question) if re.fullmatch(r"-?\d{1,15}", text)]
    fit = [number for number in sent if low <= number <= high and number % step == 0]
    if fit:
        return fit[0]
    first = -(-low // step)
    return int(source.randint(int(first), max(int(first), int(high // step))) * step)


def a_number(schema, source, question, root, depth) -> float:
    """A number in its range, the question's own where that fits."""
    low, high = bounds(schema, 0.01)
    sent = [float(text) for text in NUMBER.findall(question) if len(text) < 16]
    fit = [number for number in sent if low <= number <= high]
    if "multipleOf" in schema:
        return an_integer(schema, source, "", root, depth) if schema["multipleOf"] >= 1 else low
    return fit[0] if fit else round(source.uniform(low, high), 2)


def bounds(schema: dict, step) -> tuple:
    """The least and the greatest value that a schema of a number allows, over a hundred where it says nothing."""
    low = schema.get("minimum")
    high = schema.get("maximum")
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + step
    if "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - step
    if low is None:
        low = 0 if high is None else high - 100
    return low, low + 100 if high is None else high


MAKERS = {
    "object": an_object,
    "array": an_array,
    "string": a_string,
    "integer": an_integer,
    "number": a_number,
    "boolean": lambda schema, source, *_: source.random() < 0.5,
    "null": lambda *_: None,
}
