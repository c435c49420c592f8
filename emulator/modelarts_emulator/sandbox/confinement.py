"""What the kernel lets a process deny itself, without privileges, before it runs somebody's code.

Resource limits hold everywhere. Landlock (Linux 5.13 and later) closes all files but what is granted, TCP
(6.7), and signals to processes outside (6.12). What an older kernel lacks is simply not closed.
"""

import ctypes
import os
import resource
import struct
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION = 1
PATH_BENEATH = 1
SET_NO_NEW_PRIVILEGES = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_FOLDER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
MOVE, TRUNCATE, DEVICE_CONTROL = 1 << 13, 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_FOLDER
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | DEVICE_CONTROL
# The rights each version of Landlock knows: the first 13, then one more at each of these versions.
FIRST_RIGHTS = (1 << 13) - 1
LATER_RIGHTS = ((2, MOVE), (3, TRUNCATE), (5, DEVICE_CONTROL))
TCP_FROM, TCP = 4, 0b11
SCOPES_FROM, SCOPES = 6, 0b11

SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc", "/sys/devices/system", "/sys/fs/cgroup")
# Not all of /proc: the environment of other processes can be read there.
PROCESS = (
    "/proc/self",
    "/proc/sys",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/loadavg",
    "/proc/version",
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
LARGEST_FILE = 1 << 30
MOST_FILES = 512


def limit_resources(memory_bytes: int, file_bytes: int = LARGEST_FILE, files: int = MOST_FILES) -> None:
    """Bound address space, file size and open files for good; no core files."""
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, files),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def limit_processes(most: int) -> None:
    """Bound how many processes the user has: in a user namespace, where those outside do not count. Not for root."""
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def allow_cpu_seconds(seconds: int) -> None:
    """Let the process burn so many more seconds of CPU; then the kernel ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    most = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(
        resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard)
    )


def confine(readable: list[str], writable: list[str], closes_tcp: bool = True) -> int:
    """Close other files, TCP, and signals outwards; the version of Landlock, 0 where there is none.

    What may be written may be executed only where TCP stays open: there whole programs run.
    """
    kernel = ctypes.CDLL(None, use_errno=True)
    kernel.syscall.restype = ctypes.c_long
    kernel.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    version = max(0, kernel.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION))
    if version == 0:
        return 0

    rights = FIRST_RIGHTS
    for since, right in LATER_RIGHTS:
        rights |= right if version >= since else 0
    network = TCP if version >= TCP_FROM and closes_tcp else 0
    attributes = struct.pack("=QQQ", rights, network, SCOPES if version >= SCOPES_FROM else 0)
    length = 24 if version >= SCOPES_FROM else 16 if version >= TCP_FROM else 8
    ruleset = kernel.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(length), 0)
    if ruleset < 0:
        return 0

    for path in (*SYSTEM, *PROCESS, *readable):
        grant(kernel, ruleset, path, READ & rights)
    for path in (*DEVICES, *writable):
        grant(kernel, ruleset, path, rights & ~EXECUTE if closes_tcp else rights)
    refused = kernel.syscall(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return 0 if refused else version


def grant(kernel, ruleset: int, path: str, rights: int) -> None:
    """Allow these rights beneath a path; a path that is not there needs none."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not Path(path).is_dir():
        rights &= OF_FILES
    kernel.syscall(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    os.close(place)
