"""Schemathesis over all emulated operations, answers of 500 and more counted: `python -m benchmarks.fuzz [MINUTES]`.

Schemathesis lives in an environment of its own, because it needs an older jsonschema-rs than the emulator is
tested with: `python3 -m venv .fuzz && .fuzz/bin/pip install schemathesis`, and SCHEMATHESIS=.fuzz/bin/schemathesis.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from urllib.request import Request, urlopen

from benchmarks import processes

METHODS = {"get", "put", "post", "delete", "patch", "head"}


def emulated_contract(port: int) -> dict:
    """The contract as OpenAPI, with just the operations that have a behaviour."""
    base = f"http://127.0.0.1:{port}/_emulator"
    with urlopen(f"{base}/operations") as answer:
        found = json.load(answer)["operations"]
    emulated = {line["operation_id"] for line in found if line["behaviour"]}
    with urlopen(f"{base}/openapi.json") as answer:
        contract = json.load(answer)
    for methods in contract["paths"].values():
        for method in METHODS & methods.keys():
            if methods[method]["operationId"] not in emulated:
                del methods[method]
    with urlopen(f"{base}/worlds") as answer:
        name_project(contract, json.load(answer)["worlds"][0]["project_id"])
    contract["paths"] = {
        path: methods for path, methods in contract["paths"].items() if METHODS & methods.keys()
    }
    return contract


def name_project(part, project_id: str) -> None:
    """Have every path name that project; any other would be refused at the door."""
    if isinstance(part, dict):
        if (part.get("name"), part.get("in")) == ("project_id", "path"):
            part["schema"] = {"type": "string", "enum": [project_id]}
            part.pop("example", None)
            part.pop("examples", None)
        for inner in part.values():
            name_project(inner, project_id)
    elif isinstance(part, list):
        for inner in part:
            name_project(inner, project_id)


def token_of(port: int) -> str:
    """A token for the project of the default world."""
    with urlopen(f"http://127.0.0.1:{port}/_emulator/worlds") as answer:
        told = json.load(answer)["worlds"][0]
    user = {
        "name": told["user_name"],
        "password": told["user_password"],
        "domain": {"name": told["domain_name"]},
    }
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": {"project": {"id": told["project_id"]}}}}
    request = Request(f"http://127.0.0.1:{port}/v3/auth/tokens", json.dumps(body).encode())
    with urlopen(request) as answer:
        return answer.headers["X-Subject-Token"]


def play_round(port: int, contract: Path, seed: int, seconds: float, reports: Path) -> Counter:
    """{(status, method, path): how often} of the answers in one run of Schemathesis, cut when time is up."""
    program = os.environ.get("SCHEMATHESIS", "schemathesis")
    # It leaves a cache where it runs.
    program = str(Path(program).absolute()) if "/" in program else program
    command = [program, "run", str(contract), "--url", f"http://127.0.0.1:{port}", "--seed", str(seed)]
    command += ["--checks", "not_a_server_error", "--continue-on-failure", "--max-examples", "15"]
    command += ["--phases", "fuzzing", "--mode", "all", "--header", f"X-Auth-Token: {token_of(port)}"]
    command += ["--report", "ndjson", "--report-dir", str(reports), "--request-timeout", "30"]
    process = subprocess.Popen(command, cwd=reports, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()
    return Counter(answer for report in reports.glob("*.ndjson") for answer in answers_in(report))


def answers_in(report: Path):
    """(status, method, address) of every answer that a report tells of."""
    for line in report.read_text("utf-8", "replace").splitlines():
        try:
            waiting = [json.loads(line)]
        except ValueError:
            continue
        while waiting:
            value = waiting.pop()
            if isinstance(value, list):
                waiting.extend(value)
            elif isinstance(value, dict) and isinstance(value.get("response"), dict) and "request" in value:
                request = value["request"]
                yield value["response"]["status_code"], request["method"], request["uri"].partition("?")[0]
            elif isinstance(value, dict):
                waiting.extend(value.values())


def main(minutes: float) -> int:
    """Play rounds until time is up; 1 when there was an answer of 500 or more."""
    end, found = monotonic() + minutes * 60, Counter()
    with TemporaryDirectory() as folder, processes.emulator() as (_, _, port):
        contract = Path(folder, "openapi.json")
        contract.write_text(json.dumps(emulated_contract(port)))
        seed = 0
        while monotonic() < end:
            seed += 1
            reports = Path(folder, f"round-{seed}")
            reports.mkdir()
            found += play_round(port, contract, seed, max(1, end - monotonic()), reports)
        with urlopen(f"http://127.0.0.1:{port}/_emulator/health") as answer:
            print("health:", answer.read().decode()[:2000])
    statuses = Counter()
    for (status, *_), count in found.items():
        statuses[status] += count
    print(f"{sum(statuses.values())} answers in {seed} rounds: {dict(sorted(statuses.items()))}")
    bad = {answer: count for answer, count in found.items() if answer[0] >= 500}
    for (status, method, path), count in sorted(bad.items()):
        print(f"{count:6} x {status} {method} {path}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10))
