"""What datasets of many samples cost: time to read, list, search, count and publish them, memory, and others' time."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from threading import Event, Thread
from time import perf_counter, sleep
from urllib.parse import quote

from PIL import Image

from benchmarks import processes
from benchmarks.memory import Peak
from benchmarks.unrelated import Account, account_of

IMAGES, LINES, LABELS, UPLOADS, TRIES = 10_000, 100_000, 10, 8, 30
QUIET_SECONDS = 3
DATASETS = "/v2/{project_id}/datasets"
TYPES = {"images": 0, "texts": 100}


def put_images(account: Account) -> None:
    """Images in folders that are called like their labels; a tenth lies in none."""
    written = io.BytesIO()
    Image.new("RGB", (64, 48)).save(written, "PNG")

    def put(number: int) -> None:
        folder = f"label-{number % LABELS}/" if number % LABELS else ""
        account.put(f"/many/images/{folder}{number}.png", written.getvalue())

    with ThreadPoolExecutor(UPLOADS) as threads:
        list(threads.map(put, range(IMAGES)))


def put_lines(account: Account) -> None:
    """A text whose lines have labels, all but a tenth."""
    lines = (
        f"line {each} of a text\t{f'label-{each % LABELS}' if each % LABELS else ''}" for each in range(LINES)
    )
    account.put("/many/texts/lines.txt", "\n".join(lines).encode())


def seconds_until(account: Account, path: str) -> float:
    """How long until the status there is 1."""
    start = perf_counter()
    while account.send("GET", path)["status"] != 1:
        sleep(0.01)
    return perf_counter() - start


def milliseconds(account: Account, path: str) -> float:
    """The usual time of a GET."""
    took = []
    for _ in range(TRIES):
        start = perf_counter()
        account.send("GET", path)
        took.append(perf_counter() - start)
    return median(took) * 1000


class Meanwhile:
    """How long requests for an unrelated list of the same account take while this goes on."""

    def __init__(self, account: Account):
        self._account, self._over, self._took = account, Event(), []

    def __enter__(self) -> "Meanwhile":
        self._thread = Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.005):
            start = perf_counter()
            self._account.send("GET", "/v1/{project_id}/workspaces")
            self._took.append(perf_counter() - start)

    @property
    def p99(self) -> float:
        """The 99th percentile in ms."""
        return quantiles(self._took, n=100)[98] * 1000


def measure_kind(process, account: Account, kind: str, count: int) -> None:
    """Print a row for each thing that is done with a dataset of so many samples."""
    body = {
        "dataset_name": kind,
        "dataset_type": TYPES[kind],
        "data_sources": [{"data_path": f"/many/{kind}/"}],
        "work_path": "/many/work/",
        "work_path_type": 0,
    }
    with Meanwhile(account) as alone:
        sleep(QUIET_SECONDS)
    with Peak(process) as peak, Meanwhile(account) as others:
        path = f"{DATASETS}/{account.send('POST', DATASETS, body)['dataset_id']}"
        print(f"| {count:,} {kind}: read | {seconds_until(account, path):.1f} s |")
        publishing = f"{path}/versions/{account.send('POST', f'{path}/versions', {})['version_id']}"
        print(f"| published | {seconds_until(account, publishing):.1f} s |")
    print(
        f"| memory | {peak.more:.0f} MiB at most, {processes.resident_mib(process) - peak.before:.0f} MiB then |"
    )
    print(f"| p99 of an unrelated list meanwhile | {others.p99:.0f} ms ({alone.p99:.0f} ms otherwise) |")
    samples = f"{path}/data-annotations/samples?limit=100"
    condition = quote(json.dumps([{"sample_name": "77"}]))
    for words, asked in (
        ("a page of 100", samples),
        ("the last page", f"{samples}&offset={count // 100 - 1}"),
        ("a page of one state", f"{samples}&sample_state=__NONE__"),
        ("a page of one label", f"{samples}&label_name=label-3"),
        ("a page of a search by name", f"{samples}&search_conditions={condition}"),
        ("statistics", f"{path}/data-annotations/stats"),
        ("the dataset with its counts", path),
    ):
        print(f"| {words} | {milliseconds(account, asked):.1f} ms |", flush=True)


def measure() -> None:
    """Print a table."""
    print("\n| what | costs |\n|---|---|")
    for kind, count, put in (("images", IMAGES, put_images), ("texts", LINES, put_lines)):
        with processes.emulator("--pace", "1000000") as (process, _, port):
            account = account_of(port)
            account.put("/many")
            put(account)
            measure_kind(process, account, kind, count)
