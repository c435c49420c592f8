"""Pages that records show: asked at an address of the emulator's own, shown by a program in the sandbox."""

import sys
from shlex import quote

import pytest
from modelarts_emulator.behaviours.modelarts import tensorboard

from tests.conftest import JOB

JOBS = "/v1/{project_id}/visualization-jobs"
# What stands in for TensorBoard: it answers what it was asked, and what it finds where that finds its logs.
STANDING_IN = """
import json, os, socket
from http.server import BaseHTTPRequestHandler
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.endswith("/die"):
            print("Died of a question", flush=True)
            os._exit(3)
        if self.path.endswith("/unread"):
            self.send_error(405)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        logs = sorted(os.path.join(at, name) for at, _, names in os.walk("/logs") for name in names)
        told = {"path": self.path, "body": body, "headers": dict(self.headers), "logs": logs}
        answer = json.dumps(told).encode()
        self.send_response(203)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    do_POST = do_GET
    def log_request(self, *_): pass
door = socket.socket(fileno=3)
while True:
    _, numbers, _, _ = socket.recv_fds(door, 1, 1)
    Handler(socket.socket(fileno=numbers[0]), ("127.0.0.1", 0), None)
"""


@pytest.fixture
def standing_in(monkeypatch):
    """A stand-in shows what TensorBoard would."""
    order_over = tensorboard.order_over

    def order(*asked_for):
        asked = order_over(*asked_for)
        limits = asked.limits._replace(mirror_seconds=0.01)
        command = f"exec {quote(sys.executable)} -c {quote(STANDING_IN)}"
        return asked._replace(command=command, limits=limits)

    monkeypatch.setattr(tensorboard, "order_over", order)
    monkeypatch.setattr(tensorboard, "trouble", lambda: "")


@pytest.fixture
def page(cloud, standing_in):
    """Ask for what lies below the page of job 1, which runs, and which a stand-in for TensorBoard shows."""
    cloud.world.obs.create_bucket("logs")
    cloud.world.obs.write("logs", "run/events.out.tfevents.1", b"1")
    rule = {"type": "stop", "time_unit": "HOURS", "duration": 2}
    cloud.post(JOBS, {"job_name": "page", "train_url": "/logs/", "schedule": [rule]})
    reaches_running(cloud)
    return lambda rest="/", **more: cloud.send(
        more.pop("method", "GET"), address_in(cloud) + rest.removeprefix("/"), auth=False, **more
    )


def address_in(cloud) -> str:
    """The path of the address that job 1 shows."""
    return cloud.get(f"{JOBS}/1").json["service_url"].removeprefix(cloud.endpoint)


def reaches_running(cloud) -> None:
    """Wait until job 1 runs."""
    cloud.clock.until(lambda: cloud.get(f"{JOBS}/1").json["status"] == 8)


def run_in(cloud):
    """What shows the page of job 1."""
    return cloud.world.volatile["modelarts/visualization-v1/runs"].find(f"{cloud.project_id}/1")


def test_a_page_is_asked_below_its_own_address_and_without_credentials(cloud, page):
    headers = {
        "Authorization": "Bearer secret",
        "Cookie": "a=b",
        "X-Auth-Token": "secret",
        "Accept": "text/css",
    }
    answer = page("/data/%2e%2e/x?tag=a%20b", method="POST", body=b"asked", headers=headers)
    assert (answer.status, answer.headers["content-type"]) == (203, "application/json")
    assert answer.json["path"] == f"{address_in(cloud)}data/%2e%2e/x?tag=a%20b"
    assert (answer.json["body"], answer.json["headers"]["accept"]) == ("asked", "text/css")
    assert not {"authorization", "cookie", "x-auth-token"} & answer.json["headers"].keys()


def test_a_page_sees_a_copy_of_the_event_files_alone_that_follows_what_comes_and_goes(cloud, page):
    obs = cloud.world.obs
    obs.write("logs", "model.pth", b"weights")
    assert page().json["logs"][-1].endswith("/run/events.out.tfevents.1")
    obs.write("logs", "later/events.out.tfevents.2", b"2")
    obs.delete("logs", "run/events.out.tfevents.1")
    while [name.rpartition("/logs/")[2] for name in page().json["logs"]] != ["later/events.out.tfevents.2"]:
        assert not run_in(cloud).done.is_set()


def test_a_page_is_there_while_its_job_runs_and_again_when_it_is_restarted(cloud, page):
    assert page().status == 203
    before = run_in(cloud)
    cloud.post(f"{JOBS}/1/stop")
    assert (page().status, page().json["error_code"]) == (404, "APIG.0101")
    before.join()
    assert not before.is_alive
    cloud.clock.until(lambda: cloud.get(f"{JOBS}/1").json["status"] == 12)
    cloud.post(f"{JOBS}/1/restart")
    reaches_running(cloud)
    assert page().status == 203
    assert run_in(cloud) is not before


@pytest.mark.parametrize(
    "end",
    [
        lambda cloud: cloud.delete(f"{JOBS}/1"),
        lambda cloud: cloud.clock.advance("2h"),
        lambda cloud: cloud.post("/_emulator/reset", {"area": "modelarts/visualization-v1"}),
        lambda cloud: cloud.emulator.application.worlds.remove(cloud.world),
    ],
    ids=["delete", "auto stop", "reset", "removal of the world"],
)
def test_nothing_is_left_of_a_page_after(cloud, page, end):
    address = address_in(cloud)
    assert cloud.get(address, auth=False).status == 203
    run = run_in(cloud)
    end(cloud)
    run.join()
    assert cloud.get(address, auth=False).status == 404
    assert (run.is_alive, run.outcome.codes) == (False, (137,))


