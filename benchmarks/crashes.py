"""What a kill at a random moment loses of what was acknowledged, over HTTP: `python -m benchmarks crashes`.

Three clients write in three worlds, records and objects; six create worlds and move their clocks; the journal folds
every 200 kB. Nothing may be lost, and no state may be refused at the next start.
"""

import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from http.client import HTTPException
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from benchmarks.processes import answers, free_port
from benchmarks.unrelated import Account

ROUNDS = 14
WRITERS = 3
CREATORS = 6
START = """
import sys
from modelarts_emulator.worlds import journal
journal.FOLD_ABOVE = 200_000
from modelarts_emulator.cli import main
sys.exit(main(sys.argv[1:]))
"""
CONFIGS = "/v1/{project_id}/training-job-configs"
CONFIG = {
    "app_url": "/usr/app/",
    "boot_file_url": "/usr/app/boot.py",
    "data_url": "/usr/data/",
    "engine_id": 4,
    "spec_id": 2,
    "worker_server_num": 1,
}


class Told:
    """What the emulator has acknowledged; any thread may add to it."""

    def __init__(self) -> None:
        self.records: list[tuple[str, str]] = []
        self.objects: list[tuple[str, str]] = []
        self.worlds: dict[str, dict] = {}


class Running:
    """An emulator on a state directory, until it is killed."""

    def __init__(self, state: str):
        self.port = free_port()
        options = [
            "start",
            "--port",
            str(self.port),
            "--obs-port",
            "0",
            "--state",
            state,
        ]
        self.process = subprocess.Popen([sys.executable, "-c", START, *options], stdout=subprocess.DEVNULL)
        start = perf_counter()
        while not answers(self.port, "/_emulator/ready"):
            if self.process.poll() is not None or perf_counter() - start > 60:
                raise RuntimeError("the state was refused, or the emulator did not start")
            sleep(0.02)

    def kill(self) -> None:
        """End it as a loss of power does, but for the disk."""
        self.process.kill()
        self.process.wait()

    def account(self, tag: str) -> Account:
        """The world of that tag."""
        with urlopen(f"http://127.0.0.1:{self.port}/_emulator/worlds/{tag}") as answer:
            return Account(self.port, json.loads(answer.read()))

    def create(self) -> dict:
        """A new world, as the control API tells of it."""
        headers = {"Content-Type": "application/json"}
        request = Request(f"http://127.0.0.1:{self.port}/_emulator/worlds", b"{}", headers)
        with urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())


def until_killed(work: Callable[[], None]) -> None:
    """Do it again and again until nobody answers any more."""
    try:
        while True:
            work()
    except (URLError, OSError, HTTPException, json.JSONDecodeError):
        return


def writer(running: Running, tag: str, told: Told, round: int) -> Callable[[], None]:
    """What a client does that writes in one world."""
    account = running.account(tag)
    account.put(f"/crashes-{round}")
    number = 0

    def work() -> None:
        nonlocal number
        number += 1
        name = f"r{round}-{number}"
        account.send("POST", CONFIGS, CONFIG | {"config_name": name})
        told.records.append((tag, name))
        if number % 10 == 0:
            account.put(f"/crashes-{round}/{name}", name.encode() * 1000)
            told.objects.append((tag, f"/crashes-{round}/{name}"))

    return work


def creator(running: Running, told: Told) -> Callable[[], None]:
    """What a client does that creates worlds and moves their clocks."""

    def work() -> None:
        made = running.create()
        told.worlds[made["world"]] = made
        Account(running.port, made).control("POST", "clock/advance", {"by": "1h"})

    return work


def lost(running: Running, told: Told) -> list:
    """What was acknowledged and is not there."""
    missing: list = []
    with urlopen(f"http://127.0.0.1:{running.port}/_emulator/worlds") as answer:
        there = {world["world"]: world for world in json.loads(answer.read())["worlds"]}
    missing += [tag for tag in told.worlds if tag not in there]
    for tag in {tag for tag, _ in told.records}:
        account, names, page = Account(running.port, there[tag]), set(), 1
        while rows := account.send("GET", f"{CONFIGS}?per_page=100&page={page}")["configs"]:
            names |= {row["config_name"] for row in rows}
            page += 1
        missing += [(tag, name) for owner, name in told.records if owner == tag and name not in names]
        missing += [
            (tag, path) for owner, path in told.objects if owner == tag and not has_object(account, path)
        ]
    return missing


def has_object(account: Account, path: str) -> bool:
    """Whether the object is there and whole."""
    try:
        with urlopen(account.signed("GET", path)) as answer:
            return answer.read() == path.rpartition("/")[2].encode() * 1000
    except HTTPError:
        return False


def one_round(state: str, tags: list[str], told: Told, round: int) -> tuple[list, int]:
    """What a kill has lost of all that was acknowledged up to it, and how long the journal is."""
    running = Running(state)
    try:
        works = [writer(running, tag, told, round) for tag in tags]
        works += [creator(running, told) for _ in range(CREATORS)]
        threads = [threading.Thread(target=until_killed, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        sleep(random.uniform(0.5, 4))
    finally:
        running.kill()
    for thread in threads:
        thread.join()
    again = Running(state)
    try:
        return lost(again, told), len(told.records)
    finally:
        again.kill()


def measure() -> None:
    """Print what was lost in so many rounds on one state."""
    told = Told()
    with TemporaryDirectory() as state:
        running = Running(state)
        tags = [running.create()["world"] for _ in range(WRITERS)]
        running.kill()
        print("\n| round | records acknowledged | objects | worlds | lost |\n|---|---|---|---|---|")
        for round in range(1, ROUNDS + 1):
            missing, count = one_round(state, tags, told, round)
            print(
                f"| {round} | {count} | {len(told.objects)} | {len(told.worlds)} | {len(missing)} |",
                flush=True,
            )
            if missing:
                print(missing[:10])
