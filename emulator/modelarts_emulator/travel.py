"""Time travel: a world goes back to how it was at a moment or a request, or another one begins there or as it is."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from modelarts_emulator.intentions import intended
from modelarts_emulator.real_time import wall_now
from modelarts_emulator.snapshots import document, put_back, take_snapshot
from modelarts_emulator.worlds.clock import iso_of
from modelarts_emulator.worlds.past import Change, OutOfReach
from modelarts_emulator.worlds.world import META, World

if TYPE_CHECKING:
    from modelarts_emulator.application import Application
    from modelarts_emulator.worlds.history import Exchanged


class Point(NamedTuple):
    """Where to go: a position in the past of a world, and where its clock stood there."""

    position: int
    moment: float


def point_at(world: World, moment: float) -> Point:
    """Where the world was at a moment. OutOfReach when that is to come or too long ago."""
    return Point(world.past.position_at(moment), moment)


def point_of(exchanged: Exchanged, is_done: bool) -> Point:
    """Where the world was when a request of its journal came to it, or with is_done when it was answered."""
    return Point(exchanged.after if is_done else exchanged.before, exchanged.virtual)


def rewind(application: Application, world: World, point: Point) -> int:
    """Make the world what it was there, for good: records, objects, clock and chance; how many changes that undid.

    What runs for it ends and begins again as after a restart. Requests and faults stay noted. OutOfReach when it is
    too long ago; OSError when the disk refuses it: then what is stored is as it was.
    """
    with world.lock, ExitStack() as stack:
        world.past.after(point.position)
        # What still runs may write objects while it ends.
        world.let_go()
        world.due.begin_again([])
        changes = world.past.after(point.position)
        if objects_in(changes):
            # Requests to OBS do not take the world's lock: none may come between counting what came and taking it back.
            stack.enter_context(application.obs.worlds.of(world.tag).storage.lock)
            changes = world.past.after(point.position)
        clock, objects = clock_there(world, changes, point), objects_in(changes)
        if objects:
            stack.enter_context(
                intended(application, world.tag, "rewind", clock=clock, position=objects[-1].position)
            )
        try:
            moments = take_back(world, changes)
            world.store.table(META).put("world", meta_of(world) | {"clock": clock})
            world.store.changed, noting = None, world.store.changed
            try:
                world.store.commit()
            finally:
                world.store.changed = noting
        except BaseException:
            world.store.rollback()
            raise
        draw_again(world, changes)
        if objects:
            application.obs.worlds.of(world.tag).take_back(objects)
        world.clock.restore(clock)
        world.due.begin_again(moments)
        world.past.cut(point.position)
    return len(changes)


def branch(application: Application, world: World, point: Point) -> World:
    """A new world that begins as this one was there, with an account of its own; this one stays as it is.

    OutOfReach when it is too long ago.
    """
    with world.lock, ExitStack() as stack:
        world.commit()
        # Loaded before anything is taken back: whoever must not wait begins again then.
        world.obs.buckets()
        changes = world.past.after(point.position)
        clock = clock_there(world, changes, point)
        if objects := objects_in(changes):
            stack.enter_context(application.obs.worlds.of(world.tag).as_before(objects))
        try:
            take_back(world, changes)
            # Looked at now, objects whose days are over meanwhile would go.
            with world.clock.at(point.moment):
                content = document(world, clock)
        finally:
            world.store.rollback()
    return begin_copy(application, world, content)


def fork(application: Application, world: World) -> World:
    """A new world that is what another one is now, with an account of its own."""
    return begin_copy(application, world, take_snapshot(world))


def begin_copy(application: Application, world: World, content: bytes) -> World:
    """A new world like this one that begins as the snapshot says; after a kill, or where that fails, there is none."""
    with ExitStack() as stack:

        def remember(tag: str) -> None:
            stack.enter_context(intended(application, tag, "removal"))

        copy = application.worlds.create(world.seed, world.pace, world.region, remember)
        try:
            put_back(application, copy, content)
        except BaseException:
            application.worlds.remove(copy)
            application.forget_objects(copy)
            raise
    return copy


def take_back(world: World, changes: list[Change]) -> list[tuple[float, str, str]]:
    """Write the records as they were before these changes; (moment, table, id) of those that were to fall due."""
    before = {(table.name, id): old for change in changes for table, id, *old in reversed(change.records)}
    moments = []
    for (name, id), (blob, number) in before.items():
        world.store.take_back(name, id, blob, number)
        if blob is not None and b'"_due"' in blob:
            due = orjson.loads(blob).get("_due")
            if due is not None:
                moments.append((due, name, id))
    world.store.sort()
    return moments


def draw_again(world: World, changes: list[Change]) -> None:
    """Let chance go on from where it stood before these changes."""
    chances = [change.chance for change in changes if change.chance is not None]
    if chances:
        state = next((chance[2] for chance in reversed(chances) if chance[2] is not None), None)
        text, drawn, _, sequence = chances[-1]
        world.draw_again((text, drawn, state, sequence))


def clock_there(world: World, changes: list[Change], point: Point) -> dict[str, Any]:
    """The state of the clock at the point: it stood at that moment, set as it was last set before."""
    before = {
        id: blob
        for change in changes
        for table, id, blob, _ in reversed(change.records)
        if table.name == META
    }
    meta = orjson.loads(before["world"]) if before.get("world") else meta_of(world)
    return {**meta["clock"], "now": point.moment, "wall": wall_now()}


def meta_of(world: World) -> dict[str, Any]:
    """What is kept of the world itself."""
    return world.store.table(META).copy_of("world")


def objects_in(changes: list[Change]) -> list[Any]:
    """How objects were before each change that was one of objects."""
    return [change.other for change in changes if change.other is not None]


def request_named(world: World, name: str) -> Exchanged:
    """The request of the world's journal with that number or id. OutOfReach when it is not kept."""
    kept = list(world.history.after())
    found = next((each for each in kept if name in (str(each.number), each.request_id)), None)
    if found is None:
        told = f"it has those from {kept[0].number} to {kept[-1].number}" if kept else "it has none yet"
        raise OutOfReach(f"the journal of this world has no request {name}; {told}")
    return found


def reach_of(world: World) -> dict[str, Any]:
    """How far a world can go back."""
    past = world.past
    told = {"world": world.tag, "changes": len(past), "bytes": past.size, "most_bytes": past.most}
    if past.is_kept:
        told |= {"moment": past.first_moment, "iso": iso_of(past.first_moment), "because": past.why}
    return told
