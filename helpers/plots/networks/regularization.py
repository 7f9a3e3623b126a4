"""Diagrams of what helps a network generalize: batch normalization, dropout, augmentation."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle

from helpers.plots.networks.shapes import arrow, box
from helpers.plots.style import COLORS, PHONE_WIDTH, Panels, new_axes, quiet


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
