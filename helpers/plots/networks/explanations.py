"""Diagrams of how a heatmap comes about: by covering parts of the image, and by Grad-CAM."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from helpers.plots.networks.shapes import draw_numbers
from helpers.plots.style import COLORS, PHONE_WIDTH, Panels


def plot_occlusion(
    image: np.ndarray,
    model: Callable[[np.ndarray], float],
    place: tuple[int, int] = (0, 0),
    size: int = 1,
    filling: float = 0,
) -> Panels:
    """Occlusion in numbers: an image, the same with a square covered, and by how much the answer falls at each place.

    Args:
        image: (height, width), small enough to read its numbers: at most 8 by 8.
        model: takes such an image and gives one number, its answer.
        place: (row, column) of the upper left corner of the square that is shown.
        size: side of the square.
        filling: number that covers it.

    Returns:
        The axes of image, covered image and falls.

    Raises:
        ValueError: an image that is too large, or a square that doesn't fit in it.

    Example:
        >>> panels = plot_occlusion(np.array([[1, 4], [2, 3]]), lambda table: table[0].sum(), place=(0, 1))
        >>> [text.get_text() for text in panels[2].texts]
        ['1', '4', '0', '0']
    """
    image = np.asarray(image, float)
    if image.ndim != 2 or max(image.shape) > 8:
        raise ValueError(f"image: shape {image.shape}, expected (height, width), at most 8 by 8.")
    if size < 1 or any(not 0 <= at <= side - size for at, side in zip(place, image.shape, strict=True)):
        raise ValueError(f"place: a square of {size} at {place} isn't inside of an image of {image.shape}.")
    before, covered = float(model(image)), {}
    for at in np.ndindex(image.shape[0] - size + 1, image.shape[1] - size + 1):
        covered[at] = image.copy()
        covered[at][at[0] : at[0] + size, at[1] : at[1] + size] = filling
    after = {at: float(model(one)) for at, one in covered.items()}
    falls = before - np.array(list(after.values())).reshape(len(image) - size + 1, -1)
    panels = {
        f"image\nanswer {before:.4g}": image,
        f"covered\nanswer {after[tuple(place)]:.4g}": covered[tuple(place)],
        "fall of the answer\nat each place": falls,
    }
    figure, axes = plt.subplots(
        1,
        3,
        figsize=(PHONE_WIDTH, 1.1 + 0.42 * len(image)),
        width_ratios=[values.shape[1] for values in panels.values()],
    )
    for ax, (title, values) in zip(axes, panels.items(), strict=True):
        draw_numbers(ax, values, len(image), signed=values is falls)
        ax.set_title(title, fontsize=10, loc="left")
    mark = {"fill": False, "ec": COLORS["red"], "lw": 3, "clip_on": False, "zorder": 3}
    corner = (place[1] - 0.5, place[0] - 0.5)
    axes[1].add_patch(Rectangle(corner, size, size, **mark))
    axes[2].add_patch(Rectangle(corner, 1, 1, **mark))
    figure.set_label(
        f"The answer to a small image is {before:.4g}, and {after[tuple(place)]:.4g} with the square at "
        f"row {place[0]}, column {place[1]} covered: a fall of {falls[tuple(place)]:.4g}."
    )
    return Panels(axes)


def plot_grad_cam(maps: np.ndarray, weights: Sequence[float]) -> Panels:
    """Grad-CAM in numbers: feature maps, each times its weight, their sum, and what ReLU leaves of it.

    Args:
        maps: (rows, columns, channels), small enough to read their numbers: at most 4 by 4, at most three channels.
        weights: of the channels; Grad-CAM takes the mean gradient of the logit over each map.

    Returns:
        The axes of the maps, of the sum and of the heatmap.

    Raises:
        ValueError: maps that are too large, or another number of weights.

    Example:
        >>> panels = plot_grad_cam(np.array([[[1, 0], [2, 1]], [[0, 1], [3, 0]]]), weights=(2, -1))
        >>> [[text.get_text() for text in panel.texts] for panel in panels[2:]]
        [['2', '3', '-1', '6'], ['2', '3', '0', '6']]
    """
    maps, weights = np.asarray(maps, float), np.asarray(weights, float)
    if maps.ndim != 3 or max(maps.shape[:2]) > 4 or not 1 <= maps.shape[2] <= 3:
        raise ValueError(f"maps: shape {maps.shape}, expected (rows, columns, channels), up to 4 by 4 of 3 channels.")
    if weights.shape != maps.shape[2:]:
        raise ValueError(f"weights: {weights.size} for {maps.shape[2]} maps; give each map one.")
    total = maps @ weights
    panels = {f"map {i}\n× {weight:.4g}": maps[..., i - 1] for i, weight in enumerate(weights, 1)}
    panels |= {"sum": total, "ReLU:\nheatmap": np.maximum(total, 0)}
    figure, axes = plt.subplots(1, len(panels), figsize=(PHONE_WIDTH, 1.0 + 0.36 * len(maps)))
    for ax, (title, values) in zip(axes, panels.items(), strict=True):
        draw_numbers(ax, values, len(maps), signed=True)
        ax.set_title(title, fontsize=10, loc="left")
    figure.set_label(
        f"{len(weights)} feature maps times their weights add up to a map with {(total < 0).sum()} negative numbers, "
        "which ReLU turns into zero."
    )
    return Panels(axes)
