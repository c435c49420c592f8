"""Science tasks in the console: the list, one task with its figures and files."""

import pytest

from tests.behaviours.pangu.conftest import era5
from tests.console.conftest import sent_command, whole

SCIENCE = "/console/science/"


@pytest.fixture
def task(browser, cloud):
    """The id of a task that the command of the empty page has made."""
    cloud.world.obs.create_bucket("weather")
    cloud.world.obs.write("weather", "input/start.nc", era5("2024-07-31 00:00:00"))
    reply = sent_command(cloud, browser.get(SCIENCE).heads["pre"][0])
    assert reply.status == 200, reply
    return reply.json["task_id"]


def test_a_page_without_science_tasks_says_what_makes_one(browser):
    assert "There is no science task." in whole(browser, SCIENCE).text


def test_a_task_is_listed_and_shown_before_it_has_written_anything(browser, task):
    assert "forecast PENDING 2024073100 2024073100 24" in whole(browser, SCIENCE).text
    page = whole(browser, f"{SCIENCE}{task}")
    assert "The task has drawn no figure." in page.text and "The task has written no file." in page.text


def test_a_finished_task_shows_its_figures_and_files(browser, cloud, task):
    cloud.clock.advance("2h")
    page = whole(browser, f"{SCIENCE}{task}")
    assert "SUCCEEDED" in page.heads["span"] and "2024073100/forecast_024h.nc" in page.heads["a"]
    figures = page.all("img")
    assert [each["alt"][-8:] for each in figures] == ["006h.png", "012h.png", "018h.png", "024h.png"]
    key = f"output/{task}/{figures[0]['alt']}"
    assert browser.get("/console/obs/weather/content", key=key).headers["content-type"] == "image/png"


def test_a_task_whose_bucket_is_gone_is_still_shown(browser, cloud, task):
    for key in cloud.world.obs.keys("weather"):
        cloud.world.obs.delete("weather", key)
    cloud.obs().deleteBucket("weather")
    assert "The task has written no file." in whole(browser, f"{SCIENCE}{task}").text
