"""Images of a data set side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np

from helpers.plots.style import (
    PHONE_WIDTH,
    Panels,
)


def plot_images(
    images: Sequence[np.ndarray] | np.ndarray,
    titles: Sequence[object] | None = None,
    ncols: int = 6,
    title: str | None = None,
    size: float = 1.3,
) -> Panels:
    """Show images side by side, each whole; gray images in gray.

    Args:
        images: uint8 from 0 to 255, (n, height, width), (n, height, width, 1 or 3), or a list of single images of any
            sizes. Images of other proportions than most are shown whole with a margin.
        titles: one short text for each image.
        ncols: images in a row.
        title: above all of them.
        size: width of one image in inches, made smaller where `ncols` would not fit.

    Returns:
        The axes, one for each image.

    Raises:
        ValueError: no image, another shape or type, or a number of titles that doesn't fit.

    Example:
        >>> panels = plot_images(np.zeros((3, 8, 8), dtype=np.uint8), titles=["a", "b", "c"])
        >>> [ax.get_title() for ax in panels]
        ['a', 'b', 'c']
    """
    shown = [_checked(image, i) for i, image in enumerate(images)]
    if not shown:
        raise ValueError("images: empty; there is nothing to show.")
    if titles is not None and len(titles) != len(shown):
        raise ValueError(f"titles: {len(titles)} texts for {len(shown)} images; give one an image.")
    if not isinstance(ncols, int) or ncols < 1:
        raise ValueError(f"ncols: {ncols!r} is not a number of columns.")
    ncols = min(ncols, len(shown))
    cell = min(size, PHONE_WIDTH / ncols)
    letters = max(8, int(cell * 72 / 5.2))
    words = [textwrap.fill(str(t), letters) for t in titles] if titles is not None else [""] * len(shown)
    rows = -(-len(shown) // ncols)
    tall = float(np.clip(np.median([one.shape[0] / one.shape[1] for one in shown]), 0.5, 2))
    extra = max(w.count("\n") + 1 if w else 0 for w in words) * 0.17
    heading = 0.0 if title is None else 0.35
    figure, cells = plt.subplots(
        rows,
        ncols,
        figsize=(cell * ncols, rows * (cell * tall + extra) + heading),
        layout="constrained",
        squeeze=False,
    )
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)
    for ax in cells.flat:
        ax.set_axis_off()
    for ax, image, text in zip(cells.flat, shown, words, strict=False):
        ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        height, width = image.shape[:2]
        dx, dy = max(0.0, height / tall - width) / 2, max(0.0, width * tall - height) / 2
        ax.set(xlim=(-0.5 - dx, width - 0.5 + dx), ylim=(height - 0.5 + dy, -0.5 - dy))
        ax.set_title(text, fontsize=9, loc="center", pad=3)
    if title is not None:
        figure.suptitle(title, fontsize=11)
    return Panels(cells.flat[: len(shown)])


def _checked(image: np.ndarray, i: int) -> np.ndarray:
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise ValueError(
            f"images: image {i} has the type {array.dtype}, expected uint8 from 0 to 255; "
            "images from 0 to 1 become that by (255 * images).round().astype('uint8')."
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise ValueError(
            f"images: image {i} has the shape {array.shape}, expected (height, width) or (height, width, 1 or 3); "
            "for a single image pass [image]."
        )
    return array
