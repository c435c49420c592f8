"""Stories about training jobs of v1 and their versions."""

import json

import pytest

from emulator.facts import fixture

JOBS = "/v1/{project_id}/training-jobs"
CODE = {"app_url": "/usr/app/", "boot_file_url": "/usr/app/boot.py", "engine_id": 4}
CONFIG = {**CODE, "data_url": "/usr/data/", "train_url": "/usr/train/", "spec_id": 2, "worker_server_num": 1}
FREE = {"spec_id": 6}


@pytest.fixture
def bucket(cloud):
    """The bucket that the documented examples read from and write to."""
    cloud.world.obs.create_bucket("usr")
    for key in ("app/boot.py", "data/images.bin"):
        cloud.world.obs.write("usr", key, b"content", content_type="text/plain")
    return cloud.world.obs


def create(cloud, name="job", without=(), **config):
    """Ask for a job; members of the usual configuration that are in `without` are left out."""
    usual = {name: value for name, value in CONFIG.items() if name not in without}
    return cloud.post(JOBS, {"job_name": name, "config": {**usual, **config}})


def started(cloud, name="job", **config) -> str:
    """The path of the first version of a new job."""
    answer = create(cloud, name, **config).json
    return f"{JOBS}/{answer['job_id']}/versions/{answer['version_id']}"


def status(cloud, version: str) -> int:
    """The number of the state a version is in."""
    return cloud.get(version).json["status"]


def reaches(cloud, version: str, number: int) -> dict:
    """Wait until the version is in that state; its details."""
    cloud.clock.until(lambda: status(cloud, version) == number, within="48h")
    return cloud.get(version).json


def fault(reply) -> tuple:
    """(status, code, words) of a refusal, whose body says that it is none."""
    assert reply.json["is_success"] is False
    return reply.status, reply.json["error_code"], reply.json["error_message"]


def knob(**values) -> dict:
    """Parameters that only the emulator knows."""
    return {
        "parameter": [{"label": f"EMULATOR_{name.upper()}", "value": value} for name, value in values.items()]
    }


def test_a_new_job_is_accepted_with_its_first_version(cloud):
    answer = create(cloud, "TestModelArtsJob").json
    assert (answer["is_success"], answer["job_id"], answer["version_id"]) == (True, 1, 1)
    assert (answer["version_name"], answer["status"]) == ("V0001", 1)
    assert answer["resource_id"].startswith("job") and answer["create_time"] == int(cloud.clock.now() * 1000)


def test_the_log_file_names_of_job_10_version_10_are_one_a_node(cloud):
    for number in range(1, 10):
        create(cloud, f"job{number}")
    create(cloud, "jobtest_TF", worker_server_num=2)
    answer = cloud.get("/v1/{project_id}/training-jobs/10/versions/10/log/file-names")
    assert answer.json == {"is_success": True, "log_file_list": ["job-jobtest-tf.0", "job-jobtest-tf.1"]}


def test_a_job_goes_from_init_over_waiting_and_running_to_completed(cloud, bucket):
    version, seen = started(cloud), []

    def is_over():
        number = status(cloud, version)
        seen.append(number) if number not in seen else None
        return number == 10

    cloud.clock.until(is_over)
    assert seen == [1, 4, 7, 8, 10]


def test_a_custom_image_is_fetched_before_the_job_is_submitted(cloud):
    image = {"user_image_url": "swr.example.com/jobmng/custom-cpu-base:1.0", "user_command": "bash run.sh"}
    version = started(cloud, without=tuple(CODE), **image)
    shown = reaches(cloud, version, 2)
    assert shown["engine_id"] is None and shown["user_command"] == "bash run.sh"
    cloud.clock.until(lambda: status(cloud, version) == 4)


def test_a_custom_image_without_an_organization_cannot_be_fetched(cloud):
    reaches(cloud, started(cloud, without=tuple(CODE), user_image_url="custom-cpu-base:1.0"), 3)


