"""What the tests of the HTTP server share: an application that echoes, a server for it, connections byte by byte."""

import json
import socket
import threading
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import NamedTuple

import pytest
from modelarts_emulator.http.server import Server, listen

LIMIT = 1 << 20
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class Errand(NamedTuple):
    """What the server keeps of a request for the echo."""

    environ: dict
    threads: str
    body_limit: int


class Echo:
    """An application that says what it was asked, streams, or answers big, by its path."""

    def __init__(self):
        self.ended = threading.Event()
        self.released = threading.Event()
        self.sent = 0

    def begin(self, environ):
        path = environ["PATH_INFO"]
        return Errand(environ, path[1:] if path.startswith(("/slow", "/held")) else "", LIMIT)

    def answer(self, errand, start_response, hurries=False):
        environ = errand.environ
        if environ["PATH_INFO"] == "/waits" and hurries:
            return None
        if environ["PATH_INFO"] == "/held":
            self.released.wait(20)
        refusal = environ.get("emulator.refusal")
        if refusal:
            body = json.dumps(refusal).encode()
            start_response(f"{refusal[1]} Refused", [("Content-Length", str(len(body)))])
            return [body]
        if environ["PATH_INFO"].startswith("/slow/unchanged"):
            start_response("304 Not Modified", [("ETag", '"1"')])
            return iter([])
        start_response("200 OK", [("Content-Type", "text/plain")])
        if environ["PATH_INFO"] == "/endless":
            return self.endless()
        if environ["PATH_INFO"] == "/stream":
            return iter([b"one", b"", b"two", b"three"])
        if environ["PATH_INFO"] == "/big":
            return [b"x" * (8 << 20)]
        if environ["PATH_INFO"] == "/fails":
            raise RuntimeError("the application failed")
        body = environ["wsgi.input"].read()
        told = {
            "method": environ["REQUEST_METHOD"],
            "uri": environ["RAW_URI"],
            "body": body.decode("latin-1"),
        }
        told["headers"] = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
        told["sent"] = [[name.decode(), value.decode()] for name, value in environ["emulator.headers"]]
        return [json.dumps(told).encode()]

    def endless(self):
        """Frames without end, until the server closes the generator."""
        try:
            while True:
                self.sent += 1
                yield b"y" * 65536
        finally:
            self.ended.set()


@pytest.fixture(scope="module")
def echo():
    """The application behind the server."""
    return Echo()


@contextmanager
def serving(server):
    """A server that serves meanwhile."""
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def address(echo):
    """Where a server for the echo listens."""
    listener = listen("127.0.0.1", 0)
    address = listener.getsockname()
    with serving(Server(echo, [listener], {"held": 2})):
        yield address


class Wire:
    """A connection one writes bytes to, and reads answers from."""

    def __init__(self, address):
        self.sock = socket.create_connection(address, timeout=20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, content: bytes) -> "Wire":
        self.sock.sendall(content)
        return self

    def answer(self, method: str = "GET") -> tuple[int, bytes, dict]:
        """(status, body, headers) of the next answer."""
        response = HTTPResponse(self.sock, method=method)
        # What HTTPResponse reads ahead would be missing from the next answer.
        response.fp = self.sock.makefile("rb", buffering=0)
        response.begin()
        return response.status, response.read(), dict(response.getheaders())

    def rest(self) -> bytes:
        """All bytes until the server closes the connection."""
        received = b""
        while part := self.sock.recv(65536):
            received += part
        return received


def get(path: str, *lines: str, version: str = "1.1") -> bytes:
    """A GET as bytes."""
    return "\r\n".join([f"GET {path} HTTP/{version}", "Host: x", *lines, "", ""]).encode("latin-1")


def post(path: str, body: bytes, *lines: str) -> bytes:
    """A POST as bytes."""
    head = "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *lines, "", ""])
    return head.encode() + body
