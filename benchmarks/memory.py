"""What large objects and pictures cost: memory, descriptors, and others' time: `python -m benchmarks memory`."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from benchmarks import processes
from benchmarks.unrelated import Account, account_of

LARGE = 200 << 20
READERS = 8
SLOW_READERS = 70
SLOW = 64 << 20
MANY = 300
PIECE = 1 << 20
JSON = "application/json"


class Peak:
    """The most memory that a process holds while this goes on, above what it held before."""

    def __init__(self, process):
        self._process = process
        self._over = threading.Event()
        self.before = self.most = processes.resident_mib(process)

    def __enter__(self) -> "Peak":
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            self.most = max(self.most, processes.resident_mib(self._process))

    @property
    def more(self) -> float:
        """MiB above what was held before."""
        return self.most - self.before


def read_away(account: Account, path: str) -> int:
    """Read an object and keep nothing of it; how long it was."""
    length = 0
    with urlopen(account.signed("GET", path), timeout=300) as answer:
        while piece := answer.read(PIECE):
            length += len(piece)
    return length


def read_slowly(account: Account, path: str) -> socket.socket:
    """Ask for an object and read nothing of it."""
    request = account.signed("GET", path)
    at = urlsplit(request.full_url)
    sock = socket.create_connection((at.hostname, at.port))
    lines = [
        f"GET {at.path} HTTP/1.1",
        f"Host: {at.netloc}",
        *(f"{k}: {v}" for k, v in request.header_items()),
    ]
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return sock


def descriptors(process) -> int:
    """How many files the process holds; connections come and go by themselves."""
    held = [str(path.readlink()) for path in Path(f"/proc/{process.pid}/fd").iterdir()]
    return sum(not name.startswith("socket:") for name in held)


def many_readers(state: str) -> None:
    """Eight clients read one large object each."""
    with processes.emulator("--state", state) as (process, _, port):
        account = account_of(port)
        account.put("/large")
        account.put("/large/object", b"\0" * LARGE)
        before = descriptors(process)
        with Peak(process) as peak, ThreadPoolExecutor(READERS) as threads:
            start = perf_counter()
            lengths = list(threads.map(lambda _: read_away(account, "/large/object"), range(READERS)))
        if lengths != [LARGE] * READERS:
            raise RuntimeError(f"objects of {lengths} bytes came")
        took = perf_counter() - start
        print(
            f"| {READERS} GETs of 200 MB | {peak.more:.0f} MiB more memory, {took:.1f} s, {before} descriptors |"
        )


def write_away(account: Account, path: str) -> None:
    """Upload a large object of which nothing is kept here."""
    request = account.signed("PUT", path)
    at = urlsplit(request.full_url)
    connection = HTTPConnection(at.hostname, at.port, timeout=300)
    headers = dict(request.header_items()) | {"Content-Length": str(LARGE)}
    connection.request("PUT", at.path, (bytes(PIECE) for _ in range(LARGE // PIECE)), headers)
    status = connection.getresponse().status
    connection.close()
    if status != 200:
        raise RuntimeError(f"an upload was answered with {status}")


def many_writers(state: str) -> None:
    """Eight clients upload one large object each."""
    with processes.emulator("--state", state) as (process, _, port):
        account = account_of(port)
        account.put("/large")
        with Peak(process) as peak, ThreadPoolExecutor(READERS) as threads:
            start = perf_counter()
            list(threads.map(lambda number: write_away(account, f"/large/{number}"), range(READERS)))
        took = perf_counter() - start
        print(f"| {READERS} PUTs of 200 MB | {peak.more:.0f} MiB more memory, {took:.1f} s |", flush=True)


def many_bodies(state: str) -> None:
    """Eight bodies of JSON at once that take much room when they are decoded."""
    with processes.emulator("--state", state) as (process, _, port):
        body = b'{"x":[' + b"{}," * ((11 << 20) // 3) + b"{}]}"
        path = f"http://127.0.0.1:{port}/v1/{'0' * 32}/training-job-configs"

        def send(_: int) -> int:
            try:
                with urlopen(Request(path, body, {"X-Auth-Token": "x", "Content-Type": JSON}), timeout=300):
                    return 200
            except HTTPError as error:
                return error.code

        send(0)
        with Peak(process) as peak, ThreadPoolExecutor(READERS) as threads:
            statuses = set(threads.map(send, range(READERS)))
        print(
            f"| {READERS} JSON bodies of 11 MB ({statuses}) | {peak.more:.0f} MiB more memory |", flush=True
        )


def many_objects(state: str) -> None:
    """Descriptors that large objects hold when nobody reads them."""
    with processes.emulator("--state", state) as (process, _, port):
        account = account_of(port)
        account.put("/many")
        before = descriptors(process)
        for number in range(MANY):
            account.put(f"/many/{number}", b"\0" * (5 << 20))
        print(f"| {MANY} objects of 5 MiB | {descriptors(process) - before} descriptors more |", flush=True)


def slow_readers(state: str) -> None:
    """Clients that ask for a large object and do not read it, and what the control API does meanwhile."""
    with processes.emulator("--state", state) as (process, _, port):
        account = account_of(port)
        account.put("/slow")
        account.put("/slow/object", b"\0" * SLOW)
        account.control("GET", "clock")
        with Peak(process) as peak:
            readers = [read_slowly(account, "/slow/object") for _ in range(SLOW_READERS)]
            sleep(1)
            took = []
            for _ in range(100):
                start = perf_counter()
                account.control("GET", "clock")
                took.append(perf_counter() - start)
        for reader in readers:
            reader.close()
        cut = quantiles(took, n=100)[98] * 1000
        print(
            f"| {SLOW_READERS} slow readers of 64 MB | control API p99 {cut:.1f} ms, {peak.more:.0f} MiB more |"
        )


def measure() -> None:
    """Print a table."""
    print("\n| what | costs |\n|---|---|")
    for part in (many_readers, many_writers, many_bodies, many_objects, slow_readers):
        with TemporaryDirectory() as state:
            part(state)
