"""Objects, read: content, headers, conditions, ranges."""

import re
from urllib.parse import unquote

from modelarts_emulator.obs.cors import cors_headers
from modelarts_emulator.obs.dialects import ARCHIVES, encryption_out, http_time, storage_class_out
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply
from modelarts_emulator.obs.signatures import seconds_of_date

OVERRIDES = {
    "response-content-type": "Content-Type",
    "response-content-language": "Content-Language",
    "response-expires": "Expires",
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
}
HEADER_NAMES = {
    "content-type": "Content-Type",
    "cache-control": "Cache-Control",
    "content-disposition": "Content-Disposition",
    "content-encoding": "Content-Encoding",
    "content-language": "Content-Language",
    "expires": "Expires",
}
CUSTOMER = "server-side-encryption-customer-"


def get_object(request) -> Reply:
    """The content of an object or of the range asked for."""
    bucket, item = found_object(request)
    refuse_archived(item, request.moment)
    reply = described(request, bucket, item)
    reply.headers |= overridden(request)
    if reply.status != 304:
        start, end, _ = range_of(request, item)
        reply.body, reply.length = b"", end - start
        reply.pieces = item.pieces(start, end)
    return reply


def head_object(request) -> Reply:
    """The headers of an object."""
    bucket, item = found_object(request)
    reply = described(request, bucket, item)
    if item.appendable:
        reply.extension |= {"object-type": "Appendable", "next-append-position": item.size}
    return reply


def described(request, bucket, item) -> Reply:
    """The answer without the content: 200, 206, or 304 when the client has it. ObsError when it may not have it."""
    refuse_other_customer_key(request, item)
    headers, extension = headers_of_object(request, item)
    if check_conditions(request, item):
        return Reply(304, b"", {name: headers[name] for name in ("ETag", "Last-Modified")}, extension)
    start, end, status = range_of(request, item)
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{item.size}"
    return Reply(status, b"", headers | cors_headers(bucket, request), extension, length=end - start)


def found_object(request):
    """(bucket, object) a request names, by version too. NoSuchKey or NoSuchVersion when there is none."""
    bucket = request.find_bucket()
    version_id = request.query.get("versionid") or None
    item = bucket.find(request.key, version_id)
    if item is not None:
        return bucket, item
    versions = bucket.versions(request.key)
    if version_id is None:
        marker = versions[-1] if versions else None
        extension = {} if marker is None else {"delete-marker": "true", "version-id": marker.version_id}
        raise ObsError("NoSuchKey", request.key[:200], extension=extension)
    if any(version.version_id == version_id for version in versions):
        raise ObsError("MethodNotAllowed", f"version {version_id} is a delete marker", {"Allow": "DELETE"})
    raise ObsError("NoSuchVersion", f"{request.key[:200]} has no version {version_id[:64]}")


def refuse_archived(item, moment: float) -> None:
    """InvalidObjectState unless the content can be read at once."""
    if item.storage_class in ARCHIVES and item.restored_until <= moment:
        raise ObsError("InvalidObjectState", f"it is {item.storage_class} and has to be restored first")


def refuse_other_customer_key(request, item) -> None:
    """InvalidEncryptionAlgorithmError unless the request brings the key the object was encrypted with."""
    given = request.extension.get(f"{CUSTOMER}key-md5", "")
    if given != item.customer_key_md5:
        needed = "the customer key it was stored with" if item.customer_key_md5 else "no customer key"
        raise ObsError("InvalidEncryptionAlgorithmError", f"reading it needs {needed}")


