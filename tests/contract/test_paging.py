"""How lists are paged: what x-paging says is read, and refused where it names what is not documented."""

import copy

import pytest
from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.contract.paging import (
    BadPaging,
    answer_of,
    branches,
    parameters_of,
    read_paging,
    schemas_at,
)

OPERATIONS = Operations(check=False)
PAGED_BY = {"offset", "limit", "continue", "page", "per_page"}
# Parameters of these names that do not page a list.
NOT_LISTS = {
    "CountTrainingJobsByTags": "counts whatever the page would be",
    "ShowNodePool": "one node pool; what continue means there is not documented",
    "ShowTrainingJobVersionLogByByte": "offset is a number of bytes of a log",
}

RECORD = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "size": {"type": "integer"}, "labels": {}},
}
ANSWER = {
    "type": "object",
    "properties": {
        "things": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
        "count": {"type": "integer"},
        "kind": {"enum": ["ThingList"]},
    },
}
DOCUMENT = {"components": {"schemas": {"Thing": RECORD, "Things": ANSWER}}}
PAGING = {"items": "things", "style": "records", "offset": "offset", "limit": "limit"}


def listing(paging: dict) -> dict:
    """An operation that lists things and is paged like this."""
    schemas = {
        "offset": {"x-multiple-of-limit": True},
        "limit": {},
        "name": {},
        "by": {"enum": ["id", "age"]},
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Things"}}}
    return {
        "parameters": [{"name": name, "in": "query", "schema": each} for name, each in schemas.items()],
        "responses": {"200": {"content": content}},
        "x-paging": PAGING | paging,
    }


def kinds(operation, name: str, member: tuple) -> tuple[set, set]:
    """The JSON types of a parameter, and those of a member of the records of the list."""
    document, paging = operation.area_of.document, operation.paging
    answer = branches(document, answer_of(operation.definition))
    lists = [schema for schema in schemas_at(document, answer, paging.items) if "items" in schema]
    records = [branch for schema in lists for branch in branches(document, schema["items"])]
    sent = branches(document, parameters_of(document, operation.definition, paging.place)[name])
    return types(sent), types(schemas_at(document, records, member))


def types(schemas: list[dict]) -> set:
    """The JSON types that the schemas name; "string" where one names none, as labels do."""
    named = [schema.get("type", "string") for schema in schemas]
    return {kind for each in named for kind in ([each] if isinstance(each, str) else each)}


def test_every_operation_that_takes_an_offset_says_how_it_is_paged():
    silent = {
        operation.operation_id
        for operation in OPERATIONS
        if operation.paging is None and PAGED_BY & parameters_of({}, operation.definition, "query").keys()
    }
    assert silent == set(NOT_LISTS)


def test_every_offset_and_limit_of_a_list_is_said_to_page_it():
    for operation in OPERATIONS:
        paging = operation.paging
        if paging is not None and paging.style != "continue":
            document = operation.area_of.document
            sent = PAGED_BY & parameters_of(document, operation.definition, paging.place).keys()
            assert sent == {paging.offset, paging.limit} - {None}, operation


def test_a_parameter_is_compared_with_a_member_that_can_have_its_values():
    for operation in OPERATIONS:
        for name, each in (operation.paging.filters if operation.paging else {}).items():
            if each.match == "equal":
                sent, held = kinds(operation, name, each.member)
                assert sent & held, (operation, name, sent, held)


def test_a_list_is_read_with_all_that_counts_and_what_is_always_the_same():
    filters = {"name": {"member": ["labels", "a.b"], "match": "equal", "absent": "0"}}
    sort = {"by": "by", "default_direction": "asc", "members": {"age": "size"}}
    paging = read_paging(
        DOCUMENT, listing({"total": ["count"], "filters": filters, "sort": sort, "echo": {"count": "limit"}})
    )
    assert (paging.items, paging.total, paging.whole_pages) == (("things",), (("count",),), True)
    assert paging.filters["name"].member == ("labels", "a.b")
    assert paging.sort.members == {"age": ("size",)}
    assert paging.echo == {("count",): "limit"}
    assert paging.constants == {"kind": "ThingList"}


@pytest.mark.parametrize(
    ("paging", "words"),
    [
        ({"items": "stuff"}, "no member 'stuff'"),
        ({"items": "count"}, "not documented as an array"),
        ({"style": "sheets"}, "style is 'sheets', must be one of"),
        ({"style": "none"}, "do not go together"),
        ({"style": "continue", "token": "count"}, "do not go together"),
        ({"limit": "size"}, "takes no 'size' in its query; there are offset, limit"),
        ({"total": ["sum"]}, "no member 'sum'"),
        ({"echo": {"count": "page"}}, "takes no 'page'"),
        ({"filter": {}}, "unknown filter"),
        ({"filters": {"name": {"member": "title", "match": "equal"}}}, "documents no member 'title'"),
        ({"filters": {"name": {"member": "id", "match": "alike"}}}, "match is 'alike'"),
        ({"filters": {"title": {"member": "id", "match": "equal"}}}, "takes no 'title'"),
        (
            {"filters": {"name": {"member": "id", "match": "contains", "exact_when": {"x": 1}}}},
            "takes no 'x'",
        ),
        ({"sort": {"by": "by", "default_direction": "asc"}}, "documents no member 'age'"),
        ({"sort": {"default_direction": "up"}}, "default_direction is 'up'"),
    ],
)
def test_what_is_not_documented_is_refused(paging, words):
    with pytest.raises(BadPaging, match=words):
        read_paging(copy.deepcopy(DOCUMENT), listing(paging))
