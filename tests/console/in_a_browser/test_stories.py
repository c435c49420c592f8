"""What one does with the console in a browser, and what it shows by itself meanwhile."""

import json
import re

import pytest
from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.cloud import Cloud

from tests.behaviours.modelarts.conftest import (
    CONFIG,
    ECHO,
    asked,
    deployed,
    entry,
    published,
    put_package,
    shown,
)
from tests.behaviours.modelarts.training.conftest import LONG, create, phase, running, searching
from tests.console.in_a_browser.conftest import WIDE, Tab

SIZES = """
from model_service.python_model_service import XgSklServingBaseService


class Sizes(XgSklServingBaseService):
    def _preprocess(self, data):
        return {name: len(file.read()) for name, file in data["images"].items()} | {"note": data["note"]}

    def _inference(self, data):
        return data

    def _postprocess(self, data):
        return data
"""
PICTURE = {"type": "object", "properties": {"images": {"type": "file"}, "note": {"type": "string"}}}


def test_a_job_that_is_watched_writes_its_log_and_ends_by_its_button(tab, cloud):
    id = running(cloud, algorithm__environments=LONG)
    cloud.clock.run(0.001)
    tab.open(f"/console/training/{id}")
    before = tab.find("pre[role=log]").inner_text()
    cloud.clock.run(60)
    tab.renew()
    tab.wait_for("epoch 1/", "pre")
    assert tab.find("pre[role=log]").inner_text().startswith(before)
    tab.wait_for("cpuUsage", "figcaption")
    cloud.clock.freeze()
    tab.page.get_by_role("button", name="Stop the job").click()
    cloud.clock.advance("1m")
    tab.renew()
    tab.wait_for("Terminated", ".status")
    assert phase(cloud, id) == "Terminated" and tab.find("button", has_text="Stop the job").count() == 0


def test_a_job_that_is_opened_before_it_runs_shows_its_log_once_it_does(tab, cloud):
    cloud.clock.run(0.001)
    id = create(cloud, algorithm__environments=LONG)
    tab.open(f"/console/training/{id}")
    cloud.clock.run(60)
    tab.renew()
    tab.wait_for("begins at", "pre")
    assert tab.find(".empty").count() == 0


def test_a_search_that_is_watched_grows_and_a_trial_is_stopped_early(tab, cloud):
    policy = searching(algo_configs=[{"name": "tpe_search", "params": []}])
    id = create(cloud, algorithm__policies=policy, algorithm__environments=LONG)
    cloud.clock.advance("2s")
    tab.open(f"/console/training/{id}/search")
    rows, stops = tab.find("tbody tr"), tab.page.get_by_role("button", name="Early stop")
    first = stops.first.get_attribute("aria-label").split()[-1]
    count = rows.count()
    stops.first.click()
    row = tab.find("tbody tr", has_text=first)
    row.locator(".status", has_text="TERMINATED").wait_for()
    cloud.clock.run(30)
    tab.page.wait_for_function(f"() => document.querySelectorAll('tbody tr').length > {count}")
    tab.find("figure").nth(2).wait_for()
    tab.page.get_by_role("link", name="best first").click()
    rewards = tab.find("tbody td:nth-child(4)").all_inner_texts()
    assert [each for each in rewards if each] == sorted(filter(None, rewards), key=float, reverse=True)


def test_a_service_is_tried_with_json_and_counts_by_itself(tab, cloud):
    service = deployed(cloud, entry(published(cloud, put_package(cloud, code=ECHO))))
    tab.open(f"/console/services/{service}")
    tab.find("textarea").fill(json.dumps({"data": {"req_data": [{"pixel": 7}]}}))
    tab.page.get_by_role("button", name="Predict").click()
    tab.wait_for('"pixel": 7', "pre")
    assert re.search(r"200\s+[\d.]+ ms", tab.find("[role=status]").inner_text())
    asked(cloud, service)
    tab.renew()
    tab.page.wait_for_function("() => document.querySelector('.tiles').innerText.match(/Calls\\s+2/)")
    assert shown(cloud, service)["invocation_times"] == 2


def test_a_service_that_declares_a_file_gets_the_one_that_is_chosen(tab, cloud):
    api = {**CONFIG["apis"][0], "request": {"Content-type": "application/json", "data": PICTURE}}
    package = put_package(cloud, code=SIZES, config=CONFIG | {"apis": [api]})
    service = deployed(cloud, entry(published(cloud, package)))
    tab.open(f"/console/services/{service}")
    file = {"name": "seven.png", "mimeType": "image/png", "buffer": b"x" * 321}
    tab.page.get_by_label("images").set_input_files(file)
    tab.page.get_by_label("note").fill("a seven")
    tab.page.get_by_role("button", name="Predict").click()
    tab.wait_for("seven.png", "pre")
    assert json.loads(tab.find("pre[aria-label=Answer]").inner_text()) == {
        "seven.png": 321,
        "note": "a seven",
    }
    tab.open("/console/requests/")
    tab.page.get_by_role("link", name="prediction").wait_for()


