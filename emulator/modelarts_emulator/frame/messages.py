"""Messages that the cloud would send to people and topics: kept to be read, nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

if TYPE_CHECKING:
    from modelarts_emulator.frame.bound import Bound
    from modelarts_emulator.worlds.world import World

KIND = "message"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
WAIT_SECONDS = 5


def send(bound: Bound, area: str, to: str, subject: str, content: Any) -> None:
    """Keep a message of the area `<service>/<area>` to an address or a topic; content: a JSON value."""
    table = bound.records(f"{area}/{KIND}")
    message = {
        "time": bound.world.clock.iso(),
        "area": area,
        "to": to,
        "subject": subject,
        "content": content,
    }
    table.put(bound.world.store.next_id(), message)


def messages_of(world: World) -> Iterator[dict]:
    """All messages of a world with the project they are of, by area and project, oldest first."""
    for name in sorted(world.store.names()):
        area, _, project_id = name.partition(f"/{KIND}/")
        if area.count("/") == 1 and project_id:
            yield from ({"project_id": project_id, **message} for message in world.store.table(name))


def is_here(topic: str) -> bool:
    """Whether a topic is an address of this machine, and may be called."""
    try:
        address = urlsplit(topic)
        return address.scheme == "http" and address.hostname in LOOPBACK and (address.port or 80) > 0
    except ValueError:
        return False


def deliver(topic: str, content: Any) -> None:
    """Post a message to an address of this machine, where nobody need listen; takes its time."""
    address = urlsplit(topic)
    connection = HTTPConnection(str(address.hostname), address.port or 80, timeout=WAIT_SECONDS)
    try:
        path = f"{address.path or '/'}{'?' if address.query else ''}{address.query}"
        connection.request("POST", path, orjson.dumps(content), {"Content-Type": "application/json"})
        connection.getresponse().read()
    except (OSError, HTTPException):
        return
    finally:
        connection.close()
