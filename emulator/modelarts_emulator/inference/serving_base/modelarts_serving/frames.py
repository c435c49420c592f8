"""Frames between the emulator and a model's process: two lengths, a JSON header, a body."""

import json
from socket import socket
from struct import Struct

LENGTHS = Struct("!II")
LARGEST_HEADER = 256 * 1024
LARGEST_BODY = 64 * 1024 * 1024
CHUNK = 256 * 1024


class BrokenFrame(Exception):
    """The other side sent what is no frame, or ended."""


def send_frame(channel: socket, header: dict, body: bytes = b"") -> None:
    head = json.dumps(header).encode()
    channel.sendall(b"".join((LENGTHS.pack(len(head), len(body)), head, body)))


def receive_frame(channel: socket) -> tuple[dict, bytes]:
    """The next frame; BrokenFrame when there is none. The channel's time-out holds for each part."""
    header_length, body_length = LENGTHS.unpack(receive(channel, LENGTHS.size))
    if header_length > LARGEST_HEADER or body_length > LARGEST_BODY:
        raise BrokenFrame(f"a frame of {header_length} + {body_length} bytes is too large")
    try:
        header = json.loads(receive(channel, header_length))
    except ValueError:
        raise BrokenFrame("the header of a frame is not JSON") from None
    if not isinstance(header, dict):
        raise BrokenFrame("the header of a frame is not an object")
    return header, receive(channel, body_length)


def receive(channel: socket, length: int) -> bytes:
    """So many bytes; memory grows only with what has really arrived."""
    received = bytearray()
    while len(received) < length:
        part = channel.recv(min(CHUNK, length - len(received)))
        if not part:
            raise BrokenFrame("the other side has ended")
        received += part
    return bytes(received)
