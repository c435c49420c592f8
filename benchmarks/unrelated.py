"""How long an unrelated GET takes while one world keeps the emulator busy: `python -m benchmarks unrelated`."""

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Callable
from contextlib import contextmanager
from email.utils import formatdate
from multiprocessing import get_context
from statistics import quantiles
from time import perf_counter, sleep
from urllib.request import Request, urlopen

from benchmarks import processes
from benchmarks.load import Loaded, request_bytes, run
from benchmarks.requests import TRAINING_JOB

RECORDS = 10_000
PACKAGE_BYTES = 200 << 20
PAUSE = 0.001
QUIET_SECONDS = 2
ECHO = b"""
from model_service.python_model_service import XgSklServingBaseService


class Echo(XgSklServingBaseService):
    def _inference(self, data):
        return {"length": len(data)}
"""


class Account:
    """A world of the emulator, as a client uses it."""

    def __init__(self, port: int, told: dict):
        self.port = port
        self.told = told
        self.host = f"127.0.0.1:{port}"
        user = {"name": told["user_name"], "password": told["user_password"]}
        user["domain"] = {"name": told["domain_name"]}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"id": told["project_id"]}}
        request = self.request("POST", "/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        with urlopen(request) as answer:
            self.headers = {"X-Auth-Token": answer.headers["X-Subject-Token"]}

    def request(
        self, method: str, path: str, body: dict | None = None, headers: dict | None = None
    ) -> Request:
        """A request to the main port."""
        content = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        path = path.replace("{project_id}", self.told["project_id"])
        return Request(f"http://{self.host}{path}", content, sent, method=method)

    def send(self, method: str, path: str, body: dict | None = None) -> dict:
        """The JSON answer to a request with the account's token."""
        with urlopen(self.request(method, path, body, self.headers), timeout=300) as answer:
            return json.loads(answer.read() or b"null")

    def bytes_of(self, method: str, path: str, body: dict | None = None) -> bytes:
        """The same request as it goes over the wire."""
        path = path.replace("{project_id}", self.told["project_id"])
        headers = {"Content-Type": "application/json", **self.headers}
        return request_bytes(method, path, self.host, headers, json.dumps(body).encode() if body else b"")

    def control(self, method: str, path: str, body: dict | None = None) -> dict:
        """A call of the control API for this world."""
        request = self.request(method, f"/_emulator/{path}?world={self.told['world']}", body)
        with urlopen(request, timeout=300) as answer:
            return json.loads(answer.read())

    def put(self, path: str, content: bytes = b"") -> None:
        """Store an object, or make a bucket."""
        urlopen(self.signed("PUT", path, content), timeout=300).close()

    def signed(self, method: str, path: str, content: bytes | None = None) -> Request:
        """A request with a signature of OBS."""
        date = formatdate(usegmt=True)
        text = f"{method}\n\n\n{date}\n{path}".encode()
        digest = hmac.new(self.told["secret_key"].encode(), text, hashlib.sha1).digest()
        signature = base64.b64encode(digest).decode()
        headers = {
            "Date": date,
            "Authorization": f"OBS {self.told['access_key']}:{signature}",
            "Content-Type": "",
        }
        return Request(self.told["obs_endpoint"] + path, content, headers, method=method)


def account_of(port: int) -> Account:
    """The default world of the emulator at a port."""
    with urlopen(f"http://127.0.0.1:{port}/_emulator/worlds") as answer:
        return Account(port, json.loads(answer.read())["worlds"][0])


def use_obs_first(account: Account) -> None:
    """Let a training job need OBS, which nothing has needed yet."""
    account.control("POST", "clock/freeze")
    account.send("POST", "/v2/{project_id}/training-jobs", TRAINING_JOB)
    account.control("POST", "clock/advance", {"by": "1h"})


def deploy_package(account: Account) -> None:
    """Deploy a model package of 200 MB until the service runs."""
    account.put("/packages")
    config = {"model_type": "Scikit_Learn", "model_algorithm": "predict_analysis", "runtime": "python3.6"}
    account.put("/packages/big/model/config.json", json.dumps(config).encode())
    account.put("/packages/big/model/customize_service.py", ECHO)
    account.put("/packages/big/model/model.m", b"\0" * PACKAGE_BYTES)
    model = {"model_name": "big", "model_version": "0.0.1", "model_type": "Scikit_Learn"}
    made = account.send("POST", "/v1/{project_id}/models", model | {"source_location": "obs://packages/big"})
    account.control("POST", "clock/run", {"speed": 100})
    while account.send("GET", f"/v1/{{project_id}}/models/{made['model_id']}")["model_status"] != "published":
        sleep(0.1)
    entry = {"model_id": made["model_id"], "weight": 100, "specification": "modelarts.vm.cpu.2u"}
    service = {"service_name": "big", "infer_type": "real-time", "config": [entry | {"instance_count": 1}]}
    id = account.send("POST", "/v1/{project_id}/services", service)["service_id"]
    while account.send("GET", f"/v1/{{project_id}}/services/{id}")["status"] == "deploying":
        sleep(0.05)


def make_jobs(account: Account) -> None:
    """Store 10,000 jobs that fall due at one moment."""
    account.control("POST", "clock/freeze")
    numbers = itertools.count()

    def create() -> bytes:
        job = TRAINING_JOB | {"metadata": {"name": f"due-{next(numbers)}"}}
        return account.bytes_of("POST", "/v2/{project_id}/training-jobs", job)

    stored = 0
    while stored < RECORDS:
        stored += run("127.0.0.1", account.port, create, max(0.2, min(4, (RECORDS - stored) / 3000)))["count"]


def let_all_fall_due(account: Account) -> None:
    """Move the clock past the moment at which 10,000 jobs begin, while somebody reads in the same world."""
    account.control("POST", "clock/run", {"speed": 1_000})
    account.send("GET", "/v2/{project_id}/training-quotas")
    account.control("POST", "clock/freeze")


def quiet(account: Account) -> None:
    """Do nothing."""
    sleep(QUIET_SECONDS)


CASES: dict[str, tuple[Callable[[Account], None] | None, Callable[[Account], None]]] = {
    "nothing": (None, quiet),
    "OBS is first used": (None, use_obs_first),
    "a 200 MB package is deployed": (None, deploy_package),
    "10,000 records fall due": (make_jobs, let_all_fall_due),
}


@contextmanager
def busy(work: Callable[[Account], None], account: Account):
    """The process in which the work goes on."""
    process = get_context("fork").Process(target=work, args=(account,))
    process.start()
    yield process
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__} failed")


