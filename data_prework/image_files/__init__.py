"""The one reader of image files, trusted or not: the pixels of training, or a reason in words."""

from data_prework.image_files.accepted import (
    BITS,
    BLACK,
    FORMATS,
    MAX_BYTES,
    MAX_PIXELS,
    MIN_SIDE,
    MODES,
    SUFFIXES,
    RejectedImageError,
)
from data_prework.image_files.checking import check_header, decode, ends_in_gray
from data_prework.image_files.converting import check_bits, convert, largest_value, needs_conversion
from data_prework.image_files.copies import copy_suffix, write_copy
from data_prework.image_files.opening import opened, read_content
from data_prework.image_files.reading import fit_image, read_image, read_prepared

__all__ = [
    "BITS",
    "BLACK",
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MIN_SIDE",
    "MODES",
    "SUFFIXES",
    "RejectedImageError",
    "check_bits",
    "check_header",
    "convert",
    "copy_suffix",
    "decode",
    "ends_in_gray",
    "fit_image",
    "largest_value",
    "needs_conversion",
    "opened",
    "read_content",
    "read_image",
    "read_prepared",
    "write_copy",
]
