"""Pages of lists: filtered, sorted and cut as the facts of the operation say."""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from modelarts_emulator.contract.errors import ApiError, parameter_code
from modelarts_emulator.contract.paging import Filter, Member, Paging
from modelarts_emulator.frame.answers import constants_of
from modelarts_emulator.frame.bound import DEFAULT_WORKSPACE, refuse_stranger_in
from modelarts_emulator.frame.calls import Call
from modelarts_emulator.frame.selectors import refuse_bad_selector, selects
from modelarts_emulator.worlds.indexes import sort_key
from modelarts_emulator.worlds.store import Path, Table, value_at

if TYPE_CHECKING:
    from modelarts_emulator.frame.bound import Bound

WORKSPACE_PARAMETERS = ("workspace_id", "workspaceId")
NOT_ASKED: tuple[Any, ...] = (None, "", [])
# A larger number does not fit into the JSON of an answer.
LARGEST_NUMBER = 2**63 - 1
# An order of all records is kept; so many times fewer are sorted faster than they are found in it.
FEW = 16


class Page(NamedTuple):
    """One page. rows: what it holds. start: how many come before it. total: how many there are. limit: how many it
    may hold, None for any number. token: what names the next page, None where there is none.
    """

    rows: Sequence[Any]
    start: int
    total: int
    limit: int | None
    token: str | None = None

    @property
    def remaining(self) -> int:
        """How many come after this page."""
        return max(0, self.total - self.start - len(self.rows))


class Kept(Sequence):
    """Those of ordered ids that a filter has left, looked for as far as a page needs them."""

    def __init__(self, ordered: Iterable[str], kept: set[str]):
        self._ordered = ordered
        self._kept = kept

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[str]:
        return (id for id in self._ordered if id in self._kept)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            return list(islice(self, start, stop, step))
        return next(islice(self, at, None))


def list_records(
    call: Call,
    bound: Bound,
    ids: Sequence[str] | None = None,
    keep: Callable[[dict], bool] | None = None,
    row: Callable[[dict], dict] | None = None,
    group: str | None = None,
) -> dict:
    """The answer of a list operation over records, without those that lie in a workspace that is not the caller's to
    use.

    ids: those to choose from, oldest first; all of the table when None. keep: a condition beside the documented
    filters, on a copy of the record. row: how a record stands in the list, as `Resource.row` has it when None.
    group: the dotted member whose values decide which records stand beside each other, each group where its first
    record is.
    """
    paging = paging_of(call)
    refuse_foreign_list(call, paging)
    ids = bound.usable_ids(ids)
    if group and ids is None:
        ids = list(bound.table.ids())
    chosen = chosen_ids(call, bound, paging, ids, keep)
    if group and chosen is not None:
        chosen = grouped(chosen, column_of(bound, group))
    page = page_of_ids(call, paging, chosen, bound.table)
    found = [bound.find(id) for id in page.rows]
    rows = [row(record) if row else bound.resource.row(call, bound, record) for record in found]
    return envelope(call, paging, page._replace(rows=rows))


def refuse_foreign_list(call: Call, paging: Paging) -> None:
    """ApiError when the list is asked for what lies in a workspace that is not the caller's to use."""
    if call.caller.user_id == call.world.account.user_id:
        return
    for name in WORKSPACE_PARAMETERS:
        refuse_stranger_in(call, asked(call, paging, name) or DEFAULT_WORKSPACE)


def list_rows(call: Call, rows: Sequence[dict]) -> dict:
    """The answer of a list operation over rows that are no records, such as a catalogue or events.

    rows: oldest first where the list is sorted at all, else in the order they are listed in. They are filtered,
    sorted and cut like records.
    """
    paging = paging_of(call)
    for rule, wanted in filters_asked(call, paging):
        rows = [each for each in rows if holds(rule, value_at(each, rule.member), wanted)]
    keys, descending = sorting_of(call, paging)
    if keys:
        rows = sorted(
            rows, key=lambda each: [sort_key(value_at(each, by)) for by in keys], reverse=descending
        )
    elif descending:
        rows = rows[::-1]
    start, limit = window_of(call, paging)
    end = len(rows) if limit is None else start + limit
    return envelope(call, paging, Page(rows[start:end], start, len(rows), limit))


def paging_of(call: Call) -> Paging:
    """The facts of the operation's list. ValueError when its schema has none: that is a fault of the schema."""
    paging: Paging | None = call.operation.paging
    if paging is None:
        raise ValueError(f"{call.operation.operation_id} has no x-paging in its schema")
    return paging


def asked(call: Call, paging: Paging, name: str | None) -> Any:
    """The value of a parameter of the list; None when it was not sent and has no default."""
    if name is None:
        return None
    return ((call.body or {}) if paging.place == "body" else call.query).get(name)


def filters_asked(call: Call, paging: Paging) -> list[tuple[Filter, Any]]:
    """(filter, what it was asked for) of each filter that the call uses."""
    found = []
    for name, rule in paging.filters.items():
        wanted = asked(call, paging, name)
        if wanted in NOT_ASKED:
            continue
        if any(asked(call, paging, other) == value for other, value in rule.exact_when.items()):
            rule = rule._replace(match="equal")
        if rule.match == "label-selector":
            wanted = refuse_bad_selector(call, wanted)
        found.append((rule, wanted))
    return found


