"""A closed-loop HTTP load over keep-alive connections: requests a second and how long each took."""

import selectors
import socket
from statistics import quantiles
from time import perf_counter


def request_bytes(method: str, path: str, host: str, headers: dict, body: bytes = b"") -> bytes:
    """One HTTP/1.1 request as it goes over the wire."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Loaded:
    """One connection that sends its next request as soon as it has the answer to the last."""

    def __init__(self, host: str, port: int):
        self.address = (host, port)
        self.sent = 0.0
        self.connect()

    def connect(self) -> None:
        """Open the connection; again where the server closes it after every answer."""
        self.sock = socket.create_connection(self.address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.is_closing = False

    def send(self, content: bytes) -> None:
        """Send a request."""
        self.sent = perf_counter()
        self.sock.sendall(content)

    def answer(self) -> tuple[int, bytes] | None:
        """(status, body) once the whole answer has arrived."""
        received = self.sock.recv(262144)
        if not received:
            raise ConnectionError("the server closed a connection without an answer")
        self.buffer += received
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        lower = head.lower()
        self.is_closing = b"connection: close" in lower
        if b"transfer-encoding: chunked" in lower:
            if not rest.endswith(b"0\r\n\r\n"):
                return None
            body, self.buffer = rest, b""
        else:
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(rest) < length:
                return None
            body, self.buffer = rest[:length], rest[length:]
        return int(head[9:12]), body


def warm_up(host: str, port: int, content: bytes) -> None:
    """One request, so that nobody is measured while importing."""
    first = Loaded(host, port)
    first.send(content)
    while first.answer() is None:
        continue
    first.sock.close()


def run(host: str, port: int, next_request, seconds: float, connections: int = 16, good=(200, 201)) -> dict:
    """Load a server; next_request() gives the bytes of each request.

    Returns {rate: requests a second, p50, p99 in milliseconds, count}. RuntimeError on an answer that is not
    good.
    """
    warm_up(host, port, next_request())
    selector = selectors.DefaultSelector()
    loaded = [Loaded(host, port) for _ in range(connections)]
    for each in loaded:
        selector.register(each.sock, selectors.EVENT_READ, each)
        each.send(next_request())
    took = []
    start = perf_counter()
    end = start + seconds
    while perf_counter() < end:
        for key, _ in selector.select(1):
            answer = key.data.answer()
            if answer is None:
                continue
            if answer[0] not in good:
                raise RuntimeError(f"{answer[0]}: {answer[1][:300]!r}")
            took.append(perf_counter() - key.data.sent)
            if key.data.is_closing:
                selector.unregister(key.data.sock)
                key.data.sock.close()
                key.data.connect()
                selector.register(key.data.sock, selectors.EVENT_READ, key.data)
            key.data.send(next_request())
    elapsed = perf_counter() - start
    for each in loaded:
        each.sock.close()
    cuts = quantiles(took, n=100)
    return {"rate": len(took) / elapsed, "p50": cuts[49] * 1000, "p99": cuts[98] * 1000, "count": len(took)}
