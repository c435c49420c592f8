"""Stories about visualization jobs."""

from importlib.util import find_spec

import pytest
from modelarts_emulator.contract.facts import fixture

from tests.behaviours.modelarts.training_v1.conftest import fault

JOBS = "/v1/{project_id}/visualization-jobs"


@pytest.fixture
def bucket(cloud):
    """The bucket that the documented example draws from."""
    cloud.world.obs.create_bucket("obs-name")


def create(cloud, name="visualization-job", hours=None, **members):
    """Ask for a job, with an auto stop after so many hours if given."""
    rule = {"type": "stop", "time_unit": "HOURS", "duration": hours}
    schedule = {} if hours is None else {"schedule": [rule]}
    return cloud.post(JOBS, {"job_name": name, "train_url": "/obs-name/logs/", **schedule, **members})


def show(cloud, id=1) -> dict:
    """The job as the API shows it."""
    return cloud.get(f"{JOBS}/{id}").json


def reaches(cloud, number: int) -> None:
    """Wait until job 1 is in that state."""
    cloud.clock.until(lambda: show(cloud)["status"] == number, within="48h")


def names(cloud, query: str = "") -> list[str]:
    """The names of the jobs on the page that a query selects."""
    return [row["job_name"] for row in cloud.get(f"{JOBS}?{query}").json["jobs"]]


def test_a_new_job_is_in_init_and_says_where_its_page_will_be(cloud):
    answer = create(cloud).json
    assert (answer["is_success"], answer["job_id"], answer["status"]) == (True, 1, 1)
    assert answer["service_url"] == f"{cloud.endpoint}/modelarts/tensorboard/{cloud.project_id}/1/"


def test_a_job_waits_and_then_runs_until_it_is_stopped(cloud, bucket):
    create(cloud)
    reaches(cloud, 7), reaches(cloud, 8)
    cloud.clock.advance("90d")
    assert show(cloud)["duration"] == 90 * 86400 * 1000
    assert cloud.post(f"{JOBS}/1/stop").json == {"is_success": True}
    reaches(cloud, 9), reaches(cloud, 12)
    cloud.clock.advance("1h")
    assert show(cloud)["duration"] == 90 * 86400 * 1000


def test_an_auto_stop_comes_exactly_when_it_was_set_to_whatever_the_pace(cloud, bucket):
    create(cloud, hours=1)
    reaches(cloud, 8)
    assert show(cloud)["remaining_duration"] == 3_600_000
    cloud.clock.advance(3599)
    assert (show(cloud)["status"], show(cloud)["remaining_duration"]) == (8, 1000)
    cloud.clock.advance(1)
    assert (show(cloud)["status"], show(cloud)["duration"]) == (10, 3_600_000)
    assert show(cloud)["remaining_duration"] is None


@pytest.mark.parametrize("hours", [None, 0])
def test_without_an_auto_stop_nothing_remains(cloud, bucket, hours):
    create(cloud, hours=hours)
    reaches(cloud, 8)
    cloud.clock.advance("48h")
    assert (show(cloud)["status"], show(cloud)["remaining_duration"]) == (8, None)


def test_the_list_shows_the_auto_stop_in_camel_case(cloud):
    rule = {"type": "stop", "time_unit": "HOURS", "duration": 2}
    create(cloud, "one", schedule=rule)
    assert cloud.get(JOBS).json["jobs"][0]["schedule"] == [
        {"type": "stop", "timeUnit": "HOURS", "duration": 2}
    ]


def test_a_job_whose_bucket_is_not_there_fails_and_can_be_restarted_once_it_is(cloud):
    create(cloud)
    reaches(cloud, 11)
    cloud.world.obs.create_bucket("obs-name")
    assert cloud.post(f"{JOBS}/1/restart").json == {"is_success": True}
    reaches(cloud, 8)


def test_a_restarted_job_gets_its_whole_time_again(cloud, bucket):
    create(cloud, hours=1)
    reaches(cloud, 10)
    cloud.post(f"{JOBS}/1/restart")
    assert (show(cloud)["status"], show(cloud)["duration"]) == (1, 0)
    reaches(cloud, 8)
    assert show(cloud)["remaining_duration"] == 3_600_000


@pytest.mark.parametrize(
    "word, method, path, number",
    [
        ("delete", "DELETE", "", 9),
        ("stop", "POST", "/stop", 9),
        ("stop", "POST", "/stop", 10),
        ("stop", "POST", "/stop", 12),
        ("resubmit", "POST", "/restart", 1),
        ("resubmit", "POST", "/restart", 7),
        ("resubmit", "POST", "/restart", 8),
        ("resubmit", "POST", "/restart", 9),
    ],
)
def test_what_a_state_does_not_allow_is_refused_in_the_documented_words(
    cloud, bucket, word, method, path, number
):
    create(cloud, hours=1)
    if number in (9, 12):
        cloud.post(f"{JOBS}/1/stop")
    reaches(cloud, number)
    words = f"This job can't be {word}. job status: {number}"
    assert fault(cloud.send(method, f"{JOBS}/1{path}")) == (400, "ModelArts.0105", words)


def test_a_running_job_that_is_deleted_is_killed_first(cloud, bucket):
    create(cloud)
    reaches(cloud, 8)
    assert cloud.delete(f"{JOBS}/1").json == {"is_success": True}
    assert show(cloud)["status"] == 9
    cloud.clock.advance(1)
    assert names(cloud) == []


