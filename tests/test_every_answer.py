"""What every answer of an operation has always held, it goes on to hold: see tests/answers.py."""

import pytest
from modelarts_emulator.contract.checking import Check, branches_of
from modelarts_emulator.contract.errors import ContractBroken
from modelarts_emulator.contract.operations import Operations

from tests.answers import hold, known, objects_in

OPERATIONS = Operations()


def documents_members(operation) -> bool:
    """Whether an answer of success is documented as an object or a list of them."""
    statuses = [int(status) for status in operation.definition["responses"] if status < "3"]
    schemas = [schema for schema in map(operation.answer_schema, statuses) if schema is not None]
    branches = branches_of(operation.area_of, schemas)
    items = [schema["items"] for schema in branches if "items" in schema]
    return any("properties" in schema for schema in (*branches, *branches_of(operation.area_of, items)))


def test_the_members_of_every_documented_answer_are_known():
    meant = {operation.operation_id for operation in OPERATIONS if documents_members(operation)}
    answered = {name.split()[0] for name in known()}
    assert meant <= answered, "make answers"
    assert answered <= set(OPERATIONS.by_id)


def test_an_answer_that_lacks_a_member_is_refused():
    for name, places in known().items():
        for member in places.get("", ()):
            left = dict.fromkeys(other for other in places[""] if other != member)
            with pytest.raises(ContractBroken, match=f"lost {member},"):
                hold(name, left)


def test_an_element_of_a_list_that_lacks_a_member_is_refused(cloud):
    made = cloud.post("/v1/{project_id}/workspaces", {"name": "first"})
    assert made.status == 200
    listed = cloud.get("/v1/{project_id}/workspaces").json
    assert {place for place, _ in objects_in(listed)} >= {"", "workspaces[]"}
    check = Check(OPERATIONS.by_id["ListWorkspace"])
    check.check_answer(200, listed)
    del listed["workspaces"][-1]["status_info"]
    with pytest.raises(ContractBroken, match=r"lost status_info of workspaces\[\]"):
        check.check_answer(200, listed)
