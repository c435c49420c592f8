"""`pytest --modelarts-falsify`: break one rule of the emulator after another, and see which tests notice.

After the tests have passed, those that have used an operation run again with one rule of its answers broken, until one
of them fails. What no test has noticed is listed: there the tests would not see that the code is wrong.
"""

from __future__ import annotations

import re
import signal
from contextlib import contextmanager, suppress
from random import Random
from typing import TYPE_CHECKING, Any, NoReturn

import orjson
import pytest
from _pytest.runner import runtestprotocol

from modelarts_emulator import app, application
from modelarts_emulator.frame.calls import Stream
from modelarts_emulator.testing.breakages import (
    EACH,
    NOT_KEPT,
    NOT_PAGED,
    RULES,
    WROTE,
    Answered,
    Breakage,
    breakages_of,
    broken,
)
from modelarts_emulator.worlds.history import json_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelarts_emulator.app import Exchange
    from modelarts_emulator.application import Application


# A test that runs so many times longer than at first, and so many seconds, waits for what never comes: it has noticed.
TIMES_LONGER, LEAST_SECONDS = 5, 1.0
# So long after the first alarm, should that have been lost, there is another one.
AGAIN_SECONDS = 5.0
PART = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")


class TakesTooLong(BaseException):
    """Ends a test that would wait for ever; no `except Exception` of it is in the way."""


class NotKept(Exception):
    """Ends a transaction so that nothing of it counts."""


class Onward:
    """Stands for the test that comes next: what it shares with the one before is not taken down between them."""

    def __init__(self, item: pytest.Item):
        self._item = item

    def listchain(self) -> list[Any]:
        """The collectors that stay."""
        return self._item.listchain()[:-1]


class Falsifier:
    """The rounds of one session. found: which tests offered which breakage; noticed: which test failed at it first.

    sample: so many of the breakages, drawn with a fixed seed; 0 for all. part: which of how many parts of them.
    """

    def __init__(self, sample: int = 0, part: tuple[int, int] = (1, 1)) -> None:
        self._sample, self._part = sample, part
        self.test = ""
        self.breakage: Breakage | None = None
        self.found: dict[Breakage, dict[str, None]] = {}
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()
        self.noticed: dict[Breakage, str] = {}
        self.untried: set[Breakage] = set()
        self._respond = app.respond
        self._behave = app.behave

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        """Run the tests as they are, then once more for each breakage that their answers have offered."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(application, "respond", self.respond)
            steps = {
                who: tuple(self.behave if step is self._behave else step for step in each)
                for who, each in app.STEPS.items()
            }
            patched.setattr(app, "STEPS", steps)
            result = yield
            self.leave_out_failed()
            self.draw_sample()
            self.run_rounds(session)
        return result

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Know which test asks."""
        self.test = nodeid

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Know how long a test takes, and whether it fails as it is."""
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if report.failed:
            self.failed.add(report.nodeid)

    def respond(self, emulator: Application, exchange: Exchange) -> tuple[int, list, Any]:
        """What the emulator answers: looked at in the first round, broken in the others."""
        breakage, operation = self.breakage, exchange.operation
        is_meant = (
            breakage is not None and operation is not None and operation.operation_id == breakage.operation
        )
        if is_meant and breakage is not None and breakage.rule == NOT_PAGED:
            ask_for_all(exchange, breakage.detail)
        status, headers, body = self._respond(emulator, exchange)
        if operation is None or not isinstance(body, bytes) or operation.access.in_body:
            return status, headers, body
        answered = Answered(status, json_of(body))
        if breakage is None:
            for each in breakages_of(exchange, answered):
                self.found.setdefault(each, {})[self.test] = None
        elif is_meant:
            left = broken(breakage, answered)
            if left != answered:
                return left.status, headers, body if left.value is None else orjson.dumps(left.value)
        return status, headers, body

    def behave(self, emulator: Application, exchange: Exchange) -> None:
        """Do what the operation does; in a round about it, keep nothing of it."""
        breakage = self.breakage
        is_lost = breakage is not None and breakage[:2] == (exchange.asked.operation_id, NOT_KEPT)
        if exchange.behaviour.computes:
            return self._behave(emulator, exchange)
        try:
            stay = exchange.stay = exchange.world.transaction()
            with stay as world:
                before = world.store.changes
                # As the step itself does it, whose transaction would have counted by now.
                exchange.answer = app.as_answer(exchange.asked, exchange.behaviour(exchange.call))
                exchange.environ[WROTE] = world.store.changes > before
                if is_lost and not isinstance(exchange.answer, Stream):
                    raise NotKept
        except NotKept:
            pass

    def leave_out_failed(self) -> None:
        """Forget what only tests have offered that fail as they are: those say nothing of a breakage."""
        for breakage, tests in list(self.found.items()):
            self.found[breakage] = {test: None for test in tests if test not in self.failed}
            if not self.found[breakage]:
                del self.found[breakage]

    def draw_sample(self) -> None:
        """Leave only the part, and the sample, of the breakages that was asked for; the same is drawn every time."""
        drawn = list(self.found)
        if 0 < self._sample < len(drawn):
            drawn = Random(0).sample(drawn, self._sample)
        which, count = self._part
        # What is left out of an object is tried where the object is: a part has all rules of an operation.
        rank = {name: at for at, name in enumerate(dict.fromkeys(each.operation for each in self.found))}
        self.found = {each: self.found[each] for each in drawn if rank[each.operation] % count == which - 1}

    def run_rounds(self, session: pytest.Session) -> None:
        """Run, for each breakage, the tests that have offered it, the quickest first, until one fails."""
        items = {item.nodeid: item for item in session.items}
        # Nobody reads how a test fails in the rounds.
        style, session.config.option.tbstyle = session.config.option.tbstyle, "no"
        self.untried = set(self.found)
        for breakage, tests in list(self.found.items()):
            self.untried.discard(breakage)
            if parent_of(breakage) in self.found.keys() - self.noticed.keys():
                # Whoever does not miss an object does not miss what is in it.
                del self.found[breakage]
                continue
            self.breakage = breakage
            for test in sorted(filter(items.get, tests), key=lambda test: self.seconds.get(test, 0)):
                if self.fails(items[test]):
                    self.noticed[breakage] = test
                    break
        self.breakage = None
        session.config.option.tbstyle = style
        take_down(session, None)

    def fails(self, item: pytest.Item) -> bool:
        """Run a test once more, unseen; whether it fails now."""
        take_down(item.session, Onward(item))
        item._initrequest()  # type: ignore[attr-defined]
        try:
            with limited(max(LEAST_SECONDS, TIMES_LONGER * self.seconds.get(item.nodeid, 0))):
                reports = runtestprotocol(item, log=False, nextitem=Onward(item))  # type: ignore[arg-type]
        except (TakesTooLong, SystemError):
            # What the alarm interrupts in the interpreter itself fails as a SystemError.
            return True
        return any(report.failed for report in reports)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell how many breakages were noticed, and list those that were not."""
        terminalreporter.section("modelarts falsify")
        for line in self.told():
            terminalreporter.write_line(line)

    def told(self) -> Iterator[str]:
        """How many breakages of each rule were noticed, and a line for each operation and rule with those that were
        not.
        """
        if not self.found:
            yield "nothing was broken: the tests failed as they are, or asked no operation"
            return
        if self.failed:
            yield f"left out because they failed as they are: {len(self.failed)}"
        if self.untried:
            yield f"interrupted: {len(self.untried)} rules were not broken any more"
            self.found = {each: tests for each, tests in self.found.items() if each not in self.untried}
        unnoticed: dict[tuple[str, str], list[str]] = {}
        for breakage in self.found:
            if breakage not in self.noticed:
                unnoticed.setdefault(breakage[:2], []).append(breakage.detail)
        yield f"{len(self.found)} rules broken, one at a time; {len(self.noticed)} noticed"
        for rule in RULES:
            broken_rules = [breakage for breakage in self.found if breakage.rule == rule]
            count = sum(breakage in self.noticed for breakage in broken_rules)
            if broken_rules:
                yield f"  {rule:8} {count} of {len(broken_rules)}"
        for (operation, rule), details in unnoticed.items():
            yield f"not noticed: {Breakage(operation, rule, ', '.join(details))}"


