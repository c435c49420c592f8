"""Orders of lists beside those of members: groups, computed values, rows by age."""

from dataclasses import fields, replace

import pytest
from modelarts_emulator.contract.paging import Paging, Sort
from modelarts_emulator.frame.calls import Call, Caller
from modelarts_emulator.frame.listing import list_records, list_rows
from modelarts_emulator.frame.registry import RESOURCES
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.worlds.world import World, tag_of_number

from tests.frame.conftest import Documented

COLOURS = {"1": "red", "2": "blue", "3": "red"}


def paging(sort: Sort) -> Paging:
    """A list without pages in that order."""
    nothing = dict.fromkeys(each.name for each in fields(Paging))
    lists = dict.fromkeys(("also", "total", "count", "pages", "current", "more"), ())
    maps = {"echo": {}, "filters": {}, "constants": {}, "whole_pages": False, "first_page": 0}
    return Paging(
        **nothing | lists | maps | {"items": ("items",), "style": "none", "place": "query", "sort": sort}
    )


def call_sorted_by(by: str | None, direction: str) -> Call:
    """A call of a list in that order."""
    operation = Documented()
    operation.paging = paging(Sort("by", "order", None, "asc", {}))
    query = {"order": direction} | ({"by": by} if by else {})
    world, caller = World(tag_of_number(3), seed=1, pace=60), Caller("d", "d", "p", "p", "u", "u")
    return Call(operation, {"project_id": "p"}, query, {}, None, caller, world, None)


def listed(call: Call, monkeypatch, **options) -> list[str]:
    """The ids of three boxes in the order of the list."""
    monkeypatch.setitem(RESOURCES, "test/boxes/box", None)
    boxes = Resource(
        "test/boxes/box",
        not_found="ModelArts.0210",
        sorts={"weight": lambda bound: {"1": 3, "2": 1, "3": 2}},
    )
    for id, colour in COLOURS.items():
        boxes.of(call).put({"id": id, "colour": colour})
    rows = list_records(call, boxes.of(call), row=lambda record: record, **options)["items"]
    return [row["id"] for row in rows]


@pytest.mark.parametrize(("direction", "order"), [("asc", ["1", "3", "2"]), ("desc", ["3", "1", "2"])])
def test_records_of_a_group_stand_beside_each_other_where_the_first_of_them_is(monkeypatch, direction, order):
    assert listed(call_sorted_by(None, direction), monkeypatch, group="colour") == order


@pytest.mark.parametrize(("direction", "order"), [("asc", ["2", "3", "1"]), ("desc", ["1", "3", "2"])])
def test_a_list_is_sorted_by_what_its_records_do_not_say(monkeypatch, direction, order):
    assert listed(call_sorted_by("weight", direction), monkeypatch) == order


@pytest.mark.parametrize(("direction", "order"), [("asc", [1, 2]), ("desc", [2, 1])])
def test_rows_by_age_are_turned_round_when_the_newest_come_first(direction, order):
    rows = list_rows(call_sorted_by(None, direction), [{"at": 1}, {"at": 2}])["items"]
    assert [row["at"] for row in rows] == order


@pytest.mark.parametrize("first", [0, 1])
def test_pages_count_from_the_documented_first_one(first):
    call = call_sorted_by(None, "asc")
    call.operation.paging = replace(call.operation.paging, current=(("current",),), first_page=first)
    assert list_rows(call, [{"at": 1}])["current"] == first
