"""What there is only so much of: who holds it, and who waits for it, the highest priority first."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from modelarts_emulator.frame.registry import resource_of
from modelarts_emulator.worlds.store import Table
from modelarts_emulator.worlds.world import World

CLAIMS = "emulator/capacity"
QUEUES = ("holder", "waiting", "aside")
HIGHEST_PRIORITY = 3
ADMIT, EVICT = "admit", "evict"
# How much there is of a place: in all, or {unit: how much} of a place that consists of units, such as nodes.
Total = int | dict[str, int] | None


def alone(world: World, project: str, id: str) -> list[str]:
    """The ids of the places that share units with a place which shares none."""
    return [id]


def nothing_else(world: World, project: str, id: str) -> None:
    """What follows when a place gets something back, beside that who waits is let in."""


class Kind(NamedTuple):
    """What is known of places of a kind: see `register`."""

    total_of: Callable[[World, str, str], Total]
    sharing: Callable[[World, str, str], list[str]] = alone
    freed: Callable[[World, str, str], None] = nothing_else


TOTALS: dict[str, Kind] = {}


class Claim(NamedTuple):
    """What a record asks for.

    place: what is scarce, `<kind>:<id>` of a kind that is registered. priority: 0 to 3, higher first. table, id: the
    record; when others give back enough, its lifecycle is told to `admit` it if its state has that action. Claims of
    one priority are served in the order of asking. A record may hold claims in several places, one in each. parts: of
    how many equal parts the amount consists, each of which lies in one unit of the place if one has room for it.
    """

    place: str
    amount: int
    priority: int
    table: str
    id: str
    parts: int = 1

    @property
    def key(self) -> str:
        """What names the record among those of all areas."""
        return f"{self.table}/{self.id}"


def register(
    kind: str,
    total_of: Callable[[World, str, str], Total],
    sharing: Callable[[World, str, str], list[str]] = alone,
    freed: Callable[[World, str, str], None] = nothing_else,
) -> None:
    """Make places `<kind>:<id>` known.

    total_of: a function (world, project, id) -> how much there is in all, or {unit: how much}, None for a place that
    does not exist or is not limited. sharing: a function (world, project, id) -> ids of all places with the same units,
    which grow when one of them gets something back. freed: what is done then, before anybody is let in. ValueError for
    a kind that is known already: two totals would contradict.
    """
    if kind in TOTALS:
        raise ValueError(f"places of the kind {kind} are registered twice")
    TOTALS[kind] = Kind(total_of, sharing, freed)


def ask(world: World, project: str, claim: Claim) -> bool:
    """Whether the claim is granted; if not, it waits in the queue of its place.

    Granted when there is room and nobody of the same or a higher priority waits; a second time for a claim that is
    held; always in a place of which nobody knows how much it has.
    """
    place = Place(world, project, claim.place)
    if place.total is None or place.is_held_by(claim):
        return True
    if place.has_room_for(claim):
        place.hold(claim)
        return True
    place.wait(claim)
    return False


def give_back(world: World, project: str, claim: Claim) -> None:
    """Forget the claim, granted or waiting, and admit those for whom there is room now."""
    Place(world, project, claim.place).forget(claim)
    admit_beside(world, project, claim.place)


def change(world: World, project: str, claim: Claim) -> bool:
    """Whether a claim that is held could become this one, which takes or gives back the difference; else it stays."""
    place = Place(world, project, claim.place)
    former = place.claim_held(claim.key)
    if place.total is None or former is None:
        return place.total is None
    place.forget(claim)
    is_room = claim.amount <= place.total - place.held
    place.hold(claim if is_room else former)
    admit_beside(world, project, claim.place)
    return is_room


def ask_anew(world: World, project: str, claim: Claim) -> bool:
    """Whether the claim is granted, with whatever amount its record has held until now; if not, it waits."""
    return change(world, project, claim) or ask(world, project, claim)


def admit_waiting(world: World, project: str, name: str) -> None:
    """Let in who waits, as long as there is room for the next one; to be called when a place has grown or is gone."""
    place = Place(world, project, name)
    while (claim := place.first_waiting()) is not None and place.has_room_for(claim):
        place.hold(claim)
        admit(world, claim)
        place = Place(world, project, name)


def admit_beside(world: World, project: str, name: str) -> None:
    """Let in who waits for a place that got something back, or for one that shares its units."""
    kind, _, id = name.partition(":")
    TOTALS[kind].freed(world, project, id)
    for each in TOTALS[kind].sharing(world, project, id):
        admit_waiting(world, project, f"{kind}:{each}")


def held_in(world: World, project: str, name: str) -> dict[str, int]:
    """{unit: how much} of all that is held in a place, whether the units are still the place's or not."""
    held: dict[str, int] = (world.store.table(f"{CLAIMS}/count/{project}").find(name) or {}).get("on", {})
    return held


