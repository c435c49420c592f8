"""A Chromium to look at the console with, a furnished account to look at, and what must hold whatever one looks at."""

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from modelarts_emulator.running import Emulator
from modelarts_emulator.testing.cloud import Cloud

from tests.behaviours.modelarts.conftest import ECHO, asked, deployed, entry, published, put_package
from tests.behaviours.modelarts.data_import_export.conftest import published as publish_version
from tests.behaviours.modelarts.datasets.conftest import annotate, made, pictures
from tests.behaviours.modelarts.nodes.conftest import nodes_of, pool_with, train
from tests.behaviours.modelarts.notebooks.conftest import run as run_notebook
from tests.behaviours.modelarts.training.conftest import LONG, create, running, searching
from tests.behaviours.modelarts.workflows.conftest import create as create_workflow
from tests.behaviours.modelarts.workflows.conftest import job_step, labeling_step, put_script
from tests.behaviours.modelarts.workflows.conftest import run as run_workflow
from tests.behaviours.pangu.conftest import era5
from tests.console.conftest import Browser, sent_command

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
# Where pictures of the pages go, for people to look at; nowhere when it is not set.
PICTURES = os.environ.get("CONSOLE_SCREENSHOTS", "")
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
PATIENCE = 10_000


@pytest.fixture(scope="package")
def chromium():
    """The browser; skipped with the reason where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if BROWSER is None:
        pytest.skip("no Chromium is installed on this machine")
    with sync_api.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Tab:
    """A tab that shows the console about one account, and notes what goes wrong in it.

    page: Playwright's. errors: what the browser has complained about. strangers: addresses of other hosts that the
    page has asked for.
    """

    def __init__(self, chromium, cloud: Cloud, viewport: dict, **options):
        self.cloud = cloud
        self.page = chromium.new_page(viewport=viewport, **{"locale": "en-US", **options})
        self.page.set_default_timeout(PATIENCE)
        self.errors: list[str] = []
        self.strangers: list[str] = []
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._note_request)

    def open(self, path: str, **query: str):
        """Playwright's page, once it shows the page at a path of the console."""
        words = "&".join(
            f"{name}={value}" for name, value in {"world": self.cloud.world.tag, **query}.items()
        )
        self.page.goto(f"{self.cloud.endpoint}{path}{'&' if '?' in path else '?'}{words}")
        return self.page

    def find(self, selector: str, **options):
        """Playwright's locator of an element."""
        return self.page.locator(selector, **options)

    def wait_for(self, words: str, selector: str = "main") -> None:
        """Wait until the page says the words, by itself; the last it said when it never does."""
        place = self.find(selector, has_text=words).first
        try:
            place.wait_for()
        except Exception:
            raise AssertionError(f"{words!r} is not in {self.find('main').inner_text()!r}") from None

    def renew(self) -> None:
        """Have the page renewed at once, as when one comes back to the tab."""
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    def take_picture(self, name: str) -> None:
        """Keep a picture of the whole page, where pictures are asked for."""
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)

    def close(self) -> None:
        """Leave; AssertionError for what the browser complained about and for requests to other hosts."""
        self.page.context.close()
        assert (self.errors, self.strangers) == ([], [])

    def _note_message(self, message) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _note_request(self, request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.cloud.endpoint).netloc:
            self.strangers.append(request.url)


@pytest.fixture
def tab(chromium, cloud):
    """A wide tab about the test's account."""
    tab = Tab(chromium, cloud, WIDE)
    yield tab
    tab.close()


@pytest.fixture(scope="package")
def furnished(chromium):
    """{page: its path} of all pages of an account with something of each kind, a fault, and what they have left in
    the journal; its Cloud under "cloud".
    """
    with Emulator() as emulator:
        cloud = Cloud(emulator, emulator.application.worlds.default)
        cloud.clock.freeze()
        yield {"cloud": cloud} | furnish(cloud)


