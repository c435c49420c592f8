"""Texts that match a regular expression."""

import random
import re
from re import _constants as kinds
from re import _parser as parser

import regex

MOST_REPEATS = 6
TRIES = 40
LONGEST = 20_000
SECONDS = 0.5
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


def matching(pattern: str, source: random.Random) -> str:
    """A text that the whole pattern matches. GuideImpossible when none is found, or the pattern is none."""
    try:
        compiled, tree = regex.compile(pattern), parser.parse(pattern)
    except (re.error, regex.error, OverflowError, RecursionError) as error:
        raise GuideImpossible(f"guided_regex is no regular expression: {error}") from None
    if tree.getwidth()[0] > LONGEST:
        raise GuideImpossible(f"what matches {pattern[:80]!r} is longer than {LONGEST} characters")
    for _ in range(TRIES):
        found = pieced(tree, source, {})
        try:
            if compiled.fullmatch(found, timeout=SECONDS):
                return found
        except TimeoutError:
            break
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
