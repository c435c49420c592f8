"""Access control lists: what grants a header or a document means, and who may do what by them."""

import re
from typing import NamedTuple

from modelarts_emulator.obs import xml
from modelarts_emulator.obs.dialects import GROUPS, NAMESPACES, grantee_to_obs
from modelarts_emulator.obs.refusals import ObsError

PERMISSIONS = ("READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL")
EVERYONE = "Everyone"
CANNED = {
    "private": (),
    "public-read": (("READ", False),),
    "public-read-write": (("READ", False), ("WRITE", False)),
    "public-read-delivered": (("READ", True),),
    "public-read-write-delivered": (("READ", True), ("WRITE", True)),
    "bucket-owner-read": (),
    "bucket-owner-full-control": (),
    "authenticated-read": (),
    "log-delivery-write": (),
}
CANNED_GROUPS = {
    "authenticated-read": ("AuthenticatedUsers", "READ"),
    "log-delivery-write": ("LogDelivery", "WRITE"),
}
GRANT_HEADERS = {
    "grant-read": ("READ", False),
    "grant-write": ("WRITE", False),
    "grant-read-acp": ("READ_ACP", False),
    "grant-write-acp": ("WRITE_ACP", False),
    "grant-full-control": ("FULL_CONTROL", False),
    "grant-read-delivered": ("READ", True),
    "grant-full-control-delivered": ("FULL_CONTROL", True),
}
MOST_GRANTS = 100


class Grant(NamedTuple):
    """One permission for an account or a group. delivered: of a bucket's grant, that it holds for its objects too."""

    permission: str
    account: str = ""
    group: str = ""
    delivered: bool = False


def private(owner: str) -> list[Grant]:
    """What holds where nothing else was said."""
    return [Grant("FULL_CONTROL", owner)]


def canned_grants(name: str, owner: str) -> list[Grant]:
    """The grants of a canned ACL. InvalidArgument when there is none such."""
    if name not in CANNED:
        raise ObsError("InvalidArgument", f"acl {name[:40]!r}, must be {', '.join(CANNED)}")
    grants = private(owner) + [
        Grant(permission, "", EVERYONE, delivered) for permission, delivered in CANNED[name]
    ]
    if name in CANNED_GROUPS:
        group, permission = CANNED_GROUPS[name]
        grants.append(Grant(permission, "", group))
    return grants


def grants_in_headers(extension: dict, owner: str) -> list[Grant] | None:
    """What acl and grant-… headers ask for; None when there are none. ObsError when they make no sense."""
    given = [name for name in extension if name in GRANT_HEADERS]
    if "acl" in extension:
        if given:
            raise ObsError("InvalidRequest", "a canned acl and grant headers cannot be used at the same time")
        return canned_grants(extension["acl"].strip(), owner)
    grants = private(owner)
    for name in given:
        permission, delivered = GRANT_HEADERS[name]
        for part in extension[name].split(","):
            found = re.fullmatch(r'\s*(id|uri)\s*=\s*"?([^"]+?)"?\s*', part, re.IGNORECASE)
            if found is None:
                raise ObsError(
                    "InvalidArgument", f"{name} is {extension[name][:80]!r}, must be id=<account id>"
                )
            uri = {value: group for group, value in GROUPS.items()}.get(found[2], "")
            grants.append(Grant(permission, "" if uri else found[2], uri, delivered))
    return grants if given else None


def grants_in_document(body: bytes) -> list[Grant]:
    """The grants of an AccessControlPolicy in either dialect. MalformedACLError when it is none."""
    try:
        tree = xml.read(body, "AccessControlPolicy")
    except xml.BadXml as error:
        raise ObsError("MalformedACLError", str(error)) from None
    grants = [grant_of(node) for node in tree.findall("AccessControlList/Grant")]
    if xml.text_of(tree, "Owner/ID") is None or len(grants) > MOST_GRANTS:
        raise ObsError(
            "MalformedACLError", f"an Owner with its ID and at most {MOST_GRANTS} grants are needed"
        )
    return grants


def grant_of(node) -> Grant:
    """One Grant element. MalformedACLError when it does not say who may do what."""
    permission = xml.text_of(node, "Permission")
    grantee = node.find("Grantee")
    if permission not in PERMISSIONS or grantee is None:
        raise ObsError(
            "MalformedACLError", f"a Grant needs a Grantee and a Permission of {', '.join(PERMISSIONS)}"
        )
    grantee_to_obs(grantee)
    account, group = xml.text_of(grantee, "ID") or "", xml.text_of(grantee, "Canned") or ""
    if bool(account) == bool(group) or (group and group not in GROUPS):
        raise ObsError("MalformedACLError", f"a Grantee is an ID or one of {', '.join(GROUPS)}")
    return Grant(permission, account, group, xml.text_of(node, "Delivered") == "true")


def grants_document(grants: list[Grant], owner: str, dialect: str, delivered: bool | None = None) -> bytes:
    """The AccessControlPolicy that says these grants; delivered: of an object, whether its bucket's hold too."""
    rows = [grant_element(grant, dialect, delivered is None) for grant in grants]
    inherits = [xml.element("Delivered", delivered)] if delivered is not None and dialect == "obs" else []
    return xml.document(
        "AccessControlPolicy",
        owner_element(owner, dialect),
        *inherits,
        xml.element("AccessControlList", rows),
        namespace=NAMESPACES[dialect],
    )


def grant_element(grant: Grant, dialect: str, of_bucket: bool) -> str:
    """One Grant as the client reads it."""
    attributes = None
    if dialect == "aws":
        kind = "Group" if grant.group else "CanonicalUser"
        attributes = {"xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", "xsi:type": kind}
        who = xml.element("URI", GROUPS[grant.group]) if grant.group else xml.element("ID", grant.account)
    else:
        who = xml.element("Canned", grant.group) if grant.group else xml.element("ID", grant.account)
    parts = [xml.element("Grantee", [who], attributes), xml.element("Permission", grant.permission)]
    if dialect == "obs" and of_bucket:
        parts.append(xml.element("Delivered", grant.delivered))
    return xml.element("Grant", parts)


def owner_element(owner: str, dialect: str) -> str:
    """The Owner as the client reads it."""
    name = [xml.element("DisplayName", owner)] if dialect == "aws" else []
    return xml.element("Owner", [xml.element("ID", owner), *name])


def everyone_may(grants: list[Grant], permission: str, delivered: bool = False) -> bool:
    """Whether the list lets anonymous users do that; delivered: counting only what holds for the bucket's objects."""
    return any(
        grant.group == EVERYONE
        and grant.permission in (permission, "FULL_CONTROL")
        and (grant.delivered or not delivered)
        for grant in grants
    )
