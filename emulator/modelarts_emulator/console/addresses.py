"""How pages of the console are addressed."""

from urllib.parse import quote, urlencode

from flask import request


def address(path: str, **query: str | int | None) -> str:
    """The address of a page of the console that goes on in the same world."""
    tag = request.args.get("world")
    known = {"world": tag} if tag else {}
    return written(path, known | query)


def written(path: str, query: dict[str, str | int | None]) -> str:
    """Path and query as an address; what is None is left out."""
    words = urlencode({name: value for name, value in query.items() if value is not None})
    return quote(path) + (f"?{words}" if words else "")


def address_of_page(path: str, lang: str | None) -> str:
    """The address of the page at a path, as it is asked for now but for the language; None for no language."""
    # What a form was sent with is no part of the address of a page above it, but for the world.
    asked = request.args.to_dict() if path == request.path else {"world": request.args.get("world")}
    return written(path, asked | {"lang": lang})


def offset_asked() -> int:
    """How many elements of a list come before the page that is asked for."""
    return max(0, request.args.get("offset", 0, int))
