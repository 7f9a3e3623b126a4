"""Formats that want more than Pillow's opener: DICOM, HEIC, and the pages of a TIFF."""

import io

import numpy as np
from PIL import Image

from data_prework.image_files.accepted import MAX_PIXELS, RejectedImageError

_PREVIEW = 254  # TIFF's NewSubfileType; its first bit marks a smaller copy


def no_reader(name: str, package: str) -> RejectedImageError:
    """Say that a format cannot be read here.

    Args:
        name: of the format.
        package: that reads it.

    Returns:
        The error, to be raised.
    """
    return RejectedImageError(f"no reader for {name} images is installed: pip install '{package}'")


def register_heif() -> None:
    """Let Pillow open HEIC.

    Raises:
        RejectedImageError: the package that reads it isn't installed.
    """
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise no_reader("HEIC", "pillow-heif") from error
    register_heif_opener()


def open_dicom(data: bytes) -> Image.Image:
    """The image of a DICOM file as radiologists see it: MONOCHROME1 is inverted; levels as they are stored.

    Args:
        data: content of the file.

    Raises:
        RejectedImageError: it has no pixels, several frames or too many pixels, or no reader is installed.
    """
    try:
        import pydicom
    except ImportError as error:
        raise no_reader("DICOM", "pydicom") from error
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
        raise no_reader(f"{facts.file_meta.TransferSyntaxUID.name} (DICOM)", "pylibjpeg[all]") from error
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


def whole_page(image: Image.Image) -> Image.Image:
    """Of a TIFF's pages the only one, or the one of which the others are smaller copies.

    Args:
        image: a TIFF that was opened; it is turned to that page.

    Raises:
        RejectedImageError: the pages are no copies of one, or all that is there is a preview.
    """
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
