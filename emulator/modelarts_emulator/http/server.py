"""An HTTP/1.1 server: one loop answers what is quick, threads carry what takes its time."""

import errno
import logging
import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import httptools

from modelarts_emulator.http.connection import LEAST_PROGRESS, Connection, Errand
from modelarts_emulator.http.limits import Accepting, most_connections
from modelarts_emulator.http.streaming import gathered, send_all
from modelarts_emulator.http.threads import Threads
from modelarts_emulator.real_time import http_date, monotonic, wall_now

MOST_DRAINED = 64 << 20
# Longer answers of a known length are sent in the pieces they come in.
MOST_WHOLE = 1 << 20
IDLE_SECONDS = 120
REQUEST_SECONDS = 60
SEND_SECONDS = 60
STOP_SECONDS = 5
STREAMS = "streams"
TOO_SLOW = (
    f"the request did not get on: its head has to be whole within {REQUEST_SECONDS} seconds, and of its body at least "
    f"{LEAST_PROGRESS} bytes have to come in every {REQUEST_SECONDS} seconds"
)
BODILESS = ("204", "304")
log = logging.getLogger("modelarts_emulator.http.server")


class Front(Protocol):
    """What a server asks: an application that is handed back what it has found out about a request."""

    def begin(self, environ: dict) -> Errand:
        """Look at the head of a request; called on the loop, so it must be quick."""

    def answer(self, errand: Any, start_response: Callable, hurries: bool = False) -> Iterable[bytes] | None:
        """The answer, as WSGI has it, to an errand that `begin` made. With hurries, None instead of waiting:
        errand.threads says which threads have to ask again, and which send an answer that comes in pieces.
        """


