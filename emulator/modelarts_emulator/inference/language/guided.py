"""Text under guidance: one of some choices, a match of a regular expression, an instance of a JSON schema."""

import json
import random
import re

import orjson

from modelarts_emulator.inference.language.json_values import fitting
from modelarts_emulator.inference.language.patterns import GuideImpossible, matching
from modelarts_emulator.inference.language.sharing import likeness

GOOD = ("good", "great", "love", "like", "best", "happy", "nice", "好", "喜欢", "棒", "满意", "优秀", "高兴")
BAD = ("bad", "hate", "worst", "awful", "sad", "poor", "broken", "差", "坏", "讨厌", "糟", "失望", "难过")
MOODS = {"positive": 1, "正面": 1, "积极": 1, "好评": 1, "negative": -1, "负面": -1, "消极": -1, "差评": -1}

KEYS = re.compile(
    r"(?:keys?|fields?|members?|properties|字段|键)\s*[:：]?\s*((?:[\w\"'`“”]+(?:\s*(?:,|、|and|和)+\s*)?)+)",
    re.I,
)
MOST_MEMBERS = 50
COUNTED = re.compile(r"age|count|number|year|total|price|amount|quantity|score", re.IGNORECASE)

__all__ = ["GuideImpossible", "guided_text", "schema_in"]


def guided_text(guide: dict, question: str, source: random.Random) -> str:
    """A text that satisfies the guide. GuideImpossible when there is none."""
    if "choice" in guide:
        if not guide["choice"]:
            raise GuideImpossible("guided_choice has no choices")
        return max(guide["choice"], key=lambda choice: likeness(question, choice) + mood_of(question, choice))
    if "regex" in guide:
        return matching(guide["regex"], source)
    schema = schema_in(question) if guide["json"] == {} else guide["json"]
    if isinstance(schema, str):
        try:
            schema = orjson.loads(schema)
        except ValueError as error:
            raise GuideImpossible(f"guided_json is no JSON: {error}") from None
    return json.dumps(fitting(schema, source, question), ensure_ascii=False)


def schema_in(question: str) -> dict | None:
    """The object that a question asks for by the names of its members; None when it names none."""
    found = KEYS.search(question)
    names = re.findall(r"\w+", re.sub(r"\b(?:and|with|as|the|for)\b|和|与", " ", found[1])) if found else []
    names = list(dict.fromkeys(names))[:MOST_MEMBERS]
    if not names:
        return None
    kinds = {name: "number" if COUNTED.search(name) else "string" for name in names}
    return {
        "type": "object",
        "properties": {name: {"type": kinds[name]} for name in names},
        "required": names,
    }


def mood_of(question: str, choice: str) -> float:
    """How well a choice such as positive or negative suits the words of a question; 0 for any other choice."""
    found = [word in question.lower() for word in (*GOOD, *BAD)]
    mood = sum(found[: len(GOOD)]) - sum(found[len(GOOD) :])
    return 0.5 * MOODS.get(choice.lower(), 0) * ((mood > 0) - (mood < 0))
