"""What pages of the console cost: the first one cold and warm, in a browser where there is one, and pages of much."""

import itertools
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from http.client import HTTPConnection
from statistics import median
from subprocess import Popen
from time import perf_counter, sleep

from benchmarks import processes
from benchmarks.datasets import DATASETS, IMAGES, put_images, seconds_until
from benchmarks.load import run
from benchmarks.requests import TRAINING_JOB
from benchmarks.unrelated import Account, account_of

ROUNDS, TRIES, WINDOWS = 5, 12, 6
TRIALS, RUNNING, ENTRIES, JOBS = 1_000, 100, 10_000, 10_000
FIRST, OBS = "/console/", "/console/obs/many"
JOBS_PATH = "/v2/{project_id}/training-jobs"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
PAINTED = "() => performance.getEntriesByName('first-contentful-paint').map((each) => each.startTime)[0]"
RANGES = [{"name": name, "param_type": "continuous"} for name in ("lr", "momentum", "decay")]
SEARCH = {
    "reward_attrs": [{"name": "acc", "mode": "max", "regex": "acc=([0-9.]+)"}],
    "search_params": [each | {"lower_bound": "0.001", "upper_bound": "0.1"} for each in RANGES],
}


def answered(port: int, path: str) -> tuple[float, int]:
    """(milliseconds until the whole page is there, its bytes)."""
    start, connection = perf_counter(), HTTPConnection("127.0.0.1", port)
    connection.request("GET", path, headers={"Accept": "text/html"})
    answer = connection.getresponse()
    content = answer.read()
    took = (perf_counter() - start) * 1000
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path} answers {answer.status}")
    return took, len(content)


class Pages:
    """The pages of a running emulator, asked for one after the other."""

    def __init__(self, process: Popen, port: int):
        self.process, self.port = process, port
        answered(port, FIRST)

    def measure(self, words: str, path: str, between: Callable[[], object] = lambda: None) -> None:
        """Print a row: the first time of a page, the usual one, what of it is computing, and its size.

        between: what is done before each look.
        """
        found, computed = [], []
        for _ in range(TRIES):
            between()
            before = processes.cpu_seconds(self.process)
            found.append(answered(self.port, path))
            computed.append((processes.cpu_seconds(self.process) - before) * 1000)
        print_row(
            words, found[0][0], median(took for took, _ in found[1:]), median(computed[1:]), found[-1][1]
        )


def print_row(words: str, first: float, usual: float, computed: float, size: int) -> None:
    """Print a row of the table, times in milliseconds."""
    print(
        f"| {words} | {first:.0f} ms | {usual:.1f} ms | {computed:.1f} ms | {size / 1000:.0f} KB |",
        flush=True,
    )


def measure_first() -> None:
    """The overview of an emulator that has just started, and again."""
    cold, warm, computed, memory = [], [], [], []
    for _ in range(ROUNDS):
        with processes.emulator() as (process, _, port):
            sleep(1)
            before, began = processes.resident_mib(process), processes.cpu_seconds(process)
            cold.append(answered(port, FIRST)[0])
            computed.append((processes.cpu_seconds(process) - began) * 1000)
            warm += [answered(port, FIRST) for _ in range(TRIES)]
            memory.append(processes.resident_mib(process) - before)
    print_row("first page", median(cold), median(took for took, _ in warm), median(computed), warm[-1][1])
    print(f"(what it computes is that of the first time; it takes {median(memory):.1f} MiB of memory)")


