"""One WSGI callable behind several servers: requests a second, and frames a second of a stream."""

import subprocess
import sys
from pathlib import Path
from time import perf_counter

from benchmarks import processes
from benchmarks.load import Loaded, request_bytes, run

FRAMES = 200_000
PROGRAM = """
import sys
kind, port = sys.argv[1], int(sys.argv[2])
BODY = b"x" * 3000
FRAME = b'data:{"choices":[{"index":0,"message":{"content":"word"}}]}\\n\\n'

def app(environ, start_response):
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return (FRAME for _ in range(FRAMES_COUNT))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "3000")])
    return [BODY]

if kind == "own":
    from typing import NamedTuple
    from modelarts_emulator.http.server import Server, listen

    class Errand(NamedTuple):
        environ: dict
        threads: str = ""
        body_limit: int = 1 << 20

    class Front:
        def begin(self, environ):
            return Errand(environ)

        def answer(self, errand, start_response, hurries=False):
            return app(errand.environ, start_response)

    Server(Front(), [listen("127.0.0.1", port)]).serve()
elif kind == "gevent":
    import socket
    from gevent.pywsgi import WSGIServer

    class WithoutDelay(WSGIServer):
        def handle(self, sock, address):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().handle(sock, address)

    WithoutDelay(("127.0.0.1", port), app, log=None).serve_forever()
else:
    import waitress
    waitress.serve(app, host="127.0.0.1", port=port, threads=8, _quiet=True)
"""


def compare(seconds: float) -> None:
    """Print a table of the servers."""
    print(
        "\n| server, trivial application | 1 connection, req/s | 16 connections, req/s | p99 ms | frames/s |"
    )
    print("|---|---|---|---|---|")
    for kind in ("own", "gevent", "waitress"):
        port = processes.free_port()
        program = PROGRAM.replace("FRAMES_COUNT", str(FRAMES))
        folder = Path(__file__).resolve().parent.parent
        command = [sys.executable, "-c", program, kind, str(port)]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not processes.answers(port, "/"):
                if process.poll() is not None:
                    raise RuntimeError(f"{kind} did not come up")
            content = request_bytes("GET", "/", f"127.0.0.1:{port}", {})
            one = run("127.0.0.1", port, lambda content=content: content, seconds, 1)
            many = run("127.0.0.1", port, lambda content=content: content, seconds, 16)
            print(
                f"| {kind} | {one['rate']:.0f} | {many['rate']:.0f} | {many['p99']:.2f} | {stream_rate(port):.0f} |"
            )
        finally:
            process.kill()
            process.wait()


def stream_rate(port: int) -> float:
    """Frames a second that reach one reader."""
    reader = Loaded("127.0.0.1", port)
    start = perf_counter()
    reader.send(request_bytes("GET", "/stream", f"127.0.0.1:{port}", {}))
    tail = b""
    while not tail.endswith(b"0\r\n\r\n"):
        tail = (tail + reader.sock.recv(1 << 20))[-16:]
    reader.sock.close()
    return FRAMES / (perf_counter() - start)