def chosen_ids(
    call: Call,
    bound: Bound,
    paging: Paging,
    ids: Sequence[str] | None,
    keep: Callable[[dict], bool] | None,
) -> Sequence[str] | None:
    """The ids that pass every filter, in the order asked for; None for all of the table by age."""
    table = bound.table
    for rule, wanted in filters_asked(call, paging):
        ids = narrowed(table, rule, wanted, ids)
    if keep is not None:
        ids = [id for id in (table.ids() if ids is None else ids) if keep(bound.find(id))]
    keys, descending = sorting_of(call, paging)
    if not keys or keys[0] in bound.resource.by_age:
        return ids if ids is None or not descending else ids[::-1]
    places = [bound.resource.sorts.get(".".join(by), by) for by in keys]
    if len(places) == 1 and not callable(places[0]) and (ids is None or len(ids) > len(table) // FEW):
        ordered = table.ordered(path_of(places[0]), descending)
        kept = None if ids is None or len(ids) == len(table) else set(ids)
        return ordered if kept is None else Kept(ordered, kept)
    columns = [column_of(bound, place) for place in places]
    return sorted(
        table.ids() if ids is None else ids,
        key=lambda id: [sort_key(column[id]) for column in columns],
        reverse=descending,
    )


def column_of(bound: Bound, member: Member | str | Callable[[Bound], dict[str, Any]]) -> dict[str, Any]:
    """{id: value} of a member of all records, as `Resource.sorts` says where it is or how it is computed."""
    if not callable(member):
        member = bound.resource.sorts.get(member if isinstance(member, str) else ".".join(member), member)
    return member(bound) if callable(member) else bound.table.column(path_of(member))


def grouped(ids: Sequence[str], column: dict[str, Any]) -> list[str]:
    """The ids with those of one value beside each other, each group where its first one stands."""
    groups: dict[Any, list[str]] = {}
    for id in ids:
        groups.setdefault(column[id], []).append(id)
    return [id for group in groups.values() for id in group]


def narrowed(table: Table, rule: Filter, wanted: Any, ids: Sequence[str] | None) -> Sequence[str] | None:
    """Those of the ids (None: all) that pass a filter; None when all of the table do."""
    path = path_of(rule.member)
    if rule.match == "equal":
        values = {wanted: None, None: None} if wanted == rule.absent else {wanted: None}
        if sum(table.how_many(path, value) for value in values) == len(table):
            return ids
        if len(values) == 1:
            held = table.having(path, wanted)
            if ids is None:
                return held
            kept = set(held)
            return [id for id in ids if id in kept]
    column = table.column(path)
    return [id for id in (table.ids() if ids is None else ids) if holds(rule, column[id], wanted)]


def holds(rule: Filter, value: Any, wanted: Any) -> bool:
    """Whether a value passes a filter."""
    value = rule.absent if value is None else value
    match rule.match:
        case "equal":
            return bool(value == wanted)
        case "differs":
            return bool(value != wanted)
        case "contains":
            return str(wanted).lower() in str("" if value is None else value).lower()
        case "set":
            if isinstance(wanted, list):
                return value in wanted
            return str(value) in str(wanted).split(rule.separator)
        case "range-from":
            return value is not None and bool(value >= wanted)
        case "range-to":
            return value is not None and bool(value <= wanted)
        case _:
            return selects(wanted, value or {})


def sorting_of(call: Call, paging: Paging) -> tuple[list[Member], bool]:
    """(members to sort by, the first one first, none for age; whether descending) as the call says, or as documented
    when it does not. Several are joined by commas.
    """
    sort = paging.sort
    if sort is None:
        return [], False
    by = asked(call, paging, sort.by) or sort.default_by
    direction = asked(call, paging, sort.direction)
    if direction in (None, ""):
        direction = sort.default_direction
    descending = not direction if isinstance(direction, bool) else str(direction).lower() == "desc"
    return [sort.members.get(each, (each,)) for each in by.split(",")] if by else [], descending


def window_of(call: Call, paging: Paging) -> tuple[int, int | None]:
    """(how many come before the page, how many it may hold, None for any number); ApiError for what cannot be."""
    limit = number_asked(call, paging, paging.limit)
    if limit == 0 and paging.zero is not None:
        limit = None if paging.zero == "all" else paging.usual_limit
    elif limit is None:
        limit = paging.usual_limit
    offset = number_asked(call, paging, paging.offset) or 0
    if paging.style == "page-per_page":
        limit = None if offset == 0 and paging.zero == "all" else limit
        offset = max(offset, 1) - 1
    if paging.whole_pages and limit and offset % limit:
        refuse(call, f"query.{paging.offset}: {offset} is not a multiple of {paging.limit} {limit}")
    return (offset if paging.style == "records" else offset * (limit or 0)), limit


def number_asked(call: Call, paging: Paging, name: str | None) -> int | None:
    """A whole number from 0 on that the call sends, None when it was not sent and has no default."""
    value = asked(call, paging, name)
    if value in (None, ""):
        return None
    if not str(value).isascii() or not str(value).removeprefix("-").isdecimal():
        refuse(call, f"query.{name}: {value!r} is not a whole number")
    if str(value).startswith("-"):
        refuse(call, f"query.{name}: {value} is too small, must be at least 0")
    if len(str(value)) > len(str(LARGEST_NUMBER)) or int(value) > LARGEST_NUMBER:
        refuse(call, f"query.{name}: {str(value)[:40]} is too large, must be at most {LARGEST_NUMBER}")
    return int(value)


def page_of_ids(call: Call, paging: Paging, chosen: Sequence[str] | None, table: Table) -> Page:
    """The page of ids that the call asks for; costs what the page holds."""
    total = len(table) if chosen is None else len(chosen)
    if paging.style == "continue":
        return page_after(call, paging, chosen, table, total)
    start, limit = window_of(call, paging)
    most = total if limit is None else limit
    if chosen is not None:
        return Page(chosen[start : start + most], start, total, limit)
    _, descending = sorting_of(call, paging)
    return Page(table.page_ids(min(start, total), min(most, total), descending), start, total, limit)


def page_after(call: Call, paging: Paging, chosen: Sequence[str] | None, table: Table, total: int) -> Page:
    """The page after the record that the token of the call names, by age; that record may be gone. Without a token
    the list begins after as many records as its offset says, where it has one.
    """
    _, descending = sorting_of(call, paging)
    sign = -1 if descending else 1
    ids = list(table.ids())[::sign] if chosen is None else chosen
    limit = number_asked(call, paging, paging.limit) or paging.usual_limit
    token, start = asked(call, paging, paging.continue_), number_asked(call, paging, paging.offset) or 0
    if token:
        last = number_in(call, paging, token, table)
        start = bisect_right(ids, sign * last, key=lambda id: sign * table.number(id))
    page = Page(ids[start : start + limit] if limit else ids[start:], start, total, limit)
    if not page.remaining or not page.rows:
        return page
    id = page.rows[-1]
    return page._replace(token=base64.urlsafe_b64encode(f"after:{table.number(id)}:{id}".encode()).decode())


def number_in(call: Call, paging: Paging, token: str, table: Table) -> int:
    """The number of the last record of the page before; ApiError for a token that no list has given out.

    A restart may count the records anew, so what the token says counts only when that record is gone.
    """
    try:
        kind, number, id = base64.urlsafe_b64decode(token.encode()).decode().split(":", 2)
        if kind == "after":
            return max(int(number), -1) if id not in table else table.number(id)
    except ValueError:
        # Neither base64 nor a number: the refusal below says what would be right.
        kind = ""
    refuse(call, f"query.{paging.continue_}: {token[:40]!r} is not what an earlier page gave out as continue")


def envelope(call: Call, paging: Paging, page: Page) -> Any:
    """The body of the answer: the page, how many there are, and what the call asked for; the page alone where no
    member holds it.
    """
    if not paging.items:
        return page.rows
    answer: dict[str, Any] = paging.constants | constants_of(call.operation)
    per_page = page.limit or len(page.rows) or 1
    members: dict[Member, Any] = dict.fromkeys((paging.items, *paging.also), page.rows)
    members |= dict.fromkeys(paging.total, page.total) | dict.fromkeys(paging.count, len(page.rows))
    members |= dict.fromkeys(paging.pages, 0 if page.limit == 0 else -(-page.total // per_page))
    members |= dict.fromkeys(paging.current, page.start // per_page + paging.first_page)
    members |= dict.fromkeys(paging.more, page.remaining > 0)
    members |= {member: echo_of(call, paging, page, name) for member, name in paging.echo.items()}
    if paging.token is not None:
        members[paging.token[:-1]] = {}
        if page.token is not None:
            members[paging.token] = page.token
    if paging.remaining is not None and page.token is not None:
        members[paging.remaining] = page.remaining
    for member, value in members.items():
        put_at(answer, member, value)
    return answer


def put_at(answer: dict, member: Member, value: Any) -> None:
    """Put the value where the member is."""
    *way, last = member
    for name in way:
        answer = answer.setdefault(name, {})
    answer[last] = value


def echo_of(call: Call, paging: Paging, page: Page, name: str) -> Any:
    """What the answer says of a parameter: as it counted, sent or not."""
    value = asked(call, paging, name)
    if name == paging.limit:
        return page.limit if page.limit is not None else len(page.rows)
    if value is not None:
        return value
    if name == paging.offset:
        return 0
    if paging.sort is not None and name == paging.sort.by:
        return paging.sort.default_by or ""
    if paging.sort is not None and name == paging.sort.direction:
        return paging.sort.default_direction
    return ""


def path_of(member: Member | str) -> Path:
    """The member as the store indexes it: dotted where no name has a dot itself."""
    if isinstance(member, str):
        return member
    return member if any("." in name for name in member) else ".".join(member)


def refuse(call: Call, words: str) -> NoReturn:
    """ApiError with the code of the area for a wrong parameter."""
    raise ApiError(parameter_code(call.operation), words)