def measure_painting() -> None:
    """How long a browser takes until it shows the first page."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("no playwright, no browser")
        return
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        print("no Chromium on this machine")
        return
    with sync_playwright() as started, processes.emulator() as (_, _, port):
        sleep(1)
        browser = started.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        context = browser.new_context()
        context.new_page()

        def painted(where) -> float:
            page = where.new_page()
            page.goto(f"http://127.0.0.1:{port}{FIRST}")
            while not (shown := page.evaluate(PAINTED)):
                sleep(0.005)
            page.close()
            return shown

        cold = painted(context)
        warm = median(painted(context) for _ in range(TRIES))
        fresh = []
        for _ in range(WINDOWS):
            with opened(browser) as window:
                fresh.append(painted(window))
        print(f"first contentful paint in Chromium: cold {cold:.0f} ms, warm {warm:.0f} ms, ", end="")
        print(f"warm in a profile that has nothing {median(fresh):.0f} ms")
        browser.close()


@contextmanager
def opened(browser):
    """A profile of its own, which knows no file of the console yet."""
    context = browser.new_context()
    yield context
    context.close()


def search_of(account: Account, name: str, samples: int) -> str:
    """The id of a new search job."""
    count = {"key": "num_samples", "type": "Integer", "value": str(samples)}
    search = SEARCH | {"algo_configs": [{"name": "anneal_search", "params": [count]}]}
    body = TRAINING_JOB | {"metadata": {"name": name}}
    body["algorithm"] = body["algorithm"] | {"policies": {"auto_search": search}}
    return account.send("POST", JOBS_PATH, body)["metadata"]["id"]


def measure_search() -> None:
    """The page of a search of 1,000 trials that is over, and of one whose trials end between two looks."""
    with processes.emulator() as (process, _, port):
        pages = Pages(process, port)
        account_of(port).control("POST", "clock/freeze")

        def search(name: str, trials: int) -> str:
            path = {"training_job_id": search_of(account_of(port), name, TRIALS)}
            until = {
                "operation": "ShowAutoSearchTrials",
                "field": "total",
                "at_least": trials,
                "within": "900d",
            }
            account_of(port).control("POST", "clock/advance", {"by": "1m"})
            account_of(port).control("POST", "clock/until", until | {"path": path})
            return f"/console/training/{path['training_job_id']}/search"

        def go_on() -> None:
            account_of(port).control("POST", "clock/advance", {"by": "1s"})

        path = search("running", TRIALS - RUNNING)
        pages.measure(f"search of {TRIALS - RUNNING:,} trials and more, running", path, go_on)
        pages.measure("  what its parameters matter", f"{path}/importance", go_on)
        account_of(port).control("POST", "clock/advance", {"by": "1d"})
        pages.measure(f"search of {TRIALS:,} trials, over", path)
        pages.measure("  what its parameters matter", f"{path}/importance")


def measure_journal() -> None:
    """The journal with 10,000 requests."""
    with processes.emulator("--journal", str(ENTRIES)) as (process, _, port):
        pages = Pages(process, port)
        account = account_of(port)
        asked = account.bytes_of("GET", "/v1/{project_id}/notebooks")
        noted = 0
        while noted < ENTRIES:
            noted += run("127.0.0.1", port, lambda: asked, 1)["count"]
        path = "/console/requests/"
        pages.measure(f"journal of {ENTRIES:,} requests", path)
        pages.measure("  its last page", f"{path}?offset={ENTRIES - 100}")
        pages.measure("  of a pattern, all", f"{path}?operation=List*")
        pages.measure("  of a class of status, all", f"{path}?status=2xx")


def measure_jobs() -> None:
    """The overview and the list with 10,000 jobs."""
    with processes.emulator("--pace", "0.001") as (process, _, port):
        pages = Pages(process, port)
        account, made, numbers = account_of(port), 0, itertools.count()

        def create() -> bytes:
            metadata = {"name": f"bench-{next(numbers)}"}
            return account.bytes_of("POST", JOBS_PATH, TRAINING_JOB | {"metadata": metadata})

        while made < JOBS:
            made += run("127.0.0.1", port, create, 1)["count"]
        pages.measure(f"overview of {made:,} jobs", FIRST)
        pages.measure("  their list", "/console/training/")
        pages.measure("  its last page", f"/console/training/?offset={made // 50 * 50 - 50}")


def measure_objects() -> None:
    """A bucket of 10,000 objects, and a dataset of 10,000 samples over them."""
    with processes.emulator("--pace", "1000000") as (process, _, port):
        pages = Pages(process, port)
        account = account_of(port)
        account.put("/many")
        put_images(account)
        pages.measure(f"bucket of {IMAGES:,} objects", OBS)
        pages.measure("  a folder of a tenth", f"{OBS}?prefix=images/label-1/")
        body = {"dataset_name": "images", "dataset_type": 0, "data_sources": [{"data_path": "/many/images/"}]}
        body |= {"work_path": "/many/work/", "work_path_type": 0}
        id = account.send("POST", DATASETS, body)["dataset_id"]
        seconds_until(account, f"{DATASETS}/{id}")
        pages.measure(f"dataset of {IMAGES:,} samples", f"/console/datasets/{id}")
        pages.measure("  its last page", f"/console/datasets/{id}?offset={IMAGES - 48}")
        pages.measure("  those of one label", f"/console/datasets/{id}?label=label-3")


def measure() -> None:
    """Print it all."""
    print("\n| page of the console | first time | then | of it computing | size |\n|---|---|---|---|---|")
    for each in (
        measure_first,
        measure_painting,
        measure_search,
        measure_journal,
        measure_jobs,
        measure_objects,
    ):
        each()
