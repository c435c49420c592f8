"""Scalars in the event files that writers for TensorBoard leave: records of protobuf, read without TensorFlow."""

import struct
from collections.abc import Iterator

MARK = "tfevents"
# A record is its length, a checksum, itself, a checksum.
LENGTH, CHECKSUM = 8, 4
VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
WIDTHS = {FIXED_64: 8, FIXED_32: 4}
LAST_SHIFT = 63
# Members by their numbers: of an event, its summary, a value in that, a tensor in that.
STEP, SUMMARY = 2, 5
VALUE = 1
TAG, SIMPLE_VALUE, TENSOR = 1, 2, 8
CONTENT, FLOATS, DOUBLES = 4, 5, 6
FORMATS = {4: "<f", 8: "<d"}


def scalars_in(content: bytes) -> list[tuple[int, str, float]]:
    """(step, tag, value) of the scalars in an event file, as far as it is whole, in their order."""
    found = []
    try:
        for record in records_in(content):
            event = list(members_of(record))
            step = next((value for number, value in event if number == STEP), 0)
            summaries = [value for number, value in event if number == SUMMARY]
            for summary in summaries:
                values = [value for number, value in members_of(summary) if number == VALUE]
                found += [(step, *scalar) for scalar in map(scalar_of, values) if scalar is not None]
    except (ValueError, TypeError):
        # What comes behind a part that is no such record says nothing.
        return found
    return found


def records_in(content: bytes) -> Iterator[bytes]:
    """The whole records of a file."""
    at = 0
    while at + LENGTH <= len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        start, at = at + LENGTH + CHECKSUM, at + LENGTH + CHECKSUM + length + CHECKSUM
        if at > len(content):
            return
        yield content[start : start + length]


def members_of(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of the members of a message: a whole number, or the bytes of anything else.

    ValueError for what is no message.
    """
    at = 0
    while at < len(message):
        key, at = varint_at(message, at)
        kind = key & 7
        if kind == VARINT:
            value, at = varint_at(message, at)
            yield key >> 3, value
            continue
        width = WIDTHS.get(kind)
        if kind == BYTES:
            width, at = varint_at(message, at)
        if width is None or at + width > len(message):
            raise ValueError("this is no message of protobuf")
        yield key >> 3, message[at : at + width]
        at += width


def varint_at(message: bytes, at: int) -> tuple[int, int]:
    """(whole number, where it ends) of what begins there."""
    found = 0
    for shift in range(0, LAST_SHIFT + 1, 7):
        if at >= len(message):
            break
        byte, at = message[at], at + 1
        found |= (byte & 127) << shift
        if byte < 128:
            return found, at
    raise ValueError("a number in this message has no end")


def scalar_of(message: bytes) -> tuple[str, float] | None:
    """(tag, number) of a value that has one; None for all else, such as pictures."""
    members = dict(members_of(message))
    number = members.get(SIMPLE_VALUE)
    if TENSOR in members:
        tensor = dict(members_of(members[TENSOR]))
        number = next((tensor[name] for name in (FLOATS, DOUBLES, CONTENT) if name in tensor), None)
    if not isinstance(number, bytes) or len(number) not in FORMATS:
        return None
    (value,) = struct.unpack(FORMATS[len(number)], number)
    return members.get(TAG, b"").decode("utf-8", "replace"), value
