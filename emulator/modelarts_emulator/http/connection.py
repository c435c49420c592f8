"""One connection of a client: its bytes become requests, one after the other."""

import io
import socket
import sys
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import IO, Protocol
from urllib.parse import unquote

import httptools

from modelarts_emulator.http.heads import fault_in_head, without_upgrade
from modelarts_emulator.real_time import monotonic

MOST_URI = 32 << 10
MOST_HEADERS = 64 << 10
MOST_HEADER_LINES = 100
SPOOL_ABOVE = 1 << 20
# A body, or an answer, has to move on by so many bytes within a minute (server.py); how long it takes does not matter.
LEAST_PROGRESS = 6000


class Errand(Protocol):
    """A request as the application keeps it while the server reads and carries it.

    threads: the kind of threads that must carry it; empty when the loop may try. body_limit: how many bytes its body
    may have.
    """

    environ: dict
    threads: str
    body_limit: int


@lru_cache(1024)
def environ_name(header: bytes) -> str | None:
    """The WSGI name of a header; None for names with an underscore, which could pass for others."""
    if b"_" in header:
        return None
    name = header.decode("latin-1").upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


class Connection:
    """One client connection: what has been parsed of it and what still has to be sent.

    begin: what makes an errand of the head of a request. requests: the errands that are whole and wait. begun: whether
    a request has begun to come and is not whole yet. is_asked_to_continue: whether the client waits for 100 Continue.
    since: when it last got ahead: a request began, its head was whole, LEAST_PROGRESS bytes more have moved.
    """

    def __init__(self, begin: Callable[[dict], Errand], sock: socket.socket, host: str, peer: str, port: int):
        self.begin = begin
        self.sock = sock
        self.base = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "REMOTE_ADDR": peer,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
        }
        self.requests: deque[Errand] = deque()
        self.out = b""
        self.closing = self.failed = False
        self.draining = self.moved = 0
        self.parser = httptools.HttpRequestParser(self)
        self.on_message_begin()
        self.begun = False

    def feed(self, received: bytes) -> None:
        """Parse what the client has sent. HttpParserError or ValueError for what is refused.

        The parser stops behind a head that offers another protocol. No such offer is taken up: the head is read again
        without it, so that what follows is this request's body as any other's.
        """
        while received:
            try:
                self.parser.feed_data(received)
                return
            except httptools.HttpParserUpgrade as offer:
                received = without_upgrade(self.parser, self.url, self.headers) + received[offer.args[0] :]
                self.parser = httptools.HttpRequestParser(self)

    def note_progress(self, size: int) -> None:
        """Count bytes that have moved."""
        self.moved += size
        if self.moved >= LEAST_PROGRESS:
            self.moved = 0
            self.since = monotonic()

    def on_message_begin(self) -> None:
        """A request starts."""
        self.url = b""
        self.headers: list = []
        self.size = self.lines = 0
        self.body: IO[bytes] | None = None
        self.body_size = 0
        self.refusal: tuple[int, str] | None = None
        self.errand: Errand | None = None
        self.begun = True
        self.is_asked_to_continue = False
        self.moved = 0
        self.since = monotonic()

    def on_url(self, part: bytes) -> None:
        """More of the request target."""
        self.url += part
        if len(self.url) > MOST_URI:
            self._refuse(414, f"the URI is longer than {MOST_URI} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        self.size += len(name) + len(value)
        self.lines += 1
        if self.size > MOST_HEADERS or self.lines > MOST_HEADER_LINES:
            self._refuse(494, f"the headers exceed {MOST_HEADERS} bytes or {MOST_HEADER_LINES} lines")
        # What follows the body is no header: it could pass for one that a proxy in front has taken out.
        if self.errand is None:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head of the request is there: it becomes a WSGI environment."""
        environ = self._environ()
        is_offer = self.parser.should_upgrade() and environ["REQUEST_METHOD"] != "CONNECT"
        if is_offer:
            return
        self.errand = self.begin(environ)
        self.moved = 0
        self.since = monotonic()
        fault = fault_in_head(environ)
        if fault is not None:
            self._refuse(*fault)
        limit = self.errand.body_limit
        if int(environ.get("CONTENT_LENGTH") or 0) > limit:
            self._refuse(413, f"the body has {environ['CONTENT_LENGTH']} bytes, at most {limit} are allowed")
        self.is_asked_to_continue = "HTTP_EXPECT" in environ and environ["SERVER_PROTOCOL"] == "HTTP/1.1"

    def on_body(self, part: bytes) -> None:
        """More of the body."""
        self.is_asked_to_continue = False
        self.body_size += len(part)
        limit = self.errand.body_limit if self.errand is not None else 0
        if self.body_size > limit:
            self._refuse(413, f"the body has more than {limit} bytes")
        try:
            self._keep(part)
        except OSError as error:
            self._refuse(507, f"the body cannot be kept: {error.strerror}")

    def _keep(self, part: bytes) -> None:
        """Put more of the body to the rest: in memory, or in a file once it has grown large."""
        if self.body is None:
            self.body = io.BytesIO()
        self.body.write(part)
        if self.body_size > SPOOL_ABOVE >= self.body_size - len(part):
            self.body = in_a_file(self.body)

    def on_message_complete(self) -> None:
        """The request is whole and waits to be served; of one that offers another protocol just the head was read."""
        if self.errand is None:
            return
        environ = self.errand.environ
        if self.body is not None:
            self.body.seek(0)
            environ["CONTENT_LENGTH"] = str(self.body_size)
            environ["wsgi.input"] = self.body
            # The connection and its parser hold each other: a body that it kept would outlive it, and so its file.
            self.body = None
        else:
            environ["wsgi.input"] = io.BytesIO()
        environ["emulator.keep_alive"] = self.parser.should_keep_alive()
        self.requests.append(self.errand)
        self.errand = None
        self.begun = self.is_asked_to_continue = False

    def give_up_reading(self, words: str, status: int = 400) -> None:
        """Queue the answer to a request that is not going to be read to its end."""
        status, why = self.refusal or (status, words)
        errand = self.errand or self.begin(self._environ())
        errand.environ["wsgi.input"] = io.BytesIO()
        errand.environ["emulator.refusal"] = ("APIG.0201", status, why)
        errand.environ["emulator.keep_alive"] = False
        self.requests.append(errand)
        self.errand = None
        self.begun = self.is_asked_to_continue = False

    def _refuse(self, status: int, words: str) -> None:
        self.refusal = (status, words)
        raise ValueError(words)

    def _environ(self) -> dict:
        url = self.url.decode("latin-1")
        path, _, query = url.partition("?")
        environ = self.base.copy()
        environ["REQUEST_METHOD"] = (
            self.parser.get_method().decode("latin-1") if self.headers or url else "GET"
        )
        environ["RAW_URI"] = url
        environ["PATH_INFO"] = unquote(path, "latin-1") if "%" in path else path
        environ["QUERY_STRING"] = query
        environ["SERVER_PROTOCOL"] = f"HTTP/{self.parser.get_http_version()}"
        for raw_name, raw_value in self.headers:
            name = environ_name(raw_name)
            if name is not None:
                value = raw_value.decode("latin-1")
                environ[name] = f"{environ[name]},{value}" if name in environ else value
        if url[:1] != "/" and "://" in url and "HTTP_HOST" in environ:
            # RFC 9112, 3.2.2: where the target names a host, that one counts.
            environ["HTTP_HOST"] = url.partition("://")[2].partition("/")[0].partition("?")[0]
        # As they arrived: a name with an underscore, which WSGI cannot tell from one with a hyphen, too.
        environ["emulator.headers"] = self.headers
        return environ


def in_a_file(body: IO[bytes]) -> IO[bytes]:
    """A file that has no name and holds what has come of a body so far; it is closed when nobody has it any more."""
    from tempfile import SpooledTemporaryFile

    return filled(SpooledTemporaryFile(1), body)


def filled(file: IO[bytes], body: IO[bytes]) -> IO[bytes]:
    """The file with all of the body in it."""
    body.seek(0)
    file.write(body.read())
    return file
