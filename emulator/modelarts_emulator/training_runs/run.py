"""One attempt of a job: its folder, its processes in the sandbox, its output, its uploads, its end."""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Event, Lock, Thread
from typing import Any

import orjson

from modelarts_emulator.real_time import monotonic
from modelarts_emulator.sandbox import namespaces
from modelarts_emulator.training_runs.environment import PACKAGES, environment_of
from modelarts_emulator.training_runs.folders import MIRROR, Folder
from modelarts_emulator.training_runs.orders import Order, Outcome
from modelarts_emulator.training_runs.output import Output
from modelarts_emulator.training_runs.requirements import installed, lacking
from modelarts_emulator.training_runs.starting import command_of, working_dir_of
from modelarts_emulator.training_runs.transfers import Copy, Upload

PLACES = [str(Path(__file__).parent / "container"), str(Path(namespaces.__file__).parent)]
# Imported, not started as a file, so that it need not be compiled each time.
PROGRAM = f"import sys; sys.path[:0] = {PLACES}; import supervisor; supervisor.begin()"
TICK_SECONDS = 0.5
STOP_SECONDS = 10
CONNECT_SECONDS = 30
CHUNK = 1 << 16
KILLED = 137
log = logging.getLogger("modelarts_emulator.training_runs")
LONGEST_LINE = 4096
MOST_LOOKS = 20_000


