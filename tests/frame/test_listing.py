"""Pages of lists, as the facts of the operation say."""

import base64

import pytest
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.contract.operations import Operations
from modelarts_emulator.frame.listing import list_records
from modelarts_emulator.frame.registry import RESOURCES
from modelarts_emulator.frame.resources import Resource

from tests.frame.conftest import call_for

OPERATIONS = Operations()


@pytest.fixture
def shelf(monkeypatch):
    """A function that makes a call of the operation in a project with the records, and where they lie."""
    monkeypatch.setitem(RESOURCES, "test/books/book", None)
    books = Resource("test/books/book", id_field=lambda record: record["key"], not_found="ModelArts.0210")

    def filled(operation_id: str, *records: dict):
        call = call_for("p")
        call.operation = OPERATIONS.by_id[operation_id]
        bound = books.of(call)
        for number, record in enumerate(records):
            kept = {"key": str(number), **record}
            bound.table.put(kept["key"], kept)
        return call, bound

    return filled


def document(name: str, workspace_id: str = "0") -> dict:
    """A record as networks have them."""
    return {"metadata": {"name": name, "labels": {"os.modelarts/workspace.id": workspace_id}}}


def names(answer: dict) -> list[str]:
    """The names on a page of documents."""
    return [each["metadata"]["name"] for each in answer["items"]]


def encoded(text: str) -> str:
    """A text as tokens are written."""
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize("elsewhere", [[], [document("x", "w1")]], ids=["by the table", "by an index"])
def test_a_filtered_list_stays_by_age_whatever_was_put_since(shelf, elsewhere):
    call, bound = shelf("ListNetworks", document("b"), *elsewhere, document("a"), document("c"))
    call.query = {"workspaceId": "0"}
    assert names(list_records(call, bound)) == ["b", "a", "c"]
    changed = bound.find("0")
    for place in ("w1", "0"):
        changed["metadata"]["labels"]["os.modelarts/workspace.id"] = place
        bound.table.put(bound.id_of(changed), changed)
    assert names(list_records(call, bound)) == ["b", "a", "c"]


def test_a_token_goes_on_after_a_record_that_is_gone_and_shows_what_is_new(shelf):
    call, bound = shelf("ListNetworks", *map(document, "abcd"))
    call.query = {"workspaceId": "0", "limit": 2}
    page = list_records(call, bound)
    assert (names(page), page["metadata"]["remainingItemCount"]) == (["a", "b"], 2)
    bound.drop(bound.find("1"))
    bound.put({"key": "9", **document("e")})
    call.query["continue"] = page["metadata"]["continue"]
    page = list_records(call, bound)
    assert (names(page), page["metadata"]["remainingItemCount"]) == (["c", "d"], 1)
    call.query["continue"] = page["metadata"]["continue"]
    assert list_records(call, bound)["metadata"] == {}


def test_a_list_with_tokens_that_shows_the_latest_first_goes_on_with_what_is_older(shelf):
    call, bound = shelf("ListEvents", *({"reason": name} for name in "abcd"))
    call.query = {"limit": 2, "ascend": False}
    page = list_records(call, bound)
    assert [each["reason"] for each in page["items"]] == ["d", "c"]
    bound.drop(bound.find("2"))
    bound.put({"key": "9", "reason": "e"})
    call.query["continue"] = page["metadata"]["continue"]
    assert [each["reason"] for each in list_records(call, bound)["items"]] == ["b", "a"]


def test_a_token_goes_on_after_its_record_though_records_are_counted_anew(shelf):
    call, bound = shelf("ListNetworks", *map(document, "abcdef"))
    for number in "012":
        bound.drop(bound.find(number))
    call.query = {"workspaceId": "0", "limit": 1}
    token = list_records(call, bound)["metadata"]["continue"]
    counted_anew, bound = shelf(
        "ListNetworks", *[{"key": str(at), **document(name)} for at, name in zip("345", "def", strict=True)]
    )
    counted_anew.query = {"workspaceId": "0", "continue": token}
    assert names(list_records(counted_anew, bound)) == ["e", "f"]


def test_a_selector_that_is_none_is_refused_though_there_is_nothing_to_select(shelf):
    call, bound = shelf("ListNetworks")
    call.query = {"labelSelector": "a b"}
    with pytest.raises(ApiError, match="'a b' is none of key=value"):
        list_records(call, bound)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("others", [0, 40], ids=["most of all", "few of all"])
def test_what_a_filter_leaves_is_sorted_alike_however_much_of_all_it_is(shelf, order, others):
    rows = [
        {"id": id, "name": name, "enterprise_project_id": "0"} for id, name in zip("abc", "nmn", strict=True)
    ]
    rows[2:2] = [{"id": f"o{at}", "name": "n", "enterprise_project_id": "1"} for at in range(others + 1)]
    call, bound = shelf("ListWorkspace", *rows)
    call.query = {"limit": 10, "sort_by": "name", "order": order, "enterprise_project_id": "0"}
    expected = ["b", "a", "c"] if order == "asc" else ["a", "c", "b"]
    assert [each["id"] for each in list_records(call, bound)["workspaces"]] == expected


@pytest.mark.parametrize("token", ["x", "%%%", "é", *map(encoded, ("after:x", "after:x:y", "before:1:y"))])
def test_a_token_that_no_page_gave_out_is_refused(shelf, token):
    call, bound = shelf("ListNetworks", document("a"))
    call.query = {"continue": token}
    with pytest.raises(ApiError, match=r"query.continue: .* is not what an earlier page gave out"):
        list_records(call, bound)


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_equal_sort_keys_stay_by_age_in_both_directions(shelf, order):
    rows = [
        {"id": id, "name": name, "status": "NORMAL"} for id, name in zip("abc", ("n", "m", "n"), strict=True)
    ]
    call, bound = shelf("ListWorkspace", *rows)
    call.query = {"limit": 10, "sort_by": "name", "order": order}
    expected = ["b", "a", "c"] if order == "asc" else ["a", "c", "b"]
    assert [each["id"] for each in list_records(call, bound)["workspaces"]] == expected


def test_a_page_has_what_its_rows_document_and_counts_all(shelf):
    call, bound = shelf(
        "ListWorkspace", *[{"id": str(number), "name": "n", "secret": 1} for number in range(3)]
    )
    call.query = {"limit": 2, "offset": 1}
    assert list_records(call, bound) == {
        "total_count": 3,
        "count": 1,
        "workspaces": [{"id": "2", "name": "n"}],
    }


def test_a_list_without_a_row_on_a_page_has_no_page(shelf):
    call, books = shelf("ListDevServers", {"user_id": "u"}, {"user_id": "u"})
    call.query = {"limit": 0, "offset": 0}
    answer = list_records(call, books)
    assert (answer["data"], answer["size"], answer["total"], answer["pages"]) == ([], 0, 2, 0)
