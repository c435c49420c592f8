"""A seccomp filter: no network, no leaving the process group, so that a kill of the group reaches every child."""

import ctypes
import errno
import platform
import struct

SET_SECCOMP, FILTER = 22, 2
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
X32 = 0x40000000
IO_URING_SETUP = 425
UNIX, INTERNET, INTERNET_6 = 1, 2, 10
# machine: (audit architecture, socket, what is refused whole: setpgid, setsid)
MACHINES = {
    "x86_64": (0xC000003E, 41, (109, 112, IO_URING_SETUP)),
    "aarch64": (0xC00000B7, 198, (154, 157, IO_URING_SETUP)),
}


def refuse_escapes(closes_network: bool = True) -> bool:
    """Install the filter for this process and its children; whether the kernel took it. Socket pairs still work."""
    if platform.machine() not in MACHINES:
        return False
    filtering = steps(*MACHINES[platform.machine()], closes_network)
    program = b"".join(struct.pack("=HBBI", *step) for step in filtering)
    code = ctypes.create_string_buffer(program)
    described = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(code)))
    return ctypes.CDLL(None).prctl(SET_SECCOMP, FILTER, described, 0, 0) == 0


def steps(architecture: int, socket: int, refused: tuple[int, ...], closes_network: bool) -> list[tuple]:
    """The filter as (code, jump if true, jump if false, operand)."""
    refusal = (RETURN, 0, 0, REFUSE | errno.EACCES)
    found = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, architecture), refusal]
    found += [(LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, X32), refusal]
    for number in refused:
        found += [(EQUAL, 0, 1, number), refusal]
    if not closes_network:
        return [*found, (RETURN, 0, 0, ALLOW)]
    found += [(EQUAL, 1, 0, socket), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, FIRST_ARGUMENT)]
    for family in (UNIX, INTERNET, INTERNET_6):
        found += [(EQUAL, 0, 1, family), refusal]
    return [*found, (RETURN, 0, 0, ALLOW)]
