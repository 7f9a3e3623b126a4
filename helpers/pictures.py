"""One picture from anywhere, trusted or not: read as in training, or refused with a reason in words."""

import io
import stat
import warnings
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, UnidentifiedImageError

from data_prework.scan import MAX_PIXELS, SUFFIXES, Rejected, check_header, convert, needs_conversion
from helpers.data import MODES, draft, shrunk

MAX_BYTES = 200 * 2**20
# no others: some, such as EPS, start a program to be decoded; MPO is opened as the JPEG that it begins with
FORMATS = [name for name in SUFFIXES if name != "MPO"]


def read_picture(
    source: bytes | str | Path, size: tuple[int, int] | None = None, color_mode: str = "rgb"
) -> np.ndarray:
    """Read one picture file: (height, width, 1 or 3) uint8.

    Upright by its EXIF tag; transparent parts white; palette, CMYK and 16 bits brought to 8 bits as in
    `data_prework.scan.convert`. With a size the pixels are exactly those that `load_dataset` gives for the file.

    Args:
        source: the path of a file, or its content.
        size: (height, width) in pixels to stretch it to; None keeps its own.
        color_mode: "grayscale" or "rgb".

    Raises:
        Rejected: the file cannot be used; the message says why: missing, empty, too many bytes or pixels (seen before
            they are read or decoded), not one of the formats of `data_prework.scan.SUFFIXES`, animated, too small,
            truncated, or of floating-point pixels.
        ValueError: an argument is wrong.
    """
    mode = _mode(color_mode)
    data = _content(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd files; what matters is refused below
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                check_header(image)
                if size is not None and not needs_conversion(image):
                    draft(image, size, mode)
                image.load()
                return _pixels(convert(image), size, mode)
    except Rejected:
        raise
    except Image.DecompressionBombError as error:
        raise Rejected(f"too large: over the limit of {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise Rejected(f"not an image: the content is none of {', '.join(FORMATS)}") from error
    except Exception as error:  # on damaged files Pillow fails in any way, from SyntaxError to OverflowError
        raise Rejected(f"truncated or damaged: {error}") from error


def fit_picture(array: np.ndarray, size: tuple[int, int] | None = None, color_mode: str = "rgb") -> np.ndarray:
    """The same for a picture that is an array already: (height, width) or (height, width, 1 or 3), uint8.

    Raises:
        ValueError: another shape or type, or a wrong argument.
    """
    mode, array = _mode(color_mode), np.asarray(array)
    if array.dtype != np.uint8:
        raise ValueError(f"images: of the type {array.dtype}, expected uint8 from 0 to 255, as read from a file")
    if array.ndim not in (2, 3) or array.size == 0 or (array.ndim == 3 and array.shape[2] not in (1, 3)):
        raise ValueError(f"images: a picture of the shape {array.shape}, expected (height, width, 1 or 3)")
    return _pixels(Image.fromarray(array[:, :, 0] if array.shape[2:] == (1,) else array), size, mode)


def overlaid(picture: np.ndarray, heat: np.ndarray, side: int = 320) -> np.ndarray:
    """The picture in grey with its heatmap in viridis over it: (height, width, 3) uint8, the longer side `side` pixels.

    picture: (h, w, 1 or 3) uint8. heat: (h, w), 0 or more; scaled to its strongest place, and nothing where all is 0.
    """
    strongest = float(heat.max())
    share = heat / strongest if strongest > 0 else np.zeros(heat.shape)
    colours = matplotlib.colormaps["viridis"](share)[:, :, :3]
    grey = picture.astype(float).mean(axis=2, keepdims=True) / 255
    mixed = 0.45 * grey + 0.55 * colours if strongest > 0 else np.repeat(grey, 3, axis=2)
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    shown = Image.fromarray((255 * mixed).round().astype(np.uint8))
    return np.asarray(shown.resize((round(width * scale), round(height * scale)), Image.Resampling.BICUBIC))


def _content(source: bytes | str | Path) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        _check_length(len(data))
        return data
    if not isinstance(source, str | Path):
        raise ValueError(f"source: {type(source).__name__} given, expected the path of a file or its content in bytes")
    try:
        found = Path(source).stat()
        if not stat.S_ISREG(found.st_mode):  # reading a pipe would wait for ever
            raise Rejected("not a file: a folder, pipe, socket or device")
        _check_length(found.st_size)
        return Path(source).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise Rejected(f"unreadable path: {getattr(error, 'strerror', None) or error}") from error


def _check_length(length: int) -> None:
    if length == 0:
        raise Rejected("zero bytes: an empty file")
    if length > MAX_BYTES:
        raise Rejected(f"too large: {length / 2**20:,.0f} MB, over the limit of {MAX_BYTES // 2**20} MB")


def _pixels(image: Image.Image, size: tuple[int, int] | None, mode: str) -> np.ndarray:
    return shrunk(image, (image.height, image.width) if size is None else size, mode)


def _mode(color_mode: str) -> str:
    if color_mode not in MODES:
        raise ValueError(f"color_mode is {color_mode!r}; it must be {' or '.join(MODES)}")
    return MODES[color_mode][0]
