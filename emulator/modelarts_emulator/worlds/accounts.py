"""The worlds of one process, and which of them a key or a token opens."""

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from modelarts_emulator.settings import Settings
from modelarts_emulator.worlds.journal import Journal, StateRefused
from modelarts_emulator.worlds.old_states import carry_over_claims
from modelarts_emulator.worlds.past import BEGAN
from modelarts_emulator.worlds.surroundings import Surroundings, nothing
from modelarts_emulator.worlds.world import META, World, tag_of_number

log = logging.getLogger("modelarts_emulator.worlds")


@contextmanager
def without_collection() -> Iterator[None]:
    """No garbage collection meanwhile: what is being loaded is no garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Worlds:
    """All accounts that live in one emulator; the default one is always there.

    state: a directory that makes them durable, None to keep them in memory. Raises StateRefused when the
    directory cannot be used.
    """

    def __init__(
        self, settings: Settings, seed_identity: Callable[[World], object], surroundings: Surroundings
    ):
        self.settings = settings
        self._seed_identity = seed_identity
        self._surroundings = surroundings
        self._worlds: dict[str, World] = {}
        self._by_account: dict[str, World] = {}
        self._number = 0
        # Two that come at once must not be given the same tag.
        self._creating = Lock()
        self.journal = Journal(Path(settings.state), settings.sync) if settings.state else None

    def load(self) -> None:
        """Bring back what the state directory holds, and see that the default world is there."""
        if self.journal is not None:
            try:
                self._restore(self.journal)
            except (KeyError, TypeError, ValueError) as error:
                words = (
                    f"{self.journal.path} holds what no emulator has written: {type(error).__name__} {error}"
                )
                raise StateRefused(words) from None
        if tag_of_number(0) not in self._worlds:
            self._born(0, self.settings.seed, self.settings.pace, self.settings.region)

    @property
    def default(self) -> World:
        """The world that unknown keys open."""
        return self._worlds[tag_of_number(0)]

    def __iter__(self) -> Iterator[World]:
        return iter(list(self._worlds.values()))

    def __len__(self) -> int:
        return len(self._worlds)

    def by_tag(self, tag: str) -> World | None:
        """The world with that tag."""
        return self._worlds.get(tag)

    def by_account(self, account_id: str) -> World:
        """The world of an account; KeyError when there is none."""
        return self._by_account[account_id]

    def create(
        self,
        seed: int | None = None,
        pace: float | None = None,
        region: str | None = None,
        first: Callable[[str], object] = nothing,
    ) -> World:
        """A fresh account with keys, project, clock and seed of its own.

        first: told its tag before there is anything of it.
        """
        settings = self.settings
        with self._creating:
            number = self._number + 1
            while tag_of_number(number) in self._worlds:
                number += 1
            first(tag_of_number(number))
            world = self._born(
                number,
                settings.seed if seed is None else seed,
                settings.pace if pace is None else pace,
                region or settings.region,
            )
            self._number = number
        return world

    def remove(self, world: World) -> None:
        """Forget a world and all that is in it; the default one is emptied instead."""
        with world.lock:
            if world is self.default:
                world.reset(furnish=self._furnish)
            else:
                world.reset(all_of_it=True)
                self._worlds.pop(world.tag, None)
                self._by_account.pop(world.account.domain_id, None)

    def begin_again(self) -> None:
        """Remove all worlds; the default one and those that are created from now on are as the first ones were."""
        for world in self:
            if world is not self.default:
                self.remove(world)
        with self.default.lock:
            self.default.reset(all_of_it=True)
        self._number = 0
        self._born(0, self.settings.seed, self.settings.pace, self.settings.region)

    def reset(self, world: World, area: str | None = None) -> int:
        """Empty a world, or one area `<service>/<area>` of it; how many records went for good. Its keys keep
        opening it. ValueError for an area that does not exist.
        """
        seeded = 0

        def furnish(world: World) -> None:
            nonlocal seeded
            before = len(world.store)
            self._seed_identity(world)
            seeded = len(world.store) - before

        return world.reset(area, furnish) - seeded

    def close(self) -> None:
        """Let go of the state directory."""
        if self.journal is not None:
            self.journal.close()

    def _read(self) -> None:
        settings = self.settings
        for tag, table, id, blob in self.journal.read() if self.journal else ():
            if tag not in self._worlds:
                self._worlds[tag] = self._made(tag, settings.seed, settings.pace, settings.region)
            self._worlds[tag].store.load(table, id, blob)

    def _restore(self, journal: Journal) -> None:
        with without_collection():
            self._read()
        for tag, world in list(self._worlds.items()):
            if world.store.table(META).find("world") is None:
                log.warning(
                    "%s: world %s was never whole; its %s records go", journal.path, tag, len(world.store)
                )
                del self._worlds[tag]
        for world in list(self._worlds.values()):
            self._adopt(world)
        journal.open({tag: world.store for tag, world in self._worlds.items()})
        for world in self if journal.format == 1 else ():
            carry_over_claims(world.store)
            world.commit()

    def _made(self, tag: str, seed: int, pace: float, region: str) -> World:
        settings = self.settings
        return World(
            tag,
            seed,
            pace,
            region,
            self.journal,
            self._surroundings,
            settings.journal,
            settings.history << 20,
        )

    def _born(self, number: int, seed: int, pace: float, region: str) -> World:
        world = self._made(tag_of_number(number), seed, pace, region)
        self._furnish(world)
        world.past.begin_again(BEGAN)
        self._keep(world)
        return world

    def _furnish(self, world: World) -> None:
        self._seed_identity(world)
        world.save()

    def _adopt(self, world: World) -> None:
        meta = world.store.table(META).copy_of("world")
        fresh = self._made(world.tag, meta["seed"], meta["pace"], meta["region"])
        fresh.take_over(world.store)
        self._keep(fresh)
        fresh.restore()
        fresh.past.begin_again(BEGAN)

    def _keep(self, world: World) -> None:
        self._worlds[world.tag] = world
        self._by_account[world.account.domain_id] = world
