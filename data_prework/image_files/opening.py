"""Opens the content of a file as an image; what it is, is told by its first bytes."""

import io
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from data_prework.file_kinds import HEAD, image_format, other_kind
from data_prework.image_files.accepted import MAX_BYTES, RejectedImageError
from data_prework.image_files.formats import no_reader, open_dicom, register_heif, whole_page
from data_prework.metadata import JPEG_END, jpeg_end, png_to_read

_SIZES = threading.Lock()
_size_readers, _size_limit = 0, None


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
        with any_size(), _open(name, data) as image:
            yield image
    except RejectedImageError:
        raise
    except UnidentifiedImageError as error:
        raise RejectedImageError(
            f"truncated or damaged: it begins like {name}, but its header cannot be read, or is of a rare kind"
        ) from error
    except Exception as error:  # on damaged files Pillow fails in any way, from SyntaxError to OverflowError
        raise RejectedImageError(f"truncated or damaged: {' '.join(str(error).split())}") from error


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
        return open_dicom(data)
    if name == "HEIF":
        register_heif()
    if name not in Image.OPEN:
        Image.init()
    if name not in Image.OPEN:
        raise no_reader(name, "pillow>=11.3")
    if name == "PNG":
        data = png_to_read(data)
    elif name == "JPEG" and not data.endswith(JPEG_END) and jpeg_end(data) < 0:
        data += JPEG_END  # decoders do without; `decode` checks that nothing else is missing
    image = Image.open(io.BytesIO(data), formats=[name])
    return whole_page(image) if name == "TIFF" else image


@contextmanager
def any_size() -> Iterator[None]:
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