def test_duration_counts_while_a_job_runs_and_stands_still_afterwards(cloud, bucket):
    version = started(cloud, **knob(duration="2h"))
    start = reaches(cloud, version, 8)
    cloud.clock.advance(30)
    assert cloud.get(version).json["duration"] - start["duration"] == pytest.approx(30_000, abs=2)
    assert reaches(cloud, version, 10)["duration"] == pytest.approx(120_000, abs=2)
    cloud.clock.advance("1h")
    assert cloud.get(version).json["duration"] == pytest.approx(120_000, abs=2)


def test_a_second_job_of_the_same_name_is_refused_in_the_documented_words(cloud):
    create(cloud, "TestModelArtsJob")
    refused = (400, "ModelArts.0103", "Job name:TestModelArtsJob is existed")
    assert fault(create(cloud, "TestModelArtsJob")) == refused


def test_the_name_of_a_deleted_job_is_free_again_and_its_id_is_not(cloud):
    version = started(cloud, "again")
    cloud.delete(f"{JOBS}/1")
    cloud.clock.until(lambda: cloud.get(version).status == 400)
    assert create(cloud, "again").json["job_id"] == 2


def test_a_job_can_be_registered_without_a_version_and_started_later(cloud):
    registered = create(cloud, create_version=False).json
    assert "version_id" not in registered and registered["status"] == 1
    row = cloud.get(JOBS).json["jobs"][0]
    assert (row["version_count"], row["status"], row["duration"]) == (0, 1, 0)
    body = {"config": {**CONFIG, "pre_version_id": 0}}
    assert cloud.post(f"{JOBS}/1/versions", body).json["version_name"] == "V0001"


def test_further_versions_count_up_and_derive_from_one_of_the_same_job(cloud):
    create(cloud), create(cloud, "other")
    body = {"config": {**CONFIG, "pre_version_id": 1}, "job_desc": "better"}
    answer = cloud.post(f"{JOBS}/1/versions", body).json
    assert (answer["job_id"], answer["version_id"], answer["version_name"]) == (1, 3, "V0002")
    shown = cloud.get(f"{JOBS}/1/versions/3").json
    assert (shown["pre_version_id"], shown["job_desc"]) == (1, "better")
    refused = cloud.post(f"{JOBS}/1/versions", {"config": {**CONFIG, "pre_version_id": 2}})
    assert fault(refused) == (400, "ModelArts.0105", "training job 1 has no version 2; it has 3, 1")


def test_a_stopped_version_is_killing_and_then_killed(cloud, bucket):
    version = started(cloud)
    reaches(cloud, version, 8)
    assert cloud.post(f"{version}/stop").json == {"is_success": True}
    assert status(cloud, version) == 9
    cloud.clock.advance(1)
    assert status(cloud, version) == 12


@pytest.mark.parametrize("number", [9, 10, 12])
def test_a_version_that_ends_or_is_over_cannot_be_stopped(cloud, bucket, number):
    version = started(cloud)
    if number != 10:
        cloud.post(f"{version}/stop")
    reaches(cloud, version, number)
    words = f"This job can't be stop. job status: {number}"
    assert fault(cloud.post(f"{version}/stop")) == (400, "ModelArts.0105", words)


@pytest.mark.parametrize("what", [f"{JOBS}/1", f"{JOBS}/1/versions/1"])
def test_nothing_is_deleted_while_it_is_being_killed(cloud, what):
    cloud.post(f"{started(cloud)}/stop")
    words = "This job can't be delete. job status: 9"
    assert fault(cloud.delete(what)) == (400, "ModelArts.0105", words)
    assert cloud.get(f"{JOBS}/1/versions").json["version_count"] == 1


def test_a_running_job_that_is_deleted_is_killed_first_and_takes_no_new_version(cloud, bucket):
    version = started(cloud)
    reaches(cloud, version, 8)
    assert cloud.delete(f"{JOBS}/1").json == {"is_success": True}
    assert status(cloud, version) == 9
    refused = cloud.post(f"{JOBS}/1/versions", {"config": {**CONFIG, "pre_version_id": 1}})
    assert fault(refused) == (400, "ModelArts.0105", "training job 1 is being deleted")
    cloud.clock.advance(1)
    assert cloud.get(JOBS).json["job_total_count"] == 0


