"""Copies of images as they are seen, for files that can't be taken as they are."""

from pathlib import Path

from PIL import Image, JpegImagePlugin

from data_prework.image_files.converting import convert, needs_conversion
from data_prework.image_files.opening import opened

_PLAIN_TAGS = {254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 290, 291}
_PLAIN_TAGS |= {292, 293, 296, 301, 317, 318, 319, 320, 322, 323, 324, 325, 338, 339, 347, 530, 531, 532, 34675}


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
