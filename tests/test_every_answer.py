"""What every answer of an operation has always held, it goes on to hold: see tests/answers.py."""

from urllib.parse import urlencode

import pytest
from modelarts_emulator.contract.checking import branches_of
from modelarts_emulator.contract.operations import Operations

from tests.agreements import AnswerChanged, Told
from tests.agreements import hold as hold_agreements
from tests.answers import REFUSED, hold_answer, hold_members, known
from tests.unread import known as unread
from tests.unread import options_of

OPERATIONS = Operations()
LIST, SHOW = OPERATIONS.by_id["ListWorkspace"], OPERATIONS.by_id["ShowWorkspace"]


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
    hold_answer(Told(LIST, asked, 200, answer))
    del answer["workspaces"][-1]["status_info"]
    with pytest.raises(AnswerChanged, match=r"lost status_info of workspaces\[\]"):
        hold_answer(Told(LIST, asked, 200, answer))


@pytest.mark.parametrize("asked", [{}, {"limit": "2"}, {"offset": "2", "limit": "1"}])
def test_a_page_that_is_not_as_full_as_it_could_be_is_refused(cloud, asked):
    asked, answer = listed(cloud, **asked)
    hold_answer(Told(LIST, asked, 200, answer))
    rows = answer["workspaces"]
    for wrong in (rows[:-1], [*rows, rows[0]]):
        with pytest.raises(AnswerChanged, match=f"answers {len(wrong)} rows"):
            hold_answer(Told(LIST, asked, 200, {**answer, "workspaces": wrong}))


def test_a_refusal_that_never_was_is_refused():
    hold_answer(Told(LIST, "/", 401, {"error_code": "APIG.0301"}))
    for status, code in ((401, "APIG.0101"), (409, "APIG.0301")):
        with pytest.raises(AnswerChanged, match=f"never refused with {status} {code}"):
            hold_answer(Told(LIST, "/", status, {"error_code": code}))


def test_a_status_of_success_that_is_not_documented_is_refused():
    with pytest.raises(AnswerChanged, match="answers 202, which is not documented"):
        hold_answer(Told(LIST, "/", 202, {"workspaces": []}))
    # This one documents 201 as well.
    with pytest.raises(AnswerChanged, match="RegisterImage has never answered 201"):
        hold_answer(Told(OPERATIONS.by_id["RegisterImage"], "/", 201, {}))


def test_an_answer_that_does_not_repeat_what_was_sent_is_refused():
    operation, sent = OPERATIONS.by_id["ChangeTrainingExperiment"], {"name": "first", "description": "x"}
    hold_agreements(Told(operation, "/", 200, sent, sent))
    for wrong in ({"name": "first"}, {**sent, "description": "y"}):
        with pytest.raises(AnswerChanged, match="asked: another description"):
            hold_agreements(Told(operation, "/", 200, wrong, sent))


def test_operations_that_disagree_about_a_thing_are_refused(cloud):
    made = cloud.post("/v1/{project_id}/workspaces", {"name": "first"}).json
    path = f"/v1/{cloud.project_id}/workspaces/{made['id']}"
    shown, world = cloud.get(path).json, cloud.world
    now = {
        "world": world,
        "before": world.past.position,
        "after": world.past.position,
        "moment": world.clock.now(),
    }
    hold_agreements(Told(SHOW, path, 200, shown, **now))
    other = {**shown, "owner": "nobody"}
    with pytest.raises(AnswerChanged, match="ShowWorkspace after CreateWorkspace: another owner"):
        hold_agreements(Told(SHOW, path, 200, other, **now))
    # Whatever has happened in between may have changed it.
    later = {**now, "before": now["before"] + 1, "after": now["after"] + 1}
    hold_agreements(Told(SHOW, path, 200, other, **later))


def test_a_list_with_fewer_elements_than_ever_is_refused():
    operation = OPERATIONS.by_id["BatchLockPoolNodes"]
    hold_agreements(Told(operation, "/", 200, {"nodes": [{}]}))
    with pytest.raises(AnswerChanged, match="0 elements of nodes, never fewer than 1 before"):
        hold_agreements(Told(operation, "/", 200, {"nodes": []}))


def test_what_nothing_reads_of_a_request_has_its_reason():
    options = {
        f"{operation.operation_id} {place}": names
        for operation in OPERATIONS
        for place, names in options_of(operation).items()
    }
    for name, reasons in unread().items():
        assert reasons.keys() <= options[name], f"{name}: `make answers`?"
        assert all(reasons.values()), f"{name}: act upon {', '.join(reasons)}, or say why not in unread.json"