def test_a_version_that_is_over_is_gone_at_once_and_the_job_stays(cloud, bucket):
    version = started(cloud)
    reaches(cloud, version, 10)
    cloud.delete(version)
    assert fault(cloud.get(version)) == (
        400,
        "ModelArts.0105",
        "training job 1 has no version 1; it has none",
    )
    assert cloud.get(JOBS).json["jobs"][0]["version_count"] == 0


def test_a_registered_job_without_versions_is_deleted_at_once(cloud):
    create(cloud, create_version=False)
    cloud.delete(f"{JOBS}/1")
    assert fault(cloud.delete(f"{JOBS}/1"))[1:] == ("ModelArts.0105", "training job 1 does not exist")


def test_only_the_description_of_a_job_changes(cloud):
    version = started(cloud)
    assert cloud.put(f"{JOBS}/1", {"job_desc": "This is a ModelArts job"}).json == {"is_success": True}
    assert cloud.get(version).json["job_desc"] == "This is a ModelArts job"


def test_a_job_whose_data_are_not_in_obs_fails_and_its_log_names_them(cloud):
    version = started(cloud)
    reaches(cloud, version, 11)
    log = cloud.get(f"{version}/aom-log?log_file=job-job.0").json["content"]
    assert "No such file or directory: /usr/data/ does not exist in OBS" in log


def test_a_job_fails_with_the_exit_code_it_was_told(cloud, bucket):
    version = started(cloud, **knob(exit_code="3"))
    reaches(cloud, version, 11)
    assert "the script exited with 3" in cloud.get(f"{version}/aom-log?log_file=job-job.0").json["content"]


def test_a_job_that_has_nowhere_to_write_fails_at_its_end(cloud, bucket):
    version = started(cloud, train_url="/no-such-bucket/train/")
    reaches(cloud, version, 11)
    assert "no-such-bucket" in cloud.get(f"{version}/aom-log?log_file=job-job.0").json["content"]


def test_output_and_log_lie_in_obs_in_a_folder_of_the_version(cloud, bucket):
    version = started(cloud, log_url="/usr/log/")
    reaches(cloud, version, 10)
    result = json.loads(bucket.read("usr", "train/V0001/result.json"))
    assert result["epochs"] == 10 and 0 < result["accuracy"] <= 1
    shown = cloud.get(f"{version}/log?log_file=job-job.0").json["log"]
    assert bucket.read("usr", "log/V0001/job-job.0").decode() == shown
    assert f"best accuracy={result['accuracy']:.6g}" in shown


def test_one_free_job_runs_and_the_next_wait_in_the_order_they_came(cloud, bucket):
    first, second, third = (started(cloud, name, **FREE) for name in ("first", "second", "third"))
    reaches(cloud, first, 8)
    cloud.clock.advance(1)
    assert [status(cloud, version) for version in (second, third)] == [7, 7]
    cloud.post(f"{first}/stop")
    cloud.clock.until(lambda: status(cloud, second) == 8)
    assert status(cloud, third) == 7
    reaches(cloud, second, 10), reaches(cloud, third, 10)


def test_one_more_free_job_than_may_be_unfinished_is_refused(cloud):
    for name in ("first", "second", "third"):
        create(cloud, name, **FREE)
    words = "Free train job reached the limit: 3 jobs on modelarts.p3.large.public.free are unfinished"
    assert fault(create(cloud, "fourth", **FREE)) == (400, "ModelArts.0116", words)


def test_a_big_job_at_the_head_of_the_queue_is_not_overtaken_by_a_small_one(cloud, bucket):
    runs = started(cloud, "runs", spec_id=5, worker_server_num=2)
    big = started(cloud, "big", spec_id=5, worker_server_num=4)
    small = started(cloud, "small", spec_id=5)
    reaches(cloud, runs, 8)
    assert (status(cloud, big), status(cloud, small)) == (7, 7)
    cloud.post(f"{big}/stop")
    cloud.clock.until(lambda: status(cloud, small) == 8)
    assert status(cloud, big) == 12 and status(cloud, runs) == 8