def admit(world: World, claim: Claim) -> None:
    """Tell the record that it has what it asked for, if it is in a state that waits for that."""
    tell(world, claim, ADMIT)


def tell(world: World, claim: Claim, action: str, **members: str) -> None:
    """Let the record that claims carry out an action if its state has it; members: what it remembers of that."""
    bound = resource_of(claim.table).bound_to(world, world.store.table(claim.table))
    record = bound.get(claim.id)
    if record is not None and action in bound.resource.life.states[bound.state_of(record)].actions:
        bound.act(record | members, action)


def evict(world: World, project: str, name: str, unit: str, words: str) -> None:
    """Take all that is held of a unit that is out of order, and what its holders hold elsewhere in the place.

    Each record is told to `evict` if its state has that action; its `_evicted` says why.
    """
    place = Place(world, project, name)
    for claim in place.holders_on(unit):
        place.forget(claim)
        tell(world, claim, EVICT, _evicted=words)
    admit_beside(world, project, name)


def spread(claim: Claim, free: dict[str, int]) -> dict[str, int]:
    """{unit: how much} of a claim that is granted: each part where it fits most closely, in several where nowhere."""
    found: dict[str, int] = {}
    for part in range(claim.parts):
        lacks = claim.amount // claim.parts + (part < claim.amount % claim.parts)
        for unit in sorted(free, key=lambda each: (free[each] < lacks, abs(free[each] - lacks))):
            taken = min(lacks, free[unit])
            if taken > 0:
                found[unit] = found.get(unit, 0) + taken
                free[unit] -= taken
                lacks -= taken
    return found


def free_in(world: World, project: str, name: str) -> int:
    """How much of the place nobody holds; less than nothing in a place that has shrunk."""
    place = Place(world, project, name)
    return (place.total or 0) - place.held


def forget_area(world: World, area: str) -> None:
    """Give back all that records of an area hold, which is being reset, and admit those for whom there is room now.

    Whoever waits for a place that is gone with the area is admitted too.
    """
    prefix = f"{CLAIMS}/"
    names = [name for name in world.store.names() if name.startswith(prefix)]
    places = dict.fromkeys(tuple(name.split("/")[-2:]) for name in names if name.split("/")[2] in QUEUES)
    for project, name in places:
        place = Place(world, project, name)
        for claim in place.claims():
            if claim.table.startswith(f"{area}/"):
                place.forget(claim)
    for project, name in places:
        admit_waiting(world, project, name)


