"""By which names the emulator is addressed: pages that rebind a name are kept out, IPv6 works."""

import json
import socket
import urllib.request
from http.client import HTTPConnection

import pytest
from modelarts_emulator.http.hosts import is_known_host, is_loopback, reachable
from modelarts_emulator.running import Emulator

PATH = "/v1/0123456789abcdef0123456789abcdef/notebooks"


def status_of(emulator, host: str, path: str = PATH) -> int:
    """The status of a GET with that Host."""
    connection = HTTPConnection("127.0.0.1", emulator.application.addresses["port"])
    connection.request("GET", path, headers={"Host": host, "X-Auth-Token": "t"})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture(scope="module")
def emulators():
    """{how it was started: an emulator}."""
    options = {
        "presence": {},
        "strict": {"auth": "strict"},
        "everywhere": {"host": "0.0.0.0"},
        "allowed": {"allowed_hosts": "ci.example, *.dev.example"},
    }
    running = {name: Emulator(**more).start() for name, more in options.items()}
    yield running
    for emulator in running.values():
        emulator.stop()


KNOWN = [
    "localhost:7878",
    "LOCALHOST",
    "a.localhost",
    "127.0.0.1",
    "192.168.7.7:80",
    "[::1]:7878",
    "localhost.",
]
KNOWN += ["modelarts.cn-north-4.myhuaweicloud.com", "iam.eu-west-101.myhuaweicloud.eu:443"]
KNOWN += ["modelarts.eu-de.otc.t-systems.com"]
FOREIGN = ["evil.example", "evil.example:7878", "127.0.0.1.evil.example", "localhost.evil.example"]
FOREIGN += ["myhuaweicloud.com.evil.example", "evilmyhuaweicloud.com", "ci.example.evil.example"]


@pytest.mark.parametrize("host", KNOWN)
def test_the_machine_s_own_names_and_the_cloud_s_are_served(emulators, host):
    assert status_of(emulators["presence"], host) == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_foreign_names_are_refused_on_loopback(emulators, host):
    assert status_of(emulators["presence"], host) == 403
    assert status_of(emulators["presence"], host, "/v1/infers/x") == 403


def test_whoever_listens_everywhere_takes_any_name(emulators):
    assert status_of(emulators["everywhere"], "evil.example") == 200


def test_strict_leaves_it_to_the_credential(emulators):
    assert status_of(emulators["strict"], "evil.example") == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [("ci.example", 200), ("CI.example:80", 200), ("a.dev.example", 200), ("dev.example", 403), ("b.ci.example", 403)],
)  # fmt: skip
def test_further_names_can_be_allowed(emulators, host, status):
    assert status_of(emulators["allowed"], host) == status


def test_a_star_allows_any_name():
    assert is_known_host("evil.example", "*")


@pytest.mark.parametrize(
    ("host", "private", "url"),
    [
        ("127.0.0.1", True, "127.0.0.1"),
        ("127.9.9.9", True, "127.9.9.9"),
        ("localhost", True, "localhost"),
        ("::1", True, "[::1]"),
        ("::", False, "127.0.0.1"),
        ("0.0.0.0", False, "127.0.0.1"),
        ("192.168.7.7", False, "192.168.7.7"),
        ("fd00::7", False, "[fd00::7]"),
    ],
)
def test_an_address_is_written_so_that_it_can_be_reached(host, private, url):
    assert (is_loopback(host), reachable(host)) == (private, url)


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
@pytest.mark.parametrize("host", ["::1", "::"])
def test_on_ipv6_every_address_that_is_told_answers(host):
    with Emulator(host=host) as emulator:
        told = emulator.application.environment(emulator.application.worlds.default)
        with urllib.request.urlopen(f"{told['endpoint']}/_emulator/worlds") as answer:
            world = json.loads(answer.read())["worlds"][0]
        assert world["endpoint"] == told["endpoint"]
        with urllib.request.urlopen(
            f"http://[::1]:{emulator.application.addresses['port']}/_emulator/worlds"
        ):
            pass
        connection = HTTPConnection(told["obs_endpoint"].removeprefix("http://"))
        connection.request("GET", "/")
        assert connection.getresponse().status == 403
        connection.close()