def test_no_more_jobs_run_than_the_list_says_may(cloud, bucket, monkeypatch):
    monkeypatch.setitem(fixture("modelarts/v1_quotas")["training_jobs"], "running", 2)
    for number in range(3):
        create(cloud, f"job{number}", spec_id=(2, 27, 28)[number])
    cloud.clock.advance(1)
    shown = cloud.get(JOBS).json
    assert shown["quotas"] == 2 and [row["status"] for row in shown["jobs"]] == [8, 8, 7]
    cloud.clock.until(lambda: names(cloud, "status=8") == ["job2"])


def test_a_specification_without_free_nodes_says_so(cloud, bucket):
    version = started(cloud, **FREE)
    specs = "/v1/{project_id}/job/resource-specs"
    reaches(cloud, version, 8)
    sold_out = [spec["spec_id"] for spec in cloud.get(specs).json["specs"] if spec["no_resource"]]
    assert sold_out == [6]
    reaches(cloud, version, 10)
    assert not any(spec["no_resource"] for spec in cloud.get(specs).json["specs"])


def test_a_project_that_has_all_its_jobs_gets_no_further_one(cloud, monkeypatch):
    monkeypatch.setitem(fixture("modelarts/v1_quotas")["training_jobs"], "jobs", 2)
    create(cloud, "first"), create(cloud, "second")
    assert cloud.get(JOBS).json["job_count_limit"] == 0
    assert fault(create(cloud, "third"))[1] == "ModelArts.0118"


def pool(cloud, count: int = 1) -> None:
    """A dedicated pool of that many nodes, as the records of pools lie in the store."""
    record = {
        "metadata": {"name": "pnt1"},
        "spec": {"resources": [{"flavor": "modelarts.vm.cpu.2u", "count": count}]},
    }
    with cloud.world.transaction():
        cloud.world.store.table(f"pools/pool/{cloud.project_id}").put("pool9928813f", record)


def test_a_job_in_a_dedicated_pool_shows_the_pool_and_its_volumes(cloud):
    pool(cloud)
    nfs = {"id": "43b37236", "src_path": "192.168.8.150:/", "dest_path": "/home/work/nas", "read_only": False}
    shown = cloud.get(
        started(cloud, without=["spec_id"], pool_id="pool9928813f", volumes=[{"nfs": nfs}])
    ).json
    assert (shown["pool_name"], shown["spec_id"]) == ("pnt1", None)
    assert (shown["nas_type"], shown["nas_share_addr"]) == ("nfs", "192.168.8.150:/")


def test_jobs_in_a_dedicated_pool_share_its_nodes(cloud, bucket):
    pool(cloud)
    dedicated = {"without": ["spec_id"], "pool_id": "pool9928813f"}
    first, second = (started(cloud, name, **dedicated) for name in ("first", "second"))
    reaches(cloud, first, 8)
    assert status(cloud, second) == 7
    reaches(cloud, first, 10)
    reaches(cloud, second, 8)


def test_a_job_whose_pool_goes_before_it_is_submitted_fails_to_be(cloud):
    pool(cloud)
    version = started(cloud, without=["spec_id"], pool_id="pool9928813f")
    with cloud.world.transaction():
        cloud.world.store.table(f"pools/pool/{cloud.project_id}").drop("pool9928813f")
    reaches(cloud, version, 5)


@pytest.mark.parametrize(
    "pair, config",
    [
        ("data_url,dataset_id", {"dataset_id": "d", "dataset_version_id": "v"}),
        ("data_url,data_source", {"data_source": [{"type": "obs", "data_url": "/usr/data/"}]}),
        ("spec_id,pool_id", {"pool_id": "testpool"}),
        ("spec_id,flavor.code", {"flavor": {"code": "modelarts.vm.cpu.8u"}}),
        ("spec_id,worker_server_num", {"worker_server_num": 3}),
        ("app_url,boot_file_url", {"boot_file_url": ""}),
        ("app_url,boot_file_url", {"boot_file_url": "/elsewhere/boot.py"}),
        ("volumes[0].host_path,pool_id", {"volumes": [{"host_path": {"src_path": "/a", "dest_path": "/b"}}]}),
        ("volumes[0].nfs,volumes[0].host_path", {"volumes": [{}]}),
        ("dataset_id,dataset_version_id", {"data_url": "", "dataset_id": "d"}),
        ("data_source[0].type,data_source[0].data_url", {"data_url": "", "data_source": [{"type": "obs"}]}),
        (
            "data_source[0].dataset_id,data_source[0].dataset_version",
            {"data_url": "", "data_source": [{"type": "dataset", "dataset_id": "d"}]},
        ),
    ],
)
def test_members_that_do_not_go_together_are_named(cloud, pair, config):
    status, code, words = fault(create(cloud, **config))
    assert (status, code) == (400, "ModelArts.0107")
    assert words.startswith(f"The values of the request parameters ({pair}) are invalid")


