"""Buckets: listed, created, described, deleted, and what is set for each by a single value."""

import re

from modelarts_emulator.obs import xml
from modelarts_emulator.obs.cors import cors_headers
from modelarts_emulator.obs.dialects import (
    AWS_STORAGE_CLASSES,
    NAMESPACES,
    iso_time,
    storage_class_in,
    storage_class_out,
)
from modelarts_emulator.obs.grants import (
    everyone_may,
    grants_document,
    grants_in_document,
    grants_in_headers,
    owner_element,
)
from modelarts_emulator.obs.names import refuse_bucket_name
from modelarts_emulator.obs.policies import is_public
from modelarts_emulator.obs.reading import found_object
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply, document_reply, xml_reply
from modelarts_emulator.obs.writing import read_document

LOCATION = re.compile(r"[A-Za-z0-9-]{1,64}")
LARGEST_QUOTA = (1 << 63) - 1
OBS_VERSION = "3.0"


def list_buckets(request) -> Reply:
    """The buckets of the account, by name, page by page if the client wants pages."""
    storage = request.storage
    most = request.number("max-keys", 0, 1, 1000) or request.number("max-buckets", 0, 1, 10000)
    marker = request.query.get("marker") or request.query.get("continuation-token") or ""
    kind = request.extension.get("bucket-type", "").upper()
    prefix = request.query.get("prefix") or ""
    rest = [
        bucket
        for name, bucket in sorted(storage.buckets.items())
        if name > marker and name.startswith(prefix) and kind in ("", bucket_type(bucket))
    ]
    shown = rest[:most] if most else rest
    truncated = len(shown) < len(rest)
    paging = [xml.element("IsTruncated", truncated), xml.optional("Marker", marker)] if most or marker else []
    if truncated:
        paging += [xml.element(tag, shown[-1].name) for tag in ("NextMarker", "ContinuationToken")]
    return xml_reply(
        request,
        "ListAllMyBucketsResult",
        owner_element(storage.owner, request.dialect),
        xml.element("Buckets", [bucket_element(bucket, request.dialect) for bucket in shown]),
        *paging,
    )


def bucket_element(bucket, dialect: str) -> str:
    """One bucket's row."""
    parts = [
        xml.element("Name", bucket.name),
        xml.element("CreationDate", iso_time(bucket.moment)),
        xml.element("Location", bucket.location),
        xml.element("BucketType", bucket_type(bucket)),
    ]
    return xml.element(
        "Bucket", [*parts, xml.element("BucketRegion", bucket.location)] if dialect == "aws" else parts
    )


def bucket_type(bucket) -> str:
    """OBJECT, or POSIX for a parallel file system."""
    return "POSIX" if bucket.is_file_system else "OBJECT"


def create_bucket(request) -> Reply:
    """A bucket or parallel file system; to ask again for one's own in the same region is no error."""
    storage = request.storage
    refuse_bucket_name(request.bucket)
    location = location_in(request) or storage.region
    wanted = request.extension.get("storage-class") or request.headers.get(
        "x-default-storage-class", "STANDARD"
    )
    storage_class = storage_class_in(wanted, "InvalidDefaultStorageClass")
    interface = request.extension.get("fs-file-interface")
    if interface not in (None, "Enabled"):
        raise ObsError("InvalidArgument", f"fs-file-interface is {interface[:40]!r}, must be Enabled")
    if request.extension.get("bucket-object-lock-enabled", "").lower() == "true":
        raise ObsError(
            "ServiceNotImplemented", "buckets with WORM (bucket-object-lock-enabled) are not emulated"
        )
    grants = grants_in_headers(request.extension, storage.owner)
    bucket = storage.buckets.get(request.bucket)
    if bucket is not None and bucket.location != location:
        raise ObsError("BucketAlreadyOwnedByYou", f"{bucket.name} is in {bucket.location}")
    if bucket is None:
        bucket = storage.create_bucket(request.bucket, location, request.moment)
        bucket.storage_class = storage_class
        bucket.is_file_system = interface is not None
        bucket.grants = bucket.grants if grants is None else grants
    return Reply(200, b"", {"Location": f"/{bucket.name}"})


