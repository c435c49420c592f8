"""Configurations of buckets that are kept as documents: lifecycle, website, CORS, notification, logging, tags, …"""

from collections.abc import Callable
from typing import NamedTuple
from xml.etree import ElementTree

from modelarts_emulator.obs import xml
from modelarts_emulator.obs.dialects import NAMESPACES, to_aws, to_obs
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply, document_reply, xml_reply
from modelarts_emulator.obs.writing import read_document, refuse_tags

LARGEST = 20 << 10
CORS_METHODS = ("GET", "PUT", "HEAD", "POST", "DELETE")
EVENTS = (
    "ObjectCreated:*",
    "ObjectCreated:Put",
    "ObjectCreated:Post",
    "ObjectCreated:Copy",
    "ObjectCreated:CompleteMultipartUpload",
    "ObjectRemoved:*",
    "ObjectRemoved:Delete",
    "ObjectRemoved:DeleteMarkerCreated",
)
RULE_ACTIONS = (
    "Expiration",
    "Transition",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransition",
    "AbortIncompleteMultipartUpload",
)
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class Configuration(NamedTuple):
    """A kind of document. missing: the code when a bucket has none, "" when an empty one is shown instead."""

    root: str
    missing: str
    check: Callable
    put_status: int = 200


def set_configuration(request, name: str) -> Reply:
    """Keep the document for the bucket in place of the one before."""
    bucket = request.find_bucket()
    kind = CONFIGURATIONS[name]
    if request.content.size > LARGEST:
        raise ObsError("EntityTooLarge", f"a configuration has at most {LARGEST} bytes")
    tree = read_document(request, kind.root)
    to_obs(tree)
    kind.check(request, bucket, tree)
    bucket.documents[document_name(request, name)] = xml.written(tree).encode()
    return Reply(kind.put_status)


def show_configuration(request, name: str) -> Reply:
    """The bucket's document in the client's dialect."""
    bucket = request.find_bucket()
    kind = CONFIGURATIONS[name]
    found = bucket.documents.get(document_name(request, name))
    if found is None and kind.missing:
        raise ObsError(kind.missing, bucket.name)
    tree = xml.read(found, kind.root) if found is not None else ElementTree.Element(kind.root)
    if request.dialect == "aws":
        to_aws(tree)
    text = xml.written(tree).replace(
        f"<{kind.root}", f'<{kind.root} xmlns="{NAMESPACES[request.dialect]}"', 1
    )
    return document_reply((xml.DECLARATION + text).encode())


def delete_configuration(request, name: str) -> Reply:
    """Drop the bucket's document; that there is none is no error, but for an inventory."""
    bucket = request.find_bucket()
    found = bucket.documents.pop(document_name(request, name), None)
    if found is None and name == "inventory":
        raise ObsError("NoSuchInventoryConfiguration", request.query.get("id") or "")
    return Reply(204)


def document_name(request, name: str) -> str:
    """Under which name the document is kept: a bucket has several inventories, each with an id."""
    if name != "inventory":
        return name
    if not request.query.get("id"):
        raise ObsError("InvalidArgument", "id must be the id of an inventory")
    return f"inventory/{request.query['id']}"


def show_inventories(request) -> Reply:
    """One inventory, or all of them when no id is given."""
    if "id" in request.query:
        return show_configuration(request, "inventory")
    bucket = request.find_bucket()
    found = [
        text.decode() for name, text in sorted(bucket.documents.items()) if name.startswith("inventory/")
    ]
    return xml_reply(request, "ListInventoryConfigurationsResult", *found, xml.element("IsTruncated", False))


def needed(holds, words: str) -> None:
    """MalformedXML with these words unless it holds."""
    if not holds:
        raise ObsError("MalformedXML", words)


def check_lifecycle(request, bucket, tree) -> None:
    """Rules that are switched on or off and do something."""
    rules = tree.findall("Rule")
    needed(rules, "at least one Rule is needed")
    for rule in rules:
        needed(xml.text_of(rule, "Status") in ("Enabled", "Disabled"), "Status must be Enabled or Disabled")
        needed(
            any(rule.find(name) is not None for name in RULE_ACTIONS),
            f"a Rule needs {' or '.join(RULE_ACTIONS)}",
        )


def check_website(request, bucket, tree) -> None:
    """A redirection of everything, or an index document."""
    redirects = xml.text_of(tree, "RedirectAllRequestsTo/HostName")
    needed(redirects or xml.text_of(tree, "IndexDocument/Suffix"), "IndexDocument/Suffix is needed")


