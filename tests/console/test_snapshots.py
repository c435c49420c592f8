"""Snapshots in the console."""

from tests.conftest import JOB
from tests.console.conftest import whole

SNAPSHOTS = "/console/snapshots/"
JOBS = "/v2/{project_id}/training-jobs"


def test_a_snapshot_is_taken_compared_put_back_and_deleted(browser, cloud):
    assert browser.post(SNAPSHOTS, {"name": "console-test"}).status == 303
    assert "console-test" in whole(browser, SNAPSHOTS).text
    assert "Nothing has changed." in whole(browser, f"{SNAPSHOTS}console-test").text
    id = cloud.post(JOBS, JOB).json["metadata"]["id"]
    assert "training_job" in whole(browser, f"{SNAPSHOTS}console-test").text
    assert browser.post(f"{SNAPSHOTS}console-test/load").status == 303
    assert cloud.get(f"{JOBS}/{id}").status == 400
    assert browser.post(f"{SNAPSHOTS}console-test/delete").status == 303
    assert "console-test" not in browser.get(SNAPSHOTS).text


def test_a_name_that_no_snapshot_may_have_is_refused_in_words(browser):
    page = browser.post(SNAPSHOTS, {"name": "../x"})
    assert (page.status, "$.name" in page.text) == (400, True)
    assert browser.get(f"{SNAPSHOTS}nothing").status == 404
