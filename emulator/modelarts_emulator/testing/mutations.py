"""Values that break exactly one rule of a schema."""

import copy
from dataclasses import dataclass

from modelarts_emulator.contract.checking import fast_validator
from modelarts_emulator.contract.explaining import lenient
from modelarts_emulator.testing.drawing import LONGEST_STRING, Schema, as_schema, kinds_of
from modelarts_emulator.testing.fitting import ODD_STRINGS

LONGEST_ARRAY = 1_100


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
    """(rule, replacement) for the rules of a flat schema about a string."""
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
    """(rule, replacement) for the rules of a flat schema about a number."""
    for rule, by in (("minimum", -1), ("maximum", 1), ("exclusiveMinimum", 0), ("exclusiveMaximum", 0)):
        if rule in part:
            yield rule, part[rule] + by
    if part.get("multipleOf"):
        yield "multipleOf", value + part["multipleOf"] / 2


def broken_array(part: dict, value: list):
    """(rule, replacement) for the rules of a flat schema about an array."""
    if part.get("minItems", 0):
        yield "minItems", value[: part["minItems"] - 1]
    if value and part.get("maxItems", LONGEST_ARRAY) < LONGEST_ARRAY and not part.get("uniqueItems"):
        yield "maxItems", (value * (part["maxItems"] + 1))[: part["maxItems"] + 1]
    if value and part.get("uniqueItems"):
        yield "uniqueItems", [*value, value[0]]


def broken_object(part: dict, value: dict):
    """(rule, replacement) for the rules of a flat schema about an object."""
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
