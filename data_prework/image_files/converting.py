"""An image as it is seen: upright, in 8 bits, gray or RGB."""

import numpy as np
from PIL import Image

from data_prework.image_files.accepted import RejectedImageError

_TURNS = {  # EXIF orientation -> what sets the image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def largest_value(image: Image.Image) -> int:
    """The largest gray level of an image of more than 8 bits; 0 for 8 bits.

    Raises:
        RejectedImageError: floating-point, negative or 32-bit pixels, whose scale is unknown.

    Example:
        >>> largest_value(Image.fromarray(np.full((40, 40), 3000, np.uint16))), largest_value(Image.new("L", (40, 40)))
        (3000, 0)
    """
    if image.mode[0] not in "IF":
        return 0
    low, high = (float(one) for one in (np.nanmin(image), np.nanmax(image)))
    if image.mode == "F":
        raise RejectedImageError(
            f"floating-point pixels: their scale is unknown, from {low:.4g} to {high:.4g}; save it as 8 or 16 bits"
        )
    if low < 0:
        raise RejectedImageError(
            f"negative values: gray levels from {low:,.0f} to {high:,.0f}, such as Hounsfield units of CT, whose scale "
            "is unknown; choose a window and save it as 8 or 16 bits without sign"
        )
    if high > 65535:
        raise RejectedImageError(
            f"32-bit pixels: their scale is unknown, with values up to {high:,.0f}; save it as 8 or 16 bits"
        )
    return int(high)


def check_bits(bits: int) -> int:
    """The bits themselves, if 16-bit gray can have that depth; 0 stands for unknown.

    Raises:
        ValueError: it can't.
    """
    if bits and (isinstance(bits, bool) or not isinstance(bits, int | np.integer) or not 8 <= bits <= 16):
        raise ValueError(f"bits is {bits!r}; it must be a whole number from 8 to 16, or 0 where it isn't known")
    return int(bits)


def convert(image: Image.Image, bits: int = 0) -> Image.Image:
    """The image as a student expects to see it: upright, 8 bits, mode L or RGB.

    Transparent parts become white; palette, CMYK and other color spaces become RGB.

    Args:
        bits: depth of 16-bit gray: 2**bits - 1 becomes white. 0 makes the largest value of this image white, which
            serves to compare images; a data set needs one depth for all.

    Raises:
        RejectedImageError: pixels of unknown scale, see `largest_value`; or more than `bits` hold.

    Example:
        >>> convert(Image.new("LA", (40, 40), (0, 0))).getpixel((0, 0))
        255
    """
    image.load()  # before the EXIF tag is asked: TIFF is set upright by Pillow
    turn = _TURNS.get(_orientation(image))
    image = image.transpose(turn) if turn is not None else image
    if image.mode[0] in "IF":
        top = largest_value(image)
        white = 2**bits - 1 if bits else max(top, 1)
        if top > white:
            raise RejectedImageError(f"16-bit gray: values up to {top:,}, more than the {white:,} of {bits} bits")
        return Image.fromarray((np.asarray(image) / white * 255).round().astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        flat = Image.alpha_composite(white, clear).convert("RGB")
        return flat.convert("L") if image.mode in ("1", "L", "LA", "La") else flat
    if image.mode in ("L", "1"):
        return image.convert("L")
    try:
        return image.convert("RGB")
    except ValueError as error:
        raise RejectedImageError(f"pixels of the kind {image.mode}, which is not known; save it as RGB") from error


def needs_conversion(image: Image.Image) -> bool:
    """Whether `convert` would change the image's pixels."""
    return image.mode not in ("L", "RGB") or "transparency" in image.info or _orientation(image) != 1


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(0x0112, 1)
    except Exception:  # of damaged EXIF, which decoders pass over
        return 1
