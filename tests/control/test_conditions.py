"""The clock is driven until a condition over any field of any resource holds."""

import pytest
from modelarts_emulator.control.conditions import TESTS

from tests.conftest import CONFIG, CONFIGS, JOB, add_workspace

JOBS = "/v2/{project_id}/training-jobs"
ADVANCE = "/_emulator/clock/advance"


@pytest.fixture
def job(cloud) -> str:
    """The id of a training job called resnet, of seven epochs."""
    cloud.clock.freeze()
    return cloud.post(JOBS, JOB).raise_for_status().json["metadata"]["id"]


def test_a_resource_is_meant_by_its_name_or_its_id(cloud, job):
    assert cloud.until("training-jobs/resnet status.phase == Running") > 0
    assert cloud.until(f"training-jobs/{job} status.phase == Running") == 0
    assert cloud.until(f"v2/training-jobs/{job} status.phase in Completed, Failed") > 0
    assert cloud.get(f"{JOBS}/{job}").json["status"]["phase"] == "Completed"


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ("status.duration > 5000", lambda status: status["duration"] > 5000),
        ("status.duration >= 0.5", lambda status: status["duration"] >= 0.5),
        ("status.phase!=Creating", lambda status: status["phase"] != "Creating"),
        ('status.phase in ["Running", "Completed"]', lambda status: status["phase"] == "Running"),
        ('status.phase == "Completed"', lambda status: status["phase"] == "Completed"),
        ("status.secondary_phase > R", lambda status: status["secondary_phase"] > "R"),
        ('status.secondary_phase > "R"', lambda status: status["secondary_phase"] > "R"),
        ("status.phase == 'Running'", lambda status: status["phase"] == "Running"),
        ("status.phase in 'Failed', 'Running'", lambda status: status["phase"] == "Running"),
        ("status.tasks.0 == worker-0", lambda status: status["tasks"][0] == "worker-0"),
        ("status.tasks.length == 1", lambda status: len(status["tasks"]) == 1),
    ],
)
def test_fields_are_compared_as_numbers_texts_lists(cloud, job, condition, shown):
    cloud.until(f"training-jobs/resnet {condition}")
    assert shown(cloud.get(f"{JOBS}/{job}").json["status"])


def test_lists_are_looked_at_too(cloud, job):
    add_workspace(cloud, "more")
    assert cloud.until("training-job-searches total == 1") == 0
    assert cloud.until("v1/workspaces workspaces.length >= 1") == 0
    assert cloud.until("workspaces/more name == more") == 0


def test_texts_with_commas_quotes_and_letters_of_any_language_are_met(cloud):
    cloud.post(CONFIGS, {"config_name": "first", **CONFIG, "config_desc": 'ü "q", a'}).raise_for_status()
    for wanted in (
        '== ü "q", a',
        '== "ü \\"q\\", a"',
        'in x, "ü \\"q\\", a"',
        'in ["x", "ü \\"q\\", a"]',
        "in 'x, y', 'ü \"q\", a'",
    ):
        assert cloud.until(f"training-job-configs/first config_desc {wanted}") == 0


def test_a_name_with_a_space_is_written_as_in_a_path(cloud):
    add_workspace(cloud, "two words")
    assert cloud.until("workspaces/two%20words name == two words") == 0


