"""Streams of chat frames: frames a second, time to the first, many at once: `python -m benchmarks.streaming`."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import perf_counter

from modelarts_emulator.identity.records import own_api_key
from modelarts_emulator.worlds.world import World, tag_of_number

from benchmarks import processes
from benchmarks.load import request_bytes

ROUNDS = 7
FIRSTS = 200
TOKENS = 30_000
PARALLEL = 64
PARALLEL_TOKENS = 500
HEADERS = {
    "Authorization": f"Bearer {own_api_key(World(tag_of_number(0), 1, 60))}",
    "Content-Type": "application/json",
}


def question(port: int, text: str, tokens: int, **options) -> bytes:
    """A request for a stream of so many tokens."""
    messages = [{"role": "user", "content": text}]
    body = {
        "model": "longcat-flash-chat",
        "messages": messages,
        "max_tokens": tokens,
        "stream": True,
        **options,
    }
    content = json.dumps(body).encode()
    return request_bytes("POST", "/v2/chat/completions", f"127.0.0.1:{port}", HEADERS, content)


def read_stream(sock: socket.socket, since: float) -> tuple[bytearray, float, float]:
    """(what came, seconds to the first frame, seconds from there to the end)."""
    received, first = bytearray(), None
    while not received.endswith(b"0\r\n\r\n"):
        part = sock.recv(1 << 20)
        if not part:
            raise ConnectionError("the stream broke off")
        received += part
        if first is None and b"data:" in received:
            first = perf_counter()
    return received, first - since, perf_counter() - first


def stream(port: int, text: str, tokens: int, **options) -> tuple[bytearray, float, float]:
    """One stream on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        since = perf_counter()
        sock.sendall(question(port, text, tokens, **options))
        return read_stream(sock, since)


def frames_in(received: bytes) -> list[dict]:
    """The JSON of every frame, the chunks of HTTP put together."""
    body, at, content = received, received.index(b"\r\n\r\n") + 4, bytearray()
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end], 16)
        if size == 0:
            break
        content += body[end + 2 : end + 2 + size]
        at = end + 2 + size + 2
    lines = [line[6:] for line in bytes(content).split(b"\n\n") if line.startswith(b"data: ")]
    if lines[-1] != b"[DONE]":
        raise AssertionError("the stream does not end with [DONE]")
    return [json.loads(line) for line in lines[:-1]]


def frames_per_second(port: int, **options) -> list[float]:
    """Frames a second on one connection, a figure a round."""
    rates = []
    for number in range(ROUNDS + 1):
        received, _, seconds = stream(port, f"hello {number}", TOKENS, ignore_eos=True, **options)
        rates.append(received.count(b"data: ") / seconds)
    return rates[1:]


def first_frames(port: int) -> list[float]:
    """Seconds from a request to its first frame, on new connections."""
    return [stream(port, f"What is a good way to make coffee {n}?", 64)[1] for n in range(FIRSTS)]


def parallel(port: int) -> tuple[int, float]:
    """(frames, seconds) of many streams at once. AssertionError when one lost a frame or got one of another."""

    def one(number: int) -> int:
        received, _, _ = stream(port, f"question {number}", PARALLEL_TOKENS, ignore_eos=True)
        frames = frames_in(received)
        said = [frame["usage"]["completion_tokens"] for frame in frames]
        if len({frame["id"] for frame in frames}) != 1 or said != [
            0,
            *range(1, PARALLEL_TOKENS + 1),
            said[-1],
        ]:
            raise AssertionError(f"stream {number} lost or mixed frames")
        text = "".join(frame["choices"][0]["delta"].get("content", "") for frame in frames)
        if f"question {number}" not in text:
            raise AssertionError(f"stream {number} answers another question")
        return len(frames)

    since = perf_counter()
    with ThreadPoolExecutor(PARALLEL) as threads:
        frames = sum(threads.map(one, range(PARALLEL)))
    return frames, perf_counter() - since


def main() -> None:
    """Measure and print."""
    with processes.emulator() as (_, _, port):
        firsts = sorted(first_frames(port)[1:])
        print(f"first frame: median {1000 * median(firsts):.2f} ms, p99 {1000 * firsts[-2]:.2f} ms")
        for name, options in (
            ("usage in each frame", {}),
            ("no usage", {"stream_options": {"include_usage": False}}),
        ):
            rates = frames_per_second(port, **options)
            told = f"median {median(rates):,.0f} frames/s, from {min(rates):,.0f} to {max(rates):,.0f}"
            print(f"one connection, {TOKENS} tokens, {name}: {told}")
        frames, seconds = parallel(port)
        print(f"{PARALLEL} at once: {frames} frames in {seconds:.2f} s, none lost or mixed")


if __name__ == "__main__":
    main()
