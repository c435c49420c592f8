"""Which function answers which request: the operations of OBS by what is addressed, method and sub-resource."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from modelarts_emulator.obs import (
    appending,
    buckets,
    configurations,
    copying,
    cors,
    deleting,
    images,
    listing,
    multipart,
    policies,
    reading,
    tagging,
    versions,
    writing,
)
from modelarts_emulator.obs.refusals import ObsError


class Operation(NamedTuple):
    """One operation. action, permission: what a policy and an ACL call it; without them it is for the owner only.

    changes: whether it changes what is stored. of_object: whether the object's ACL decides, not the bucket's.
    uploads: whether its body is content, whose length has to be known. afterwards: (request, reply) -> the reply, what
    takes its time and needs nothing that is stored.
    """

    behave: Callable
    action: str = ""
    permission: str = ""
    changes: bool = False
    of_object: bool = False
    uploads: bool = False
    afterwards: Callable | None = None


def change(behave, action: str = "", permission: str = "", of_object: bool = False) -> Operation:
    """An operation that changes what is stored."""
    return Operation(behave, action, permission, True, of_object)


def upload(behave, action: str = "", permission: str = "") -> Operation:
    """An operation that stores what its body is."""
    return Operation(behave, action, permission, True, uploads=True)


def configured(name: str, deletes: bool = True) -> dict:
    """The operations on a configuration that is kept as a document."""
    found = {
        ("bucket", "GET", name): Operation(partial(configurations.show_configuration, name=name)),
        ("bucket", "PUT", name): change(partial(configurations.set_configuration, name=name)),
    }
    if deletes:
        found["bucket", "DELETE", name] = change(partial(configurations.delete_configuration, name=name))
    return found


SERVICE = {("service", "GET", ""): Operation(buckets.list_buckets)}
BUCKETS = {
    ("bucket", "PUT", ""): change(buckets.create_bucket),
    ("bucket", "DELETE", ""): change(buckets.delete_bucket),
    ("bucket", "HEAD", ""): Operation(buckets.head_bucket, "HeadBucket", "READ"),
    ("bucket", "GET", ""): Operation(listing.list_objects, "ListBucket", "READ"),
    ("bucket", "POST", "delete"): change(deleting.delete_objects, "DeleteObject", "WRITE"),
    ("bucket", "OPTIONS", ""): Operation(cors.preflight),
    ("bucket", "GET", "versions"): Operation(versions.list_versions, "ListBucketVersions", "READ"),
    ("bucket", "GET", "uploads"): Operation(versions.list_uploads, "ListBucketMultipartUploads", "READ"),
    ("bucket", "GET", "location"): Operation(buckets.show_location, "GetBucketLocation", "READ"),
    ("bucket", "GET", "storageinfo"): Operation(buckets.show_storage_info),
    ("bucket", "GET", "versioning"): Operation(buckets.show_versioning),
    ("bucket", "PUT", "versioning"): change(buckets.set_versioning),
    ("bucket", "GET", "quota"): Operation(buckets.show_quota),
    ("bucket", "PUT", "quota"): change(buckets.set_quota),
    ("bucket", "GET", "storageclass"): Operation(buckets.show_storage_class),
    ("bucket", "PUT", "storageclass"): change(buckets.set_storage_class),
    ("bucket", "GET", "storagepolicy"): Operation(buckets.show_storage_class),
    ("bucket", "PUT", "storagepolicy"): change(buckets.set_storage_class),
    ("bucket", "GET", "requestpayment"): Operation(buckets.show_payer),
    ("bucket", "PUT", "requestpayment"): change(buckets.set_payer),
    ("bucket", "GET", "acl"): Operation(buckets.show_bucket_acl, "GetBucketAcl", "READ_ACP"),
    ("bucket", "PUT", "acl"): change(buckets.set_bucket_acl, "PutBucketAcl", "WRITE_ACP"),
    ("bucket", "GET", "policy"): Operation(policies.show_policy),
    ("bucket", "PUT", "policy"): change(policies.set_policy),
    ("bucket", "DELETE", "policy"): change(policies.delete_policy),
    ("bucket", "GET", "policystatus"): Operation(buckets.show_public_status),
    ("bucket", "GET", "bucketstatus"): Operation(buckets.show_public_status),
    **configured("lifecycle"),
    **configured("website"),
    **configured("cors"),
    **configured("notification", deletes=False),
    **configured("logging", deletes=False),
    **configured("tagging"),
    **configured("encryption"),
    **configured("replication"),
    **configured("publicaccessblock"),
    **configured("inventory"),
    ("bucket", "GET", "inventory"): Operation(configurations.show_inventories),
}
OBJECTS = {
    ("object", "PUT", ""): upload(writing.put_object, "PutObject", "WRITE"),
    ("object", "PUT", "copy-source"): change(copying.copy_object),
    ("object", "GET", ""): Operation(reading.get_object, "GetObject", "READ", of_object=True),
    ("object", "GET", "x-image-process"): Operation(
        images.get_picture, "GetObject", "READ", of_object=True, afterwards=images.resize_reply
    ),
    ("object", "HEAD", ""): Operation(reading.head_object, "GetObject", "READ", of_object=True),
    ("object", "DELETE", ""): change(deleting.delete_object, "DeleteObject", "WRITE"),
    ("object", "OPTIONS", ""): Operation(cors.preflight),
    ("object", "PUT", "metadata"): change(writing.change_metadata),
    ("object", "POST", "append"): upload(appending.append_object, "PutObject", "WRITE"),
    ("object", "PUT", "modify"): upload(appending.modify_object, "ModifyObject", "WRITE"),
    ("object", "PUT", "truncate"): change(appending.truncate_object),
    ("object", "POST", "rename"): change(appending.rename_object),
    ("object", "POST", "restore"): change(writing.restore_object),
    ("object", "GET", "acl"): Operation(buckets.show_object_acl, "GetObjectAcl", "READ_ACP", of_object=True),
    ("object", "PUT", "acl"): change(buckets.set_object_acl, "PutObjectAcl", "WRITE_ACP", of_object=True),
    ("object", "GET", "tagging"): Operation(tagging.show_object_tagging),
    ("object", "PUT", "tagging"): change(tagging.set_object_tagging),
    ("object", "DELETE", "tagging"): change(tagging.delete_object_tagging),
    ("object", "POST", "uploads"): change(multipart.initiate_upload, "PutObject", "WRITE"),
    ("object", "PUT", "uploadid"): upload(multipart.upload_part, "PutObject", "WRITE"),
    ("object", "PUT", "uploadid copy-source"): change(multipart.copy_part),
    ("object", "POST", "uploadid"): change(multipart.complete_upload, "PutObject", "WRITE"),
    ("object", "GET", "uploadid"): Operation(multipart.list_parts, "ListMultipartUploadParts", "READ"),
    ("object", "DELETE", "uploadid"): change(multipart.abort_upload, "AbortMultipartUpload", "WRITE"),
}
OPERATIONS = SERVICE | BUCKETS | OBJECTS
ADDRESSABLE = {
    scope: {name.partition(" ")[0] for where, _, name in OPERATIONS if where == scope} - {"", "copy-source"}
    for scope in ("service", "bucket", "object")
}
# Sub-resources that OBS or AWS have and that are not emulated: what they would do must not be taken for something else.
NOT_EMULATED = frozenset(
    [
        "accelerate",
        "analytics",
        "attributes",
        "backtosource",
        "customdomain",
        "deletebucket",
        "directcoldaccess",
        "dispolicy",
        "fetch",
        "fileinterface",
        "intelligent-tiering",
        "legal-hold",
        "metrics",
        "mirrorbacktosource",
        "obsalias",
        "obsbucketalias",
        "obscompresspolicy",
        "obsworkflowtriggerpolicy",
        "object-lock",
        "ownershipcontrols",
        "retention",
        "select",
        "torrent",
        "x-image-save-bucket",
        "x-image-save-object",
        "x-obs-accesslabel",
        "x-oss-process",
    ]
)


def operation_of(request) -> Operation:
    """What the request asks for. ObsError when OBS has no such operation, or it is not emulated."""
    scope = "object" if request.key else "bucket" if request.bucket else "service"
    refuse_not_emulated(request, scope)
    addressed = [name for name in request.query if name in ADDRESSABLE[scope]]
    if len(addressed) > 1:
        raise ObsError("InvalidArgument", f"{' and '.join(addressed)} cannot be addressed together")
    name = addressed[0] if addressed else ""
    if "copy-source" in request.extension and scope == "object" and request.method == "PUT":
        name = f"{name} copy-source".strip()
    found = OPERATIONS.get((scope, request.method, name))
    if found is None:
        methods = [method for where, method, n in OPERATIONS if (where, n) == (scope, name)]
        what = f"?{name}" if name else f"a {scope}"
        raise ObsError(
            "MethodNotAllowed",
            f"{what} takes {', '.join(methods) or 'nothing'}",
            {"Allow": ", ".join(methods)},
        )
    if found.uploads and request.sent and not request.sent.keys() & {"content-length", "transfer-encoding"}:
        raise ObsError("MissingContentLength")
    return found


def refuse_not_emulated(request, scope: str) -> None:
    """ServiceNotImplemented when the query addresses a sub-resource that is not emulated.

    A name that stands alone in a change addresses one too, known or not: what it asks for is no plain change.
    """
    changes = request.method in ("PUT", "POST", "DELETE")
    for name, value in request.query.items():
        alone = changes and value is None and name not in ADDRESSABLE[scope]
        if name in NOT_EMULATED or alone:
            raise ObsError(
                "ServiceNotImplemented", f"the emulator has no sub-resource {name[:60]!r} of a {scope}"
            )
