"""All that one account sees: its records, its time, its chance, its objects."""

import heapq
import random
from contextlib import contextmanager
from hashlib import sha256
from threading import RLock
from typing import NamedTuple

from modelarts_emulator.worlds.clock import Clock
from modelarts_emulator.worlds.store import Store

DEFAULT_REGION = "cn-north-4"
META = "emulator/world"
TAG_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Account(NamedTuple):
    """Who a world belongs to, and the credentials that open it."""

    domain_id: str
    domain_name: str
    project_id: str
    project_name: str
    user_id: str
    user_name: str
    user_password: str
    access_key: str
    secret_key: str


class World:
    """One account's cloud. Behaviours run under its lock, one at a time; what they write counts whole or not
    at all.

    tag: five characters that stand in every key and token of this world. seed: decides everything random.
    pace: simulated work is that many times shorter than the cloud's. volatile: what a restart may forget,
    such as counters and caches, by the name of its area; a reset empties it and closes what has a close().
    Touch it under the lock.
    """

    def __init__(
        self,
        tag: str,
        seed: int,
        pace: float,
        region: str = DEFAULT_REGION,
        journal=None,
        obs_of=None,
        resource_of=None,
    ):
        self.tag = tag
        self.seed = seed
        self.pace = pace
        self.region = region
        self.lock = RLock()
        self.clock = Clock()
        self.random = random.Random(f"{seed}/{tag}")
        self.store = Store(tag, journal)
        self.volatile: dict = {}
        self._held: list = []
        self._obs_of = obs_of
        self._resource_of = resource_of
        self._due: list = []
        self.account = self._account()

    @property
    def obs(self):
        """The account's objects, read and written in process; loads OBS on first use."""
        return self._obs_of(self)

    def new_uuid(self) -> str:
        """A random id of the form 8-4-4-4-12."""
        return uuid_of(self.new_hex(32))

    def new_hex(self, length: int = 32) -> str:
        """That many random hexadecimal digits."""
        return f"{self.random.getrandbits(4 * length):0{length}x}"

    def seeded(self, *names) -> random.Random:
        """A random source of its own for what these names say: the same names give the same numbers."""
        return random.Random("/".join(map(str, (self.seed, self.tag, *names))))

    def schedule(self, moment: float, table: str, id: str) -> None:
        """Note that the record runs out of its state then; the record's own `_due` decides whether that still
        holds.
        """
        heapq.heappush(self._due, (moment, table, id))

    def next_due(self) -> float | None:
        """When the next record runs out of its state; None when none does."""
        while self._due and not self._still_due(*self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def catch_up(self) -> None:
        """Do what has fallen due since, in order and each at its own time; all of it counts on return.

        What waits for something outside the world's time is passed over until that is there.
        """
        now = self.clock.now()
        if self._held:
            self._release_held()
        if not self._due or self._due[0][0] > now:
            return
        while self._due and self._due[0][0] <= now:
            moment, name, id = heapq.heappop(self._due)
            if not self._still_due(moment, name, id):
                continue
            resource, table = self._resource_of(name), self.store.table(name)
            awaited = resource.awaited(self, table, id)
            if awaited is not None and not awaited.is_set():
                self._held.append((awaited, (moment, name, id)))
                continue
            with self.clock.at(moment):
                resource.pass_on(self, table, id)
            self.store.commit()

    def settle(self) -> None:
        """Wait, without the lock, until nothing that is due is held up by what happens in real time.

        Whoever moves the clock calls this, so that what the move brings about is there on return.
        """
        while True:
            with self.transaction():
                awaited = [awaited for awaited, due in self._held if self._still_due(*due)]
            if not awaited:
                return
            awaited[0].wait()

    def let_go(self, area: str | None = None) -> None:
        """Forget what is volatile, of one area or all; what has a close() is closed first."""
        for name in [area] if area is not None else list(self.volatile):
            close = getattr(self.volatile.pop(name, None), "close", None)
            if close is not None:
                close()

    @contextmanager
    def transaction(self):
        """Alone with the world, caught up with its clock: what is written counts on leaving, nothing of it on
        an exception.
        """
        with self.lock:
            try:
                self.catch_up()
                yield self
            except BaseException:
                self.store.rollback()
                raise
            self.store.commit()

    def run_until(self, holds, within: float) -> float | None:
        """Move the clock on until `holds()` is true, at most `within` seconds; how far it went, None if it
        never held.

        Stops at every moment something falls due, and often enough between to see what time itself changes.
        `holds` is asked without the world's lock, so that it may send requests; what reads records takes the
        lock.
        """
        start = self.clock.now()
        end, step = start + within, max(within / 500, 0.05)
        while True:
            self.settle()
            if holds():
                return self.clock.now() - start
            with self.transaction():
                now = self.clock.now()
                if now >= end:
                    return None
                due = self.next_due()
                goal = min(end, now + step, end if due is None else max(due, now))
                self.clock.advance(goal - now)

    def save(self) -> None:
        """Store what a restart needs of the world itself: clock, seed, pace."""
        meta = {"tag": self.tag, "seed": self.seed, "pace": self.pace, "region": self.region}
        self.store.table(META).put("world", meta | {"clock": self.clock.state()})
        self.store.commit()

    def restore(self) -> None:
        """Go on from what was loaded into the store."""
        meta = self.store.table(META).find("world")
        self.clock.restore(meta["clock"])
        records = 0
        for name, id, blob in list(self.store.records()):
            records += 1
            if b'"_due"' in blob:
                due = self.store.table(name).find(id).get("_due")
                if due is not None:
                    self.schedule(due, name, id)
        self.random = random.Random(f"{self.seed}/{self.tag}/{records}/{self.clock.now()}")

    def reset(self, area: str | None = None) -> int:
        """Forget the records of one area, or all but the world itself; how many there were."""
        kept = (META,) if area is None else ()
        removed = self.store.clear(
            lambda name: name not in kept and (area is None or name.startswith(f"{area}/"))
        )
        self.let_go(area)
        if area is None:
            self._due.clear()
            self._held.clear()
            self.random = random.Random(f"{self.seed}/{self.tag}")
        return removed

    def _release_held(self) -> None:
        held, self._held = self._held, []
        for awaited, due in held:
            if awaited.is_set():
                heapq.heappush(self._due, due)
            elif self._still_due(*due):
                self._held.append((awaited, due))

    def _still_due(self, moment: float, name: str, id: str) -> bool:
        blob = self.store.table(name).blob(id)
        return (
            blob is not None and b'"_due"' in blob and self.store.table(name).find(id).get("_due") == moment
        )

    def _account(self) -> Account:
        return Account(
            domain_id=derived(self.tag, "domain"),
            domain_name="emulator" if self.tag == tag_of_number(0) else f"emulator-{self.tag.lower()}",
            project_id=derived(self.tag, "project", self.region),
            project_name=self.region,
            user_id=derived(self.tag, "user"),
            user_name="developer",
            user_password=f"Emulator@{derived(self.tag, self.seed, 'password')[:8]}",
            access_key=f"HPUA{self.tag}{derived(self.tag, self.seed, 'key').upper()[:11]}",
            secret_key=derived(self.tag, self.seed, "secret", length=40),
        )


def derived(*names, length: int = 32) -> str:
    """Hexadecimal digits that follow from the names alone."""
    return sha256("/".join(map(str, names)).encode()).hexdigest()[:length]


def uuid_of(digits: str) -> str:
    """The 32 hexadecimal digits in the form 8-4-4-4-12, as random ids of version 4 have them."""
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def tag_of_number(number: int) -> str:
    """The five letters that stand for a world's number, spread so that near numbers look different."""
    number = (number * 20_182_019 + 1_234_567) % len(TAG_LETTERS) ** 5
    return "".join(TAG_LETTERS[number // len(TAG_LETTERS) ** place % len(TAG_LETTERS)] for place in range(5))
