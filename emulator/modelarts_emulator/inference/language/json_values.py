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
CHINESE_PLACE = re.compile(r"[在去到住]*([\u4e00-\u9fff]{2,3}?)(?:市|省|的|今天|明天|现在|天气)")
NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?")
QUOTED = re.compile(r"[\"'“「]([^\"'”」]{1,80})[\"'”」]")
NAME = re.compile(
    r"(?i:my name is|i am|called|call me|named|叫|名字是)\s*([A-Z][\w-]*(?: [A-Z][\w-]*)?|[\u4e00-\u9fff]{2,3})"
    r"|^([\u4e00-\u9fff]{2,3}?)(?=今年|，|是)"
)
CAPITALS = re.compile(
    r"(?<=\s)[A-Z][\w-]+(?: [A-Z][\w-]+)*|^[A-Z][\w-]+(?: [A-Z][\w-]+)+|^[A-Z][\w-]+(?= (?:is|was|has|'s))"
)
FOUND = {
    "email": re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"),
    "uri": re.compile(r"https?://[^\s\"'，。]+"),
    "date": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "time": re.compile(r"\d{2}:\d{2}:\d{2}Z"),
    "phone": re.compile(r"\+?\d[\d -]{6,}\d"),
}
NEGATIONS = re.compile(r"\b(?:not|no|never|none|false|isn't|doesn't|won't)\b|不|没|未|否", re.IGNORECASE)
YEARS = re.compile(r"(\d{1,3})[ -]*(?:years?[ -]old|y\.?o\.?|岁)", re.IGNORECASE)
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
        self.numbers = [float(text) for text in NUMBER.findall(question)]

    def value(self, schema, depth: int = 0, name: str = ""):
        """A value made after a part of the schema, from the question where that offers one; name: the member's."""
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
            return self.value(self._referred(schema["$ref"]), depth + 1, name)
        for word in ("anyOf", "oneOf"):
            if schema.get(word):
                return self.value(self.source.choice(schema[word]), depth + 1, name)
        if "allOf" in schema:
            return self.value(self._joined(schema), depth + 1, name)
        kind = schema.get("type", "object" if "properties" in schema or depth == 0 else "string")
        kind = self.source.choice(kind) if isinstance(kind, list) else kind
        return getattr(self, f"_{kind}")(schema, depth, name)

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

    def _object(self, schema: dict, depth: int, name: str) -> dict:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        names = [each for each in properties if each in required or depth < 3]
        made = {each: self.value(properties[each], depth + 1, each) for each in names}
        return made | {each: "x" for each in required if each not in made}

    def _array(self, schema: dict, depth: int, name: str) -> list:
        least = schema.get("minItems", 1)
        if least > MOST_ITEMS:
            raise GuideImpossible(f"minItems is {least}, at most {MOST_ITEMS} are made")
        items = schema.get("items", {"type": "string"})
        listed = listed_in(self.question, name) if items in ({}, {"type": "string"}) else []
        if len(listed) >= max(1, least):
            return listed[: int(schema.get("maxItems", MOST_ITEMS))]
        number = min(max(least, self.source.randint(1, 2)), schema.get("maxItems", MOST_ITEMS))
        return [self.value(items, depth + 1, name) for _ in range(int(number))]

    def _string(self, schema: dict, depth: int, name: str) -> str:
        if "pattern" in schema:
            return matching(schema["pattern"], self.source)
        least = int(schema.get("minLength", 0))
        if least > LONGEST:
            raise GuideImpossible(f"minLength is {least}, at most {LONGEST} are made")
        text = formatted_in(self.question, schema.get("format"), name) or named_in(self.question, name)
        return text[: int(min(schema.get("maxLength", 80), LONGEST))].ljust(least, "x")

    def _integer(self, schema: dict, depth: int, name: str) -> int:
        low, high = bounds(schema, 1)
        step = schema.get("multipleOf", 1)
        found = self._take(
            name, lambda number: number == int(number) and low <= number <= high and number % step == 0
        )
        if found is not None:
            return int(found)
        first = int(-(-low // step))
        return int(self.source.randint(first, max(first, int(high // step))) * step)

    def _number(self, schema: dict, depth: int, name: str) -> float:
        low, high = bounds(schema, 0.01)
        if "multipleOf" in schema:
            return self._integer(schema, depth, name) if schema["multipleOf"] >= 1 else low
        found = self._take(name, lambda number: low <= number <= high)
        if found is None:
            return round(self.source.uniform(low, high), 2)
        return int(found) if found == int(found) else found

    def _boolean(self, schema: dict, depth: int, name: str) -> bool:
        return not NEGATIONS.search(self.question)

    def _null(self, schema: dict, depth: int, name: str) -> None:
        return None

    def _take(self, name: str, fits):
        """The number that the question says for the member, else the next that fits; each is taken once."""
        said = YEARS.search(self.question) if name == "age" else None
        for pattern in (
            rf"({NUMBER.pattern})\s*{worded(name)}\b",
            rf"\b{worded(name)}\b\D{{0,12}}?({NUMBER.pattern})",
        ):
            said = said or (name and re.search(pattern, self.question, re.IGNORECASE))
        wanted = [float(said[1])] if said else []
        for number in [*wanted, *self.numbers]:
            if number in self.numbers and fits(number):
                self.numbers.remove(number)
                return number
        return None


def worded(name: str) -> str:
    """A pattern for a member's name as people write it."""
    return re.sub(r"[\W_]+", r"[\\W_]*", re.escape(name).replace("\\", ""))


def formatted_in(question: str, wanted: str | None, name: str) -> str | None:
    """What of the question has the wanted format, or that of what the name says; an example where it has none."""
    kind = wanted or next(
        (kind for kind in FOUND if kind in name.lower()), "uri" if name.lower() == "url" else None
    )
    found = FOUND[kind].search(question) if kind in FOUND else None
    return found[0] if found else FORMATS.get(wanted)


def listed_in(question: str, name: str) -> list[str]:
    """What the question lists, after the member's name or a colon."""
    found = re.search(
        rf"(?:{worded(name) or 'items'}\b[^:：]{{0,20}}|)[:：]\s*([^.。\n]+)", question, re.IGNORECASE
    )
    parts = re.split(r"\s*(?:[,，、;；]|\band\b|和)\s*", found[1].strip()) if found else []
    return [part for part in parts if part] if len(parts) > 1 else []


def named_in(question: str, name: str = "") -> str:
    """What a question says for a member: after its name, as a name or a place, quoted; else its first words."""
    said = name and re.search(
        rf"(?:\b{worded(name)}|{re.escape(name)})\s*(?:is|are|:|：|=|是|为)\s*[\"“']?([^,，.。;；\n\"”']+)",
        question,
        re.I,
    )
    if said:
        return said[1].strip()
    patterns = (NAME, CAPITALS) if "name" in name.lower() else ()
    for pattern in (*patterns, QUOTED, PLACE, CHINESE_PLACE):
        found = pattern.search(question)
        if found:
            return found[found.lastindex or 0]
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
