"""An image file, or an array, as the pixels of training."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from data_prework.image_files.accepted import BLACK, FORMATS, MODES, RejectedImageError
from data_prework.image_files.checking import check_header, decode
from data_prework.image_files.converting import check_bits, convert, largest_value, needs_conversion
from data_prework.image_files.opening import any_size, opened, read_content


def read_image(
    source: bytes | str | Path, size: tuple[int, int] | None = None, color_mode: str = "rgb", bits: int = 16
) -> np.ndarray:
    """Read one image file, whoever made it, by its content and whatever its name.

    It is upright by its EXIF tag; transparent parts are white; palette, CMYK and 16 bits are brought to 8 bits, see
    `convert`. With a size the pixels are exactly those that `load_dataset` gives for the file (and nearly those of a
    rotated JPEG, HEIC or AVIF file, whose prepared copy is a JPEG anew).

    Args:
        source: path of a file, or its content.
        size: (height, width) in pixels to stretch it to, with antialiasing; None keeps its own.
        color_mode: "grayscale" or "rgb".
        bits: depth of 16-bit gray, 8 to 16: `settings["bits"]` of the data set's `about.json`.

    Returns:
        (height, width, 1 or 3) uint8.

    Raises:
        RejectedImageError: the file is missing, empty, too large (seen before it is read or decoded), too small, no
            image or of a format without a reader, animated, truncated, of floating-point or negative pixels, or of
            16-bit gray that is too bright for `bits` or would be nearly black.
        ValueError: an argument is wrong.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (60, 40), "red").save(file, "PNG")
        >>> read_image(file.getvalue(), size=(32, 32)).shape
        (32, 32, 3)
        >>> read_image(b"no image")
        Traceback (most recent call last):
        data_prework.image_files.accepted.RejectedImageError: not an image: text
    """
    mode, bits, data = _mode(color_mode), check_bits(bits) or 16, read_content(source)
    # Pillow's remarks on odd files are ignored; what matters is refused
    with warnings.catch_warnings(action="ignore"), opened(data) as image:
        check_header(image)
        if size is not None and not needs_conversion(image):
            _draft(image, size, mode)
        decode(image, data)
        top = largest_value(image)
        if 0 < top < 2**bits / BLACK:
            raise RejectedImageError(
                f"nearly black: 16-bit gray up to {top:,}, of {2**bits - 1:,} in {bits} bits; give the bits of the "
                "camera, or save it as 8 bits"
            )
        return _fitted(convert(image, bits), size, mode)


def fit_image(array: np.ndarray, size: tuple[int, int] | None = None, color_mode: str = "rgb") -> np.ndarray:
    """Like `read_image`, for an image that is an array already.

    Args:
        array: (height, width) or (height, width, 1 or 3), uint8.
        size: (height, width) in pixels to stretch it to, with antialiasing; None keeps its own.
        color_mode: "grayscale" or "rgb".

    Returns:
        (height, width, 1 or 3) uint8.

    Raises:
        ValueError: another shape or type, or a wrong argument.

    Example:
        >>> fit_image(np.zeros((40, 60), np.uint8), size=(20, 20)).shape
        (20, 20, 3)
    """
    mode, array = _mode(color_mode), np.asarray(array)
    if array.dtype != np.uint8:
        raise ValueError(f"images: of the type {array.dtype}, expected uint8 from 0 to 255, as read from a file")
    if array.ndim not in (2, 3) or array.size == 0 or (array.ndim == 3 and array.shape[2] not in (1, 3)):
        raise ValueError(f"images: an image of the shape {array.shape}, expected (height, width, 1 or 3)")
    return _fitted(Image.fromarray(array[:, :, 0] if array.shape[2:] == (1,) else array), size, mode)


def read_prepared(path: Path, size: tuple[int, int], color_mode: str) -> np.ndarray:
    """The same pixels as `read_image`, faster, for a file that `data_prework.prepare` wrote and thereby checked.

    Raises:
        OSError: the file is missing or damaged.
    """
    mode = MODES[color_mode][0]
    with any_size(), Image.open(path, formats=FORMATS) as image:
        _draft(image, size, mode)
        return _fitted(image, size, mode)


def _draft(image: Image.Image, size: tuple[int, int], mode: str) -> None:
    """Let a JPEG that was opened, and not read yet, be decoded at a fraction of its size where it can."""
    image.draft(mode, (2 * size[1], 2 * size[0]))


def _fitted(image: Image.Image, size: tuple[int, int] | None, mode: str) -> np.ndarray:
    """(height, width, channels) uint8: stretched to `size`, (height, width), with antialiasing."""
    height, width = size or (image.height, image.width)
    plain = image if image.mode == mode else image.convert(mode)
    return np.asarray(plain.resize((width, height), Image.Resampling.BOX)).reshape(height, width, -1)


def _mode(color_mode: str) -> str:
    if color_mode not in MODES:
        raise ValueError(f"color_mode is {color_mode!r}; it must be {' or '.join(MODES)}")
    return MODES[color_mode][0]