def headers_of_object(request, item) -> tuple[dict, dict]:
    """(headers, extension headers) that tell of an object."""
    headers = {HEADER_NAMES[name]: value for name, value in item.headers.items()}
    headers |= {"ETag": item.etag, "Last-Modified": http_time(item.moment), "Accept-Ranges": "bytes"}
    extension = {f"meta-{name}": value for name, value in item.own_metadata.items()}
    if item.storage_class != "STANDARD":
        extension["storage-class"] = storage_class_out(item.storage_class, request.dialect)
    if item.redirect:
        extension["website-redirect-location"] = item.redirect
    if item.version_id != "null" or request.storage.buckets[request.bucket].versioning_status:
        extension["version-id"] = item.version_id
    if item.tags:
        extension["tagging-count"] = len(item.tags)
    if item.restored_until > request.moment:
        extension["restore"] = f'ongoing-request="false", expiry-date="{http_time(item.restored_until)}"'
    if item.expires_days:
        when = http_time(item.moment + item.expires_days * 86400)
        extension["expiration"] = f'expiry-date="{when}", rule-id="-"'
    return headers, extension | encryption_headers(request, item)


def encryption_headers(request, item) -> dict:
    """The extension headers that tell how an object is encrypted."""
    if item.customer_key_md5:
        return {f"{CUSTOMER}algorithm": "AES256", f"{CUSTOMER}key-MD5": item.customer_key_md5}
    found = {name: value for name, value in item.encrypted.items() if value}
    if found:
        found["server-side-encryption"] = encryption_out(found["server-side-encryption"], request.dialect)
    return found


def overridden(request) -> dict:
    """The headers of the answer that the query asks for. InvalidRequest when nobody signed that."""
    asked = {header: request.query[name] for name, header in OVERRIDES.items() if request.query.get(name)}
    if asked and request.anonymous:
        raise ObsError("InvalidRequest", "response headers can be overridden in signed requests only")
    if any(re.search(r"[\r\n\x00]", value) for value in asked.values()):
        raise ObsError("InvalidArgument", "a response header cannot have line breaks")
    return {header: value.encode().decode("latin-1") for header, value in asked.items()}


def check_conditions(request, item) -> bool:
    """Whether the client has the object already (304). PreconditionFailed when what it wants is not there."""
    headers = request.headers
    if "if-match" in headers:
        if not names_etag(headers["if-match"], item):
            raise ObsError("PreconditionFailed", f"If-Match is not {item.etag}")
    elif later_than(item, headers.get("if-unmodified-since")):
        raise ObsError("PreconditionFailed", f"it was modified {http_time(item.moment)}")
    if "if-none-match" in headers:
        return names_etag(headers["if-none-match"], item)
    since = headers.get("if-modified-since")
    return later_than(item, since) is False


def names_etag(condition: str, item) -> bool:
    """Whether a condition names the object's ETag; some clients percent-encode it or leave out the quotes."""
    named = [part.strip().removeprefix("W/").strip('"') for part in unquote(condition).split(",")]
    return "*" in named or item.etag.strip('"') in named


def later_than(item, date: str | None) -> bool | None:
    """Whether the object is newer than the date; None when that is no date."""
    seconds = seconds_of_date(unquote(date)) if date else None
    return None if seconds is None else int(item.moment) > seconds


def range_of(request, item) -> tuple[int, int, int]:
    """(start, end, status) of what to send. InvalidRange when none of it is there."""
    part = request.number("partnumber", 0, 1, 10000)
    if part:
        sizes = item.part_sizes or [item.size]
        if part > len(sizes):
            raise ObsError("InvalidRange", f"part {part} of {len(sizes)}")
        start = sum(sizes[: part - 1])
        return start, start + sizes[part - 1], 206
    found = re.fullmatch(
        r"bytes=([0-9]{0,19})-([0-9]{0,19})", request.headers.get("range", "").replace(" ", "")
    )
    if found is None or found[0] == "bytes=-" or (found[1] and found[2] and int(found[1]) > int(found[2])):
        return 0, item.size, 200
    if found[1]:
        start = int(found[1])
        end = min(int(found[2]) + 1, item.size) if found[2] else item.size
    else:
        start, end = max(item.size - int(found[2]), 0), item.size
    if start >= item.size or start >= end:
        raise ObsError(
            "InvalidRange", f"{found[0]} of {item.size} bytes", {"Content-Range": f"bytes */{item.size}"}
        )
    return start, end, 206
