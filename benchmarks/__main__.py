"""Measure the budgets: `python -m benchmarks [startup] [throughput] [growth] [restore] [servers] [unrelated]
[crashes] [memory] [datasets] [objects] [travel] [console]`; all without names.
"""

import itertools
import json
import platform
import sys
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from urllib.request import Request, urlopen

from benchmarks import processes
from benchmarks.load import request_bytes, run
from benchmarks.requests import TRAINING_JOB, SageMaker

ROUNDS = 5
SECONDS = 4


def control(port: int, method: str, path: str, body=None):
    """One call of the control API."""
    content = None if body is None else json.dumps(body).encode()
    request = Request(f"http://127.0.0.1:{port}/_emulator/{path}", content, method=method)
    with urlopen(request) as answer:
        return json.loads(answer.read() or b"null")


class Jobs:
    """The requests of a client that creates, shows and lists training jobs, signed by a token."""

    def __init__(self, port: int):
        self.port = port
        self.host = f"127.0.0.1:{port}"
        told = control(port, "GET", "worlds")["worlds"][0]
        self.path = f"/v2/{told['project_id']}/training-jobs"
        user = {
            "name": told["user_name"],
            "password": told["user_password"],
            "domain": {"name": told["domain_name"]},
        }
        identity = {"methods": ["password"], "password": {"user": user}}
        body = json.dumps(
            {"auth": {"identity": identity, "scope": {"project": {"id": told["project_id"]}}}}
        ).encode()
        with urlopen(
            Request(f"http://{self.host}/v3/auth/tokens", body, {"Content-Type": "application/json"})
        ) as answer:
            self.headers = {
                "X-Auth-Token": answer.headers["X-Subject-Token"],
                "Content-Type": "application/json",
            }
        self.numbers = itertools.count()

    def create(self) -> bytes:
        """The next create request, of about 3 KB."""
        body = json.dumps(TRAINING_JOB | {"metadata": {"name": f"bench-{next(self.numbers)}"}}).encode()
        return request_bytes("POST", self.path, self.host, self.headers, body)

    def one(self) -> bytes:
        """A request that shows one job."""
        body = json.dumps(TRAINING_JOB | {"metadata": {"name": "shown"}}).encode()
        with urlopen(Request(f"http://{self.host}{self.path}", body, self.headers)) as answer:
            id = json.loads(answer.read())["metadata"]["id"]
        return request_bytes("GET", f"{self.path}/{id}", self.host, self.headers)

    def page(self) -> bytes:
        """A request that lists a page of ten jobs."""
        body = json.dumps({"limit": 10, "offset": 0}).encode()
        return request_bytes("POST", f"{self.path.removesuffix('s')}-searches", self.host, self.headers, body)


def startup() -> None:
    """Start to first good answer and idle memory, in turn with moto's server."""
    figures = {"emulator": ([], []), "moto_server": ([], [])}
    for _ in range(ROUNDS):
        for name, start in (("emulator", processes.emulator), ("moto_server", processes.moto_server)):
            with start() as (process, seconds, _):
                sleep(1)
                figures[name][0].append(seconds)
                figures[name][1].append(processes.resident_mib(process))
    print("\n| start | seconds to the first good answer | idle memory, MiB |\n|---|---|---|")
    for name, (seconds, memory) in figures.items():
        print(f"| {name} | {median(seconds):.3f} | {median(memory):.0f} |")


def throughput() -> None:
    """Create, show and list over 16 connections, in turn with moto's SageMaker."""
    ours, theirs = {}, {}
    with processes.moto_server() as (_, _, port):
        sagemaker = SageMaker(port)
        theirs["create"] = run("127.0.0.1", port, sagemaker.create, SECONDS)
        theirs["show"] = run("127.0.0.1", port, sagemaker.describe, SECONDS)
        theirs["list"] = run("127.0.0.1", port, sagemaker.page, SECONDS)
    with TemporaryDirectory() as folder, processes.emulator("--state", folder, "--pace", "0.001") as running:
        port = running[2]
        jobs = Jobs(port)
        show, page = jobs.one(), jobs.page()
        ours["create"] = run("127.0.0.1", port, jobs.create, SECONDS)
        ours["show"] = run("127.0.0.1", port, lambda: show, SECONDS)
        ours["list"] = run("127.0.0.1", port, lambda: page, SECONDS)
        single = run("127.0.0.1", port, lambda: show, SECONDS, connections=1)
    with TemporaryDirectory() as folder, processes.emulator("--state", folder, "--pace", "1") as (_, _, port):
        jobs = Jobs(port)
        run("127.0.0.1", port, jobs.create, SECONDS)
        page = jobs.page()
        busy = run("127.0.0.1", port, lambda: page, 2 * SECONDS)
    print("\n| 16 connections, journal on disk | requests/s | times moto_server | p50 ms | p99 ms |")
    print("|---|---|---|---|---|")
    for name, figure in ours.items():
        ratio = figure["rate"] / theirs[name]["rate"]
        print(f"| {name} | {figure['rate']:.0f} | {ratio:.1f} | {figure['p50']:.2f} | {figure['p99']:.2f} |")
    print(f"| show, 1 connection | {single['rate']:.0f} | | {single['p50']:.2f} | {single['p99']:.2f} |")
    print(
        f"| list while all those jobs start | {busy['rate']:.0f} | | {busy['p50']:.2f} | {busy['p99']:.2f} |"
    )
    for name, figure in theirs.items():
        print(
            f"| moto_server {name} | {figure['rate']:.0f} | 1 | {figure['p50']:.2f} | {figure['p99']:.2f} |"
        )


