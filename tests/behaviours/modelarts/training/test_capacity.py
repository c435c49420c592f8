"""Room for training jobs: who waits, in which order, and until when."""

import pytest
from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.cloud import Cloud

from tests.behaviours.modelarts.training.conftest import (
    FREE,
    JOBS,
    LONG,
    NODE,
    ROOM,
    changed,
    cloud_seconds,
    create,
    in_pool,
    messages,
    phase,
    pool_of,
    show,
)

CARD = "modelarts.pool.visual.xlarge"
AVAILABLE = "/v2/{project_id}/training-pool-flavors"


def jobs_on(cloud, flavor_id: str, count: int, **changes) -> list[str]:
    """New jobs of one node each."""
    resource = {"flavor_id": flavor_id, "node_count": 1}
    return [
        create(
            cloud, **{"metadata__name": f"job-{cloud.world.new_hex(8)}", "spec__resource": resource} | changes
        )
        for _ in range(count)
    ]


def phases(cloud, ids: list[str]) -> list[str]:
    """The phases of the jobs."""
    return [phase(cloud, id) for id in ids]


def terminate(cloud, id: str) -> None:
    """Stop the job and let its tasks end."""
    assert cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"}).status == 202
    cloud_seconds(cloud, 5.1)


def test_a_job_for_which_a_flavor_has_no_node_waits_as_pending(cloud):
    ids = jobs_on(cloud, FREE, ROOM + 1, algorithm__environments=LONG)
    cloud_seconds(cloud, 3600)
    assert phases(cloud, ids) == ["Running"] * ROOM + ["Pending"]
    assert show(cloud, ids[-1])["status"]["secondary_phase"] == "Queuing"


@pytest.mark.parametrize("way", ["end", "stop", "delete"])
def test_a_waiting_job_is_scheduled_as_soon_as_one_ends(cloud, way):
    environments = {"EMULATOR_DURATION": "100s" if way == "end" else "10h"}
    ids = jobs_on(cloud, FREE, ROOM, algorithm__environments=environments)
    late = jobs_on(cloud, FREE, 1, algorithm__environments=LONG)[0]
    cloud_seconds(cloud, 30)
    if way == "stop":
        terminate(cloud, ids[0])
    elif way == "delete":
        cloud.delete(f"{JOBS}/{ids[0]}")
    else:
        cloud_seconds(cloud, 91)
    assert phase(cloud, late) == "Pending"
    cloud_seconds(cloud, 15.1)
    assert phase(cloud, late) == "Running"


def test_waiting_jobs_are_served_in_the_order_they_came(cloud):
    first = jobs_on(cloud, FREE, ROOM, algorithm__environments=LONG)
    waiting = jobs_on(cloud, FREE, 3, algorithm__environments=LONG)
    cloud_seconds(cloud, 30)
    seen = []
    for id in first[:3]:
        terminate(cloud, id)
        cloud_seconds(cloud, 16)
        seen.append(phases(cloud, waiting).count("Running"))
        assert phases(cloud, waiting[: len(seen)]) == ["Running"] * len(seen)
    assert seen == [1, 2, 3]


def test_a_waiting_job_can_be_stopped_and_takes_nothing(cloud):
    ids = jobs_on(cloud, FREE, ROOM + 2, algorithm__environments=LONG)
    cloud_seconds(cloud, 30)
    terminate(cloud, ids[ROOM])
    terminate(cloud, ids[0])
    cloud_seconds(cloud, 16)
    assert phases(cloud, ids[ROOM:]) == ["Terminated", "Running"]


def test_other_flavors_have_room_of_their_own(cloud):
    jobs_on(cloud, FREE, ROOM + 1, algorithm__environments=LONG)
    other = jobs_on(cloud, "modelarts.vm.cpu.2u", 1)[0]
    cloud_seconds(cloud, 21)
    assert phase(cloud, other) == "Running"


def test_events_tell_why_a_job_waits_and_when_that_is_over(cloud):
    ids = jobs_on(cloud, FREE, ROOM + 1, algorithm__environments=LONG)
    cloud_seconds(cloud, 60)
    waiting = messages(cloud, ids[-1])
    terminate(cloud, ids[0])
    cloud_seconds(cloud, 16)
    assert any("FailedScheduling" in words and FREE in words for words in waiting)
    assert not any("Assigned to a node" in words for words in waiting)
    assert any("Assigned to a node" in words for words in messages(cloud, ids[-1]))
    assert not any("FailedScheduling" in words for words in messages(cloud, ids[0]))


def test_the_start_of_a_job_that_waited_is_when_it_ran(cloud):
    ids = jobs_on(cloud, FREE, ROOM + 1, algorithm__environments={"EMULATOR_DURATION": "100s"})
    began = cloud.clock.now()
    cloud_seconds(cloud, 1000)
    status, pace = show(cloud, ids[-1])["status"], cloud.world.pace
    assert status["start_time"] == pytest.approx((began + (5 + 15 + 100 + 15) / pace) * 1000, abs=2)
    assert status["duration"] == pytest.approx(100_000 / pace, abs=1)


