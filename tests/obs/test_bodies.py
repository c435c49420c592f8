"""Large bodies: checked, unwrapped and stored in pieces, never as a whole."""

import base64
import hashlib
import random
import re
import zlib

import pytest
from modelarts_emulator.obs import bodies
from modelarts_emulator.obs.bodies import MOST_IN_MEMORY, Sent

from tests.obs.conftest import Direct

LARGE = random.Random(7).randbytes(3 * MOST_IN_MEMORY + 17)
STREAMED = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "content-encoding": "aws-chunked"}


@pytest.fixture
def piecemeal(tmp_path, monkeypatch):
    """An OBS with a state, in which nothing large may be read as a whole."""
    read = Sent.read

    def refuse_large(content):
        assert content.size <= MOST_IN_MEMORY
        return read(content)

    monkeypatch.setattr(Sent, "read", refuse_large)
    direct = Direct(auth="off", state_dir=tmp_path)
    direct.send("PUT", "/data")
    return direct


def content_of(direct, key: str) -> bytes:
    return direct.send("GET", f"/data/{key}").body


def chunked(content: bytes, size: int, trailer: bytes = b"") -> bytes:
    """The content as aws-chunked has it."""
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailer + b"\r\n"


def test_a_large_object_is_stored_and_checked_in_pieces(piecemeal):
    sums = {
        "content-md5": hashlib.md5(LARGE).digest(),
        "x-amz-checksum-sha256": hashlib.sha256(LARGE).digest(),
        "x-amz-checksum-crc32": zlib.crc32(LARGE).to_bytes(4, "big"),
    }
    headers = {name: base64.b64encode(digest).decode() for name, digest in sums.items()}
    assert piecemeal.send("PUT", "/data/a", LARGE, headers).status == 200
    assert content_of(piecemeal, "a") == LARGE
    for name, value in headers.items():
        assert piecemeal.send("PUT", "/data/b", LARGE[1:], {name: value}).code == "BadDigest"


@pytest.mark.parametrize("size", [65_536, 262_144 - 7, 3 * MOST_IN_MEMORY])
def test_a_large_object_in_aws_chunks_is_unwrapped_in_pieces(piecemeal, size):
    crc = base64.b64encode(zlib.crc32(LARGE).to_bytes(4, "big"))
    body = chunked(LARGE, size, b"x-amz-checksum-crc32:" + crc + b"\r\n")
    assert piecemeal.send("PUT", "/data/a", body, STREAMED).status == 200
    assert content_of(piecemeal, "a") == LARGE
    assert piecemeal.send("PUT", "/data/b", body.replace(crc, b"AAAAAA=="), STREAMED).code == "BadDigest"
    assert piecemeal.send("PUT", "/data/b", body[: 2 * MOST_IN_MEMORY], STREAMED).code == "IncompleteBody"


def test_parts_are_taken_in_and_copied_in_pieces(piecemeal):
    piecemeal.send("PUT", "/data/source", LARGE)
    begun = piecemeal.send("POST", "/data/whole?uploads").body
    upload = re.search(rb"<UploadId>(.+?)</UploadId>", begun)[1].decode()
    piecemeal.send("PUT", f"/data/whole?partNumber=1&uploadId={upload}", LARGE)
    span = {"x-obs-copy-source": "/data/source", "x-obs-copy-source-range": f"bytes=5-{len(LARGE) - 1}"}
    piecemeal.send("PUT", f"/data/whole?partNumber=2&uploadId={upload}", b"", span)
    etags = [hashlib.md5(part).hexdigest() for part in (LARGE, LARGE[5:])]
    rows = [
        f"<Part><PartNumber>{at}</PartNumber><ETag>{etag}</ETag></Part>" for at, etag in enumerate(etags, 1)
    ]
    listed = f"<CompleteMultipartUpload>{''.join(rows)}</CompleteMultipartUpload>".encode()
    assert piecemeal.send("POST", f"/data/whole?uploadId={upload}", listed).status == 200
    assert content_of(piecemeal, "whole") == LARGE + LARGE[5:]


def test_what_was_stored_in_pieces_is_there_after_a_restart(piecemeal, tmp_path):
    piecemeal.send("PUT", "/data/a", LARGE)
    piecemeal.obs.close()
    assert content_of(Direct(auth="off", state_dir=tmp_path), "a") == LARGE


def test_a_body_that_is_shorter_than_declared_is_incomplete():
    from io import BytesIO

    environ = {"CONTENT_LENGTH": str(len(LARGE) + 1), "wsgi.input": BytesIO(LARGE)}
    with pytest.raises(bodies.ObsError, match="IncompleteBody"):
        bodies.body_of(environ, {})


@pytest.mark.parametrize(
    ("field", "sum"),
    [
        ("Content-MD5", hashlib.md5(b"content").digest()),
        ("x-amz-checksum-crc32", zlib.crc32(b"content").to_bytes(4, "big")),
        ("x-amz-checksum-sha256", hashlib.sha256(b"content").digest()),
    ],
)
def test_the_file_of_a_form_is_what_the_sums_in_its_fields_say(field, sum):
    direct = Direct(auth="off")
    direct.send("PUT", "/data")
    sums = {"right": sum, "wrong": bytes(len(sum))}
    for key, digest in sums.items():
        fields = {"key": key, field: base64.b64encode(digest).decode(), 'file"; filename="f': "content"}
        parts = (
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        body = "".join(parts).encode() + b"--b--\r\n"
        answer = direct.send("POST", "/data", body, {"content-type": "multipart/form-data; boundary=b"})
        assert (answer.status, answer.code) == ((204, "") if key == "right" else (400, "BadDigest"))
    assert (direct.send("GET", "/data/right").body, direct.send("GET", "/data/wrong").status) == (
        b"content",
        404,
    )
