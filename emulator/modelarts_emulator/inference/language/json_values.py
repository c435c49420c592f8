"""Values that fit a JSON schema, made from a question where that offers them."""

import random
import re

import jsonschema_rs

from modelarts_emulator.inference.language.patterns import GuideImpossible, matching

TRIES = 40
DEEPEST = 12
MOST_VALUES = 2000
MOST_ITEMS = 1000
LONGEST = 20_000
PLACE = re.compile(r"(?:\bin|\bat|\bfor|\bto|\bof)\s+([A-Z][\w-]*(?:\s+[A-Z][\w-]*)*)")
CHINESE_PLACE = re.compile(r"([\u4e00-\u9fff]{2,3}?)(?:市|省|的|今天|明天|现在|天气)")
NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?")
QUOTED = re.compile(r"[\"'“「]([^\"'”」]{1,80})[\"'”」]")
FORMATS = {
    "date": "2025-06-01",
    "date-time": "2025-06-01T08:00:00Z",
    "time": "08:00:00Z",
    "email": "user@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
}


def fitting(schema, source: random.Random, question: str):
    """A JSON value that the schema allows. GuideImpossible when none was found or the schema is none.

    A schema refers to nothing outside itself: what it names is not fetched.
    """
    if not isinstance(schema, dict):
        raise GuideImpossible("guided_json is a JSON schema: an object")
    try:
        validator = jsonschema_rs.validator_for(schema, retriever=refuse_reference)
    except ValueError as error:
        raise GuideImpossible(f"guided_json is no JSON schema: {str(error).splitlines()[0][:200]}") from None
    for _ in range(TRIES):
        found = Maker(schema, source, question).value(schema)
        if validator.is_valid(found):
            return found
    raise GuideImpossible("no value was found that fits the JSON schema")


def refuse_reference(uri: str):
    """ValueError: a schema that points elsewhere is not followed there."""
    raise ValueError(f"{uri} is outside the schema")


class Maker:
    """Makes one value after a schema; it gives up when that would become too large."""

    def __init__(self, schema: dict, source: random.Random, question: str):
        self.root = schema
        self.source = source
        self.question = question
        self.left = MOST_VALUES

    def value(self, schema, depth: int = 0):
        """A value made after a part of the schema, from the question where that offers one."""
        self.left -= 1
        if self.left < 0:
            raise GuideImpossible(f"the JSON schema asks for more than {MOST_VALUES} values")
        if not isinstance(schema, dict) or depth > DEEPEST:
            return None
        for word in ("const", "default"):
            if word in schema:
                return schema[word]
        if schema.get("enum"):
            named = [value for value in schema["enum"] if str(value).lower() in self.question.lower()]
            return named[0] if named else self.source.choice(schema["enum"])
        if "$ref" in schema:
            return self.value(self._referred(schema["$ref"]), depth + 1)
        for word in ("anyOf", "oneOf"):
            if schema.get(word):
                return self.value(self.source.choice(schema[word]), depth + 1)
        if "allOf" in schema:
            return self.value(self._joined(schema), depth + 1)
        kind = schema.get("type", "object" if "properties" in schema or depth == 0 else "string")
        return getattr(self, f"_{self.source.choice(kind) if isinstance(kind, list) else kind}")(
            schema, depth
        )

    def _joined(self, schema: dict) -> dict:
        joined = {name: value for name, value in schema.items() if name != "allOf"}
        for part in schema["allOf"]:
            joined = {**part, **joined} if isinstance(part, dict) else joined
        return joined

    def _referred(self, reference: str):
        found = self.root
        for step in reference.lstrip("#").split("/"):
            found = found.get(step, {}) if isinstance(found, dict) and step else found
        return found

    def _object(self, schema: dict, depth: int) -> dict:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        names = [name for name in properties if name in required or depth < 3]
        made = {name: self.value(properties[name], depth + 1) for name in names}
        return made | {name: "x" for name in required if name not in made}

    def _array(self, schema: dict, depth: int) -> list:
        least = schema.get("minItems", 1)
        if least > MOST_ITEMS:
            raise GuideImpossible(f"minItems is {least}, at most {MOST_ITEMS} are made")
        number = min(max(least, self.source.randint(1, 2)), schema.get("maxItems", MOST_ITEMS))
        items = schema.get("items", {"type": "string"})
        return [self.value(items, depth + 1) for _ in range(int(number))]

    def _string(self, schema: dict, depth: int) -> str:
        if "pattern" in schema:
            return matching(schema["pattern"], self.source)
        least = int(schema.get("minLength", 0))
        if least > LONGEST:
            raise GuideImpossible(f"minLength is {least}, at most {LONGEST} are made")
        text = FORMATS.get(schema.get("format")) or named_in(self.question)
        return text[: int(min(schema.get("maxLength", 80), LONGEST))].ljust(least, "x")

    def _integer(self, schema: dict, depth: int) -> int:
        low, high = bounds(schema, 1)
        step = schema.get("multipleOf", 1)
        fit = [number for number in self._numbers() if number == int(number) and low <= number <= high]
        if fit and fit[0] % step == 0:
            return int(fit[0])
        first = int(-(-low // step))
        return int(self.source.randint(first, max(first, int(high // step))) * step)

    def _number(self, schema: dict, depth: int) -> float:
        low, high = bounds(schema, 0.01)
        if "multipleOf" in schema:
            return self._integer(schema, depth) if schema["multipleOf"] >= 1 else low
        fit = [number for number in self._numbers() if low <= number <= high]
        return fit[0] if fit else round(self.source.uniform(low, high), 2)

    def _boolean(self, schema: dict, depth: int) -> bool:
        return self.source.random() < 0.5

    def _null(self, schema: dict, depth: int) -> None:
        return None

    def _numbers(self) -> list[float]:
        return [float(text) for text in NUMBER.findall(self.question)]


def named_in(question: str) -> str:
    """What a question names: something quoted, a place, or else its first words."""
    for pattern in (QUOTED, PLACE, CHINESE_PLACE):
        found = pattern.search(question)
        if found:
            return found.group(1)
    return question.strip()[:20] or "text"


def bounds(schema: dict, step) -> tuple:
    """The least and the greatest value that a schema of a number allows, over a hundred where it says nothing."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + step
    if "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - step
    if low is None:
        low = 0 if high is None else high - 100
    return low, low + 100 if high is None else high