class Place:
    """Who holds how much of one place and who waits for it; what each question costs is the same however many do.

    Those who ask for more than there is in all stand aside, so that they keep nobody back; when the place has grown
    they return to where they stood in the queue.
    """

    def __init__(self, world: World, project: str, name: str):
        self._world = world
        self._project = project
        self._name = name
        self._holders, self._waiting, self._aside = (self._table(queue) for queue in QUEUES)
        self._counts: Table = world.store.table(f"{CLAIMS}/count/{project}")
        total = self._total()
        self.units = total if isinstance(total, dict) else {}
        self.total = sum(total.values()) if isinstance(total, dict) else total

    @property
    def held(self) -> int:
        """How much of it is held."""
        held: int = self._count()["held"]
        return held

    def is_held_by(self, claim: Claim) -> bool:
        """Whether the record holds its part."""
        return claim.key in self._holders

    def held_on(self, unit: str) -> int:
        """How much of one unit is held."""
        held: int = self._count().get("on", {}).get(unit, 0)
        return held

    def holders_on(self, unit: str) -> list[Claim]:
        """The claims that hold something of one unit, in the order in which they got it."""
        if not self.held_on(unit):
            return []
        return [
            self._claim_in(self._holders, key) for key in list(self._holders.ids()) if unit in self.where(key)
        ]

    def where(self, key: str) -> dict[str, int]:
        """{unit: how much} of what the record with that key holds; nothing when it holds nothing."""
        found: dict[str, int] = (self._holders.find(key) or {}).get("on", {})
        return found

    def claim_held(self, key: str) -> Claim | None:
        """What the record with that key holds; None when it holds nothing."""
        return self._claim_in(self._holders, key) if key in self._holders else None

    def since(self, key: str) -> float | None:
        """Since when the record with that key holds what it asked for, or waits; None when it does neither."""
        row = self._holders.find(key) or self._waiting.find(key) or self._aside.find(key) or {}
        return row.get("since")

    def position_of(self, key: str) -> int:
        """Which place in the queue the record with that key has, from 1 on; 0 when it does not wait."""
        return list(self._waiting.ordered("_rank")).index(key) + 1 if key in self._waiting else 0

    def has_room_for(self, claim: Claim) -> bool:
        """Whether the claim can be granted: there is enough, and nobody waits who comes first."""
        if self.total is None:
            return True
        if claim.amount > self.total - self.held:
            return False
        first = self.first_waiting()
        return first is None or first.key == claim.key or first.priority < claim.priority

    def first_waiting(self) -> Claim | None:
        """Who comes first in the queue; None when nobody waits."""
        self._return_from_aside()
        while len(self._waiting):
            key = self._waiting.ordered("_rank")[0]
            claim = self._claim_in(self._waiting, key)
            if self.total is None or claim.amount <= self.total:
                return claim
            self._move(key, self._waiting, self._aside)
        return None

    def claims(self) -> list[Claim]:
        """All claims, granted or not."""
        tables = (self._holders, self._waiting, self._aside)
        return [self._claim_in(table, key) for table in tables for key in list(table.ids())]

    def wait(self, claim: Claim) -> None:
        """Put the claim into the queue; one that waits already keeps its turn."""
        if claim.key in self._waiting or claim.key in self._aside:
            return
        count = self._count()
        rank = f"{HIGHEST_PRIORITY - claim.priority}/{count['asked']:012d}"
        self._waiting.put(claim.key, {**claim._asdict(), "since": self._world.clock.now(), "_rank": rank})
        self._keep(count | {"asked": count["asked"] + 1})

    def hold(self, claim: Claim) -> None:
        """Grant the claim; in a place without a total nothing is counted."""
        self._waiting.drop(claim.key)
        self._aside.drop(claim.key)
        count = self._count()
        if self.total is not None:
            held = count.get("on", {})
            on = spread(claim, {unit: size - held.get(unit, 0) for unit, size in self.units.items()})
            self._holders.put(claim.key, {**claim._asdict(), "since": self._world.clock.now(), "on": on})
            note_held(count, claim.amount, on)
        self._keep(count)

    def forget(self, claim: Claim) -> None:
        """Forget the claim, granted or waiting; what is given back is what was granted, whatever it asks for now."""
        self._waiting.drop(claim.key)
        self._aside.drop(claim.key)
        granted, count = self._holders.find(claim.key), self._count()
        if granted is not None:
            self._holders.drop(claim.key)
            note_held(count, -granted["amount"], {unit: -n for unit, n in granted.get("on", {}).items()})
        self._keep(count)

    def _total(self) -> Total:
        kind, _, id = self._name.partition(":")
        if kind not in TOTALS:
            # After a restart the area that claims may not have been imported yet, and with it what it registers.
            for claim in self.claims()[:1]:
                resource_of(claim.table)
        return TOTALS[kind].total_of(self._world, self._project, id)

    def _return_from_aside(self) -> None:
        while len(self._aside):
            key = self._aside.ordered("amount")[0]
            if self.total is not None and self._aside.column("amount")[key] > self.total:
                return
            self._move(key, self._aside, self._waiting)

    def _move(self, key: str, source: Table, target: Table) -> None:
        target.put(key, source.find(key) or {})
        source.drop(key)

    def _claim_in(self, table: Table, key: str) -> Claim:
        row = table.find(key) or {}
        return Claim(**{name: row[name] for name in Claim._fields if name in row})

    def _count(self) -> dict:
        return self._counts.find(self._name) or {"held": 0, "asked": 0}

    def _keep(self, count: dict) -> None:
        if count["held"] or len(self._waiting) or len(self._aside):
            self._counts.put(self._name, count)
        else:
            self._counts.drop(self._name)

    def _table(self, queue: str) -> Table:
        return self._world.store.table(f"{CLAIMS}/{queue}/{self._project}/{self._name}")


def note_held(count: dict, more: int, on: dict[str, int]) -> None:
    """Count what is held more or, below 0, less: in all, and of each unit."""
    count["held"] += more
    held = count.setdefault("on", {})
    for unit, amount in on.items():
        held[unit] = held.get(unit, 0) + amount
        if not held[unit]:
            del held[unit]
