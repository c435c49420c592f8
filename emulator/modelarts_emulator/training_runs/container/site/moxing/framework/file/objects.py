"""Objects in OBS, as the variables of the job say where that is; requests are signed as OBS documents it."""

import hashlib
import hmac
import os
from base64 import b64encode
from email.utils import formatdate
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import local
from types import SimpleNamespace
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree

from moxing.framework.file.errors import MoxFileNotExistsException, MoxFileRespException

SCHEMES = ("obs://", "s3://")
PAGE = 1000
TIMEOUT = 300
AUTH = SimpleNamespace(ak="", sk="", token="", endpoint="")
LOCAL = local()


class Answer(NamedTuple):
    """What OBS has answered."""

    status: int
    reason: str
    headers: dict
    body: bytes


def set_auth(ak=None, sk=None, server=None, port=None, is_secure=None, **others) -> None:
    """Use other keys or another server from now on; what else the real function takes changes nothing here."""
    scheme = "https" if is_secure else "http"
    endpoint = server and with_port(server if "://" in server else f"{scheme}://{server}", port)
    given = {"ak": ak, "sk": sk, "token": others.get("security_token"), "endpoint": endpoint}
    AUTH.__dict__.update({name: value for name, value in given.items() if value})
    LOCAL.__dict__.clear()


def with_port(endpoint: str, port) -> str:
    return f"{endpoint}:{port}" if port and not urlsplit(endpoint).port else endpoint


def is_object_url(url) -> bool:
    """Whether the text names something in OBS."""
    return isinstance(url, str) and url.startswith(SCHEMES)


def bucket_and_key(url: str) -> tuple[str, str]:
    """What obs://bucket/key consists of."""
    bucket, _, key = url.partition("://")[2].partition("/")
    return bucket, key.lstrip("/")


def request(
    method: str, url: str, query: dict | None = None, body: bytes = b"", headers: dict | None = None
) -> Answer:
    """Ask OBS. MoxFileNotExistsException for 404, MoxFileRespException for all else above 299."""
    bucket, key = bucket_and_key(url)
    path = f"/{bucket}/{quote(key, safe='/~')}"
    asked = {"Date": formatdate(usegmt=True), "Content-Length": str(len(body)), **(headers or {})}
    token = AUTH.token or os.environ.get("SECURITY_TOKEN")
    if token:
        asked["x-obs-security-token"] = token
    asked["Authorization"] = authorization(method, path, asked)
    answer = answered(method, path + (f"?{urlencode(query)}" if query else ""), body, asked)
    if answer.status == 404:
        what = f"bucket obs://{bucket}" if b"<Code>NoSuchBucket<" in answer.body else url
        raise MoxFileNotExistsException(f"{what} does not exist")
    if answer.status >= 300:
        raise MoxFileRespException(answer, f"{method} {url}")
    return answer


def answered(method: str, path: str, body: bytes, headers: dict) -> Answer:
    """One exchange on the connection of this thread, once more on a new one when that has been closed meanwhile."""
    for attempt in range(2):
        connection = LOCAL.__dict__.get("connection")
        if connection is None:
            connection = LOCAL.connection = new_connection()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.reason, dict(answer.headers), answer.read())
        except (HTTPException, OSError):
            LOCAL.__dict__.clear()
            if attempt:
                raise
    raise AssertionError("unreachable")


def new_connection():
    """A connection to OBS. OSError when the job has not been told where that is."""
    endpoint = AUTH.endpoint or os.environ.get("S3_ENDPOINT")
    if not endpoint:
        raise OSError("S3_ENDPOINT is not set: there is no object storage for this job")
    if "://" not in endpoint:
        endpoint = ("http://" if os.environ.get("S3_USE_HTTPS") == "0" else "https://") + endpoint
    place = urlsplit(endpoint)
    kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
    return kind(place.hostname, place.port, timeout=TIMEOUT)


def authorization(method: str, path: str, headers: dict) -> str:
    """The header that signs a request."""
    access_key = AUTH.ak or os.environ.get("ACCESS_KEY_ID") or os.environ.get("AWS_ACCESS_KEY_ID", "")
    secret = AUTH.sk or os.environ.get("SECRET_ACCESS_KEY") or os.environ.get("AWS_SECRET_ACCESS_KEY", "")
    own = sorted(
        (name.lower(), value) for name, value in headers.items() if name.lower().startswith("x-obs-")
    )
    signed = "".join(f"{name}:{value}\n" for name, value in own)
    text = f"{method}\n\n{headers.get('Content-Type', '')}\n{headers['Date']}\n{signed}{path}"
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    return f"OBS {access_key}:{b64encode(digest).decode()}"


def listed(url: str, recursive: bool = True) -> tuple[list[tuple[str, int]], list[str]]:
    """([(key, size)], prefixes) of what begins with the key; without recursive only up to the next slash."""
    bucket, prefix = bucket_and_key(url)
    found, prefixes, marker = [], [], ""
    while True:
        query = {"prefix": prefix, "max-keys": PAGE, "marker": marker} | (
            {} if recursive else {"delimiter": "/"}
        )
        root = ElementTree.fromstring(request("GET", f"obs://{bucket}/", query).body)
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        found += [(each.findtext("Key"), int(each.findtext("Size") or 0)) for each in root.iter("Contents")]
        prefixes += [each.findtext("Prefix") for each in root.iter("CommonPrefixes")]
        if root.findtext("IsTruncated") != "true":
            return found, prefixes
        marker = root.findtext("NextMarker") or max([key for key, _ in found] + prefixes)


def is_object(url: str) -> bool:
    """Whether there is that object."""
    key = bucket_and_key(url)[1]
    if not key or key.endswith("/"):
        return False
    try:
        request("HEAD", url)
    except MoxFileNotExistsException:
        return False
    return True


def is_folder(url: str) -> bool:
    """Whether there is that bucket, or anything in that folder."""
    bucket, key = bucket_and_key(url)
    try:
        if not key.strip("/"):
            request("HEAD", f"obs://{bucket}/")
            return True
        query = {"prefix": f"{key.rstrip('/')}/", "max-keys": 1}
        return b"<Key>" in request("GET", f"obs://{bucket}/", query).body
    except MoxFileNotExistsException:
        return False