def parent_of(breakage: Breakage) -> Breakage | None:
    """The breakage that leaves out the object or list of which this one leaves out a member; None for any other."""
    parent, dot, _ = breakage.detail.rpartition(".")
    return breakage._replace(detail=parent.removesuffix(EACH)) if dot else None


def take_down(session: pytest.Session, next: Onward | None) -> None:
    """Take down what the next test does not share; what fails in that has been broken by the round before."""
    with suppress(Exception, pytest.fail.Exception):
        session._setupstate.teardown_exact(next)  # type: ignore[arg-type]


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TakesTooLong in the main thread after so many seconds."""

    def end(number: int, frame: object) -> NoReturn:
        raise TakesTooLong(f"took more than {seconds:.1f} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def ask_for_all(exchange: Exchange, name: str) -> None:
    """Take a parameter out of the query before anybody reads it."""
    pairs = [pair for pair in exchange.request.raw_query.split("&") if pair.partition("=")[0] != name]
    exchange.request.raw_query = "&".join(pairs)


def falsify(config: pytest.Config) -> None:
    """Have the session end in rounds. UsageError where tests run in several processes, which share no emulator, and
    for a part that is none.
    """
    if getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("modelarts: --modelarts-falsify runs in one process; leave out -n")
    part = PART.fullmatch(config.option.modelarts_falsify_part)
    if part is None or not 1 <= int(part[1]) <= int(part[2]):
        words = f"--modelarts-falsify-part is {config.option.modelarts_falsify_part}, must be such as 1/4"
        raise pytest.UsageError(f"modelarts: {words}")
    option = config.option
    falsifier = Falsifier(option.modelarts_falsify_sample, (int(part[1]), int(part[2])))
    config.pluginmanager.register(falsifier, "modelarts-falsify")
