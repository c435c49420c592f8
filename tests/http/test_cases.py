"""Smuggling, pipelining, offers, expectations and malformed heads: what the server answers to each, byte by byte."""

import json
from http.client import HTTPConnection

import pytest

from tests.http.conftest import CHUNKED, Wire, get, post

OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")
SECOND = get("/second")


def head(*lines: str, first: str = "POST /first HTTP/1.1") -> bytes:
    """The head of a request as bytes, with nothing that is not given."""
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1")


# {name: (what is sent, the bodies that the application is handed)}, and {name: (what is sent, how it is refused)}.
# Each is sent with a second request behind it, or as one that could hide another.
SERVED = {
    "an offer of h2c with a body": (post("/first", b"hello", *OFFER) + SECOND, ["hello", ""]),
    "an offer of h2c with a body that is a request": (post("/first", SECOND, *OFFER), [SECOND.decode()]),
    "an offer of h2c with chunks": (
        head("Host: x", *OFFER, "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n" + SECOND,
        ["abc", ""],
    ),
    "an offer of h2c without a body": (get("/first", *OFFER) + SECOND, ["", ""]),
    "an offer of websockets": (get("/first", "Connection: Upgrade", "Upgrade: websocket") + SECOND, ["", ""]),
    "an offer in the middle": (SECOND + post("/first", b"hello", *OFFER) + SECOND, ["", "hello", ""]),
    "many offers": (post("/first", b"hello", *OFFER) * 20, ["hello"] * 20),
    "an offer of HTTP/1.0": (
        head("Connection: Upgrade", "Upgrade: h2c", "Content-Length: 2", first="POST / HTTP/1.0") + b"hi",
        ["hi"],
    ),
    "a GET with a body": (head("Host: x", "Content-Length: 3", first="GET / HTTP/1.1") + b"abc" + SECOND, ["abc", ""]),
    "empty lines before a request": (b"\r\n\r\n" + SECOND, [""]),
    "another letter case": (head("hOsT: x", "content-LENGTH: 2") + b"hi", ["hi"]),
    "HTTP/1.0 without a host": (head(first="GET / HTTP/1.0"), [""]),
    "HTTP/1.0 with an expectation": (head("Expect: wonders", first="GET / HTTP/1.0"), [""]),
    "a target with a host": (head("Host: y", first="GET http://x:80/first HTTP/1.1"), [""]),
    "trailers behind the chunks": (CHUNKED + b"2\r\nhi\r\n0\r\nX-Auth-Token: t\r\n\r\n" + SECOND, ["hi", ""]),
    "what comes after Connection: close": (get("/first", "Connection: close") + SECOND, [""]),
}  # fmt: skip
REFUSED = {
    "a length and chunks": (head("Host: x", "Content-Length: 3", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
    "chunks and a length": (head("Host: x", "Transfer-Encoding: chunked", "Content-Length: 3") + b"0\r\n\r\n", 400),
    "the same length twice": (head("Host: x", "Content-Length: 3", "Content-Length: 3") + b"abc", 400),
    "a list of lengths": (head("Host: x", "Content-Length: 3, 3") + b"abc", 400),
    "a length with a sign": (head("Host: x", "Content-Length: +3") + b"abc", 400),
    "a negative length": (head("Host: x", "Content-Length: -3"), 400),
    "an empty length": (head("Host: x", "Content-Length:"), 400),
    "a coding nobody knows": (head("Host: x", "Transfer-Encoding: xchunked") + b"0\r\n\r\n", 501),
    "a coding before the chunks": (head("Host: x", "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n", 501),
    "two lines of codings": (head("Host: x", "Transfer-Encoding: chunked", "Transfer-Encoding: x") + b"0\r\n\r\n", 400),
    "chunks in HTTP/1.0": (
        head("Host: x", "Transfer-Encoding: chunked", first="POST / HTTP/1.0") + b"0\r\n\r\n", 400
    ),
    "a chunk that is longer than it says": (CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n", 400),
    "a chunk's size with 0x": (CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk's size beyond 64 bits": (CHUNKED + b"fffffffffffffffff\r\nabc", 400),
    "chunks with bare line feeds": (CHUNKED + b"3\nabc\n0\n\n", 400),
    "a space before the colon": (head("Host: x", "Content-Length : 3") + b"abc", 400),
    "a header over two lines": (head("Host: x", "A: b\r\n c"), 400),
    "a space before the first header": (head(" Host: x"), 400),
    "a header without a name": (head("Host: x", ": b"), 400),
    "a header without a colon": (head("Host: x", "abc"), 400),
    "a NUL in a header": (head("Host: x", "A: b\0c"), 400),
    "a carriage return in a header": (head("Host: x", "A: b\rX: c"), 400),
    "bare line feeds": (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    "no host": (head(first="GET / HTTP/1.1"), 400),
    "an empty host": (head("Host:", first="GET / HTTP/1.1"), 400),
    "two hosts": (head("Host: x", "Host: y", first="GET / HTTP/1.1"), 400),
    "a host with a path": (head("Host: x/y", first="GET / HTTP/1.1"), 400),
    "a host with a user": (head("Host: u@x", first="GET / HTTP/1.1"), 400),
    "no host with an offer": (head(*OFFER, first="GET / HTTP/1.1"), 400),
    "an expectation nobody knows": (post("/", b"", "Expect: wonders"), 417),
    "two expectations": (post("/", b"", "Expect: 100-continue", "Expect: wonders"), 417),
    "a fragment": (get("/a#b"), 400),
    "a space in the target": (get("/a b"), 400),
    "bytes beyond ASCII in the target": (get("/\xe9"), 400),
    "CONNECT": (head("Host: x", first="CONNECT x:80 HTTP/1.1"), 501),
    "HTTP/0.9": (b"GET /\r\n\r\n", 505),
    "HTTP/2.0 in words": (head("Host: x", first="GET / HTTP/2.0"), 505),
    "HTTP/2 without an offer": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a version that is none": (head("Host: x", first="GET / HTTP/1.2"), 400),
}  # fmt: skip


@pytest.mark.parametrize("name", SERVED)
def test_a_request_is_served_once_with_its_own_body(address, name):
    content, bodies = SERVED[name]
    ends = b"Connection: close" in content or b"HTTP/1.0" in content
    with Wire(address) as wire:
        wire.send(content)
        assert [json.loads(wire.answer()[1])["body"] for _ in bodies] == bodies
        if not ends:
            wire.send(get("/end", "Connection: close"))
        assert wire.rest().count(b"HTTP/1.1 200") == (not ends)


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_served(address, name):
    content, status = REFUSED[name]
    with Wire(address) as wire:
        wire.send(content + SECOND)
        assert wire.answer()[0] == status
        assert wire.rest() == b""


@pytest.mark.parametrize("name", SERVED)
def test_how_the_bytes_of_a_request_are_cut_does_not_matter(address, name):
    content, bodies = SERVED[name]
    with Wire(address) as wire:
        for at in range(0, len(content), 7):
            wire.send(content[at : at + 7])
        assert [json.loads(wire.answer()[1])["body"] for _ in bodies] == bodies


def test_the_host_in_the_target_counts(address):
    with Wire(address) as wire:
        told = json.loads(wire.send(SERVED["a target with a host"][0]).answer()[1])
    assert told["headers"]["HTTP_HOST"] == "x:80"


def test_a_trailer_passes_for_no_header(address):
    with Wire(address) as wire:
        told = json.loads(wire.send(SERVED["trailers behind the chunks"][0]).answer()[1])
    assert "HTTP_X_AUTH_TOKEN" not in told["headers"]
    assert [name for name, _ in told["sent"]] == ["Host", "Transfer-Encoding"]


def test_100_continue_comes_in_its_turn(address, echo):
    echo.released.clear()
    waiting = head("Host: x", "Content-Length: 4", "Expect: 100-continue")
    with Wire(address) as wire:
        wire.send(get("/held") + waiting)
        echo.released.set()
        assert json.loads(wire.answer()[1])["uri"] == "/held"
        assert wire.sock.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert json.loads(wire.send(b"body").answer()[1])["body"] == "body"


def test_who_sends_the_body_at_once_is_not_told_to_continue(address):
    with Wire(address) as wire:
        wire.send(post("/", b"body", "Expect: 100-continue", "Connection: close"))
        assert wire.rest().startswith(b"HTTP/1.1 200 OK")


def test_a_request_that_ends_half_way_is_told_so(address):
    for part in (b"POST / HT", head("Host: x", "Content-Length: 9") + b"half", CHUNKED + b"3\r\nab"):
        with Wire(address) as wire:
            wire.send(part).sock.shutdown(1)
            assert wire.answer()[0] == 400
            assert wire.rest() == b""


def test_the_emulator_creates_once_what_is_sent_with_an_offer(cloud, modelarts_emulator):
    at = modelarts_emulator.application.addresses
    connection = HTTPConnection("127.0.0.1", at["port"])
    body = json.dumps({"auth": {"identity": {"methods": []}}})
    connection.request("POST", "/v3/auth/tokens", body, {"Connection": "Upgrade", "Upgrade": "h2c"})
    first = connection.getresponse()
    assert first.status == 400 and "$.auth.identity" in json.loads(first.read())["error"]["message"]
    connection.request("GET", "/_emulator/health")
    assert connection.getresponse().status == 200
    connection.close()
