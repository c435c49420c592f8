"""Pages of lists: filtered, sorted and cut as the facts of the operation say."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from modelarts_emulator.contract.errors import ApiError, parameter_code
from modelarts_emulator.frame.calls import Call
from modelarts_emulator.frame.selectors import refuse_bad_selector, selects
from modelarts_emulator.worlds.store import Table, sort_key, value_at

if TYPE_CHECKING:
    from modelarts_emulator.contract.paging import Filter, Paging
    from modelarts_emulator.frame.bound import Bound


class Page:
    """One page: which records it holds, where it lies, and how many records there are in all."""

    def __init__(self, ids: Sequence[str], start: int, total: int, limit: int | None):
        self.ids = ids
        self.start = start
        self.total = total
        self.limit = limit

    @property
    def pages(self) -> int:
        """How many pages of this size there are."""
        return -(-self.total // self.limit) if self.limit else 1

    @property
    def remaining(self) -> int:
        """How many records come after this page."""
        return max(0, self.total - self.start - len(self.ids))


def list_records(
    call: Call,
    bound: Bound,
    ids: Sequence[str] | None = None,
    keep: Callable[[dict], bool] | None = None,
    row: Callable[[dict], dict] | None = None,
) -> dict:
    """The answer of a list operation over records.

    ids: those to choose from, oldest first; all of the table when None. keep: a condition beside the documented
    filters, on a copy of the record. row: how a record stands in the list; as shown elsewhere when None.
    """
    paging = paging_of(call)
    chosen = chosen_ids(call, bound, paging, ids, keep)
    page = page_of(call, paging, chosen, bound.table)
    found = [bound.find(id) for id in page.ids]
    rows = [row(record) if row else bound.resource.row(call, bound, record) for record in found]
    return envelope(call, paging, page, rows, bound.table)


def list_rows(call: Call, rows: Sequence[dict]) -> dict:
    """The answer of a list operation over rows that are no records: filtered, sorted and cut like records.

    rows: in the order of the list when nothing says how to sort it.
    """
    paging = paging_of(call)
    for name, rule in paging.filters.items():
        wanted = call.query.get(name)
        if wanted not in (None, "", []):
            rows = [each for each in rows if holds(rule, value_at(each, rule.member), wanted, call)]
    by, descending = sorting_of(call, paging)
    if by:
        rows = sorted(rows, key=lambda each: sort_key(value_at(each, by)), reverse=descending)
    start, limit = window_of(call, paging)
    page = Page([str(at) for at in range(start, min(len(rows), start + limit) if limit else len(rows))], start,
                len(rows), limit)  # fmt: skip
    return envelope(call, paging, page, [rows[int(at)] for at in page.ids])


def paging_of(call: Call) -> Paging:
    """The facts of the operation's list. ValueError when its schema has none: that is a fault of the schema."""
    if call.operation.paging is None:
        raise ValueError(f"{call.operation.operation_id} has no x-paging in its schema")
    return call.operation.paging


def chosen_ids(
    call: Call, bound: Bound, paging: Paging, ids: Sequence[str] | None, keep
) -> Sequence[str] | None:
    """The ids that pass every filter, in the order asked for; None for all by age, the youngest first or last."""
    table = bound.table
    for name, rule in paging.filters.items():
        wanted = call.query.get(name)
        if wanted not in (None, "", []):
            ids = narrowed(call, table, rule, wanted, ids)
    if keep is not None:
        ids = [id for id in (table.ids() if ids is None else ids) if keep(bound.find(id))]
    by, descending = sorting_of(call, paging)
    path = bound.resource.member_of(by)
    if by in ("", *bound.resource.by_age):
        if ids is None:
            return None
        return ids[::-1] if descending else ids
    if ids is None:
        return table.ordered(path, descending)
    column = table.column(path)
    return sorted(ids, key=lambda id: sort_key(column[id]), reverse=descending)


def narrowed(
    call: Call, table: Table, rule: Filter, wanted: Any, ids: Sequence[str] | None
) -> Sequence[str] | None:
    """Those of the ids (None: all) that pass a filter; None when all of the table do."""
    if rule.match == "equal":
        held = table.having(rule.member, wanted)
        if len(held) == len(table):
            return ids
        if ids is None:
            return held
        kept = set(held)
        return [id for id in ids if id in kept]
    column = table.column(rule.member)
    return [id for id in (table.ids() if ids is None else ids) if holds(rule, column[id], wanted, call)]