@pytest.mark.parametrize(
    "code, method, path",
    [
        ("ModelArts.0104", "GET", ""),
        ("ModelArts.0104", "PUT", ""),
        ("ModelArts.0105", "DELETE", ""),
        ("ModelArts.0105", "POST", "/stop"),
        ("ModelArts.0105", "POST", "/restart"),
    ],
)
def test_a_job_that_is_not_there_is_refused_with_the_documented_code(cloud, code, method, path):
    body = {"job_desc": "x"} if method == "PUT" else None
    refused = (400, code, "visualization job x7 does not exist")
    assert fault(cloud.send(method, f"{JOBS}/x7{path}", body))[:2] == refused[:2]
    assert refused[2] in fault(cloud.send(method, f"{JOBS}/x7{path}", body))[2]


def test_only_the_description_of_a_job_changes(cloud):
    create(cloud, job_desc="this is a visualization job")
    assert cloud.put(f"{JOBS}/1", {"job_desc": "new"}).json == {"is_success": True}
    assert (show(cloud)["job_desc"], show(cloud)["status"]) == ("new", 1)


def test_a_second_job_of_the_same_name_is_refused(cloud):
    create(cloud)
    assert fault(create(cloud)) == (400, "ModelArts.0103", "Job name:visualization-job is existed")


def test_summaries_lie_in_obs(cloud):
    assert fault(create(cloud, train_url="somewhere"))[1] == "ModelArts.0104"


def test_jobs_are_listed_by_id_searched_by_name_state_and_page(cloud):
    for name in ("b-one", "a-two", "c-one"):
        create(cloud, name)
        cloud.clock.advance(0.001)
    cloud.post(f"{JOBS}/2/stop")
    assert names(cloud) == ["b-one", "a-two", "c-one"]
    assert names(cloud, "sortBy=job_name") == ["a-two", "b-one", "c-one"]
    assert names(cloud, "sortBy=status&order=desc&per_page=1") == ["a-two"]
    assert names(cloud, "sortBy=create_time&order=desc") == ["c-one", "a-two", "b-one"]
    assert names(cloud, "search_content=ONE&status=1%7C7") == ["b-one", "c-one"]
    assert names(cloud, "per_page=2&page=2") == ["c-one"]


@pytest.mark.parametrize("query", ["status=running", "page=0"])
def test_a_list_that_cannot_be_had_is_refused_with_the_documented_code(cloud, query):
    assert fault(cloud.get(f"{JOBS}?{query}"))[:2] == (400, "ModelArts.0103")


def test_a_workspace_that_does_not_exist_is_refused(cloud):
    assert fault(cloud.get(f"{JOBS}?workspace_id=af261af2"))[1] == "ModelArts.0102"


def test_a_project_that_has_all_its_jobs_gets_no_further_one(cloud, monkeypatch):
    monkeypatch.setitem(fixture("modelarts/training-v1/quotas")["visualization_jobs"], "jobs", 1)
    create(cloud)
    assert cloud.get(JOBS).json["job_count_limit"] == 0
    assert fault(create(cloud, "another"))[1] == "ModelArts.0118"


def test_no_more_jobs_are_active_than_the_list_says_may(cloud, monkeypatch):
    monkeypatch.setitem(fixture("modelarts/training-v1/quotas")["visualization_jobs"], "running", 1)
    create(cloud)
    assert cloud.get(JOBS).json["quotas"] == 1
    assert fault(create(cloud, "another"))[1] == "ModelArts.0118"
    cloud.post(f"{JOBS}/1/stop")
    reaches(cloud, 12)
    assert create(cloud, "another").json["is_success"]
    assert fault(cloud.post(f"{JOBS}/1/restart"))[1] == "ModelArts.0118"


@pytest.mark.skipif(not find_spec("tensorboard"), reason="TensorBoard is not installed")
def test_tensorboard_shows_the_event_files_in_obs(cloud, bucket, tmp_path):
    for name in event_files(tmp_path, [3.0, 2.0, 1.0]):
        cloud.world.obs.write("obs-name", f"logs/run/{name}", (tmp_path / name).read_bytes())
    create(cloud)
    reaches(cloud, 8)
    address = show(cloud)["service_url"].removeprefix(cloud.endpoint)
    assert "<title>TensorBoard</title>" in cloud.get(address, auth=False).text
    points = f"{address}data/plugin/scalars/scalars?run=run&tag=loss"
    while cloud.get(f"{address}data/runs", auth=False).json != ["run"]:
        assert show(cloud)["status"] == 8
    assert [point[1:] for point in cloud.get(points, auth=False).json] == [[0, 3.0], [1, 2.0], [2, 1.0]]


def event_files(folder, losses: list[float]) -> list[str]:
    """The names of event files in the folder that say these losses, one a step."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    for step, loss in enumerate(losses):
        value = Summary.Value(tag="loss", simple_value=loss)
        writer.add_event(Event(step=step, wall_time=step, summary=Summary(value=[value])))
    writer.close()
    return [path.name for path in folder.iterdir()]


def test_what_is_not_tensorboard_has_no_page_and_says_so(cloud, bucket):
    create(cloud, job_type="mindinsight")
    reaches(cloud, 8)
    told = show(cloud)
    assert "job_type tensorboard" in told["error_message"]
    refused = cloud.get(told["service_url"].removeprefix(cloud.endpoint), auth=False)
    assert (refused.status, told["error_message"] in refused.json["error_msg"]) == (502, True)
