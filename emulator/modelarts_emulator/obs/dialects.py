"""The two dialects of OBS: its own (x-obs-, WARM, Everyone) and that of AWS (x-amz-, STANDARD_IA, AllUsers).

Inside, everything is said in OBS's own.
"""

from email.utils import formatdate
from xml.etree import ElementTree

from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.worlds.clock import iso_of

NAMESPACES = {
    "obs": "http://obs.myhuaweicloud.com/doc/2015-06-30/",
    "aws": "http://s3.amazonaws.com/doc/2006-03-01/",
}
STORAGE_CLASSES = ("STANDARD", "WARM", "COLD", "DEEP_ARCHIVE", "INTELLIGENT_TIERING")
AWS_STORAGE_CLASSES = {"WARM": "STANDARD_IA", "COLD": "GLACIER"}
OBS_STORAGE_CLASSES = {aws: obs for obs, aws in AWS_STORAGE_CLASSES.items()}
ARCHIVES = ("COLD", "DEEP_ARCHIVE")
GROUPS = {
    "Everyone": "http://acs.amazonaws.com/groups/global/AllUsers",
    "AuthenticatedUsers": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
    "LogDelivery": "http://acs.amazonaws.com/groups/s3/LogDelivery",
}
OBS_GROUPS = {uri: group for group, uri in GROUPS.items()}
AWS_HEADERS = {
    "bucket-location": "bucket-region",
    "server-side-encryption-kms-key-id": "server-side-encryption-aws-kms-key-id",
}
OWN_HEADERS = ("next-append-position", "object-type", "version", "fs-file-interface")
STORAGE_TAGS = ("StorageClass", "DefaultStorageClass")
BUCKET_ARN = "arn:aws:s3:::"


def header_name(name: str, dialect: str) -> str:
    """The header in which that extension is answered."""
    if dialect == "obs" or name in OWN_HEADERS:
        return f"x-obs-{name}"
    if name == "default-storage-class":
        return "x-default-storage-class"
    return f"x-amz-{AWS_HEADERS.get(name, name)}"


def storage_class_in(name: str, code: str = "InvalidArgument") -> str:
    """OBS's name of a storage class said in either dialect. ObsError with that code when there is none such."""
    known = OBS_STORAGE_CLASSES.get(name, name)
    if known not in STORAGE_CLASSES:
        raise ObsError(code, f"storage class {name[:40]!r}, must be {', '.join(STORAGE_CLASSES)}")
    return known


def storage_class_out(name: str, dialect: str) -> str:
    """The storage class as the client calls it."""
    return AWS_STORAGE_CLASSES.get(name, name) if dialect == "aws" else name


def encryption_in(name: str) -> str:
    """OBS's name of a way to encrypt. InvalidArgument when there is none such."""
    known = name.removeprefix("aws:")
    if known not in ("kms", "AES256"):
        raise ObsError("InvalidArgument", f"server-side encryption {name[:40]!r}, must be kms or AES256")
    return known


def encryption_out(name: str, dialect: str) -> str:
    """The way to encrypt as the client calls it."""
    return "aws:kms" if name == "kms" and dialect == "aws" else name


def iso_time(moment: float) -> str:
    """A moment as listings tell it."""
    return iso_of(moment, 3)


def http_time(moment: float) -> str:
    """A moment as headers tell it."""
    return formatdate(int(moment), usegmt=True)


def to_obs(node: ElementTree.Element) -> None:
    """Change a configuration said in AWS's dialect into OBS's own, in place; what is OBS's own already stays."""
    for child in node.iter():
        text = (child.text or "").strip()
        if child.tag in STORAGE_TAGS and not len(child):
            child.text = storage_class_in(text)
        elif child.tag == "SSEAlgorithm":
            child.text = encryption_in(text)
        elif child.tag == "Event":
            child.text = text.removeprefix("s3:")
        elif child.tag == "Bucket" and node.tag == "ReplicationConfiguration":
            child.text = text.removeprefix(BUCKET_ARN)
        elif child.tag == "S3Key":
            child.tag = "Object"
        elif child.tag == "Grantee":
            grantee_to_obs(child)


def to_aws(node: ElementTree.Element) -> None:
    """Change a configuration said in OBS's dialect into AWS's, in place."""
    for child in node.iter():
        if child.tag in STORAGE_TAGS and not len(child):
            child.text = AWS_STORAGE_CLASSES.get(child.text, child.text)
        elif child.tag == "SSEAlgorithm":
            child.text = encryption_out(child.text, "aws")
        elif child.tag == "Event":
            child.text = f"s3:{child.text}"
        elif child.tag == "Bucket" and node.tag == "ReplicationConfiguration":
            child.text = f"{BUCKET_ARN}{child.text}"
        elif child.tag == "Object":
            child.tag = "S3Key"
        elif child.tag == "Grantee":
            grantee_to_aws(child)


def grantee_to_obs(grantee: ElementTree.Element) -> None:
    """<URI>…/AllUsers</URI> becomes <Canned>Everyone</Canned>."""
    uri = grantee.find("URI")
    grantee.attrib.clear()
    if uri is not None:
        uri.tag, uri.text = "Canned", OBS_GROUPS.get((uri.text or "").strip(), uri.text)
    for name in grantee.findall("DisplayName"):
        grantee.remove(name)


def grantee_to_aws(grantee: ElementTree.Element) -> None:
    """<Canned>Everyone</Canned> becomes <URI>…/AllUsers</URI>, with the type AWS's clients read."""
    canned = grantee.find("Canned")
    grantee.attrib["type"] = "CanonicalUser" if canned is None else "Group"
    if canned is not None:
        canned.tag, canned.text = "URI", GROUPS.get(canned.text, canned.text)