def holds(rule: Filter, value: Any, wanted: Any, call: Call) -> bool:
    """Whether a value passes a filter."""
    match rule.match:
        case "equal":
            return bool(value == wanted)
        case "contains":
            return str(wanted).lower() in str(value or "").lower()
        case "set":
            return value in (wanted if isinstance(wanted, list) else str(wanted).split(","))
        case "range-from":
            return value is not None and value >= wanted
        case "range-to":
            return value is not None and value <= wanted
        case "label-selector":
            return selects(refuse_bad_selector(call, wanted), value or {})
    raise ValueError(f"no filter matches by {rule.match!r}")


def sorting_of(call: Call, paging: Paging) -> tuple[str, bool]:
    """(member to sort by, "" for age; whether descending) as the query says, or as documented when it does not."""
    sort = paging.sort
    if sort is None:
        return "", bool(paging.newest_first)
    by = (call.query.get(sort.by) if sort.by else None) or sort.default_by or ""
    direction = (call.query.get(sort.direction) if sort.direction else None) or sort.default_direction
    return by, str(direction).lower() == "desc"


def window_of(call: Call, paging: Paging) -> tuple[int, int | None]:
    """(first record, most records; None for all) that the query asks for; ApiError for a window that cannot be."""
    limit = asked_number(call, paging.limit)
    offset = asked_number(call, paging.offset) or 0
    if paging.style == "page-per_page":
        offset = max(1, asked_number(call, paging.offset) or 1) - 1
    for name, value, least in ((paging.offset, offset, 0), (paging.limit, limit, 0)):
        if value is not None and value < least:
            refuse(call, f"query.{name}: {value} is too small, must be at least {least}")
    if paging.style in ("pages", "page-per_page"):
        return offset * (limit or 0), limit
    return offset, limit


def asked_number(call: Call, name: str | None) -> int | None:
    """A whole number of the query, None when it was not sent and has no default."""
    value = call.query.get(name) if name else None
    if value is None:
        return None
    if not str(value).lstrip("-").isdecimal():
        refuse(call, f"query.{name}: {value!r} is not a whole number")
    return int(value)


def page_of(call: Call, paging: Paging, chosen: Sequence[str] | None, table: Table) -> Page:
    """The page that the query asks for; costs what the page holds."""
    total = len(table) if chosen is None else len(chosen)
    if paging.style == "continue":
        return page_after(call, paging, chosen, table, total)
    start, limit = window_of(call, paging)
    most = total if limit is None else limit
    if chosen is not None:
        return Page(chosen[start : start + most], start, total, limit)
    _, descending = sorting_of(call, paging)
    return Page(table.page_ids(start, most, descending), start, total, limit)


def page_after(call: Call, paging: Paging, chosen: Sequence[str] | None, table: Table, total: int) -> Page:
    """The page after the record that the token of the query names, oldest first; that record may be gone."""
    ids = list(table.ids()) if chosen is None else list(chosen)
    limit, token = asked_number(call, paging.limit) or None, call.query.get(paging.offset or "")
    start = 0
    if token:
        last = number_in(call, paging, token)
        start = next((at for at, id in enumerate(ids) if table.number(id) > last), len(ids))
    return Page(ids[start : start + limit] if limit else ids[start:], start, total, limit)


def number_in(call: Call, paging: Paging, token: str) -> int:
    """The number of the last record of the page before; ApiError for a token that no list has given out."""
    try:
        kind, _, number = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if kind == "after":
            return int(number)
    except ValueError:
        pass
    refuse(
        call,
        f"query.{paging.offset}: {token[:40]!r} is not a token of an earlier page; send metadata.continue",
    )


def token_after(table: Table, id: str) -> str:
    """What names the place after a record in the list, and goes on to when the record is gone."""
    return base64.urlsafe_b64encode(f"after:{table.number(id)}".encode()).decode()


def envelope(call: Call, paging: Paging, page: Page, rows: list[dict], table: Table | None = None) -> dict:
    """The body of the answer: the page, how many there are, and what the query asked for."""
    answer: dict = {paging.items: rows}
    answer |= dict.fromkeys(paging.total, page.total) | dict.fromkeys(paging.count, len(rows))
    answer |= dict.fromkeys(paging.pages, page.pages)
    answer |= {
        member: call.query[name] if name in call.query else echo_of(paging, page, name)
        for member, name in paging.echo.items()
    }
    if paging.style == "continue" and table is not None:
        metadata: dict = {}
        if page.remaining and page.ids:
            metadata = {"continue": token_after(table, page.ids[-1]), "remainingItemCount": page.remaining}
        answer["metadata"] = metadata
    return answer


def echo_of(paging: Paging, page: Page, name: str) -> Any:
    """What an answer says of a parameter that was not sent and has no default."""
    return {paging.offset: 0, paging.limit: page.limit if page.limit is not None else page.total}.get(
        name, ""
    )


def refuse(call: Call, words: str):
    """ApiError with the code of the area for a wrong parameter."""
    raise ApiError(parameter_code(call.operation), words)
