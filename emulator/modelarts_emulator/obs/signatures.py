"""Signatures of requests and URLs: OBS and AWS version 2 (HMAC-SHA1), AWS version 4 (HMAC-SHA256)."""

import base64
import hashlib
import hmac
import re
from calendar import timegm
from datetime import datetime
from email.utils import parsedate
from functools import lru_cache
from itertools import product
from typing import NamedTuple
from urllib.parse import quote, unquote

from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.worlds.clock import iso_of

SUBRESOURCES = """
accelerate acl analytics append attname backtosource bucketstatus cors customdomain defaultobjectacl delete
deletebucket directcoldaccess dispolicy encryption fileinterface inventory length lifecycle location logging
metadata metrics modify name notification object-lock obsalias obsbucketalias obscompresspolicy partnumber
policy policystatus position publicaccessblock quota rename replication requestpayment
response-cache-control response-content-disposition response-content-encoding response-content-language
response-content-type response-expires restore retention select select-type storageclass storageinfo
storagepolicy tagging torrent truncate uploadid uploads versionid versioning versions website
x-image-process x-image-save-bucket x-image-save-object x-oss-process
"""
SIGNED_BY_OBS = frozenset(SUBRESOURCES.split())
# Some clients send sub-resources that they do not sign.
SIGNED_BY_HUAWEICLOUDSDK = SIGNED_BY_OBS - {
    "bucketstatus",
    "inventory",
    "directcoldaccess",
    "obscompresspolicy",
}
SIGNED_BY_BOTO = SIGNED_BY_OBS - {"encryption", "policystatus", "publicaccessblock", "retention"}
SIGNED = {"obs": (SIGNED_BY_OBS, SIGNED_BY_HUAWEICLOUDSDK), "v2": (SIGNED_BY_OBS, SIGNED_BY_BOTO)}
V4_HEADER = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)\s*"
)
BASIC = re.compile(r"([0-9]{4})([0-9][0-9])([0-9][0-9])T([0-9][0-9])([0-9][0-9])([0-9][0-9])Z", re.ASCII)
DATES = ("%a %b %d %Y %H:%M:%S GMT", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ")


class Credential(NamedTuple):
    """What a request proves itself with. expires: seconds since the epoch, None unless it is in the URL."""

    access_key: str
    signature: str
    version: str
    expires: float | None = None
    scope: str = ""
    signed_headers: str = ""
    security_token: str | None = None


def credential_of(request) -> Credential | None:
    """The credential of a request, None when it is anonymous. InvalidArgument when it is malformed."""
    header = request.headers.get("authorization")
    token = request.extension.get("security-token") or request.query.get("x-obs-security-token")
    token = token or request.query.get("x-amz-security-token")
    if header is not None:
        return credential_in_header(header, token)
    query = request.query
    access_key = query.get("accesskeyid") or query.get("awsaccesskeyid")
    if access_key and "signature" in query:
        version = "obs" if "accesskeyid" in query else "v2"
        expires = whole_number(query.get("expires"), "Expires")
        return Credential(access_key, query["signature"] or "", version, expires, security_token=token)
    if "x-amz-signature" in query:
        access_key, _, scope = (query.get("x-amz-credential") or "").partition("/")
        signed_at = seconds_of_date(query.get("x-amz-date") or "")
        if not access_key or signed_at is None:
            raise ObsError(
                "InvalidArgument", "X-Amz-Credential and X-Amz-Date are needed with X-Amz-Signature"
            )
        expires = signed_at + whole_number(query.get("x-amz-expires"), "X-Amz-Expires")
        headers = query.get("x-amz-signedheaders") or ""
        return Credential(access_key, query["x-amz-signature"] or "", "v4", expires, scope, headers, token)
    return None


def credential_in_header(header: str, token: str | None) -> Credential:
    """The credential in an Authorization header. InvalidArgument when it has none of the three forms."""
    scheme, _, rest = header.partition(" ")
    if scheme in ("OBS", "AWS"):
        access_key, _, signature = rest.strip().rpartition(":")
        if access_key and signature:
            version = "obs" if scheme == "OBS" else "v2"
            return Credential(access_key, signature, version, security_token=token)
    found = V4_HEADER.fullmatch(header)
    if found:
        access_key, _, scope = found[1].partition("/")
        return Credential(access_key, found[3], "v4", None, scope, found[2], token)
    raise ObsError(
        "InvalidArgument",
        "Authorization must be 'OBS <key>:<signature>', 'AWS <key>:<signature>' or 'AWS4-HMAC-SHA256 Credential=…, "
        "SignedHeaders=…, Signature=…'",
    )


def is_signed_with(request, credential: Credential, secret: str) -> bool:
    """Whether the signature is the one that the secret makes for this request."""
    if credential.version == "v4":
        expected = signatures_v4(request, credential, secret)
    else:
        expected = (hmac_sha1(secret, text) for text in strings_to_sign(request, credential))
    given = credential.signature.encode()
    return any(hmac.compare_digest(one.encode(), given) for one in expected)


def hmac_sha1(secret: str, text: str) -> str:
    """The base64 HMAC-SHA1 that OBS and AWS version 2 sign with."""
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()


def strings_to_sign(request, credential: Credential):
    """The strings one of which a client of OBS or AWS version 2 has signed: they differ in how the resource is put."""
    head = head_to_sign(request, credential)
    seen = set()
    for names in SIGNED[credential.version]:
        query = query_to_sign(request.raw_query, names)
        for resource in resources_to_sign(request):
            text = head + resource + query
            if text not in seen:
                seen.add(text)
                yield text


def head_to_sign(request, credential: Credential) -> str:
    """Method, sums, type, date and extension headers as they are signed."""
    headers = request.sent
    prefix = "x-obs-" if credential.version == "obs" else "x-amz-"
    date = headers.get("date", "")
    if credential.expires is not None:
        date = str(int(credential.expires))
    elif f"{prefix}date" in headers:
        date = ""
    lines = [request.method, headers.get("content-md5", ""), headers.get("content-type", ""), date]
    lines += [f"{name}:{headers[name].strip()}" for name in sorted(headers) if name.startswith(prefix)]
    return "\n".join(lines) + "\n"


def resources_to_sign(request) -> list[str]:
    """/bucket/key as clients put it: as sent, decoded, encoded anew; with or without a slash after a lone bucket."""
    if request.virtual_host:
        rest = request.raw_path[1:]
        host = request.host.partition(":")[0]
        return [
            f"/{request.bucket}/{rest}",
            f"/{request.bucket}/{request.key}",
            f"/{request.bucket}/{quote(request.key, '/~')}",
            f"/{host}/{rest}",
        ]
    path = request.raw_path
    decoded = f"/{request.bucket}/{request.key}" if request.key else f"/{request.bucket}"
    return [path, path.rstrip("/") or "/", path + "/", decoded, quote(decoded, "/~")]


def query_to_sign(raw_query: str, names: frozenset) -> str:
    """The signed sub-resources of a query, sorted, with their decoded values."""
    signed: dict = {}
    for part in raw_query.split("&"):
        name, equals, value = part.partition("=")
        name = unquote(name)
        if name.lower() in names or name.lower().startswith(("x-obs-", "x-amz-")):
            signed.setdefault(name, f"{name}={unquote(value)}" if equals else name)
    return "?" + "&".join(signed[name] for name in sorted(signed)) if signed else ""


def signatures_v4(request, credential: Credential, secret: str):
    """The signatures one of which an AWS version 4 client has made.

    They differ in how spaces in headers count, and in whether the path is signed as it was sent or encoded once.
    """
    headers = request.sent
    date = request.query.get("x-amz-date") or headers.get("x-amz-date") or headers.get("date", "")
    seconds = seconds_of_date(date)
    moment = "" if seconds is None else re.sub("[-:]", "", iso_of(seconds, 0))
    payload = headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    if credential.expires is not None:
        payload = request.query.get("x-amz-content-sha256") or "UNSIGNED-PAYLOAD"
    names = credential.signed_headers.lower().split(";")
    key = key_of_day(secret, credential.scope)
    paths = dict.fromkeys((request.raw_path, quote(unquote(request.raw_path), "/-_.~")))
    for path, fold in product(paths, (True, False)):
        lines = "".join(f"{name}:{value_to_sign(headers.get(name, ''), fold)}\n" for name in names)
        canonical = "\n".join(
            [
                request.method,
                path,
                query_to_sign_v4(request.raw_query),
                lines,
                ";".join(names),
                payload,
            ]
        )
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{moment}\n{credential.scope}\n{digest}"
        yield hmac.digest(key, text.encode(), "sha256").hex()


@lru_cache(256)
def key_of_day(secret: str, scope: str) -> bytes:
    """The key with which a client of AWS version 4 signs all that is of one day, region and service."""
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def fault_in_v4(request, credential: Credential) -> str | None:
    """What is wrong with how a request of AWS version 4 was signed, whatever its signature says; None for nothing.

    A key that is derived for a day is good for that day only, and what is not signed could have been put in on the way.
    """
    headers = request.sent
    date = request.query.get("x-amz-date") or headers.get("x-amz-date") or headers.get("date", "")
    seconds = seconds_of_date(date)
    day = "" if seconds is None else iso_of(seconds, 0)[:10].replace("-", "")
    scope = credential.scope.split("/")
    if len(scope) != 4 or scope[3] != "aws4_request":
        return "the scope of the credential must read <date>/<region>/s3/aws4_request"
    if scope[0] != day:
        return f"the scope of the credential is for {scope[0][:20]}, the request is of {day or 'no date'}"
    signed = credential.signed_headers.lower().split(";")
    unsigned = [name for name in headers if name.startswith("x-amz-") and name not in signed]
    if "host" not in signed:
        unsigned.insert(0, "host")
    return f"sent but not signed: {', '.join(unsigned)}" if unsigned else None


def value_to_sign(value: str, fold: bool) -> str:
    """A header's value with its runs of spaces folded, as most clients sign it, or as it is."""
    return " ".join(value.split()) if fold else value.strip()


def query_to_sign_v4(raw_query: str) -> str:
    """The canonical query of AWS version 4: everything but the signature, sorted, encoded by its rules."""
    pairs = []
    for part in raw_query.split("&"):
        name, _, value = part.partition("=")
        if part and name.lower() != "x-amz-signature":
            pairs.append((quote(unquote(name), "-_.~"), quote(unquote(value), "-_.~")))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def date_of(request) -> float | None:
    """When the client says it made a request, None when it does not say so in any form known."""
    headers = request.headers
    return seconds_of_date(request.extension.get("date") or headers.get("date", ""))


def seconds_of_date(text: str) -> float | None:
    """Seconds since the epoch of a date as clients write it; None when it is none."""
    basic = BASIC.fullmatch(text)
    if basic is not None:
        try:
            return timegm(datetime(*map(int, basic.groups())).timetuple())
        except ValueError:
            return None
    # A comma behind the day of the week is of RFC 1123, which the forms below are not.
    for form in DATES if text[3:4] != "," else ():
        if is_date(text, form):
            return timegm(datetime.strptime(text, form).timetuple())
    parsed = parsedate(text)
    try:
        return None if parsed is None else timegm(parsed)
    except (ValueError, OverflowError):
        return None


def is_date(text: str, form: str) -> bool:
    """Whether the text is a date of that form."""
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def whole_number(text: str | None, name: str) -> float:
    """Seconds in a query parameter. AccessDenied when they are none."""
    if text is None or not re.fullmatch(r"[0-9]{1,12}", text):
        raise ObsError("AccessDenied", f"{name} is {(text or '')[:40]!r}, must be a number of seconds")
    return float(text)


def signed_query(secret: str, access_key: str, method: str, resource: str, expires: int, signed: dict) -> str:
    """The query of a URL of the OBS kind that opens one resource until then; signed: sub-resources, response-…"""
    query = "&".join(f"{name}={signed[name]}" for name in sorted(signed))
    text = f"{method}\n\n\n{expires}\n{resource}" + (f"?{query}" if query else "")
    parts = [f"{name}={quote(value, '')}" for name, value in sorted(signed.items())]
    parts += [f"AccessKeyId={quote(access_key, '')}", f"Expires={expires}"]
    return "&".join([*parts, f"Signature={quote(hmac_sha1(secret, text), '')}"])
