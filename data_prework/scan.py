"""Read every file of a raw folder fully, and describe it or say why it is rejected."""

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import imagehash
import numpy as np
import pandas as pd
from tqdm import tqdm

from data_prework.folder_tree import shown_names
from data_prework.image_files import (
    BITS,
    BLACK,
    MAX_PIXELS,
    MIN_SIDE,
    SUFFIXES,
    RejectedImageError,
    check_header,
    convert,
    copy_suffix,
    decode,
    ends_in_gray,
    largest_value,
    needs_conversion,
    opened,
    read_content,
)
from data_prework.layout import Found, Layout, RawFolderError
from data_prework.names import printable

KNOWN_SUFFIXES = {suffix for suffixes in SUFFIXES.values() for suffix in suffixes}
COPIED = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")  # suffixes that a prepared file can have
PHASH_SIDE = 16  # 16 x 16 = 256 bits
BLOCK = 64  # files a task: one task a file costs as much as the file

# Luminance table of the JPEG standard (annex K), row by row, as Pillow gives it.
_STANDARD = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=float,
).ravel()


def jpeg_quality(tables: dict[int, list[int]]) -> int:
    """Estimate the quality (1-100) that a JPEG was saved with, from its luminance table.

    Args:
        tables: number of the table -> its 64 entries, as `Image.quantization` gives them.

    Source:
        The scaling of the Independent JPEG Group's library, inverted: libjpeg, jcparam.c, jpeg_quality_scaling.

    Example:
        >>> jpeg_quality({0: [round(entry * 0.5) for entry in _STANDARD]})
        75
    """
    return _quality(tuple(tables[min(tables)]))  # the luminance's, whatever its number


@lru_cache(maxsize=1024)
def _quality(entries: tuple[int, ...]) -> int:
    table = np.array(entries, dtype=float)
    inside = (table > 1) & (table < 255)  # entries at the ends were clipped
    if not inside.any():
        return 100
    scale = 100 * float(np.mean(table[inside] / _STANDARD[inside]))
    return round(max(1, 5000 / scale if scale > 100 else (200 - scale) / 2))


def describe(path: Path, min_side: int = MIN_SIDE, max_pixels: int = MAX_PIXELS, bits: int = 0) -> dict:
    """Read one file fully and describe it.

    Args:
        min_side: the shorter side in pixels below which an image is rejected.
        max_pixels: width times height above which it is rejected before it is decoded.
        bits: depth of 16-bit gray, above which it is rejected; 0 where it isn't known.

    Returns:
        width, height (upright), mode, encoding, bytes, raw_sha256, phash (hexadecimal, 256 bits), stem (the name
        without the suffix of an image), suffix (of the prepared copy), convert (whether that is encoded anew),
        misnamed (whether the suffix is that of something else), largest (gray level of more than 8 bits, else 0), and
        gray_end (whether it could be half an image, see `ends_in_gray`).

    Raises:
        RejectedImageError: with the reason in words.
    """
    data = _content(path)
    with opened(data) as image:
        check_header(image, min_side, max_pixels, options=True)
        encoding = image.format
        if image.format in ("JPEG", "MPO"):
            encoding = f"JPEG q{jpeg_quality(image.quantization)}"
        mode, suffixes, own = image.mode, SUFFIXES[image.format], path.suffix.lower()
        conversion, copied_as = needs_conversion(image), copy_suffix(image)
        decode(image, data)
        largest = largest_value(image)
        if bits and largest >= 2**bits:
            raise RejectedImageError(f"16-bit gray: values up to {largest:,}, more than --bits {bits} holds")
        plain = convert(image) if conversion else image
        phash = imagehash.phash(plain, hash_size=PHASH_SIDE)  # of 16 bits the same at every depth
        size, gray_end = plain.size, ends_in_gray(image)
    return {
        "width": size[0],
        "height": size[1],
        "mode": mode,
        "encoding": encoding,
        "bytes": len(data),
        "raw_sha256": hashlib.sha256(data).hexdigest(),
        "phash": np.packbits(phash.hash).tobytes().hex(),  # str(phash), in a tenth of the time
        "stem": path.stem if own in KNOWN_SUFFIXES else path.name,
        "suffix": copied_as or (own if own in suffixes and own in COPIED else suffixes[0]),
        "convert": bool(copied_as),
        "misnamed": own not in suffixes,
        "largest": largest,
        "gray_end": gray_end,
    }


