"""Notebooks in the console: the list, one notebook, started and stopped."""

from tests.behaviours.modelarts.notebooks.conftest import create, run, show, stop
from tests.console.conftest import sent_command, whole

NOTEBOOKS = "/console/notebooks/"


def test_a_page_without_notebooks_says_what_makes_one(browser, cloud):
    page = whole(browser, NOTEBOOKS)
    assert "There is no notebook." in page.text
    assert sent_command(cloud, page.heads["pre"][0]).status == 200
    assert "explore" in whole(browser, NOTEBOOKS).text


def test_the_list_of_notebooks_is_paged(browser, cloud):
    for number in range(52):
        create(cloud, name=f"nb-{number}")
    assert len(whole(browser, NOTEBOOKS).all("tr")) == 51
    assert "51–52 / 52" in whole(browser, NOTEBOOKS, offset=50).text


def test_a_notebook_is_shown_with_its_progress_storage_and_address(browser, cloud):
    id = create(cloud)["id"]
    page = whole(browser, f"{NOTEBOOKS}{id}")
    assert "CREATING" in page.heads["span"] and "Compute resources WAITING" in page.text
    assert "EVS" in page.text and "10 GiB" in page.text
    cloud.clock.advance("2m")
    shown = show(cloud, id)
    page = whole(browser, f"{NOTEBOOKS}{id}")
    assert "RUNNING" in page.heads["span"] and {shown["url"], shown["token"]} <= set(page.heads["code"])


def test_a_notebook_is_stopped_and_started_by_its_button_and_not_by_looking(browser, cloud):
    id = run(cloud)
    assert browser.get(f"{NOTEBOOKS}{id}/stop").status == 405
    assert browser.post(f"{NOTEBOOKS}{id}/stop").status == 303
    assert show(cloud, id)["status"] == "STOPPING"
    cloud.clock.advance("1m")
    assert browser.post(f"{NOTEBOOKS}{id}/start").status == 303
    assert show(cloud, id)["status"] == "STARTING"
    operations = [each["operation"] for each in cloud.get("/_emulator/journal").json["exchanges"]]
    assert operations.count("StopNotebook") == operations.count("StartNotebook") == 1


def test_what_the_state_does_not_allow_is_not_offered_and_refused_in_the_words_of_the_api(browser, cloud):
    id = stop(cloud, run(cloud))
    actions = [form["action"].partition("?")[0] for form in whole(browser, f"{NOTEBOOKS}{id}").all("form")]
    assert f"{NOTEBOOKS}{id}/start" in actions and f"{NOTEBOOKS}{id}/stop" not in actions
    again = browser.post(f"{NOTEBOOKS}{id}/stop")
    assert (again.status, "ModelArts.6357" in again.text) == (400, True)
