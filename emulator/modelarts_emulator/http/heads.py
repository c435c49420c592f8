"""The head of a request: what in it is refused before anything else is looked at, and how an offer is declined."""

import re
from functools import lru_cache

import httptools

# A name, an IPv4 address or an IPv6 address in brackets, and a port. Names with an underscore are common in Compose.
HOST = re.compile(r"([A-Za-z0-9._~%!$&'()*+;=-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?")
VERSIONS = ("HTTP/1.1", "HTTP/1.0")


def fault_in_head(environ: dict) -> tuple[int, str] | None:
    """(status, words) of what makes a head one that must not be served, as RFC 9110 and 9112 have it; None for a good
    one.
    """
    version, coding = environ["SERVER_PROTOCOL"], environ.get("HTTP_TRANSFER_ENCODING")
    host, expected = environ.get("HTTP_HOST"), environ.get("HTTP_EXPECT")
    if version not in VERSIONS:
        return 505, f"{version} is not spoken here, HTTP/1.1 and HTTP/1.0 are"
    if environ["REQUEST_METHOD"] == "CONNECT":
        return 501, "CONNECT asks for a proxy, which this is not"
    if host is None and version == "HTTP/1.1":
        return 400, "a request of HTTP/1.1 needs the header Host"
    if host is not None and not is_host(host):
        return 400, f"the header Host is {host[:80]!r}, must be one name or address, with or without a port"
    if "#" in environ["RAW_URI"]:
        return 400, "the URI contains a #; a fragment is not sent"
    if coding is not None and version == "HTTP/1.0":
        return 400, "HTTP/1.0 knows no Transfer-Encoding"
    if coding is not None and coding.lower() != "chunked":
        return 501, f"Transfer-Encoding is {coding[:80]!r}, only chunked is understood"
    if expected is not None and version == "HTTP/1.1" and expected.lower() != "100-continue":
        return 417, f"Expect is {expected[:80]!r}, only 100-continue can be met"
    return None


@lru_cache(256)
def is_host(text: str) -> bool:
    """Whether the text is a host as the header Host names one."""
    return HOST.fullmatch(text) is not None


def without_upgrade(parser: httptools.HttpRequestParser, url: bytes, headers: list) -> bytes:
    """The head of a request that has been parsed, as bytes, without its offer of another protocol."""
    version = parser.get_http_version().encode()
    lines = [b"%b %b HTTP/%b" % (parser.get_method(), url, version)]
    lines += [b"%b: %b" % (name, value) for name, value in headers if name.lower() != b"upgrade"]
    return b"\r\n".join([*lines, b"", b""])
