"""The pages of a list are pieces of the whole: held, after each test, for the lists that it has asked for.

Whatever a test has put into a list, its first and its second element are asked for once more, each on its own page.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

from modelarts_emulator.worlds.store import value_at

from tests.agreements import AnswerChanged, Told


class WholeLists:
    """The lists that a test has had answered whole, with two elements or more."""

    def __init__(self) -> None:
        self._asked: dict[tuple[Any, str], Told] = {}

    def note(self, told: Told) -> None:
        """Remember a whole list; the last one of an operation stands for all."""
        paging = told.operation.paging
        if paging is None or paging.limit is None or told.operation.method != "GET" or told.status != 200:
            return
        sent = dict(parse_qsl(told.raw_uri.partition("?")[2]))
        rows = value_at(told.value, paging.items)
        is_whole = not sent.keys() & {paging.limit, paging.offset, paging.continue_}
        if is_whole and isinstance(rows, list) and len(rows) > 1 and told.moment is not None:
            self._asked[told.world, told.operation.operation_id] = told

    def hold(self, cloud) -> None:
        """AnswerChanged where a page is not the piece of its list that it should be; lists that have changed since, or
        that others have asked for, are left out.
        """
        asked, self._asked = self._asked, {}
        for (world, _), told in asked.items():
            if world is cloud.world and cloud.world.clock.frozen and not world.faults:
                hold_pages(cloud, told)


def hold_pages(cloud, told: Told) -> None:
    """AnswerChanged where the first two pages of one element each are not the first two elements of the list."""
    name, paging, position = told.operation.operation_id, told.operation.paging, cloud.world.past.position
    whole = cloud.get(told.raw_uri)
    rows = value_at(whole.json, paging.items) if whole.status == 200 else None
    if rows != value_at(told.value, paging.items):
        return
    for at, page in enumerate(pages_of(cloud, told)):
        if cloud.world.past.position != position:
            return
        if page != rows[at : at + 1]:
            raise AnswerChanged(f"{name}: page {at} of one element is {page}, not {rows[at : at + 1]}")


def pages_of(cloud, told: Told) -> Iterator[list]:
    """The first pages of one element each, as far as the list has such small ones."""
    paging, (path, _, query) = told.operation.paging, told.raw_uri.partition("?")
    place: dict[str, Any] = {}
    for number in range(2):
        if paging.offset is not None:
            place = {paging.offset: number + (paging.style == "page-per_page")}
        answer = cloud.get(f"{path}?{urlencode([*parse_qsl(query), *place.items(), (paging.limit, 1)])}")
        if answer.status != 200:
            return
        yield value_at(answer.json, paging.items)
        if paging.offset is None:
            token = value_at(answer.json, paging.token) if paging.token else None
            if token is None:
                return
            place = {paging.continue_: token}