def furnish(cloud: Cloud) -> dict:
    """{page: its path}, once there is something on each."""
    # The notebook is last: it runs for an hour.
    pages = furnish_data(cloud) | furnish_science(cloud) | furnish_machines(cloud)
    service = deployed(cloud, entry(published(cloud, put_package(cloud, code=ECHO))), name="digits")
    asked(cloud, service)
    search = create(
        cloud, metadata__name="lr-search", algorithm__policies=searching(), algorithm__environments=LONG
    )
    cloud.clock.advance("4m")
    output = [{"name": "train_url", "remote": {"obs": {"obs_url": "/packages/output/"}}}]
    long = {
        "metadata__name": "resnet-with-quite-a-long-name-for-a-training-job",
        "algorithm__outputs": output,
    }
    job = running(cloud, **long, algorithm__environments=LONG)
    cloud.clock.advance("5m")
    cloud.snapshots.save("before")
    refused = cloud.post("/v2/{project_id}/training-jobs", {"kind": "job"}).headers["x-request-id"]
    cloud.faults.add("Stop*", code="ModelArts.0010", times=1)
    create(cloud, metadata__name="since-the-snapshot")
    return pages | {
        "overview": "/console/",
        "training": "/console/training/",
        "job": f"/console/training/{job}",
        "search": f"/console/training/{search}/search",
        "services": "/console/services/",
        "service": f"/console/services/{service}",
        "chat": "/console/chat/",
        "buckets": "/console/obs/",
        "bucket": "/console/obs/packages?prefix=digits/model/",
        "object": "/console/obs/packages/object?key=digits/model/config.json",
        "requests": "/console/requests/",
        "request": f"/console/requests/{refused}",
        "faults": "/console/faults/",
        "snapshots": "/console/snapshots/",
        "snapshot": "/console/snapshots/before",
        "permissions": "/console/permissions/",
        "evidence": "/console/evidence/?words=workspace",
        "operations": "/console/operations/?words=workspace",
        "operation": "/console/operations/CreateTrainingJob",
    }


def furnish_data(cloud: Cloud) -> dict:
    """{page: its path} of datasets and workflows, one of which waits for somebody."""
    dataset = made(cloud, pictures("a.png", "a-picture-with-quite-a-long-name.png"))
    annotate(cloud, dataset, {"a.png": [{"name": "cat"}]})
    publish_version(cloud, dataset, version_name="V001")
    put_script(cloud)
    size = {"name": "size", "type": "int", "default": 5}
    flow = create_workflow(cloud, job_step("train"), labeling_step("check", "train"), parameters=[size])
    run = run_workflow(cloud, flow)
    cloud.clock.advance("1h")
    workflow, execution = (path.split("/workflows/")[1].replace("executions/", "") for path in (flow, run))
    return {
        "datasets": "/console/datasets/",
        "dataset": f"/console/datasets/{dataset}",
        "workflows": "/console/workflows/",
        "workflow": f"/console/workflows/{workflow}",
        "workflow-run": f"/console/workflows/{execution}",
    }


def furnish_machines(cloud: Cloud) -> dict:
    """{page: its path} of notebooks and of a pool with a job on one node, while another has failed."""
    pool = pool_with(cloud, 2)
    train(cloud, pool)
    idle = nodes_of(cloud, pool)[-1]["metadata"]["name"]
    Browser(cloud).post(f"/console/pools/{pool}/nodes/{idle}/fail")
    return {
        "notebooks": "/console/notebooks/",
        "notebook": f"/console/notebooks/{run_notebook(cloud)}",
        "pools": "/console/pools/",
        "pool": f"/console/pools/{pool}",
    }


def furnish_science(cloud: Cloud) -> dict:
    """{page: its path} of a forecast that has drawn its figures."""
    cloud.world.obs.create_bucket("weather")
    cloud.world.obs.write("weather", "input/start.nc", era5("2024-07-31 00:00:00"))
    command = Browser(cloud).get("/console/science/").heads["pre"][0]
    task = sent_command(cloud, command).json["task_id"]
    cloud.clock.advance("2h")
    return {"science-tasks": "/console/science/", "science-task": f"/console/science/{task}"}
