"""How pages of the console are addressed, and how moments are written in them."""

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from flask import request

if TYPE_CHECKING:
    from modelarts_emulator.worlds.world import World


def address(path: str, **query: str | int | None) -> str:
    """The address of a page of the console that goes on in the same world."""
    tag = request.args.get("world")
    known = {"world": tag} if tag else {}
    words = urlencode({**known, **{name: value for name, value in query.items() if value is not None}})
    return quote(path) + (f"?{words}" if words else "")


def moment(world: "World", seconds: float | None) -> str:
    """A moment of virtual time as people read it; empty for none."""
    return "" if seconds is None else world.clock.iso(seconds, fraction=0).replace("T", " ").rstrip("Z")
