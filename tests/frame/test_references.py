"""Which records name another one, and how they go with it."""

import pytest
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests, soon
from modelarts_emulator.frame.references import users_of
from modelarts_emulator.frame.registry import RESOURCES
from modelarts_emulator.frame.resources import Resource

from tests.frame.conftest import call_for


@pytest.fixture
def kind(monkeypatch):
    """A function that makes a resource of that name."""

    def made(name: str, **options) -> Resource:
        monkeypatch.setitem(RESOURCES, name, None)
        return Resource(name, not_found="ModelArts.0210", **options)

    return made


def users(bound, id: str) -> list[tuple[str, str]]:
    """(kind, id) of those that name the record."""
    return [(where.resource.kind, each) for where, each in users_of(bound, id)]


def test_records_are_found_that_lie_in_a_workspace_wherever_they_say_so(kind):
    call, workspaces = call_for("p"), kind("test/spaces/workspace")
    workspaces.of(call).add({"id": "w"})
    for name, record in (
        ("chair", {"id": "a", "workspace_id": "w"}),
        ("desk", {"id": "b", "metadata": {"workspace_id": "w"}}),
        ("lamp", {"id": "c", "metadata": {"labels": {"os.modelarts/workspace.id": "w"}}}),
        ("shelf", {"id": "d", "workspace_id": "0"}),
    ):
        kind(f"test/things/{name}").of(call).add(record)
    call.records("test/things/event").put("1", {"workspace_id": "w"})
    assert users(workspaces.of(call), "w") == [("chair", "a"), ("desk", "b"), ("lamp", "c")]


def test_records_are_found_by_the_member_that_their_resource_registers(kind):
    call, wires = call_for("p"), kind("test/wires/wire")
    kind("test/plugs/plug", refers={"wire": "spec.wire"}).of(call).add({"id": "1", "spec": {"wire": "x"}})
    kind("test/knots/knot").of(call).add({"id": "1", "wire": "x", "spec": {"wire": "x"}})
    assert users(wires.of(call), "x") == [("plug", "1")]
    assert users(wires.at(call.world, "other"), "x") == []


def test_a_record_is_removed_as_its_lifecycle_says(kind):
    states = {
        "OPEN": rests(delete="CLOSING"),
        "CLOSING": soon(GONE, after=60),
        "LOCKED": rests(),
    }
    doors = kind("test/doors/door", lifecycle=Lifecycle("OPEN", illegal="ModelArts.0104", **states))
    bound = doors.of(call_for("p"))
    closing = bound.remove(bound.add({"id": "1"}))
    assert (closing["status"], bound.remove(closing)["status"]) == ("CLOSING", "CLOSING")
    locked = bound.enter({"id": "2"}, "LOCKED")
    with pytest.raises(ApiError, match="2 is LOCKED; delete needs OPEN"):
        bound.remove(locked)


def test_a_record_without_a_deletion_of_its_own_is_gone_at_once(kind):
    bound = kind("test/cups/cup").of(call_for("p"))
    assert (bound.remove(bound.add({"id": "1"})), bound.get("1")) == (None, None)


def test_a_record_whose_hook_refuses_its_deletion_is_not_got_rid_of(kind):
    cups = kind("test/cups/cup")
    asked = []

    @cups.deleting
    def refuse_full(call, cup):
        asked.append((call.project_id, call.caller.user_id == call.world.account.user_id))
        if cup["is_full"]:
            raise ApiError("ModelArts.0104", "the cup is full")

    bound = cups.at(call_for("p").world, "p")
    full, empty = bound.add({"id": "1", "is_full": True}), bound.add({"id": "2", "is_full": False})
    with pytest.raises(ApiError, match="the cup is full"):
        bound.remove(full)
    assert (bound.remove(empty), bound.get("1") == full, asked) == (None, True, [("p", True)] * 2)
