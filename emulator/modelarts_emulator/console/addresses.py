"""How pages of the console are addressed."""

from urllib.parse import quote, urlencode

from flask import request


def address(path: str, **query: str | int | None) -> str:
    """The address of a page of the console that goes on in the same world."""
    tag = request.args.get("world")
    known = {"world": tag} if tag else {}
    words = urlencode({**known, **{name: value for name, value in query.items() if value is not None}})
    return quote(path) + (f"?{words}" if words else "")


def offset_asked() -> int:
    """How many elements of a list come before the page that is asked for."""
    return max(0, request.args.get("offset", 0, int))