@pytest.mark.parametrize(
    "words, config",
    [
        ("one of data_url", {"data_url": ""}),
        ("dataset d does not exist", {"data_url": "", "dataset_id": "d", "dataset_version_id": "v"}),
        (
            "dataset d does not exist",
            {"data_url": "", "data_source": [{"type": "dataset", "dataset_id": "d", "dataset_version": "v"}]},
        ),
        (
            "data_source mixes obs and dataset",
            {"data_url": "", "data_source": [{"type": "obs", "data_url": "/usr/d/"}, {"type": "dataset"}]},
        ),
        ("spec_id is 99; there are 1, 2,", {"spec_id": 99}),
        ("engine_id is 999; there are 1, 2,", {"engine_id": 999}),
        ("model_id is 999; there are 1, 2,", {"model_id": 999}),
        ("flavor.code is modelarts.vm.none", {"flavor": {"code": "modelarts.vm.none"}}),
        ("worker_server_num is 0", {"worker_server_num": 0}),
        ("train_url: 'train' is no OBS path", {"train_url": "train"}),
        ("parameter[0] has no label", {"parameter": [{"value": "1"}]}),
        (
            "lr stands there already",
            {"parameter": [{"label": "lr", "value": "1"}, {"label": "lr", "value": "2"}]},
        ),
        ("EMULATOR_DURATION is 'soon'", knob(duration="soon")),
        ("EMULATOR_EXIT_CODE is '-1'", knob(exit_code="-1")),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_with_what_would(cloud, words, config):
    status, code, message = fault(create(cloud, **config))
    assert (status, code) == (400, "ModelArts.0104") and words in message


def test_a_job_needs_a_specification_or_a_pool_that_exists(cloud):
    assert "is required" in fault(create(cloud, without=["spec_id"]))[2]
    assert "pool nowhere does not exist" in fault(create(cloud, without=["spec_id"], pool_id="nowhere"))[2]


def test_a_refused_job_leaves_nothing_behind(cloud):
    create(cloud, spec_id=99)
    assert cloud.get(JOBS).json["job_total_count"] == 0
    assert create(cloud).json["job_id"] == 1


def test_a_specification_can_be_named_by_its_code(cloud):
    shown = cloud.get(started(cloud, without=["spec_id"], flavor={"code": "modelarts.vm.cpu.8u"})).json
    assert (shown["spec_id"], shown["core"], shown["cpu"]) == (27, "8", "32")


def test_a_workspace_that_does_not_exist_is_refused(cloud):
    body = {"job_name": "job", "workspace_id": "af261af2", "config": CONFIG}
    assert fault(cloud.post(JOBS, body))[1] == "ModelArts.0102"
    assert fault(cloud.get(f"{JOBS}?workspace_id=af261af2"))[1] == "ModelArts.0102"


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("PUT", "", {"job_desc": "x"}),
        ("DELETE", "", None),
        ("GET", "/versions", None),
        ("POST", "/versions", {"config": {**CONFIG, "pre_version_id": 1}}),
        ("GET", "/versions/1", None),
        ("DELETE", "/versions/1", None),
        ("POST", "/versions/1/stop", None),
        ("GET", "/versions/1/log/file-names", None),
        ("GET", "/versions/1/aom-log?log_file=a", None),
        ("GET", "/versions/1/log?log_file=a", None),
        ("GET", "/versions/1/pod/a/metric-statistic", None),
    ],
)
def test_a_job_that_is_not_there_is_refused_with_the_documented_code(cloud, method, path, body):
    answer = cloud.send(method, f"{JOBS}/77{path}", body)
    assert fault(answer) == (400, "ModelArts.0105", "training job 77 does not exist")


