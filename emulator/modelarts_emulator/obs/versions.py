"""Lists of things several of which have one name: versions of objects, uploads under way."""

from modelarts_emulator.obs import xml
from modelarts_emulator.obs.dialects import iso_time, storage_class_out
from modelarts_emulator.obs.grants import owner_element
from modelarts_emulator.obs.listing import MOST, encoding_element, facts, named, page_of, text
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply, xml_reply


def list_versions(request) -> Reply:
    """All versions and delete markers of the objects of a bucket, the newest of each first."""
    bucket = request.find_bucket()
    most = request.number("max-keys", MOST, 0, (1 << 31) - 1)
    version_marker = text(request, "version-id-marker")

    def versions_of(name: str) -> list:
        return list(reversed(bucket.versions(name)))

    rows, truncated = rows_of_page(
        request,
        bucket.names,
        versions_of,
        lambda version: version.version_id,
        version_marker,
        min(most, MOST),
    )
    following = next_markers(request, rows[-1], "NextVersionIdMarker") if truncated else ()
    return xml_reply(
        request,
        "ListVersionsResult",
        xml.element("Name", bucket.name),
        *common_elements(request),
        xml.element("VersionIdMarker", version_marker),
        *following,
        xml.element("MaxKeys", most),
        xml.element("IsTruncated", truncated),
        *(version_element(request, bucket, name, version) for name, version, _ in rows),
        extension={"bucket-location": bucket.location},
    )


def list_uploads(request) -> Reply:
    """The multipart uploads of a bucket that are under way."""
    bucket = request.find_bucket()
    most = request.number("max-uploads", MOST, 1, (1 << 31) - 1)
    upload_marker = text(request, "upload-id-marker")
    by_name: dict = {}
    for upload in bucket.multiparts.values():
        by_name.setdefault(upload.key_name, []).append(upload)
    rows, truncated = rows_of_page(
        request,
        sorted(by_name),
        lambda name: by_name.get(name, []),
        lambda upload: upload.id,
        upload_marker,
        min(most, MOST),
    )
    following = next_markers(request, rows[-1], "NextUploadIdMarker") if truncated else ()
    return xml_reply(
        request,
        "ListMultipartUploadsResult",
        xml.element("Bucket", bucket.name),
        *common_elements(request),
        xml.element("UploadIdMarker", upload_marker),
        *following,
        xml.element("MaxUploads", most),
        xml.element("IsTruncated", truncated),
        *(upload_element(request, bucket, name, upload) for name, upload, _ in rows),
    )


def rows_of_page(request, names: list[str], things_of, id_of, id_marker: str, most: int) -> tuple[list, bool]:
    """(rows, whether more follow) after the markers of a request; a row is (name, thing, its id).

    names: sorted. things_of(name): those of that name, in order. A common prefix is a row without a thing.
    """
    marker, rows = text(request, "key-marker"), []
    if marker and id_marker:
        rows = [(marker, thing, id_of(thing)) for thing in later(things_of(marker), id_of, id_marker)]
    page = page_of(
        names, text(request, "prefix"), text(request, "delimiter"), marker, MOST + 1, lambda name: [name]
    )
    for name in sorted([*page.rows, *page.prefixes]):
        if len(rows) > most:
            break
        things = [] if name in page.prefixes else things_of(name)
        rows += [(name, thing, id_of(thing)) for thing in things] or [(name, None, "")]
    return rows[:most], len(rows) > most > 0


def later(things: list, id_of, id: str) -> list:
    """Those that come after the one with that id. InvalidArgument when it is none of them."""
    ids = [id_of(thing) for thing in things]
    if id not in ids:
        raise ObsError("InvalidArgument", f"the marker {id[:64]} is none that a list has given")
    return things[ids.index(id) + 1 :]


def common_elements(request) -> list[str]:
    """What both lists tell of the request."""
    delimiter = text(request, "delimiter")
    return [
        named(request, "Prefix", text(request, "prefix")),
        named(request, "Delimiter", delimiter) if delimiter else "",
        encoding_element(request),
        named(request, "KeyMarker", text(request, "key-marker")),
    ]


def next_markers(request, row, tag: str) -> list[str]:
    """Where the next page begins."""
    name, _, id = row
    return [named(request, "NextKeyMarker", name), xml.optional(tag, id)]


def version_element(request, bucket, name: str, version) -> str:
    """One version's row, or that of a common prefix."""
    if version is None:
        return xml.element("CommonPrefixes", [named(request, "Prefix", name)])
    head = [
        named(request, "Key", name),
        xml.element("VersionId", version.version_id),
        xml.element("IsLatest", version is bucket.versions(name)[-1]),
    ]
    if version.is_marker:
        owner = owner_element(bucket.owner, request.dialect)
        return xml.element(
            "DeleteMarker", [*head, xml.element("LastModified", iso_time(version.moment)), owner]
        )
    return xml.element("Version", [*head, *facts(request, bucket, version)])


def upload_element(request, bucket, name: str, upload) -> str:
    """One upload's row, or that of a common prefix."""
    if upload is None:
        return xml.element("CommonPrefixes", [named(request, "Prefix", name)])
    return xml.element(
        "Upload",
        [
            named(request, "Key", name),
            xml.element("UploadId", upload.id),
            xml.element("Initiator", [xml.element("ID", bucket.owner)]),
            owner_element(bucket.owner, request.dialect),
            xml.element("StorageClass", storage_class_out(upload.storage, request.dialect)),
            xml.element("Initiated", iso_time(upload.moment)),
        ],
    )
