"""Time travel: a world goes back to a moment or a request, another one begins there, and both go on from it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelarts_emulator import travel
from modelarts_emulator.testing.cloud import mock_modelarts
from modelarts_emulator.worlds.past import OF_A_CHANGE
from modelarts_emulator.worlds.world import META

from tests.conftest import CONFIG, CONFIGS, JOB

JOBS = "/v2/{project_id}/training-jobs"
REWIND, BRANCH = "/_emulator/rewind", "/_emulator/branch"
NAMES = st.sampled_from(["a", "b", "c"])


def add(cloud, name: str):
    """Store a configuration; the answer."""
    return cloud.post(CONFIGS, {"config_name": name, **CONFIG}).raise_for_status()


def configs(cloud) -> list[str]:
    """The names of the stored configurations, in the order of the list."""
    return [each["config_name"] for each in cloud.get(CONFIGS).json["configs"]]


def phase_of(cloud, id: str) -> str:
    """The phase of a training job."""
    return cloud.get(f"{JOBS}/{id}").json["status"]["phase"]


def state_of(cloud) -> tuple:
    """All that a world is: records in their order, objects with all versions, settings of buckets, time and chance."""
    world = cloud.world
    records = {
        (name, id): blob
        for name in sorted(world.store.names())
        for id, blob in world.store.table(name)._blobs.items()
        if name != META
    }
    orders = {name: list(world.store.table(name).ids()) for name in sorted(world.store.names())}
    storage = world.obs._world.storage
    objects = {
        bucket.name: (
            bucket.stored,
            bucket.versioning_status,
            sorted(bucket.documents.items()),
            [
                (
                    name,
                    [
                        (each.version_id, "" if each.is_marker else each.read())
                        for each in bucket.versions(name)
                    ],
                )
                for name in bucket.names
            ],
            {id: sorted(upload.parts) for id, upload in bucket.multiparts.items()},
        )
        for bucket in storage.buckets.values()
    }
    return records, orders, objects, storage.number, world.clock.now(), world._chance, world._drawn


def test_a_world_goes_back_to_before_a_request_and_goes_on_the_same(cloud):
    cloud.clock.freeze()
    add(cloud, "first")
    job = cloud.post(JOBS, JOB)
    cloud.clock.advance("2h")
    add(cloud, "second")
    cloud.rewind(before=job)
    assert configs(cloud) == ["first"]
    again = cloud.post(JOBS, JOB)
    assert again.json == job.json
    assert phase_of(cloud, again.json["metadata"]["id"]) not in ("Completed", "Failed")


def test_a_world_goes_back_to_after_a_request_by_its_number(cloud):
    add(cloud, "first")
    add(cloud, "second")
    number = cloud.journal.exchanges("CreateTrainingJobConfig")[0]["number"]
    assert cloud.post(REWIND, {"after": number}).status == 200
    assert configs(cloud) == ["first"]


def test_time_and_what_was_due_go_back_to_a_moment(cloud):
    cloud.clock.freeze()
    id = cloud.post(JOBS, JOB).json["metadata"]["id"]
    cloud.clock.until(lambda: phase_of(cloud, id) == "Running")
    moment = cloud.clock.now()
    cloud.clock.advance("2h")
    assert phase_of(cloud, id) == "Completed"
    cloud.rewind(to=moment)
    assert (cloud.clock.now(), phase_of(cloud, id)) == (moment, "Running")
    cloud.rewind(by=1e-3)
    cloud.clock.advance("2h")
    assert phase_of(cloud, id) == "Completed"


def test_a_clock_that_ran_runs_on_from_there(cloud):
    cloud.clock.run(60)
    before = add(cloud, "first")
    cloud.clock.freeze()
    cloud.rewind(before=before)
    shown = cloud.get("/_emulator/clock").json
    assert (shown["frozen"], shown["speed"]) == (False, 60)


def test_objects_go_back_with_all_their_versions(cloud):
    obs = cloud.world.obs
    client = cloud.obs()
    client.createBucket("files")
    client.setBucketVersioning("files", "Enabled")
    client.putContent("files", "a", "one")
    client.putContent("files", "a", "two")
    cloud.clock.freeze()
    before, moment = state_of(cloud), cloud.clock.now()
    cloud.clock.advance(1)
    client.deleteObject("files", "a")
    client.setBucketVersioning("files", "Suspended")
    client.putContent("files", "b", "three")
    client.createBucket("more")
    assert obs.buckets() == ["files", "more"]
    cloud.rewind(to=moment)
    assert state_of(cloud) == before
    assert client.putContent("files", "a", "four").status == 200


def test_objects_that_were_written_in_place_and_in_parts_go_back(cloud):
    client = cloud.obs()
    client.createBucket("files")
    client.appendObject("files", "log", content={"position": 0, "content": "x" * 10, "isFile": False})
    upload = client.initiateMultipartUpload("files", "big").body.uploadId
    client.uploadPart("files", "big", 1, upload, content="part")
    cloud.clock.freeze()
    before, moment = state_of(cloud), cloud.clock.now()
    cloud.clock.advance(1)
    client.appendObject("files", "log", content={"position": 10, "content": "y" * 10, "isFile": False})
    client.uploadPart("files", "big", 1, upload, content="other")
    client.abortMultipartUpload("files", "big", upload)
    with cloud.branch(to=moment) as other:
        assert other.world.obs.read("files", "log") == b"x" * 10
    assert cloud.world.obs.read("files", "log") == b"x" * 10 + b"y" * 10
    cloud.rewind(to=moment)
    assert state_of(cloud) == before
    appended = {"position": 10, "content": "z", "isFile": False}
    assert client.appendObject("files", "log", content=appended).status == 200
    assert cloud.world.obs.read("files", "log") == b"x" * 10 + b"z"


def test_a_branch_begins_where_this_world_was_and_this_one_stays(cloud):
    cloud.clock.freeze()
    add(cloud, "first")
    cloud.world.obs.create_bucket("files")
    cloud.world.obs.write("files", "a", b"one")
    second = add(cloud, "second")
    cloud.world.obs.write("files", "a", b"two")
    now = state_of(cloud)
    with cloud.branch(before=second) as other:
        assert configs(other) == ["first"]
        assert other.access_key != cloud.access_key
        add(other, "elsewhere")
    assert state_of(cloud) == now
    assert configs(cloud) == ["second", "first"]


def test_the_order_of_a_list_comes_back_with_what_was_deleted(cloud):
    for name in ("a", "b", "c"):
        add(cloud, name)
    orders = state_of(cloud)[1]
    deleted = cloud.delete(f"{CONFIGS}/b")
    add(cloud, "b")
    assert state_of(cloud)[1] != orders
    cloud.rewind(before=deleted)
    assert state_of(cloud)[1] == orders


def test_how_far_a_world_goes_back_is_shown(cloud):
    start = cloud.get(REWIND).json
    add(cloud, "first")
    shown = cloud.get(REWIND).json
    assert shown["changes"] > start["changes"]
    assert shown["most_bytes"] == 8 << 20
    assert shown["because"].startswith("when this emulator started")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "give exactly one of to"),
        ({"to": 5, "by": "1h"}, "give exactly one of to"),
        ({"to": "yesterday"}, "'yesterday' is no moment"),
        ({"to": "1999-01-01"}, "too long ago: this world goes back to"),
        ({"to": "0001-01-01T00:00:00+14:00"}, "-62135647200 seconds since 1970 is too long ago"),
        ({"to": "9999-12-31T23:59:59-12:00"}, "seconds since 1970 is to come"),
        ({"by": "52w"}, "too long ago: this world goes back to"),
        ({"to": "2999-01-01T00:00:00Z"}, "is to come"),
        ({"before": 99999}, "the journal of this world has no request 99999"),
        ({"after": "nothing"}, "the journal of this world has no request nothing"),
    ],
)
@pytest.mark.parametrize("path", [REWIND, BRANCH])
def test_where_no_world_can_go_is_refused_in_words(cloud, path, body, words):
    reply = cloud.post(path, body)
    assert (reply.status, words in reply.json["error_msg"]) == (400, True), reply


def test_what_was_taken_back_cannot_be_gone_to(cloud):
    first, second = add(cloud, "first"), add(cloud, "second")
    cloud.rewind(before=first)
    with pytest.raises(ValueError, match="was taken back itself"):
        cloud.rewind(after=second)


def test_nothing_goes_back_beyond_a_reset_or_a_snapshot_put_back(cloud):
    first = add(cloud, "first")
    cloud.snapshots.save("travel")
    cloud.snapshots.load("travel")
    with pytest.raises(ValueError, match="when a snapshot was put back"):
        cloud.rewind(before=first)
    second = add(cloud, "second")
    cloud.post("/_emulator/reset", {"world": cloud.world.tag, "area": "training-v1"}).raise_for_status()
    with pytest.raises(ValueError, match="when it was reset"):
        cloud.rewind(before=second)
    cloud.delete("/_emulator/snapshots/travel")


def test_the_past_takes_no_more_room_than_it_is_given():
    with mock_modelarts(history=1) as cloud:
        first = add(cloud, "first")
        past = cloud.world.past
        for _ in range((1 << 20) // OF_A_CHANGE):
            past.note([], None)
        assert past.size <= 1 << 20
        with pytest.raises(ValueError, match=r"since which the changes fit into --history \(1 MiB\)"):
            cloud.rewind(before=first)


def test_without_a_past_it_is_said_how_to_have_one():
    with mock_modelarts(history=0) as cloud:
        first = add(cloud, "first")
        with pytest.raises(ValueError, match="start the emulator with --history 8"):
            cloud.rewind(before=first)
        assert len(cloud.world.past) == 0


def test_a_rewind_outlasts_a_restart(tmp_path):
    from modelarts_emulator.running import Emulator
    from modelarts_emulator.testing.cloud import Cloud

    options = {"port": 0, "obs_port": 0, "state": str(tmp_path), "log_level": "silent"}
    with Emulator(**options) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.clock.freeze()
        add(cloud, "first")
        cloud.world.obs.create_bucket("files")
        cloud.world.obs.write("files", "a", b"one")
        moment = cloud.clock.now()
        cloud.clock.advance("1h")
        add(cloud, "second")
        cloud.world.obs.write("files", "a", b"two")
        cloud.rewind(to=moment)
        cloud.world.obs.write("files", "b", b"three")
    with Emulator(**options) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        assert (configs(cloud), cloud.clock.now()) == (["first"], moment)
        assert [cloud.world.obs.read("files", key) for key in ("a", "b")] == [b"one", b"three"]


def test_objects_go_back_to_after_a_reset_and_a_restart_reads_them(tmp_path):
    from modelarts_emulator.running import Emulator
    from modelarts_emulator.testing.cloud import Cloud

    options = {"port": 0, "obs_port": 0, "state": str(tmp_path), "log_level": "silent"}
    with Emulator(**options) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.world.obs.create_bucket("files")
        cloud.world.obs.write("files", "a", b"x" * 5000)
        cloud.post("/_emulator/reset", {}).raise_for_status()
        cloud.clock.freeze()
        moment = cloud.clock.now()
        cloud.clock.advance(1)
        cloud.world.obs.create_bucket("second")
        cloud.rewind(to=moment)
        cloud.world.obs.create_bucket("third")
    with Emulator(**options) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        assert cloud.world.obs.buckets() == ["third"]


def test_objects_whose_days_were_over_later_are_there_in_a_branch_and_after_a_rewind(cloud):
    from obs import PutObjectHeader

    client = cloud.obs()
    client.createBucket("files")
    client.putContent("files", "a", "one", headers=PutObjectHeader(expires=1))
    cloud.clock.freeze()
    moment = cloud.clock.now()
    cloud.clock.advance("3d")
    with cloud.branch(to=moment) as other:
        assert other.world.obs.keys("files") == ["a"]
    assert cloud.world.obs.keys("files") == []
    cloud.rewind(to=moment)
    assert cloud.world.obs.keys("files") == ["a"]


def test_what_a_run_writes_while_it_is_ended_goes_back_too(cloud):
    class Run:
        def close(self):
            cloud.world.obs.write("files", "late", b"x")

    cloud.world.obs.create_bucket("files")
    cloud.clock.freeze()
    moment = cloud.clock.now()
    cloud.clock.advance("1h")
    cloud.world.volatile["modelarts/training/test"] = Run()
    cloud.rewind(to=moment)
    assert cloud.world.obs.keys("files") == []


def test_a_record_that_comes_back_is_due_once(cloud):
    cloud.clock.freeze()
    job = cloud.post(JOBS, JOB)
    for _ in range(3):
        cloud.rewind(after=add(cloud, "first"))
        add(cloud, "second")
        cloud.put(f"{JOBS}/{job.json['metadata']['id']}", {"description": "new"}).raise_for_status()
        cloud.rewind(after=job)
    heap = cloud.world.due._heap
    assert len(heap) == len(set(heap)) == 1


def test_a_job_that_runs_its_script_is_waited_for_once_after_going_back(cloud):
    from tests.behaviours.modelarts.training.conftest import job_with

    cloud.clock.freeze()
    job_with(cloud, "import time\ntime.sleep(600)")
    far = {"by": "10m", "wait": 0.01}
    for _ in range(2):
        waiting = cloud.post("/_emulator/clock/advance", far).json["waiting_for"]
        assert len(waiting) == 1
        cloud.rewind(by="5m")
        cloud.rewind(by="5m")


def test_a_user_that_was_made_before_stays_and_one_made_after_goes(cloud):
    first = add(cloud, "first")
    assert cloud.post("/_emulator/users", {"name": "earlier"}).status == 201
    assert cloud.post(CONFIGS, {"config_name": "first", **CONFIG}).status == 400
    second = add(cloud, "second")
    assert cloud.post("/_emulator/users", {"name": "later"}).status == 201
    cloud.rewind(before=second)
    assert cloud.post("/_emulator/users", {"name": "earlier"}).status == 409
    assert cloud.post("/_emulator/users", {"name": "later"}).status == 201
    cloud.rewind(after=first)
    assert cloud.post("/_emulator/users", {"name": "earlier"}).status == 201


def test_going_back_to_one_place_again_and_again_notes_that_once(cloud):
    first = add(cloud, "first")
    for _ in range(5):
        second = add(cloud, "second")
        cloud.rewind(after=first)
    assert len(cloud.world.past._undone) == 1
    with pytest.raises(ValueError, match="was taken back itself"):
        cloud.rewind(after=second)


def test_a_change_notes_one_version_of_an_object_however_many_there_are(cloud):
    client = cloud.obs()
    client.createBucket("files")
    client.setBucketVersioning("files", "Enabled")
    for _ in range(20):
        cloud.world.obs.write("files", "a", b"x")
    change = cloud.world.past.after(cloud.world.past.first)[0]
    assert len(change.other._steps) == 3


def test_parts_and_what_was_appended_to_take_room_of_the_past():
    with mock_modelarts(history=1) as cloud:
        client = cloud.obs()
        client.createBucket("files")
        upload = client.initiateMultipartUpload("files", "big").body.uploadId
        for _ in range(3):
            client.uploadPart("files", "big", 1, upload, content="x" * (600 << 10))
        assert len(cloud.world.past) == 1
        client.appendObject(
            "files", "log", content={"position": 0, "content": "x" * (600 << 10), "isFile": False}
        )
        for more in range(3):
            content = {"position": (600 << 10) + more, "content": "y", "isFile": False}
            assert client.appendObject("files", "log", content=content).status == 200
        assert len(cloud.world.past) == 1
        assert cloud.world.past.size <= 1 << 20


STEPS = st.one_of(
    st.tuples(st.just("create"), NAMES),
    st.tuples(st.just("update"), NAMES),
    st.tuples(st.just("delete"), NAMES),
    st.tuples(st.just("job"), st.just("")),
    st.tuples(st.just("write"), NAMES),
    st.tuples(st.just("remove"), NAMES),
    st.tuples(st.just("advance"), st.sampled_from(["30s", "20m"])),
)


def do(cloud, what: str, name: str) -> None:
    """One step of a random story; whatever the cloud says to it."""
    if what == "create":
        cloud.post(CONFIGS, {"config_name": name, **CONFIG})
    elif what == "update":
        cloud.put(f"{CONFIGS}/{name}", {"config_desc": str(cloud.clock.now()), **CONFIG})
    elif what == "delete":
        cloud.delete(f"{CONFIGS}/{name}")
    elif what == "job":
        cloud.post(JOBS, JOB)
    elif what == "write":
        cloud.world.obs.write("files", name, str(cloud.world.store.changes).encode())
    elif what == "remove":
        cloud.world.obs.delete("files", name)
    else:
        cloud.clock.advance(name)


@settings(max_examples=15)
@given(st.lists(STEPS, min_size=1, max_size=12), st.data())
def test_wherever_a_world_goes_back_to_it_is_what_it_was_and_goes_on_as_it_did(steps, data):
    with mock_modelarts() as cloud:
        cloud.clock.freeze()
        cloud.world.obs.create_bucket("files")
        assert cloud.token
        states = []
        for step in steps:
            states.append((cloud.world.past.position, state_of(cloud)))
            do(cloud, *step)
        end = state_of(cloud)
        at = data.draw(st.integers(0, len(steps) - 1))
        for here in range(len(steps) - 1, at - 1, -1):
            position, state = states[here]
            point = travel.Point(position, state[4])
            travel.rewind(cloud.emulator.application, cloud.world, point)
            assert state_of(cloud) == state
        for step in steps[at:]:
            do(cloud, *step)
        assert state_of(cloud) == end


def test_a_thousand_records_go_back_in_less_than_a_tenth_of_a_second(cloud):
    from time import perf_counter

    cloud.clock.freeze()
    first = add(cloud, "first")
    point = travel.point_of(travel.request_named(cloud.world, first.headers["x-request-id"]), True)
    for number in range(1000):
        with cloud.world.transaction() as world:
            world.store.table("modelarts/training/job/p").put(
                str(number), {"name": number, "text": "x" * 3000}
            )
    start = perf_counter()
    assert travel.rewind(cloud.emulator.application, cloud.world, point) == 1000
    assert perf_counter() - start < 0.1
    assert configs(cloud) == ["first"]
