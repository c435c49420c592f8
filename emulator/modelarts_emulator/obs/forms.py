"""Uploads by a browser's form: the fields become the headers of an ordinary upload, once the policy has let it."""

import base64
import hmac
import re
from hashlib import sha256
from io import SEEK_END, BufferedReader, RawIOBase

import orjson

from modelarts_emulator.obs.bodies import PIECE, Sent, refuse_wrong_sums, sent, sent_in_file
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.requests import ObsRequest
from modelarts_emulator.obs.signatures import Credential, hmac_sha1, seconds_of_date

PLAIN_HEADERS = (
    "cache-control",
    "content-type",
    "content-disposition",
    "content-encoding",
    "expires",
    "content-md5",
)
UNSIGNED = ("policy", "signature", "file", "accesskeyid", "awsaccesskeyid", "x-amz-signature")


class Read(RawIOBase):
    """What comes in pieces, as a file that is read from front to back."""

    def __init__(self, content: Sent):
        self._pieces = iter(content.pieces())
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """That it can be read."""
        return True

    def readinto(self, room) -> int:
        """Fill as much of the room as the present piece does; 0 at the end."""
        if not self._left:
            self._left = memoryview(next(self._pieces, b""))
        size = min(len(room), len(self._left))
        room[:size], self._left = self._left[:size], self._left[size:]
        return size


def fields_of(request: ObsRequest) -> tuple[dict, Sent, str]:
    """(fields by lower-case name, content of the file, its name) of a form. ObsError when it is none with one file."""
    from werkzeug.exceptions import RequestEntityTooLarge
    from werkzeug.formparser import MultiPartParser

    found = re.search(r'boundary="?([^";,]+)"?', request.headers.get("content-type", ""))
    if found is None:
        raise ObsError("InvalidRequest", "a POST to a bucket is a form of type multipart/form-data")
    parser = MultiPartParser(max_form_memory_size=1 << 20, max_form_parts=200)
    try:
        source = BufferedReader(Read(request.content), PIECE)
        form, files = parser.parse(source, found[1].encode("latin-1"), request.content.size)
    except (ValueError, RequestEntityTooLarge) as error:
        raise ObsError("InvalidRequest", f"the form cannot be read: {error}") from None
    if ("file" not in files and "file" not in form) or len(files) > 1:
        raise ObsError("IncorrectNumberOfFilesInPostRequest")
    fields = {name.lower(): value for name, value in form.items() if name.lower() != "file"}
    if "file" in files:
        file = files["file"].stream
        return fields, sent_in_file(file, file.seek(0, SEEK_END)), files["file"].filename or ""
    return fields, sent(form["file"].encode()), ""


def upload_of(request: ObsRequest, fields: dict, content: Sent, file_name: str) -> ObsRequest:
    """The upload that the form stands for. InvalidArgument when it names no object, BadDigest when its file is not what
    the sums among its fields say.
    """
    key = fields.get("key", "").replace("${filename}", re.split(r"[/\\]", file_name)[-1])
    if not key:
        raise ObsError("InvalidArgument", "the form needs a field key")
    headers = {
        name: value for name, value in fields.items() if name in PLAIN_HEADERS or name.startswith("x-")
    }
    if "acl" in fields:
        headers.setdefault("x-obs-acl" if request.dialect == "obs" else "x-amz-acl", fields["acl"])
    refuse_wrong_sums(content, headers)
    return ObsRequest(
        method="PUT",
        bucket=request.bucket,
        key=key,
        query={},
        headers=headers,
        content=content,
        dialect=request.dialect,
        base_url=request.base_url,
        moment=request.moment,
    )


def credential_of_form(fields: dict) -> Credential | None:
    """Who signed the form; None when nobody did."""
    policy, token = (
        fields.get("policy"),
        fields.get("x-obs-security-token") or fields.get("x-amz-security-token"),
    )
    if policy is None:
        return None
    access_key = fields.get("accesskeyid") or fields.get("awsaccesskeyid")
    if access_key and "signature" in fields:
        return Credential(access_key, fields["signature"], "obs", security_token=token)
    access_key, _, scope = fields.get("x-amz-credential", "").partition("/")
    if access_key and "x-amz-signature" in fields:
        return Credential(access_key, fields["x-amz-signature"], "v4", scope=scope, security_token=token)
    if access_key and "signature" in fields:
        return Credential(access_key, fields["signature"], "v4", scope=scope, security_token=token)
    raise ObsError("InvalidArgument", "a form with a policy needs AccessKeyId and signature")


def is_form_signed_with(fields: dict, credential: Credential, secret: str) -> bool:
    """Whether the secret has signed the form's policy."""
    if credential.version == "obs":
        expected = hmac_sha1(secret, fields["policy"])
    else:
        key = ("AWS4" + secret).encode()
        for part in credential.scope.split("/"):
            key = hmac.new(key, part.encode(), sha256).digest()
        expected = hmac.new(key, fields["policy"].encode(), sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), credential.signature.encode())


def refuse_against_policy(request: ObsRequest, fields: dict, content: Sent, moment: float) -> None:
    """AccessDenied when the policy has expired, InvalidPolicyDocument when the form is not what it lets."""
    try:
        policy = orjson.loads(base64.b64decode(fields["policy"], validate=True))
        expires, conditions = seconds_of_date(policy["expiration"]), policy["conditions"]
        rows = [row for condition in conditions for row in rows_of(condition)]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ObsError("InvalidPolicyDocument", "it needs expiration and conditions") from None
    if expires is None or expires < moment:
        raise ObsError("AccessDenied", "the policy of the form has expired")
    given = {"bucket": request.bucket} | {
        name: value for name, value in fields.items() if name not in UNSIGNED
    }
    for kind, name, wanted in rows:
        refuse_condition(kind, name, wanted, given, content.size)
    named = {name for kind, name, _ in rows if kind != "content-length-range"}
    extra = [
        name for name in given if name not in named and name != "bucket" and not name.startswith("x-ignore-")
    ]
    if extra:
        raise ObsError(
            "InvalidPolicyDocument", f"the policy says nothing of {', '.join(sorted(extra))[:200]}"
        )


def rows_of(condition) -> list[tuple]:
    """A condition of a policy as (kind, field, wanted)."""
    if isinstance(condition, dict):
        return [("eq", name.lower(), str(value)) for name, value in condition.items()]
    kind, first, second = condition
    if kind.lower() == "content-length-range":
        return [("content-length-range", int(first), int(second))]
    return [(kind.lower(), first.lstrip("$").lower(), str(second))]


def refuse_condition(kind: str, name, wanted, given: dict, size: int) -> None:
    """InvalidPolicyDocument, EntityTooSmall or EntityTooLarge when the form does not meet a condition."""
    if kind == "content-length-range":
        if not name <= size <= wanted:
            raise ObsError(
                "EntityTooSmall" if size < name else "EntityTooLarge", f"{size} bytes, {name} to {wanted}"
            )
    elif kind == "starts-with":
        if not given.get(name, "").startswith(wanted):
            raise ObsError("InvalidPolicyDocument", f"{name} must start with {wanted[:100]!r}")
    elif given.get(name) != wanted:
        raise ObsError("InvalidPolicyDocument", f"{name} must be {wanted[:100]!r}")
