"""Strings that match a pattern, and strings on which engines of regular expressions differ."""

from functools import cache
from random import Random
from re import _parser  # type: ignore[attr-defined]

from modelarts_emulator.contract.checking import fast_validator

LETTERS = "abcxyzABCXYZ0189-_"
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
