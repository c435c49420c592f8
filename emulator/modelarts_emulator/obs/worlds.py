"""The objects of each world, with the journal that keeps them; loaded with moto at OBS's first use."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import RLock

from modelarts_emulator.obs.grants import everyone_may
from modelarts_emulator.obs.holding import Holding
from modelarts_emulator.obs.journal import ROOM, Journal
from modelarts_emulator.obs.operations import operation_of
from modelarts_emulator.obs.past import BeforeChange, ObjectsPast
from modelarts_emulator.obs.policies import is_public, refuse_stranger
from modelarts_emulator.obs.refusals import ObsError, StateUnavailable
from modelarts_emulator.obs.replies import Reply
from modelarts_emulator.obs.requests import ObsRequest
from modelarts_emulator.obs.storage import Storage
from modelarts_emulator.waiting import refuse_to_wait
from modelarts_emulator.worlds.journal import StateRefused, StateUnwritten, words_of
from modelarts_emulator.worlds.past import Past
from modelarts_emulator.worlds.world import derived

log = logging.getLogger("modelarts_emulator.obs")


class ObsWorld:
    """The objects of one world. Requests are done one at a time; what was answered with success is in the journal."""

    def __init__(self, tag: str, region: str, journal: Journal | None, past_of: Callable[[], Past | None]):
        folder = None if journal is None else journal.path.parent
        self.holding: Holding | None = None
        self.storage = Storage(tag, derived(tag, "domain"), region, folder)
        self.journal = journal
        if journal is not None:
            for record, body in journal.read():
                self.redo(record, body)
        self.past = self.storage.past = ObjectsPast(self, past_of)

    def perform(self, request: ObsRequest) -> Reply:
        """Do what a request asks for. Raises ObsError, and then nothing has changed."""
        operation = operation_of(request)
        with self.storage.lock:
            request.storage = self.storage
            if request.anonymous and request.method != "OPTIONS":
                refuse_stranger(request, operation)
            reply = self.change(request, operation) if operation.changes else operation.behave(request)
        return reply if operation.afterwards is None else operation.afterwards(request, reply)

    def hold(self, bucket: str, key: str) -> Holding | None:
        """Remember the object as it is now; the Holding that begins with that, None when one has begun before."""
        with self.storage.lock:
            begun = None if self.holding is not None else Holding(self)
            self.holding = begun or self.holding
            self.holding.note(bucket, key)
        return begun

    def change(self, request: ObsRequest, operation) -> Reply:
        """Do a change that the journal has room for. StateUnavailable where a disk does not take it."""
        self.settle()
        before = self.storage.number
        self.past.begin(request)
        self.storage.begin()
        try:
            self.reserve(request)
            reply = operation.behave(request)
        except BaseException as error:
            self.storage.number = before
            self.past.end(is_done=False)
            if self.journal is not None:
                self.journal.release()
            if isinstance(error, OSError):
                raise StateUnavailable(f"The change was refused and is not there: {error}") from None
            raise
        self.past.end(is_done=True)
        self.commit(request)
        return reply

    def take_back(self, changes: list[BeforeChange]) -> None:
        """Be as before these changes, the newest first, in memory and in the journal."""
        with self.storage.lock:
            self.past.go_back(changes)
            self.storage.number = changes[-1].number
            if self.journal is not None:
                self.journal.take_back(changes[-1].position)

    @contextmanager
    def as_before(self, changes: list[BeforeChange]) -> Iterator[None]:
        """Be as before these changes for a while, in which nobody else gets in."""
        with self.storage.lock:
            self.past.go_back(changes)
            try:
                yield
            finally:
                self.past.go_on(changes)

    def settle(self) -> None:
        """StateUnavailable while a change that was done before is not in the journal."""
        if self.journal is not None:
            try:
                self.journal.settle()
            except StateUnwritten as error:
                raise StateUnavailable(f"A change before is not written yet: {error}") from None

    def reserve(self, request: ObsRequest) -> None:
        """Have the journal take the request before it is done."""
        if self.journal is not None:
            # The keys that a deletion of many finds are noted beside its body, which names them.
            room = ROOM + 2 * request.content.size if "delete" in request.query else ROOM
            self.journal.reserve(request.to_record() | {"number": self.storage.number}, request.content, room)

    def commit(self, request: ObsRequest) -> None:
        """Have the request count in the journal."""
        if self.journal is not None:
            try:
                self.journal.commit(request.to_record() | {"number": self.storage.number}, request.content)
            except StateUnwritten as error:
                raise StateUnavailable(f"The change was done and is not kept yet: {error}") from None

    def redo(self, record: dict, body: bytes) -> None:
        """Do a change of the journal again. StateRefused when it cannot be done, which it could before."""
        request = ObsRequest(
            record["method"],
            record["bucket"],
            record["key"],
            record["query"],
            record["headers"],
            body,
            record["dialect"],
            moment=record["moment"],
            extension=record["extension"],
            storage=self.storage,
        )
        self.storage.begin(record["number"])
        try:
            operation_of(request).behave(request)
        except ObsError as error:
            raise StateRefused(
                f"{self.journal.path}: change {record['number']} cannot be redone: {error}"
            ) from None

    def is_open(self, bucket_name: str, key: str) -> bool:
        """Whether the bucket, or the object in it, is open to everyone."""
        if bucket_name not in self.storage.buckets:
            return False
        with self.storage.lock:
            bucket = self.storage.buckets.get(bucket_name)
            if bucket is None:
                return False
            item = bucket.find(key)
            grants = bucket.grants if item is None else bucket.grants + item.grants
            public = everyone_may(grants, "READ") or everyone_may(grants, "WRITE")
            return public or is_public(bucket.policy_document)

    def forget(self) -> int:
        """Forget all objects; how many there were."""
        with self.storage.lock:
            if self.journal is not None:
                try:
                    self.journal.forget()
                except OSError as error:
                    raise StateUnwritten(words_of(self.journal.path.parent, error)) from None
            objects = self.storage.clear()
            self.past.forget()
            return objects


class ObsWorlds:
    """The objects of all worlds. past_of(tag): where it is noted what is changed in a world.

    A world whose journal is damaged answers with StateUnavailable until it is reset."""

    def __init__(
        self, region: str, state_dir: Path | None, past_of: Callable[[str], Past | None] = lambda tag: None
    ):
        self._region = region
        self._past_of = past_of
        self._state_dir = state_dir
        self._lock = RLock()
        # Each world is read under a lock of its own: a long journal keeps nobody from another world.
        self._loading: dict[str, RLock] = {}
        self._worlds: dict[str, ObsWorld] = {}
        self._damaged: dict[str, str] = {}
        self._has_all = False

    def of(self, tag: str) -> ObsWorld:
        """The objects of one world. StateUnavailable when its journal is damaged."""
        found = self._worlds.get(tag)
        if found is None:
            refuse_to_wait()
            with self._lock:
                loading = self._loading.setdefault(tag, RLock())
            with loading:
                found = self._worlds.get(tag) or self._loaded(tag)
        return found

    def _loaded(self, tag: str) -> ObsWorld:
        path = self._path(tag)
        if tag not in self._damaged:
            try:
                found = ObsWorld(
                    tag, self._region, None if path is None else Journal(path), partial(self._past_of, tag)
                )
                with self._lock:
                    self._worlds[tag] = found
                return found
            except StateRefused as error:
                log.error("the objects of world %s stay out: %s", tag, error)
                with self._lock:
                    self._damaged[tag] = str(error)
            except OSError as error:
                raise StateUnavailable(words_of(self._state_dir.parent, error)) from None
        raise StateUnavailable(f"{self._damaged[tag]}; a reset of the world forgets its objects")

    def _path(self, tag: str) -> Path | None:
        return None if self._state_dir is None else self._state_dir / f"{tag}.journal"

    @property
    def trouble(self) -> str | None:
        """Why the objects of a world cannot be read or written; None when all can."""
        with self._lock:
            journals = [world.journal for world in self._worlds.values() if world.journal is not None]
            troubles = [*self._damaged.values(), *(journal.trouble for journal in journals)]
        return next((trouble for trouble in troubles if trouble is not None), None)

    def with_open(self, bucket: str, key: str) -> list[str]:
        """The tags of the worlds in which that bucket, or the object in it, is open to everyone."""
        if not self._has_all:
            refuse_to_wait()
            self._load()
            self._has_all = True
        with self._lock:
            worlds = list(self._worlds.items())
        return [tag for tag, world in worlds if world.is_open(bucket, key)]

    def _load(self, tag: str = "*") -> None:
        """Read the objects of a world, or of all, that nobody has asked for yet; damaged ones stay out."""
        for path in sorted(self._state_dir.glob(f"{tag}.journal")) if self._state_dir is not None else ():
            with suppress(ObsError):
                self.of(path.stem)

    def reset(self, tag: str | None) -> int:
        """Forget the objects of one world, or of all; how many there were."""
        self._load(tag or "*")
        with self._lock:
            worlds = [world for one, world in self._worlds.items() if tag in (None, one)]
            for one in [one for one in self._damaged if tag in (None, one)]:
                self._path(one).unlink(missing_ok=True)
                del self._damaged[one]
        return sum(world.forget() for world in worlds)

    def close(self) -> None:
        """Let go of the journals."""
        with self._lock:
            for world in self._worlds.values():
                if world.journal is not None:
                    world.journal.close()
