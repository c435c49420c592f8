"""How a world's objects were before each change, so that the world can go back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelarts_emulator.obs.requests import ObsRequest
    from modelarts_emulator.obs.storage import Bucket, StoredObject
    from modelarts_emulator.obs.worlds import ObsWorld
    from modelarts_emulator.worlds.past import Past

# What a change notes of the settings of its bucket and of its object, about; then of each version of an object, and of
# each upload that is under way and each part of one.
OF_A_CHANGE, OF_A_VERSION, OF_AN_UPLOAD, OF_A_PART = 6000, 8, 100, 120
# Members of a bucket that follow from its objects, which are noted one by one.
OF_OBJECTS = ("keys", "names", "stored", "expiring", "multiparts")


class ObjectsPast:
    """Notes in a world's past what is changed in its objects. Whoever uses it holds the lock of their storage."""

    def __init__(self, objects: ObsWorld, past_of: Callable[[], Past | None]):
        self._objects = objects
        self._past_of = past_of
        self._open: BeforeChange | None = None
        self._is_silent = False

    @property
    def _past(self) -> Past | None:
        """Where to note it; None while nothing is kept. Asked each time: a tag may come to be another world's."""
        past = self._past_of()
        return past if past is not None and past.is_kept else None

    def begin(self, request: ObsRequest) -> None:
        """A change begins that the request asks for."""
        if self._past is not None:
            self._open = BeforeChange(self._objects, request)

    def end(self, is_done: bool) -> None:
        """The change has been done, or refused: then only counts what has gone because its time had come."""
        change, self._open = self._open, None
        if change is not None and (is_done or change.has_steps):
            self._note(change)

    def note_versions(self, bucket: Bucket, name: str, versions: list, kept: list) -> None:
        """The versions of an object are going to be others, of which some are kept."""
        if self._past is None or self._is_silent:
            return
        stay = {id(version) for version in kept}
        gone = [version for version in versions if id(version) not in stay]
        for version in gone:
            version.is_past = True
        size = OF_A_VERSION * len(versions) + sum(version.size for version in gone)
        self._add(Versions(bucket, name, versions), size)

    def note_bucket(self, name: str) -> None:
        """A bucket is going to be made or to go."""
        if self._past is not None and not self._is_silent:
            self._add(Presence(self._objects, name))

    def _add(self, step: Any, size: int = 0) -> None:
        """Note one thing more: of the change that is under way, else as a change of its own."""
        change = self._open or BeforeChange(self._objects)
        change.add(step, size)
        if self._open is None:
            self._note(change)

    def _note(self, change: BeforeChange) -> None:
        past = self._past
        if past is not None:
            past.note([], None, change, change.size)

    def forget(self) -> None:
        """All objects are gone for good."""
        past = self._past
        if past is not None:
            past.begin_again("when its objects were forgotten")

    def go_back(self, changes: list[BeforeChange]) -> None:
        """Be as before these changes, the newest first, in memory alone."""
        self._swap([change.swap for change in changes])

    def go_on(self, changes: list[BeforeChange]) -> None:
        """Be as after them again; they are given as to go_back."""
        self._swap([partial(change.swap, forward=True) for change in reversed(changes)])

    def _swap(self, swaps: list[Callable[[], None]]) -> None:
        self._is_silent = True
        try:
            for swap in swaps:
                swap()
        finally:
            self._is_silent = False


class BeforeChange:
    """How things were before one change. number, position: of the change, in storage and journal. size: in bytes."""

    def __init__(self, objects: ObsWorld, request: ObsRequest | None = None):
        self.number = objects.storage.number
        self.position = 0 if objects.journal is None else objects.journal.position
        self.size = OF_A_CHANGE
        self.has_steps = False
        self._steps: list[Any] = []
        bucket = None if request is None else objects.storage.buckets.get(request.bucket)
        if request is None or bucket is None:
            return
        self._steps.append(Settings(bucket))
        if "uploads" in request.query or "uploadid" in request.query:
            uploads = Uploads(bucket, request.query.get("uploadid"), request.query.get("partnumber"))
            self._steps.append(uploads)
            self.size += uploads.size
        # Only the version that is asked for can be changed in place: there may be thousands.
        version = bucket.find(request.key, request.query.get("versionid") or None) if request.key else None
        if version is not None:
            self._steps.append(Described(bucket, version))
            in_place = {"modify", "truncate", "append"} if version.is_in_memory else {"modify", "truncate"}
            if request.query.keys() & in_place:
                self.size += version.size

    def add(self, step: Any, size: int) -> None:
        """Note one thing more, which takes so many bytes to keep."""
        self.has_steps = True
        self.size += size
        self._steps.append(step)

    def swap(self, forward: bool = False) -> None:
        """Be as before the change; forward: as after it, once it has been taken back."""
        for step in self._steps if forward else reversed(self._steps):
            step.swap()


