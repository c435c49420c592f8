"""A guard against calls that leave for the real cloud: the test that makes one fails and says which."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from modelarts_emulator.http.hosts import CLOUD

HOSTS = Path("/etc/hosts")


class LeavesForTheCloud(ConnectionRefusedError):
    """A name of the real cloud that a test was about to connect to."""


@contextmanager
def guarded() -> Iterator[list[str]]:
    """While it lasts, no name of the real cloud can be looked up by this process; those that were tried.

    A name that the hosts file maps to this machine is none of the cloud's.
    """
    tried: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: Any, *arguments: Any, **keywords: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if is_of_cloud(name) and not is_mapped_here(name):
            tried.append(name)
            words = f"{name} is the real cloud; point the client at the emulator (modelarts_environment does)"
            raise LeavesForTheCloud(words)
        return real(host, *arguments, **keywords)

    socket.getaddrinfo = look_up
    try:
        yield tried
    finally:
        socket.getaddrinfo = real


def is_of_cloud(name: str) -> bool:
    """Whether the name is one of the cloud's own."""
    return f".{name.lower().rstrip('.')}".endswith(CLOUD)


def is_mapped_here(name: str) -> bool:
    """Whether the hosts file says that the name is this machine."""
    try:
        lines = HOSTS.read_text().splitlines()
    except OSError:
        return False
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        if name.lower() in map(str.lower, names):
            return ip_address(address.partition("%")[0]).is_loopback
    return False
