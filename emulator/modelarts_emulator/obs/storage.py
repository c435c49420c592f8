"""The buckets of one world, kept in moto's S3 models; the only module that knows moto."""

import hashlib
from bisect import bisect_left, insort
from collections.abc import Iterable
from heapq import heappop, heappush
from pathlib import Path

from moto.s3 import models as moto

from modelarts_emulator.obs.bodies import Sent
from modelarts_emulator.obs.contents import MOST_IN_MEMORY, Content, Contents
from modelarts_emulator.obs.grants import Grant, private
from modelarts_emulator.obs.past import ObjectsPast
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.waiting import refuse_to_wait
from modelarts_emulator.worlds.lock import Lock

MOTO_REGION = "us-east-1"
SECONDS_OF_DAY = 86400


class Untracked:
    """Kept out of moto's list of all instances ever made, which never forgets and which its reset disposes of."""

    def __new__(cls, *arguments, **keywords):
        return object.__new__(cls)


class StoredObject(Untracked, moto.FakeKey):
    """One version of an object.

    headers: content-type and the like. metadata: the client's own, without prefix. part_sizes: of an object made of
    parts. restored_until: until when an archived object can be read. is_held: whether it may be wanted again when it is
    disposed of, which whoever holds it does then. is_past: whether the world may go back to it; its content goes with
    it when that is forgotten.
    """

    def __init__(
        self, name: str, content: Content, digest: str, moment: float, storage_class: str, owner: str
    ):
        self._content = content
        super().__init__(name, b"", account_id="obs", region_name=MOTO_REGION, storage=storage_class)
        untrack(self.acl)
        self.acl = None
        self.moment = moment
        self.digest = None
        self._etag = digest
        self.headers: dict = {}
        self.redirect = ""
        self.grants: list[Grant] = private(owner)
        self.inherits = True
        self.tags: dict = {}
        self.own_metadata: dict = {}
        self.encrypted: dict = {}
        self.customer_key_md5 = ""
        self.appendable = False
        self.expires_days = 0
        self.part_sizes: list[int] = []
        self.restored_until = 0.0
        self.is_held = False
        self.is_past = False

    def __del__(self) -> None:
        """Say nothing: moto warns here of what was not disposed of, even while the interpreter shuts down."""

    @property
    def is_marker(self) -> bool:
        """Whether this stands for a deletion."""
        return False

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self._content.size

    @property
    def is_in_memory(self) -> bool:
        """Whether the content is, as little ones are."""
        return self._content.is_in_memory

    @property
    def value(self) -> bytes:
        """The whole content, as moto calls it."""
        return self.read()

    @value.setter
    def value(self, content: bytes) -> None:
        """Nothing: moto sets it when the object is made, which has its content already."""

    def read(self, start: int = 0, end: int | None = None) -> bytes:
        """The content, or the part of it from start up to but not including end."""
        return self._content.read(start, end)

    def pieces(self, start: int = 0, end: int | None = None) -> Iterable[bytes]:
        """The same in pieces, of which only one is in memory at a time; read to the end, or close it."""
        return self._content.pieces(start, self.size if end is None else end)

    def append(self, content: Sent) -> None:
        """Lengthen the content; but for the first time, what that costs depends on what is appended only."""
        if self.digest is None:
            self.digest = digest_of(self.pieces())
        self._content.append(content.pieces(), content.size)
        for piece in content.pieces():
            self.digest.update(piece)
        self._etag = self.digest.hexdigest()

    def rewrite(self, content: Sent) -> None:
        """Replace the content; by one, too, that is made of what is there now."""
        etag = content.digest("md5").hex()
        kept = content.read() if content.size <= MOST_IN_MEMORY else content.pieces()
        if self.is_past:
            self._content = self._content.fresh(kept)
        else:
            self._content.replace(kept)
        self.digest = None
        self._etag = etag

    def dispose(self, garbage: bool = False) -> None:
        """Let go of the content."""
        if not self.is_held and not self.is_past:
            self._content.close()
        self.disposed = True


class DeleteMarker(Untracked, moto.FakeDeleteMarker):
    """The version that says an object is deleted."""

    size = 0
    is_marker = True
    is_held = is_past = False

    def __init__(self, name: str, moment: float):
        self.key = None
        self.name = name
        self.moment = moment
        self._version_id = "null"

    def dispose(self) -> None:
        """Nothing is held."""


