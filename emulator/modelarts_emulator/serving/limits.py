"""Limits that a service sets to those who ask it: from where, how much, how often, for how long."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple, Protocol

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.inference.language.rate_limits import Window

if TYPE_CHECKING:
    from modelarts_emulator.frame.bound import Bound

Network = IPv4Network | IPv6Network


class Asked(Protocol):
    """What has to be known of a request: where it comes from, and its body."""

    @property
    def address(self) -> str:
        """The IP address of who asks."""

    @property
    def body(self) -> bytes:
        """The whole body."""


class Limits(NamedTuple):
    """What a service takes.

    requests: how many within so many seconds, None for any number. size: bytes of a body. timeout: seconds in which a
    model has to answer. allowed: the networks that may ask, all where there is none. denied: those that may not.
    """

    requests: int | None = None
    seconds: float = 1.0
    size: int | None = None
    timeout: float | None = None
    allowed: tuple[Network, ...] = ()
    denied: tuple[Network, ...] = ()


def network_of(text: str) -> Network:
    """The network that an entry of a list of addresses means; ValueError for what is neither address nor network."""
    return ip_network(text.strip(), strict=False)


def refuse_beyond(bound: Bound, id: str, limits: Limits, request: Asked) -> None:
    """ApiError, with the gateway's codes, for a request that the service does not take; one that it takes counts."""
    refuse_address(limits, request.address)
    if limits.size is not None and len(request.body) > limits.size:
        words = f"the body has {len(request.body)} bytes, service {id} takes {limits.size}"
        raise ApiError("ModelArts.4104", words)
    if limits.requests is None:
        return
    windows = bound.world.volatile.setdefault(f"{bound.resource.name}/requests", {})
    window, now = windows.get(id), bound.world.clock.now()
    if window is None or window.seconds != limits.seconds:
        window = windows[id] = Window(limits.seconds)
    if window.sum(now) >= limits.requests:
        words = f"policy api over ratelimit,limit:{limits.requests},time:{limits.seconds:g} second"
        raise ApiError("APIG.0308", words, headers={"Retry-After": str(max(1, round(window.wait(now))))})
    window.add(now)


def refuse_address(limits: Limits, text: str) -> None:
    """ApiError for an address that the service denies, or that is none of those that it allows."""
    if not limits.allowed and not limits.denied:
        return
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if any(address in each for each in limits.denied):
        raise ApiError("APIG.0402", f"{address} is on the service's ip_black_list")
    if limits.allowed and not any(address in each for each in limits.allowed):
        raise ApiError("APIG.0402", f"{address} is not on the service's ip_white_list")
