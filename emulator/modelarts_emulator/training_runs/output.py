"""What a task prints, kept within bounds."""

from collections import deque
from threading import Lock

HEAD, TAIL = 1 << 20, 8 << 20
LEFT_OUT = "[ModelArts Service Log][WARNING]log length overflow: {} bytes are left out here"


class Output:
    """The beginning and the end of what is printed; any thread may call any method. size: the bytes printed in all."""

    def __init__(self, head: int = HEAD, tail: int = TAIL):
        self.size = 0
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._in_tail = 0
        self._most = (head, tail)
        self._lock = Lock()

    def add(self, text: bytes) -> None:
        """Take what was printed next."""
        with self._lock:
            self.size += len(text)
            room = self._most[0] - len(self._head)
            self._head += text[:room]
            if text[room:]:
                self._tail.append(text[room:])
                self._in_tail += len(text[room:])
            while self._in_tail > self._most[1]:
                self._in_tail -= len(self._tail.popleft())

    def text(self) -> str:
        """What is kept, with a line where something is left out."""
        with self._lock:
            left_out = self.size - len(self._head) - self._in_tail
            head, tail = bytes(self._head), b"".join(self._tail)
        if left_out:
            # The rest of a line whose beginning is gone says nothing.
            tail = tail[tail.find(b"\n") + 1 :]
            head += b"\n" + LEFT_OUT.format(left_out).encode() + b"\n"
        return (head + tail).decode("utf-8", "replace")
