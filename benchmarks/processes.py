"""Servers as processes of their own: how long until the first good answer, and how much memory."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter, sleep


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def answers(port: int, path: str) -> bool:
    """Whether the server answers 200 there."""
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False


@contextmanager
def server(command: list[str], port: int, path: str):
    """(process, seconds to the first good answer) of a server that is ended afterwards."""
    start = perf_counter()
    # A user's Python keeps compiled modules; without them each start compiles everything again.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        while not answers(port, path):
            if process.poll() is not None or perf_counter() - start > 60:
                raise RuntimeError(f"{command} did not come up")
            sleep(0.002)
        yield process, perf_counter() - start
    finally:
        process.terminate()
        process.wait()


@contextmanager
def emulator(*options: str):
    """(process, seconds, port) of an emulator."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "modelarts_emulator",
        "start",
        "--port",
        str(port),
        "--obs-port",
        "0",
        *options,
    ]
    with server(command, port, "/_emulator/ready") as (process, seconds):
        yield process, seconds, port


@contextmanager
def moto_server():
    """(process, seconds, port) of moto's server."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "moto_server"), "-p", str(port)]
    with server(command, port, "/moto-api/data.json") as (process, seconds):
        yield process, seconds, port


def resident_mib(process: subprocess.Popen) -> float:
    """How much memory the process holds, in MiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def cpu_seconds(process: subprocess.Popen) -> float:
    """How long the threads that the process has now have computed; what others load on the machine does not count."""
    tasks = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in tasks) / 1e9


def cores() -> int:
    """How many processors there are."""
    return os.cpu_count() or 1
