"""Diagrams of what a layer does with numbers: a filter, convolution, pooling."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle

from helpers.plots.networks.shapes import arrow, draw_numbers, grid
from helpers.plots.style import COLORS, PHONE_WIDTH, Panels, new_axes, quiet


def plot_filter(channels: Sequence[str] = ("red", "green", "blue"), kernel: int = 3, ax: Axes | None = None) -> Axes:
    """One filter of a convolutional layer: a slice for each channel, their products added up to one feature map.

    Args:
        channels: name of each channel of the input, at most four.
        kernel: side of the kernel in pixels, at most five.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: more channels, or a larger kernel, than can be drawn.

    Example:
        >>> ax = plot_filter(("gray",), kernel=5)
        >>> [text.get_text() for text in ax.texts][-3:]
        ['input', 'filter', 'feature map']
    """
    if not 1 <= len(channels) <= 4 or not 1 <= kernel <= 5:
        raise ValueError(f"{len(channels)} channels, kernel {kernel}: up to four channels and a kernel of five fit.")
    ax = new_axes(ax, (PHONE_WIDTH, 0.5 + 0.78 * len(channels)))
    middle = -1.6 * (len(channels) - 1) / 2
    for row, name in enumerate(channels):
        y, color = -1.6 * row, COLORS.get(name, "0.5")
        grid(ax, (0, y), 1.3, 8, color)
        cell = 1.3 / 8
        corner = (cell, y + (3 - kernel) * cell)
        ax.add_patch(Rectangle(corner, kernel * cell, kernel * cell, fill=False, ec="black", lw=2))
        ax.text(-0.15, y, name, ha="right", va="center")
        ax.text(1.7, y, "×", ha="center", va="center", fontsize=13)
        grid(ax, (2.05, y), 0.85, kernel, color)
        arrow(ax, (3.0, y), (4.02, middle))
    ax.add_patch(Circle((4.4, middle), 0.36, fc="white", ec=COLORS["orange"], lw=2))
    ax.text(4.4, middle, "Σ", ha="center", va="center", fontsize=15)
    ax.text(4.4, middle + 0.55, "+ bias", ha="center", va="center")
    arrow(ax, (4.78, middle), (5.4, middle))
    grid(ax, (5.5, middle), 1.05, 6, COLORS["orange"])
    for x, words in ((0.65, "input"), (2.47, "filter"), (6.02, "feature map")):
        ax.text(x, 0.85, words, ha="center", va="bottom", fontsize=9, color="0.35")
    weights = len(channels) * kernel**2
    ax.set_title(
        f"{len(channels)} × {kernel} × {kernel} weights + 1 bias = {weights + 1} parameters for one feature map"
    )
    ax.set(xlim=(-1.1, 6.8), ylim=(-1.6 * (len(channels) - 1) - 0.8, 1.15), aspect="equal")
    ax.set_axis_off()
    return quiet(ax)


def plot_convolution(
    image: np.ndarray, kernel: np.ndarray, place: tuple[int, int] = (1, 1), title: str | None = None
) -> Panels:
    """One step of a convolution in numbers: the pixels under the kernel, the kernel, and the feature map.

    Args:
        image: (height, width), small enough to read its numbers: at most 8 by 8.
        kernel: (rows, columns), no larger than the image.
        place: (row, column) of the feature map that is marked, with the pixels that it is made of.
        title: above all; None: the sum that is marked.

    Returns:
        The axes of image, kernel and feature map.

    Raises:
        ValueError: shapes that don't fit, or a place outside of the feature map.

    Example:
        >>> panels = plot_convolution(np.eye(4), np.ones((3, 3)), place=(0, 0))
        >>> panels.figure.get_suptitle()
        'The 9 pixels times the kernel add up to 3'
    """
    image, kernel = np.asarray(image, float), np.asarray(kernel, float)
    if image.ndim != 2 or max(image.shape) > 8:
        raise ValueError(f"image: shape {image.shape}, expected (height, width), at most 8 by 8.")
    if kernel.ndim != 2 or (np.array(kernel.shape) > image.shape).any():
        raise ValueError(f"kernel: shape {kernel.shape}, expected (rows, columns) no larger than the image's.")
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    found = np.einsum("yxij,ij->yx", windows, kernel)
    height, width = found.shape
    if not (0 <= place[0] < height and 0 <= place[1] < width):
        raise ValueError(f"place: {place} lies outside of the feature map, which is {height} by {width}.")
    panels = {"image": image, "kernel": kernel, "feature map": found}
    figure, axes = plt.subplots(
        1,
        3,
        figsize=(PHONE_WIDTH, 0.9 + 0.42 * image.shape[0]),
        width_ratios=[values.shape[1] for values in panels.values()],
    )
    for ax, (name, values) in zip(axes, panels.items(), strict=True):
        draw_numbers(ax, values, image.shape[0], signed=name != "image")
        ax.set_title(f"{name}, {values.shape[0]} × {values.shape[1]}")
    row, column = place
    mark = {"fill": False, "ec": COLORS["red"], "lw": 3, "clip_on": False, "zorder": 3}
    axes[0].add_patch(Rectangle((column - 0.5, row - 0.5), kernel.shape[1], kernel.shape[0], **mark))
    axes[2].add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **mark))
    figure.suptitle(title or f"The {kernel.size} pixels times the kernel add up to {found[place]:.4g}")
    return Panels(axes)


def plot_pooling(values: np.ndarray, size: int = 2, kind: str = "max", title: str | None = None) -> Panels:
    """Pooling in numbers: the blocks of a feature map, each in its color, and the one number that stays of each.

    Args:
        values: (height, width) of the feature map, small enough to read its numbers: at most 8 by 8.
        size: side of a block; it divides height and width.
        kind: "max" keeps the largest number of each block, "average" their mean.
        title: above both; None: what stays.

    Returns:
        The axes of the feature map and of what pooling makes of it.

    Raises:
        ValueError: a map that is too large or can't be cut into whole blocks, or another kind.

    Example:
        >>> panels = plot_pooling(np.arange(16).reshape(4, 4))
        >>> [text.get_text() for text in panels[1].texts]
        ['5', '7', '13', '15']
    """
    values = np.asarray(values, float)
    if values.ndim != 2 or max(values.shape) > 8:
        raise ValueError(f"values: shape {values.shape}, expected (height, width), at most 8 by 8.")
    if size < 1 or any(side % size for side in values.shape):
        raise ValueError(f"size: blocks of {size} don't fill {values.shape[0]} by {values.shape[1]} numbers.")
    if kind not in ("max", "average"):
        raise ValueError(f"kind: {kind!r}; it must be 'max' or 'average'.")
    rows, columns = (side // size for side in values.shape)
    blocks = values.reshape(rows, size, columns, size)
    kept = blocks.max(axis=(1, 3)) if kind == "max" else blocks.mean(axis=(1, 3))
    figure, axes = plt.subplots(
        1, 2, figsize=(PHONE_WIDTH, 0.9 + 0.42 * values.shape[0]), width_ratios=[values.shape[1], columns]
    )
    colors = [COLORS[name] for name in ("blue", "orange", "green", "purple", "brown", "sky")]
    for ax, numbers, name, side in ((axes[0], values, "feature map", size), (axes[1], kept, f"{kind} pooling", 1)):
        for (row, column), value in np.ndenumerate(numbers):
            block = (row // side) * columns + column // side
            corner = (column - 0.5, row - 0.5)
            ax.add_patch(Rectangle(corner, 1, 1, fc=colors[block % len(colors)], ec="white", alpha=0.35))
            stays = kind == "max" and value == kept[row // side, column // side]
            weight = "bold" if stays else "normal"
            ax.text(column, row, f"{value:.4g}", ha="center", va="center", fontsize=11, fontweight=weight)
        ax.set(xlim=(-0.5, numbers.shape[1] - 0.5), ylim=(values.shape[0] - 0.5, -0.5), aspect="equal")
        ax.set_axis_off()
        ax.set_title(f"{name}, {numbers.shape[0]} × {numbers.shape[1]}")
    which = "the largest number" if kind == "max" else "the mean"
    figure.suptitle(title or f"{which.capitalize()} of each {size} × {size} block")
    return Panels(axes)
