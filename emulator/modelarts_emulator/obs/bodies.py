"""Bodies of requests: bounded, complete, taken out of the chunks that AWS clients wrap them in."""

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from io import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import IO

from modelarts_emulator.obs.refusals import ObsError

LARGEST = 5 << 30
LONGEST_LINE = 4096
MOST_IN_MEMORY = 1 << 20
PIECE = 256 << 10
CHECKSUMS = ("crc32", "sha1", "sha256")


class Sent:
    """Content that has been sent, or is about to be stored: in memory, or somewhere from where it is read in pieces.

    size: its bytes. pieces: hands it out from the beginning, as often as it is asked.
    """

    def __init__(self, size: int, pieces: Callable[[], Iterable[bytes]]):
        self.size = size
        self.pieces = pieces

    def read(self) -> bytes:
        """All of it at once."""
        return b"".join(self.pieces())

    def digest(self, name: str) -> bytes:
        """Its check sum or hash of that name."""
        if name == "crc32":
            return crc32_of(self.pieces()).to_bytes(4, "big")
        found = hashlib.new(name, usedforsecurity=False)
        for piece in self.pieces():
            found.update(piece)
        return found.digest()


def sent(content: bytes | Sent) -> Sent:
    """Bytes as content, or content as it is."""
    return content if isinstance(content, Sent) else Sent(len(content), lambda: (content,))


def sent_in_file(file: IO[bytes], size: int) -> Sent:
    """What a file holds, in memory if it is little."""
    file.seek(0)
    return sent(file.read(size)) if size <= MOST_IN_MEMORY else Sent(size, lambda: pieces_in(file, size))


def pieces_in(file: IO[bytes], size: int) -> Iterator[bytes]:
    """So many bytes of a file in pieces; IncompleteBody when it has less."""
    file.seek(0)
    while size:
        piece = file.read(min(PIECE, size))
        if not piece:
            raise ObsError("IncompleteBody", f"{size} bytes are missing")
        size -= len(piece)
        yield piece


def crc32_of(pieces: Iterable[bytes], found: int = 0) -> int:
    """The CRC-32 of what comes in pieces after something whose own is `found`."""
    for piece in pieces:
        found = zlib.crc32(piece, found)
    return found


def body_of(environ: dict, headers: dict) -> Sent:
    """The whole body as the client meant it. ObsError when it is too large, incomplete or not what its sums say."""
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared and not (declared.isascii() and declared.isdigit()):
        raise ObsError("InvalidContentLength", f"Content-Length is {declared[:40]!r}")
    if declared and int(declared) > LARGEST:
        raise ObsError(
            "EntityTooLarge", f"{declared} bytes, at most {LARGEST} in one request", {"Connection": "close"}
        )
    whole = raw_body(environ, int(declared) if declared else None)
    if whole.size > LARGEST:
        raise ObsError("EntityTooLarge", f"more than {LARGEST} bytes", {"Connection": "close"})
    if headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
        whole = out_of_chunks(whole, headers)
    refuse_wrong_sums(whole, headers)
    return whole


def raw_body(environ: dict, length: int | None) -> Sent:
    """What came: left in the file where the server has put it, or read. IncompleteBody when that is not all."""
    if length is None and not environ.get("wsgi.input_terminated"):
        return sent(b"")
    came = environ["wsgi.input"]
    if length is None:
        return sent(came.read(LARGEST + 1))
    if length > MOST_IN_MEMORY and hasattr(came, "seek"):
        found = Sent(length, lambda: pieces_in(came, length))
        size = min(length, came.seek(0, SEEK_END))
    else:
        found = sent(came.read(length) if length else b"")
        size = found.size
    if size < length:
        raise ObsError("IncompleteBody", f"{size} of {length} bytes came", {"Connection": "close"})
    return found


def out_of_chunks(body: Sent, headers: dict) -> Sent:
    """The content of an aws-chunked body; a check sum in its trailer becomes a header. IncompleteBody when cut."""
    source, kept = Lines(body.pieces()), spool()
    while size := source.chunk_size():
        for piece in source.read(size):
            kept.write(piece)
        source.line()
    while line := source.line():
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower().startswith("x-amz-checksum-"):
            headers[name.lower()] = value.strip()
    whole = sent_in_file(kept, kept.tell())
    length = headers.get("x-amz-decoded-content-length", str(whole.size))
    if length != str(whole.size):
        raise ObsError(
            "IncompleteBody", f"x-amz-decoded-content-length is {length[:40]}, {whole.size} bytes came"
        )
    strip_chunked(headers)
    return whole


def spool() -> IO[bytes]:
    """A place for content that may be too large for memory."""
    return SpooledTemporaryFile(MOST_IN_MEMORY)


class Lines:
    """The chunks of an aws-chunked body, read from front to back."""

    def __init__(self, pieces: Iterable[bytes]):
        self._pieces = iter(pieces)
        self._left = b""
        self._at = 0

    def line(self) -> bytes:
        """The next line without its end; what is left where no end comes."""
        while b"\r\n" not in self._left and len(self._left) < LONGEST_LINE and self._more():
            pass
        line, end, _ = self._left.partition(b"\r\n")
        self._skip(len(line) + len(end))
        return line

    def chunk_size(self) -> int:
        """How many bytes the next chunk has. IncompleteBody when none begins here."""
        begins, text = self._at, self.line().partition(b";")[0].strip()
        try:
            size = int(text, 16)
        except ValueError:
            size = -1
        if size < 0:
            raise ObsError("IncompleteBody", f"no chunk of aws-chunked at byte {begins}")
        return size

    def read(self, size: int) -> Iterator[bytes]:
        """So many bytes in pieces. IncompleteBody when there are less."""
        left = size
        while left:
            if not self._left and not self._more():
                raise ObsError("IncompleteBody", f"a chunk of {size} bytes is cut off at byte {self._at}")
            piece = self._left[:left]
            self._skip(len(piece))
            left -= len(piece)
            yield piece

    def _more(self) -> bool:
        piece = next(self._pieces, b"")
        self._left += piece
        return bool(piece)

    def _skip(self, size: int) -> None:
        self._left = self._left[size:]
        self._at += size


def strip_chunked(headers: dict) -> None:
    """Leave only what the client itself encoded in Content-Encoding."""
    encodings = [part.strip() for part in headers.get("content-encoding", "").split(",")]
    kept = ",".join(part for part in encodings if part and part != "aws-chunked")
    headers.pop("content-encoding", None)
    if kept:
        headers["content-encoding"] = kept


def refuse_wrong_sums(body: Sent, headers: dict) -> None:
    """BadDigest when the body is not what Content-MD5, x-amz-content-sha256 or x-amz-checksum-… say."""
    if "content-md5" in headers:
        digest = base64.b64encode(body.digest("md5")).decode()
        if digest != headers["content-md5"].strip():
            raise ObsError("BadDigest", f"Content-MD5 of what came is {digest}")
    for prefix in ("x-amz-", "x-obs-"):
        claimed = headers.get(f"{prefix}content-sha256", "")
        if len(claimed) == 64 and claimed.lower() != body.digest("sha256").hex():
            raise ObsError("BadDigest", f"{prefix}content-sha256 does not match the body")
    for name in CHECKSUMS:
        claimed = headers.get(f"x-amz-checksum-{name}")
        if claimed is not None and base64.b64encode(body.digest(name)).decode() != claimed:
            raise ObsError("BadDigest", f"x-amz-checksum-{name} does not match the body")
