"""A program beside the emulator: it has a job's tasks run in a sandbox, watches over them, and clears up in any case.

It ends with the emulator's end of its channel, whatever becomes of the emulator, and takes along the tasks and the
job's folder. Nothing but the standard library is imported, as little of it as will do, because jobs wait for it.
"""

import json
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress

import inside

FOLDER, CHANNEL = sys.argv[1], int(sys.argv[2])
# Where connections come in that the task answers.
DOOR = int(sys.argv[3]) if len(sys.argv) > 3 else None
LOOK_SECONDS = 0.5
BURIAL_SECONDS = 5
MOST_CONNECTIONS = 64
CHUNK = 1 << 16
PATH = "/usr/bin:/bin"


def main(channel: socket.socket) -> None:
    try:
        line, rest = read_line(channel)
        watch(channel, json.loads(line), bool(rest))
        # The emulator fetches what was written; it hangs up when that is done.
        while channel.recv(CHUNK):
            pass
    except (OSError, ValueError):
        pass
    finally:
        remove(FOLDER)
        os._exit(0)


def read_line(channel: socket.socket) -> tuple[bytes, bytes]:
    """What the emulator sends until the end of a line, and what came with it. OSError when it has gone."""
    text = b""
    while b"\n" not in text:
        found = channel.recv(CHUNK)
        if not found:
            raise OSError("the emulator has gone")
        text += found
    line, _, rest = text.partition(b"\n")
    return line, rest


def watch(channel: socket.socket, order: dict, ends_at_once: bool) -> None:
    """Have the tasks run until all have ended, saying in lines of JSON what happens; OSError when they were killed."""
    hand_over_outputs(channel, order["tasks"])
    ours, theirs = socket.socketpair()
    if ends_at_once:
        ours.send(b"terminate")
    child = os.fork()
    if child == 0:
        channel.close()
        ours.close()
        inside.run(order | {"door": DOOR}, theirs)
    theirs.close()
    if DOOR is not None:
        os.close(DOOR)
    for task in order["tasks"]:
        writer = task["output"]
        os.close(writer)
    pids = []
    try:
        follow(channel, ours, order, pids)
    finally:
        kill(child, pids, ours)
    tell(channel, {"over": True})


def hand_over_outputs(channel: socket.socket, tasks: list[dict]) -> None:
    """Let the emulator read what the tasks print."""
    pairs = [os.pipe() for _ in tasks]
    for task, (_, writer) in zip(tasks, pairs):
        task["output"] = writer
    socket.send_fds(channel, [b"\n"], [reader for reader, _ in pairs])
    for reader, _ in pairs:
        os.close(reader)


def follow(channel: socket.socket, ours: socket.socket, order: dict, pids: list[int]) -> None:
    """Hand on what is said inside, and orders from outside, until all inside have ended."""
    disk, said, is_isolated = Disk(order["disk_bytes"]), b"", False
    while True:
        ready, _, _ = select.select([channel, ours], [], [], LOOK_SECONDS)
        if channel in ready:
            if not channel.recv(CHUNK):
                raise OSError("the emulator has gone")
            ours.send(b"terminate")
        if ours in ready:
            text, sockets, _, _ = socket.recv_fds(ours, CHUNK, 1)
            if not text and not sockets:
                return
            for number in sockets:
                serve_objects(socket.socket(fileno=number), tuple(order["objects"]))
            *lines, said = (said + text).split(b"\n")
            said = said[:CHUNK]
            for line in filter(None, map(bytes.strip, lines)):
                fact = json.loads(line)
                is_isolated = is_isolated or fact.get("isolated", False)
                pids += () if is_isolated else fact.get("pids", ())
                channel.sendall(line + b"\n")
        if disk.is_full():
            tell(channel, {"why": f"the job wrote more than {order['disk_bytes'] >> 20} MB to its disk"})
            return


def tell(channel: socket.socket, fact: dict) -> None:
    channel.sendall(json.dumps(fact).encode() + b"\n")


def kill(child: int, pids: list[int], ours: socket.socket) -> None:
    """End all tasks and whatever they have started, and wait until they have."""
    for number in (child, *pids):
        with suppress(ProcessLookupError):
            # The tasks' numbers are those of namespaces where there are any: then the child takes all with it.
            (os.kill if number == child else os.killpg)(number, signal.SIGKILL)
    ours.settimeout(BURIAL_SECONDS)
    with suppress(OSError):
        while ours.recv(CHUNK):
            pass
    os.waitpid(child, 0)


class Disk:
    """What the job's folder holds; looking costs at most a twentieth of the time."""

    def __init__(self, most: int):
        self._most = most
        self._look_at = time.monotonic() + LOOK_SECONDS

    def is_full(self) -> bool:
        """Whether it holds more than it may."""
        begun = time.monotonic()
        if begun < self._look_at:
            return False
        used = used_bytes()
        self._look_at = time.monotonic() + max(LOOK_SECONDS, 20 * (time.monotonic() - begun))
        return used > self._most


def used_bytes() -> int:
    """What the job's files take up, as a program says that goes deeper than Python's functions; 0 without it."""
    reader, writer = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_RDWR, 0)]
    child = 0
    with suppress(OSError):
        child = os.posix_spawnp("du", ("du", "-sk", FOLDER), {"PATH": PATH}, file_actions=actions)
    os.close(writer)
    with os.fdopen(reader) as said:
        found = said.read().split()
    if child:
        os.waitpid(child, 0)
    return int(found[0]) << 10 if found else 0


def serve_objects(listener: socket.socket, address: tuple) -> None:
    """Lead connections that are made inside, where no other network is, to the emulator's object storage."""
    import threading

    room = threading.Semaphore(MOST_CONNECTIONS)

    def accept() -> None:
        while True:
            room.acquire()
            theirs, _ = listener.accept()
            threading.Thread(target=connect, args=(theirs,), daemon=True).start()

    def connect(theirs: socket.socket) -> None:
        with suppress(OSError), theirs, socket.create_connection(address) as ours:
            back = threading.Thread(target=pump, args=(ours, theirs), daemon=True)
            back.start()
            pump(theirs, ours)
            back.join()
        room.release()

    threading.Thread(target=accept, daemon=True).start()


def pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on all that one side sends, and that it has ended."""
    with suppress(OSError):
        while found := source.recv(CHUNK):
            target.sendall(found)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def remove(folder: str) -> None:
    """Take away the folder, also what was made unreadable in it, or deeper than Python's own functions go."""
    for program in (("chmod", "-R", "u+rwx", folder), ("rm", "-rf", folder)):
        nothing = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (1, 2)]
        with suppress(OSError):
            os.waitpid(os.posix_spawnp(program[0], program, {"PATH": PATH}, file_actions=nothing), 0)


def begin() -> None:
    """Watch over the job that the emulator describes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    main(socket.socket(fileno=CHANNEL))
