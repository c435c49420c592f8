"""Objects, written: put, described by headers, their metadata changed, restored."""

import base64
import hashlib
import re
from urllib.parse import parse_qsl

from modelarts_emulator.obs import xml
from modelarts_emulator.obs.bodies import Sent, sent
from modelarts_emulator.obs.dialects import ARCHIVES, encryption_in, http_time, storage_class_in
from modelarts_emulator.obs.grants import grants_in_headers
from modelarts_emulator.obs.names import refuse_key
from modelarts_emulator.obs.reading import (
    CUSTOMER,
    HEADER_NAMES,
    encryption_headers,
    found_object,
    names_etag,
)
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply
from modelarts_emulator.obs.storage import StoredObject

MOST_METADATA = 8 << 10
MOST_TAGS = 10
LONGEST_REDIRECT = 2 << 10
DEFAULT_TYPE = "binary/octet-stream"


def put_object(request) -> Reply:
    """Store what the request carries."""
    bucket = request.find_bucket()
    refuse_key(request.key)
    refuse_unwanted_overwrite(request, bucket)
    item = new_object(request, bucket, request.content)
    request.storage.put(bucket, item)
    return stored_reply(request, bucket, item)


def new_object(request, bucket, content: bytes | Sent, source=None, parts=()):
    """An object as the request's headers describe it, not yet stored; source: whose metadata it takes over.

    parts: the objects whose contents make up the content, instead of bytes in memory; the caller sets its ETag.
    """
    described = source_description(source) if source is not None else description(request)
    grants = grants_in_headers(request.extension, bucket.owner)
    storage_class = storage_class_in(request.extension.get("storage-class", bucket.storage_class))
    content = content_of(parts) if parts else sent(content)
    refuse_over_quota(bucket, content.size)
    digest = "" if parts else content.digest("md5").hex()
    kept = request.storage.content(content)
    item = StoredObject(request.key, kept, digest, request.moment, storage_class, bucket.owner)
    for name, value in (described | encryption(request, bucket)).items():
        setattr(item, name, value)
    if grants is not None:
        item.grants = grants
    return item


def content_of(parts) -> Sent:
    """The contents of several objects, one behind the other."""
    return Sent(
        sum(part.size for part in parts), lambda: (piece for part in parts for piece in part.pieces())
    )


def description(request) -> dict:
    """What the headers say of an object: types, the client's metadata, tags, redirection. ObsError when they cannot."""
    extension = request.extension
    metadata = {name[5:]: value for name, value in extension.items() if name.startswith("meta-")}
    if sum(len(name) + len(value) for name, value in metadata.items()) > MOST_METADATA:
        raise ObsError("MetadataTooLarge", f"at most {MOST_METADATA} bytes")
    headers = {name: request.headers[name] for name in HEADER_NAMES if request.headers.get(name)}
    redirect = extension.get("website-redirect-location", "")
    if redirect and (
        not redirect.startswith(("/", "http://", "https://")) or len(redirect) > LONGEST_REDIRECT
    ):
        raise ObsError("InvalidArgument", "website-redirect-location must begin with /, http:// or https://")
    return {
        "headers": {"content-type": DEFAULT_TYPE} | headers,
        "own_metadata": metadata,
        "redirect": redirect,
        "tags": tags_in_header(extension.get("tagging", "")),
        "expires_days": expires_in(extension),
    }


def expires_in(extension: dict) -> int:
    """After how many days the object goes; 0 when it stays. InvalidArgument when that is no number of days."""
    text = extension.get("expires", "0")
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise ObsError("InvalidArgument", f"expires is {text[:40]!r}, must be a number of days")
    return int(text)


def source_description(source) -> dict:
    """What a copy takes over from its source."""
    return {
        "headers": dict(source.headers),
        "own_metadata": dict(source.own_metadata),
        "redirect": "",
        "tags": dict(source.tags),
        "expires_days": source.expires_days,
    }


def tags_in_header(text: str) -> dict:
    """The tags in a tagging header. InvalidTag when there are too many or they cannot be."""
    tags = dict(parse_qsl(text, keep_blank_values=True))
    refuse_tags(list(tags.items()))
    return tags


def refuse_tags(tags: list[tuple[str, str]]) -> None:
    """InvalidTag unless the tags may be: few, short, each key once."""
    if len(tags) > MOST_TAGS or len({key for key, _ in tags}) < len(tags):
        raise ObsError("InvalidTag", f"at most {MOST_TAGS} tags, each key once")
    if any(not 0 < len(key) <= 128 or len(value) > 256 for key, value in tags):
        raise ObsError("InvalidTag", "a key has 1 to 128 characters, a value at most 256")


def encryption(request, bucket) -> dict:
    """How the object is to be encrypted, by its own headers or its bucket's default."""
    extension = request.extension
    if f"{CUSTOMER}algorithm" in extension:
        return {"customer_key_md5": customer_key_md5(extension)}
    method = extension.get("server-side-encryption")
    key_id = extension.get("server-side-encryption-kms-key-id")
    key_id = key_id or extension.get("server-side-encryption-aws-kms-key-id", "")
    if method is None and "encryption" in bucket.documents:
        rule = xml.read(bucket.documents["encryption"], "ServerSideEncryptionConfiguration")
        method = xml.text_of(rule, "Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm")
        key_id = xml.text_of(rule, "Rule/ApplyServerSideEncryptionByDefault/KMSMasterKeyID") or ""
    if method is None:
        return {}
    return {
        "encrypted": {
            "server-side-encryption": encryption_in(method),
            "server-side-encryption-kms-key-id": key_id,
        }
    }


