"""All that one account sees: its records, its time, its chance, its objects."""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256, sha512
from random import Random
from typing import Any, NamedTuple

import orjson

from modelarts_emulator.waiting import MANNER, NeedsThread, refuse_to_wait, starting_over
from modelarts_emulator.worlds.clock import Clock, moved_by
from modelarts_emulator.worlds.due import Due, end_of, left_until, wait_until
from modelarts_emulator.worlds.faults import Faults
from modelarts_emulator.worlds.history import History
from modelarts_emulator.worlds.journal import Journal, StateUnwritten
from modelarts_emulator.worlds.lock import Lock
from modelarts_emulator.worlds.past import Past
from modelarts_emulator.worlds.store import Store
from modelarts_emulator.worlds.surroundings import Surroundings, nothing
from modelarts_emulator.worlds.transaction import Transaction

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
    Touch it under the lock. faults: what somebody has asked requests to suffer. history: the last requests. due: what
    runs out of its state, and what failed when it did. past: how it was before its last changes.
    """

    def __init__(
        self,
        tag: str,
        seed: int,
        pace: float,
        region: str = DEFAULT_REGION,
        journal: Journal | None = None,
        surroundings: Surroundings | None = None,
        most_history: int = 1000,
        most_past: int = 0,
    ):
        self.tag = tag
        self.seed = seed
        self.pace = pace
        self.region = region
        self.lock = Lock()
        self.clock = Clock()
        self.past = Past(most_past, self.clock.now)
        self.take_over(Store(tag, journal))
        self.volatile: dict = {}
        self.faults = Faults()
        self.history = History(most_history)
        self._surroundings = surroundings or Surroundings()
        self.due = Due(self, self._surroundings.resource_of, self._surroundings.report)
        self._random_before: tuple[Any, ...] | None = None
        self._begin_chance(f"{seed}/{tag}")
        self.account = self._account()

    def take_over(self, store: Store) -> None:
        """Have these records."""
        self.store = store
        store.changed = self._note_change if self.past.is_kept else None

    @property
    def environment(self) -> dict[str, str]:
        """What a client has to know of the account, by the names of `modelarts-emulator env`."""
        account = self.account
        return {
            "region": account.project_name,
            "project_id": account.project_id,
            "project_name": account.project_name,
            "domain_id": account.domain_id,
            "domain_name": account.domain_name,
            "user_name": account.user_name,
            "user_password": account.user_password,
            "access_key": account.access_key,
            "secret_key": account.secret_key,
        }

    @property
    def obs(self) -> Any:
        """The account's objects, read and written in process; loads OBS on first use.

        NeedsThread where that would keep others waiting.
        """
        surroundings = self._surroundings
        if not surroundings.obs_is_loaded():
            refuse_to_wait(surroundings.load_obs)
            if MANNER.starts_over and self.lock.is_mine:
                raise NeedsThread(surroundings.load_obs)
        return surroundings.obs_of(self)

    def ask(
        self, caller: Any, operation_id: str, path: dict[str, str], body: Any = None, host: str = ""
    ) -> Any:
        """The JSON value that the operation answers to the caller, within the transaction that is under way.

        It is checked as a request over HTTP is; ApiError when it is refused. host: how the caller addressed the
        emulator, for links in the answer.
        """
        return self._surroundings.ask(self, caller, operation_id, path, body, host)

    @property
    def random(self) -> Random:
        """The source of all that is random here; what is undone to be begun again has drawn nothing."""
        if self._random_before is None:
            self._random_before = self._random.getstate()
        return self._random

    def new_uuid(self) -> str:
        """A random id of the form 8-4-4-4-12."""
        return uuid_of(self.new_hex(32))

    def new_hex(self, length: int = 32) -> str:
        """That many random hexadecimal digits, at most 128."""
        # A number that an undo takes back is cheaper than the state of a random source.
        self._drawn += 1
        return sha512(f"{self._chance}/{self._drawn}".encode()).hexdigest()[:length]

    def _begin_chance(self, chance: str) -> None:
        """Let all that is random follow from that text."""
        self._chance = chance
        self._drawn = self._drawn_before = 0
        self._random = Random(chance)
        self._random_before = None

    def seeded(self, *names: object) -> Random:
        """A random source of its own for what these names say: the same names give the same numbers."""
        return Random("/".join(map(str, (self.seed, self.tag, *names))))

    def schedule(self, moment: float, table: str, id: str) -> None:
        """Note that the record runs out of its state then; the record's own `_due` decides whether that still
        holds.
        """
        self.due.schedule(moment, table, id)

    def next_due(self) -> float | None:
        """When the next record runs out of its state; None when none does."""
        return self.due.next_moment()

    def catch_up(self) -> None:
        """Do what has fallen due up to now, in slices between which others may take the lock.

        Called under the lock. Whoever must not wait gets NeedsThread after the first slice.
        """
        goal = self.clock.now()
        if not self.due.has_work(goal):
            return
        while True:
            try:
                if self._catch_up_slice(goal):
                    return
            except NeedsThread as needed:
                if MANNER.hurries or self.lock.depth > 1:
                    raise
                self._load_unlocked(needed)
            except StateUnwritten:
                # What is due cannot be written now: it stays due, and what is there can still be read.
                return
            refuse_to_wait()
            self.lock.let_others_in()

    def settle(self, wait: float | None = None) -> None:
        """Wait, without the lock, until nothing that is due is held up by what happens in real time.

        Whoever moves the clock calls this, so that what the move brings about is there on return. StillAtWork after
        `wait` real seconds; without them it takes as long as it takes.
        """
        end = end_of(wait)
        while True:
            with self.transaction():
                awaited = self.due.awaited()
            if not awaited:
                return
            wait_until(end, awaited)

    def let_go(self, area: str | None = None) -> None:
        """Forget what is volatile, of one area or all; what has a close() is closed first."""
        for name in list(self.volatile):
            if area is None or name == area or name.startswith(f"{area}/"):
                close = getattr(self.volatile.pop(name), "close", None)
                if close is not None:
                    close()

    @property
    def is_in_transaction(self) -> bool:
        """Whether the current thread is in a transaction of this world."""
        return MANNER.transactions > 0 and self.lock.is_mine

    def transaction(self) -> Transaction:
        """Alone with the world, caught up with its clock: what is written counts on leaving, nothing of it on
        an exception. Use it in a `with`.
        """
        return Transaction(self)

    def commit(self) -> None:
        """Make count what was written since the last commit. OSError when the disk refuses it: then it is undone."""
        self.store.commit()
        self._note_draws()
        self.forget_chance()

    def _note_draws(self) -> None:
        """Keep where chance stood before what was drawn without anything being written."""
        if (self._drawn != self._drawn_before or self._random_before is not None) and self.past.is_kept:
            self._note_change([])

    def _note_change(self, records: list) -> None:
        """Keep how things were before what has just been made to count."""
        chance = self._chance, self._drawn_before, self._random_before, self.store.sequence_before
        self.past.note(records, chance)
        self.forget_chance()

    def draw_again(self, chance: tuple[Any, ...]) -> None:
        """Let all that is random go on as it did from there: text, draws, random state if it was used, ids."""
        self._chance, self._drawn, state, sequence = chance
        self.store.count_from(sequence)
        if state is not None:
            self._random.setstate(state)
        self.forget_chance()

    def forget_chance(self) -> None:
        """Take the random source as it is now for what an undo leads back to."""
        self._random_before = None
        self._drawn_before = self._drawn

    def undo(self) -> None:
        """Be as after the last commit, in chance as in records."""
        self.store.rollback()
        self._drawn = self._drawn_before
        if self._random_before is not None:
            self._random.setstate(self._random_before)
            self._random_before = None

    def forgo(self) -> None:
        """Undo what was written; what was drawn stays drawn."""
        self.store.rollback()
        self._note_draws()

    def move_clock(self, move: Callable[[Clock], object]) -> None:
        """Change the clock and keep where it stands then. OSError when the disk refuses it: it is as it was."""
        with self.lock:
            before = self.clock.setting()
            try:
                move(self.clock)
                self.save()
            except BaseException:
                self.clock.put_back(before)
                raise

    def run_until(self, holds: Callable[[], bool], within: float, wait: float | None = None) -> float | None:
        """Move the clock on until `holds()` is true, at most `within` seconds; how far it went, None if it
        never held.

        Stops at every moment something falls due, and often enough between to see what time itself changes.
        `holds` is asked without the world's lock, so that it may send requests; what reads records takes the
        lock. StillAtWork when something that happens in real time has not ended `wait` real seconds from now.
        """
        start, give_up = self.clock.now(), end_of(wait)
        end, step = start + within, max(within / 500, 0.05)
        while True:
            self.settle(left_until(give_up))
            if holds():
                return self.clock.now() - start
            with self.transaction():
                now = self.clock.now()
                if now >= end:
                    return None
                due = self.next_due()
                goal = min(end, now + step, end if due is None else max(due, now))
                self.move_clock(moved_by(goal - now))

    def save(self) -> None:
        """Store what a restart needs of the world itself: clock, seed, pace."""
        meta = {"tag": self.tag, "seed": self.seed, "pace": self.pace, "region": self.region}
        self.store.table(META).put("world", meta | {"clock": self.clock.state()})
        self.commit()

    def restore(self) -> None:
        """Go on from what was loaded into the store."""
        meta = self.store.table(META).copy_of("world")
        self.clock.restore(meta["clock"])
        records = 0
        for name, id, blob in list(self.store.records()):
            records += 1
            due = due_in(blob)
            if due is not None:
                self.schedule(due, name, id)
        self._begin_chance(f"{self.seed}/{self.tag}/{records}/{self.clock.now()}")

    def reset(
        self, area: str | None = None, furnish: Callable[["World"], object] = nothing, all_of_it: bool = False
    ) -> int:
        """Forget all of one area `<service>/<area>`, or all but the world itself; how many records there were.

        Nothing of the area is left: no record, moment, fault, process or cache, nor what it held elsewhere.
        furnish(world): writes what has to be there instead, in the same transaction. all_of_it: the world itself
        goes too. ValueError for an area that does not exist; OSError when the disk refuses it: then all is there.
        """
        if area is not None and area not in self._surroundings.areas:
            raise ValueError(f"there is no area {area!r}; one is named as modelarts/training is")

        def belongs(name: str) -> bool:
            return all_of_it or name != META if area is None else name.startswith(f"{area}/")

        with self.lock:
            removed = self.store.empty(belongs)
            try:
                if area is not None:
                    self._surroundings.forget(self, area)
                furnish(self)
            except BaseException:
                self.store.rollback()
                raise
            self.store.commit()
            self.due.forget(belongs)
            self.let_go(area)
            if area is None:
                self.faults.clear()
                self.history.clear()
                self._begin_chance(f"{self.seed}/{self.tag}")
            self.past.begin_again("when it was reset")
        return removed

    def _catch_up_slice(self, goal: float) -> bool:
        """Whether all that is due is done after a slice; where others wait for it, OBS is not loaded meanwhile."""
        if MANNER.hurries or self.lock.depth > 1:
            return self.due.catch_up(goal)
        with starting_over():
            return self.due.catch_up(goal)

    def _load_unlocked(self, needed: NeedsThread) -> None:
        """Do what has to come first while others may take the lock."""
        self.lock.__exit__()
        try:
            (needed.first or nothing)()
        finally:
            self.lock.__enter__()

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


def due_in(blob: bytes) -> float | None:
    """The moment when a record runs out of its state, from its JSON text; None for one that does not."""
    at = blob.rfind(b',"_due":')
    with suppress(ValueError):
        if at >= 0:
            # Most records end with it. What is left from there is whole only where the member is the record's own.
            return orjson.loads(b"{" + blob[at + 1 :])["_due"]
    return orjson.loads(blob).get("_due") if at >= 0 or blob.startswith(b'{"_due":') else None


def derived(*names: object, length: int = 32) -> str:
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
