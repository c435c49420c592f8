"""What Resource does once for all kinds."""

import pytest
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame.lifecycle import Lifecycle, rests
from modelarts_emulator.frame.registry import REGISTERED, RESOURCES, behaviour
from modelarts_emulator.frame.resources import Resource

from tests.frame.conftest import Documented, call_for


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


def test_an_id_that_lies_deeper_in_a_record_is_put_where_it_is_looked_for(monkeypatch):
    monkeypatch.setitem(RESOURCES, "test/crates/crate", None)
    crates = Resource(
        "test/crates/crate", id_field="metadata.id", not_found="ModelArts.0210", writes=("metadata",)
    )
    call = call_for("p", body={"metadata": {"name": "a"}})
    made = crates.create(call)
    assert made["metadata"] == {"name": "a", "id": made["metadata"]["id"]}
    assert crates.find(call, made["metadata"]["id"]) == made


def test_a_member_that_only_create_documents_is_not_changed_by_an_update(monkeypatch):
    monkeypatch.setitem(RESOURCES, "test/jars/jar", None)
    jars = Resource("test/jars/jar", not_found="ModelArts.0210", writes=("name", "size"))
    call = call_for("p", id="1", body={"name": "new", "size": 9})
    jars.add(call, {"id": "1", "name": "old", "size": 1})
    call.operation = Documented(body={"properties": {"name": {}}})
    assert jars.update(call) == {"id": "1", "name": "new", "size": 1}


def test_a_project_has_its_seeds_from_the_beginning_and_again_after_a_reset(monkeypatch):
    monkeypatch.setitem(RESOURCES, "test/rooms/room", None)
    rooms = Resource("test/rooms/room", not_found="ModelArts.0210", seeds=lambda bound: [{"id": "0"}])
    call = call_for("p", id="0")
    assert rooms.show(call) == {"id": "0"}
    rooms.add(call, {"id": "1"})
    call.world.reset("test/rooms")
    assert list(rooms.of(call).table.ids()) == ["0"]


def test_who_may_find_a_record_is_asked_once_for_every_operation(boxes):
    asked = []
    boxes.finding(lambda call, record: asked.append(record["id"]))
    call = call_for("p", body={}, id="1")
    boxes.add(call, {"id": "1"})
    for operation in (boxes.show, boxes.update, boxes.delete):
        operation(call)
    assert asked == ["1", "1", "1"]
