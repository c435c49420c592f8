"""Label selectors of Kubernetes: `env=prod,tier in (web, db),!old`."""

from __future__ import annotations

import re
from collections.abc import Callable

from modelarts_emulator.contract.errors import ApiError, parameter_code
from modelarts_emulator.frame.calls import Call

KEY = r"[A-Za-z0-9][A-Za-z0-9._/-]*"
TERM = re.compile(
    rf"\s*(?:(?P<absent>!\s*)(?P<missing>{KEY})"
    rf"|(?P<key>{KEY})\s*(?:(?P<sign>==?|!=)\s*(?P<value>[^,()=!\s]*)|(?P<word>in|notin)\s*\((?P<set>[^()]*)\))?)\s*"
)
Term = Callable[[dict], bool]


def refuse_bad_selector(call: Call, text: str) -> list[Term]:
    """The terms of a selector, all of which must hold; ApiError for text that is no selector."""
    terms, at = [], 0
    while at <= len(text):
        match = TERM.match(text, at)
        if match is None or (match.end() < len(text) and text[match.end()] != ","):
            raise ApiError(
                parameter_code(call.operation),
                f"{text[at:]!r} in {text!r} is none of key=value, key!=value, key in (a,b), key notin (a,b), key, !key",
            )
        terms.append(term_of(match))
        at = match.end() + 1
    return terms


def term_of(match: re.Match) -> Term:
    """One term as a function labels -> whether it holds."""
    key, missing = match["key"], match["missing"]
    if missing:
        return lambda labels: missing not in labels
    if match["sign"]:
        value, is_equal = match["value"], match["sign"] != "!="
        return lambda labels: (labels.get(key) == value) == is_equal
    if match["word"]:
        values = {each.strip() for each in match["set"].split(",")}
        is_in = match["word"] == "in"
        return lambda labels: (labels.get(key) in values) == is_in
    return lambda labels: key in labels


def selects(terms: list[Term], labels: dict) -> bool:
    """Whether the labels satisfy all terms."""
    return all(term(labels) for term in terms)