def location_in(request) -> str | None:
    """The region a CreateBucketConfiguration names. InvalidLocationConstraint when none can be called that."""
    if not request.body.strip():
        return None
    tree = read_document(request, "CreateBucketConfiguration")
    location = xml.text_of(tree, "Location") or xml.text_of(tree, "LocationConstraint")
    if location and not LOCATION.fullmatch(location):
        raise ObsError("InvalidLocationConstraint", f"{location[:80]!r} is no region")
    return location


def delete_bucket(request) -> Reply:
    """Delete an empty bucket."""
    bucket = request.find_bucket()
    if bucket.names or bucket.multiparts:
        what = f"{len(bucket.names)} objects and {len(bucket.multiparts)} unfinished multipart uploads"
        raise ObsError("BucketNotEmpty", f"{bucket.name} has {what}")
    request.storage.delete_bucket(bucket)
    return Reply(204)


def head_bucket(request) -> Reply:
    """Where the bucket is and what it stores as."""
    bucket = request.find_bucket()
    extension = {
        "bucket-location": bucket.location,
        "version": OBS_VERSION,
        storage_class_header(request): storage_class_out(bucket.storage_class, request.dialect),
    }
    if bucket.is_file_system:
        extension["fs-file-interface"] = "Enabled"
    return Reply(200, b"", {"Content-Type": "application/xml"} | cors_headers(bucket, request), extension)


def storage_class_header(request) -> str:
    """The header in which a bucket's storage class is told."""
    return "storage-class" if request.dialect == "obs" else "default-storage-class"


def show_location(request) -> Reply:
    """The bucket's region: as root text, and for esdk's AWS dialects as a child of the same name."""
    bucket = request.find_bucket()
    if request.dialect == "obs":
        return xml_reply(request, "Location", bucket.location)
    body = xml.element(
        "LocationConstraint", [bucket.location, xml.element("LocationConstraint", bucket.location)]
    )
    body = body.replace(">", f' xmlns="{NAMESPACES["aws"]}">', 1)
    return document_reply((xml.DECLARATION + body).encode())


def show_storage_info(request) -> Reply:
    """How many bytes and objects the bucket holds, all and by class."""
    bucket = request.find_bucket()
    sizes: dict[str, list] = {"Standard": [], "Warm": [], "Cold": [], "DeepArchive": []}
    for name in bucket.names:
        for version in bucket.versions(name):
            if not version.is_marker:
                word = version.storage_class.title().replace("_", "")
                sizes.setdefault(word, []).append(version.size)
    by_class = [
        xml.element(tag, value)
        for word, found in sizes.items()
        for tag, value in ((f"{word}Size", sum(found)), (f"{word}ObjectNumber", len(found)))
    ]
    return xml_reply(
        request,
        "GetBucketStorageInfoResult",
        xml.element("Size", bucket.stored),
        xml.element("ObjectNumber", sum(len(found) for found in sizes.values())),
        *by_class,
    )


def show_versioning(request) -> Reply:
    """Enabled, Suspended, or nothing when versions were never kept."""
    bucket = request.find_bucket()
    return xml_reply(request, "VersioningConfiguration", xml.optional("Status", bucket.versioning_status))


def set_versioning(request) -> Reply:
    """Begin or stop to keep versions."""
    bucket = request.find_bucket()
    status = xml.text_of(read_document(request, "VersioningConfiguration"), "Status")
    if status not in ("Enabled", "Suspended"):
        raise ObsError("MalformedXML", f"Status is {status}, must be Enabled or Suspended")
    if bucket.is_file_system:
        raise ObsError("MethodNotAllowed", "parallel file systems keep no versions")
    if status == "Suspended" and "replication" in bucket.documents:
        raise ObsError("InvalidBucketState", "the bucket is replicated, which needs versions")
    bucket.versioning_status = status
    return Reply(200)