def _content(path: Path) -> bytes:
    """The bytes of a file whose name may stand in a manifest."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise RejectedImageError("unreadable path: its name is not valid UTF-8") from error
    return read_content(path)


def read_files(
    layout: Layout, root: Path, min_side: int, max_pixels: int, report: Callable[[str], None], bits: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read every file of a raw folder.

    Args:
        layout: the folder as it was understood.
        root: paths are written relative to it.
        report: takes a line of the report.
        min_side, max_pixels, bits: see `describe`.

    Returns:
        One row a usable file: raw (path below root), label, stem, official split, and what `describe` gives; and the
        rejected files: raw, label, reason.

    Raises:
        RawFolderError: a class without a usable image.
    """
    rows, rejected = [], []
    for item, facts, reason in scan(layout.files, min_side, max_pixels, bits):
        where = {"raw": _printable(item.path.relative_to(root).as_posix()), "label": _printable(item.label)}
        if facts is None:
            rejected.append(where | {"reason": reason})
        else:
            rows.append(where | {"official": item.split} | facts)
    report(f"scan        {len(layout.files)} files, {len(rejected)} rejected" + _reasons(rejected))
    unused = {one["label"] for one in rejected} - {row["label"] for row in rows}
    if unused:
        first = next(one for one in rejected if one["label"] in unused)
        raise RawFolderError(
            f"{root}: no usable image of {shown_names(sorted(unused))}. Of {len(layout.files)} files {len(rejected)} "
            f"are rejected, such as {first['raw']}, {first['reason']}"
        )
    _remarks(pd.DataFrame(rows), report)
    return pd.DataFrame(rows), pd.DataFrame(rejected, columns=["raw", "label", "reason"])


def gray_bits(rows: pd.DataFrame, bits: int, report: Callable[[str], None]) -> int:
    """The one depth of all 16-bit images of a data set: what makes their gray levels comparable.

    Args:
        rows: one row an image, with raw and largest.
        bits: the depth asked for; 0 takes the smallest usual one that holds the largest value of all images.
        report: takes a line of the report.

    Returns:
        8 to 16; 0 where there are no 16-bit images.

    Example:
        >>> gray_bits(pd.DataFrame({"raw": ["a.png", "b.png"], "largest": [3705, 0]}), 0, print)
        16-bit gray 1 image, largest value 3,705: read as 12 bits (--bits says otherwise)
        12
    """
    deep = rows[rows["largest"] > 0]
    if deep.empty:
        return 0
    top = int(deep["largest"].max())
    chosen = bits or next(one for one in BITS if top < 2**one)
    report(
        f"16-bit gray {len(deep):,} image{'s' * (len(deep) > 1)}, largest value {top:,}: read as {chosen} bits"
        + ("" if bits else " (--bits says otherwise)")
    )
    dark = deep[deep["largest"] < 2**chosen / BLACK]
    if len(dark):
        report(
            f"WARNING     {_such(dark, 'is', 'are')} nearly black at {chosen} bits: largest value "
            f"{int(dark['largest'].iloc[0]):,} of {2**chosen - 1:,}. If the camera is another one, prepare them apart."
        )
    return chosen


def _remarks(rows: pd.DataFrame, report: Callable[[str], None]) -> None:
    """What to know of usable files, a line for each kind."""
    misnamed, halves = rows[rows["misnamed"]], rows[rows["gray_end"]]
    if len(misnamed):
        kind = misnamed["encoding"].iloc[0].split()[0]
        report(
            f"names       {_such(misnamed, 'has', 'have')} a suffix that isn't the content's ({kind}): read by content"
        )
    if len(halves):
        report(f"WARNING     {_such(halves, 'ends', 'end')} in even gray, as a half-decoded image that was saved again")


def _such(rows: pd.DataFrame, one: str, many: str) -> str:
    example = printable(rows["raw"].iloc[0])
    return f"{example} {one}" if len(rows) == 1 else f"{len(rows):,} images, such as {example}, {many}"


def _printable(text: str) -> str:
    """Bytes of a file name that are no text become \\udcNN, so that the name can be written and printed."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _reasons(rejected: list[dict]) -> str:
    kinds = pd.Series([row["reason"].split(":")[0] for row in rejected], dtype=object).value_counts()
    return ": " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()) if len(kinds) else ""


def scan(
    found: Sequence[Found], min_side: int = MIN_SIDE, max_pixels: int = MAX_PIXELS, bits: int = 0
) -> Iterator[tuple[Found, dict | None, str]]:
    """Describe every file, on all processors.

    Args:
        min_side, max_pixels, bits: see `describe`.

    Yields:
        In order: the file, its description (see `describe`) and ""; or the file, None and the reason to reject it.
    """

    def block(start: int) -> list[tuple[Found, dict | None, str]]:
        return [_one(item, min_side, max_pixels, bits) for item in found[start : start + BLOCK]]

    # Pillow and hashlib release the interpreter lock, so threads use all processors and nothing is kept but rows
    look = {"desc": "reading", "unit": "file", "leave": False, "disable": None}
    with (
        warnings.catch_warnings(action="ignore"),  # Pillow's remarks on damaged files; our reason is in the row
        ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(total=len(found), **look) as bar,
    ):
        for described in pool.map(block, range(0, len(found), BLOCK)):
            yield from described
            bar.update(len(described))


def _one(item: Found, min_side: int, max_pixels: int, bits: int) -> tuple[Found, dict | None, str]:
    try:
        return item, describe(item.path, min_side, max_pixels, bits), ""
    except RejectedImageError as error:
        return item, None, str(error)
