"""How frames of a stream become writes to a socket: few when they come fast, at once when they come slowly."""

import select
import socket
from collections.abc import Iterable, Iterator

from modelarts_emulator.real_time import monotonic

MOST_GATHERED = 32 << 10
GATHER_SECONDS = 0.001


def gathered(frames: Iterable[bytes], sock: socket.socket) -> Iterator[bytes]:
    """The frames in portions: the first at once, then what came within a millisecond, never kept over an empty frame.

    What came before the frames fail still leaves. ConnectionAbortedError when the client has hung up meanwhile.
    """
    portion: list[bytes] = []
    size, since = MOST_GATHERED, 0.0
    try:
        for frame in frames:
            portion.append(frame)
            size += len(frame)
            if size < MOST_GATHERED and frame and monotonic() - since < GATHER_SECONDS:
                continue
            content = b"".join(portion)
            portion.clear()
            size, since = 0, monotonic()
            if content:
                yield content
            if not frame and has_hung_up(sock):
                raise ConnectionAbortedError("the client has hung up")
    except Exception:
        if portion:
            yield b"".join(portion)
        raise
    if portion:
        yield b"".join(portion)


def send_all(sock: socket.socket, content: bytes) -> None:
    """Send all of it. The socket's time-out holds for each portion: a slow reader who reads gets everything."""
    portions = memoryview(content)
    for start in range(0, len(content), MOST_GATHERED):
        sock.sendall(portions[start : start + MOST_GATHERED])


def has_hung_up(sock: socket.socket) -> bool:
    """Whether the other side has closed the connection; what it may have sent stays to be read. Never waits."""
    # A socket with a time-out waits for something to read before MSG_DONTWAIT is even looked at.
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    return bool(poller.poll(0)) and sock.recv(1, socket.MSG_PEEK) == b""
