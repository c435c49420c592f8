"""Objects that are written together with records: kept if those count, else as they were before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelarts_emulator.obs.worlds import ObsWorld


class Holding:
    """What is changed in a world's objects from now on is taken back by `undo`; nobody else gets in until either end.

    note: to be called before each change with the object that it is about.
    """

    def __init__(self, objects: ObsWorld):
        self._objects = objects
        self._number = objects.storage.number
        self._position = objects.journal.position if objects.journal is not None else 0
        self._before: list[tuple[str, str, list | None]] = []
        objects.storage.lock.__enter__()

    def note(self, bucket: str, key: str) -> None:
        """Remember the versions of the object, or that there is no such bucket."""
        found = self._objects.storage.buckets.get(bucket)
        versions = None if found is None else list(found.versions(key))
        for version in versions or ():
            version.is_held = True
        self._before.append((bucket, key, versions))

    def keep(self) -> None:
        """Let what was changed count, and others in."""
        for bucket, key, versions in self._before:
            self._let_go(bucket, key, versions or [])
        self._objects.holding = None
        self._objects.storage.lock.__exit__()

    def undo(self) -> None:
        """Be as before, in memory and in the journal."""
        try:
            for bucket, key, versions in reversed(self._before):
                self._put_back(bucket, key, versions)
            self._objects.storage.number = self._number
            if self._objects.journal is not None:
                self._objects.journal.take_back(self._position)
        finally:
            self.keep()

    def _let_go(self, name: str, key: str, versions: list) -> None:
        bucket = self._objects.storage.buckets.get(name)
        present = [] if bucket is None else bucket.versions(key)
        for version in versions:
            version.is_held = False
            if not any(version is each for each in present):
                version.dispose()

    def _put_back(self, name: str, key: str, versions: list | None) -> None:
        storage = self._objects.storage
        bucket = storage.buckets.get(name)
        if bucket is None:
            return
        if versions is None:
            storage.delete_bucket(bucket)
        elif bucket.versions(key) != versions:
            bucket.set_versions(key, versions)
