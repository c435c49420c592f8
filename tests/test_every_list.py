"""What holds for every list that has a behaviour: no page lacks or repeats a record, in every documented order."""

from itertools import pairwise, product
from urllib.parse import quote

import pytest
from modelarts_emulator.frame.answers import members_of
from modelarts_emulator.frame.registry import NOT_EMULATED, behaviour_of
from modelarts_emulator.worlds.indexes import sort_key
from modelarts_emulator.worlds.store import value_at

from tests import strategies
from tests.kinds import KINDS, OPERATIONS, made

COUNT = 3
# Notebooks come ten on a page at least.
PAGED_BY_TEN = 12
HUGE = ("4294967296", "9223372036854775807", "9223372036854775808", "1180591620717411303424", "9" * 5000)
ODD = (
    "",
    "0",
    "-1",
    "--1",
    "+1",
    "1.5",
    "1e3",
    "null",
    "NaN",
    "٣",
    "x" * 3000,
    "name,name",
    "_quotas",
    ".",
    *HUGE,
)
LISTS = [each for each in OPERATIONS if each.paging is not None and behaviour_of(each) is not NOT_EMULATED]
every_list = pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.operation_id)
every_kind = pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if OPERATIONS.by_id[kind.listed].paging], ids=lambda kind: kind.listed
)


def schema_of(operation, name: str) -> dict:
    """The schema of a parameter of a list, {} for what has none."""
    if operation.paging.place == "body":
        schema = strategies.as_schema(operation.area_of.closure(operation.body_schema))
        return schema.flat(schema.flat(schema.document)["properties"].get(name, {}))
    return strategies.parameter_schema(operation, "query")["properties"].get(name, {})


def orders_of(operation) -> list[dict]:
    """What is sent for each documented order of the list; {} for the usual one."""
    sort = operation.paging.sort
    if sort is None:
        return [{}]
    keys = [None]
    if sort.by:
        documented = [*schema_of(operation, sort.by).get("enum", ()), *sort.members]
        keys += dict.fromkeys(documented or sorted(members_of(operation, operation.paging.items)))
    ways = [None]
    if sort.direction:
        schema = schema_of(operation, sort.direction)
        ways += [True, False] if schema.get("type") == "boolean" else schema.get("enum", ["asc", "desc"])
    asked = [{sort.by: key, sort.direction: way} for key, way in product(keys, ways)]
    return [{name: value for name, value in each.items() if value is not None} for each in asked]


def ask(cloud, operation, asked: dict):
    """The answer of the list; its path has what no project has."""
    path = operation.path
    for name in operation.path_names:
        if name != "project_id":
            path = path.replace(f"{{{name}}}", quote(strategies.samples(operation)[0][0][name], safe=""))
    if operation.paging.place == "body":
        return cloud.send(operation.method, path, asked)
    required = strategies.samples(operation)[0][1] if operation.method == "GET" else {}
    schema = strategies.parameter_schema(operation, "query")
    params = {name: required[name] for name in schema["required"]}
    texts = {name: strategies.as_text(value) for name, value in asked.items()}
    return cloud.send(
        operation.method, path, {} if operation.method == "POST" else None, params=params | texts
    )


@every_list
def test_no_list_fails_in_any_documented_order(operation, cloud):
    for order in orders_of(operation):
        answer = ask(cloud, operation, order)
        assert answer.status < 500, (order, answer)


@every_list
def test_no_list_fails_whatever_is_sent_for_its_pages_order_and_filters(operation, cloud):
    refuse_or_answer_odd_texts(cloud, operation)


@every_kind
def test_no_list_with_something_in_it_fails_whatever_is_sent(kind, cloud):
    cloud.world.obs.create_bucket("obs-name")
    made(cloud, kind, "name-a")
    made(cloud, kind, "name-b")
    refuse_or_answer_odd_texts(cloud, OPERATIONS.by_id[kind.listed])


def refuse_or_answer_odd_texts(cloud, operation) -> None:
    """AssertionError when the list fails at an odd text in one of its parameters."""
    paging = operation.paging
    sort = (paging.sort.by, paging.sort.direction) if paging.sort else ()
    names = [name for name in (paging.offset, paging.limit, paging.continue_, *sort, *paging.filters) if name]
    for name, text in product(names, ODD):
        answer = ask(cloud, operation, {name: text})
        assert answer.status < 500, (name, text, answer)


@every_kind
def test_the_pages_of_a_list_are_disjoint_complete_and_in_order(kind, cloud):
    cloud.world.obs.create_bucket("obs-name")
    operation, ids = OPERATIONS.by_id[kind.listed], []
    limits = schema_of(operation, operation.paging.limit or "").get("enum")
    for number in range(PAGED_BY_TEN if limits else COUNT):
        ids.append(made(cloud, kind, f"name-{number * 7 % 10}{number}").rpartition("/")[2])
        cloud.clock.advance(1)
    *smaller, largest = limits or range(1, COUNT + 2)
    for order in orders_of(operation):
        rows = pages_of(cloud, kind, order, largest)
        found = [str(value_at(row, kind.item_id)) for row in rows]
        assert len(set(found)) == len(found) and set(ids) <= set(found), order
        assert_in_order(operation, order, rows)
        for limit in smaller:
            again = [str(value_at(row, kind.item_id)) for row in pages_of(cloud, kind, order, limit)]
            assert again == found, (order, limit)


def pages_of(cloud, kind, order: dict, limit: int) -> list[dict]:
    """The rows of all pages that a list is cut into, one after another; all rows where there are no pages."""
    operation, rows = OPERATIONS.by_id[kind.listed], []
    paging, place = operation.paging, {}
    if paging.limit is None:
        return value_at(ask(cloud, operation, {**order, **dict(kind.query)}).json, paging.items)
    for number in range(50):
        if paging.style in ("records", "pages", "page-per_page"):
            first = {"records": number * limit, "pages": number, "page-per_page": number + 1}[paging.style]
            place = {paging.offset: first}
        answer = ask(cloud, operation, {**order, **dict(kind.query), **place, paging.limit: limit})
        assert answer.status == 200, answer
        page = value_at(answer.json, paging.items)
        assert len(page) <= limit
        rows += page
        if paging.style == "continue":
            place = {paging.continue_: value_at(answer.json, paging.token)}
        if not page or place == {paging.continue_: None}:
            return rows
    raise AssertionError(f"{operation.operation_id} never comes to an end")


def assert_in_order(operation, order: dict, rows: list[dict]) -> None:
    """The rows stand as the order asked for says, as far as they say what they are sorted by."""
    sort = operation.paging.sort
    if sort is None:
        return
    by, way = order.get(sort.by, sort.default_by), order.get(sort.direction, sort.default_direction)
    member = sort.members.get(by, (by,)) if by else ()
    said = [value_at(row, member) for row in rows] if by else []
    # Objects and lists stand in no order that anybody has documented.
    values = [] if any(isinstance(each, dict | list) for each in said) else list(map(sort_key, said))
    if way is False or str(way).lower() == "desc":
        values.reverse()
    assert all(one <= other for one, other in pairwise(values)), (order, values)
