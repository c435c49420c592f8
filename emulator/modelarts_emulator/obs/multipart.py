"""Objects in parts: initiated, uploaded or copied part by part, listed, completed, given up."""

import hashlib
import re

from modelarts_emulator.obs import xml
from modelarts_emulator.obs.bodies import Sent
from modelarts_emulator.obs.copying import copied_object
from modelarts_emulator.obs.dialects import iso_time, storage_class_in, storage_class_out
from modelarts_emulator.obs.grants import grants_in_headers, owner_element
from modelarts_emulator.obs.names import refuse_key
from modelarts_emulator.obs.reading import encryption_headers
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply, xml_reply
from modelarts_emulator.obs.storage import Upload
from modelarts_emulator.obs.writing import (
    description,
    encryption,
    new_object,
    read_document,
    refuse_over_quota,
    refuse_unwanted_overwrite,
    version_header,
)
from modelarts_emulator.waiting import refuse_to_wait

SMALLEST_PART = 100 << 10
MOST_PARTS = 10000


def initiate_upload(request) -> Reply:
    """Begin an upload; what the headers say of the object holds once it is complete."""
    bucket = request.find_bucket()
    refuse_key(request.key)
    description(request)
    grants_in_headers(request.extension, bucket.owner)
    encryption(request, bucket)
    storage_class = storage_class_in(request.extension.get("storage-class", bucket.storage_class))
    upload = Upload(request.key, request.storage.next_id(), request.moment, storage_class, request)
    bucket.multiparts[upload.id] = upload
    request.notes["id"] = upload.id
    return xml_reply(
        request,
        "InitiateMultipartUploadResult",
        xml.element("Bucket", bucket.name),
        xml.element("Key", request.key),
        xml.element("UploadId", upload.id),
    )


def upload_part(request) -> Reply:
    """Take in one part."""
    bucket, upload = found_upload(request)
    part = put_part(request, bucket, upload, request.content)
    sums = {name: value for name, value in request.extension.items() if name.startswith("checksum-")}
    return Reply(200, b"", {"ETag": part.etag}, sums)


def copy_part(request) -> Reply:
    """Take in one part from an object that is already there."""
    bucket, upload = found_upload(request)
    _, source, _ = copied_object(request)
    start, end = 0, source.size
    span = request.extension.get("copy-source-range")
    if span is not None:
        found = re.fullmatch(r"bytes=([0-9]{1,19})-([0-9]{1,19})", span.strip())
        if found is None or not int(found[1]) <= int(found[2]) < source.size:
            raise ObsError(
                "InvalidArgument", f"copy-source-range {span[:60]!r} of an object of {source.size} bytes"
            )
        start, end = int(found[1]), int(found[2]) + 1
    part = put_part(request, bucket, upload, Sent(end - start, lambda: source.pieces(start, end)))
    return xml_reply(
        request,
        "CopyPartResult",
        xml.element("LastModified", iso_time(part.moment)),
        xml.element("ETag", part.etag),
    )


def put_part(request, bucket, upload: Upload, content: Sent):
    """Store a part under its number. ObsError when the number cannot be or the quota is used up."""
    number = request.number("partnumber", 0, 1, MOST_PARTS)
    if not number:
        raise ObsError("InvalidArgument", f"partNumber must be from 1 to {MOST_PARTS}")
    refuse_over_quota(bucket, content.size)
    kept = request.storage.content(content)
    return upload.put_part(number, kept, content.digest("md5").hex(), request.moment, bucket.owner)


def found_upload(request):
    """(bucket, upload) a request names. NoSuchUpload when it is not under way for that key."""
    bucket = request.find_bucket()
    upload_id = request.query.get("uploadid") or ""
    upload = bucket.multiparts.get(upload_id)
    if upload is None or upload.key_name != request.key:
        raise ObsError("NoSuchUpload", upload_id[:80])
    return bucket, upload


def complete_upload(request) -> Reply:
    """Make the object of the parts listed."""
    bucket, upload = found_upload(request)
    parts = listed_parts(request, upload)
    refuse_unwanted_overwrite(request, bucket)
    digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
    etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
    made = upload.made_by
    made.moment = request.moment
    made.storage = request.storage
    item = new_object(made, bucket, b"", parts=parts)
    item._etag = etag
    item.part_sizes = [part.size for part in parts]
    del bucket.multiparts[upload.id]
    request.storage.put(bucket, item)
    return xml_reply(
        request,
        "CompleteMultipartUploadResult",
        xml.element("Location", f"{request.base_url}/{bucket.name}/{item.name}"),
        xml.element("Bucket", bucket.name),
        xml.element("Key", item.name),
        xml.element("ETag", item.etag),
        extension=version_header(bucket, item) | encryption_headers(request, item),
    )


def listed_parts(request, upload: Upload) -> list:
    """The parts a completion lists. ObsError when it is malformed, one is missing, out of order or too small."""
    tree = read_document(request, "CompleteMultipartUpload")
    rows = [
        (xml.text_of(node, "PartNumber") or "", xml.text_of(node, "ETag")) for node in tree.findall("Part")
    ]
    if not rows or not all(re.fullmatch(r"[0-9]{1,5}", number) and etag for number, etag in rows):
        raise ObsError("MalformedXML", "Part elements with PartNumber and ETag are needed")
    numbers = [int(number) for number, _ in rows]
    if numbers != sorted(set(numbers)):
        raise ObsError("InvalidPartOrder", f"part numbers {numbers[:20]}")
    for number, etag in rows:
        part = upload.parts.get(int(number))
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise ObsError("InvalidPart", f"part {number} with ETag {etag[:60]}")
        if part.size < SMALLEST_PART and int(number) != numbers[-1]:
            raise ObsError("EntityTooSmall", f"part {number} has {part.size} bytes, at least {SMALLEST_PART}")
    return [upload.parts[number] for number in numbers]


def abort_upload(request) -> Reply:
    """Give an upload up; its parts are gone."""
    bucket, upload = found_upload(request)
    # There may be ten thousand parts, each with a file of its own.
    refuse_to_wait()
    del bucket.multiparts[upload.id]
    return Reply(204)


def list_parts(request) -> Reply:
    """The parts that are there, in order, page by page."""
    bucket, upload = found_upload(request)
    marker = request.number("part-number-marker", 0)
    most = request.number("max-parts", 1000, 0, 1000)
    numbers = [number for number in upload.partlist if number > marker]
    page = numbers[:most]
    storage_class = storage_class_out(upload.storage, request.dialect)
    return xml_reply(
        request,
        "ListPartsResult",
        xml.element("Bucket", bucket.name),
        xml.element("Key", upload.key_name),
        xml.element("UploadId", upload.id),
        xml.element("Initiator", [xml.element("ID", bucket.owner)]),
        owner_element(bucket.owner, request.dialect),
        xml.element("StorageClass", storage_class),
        xml.element("PartNumberMarker", marker),
        xml.element("NextPartNumberMarker", page[-1] if page else marker),
        xml.element("MaxParts", most),
        xml.element("IsTruncated", len(numbers) > len(page)),
        *(part_element(number, upload.parts[number]) for number in page),
    )


def part_element(number: int, part) -> str:
    """One part's row in their list."""
    return xml.element(
        "Part",
        [
            xml.element("PartNumber", number),
            xml.element("LastModified", iso_time(part.moment)),
            xml.element("ETag", part.etag),
            xml.element("Size", part.size),
        ],
    )
