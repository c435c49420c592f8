"""One reading of the schemas' regular expressions, written so that every engine finds the same in every text.

They are patterns of ECMA 262 with its flag u: `.` is any character but a line end, `$` is the very end of the text,
\\d and \\w are ASCII, a character beyond U+FFFF counts as one. Engines and their releases differ in all of that,
so each of these is spelled out as a class of characters before any engine sees the pattern.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

Ranges = list[tuple[int, int]]
LAST = 0x10FFFF
LINE_ENDS = [(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)]
DIGITS = [(0x30, 0x39)]
WORDS = [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)]
SPACES = [
    (0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
]  # fmt: skip
CLASSES = {"d": DIGITS, "w": WORDS, "s": SPACES}
CONTROLS = {"t": 0x09, "n": 0x0A, "v": 0x0B, "f": 0x0C, "r": 0x0D, "0": 0x00}
PUNCTUATION = "^$\\.*+?()[]{}|/-"
TOKEN = re.compile(
    r"\\u\{[0-9a-fA-F]+\}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}"
    r"|\\x[0-9a-fA-F]{2}|\\c[a-zA-Z]|\\.|\(\?<[A-Za-z_]\w*>|.",
    re.DOTALL,
)
# The keywords that hold schemas: one or a list of them, or one for each name.
ONE_OR_MANY = {
    "items", "additionalProperties", "propertyNames", "not", "if", "then", "else", "anyOf", "oneOf",
    "allOf", "components",
}  # fmt: skip
BY_NAME = {"properties", "schemas"}


@cache
def for_rust(pattern: str) -> str:
    """The pattern as the regular expressions of Rust, those of jsonschema-rs, are to read it."""
    return spelled_out(pattern, "$")


@cache
def for_python(pattern: str) -> re.Pattern[str]:
    """The pattern as Python's re is to read it, where $ would also stand before a last line end."""
    return re.compile(spelled_out(pattern, r"\Z"))


def with_patterns_for_rust(schema: Any) -> Any:
    """A copy of the schema whose patterns are written for jsonschema-rs."""
    if isinstance(schema, list):
        return [with_patterns_for_rust(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    copied = dict(schema)
    for word, value in schema.items():
        if word == "pattern" and isinstance(value, str):
            copied[word] = for_rust(value)
        elif word in ONE_OR_MANY:
            copied[word] = with_patterns_for_rust(value)
        elif word in BY_NAME:
            copied[word] = {name: with_patterns_for_rust(member) for name, member in value.items()}
    return copied


def patterns_of(value: Any) -> set[str]:
    """All patterns that stand anywhere in a schema."""
    if isinstance(value, list):
        return set().union(*map(patterns_of, value))
    if not isinstance(value, dict):
        return set()
    own = {value["pattern"]} if isinstance(value.get("pattern"), str) else set()
    return own.union(*map(patterns_of, value.values()))


def spelled_out(pattern: str, end: str) -> str:
    """The pattern with `end` for $ and all else in words that mean the same everywhere. ValueError for bad ones."""
    written, tokens = "", iter(TOKEN.findall(pattern))
    for token in tokens:
        if token == "[":
            written += class_text(*class_of(tokens, pattern))
        elif token == ".":
            written += class_text(LINE_ENDS, negated=True)
        elif token == "$":
            written += end
        elif token.startswith("(?<"):  # a named group; references to names are not read
            written += "("
        elif token in ("\\b", "\\B"):
            written += boundary(token == "\\b")
        elif token[0] != "\\" or token[1:] in "123456789":
            written += token
        elif token[1:].lower() in CLASSES:
            written += class_text(CLASSES[token[1:].lower()], negated=token[1:].isupper())
        else:
            written += character(code_of(token, pattern))
    return written


def class_of(tokens: Iterator[str], pattern: str) -> tuple[Ranges, bool]:
    """(ranges, whether it is negated) of the class whose [ has just been taken from the tokens."""
    ranges: Ranges = []
    negated, token = False, next(tokens, None)
    if token == "^":
        negated, token = True, next(tokens, None)
    while token is not None and token != "]":
        following = next(tokens, None)
        if token[0] == "\\" and token[1:].lower() in CLASSES:
            members = CLASSES[token[1:].lower()]
            ranges += complement(members) if token[1:].isupper() else members
        elif following == "-" and (last := next(tokens, None)) != "]":
            if last is None or (last[0] == "\\" and last[1:].lower() in CLASSES):
                raise ValueError(f"the pattern {pattern!r} has a range without an end")
            ranges.append((code_of(token, pattern), code_of(last, pattern)))
            following = next(tokens, None)
        elif following == "-":
            ranges += [(code_of(token, pattern),) * 2, (0x2D, 0x2D)]
            following = "]"
        else:
            ranges.append((code_of(token, pattern),) * 2)
        token = following
    if token is None:
        raise ValueError(f"the pattern {pattern!r} has a class that is not closed")
    return ranges, negated


def code_of(token: str, pattern: str) -> int:
    """The character that a token stands for."""
    if token[0] != "\\":
        if len(token) > 1:
            raise ValueError(f"the pattern {pattern!r} has {token!r} in a class")
        return ord(token)
    rest = token[1:]
    if rest in CONTROLS:
        return CONTROLS[rest]
    if rest == "b":
        return 0x08
    if rest in PUNCTUATION:
        return ord(rest)
    if rest[0] == "c" and len(rest) == 2:
        return ord(rest[1]) % 32
    if rest[0] in "xu" and len(rest) > 1:
        units = [int(unit.strip("{}"), 16) for unit in re.split(r"\\u", rest[1:])]
        return units[0] if len(units) == 1 else 0x10000 + ((units[0] - 0xD800) << 10) + (units[1] - 0xDC00)
    raise ValueError(f"the pattern {pattern!r} has {token!r}, which is not read here")


def complement(ranges: Ranges) -> Ranges:
    """The ranges of all other characters."""
    found: Ranges = []
    start = 0
    for low, high in ranges:
        if low > start:
            found.append((start, low - 1))
        start = high + 1
    return [*found, (start, LAST)]


def class_text(ranges: Ranges, negated: bool) -> str:
    """A class of these characters, or of all but these."""
    if not ranges:
        ranges, negated = [(0, LAST)], not negated
    members = (character(low) + (f"-{character(high)}" if high > low else "") for low, high in ranges)
    return f"[{'^' if negated else ''}{''.join(members)}]"


def character(code: int) -> str:
    """One character, inside or outside a class: as \\xHH where it might have a meaning of its own."""
    return chr(code) if code > 127 or chr(code).isalnum() or chr(code) == "_" else f"\\x{code:02x}"


def boundary(between: bool) -> str:
    """The place between a character of a word and one that is not, or a place that is none."""
    word = class_text(WORDS, negated=False)
    last = f"(?!{word})" if between else f"(?={word})"
    other = f"(?={word})" if between else f"(?!{word})"
    return f"(?:(?<={word}){last}|(?<!{word}){other})"
