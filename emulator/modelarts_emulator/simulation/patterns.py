"""Text that a regular expression matches, written with a given value in one of its groups.

Python's own parser reads the expression; every text is then checked by running the expression on it, under a time
limit that the standard library's matcher does not have. What is remembered is how an expression parses, which
never changes.
"""

import re
import string
import warnings
from functools import lru_cache
from itertools import product
from re import _constants as codes
from re import _parser as parser

LONGEST_PATTERN, LONGEST_TEXT = 512, 1000
SECONDS = 0.25
NICE = " =:" + string.digits + string.ascii_letters + "_.,;-/()[]%+*#@!?'\"<>{}|&^~$\\`\t\n\r\x0b\x0c"
CATEGORIES = {
    codes.CATEGORY_DIGIT: str.isdecimal,
    codes.CATEGORY_SPACE: str.isspace,
    codes.CATEGORY_WORD: lambda char: char.isalnum() or char == "_",
    codes.CATEGORY_NOT_DIGIT: lambda char: not char.isdecimal(),
    codes.CATEGORY_NOT_SPACE: lambda char: not char.isspace(),
    codes.CATEGORY_NOT_WORD: lambda char: not (char.isalnum() or char == "_"),
}
REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)


class TooSlow(ValueError):
    """The expression did not come to an end in time."""


def line_with(pattern: str, name: str, value: str) -> str:
    """A line that the expression matches once, with the value in its metric group. ValueError if none is found."""
    group = metric_group(pattern, name)
    tree = parsed(pattern)
    seen = {None}
    for choice in product((False, True), (0, 1), (0, 1, 2)):
        text = _Writer(group, value, *choice).text_of(tree)
        for line in () if text in seen or "\n" in text else (text, f"{text} ", f" {text}", f" {text} "):
            if found_values(pattern, name, line) == [value]:
                return line
        seen.add(text)
    raise ValueError(
        f"the regular expression {pattern!r} finds {value!r} in no line; "
        f"it must take such a number in a group, as {name}=([0-9.]+) does"
    )


def found_values(pattern: str, name: str, text: str) -> list[str]:
    """What the expression extracts from a text, match by match. TooSlow if it does not end in time."""
    import regex

    group = metric_group(pattern, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            matcher = regex.compile(pattern)
        return [match.group(group) for match in matcher.finditer(text, timeout=SECONDS) if match.group(group)]
    except TimeoutError:
        raise TooSlow(
            f"the regular expression {pattern!r} takes too long; avoid repeats inside repeats"
        ) from None
    except (regex.error, RecursionError) as error:
        raise ValueError(f"the regular expression {pattern!r} cannot be used: {error}") from None


@lru_cache(256)
def metric_group(pattern: str, name: str) -> int:
    """The number of the group that holds the metric: the one of its name, else the only named one, else the first.

    0, the whole match, when the expression has no group.
    """
    state = parsed(pattern).state
    named = state.groupdict
    if name in named:
        return named[name]
    if len(named) == 1:
        return next(iter(named.values()))
    return min(1, state.groups - 1)


@lru_cache(256)
def parsed(pattern: str):
    """The expression as Python's parser sees it. ValueError when it is too long or wrong."""
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(
            f"the regular expression has {len(pattern)} characters; at most {LONGEST_PATTERN} are allowed"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None


class _Writer:
    """Writes one text for an expression, with fixed answers where it leaves a choice.

    lookaround: whether what an assertion asks for is written out. extra: how much more than least an open repeat is
    given. branch: which alternative is taken where the value is in none.
    """

    def __init__(self, group: int, value: str, lookaround: bool, extra: int, branch: int):
        self.group, self.value = group, value
        self.lookaround, self.extra, self.branch = lookaround, extra, branch
        self.groups: dict[int, str] = {}

    def text_of(self, tree) -> str | None:
        """The text; None where the expression cannot be written this way."""
        try:
            return self._around(tree) if self.group == 0 else self._sequence(tree)
        except (_Unwritable, RecursionError):
            return None

    def _around(self, tree) -> str:
        asked = [argument for code, argument in tree if code is codes.ASSERT and self.lookaround]
        before, after = (
            "".join(self._sequence(inside) for way, inside in asked if way == side) for side in (-1, 1)
        )
        return f"{before}{self.value}{after}"

    def _sequence(self, tree) -> str:
        text = ""
        for code, argument in tree:
            text += self._node(code, argument)
            if len(text) > LONGEST_TEXT:
                raise _Unwritable
        return text

    def _node(self, code, argument) -> str:
        if code in (codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN):
            return character(code, argument)
        if code in REPEATS:
            return self._repeat(*argument)
        if code is codes.SUBPATTERN:
            number, _, _, inside = argument
            text = self.value if number == self.group else self._sequence(inside)
            self.groups[number] = text
            return text
        if code is codes.BRANCH:
            choices = argument[1]
            holding = [choice for choice in choices if holds(choice, self.group)]
            return self._sequence((holding or choices)[0 if holding else min(self.branch, len(choices) - 1)])
        if code is codes.ATOMIC_GROUP:
            return self._sequence(argument)
        if code is codes.ASSERT:
            return self._sequence(argument[1]) if self.lookaround or holds(argument[1], self.group) else ""
        if code is codes.GROUPREF:
            return self.groups.get(argument, "")
        if code is codes.GROUPREF_EXISTS:
            chosen = argument[1] if argument[0] in self.groups else argument[2]
            return self._sequence(chosen or ())
        return ""

    def _repeat(self, least: int, most, inside) -> str:
        if holds(inside, self.group):
            return self._sequence(inside)
        count = least + min(self.extra, int(min(most, least + 1)) - least)
        text = self._sequence(inside) if count else ""
        if count * len(text) > LONGEST_TEXT:
            raise _Unwritable
        return text * count


class _Unwritable(Exception):
    """The expression asks for a character or a length that cannot be written."""


def holds(tree, group: int) -> bool:
    """Whether a group lies somewhere in this part of an expression."""
    for code, argument in tree:
        if code is codes.SUBPATTERN:
            if argument[0] == group or holds(argument[3], group):
                return True
        elif any(holds(part, group) for part in _parts(code, argument)):
            return True
    return False


def _parts(code, argument) -> list:
    if code in REPEATS:
        return [argument[2]]
    if code is codes.BRANCH:
        return argument[1]
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return [argument[1]]
    if code is codes.ATOMIC_GROUP:
        return [argument]
    if code is codes.GROUPREF_EXISTS:
        return [part for part in argument[1:] if part]
    return []


def character(code, argument) -> str:
    """The nicest character that a one-character expression takes."""
    if code is codes.LITERAL:
        return chr(argument)
    if code is codes.ANY:
        return NICE[0]
    if code is codes.NOT_LITERAL:
        return next(char for char in NICE if ord(char) != argument)
    own = [chr(each) for kind, value in argument for each in (value if kind is codes.RANGE else [value])
           if kind in (codes.LITERAL, codes.RANGE)]  # fmt: skip
    for char in [*NICE, *own]:
        if in_set(argument, char):
            return char
    raise _Unwritable


def in_set(members, char: str) -> bool:
    """Whether a character is in a set such as [^a-z\\d]."""
    negated = members[0][0] is codes.NEGATE
    for code, value in members:
        if code is codes.LITERAL and ord(char) == value:
            return not negated
        if code is codes.RANGE and value[0] <= ord(char) <= value[1]:
            return not negated
        if code is codes.CATEGORY and CATEGORIES[value](char):
            return not negated
    return negated
