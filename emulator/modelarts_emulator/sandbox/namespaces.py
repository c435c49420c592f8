"""A process in namespaces of its own: other files, processes, networks and shared memory are not there for it.

Nothing but the standard library is imported: what runs user code loads this file by its path.
"""

import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

NEW_MOUNTS, NEW_IPC, NEW_USER, NEW_PROCESSES, NEW_NETWORK = (
    0x20000,
    0x8000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
ALL = NEW_MOUNTS | NEW_IPC | NEW_USER | NEW_PROCESSES | NEW_NETWORK
CLONE = {"x86_64": 56, "aarch64": 220}
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
CAPSET = {"x86_64": 126, "aarch64": 91}
READ_ONLY, NO_SETUID, NO_DEVICES, NO_PROGRAMS, REMOUNT, BIND, RECURSIVE, PRIVATE = (
    1, 2, 4, 8, 32, 4096, 16384, 1 << 18,
)  # fmt: skip
# The flags of a mount that whoever owns less of the system has to keep.
KEPT = {os.ST_NOSUID: 2, os.ST_NODEV: 4, os.ST_NOEXEC: 8, os.ST_NOATIME: 1024, os.ST_RELATIME: 1 << 21}
DETACH = 2
DIE_WITH_PARENT, DROP_FROM_BOUNDS = 1, 24
SET_FLAGS, GET_FLAGS, UP = 0x8914, 0x8913, 1
LAST_CAPABILITY = 63
LOOK_SECONDS = 0.25
ROUGH_BYTES = 1 << 29
PAGE = os.sysconf("SC_PAGE_SIZE")
MOST_PROCESSES = 512
SCRATCH_BYTES = 1 << 30
SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc", "/sys/devices/system", "/sys/fs/cgroup")
SHARED_MEMORY = "/dev/shm"
STREAMS = {"/dev/fd": "/proc/self/fd"} | {
    f"/dev/{name}": f"/proc/self/fd/{number}" for number, name in enumerate(("stdin", "stdout", "stderr"))
}
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


class Places(NamedTuple):
    """What is there in a sandbox beside the system: readable at its own paths and bound {inside: outside}, read-only,
    writable {inside: outside}, links {inside: where it leads}.

    root: an empty folder to build it on. scratch: a folder of its own in memory, that can be written, of at most
    scratch_bytes; it is where one begins.
    """

    root: str
    readable: list[str]
    bound: dict[str, str]
    scratch: str = "/tmp"
    scratch_bytes: int = SCRATCH_BYTES
    writable: dict[str, str] = {}
    links: dict[str, str] = {}


class Refused(OSError):
    """The kernel does not let this process have namespaces."""


def kernel_call(name: str, *arguments) -> int:
    """A function of libc. Refused when it fails."""
    found = getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments)
    if found < 0:
        raise Refused(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return found


def enter(places: Places, most_memory: int = 0) -> int | None:
    """Go on as a child of the calling process in a sandbox; its process id as seen outside, None where there is none.

    The caller must have one thread. It never returns itself: it ends as its child ends, and all that its child has
    started ends then too, at the latest when all of it together has more than most_memory bytes (0: however many).
    Where the kernel refuses, the caller goes on as it was.
    """
    if sys.platform != "linux" or os.uname().machine not in CLONE:
        return None
    told, tell = os.pipe()
    identity = os.getuid(), os.getgid()
    try:
        first = kernel_call("syscall", CLONE[os.uname().machine], ALL | signal.SIGCHLD, 0, 0, 0, 0)
    except Refused:
        os.close(told)
        os.close(tell)
        return None
    if first:
        os.close(tell)
        follow(first, told)
        return None
    os.close(told)
    return live_inside(places, identity, tell, most_memory)


def live_inside(places: Places, identity: tuple[int, int], tell: int, most_memory: int) -> int:
    """What the first process of the namespaces does: build them, then wait for the one that works in them."""
    try:
        kernel_call("prctl", DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        take_identity(*identity)
        raise_loopback()
        proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        build(places)
    except OSError as error:
        os.write(tell, b"refused " + str(error).encode())
        os._exit(1)
    os.write(tell, b"inside  ")
    worker = os.fork()
    if worker:
        os.close(proc)
        be_first(worker, tell, most_memory)
    os.close(tell)
    number = int(os.readlink("self", dir_fd=proc))
    os.close(proc)
    drop_capabilities()
    return number


def follow(first: int, told: int) -> None:
    """End as the worker has ended; return only when it was never there."""
    if os.read(told, 8) != b"inside  ":
        os.waitpid(first, 0)
        os.close(told)
        return
    status = os.read(told, 4)
    os.waitpid(first, 0)
    if len(status) < 4:
        os.kill(os.getpid(), signal.SIGKILL)
    (status,) = struct.unpack("=i", status)
    if os.WIFSIGNALED(status):
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL) if os.WTERMSIG(status) != signal.SIGKILL else None
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))


