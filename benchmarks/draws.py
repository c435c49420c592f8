"""A million requests drawn by the strategies of the tests, in process: `python -m benchmarks.draws [REQUESTS]`.

Valid requests of every emulated operation and broken ones are drawn once; each round sends its share of them, in an
order and with ids by chance, to an emulator with a state, lets time pass, compares what is stored with what a restart
brings back, and empties it. Told are answers of 500 and more, records that were lost, and the memory held.
"""

import logging
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path
from random import Random
from resource import getpagesize
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

import orjson
from hypothesis import HealthCheck, given, seed, settings
from modelarts_emulator.application import Application, create_app
from modelarts_emulator.contract.operations import Operation, Operations
from modelarts_emulator.frame.registry import NOT_EMULATED, behaviour_of
from modelarts_emulator.settings import Settings

from tests.conftest import Answered, path_of, query_of
from tests.strategies import mutations, requests

REQUESTS = 1_000_000
ROUNDS = 50
DRAWS = 2
MOST_MUTATIONS = 6
TIME_PASSES_EVERY = 250
IDS_KEPT = 500
VALID = 0.7


class Drawn(NamedTuple):
    """One request: its operation, the values of its path, and the rest as it is sent."""

    operation: Operation
    path: dict
    query: str
    headers: dict
    body: bytes


class Told:
    """What one round after the other has come to."""

    def __init__(self) -> None:
        self.statuses: Counter = Counter()
        self.faults: Counter = Counter()
        self.sent = self.lost = 0

    def note(self, drawn: Drawn, status: int, body: bytes) -> None:
        """Count an answer."""
        self.sent += 1
        self.statuses[status] += 1
        if status >= 500:
            self.faults[status, drawn.operation.operation_id, body[:160].decode("utf-8", "replace")] += 1


def draw_all(operation: Operation, source: Random, valid: list[Drawn], broken: list[Drawn]) -> None:
    """Draw valid requests of an operation, and for each some with a body that breaks a rule."""
    for full in (False, True):

        @seed(source.getrandbits(32))
        @settings(max_examples=DRAWS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(requests(operation, full))
        def gather(request):
            path, query, headers, body = request
            drawn = Drawn(operation, path, query_of(query), headers, text_of(body))
            valid.append(drawn)
            if body is not None:
                schema = operation.area_of.closure(operation.body_schema)
                wrong = mutations(schema, body, MOST_MUTATIONS)
                broken.extend(drawn._replace(body=text_of(mutation.value)) for mutation in wrong)

        gather()


def text_of(body) -> bytes:
    """A body as JSON."""
    return b"" if body is None else orjson.dumps(body)


class Player:
    """Sends drawn requests to an emulator and keeps ids that it has answered with, to ask for them again."""

    def __init__(self, application: Application, source: Random, told: Told):
        self._application = application
        self._source = source
        self._told = told
        self._ids: list[str] = []
        self._project_id = application.worlds.default.account.project_id

    def play(self, drawn: Drawn) -> None:
        """Send a request, in half of the cases for something that is there."""
        path = {name: self._value(name, value) for name, value in drawn.path.items()}
        status, body = self.send(
            drawn.operation.method, path_of(drawn.operation, path), drawn.query, drawn.headers, drawn.body
        )
        self._told.note(drawn, status, body)
        if status < 300 and drawn.operation.method == "POST":
            self._keep(body)

    def send(self, method: str, path: str, query: str, headers: dict, body: bytes) -> tuple[int, bytes]:
        """(status, body) of an answer."""
        answered = Answered(self._application, method, path, query, headers, body)
        return answered.status, answered.body

    def let_time_pass(self) -> None:
        """Move the clock on, by seconds or by days."""
        by = self._source.choice(("10s", "5m", "2h", "3d"))
        self.send("POST", "/_emulator/clock/advance", "", {}, orjson.dumps({"by": by}))

    def _value(self, name: str, value: str) -> str:
        if name == "project_id":
            return self._project_id
        return self._source.choice(self._ids) if self._ids and self._source.random() < 0.5 else value

    def _keep(self, body: bytes) -> None:
        try:
            waiting = [orjson.loads(body)]
        except ValueError:
            return
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                self._ids += [
                    str(each) for name, each in value.items() if name.endswith("id") and is_plain(each)
                ]
                waiting += [each for each in value.values() if isinstance(each, dict)]
        del self._ids[:-IDS_KEPT]


def is_plain(value) -> bool:
    """Whether a value may stand in a path."""
    return isinstance(value, str | int) and bool(value)


def records_of(application: Application) -> dict[tuple[str, str], str]:
    """{(table, id): digest} of all records but the world's own, whose clock goes on."""
    found = application.worlds.default.store.records()
    return {(name, id): sha256(blob).hexdigest() for name, id, blob in found if name != "emulator/world"}


def emulator_at(folder: str) -> Application:
    """An emulator in which nothing runs but itself."""
    return create_app(Settings(state=folder, auth="off", inference="simulated", log_level="silent"))


def play_round(valid: list[Drawn], broken: list[Drawn], count: int, source: Random, told: Told) -> None:
    """Send so many of the drawn requests, then see what is there after a restart."""
    with TemporaryDirectory() as folder:
        application = emulator_at(folder)
        player = Player(application, source, told)
        player.send("POST", "/_emulator/clock/freeze", "", {}, b"{}")
        for number in range(count):
            player.play(source.choice(valid if source.random() < VALID else broken))
            if number % TIME_PASSES_EVERY == 0:
                player.let_time_pass()
        application.worlds.default.settle()
        before = records_of(application)
        failed, faults = application.broken, application.faults()["count"]
        application.close()
        again = emulator_at(folder)
        after = records_of(again)
        told.lost += sum(after.get(key) != digest for key, digest in before.items())
        again.close()
    print(
        f"{told.sent:>9,} sent, {len(before):>6,} records at the end of the round, {told.lost} lost, "
        f"{len(failed)} failed, {faults} failed when due, {resident_mib():.0f} MiB",
        flush=True,
    )
    for words in failed[:5]:
        print("   ", words[:300], flush=True)


def resident_mib() -> float:
    """The memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize() / (1 << 20)


def main(count: int) -> int:
    """Print what rounds come to; 1 when a record was lost or an answer was the emulator's own failure."""
    logging.disable(logging.CRITICAL)
    start, source, told = perf_counter(), Random(7), Told()
    operations = [each for each in Operations() if behaviour_of(each) is not NOT_EMULATED]
    valid: list[Drawn] = []
    broken: list[Drawn] = []
    for operation in operations:
        draw_all(operation, source, valid, broken)
    took = perf_counter() - start
    words = f"{len(valid):,} valid and {len(broken):,} broken requests of {len(operations)} operations"
    print(f"{words} drawn in {took:.0f} s", flush=True)
    try:
        for _ in range(ROUNDS):
            play_round(valid, broken, count // ROUNDS, source, told)
    except KeyboardInterrupt:
        print("ended before its time", flush=True)
    print(f"{told.sent:,} requests in {perf_counter() - start:.0f} s: {dict(sorted(told.statuses.items()))}")
    for (status, operation_id, words), times in told.faults.most_common(60):
        print(f"{times:7} x {status} {operation_id}: {words}")
    return 1 if told.lost or any("Emulator.Internal" in words for _, _, words in told.faults) else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS))
