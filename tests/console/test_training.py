"""Training jobs in the console: the list, one job with its log and curves, the trials of a search."""

import pytest

from tests.behaviours.modelarts.training.conftest import LONG, create, running, searching, show
from tests.console.conftest import whole

JOBS = "/console/training/"
TRIALS = "/v2/{{project_id}}/training-jobs/{}/autosearch-trials"
ANALYSIS = "/v2/{{project_id}}/training-jobs/{}/autosearch-parameter-analysis"
MANY = {"name": "anneal_search", "params": [{"key": "num_samples", "type": "Integer", "value": "210"}]}


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


def pictures(page) -> list[str]:
    """The names of the pictures on a page."""
    return [each["aria-label"] for each in page.all("svg") if "aria-label" in each]


def test_a_search_is_shown_as_a_table_and_curves(browser, search):
    page = whole(browser, f"{JOBS}{search}/search")
    assert len(page.all("tr")) == 5
    assert pictures(page) == ["Learning curves", "Best so far", "Parameters and reward"]


def test_what_the_parameters_of_a_search_matter_is_a_page_that_its_own_leads_to(browser, cloud, search):
    page = whole(browser, f"{JOBS}{search}/search")
    importance = f"{JOBS}{search}/search/importance"
    (part,) = [each["data-page"] for each in page.all("div") if "data-page" in each]
    assert part in [each["href"] for each in page.all("a")] and part.partition("?")[0] == importance
    shown, told = whole(browser, importance), cloud.get(f"{ANALYSIS.format(search)}").json["data"]
    assert pictures(shown) == ["lr"] and told[0][1].replace("/", " ± ") in shown.text


def test_a_search_of_many_trials_is_drawn_with_some_of_them_and_each_step_of_the_best(browser, cloud):
    id = create(cloud, algorithm__policies=searching(algo_configs=[MANY]))
    cloud.clock.advance("3d")
    page = browser.get(f"{JOBS}{id}/search")
    table = cloud.get(f"{TRIALS.format(id)}?limit=1000").json["items"]
    rewards = [float(row[table["header"].index("best_reward")]) for row in table["data"]]
    drawn = [each for each in page.all("circle") if each["class"] == "dots"]
    # Every second one, perhaps the best beside them, and one dot of the legend.
    assert len(rewards) == 210 and len(drawn) - 1 in (105, 106)
    assert f"({len(drawn) - 1} / 210 trials drawn)" in page.text
    steps = [each["points"].split() for each in page.all("polyline") if each["class"] == "best"][2]
    bests = [max(rewards[:at]) for at in range(1, 211)]
    # A step is two points, but for the first; the line goes on to the last trial where that is not a step itself.
    assert len(steps) == 2 * len(set(bests)) - 1 + (bests[-1] == bests[-2])


def test_the_curves_of_a_search_go_on_with_its_trials(browser, cloud):
    id = create(cloud, algorithm__policies=searching(), algorithm__environments=LONG)
    cloud.clock.advance("1s")
    counts = []
    for _ in range(3):
        page = browser.get(f"{JOBS}{id}/search")
        counts.append(sum(len(each["points"].split()) for each in page.all("polyline")))
        cloud.clock.advance(0.5)
    assert counts == sorted(set(counts))


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
