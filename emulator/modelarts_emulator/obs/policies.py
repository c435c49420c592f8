"""Bucket policies: kept, shown, and what they let anonymous users do."""

import re
from fnmatch import fnmatchcase

import orjson

from modelarts_emulator.obs import xml
from modelarts_emulator.obs.grants import everyone_may
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply, document_reply

LARGEST = 20 << 10
ANYONE = ("*", ["*"])


def set_policy(request) -> Reply:
    """Keep a policy in place of the one before."""
    bucket = request.find_bucket()
    if request.content.size > LARGEST:
        raise ObsError("EntityTooLarge", f"a policy has at most {LARGEST} bytes")
    policy = parsed(request.body)
    for statement in statements_of(policy):
        refuse_statement(statement, bucket.name)
    bucket.policy_document = policy
    bucket.policy = request.body
    return Reply(204)


def show_policy(request) -> Reply:
    """The policy as it was given."""
    bucket = request.find_bucket()
    if bucket.policy is None:
        raise ObsError("NoSuchBucketPolicy", bucket.name)
    return document_reply(bucket.policy, "application/json")


def delete_policy(request) -> Reply:
    """Drop the policy."""
    bucket = request.find_bucket()
    bucket.policy, bucket.policy_document = None, {}
    return Reply(204)


def parsed(body: bytes) -> dict:
    """The policy in a body. MalformedPolicy when it is no JSON object with statements."""
    try:
        policy = orjson.loads(body)
    except ValueError:
        raise ObsError("MalformedPolicy", "it is no JSON") from None
    if not isinstance(policy, dict) or not statements_of(policy):
        raise ObsError("MalformedPolicy", "a Statement is needed")
    return policy


def statements_of(policy: dict) -> list:
    """The statements of a policy."""
    found = policy.get("Statement", [])
    return found if isinstance(found, list) else [found]


def refuse_statement(statement, bucket: str) -> None:
    """MalformedPolicy unless the statement says who may or may not do what with this bucket."""
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        raise ObsError("MalformedPolicy", "Effect must be Allow or Deny")
    for word in ("Principal", "Action", "Resource"):
        if word not in statement and f"Not{word}" not in statement:
            raise ObsError("MalformedPolicy", f"a statement needs {word} or Not{word}")
    for word in ("Action", "NotAction", "Resource", "NotResource"):
        if not all(isinstance(text, str) for text in listed(statement.get(word, []))):
            raise ObsError("MalformedPolicy", f"{word} must be a text or a list of texts")
    for resource in listed(statement.get("Resource", [])):
        if not matches(bare(resource).partition("/")[0], bucket):
            raise ObsError("MalformedPolicy", f"resource {resource[:200]} is not in bucket {bucket}")


def is_public(policy: dict) -> bool:
    """Whether a statement allows anybody anything without a condition."""
    return any(
        statement["Effect"] == "Allow" and is_anyone(statement) and not statement.get("Condition")
        for statement in statements_of(policy)
    )


def is_anyone(statement: dict) -> bool:
    """Whether the statement speaks of anonymous users too."""
    principal = statement.get("Principal")
    named = list(principal.values()) if isinstance(principal, dict) else [principal]
    return any(name in ANYONE for name in named)


def verdict(policy: dict, action: str, resource: str) -> bool | None:
    """Whether the policy lets an anonymous user do that: True, False, None when it does not say."""
    said = [statement for statement in statements_of(policy) if speaks_of(statement, action, resource)]
    if any(statement["Effect"] == "Deny" for statement in said):
        return False
    return True if any(not statement.get("Condition") for statement in said) else None


def speaks_of(statement: dict, action: str, resource: str) -> bool:
    """Whether a statement is about anonymous users, that action and that resource."""
    actions = [bare(text) for text in listed(statement.get("Action", statement.get("NotAction", [])))]
    resources = [bare(text) for text in listed(statement.get("Resource", statement.get("NotResource", [])))]
    does = any(matches(pattern.lower(), action.lower()) for pattern in actions) != ("NotAction" in statement)
    about = any(matches(pattern, resource) for pattern in resources) != ("NotResource" in statement)
    return does and about and is_anyone(statement)


def listed(value) -> list:
    """The value, or the values in a list."""
    return value if isinstance(value, list) else [value]


def bare(text: str) -> str:
    """An action or a resource without what AWS and OBS put before it."""
    return re.sub(
        r"^(arn:[^:]*:[^:]*:[^:]*:[^:]*:|s3:|obs:\*:\*:(object|bucket):|obs:(object|bucket):|obs:)", "", text
    )


def matches(pattern: str, text: str) -> bool:
    """Whether the text is the pattern, in which * and ? stand for others."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def refuse_stranger(request, operation) -> None:
    """AccessDenied unless the ACLs or the policy let anonymous users do this."""
    bucket = request.storage.buckets.get(request.bucket)
    if not operation.action or bucket is None:
        raise ObsError("AccessDenied", "the request is not signed")
    blocked = blocks(bucket)
    said = verdict(bucket.policy_document, operation.action, f"{bucket.name}/{request.key}".rstrip("/"))
    if said is False:
        raise ObsError("AccessDenied", "the bucket's policy denies it")
    if said and "RestrictPublicBuckets" not in blocked:
        return
    if "IgnorePublicAcls" in blocked or not acl_lets(request, bucket, operation):
        raise ObsError(
            "AccessDenied", "the request is not signed, and neither ACL nor policy opens this to anybody"
        )


def blocks(bucket) -> set[str]:
    """Which of the switches that block public access are on."""
    if "publicaccessblock" not in bucket.documents:
        return set()
    tree = xml.read(bucket.documents["publicaccessblock"], "PublicAccessBlockConfiguration")
    return {node.tag for node in tree if node.text == "true"}


def acl_lets(request, bucket, operation) -> bool:
    """Whether the ACL that decides about the operation lets everyone."""
    if not operation.of_object:
        return everyone_may(bucket.grants, operation.permission)
    item = bucket.find(request.key, request.query.get("versionid") or None)
    if item is None:
        return everyone_may(bucket.grants, "READ")
    inherited = item.inherits and everyone_may(bucket.grants, operation.permission, delivered=True)
    return inherited or everyone_may(item.grants, operation.permission)
