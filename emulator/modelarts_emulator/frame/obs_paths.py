"""Paths in OBS as requests write them: one reader for every form, and whether something lies there."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from modelarts_emulator.contract.errors import ApiError
from modelarts_emulator.obs.names import bucket_in_host, refuse_bucket_name, refuse_key
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.worlds.world import World

Form = Literal["/", "obs", "s3", "link", "bare"]
PATHS: tuple[Form, ...] = ("/", "obs", "s3")
EXAMPLES: dict[Form, str] = {
    "/": "/bucket/folder/",
    "obs": "obs://bucket/folder/",
    "s3": "s3://bucket/folder/",
    "link": "https://bucket.obs.region.myhuaweicloud.com/folder/",
    "bare": "bucket/folder/",
}
# What the platform adds to a folder to name an object in it is no longer than this.
ROOM = "x" * 128


class ObsPath(NamedTuple):
    """A bucket and what follows it, without a slash in front: the key of an object, a folder, or "" for the bucket."""

    bucket: str
    key: str

    @property
    def folder(self) -> ObsPath:
        """The same place meant as a folder: its key is empty or ends in one slash."""
        return ObsPath(self.bucket, f"{self.key.rstrip('/')}/" if self.key.strip("/") else "")

    @property
    def name(self) -> str:
        """What the object is called in its folder; "" for a folder."""
        return self.key.rpartition("/")[2]

    @property
    def url(self) -> str:
        """The place as obs://bucket/key."""
        return f"obs://{self.bucket}/{self.key}"

    def below(self, name: str) -> ObsPath:
        """The place of that name in this folder."""
        return ObsPath(self.bucket, f"{self.key}{name}")

    def has_inside(self, other: ObsPath) -> bool:
        """Whether the other place lies in this folder."""
        prefix = self.folder.key
        return other.bucket == self.bucket and other.key.startswith(prefix) and other.key != prefix


@lru_cache(4096)
def obs_path(text: str, forms: tuple[Form, ...] = PATHS) -> ObsPath:
    """The place that a text names in one of the forms (hashable, such as a tuple). ValueError for any other text.

    "/" is /bucket/key, "obs" obs://bucket/key, "s3" s3://bucket/key, "bare" bucket/key; "link" is an http or https
    address, with the bucket in its host or first in its path.
    """
    bucket, key = parts_of(text, forms)
    if not bucket:
        known = " or ".join(EXAMPLES[form] for form in forms if form != "s3" or "obs" not in forms)
        raise ValueError(f"{text[:200]!r} is not an OBS path; write {known}")
    try:
        refuse_bucket_name(bucket)
        refuse_key(key + ROOM)
    except ObsError as error:
        raise ValueError(f"{text[:200]!r} is not an OBS path: {error}") from None
    return ObsPath(bucket, key)


def parts_of(text: str, forms: tuple[Form, ...]) -> tuple[str, str]:
    """(bucket, key) as the text has them; the bucket is empty when the text has none of the forms."""
    scheme, mark, rest = text.partition("://")
    if mark and scheme in ("http", "https"):
        return parts_of_link(text) if "link" in forms else ("", "")
    if mark and scheme in ("obs", "s3"):
        allowed = scheme in forms
    elif text.startswith("/"):
        allowed, rest = "/" in forms, text[1:]
    else:
        allowed, rest = "bare" in forms and not mark, text
    bucket, _, key = rest.partition("/")
    return (bucket, key) if allowed else ("", "")


def parts_of_link(text: str) -> tuple[str, str]:
    """(bucket, key) of the address of an object or folder."""
    link = urlsplit(text)
    path = unquote(link.path).removeprefix("/")
    bucket = bucket_in_host(link.hostname or "")
    if bucket is not None:
        return bucket, path
    bucket, _, key = path.partition("/")
    return bucket, key


def refuse_bad_obs_path(code: str, where: str, text: str, forms: tuple[Form, ...] = PATHS) -> ObsPath:
    """The place that the text names; ApiError with the documented code when it names none. where: a JSON path."""
    try:
        return obs_path(text, forms)
    except ValueError as error:
        raise ApiError(code, f"{where}: {error}") from None


def refuse_missing_bucket(world: World, code: str, where: str, path: ObsPath) -> None:
    """ApiError with the documented code when the bucket of the place is not there. where: a JSON path."""
    if not world.obs.exists(path.bucket):
        raise ApiError(code, f"{where}: there is no bucket {path.bucket}")


def is_in_obs(world: World, path: ObsPath) -> bool:
    """Whether there is the bucket with the object, or with anything in the folder, that the path names."""
    bucket, key = path
    if not world.obs.exists(bucket):
        return False
    name = key.rstrip("/")
    return not name or any(
        found == key or found.startswith(f"{name}/") for found in world.obs.keys(bucket, name)
    )
