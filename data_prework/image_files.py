"""The one reader of image files, trusted or not: the pixels of training, or a reason in words."""

import io
import re
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, JpegImagePlugin, UnidentifiedImageError

from data_prework.errors import CourseError
from data_prework.file_kinds import HEAD, image_format, other_kind
from data_prework.metadata import jpeg_end, png_to_read

SUFFIXES = {  # by Pillow's name of the format; the first one is that of copies
    "JPEG": (".jpg", ".jpeg", ".jfif", ".jpe", ".jif"),
    "MPO": (".jpg", ".jpeg", ".mpo", ".jfif", ".jpe"),  # a phone's JPEG with a second image behind it
    "PNG": (".png", ".apng"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpx", ".jpf"),
    "AVIF": (".avif", ".avifs"),
    "HEIF": (".heic", ".heif", ".hif"),
    "DICOM": (".dcm", ".dicom", ".ima", ""),
}
# what a prepared folder holds; opened as these, nothing starts a program to be decoded, as EPS would
FORMATS = ["JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP"]
MODES = {"grayscale": ("L", 1), "rgb": ("RGB", 3)}  # Keras' name -> Pillow's name, channels
MIN_SIDE = 28  # pixels: the smallest that a public data set of this field uses
MAX_PIXELS = 50_000_000
MAX_BYTES = 200 * 2**20
BITS = (8, 10, 12, 14, 16)  # depths of cameras and X-ray detectors
BLACK = 16  # below the largest gray level divided by this, 16-bit gray is nearly black

_TURNS = {  # EXIF orientation -> what sets the image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_GRAY = 128  # what a JPEG decoder puts where data is missing
_END = b"\xff\xd9"  # the marker of a JPEG's end
_JUNK = bytes(k * 89 % 251 + 2 for k in range(2, 1000))  # no marker, and not like the zeros that decoders put instead
_HOLE = bytes(64)  # zeros that no encoder ends with, unless the image ends evenly
_PREVIEW = 254  # TIFF's NewSubfileType; its first bit marks a smaller copy
_PLAIN_TAGS = {254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 290, 291}
_PLAIN_TAGS |= {292, 293, 296, 301, 317, 318, 319, 320, 322, 323, 324, 325, 338, 339, 347, 530, 531, 532, 34675}


class RejectedImageError(CourseError):
    """Why a file cannot be used; the message is what the student reads."""


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
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (60, 40), "red").save(file, "PNG")
        >>> read_image(file.getvalue(), size=(32, 32)).shape
        (32, 32, 3)
        >>> read_image(b"no image")
        Traceback (most recent call last):
        data_prework.image_files.RejectedImageError: not an image: text
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
    with _any_size(), Image.open(path, formats=FORMATS) as image:
        _draft(image, size, mode)
        return _fitted(image, size, mode)


def read_content(source: bytes | str | Path) -> bytes:
    """The content of a file, or `source` itself where it is content already. Its beginning is looked at first.

    Raises:
        RejectedImageError: it is missing, empty, too large, not a plain file, or no image by its first bytes.
        ValueError: `source` is something else.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        _check_start(data[:HEAD], len(data))
        return data
    if not isinstance(source, str | Path):
        raise ValueError(f"source: {type(source).__name__} given, expected the path of a file or its content in bytes")
    try:
        found = Path(source).stat()
        if not stat.S_ISREG(found.st_mode):  # reading a pipe would wait for ever
            raise RejectedImageError("unreadable path: a folder, pipe, socket or device, not a file")
        with Path(source).open("rb", buffering=0) as file:
            _check_start(file.read(HEAD), found.st_size)
            file.seek(0)
            return file.readall()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise RejectedImageError(f"unreadable path: {getattr(error, 'strerror', None) or error}") from error


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """Open the content of a file as an image; only its header is read. Whatever fails in the block is a rejection.

    Raises:
        RejectedImageError: see `read_image`.
    """
    name = _check_start(data[:HEAD], len(data))
    try:
        with _any_size(), _open(name, data) as image:
            yield image
    except RejectedImageError:
        raise
    except UnidentifiedImageError as error:
        raise RejectedImageError(
            f"truncated or damaged: it begins like {name}, but its header cannot be read, or is of a rare kind"
        ) from error
    except Exception as error:  # on damaged files Pillow fails in any way, from SyntaxError to OverflowError
        raise RejectedImageError(f"truncated or damaged: {' '.join(str(error).split())}") from error


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
    if frames > 1 and image.format not in ("MPO", "HEIF", "TIFF"):  # these say which; of TIFF see `_whole_page`
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


def copy_suffix(image: Image.Image) -> str:
    """The suffix of the copy that `write_copy` would make; "" where the file can be copied as it is.

    Args:
        image: opened, and not decoded yet.
    """
    photo = image.mode in ("L", "RGB") and "transparency" not in image.info
    if image.format in ("HEIF", "AVIF"):
        return ".jpg" if photo else ".png"
    if image.format in ("JPEG", "MPO"):
        return (".jpg" if photo else ".png") if needs_conversion(image) else ""
    plain = image.format in ("PNG", "BMP", "WEBP") or (
        image.format == "TIFF" and image.n_frames == 1 and set(image.tag_v2) <= _PLAIN_TAGS
    )
    return "" if plain and not needs_conversion(image) else ".png"


def write_copy(data: bytes, path: Path, bits: int = 0) -> None:
    """Write an image as it is seen, without any metadata but its color profile.

    A rotated JPEG is encoded with its own quantization tables, HEIC and AVIF at quality 95; PNG loses nothing.

    Args:
        data: content of an image file.
        path: .jpg or .png.
        bits: depth of 16-bit gray.
    """
    with opened(data) as image:
        plain = convert(image, bits)
        profile = image.info.get("icc_profile") if image.mode != "CMYK" else None
        plain.info = {}
        if path.suffix == ".png":
            plain.save(path, "PNG", icc_profile=profile)
            return
        options = {"quality": 95, "subsampling": 0}
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            sampling = JpegImagePlugin.get_sampling(image)
            kept = sampling if sampling in (0, 2) or (sampling == 1 and plain.size == image.size) else 0
            used = dict.fromkeys(layer[3] for layer in image.layer)  # luminance's first
            options = {"qtables": [image.quantization[number] for number in used], "subsampling": kept}
        plain.save(path, "JPEG", icc_profile=profile, **options)


def ends_in_gray(image: Image.Image) -> bool:
    """Whether the lowest eighth of a decoded image is of the even gray that decoders put where data is missing."""
    if image.mode not in ("L", "RGB") or not _is_gray(image.getpixel((image.width - 1, image.height - 1))):
        return False
    lowest = image.crop((0, image.height - max(1, image.height // 8), *image.size))
    return _is_gray(lowest.getextrema()) if image.mode == "L" else all(_is_gray(one) for one in lowest.getextrema())


def _is_gray(pixel: int | tuple[int, ...]) -> bool:
    return pixel == _GRAY or (isinstance(pixel, tuple) and set(pixel) == {_GRAY})


def _check_start(head: bytes, length: int) -> str:
    """The format of a file, by its first bytes."""
    if length == 0:
        raise RejectedImageError("zero bytes: an empty file")
    name = image_format(head)
    if not name:
        kind = other_kind(head)
        raise RejectedImageError(f"not an image: {kind or 'the content is of no known image format'}")
    if length > MAX_BYTES:
        raise RejectedImageError(f"too large: {length / 2**20:,.0f} MB, over the limit of {MAX_BYTES // 2**20} MB")
    return name


def _open(name: str, data: bytes) -> Image.Image:
    if name == "DICOM":
        return _open_dicom(data)
    if name == "HEIF":
        _register_heif()
    if name not in Image.OPEN:
        Image.init()
    if name not in Image.OPEN:
        raise _no_reader(name, "pillow>=11.3")
    if name == "PNG":
        data = png_to_read(data)
    elif name == "JPEG" and not data.endswith(_END) and jpeg_end(data) < 0:
        data += _END  # decoders do without; `decode` checks that nothing else is missing
    image = Image.open(io.BytesIO(data), formats=[name])
    return _whole_page(image) if name == "TIFF" else image


def _no_reader(name: str, package: str) -> RejectedImageError:
    return RejectedImageError(f"no reader for {name} images is installed: pip install '{package}'")


def _register_heif() -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise _no_reader("HEIC", "pillow-heif") from error
    register_heif_opener()


def _open_dicom(data: bytes) -> Image.Image:
    """The image of a DICOM file as radiologists see it: MONOCHROME1 is inverted; levels as they are stored."""
    try:
        import pydicom
    except ImportError as error:
        raise _no_reader("DICOM", "pydicom") from error
    facts = pydicom.dcmread(io.BytesIO(data), force=False)
    if "PixelData" not in facts:
        raise RejectedImageError("not an image: a DICOM file without pixels")
    frames = int(facts.get("NumberOfFrames") or 1)
    if frames > 1:
        raise RejectedImageError(f"animated or several pages: {frames} frames, and no way to tell which is meant")
    if facts.Rows * facts.Columns > 4 * MAX_PIXELS:
        raise RejectedImageError(f"too large: {facts.Columns:,} x {facts.Rows:,} pixels")
    try:
        pixels = facts.pixel_array
    except (RuntimeError, NotImplementedError) as error:
        raise _no_reader(f"{facts.file_meta.TransferSyntaxUID.name} (DICOM)", "pylibjpeg[all]") from error
    if facts.PhotometricInterpretation == "MONOCHROME1":
        pixels = 2 ** int(facts.BitsStored) - 1 - pixels
    if pixels.ndim == 2 and pixels.min() >= 0 and int(facts.BitsStored) <= 8:
        pixels = pixels.astype(np.uint8)
    elif pixels.ndim == 2:
        pixels = pixels.astype(np.int32)
    elif pixels.dtype != np.uint8:
        raise RejectedImageError("color of more than 8 bits in DICOM; save it as PNG")
    image = Image.fromarray(pixels)
    image.format = "DICOM"
    return image


def _whole_page(image: Image.Image) -> Image.Image:
    """Of a TIFF's pages the only one, or the one of which the others are smaller copies."""
    if image.n_frames == 1:
        _check_no_preview(image)
        return image
    pages = []
    for page in range(min(image.n_frames, 64)):
        image.seek(page)
        pages.append((image.width * image.height, image.size, bool(image.tag_v2.get(_PREVIEW, 0) & 1)))
    _, (width, height), _ = largest = max(pages)
    others = [one for one in pages if one is not largest]
    copies = [
        preview or (one[0] < largest[0] and abs(size[0] * height / width - size[1]) < 1.5)
        for one in others
        for _, size, preview in [one]
    ]
    if image.n_frames > 64 or not all(copies):
        raise RejectedImageError(
            f"animated or several pages: {image.n_frames} frames, and no way to tell which is meant"
        )
    image.seek(pages.index(largest))
    _check_no_preview(image)
    return image


def _check_no_preview(image: Image.Image) -> None:
    if image.tag_v2.get(_PREVIEW, 0) & 1:
        raise RejectedImageError(
            "a preview without its image, as a camera's raw file begins; develop it to JPEG, PNG or TIFF"
        )


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(0x0112, 1)
    except Exception:  # of damaged EXIF, which decoders pass over
        return 1


def _check_whole(image: Image.Image, data: bytes) -> None:
    """Refuse a JPEG whose data ends before its last pixel; a decoder leaves the rest gray without an error.

    Whether it does is told by data put before the end: of a whole image it changes nothing.
    """
    gray = _is_gray(image.getpixel((image.width - 1, image.height - 1)))
    end = len(data) - 2 if data.endswith(_END) else jpeg_end(data)
    before = data[:end] if end >= 0 else data.rstrip(b"\xff")
    if before.endswith(_HOLE):
        lowest = np.asarray(image.crop((0, image.height - 1, *image.size)))
        if (lowest != lowest[:, :1]).any():
            raise RejectedImageError("truncated or damaged: its data ends in zeros where pixels should be")
    if end >= 0 and not gray:
        return
    shown, changed = (np.asarray(Image.open(io.BytesIO(before + more + _END))) for more in (b"", _JUNK))
    rows = np.flatnonzero((shown != changed).reshape(len(shown), -1).any(axis=1))
    if len(rows):
        whole = f"only the upper {rows[0] / len(shown):.0%} of it can be decoded" if rows[0] else "its end is missing"
        raise RejectedImageError(f"truncated or damaged: {whole}")


_SIZES = threading.Lock()
_size_readers, _size_limit = 0, None


@contextmanager
def _any_size() -> Iterator[None]:
    """Without Pillow's own limit, which warns in the notebook and can't be passed; `check_header` has ours.

    Several threads can be in the block; the last one puts the limit back.
    """
    global _size_readers, _size_limit
    with _SIZES:
        if not _size_readers:
            _size_limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        _size_readers += 1
    try:
        yield
    finally:
        with _SIZES:
            _size_readers -= 1
            if not _size_readers:
                Image.MAX_IMAGE_PIXELS = _size_limit


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