class Server:
    """Serve an application on listening sockets until stopped.

    What the loop cannot answer at once is carried by a thread, like every answer that is not a list or tuple: that one
    is streamed, frame by frame, as it comes. most_threads: how many threads may carry requests of a kind at once. A
    request that breaks a limit of the server reaches the application without a body and with
    environ["emulator.refusal"] = (code, status, words).
    """

    def __init__(
        self, app: Front, listeners: list[socket.socket], most_threads: Mapping[str, int] | None = None
    ):
        self.app = app
        self.listeners = listeners
        self.most_connections = most_connections()
        self.host = listeners[0].getsockname()[0]
        self.threads = Threads(most_threads)
        self.selector = selectors.DefaultSelector()
        self.accepting = Accepting(self.selector, listeners, self._accept)
        self.connections: set[Connection] = set()
        self._carried: set[Connection] = set()
        self._returned: deque = deque()
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._running = True
        self._date = (0, "")

    def serve(self) -> None:
        """Answer requests until `stop` is called, at once if that was before; then close what is open."""
        self.selector.register(self._woken, selectors.EVENT_READ, self._take_back)
        self.accepting.begin()
        swept = monotonic()
        while self._running:
            for key, events in self.selector.select(self.accepting.patience):
                if isinstance(key.data, Connection):
                    self._ready(key.data, events)
                else:
                    key.data(key.fileobj)
            now = monotonic()
            self.accepting.go_on(now)
            if now - swept > 5:
                swept = now
                self._sweep(now)
        self._end_connections()
        for sock in [*self.listeners, self._wake, self._woken]:
            sock.close()
        self.selector.close()

    def stop(self) -> None:
        """End `serve`; may be called from any thread or a signal handler."""
        self._running = False
        self._wake_up()

    def _end_connections(self) -> None:
        for connection in self.connections - self._carried:
            self._close(connection)
        # A socket that a thread works with is closed once the thread has let go: its number may mean another then.
        for connection in list(self._carried):
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("the client has hung up already")
        self.threads.finish(STOP_SECONDS)
        self.threads.end()
        for connection in self._returned:
            connection.sock.close()

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(64):
            try:
                sock, address = listener.accept()
            except OSError as error:
                self.accepting.pause_unless_passing(error)
                return
            if len(self.connections) >= self.most_connections:
                turn_away(sock)
                continue
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # On a socket of IPv6 an address of IPv4 is written ::ffff:127.0.0.1.
            peer = address[0].removeprefix("::ffff:") if "." in address[0] else address[0]
            connection = Connection(self.app.begin, sock, self.host, peer, listener.getsockname()[1])
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
        if not received and connection.begun and not connection.closing:
            connection.give_up_reading("the connection ended before the request did")
            return True
        if not received:
            self._close(connection)
            return False
        if connection.closing:
            connection.draining += len(received)
            if connection.draining > MOST_DRAINED:
                self._close(connection)
            return False
        if connection.errand is not None:
            connection.note_progress(len(received))
        try:
            connection.feed(received)
        except (httptools.HttpParserError, ValueError) as error:
            connection.give_up_reading(f"the request is not HTTP/1.1: {error}")
        return True

    def _serve_waiting(self, connection: Connection) -> None:
        while connection.requests and not connection.out and not connection.closing:
            errand = connection.requests.popleft()
            head, body = ([], None) if errand.threads else self._ask(errand, hurries=True)
            if body is None:
                self._hand_over(errand.threads, connection, self._carry, errand)
                return
            if not isinstance(body, list | tuple):
                self._hand_over(
                    errand.threads or STREAMS, connection, self._send_stream, errand.environ, head, body
                )
                return
            self._send(connection, errand.environ, self._whole(errand.environ, head, body))
        # In its turn: sent earlier it would be taken for part of the answer to the request before.
        if connection.is_asked_to_continue and not connection.out and not connection.closing:
            connection.is_asked_to_continue = False
            connection.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _ask(self, errand: Errand, hurries: bool = False) -> tuple[list, Any]:
        head: list = []

        def start_response(status: str, headers: list, exc_info: object = None) -> Callable:
            head[:] = status, headers
            return head.append

        return head, self.app.answer(errand, start_response, hurries)

    def _whole(self, environ: dict, head: list, body: Iterable[bytes]) -> bytes:
        status, headers = head[0], head[1]
        content = b"".join(body)
        if hasattr(body, "close"):
            body.close()
        lines = [f"HTTP/1.1 {status}"]
        bodiless = status[:3] in BODILESS
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
        connection.note_progress(sent)
        connection.out = connection.out[sent:]
        if connection.out:
            return False
        self.selector.modify(connection.sock, selectors.EVENT_READ, connection)
        if connection.closing:
            self._linger(connection)
        return True

    def _linger(self, connection: Connection) -> None:
        """Say that nothing more will come, and read on until the client has read the answer and hangs up."""
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
        connection.since = monotonic() - REQUEST_SECONDS + 5

    def _hand_over(self, kind: str, connection: Connection, carry: Callable, *what: Any) -> None:
        self.selector.unregister(connection.sock)
        self._carried.add(connection)
        self.threads.submit(kind, lambda: self._carry_alone(connection, carry, *what))

    def _carry_alone(self, connection: Connection, carry: Callable, *what: Any) -> None:
        """What a thread does: carry one request with the socket to itself, then give the connection back."""
        try:
            connection.sock.settimeout(SEND_SECONDS)
            carry(connection, *what)
        except OSError:
            connection.failed = True
        except Exception:
            log.exception("a request failed")
            connection.failed = True
        self._returned.append(connection)
        self._wake_up()

    def _wake_up(self) -> None:
        try:
            self._wake.send(b"w")
        except OSError:
            log.debug("the server has stopped meanwhile")

    def _carry(self, connection: Connection, errand: Errand) -> None:
        environ = errand.environ
        head, body = self._ask(errand)
        length = next((int(value) for name, value in head[1] if name.lower() == "content-length"), None)
        is_whole = isinstance(body, list | tuple) or (length is not None and length <= MOST_WHOLE)
        if is_whole and not getattr(body, "in_pieces", False):
            send_all(connection.sock, self._whole(environ, head, body))
            connection.closing = not environ["emulator.keep_alive"]
        else:
            self._send_stream(connection, environ, head, body)

    def _send_stream(
        self, connection: Connection, environ: dict, head: list, frames: Iterable[bytes]
    ) -> None:
        """Send frames as they come; a client that hangs up ends them.

        Frames that are ready together leave together. An empty frame says that the next one is going to take
        its time. Frames whose length is known together are a content in pieces, and sent as they are. An answer that
        has no body by its status or method ends with its head: a client would read a chunk as the next answer.
        """
        status, headers = head
        is_bodiless = environ["REQUEST_METHOD"] == "HEAD" or status[:3] in BODILESS
        is_known = is_bodiless or any(name.lower() == "content-length" for name, _ in headers)
        chunked = environ["SERVER_PROTOCOL"] == "HTTP/1.1" and not is_known
        environ["emulator.keep_alive"] = environ["emulator.keep_alive"] and (chunked or is_known)
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        if not is_known:
            lines.append("Transfer-Encoding: chunked" if chunked else "Connection: close")
        send = connection.sock.sendall
        send(("\r\n".join(lines) + "\r\n" + self._closing_lines(environ)).encode("latin-1"))
        try:
            for content in () if is_bodiless else gathered(frames, connection.sock):
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
            self._carried.discard(connection)
            if connection.failed or not self._running:
                self._close(connection)
                continue
            connection.sock.setblocking(False)
            connection.since = monotonic()
            self.selector.register(connection.sock, selectors.EVENT_READ, connection)
            if connection.closing:
                self._linger(connection)
            else:
                self._ready(connection, 0)

    def _sweep(self, now: float) -> None:
        """Close what has been idle too long or takes no answer; tell it to who does not get on with a request."""
        for key in list(self.selector.get_map().values()):
            connection = key.data
            if not isinstance(connection, Connection):
                continue
            waiting = connection.begun or connection.out or connection.closing
            if now - connection.since <= (REQUEST_SECONDS if waiting else IDLE_SECONDS):
                continue
            if connection.out or connection.closing or not connection.begun:
                self._close(connection)
            else:
                connection.give_up_reading(TOO_SLOW, 408)
                self._ready(connection, 0)

    def _close(self, connection: Connection) -> None:
        self.connections.discard(connection)
        try:
            self.selector.unregister(connection.sock)
        except (KeyError, ValueError):
            log.debug("the connection was with a thread")
        connection.sock.close()


def turn_away(sock: socket.socket) -> None:
    """Tell a client that there are too many, as far as that can be done without waiting, and hang up."""
    try:
        sock.setblocking(False)
        sock.send(
            b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    except OSError:
        log.debug("the client has hung up already")
    sock.close()


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """A listening socket. OSError that names the address, and the option that gives another, when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if host == "::":
        # All addresses are those of IPv4, too, whatever the system takes it for.
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        sock.bind((host, port))
        sock.listen(512)
    except OSError as error:
        sock.close()
        hint = "give an address of this machine"
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            hint = f"choose another port with {option}, or {option} 0 for any"
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror}; {hint}") from None
    return sock
