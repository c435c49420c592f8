"""Names of this machine: by which ones a client may address an emulator on loopback, and by which one it can."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

# People map the cloud's own names to loopback; nobody else can make them resolve to it.
CLOUD = (".myhuaweicloud.com", ".myhuaweicloud.eu", ".otc.t-systems.com")
EVERYWHERE = ("0.0.0.0", "::")


def is_loopback(host: str) -> bool:
    """Whether who listens on that name or address hears only this machine."""
    address = address_of(host)
    return host == "localhost" if address is None else address.is_loopback


def reachable(host: str) -> str:
    """What to write into a URL to reach who listens on that address from this machine."""
    if host in EVERYWHERE:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


@lru_cache(256)
def is_known_host(host: str, allowed: str) -> bool:
    """Whether a Host header names this machine in a way that no web page can bring about: by an address, as localhost,
    by a name of the cloud, or as the setting allowed_hosts has it (names joined by commas, `*.name` for all below one).

    A page of evil.example whose name is made to resolve to loopback still sends `Host: evil.example`.
    """
    name = host.lower()
    bare = name.rpartition(":")[0] if name[-1:].isdigit() and ":" in name else name
    bare = bare.rstrip(".")
    if bare in ("", "localhost") or bare.endswith((".localhost", *CLOUD)) or address_of(bare.strip("[]")):
        return True
    return any(is_named(bare, pattern.strip().lower()) for pattern in allowed.split(",") if pattern.strip())


def is_named(name: str, pattern: str) -> bool:
    """Whether the name is the pattern, or lies below it where that starts with `*.`."""
    return pattern == "*" or name == pattern or (pattern[:2] == "*." and name.endswith(pattern[1:]))


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address that the text is, None when it is a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None
