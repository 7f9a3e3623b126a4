"""Diagrams of what a layer does with numbers: convolution, pooling, normalization, dropout, augmentation, heatmaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle

from helpers.plots.networks.shapes import arrow, box, draw_numbers, grid
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


def plot_batch_normalization(
    values: Sequence[float],
    moving_mean: float = 0.0,
    moving_variance: float = 1.0,
    epsilon: float = 0.001,
    ax: Axes | None = None,
) -> Axes:
    """What batch normalization makes of a batch, with γ = 1 and β = 0: in training, and at inference.

    Args:
        values: of one feature, one for each image of the batch, at most six.
        moving_mean, moving_variance: the averages that the layer has stored; those of a new layer are 0 and 1.
        epsilon: added to the variance, so that nothing is divided by zero.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: no value, more than six, or a negative variance.

    Example:
        >>> ax = plot_batch_normalization([2, 4, 6, 8])
        >>> [text.get_text().replace("\\n", ", ") for text in ax.texts][2:4]
        ['mean 5, variance 5, of this batch', '-1.34, -0.45, 0.45, 1.34']
    """
    batch = np.asarray(values, dtype=float)
    if not 1 <= batch.size <= 6 or batch.ndim != 1:
        raise ValueError(f"values: of shape {batch.shape}; expected one to six numbers of one feature.")
    if moving_variance < 0:
        raise ValueError(f"moving_variance: {moving_variance}; a variance is never negative.")
    ways = {
        "training": (batch.mean(), batch.var(), "of this batch"),
        "inference": (moving_mean, moving_variance, "moving averages"),
    }
    height = 0.42 * batch.size + 0.3
    ax = new_axes(ax, (PHONE_WIDTH, 0.5 + 1.0 * height))
    for row, (name, (mean, variance, source)) in enumerate(ways.items()):
        y = -row * (height + 0.7)
        ax.text(0, y + height + 0.22, name, va="center")
        result = (batch - mean) / np.sqrt(variance + epsilon)
        color = (COLORS["orange"], COLORS["blue"])[row]
        boxes = ("\n".join(f"{v:g}" for v in batch), f"mean {mean:.3g}\nvariance {variance:.3g}\n{source}")
        box(ax, (0, y), (1.2, height), boxes[0], "white")
        arrow(ax, (1.22, y + height / 2), (1.78, y + height / 2))
        box(ax, (1.8, y), (2.9, height), boxes[1], color)
        arrow(ax, (4.72, y + height / 2), (5.28, y + height / 2))
        box(ax, (5.3, y), (1.4, height), "\n".join(f"{v:.2f}" for v in result), "white")
    ax.set(xlim=(-0.1, 6.8), ylim=(-height - 0.8, height + 0.5))
    ax.set_axis_off()
    said = (f"{name} uses mean {mean:.3g} and variance {variance:.3g}" for name, (mean, variance, _) in ways.items())
    ax.figure.set_label(f"Batch normalization of {batch.size} values: {'; '.join(said)}.")
    return quiet(ax)


def plot_dropout(units: int, dropped: Sequence[Sequence[int]]) -> Panels:
    """What dropout does to a hidden layer: in each training step other neurons are missing, in prediction none.

    Args:
        units: neurons of the hidden layer, from two to six.
        dropped: of each training step the neurons that are missing, from 0; at most two steps.

    Returns:
        One axes for each step, and the last for prediction.

    Raises:
        ValueError: too many neurons or steps, or a neuron that isn't there.

    Example:
        >>> panels = plot_dropout(4, [[1], [0, 3]])
        >>> [ax.get_title("center") for ax in panels]
        ['training, step 1', 'training, step 2', 'prediction']
    """
    if not 2 <= units <= 6 or not 1 <= len(dropped) <= 2:
        raise ValueError(f"units, dropped: {units} neurons and {len(dropped)} steps; expected 2 to 6, and one or two.")
    if not all(0 <= unit < units for step in dropped for unit in step):
        raise ValueError(f"dropped: {dropped}; the neurons are 0 to {units - 1}.")
    figure, axes = plt.subplots(1, len(dropped) + 1, figsize=(PHONE_WIDTH, 0.8 + 0.35 * units), layout="constrained")
    names = [*(f"training, step {i}" for i in range(1, len(dropped) + 1)), "prediction"]
    middle = (units - 1) / 2
    for ax, missing, name in zip(axes, [*dropped, []], names, strict=True):
        for y in range(units):
            gone = y in missing
            for x in (0, 2):
                ends = [middle + d for d in (-1, 0, 1)] if x == 0 else [middle]
                for end in ends if not gone else []:
                    ax.plot((1, x), (y, end), color="0.6", lw=0.9, zorder=1)
            edge = {"ec": "0.7", "ls": ":"} if gone else {"ec": COLORS["orange"], "ls": "-"}
            ax.add_patch(Circle((1, y), 0.3, fc="white", lw=2, zorder=2, **edge))
            if gone:
                ax.text(1, y, "×", ha="center", va="center", color="0.4", fontsize=12, zorder=3)
        for x, y in [*((0, middle + d) for d in (-1, 0, 1)), (2, middle)]:
            color = COLORS["blue"] if x == 0 else COLORS["orange"]
            ax.add_patch(Circle((x, y), 0.3, fc="white", ec=color, lw=2, zorder=2))
        ax.set(xlim=(-0.45, 2.45), ylim=(max(units, 3) - 0.5 + min(0, middle - 1), min(-0.5, middle - 1.5)))
        ax.set_aspect("equal")
        ax.set_title(name, loc="center")
        ax.set_axis_off()
    figure.set_label("A hidden layer: in each training step other neurons are missing, in prediction none.")
    return Panels(axes)


def plot_augmentation() -> Panels:
    """The two places of random layers: in the input pipeline, or in the model; in prediction they rest.

    Returns:
        One axes for each place.

    Example:
        >>> [ax.get_title("left") for ax in plot_augmentation()]
        ['In the pipeline', 'In the model']
    """
    figure, axes = plt.subplots(2, 1, figsize=(PHONE_WIDTH, 4.2), layout="constrained")
    change, plain = COLORS["orange"], COLORS["blue"]
    rows = {
        "In the pipeline": [("images", "white"), ("random\nlayers", change), ("batches", "white"), ("network", plain)],
        "In the model": [("images", "white"), ("batches", "white"), ("random\nlayers", change), ("network", plain)],
    }
    for ax, (title, boxes) in zip(axes, rows.items(), strict=True):
        inside = title == "In the model"
        for y, way in ((1.3, "training"), (0, "prediction")):
            ax.text(-0.15, y + 0.4, way, ha="right", va="center")
            for i, (name, color) in enumerate(boxes):
                rests = color == change and y == 0
                if rests and not inside:
                    arrow(ax, (1.75 * i - 0.34, 0.4), (1.75 * i + 1.74, 0.4))
                    continue
                words = "random\nlayers: off" if rests else name
                box(ax, (1.75 * i, y), (1.4, 0.8), words, "white" if rests else color)
                if i < 3 and not (boxes[i + 1][1] == change and y == 0 and not inside):
                    arrow(ax, (1.75 * i + 1.41, y + 0.4), (1.75 * i + 1.74, y + 0.4))
            first = 2 if inside else 3
            corner, size = (1.75 * first - 0.12, y - 0.12), (6.65 - 1.75 * first + 0.24, 1.04)
            ax.add_patch(Rectangle(corner, *size, fill=False, ec=COLORS["green"], ls="--", lw=1.5))
        ax.text(1.75 * first + (6.65 - 1.75 * first) / 2, 2.38, "the model", ha="center", color=COLORS["green"])
        ax.set(xlim=(-1.8, 6.9), ylim=(-0.25, 2.7))
        ax.set_title(title, loc="left")
        ax.set_axis_off()
    figure.set_label(
        "In the pipeline, random layers change the batches for training, and prediction goes without them. In the "
        "model, they are part of it and are off in prediction."
    )
    return Panels(axes)


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
