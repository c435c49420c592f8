"""Snapshots in the control API: taken, put back, compared, handed out and in; worlds that are forked."""

import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from modelarts_emulator.app import BODIES, BYTES_OF_BYTE
from modelarts_emulator.control.asking import NOTHING, Body, members, refuse, takes, world_asked, world_tagged
from modelarts_emulator.control.worlds import shown_world
from modelarts_emulator.intentions import intended
from modelarts_emulator.snapshots import (
    BadSnapshot,
    changes,
    check_snapshot,
    put_back,
    read_snapshot,
    take_snapshot,
)
from modelarts_emulator.travel import fork

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.world import World

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
NEW = Body(members(required=("name",), name={"type": "string", "pattern": NAME}))
NOW = "now"


class Shelf:
    """Where named snapshots are kept: below the state directory where there is one, else in memory."""

    def __init__(self, state: str):
        self._folder = Path(state, "snapshots") if state else None
        self._kept: dict[str, bytes] = {}

    def names(self) -> list[str]:
        """The names of all snapshots, in order."""
        if self._folder is None:
            return sorted(self._kept)
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def put(self, name: str, content: bytes) -> None:
        """Keep a snapshot under a name, in place of one that has it."""
        if self._folder is None:
            self._kept[name] = content
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._folder / f"{name}.new"
        fresh.write_bytes(content)
        fresh.replace(self._folder / f"{name}.json")

    def get(self, name: str) -> bytes:
        """A snapshot; 404 when there is none of that name."""
        if name not in self.names():
            names = ", ".join(map(repr, self.names())) or "none yet"
            refuse(f"there is no snapshot {name!r}; those kept: {names}", 404)
        return self._kept[name] if self._folder is None else (self._folder / f"{name}.json").read_bytes()

    def remove(self, name: str) -> None:
        """Forget a snapshot; 404 when there is none of that name."""
        self.get(name)
        if self._folder is None:
            del self._kept[name]
        else:
            (self._folder / f"{name}.json").unlink()


def add_routes(flask: Flask, application: "Application") -> None:
    """Put the snapshots into the control API."""
    shelf = Shelf(application.settings.state)

    @flask.get("/_emulator/snapshots")
    def list_snapshots():
        return {"snapshots": shelf.names()}

    @flask.post("/_emulator/snapshots")
    @takes("world")
    def save_snapshot():
        name, content = NEW.read()["name"], take_snapshot(world_asked(application))
        shelf.put(name, content)
        return {"name": name, "bytes": len(content)}, 201

    @flask.get("/_emulator/snapshots/<name>")
    def hand_out(name):
        return Response(shelf.get(name), content_type="application/json")

    @flask.put("/_emulator/snapshots/<name>")
    def take_in(name):
        refuse_bad_name(name)
        content = request.get_data()
        with decoding(content):
            shelf.put(name, checked(content))
        return {"name": name, "bytes": len(content)}, 201

    @flask.delete("/_emulator/snapshots/<name>")
    def remove_snapshot(name):
        NOTHING.read()
        shelf.remove(name)
        return Response(status=204)

    @flask.post("/_emulator/snapshots/<name>/load")
    @takes("world")
    def load_snapshot(name):
        NOTHING.read()
        return {"records": load(application, world_asked(application), shelf.get(name))}

    @flask.get("/_emulator/snapshots/<name>/changes")
    @takes("world", "to")
    def compare(name):
        other = request.args.get("to", NOW)
        after = take_snapshot(world_asked(application)) if other == NOW else shelf.get(other)
        before = shelf.get(name)
        with decoding(before, after):
            return {"changes": changes(read_snapshot(before), read_snapshot(after))}

    @flask.post("/_emulator/worlds/<tag>/fork")
    def fork_world(tag):
        NOTHING.read()
        return shown_world(application, fork(application, world_tagged(application, tag))), 201


def refuse_bad_name(name: str) -> None:
    """400 for what cannot name a snapshot."""
    if not re.fullmatch(NAME, name):
        refuse(
            f"{name!r} is no name of a snapshot: letters, digits, dots, dashes and underscores, 64 at most"
        )


def load(application: "Application", world: "World", content: bytes) -> int:
    """Put a world back to what the snapshot holds; how many records that are. 400 when it is no snapshot."""
    with decoding(content):
        known = checked(content)
        with intended(application, world.tag, "restore", known):
            return put_back(application, world, known)


def decoding(*documents: bytes) -> AbstractContextManager[None]:
    """Room for what documents become when they are decoded, beside those of all other requests."""
    return BODIES.room(sum(map(len, documents)) * BYTES_OF_BYTE)


def checked(content: bytes) -> bytes:
    """The document; 400 when it is no snapshot."""
    try:
        check_snapshot(content)
    except BadSnapshot as error:
        refuse(f"the document is no snapshot: {error}")
    return content