def test_a_chat_is_streamed_and_goes_on(tab):
    tab.open("/console/chat/")
    for turn, words in enumerate(("Hello there", "And now?"), 1):
        tab.page.get_by_label("Your message").fill(words)
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_function(
            "turn => JSON.parse(document.querySelector('[name=history]').value).length === 2 * turn", arg=turn
        )
    said = tab.find("[data-talk] p").all_inner_texts()
    assert len(said) == 4 and "Hello there" in said[0] and len(said[1].split()) > 3
    assert re.fullmatch(r"asked \d+ \+ answered \d+ tokens", tab.find("[data-usage]").inner_text())


@pytest.mark.parametrize(
    ("service", "name"), [("MaaS", "DeepSeek-V3"), ("Pangu", "Pangu-NLP-N1-Chat-32K-20241130")]
)
def test_a_tool_that_a_model_asks_for_is_answered_by_what_is_sent_next(tab, service, name):
    weather = {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    tab.open("/console/chat/")
    tab.page.get_by_label("Model", exact=True).select_option(label=f"{service} {name}")
    tab.find("summary").click()
    tab.page.get_by_label("Tools as JSON").fill(json.dumps([{"type": "function", "function": weather}]))
    tab.page.get_by_label("Your message").fill("What is the weather in Paris?")
    tab.page.get_by_role("button", name="Send").click()
    tab.wait_for("weather(", "[data-talk] code")
    tab.find("[data-tool-hint]").wait_for()
    tab.page.get_by_label("Your message").fill("sunny, 21 degrees")
    tab.page.get_by_role("button", name="Send").click()
    tab.page.wait_for_function(
        "() => JSON.parse(document.querySelector('[name=history]').value).length === 4"
    )
    history = json.loads(tab.find("[name=history]").input_value())
    assert [each["role"] for each in history] == ["user", "assistant", "tool", "assistant"]


def test_objects_are_uploaded_looked_at_and_deleted(tab, cloud):
    tab.open("/console/obs/")
    tab.page.get_by_label("Create a bucket", exact=True).and_(tab.find("input")).fill("pictures")
    tab.page.get_by_role("button", name="Create").click()
    tab.page.get_by_label("Into the folder").fill("a/b/")
    tab.page.get_by_label("File").set_input_files(
        {"name": "one.txt", "mimeType": "text/plain", "buffer": b"hello"}
    )
    tab.page.get_by_role("button", name="Upload").click()
    tab.page.get_by_role("link", name="one.txt").click()
    tab.wait_for("hello", "pre")
    assert cloud.world.obs.read("pictures", "a/b/one.txt") == b"hello"
    tab.page.get_by_role("button", name="Delete").click()
    tab.wait_for("There is no object here.", ".empty")
    assert cloud.world.obs.keys("pictures") == []


def test_a_request_that_is_refused_appears_by_itself_and_is_explained_and_copied(tab, cloud):
    tab.open("/console/requests/")
    cloud.post("/v2/{project_id}/training-jobs", {"kind": "jub"})
    tab.renew()
    tab.page.get_by_role("link", name="CreateTrainingJob").click()
    tab.wait_for("the request breaks the documented schema", ".refusal")
    tab.wait_for("ModelArts.2788", "code")
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for name, says in (("As curl", "curl "), ("With the official SDK", "huaweicloudsdkmodelarts")):
        button = tab.page.get_by_role("button", name=f"Copy: {name}")
        button.click()
        button.get_by_text("Copied").wait_for()
        assert says in tab.page.evaluate("navigator.clipboard.readText()")


def test_the_journal_is_filtered(tab, cloud):
    create(cloud)
    cloud.get("/v2/{project_id}/training-jobs/none")
    tab.open("/console/requests/")
    assert tab.find("tbody tr").count() == 3
    tab.page.get_by_label("Status such as").fill("4xx")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**status=4xx**")
    assert tab.find("tbody tr").count() == 1
    assert "ShowTrainingJobDetails" in tab.find("tbody").inner_text()


def test_a_fault_is_asked_for_strikes_and_is_taken_back(tab, cloud):
    tab.open("/console/faults/")
    tab.page.get_by_label("Operation or pattern").fill("ListWorkspace")
    tab.page.get_by_label("HTTP status").fill("503")
    tab.page.get_by_label("Latency").fill("soon")
    tab.page.get_by_role("button", name="Ask for a fault").click()
    tab.wait_for("'soon' is not a duration", ".fault")
    assert tab.page.evaluate("document.activeElement.id") == "latency"
    tab.errors.clear()
    tab.page.get_by_role("link", name="中文").click()
    tab.page.get_by_role("link", name="English").click()
    tab.page.get_by_label("Operation or pattern").fill("ListWorkspace")
    tab.page.get_by_label("HTTP status").fill("503")
    tab.page.get_by_role("button", name="Ask for a fault").click()
    tab.wait_for("status=503", "td")
    assert cloud.get("/v1/{project_id}/workspaces").status == 503
    tab.page.get_by_role("button", name="Take back").click()
    tab.wait_for("There is no fault.", ".empty")
    assert cloud.get("/v1/{project_id}/workspaces").status == 200


def test_a_snapshot_tells_what_has_changed_and_is_put_back(tab, cloud):
    tab.open("/console/snapshots/")
    tab.page.get_by_label("Take a snapshot").and_(tab.find("input")).fill("before")
    tab.page.get_by_role("button", name="Create").click()
    id = create(cloud)
    tab.page.get_by_role("link", name="What has changed since before").click()
    tab.wait_for(id, "td")
    tab.page.go_back()
    tab.page.get_by_role("button", name="Put back before").click()
    tab.page.wait_for_load_state()
    assert cloud.get(f"/v2/{{project_id}}/training-jobs/{id}").status == 400


def test_an_operation_is_found_and_sent(tab, cloud):
    tab.open("/console/operations/")
    tab.page.get_by_label("Contains").fill("createworkspace")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_role("link", name="CreateWorkspace", exact=True).click()
    tab.page.get_by_label("Body as JSON").fill('{"name": "from-the-console"}')
    tab.page.get_by_role("button", name="Send").click()
    tab.wait_for("200", "[role=status]")
    assert "from-the-console" in cloud.get("/v1/{project_id}/workspaces").text


def test_the_clock_goes_on_in_sight_stands_and_is_driven_until_something_is_the_case(tab, cloud):
    id = create(cloud)
    tab.open("/console/")
    tab.wait_for("resnet", "#due td")
    tab.page.get_by_role("button", name="To what falls due next").click()
    assert phase(cloud, id) == "Pending"
    tab.find("summary", has_text="Advance until").click()
    tab.page.get_by_label("Id", exact=True).fill(id)
    tab.page.get_by_role("button", name="Advance until then").click()
    tab.wait_for("Completed 1", "#living .status")
    tab.page.get_by_label("Speed").fill("50")
    tab.page.get_by_role("button", name="Run").click()
    tab.wait_for("× 50", "#clock .status")
    told = tab.find("[data-clock]").inner_text()
    tab.page.wait_for_function("told => document.querySelector('[data-clock]').innerText > told", arg=told)
    tab.page.get_by_role("button", name="Freeze").click()
    tab.wait_for("The clock stands still.", "#clock .status")


def test_a_page_that_is_renewed_keeps_the_place_of_the_keyboard(tab, cloud):
    create(cloud, algorithm__environments=LONG)
    tab.open("/console/training/")
    tab.find("tbody a").first.focus()
    focused = tab.page.evaluate("document.activeElement.href")
    cloud.clock.run(60)
    tab.renew()
    tab.wait_for("Running", ".status")
    assert tab.page.evaluate("document.activeElement.href") == focused


def test_worlds_and_languages_are_chosen(tab, cloud):
    create(cloud)
    tab.open("/console/training/")
    tab.page.get_by_role("link", name="中文").click()
    assert tab.find("h1").inner_text() == "训练作业" and tab.find("tbody tr").count() == 1
    default = cloud.emulator.application.worlds.default.tag
    tab.page.get_by_label("世界").select_option(default)
    tab.page.get_by_role("button", name="切换").click()
    tab.page.wait_for_url(f"**world={default}**")
    assert tab.page.get_by_label("世界").input_value() == default


def test_a_page_whose_emulator_has_gone_says_so(chromium):
    with Emulator() as emulator:
        tab = Tab(chromium, Cloud(emulator, emulator.application.worlds.default), WIDE)
        tab.cloud.clock.run()
        tab.open("/console/")
    tab.renew()
    tab.wait_for("does not answer", ".offline")
    assert any("ERR_CONNECTION_REFUSED" in each for each in tab.errors)
    tab.errors.clear()
    tab.close()
