"""What Resource does once for all kinds."""

import pytest
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.calls import Call, Caller
from modelarts_emulator.frame.lifecycle import Lifecycle, rests
from modelarts_emulator.frame.registry import REGISTERED, RESOURCES, behaviour
from modelarts_emulator.frame.resources import Resource
from modelarts_emulator.worlds.world import World, tag_of_number

from tests.frame.conftest import Documented


@pytest.fixture
def boxes(monkeypatch):
    """A resource without a lifecycle whose records have a secret."""
    monkeypatch.setitem(RESOURCES, "test/boxes/box", None)
    return Resource(
        "test/boxes/box",
        path_names=("box_id", "id"),
        not_found="ModelArts.0210",
        present=lambda bound, record: {**record, "seen_by": bound.world.tag},
    )


def call_for(project_id: str, **path) -> Call:
    """A call of a fresh world into that project."""
    world = World(tag_of_number(3), seed=1, pace=60)
    caller = Caller("d", "d", "own", "own", "u", "u")
    return Call(Documented(), {"project_id": project_id, **path}, {}, {}, None, caller, world, None)


def test_members_that_start_with_an_underscore_never_show(boxes):
    call = call_for("p", box_id="1")
    boxes.add(call, {"id": "1", "_secret": "x"})
    assert boxes.show(call) == {"id": "1", "seen_by": call.world.tag}
    assert boxes.find(call)["_secret"] == "x"


def test_a_record_of_one_project_is_not_found_in_another(boxes):
    call = call_for("p", id="1")
    boxes.add(call, {"id": "1"})
    call.path["project_id"] = "other"
    with pytest.raises(ApiError, match="box 1 does not exist in project other") as refused:
        boxes.find(call)
    assert refused.value.code == "ModelArts.0210"


def test_a_deleted_record_is_not_found_again(boxes):
    call = call_for("p", id="1")
    boxes.add(call, {"id": "1"})
    assert boxes.delete(call) == {"id": "1", "seen_by": call.world.tag}
    with pytest.raises(ApiError):
        boxes.show(call)


def test_an_id_inside_a_record_is_put_there_and_the_body_stays_as_it_was_sent(monkeypatch):
    monkeypatch.setitem(RESOURCES, "test/crates/crate", None)
    crates = Resource(
        "test/crates/crate", id_field="metadata.id", not_found="ModelArts.0210", writes=("metadata",)
    )
    call = call_for("p")
    call.body = {"metadata": {"name": "a"}, "more": 1}
    made = crates.create(call)
    assert made["metadata"].pop("id") in crates.table(call)
    assert made == {"metadata": {"name": "a"}} and call.body == {"metadata": {"name": "a"}, "more": 1}


def test_an_operation_cannot_have_two_behaviours(monkeypatch):
    monkeypatch.setitem(REGISTERED, "TestOperation", None)
    with pytest.raises(ValueError, match="TestOperation has two behaviours"):
        behaviour("TestOperation")(lambda call: None)


def test_a_resource_serves_only_actions_that_its_lifecycle_knows(monkeypatch):
    monkeypatch.setitem(RESOURCES, "test/doors/door", None)
    doors = Resource("test/doors/door", not_found="ModelArts.0210", lifecycle=Lifecycle("OPEN", OPEN=rests()))
    with pytest.raises(ValueError, match="door knows no action close"):
        doors.serves(close="TestCloseDoor")