def check_cors(request, bucket, tree) -> None:
    """Rules with origins and methods."""
    rules = tree.findall("CORSRule")
    needed(0 < len(rules) <= 100, "1 to 100 CORSRule are needed")
    for rule in rules:
        methods = [node.text for node in rule.findall("AllowedMethod")]
        needed(
            methods and set(methods) <= set(CORS_METHODS), f"AllowedMethod must be {', '.join(CORS_METHODS)}"
        )
        origins = [node.text or "" for node in rule.findall("AllowedOrigin")]
        patterns = origins + [node.text or "" for node in rule.findall("AllowedHeader")]
        needed(
            origins and all(text.count("*") <= 1 for text in patterns), "an AllowedOrigin with at most one *"
        )


def check_notification(request, bucket, tree) -> None:
    """Events that go somewhere; none at all switches notification off."""
    for node in tree:
        events = [event.text for event in node.findall("Event")]
        if not events or not set(events) <= set(EVENTS):
            raise ObsError("InvalidArgument", f"Event is {events[:5]}, must be of {', '.join(EVENTS)}")
        names = [rule.text for rule in node.findall("Filter/Object/FilterRule/Name")]
        if not set(names) <= {"prefix", "suffix"} or len(set(names)) < len(names):
            raise ObsError("InvalidArgument", "a filter has one prefix and one suffix at most")


def check_logging(request, bucket, tree) -> None:
    """A bucket of the account to log into; nothing switches logging off."""
    target = xml.text_of(tree, "LoggingEnabled/TargetBucket")
    if tree.find("LoggingEnabled") is not None and target not in request.storage.buckets:
        raise ObsError("InvalidTargetBucketForLogging", target or "")


def check_tagging(request, bucket, tree) -> None:
    """Tags with keys."""
    refuse_tags(tags_in(tree))


def tags_in(tree) -> list[tuple[str, str]]:
    """The tags of a Tagging document. MalformedXML when one has no key."""
    tags = [(xml.text_of(tag, "Key"), xml.text_of(tag, "Value") or "") for tag in tree.findall("TagSet/Tag")]
    needed(
        tree.find("TagSet") is not None and all(key for key, _ in tags), "a TagSet of Tag with Key is needed"
    )
    return tags


def check_encryption(request, bucket, tree) -> None:
    """A way to encrypt."""
    algorithm = xml.text_of(tree, "Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm")
    needed(algorithm, "Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm is needed")


def check_replication(request, bucket, tree) -> None:
    """Rules with a destination, in a bucket that keeps versions."""
    rules = tree.findall("Rule")
    needed(
        rules and all(xml.text_of(rule, "Destination/Bucket") for rule in rules),
        "a Rule with Destination/Bucket",
    )
    if bucket.versioning_status != "Enabled":
        raise ObsError("InvalidBucketState", "versioning must be Enabled to replicate a bucket")


def check_public_access_block(request, bucket, tree) -> None:
    """Four switches."""
    for node in tree:
        node.text = (node.text or "").strip().lower()
    known = all(node.tag in BLOCKS and node.text in ("true", "false") for node in tree)
    needed(known, f"{', '.join(BLOCKS)} must be true or false")


def check_inventory(request, bucket, tree) -> None:
    """An inventory with the id it is kept under."""
    needed(xml.text_of(tree, "Id") == request.query["id"], "Id must be the id in the query")
    needed(xml.text_of(tree, "IsEnabled") in ("true", "false"), "IsEnabled must be true or false")


CONFIGURATIONS = {
    "lifecycle": Configuration("LifecycleConfiguration", "NoSuchLifecycleConfiguration", check_lifecycle),
    "website": Configuration("WebsiteConfiguration", "NoSuchWebsiteConfiguration", check_website),
    "cors": Configuration("CORSConfiguration", "NoSuchCORSConfiguration", check_cors),
    "notification": Configuration("NotificationConfiguration", "", check_notification),
    "logging": Configuration("BucketLoggingStatus", "", check_logging),
    "tagging": Configuration("Tagging", "NoSuchTagSet", check_tagging, 204),
    "encryption": Configuration(
        "ServerSideEncryptionConfiguration", "NoSuchEncryptionConfiguration", check_encryption
    ),
    "replication": Configuration(
        "ReplicationConfiguration", "NoSuchReplicationConfiguration", check_replication
    ),
    "publicaccessblock": Configuration(
        "PublicAccessBlockConfiguration", "NoSuchPublicAccessBlockConfiguration", check_public_access_block
    ),
    "inventory": Configuration("InventoryConfiguration", "NoSuchInventoryConfiguration", check_inventory),
}