def be_first(worker: int, tell: int, most_memory: int) -> NoReturn:
    """Wait for everything that ends, tell how the worker did, and take the rest along."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if most_memory and not ended and memory_in_use() > most_memory:
            ended, status = worker, signal.SIGKILL
        if ended == worker:
            os.write(tell, struct.pack("=i", status))
            os._exit(0)
        if not ended:
            signal.sigtimedwait([signal.SIGCHLD], LOOK_SECONDS if most_memory else 3600)


def memory_in_use() -> int:
    """The bytes that all processes inside have, what they share counted once; the exact figure only of large ones."""
    found = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    rough = sum(figure(path / "statm", 1) * PAGE for path in found)
    return rough if rough < ROUGH_BYTES else sum(figure(path / "smaps_rollup", 0) for path in found)


def figure(path: Path, column: int) -> int:
    """The number in that column of statm, or the proportional bytes of smaps_rollup; 0 of what is gone."""
    try:
        text = path.read_text()
    except OSError:
        return 0
    if path.name == "statm":
        return int(text.split()[column])
    return next((int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:")), 0)


def take_identity(user: int, group: int) -> None:
    """Be the same user inside as outside, and nobody else."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def raise_loopback() -> None:
    """Bring up the loopback of the new network, on which nobody else is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        asked = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, GET_FLAGS, asked))[1]
        fcntl.ioctl(sock, SET_FLAGS, struct.pack("16sh14x", b"lo", flags | UP))


def build(places: Places) -> None:
    """Make a root with just these places in it, and nothing of the host beside them."""
    mount(None, "/", None, RECURSIVE | PRIVATE)
    root = Path(places.root)
    mount("tmpfs", root, "tmpfs", NO_SETUID | NO_DEVICES, "size=1m,mode=0755")
    # First, so that what is to be seen below it, such as an interpreter in /tmp, is not hidden by it.
    for folder in (places.scratch, SHARED_MEMORY):
        make_folder(beneath(root, folder))
        options = f"size={places.scratch_bytes},mode=1777"
        mount("tmpfs", beneath(root, folder), "tmpfs", NO_SETUID | NO_DEVICES, options)
    for inside, outside in sorted(places.writable.items()):
        bind(Path(outside), beneath(root, inside), 0)
    for path in (*SYSTEM, *sorted(set(places.readable))):
        show(root, Path(path))
    for device in DEVICES:
        at = beneath(root, device)
        at.parent.mkdir(parents=True, exist_ok=True)
        at.touch()
        mount(device, at, None, BIND)
    for inside, outside in places.bound.items():
        bind(Path(outside), beneath(root, inside))
    for inside, leads_to in {**STREAMS, **places.links}.items():
        make_folder(beneath(root, inside).parent)
        beneath(root, inside).symlink_to(leads_to)
    make_folder(beneath(root, "/proc"))
    mount("proc", beneath(root, "/proc"), "proc", NO_SETUID | NO_DEVICES | NO_PROGRAMS)
    bound_processes(beneath(root, "/proc/sys/kernel/pid_max"))
    mount(None, root, None, REMOUNT | BIND | READ_ONLY | NO_SETUID | NO_DEVICES)
    os.chdir(root)
    kernel_call("syscall", PIVOT_ROOT[os.uname().machine], b".", b".")
    kernel_call("umount2", b".", DETACH)
    os.chdir(places.scratch)


def show(root: Path, path: Path) -> None:
    """Show a path of the host at the same place, a link as a link; what is shown already costs nothing."""
    at = beneath(root, str(path))
    if at.exists() or at.is_symlink() or not path.exists():
        return
    if path.is_symlink():
        make_folder(at.parent)
        at.symlink_to(path.readlink())
    else:
        bind(path, at)


def bind(outside: Path, inside: Path, manner: int = READ_ONLY) -> None:
    """Show a folder or file of the host, to be read only unless the manner is another."""
    if not outside.is_dir():
        make_folder(inside.parent)
        inside.exists() or inside.touch()
    else:
        make_folder(inside)
    mount(outside, inside, None, BIND | RECURSIVE)
    flags = os.statvfs(inside).f_flag
    kept = sum(flag for known, flag in KEPT.items() if flags & known)
    mount(None, inside, None, REMOUNT | BIND | manner | NO_SETUID | NO_DEVICES | kept)


def bound_processes(limit: Path) -> None:
    """Bound how many processes there can be; kernels before 6.14 know one bound for all namespaces only."""
    try:
        limit.write_text(str(MOST_PROCESSES))
    except OSError:
        return


def drop_capabilities() -> None:
    """Give up what the first process needed to build the namespaces, for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(LAST_CAPABILITY + 1):
        libc.prctl(DROP_FROM_BOUNDS, capability, 0, 0, 0)
    header = ctypes.create_string_buffer(struct.pack("=Ii", 0x20080522, 0))
    kernel_call("syscall", CAPSET[os.uname().machine], header, ctypes.create_string_buffer(24))


def mount(what, at, kind: str | None, flags: int, options: str = "") -> None:
    """mount(2)."""
    texts = [None if text is None else os.fsencode(text) for text in (what, at, kind)]
    kernel_call("mount", *texts, ctypes.c_ulong(flags), options.encode() or None)


def beneath(root: Path, path: str) -> Path:
    """Where a path lies while the root is being built."""
    return root / path.lstrip("/")


def make_folder(path: Path) -> None:
    """A folder and those above it."""
    path.mkdir(parents=True, exist_ok=True)
