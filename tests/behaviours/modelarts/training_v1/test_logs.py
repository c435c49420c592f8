"""Stories about logs and metrics of v1 training jobs, while they run and afterwards."""

import pytest

from tests.conftest import refusal

JOBS = "/v1/{project_id}/training-jobs"
VERSION = f"{JOBS}/1/versions/1"
CONFIG = {"model_id": 1, "data_url": "/usr/data/", "spec_id": 5, "worker_server_num": 2}
LINES = f"{VERSION}/aom-log?log_file=job-jobtest-tf.0"
BYTES = f"{VERSION}/log?log_file=job-jobtest-tf.0"


def start(cloud, label: str, value: str) -> None:
    """Begin job 1 with a parameter over data that is there."""
    cloud.world.obs.create_bucket("usr")
    cloud.world.obs.write("usr", "data/images.bin", b"content", content_type="text/plain")
    config = {**CONFIG, "parameter": [{"label": label, "value": value}]}
    assert cloud.post(JOBS, {"job_name": "jobtest_TF", "config": config}).status == 200


@pytest.fixture
def running(cloud):
    """A cloud in which version 1 of job 1 has run for five of its ten minutes."""
    start(cloud, "näme", "wörd")
    cloud.clock.until(lambda: cloud.get(VERSION).json["status"] == 8)
    cloud.clock.advance(300 / cloud.world.pace)
    return cloud


def whole(cloud) -> str:
    """The log of the first node, read by byte."""
    text, start = "", 0
    while piece := cloud.get(f"{BYTES}&start_byte={start}&offset=2048").json["log"]:
        text, start = text + piece, start + len(piece.encode())
    return text


def test_nothing_is_printed_before_a_job_runs(cloud):
    cloud.post(JOBS, {"job_name": "jobtest_TF", "config": CONFIG})
    assert cloud.get(LINES).json == {
        "is_success": True,
        "content": "",
        "lines": 0,
        "start_line": "",
        "end_line": "",
    }
    assert cloud.get(BYTES).json["log_byte_count"] == 0


def test_a_log_grows_with_the_job_and_never_changes_what_was_read(running):
    early = whole(running)
    assert "epoch 4/10" in early and "epoch 6/10" not in early
    running.clock.advance("1h")
    late = whole(running)
    printed, _, closing = late.partition("[Modelarts Service Log]Training completed.")
    assert late.startswith(early) and closing.endswith(f"total length: {len(printed.encode())}\n")


def test_the_newest_lines_come_without_a_cursor(running):
    answer = running.get(f"{LINES}&lines=2&order=desc").json
    assert answer["lines"] == 2 and len(answer["end_line"]) == 19
    assert answer["content"] == "\n".join(f"{line}\n" for line in whole(running).splitlines()[-2:])


def read_on(cloud, cursor: str, order: str) -> list[str]:
    """The contents of all pages of three lines from the cursor on."""
    pages = []
    while True:
        answer = cloud.get(f"{LINES}&lines=3&order={order}&base_line={cursor}").json
        if not answer["lines"]:
            return pages
        pages.append(answer["content"])
        cursor = answer["end_line" if order == "desc" else "start_line"]


def test_reading_down_from_before_the_first_line_gives_every_line_once(running):
    assert "\n".join(read_on(running, "1", "desc")).replace("\n\n", "\n") == whole(running)


def test_reading_up_from_beyond_the_last_line_gives_every_line_once(running):
    pages = read_on(running, "8" * 19, "asc")
    assert "\n".join(reversed(pages)).replace("\n\n", "\n") == whole(running)


def test_no_lines_are_read_when_none_are_asked_for(running):
    assert running.get(f"{LINES}&lines=0").json["content"] == ""


def test_the_newest_bytes_come_for_start_byte_minus_one(running):
    text = whole(running).encode()
    answer = running.get(f"{BYTES}&start_byte=-1&offset=100").json
    assert answer["log"].encode() == text[-100:] and answer["end_byte"] == len(text)
    assert (answer["count"], answer["log_byte_count"]) == ("100", 100)


