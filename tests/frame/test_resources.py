"""What Resource does once for all kinds."""

import pytest
from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.frame import registry
from modelarts_emulator.frame.calls import Call
from modelarts_emulator.frame.events import EventLog
from modelarts_emulator.frame.lifecycle import GONE, Lifecycle, rests
from modelarts_emulator.frame.registry import REGISTERED, RESOURCES, behaviour
from modelarts_emulator.frame.resources import BelongsTo, Resource

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


def test_an_id_may_be_a_number_in_records_and_paths(boxes):
    call = call_for("p", id=1)
    boxes.add(call, {"id": 1})
    assert boxes.show(call)["id"] == 1 and "1" in boxes.table(call)


def test_an_operation_may_refuse_an_unknown_id_with_a_code_of_its_own(boxes):
    call = call_for("p", id="1")
    call.operation.parameter_error = call.operation.parameter_error._replace(
        fields={"path.id": "ModelArts.0105"}
    )
    with pytest.raises(ApiError) as refused:
        boxes.find(call)
    assert refused.value.code == "ModelArts.0105"


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


@pytest.fixture
def locks(boxes, monkeypatch):
    """A kind whose records belong to boxes, and die of their own lifecycle."""
    monkeypatch.setitem(RESOURCES, "test/boxes/lock", None)
    return Resource(
        "test/boxes/lock",
        path_names=("lock_id",),
        not_found="ModelArts.3935",
        belongs_to=BelongsTo(boxes, "box_id"),
        lifecycle=Lifecycle("SHUT", SHUT=rests()),
    )


def box_with_a_lock(boxes, locks, id: str, call: Call) -> None:
    """A box, and a lock `on <id>`."""
    boxes.add(call, {"id": id})
    locks.add(call, {"id": f"on {id}", "box_id": id})


def test_what_belongs_to_a_record_goes_with_it_and_its_lifecycle_hears_of_it(boxes, locks):
    call, gone = call_for("p", box_id="1"), []
    locks.lifecycle.entering(GONE)(lambda bound, record: gone.append(record["id"]))
    for id in ("1", "2"):
        box_with_a_lock(boxes, locks, id, call)
    boxes.delete(call)
    assert gone == ["on 1"] and list(locks.table(call).ids()) == ["on 2"]


def test_what_belongs_to_a_record_is_found_below_that_one_only(boxes, locks):
    call = call_for("p", box_id="2", lock_id="on 1")
    for id in ("1", "2"):
        box_with_a_lock(boxes, locks, id, call)
    with pytest.raises(ApiError, match="lock on 1 does not exist in box 2") as refused:
        locks.find(call)
    assert refused.value.code == "ModelArts.3935"
    call.path["box_id"] = "1"
    assert locks.find(call)["box_id"] == "1"


def test_what_belongs_to_a_record_that_does_not_exist_is_refused_in_the_words_of_that_one(boxes, locks):
    with pytest.raises(ApiError, match="box 3 does not exist") as refused:
        locks.find(call_for("p", box_id="3", lock_id="on 1"))
    assert refused.value.code == "ModelArts.0210"


def test_an_area_that_keeps_records_is_imported_before_what_it_belongs_to_goes(boxes, monkeypatch):
    imported = []
    monkeypatch.setattr(registry, "import_area", imported.append)
    call = call_for("p", box_id="1")
    boxes.add(call, {"id": "1"})
    call.world.store.table("test/lids/lid/p").put("1", {"box_id": "1"})
    boxes.delete(call)
    assert "test/lids" in imported


def test_a_hook_refuses_that_a_record_is_deleted(boxes):
    @boxes.deleting
    def refuse(call, record):
        raise ApiError("ModelArts.0104", "it is nailed down")

    call = call_for("p", box_id="1")
    boxes.add(call, {"id": "1"})
    with pytest.raises(ApiError, match="nailed down"):
        boxes.delete(call)
    assert boxes.find(call)["id"] == "1"


def test_events_go_with_their_record_and_the_oldest_ones_before(boxes):
    events, call = EventLog("test/boxes/event", of=boxes, most=2), call_for("p", box_id="1")
    boxes.add(call, {"id": "1"})
    bound = boxes.of(call)
    for number in range(3):
        events.note(bound, "1", {"number": number})
    assert [event["number"] for event in events.of(bound, "1")] == [1, 2]
    boxes.delete(call)
    assert events.of(bound, "1") == []
