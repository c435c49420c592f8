"""The overview: what lives, what falls due, and the clock."""

from tests.behaviours.modelarts.data_import_export.conftest import published
from tests.behaviours.modelarts.datasets.conftest import made, pictures
from tests.behaviours.modelarts.nodes.conftest import pool_with, train
from tests.behaviours.modelarts.notebooks.conftest import run
from tests.conftest import JOB

JOBS = "/v2/{project_id}/training-jobs"


def test_the_overview_counts_what_lives_and_tells_what_falls_due(browser, cloud):
    empty = browser.get("/console/").text
    assert "Nothing is waiting for its time." in empty
    id = cloud.post(JOBS, JOB).json["metadata"]["id"]
    page = browser.get("/console/")
    assert "training job 1 Creating 1 modelarts/training" in page.text
    assert f"training job resnet {id} Creating Pending" in page.text
    assert "flavor modelarts.vm.cpu.8u 1 / 128" in page.text and "job-num 1 / 1000000" in page.text


def test_what_has_a_page_is_linked_wherever_the_overview_names_it(browser, cloud):
    pool = pool_with(cloud, 1)
    train(cloud, pool)
    notebook = run(cloud)
    dataset = made(cloud, pictures("a.png"))
    published(cloud, dataset)
    links = {each["href"].partition("?")[0] for each in browser.get("/console/").all("a")}
    assert {f"/console/pools/{pool}", f"/console/notebooks/{notebook}"} <= links
    living = browser.get("/console/").body.decode().partition('id="living"')[2].partition("</section>")[0]
    for kind, page in (
        *(("pool", "pools"), ("node", "pools"), ("notebook", "notebooks")),
        *(("dataset", "datasets"), ("version", "datasets"), ("training job", "training")),
    ):
        assert f'<a href="/console/{page}/?world={cloud.world.tag}">{kind}</a>' in living


def test_the_clock_is_moved_by_its_forms(browser, cloud):
    now = cloud.clock.now()
    answered = browser.post("/console/clock/advance", {"by": "2h"})
    assert (answered.status, answered.headers["location"]) == (303, f"/console/?world={cloud.world.tag}")
    assert cloud.clock.now() == now + 7200
    browser.post("/console/clock/run", {"speed": "60"})
    assert not cloud.world.clock.frozen and cloud.world.clock.speed == 60
    assert "× 60 virtual seconds in a real one" in browser.get("/console/").text
    browser.post("/console/clock/freeze")
    assert "The clock stands still." in browser.get("/console/").text


def test_the_clock_is_not_moved_by_looking(browser, cloud):
    now = cloud.clock.now()
    assert browser.get("/console/clock/advance", by="2h").status == 405
    assert cloud.clock.now() == now


def test_worlds_can_be_switched(browser, cloud):
    page = browser.get("/console/")
    tags = [option["value"] for option in page.all("option")]
    assert cloud.world.tag in tags and cloud.emulator.application.worlds.default.tag in tags
    chosen = [option["value"] for option in page.all("option") if "selected" in option]
    assert chosen == [cloud.world.tag]
