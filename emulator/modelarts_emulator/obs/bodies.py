"""Bodies of requests: bounded, complete, taken out of the chunks that AWS clients wrap them in."""

import base64
import hashlib
import zlib

from modelarts_emulator.obs.refusals import ObsError

LARGEST = 5 << 30
CHECKSUMS = {
    "crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
}


def body_of(environ: dict, headers: dict) -> bytes:
    """The whole body as the client meant it. ObsError when it is too large, incomplete or not what its sums say."""
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared and not (declared.isascii() and declared.isdigit()):
        raise ObsError("InvalidContentLength", f"Content-Length is {declared[:40]!r}")
    if declared and int(declared) > LARGEST:
        raise ObsError(
            "EntityTooLarge", f"{declared} bytes, at most {LARGEST} in one request", {"Connection": "close"}
        )
    if declared:
        body = environ["wsgi.input"].read(int(declared)) if int(declared) else b""
        if len(body) < int(declared):
            raise ObsError("IncompleteBody", f"{len(body)} of {declared} bytes came", {"Connection": "close"})
    else:
        body = environ["wsgi.input"].read(LARGEST + 1) if environ.get("wsgi.input_terminated") else b""
    if len(body) > LARGEST:
        raise ObsError("EntityTooLarge", f"more than {LARGEST} bytes", {"Connection": "close"})
    if headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
        body = out_of_chunks(body, headers)
    refuse_wrong_sums(body, headers)
    return body


def out_of_chunks(body: bytes, headers: dict) -> bytes:
    """The content of an aws-chunked body; a check sum in its trailer becomes a header. IncompleteBody when cut."""
    content, position = [], 0
    while True:
        line_end = body.find(b"\r\n", position)
        size_text = body[position:line_end].partition(b";")[0].strip()
        try:
            size = int(size_text, 16)
        except ValueError:
            raise ObsError("IncompleteBody", f"no chunk of aws-chunked at byte {position}") from None
        position = line_end + 2
        if size == 0:
            break
        if line_end < 0 or size < 0 or position + size > len(body):
            raise ObsError("IncompleteBody", f"a chunk of {size} bytes is cut off at byte {len(body)}")
        content.append(body[position : position + size])
        position += size + 2
    for line in body[position:].split(b"\r\n"):
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower().startswith("x-amz-checksum-"):
            headers[name.lower()] = value.strip()
    whole = b"".join(content)
    length = headers.get("x-amz-decoded-content-length", str(len(whole)))
    if length != str(len(whole)):
        raise ObsError(
            "IncompleteBody", f"x-amz-decoded-content-length is {length[:40]}, {len(whole)} bytes came"
        )
    strip_chunked(headers)
    return whole


def strip_chunked(headers: dict) -> None:
    """Leave only what the client itself encoded in Content-Encoding."""
    encodings = [part.strip() for part in headers.get("content-encoding", "").split(",")]
    kept = ",".join(part for part in encodings if part and part != "aws-chunked")
    headers.pop("content-encoding", None)
    if kept:
        headers["content-encoding"] = kept


def refuse_wrong_sums(body: bytes, headers: dict) -> None:
    """BadDigest when the body is not what Content-MD5, x-amz-content-sha256 or x-amz-checksum-… say."""
    if "content-md5" in headers:
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        if base64.b64encode(digest).decode() != headers["content-md5"].strip():
            raise ObsError("BadDigest", f"Content-MD5 of what came is {base64.b64encode(digest).decode()}")
    for prefix in ("x-amz-", "x-obs-"):
        claimed = headers.get(f"{prefix}content-sha256", "")
        if len(claimed) == 64 and claimed.lower() != hashlib.sha256(body).hexdigest():
            raise ObsError("BadDigest", f"{prefix}content-sha256 does not match the body")
    for name, sum_of in CHECKSUMS.items():
        claimed = headers.get(f"x-amz-checksum-{name}")
        if claimed is not None and base64.b64encode(sum_of(body)).decode() != claimed:
            raise ObsError("BadDigest", f"x-amz-checksum-{name} does not match the body")