def test_a_negative_offset_reads_what_lies_before(running):
    text = whole(running).encode()
    assert running.get(f"{BYTES}&start_byte=50&offset=-20").json["log"].encode() == text[30:50]
    assert running.get(f"{BYTES}&start_byte=20&offset=-50").json["log"].encode() == text[:20]


def test_beyond_the_end_there_is_nothing_to_read(running):
    answer = running.get(f"{BYTES}&start_byte=100000").json
    assert (answer["log"], answer["end_byte"]) == ("", len(whole(running).encode()))


def test_each_node_says_who_it_is_and_that_a_stopped_job_was_killed(running):
    running.post(f"{VERSION}/stop")
    text = running.get(f"{VERSION}/log?log_file=job-jobtest-tf.1").json["log"]
    assert "node 1 starts" in text and "Training killed." in text


@pytest.mark.parametrize(
    "path",
    [
        "aom-log?log_file=log1.log",
        "aom-log?log_file=job-jobtest-tf.0&base_line=newest",
        f"aom-log?log_file=job-jobtest-tf.0&base_line={'1' * 5000}",
        "log?log_file=log1.log",
        "pod/pod1/metric-statistic",
        "pod/job-jobtest-tf.0/metric-statistic?metrics=gpuUtil,heat",
    ],
)
def test_what_a_version_does_not_have_is_refused_with_the_documented_code(running, path):
    assert refusal(running.get(f"{VERSION}/{path}")) == (400, "ModelArts.0105")


def metrics(cloud, query: str = "") -> list:
    """(name, number of values) of the series that a query selects."""
    answer = cloud.get(f"{VERSION}/pod/job-jobtest-tf.1/metric-statistic?{query}").json
    assert answer["interval"] == 1
    return [(series["metric"], len(series["value"])) for series in answer["metrics"]]


def test_a_node_shows_all_metrics_a_value_a_minute(running):
    shown = dict(metrics(running))
    assert len(shown) == 8 and set(shown.values()) == {6}


def test_metrics_are_shown_by_the_names_they_were_asked_for(running):
    assert [name for name, _ in metrics(running, "metrics=GpuUtil,cpuUsage")] == ["GpuUtil", "cpuUsage"]


def test_gpu_metrics_are_averaged_or_one_series_a_gpu(running):
    assert metrics(running, "metrics=gpuUtil&statistic_type=all") == [("gpuUtil", 6)]
    assert metrics(running, "metrics=gpuUtil,cpuUsage&statistic_type=each") == [("gpuUtil", 6)] * 8 + [
        ("cpuUsage", 6)
    ]


def test_a_version_shows_the_series_of_its_first_node(running):
    pod = running.get(f"{VERSION}/pod/job-jobtest-tf.0/metric-statistic?metrics=cpuUsage").json["metrics"][0]
    assert running.get(VERSION).json["system_metric_list"]["cpuUsage"] == pod["value"]


def test_a_script_that_runs_for_days_is_sampled_less_often(cloud):
    start(cloud, "EMULATOR_DURATION", "10d")
    cloud.clock.until(lambda: cloud.get(VERSION).json["status"] == 10)
    shown = cloud.get(VERSION).json["system_metric_list"]
    assert shown["interval"] == 11 and len(shown["cpuUsage"]) == 1310


def test_a_machine_without_gpus_uses_none(cloud):
    cloud.post(JOBS, {"job_name": "jobtest_TF", "config": {**CONFIG, "spec_id": 2}})
    cloud.clock.until(lambda: cloud.get(VERSION).json["status"] == 11)
    assert set(cloud.get(VERSION).json["system_metric_list"]["gpuUtil"]) == {"0"}


def test_the_emulator_shows_the_log_of_each_node_of_the_newest_version(running):
    shown = running.get("/_emulator/logs/jobtest_TF").json
    first, second = shown["logs"]
    assert shown == running.get("/_emulator/logs/1").json
    assert (shown["version"], shown["over"], second["task"]) == ("V0001", False, "job-jobtest-tf.1")
    assert first["output"] == running.get(BYTES).json["log"]
