"""Do two files show the same image? Hashes propose pairs, pixels decide."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from data_prework.image_files import RejectedImageError, convert, needs_conversion, opened, read_content

THUMB = 16  # pixels on a side

# Least correlation of the thumbnails, over all three color channels, of two near-duplicates. Measured on the pairs
# whose hashes are near: .98 to 1 where an image was saved again, brightened or taken twice (4,000 concrete patches with
# 400 copies, three drawn data sets); at most .87 for disks of equal brightness in red and green.
CORRELATION = 0.97

# Gray levels between the darkest and the lightest twentieth of a thumbnail, under which there is no structure that a
# hash could describe. Evenly gray tiles have 0 to 2, the plainest concrete patches that are copies of each other 7.
STRUCTURE = 4

# How far two encodings of one image may be apart. JPEG rounds each coefficient of a block of 8 x 8 pixels to a step
# that the file states, so the error that its encoding explains is known: both errors are uniform within half a step.
# Compared are the four lowest coefficients of brightness, as multiples of that error. Root mean square over the image:
# 459 pairs of re-encoded concrete patches 0 to 1.6, saved at quality 60 and again as PNG 1.3 to 1.5, the most similar
# frames of a (drawn) burst 2.1, copies made brighter by 4 % 8 and more, different patches of one crack 13 and more.
# Largest error of a block, in steps: copies 2.2 (as PNG 2.7), different patches 45, a white square of 6 x 6 pixels 40.
# No two different X-rays of 5,840 are near enough to be compared.
EXPLAINED = 1.8
LARGEST = 4.0
FINEST = 6.0  # least step, that of quality 81: a file does not tell what it was saved as before, or by another format
RESIZED = 20.0  # least step where one of the two was resized, by whatever method
COLOR = 4.0  # gray levels by which the color of 16 x 16 pixels may differ beyond one step: it is stored at half size
BRIGHTER = 1.15  # a copy in another class may have its contrast changed by this factor
LIGHTER = 20  # and its brightness by so many gray levels

_WAVES = np.array([[1] * 8, np.sqrt(2) * np.cos((2 * np.arange(8) + 1) * np.pi / 16)], np.float32) / np.sqrt(8)
_STRIP = 256  # rows compared in one go
_PART = 4096  # thumbnails made numbers in one go: 12 MB


def thumbnails(paths: Iterable[Path]) -> np.ndarray:
    """Small copies of images, read on all processors.

    Args:
        paths: of the files.

    Returns:
        (n, 768) uint8: 16 x 16 pixels of three colors; black where a file cannot be read.
    """
    paths = list(paths)
    small = np.zeros((len(paths), THUMB * THUMB * 3), np.uint8)

    def read(i: int) -> None:
        with suppress(RejectedImageError), opened(read_content(paths[i])) as image:
            if not needs_conversion(image):
                image.draft(image.mode, (4 * THUMB, 4 * THUMB))
            plain = convert(image).convert("RGB")
            small[i] = np.asarray(plain.resize((THUMB, THUMB), Image.Resampling.BOX)).ravel()

    _everywhere(read, range(len(paths)))
    return small


def has_structure(small: np.ndarray) -> np.ndarray:
    """Whether there is enough in an image for its hash to be evidence of anything.

    Args:
        small: (n, 768) uint8, see `thumbnails`.

    Returns:
        (n,) bool.

    Example:
        >>> plain, shaded = np.full(768, 90, np.uint8), np.arange(768) // 3
        >>> has_structure(np.stack([plain, shaded]).astype(np.uint8)).tolist()
        [False, True]
    """
    gray = small.reshape(len(small), THUMB * THUMB, 3).mean(axis=2)
    low, high = np.quantile(gray, [0.05, 0.95], axis=1) if len(small) else (gray[:, 0], gray[:, 0])
    return high - low >= STRUCTURE


def correlations(small: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How alike the thumbnails of pairs are.

    Args:
        small: (n, 768) uint8, see `thumbnails`.
        pairs: (m, 2) int.

    Returns:
        (m,) correlation over pixels and colors, 0 where an image is plain; (m,) mean squared difference.

    Example:
        >>> red, green = np.zeros((2, 256, 3), np.uint8)
        >>> red[:60, 0], green[:60, 1] = 200, 200
        >>> small = np.stack([red, red // 2, green]).reshape(3, -1)
        >>> correlations(small, np.array([[0, 1], [0, 2]]))[0] > CORRELATION
        array([ True, False])
    """
    correlation, difference = np.empty((2, len(pairs)), np.float32)
    first, row = np.unique(pairs[:, 0], return_inverse=True)
    second, column = np.unique(pairs[:, 1], return_inverse=True)
    if len(first) * len(second) > 8 * len(pairs):  # few pairs of many: one by one; otherwise all at once, by BLAS
        for start in range(0, len(pairs), _PART):
            part = slice(start, start + _PART)
            (a, mean_a), (b, mean_b) = _centered(small[pairs[part, 0]]), _centered(small[pairs[part, 1]])
            product, squares = (a * b).sum(axis=1), (np.square(a).sum(axis=1), np.square(b).sum(axis=1))
            correlation[part], difference[part] = _measures(product, *squares, mean_a - mean_b)
        return correlation, difference
    a, mean_a = _centered(small[first])
    for start in range(0, len(second), _PART):
        there = np.flatnonzero((column >= start) & (column < start + _PART))
        b, mean_b = _centered(small[second[start : start + _PART]])
        i, j = row[there], column[there] - start
        squares = np.square(a).sum(axis=1)[i], np.square(b).sum(axis=1)[j]
        correlation[there], difference[there] = _measures((a @ b.T)[i, j], *squares, mean_a[i] - mean_b[j])
    return correlation, difference