def growth() -> None:
    """What a create costs when 100, 10,000 and 100,000 records are stored; and a page of the list then."""
    print("\n| stored | create, ms a request | list, ms a request |\n|---|---|---|")
    with processes.emulator("--pace", "0.001") as (_, _, port):
        jobs = Jobs(port)
        page = jobs.page()
        stored = 0
        for goal in (100, 10_000, 100_000):
            while stored < goal:
                stored += run("127.0.0.1", port, jobs.create, min(SECONDS, max(0.1, (goal - stored) / 4000)))[
                    "count"
                ]
            created = run("127.0.0.1", port, jobs.create, SECONDS)
            stored += created["count"]
            listed = run("127.0.0.1", port, lambda: page, SECONDS)
            print(
                f"| {stored - created['count']:,} | {1000 / created['rate']:.3f} | {1000 / listed['rate']:.3f} |"
            )


def restore() -> None:
    """Restart with 10,000 records, and reset."""
    with TemporaryDirectory() as folder:
        with processes.emulator("--state", folder, "--pace", "0.001") as (_, empty, port):
            jobs = Jobs(port)
            stored = 0
            while stored < 10_000:
                stored += run(
                    "127.0.0.1", port, jobs.create, min(SECONDS, max(0.1, (10_000 - stored) / 4000))
                )["count"]
        with processes.emulator("--state", folder, "--pace", "0.001") as (_, seconds, port):
            control(port, "GET", "clock")
            start = perf_counter()
            removed = control(port, "POST", "reset")["removed"]
            full = perf_counter() - start
        print(f"\nrestart with {stored:,} records: {seconds:.2f} s to ready (empty: {empty:.2f} s)")
        print(f"reset of {removed['records']:,} records: {full * 1000:.1f} ms")
    with processes.emulator() as (_, _, port):
        Jobs(port).one()
        control(port, "GET", "clock")
        start = perf_counter()
        control(port, "POST", "reset")
        print(f"reset of a small world: {(perf_counter() - start) * 1000:.1f} ms")


def servers() -> None:
    """The emulator's application behind its own server, gevent and waitress: why it has a server of its own."""
    from benchmarks.servers import compare

    compare(SECONDS)


def unrelated() -> None:
    """How long a GET of one world takes while another keeps the emulator busy."""
    from benchmarks.unrelated import measure

    measure()


def crashes() -> None:
    """What kills at random moments lose of what was acknowledged."""
    from benchmarks.crashes import measure

    measure()


def memory() -> None:
    """What large objects and slow readers cost in memory, descriptors and others' time."""
    from benchmarks.memory import measure

    measure()


def datasets() -> None:
    """What datasets of many samples cost in time and memory."""
    from benchmarks.datasets import measure

    measure()


def objects() -> None:
    """Objects of 4 KB and 1 MB put and read, in turn with moto's S3; a gigabyte in parts."""
    from benchmarks.objects import measure

    measure(SECONDS)


def travel() -> None:
    """What keeping the past costs a create and a show, and how long 1,000 jobs take to go back."""
    from benchmarks.travel import measure

    measure()


def console() -> None:
    """The first page of the console cold and warm, and pages about thousands of things."""
    from benchmarks.console import measure

    measure()


if __name__ == "__main__":
    parts = {
        "startup": startup,
        "throughput": throughput,
        "growth": growth,
        "restore": restore,
        "servers": servers,
        "unrelated": unrelated,
        "crashes": crashes,
        "memory": memory,
        "datasets": datasets,
        "objects": objects,
        "travel": travel,
        "console": console,
    }
    print(f"{platform.python_implementation()} {platform.python_version()}, {processes.cores()} cores")
    for name in sys.argv[1:] or parts:
        parts[name]()
