"""The ways in which an answer can be made to break what is documented of it, one rule at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from modelarts_emulator.contract.errors import documented_errors
from modelarts_emulator.worlds.history import json_of
from modelarts_emulator.worlds.store import value_at

if TYPE_CHECKING:
    from modelarts_emulator.app import Exchange
    from modelarts_emulator.contract.paging import Paging

# Of an object, so many levels of members are left out one after the other.
DEEPEST = 2
# Behind the name of a list in the path of a member: of each of its elements.
EACH = "[]"
CODES = ("error_code", "code", "type")


class Breakage(NamedTuple):
    """One rule of one operation that is broken. rule: a key of RULES. detail: which member or code."""

    operation: str
    rule: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.operation}: {RULES[self.rule].words.format(self.detail)}"


class Answered(NamedTuple):
    """An answer while it is looked at or broken; value is the JSON of its body, None for no body."""

    status: int
    value: Any


class Rule(NamedTuple):
    """One kind of breakage: in words, the details that an answer offers to it, the answer that is left."""

    words: str
    details: Callable[[Exchange, Answered], Iterator[str]]
    break_answer: Callable[[Answered, str], Answered]


def breakages_of(exchange: Exchange, answered: Answered) -> Iterator[Breakage]:
    """The rules that can be broken in an answer."""
    operation = exchange.asked
    for name, rule in RULES.items():
        for detail in rule.details(exchange, answered):
            yield Breakage(operation.operation_id, name, detail)


def broken(breakage: Breakage, answered: Answered) -> Answered:
    """The answer with the rule broken, if it has what the rule is about."""
    return RULES[breakage.rule].break_answer(answered, breakage.detail)


def success_of(exchange: Exchange, answered: Answered) -> Iterator[str]:
    """One detail where the answer is a success."""
    if answered.status < 300:
        yield str(answered.status)


def another_success(answered: Answered, detail: str) -> Answered:
    """The same with a status of success that is not the documented one."""
    if str(answered.status) != detail:
        return answered
    return answered._replace(status=202 if answered.status != 202 else 200)


def refusal_of(exchange: Exchange, answered: Answered) -> Iterator[str]:
    """The status of a refusal that no fault has asked for."""
    if answered.status >= 400 and not exchange.faults:
        yield str(answered.status)


def another_refusal(answered: Answered, detail: str) -> Answered:
    """The same with another status of a refusal."""
    if str(answered.status) != detail:
        return answered
    return answered._replace(status=409 if answered.status != 409 else 400)


def codes_of(exchange: Exchange, answered: Answered) -> Iterator[str]:
    """The documented code of a refusal that no fault has asked for."""
    if answered.status >= 400 and not exchange.faults:
        yield from {code for _, code in codes_in(answered.value) if code in documented_errors()}


def codes_in(value: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """(where, code) of the codes in the body of a refusal, in whichever documented shape."""
    if isinstance(value, dict):
        for name in CODES:
            if isinstance(value.get(name), str | int):
                yield (name,), str(value[name])
        for path, code in codes_in(value.get("error")):
            yield ("error", *path), code


def another_code(answered: Answered, detail: str) -> Answered:
    """The same with a code of the same service that the emulator did not mean."""
    facts = documented_errors()
    service = facts[detail]["service"]
    other = next(code for code, each in facts.items() if each["service"] == service and code != detail)
    value = answered.value
    for path, code in codes_in(value):
        if code == detail and answered.status >= 400:
            value = changed(value, path, lambda _: other)
    return answered._replace(value=value)


def members_of(exchange: Exchange, answered: Answered) -> Iterator[str]:
    """The members of a success, and those of the objects and of the elements of lists in it."""
    if answered.status < 300:
        yield from dict.fromkeys(".".join(path) for path in paths_in(answered.value))


def paths_in(value: Any, depth: int = 1) -> Iterator[tuple[str, ...]]:
    """The paths of the members of an object and of the elements of lists in it, down to the deepest level that is
    broken; one may come several times.
    """
    for name, member in value.items() if isinstance(value, dict) else ():
        yield (name,)
        if depth < DEEPEST:
            is_list = isinstance(member, list)
            for each in member if is_list else (member,):
                yield from ((name + EACH * is_list, *path) for path in paths_in(each, depth + 1))


def without_member(answered: Answered, detail: str) -> Answered:
    """The same without one member."""
    return in_success(answered, detail, None)


def filled_lists(exchange: Exchange, answered: Answered) -> Iterator[str]:
    """The lists in a success that hold something."""
    return lists_of(answered, 1)


def lists_to_turn(exchange: Exchange, answered: Answered) -> Iterator[str]:
    """The lists in a success that have an order: the pages of lists, and what is answered as it was sent."""
    paging = exchange.asked.paging
    sent = json_of(exchange.request.body) if exchange.request.length else None
    for name in lists_of(answered, 2):
        rows = answered.value[name]
        is_page = paging is not None and (name,) in (paging.items, *paging.also)
        if rows != rows[::-1] and (is_page or (isinstance(sent, dict) and sent.get(name) == rows)):
            yield name


def lists_of(answered: Answered, least: int) -> Iterator[str]:
    """The members of a success that are lists of at least so many elements."""
    if answered.status < 300 and isinstance(answered.value, dict):
        for name, member in answered.value.items():
            if isinstance(member, list) and len(member) >= least:
                yield name


def without_last(answered: Answered, detail: str) -> Answered:
    """The same, but a list has lost its last element."""
    return in_success(answered, detail, lambda rows: rows[:-1] if isinstance(rows, list) else rows)


def turned(answered: Answered, detail: str) -> Answered:
    """The same, but a list stands in the opposite order."""
    return in_success(answered, detail, lambda rows: rows[::-1] if isinstance(rows, list) else rows)


def in_success(answered: Answered, detail: str, change: Callable[[Any], Any] | None) -> Answered:
    """A success with one member changed; a refusal as it is."""
    if answered.status >= 300:
        return answered
    return answered._replace(value=changed(answered.value, tuple(detail.split(".")), change))


def changed(value: Any, path: tuple[str, ...], change: Callable[[Any], Any] | None) -> Any:
    """A copy with the member at the path changed, or left out; the value itself where there is no such member."""
    name = path[0].removesuffix(EACH)
    if not isinstance(value, dict) or name not in value:
        return value
    copy, member = dict(value), value[name]
    if path[0] != name:
        copy[name] = (
            [changed(each, path[1:], change) for each in member] if isinstance(member, list) else member
        )
    elif len(path) > 1:
        copy[name] = changed(member, path[1:], change)
    elif change is None:
        del copy[name]
    else:
        copy[name] = change(member)
    return copy


def pages_of(exchange: Exchange, answered: Answered) -> Iterator[str]:
    """The parameters of the query without which there would have been another page."""
    paging = exchange.asked.paging
    if paging is None or answered.status >= 300:
        return
    sent = dict(pair.partition("=")[::2] for pair in exchange.request.raw_query.split("&"))
    first = "1" if paging.style == "page-per_page" else "0"
    if paging.offset in sent and sent[paging.offset] != first:
        yield paging.offset
    if paging.continue_ in sent:
        yield paging.continue_
    if paging.limit in sent and is_cut(paging, answered.value):
        yield paging.limit


def is_cut(paging: Paging, value: Any) -> bool:
    """Whether there is more than a page of it that was answered; a page whose list does not say so may have more."""
    rows, total = value_at(value, paging.items), value_at(value, paging.total[0]) if paging.total else None
    return not isinstance(rows, list) or not isinstance(total, int) or len(rows) < total


def changes_of(exchange: Exchange, answered: Answered) -> Iterator[str]:
    """One detail where the operation has written something."""
    if answered.status < 300 and exchange.request.method != "GET" and exchange.environ.get(WROTE):
        yield ""


def as_it_is(answered: Answered, detail: str) -> Answered:
    """The answer itself: what is broken is done before there is one."""
    return answered


WROTE = "emulator.wrote"
NOT_PAGED, NOT_KEPT = "paging", "kept"
RULES = {
    "status": Rule("succeeds with another status than {}", success_of, another_success),
    "refusal": Rule("refuses with another status than {}", refusal_of, another_refusal),
    "code": Rule("refuses with another code than {}", codes_of, another_code),
    "member": Rule("answers without {}", members_of, without_member),
    "last": Rule("forgets the last of {}", filled_lists, without_last),
    "order": Rule("answers {} in the opposite order", lists_to_turn, turned),
    NOT_PAGED: Rule("does not look at {}", pages_of, as_it_is),
    NOT_KEPT: Rule("says that it is done and keeps nothing", changes_of, as_it_is),
}
