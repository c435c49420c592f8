"""The documented operations in the console."""

import json

from tests.conftest import JOB
from tests.console.conftest import whole

OPERATIONS = "/console/operations/"


def test_operations_are_listed_in_pages_and_found_by_words(browser, cloud):
    total = len(list(cloud.emulator.application.operations))
    assert f"1–100 / {total}" in whole(browser, OPERATIONS).text
    found = whole(browser, OPERATIONS, words="stop training-jobs")
    assert "StopTrainingJob" in found.text and "CreateNetwork" not in found.text


def test_an_operation_is_shown_with_facts_and_sent_by_its_form(browser, cloud):
    page = whole(browser, f"{OPERATIONS}CreateTrainingJob")
    assert "POST /v2/{project_id}/training-jobs" in page.text and "emulated" in page.text
    assert json.loads(page.heads["textarea"][0])["kind"]
    form = {"path.project_id": cloud.project_id, "body": json.dumps(JOB)}
    told = browser.post(f"{OPERATIONS}CreateTrainingJob", form)
    assert "201" in told.heads["span"]
    assert cloud.get("/_emulator/journal").json["exchanges"][-1]["operation"] == "CreateTrainingJob"


def test_what_the_api_refuses_is_shown_as_it_answers(browser, cloud):
    form = {"path.project_id": cloud.project_id, "path.training_job_id": "none"}
    told = browser.post(f"{OPERATIONS}ShowTrainingJobDetails", form)
    assert told.status == 200 and "400" in told.heads["span"] and "ModelArts." in told.heads["pre"][0]


def test_a_path_that_is_not_filled_in_is_not_sent(browser):
    page = browser.post(f"{OPERATIONS}ShowTrainingJobDetails", {"path.project_id": "x"})
    assert (page.status, "path.training_job_id: " in page.text) == (400, True)


def test_models_with_an_api_key_are_asked_with_the_one_of_the_account(browser):
    told = browser.post(f"{OPERATIONS}ListMaasModels", {})
    assert "200" in told.heads["span"]