def test_a_pool_counts_cards_and_its_jobs_share_nodes(cloud):
    pool_of(cloud, 1)
    ids = [in_pool(cloud, CARD) for _ in range(9)]
    cloud_seconds(cloud, 30)
    assert phases(cloud, ids) == ["Running"] * 8 + ["Pending"]


def test_in_a_pool_the_higher_priority_goes_first(cloud):
    pool_of(cloud, 1)
    running, low, high = in_pool(cloud), in_pool(cloud, priority=1), in_pool(cloud, priority=3)
    cloud_seconds(cloud, 30)
    terminate(cloud, running)
    cloud_seconds(cloud, 16)
    assert phases(cloud, [low, high]) == ["Pending", "Running"]


def test_nobody_overtakes_who_came_first_with_the_same_priority(cloud):
    pool_of(cloud, 2)
    in_pool(cloud)
    big = in_pool(cloud, node_count=2)
    small = in_pool(cloud)
    cloud_seconds(cloud, 30)
    assert phases(cloud, [big, small]) == ["Pending", "Pending"]


def test_a_job_that_asks_for_more_than_there_is_keeps_nobody_back(cloud):
    pool_of(cloud, 1)
    big, small = in_pool(cloud, node_count=2), in_pool(cloud)
    cloud_seconds(cloud, 30)
    assert phases(cloud, [big, small]) == ["Pending", "Running"]


def test_a_raised_priority_moves_a_waiting_job_forward(cloud):
    pool_of(cloud, 1)
    running, first, second = in_pool(cloud), in_pool(cloud), in_pool(cloud)
    cloud_seconds(cloud, 30)
    cloud.put(f"{JOBS}/{second}", {"spec": {"schedule_policy": {"priority": 3}}})
    terminate(cloud, running)
    cloud_seconds(cloud, 16)
    assert phases(cloud, [first, second]) == ["Pending", "Running"]


def test_priority_does_not_count_on_the_public_pool(cloud):
    ids = jobs_on(cloud, FREE, ROOM + 1, algorithm__environments=LONG)
    eager = jobs_on(cloud, FREE, 1, spec__schedule_policy={"priority": 3}, algorithm__environments=LONG)[0]
    cloud_seconds(cloud, 30)
    terminate(cloud, ids[0])
    cloud_seconds(cloud, 16)
    assert phases(cloud, [ids[-1], eager]) == ["Running", "Pending"]


@pytest.mark.parametrize(
    ("pool", "code"),
    [
        ({"spec": {"scope": ["Infer"], "resources": []}}, "2886"),
        ({"spec": {"scope": ["Train"], "resources": []}, "status": {"phase": "Creating"}}, "2887"),
    ],
)
def test_a_pool_takes_jobs_when_it_runs_and_is_for_training(cloud, pool, code):
    with cloud.world.transaction():
        cloud.world.store.table(f"modelarts/pools/pool/{cloud.project_id}").put("pool-1", pool)
    reply = cloud.post(
        JOBS, changed(spec__resource={"pool_id": "pool-1", "flavor_id": NODE, "node_count": 1})
    )
    assert (reply.status, reply.json["error_code"]) == (400, f"ModelArts.{code}")


def test_a_pool_tells_what_it_can_still_hand_out(cloud):
    pool_of(cloud, 1)
    asked = f"{AVAILABLE}?pool_id=pool-1&flavor_id={NODE}"
    before = cloud.get(asked).json
    for _ in range(6):
        in_pool(cloud, CARD)
    cloud_seconds(cloud, 30)
    assert before == {"cpu_core_num": 192, "mem_size": 768}
    assert cloud.get(asked).json == {"cpu_core_num": 48, "mem_size": 192}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [("pool_id=none&flavor_id=x", 404, "2890"), ("pool_id=pool-1&flavor_id=x", 400, "2781")],
)
def test_a_pool_or_flavor_that_is_not_there_hands_out_nothing(cloud, query, status, code):
    pool_of(cloud, 1)
    reply = cloud.get(f"{AVAILABLE}?{query}")
    assert (reply.status, reply.json["error_code"]) == (status, f"ModelArts.{code}")


def test_a_reset_of_the_area_frees_what_its_jobs_held(cloud):
    jobs_on(cloud, FREE, ROOM + 2, algorithm__environments=LONG)
    cloud_seconds(cloud, 30)
    with cloud.world.transaction():
        cloud.world.reset("modelarts/training")
    ids = jobs_on(cloud, FREE, ROOM, algorithm__environments=LONG)
    cloud_seconds(cloud, 30)
    assert phases(cloud, ids) == ["Running"] * ROOM


def test_a_queue_survives_a_restart(tmp_path):
    with Emulator(state=str(tmp_path), check_answers=True) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.clock.freeze()
        ids = jobs_on(cloud, FREE, ROOM + 2, algorithm__environments=LONG)
        cloud_seconds(cloud, 30)
    with Emulator(state=str(tmp_path), check_answers=True) as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.clock.freeze()
        terminate(cloud, ids[0])
        cloud_seconds(cloud, 16)
        assert phases(cloud, ids[ROOM:]) == ["Running", "Pending"]
