"""The objects of a world for the emulator's own behaviours: no socket, no signature, the same storage and journal."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice, takewhile
from typing import TYPE_CHECKING
from urllib.parse import quote

from modelarts_emulator.obs.refusals import ObsError, StateUnavailable
from modelarts_emulator.obs.requests import ObsRequest
from modelarts_emulator.obs.signatures import signed_query
from modelarts_emulator.waiting import refuse_to_wait
from modelarts_emulator.worlds.journal import StateUnwritten

if TYPE_CHECKING:
    from modelarts_emulator.obs.storage import Bucket, StoredObject


class WorldObs:
    """The objects of one world. Names that OBS would refuse raise ValueError.

    What is written in a transaction of the world counts if the transaction does, and keeps the world's OBS until then.
    """

    def __init__(self, obs, world):
        self._obs = obs
        self._owner = world
        self._tag = world.tag

    def read(self, bucket: str, key: str, most: int | None = None) -> bytes:
        """The content of an object, or as many of its first bytes. KeyError when there is none; NeedsThread where one
        must not wait.
        """
        refuse_to_wait()
        if most is None or self.size(bucket, key) <= most:
            return self._of_existing("GET", bucket, key).content()
        return self._of_existing("GET", bucket, key, {"range": f"bytes=0-{most - 1}"}).content()

    def write(self, bucket: str, key: str, data: bytes, content_type: str = "") -> None:
        """Store an object. KeyError when there is no such bucket; NeedsThread where one must not wait."""
        refuse_to_wait()
        headers = {"content-type": content_type} if content_type else {}
        self._perform("PUT", bucket, key, body=data, headers=headers)

    def exists(self, bucket: str, key: str | None = None) -> bool:
        """Whether there is that bucket, or that object in it."""
        try:
            self._perform("HEAD", bucket, key or "")
        except KeyError:
            return False
        return True

    def size(self, bucket: str, key: str) -> int:
        """The bytes of an object. KeyError when there is none."""
        return self._of_existing("HEAD", bucket, key).length

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """The names of all objects that begin with the prefix, sorted. KeyError when there is no such bucket."""
        return [name for name, _ in self._found(bucket, prefix)]

    def listing(self, bucket: str, prefix: str = "") -> list[tuple[str, int]]:
        """(name, bytes) of all objects that begin with the prefix, sorted. KeyError when there is no such bucket."""
        return [(name, item.size) for name, item in self._found(bucket, prefix)]

    def moments(self, bucket: str, prefix: str = "") -> list[tuple[str, float]]:
        """(name, when it was written) of all objects that begin with the prefix, sorted. KeyError without a bucket."""
        return [(name, item.moment) for name, item in self._found(bucket, prefix)]

    def versions(self, bucket: str, prefix: str = "") -> list[tuple[str, int, str]]:
        """(name, bytes, what changes when it is written) of all objects that begin with the prefix, sorted. KeyError
        when there is no such bucket.
        """
        found = self._found(bucket, prefix)
        return [(name, item.size, f"{item.moment}/{item.size}/{item.etag}") for name, item in found]

    def _found(self, bucket: str, prefix: str) -> list[tuple[str, StoredObject]]:
        """(name, object) of what begins with the prefix."""
        with self._world.storage.lock:
            found = self._bucket(bucket)
            names = islice(found.names, bisect_left(found.names, prefix), None)
            within = takewhile(lambda name: name.startswith(prefix), names)
            return [(name, item) for name in within if (item := found.find(name)) is not None]

    def buckets(self) -> list[str]:
        """The names of all buckets, sorted."""
        with self._world.storage.lock:
            return sorted(self._world.storage.buckets)

    def content_type(self, bucket: str, key: str) -> str:
        """The content type that the object was stored with. KeyError when there is none."""
        return str(self._of_existing("HEAD", bucket, key).headers.get("Content-Type", ""))

    def encrypted(self, bucket: str, key: str) -> bool:
        """Whether the object is stored encrypted, by whatever key. KeyError when there is none."""
        with self._world.storage.lock:
            found = self._bucket(bucket).find(key)
            if found is None:
                raise KeyError(f"{bucket}/{key}")
            return bool(found.encrypted or found.customer_key_md5)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object; that there is none is no error. KeyError when there is no such bucket."""
        self._perform("DELETE", bucket, key)

    def create_bucket(self, bucket: str) -> None:
        """Create a bucket, if it is not there already."""
        self._perform("PUT", bucket, "")

    def presign(
        self,
        bucket: str,
        key: str,
        seconds: float,
        method: str = "GET",
        base_url: str = "",
        content_type: str | None = None,
        as_attachment: str | None = None,
        process: str | None = None,
    ) -> str:
        """A URL that lets its holder do this for so many seconds of virtual time.

        base_url: scheme, host and port of OBS, the bucket going into the path. content_type, as_attachment: what the
        answer shall say of the content, and under which name it shall be saved. process: what shall be done to a
        picture, such as image/resize,h_200.
        """
        expires = int(self._obs.now(self._tag) + seconds)
        signed = {} if process is None else {"x-image-process": process}
        if content_type is not None:
            signed["response-content-type"] = content_type
        if as_attachment is not None:
            signed["response-content-disposition"] = (
                f"attachment; filename*=UTF-8''{quote(as_attachment, '')}"
            )
        path = f"/{bucket}/{quote(key, '/~')}"
        return f"{base_url}{path}?" + signed_query(
            self._owner.account.secret_key, self._owner.account.access_key, method, path, expires, signed
        )

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port at which this machine reaches the object storage; None where nobody listens."""
        return self._obs.address_of()

    @property
    def _world(self):
        return self._obs.worlds.of(self._tag)

    def _bucket(self, name: str) -> Bucket:
        """The bucket as it is now, for who holds the lock. KeyError when there is none."""
        try:
            return self._world.storage.bucket(name, self._obs.now(self._tag))
        except ObsError:
            raise KeyError(name) from None

    def _of_existing(self, method: str, bucket: str, key: str, headers: dict | None = None):
        if not key:
            raise KeyError(key)
        return self._perform(method, bucket, key, headers=headers)

    def _perform(self, method: str, bucket: str, key: str, body: bytes = b"", headers: dict | None = None):
        moment = self._obs.now(self._tag)
        request = ObsRequest(method, bucket, key, {}, headers or {}, body, moment=moment)
        if method in ("PUT", "DELETE") and self._owner.is_in_transaction:
            begun = self._world.hold(bucket, key)
            if begun is not None:
                self._owner.store.join(begun)
        try:
            return self._world.perform(request)
        except ObsError as error:
            if isinstance(error, StateUnavailable):
                raise StateUnwritten(str(error)) from None
            if error.status == 404:
                raise KeyError(f"{bucket}/{key}" if key else bucket) from None
            raise ValueError(str(error)) from None
