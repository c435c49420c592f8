"""The class for testcontainers, on a stand-in for the engine: what it asks of one, and what becomes of that."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple
from urllib.request import urlopen

import pytest
from modelarts_emulator.running import Emulator

SOURCE = Path(__file__).parents[1] / "docs/examples/trainer/testcontainers_modelarts.py"


class Executed(NamedTuple):
    """What testcontainers answers to a command inside."""

    exit_code: int
    output: bytes


class StandIn:
    """DockerContainer of testcontainers, as far as the class uses it: the emulator runs as a process of this machine.

    The port that is exposed becomes any free one outside, as with an engine; the one that is bound stays what it is.
    """

    def __init__(self, image: str):
        self.image, self.bound, self.environ = image, {}, dict(os.environ)

    def with_exposed_ports(self, port: int) -> "StandIn":
        """Let the port be reached by one of the engine's choice."""
        self.exposed = {port: free_port()}
        return self

    def with_bind_ports(self, container: int, host: int) -> "StandIn":
        """Let the port be reached by that one."""
        self.bound[container] = host
        return self

    def with_env(self, name: str, value: str) -> "StandIn":
        """Set a variable inside."""
        self.environ[name] = value
        return self

    def start(self) -> "StandIn":
        """Run what the image runs."""
        [outside], [obs] = self.exposed.values(), self.bound.values()
        self.environ |= {"MODELARTS_EMULATOR_PORT": str(outside), "MODELARTS_EMULATOR_OBS_PORT": str(obs)}
        self.process = subprocess.Popen(self._command(["modelarts-emulator", "start"]), env=self.environ)
        return self

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()

    def exec(self, command: list[str]) -> Executed:
        """Run a command inside."""
        done = subprocess.run(self._command(command), env=self.environ, capture_output=True)
        return Executed(done.returncode, done.stdout)

    def get_container_host_ip(self) -> str:
        """Where its ports can be reached."""
        return "127.0.0.1"

    def get_exposed_port(self, port: int) -> int:
        """By which port a port inside can be reached."""
        return self.exposed[port]

    def _command(self, command: list[str]) -> list[str]:
        assert command[0] == "modelarts-emulator"
        return [sys.executable, "-m", "modelarts_emulator", *command[1:]]


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def container_class(monkeypatch):
    """The class of the example, over the stand-in."""
    names = ("testcontainers", "testcontainers.core", "testcontainers.core.container")
    for name in names:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules[names[-1]].DockerContainer = StandIn
    spec = importlib.util.spec_from_file_location("testcontainers_modelarts", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.ModelArtsContainer, "OBS_PORT", free_port())
    return module.ModelArtsContainer


def test_the_container_is_ready_when_it_has_started_and_says_how_it_is_reached(container_class):
    container = container_class(seed=5)
    assert container.image == "modelarts-emulator"
    try:
        container.start()
        assert json.load(urlopen(f"{container.endpoint}/_emulator/ready"))["ready"]
        told = container.environment()
    finally:
        container.stop()
    with Emulator(seed=5) as emulator:
        account = emulator.application.worlds.default.account
    assert (told["access_key"], told["secret_key"]) == (account.access_key, account.secret_key)
    assert told["endpoint"] == container.endpoint
    assert told["obs_endpoint"] == f"http://127.0.0.1:{container.OBS_PORT}"


def test_a_container_that_does_not_become_ready_is_told_in_words(container_class, monkeypatch):
    container = container_class()
    monkeypatch.setattr(StandIn, "start", lambda self: self)
    monkeypatch.setattr(StandIn, "exec", lambda self, command: Executed(1, b"no answer from 7878"))
    with pytest.raises(RuntimeError, match="no answer from 7878"):
        container.start()