class Upload(Untracked, moto.FakeMultipart):
    """A multipart upload that is under way. made_by: the request that initiated it."""

    def __init__(self, name: str, id: str, moment: float, storage_class: str, made_by):
        super().__init__(name, {}, account_id="obs", region_name=MOTO_REGION, storage=storage_class)
        self.id = id
        self.moment = moment
        self.made_by = made_by

    def put_part(self, number: int, content: Content, digest: str, moment: float, owner: str) -> StoredObject:
        """Take in a part; one with the same number is replaced."""
        if number in self.parts:
            self.parts[number].dispose()
        else:
            insort(self.partlist, number)
        self.parts[number] = StoredObject(str(number), content, digest, moment, "STANDARD", owner)
        return self.parts[number]


class Bucket(Untracked, moto.FakeBucket):
    """A bucket. names: of its objects, sorted. stored: bytes of all versions. documents: its configurations by name."""

    def __init__(self, name: str, location: str, moment: float, owner: str, storage: "Storage"):
        registered = moto.s3_backends.bucket_accounts.get(name)
        super().__init__(name, "obs", location)
        untrack(self.acl)
        register(name, registered)
        self.moment = moment
        self.owner = owner
        self.storage = storage
        self.grants = private(owner)
        self.storage_class = "STANDARD"
        self.is_file_system = False
        self.quota = 0
        self.policy_document: dict = {}
        self.documents: dict[str, bytes] = {}
        self.names: list[str] = []
        self.stored = 0
        self.expiring: list = []

    def versions(self, name: str) -> list:
        """All versions and delete markers of an object, the newest last."""
        return self.keys.getlist(name, [])

    def set_versions(self, name: str, versions: list) -> None:
        """Replace the versions of an object; those that are left out are gone."""
        before = self.versions(name)
        if self.storage.past is not None:
            self.storage.past.note_versions(self, name, before, versions)
        self.stored += sum(version.size for version in versions) - sum(version.size for version in before)
        self.keys.setlist(name, versions)
        if versions and not before:
            insort(self.names, name)
        elif before and not versions:
            dict.__delitem__(self.keys, name)
            del self.names[bisect_left(self.names, name)]

    def find(self, name: str, version_id: str | None = None) -> StoredObject | None:
        """The object, or that version of it; None when there is none or it is deleted."""
        versions = self.versions(name)
        if version_id is not None:
            versions = [version for version in versions if version.version_id == version_id]
        return versions[-1] if versions and not versions[-1].is_marker else None

    def rename(self, name: str, new: str) -> None:
        """Call an object that has one version by another name."""
        (item,) = self.versions(name)
        if self.storage.past is not None:
            self.storage.past.note_versions(self, name, [item], [item])
            self.storage.past.note_versions(self, new, [], [])
        dict.__delitem__(self.keys, name)
        del self.names[bisect_left(self.names, name)]
        item.name = new
        self.keys.setlist(new, [item])
        insort(self.names, new)

    def let_expire(self, item: StoredObject) -> None:
        """See that the object goes when its days are over."""
        if item.expires_days:
            heappush(self.expiring, (expiry_of(item), item.name, item.version_id))

    def purge(self, moment: float) -> None:
        """Drop the objects whose days are over."""
        if self.expiring and self.expiring[0][0] <= moment:
            # However many those are, each may have a file of its own.
            refuse_to_wait()
        while self.expiring and self.expiring[0][0] <= moment:
            _, name, version_id = heappop(self.expiring)
            found = self.find(name, version_id)
            if found is not None and found.expires_days and expiry_of(found) <= moment:
                self.set_versions(name, [version for version in self.versions(name) if version is not found])

    def dispose(self) -> None:
        """Let go of all content."""
        for name in list(self.names):
            self.set_versions(name, [])
        for upload in self.multiparts.values():
            upload.dispose()


