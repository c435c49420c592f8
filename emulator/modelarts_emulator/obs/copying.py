"""Objects, copied: whole, with or without their metadata, under conditions."""

from modelarts_emulator.obs import xml
from modelarts_emulator.obs.dialects import iso_time
from modelarts_emulator.obs.names import refuse_key
from modelarts_emulator.obs.reading import (
    CUSTOMER,
    encryption_headers,
    later_than,
    names_etag,
    refuse_archived,
)
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply, xml_reply
from modelarts_emulator.obs.requests import source_named
from modelarts_emulator.obs.storage import digest_of
from modelarts_emulator.obs.writing import description, new_object, tags_in_header, version_header


def copy_object(request) -> Reply:
    """Store a copy of an object; its metadata too, unless the request replaces it."""
    bucket = request.find_bucket()
    refuse_key(request.key)
    source_bucket, source, version_id = copied_object(request)
    directive = request.extension.get("metadata-directive", "COPY")
    if directive not in ("COPY", "REPLACE"):
        raise ObsError(
            "InvalidArgument", f"metadata-directive is {directive[:40]!r}, must be COPY or REPLACE"
        )
    refuse_pointless_copy(request, bucket, source_bucket, source, directive, version_id)
    item = new_object(request, bucket, b"", source if directive == "COPY" else None, parts=[source])
    item._etag = digest_of(source.pieces()).hexdigest()
    if request.extension.get("tagging-directive") == "REPLACE":
        item.tags = tags_in_header(request.extension.get("tagging", ""))
    elif directive == "REPLACE":
        item.tags = dict(source.tags)
    if directive == "COPY" and "website-redirect-location" in request.extension:
        item.redirect = description(request)["redirect"]
    request.storage.put(bucket, item)
    extension = version_header(bucket, item) | encryption_headers(request, item)
    if version_id is not None or source_bucket.versioning_status == "Enabled":
        extension["copy-source-version-id"] = source.version_id
    elements = xml.element("LastModified", iso_time(item.moment)), xml.element("ETag", item.etag)
    return xml_reply(request, "CopyObjectResult", *elements, extension=extension)


def copied_object(request):
    """(bucket, object, version id asked for) a request copies from. ObsError when it cannot be copied."""
    name, key, version_id = source_named(request.extension["copy-source"])
    bucket = request.storage.bucket(name, request.moment)
    item = bucket.find(key, version_id)
    if item is None:
        raise ObsError("NoSuchVersion" if version_id else "NoSuchKey", f"{name}/{key}"[:300])
    refuse_archived(item, request.moment)
    given = request.extension.get(f"copy-source-{CUSTOMER}key-md5", "")
    if given != item.customer_key_md5:
        raise ObsError(
            "InvalidEncryptionAlgorithmError", "copying it needs the customer key it was stored with"
        )
    refuse_copy_conditions(request, item)
    return bucket, item, version_id


def refuse_copy_conditions(request, item) -> None:
    """PreconditionFailed when the source is not as the client wants it to be."""
    conditions = {
        name[15:]: value for name, value in request.extension.items() if name.startswith("copy-source-if-")
    }
    holds = {
        "match": lambda value: names_etag(value, item),
        "none-match": lambda value: not names_etag(value, item),
        "modified-since": lambda value: later_than(item, value) is not False,
        "unmodified-since": lambda value: not later_than(item, value),
    }
    for name, value in conditions.items():
        if name in holds and not holds[name](value):
            raise ObsError("PreconditionFailed", f"copy-source-if-{name}")


def refuse_pointless_copy(request, bucket, source_bucket, source, directive: str, version_id) -> None:
    """InvalidRequest when an object is copied onto itself without changing anything."""
    changes = {"storage-class", "server-side-encryption", "website-redirect-location", f"{CUSTOMER}algorithm"}
    same = bucket is source_bucket and source.name == request.key and version_id is None
    if same and directive != "REPLACE" and not changes & request.extension.keys():
        raise ObsError(
            "InvalidRequest", "an object is copied onto itself only to change its metadata or class"
        )
