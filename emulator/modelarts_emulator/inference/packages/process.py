"""One life of a model's process: how it is started, asked, watched and ended."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import Future
from contextlib import suppress
from fcntl import F_SETFL, fcntl
from pathlib import Path
from queue import Empty, SimpleQueue
from shutil import rmtree
from tempfile import TemporaryFile, mkdtemp
from threading import Event, Lock, Thread
from typing import NamedTuple
from weakref import finalize

from modelarts_emulator.inference.serving_base.modelarts_serving.frames import (
    BrokenFrame,
    receive_frame,
    send_frame,
)
from modelarts_emulator.sandbox import namespaces as namespaces_module

SERVING_BASE = Path(__file__).parent.parent / "serving_base"
SANDBOX = str(Path(namespaces_module.__file__).parent)
MAIN = SERVING_BASE / "modelarts_serving" / "__main__.py"
PRIVATE_VARIABLES = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
LARGEST_LOG = 1 << 20
BURIAL_SECONDS = 2


class Output(NamedTuple):
    """What a package has printed and logged: the end of it, and how many bytes that were in all."""

    text: str = ""
    written: int = 0


class Limits(NamedTuple):
    """What a worker may use; call_seconds is for one prediction, cpu_seconds for one or for the start."""

    memory_bytes: int = 4 << 30
    cpu_seconds: int = 60
    start_seconds: float = 60.0
    call_seconds: float = 40.0


class WorkerDown(Exception):
    """The worker is not there to answer: it failed to start, ended during the prediction, or was stopped."""


class PredictionTimeout(Exception):
    """No answer within the time the caller had."""


class ModelProcess:
    """One life of a worker's process. A thread waits for its answers, so that callers can give up on time."""

    def __init__(self, order: dict, limits: Limits):
        self.limits = limits
        self.ready = self.confined = False
        self.started = Event()
        self._inside: int | None = None
        self._why = None
        self._cut = 0
        self._ending = Lock()
        self._calls = SimpleQueue()
        self._folder = mkdtemp(prefix="model-")
        self._log = TemporaryFile("w+b", buffering=0)  # noqa: SIM115
        fcntl(self._log, F_SETFL, os.O_APPEND)
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-B",
                    "-u",
                    str(MAIN),
                    str(theirs.fileno()),
                    str(SERVING_BASE),
                    SANDBOX,
                ],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                cwd=self._folder,
                env=PRIVATE_VARIABLES | {"HOME": self._folder, "TMPDIR": self._folder},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        # Also when the emulator ends without stopping its workers.
        self._kill = finalize(self, kill_group, self._process, self._folder)
        Thread(target=self._serve, args=(order,), name=f"model-{self.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process that runs the model's code: with namespaces the one inside, once it is ready."""
        return self._inside or self._process.pid

    @property
    def isolated(self) -> bool:
        return self._inside is not None

    @property
    def alive(self) -> bool:
        return self._why is None and self._process.poll() is None

    @property
    def failure(self) -> str:
        return self._why or ended_how(self._process.returncode, self.limits)

    def predict(self, header: dict, body: bytes, timeout: float) -> tuple[int, dict[str, str], bytes]:
        answer = Future()
        self._calls.put((answer, header, body))
        if not self.alive:
            self.end(self.failure, is_failure=True)
            self._refuse_calls()
        try:
            return answer.result(timeout)
        except TimeoutError:
            answer.cancel()
            raise PredictionTimeout(f"no answer within {timeout:.3g} s") from None

    def output(self) -> Output:
        size = os.fstat(self._log.fileno()).st_size
        tail = os.pread(self._log.fileno(), LARGEST_LOG, max(0, size - LARGEST_LOG))
        return Output(tail.decode("utf-8", "replace"), self._cut + size)

    def end(self, why: str, is_failure: bool = False) -> None:
        """Kill the process and all of its group; the first reason stays, and is told in the log for a failure."""
        with self._ending:
            if self._why is None:
                self._why = why
                self._kill()
                if is_failure:
                    os.write(self._log.fileno(), f"[modelarts-emulator] {why}\n".encode())
        self._calls.put(None)

    def _serve(self, order: dict) -> None:
        """Start the model, then do one call after the other until the process or the worker ends."""
        with self._channel:
            try:
                self._start(order)
                self.started.set()
                self._answer_calls()
            except TimeoutError:
                self.end(self._late(), is_failure=True)
            except (BrokenFrame, OSError) as error:
                self.end(self._gone(error), is_failure=True)
        self.started.set()
        self._refuse_calls()

    def _start(self, order: dict) -> None:
        self._channel.settimeout(self.limits.start_seconds)
        send_frame(self._channel, order)
        reply, _ = receive_frame(self._channel)
        if not reply.get("ready"):
            self.end(f"the model could not be loaded: {loading_failure(reply)}", is_failure=True)
            return
        self.confined = bool(reply.get("landlock"))
        self._inside = reply.get("pid")
        self._channel.settimeout(self.limits.call_seconds)
        self.ready = True

    def _answer_calls(self) -> None:
        number = 0
        while self._why is None and (call := self._calls.get()) is not None:
            answer, header, body = call
            if not answer.set_running_or_notify_cancel():
                continue
            number += 1
            try:
                send_frame(self._channel, header | {"id": number}, body)
                answer.set_result(checked(number, *receive_frame(self._channel)))
            except (BrokenFrame, OSError) as error:
                why = self._late() if isinstance(error, TimeoutError) else self._gone(error)
                self.end(why, is_failure=True)
                answer.set_exception(WorkerDown(self.failure))
                return
            self._shorten_log()

    def _refuse_calls(self) -> None:
        """Tell all who wait that the process has ended; a None stays for the thread that waits for calls."""
        try:
            while True:
                call = self._calls.get_nowait()
                if call is not None and call[0].set_running_or_notify_cancel():
                    call[0].set_exception(WorkerDown(self.failure))
        except Empty:
            self._calls.put(None)

    def _late(self) -> str:
        if self.ready:
            return f"a prediction took longer than {self.limits.call_seconds:g} s"
        return f"the model was not loaded within {self.limits.start_seconds:g} s"

    def _gone(self, error: Exception) -> str:
        """How the process ended, or what it did to its channel."""
        try:
            return ended_how(self._process.wait(1), self.limits)
        except subprocess.TimeoutExpired:
            return f"the model's process broke its channel: {error}"

    def _shorten_log(self) -> None:
        if os.fstat(self._log.fileno()).st_size > 2 * LARGEST_LOG:
            text, written = self.output()
            kept = text.encode()
            os.ftruncate(self._log.fileno(), 0)
            os.write(self._log.fileno(), kept)
            self._cut = written - len(kept)


def checked(number: int, reply: dict, body: bytes) -> tuple[int, dict[str, str], bytes]:
    """A reply as the caller gets it; BrokenFrame when it answers another call or is not fit for HTTP."""
    status, content_type = reply.get("status"), reply.get("content_type")
    if reply.get("id") != number or not isinstance(status, int) or not 200 <= status <= 599:
        raise BrokenFrame("the reply does not answer the call")
    if not isinstance(content_type, str) or not content_type.isascii() or not content_type.isprintable():
        raise BrokenFrame("the reply has no content type")
    return status, {"Content-Type": content_type}, body


def loading_failure(reply: dict) -> str:
    """Why a package could not be loaded, and what helps where that is known."""
    told = str(reply.get("failure"))[:1000]
    if not told.startswith("ModuleNotFoundError"):
        return told
    return f"{told}; packages run in the emulator's Python: pip install there what they import"


def ended_how(code: int, limits: Limits) -> str:
    if code == -signal.SIGXCPU:
        return f"the model's process used more than {limits.cpu_seconds} s of CPU time"
    if code < 0:
        return f"the model's process was ended by {signal.Signals(-code).name}"
    return f"the model's process exited with code {code}"


def kill_group(process: subprocess.Popen, folder: str) -> None:
    """Kill a process with its children, also those that outlive it, and remove its folder."""
    first = first_inside(process.pid) if process.poll() is None else None
    if first is not None:
        # With it all others in the namespaces end, and the process itself when it has buried them.
        os.kill(first, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(BURIAL_SECONDS)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    rmtree(folder, ignore_errors=True)


def first_inside(pid: int) -> int | None:
    """The child of a process that is the first in a process namespace of its own, as seen here; None without one."""
    try:
        own = Path(f"/proc/{pid}/ns/pid").readlink()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return next(
            (int(child) for child in children if Path(f"/proc/{child}/ns/pid").readlink() != own), None
        )
    except OSError:
        return None
