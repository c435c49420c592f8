"""The objects of a bucket, listed page by page."""

import base64
import binascii
from bisect import bisect_left, bisect_right
from typing import NamedTuple
from urllib.parse import quote

from modelarts_emulator.obs import xml
from modelarts_emulator.obs.dialects import iso_time, storage_class_out
from modelarts_emulator.obs.grants import owner_element
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply, xml_reply

MOST = 1000


class Page(NamedTuple):
    """What a page of a list holds. last: the name after which the next page begins, None at the end."""

    rows: list
    prefixes: list[str]
    last: str | None


def page_of(names: list[str], prefix: str, delimiter: str, marker: str, most: int, rows_of) -> Page:
    """The page of the sorted names after a marker: rows as rows_of(name) gives them, and common prefixes.

    Costs what the page and the names passed over cost, not what the bucket holds.
    """
    rows, prefixes, last = [], [], None
    at = max(bisect_left(names, prefix), bisect_right(names, marker) if marker else 0)
    while at < len(names) and names[at].startswith(prefix):
        common = common_prefix(names[at], prefix, delimiter)
        if common and common <= marker:
            at = place_after(names, common, at)
            continue
        found = [common] if common else rows_of(names[at])
        if found and len(rows) + len(prefixes) >= most:
            return Page(rows, prefixes, last)
        if found:
            last = common or names[at]
            (prefixes if common else rows).extend(found)
        at = place_after(names, common, at) if common else at + 1
    return Page(rows, prefixes, None)


def place_after(names: list[str], prefix: str, at: int) -> int:
    """The place of the first name that comes after all that begin with the prefix."""
    stem = prefix.rstrip("\U0010ffff")
    return bisect_left(names, stem[:-1] + chr(ord(stem[-1]) + 1), at) if stem else len(names)


def common_prefix(name: str, prefix: str, delimiter: str) -> str:
    """The part of a name that stands for all names which go on after the delimiter; "" when it has none."""
    cut = name.find(delimiter, len(prefix)) if delimiter else -1
    return name[: cut + len(delimiter)] if cut >= 0 else ""


def list_objects(request) -> Reply:
    """The objects of a bucket, in either version of the list."""
    bucket = request.find_bucket()
    second = request.query.get("list-type") == "2"
    most = request.number("max-keys", MOST, 0, (1 << 31) - 1)
    prefix, delimiter = text(request, "prefix"), text(request, "delimiter")
    marker = continued(request) if second else text(request, "marker")

    def current(name: str) -> list:
        item = bucket.find(name)
        return [] if item is None else [item]

    page = page_of(bucket.names, prefix, delimiter, marker, min(most, MOST), current)
    truncated = page.last is not None and most > 0
    contents = [object_element(request, bucket, item) for item in page.rows]
    contents += [
        xml.element("CommonPrefixes", [named(request, "Prefix", common)]) for common in page.prefixes
    ]
    paging = paging_2(request, page, truncated) if second else paging_1(request, page, truncated)
    return xml_reply(
        request,
        "ListBucketResult",
        xml.element("Name", bucket.name),
        named(request, "Prefix", prefix),
        *paging,
        xml.element("MaxKeys", most),
        named(request, "Delimiter", delimiter) if delimiter else "",
        encoding_element(request),
        xml.element("IsTruncated", truncated),
        *contents,
        extension={"bucket-location": bucket.location},
    )


def text(request, name: str) -> str:
    """A text in the query; "" when it is not there."""
    return request.query.get(name) or ""


def continued(request) -> str:
    """After which name the second version of the list goes on. InvalidArgument when the token is none of ours."""
    token = request.query.get("continuation-token")
    if token is None:
        return text(request, "start-after")
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise ObsError("InvalidArgument", "the continuation token is none that a list has given") from None


def paging_1(request, page: Page, truncated: bool) -> list[str]:
    """Where a page begins and ends, in the first version of the list."""
    following = [named(request, "NextMarker", page.last or "")] if truncated else []
    return [named(request, "Marker", text(request, "marker")), *following]


def paging_2(request, page: Page, truncated: bool) -> list[str]:
    """Where a page begins and ends, in the second version of the list."""
    found = [xml.element("KeyCount", len(page.rows) + len(page.prefixes))]
    if "continuation-token" in request.query:
        found.append(xml.element("ContinuationToken", text(request, "continuation-token")))
    if text(request, "start-after"):
        found.append(named(request, "StartAfter", text(request, "start-after")))
    if truncated:
        token = base64.urlsafe_b64encode((page.last or "").encode()).decode()
        found.append(xml.element("NextContinuationToken", token))
    return found


def named(request, tag: str, name: str) -> str:
    """An element with a name in it, encoded if the client wants that."""
    return xml.element(tag, quote(name, "/") if request.query.get("encoding-type") == "url" else name)


def encoding_element(request) -> str:
    """What tells that names are encoded. InvalidArgument for any encoding but url."""
    encoding = request.query.get("encoding-type")
    if encoding not in (None, "", "url"):
        raise ObsError("InvalidArgument", f"encoding-type is {encoding[:40]!r}, must be url")
    return xml.optional("EncodingType", encoding)


def object_element(request, bucket, item) -> str:
    """One object's row."""
    with_owner = request.query.get("list-type") != "2" or request.query.get("fetch-owner") == "true"
    return xml.element(
        "Contents", [named(request, "Key", item.name), *facts(request, bucket, item, with_owner)]
    )


def facts(request, bucket, item, with_owner: bool = True) -> list[str]:
    """What lists tell of an object besides its name."""
    kind = "Appendable" if item.appendable else "Normal"
    return [
        xml.element("LastModified", iso_time(item.moment)),
        xml.element("ETag", item.etag),
        xml.element("Size", item.size),
        owner_element(bucket.owner, request.dialect) if with_owner else "",
        xml.element("StorageClass", storage_class_out(item.storage_class, request.dialect)),
        xml.element("Type", kind) if request.dialect == "obs" else "",
    ]
