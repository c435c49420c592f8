"""Training jobs in the console: the list, one job with its log and curves, the trials of a search."""

import pytest

from tests.behaviours.modelarts.training.conftest import LONG, create, running, searching, show
from tests.console.conftest import whole

JOBS = "/console/training/"


def test_the_list_shows_what_the_api_lists(browser, cloud):
    assert "There is no training job." in browser.get(JOBS).text
    id = create(cloud)
    page = whole(browser, JOBS)
    assert f"{JOBS}{id}?world={cloud.world.tag}" in [link["href"] for link in page.all("a")]
    assert "resnet" in page.text and "Creating" in page.text


def test_a_list_of_many_jobs_is_paged(browser, cloud):
    for number in range(53):
        create(cloud, metadata__name=f"job-{number}")
    page = whole(browser, JOBS)
    assert len(page.all("tr")) == 51 and "1–50 / 53" in page.text
    rest = whole(browser, JOBS, offset=50)
    assert len(rest.all("tr")) == 4 and "51–53 / 53" in rest.text


def test_a_job_is_shown_with_stages_log_and_events(browser, cloud):
    id = running(cloud, algorithm__environments=LONG)
    cloud.clock.advance("20s")
    page = whole(browser, f"{JOBS}{id}")
    assert "Running" in page.heads["span"] and "Running the training script" not in page.text
    assert "Running the job" in page.text and "Training job is running." in page.text
    assert "begins at" in page.heads["pre"][0]
    assert [each["aria-label"] for each in page.all("svg") if "aria-label" in each][:2] == [
        "worker-0 cpuUsage",
        "worker-0 memUsage",
    ]
    assert "作业运行" in browser.get(f"{JOBS}{id}", lang="zh").text


def test_a_log_is_read_on_from_where_it_was(browser, cloud):
    id = running(cloud, algorithm__environments=LONG)
    log = f"{JOBS}{id}/log/worker-0"
    first = browser.get(log)
    size = int(first.headers["x-log-size"])
    assert len(first.body) == size > 0
    cloud.clock.advance("3h")
    more = browser.get(log, **{"from": size})
    assert more.body and size + len(more.body) == int(more.headers["x-log-size"])
    assert first.body + more.body == browser.get(log).body


def test_a_job_is_stopped_by_its_button_and_not_by_looking(browser, cloud):
    id = running(cloud, algorithm__environments=LONG)
    assert browser.get(f"{JOBS}{id}/stop").status == 405
    assert browser.post(f"{JOBS}{id}/stop").status == 303
    cloud.clock.advance("1m")
    assert show(cloud, id)["status"]["phase"] == "Terminated"
    again = browser.post(f"{JOBS}{id}/stop")
    assert again.status == 409 and "ModelArts." in again.text


def test_a_job_that_is_not_there_is_refused_in_the_words_of_the_api(browser):
    page = browser.get(f"{JOBS}9d1b2c3e-0000-4000-8000-000000000000")
    assert (page.status, "ModelArts.2775" in page.text) == (400, True)


@pytest.fixture
def search(cloud):
    """The id of a search job of which all trials are over."""
    id = create(cloud, algorithm__policies=searching())
    cloud.clock.advance("1d")
    return id


def test_a_search_is_shown_as_a_table_curves_and_what_its_parameters_matter(browser, search):
    page = whole(browser, f"{JOBS}{search}/search")
    assert len(page.all("tr")) == 5
    pictures = [each["aria-label"] for each in page.all("svg") if "aria-label" in each]
    assert pictures == ["Learning curves", "Best so far", "Parameters and reward", "lr"]


def test_a_trial_is_stopped_early_by_its_button(browser, cloud):
    id = create(cloud, algorithm__policies=searching(), algorithm__environments=LONG)
    cloud.clock.advance("1s")
    page = whole(browser, f"{JOBS}{id}/search")
    (address,) = [form["action"] for form in page.all("form") if "/search/" in form["action"]]
    path = address.partition("?")[0]
    assert browser.post(path).status == 303
    trial = path.split("/")[-2]
    stopped = browser.get(f"{JOBS}{id}/search")
    assert path not in [form["action"].partition("?")[0] for form in stopped.all("form")]
    assert trial in stopped.text
