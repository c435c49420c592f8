"""What every answer of an operation has always held, it goes on to hold: see tests/answers.py."""

from urllib.parse import urlencode

import pytest
from modelarts_emulator.contract.checking import branches_of
from modelarts_emulator.contract.operations import Operations

from tests.answers import REFUSED, AnswerChanged, hold_answer, hold_members, known

OPERATIONS = Operations()
LIST = OPERATIONS.by_id["ListWorkspace"]


def documents_members(operation) -> bool:
    """Whether an answer of success is documented as an object or a list of them; a 204 has no body."""
    statuses = [
        int(status) for status in operation.definition["responses"] if status < "3" and status != "204"
    ]
    schemas = [schema for schema in map(operation.answer_schema, statuses) if schema is not None]
    branches = branches_of(operation.area_of, schemas)
    items = [schema["items"] for schema in branches if "items" in schema]
    return any("properties" in schema for schema in (*branches, *branches_of(operation.area_of, items)))


def test_the_members_of_every_documented_answer_are_known():
    meant = {operation.operation_id for operation in OPERATIONS if documents_members(operation)}
    answered = {name.split()[0] for name in known() if not name.endswith(REFUSED)}
    assert meant <= answered, "make answers"
    assert answered <= set(OPERATIONS.by_id)


def test_an_answer_that_lacks_a_member_is_refused():
    for name, places in known().items():
        for member in places.get("", ()):
            left = dict.fromkeys(other for other in places[""] if other != member)
            with pytest.raises(AnswerChanged, match=f"lost {member}:"):
                hold_members(name, left)


def listed(cloud, **asked) -> tuple[str, dict]:
    """What is asked for in a list of three workspaces, and the answer."""
    for name in ("first", "second"):
        cloud.post("/v1/{project_id}/workspaces", {"name": name})
    return f"/?{urlencode(asked)}", cloud.get("/v1/{project_id}/workspaces", params=asked).json


def test_an_element_of_a_list_that_lacks_a_member_is_refused(cloud):
    asked, answer = listed(cloud)
    hold_answer(LIST, asked, 200, answer)
    del answer["workspaces"][-1]["status_info"]
    with pytest.raises(AnswerChanged, match=r"lost status_info of workspaces\[\]"):
        hold_answer(LIST, asked, 200, answer)


@pytest.mark.parametrize("asked", [{}, {"limit": "2"}, {"offset": "2", "limit": "1"}])
def test_a_page_that_is_not_as_full_as_it_could_be_is_refused(cloud, asked):
    asked, answer = listed(cloud, **asked)
    hold_answer(LIST, asked, 200, answer)
    rows = answer["workspaces"]
    for wrong in (rows[:-1], [*rows, rows[0]]):
        with pytest.raises(AnswerChanged, match=f"answers {len(wrong)} rows"):
            hold_answer(LIST, asked, 200, {**answer, "workspaces": wrong})


def test_a_refusal_that_never_was_is_refused():
    hold_answer(LIST, "/", 401, {"error_code": "APIG.0301"})
    for status, code in ((401, "APIG.0101"), (409, "APIG.0301")):
        with pytest.raises(AnswerChanged, match=f"never refused with {status} {code}"):
            hold_answer(LIST, "/", status, {"error_code": code})


def test_a_status_of_success_that_is_not_documented_is_refused():
    with pytest.raises(AnswerChanged, match="answers 202, which is not documented"):
        hold_answer(LIST, "/", 202, {"workspaces": []})
