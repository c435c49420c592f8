"""What changes records and objects of a world together: written down first, so that a start after a kill ends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from modelarts_emulator.obs.journal import cut_journal
from modelarts_emulator.snapshots import put_back
from modelarts_emulator.worlds.journal import StateUnwritten, words_of
from modelarts_emulator.worlds.world import META, World

if TYPE_CHECKING:
    from modelarts_emulator.application import Application

ENDING = ".intended"


@contextmanager
def intended(
    application: Application, tag: str, what: str, content: bytes = b"", **how: Any
) -> Iterator[None]:
    """Keep beside the state what is being done to a world until it is done or refused.

    what: a name of FINISHES; how, content: what `finish` needs for that. StateUnwritten when the disk does not take
    it: then nothing has been done.
    """
    if not application.settings.state:
        yield
        return
    path = Path(application.settings.state, f"{tag}{ENDING}")
    fresh = path.with_suffix(".new")
    try:
        fresh.write_bytes(orjson.dumps({"what": what, **how}) + b"\n" + content)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StateUnwritten(words_of(path.parent, error)) from None
    try:
        yield
    finally:
        path.unlink()


def finish(application: Application) -> None:
    """Do to the end what a kill has interrupted; before anything else is done."""
    for path in sorted(Path(application.settings.state).glob(f"*{ENDING}")):
        line, _, content = path.read_bytes().partition(b"\n")
        intention, world = orjson.loads(line), application.worlds.by_tag(path.stem)
        if world is not None:
            FINISHES[intention["what"]](application, world, intention, content)
        else:
            # It was being removed: its records have gone first.
            application.obs.reset(path.stem)
        path.unlink()


def finish_rewind(application: Application, world: World, intention: dict[str, Any], content: bytes) -> None:
    """Cut the objects off if the records have gone back, as the clock that is stored with them says."""
    if world.store.table(META).copy_of("world")["clock"] == intention["clock"]:
        cut_journal(Path(application.settings.state, "objects"), world.tag, intention["position"])


def finish_reset(application: Application, world: World, intention: dict[str, Any], content: bytes) -> None:
    """Empty the world."""
    application.worlds.reset(world)
    application.forget_objects(world)


def finish_removal(application: Application, world: World, intention: dict[str, Any], content: bytes) -> None:
    """Remove the world."""
    application.worlds.remove(world)
    application.forget_objects(world)


def finish_restore(application: Application, world: World, intention: dict[str, Any], content: bytes) -> None:
    """Put the snapshot back."""
    put_back(application, world, content)


FINISHES = {
    "rewind": finish_rewind,
    "reset": finish_reset,
    "removal": finish_removal,
    "restore": finish_restore,
}
