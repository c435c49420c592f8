"""What a request of the control API asks for: its body, held against a schema, and the world it means."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import orjson
from flask import abort, request

from modelarts_emulator.contract.checking import Shape, all_told
from modelarts_emulator.contract.explaining import MOST_TOLD, explain, explain_fast, path_of
from modelarts_emulator.contract.whole import TooLarge
from modelarts_emulator.worlds.clock import seconds_of

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.world import World

View = TypeVar("View", bound=Callable[..., Any])
MOST_BODY = 1 << 20
LONGEST = 10 * 366 * 86400
TEXT = {"type": "string", "minLength": 1, "maxLength": 1000}
DURATION = {"type": ["number", "string"], "minimum": 0, "maximum": LONGEST, "maxLength": 100}


def members(required: tuple[str, ...] = (), **properties: dict) -> dict:
    """The schema of an object with just these members."""
    kinds = {"type": "object", "properties": properties, "additionalProperties": False}
    return kinds | {"required": list(required)}


class Alone:
    """What stands for an area where a schema refers to nothing but itself."""

    def closure(self, schema: dict) -> dict:
        """The schema as it is."""
        return schema


class Body:
    """What the body of a control request must be. schema: of a JSON object; without a body an empty one is meant."""

    def __init__(self, schema: dict):
        self.schema = schema

    @cached_property
    def shape(self) -> Shape:
        """The schema, compiled when it is first needed."""
        return Shape(Alone(), self.schema)

    def read(self) -> dict:
        """The body of the present request with its defaults; 400 in words for any other, 413 for a very large one."""
        raw = b"" if (request.content_length or 0) > MOST_BODY else request.get_data()
        size = max(len(raw), request.content_length or 0)
        if size > MOST_BODY:
            refuse(f"the body has {size} bytes, at most {MOST_BODY} are taken here", 413)
        try:
            value = orjson.loads(raw) if raw.strip() else {}
        except ValueError as error:
            refuse(f"the body is not JSON: {error}")
        if not isinstance(value, dict):
            refuse(f"the body must be a JSON object, not {raw[:80].decode('utf-8', 'replace')}")
        self._refuse_unknown(value)
        if not self.shape.fast.is_valid(value):
            shape = self.shape
            refuse(
                all_told(
                    explain(shape.slow, value, "$") or [explain_fast(shape.slow, shape.fast, value, "$")]
                )
            )
        try:
            return self.shape.fill(value)
        except TooLarge as large:
            refuse(f"{path_of(large.path, '$')}: {large}")

    def _refuse_unknown(self, value: dict) -> None:
        """400 for members that mean nothing: one that does nothing would lie."""
        unknown = self.shape.unknown_fields(value)
        if not self.schema["properties"]:
            unknown = [("$", name, ()) for name in value]
        words = []
        for where, name, known in unknown[:MOST_TOLD]:
            place = "" if where == "$" else f"{where}: "
            words.append(f"{place}unknown member {name!r}; takes {', '.join(known) or 'no members'}")
        if words:
            refuse(all_told(words))


NOTHING = Body(members())


def takes(*names: str) -> Callable[[View], View]:
    """Say which parameters of the query a view reads; one that says nothing takes none."""

    def mark(view: View) -> View:
        view.__dict__["takes"] = names
        return view

    return mark


def refuse_unknown_query(view: Any) -> None:
    """400 for parameters of the query that the view does not read: one that does nothing would lie."""
    known = getattr(view, "takes", ())
    unknown = [name for name in request.args if name not in known]
    if unknown:
        told = ", ".join(map(repr, unknown[:MOST_TOLD]))
        refuse(f"query: unknown parameter {told}; takes {', '.join(sorted(known)) or 'none'}")


def refuse(words: str, status: int = 400) -> NoReturn:
    """Answer that the request cannot be carried out, and why."""
    abort(status, words)


def seconds_in(body: dict, name: str) -> float:
    """Seconds of a duration in the body; 400 for what is not one, or is longer than ten years."""
    try:
        seconds = seconds_of(body[name])
    except ValueError as error:
        refuse(f"$.{name}: {error}")
    if seconds > LONGEST:
        refuse(f"$.{name}: {body[name]!r} is longer than ten years")
    return seconds


def world_asked(application: "Application") -> "World":
    """The world named by the query or the header, the default one when none is."""
    tag = tag_asked()
    return world_tagged(application, tag) if tag else application.worlds.default


def tag_asked() -> str | None:
    """The tag of the world that query or header name; None when neither does."""
    return request.args.get("world") or request.headers.get("X-Emulator-World")


def world_tagged(application: "Application", tag: str) -> "World":
    """The world with that tag; 404 when there is none."""
    world = application.worlds.by_tag(tag)
    if world is None:
        refuse(f"there is no world {tag}; GET /_emulator/worlds lists all", 404)
    return world
