"""Cross-origin requests: what a bucket's CORS rules let a browser do."""

import re

from modelarts_emulator.obs import xml
from modelarts_emulator.obs.refusals import ObsError
from modelarts_emulator.obs.replies import Reply


def cors_headers(bucket, request) -> dict:
    """The headers that let the page at Origin read an answer; none when no rule lets it."""
    origin = request.headers.get("origin")
    if not origin or "cors" not in bucket.documents:
        return {}
    asked = split(request.headers.get("access-control-request-headers", ""))
    method = request.headers.get("access-control-request-method", request.method)
    for rule in xml.read(bucket.documents["cors"], "CORSConfiguration"):
        if allows(rule, origin, method, asked):
            return headers_of(rule, origin, asked)
    return {}


def preflight(request) -> Reply:
    """What a browser asks before a cross-origin request. AccessForbidden when no rule lets it."""
    bucket = request.find_bucket()
    headers = cors_headers(bucket, request)
    if not headers:
        raise ObsError("AccessForbidden", f"origin {request.headers.get('origin', '')[:200]!r}")
    return Reply(200, b"", headers)


def allows(rule, origin: str, method: str, asked: list[str]) -> bool:
    """Whether a rule lets that origin use the method with these headers."""
    origins, methods, headers = (
        values(rule, name) for name in ("AllowedOrigin", "AllowedMethod", "AllowedHeader")
    )
    return (
        any(matches(pattern, origin) for pattern in origins)
        and (method in methods or method == "OPTIONS")
        and all(any(matches(pattern.lower(), name.lower()) for pattern in headers) for name in asked)
    )


def headers_of(rule, origin: str, asked: list[str]) -> dict:
    """The answer of the rule that lets it."""
    anyone = "*" in values(rule, "AllowedOrigin")
    found = {
        "Access-Control-Allow-Origin": "*" if anyone else origin,
        "Access-Control-Allow-Methods": ", ".join(values(rule, "AllowedMethod")),
    }
    headers = ", ".join(asked or values(rule, "AllowedHeader"))
    optional = {
        "Access-Control-Allow-Headers": headers,
        "Access-Control-Expose-Headers": ", ".join(values(rule, "ExposeHeader")),
        "Access-Control-Max-Age": xml.text_of(rule, "MaxAgeSeconds"),
    }
    return found | {name: value for name, value in optional.items() if value}


def values(rule, name: str) -> list[str]:
    """The texts of a rule's elements of that name."""
    return [(node.text or "").strip() for node in rule.findall(name)]


def split(text: str) -> list[str]:
    """The names in a comma-separated list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def matches(pattern: str, text: str) -> bool:
    """Whether the text is the pattern, in which one * stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None
