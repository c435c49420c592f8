"""Reports of tasks, events one can be told of, route plans, logging in."""

import pytest

from tests.behaviours.modelarts.training.conftest import (
    JOBS,
    NODE,
    changed,
    cloud_seconds,
    create,
    in_pool,
    messages,
    pool_of,
    running,
    show,
)

CATEGORIES = "/v2/{project_id}/training-event-categories"


def report(cloud, id: str, **body):
    """The answer to a report of worker-0."""
    return cloud.post(f"{JOBS}/{id}/tasks/worker-0/reports/training-event", body)


def plan(cloud, id: str) -> tuple[str, list[str]]:
    """Status and mapping of a job's route plan."""
    answer = cloud.get(f"{JOBS}/{id}/route_plan").json
    return answer["status"], answer["rank_mapping"].split(",")


def test_what_a_task_reports_stands_among_the_events(cloud):
    id = running(cloud)
    assert report(cloud, id, type="checkpoint-saved").status == 200
    assert "[worker-0] Reported: checkpoint-saved" in messages(cloud, id)


@pytest.mark.parametrize(("body", "code"), [({"type": "x"}, "2858"), ({}, "2788")])
def test_a_report_needs_a_running_job_and_says_what_happened(cloud, body, code):
    id = create(cloud) if body else running(cloud)
    assert report(cloud, id, **body).json["error_code"] == f"ModelArts.{code}"


@pytest.mark.parametrize(("query", "count"), [("", 7), ("?flavor_type=CPU", 5), ("?flavor_type=Ascend", 7)])
def test_events_one_can_be_told_of_depend_on_the_type_of_flavor(cloud, query, count):
    categories = cloud.get(f"{CATEGORIES}{query}").json["event-categories"]
    assert (len(categories), categories[0]["id"]) == (count, "JobStarted")


def test_a_notification_names_topic_and_events(cloud):
    good = {"topic_urn": "urn:smn:cn-north-4:x:topic", "events": ["JobFailed"]}
    replies = [
        cloud.post(JOBS, changed(spec__notification=each, metadata__name=name))
        for name, each in (("a", good), ("b", {"events": ["JobFailed"]}))
    ]
    assert replies[0].status == 201
    assert replies[1].json["error_code"] == "ModelArts.2788"


def told(cloud) -> list[tuple[str, str]]:
    """(event, name of the job) of each message to the topic."""
    sent = cloud.get("/_emulator/messages?to=urn:smn:x").json["messages"]
    return [(each["content"]["event"], each["content"]["job_name"]) for each in sent]


@pytest.mark.parametrize(
    ("exit_code", "events"),
    [("0", ["JobStarted", "JobCompleted"]), ("3", ["JobStarted", "JobFailed"])],
)
def test_the_topic_of_a_job_is_told_what_it_wants_to_know(cloud, exit_code, events):
    every = ["JobStarted", "JobCompleted", "JobFailed", "JobTerminated"]
    ends = {"algorithm__environments": {"EMULATOR_EXIT_CODE": exit_code, "EMULATOR_DURATION": "90s"}}
    for name, wanted in (("all", every), ("some", ["JobTerminated"])):
        notification = {"topic_urn": "urn:smn:x", "events": wanted}
        create(cloud, metadata__name=name, spec__notification=notification, **ends)
    cloud_seconds(cloud, 3600)
    assert told(cloud) == [(event, "all") for event in events]


def test_a_job_may_be_given_a_topic_while_it_runs(cloud):
    id = running(cloud, metadata__name="late")
    notification = {"topic_urn": "urn:smn:x", "events": ["JobTerminated"]}
    assert cloud.put(f"{JOBS}/{id}", {"spec": {"notification": notification}}).status == 200
    cloud.post(f"{JOBS}/{id}/actions", {"action_type": "terminate"})
    cloud_seconds(cloud, 120)
    assert told(cloud) == [("JobTerminated", "late")]


def test_ranks_are_routed_for_three_ascend_nodes_in_a_pool(cloud):
    pool_of(cloud, 8)
    id = in_pool(cloud, node_count=8)
    assert plan(cloud, id)[0] == "failed"
    cloud_seconds(cloud, 30)
    status, mapping = plan(cloud, id)
    assert (status, len(mapping)) == ("success", 8)
    assert sorted(int(pair.partition("-")[2]) for pair in mapping) == list(range(8))


@pytest.mark.parametrize("nodes", [1, 2])
def test_few_nodes_keep_their_order(cloud, nodes):
    pool_of(cloud, 8)
    id = in_pool(cloud, NODE, node_count=nodes)
    cloud_seconds(cloud, 30)
    assert plan(cloud, id) == ("failed", [f"{number}-{number}" for number in range(nodes)])


def test_tools_that_annotations_switch_on_have_their_pages_while_the_job_runs(cloud):
    annotations = {"tensorboard/enable": "true", "mindstudio-insight/enable": "false"}
    export = {"obs_url": "/training-logs/"}
    id = create(cloud, metadata__annotations=annotations, spec__log_export_path=export)
    assert "endpoints" not in show(cloud, id)
    cloud_seconds(cloud, 21)
    endpoints = show(cloud, id)["endpoints"]
    assert list(endpoints) == ["tensorboard"] and id in endpoints["tensorboard"]["url"]


def test_nobody_can_log_in_to_a_job(cloud):
    reply = cloud.get(f"{JOBS}/{running(cloud)}/exec/status")
    assert (reply.status, reply.json["error_code"]) == (400, "ModelArts.2858")
    assert cloud.get(f"{JOBS}/none/exec/status").json["error_code"] == "ModelArts.2775"