def test_what_shows_a_page_ends_with_the_time_of_its_job_though_nobody_asks(cloud, page):
    cloud.clock.advance("30m")
    assert page().status == 203
    assert run_in(cloud).order.limits.seconds == pytest.approx(5400, abs=60)


def test_a_page_whose_program_dies_says_its_last_words_and_is_begun_anew(page):
    refused = page("/die")
    assert (refused.status, refused.json["error_code"]) == (502, "APIG.0201")
    assert "Died of a question" in refused.json["error_msg"]
    assert page().status == 203


def test_a_page_outlives_a_body_that_it_does_not_read(cloud, page):
    assert page().status == 203
    before = run_in(cloud)
    assert [page("/unread", method="POST", body=b"x" * (8 << 20)).status for _ in range(3)] == [405] * 3
    assert page().status == 203 and run_in(cloud) is before


@pytest.mark.parametrize(
    "path",
    [
        "/modelarts/tensorboard/{project_id}/2/",
        "/modelarts/mindinsight/{project_id}/1/",
        "/modelarts/tensorboard/another/1/",
        "/modelarts/tensorboard//1/",
        "/modelarts/tensorboard/{project_id}/..%2f..%2fetc%2fpasswd",
        "/modelarts/../../etc/passwd",
        "/modelarts/",
    ],
)
def test_no_other_address_leads_to_a_page(cloud, page, path):
    assert cloud.get(path, auth=False).status == 404


def test_a_name_that_is_not_of_this_machine_leads_to_no_page(page):
    assert page(headers={"Host": "evil.example"}).status == 403


def test_a_job_whose_page_cannot_be_shown_says_so_itself_and_where_it_would_be(cloud, page, monkeypatch):
    monkeypatch.setattr(tensorboard, "trouble", lambda: tensorboard.NOT_INSTALLED)
    told = cloud.get(f"{JOBS}/1").json
    assert (told["status"], "modelarts-emulator[tensorboard]" in told["error_message"]) == (8, True)
    assert page().status == 502
    assert told["error_message"] in page().json["error_msg"]


def tools_of_job(cloud, name: str, summary: dict | None = None) -> dict[str, str]:
    """{tool: the path of its page} of a training job that runs."""
    cloud.world.obs.create_bucket("logs")
    switches = {f"{tool}/enable": "true" for tool in ("tensorboard", "jupyter-lab")}
    body = JOB | {"metadata": {"name": name, "annotations": switches}}
    body["algorithm"] = JOB["algorithm"] | ({"summary": summary} if summary else {})
    body["spec"] = JOB["spec"] | {"log_export_path": {"obs_url": f"/logs/{name}/"}}
    id = cloud.post("/v2/{project_id}/training-jobs", body).raise_for_status().json["metadata"]["id"]
    cloud.world.obs.write("logs", f"{name}/events.out.tfevents.{name}", b"1")
    path = f"/v2/{{project_id}}/training-jobs/{id}"
    cloud.clock.until(lambda: cloud.get(path).json["status"]["phase"], equals="Running")
    endpoints = cloud.get(path).json["endpoints"]
    return {"job": id} | {tool: each["url"].removeprefix(cloud.endpoint) for tool, each in endpoints.items()}


def events_shown(cloud, path: str) -> list[str]:
    """The event files that the page sees, once it sees any."""
    while not (logs := cloud.get(path, auth=False).json["logs"]):
        continue
    return logs


def test_a_training_job_shows_its_event_files_while_it_runs(cloud, standing_in):
    shown = tools_of_job(cloud, "own")
    assert events_shown(cloud, shown["tensorboard"]) == ["/logs/events.out.tfevents.own"]
    assert cloud.get(shown["tensorboard"], auth=False).json["path"] == shown["tensorboard"]
    other = cloud.get(shown["jupyter_lab"], auth=False)
    assert other.status == 502 and "there is no jupyter_lab here" in other.json["error_msg"]
    stop = f"/v2/{{project_id}}/training-jobs/{shown['job']}/actions"
    run = cloud.world.volatile["modelarts/training/tools/runs"].find(shown["job"])
    cloud.post(stop, {"action_type": "terminate"}).raise_for_status()
    assert run.done.wait(10) and cloud.get(shown["tensorboard"], auth=False).status == 404


def test_a_training_job_shows_where_its_summary_or_that_of_its_data_source_says(cloud, standing_in):
    cloud.world.obs.create_bucket("summaries")
    for name in ("a", "b"):
        cloud.world.obs.write("summaries", f"{name}/events.out.tfevents.{name}", b"1")
    summaries = [
        {"log_type": "tensorboard", "log_dir": {"pfs": {"pfs_path": f"/summaries/{each}/"}}} for each in "ab"
    ]
    first = tools_of_job(cloud, "first", summaries[0])
    assert events_shown(cloud, first["tensorboard"]) == ["/logs/events.out.tfevents.a"]
    second = tools_of_job(
        cloud, "second", {**summaries[1], "data_sources": [{"job": {"job_id": first["job"]}}]}
    )
    assert events_shown(cloud, second["tensorboard"]) == ["/logs/events.out.tfevents.a"]


def test_a_training_job_without_the_annotation_has_no_page(cloud, standing_in):
    job = cloud.post("/v2/{project_id}/training-jobs", JOB).json["metadata"]["id"]
    assert cloud.get(f"/modelarts/tensorboard/{cloud.project_id}/{job}/", auth=False).status == 404
