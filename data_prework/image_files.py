"""The one reader of image files, trusted or not: the pixels of training, or a reason in words."""

import io
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from data_prework.errors import CourseError

SUFFIXES = {
    "JPEG": (".jpg", ".jpeg"),
    "MPO": (".jpg", ".jpeg"),  # what some phones write: a JPEG with a second image behind it
    "PNG": (".png",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
# no others: some, such as EPS, start a program to be decoded; MPO is opened as the JPEG that it begins with
FORMATS = [name for name in SUFFIXES if name != "MPO"]
MODES = {"grayscale": ("L", 1), "rgb": ("RGB", 3)}  # Keras' name -> Pillow's name, channels
MIN_SIDE = 28  # pixels: the smallest that a public data set of this field uses
MAX_PIXELS = 50_000_000
MAX_BYTES = 200 * 2**20


class RejectedImageError(CourseError):
    """Why a file cannot be used; the message is what the student reads."""


def read_image(source: bytes | str | Path, size: tuple[int, int] | None = None, color_mode: str = "rgb") -> np.ndarray:
    """Read one image file, whoever made it.

    It is upright by its EXIF tag; transparent parts are white; palette, CMYK and 16 bits are brought to 8 bits, see
    `convert`. With a size the pixels are exactly those that `load_dataset` gives for the file.

    Args:
        source: path of a file, or its content.
        size: (height, width) in pixels to stretch it to, with antialiasing; None keeps its own.
        color_mode: "grayscale" or "rgb".

    Returns:
        (height, width, 1 or 3) uint8.

    Raises:
        RejectedImageError: the file is missing, empty, too large (seen before it is read or decoded), too small, not
            of a format of `FORMATS`, animated, truncated, or of floating-point pixels.
        ValueError: an argument is wrong.

    Example:
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (60, 40), "red").save(file, "PNG")
        >>> read_image(file.getvalue(), size=(32, 32)).shape
        (32, 32, 3)
        >>> read_image(b"no image")
        Traceback (most recent call last):
        data_prework.image_files.RejectedImageError: not an image: the content is of no known image format
    """
    mode, data = _mode(color_mode), read_content(source)
    # Pillow's remarks on odd files are ignored; what matters is refused
    with warnings.catch_warnings(action="ignore"), opened(data) as image:
        check_header(image)
        if size is not None and not needs_conversion(image):
            _draft(image, size, mode)
        image.load()
        return _fitted(convert(image), size, mode)


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
    with Image.open(path, formats=FORMATS) as image:
        _draft(image, size, mode)
        return _fitted(image, size, mode)


def read_content(source: bytes | str | Path) -> bytes:
    """The content of a file, or `source` itself where it is content already.

    Raises:
        RejectedImageError: it is missing, empty, too large, or not a plain file.
        ValueError: `source` is something else.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        _check_length(len(data))
        return data
    if not isinstance(source, str | Path):
        raise ValueError(f"source: {type(source).__name__} given, expected the path of a file or its content in bytes")
    try:
        found = Path(source).stat()
        if not stat.S_ISREG(found.st_mode):  # reading a pipe would wait for ever
            raise RejectedImageError("unreadable path: a folder, pipe, socket or device, not a file")
        _check_length(found.st_size)
        return Path(source).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise RejectedImageError(f"unreadable path: {getattr(error, 'strerror', None) or error}") from error


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """Open the content of a file as an image; only its header is read. Whatever fails in the block is a rejection.

    Raises:
        RejectedImageError: see `read_image`.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            yield image
    except RejectedImageError:
        raise
    except Image.DecompressionBombError as error:
        raise RejectedImageError(f"too large: {error}") from error
    except UnidentifiedImageError as error:
        raise RejectedImageError("not an image: the content is of no known image format") from error
    except Exception as error:  # on damaged files Pillow fails in any way, from SyntaxError to OverflowError
        raise RejectedImageError(f"truncated or damaged: {error}") from error


def check_header(image: Image.Image, min_side: int = MIN_SIDE, max_pixels: int = MAX_PIXELS) -> None:
    """Refuse an opened image by what its header says, before a pixel is decoded.

    Args:
        min_side: the shorter side in pixels below which it is refused.
        max_pixels: width times height above which it is refused.

    Raises:
        RejectedImageError: it is too large, too small, or has several frames.
    """
    if image.width * image.height > max_pixels:
        size = f"{image.width:,} x {image.height:,} pixels"
        raise RejectedImageError(f"too large: {size}, over the limit of {max_pixels:,}")
    if min(image.size) < min_side:
        raise RejectedImageError(f"too small: {image.width} x {image.height} pixels, under {min_side} on a side")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise RejectedImageError(f"animated or several pages: {frames} frames, and no way to tell which is meant")


def convert(image: Image.Image) -> Image.Image:
    """The image as a student expects to see it: upright, 8 bits, mode L or RGB.

    Transparent parts become white; 16-bit gray is scaled from its bit depth (12 bits where no value is above 4095);
    palette, CMYK and other color spaces become RGB.

    Raises:
        RejectedImageError: floating-point or 32-bit pixels, whose scale is unknown.

    Example:
        >>> convert(Image.new("LA", (40, 40), (0, 0))).getpixel((0, 0))
        255
    """
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        pixels = np.asarray(image).astype(np.int64)
        top = int(pixels.max())
        if top > 65535 or pixels.min() < 0:
            raise RejectedImageError("32-bit pixels: their scale is unknown; save it as 8 or 16 bits")
        return Image.fromarray((pixels / (4095 if top <= 4095 else 65535) * 255).round().astype(np.uint8))
    if image.mode == "F":
        raise RejectedImageError("floating-point pixels: their scale is unknown; save it as 8 or 16 bits")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        flat = Image.alpha_composite(white, clear).convert("RGB")
        return flat.convert("L") if image.mode in ("1", "L", "LA", "La") else flat
    if image.mode in ("L", "1"):
        return image.convert("L")
    return image.convert("RGB")


def needs_conversion(image: Image.Image) -> bool:
    """Whether `convert` would change the image, so that the raw bytes cannot be copied as they are."""
    rotated = image.getexif().get(0x0112, 1) != 1
    return rotated or image.mode not in ("L", "RGB") or "transparency" in image.info or image.format == "MPO"


def _draft(image: Image.Image, size: tuple[int, int], mode: str) -> None:
    """Let a JPEG that was opened, and not read yet, be decoded at a fraction of its size where it can."""
    image.draft(mode, (2 * size[1], 2 * size[0]))


def _fitted(image: Image.Image, size: tuple[int, int] | None, mode: str) -> np.ndarray:
    """(height, width, channels) uint8: stretched to `size`, (height, width), with antialiasing."""
    height, width = size or (image.height, image.width)
    plain = image if image.mode == mode else image.convert(mode)
    return np.asarray(plain.resize((width, height), Image.Resampling.BOX)).reshape(height, width, -1)


def _check_length(length: int) -> None:
    if length == 0:
        raise RejectedImageError("zero bytes: an empty file")
    if length > MAX_BYTES:
        raise RejectedImageError(f"too large: {length / 2**20:,.0f} MB, over the limit of {MAX_BYTES // 2**20} MB")


def _mode(color_mode: str) -> str:
    if color_mode not in MODES:
        raise ValueError(f"color_mode is {color_mode!r}; it must be {' or '.join(MODES)}")
    return MODES[color_mode][0]
