"""An HTTP/1.1 server for WSGI callables: one loop answers what is quick, threads carry what takes its time."""

import io
import logging
import selectors
import socket
import sys
from collections import deque
from functools import cached_property, lru_cache
from urllib.parse import unquote

import httptools

from modelarts_emulator.http.streaming import gathered
from modelarts_emulator.worlds.clock import http_date, monotonic, wall_now

MOST_URI = 32 << 10
MOST_HEADERS = 64 << 10
MOST_HEADER_LINES = 100
SPOOL_ABOVE = 4 << 20
MOST_DRAINED = 64 << 20
MOST_CONNECTIONS = 2000
MOST_THREADS = 64
IDLE_SECONDS = 120
REQUEST_SECONDS = 60
SEND_SECONDS = 60
log = logging.getLogger("modelarts_emulator.http.server")


@lru_cache(1024)
def environ_name(header: bytes) -> str | None:
    """The WSGI name of a header; None for names with an underscore, which could pass for others."""
    if b"_" in header:
        return None
    name = header.decode("latin-1").upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


class Connection:
    """One client connection: what has been parsed of it and what still has to be sent."""

    def __init__(self, server: "Server", sock: socket.socket, peer: str, port: int):
        self.server = server
        self.sock = sock
        self.base = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": server.host,
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
        self.requests: deque = deque()
        self.out = b""
        self.closing = False
        self.draining = 0
        self.since = monotonic()
        self.parser = httptools.HttpRequestParser(self)
        self.on_message_begin()

    def on_message_begin(self) -> None:
        """A request starts."""
        self.url = b""
        self.headers: list = []
        self.size = self.lines = 0
        self.body = None
        self.body_size = 0
        self.refusal = None
        self.environ = None
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
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head of the request is there: it becomes a WSGI environment."""
        environ = self.environ = self._environ()
        self.limit = self.server.body_limit(environ)
        if int(environ.get("CONTENT_LENGTH") or 0) > self.limit:
            self._refuse(
                413, f"the body has {environ['CONTENT_LENGTH']} bytes, at most {self.limit} are allowed"
            )
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        """More of the body."""
        self.body_size += len(part)
        if self.body_size > self.limit:
            self._refuse(413, f"the body has more than {self.limit} bytes")
        if self.body is None:
            self.body = io.BytesIO() if self.limit <= 3 * SPOOL_ABOVE else spool()
        self.body.write(part)

    def on_message_complete(self) -> None:
        """The request is whole and waits to be served."""
        environ = self.environ
        if self.body is not None:
            self.body.seek(0)
            environ["CONTENT_LENGTH"] = str(self.body_size)
            environ["wsgi.input"] = self.body
        else:
            environ["wsgi.input"] = io.BytesIO()
        environ["emulator.keep_alive"] = self.parser.should_keep_alive()
        self.requests.append(environ)
        self.environ = None
        self.url = b""

    def broken(self, words: str) -> None:
        """Queue the answer to a request that is not going to be read to its end."""
        status, why = self.refusal or (400, words)
        environ = self.environ or self._environ()
        environ["wsgi.input"] = io.BytesIO()
        environ["emulator.refusal"] = ("APIG.0201", status, why)
        environ["emulator.keep_alive"] = False
        self.requests.append(environ)

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
        # As they arrived: a name with an underscore, which WSGI cannot tell from one with a hyphen, too.
        environ["emulator.headers"] = self.headers
        return environ


class Server:
    """Serve a WSGI callable on listening sockets until stopped.

    blocks(environ): whether a request may take its time; it is then carried by a thread of its own, like
    every answer that is not a list or tuple: that one is streamed, frame by frame, as it comes.
    body_limit(environ): how many bytes its body may have. A request that breaks a limit of the server reaches
    the callable without a body and with environ["emulator.refusal"] = (code, status, words).
    """

    def __init__(self, app, listeners: list[socket.socket], blocks, body_limit):
        self.app = app
        self.listeners = listeners
        self.blocks = blocks
        self.body_limit = body_limit
        self.host = listeners[0].getsockname()[0]
        self.selector = selectors.DefaultSelector()
        self.connections: set[Connection] = set()
        self._returned: deque = deque()
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._running = True
        self._date = (0, "")

    def serve(self) -> None:
        """Answer requests until `stop` is called, at once if that was before; then close what is open."""
        self.selector.register(self._woken, selectors.EVENT_READ, self._take_back)
        for listener in self.listeners:
            listener.setblocking(False)
            self.selector.register(listener, selectors.EVENT_READ, self._accept)
        swept = monotonic()
        while self._running:
            for key, events in self.selector.select(5):
                if isinstance(key.data, Connection):
                    self._ready(key.data, events)
                else:
                    key.data(key.fileobj)
            if monotonic() - swept > 5:
                swept = monotonic()
                self._sweep(swept)
        for connection in list(self.connections):
            self._close(connection)
        for sock in [*self.listeners, self._wake, self._woken]:
            sock.close()
        self.selector.close()

    def stop(self) -> None:
        """End `serve`; may be called from any thread or a signal handler."""
        self._running = False
        self._wake_up()

    @cached_property
    def _threads(self):
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(MOST_THREADS, "emulator")

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(64):
            try:
                sock, address = listener.accept()
            except OSError:
                return
            if len(self.connections) >= MOST_CONNECTIONS:
                sock.close()
                continue
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, sock, address[0], listener.getsockname()[1])
            self.connections.add(connection)
            self.selector.register(sock, selectors.EVENT_READ, connection)

    def _ready(self, connection: Connection, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE and not self._flush(connection):
                return
            if events & selectors.EVENT_READ and not self._receive(connection):
                return
            self._serve_waiting(connection)
        except OSError:
            self._close(connection)
        except Exception:
            log.exception("a request failed outside the application")
            self._close(connection)

    def _receive(self, connection: Connection) -> bool:
        try:
            received = connection.sock.recv(262144)
        except BlockingIOError:
            return False
        if not received:
            self._close(connection)
            return False
        if connection.closing:
            connection.draining += len(received)
            if connection.draining > MOST_DRAINED:
                self._close(connection)
            return False
        try:
            connection.parser.feed_data(received)
        except httptools.HttpParserUpgrade:
            pass
        except (httptools.HttpParserError, ValueError) as error:
            connection.broken(f"the request is no HTTP/1.1: {error}")
        return True

    def _serve_waiting(self, connection: Connection) -> None:
        while connection.requests and not connection.out and not connection.closing:
            environ = connection.requests.popleft()
            if "emulator.refusal" not in environ and self.blocks(environ):
                self._hand_over(connection, self._carry, environ)
                return
            head, body = self._run(environ)
            if not isinstance(body, list | tuple):
                self._hand_over(connection, self._send_stream, environ, head, body)
                return
            self._send(connection, environ, self._whole(environ, head, body))

    def _run(self, environ: dict):
        head = []

        def start_response(status, headers, exc_info=None):
            head[:] = status, headers
            return head.append

        return head, self.app(environ, start_response)

    def _whole(self, environ: dict, head: list, body) -> bytes:
        status, headers = head[0], head[1]
        content = b"".join(body)
        if hasattr(body, "close"):
            body.close()
        lines = [f"HTTP/1.1 {status}"]
        bodiless = status[:3] in ("204", "304")
        lines.extend(
            f"{name}: {value}"
            for name, value in headers
            if not (bodiless and name.lower() == "content-length")
        )
        if not bodiless and not any(name.lower() == "content-length" for name, _ in headers):
            lines.append(f"Content-Length: {len(content)}")
        lines.append(self._closing_lines(environ))
        text = "\r\n".join(lines).encode("latin-1")
        return text if bodiless or environ["REQUEST_METHOD"] == "HEAD" else text + content

    def _closing_lines(self, environ: dict) -> str:
        now = int(wall_now())
        if self._date[0] != now:
            self._date = (now, http_date(now))
        close = "" if environ["emulator.keep_alive"] else "\r\nConnection: close"
        return f"Date: {self._date[1]}{close}\r\n\r\n"

    def _send(self, connection: Connection, environ: dict, content: bytes) -> None:
        try:
            sent = connection.sock.send(content)
        except BlockingIOError:
            sent = 0
        connection.out = content[sent:]
        if not environ["emulator.keep_alive"]:
            connection.closing = True
        if connection.out:
            self.selector.modify(connection.sock, selectors.EVENT_WRITE, connection)
        elif connection.closing:
            self._linger(connection)
        connection.since = monotonic()

    def _flush(self, connection: Connection) -> bool:
        sent = connection.sock.send(connection.out)
        connection.out = connection.out[sent:]
        if connection.out:
            return False
        self.selector.modify(connection.sock, selectors.EVENT_READ, connection)
        if connection.closing:
            self._linger(connection)
        return True

    def _linger(self, connection: Connection) -> None:
        """Say that nothing more will come, and read on until the client has read the answer and hangs up."""
        connection.sock.shutdown(socket.SHUT_WR)
        connection.since = monotonic() - REQUEST_SECONDS + 5

    def _hand_over(self, connection: Connection, carry, *what) -> None:
        self.selector.unregister(connection.sock)
        self._threads.submit(self._carried, connection, carry, *what)

    def _carried(self, connection: Connection, carry, *what) -> None:
        """What a thread does: carry one request with the socket to itself, then give the connection back."""
        try:
            connection.sock.settimeout(SEND_SECONDS)
            carry(connection, *what)
        except OSError:
            connection.closing = True
        except Exception:
            log.exception("a request failed")
            connection.closing = True
        self._returned.append(connection)
        self._wake_up()

    def _wake_up(self) -> None:
        try:
            self._wake.send(b"w")
        except OSError:
            log.debug("the server has stopped meanwhile")

    def _carry(self, connection: Connection, environ: dict) -> None:
        head, body = self._run(environ)
        known = any(name.lower() == "content-length" for name, _ in head[1])
        if known or isinstance(body, list | tuple):
            connection.sock.sendall(self._whole(environ, head, body))
            connection.closing = not environ["emulator.keep_alive"]
        else:
            self._send_stream(connection, environ, head, body)

    def _send_stream(self, connection: Connection, environ: dict, head: list, frames) -> None:
        """Send frames as they come; a client that hangs up ends them.

        Frames that are ready together leave together. An empty frame says that the next one is going to take
        its time.
        """
        status, headers = head
        chunked = environ["SERVER_PROTOCOL"] == "HTTP/1.1"
        environ["emulator.keep_alive"] = environ["emulator.keep_alive"] and chunked
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        lines.append("Transfer-Encoding: chunked" if chunked else "Connection: close")
        send = connection.sock.sendall
        send(("\r\n".join(lines) + "\r\n" + self._closing_lines(environ)).encode("latin-1"))
        try:
            for content in gathered(frames, connection.sock):
                send(b"%x\r\n%b\r\n" % (len(content), content) if chunked else content)
        finally:
            if hasattr(frames, "close"):
                frames.close()
        if chunked:
            send(b"0\r\n\r\n")
        connection.closing = not environ["emulator.keep_alive"]

    def _take_back(self, woken: socket.socket) -> None:
        try:
            woken.recv(4096)
        except BlockingIOError:
            return
        while self._returned:
            connection = self._returned.popleft()
            if connection.closing or not self._running:
                self._close(connection)
                continue
            connection.sock.setblocking(False)
            connection.since = monotonic()
            self.selector.register(connection.sock, selectors.EVENT_READ, connection)
            self._ready(connection, 0)

    def _sweep(self, now: float) -> None:
        """Close what has been idle too long, and what never finishes its request."""
        for key in list(self.selector.get_map().values()):
            if isinstance(key.data, Connection):
                waiting = key.data.environ is not None or key.data.url or key.data.out or key.data.closing
                if now - key.data.since > (REQUEST_SECONDS if waiting else IDLE_SECONDS):
                    self._close(key.data)

    def _close(self, connection: Connection) -> None:
        self.connections.discard(connection)
        try:
            self.selector.unregister(connection.sock)
        except (KeyError, ValueError):
            log.debug("the connection was with a thread")
        connection.sock.close()


def spool():
    """A place for a body that may be too large for memory."""
    from tempfile import SpooledTemporaryFile

    return SpooledTemporaryFile(SPOOL_ABOVE)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. OSError that names the address when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(512)
    except OSError as error:
        sock.close()
        raise OSError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another port, or 0 for any"
        ) from None
    return sock
