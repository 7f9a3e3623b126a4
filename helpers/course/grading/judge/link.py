"""Messages between the broker and the judge's interpreter: their length, then JSON."""

import json
import select
import socket
import struct
import time

from helpers.errors import CourseError

MOST = 400_000_000  # bytes of a message: a student's answer, quoted once more


class EndedError(CourseError):
    """Nobody is at the other end any more, or what comes from there is no message."""


def send(link: socket.socket, message: dict) -> None:
    """Send a message.

    Args:
        link: One end of a pair of sockets.
        message: Of what JSON knows.

    Raises:
        EndedError: The other end is gone.
    """
    data = json.dumps(message).encode()
    try:
        link.sendall(struct.pack("!I", len(data)) + data)
    except OSError as error:
        raise EndedError("gone") from error


def receive(link: socket.socket, until: float | None = None) -> dict:
    """Wait for a message.

    Args:
        link: One end of a pair of sockets.
        until: Of `time.monotonic`; None waits for ever.

    Raises:
        EndedError: The other end is gone, or says what is no message.
        TimeoutError: Nothing came in time.
    """
    (length,) = struct.unpack("!I", _exactly(link, 4, until))
    if length > MOST:
        raise EndedError("too long")
    try:
        message = json.loads(_exactly(link, length, until))
    except (ValueError, RecursionError) as error:
        raise EndedError("no message") from error
    if type(message) is not dict:
        raise EndedError("no message")
    return message


def _exactly(link: socket.socket, length: int, until: float | None) -> bytes:
    data = bytearray()
    while len(data) < length:
        left = None if until is None else until - time.monotonic()
        if left is not None and (left <= 0 or not select.select([link], [], [], left)[0]):
            raise TimeoutError
        try:
            part = link.recv(min(1 << 20, length - len(data)))
        except OSError as error:
            raise EndedError("gone") from error
        if not part:
            raise EndedError("gone")
        data += part
    return bytes(data)