class Run:
    """One attempt of a job, begun at once on a thread of its own. Any thread may call any method.

    objects: a function -> the objects of the job's world. done: set when all is over, outputs uploaded; the outcome is
    there by then. speed: a function -> how much faster than real time the job's time limit passes. on_line: told of
    each line of the first task, on a thread. is_isolated: whether it has namespaces of its own, None until that is
    known. usage: (real seconds since the start, [seconds of CPU, bytes of memory] of each task), looked at now and
    then. notes: lines of the platform about the preparation. folder: where its files are on this machine.
    """

    def __init__(
        self,
        order: Order,
        objects: Callable[[], Any],
        done: Event | None = None,
        speed: Callable[[], float] = lambda: 1.0,
        on_line: Callable[[str], object] | None = None,
    ):
        self.order = order
        self.done = done or Event()
        self.outcome = Outcome()
        self.outputs = [Output() for _ in range(order.nodes)]
        self.notes: list[str] = []
        self.usage: list[tuple[float, list]] = []
        self.is_isolated: bool | None = None
        self.folder = ""
        self.on_line = on_line
        self._objects_of = objects
        self._speed = speed
        self._lock = Lock()
        self._asked = self._is_begun = self._is_over = self._is_stopped = self._timed_out = False
        self._uploads: list[Upload] = []
        self._begun = 0.0
        self._codes: dict[int, int] = {}
        self._why = ""
        self._channel, self._theirs = socket.socketpair()
        self._mirror: Copy | None = None
        self._door, self._their_door = doors() if order.answers else (None, None)
        self._thread = Thread(target=self._live, name=f"run-{order.job_id}", daemon=True)
        self._thread.start()

    def terminate(self) -> None:
        """Ask the tasks to end; those that have not after the grace are killed. Outputs are uploaded."""
        with self._lock:
            self._asked = True
            if self._is_begun:
                with suppress(OSError):
                    self._channel.send(b"terminate\n")

    def stop(self) -> None:
        """End everything at once and remove all files; what was not uploaded is lost. Returns at once."""
        self._is_stopped = True
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)

    def connect(self) -> socket.socket:
        """A connection that the task answers, or will once it has started; what comes to nothing ends without a word.

        OSError when there is no such task any more, or it takes no further connections.
        """
        if self._door is None:
            raise OSError("nothing is answered here")
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._door, [b"c"], [theirs.fileno()])
        return ours

    @property
    def is_alive(self) -> bool:
        """Whether anything may be left of it."""
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait until nothing is left of it."""
        self._thread.join(STOP_SECONDS)

    def text(self, node: int) -> str:
        """What a task has printed so far, as far as it is kept."""
        return self.outputs[node].text()

    def _live(self) -> None:
        try:
            self.folder = mkdtemp(prefix="training-")
            self._carry_out(Folder(self.folder, self.order))
        except Exception as error:
            # Whatever it is, it ends this run alone, and whoever waits for it goes on.
            self._why = self._why or str(error) or type(error).__name__
        for door in filter(None, (self._door, self._their_door)):
            door.close()
        with suppress(Exception):
            # What was still being downloaded into it when it was removed.
            rmtree(self.folder, ignore_errors=True)
        nodes = range(self.order.nodes) if self._is_begun else ()
        codes = tuple(self._codes.get(node, KILLED) for node in nodes)
        self.outcome = Outcome(codes, self._why, self._asked, self._timed_out)
        self.done.set()

    def _carry_out(self, folder: Folder) -> None:
        with self._channel:
            supervisor = self._supervisor(folder)
            try:
                objects = self._objects_of()
                self._prepare(folder, objects)
                if self._begin(folder):
                    self._follow(objects)
            finally:
                self._channel.close()
                with suppress(subprocess.TimeoutExpired):
                    supervisor.wait(STOP_SECONDS)

    def _supervisor(self, folder: Folder) -> subprocess.Popen:
        """The program that watches over the job, and removes its folder whatever becomes of this process."""
        with self._theirs, self._their_door or nullcontext():
            given = [each.fileno() for each in (self._theirs, self._their_door) if each is not None]
            return subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", PROGRAM, str(folder.path), *map(str, given)],
                pass_fds=given,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={},
            )

    def _prepare(self, folder: Folder, objects: Any) -> None:
        """Download code and inputs. ValueError or KeyError when they cannot be."""
        order = self.order
        folder.lay_out()
        objects = Checked(objects, self._refuse_stopped)
        folder.fetch(objects, order.code, order.code_dir)
        for channel in order.inputs:
            count = folder.fetch(objects, channel.place, channel.local_dir)
            if channel.place and not count:
                raise ValueError(
                    f"Training input(parameter name: {channel.name}) holds no files: {channel.url}"
                )
        for channel in order.outputs:
            folder.fetch(objects, channel.place if channel.is_fetched else None, channel.local_dir)
            if channel.place:
                self._uploads.append(Upload(folder.path, folder.name_of(channel.local_dir), channel.place))
        if order.mirror:
            self._mirror = Copy(order.mirror, folder.path / MIRROR)
            self._copy(objects)
        code = folder.outside(order.code_dir)
        if order.installs:
            self.notes += installed(code, folder.outside(PACKAGES), self._refuse_stopped)
        else:
            self.notes += lacking(code)

    def _refuse_stopped(self) -> None:
        """ValueError once nothing of the run is wanted any more."""
        if self._is_stopped:
            raise ValueError("the run was stopped")

    def _begin(self, folder: Folder) -> bool:
        """Have the tasks started; whether they are, which they are not when the job has been asked to end before."""
        order, limits = self.order, self.order.limits
        beside = folder.files_beside(f"{order.code_dir}/{order.boot_file}") if order.boot_file else []
        told = folder.sandbox() | limits._asdict() | {
            "namespaces": order.namespaces,
            "objects": order.access and [order.access.host, order.access.port],
            "tasks": [
                {
                    "argv": command_of(order, beside),
                    "env": environment_of(order, node),
                    "cwd": working_dir_of(order),
                }
                for node in range(order.nodes)
            ],
        }  # fmt: skip
        with self._lock:
            if self._asked:
                return False
            self._channel.sendall(orjson.dumps(told) + b"\n")
            self._is_begun, self._begun = True, monotonic()
        return True

    def _follow(self, objects: Any) -> None:
        """Take what the tasks print and how they end; upload what they write, now and then and at the end."""
        readers: list[Thread] = []
        said, now = b"", monotonic()
        upload_at, left = now + self.order.limits.upload_seconds, self.order.limits.seconds
        copy_at = now + self.order.limits.mirror_seconds
        self._channel.settimeout(TICK_SECONDS)
        while not self._is_over:
            try:
                text, numbers, _, _ = socket.recv_fds(self._channel, CHUNK, 64)
            except TimeoutError:
                text = numbers = None
            if text == b"":
                break
            for node, number in enumerate(numbers or ()):
                told = (os.fdopen(number, "rb", 0), self.outputs[node], None if node else self.on_line)
                readers.append(Thread(target=read, args=told, daemon=True))
                readers[-1].start()
            *lines, said = (said + (text or b"")).split(b"\n")
            for line in filter(None, lines):
                self._note(orjson.loads(line))
            passed, now = monotonic() - now, monotonic()
            left -= passed * self._speed()
            if left < 0 and not self._timed_out:
                self._timed_out = True
                self.terminate()
            if now > copy_at:
                self._copy(Checked(objects, self._refuse_stopped))
                copy_at = monotonic() + self.order.limits.mirror_seconds
            if now > upload_at:
                upload_at = now + self.order.limits.upload_seconds
                self._upload(objects)
        for reader in readers:
            # One that is told of lines may wait for whoever has stopped the run.
            reader.join(0 if self._is_stopped else STOP_SECONDS)
        self._upload(objects)

    def _note(self, fact: dict) -> None:
        """Take what the supervisor says; part of it comes from where the job's code could forge it."""
        if "isolated" in fact and self.is_isolated is None:
            self.is_isolated = bool(fact["isolated"])
        if is_usage(fact.get("usage"), self.order.nodes) and len(self.usage) < MOST_LOOKS:
            self.usage.append((monotonic() - self._begun, fact["usage"]))
        if isinstance(fact.get("task"), int) and isinstance(fact.get("code"), int):
            self._codes.setdefault(fact["task"], fact["code"] & 255)
        self._why = self._why or str(fact.get("why", ""))[:500]
        self._is_over = self._is_over or "over" in fact

    def _upload(self, objects: Any) -> None:
        """Write what has changed in the outputs; a bucket that has gone meanwhile keeps nothing."""
        for upload in self._uploads:
            if not self._is_stopped:
                with suppress(KeyError):
                    upload.carry_out(objects)

    def _copy(self, objects: Any) -> None:
        """Have what is mirrored as it is now; of a bucket that has gone meanwhile what was there stays."""
        if self._mirror is not None:
            with suppress(KeyError):
                self._mirror.carry_out(objects)