def _centered(small: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = small.astype(np.float32)
    mean = values.mean(axis=1)
    return values - mean[:, None], mean


def _measures(product, squares_a, squares_b, shift) -> tuple[np.ndarray, np.ndarray]:
    """Correlation and mean squared difference, from sums over centered values."""
    correlation = product / np.maximum(np.sqrt(squares_a * squares_b), 1e-6)
    apart = np.maximum(squares_a + squares_b - 2 * product, 0)
    return correlation, apart / (3 * THUMB * THUMB) + shift**2


def same_images(pairs: Iterable[tuple[Path, Path]], changed: bool = False) -> np.ndarray:
    """For pairs of files whether their pixels differ by no more than their encodings explain.

    Args:
        changed: allow one of them to be brightened a little or resized.

    Returns:
        (m,) bool.
    """
    pairs = list(pairs)
    same = np.zeros(len(pairs), bool)

    def compare(i: int) -> None:
        same[i] = same_image(*pairs[i], changed)

    _everywhere(compare, range(len(pairs)))
    return same


def same_image(first: Path, second: Path, changed: bool = False) -> bool:
    """Whether the pixels of two files differ by no more than their encodings explain.

    Args:
        changed: allow one of them to be brightened a little or resized.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> waves = np.add.outer(np.arange(64) % 9, np.arange(64) % 23).astype(np.uint8) * 8
        >>> with TemporaryDirectory() as place:
        ...     files = [Path(place) / name for name in ("sharp.png", "saved.jpg", "other.png")]
        ...     for file, pixels in zip(files, (waves, waves, waves.T)):
        ...         Image.fromarray(pixels).save(file)
        ...     same_image(files[0], files[1]), same_image(files[0], files[2])
        (True, False)
    """
    (one, steps), (two, others) = _planes(first), _planes(second)
    if one.size != two.size:
        small, large = sorted([one, two], key=lambda image: image.width * image.height)
        if not changed or abs(small.width * large.height / (small.height * large.width) - 1) > 0.02:
            return False
        one, two = small, large.resize(small.size, Image.Resampling.BOX)
        steps, others = np.maximum(steps, RESIZED), np.maximum(others, RESIZED)
    (light, color), (other_light, other_color) = _parts(one), _parts(two)
    gain, shift = _brightness(light, other_light) if changed else (1.0, 0.0)
    if not 1 / BRIGHTER <= gain <= BRIGHTER or abs(shift) > LIGHTER:
        return False
    apart = other_color - 128 - (color - 128) * gain
    if np.abs(apart).max() > (steps[2, 0] + others[2, 0]) / 8 + COLOR:
        return False
    expected = np.sqrt((steps[:2, :2] ** 2 + others[:2, :2] ** 2) / 12)
    squares, blocks = 0.0, 0
    for top in range(0, len(light), _STRIP):
        strip = slice(top, top + _STRIP)
        low = _lowest(other_light[strip].astype(np.float32) - light[strip] * np.float32(gain) - np.float32(shift))
        if np.abs(low[..., 0, 0]).max(initial=0) > LARGEST * (steps[0, 0] + others[0, 0]) / 2:
            return False
        squares += float(np.square(low / expected).sum())
        blocks += low.size
    return blocks > 0 and squares <= EXPLAINED**2 * blocks


def _parts(image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """Brightness of each pixel, uint8, and color of squares of 16 x 16 pixels, float."""
    return np.asarray(image.getchannel(0)), np.asarray(image.reduce(16), float)[..., 1:]


def _planes(path: Path) -> tuple[Image.Image, np.ndarray]:
    """An image in YCbCr, and the steps of its encoding: rows 0 and 1 of brightness, row 2 of color."""
    with opened(read_content(path)) as image:
        tables = getattr(image, "quantization", None) or {}
        if _stored_as_ycbcr(image):  # as it is stored, a third quicker than by way of RGB
            image.draft("YCbCr", image.size)
            plain = image.copy()
        else:
            plain = convert(image).convert("RGB").convert("YCbCr")
    steps = np.full((3, 2), FINEST)
    if tables:
        steps[:2] = np.reshape(tables[0], (8, 8))[:2, :2]
        steps[2] = tables.get(1, tables[0])[0]
    return plain, np.maximum(steps, FINEST)


def _stored_as_ycbcr(image: Image.Image) -> bool:
    """Whether it is an upright JPEG of brightness and color, as most photos are."""
    if image.format != "JPEG" or image.mode != "RGB" or needs_conversion(image):
        return False
    numbers = [component[0] for component in image.layer]
    return numbers == [1, 2, 3] and image.info.get("adobe_transform") in (None, 1)


def _brightness(one: np.ndarray, two: np.ndarray) -> tuple[float, float]:
    """(gain, shift) that bring the first to the brightness and contrast of the second; shift in gray levels."""
    means, spreads = (one.mean(), two.mean()), (one.std(), two.std())
    gain = spreads[1] / max(spreads[0], 1e-6)
    return float(gain), float(means[1] - gain * means[0])


def _lowest(plane: np.ndarray) -> np.ndarray:
    """(rows, columns, 2, 2): the four lowest coefficients of each block of 8 x 8 pixels, as JPEG computes them."""
    height, width = plane.shape[0] // 8, plane.shape[1] // 8
    down = _WAVES @ plane[: height * 8, : width * 8].reshape(height, 8, width * 8)
    return (down.reshape(height, 2, width, 8) @ _WAVES.T).transpose(0, 2, 1, 3)


def _everywhere(work: Callable[[int], None], items: range) -> None:
    """Work on blocks of items, on all processors: Pillow and numpy release the interpreter lock."""
    blocks = [items[start : start + 64] for start in range(0, len(items), 64)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda block: [work(item) for item in block], blocks))
