"""What stands first in a job's sandbox: it starts the tasks there and says how each has ended."""

import json
import os
import resource
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import confinement
import namespaces

FAILED_SECONDS = 5
MOST_FILES = 4096
BACKLOG = 64
LOOK_SECONDS = 5
# Of /proc/<pid>/stat, counted from behind the name.
SESSION, CPU, RESIDENT = 3, slice(11, 15), 21
NOT_DUMPABLE = 4
USUAL_AGAIN = (
    signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD,
)  # fmt: skip
NOT_STARTED = 127
# The descriptor at which a task finds the connections that it answers.
DOOR = 3


def run(order: dict, channel: socket.socket) -> NoReturn:
    """Run the tasks in a sandbox; the process ends with them."""
    try:
        is_isolated = enter(order)
        # Said before anything of the user's runs, as what is said later may be forged.
        tell(channel, {"isolated": is_isolated})
        close_to_debuggers()
        if is_isolated and order["objects"]:
            hand_over_listener(channel, order["objects"][1])
        tasks = Tasks([start(task, order, is_isolated) for task in order["tasks"]], order, channel)
        tell(channel, {"pids": tasks.pids})
        tasks.wait()
    except BaseException as error:
        tell(channel, {"why": f"the job could not be started: {error!r}"})
    os._exit(0)


def tell(channel: socket.socket, fact: dict) -> None:
    channel.sendall(json.dumps(fact).encode() + b"\n")


def close_to_debuggers() -> None:
    """Keep the tasks from looking into this process, which has the same user."""
    if sys.platform == "linux":
        namespaces.kernel_call("prctl", NOT_DUMPABLE, 0, 0, 0, 0)


def enter(order: dict) -> bool:
    """Go on in namespaces, where the kernel grants them; otherwise rewrite the paths that only these could give."""
    places = namespaces.Places(
        order["root"], order["readable"], order["bound"], scratch="/run", writable=order["writable"]
    )
    if order["namespaces"] and namespaces.enter(places, order["memory_bytes"]) is not None:
        return True
    for task in order["tasks"]:
        task["argv"] = [rewritten(text, order) for text in task["argv"]]
        task["env"] = {name: rewritten(text, order) for name, text in task["env"].items()}
        task["env"]["TMPDIR"] = order["writable"]["/tmp"]
        task["cwd"] = rewritten(task["cwd"], order)
    return False


def rewritten(text: str, order: dict) -> str:
    """The text with each path of the container replaced by where that lies on this machine."""
    import re

    places = order["rewritten"]
    named = "|".join(re.escape(path) for path in sorted(places, key=len, reverse=True))
    return re.sub(rf"(?<![\w./-])({named})(?![\w.-])", lambda found: places[found[1]], text)


def hand_over_listener(channel: socket.socket, port: int) -> None:
    """Let whoever is outside accept what connects to the object storage's port in here."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(BACKLOG)
    socket.send_fds(channel, [b"\n"], [listener.fileno()])
    listener.close()


def start(task: dict, order: dict, is_isolated: bool) -> int:
    """Begin a task that signals reach; its process id, which is also that of its session."""
    reached, reaches = os.pipe()
    pid = os.fork()
    if pid:
        os.close(reaches)
        os.read(reached, 1)
        os.close(reached)
        return pid
    try:
        os.setsid()
        # What this process and Python itself ignore would stay ignored in what it becomes.
        for number in USUAL_AGAIN:
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(task["output"], 1)
        os.dup2(1, 2)
        kept = 3
        if order["door"] is not None:
            os.dup2(order["door"], DOOR)
            kept = DOOR + 1
        os.closerange(kept, MOST_FILES)
        os.chdir(task["cwd"])
        confine(order, is_isolated)
        os.execve(task["argv"][0], task["argv"], task["env"])
    except BaseException as error:
        os.write(2, f"{task['argv'][0]}: {error}\n".encode())
    os._exit(NOT_STARTED)


def confine(order: dict, is_isolated: bool) -> None:
    """Bound what the task may use; without namespaces also close the files that it has no business with."""
    os.nice(5)
    confinement.limit_resources(2 * order["memory_bytes"], order["disk_bytes"], MOST_FILES)
    resource.setrlimit(resource.RLIMIT_CPU, (order["cpu_seconds"], order["cpu_seconds"]))
    if is_isolated:
        confinement.limit_processes(namespaces.MOST_PROCESSES)
    if is_isolated or sys.platform != "linux":
        return
    import syscalls

    readable = [*order["readable"], *order["bound"].values()]
    confinement.confine(readable, [*order["writable"].values(), namespaces.SHARED_MEMORY], closes_tcp=False)
    syscalls.refuse_escapes(closes_network=False)


class Tasks:
    """The tasks that run: when one fails the others are ended too; when asked, all are."""

    def __init__(self, pids: list[int], order: dict, channel: socket.socket):
        self.pids = pids
        self._running = dict(enumerate(pids))
        self._grace = order["grace_seconds"]
        self._channel = channel
        self._kill_at = float("inf")
        self._look_at = time.monotonic() + LOOK_SECONDS

    def wait(self) -> None:
        """Return when all have ended."""
        woken, wakes = os.pipe()
        os.set_blocking(wakes, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes)
        while self._running:
            self.bury()
            if not self._running:
                return
            left = min(self._kill_at, self._look_at) - time.monotonic()
            ready, _, _ = select.select([woken, self._channel], [], [], max(0, left))
            if woken in ready:
                os.read(woken, 512)
            if self._channel in ready and self._channel.recv(512):
                self.end(self._grace)
            if time.monotonic() >= self._look_at:
                self._look_at = time.monotonic() + LOOK_SECONDS
                tell(self._channel, {"usage": self.usage()})
            if time.monotonic() >= self._kill_at:
                self.signal(signal.SIGKILL)
                self._kill_at = float("inf")

    def usage(self) -> list[list[float]]:
        """[seconds of CPU, bytes of memory] of each task: of the processes in its session, and what they waited for."""
        found = {pid: [0.0, 0.0] for pid in self.pids}
        for path in [path for path in Path("/proc").iterdir() if path.name.isdigit()]:
            with suppress(OSError, ValueError, IndexError):
                facts = (path / "stat").read_text().rpartition(")")[2].split()
                if int(facts[SESSION]) in found:
                    task = found[int(facts[SESSION])]
                    task[0] += sum(map(int, facts[CPU])) / os.sysconf("SC_CLK_TCK")
                    task[1] += int(facts[RESIDENT]) * os.sysconf("SC_PAGE_SIZE")
        return list(found.values())

    def bury(self) -> None:
        """Say of each task that has ended how it has."""
        for number, pid in list(self._running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            del self._running[number]
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(status)
            tell(self._channel, {"task": number, "code": code if code >= 0 else 128 - code})
            if code:
                self.end(FAILED_SECONDS)

    def end(self, grace: float) -> None:
        """Ask all to end, and have those killed that have not when the time is over."""
        self.signal(signal.SIGTERM)
        self._kill_at = min(self._kill_at, time.monotonic() + grace)

    def signal(self, number: int) -> None:
        for pid in self._running.values():
            with suppress(ProcessLookupError):
                os.killpg(pid, number)
