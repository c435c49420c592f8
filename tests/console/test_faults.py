"""Faults in the console."""

from tests.console.conftest import whole

FAULTS = "/console/faults/"
JOBS = "/v2/{project_id}/training-jobs"


def test_a_fault_is_asked_for_strikes_and_is_taken_back(browser, cloud):
    assert (
        browser.post(FAULTS, {"operation": "ShowTraining*", "status": "503", "times": "2", "code": ""}).status
        == 303
    )
    assert cloud.get(f"{JOBS}/none").status == 503
    page = whole(browser, FAULTS)
    assert [text for text in page.heads["td"] if text.isdecimal()] == ["1", "1"]
    assert "status=503" in page.text and "times=2" in page.text
    (address,) = [
        form["action"] for form in page.all("form") if form["action"].partition("?")[0].endswith("/remove")
    ]
    assert browser.post(address.partition("?")[0]).status == 303
    assert cloud.get("/_emulator/faults").json == {"faults": []}


def test_a_fault_that_does_nothing_is_refused_in_words(browser):
    page = browser.post(FAULTS, {"operation": "ShowTraining*"})
    assert (page.status, "a fault needs one of" in page.text) == (400, True)
    assert [each["value"] for each in page.all("input") if each.get("name") == "operation"] == [
        "ShowTraining*"
    ]