class Settings:
    """How a bucket is set."""

    def __init__(self, bucket: Bucket):
        self._bucket = bucket
        self._kept = settings_of(bucket)

    def swap(self) -> None:
        """Exchange what is noted and what is."""
        now = settings_of(self._bucket)
        vars(self._bucket).update(self._kept)
        self._kept = now


class Uploads:
    """The uploads of a bucket that are under way, with the parts of the one that is asked for.

    part: which one is written, None for a request that ends the upload. size: in bytes, with the parts that may go.
    """

    def __init__(self, bucket: Bucket, id: str | None, part: str | None):
        self._bucket = bucket
        self._kept = dict(bucket.multiparts)
        self._upload = bucket.multiparts.get(id)
        self.size = OF_AN_UPLOAD * len(self._kept)
        if self._upload is not None:
            parts = self._upload.parts
            self._parts = dict(parts), list(self._upload.partlist)
            self.size += OF_A_PART * len(parts)
            for number, each in parts.items():
                each.is_past = True
                if part is None or str(number) == part.lstrip("0"):
                    self.size += each.size

    def swap(self) -> None:
        """Exchange what is noted and what is."""
        now, upload = dict(self._bucket.multiparts), self._upload
        dict.clear(self._bucket.multiparts)
        dict.update(self._bucket.multiparts, self._kept)
        self._kept = now
        if upload is not None:
            parts = dict(upload.parts), list(upload.partlist)
            upload.parts, upload.partlist = self._parts
            self._parts = parts


class Described:
    """What is said of a version of an object, and its content."""

    def __init__(self, bucket: Bucket, item: StoredObject):
        item.is_past = True
        self._bucket, self._item, self._content = bucket, item, item._content
        self._kept, self._held = dict(vars(item)), dict(vars(item._content))

    def swap(self) -> None:
        """Exchange what is noted and what is."""
        item, content, size = self._item, self._content, self._item.size
        now, held = dict(vars(item)), dict(vars(content))
        vars(item).update(self._kept)
        vars(content).update(self._held)
        # It was led on in place.
        item.digest = None
        if any(item is each for each in self._bucket.versions(item.name)):
            self._bucket.stored += item.size - size
        self._kept, self._held = now, held


class Versions:
    """The versions of an object."""

    def __init__(self, bucket: Bucket, name: str, versions: list):
        self._bucket, self._name, self._kept = bucket, name, list(versions)

    def swap(self) -> None:
        """Exchange what is noted and what is."""
        bucket, now = self._bucket, list(self._bucket.versions(self._name))
        for version in now:
            version.is_past = True
        bucket.set_versions(self._name, self._kept)
        for version in self._kept:
            if not version.is_marker:
                version.name = self._name
                bucket.let_expire(version)
        self._kept = now


class Presence:
    """Whether there is a bucket of a name."""

    def __init__(self, objects: ObsWorld, name: str):
        self._buckets, self._name = objects.storage.buckets, name
        self._kept = objects.storage.buckets.get(name)

    def swap(self) -> None:
        """Exchange what is noted and what is."""
        now = self._buckets.get(self._name)
        if self._kept is None:
            with suppress(KeyError):
                del self._buckets[self._name]
        else:
            self._buckets[self._name] = self._kept
        self._kept = now


def settings_of(bucket: Bucket) -> dict[str, Any]:
    """What can be set of a bucket, to be put back."""
    found = {name: value for name, value in vars(bucket).items() if name not in OF_OBJECTS}
    return found | {"documents": dict(bucket.documents)}
