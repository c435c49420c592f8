"""Pictures and films as small real files: PNG, and MP4 whose frames are PNG."""

import struct
import zlib
from hashlib import blake2b

CELLS = 8


def colours_of(*names) -> list[tuple[int, int, int]]:
    """As many colours as there are cells; they follow from the names alone."""
    digest = b"".join(
        blake2b(
            "\x00".join(map(str, names)).encode("utf-8", "surrogatepass"), digest_size=64, salt=bytes([n])
        ).digest()
        for n in range(3)
    )
    return [tuple(digest[at : at + 3]) for at in range(0, 3 * CELLS * CELLS, 3)]


def png(width: int, height: int, colours: list, shift: int = 0) -> bytes:
    """A PNG of coloured cells, moved to the right by that many pixels."""
    rows = []
    for row in range(CELLS):
        line = b"".join(
            bytes(colours[row * CELLS + at]) * (width * (at + 1) // CELLS - width * at // CELLS)
            for at in range(CELLS)
        )
        turned = 3 * (shift % width)
        line = b"\x00" + line[len(line) - turned :] + line[: len(line) - turned]
        rows.append(line * (height * (row + 1) // CELLS - height * row // CELLS))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"".join(rows), 1)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def film(width: int, height: int, fps: int, seconds: int, colours: list) -> bytes:
    """An MP4 of that many seconds in which the coloured cells go round once a second."""
    frames = [png(width, height, colours, number * width // fps) for number in range(fps)]
    head = box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isomiso2mp41")
    start = len(head) + 8
    media = box(b"mdat", b"".join(frames))
    return (
        head
        + media
        + box(b"moov", movie_header(fps, seconds), track(width, height, fps, seconds, frames, start))
    )


def box(kind: bytes, *contents: bytes) -> bytes:
    """One box of an MP4."""
    content = b"".join(contents)
    return struct.pack(">I", len(content) + 8) + kind + content


def full(kind: bytes, content: bytes, flags: int = 0) -> bytes:
    """A box with version 0 and flags."""
    return box(kind, struct.pack(">I", flags) + content)


MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def movie_header(fps: int, seconds: int) -> bytes:
    """The header of the whole film."""
    times = struct.pack(">IIII", 0, 0, fps, fps * seconds)
    return full(
        b"mvhd", times + struct.pack(">IH10x", 0x10000, 0x100) + MATRIX + bytes(24) + struct.pack(">I", 2)
    )


def track(width: int, height: int, fps: int, seconds: int, frames: list, start: int) -> bytes:
    """The film's only track."""
    length = fps * seconds
    head = struct.pack(">IIIII8xHHHH", 0, 0, 1, 0, length, 0, 0, 0, 0) + MATRIX
    header = full(b"tkhd", head + struct.pack(">II", width << 16, height << 16), 7)
    media_header = full(b"mdhd", struct.pack(">IIIIHH", 0, 0, fps, length, 0x55C4, 0))
    handler = full(b"hdlr", bytes(4) + b"vide" + bytes(12) + b"video\x00")
    data = box(b"dinf", full(b"dref", struct.pack(">I", 1) + full(b"url ", b"", 1)))
    media = box(b"minf", full(b"vmhd", bytes(8), 1), data, samples(width, height, frames, start, seconds))
    return box(b"trak", header, box(b"mdia", media_header, handler, media))


def samples(width: int, height: int, frames: list, start: int, seconds: int) -> bytes:
    """Where each frame of each second lies, and that it is a PNG."""
    decoder = b"\x04\x0d" + bytes([0x6D, 0x11]) + bytes(11)
    stream = b"\x03" + bytes([3 + len(decoder) + 3]) + struct.pack(">HB", 1, 0) + decoder + b"\x06\x01\x02"
    entry = bytes(6) + struct.pack(">H16xHHIIIH", 1, width, height, 0x480000, 0x480000, 0, 1)
    entry += bytes(32) + struct.pack(">Hh", 24, -1) + full(b"esds", stream)
    offsets, at = [], start
    for frame in frames:
        offsets.append(at)
        at += len(frame)
    number, sizes, offsets = (
        len(frames) * seconds,
        [len(frame) for frame in frames] * seconds,
        offsets * seconds,
    )
    return box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1) + box(b"mp4v", entry)),
        full(b"stts", struct.pack(">III", 1, number, 1)),
        full(b"stsc", struct.pack(">IIII", 1, 1, 1, 1)),
        full(b"stsz", struct.pack(">II", 0, number) + struct.pack(f">{number}I", *sizes)),
        full(b"stco", struct.pack(">I", number) + struct.pack(f">{number}I", *offsets)),
    )
