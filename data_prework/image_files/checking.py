"""What is refused of an opened image: by its header, and by what decoders pass over in silence."""

import io
import re

import numpy as np
from PIL import Image

from data_prework.image_files.accepted import BLACK, MAX_PIXELS, MIN_SIDE, RejectedImageError
from data_prework.metadata import JPEG_END, jpeg_end

_GRAY = 128  # what a JPEG decoder puts where data is missing
_JUNK = bytes(k * 89 % 251 + 2 for k in range(2, 1000))  # no marker, and not like the zeros that decoders put instead
_HOLE = bytes(64)  # zeros that no encoder ends with, unless the image ends evenly


def check_header(
    image: Image.Image, min_side: int = MIN_SIDE, max_pixels: int = MAX_PIXELS, options: bool = False
) -> None:
    """Refuse an opened image by what its header says, before a pixel is decoded.

    Args:
        min_side: the shorter side in pixels below which it is refused.
        max_pixels: width times height above which it is refused.
        options: name the option of `prepare` that would let it in.

    Raises:
        RejectedImageError: it is too large, too small, or has several frames.
    """
    pixels, shorter = image.width * image.height, min(image.size)
    if pixels > max_pixels:
        more = f" (--max-pixels {pixels} lets it in)" if options else ""
        size = f"{image.width:,} x {image.height:,} pixels"
        raise RejectedImageError(f"too large: {size}, over the limit of {max_pixels:,}{more}")
    if shorter < min_side:
        more = f" (--min-side {shorter} lets it in)" if options else ""
        raise RejectedImageError(f"too small: {image.width} x {image.height} pixels, under {min_side} on a side{more}")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format not in ("MPO", "HEIF", "TIFF"):  # these say which; of TIFF see `whole_page`
        raise RejectedImageError(f"animated or several pages: {frames} frames, and no way to tell which is meant")


def decode(image: Image.Image, data: bytes) -> None:
    """Decode an opened image fully, and refuse what decoders pass over in silence.

    Args:
        image: from `opened`.
        data: the content that was opened.

    Raises:
        RejectedImageError: a JPEG of which a part is missing, or 16-bit color that only uses its lowest bits.
    """
    deep = image.mode[0] in "RL" and re.search(r";16[BLN]", str(getattr(image, "tile", [])[:1]))
    image.load()
    if image.format in ("JPEG", "MPO"):
        _check_whole(image, data)
    elif deep:
        colors = image.getextrema()[:3] if image.mode.startswith("RGB") else [image.getchannel(0).getextrema()]
        if max(high for _, high in colors) < BLACK:
            raise RejectedImageError("nearly black: color of 16 bits that uses at most 12 of them; save it as 8 bits")


def ends_in_gray(image: Image.Image) -> bool:
    """Whether the lowest eighth of a decoded image is of the even gray that decoders put where data is missing."""
    if image.mode not in ("L", "RGB") or not _is_gray(image.getpixel((image.width - 1, image.height - 1))):
        return False
    lowest = image.crop((0, image.height - max(1, image.height // 8), *image.size))
    return _is_gray(lowest.getextrema()) if image.mode == "L" else all(_is_gray(one) for one in lowest.getextrema())


def _is_gray(pixel: int | tuple[int, ...]) -> bool:
    return pixel == _GRAY or (isinstance(pixel, tuple) and set(pixel) == {_GRAY})


def _check_whole(image: Image.Image, data: bytes) -> None:
    """Refuse a JPEG whose data ends before its last pixel; a decoder leaves the rest gray without an error.

    Whether it does is told by data put before the end: of a whole image it changes nothing.
    """
    gray = _is_gray(image.getpixel((image.width - 1, image.height - 1)))
    end = len(data) - 2 if data.endswith(JPEG_END) else jpeg_end(data)
    before = data[:end] if end >= 0 else data.rstrip(b"\xff")
    if before.endswith(_HOLE):
        lowest = np.asarray(image.crop((0, image.height - 1, *image.size)))
        if (lowest != lowest[:, :1]).any():
            raise RejectedImageError("truncated or damaged: its data ends in zeros where pixels should be")
    if end >= 0 and not gray:
        return
    shown, changed = (np.asarray(Image.open(io.BytesIO(before + more + JPEG_END))) for more in (b"", _JUNK))
    rows = np.flatnonzero((shown != changed).reshape(len(shown), -1).any(axis=1))
    if len(rows):
        whole = f"only the upper {rows[0] / len(shown):.0%} of it can be decoded" if rows[0] else "its end is missing"
        raise RejectedImageError(f"truncated or damaged: {whole}")