@pytest.mark.parametrize(
    ("value", "wanted", "holds"),
    [(True, "[1]", False), (1, "[1]", True), (True, "true, 2", True), ("1", "1", True), (None, "null", True)],
)
def test_no_number_is_a_truth_value_in_a_list(value, wanted, holds):
    assert TESTS["in"](value, wanted, "field in") is holds


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("training-jobs/resnet", "is no condition: write RESOURCE/NAME FIELD OPERATOR VALUE"),
        ("training-jobs/resnet status.phase = Running", "there is no operator '='; those are ==, !=, <"),
        ("training-jobs/resnet status.phase is Running", "there is no operator 'is'"),
        ("training-job/resnet status.phase == Running", "did you mean training-jobs"),
        (
            "training-jobs/alexnet status.phase == Running",
            "there is no training-jobs/alexnet: ShowTrainingJobDetails",
        ),
        ("training-jobs/resnet status.phas == Running", "instead of 'phas' there are"),
        ("training-jobs/resnet nothing == 1", "instead of 'nothing' there are algorithm"),
        ("training-jobs/resnet status.tasks.first == 1", "instead of 'first' there are 0, 1 ... and length"),
        (
            "training-jobs/resnet status.phase in [Running, Failed]",
            "that is no JSON list; put texts in quotes",
        ),
        ("training-jobs/resnet status.duration > soon", "cannot be compared to soon"),
        (
            "training-jobs/resnet status.phase == Nowhere",
            "status.phase is never 'Nowhere': it is one of Creating",
        ),
        ("training-jobs/resnet status.phase == running", "did you mean Running?"),
        ("training-jobs/resnet status.phase != running", "did you mean Running?"),
        ("training-jobs/resnet status.phase in Runing, Failed", "did you mean Running?"),
        ("training-jobs/resnet status.phase == 'Running", "the quote ' at the beginning is not closed"),
        ("training-jobs/resnet status.duration == soon", "is never 'soon': it is a number"),
        ("training-jobs/resnet status.tasks == worker-0", "is never 'worker-0': it is a list"),
    ],
)
def test_what_does_not_exist_is_refused_in_words(cloud, job, condition, words):
    reply = cloud.post(ADVANCE, {"until": condition})
    assert (reply.status, words in reply.json["error_msg"]) == (400, True), reply


def test_a_name_that_two_have_is_refused_with_their_ids(cloud, job):
    other = cloud.post(JOBS, {**JOB, "metadata": {"name": "other"}}).json["metadata"]["id"]
    cloud.world.store.table(f"modelarts/training/training_job/{cloud.project_id}")
    with cloud.world.transaction() as world:
        table = world.store.table(f"modelarts/training/training_job/{cloud.project_id}")
        record = table.copy_of(other)
        record["metadata"]["name"] = "resnet"
        table.put(other, record)
    with pytest.raises(ValueError, match=f"may be .*{other}.*give the id"):
        cloud.until("training-jobs/resnet status.phase == Running")


@pytest.mark.parametrize("body", [{}, {"by": "1h", "until": "a b == c"}, {"by": "1h", "within": "2h"}])
def test_the_clock_advances_by_one_of_the_two(cloud, body):
    reply = cloud.post(ADVANCE, body)
    assert (reply.status, "give by, a duration, or until" in reply.json["error_msg"]) == (400, True)


def test_the_clock_stops_at_a_final_state_whatever_else_is_scheduled(cloud, job):
    cloud.clock.advance("2h")
    cloud.post(JOBS, {**JOB, "metadata": {"name": "other"}}).raise_for_status()
    before = cloud.clock.now()
    reply = cloud.post(ADVANCE, {"until": "training-jobs/resnet status.phase == Failed"})
    assert "status.phase was still 'Completed' after 0 virtual seconds" in reply.json["error_msg"]
    assert (
        "Completed is a final state; training-jobs/resnet status.phase == Failed" in reply.json["error_msg"]
    )
    assert cloud.clock.now() == before


def test_the_clock_stops_as_soon_as_the_state_is_final(cloud, job):
    before = cloud.clock.now()
    reply = cloud.post(ADVANCE, {"until": "training-jobs/resnet status.phase == Failed"})
    assert "still 'Completed'" in reply.json["error_msg"] and cloud.clock.now() < before + 7200


def test_the_clock_stays_where_nothing_is_scheduled(cloud):
    add_workspace(cloud, "more")
    cloud.clock.freeze()
    before = cloud.clock.now()
    reply = cloud.post(ADVANCE, {"until": "workspaces/more description == x"})
    assert "nothing is scheduled in this world" in reply.json["error_msg"] and cloud.clock.now() == before
