"""The events and stages of training jobs."""

import pytest

from tests.behaviours.modelarts.training.conftest import (
    JOBS,
    cloud_seconds,
    completed,
    create,
    events,
    messages,
    running,
)


def stages(cloud, id: str) -> list[dict]:
    """The stages of a job's one run."""
    (record,) = cloud.get(f"{JOBS}/{id}/stages").json["running_records"]
    return record["stages"]


def test_a_new_job_has_only_been_created(cloud):
    assert messages(cloud, create(cloud)) == ["Training job is being created."]


def test_a_job_is_created_queued_prepared_run_and_completed_in_this_order(cloud):
    found = messages(cloud, completed(cloud), "?order=asc&source=Job")
    words = ["created", "queuing", "preparing", "running", "completed"]
    assert [word in message for word, message in zip(words, found, strict=True)] == [True] * 5


def test_events_come_one_after_the_other(cloud):
    id, counts = create(cloud), []
    for seconds in (0, 6, 4, 6, 5, 600):
        cloud_seconds(cloud, seconds)
        counts.append(len(events(cloud, id)))
    assert counts == sorted(set(counts))


def test_the_newest_event_comes_first(cloud):
    id = completed(cloud)
    assert messages(cloud, id)[0] == "Training job completed."
    assert messages(cloud, id, "?order=asc")[-1] == "Training job completed."


def test_every_task_tells_its_exit_code_and_the_others_are_killed_with_the_one_that_fails(cloud):
    id = running(cloud, spec__resource__node_count=2, algorithm__environments={"EMULATOR_EXIT_CODE": "3"})
    cloud_seconds(cloud, 600)
    assert messages(cloud, id, "?pattern=Exit%20code") == [
        "[worker-1] Training finished. Exit code 137.",
        "[worker-0] Training finished. Exit code 3.",
    ]


def test_offset_counts_pages_of_events(cloud):
    id = completed(cloud)
    everything = events(cloud, id)
    assert events(cloud, id, "?limit=4&offset=1") == everything[4:8]
    assert cloud.get(f"{JOBS}/{id}/events?limit=4").json["total"] == len(everything)


def test_events_can_be_chosen_by_level(cloud):
    id = running(cloud, algorithm__environments={"EMULATOR_EXIT_CODE": "1"})
    cloud_seconds(cloud, 600)
    assert {event["level"] for event in events(cloud, id, "?level=Error")} == {"Error"}
    assert "Training job failed." in messages(cloud, id, "?level=Error")


def test_events_can_be_chosen_by_source(cloud):
    found = events(cloud, completed(cloud), "?source=K8S")
    assert found and {event["source"] for event in found} == {"K8S"}


def test_events_can_be_chosen_by_time(cloud):
    id, created = create(cloud), cloud.clock.now()
    cloud_seconds(cloud, 700)
    query = f"?start_time={int(created * 1000)}&end_time={int(created * 1000) + 1}"
    assert messages(cloud, id, query) == ["Training job is being created."]


@pytest.mark.parametrize(
    "query", ["?start_time=1", "?end_time=1", "?start_time=a&end_time=b", "?start_time=1&end_time=%C2%B2"]
)
def test_half_a_time_range_is_refused(cloud, query):
    reply = cloud.get(f"{JOBS}/{create(cloud)}/events{query}")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.50004000")


def test_events_speak_chinese_when_asked(cloud):
    (event,) = events(cloud, create(cloud), **{"X-Language": "zh-cn"})
    assert event["message"] == "训练作业创建中。"


def test_a_job_stopped_in_the_queue_was_never_prepared(cloud):
    id = create(cloud)
    cloud_seconds(cloud, 6)
    cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    cloud_seconds(cloud, 60)
    assert messages(cloud, id, "?source=K8S") == []
    assert messages(cloud, id)[:2] == ["Training job terminated.", "Training job is being terminated."]


def test_events_of_no_job_are_not_found(cloud):
    assert cloud.get(f"{JOBS}/nothing/events").json["error_code"] == "ModelArts.2775"


def test_a_completed_job_has_come_through_all_stages(cloud):
    found = stages(cloud, completed(cloud))
    assert [stage["name"] for stage in found] == ["scheduling", "preparing", "running", "end"]
    assert [stage["stage_order"] for stage in found] == [1, 2, 3, 4]


def test_each_stage_begins_where_the_one_before_ends(cloud):
    found = stages(cloud, completed(cloud))
    assert [stage["end_time"] for stage in found[:-1]] == [stage["start_time"] for stage in found[1:]]


@pytest.mark.parametrize(
    ("seconds", "last"), [(0, "scheduling"), (6, "scheduling"), (14, "preparing"), (30, "running")]
)
def test_the_last_stage_is_the_one_that_lasts(cloud, seconds, last):
    id = create(cloud)
    cloud_seconds(cloud, seconds)
    stage = stages(cloud, id)[-1]
    assert stage["name"] == last and "end_time" not in stage and stage["sub_stages"]


def test_a_job_stopped_while_creating_has_no_running_stage(cloud):
    id = create(cloud)
    cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    cloud_seconds(cloud, 60)
    assert [stage["name"] for stage in stages(cloud, id)] == ["scheduling", "end"]