def show_quota(request) -> Reply:
    """The bytes the bucket may hold, 0 for any number."""
    bucket = request.find_bucket()
    return xml_reply(request, "Quota", xml.element("StorageQuota", bucket.quota))


def set_quota(request) -> Reply:
    """Limit the bytes the bucket may hold."""
    bucket = request.find_bucket()
    quota = xml.text_of(read_document(request, "Quota"), "StorageQuota") or ""
    if not re.fullmatch(r"[0-9]{1,19}", quota) or int(quota) > LARGEST_QUOTA:
        raise ObsError(
            "MalformedQuotaError", f"StorageQuota is {quota[:40]!r}, must be from 0 to {LARGEST_QUOTA}"
        )
    bucket.quota = int(quota)
    return Reply(200)


def show_storage_class(request) -> Reply:
    """The class in which objects are stored that name none: told as the sub-resource of either dialect."""
    bucket = request.find_bucket()
    if "storageclass" in request.query:
        return xml_reply(request, "StorageClass", bucket.storage_class)
    storage_class = AWS_STORAGE_CLASSES.get(bucket.storage_class, bucket.storage_class)
    return xml_reply(request, "StoragePolicy", xml.element("DefaultStorageClass", storage_class))


def set_storage_class(request) -> Reply:
    """Change the class in which objects are stored that name none."""
    bucket = request.find_bucket()
    if "storageclass" in request.query:
        named = (read_document(request, "StorageClass").text or "").strip()
    else:
        named = xml.text_of(read_document(request, "StoragePolicy"), "DefaultStorageClass") or ""
    bucket.storage_class = storage_class_in(named, "InvalidDefaultStorageClass")
    return Reply(200)


def show_payer(request) -> Reply:
    """Who pays for requests."""
    bucket = request.find_bucket()
    return xml_reply(request, "RequestPaymentConfiguration", xml.element("Payer", bucket.payer))


def set_payer(request) -> Reply:
    """Change who pays for requests."""
    bucket = request.find_bucket()
    payer = xml.text_of(read_document(request, "RequestPaymentConfiguration"), "Payer")
    if payer not in ("BucketOwner", "Requester"):
        raise ObsError("MalformedXML", f"Payer is {payer}, must be BucketOwner or Requester")
    bucket.payer = payer
    return Reply(200)


def show_bucket_acl(request) -> Reply:
    """Who may do what with the bucket."""
    bucket = request.find_bucket()
    return document_reply(grants_document(bucket.grants, bucket.owner, request.dialect))


def set_bucket_acl(request) -> Reply:
    """Change who may do what with the bucket."""
    bucket = request.find_bucket()
    bucket.grants = asked_grants(request, bucket.owner)
    return Reply(200)


def show_object_acl(request) -> Reply:
    """Who may do what with the object."""
    bucket, item = found_object(request)
    return document_reply(grants_document(item.grants, bucket.owner, request.dialect, item.inherits))


def set_object_acl(request) -> Reply:
    """Change who may do what with the object."""
    bucket, item = found_object(request)
    item.grants = asked_grants(request, bucket.owner)
    if request.body.strip():
        item.inherits = xml.text_of(xml.read(request.body, "AccessControlPolicy"), "Delivered") != "false"
    return Reply(200)


def asked_grants(request, owner: str) -> list:
    """The grants in the headers, else in the body. MissingRequestBodyError when there are none in either."""
    grants = grants_in_headers(request.extension, owner)
    if grants is not None:
        return grants
    if not request.body.strip():
        raise ObsError("MissingRequestBodyError", "a canned acl header or an AccessControlPolicy is needed")
    return grants_in_document(request.body)


def show_public_status(request) -> Reply:
    """Whether anybody can read or write the bucket, by its ACL or its policy."""
    bucket = request.find_bucket()
    public = is_public(bucket.policy_document)
    if "policystatus" in request.query:
        return xml_reply(request, "PolicyStatus", xml.element("IsPublic", public))
    public = public or everyone_may(bucket.grants, "READ") or everyone_may(bucket.grants, "WRITE")
    return xml_reply(request, "BucketStatus", xml.element("IsPublic", public))
