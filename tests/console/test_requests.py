"""The journal of requests in the console."""

from tests.conftest import JOB
from tests.console.conftest import whole

REQUESTS = "/console/requests/"
JOBS = "/v2/{project_id}/training-jobs"


def test_the_journal_is_shown_the_last_first_and_filtered(browser, cloud):
    cloud.post(JOBS, JOB)
    cloud.get(f"{JOBS}/none")
    page = whole(browser, REQUESTS)
    assert page.text.index("ShowTrainingJobDetails") < page.text.index("CreateTrainingJob")
    refused = whole(browser, REQUESTS, status="4xx")
    assert "ShowTrainingJobDetails" in refused.text and "CreateTrainingJob" not in refused.text


def test_the_journal_finds_what_names_a_job_and_the_page_of_the_job_leads_there(browser, cloud):
    id = cloud.post(JOBS, JOB).json["metadata"]["id"]
    cloud.get(f"{JOBS}/none")
    page = whole(browser, f"/console/training/{id}")
    assert '"kind": "job"' in page.text
    assert f"contains={id}" in str([each["href"] for each in page.all("a")])
    found = whole(browser, REQUESTS, contains=id)
    assert "CreateTrainingJob" in found.text and "ShowTrainingJobDetails" not in found.text


def test_all_that_is_wrong_with_a_request_is_listed(browser, cloud):
    reply = cloud.post(JOBS, {"kind": "jub"})
    page = whole(browser, f"{REQUESTS}{reply.headers['x-request-id']}")
    assert "All that is wrong" in page.text and "With the body that would have been right." in page.text
    assert "/console/operations/CreateTrainingJob" in str([each["href"] for each in page.all("a")])


def test_looking_at_the_console_is_no_request_of_the_journal(browser, cloud):
    for path in ("", "training/", "services/", "chat/", "requests/"):
        assert browser.get(f"/console/{path}").status == 200
    assert cloud.get("/_emulator/journal").json == {"exchanges": []}


def test_a_refused_request_is_explained_and_can_be_copied(browser, cloud):
    reply = cloud.post(JOBS, {**JOB, "kind": 5})
    page = whole(browser, f"{REQUESTS}{reply.headers['x-request-id']}")
    assert "the request breaks the documented schema" in page.text
    assert any(text.startswith("curl -X POST") for text in page.heads["pre"])
    assert "client.create_training_job(" in page.text


def test_a_request_that_was_served_can_be_copied(browser, cloud):
    reply = cloud.post(JOBS, JOB)
    page = whole(browser, f"{REQUESTS}{reply.headers['x-request-id']}")
    assert "curl -X POST" in page.text and cloud.token not in page.body.decode()


def test_a_long_journal_is_paged(browser, cloud):
    for _ in range(120):
        cloud.get(f"{JOBS}/none")
    assert len(whole(browser, REQUESTS, operation="Show*").all("tr")) == 101
    assert len(whole(browser, REQUESTS, operation="Show*", offset=100).all("tr")) == 21