def names(cloud, query: str) -> list[str]:
    """The names of the jobs on the page that a query selects."""
    return [row["job_name"] for row in cloud.get(f"{JOBS}?{query}").json["jobs"]]


def test_jobs_are_sorted_by_name_unless_asked_otherwise(cloud):
    for name in ("b", "a", "c"):
        create(cloud, name)
        cloud.clock.advance(0.001)
    assert names(cloud, "") == ["a", "b", "c"]
    assert names(cloud, "sortBy=create_time&order=desc") == ["c", "a", "b"]


@pytest.mark.parametrize("key", ["job_desc", "status", "duration", "version_count"])
def test_jobs_can_be_sorted_by_everything_the_list_shows(cloud, bucket, key):
    create(cloud, "early", **knob(duration="10m"))
    reaches(cloud, f"{JOBS}/1/versions/1", 8)
    create(cloud, "late")
    cloud.put(f"{JOBS}/1", {"job_desc": "z"})
    cloud.post(f"{JOBS}/1/versions", {"config": {**CONFIG, "pre_version_id": 1}})
    cloud.clock.advance("1m")
    cloud.post(f"{JOBS}/2/versions/2/stop")
    rows = cloud.get(f"{JOBS}?sortBy={key}&order=desc").json["jobs"]
    assert [row[key] for row in rows] == sorted((row[key] for row in rows), reverse=True)


def test_jobs_are_searched_by_name_and_by_several_states(cloud):
    stopped = started(cloud, "JobOne")
    create(cloud, "job_two"), create(cloud, "else")
    cloud.post(f"{stopped}/stop")
    assert names(cloud, "search_content=job") == ["JobOne", "job_two"]
    assert names(cloud, "status=9") == ["JobOne"]
    assert names(cloud, "status=1%7C9&search_content=job") == ["JobOne", "job_two"]


@pytest.mark.parametrize("text", ["running", "8|", "23"])
def test_a_state_that_is_no_number_of_one_is_refused(cloud, text):
    refused = fault(cloud.get(f"{JOBS}?status={text.replace('|', '%7C')}"))
    assert refused[:2] == (400, "ModelArts.0105") and "numbers from 0 to 22" in refused[2]


def test_a_page_holds_what_was_asked_for_and_the_total_counts_all(cloud):
    for name in ("a", "b", "c"):
        create(cloud, name)
    shown = cloud.get(f"{JOBS}?per_page=2&page=2").json
    assert [row["job_name"] for row in shown["jobs"]] == ["c"] and shown["job_total_count"] == 3


def test_all_versions_are_listed_unless_a_page_is_asked_for(cloud):
    create(cloud)
    for _ in range(2):
        cloud.post(f"{JOBS}/1/versions", {"config": {**CONFIG, "pre_version_id": 1}})
    everything = cloud.get(f"{JOBS}/1/versions?per_page=1").json
    assert [version["version_name"] for version in everything["versions"]] == ["V0003", "V0002", "V0001"]
    page = cloud.get(f"{JOBS}/1/versions?per_page=1&page=2").json
    assert [version["version_name"] for version in page["versions"]] == ["V0002"]
    assert page["version_count"] == 3


def test_a_finished_built_in_algorithm_has_been_evaluated_and_a_script_has_not(cloud, bucket):
    model = started(cloud, "model", without=tuple(CODE), model_id=1)
    script = started(cloud, "script")
    assert json.loads(reaches(cloud, script, 10)["model_metric_list"]) == {}
    values = json.loads(reaches(cloud, model, 10)["model_metric_list"])["total_metric"]["total_metric_values"]
    assert all(0 < values[name] <= 1 for name in ("recall", "precision", "accuracy", "f1_score"))
    assert cloud.get(model).json["engine_version"] == "TF-1.8.0-python3.6"
