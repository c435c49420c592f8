"""A stay with a world, in which what is written counts whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelarts_emulator.waiting import MANNER, NeedsThread

if TYPE_CHECKING:
    from modelarts_emulator.worlds.world import World


class Transaction:
    """One stay with a world, as `World.transaction` promises it.

    before, after: the positions in its past when the stay began, caught up, and when it ended.
    """

    __slots__ = ("_world", "after", "before")

    def __init__(self, world: World):
        self._world = world
        self.before = self.after = 0

    def __enter__(self) -> World:
        world = self._world
        world.lock.__enter__()
        MANNER.transactions += 1
        world.forget_chance()
        try:
            world.catch_up()
        except BaseException as error:
            self._leave(error)
            raise
        self.before = world.past.position
        return world

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        try:
            if error is None:
                self._world.commit()
            elif isinstance(error, NeedsThread):
                self._world.undo()
            else:
                self._world.forgo()
            self.after = self._world.past.position
        finally:
            MANNER.transactions -= 1
            self._world.lock.__exit__()