class Checked:
    """Objects to be read as long as a check does not raise."""

    def __init__(self, objects: Any, check: Callable[[], None]):
        self.keys = objects.keys if objects is not None else None
        self.versions = getattr(objects, "versions", None)
        self._objects = objects
        self._check = check

    def read(self, bucket: str, key: str) -> bytes:
        """The content of an object."""
        self._check()
        return self._objects.read(bucket, key)


def doors() -> tuple[socket.socket, socket.socket]:
    """Two ends of a way for connections: whoever has the first hands them over, whoever has the second takes them."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.settimeout(CONNECT_SECONDS)
    return ours, theirs


def is_usage(value: Any, nodes: int) -> bool:
    """Whether it says [seconds of CPU, bytes of memory] of each task."""
    return isinstance(value, list) and len(value) == nodes and all(map(is_pair, value))


def is_pair(value: Any) -> bool:
    """Whether it is a list of two numbers."""
    return (
        isinstance(value, list) and len(value) == 2 and all(isinstance(each, int | float) for each in value)
    )


def read(pipe: Any, output: Output, on_line: Callable[[str], object] | None) -> None:
    """Keep what comes out of a pipe until its end, and tell of each line."""
    rest = b""
    with pipe:
        while text := pipe.read(CHUNK):
            output.add(text)
            if on_line is not None:
                *lines, rest = (rest + text).split(b"\n")
                for line in lines:
                    tell(on_line, line)
                rest = rest[:LONGEST_LINE]
    if rest and on_line is not None:
        tell(on_line, rest)


def tell(on_line: Callable[[str], object], line: bytes) -> None:
    """Tell of a line; a failure is logged, as what is printed has to be read in any case."""
    try:
        on_line(line[:LONGEST_LINE].decode("utf-8", "replace"))
    except Exception:
        log.exception("a line that a script printed could not be followed")