def probe(port: int, content: bytes, process) -> list[float]:
    """How long each of the requests took that were sent one after the other while the process lives."""
    connection, took = Loaded("127.0.0.1", port), []
    while process.is_alive():
        connection.send(content)
        while (answer := connection.answer()) is None:
            continue
        if answer[0] != 200:
            raise RuntimeError(f"{answer[0]}: {answer[1][:300]!r}")
        took.append(perf_counter() - connection.sent)
        sleep(PAUSE)
    return took


def measure() -> None:
    """Print a table: a job is shown in the default world while another world is at work."""
    print(
        "\n| a GET of another world while | seconds | p50 ms | p99 ms | longest ms |\n|---|---|---|---|---|"
    )
    for name, (prepare, work) in CASES.items():
        with processes.emulator("--pace", "1") as (_, _, port):
            own = account_of(port)
            with urlopen(own.request("POST", "/_emulator/worlds", {})) as answer:
                other = Account(port, json.loads(answer.read()))
            id = own.send("POST", "/v2/{project_id}/training-jobs", TRAINING_JOB)["metadata"]["id"]
            show = own.bytes_of("GET", f"/v2/{{project_id}}/training-jobs/{id}")
            if prepare is not None:
                prepare(other)
            own.send("GET", f"/v2/{{project_id}}/training-jobs/{id}")
            start = perf_counter()
            with busy(work, other) as process:
                took = probe(port, show, process)
            cuts = quantiles(took, n=100)
            print(
                f"| {name} | {perf_counter() - start:.2f} | {cuts[49] * 1000:.2f} | {cuts[98] * 1000:.1f} "
                f"| {max(took) * 1000:.1f} |",
                flush=True,
            )
