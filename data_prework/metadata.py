"""Take what tells of people and places out of image files; the encoded pixels stay byte for byte."""

import re
import struct
import zlib
from collections.abc import Iterator

from data_prework.file_kinds import HEAD, image_format

JPEG_END = b"\xff\xd9"  # the marker of a JPEG's end
_PNG_PIXELS = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT bKGD pHYs sPLT hIST cICP mDCV cLLI".split())
_PNG_TURN = re.compile(rb"Raw profile type (?:exif|APP1)\0|XML:com\.adobe\.xmp\0")  # texts that can hold a rotation
_PNG_MOTION = frozenset((b"acTL", b"fcTL", b"fdAT"))
_WEBP_PIXELS = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"ANIM", b"ANMF"))
_SMALL = 2**16  # bytes of metadata that may be read for a rotation
_SOS, _EOI = 0xDA, 0xD9


def without_metadata(data: bytes) -> bytes:
    """A JPEG, PNG or WebP without EXIF, XMP, IPTC, comments, texts, times, previews, and what stands behind its end.

    Color profiles and what decoders need stay. Other formats, and files whose parts can't be told, are as they were;
    so is a file in which there is nothing to take out.

    Args:
        data: content of the file.

    Example:
        >>> comment = bytes.fromhex("ffd8 fffe 0005 41 42 43 ffda 0002 00 ffd9")
        >>> without_metadata(comment).hex()
        'ffd8ffda000200ffd9'
    """
    strip = {"JPEG": _clean_jpeg, "PNG": _clean_png, "WEBP": _clean_webp}.get(image_format(data[:HEAD]))
    if strip is None:
        return data
    try:
        clean = strip(data)
    except (struct.error, IndexError, ValueError):  # odd parts that a decoder may still accept
        return data
    return data if clean == data else clean


def jpeg_end(data: bytes) -> int:
    """Where the end marker of the (first) image of a JPEG begins; -1 where there is none.

    Args:
        data: content of the file.
    """
    scan = next((start for marker, start, _ in _segments(data) if marker == _SOS), len(data))
    return data.find(JPEG_END, scan)


def png_to_read(data: bytes) -> bytes:
    """A PNG with nothing but what its pixels, their rotation and an animation need.

    Pillow refuses large or damaged texts that other decoders skip.

    Args:
        data: content of the file.
    """
    try:
        parts = [data[start:end] for kind, start, end in _chunks(data) if _to_read(kind, data[start:end])]
    except (struct.error, ValueError):
        return data
    clean = data[:8] + b"".join(parts)
    return data if len(clean) == len(data) else clean


def _to_read(kind: bytes, chunk: bytes) -> bool:
    if kind in _PNG_MOTION or (kind in _PNG_PIXELS and kind != b"iCCP"):
        return True
    turn = kind == b"eXIf" or (kind in (b"tEXt", b"zTXt", b"iTXt") and _PNG_TURN.match(chunk, 8))
    sound = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:])
    return bool(turn) and len(chunk) < _SMALL and sound


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of the segments of a JPEG up to the first one with pixels."""
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            raise ValueError("no marker")
        if data[place + 1] == 0xFF:  # a fill byte
            place += 1
            continue
        marker, (length,) = data[place + 1], struct.unpack_from(">H", data, place + 2)
        yield marker, place, place + 2 + length
        if marker == _SOS:
            return
        place += 2 + length


def _clean_jpeg(data: bytes) -> bytes:
    parts, scan = [data[:2]], -1
    for marker, start, end in _segments(data):
        if marker == _SOS:
            scan = start
        elif _needed(marker, data[start + 4 : start + 18]):
            parts.append(data[start:end])
    if scan < 0:
        raise ValueError("no pixels")
    end = data.find(JPEG_END, scan)
    parts.append(data[scan : len(data) if end < 0 else end + 2])
    return b"".join(parts)


def _needed(marker: int, begin: bytes) -> bool:
    """Whether a decoder needs a segment: all but comments and the application's, of which it needs three."""
    if marker == 0xFE:
        return False
    if not 0xE0 <= marker <= 0xEF:
        return True
    kept = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}.get(marker)
    return kept is not None and begin.startswith(kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of the chunks of a PNG; the last one may be cut off."""
    place = 8
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        yield kind, place, end
        if kind == b"IEND":
            return
        place = end


def _clean_png(data: bytes) -> bytes:
    return data[:8] + b"".join(data[start:end] for kind, start, end in _chunks(data) if kind in _PNG_PIXELS)


def _clean_webp(data: bytes) -> bytes:
    place, parts = 12, []
    last = min(len(data), 8 + struct.unpack_from("<I", data, 4)[0])
    while place + 8 <= last:
        kind, length = struct.unpack_from("<4sI", data, place)
        end = place + 8 + length + length % 2
        part = data[place:end]
        if kind == b"VP8X":  # its flags say whether there are EXIF and XMP
            part = part[:8] + bytes([part[8] & ~0x0C]) + part[9:]
        if kind in _WEBP_PIXELS:
            parts.append(part)
        place = end
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body
