"""What the suite proves, written down: `python -m pytest -p tests.recording --record FILE [paths]`.

Each documented code that was answered without a fault, with the shortest sequence of requests that led to it, and of
each operation whether it was answered, refused, driven by an official SDK, answered from a state that was read again.
A file that is there is added to, so that the suite can be run piece by piece.
"""

import json
import re
from pathlib import Path

import pytest
from modelarts_emulator import app, application
from modelarts_emulator.contract.errors import documented_errors
from modelarts_emulator.obs import application as obs
from modelarts_emulator.obs.refusals import ObsError

NAMED = re.compile(rb'"(?:error_code|code|type|message)": ?"?([A-Za-z]+\.\d+|\d{3})\b')
ANY_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
SDK = "huaweicloud"


class Recording:
    """What was asked in the test that runs, and what all tests have proven so far."""

    def __init__(self, path: Path):
        self.path = path
        known = json.loads(path.read_text()) if path.exists() else {}
        self.codes = known.get("codes", {})
        self.operations = known.get("operations", {})
        self.states = {}
        self.begin("")

    def begin(self, test: str) -> None:
        """Forget what was asked before this test."""
        self.test, self.asked, self.moments = test, {}, {}

    def note(self, emulator, exchange, status: int, body) -> None:
        """Keep what an answer proves."""
        if exchange.faults:
            return
        codes = codes_in(body)
        if exchange.operation is None:
            steps = [f"{exchange.request.method} {ANY_ID.sub('ID', exchange.request.raw_path)}"]
        else:
            steps = self.steps_to(exchange, status)
            self.prove(emulator, exchange, status, codes)
        for code in codes:
            self.keep(code, status, steps)

    def steps_to(self, exchange, status: int) -> list[str]:
        """The requests of the test that changed something of the world before this one, and this one."""
        name, world = exchange.operation.operation_id, getattr(exchange, "world", None)
        if world is None:
            return [name]
        before = self.asked.setdefault(world.tag, [])
        now, then = world.clock.now(), self.moments.get(world.tag)
        if then is not None and now - then >= 1 and before:
            before.append(f"clock +{now - then:.0f}s")
        self.moments[world.tag] = now
        steps = [*before, name]
        if status < 400 and exchange.request.method != "GET" and "Token" not in name:
            before.append(name)
        return steps

    def prove(self, emulator, exchange, status: int, codes: list[str]) -> None:
        """Keep what the answer says of its operation."""
        proven = self.operations.setdefault(exchange.operation.operation_id, {})
        if status < 400:
            proven["answered"] = True
            if SDK in exchange.environ.get("HTTP_USER_AGENT", "").lower():
                proven["sdk"] = True
            if self.is_second(emulator):
                proven["restarted"] = True
        else:
            proven["refused"] = sorted({*proven.get("refused", ()), *codes})

    def is_second(self, emulator) -> bool:
        """Whether the emulator has a state that another one before it has written."""
        state = emulator.settings.state
        return bool(state) and self.states.setdefault(state, id(emulator)) != id(emulator)

    def keep(self, code: str, status: int, steps: list[str]) -> None:
        """Keep the shortest way to a code."""
        found = {"status": status, "steps": steps, "test": self.test.partition("[")[0]}
        known = self.codes.get(code)
        if known is None or key_of(found) < key_of(known):
            self.codes[code] = found

    def write(self) -> None:
        """Write all down, in an order that does not depend on that of the tests."""
        told = {
            "codes": dict(sorted(self.codes.items())),
            "operations": dict(sorted(self.operations.items())),
        }
        self.path.write_text(json.dumps(told, indent=1) + "\n")


def key_of(found: dict) -> tuple:
    """What makes a way better than another."""
    return len(found["steps"]), found["test"], found["steps"]


def codes_in(body) -> list[str]:
    """The documented codes that an answer names."""
    found = NAMED.findall(body) if isinstance(body, bytes) else ()
    return [code for code in dict.fromkeys(each.decode() for each in found) if code in documented_errors()]


def pytest_addoption(parser) -> None:
    """--record FILE."""
    parser.addoption("--record", metavar="FILE", required=True, help="where to write what the suite proves")


def pytest_configure(config) -> None:
    """Listen to every emulator of this process."""
    recording = Recording(Path(config.getoption("record")))
    config.pluginmanager.register(Listener(recording))
    respond, refused, suffer = app.respond, obs.refused, obs.suffer_before

    def respond_noted(emulator, exchange):
        status, headers, body = respond(emulator, exchange)
        recording.note(emulator, exchange, status, body)
        return status, headers, body

    def refused_noted(error, environ, request_id):
        if error.code in documented_errors() and not getattr(error, "asked_for", False):
            scope = (
                f"{environ['REQUEST_METHOD']} {'object' if environ['PATH_INFO'].count('/') > 1 else 'bucket'}"
            )
            recording.keep(error.code, error.status, [f"obs:{scope}"])
        return refused(error, environ, request_id)

    def suffer_noted(fault):
        try:
            suffer(fault)
        except ObsError as error:
            error.asked_for = True
            raise

    application.respond, obs.refused, obs.suffer_before = respond_noted, refused_noted, suffer_noted


class Listener:
    """Tells a recording which test runs, and when the last one has."""

    def __init__(self, recording: Recording):
        self.recording = recording

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid):
        self.recording.begin(nodeid)

    def pytest_sessionfinish(self):
        self.recording.write()
