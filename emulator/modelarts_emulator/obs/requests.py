"""A request to OBS, taken apart: bucket, key, sub-resource, headers of either dialect, body."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, unquote_plus, unquote_to_bytes

from modelarts_emulator.obs.bodies import Sent, body_of, sent
from modelarts_emulator.obs.names import bucket_in_host
from modelarts_emulator.obs.refusals import ObsError

if TYPE_CHECKING:
    from modelarts_emulator.obs.storage import Bucket

EXTENSION = re.compile(r"x-(?:obs|amz)-(.+)", re.IGNORECASE)
KEPT_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "expires",
    "success-action-redirect",
    "x-default-storage-class",
)


@dataclass(slots=True)
class ObsRequest:
    """One request.

    query: {name in lower case: value, or None when the name stood alone}. headers: by lower-case name. extension: the
    x-obs- and x-amz- headers without that prefix. content: what it carries, which may be more than memory is for; body:
    the same as bytes, for what is small. sent: the headers before the body was unwrapped. dialect: "obs" or
    "aws", which of the two the client speaks. moment: virtual time of the world. storage: the buckets of the world it
    goes to. notes: what its operation has found out about it that a journal should know.
    """

    method: str
    bucket: str
    key: str
    query: dict
    headers: dict
    content: Sent | bytes = b""
    dialect: str = "obs"
    raw_path: str = "/"
    raw_query: str = ""
    host: str = ""
    base_url: str = ""
    virtual_host: bool = False
    anonymous: bool = False
    moment: float = 0.0
    storage: object = None
    extension: dict = field(default_factory=dict)
    sent: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)

    def __post_init__(self):
        self.content = sent(self.content)
        if not self.extension:
            self.extension = extension_of(self.headers, self.dialect)

    @property
    def body(self) -> bytes:
        """The whole content."""
        return self.content.read()

    @property
    def resource(self) -> str:
        """What is addressed, as an error tells it."""
        return f"/{self.bucket}/{self.key}" if self.key else f"/{self.bucket}"

    def find_bucket(self) -> "Bucket":
        """The bucket that the request is about, as it is at its moment. NoSuchBucket when there is none."""
        return self.storage.bucket(self.bucket, self.moment)

    def number(self, name: str, default: int, least: int = 0, most: int = 1 << 63) -> int:
        """A whole number from the query. InvalidArgument when it is none or out of range."""
        text = self.query.get(name)
        if text in (None, ""):
            return default
        if not re.fullmatch(r"[0-9]{1,19}", text) or not least <= int(text) <= most:
            raise ObsError("InvalidArgument", f"{name} is {text[:40]!r}, must be from {least} to {most}")
        return int(text)

    def to_record(self) -> dict:
        """What is needed to do the request again, without its body, credentials and conditions."""
        extension = {
            name: value
            for name, value in self.extension.items()
            if not name.startswith(("copy-source-if-", "security-token", "content-sha256", "date"))
        }
        return {
            "method": self.method,
            "bucket": self.bucket,
            "key": self.key,
            "query": {name: value for name, value in self.query.items() if name not in CREDENTIALS},
            "headers": {name: self.headers[name] for name in KEPT_HEADERS if name in self.headers},
            "extension": extension,
            "dialect": self.dialect,
            "moment": self.moment,
        } | self.notes


CREDENTIALS = frozenset(
    ("accesskeyid", "awsaccesskeyid", "expires", "signature", "x-obs-security-token", "x-amz-security-token")
    + ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signature")
    + ("x-amz-signedheaders",)
)


def request_from(environ: dict) -> ObsRequest:
    """The request in a WSGI environment, its body read. ObsError when it cannot be understood."""
    raw_path, raw_query = target_of(environ)
    headers = headers_of(environ)
    host = headers.get("host", "")
    bucket = bucket_in_host(host)
    virtual_host = bucket is not None
    key_part = raw_path[1:]
    if not virtual_host:
        raw_bucket, _, key_part = key_part.partition("/")
        bucket = decoded(raw_bucket)
    query = query_of(raw_query)
    sent = dict(headers)
    return ObsRequest(
        method=environ["REQUEST_METHOD"],
        bucket=bucket,
        key=decoded(key_part),
        query=query,
        headers=headers,
        content=body_of(environ, headers),
        dialect=dialect_of(headers, query),
        raw_path=raw_path,
        raw_query=raw_query,
        host=host,
        base_url=f"{environ.get('wsgi.url_scheme', 'http')}://{host}",
        virtual_host=virtual_host,
        sent=sent,
    )


def target_of(environ: dict) -> tuple[str, str]:
    """The path as it was sent, still encoded, and the query."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw is None:
        return quote(environ["PATH_INFO"].encode("latin-1"), "/~"), environ.get("QUERY_STRING", "")
    if raw[:1] != "/":
        raw = "/" + raw.partition("://")[2].partition("/")[2]
    path, _, query = raw.partition("#")[0].partition("?")
    return path, query or environ.get("QUERY_STRING", "")


def headers_of(environ: dict) -> dict:
    """{name in lower case: value}; as sent, underscores and all, where the server hands that over."""
    if "emulator.headers" in environ:
        found = {}
        for name, value in environ["emulator.headers"]:
            name, value = name.decode("latin-1").lower(), value.decode("latin-1").strip()
            found[name] = f"{found[name]},{value}" if name in found else value
        return found
    found = {
        name[5:].lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            found[name.lower().replace("_", "-")] = environ[name]
    return found


def query_of(raw_query: str) -> dict:
    """{name in lower case: value or None}; of a name that is repeated the first counts."""
    query: dict = {}
    for part in raw_query.split("&"):
        if part:
            name, equals, value = part.partition("=")
            query.setdefault(unquote_plus(name).lower(), unquote_plus(value) if equals else None)
    return query


def decoded(raw: str) -> str:
    """The percent-decoded text. InvalidURI when it is not UTF-8."""
    try:
        return unquote_to_bytes(raw.encode("latin-1")).decode("utf-8")
    except UnicodeError:
        raise ObsError("InvalidURI", f"{raw[:80]!r} is not UTF-8, percent-encoded") from None


def dialect_of(headers: dict, query: dict) -> str:
    """Which headers and names the client speaks: by its signature, else by what headers it sends."""
    scheme = headers.get("authorization", "").partition(" ")[0]
    if scheme == "OBS" or "accesskeyid" in query:
        return "obs"
    if scheme.startswith("AWS") or "awsaccesskeyid" in query or "x-amz-signature" in query:
        return "aws"
    speaks_aws = any(name.startswith("x-amz-") for name in headers)
    return "aws" if speaks_aws and not any(name.startswith("x-obs-") for name in headers) else "obs"


def source_named(source: str) -> tuple[str, str, str | None]:
    """(bucket, key, version id) that a copy-source header names. InvalidArgument when it names no object."""
    raw, _, version = source.partition("?")
    bucket, _, key = unquote(raw).lstrip("/").partition("/")
    if not bucket or not key:
        raise ObsError("InvalidArgument", f"copy-source is {source[:200]!r}, must be /bucket/object")
    return bucket, key, unquote(version).removeprefix("versionId=") or None


def extension_of(headers: dict, dialect: str) -> dict:
    """The x-obs- and x-amz- headers without prefix; where both are sent, the one of the dialect counts."""
    prefix = "x-obs-" if dialect == "obs" else "x-amz-"
    found: dict = {}
    for name, value in headers.items():
        match = EXTENSION.fullmatch(name)
        if match and (match[1] not in found or name.startswith(prefix)):
            found[match[1]] = value
    return found
