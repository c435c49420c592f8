"""Slow clients, and more of them than the process has descriptors for: with the server's clock in hand."""

import errno
import json
import resource

import pytest
from modelarts_emulator.http import connection, limits, server
from modelarts_emulator.http.connection import LEAST_PROGRESS
from modelarts_emulator.http.limits import MOST_CONNECTIONS, most_connections
from modelarts_emulator.http.server import IDLE_SECONDS, REQUEST_SECONDS, Server, listen
from modelarts_emulator.real_time import monotonic

from tests.http.conftest import Wire, get, serving

LENGTH = 20 * LEAST_PROGRESS
HEAD = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {LENGTH}\r\n\r\n".encode()


class Hand:
    """A clock of the server that a test moves on; a request on another connection makes the server look at it."""

    def __init__(self, address):
        self.ahead = 0.0
        self.other = Wire(address)

    def __call__(self) -> float:
        return monotonic() + self.ahead

    def advance(self, seconds: float) -> None:
        """Let that much time pass in steps that the server notices."""
        while seconds > 0:
            self.ahead += min(seconds, 10)
            seconds -= 10
            self.tick()

    def tick(self) -> None:
        """Have the loop go round, twice: what it does after the first answer is done before the second."""
        for _ in range(2):
            assert self.other.send(get("/tick")).answer()[0] == 200


@pytest.fixture
def address(echo):
    """Where a server for the echo listens; one a test, because its clock never goes back."""
    listener = listen("127.0.0.1", 0)
    address = listener.getsockname()
    with serving(Server(echo, [listener])):
        yield address


@pytest.fixture
def hand(address, monkeypatch):
    """The clock of the server, at the present."""
    clock = Hand(address)
    for module in (server, connection, limits):
        monkeypatch.setattr(module, "monotonic", clock)
    clock.tick()
    yield clock
    clock.other.sock.close()


def test_an_upload_that_gets_on_takes_as_long_as_it_takes(address, hand):
    with Wire(address) as wire:
        wire.send(HEAD)
        for _ in range(LENGTH // LEAST_PROGRESS):
            wire.send(b"x" * LEAST_PROGRESS)
            hand.advance(REQUEST_SECONDS / 2)
        assert wire.answer()[0] == 200


@pytest.mark.parametrize(
    "part",
    [b"GET / HT", HEAD[:-2], HEAD, HEAD + b"x" * (LEAST_PROGRESS - 1)],
    ids=["in the first line", "in the head", "before the body", "in the body"],
)
def test_a_request_that_does_not_get_on_is_told_so_and_cut(address, hand, part):
    with Wire(address) as wire:
        wire.send(part)
        hand.advance(REQUEST_SECONDS + 20)
        status, body, headers = wire.answer()
        assert (status, headers["Connection"]) == (408, "close")
        assert "did not get on" in json.loads(body)[2]
        assert wire.rest() == b""


def test_a_head_that_comes_drop_by_drop_is_cut_all_the_same(address, hand):
    with Wire(address) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
        for number in range(REQUEST_SECONDS // 10 + 1):
            wire.send(b"H%d: x\r\n" % number)
            hand.advance(10)
        assert wire.answer()[0] == 408


def test_a_connection_on_which_nothing_is_asked_is_closed_without_a_word(address, hand):
    with Wire(address) as wire:
        assert wire.send(get("/")).answer()[0] == 200
        hand.advance(IDLE_SECONDS + 20)
        assert wire.rest() == b""


def test_a_client_that_takes_no_answer_is_let_go(address, hand):
    with Wire(address) as wire:
        wire.send(get("/big"))
        hand.tick()
        hand.advance(REQUEST_SECONDS + 20)
        assert len(wire.rest()) < 8 << 20


class Exhausted:
    """A listening socket of a process that has no descriptor left."""

    def __init__(self, listener):
        self.listener = listener
        self.free = True
        self.asked = 0

    def __getattr__(self, name):
        return getattr(self.listener, name)

    def accept(self):
        if self.free:
            return self.listener.accept()
        self.asked += 1
        raise OSError(errno.EMFILE, "Too many open files")


def test_a_process_without_descriptors_serves_on_and_asks_for_connections_once_a_while(echo, monkeypatch):
    listener = Exhausted(listen("127.0.0.1", 0))
    address = listener.getsockname()
    with serving(Server(echo, [listener])):
        clock = Hand(address)
        clock.tick()
        for module in (server, connection, limits):
            monkeypatch.setattr(module, "monotonic", clock)
        # The clock stands, so that a pause lasts until it is moved.
        begun = monotonic()
        monkeypatch.setattr(Hand, "__call__", lambda hand: begun + hand.ahead)
        listener.free = False
        with Wire(address) as waiting:
            waiting.send(get("/waiting"))
            for _ in range(50):
                clock.tick()
            assert listener.asked == 1
            clock.advance(10)
            assert listener.asked == 2
            listener.free = True
            clock.advance(10)
            assert json.loads(waiting.answer()[1])["uri"] == "/waiting"
        clock.other.sock.close()


def test_one_connection_too_many_is_told_so(echo):
    listener = listen("127.0.0.1", 0)
    crowded = Server(echo, [listener])
    crowded.most_connections = 1
    with serving(crowded), Wire(listener.getsockname()) as first:
        assert first.send(get("/")).answer()[0] == 200
        with Wire(listener.getsockname()) as second:
            assert second.rest().startswith(b"HTTP/1.1 503 ")
        assert first.send(get("/")).answer()[0] == 200


@pytest.mark.parametrize(
    ("allowed", "most"), [(64, 48), (1024, 768), (1 << 20, MOST_CONNECTIONS), (-1, MOST_CONNECTIONS)]
)
def test_there_are_fewer_connections_than_descriptors(monkeypatch, allowed, most):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, allowed))
    assert most_connections() == most


def test_a_body_for_which_the_disk_has_no_room_is_answered_with_that(monkeypatch, address):
    def refuse(body):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(connection, "SPOOL_ABOVE", 1000)
    monkeypatch.setattr(connection, "in_a_file", refuse)
    wire = Wire(address)
    wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + b"x" * 999)
    wire.send(b"x" * 4001)
    status, body, _ = wire.answer()
    assert (status, json.loads(body)[2]) == (507, "the body cannot be kept: No space left on device")


def test_a_body_that_grows_goes_on_in_a_file(monkeypatch, address):
    monkeypatch.setattr(connection, "SPOOL_ABOVE", 1000)
    content = bytes(range(256)) * 20
    wire = Wire(address)
    wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5120\r\n\r\n" + content[:700])
    wire.send(content[700:])
    assert json.loads(wire.answer()[1])["body"] == content.decode("latin-1")
