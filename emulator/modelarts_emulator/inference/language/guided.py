"""Text under guidance: one of some choices, a match of a regular expression, an instance of a JSON schema."""

import json
import random

import orjson

from modelarts_emulator.inference.language.json_values import fitting
from modelarts_emulator.inference.language.patterns import GuideImpossible, matching
from modelarts_emulator.inference.language.sharing import likeness

__all__ = ["GuideImpossible", "guided_text"]


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
            schema = orjson.loads(schema)
        except ValueError as error:
            raise GuideImpossible(f"guided_json is no JSON: {error}") from None
    return json.dumps(fitting(schema, source, question), ensure_ascii=False)