def customer_key_md5(extension: dict, prefix: str = CUSTOMER) -> str:
    """The MD5 of a customer's key. InvalidEncryptionAlgorithmError unless the three headers fit together."""
    try:
        key = base64.b64decode(extension.get(f"{prefix}key", ""), validate=True)
    except ValueError:
        key = b""
    digest = base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode()
    if (
        extension.get(f"{prefix}algorithm") != "AES256"
        or not key
        or extension.get(f"{prefix}key-md5") != digest
    ):
        raise ObsError(
            "InvalidEncryptionAlgorithmError", "algorithm AES256, a key in base64 and its MD5 are needed"
        )
    return digest


def refuse_over_quota(bucket, more: int) -> None:
    """InsufficientStorageSpace when the bucket's quota leaves no room for so many bytes."""
    if bucket.quota and bucket.stored + more > bucket.quota:
        raise ObsError("InsufficientStorageSpace", f"{bucket.stored} of {bucket.quota} bytes are used")


def refuse_unwanted_overwrite(request, bucket) -> None:
    """PreconditionFailed when If-Match or If-None-Match forbid to replace what is there."""
    if_match, if_none_match = request.headers.get("if-match"), request.headers.get("if-none-match")
    if if_match is None and if_none_match is None:
        return
    item = bucket.find(request.key)
    if if_match is not None and (item is None or not names_etag(if_match, item)):
        raise ObsError("PreconditionFailed", "If-Match")
    if if_none_match is not None and item is not None and names_etag(if_none_match, item):
        raise ObsError("PreconditionFailed", "If-None-Match")


def stored_reply(request, bucket, item) -> Reply:
    """What tells the client of the object it has stored."""
    extension = encryption_headers(request, item) | version_header(bucket, item)
    crc64 = request.extension.get("checksum-crc64ecma")
    if crc64:
        extension["checksum-crc64ecma"] = crc64
    return Reply(200, b"", {"ETag": item.etag}, extension)


def version_header(bucket, item) -> dict:
    """The header that names a version, where the bucket keeps versions."""
    return {"version-id": item.version_id} if bucket.versioning_status == "Enabled" else {}


def change_metadata(request) -> Reply:
    """Replace an object's metadata, or with REPLACE_NEW change only what is named."""
    bucket, item = found_object(request)
    directive = request.extension.get("metadata-directive")
    if directive not in ("REPLACE", "REPLACE_NEW"):
        raise ObsError(
            "InvalidArgument", f"metadata-directive is {directive}, must be REPLACE or REPLACE_NEW"
        )
    told = description(request)
    storage_class = storage_class_in(request.extension.get("storage-class", item.storage_class))
    if directive == "REPLACE_NEW":
        named = {name: request.headers[name] for name in HEADER_NAMES if request.headers.get(name)}
        told["headers"] = item.headers | named
        told["own_metadata"] = item.own_metadata | told["own_metadata"]
        told["redirect"] = told["redirect"] or item.redirect
        told["expires_days"] = told["expires_days"] or item.expires_days
    item.headers, item.own_metadata, item.redirect = told["headers"], told["own_metadata"], told["redirect"]
    item.expires_days = told["expires_days"]
    item._storage_class = storage_class
    item.moment = request.moment
    bucket.let_expire(item)
    extension = {f"meta-{name}": value for name, value in item.own_metadata.items()}
    headers = {HEADER_NAMES[name]: value for name, value in item.headers.items()}
    return Reply(200, b"", headers, extension | version_header(bucket, item))


def restore_object(request) -> Reply:
    """Make an archived object readable for some days: at once, whatever the tier."""
    _, item = found_object(request)
    tree = read_document(request, "RestoreRequest")
    days = xml.text_of(tree, "Days") or ""
    if not re.fullmatch(r"[0-9]{1,9}", days):
        raise ObsError("MalformedXML", f"Days is {days[:40]!r}, must be a whole number")
    if not 1 <= int(days) <= 30:
        raise ObsError("InvalidArgument", "restoration days should be at least 1 and at most 30")
    if item.storage_class not in ARCHIVES:
        return Reply(200)
    until = request.moment + int(days) * 86400
    restored = item.restored_until > request.moment
    if restored and until < item.restored_until:
        raise ObsError("ObjectHasAlreadyRestored", f"it is restored until {http_time(item.restored_until)}")
    item.restored_until = until
    return Reply(200 if restored else 202)


def read_document(request, root: str):
    """The body as XML in OBS's own words. MalformedXML when it is none with that root."""
    if not request.body.strip():
        raise ObsError("MissingRequestBodyError", f"a {root} is needed")
    try:
        return xml.read(request.body, root)
    except xml.BadXml as error:
        raise ObsError("MalformedXML", str(error)) from None