class Storage:
    """All buckets of a world. Whoever uses it holds its lock.

    number: how many changes it has seen; the ids of versions and uploads follow from it, so that doing the same
    changes again gives the same ids. folder: where large contents lie, None for a temporary one. past: told before
    anything changes, once somebody wants to know.
    """

    def __init__(self, tag: str, owner: str, region: str, folder: Path | None = None):
        self.tag = tag
        self.owner = owner
        self.region = region
        self.lock = Lock()
        self.contents = Contents(folder, f"{tag}.contents")
        self.number = 0
        self._ids = 0
        self.past: ObjectsPast | None = None
        self.backend = moto.S3Backend(MOTO_REGION, f"obs-{tag}")

    @property
    def buckets(self) -> dict[str, Bucket]:
        """{name: bucket}"""
        return self.backend.buckets

    def content(self, content: Sent) -> Content:
        """What was sent, kept for an object. OSError when a disk does not take it."""
        is_small = content.size <= MOST_IN_MEMORY
        return Content(self.contents, content.read() if is_small else content.pieces())

    def begin(self, number: int | None = None) -> None:
        """A change starts: the next one, or the one of that number again."""
        self.number = self.number + 1 if number is None else number
        self._ids = 0

    def next_id(self) -> str:
        """An id that nothing else of this world has."""
        self._ids += 1
        return hashlib.sha256(f"{self.tag}/{self.number}/{self._ids}".encode()).hexdigest()[:32].upper()

    def bucket(self, name: str, moment: float = 0.0) -> Bucket:
        """The bucket of that name as it is at that moment. NoSuchBucket when there is none."""
        found = self.buckets.get(name)
        if found is None:
            raise ObsError("NoSuchBucket", name)
        found.purge(moment)
        return found

    def create_bucket(self, name: str, location: str, moment: float) -> Bucket:
        """A new bucket."""
        if self.past is not None:
            self.past.note_bucket(name)
        self.buckets[name] = Bucket(name, location, moment, self.owner, self)
        return self.buckets[name]

    def delete_bucket(self, bucket: Bucket) -> None:
        """Forget a bucket and what is in it."""
        if self.past is not None:
            self.past.note_bucket(bucket.name)
        bucket.dispose()
        del self.buckets[bucket.name]

    def put(self, bucket: Bucket, item: StoredObject) -> StoredObject:
        """Store an object: as a new version where the bucket keeps versions, in place of the null version elsewhere."""
        kept = bucket.versions(item.name)
        if bucket.versioning_status == "Enabled":
            item._version_id = self.next_id()
        else:
            kept = [version for version in kept if version.version_id != "null"]
            item._version_id = "null"
        bucket.set_versions(item.name, [*kept, item])
        bucket.let_expire(item)
        return item

    def delete(self, bucket: Bucket, name: str, moment: float):
        """Delete an object; the delete marker that is left where the bucket keeps versions, else None."""
        if bucket.versioning_status is None:
            bucket.set_versions(name, [])
            return None
        marker = DeleteMarker(name, moment)
        kept = bucket.versions(name)
        if bucket.versioning_status == "Enabled":
            marker._version_id = self.next_id()
        else:
            kept = [version for version in kept if version.version_id != "null"]
        bucket.set_versions(name, [*kept, marker])
        return marker

    def delete_version(self, bucket: Bucket, name: str, version_id: str):
        """Remove one version for good; the version, None when there was none."""
        gone = [version for version in bucket.versions(name) if version.version_id == version_id]
        if gone:
            bucket.set_versions(
                name, [version for version in bucket.versions(name) if version is not gone[0]]
            )
        return gone[0] if gone else None

    def clear(self) -> int:
        """Forget everything; how many objects that were."""
        objects = sum(len(bucket.names) for bucket in self.buckets.values())
        for bucket in list(self.buckets.values()):
            self.delete_bucket(bucket)
        self.number = 0
        return objects


def md5(content: bytes):
    """The MD5 that makes an ETag."""
    return hashlib.md5(content, usedforsecurity=False)


def digest_of(pieces: Iterable[bytes]):
    """The MD5 of what comes in pieces."""
    found = md5(b"")
    for piece in pieces:
        found.update(piece)
    return found


def expiry_of(item: StoredObject) -> float:
    """When the object's days are over."""
    return item.moment + item.expires_days * SECONDS_OF_DAY


def untrack(acl) -> None:
    """Take an ACL that moto makes for each key and bucket out of its lists of all instances."""
    for thing in (acl, *acl.grants, *(grantee for grant in acl.grants for grantee in grant.grantees)):
        tracked = type(thing).instances_tracked
        for index in range(len(tracked) - 1, -1, -1):
            if tracked[index] is thing:
                del tracked[index]
                break


def register(name: str, registered) -> None:
    """Leave moto's list of who owns which bucket name as it was: worlds may use the same names."""
    if registered is None:
        moto.s3_backends.bucket_accounts.pop(name, None)
    else:
        moto.s3_backends.bucket_accounts[name] = registered
