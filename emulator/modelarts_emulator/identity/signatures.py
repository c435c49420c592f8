"""SDK-HMAC-SHA256: who a signed request says it is from, and whether its signature is right."""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from itertools import product
from typing import NamedTuple, Protocol
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = "SDK-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY_HASH = hashlib.sha256(b"").hexdigest()
MOST_SKEW = 15 * 60
PLAIN = re.compile(r"[A-Za-z0-9_.~/-]+")
DATE = re.compile(r"([0-9]{4})([0-9][0-9])([0-9][0-9])T([0-9][0-9])([0-9][0-9])([0-9][0-9])Z")
FORM = f"{ALGORITHM} Access=<access key>, SignedHeaders=<names joined by ;>, Signature=<hex>"


class Sent(Protocol):
    """What has to be known of a request to say who sent it: path, query and headers as they came, and the body."""

    method: str
    raw_path: str
    raw_query: str

    @property
    def host(self) -> str:
        """The Host that was addressed, with its port if one was named."""

    @property
    def body(self) -> bytes:
        """The whole body."""

    def header(self, name: str) -> str | None:
        """The value of a header, None when it was not sent."""


class BadSignature(Exception):
    """A signature that cannot be accepted; says why, and never what would have been right."""


class Signed(NamedTuple):
    """What an Authorization header says. scope: (date, region, service, sdk_request) of the older form, else
    empty.
    """

    access_key: str
    scope: tuple[str, ...]
    headers: tuple[str, ...]
    signature: str


def parse_authorization(text: str) -> Signed:
    """Read `SDK-HMAC-SHA256 Access=…` or the older `Credential=…/date/region/service/sdk_request`. Raises
    BadSignature.
    """
    algorithm, _, rest = text.strip().partition(" ")
    if algorithm != ALGORITHM:
        raise BadSignature(f"{refused_algorithm(algorithm)}; sign with {ALGORITHM}")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    access_key, *scope = parts.get("Access", parts.get("Credential", "")).split("/")
    signed = Signed(
        access_key,
        tuple(scope),
        tuple(parts.get("SignedHeaders", "").lower().split(";")),
        parts.get("Signature", ""),
    )
    whole = access_key and signed.headers[0] and signed.signature.isascii() and signed.signature
    if not whole or len(scope) != (0 if "Access" in parts else 4):
        raise BadSignature(f"the Authorization header must read {FORM}")
    return signed


def refused_algorithm(algorithm: str) -> str:
    """Why the algorithm is not taken."""
    if algorithm == "V11-HMAC-SHA256":
        return "V11-HMAC-SHA256 (derived signing) is documented, but ModelArts does not use it"
    return f"{algorithm[:30]!r} is not a signing algorithm of these services"


def verify(request: Sent, signed: Signed, secret: str, wall_time: float | None = None) -> None:
    """BadSignature unless the request was signed with the secret as it arrived here.

    wall_time: real seconds since the epoch that X-Sdk-Date may be off by 15 minutes from; None does not judge
    it.
    """
    date = request.header("X-Sdk-Date") or ""
    refuse_skew(date, wall_time)
    body = body_hashes(request)
    end = f"{header_lines(request, signed.headers)}\n{';'.join(signed.headers)}\n".encode("latin-1")
    key, scope = signing_key(signed, secret)
    matches = False
    for uri, query, body_hash in product(canonical_uris(request), canonical_queries(request), body):
        canonical = f"{request.method}\n{uri}\n{query}\n".encode() + end + body_hash.encode()
        to_sign = f"{ALGORITHM}\n{date}\n{scope}{hashlib.sha256(canonical).hexdigest()}"
        right = hmac.digest(key, to_sign.encode(), "sha256").hex()
        matches |= hmac.compare_digest(right, signed.signature.lower())
    if not matches:
        raise BadSignature(
            "verify aksk signature fail; the secret key, or a signed part of the request, differs"
        )


def refuse_skew(date: str, wall_time: float | None) -> None:
    """BadSignature when there is no date, or it is more than 15 minutes off."""
    match = DATE.fullmatch(date)
    try:
        year, month, day, hour, minute, second = map(int, match.groups() if match else ())
        sent = datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        raise BadSignature(f"X-Sdk-Date is {date[:40]!r}, must be UTC as YYYYMMDDTHHMMSSZ") from None
    if wall_time is not None and abs(sent - wall_time) > MOST_SKEW:
        raise BadSignature(
            f"X-Sdk-Date is {date}, {abs(sent - wall_time):.0f} seconds off; at most {MOST_SKEW} are allowed"
        )


def canonical_uris(request: Sent) -> set[str]:
    """The path as signers see it: decoded once and encoded; Node's encodes the path as it goes over the wire."""
    path = request.raw_path
    if PLAIN.fullmatch(path):
        return {path if path.endswith("/") else path + "/"}
    sent = path.encode("latin-1")
    uris = {quote(unquote_to_bytes(sent), safe="/~"), quote(sent, safe="/~")}
    return {uri if uri.endswith("/") else uri + "/" for uri in uris}


def canonical_queries(request: Sent) -> set[str]:
    """The query as signers see it: sorted by what was meant or by how it is encoded, or in the order of the
    wire.

    The wire's order is Python's, which sorts numbers in a list as numbers.
    """
    if not request.raw_query:
        return {""}
    pairs = [part.partition("=")[::2] for part in request.raw_query.split("&") if part]
    meant = [
        (unquote_to_bytes(name.encode("latin-1")), unquote_to_bytes(value.encode("latin-1")))
        for name, value in pairs
    ]
    sent = [f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in meant]
    by_meaning = [f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(meant)]
    return {"&".join(sent), "&".join(by_meaning), "&".join(sorted(sent))}


def header_lines(request: Sent, names: tuple[str, ...]) -> str:
    """`name:value` of each signed header, a line end after each; BadSignature for one that did not arrive."""
    lines = []
    for name in names:
        value = request.host if name == "host" else request.header(name)
        if value is None:
            raise BadSignature(f"the header {name[:60]!r} is signed but was not sent")
        lines.append(name + ":" + value.strip(" \t") + "\n")
    return "".join(lines)


def body_hashes(request: Sent) -> set[str]:
    """What may stand for the body: its hash, or what X-Sdk-Content-Sha256 says if that is true or UNSIGNED-
    PAYLOAD.
    """
    right = hashlib.sha256(request.body).hexdigest() if request.body else EMPTY_HASH
    declared = request.header("X-Sdk-Content-Sha256")
    if declared is None:
        return {right}
    if declared not in (UNSIGNED, right):
        raise BadSignature("X-Sdk-Content-Sha256 is not the hash of the body that arrived")
    return {declared} if request.body else {declared, EMPTY_HASH}


def signing_key(signed: Signed, secret: str) -> tuple[bytes, str]:
    """(key, scope line of the text to sign): the secret itself, or derived step by step from a scope."""
    if not signed.scope:
        return secret.encode(), ""
    key = f"SDK{secret}".encode()
    for step in signed.scope:
        key = hmac.digest(key, step.encode("latin-1"), "sha256")
    return key, "/".join(signed.scope) + "\n"
