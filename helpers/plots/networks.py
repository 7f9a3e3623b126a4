"""Diagrams: neurons, layers, convolutions, pooling, normalization, training, heatmaps, splits, scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.ticker import MaxNLocator

from helpers.plots.style import CLASS_COLORS, COLORS, PALETTE, SPLIT_COLORS, Panels, new_axes, outside_legend, quiet

if TYPE_CHECKING:
    import keras

KINDS = {  # words in the name of a Keras layer -> color, the first that fits
    "Conv": COLORS["blue"],
    "Pool": COLORS["sky"],
    "Dense": COLORS["orange"],
    "Dropout": COLORS["gray"],
    "Normalization": COLORS["gray"],
    "Functional": COLORS["green"],
    "Sequential": COLORS["green"],
}
FROZEN, TRAINED = COLORS["sky"], COLORS["orange"]
WIDTH = 5.5  # inches: on a phone, 360 pixels wide, the text still has 9


def plot_neuron(
    inputs: Sequence[str] = ("pixel 1", "pixel 2", "pixel n"),
    activation: str = "sigmoid",
    output: str = "probability",
    ax: Axes | None = None,
) -> Axes:
    """One neuron: inputs times weights, their sum with a bias, an activation, an output.

    Args:
        inputs: what goes in, from top to bottom; dots before the last stand for those that aren't drawn.
        activation: name of the activation function.
        output: what comes out.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: fewer than two inputs, or more than six.

    Example:
        >>> ax = plot_neuron(activation="ReLU", output="feature")
        >>> [text.get_text() for text in ax.texts][-2:]
        ['ReLU', 'feature']
    """
    if not 2 <= len(inputs) <= 6:
        raise ValueError(f"inputs: {len(inputs)} given; from two to six can be told apart.")
    ax = new_axes(ax, (WIDTH, 0.7 + 0.48 * len(inputs)))
    rows = np.linspace(len(inputs) - 1, 0, len(inputs)) + np.r_[[0] * (len(inputs) - 1), -0.5]
    middle = rows.mean()
    for i, (name, y) in enumerate(zip(inputs, rows, strict=True), 1):
        last = i == len(inputs)
        ax.text(-0.2, y, name, ha="right", va="center")
        ax.add_patch(Circle((0, y), 0.11, color=COLORS["blue"]))
        _arrow(ax, (0.12, y), (2.62, middle))
        letter = "n" if last else str(i)
        ax.text(1.1, y + (middle - y) * 0.44 + 0.12, f"$\\times\\, w_{{{letter}}}$", ha="center", fontsize=11)
    ax.text(0, rows[-2:].mean(), "⋮", ha="center", va="center", fontsize=13)
    ax.add_patch(Circle((3, middle), 0.38, fc="white", ec=COLORS["orange"], lw=2))
    ax.text(3, middle, "Σ", ha="center", va="center", fontsize=15)
    ax.text(3, middle + 0.62, "+ bias", ha="center", va="center")
    _arrow(ax, (3.4, middle), (3.95, middle))
    _box(ax, (3.97, middle - 0.32), (1.35, 0.64), activation, COLORS["orange"])
    _arrow(ax, (5.34, middle), (5.85, middle))
    ax.text(5.95, middle, output, ha="left", va="center")
    ax.set(xlim=(-1.3, 7.4), ylim=(rows[-1] - 0.5, max(rows[0], middle + 0.7) + 0.4), aspect="equal")
    ax.set_axis_off()
    return quiet(ax)


def plot_network(
    units: Sequence[int] = (4, 3, 1),
    names: Sequence[str] = ("inputs", "hidden layer", "output"),
    ax: Axes | None = None,
) -> Axes:
    """A dense network: a circle a neuron, a line a weight.

    Args:
        units: neurons of each layer from the inputs to the output, at most eight.
        names: of the layers.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: fewer than two layers, more than eight neurons in one, or another number of names.

    Example:
        >>> plot_network((3, 2, 1)).get_title("left")
        '8 weights and 3 biases'
    """
    if len(units) < 2 or not all(1 <= count <= 8 for count in units):
        raise ValueError(f"units: {tuple(units)}; expected two layers or more, each of one to eight neurons.")
    if len(names) != len(units):
        raise ValueError(f"names: {len(names)} for {len(units)} layers; give each layer one.")
    ax = new_axes(ax, (WIDTH, 0.9 + 0.42 * max(units)))
    places = [[(3.6 * i, (count - 1) / 2 - row) for row in range(count)] for i, count in enumerate(units)]
    for left, right in pairwise(places):
        for start in left:
            for end in right:
                ax.plot(*zip(start, end, strict=True), color="0.6", lw=0.9, zorder=1)
    for i, (layer, name) in enumerate(zip(places, names, strict=True)):
        color = COLORS["blue"] if i == 0 else COLORS["orange"]
        for place in layer:
            ax.add_patch(Circle(place, 0.28, fc="white", ec=color, lw=2, zorder=2))
        ax.text(3.6 * i, max(units) / 2 + 0.35, name, ha="center", va="center")
    weights, biases = sum(a * b for a, b in pairwise(units)), sum(units[1:])
    ends = (-1.4, 3.6 * len(units) - 2.2)
    ax.set(xlim=ends, ylim=(-max(units) / 2 - 0.1, max(units) / 2 + 0.7), aspect="equal")
    ax.set_title(f"{weights} weights and {biases} biases", loc="left")
    ax.set_axis_off()
    return quiet(ax)


def plot_backpropagation(steps: Mapping[str, tuple[str, str]], ax: Axes | None = None) -> Axes:
    """The computation graph of a network as a column: values on the way down, gradients on the way back up.

    Args:
        steps: name of a step -> (its value, the gradient of the loss for it), in words, in the order of the forward
            pass.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: fewer than two steps.

    Example:
        >>> ax = plot_backpropagation({"sum": ("1.0", "0.73"), "loss": ("1.31", "1")})
        >>> [text.get_text() for text in ax.texts][2:]
        ['sum', '1.0', '0.73', 'loss', '1.31', '1']
    """
    if len(steps) < 2:
        raise ValueError(f"steps: {len(steps)} given; a graph has two at least.")
    forward, backward = COLORS["blue"], COLORS["orange"]
    ax = new_axes(ax, (WIDTH, 0.7 + 0.44 * len(steps)))
    ax.text(4.3, 0.75, "value ↓", ha="center", va="center", color=forward)
    ax.text(6.6, 0.75, "gradient ↑", ha="center", va="center", color=backward)
    for row, (name, (value, gradient)) in enumerate(steps.items()):
        _box(ax, (0, -row - 0.29), (3.1, 0.58), name, "white")
        ax.text(4.3, -row, value, ha="center", va="center", color=forward)
        ax.text(6.6, -row, gradient, ha="center", va="center", color=backward)
        if row:
            _arrow(ax, (1.0, 0.71 - row), (1.0, 0.29 - row), size=9, color=forward)
            _arrow(ax, (2.1, 0.29 - row), (2.1, 0.71 - row), size=9, color=backward)
    ax.set(xlim=(-0.1, 7.8), ylim=(0.5 - len(steps), 1.1))
    ax.set_axis_off()
    return quiet(ax)


def plot_layers(model: keras.Model, title: str | None = None, ax: Axes | None = None) -> Axes:
    """The layers of a model from top to bottom, each with its output's shape and its parameters.

    Args:
        model: built, Sequential or functional without branches; a nested model is one box.
        title: above it; None: the number of all parameters.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: the model isn't built.

    Example:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
        >>> [text.get_text() for text in plot_layers(model).texts][-3:]
        ['Dense', '2', '130 parameters']
    """
    if not getattr(model, "built", False):
        raise ValueError("model: not built; begin it with keras.Input, or call it on images once.")
    joining = [layer.name for layer in model.layers if len(_as_list(getattr(layer, "input", None))) > 1]
    if joining or len(model.inputs) > 1:
        raise ValueError(
            f"model: has branches ({', '.join(joining) or 'several inputs'}), which a column of layers can't show; "
            "keras.utils.plot_model draws them."
        )
    steps = [("input", tuple(model.input_shape), None, "white")]
    for layer in model.layers:
        if type(layer).__name__ != "InputLayer":
            shape = getattr(layer, "output_shape", None) or layer.output.shape
            steps.append((type(layer).__name__, tuple(shape), layer.count_params(), _color_of(layer)))
    ax = new_axes(ax, (WIDTH, 0.5 + 0.36 * len(steps)))
    for row, (kind, shape, count, color) in enumerate(steps):
        y = -row
        _box(ax, (0, y - 0.31), (3.1, 0.62), kind, color)
        size = " × ".join("any" if side is None else f"{side:,}" for side in shape[1:]) or "1"
        ax.text(3.4, y, size, va="center")
        ax.text(7.6, y, "" if not count else f"{count:,} parameters", ha="right", va="center")
        if row:
            _arrow(ax, (1.55, y + 0.69), (1.55, y + 0.31), size=8)
    ax.set(xlim=(-0.1, 7.7), ylim=(0.5 - len(steps), 0.5))
    ax.set_axis_off()
    ax.set_title(title or f"{model.count_params():,} parameters")
    return quiet(ax)


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
    ax = new_axes(ax, (WIDTH, 0.5 + 0.78 * len(channels)))
    middle = -1.6 * (len(channels) - 1) / 2
    for row, name in enumerate(channels):
        y, color = -1.6 * row, COLORS.get(name, "0.5")
        _grid(ax, (0, y), 1.3, 8, color)
        cell = 1.3 / 8
        corner = (cell, y + (3 - kernel) * cell)
        ax.add_patch(Rectangle(corner, kernel * cell, kernel * cell, fill=False, ec="black", lw=2))
        ax.text(-0.15, y, name, ha="right", va="center")
        ax.text(1.7, y, "×", ha="center", va="center", fontsize=13)
        _grid(ax, (2.05, y), 0.85, kernel, color)
        _arrow(ax, (3.0, y), (4.02, middle))
    ax.add_patch(Circle((4.4, middle), 0.36, fc="white", ec=COLORS["orange"], lw=2))
    ax.text(4.4, middle, "Σ", ha="center", va="center", fontsize=15)
    ax.text(4.4, middle + 0.55, "+ bias", ha="center", va="center")
    _arrow(ax, (4.78, middle), (5.4, middle))
    _grid(ax, (5.5, middle), 1.05, 6, COLORS["orange"])
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
        1, 3, figsize=(WIDTH, 0.9 + 0.42 * image.shape[0]), width_ratios=[values.shape[1] for values in panels.values()]
    )
    for ax, (name, values) in zip(axes, panels.items(), strict=True):
        _numbers(ax, values, image.shape[0], signed=name != "image")
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
        1, 2, figsize=(WIDTH, 0.9 + 0.42 * values.shape[0]), width_ratios=[values.shape[1], columns]
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
        1, 3, figsize=(WIDTH, 1.1 + 0.42 * len(image)), width_ratios=[values.shape[1] for values in panels.values()]
    )
    for ax, (title, values) in zip(axes, panels.items(), strict=True):
        _numbers(ax, values, len(image), signed=values is falls)
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
    figure, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 1.0 + 0.36 * len(maps)))
    for ax, (title, values) in zip(axes, panels.items(), strict=True):
        _numbers(ax, values, len(maps), signed=True)
        ax.set_title(title, fontsize=10, loc="left")
    figure.set_label(
        f"{len(weights)} feature maps times their weights add up to a map with {(total < 0).sum()} negative numbers, "
        "which ReLU turns into zero."
    )
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
    ax = new_axes(ax, (WIDTH, 0.5 + 1.0 * height))
    for row, (name, (mean, variance, source)) in enumerate(ways.items()):
        y = -row * (height + 0.7)
        ax.text(0, y + height + 0.22, name, va="center")
        result = (batch - mean) / np.sqrt(variance + epsilon)
        color = (COLORS["orange"], COLORS["blue"])[row]
        boxes = ("\n".join(f"{v:g}" for v in batch), f"mean {mean:.3g}\nvariance {variance:.3g}\n{source}")
        _box(ax, (0, y), (1.2, height), boxes[0], "white")
        _arrow(ax, (1.22, y + height / 2), (1.78, y + height / 2))
        _box(ax, (1.8, y), (2.9, height), boxes[1], color)
        _arrow(ax, (4.72, y + height / 2), (5.28, y + height / 2))
        _box(ax, (5.3, y), (1.4, height), "\n".join(f"{v:.2f}" for v in result), "white")
    ax.set(xlim=(-0.1, 6.8), ylim=(-height - 0.8, height + 0.5))
    ax.set_axis_off()
    said = (f"{name} uses mean {mean:.3g} and variance {variance:.3g}" for name, (mean, variance, _) in ways.items())
    ax.figure.set_label(f"Batch normalization of {batch.size} values: {'; '.join(said)}.")
    return quiet(ax)


def plot_backbone(
    backbone: str = "backbone",
    head: Sequence[str] = ("pooling", "dense"),
    trainable: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Transfer learning in one drawing: a pretrained backbone, frozen or not, and a new head.

    Args:
        backbone: its name, such as "EfficientNet-Lite0".
        head: the new layers, in order.
        trainable: whether the backbone is trained, too (fine-tuning).
        ax: where to draw; None: a new figure.

    Example:
        >>> ax = plot_backbone("VGG16", head=("pooling", "dropout", "dense"))
        >>> [text.get_text() for text in ax.texts][2:5]
        ['pooling', 'dropout', 'dense']
    """
    ax = new_axes(ax, (WIDTH, 1.9))
    _box(ax, (0, 0), (1.3, 1.2), "image", "white")
    _arrow(ax, (1.32, 0.6), (1.78, 0.6))
    _box(ax, (1.8, 0), (3.4, 1.2), f"{backbone}\nknows edges,\ntextures, parts", TRAINED if trainable else FROZEN)
    x = 5.2
    for name in head:
        _arrow(ax, (x + 0.02, 0.6), (x + 0.38, 0.6))
        _box(ax, (x + 0.4, 0.15), (1.15, 0.9), name, TRAINED)
        x += 1.55
    _arrow(ax, (x + 0.02, 0.6), (x + 0.38, 0.6))
    ax.text(x + 0.45, 0.6, "class", va="center")
    ways = ("trained further, slowly" if trainable else "frozen: weights stay", "new: trained on our images")
    for at, words in ((3.5, ways[0]), ((5.6 + x) / 2, ways[1])):
        ax.text(at, -0.35, words, ha="center", va="center", fontsize=9)
    ax.set(xlim=(-0.1, x + 1.2), ylim=(-0.65, 1.4))
    ax.set_axis_off()
    ax.figure.set_label(f"An image passes through {backbone} ({ways[0]}), then {', '.join(head)} ({ways[1]}).")
    return quiet(ax)


def plot_search(oracle: str = "oracle", workers: Sequence[str] = ("tuner",), ax: Axes | None = None) -> Axes:
    """A search for hyperparameters in one drawing: one side proposes values and keeps the scores, the other trains.

    Args:
        oracle: what the side that proposes is called.
        workers: names of those that train, at most four.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: no workers, or more than four.

    Example:
        >>> ax = plot_search("chief", ["tuner0", "tuner1"])
        >>> sum(text.get_text() == "values" for text in ax.texts)
        2
    """
    if not 1 <= len(workers) <= 4:
        raise ValueError(f"workers: {len(workers)} given; from one to four can be told apart.")
    ax = new_axes(ax, (WIDTH, 0.4 + 1.25 * len(workers)))
    middle = 1.6 * (len(workers) - 1) / 2
    _box(ax, (0, middle - 0.6), (2.5, 1.2), f"{oracle}\nkeeps the list\nof trials", COLORS["blue"])
    for row, name in enumerate(workers):
        y = 1.6 * (len(workers) - 1 - row)
        _box(ax, (4.6, y - 0.6), (3.4, 1.2), f"{name}\nbuilds, trains on train,\nscores on val", COLORS["orange"])
        near = middle + 0.35 * (y - middle) / max(middle, 1)  # the arrows of several workers fan out
        for words, lift, ends in (("values", 0.22, (2.54, 4.56)), ("score", -0.22, (4.56, 2.54))):
            heights = {2.54: near + lift, 4.56: y + lift}
            _arrow(ax, *((x, heights[x]) for x in ends))
            look = {"boxstyle": "square,pad=0.15", "fc": "white", "ec": "none"}
            ax.text(3.55, sum(heights.values()) / 2, words, ha="center", va="center", fontsize=9, bbox=look)
    ax.set(xlim=(-0.1, 8.1), ylim=(-0.75, 2 * middle + 0.75))
    ax.set_axis_off()
    ax.figure.set_label(
        f"The {oracle} hands values to {', '.join(workers)}, which train a network and return its score."
    )
    return quiet(ax)


def plot_brackets(plan: Sequence[tuple[int, int, int, int]], ax: Axes | None = None) -> Axes:
    """How Hyperband spends its epochs: a line for each training, a color for each bracket.

    Args:
        plan: rows (bracket, trials, epochs before, epochs after), in the order in which they're run.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: no rows, or more than forty trials.

    Example:
        >>> ax = plot_brackets([(1, 3, 0, 1), (1, 1, 1, 3), (0, 2, 0, 3)])
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['bracket 1', 'bracket 0']
    """
    total = sum(trials for _, trials, _, _ in plan)
    if not 1 <= total <= 40:
        raise ValueError(f"plan: {total} trials; from one to forty can be told apart.")
    brackets = list(dict.fromkeys(bracket for bracket, *_ in plan))
    ax = new_axes(ax, (WIDTH, 1.3 + 0.17 * total))
    rows = [row for row in plan for _ in range(row[1])]
    for height, (bracket, _, before, after) in enumerate(rows):
        color = PALETTE[brackets.index(bracket)]
        ax.plot([before, after], [height, height], color=color, lw=3, marker="|", ms=9, label=f"bracket {bracket}")
    handles = {line.get_label(): line for line in ax.lines}
    ax.legend(handles.values(), handles, loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=len(brackets))
    ax.set(xlabel="epochs of a network", ylabel="trials, in order", yticks=[])
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.invert_yaxis()
    ax.set_title("Which networks are trained for how long?")
    return quiet(ax)


def plot_replicas(batch: int = 64, replicas: int = 2, ax: Axes | None = None) -> Axes:
    """Data parallelism in one drawing: a batch in parts, a replica for each, one mean gradient, one step for all.

    Args:
        batch: images of the global batch; `replicas` divides it.
        replicas: copies of the network, from two to four.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: another number of replicas, or a batch that can't be cut into equal parts.

    Example:
        >>> ax = plot_replicas(batch=32)
        >>> [text.get_text() for text in ax.texts][1]
        '16 images'
    """
    if not 2 <= replicas <= 4 or batch % replicas:
        raise ValueError(f"{batch} images on {replicas} replicas: from two to four share a batch in equal parts.")
    ax = new_axes(ax, (WIDTH, 1.0 + 0.8 * replicas))
    middle = (replicas - 1) / 2
    _box(ax, (0, middle - 0.4), (1.3, 0.8), f"batch of\n{batch}", "white")
    for row in range(replicas):
        _arrow(ax, (1.32, middle), (1.83, row))
        _box(ax, (1.85, row - 0.3), (1.55, 0.6), f"{batch // replicas} images", COLORS["sky"])
        _arrow(ax, (3.42, row), (3.83, row))
        _box(ax, (3.85, row - 0.3), (1.6, 0.6), f"replica {replicas - row}", COLORS["orange"])
        _arrow(ax, (5.47, row), (6.13, middle))
    _box(ax, (6.15, middle - 0.4), (1.6, 0.8), "mean of the\ngradients", COLORS["green"])
    ax.text(3.9, -0.75, "the same step for every replica", ha="center", va="center")
    ax.set(xlim=(-0.1, 7.85), ylim=(-1, replicas - 0.4))
    ax.set_axis_off()
    ax.figure.set_label(f"A batch of {batch} images is cut into {replicas} parts; the mean gradient moves all.")
    return quiet(ax)


def plot_splits(
    groups: Sequence[str],
    splits: Mapping[str, tuple[Sequence[int], Sequence[int]]],
    ax: Axes | None = None,
) -> Axes:
    """Which images are for training and which for the test: a square an image, with its group; shared groups in red.

    Args:
        groups: of each image, in a letter or two; at most six groups and sixteen images.
        splits: name -> positions of the training images, and of the test images, as scikit-learn's splitters give them.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: more images or groups than can be told apart, or an image that isn't on one side exactly.

    Example:
        >>> ax = plot_splits(list("AABB"), {"random": ([0, 2], [1, 3]), "by group": ([0, 1], [2, 3])})
        >>> [text.get_text() for text in ax.texts if " " in text.get_text()]
        ['on both sides: A, B', 'by group', 'on both sides: none']
    """
    names = sorted(set(groups))
    if len(groups) > 16 or len(names) > 6:
        raise ValueError(f"groups: {len(groups)} images of {len(names)} groups; at most 16 of 6 can be told apart.")
    for name, sides in splits.items():
        if sorted([*sides[0], *sides[1]]) != list(range(len(groups))):
            raise ValueError(f"splits: {name!r} must have each of the {len(groups)} images on one side.")
    colors = dict(zip(names, ("blue", "orange", "green", "purple", "brown", "sky"), strict=False))
    ax = new_axes(ax, (WIDTH, 0.15 + 0.95 * len(splits)))
    gap = max(len(train) for train, _ in splits.values()) + 0.8
    for row, (name, sides) in enumerate(splits.items()):
        y, (train, test) = -2.3 * row, ([groups[i] for i in side] for side in sides)
        both = sorted(set(train) & set(test))
        for x, words, letters in ((0, "training", train), (gap, "test", test)):
            ax.text(x, y + 1.15, words, va="bottom", fontsize=9, color="0.35")
            for i, letter in enumerate(sorted(letters)):
                _square(ax, (x + i, y), letter, COLORS[colors[letter]], letter in both)
        ax.text(-0.4, y + 0.45, name, ha="right", va="center")
        words = f"on both sides: {', '.join(both) or 'none'}"
        ax.text(gap - 0.8, y - 0.12, words, ha="right", va="top", fontsize=9, color=COLORS["red"] if both else "0.35")
    widest = max(len(test) for _, test in splits.values())
    ax.set(xlim=(-3.6, gap + widest), ylim=(-2.3 * (len(splits) - 1) - 0.8, 1.9))
    ax.set_axis_off()
    return quiet(ax)


def plot_confusion_terms(
    tp: int,
    fn: int,
    fp: int,
    tn: int,
    class_names: Sequence[str] = ("negative", "positive"),
    ax: Axes | None = None,
) -> Axes:
    """The four counts of a confusion matrix by name, and the rates that are made of them.

    Args:
        tp, fn, fp, tn: true positives, false negatives, false positives, true negatives.
        class_names: the negative class, then the positive one, as in scikit-learn's confusion matrix.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: a count below 0, a class without images, or no answer "positive", for which there is no precision.

    Example:
        >>> ax = plot_confusion_terms(tp=60, fn=13, fp=3, tn=24)
        >>> [text.get_text() for text in ax.texts if "=" in text.get_text()]
        ['specificity\\n24 / 27 = 0.89', 'recall\\n60 / 73 = 0.82', 'precision\\n60 / 63 = 0.95']
    """
    if min(tp, fn, fp, tn) < 0 or not (tp + fn and fp + tn and tp + fp):
        raise ValueError(
            f"tp {tp}, fn {fn}, fp {fp}, tn {tn}: counts from 0 are expected, with images of both classes and at least "
            "one answer 'positive'."
        )
    ax = new_axes(ax, (WIDTH, 3.3))
    negative, positive = class_names
    right, wrong = COLORS["green"], COLORS["red"]
    for x, y, name, count, color in (
        (0, 1, "true negatives", tn, right),
        (1, 1, "false positives", fp, wrong),
        (0, 0, "false negatives", fn, wrong),
        (1, 0, "true positives", tp, right),
    ):
        _box(ax, (2 * x, y), (1.9, 0.9), f"{name}\n{count:,}", color)
    for y, name, rate, part, whole in ((1, negative, "specificity", tn, tn + fp), (0, positive, "recall", tp, tp + fn)):
        ax.text(-0.1, y + 0.45, name, ha="right", va="center")
        _arrow(ax, (3.95, y + 0.45), (4.3, y + 0.45))
        ax.text(4.35, y + 0.45, f"{rate}\n{part:,} / {whole:,} = {part / whole:.2f}", va="center")
    for x, name in enumerate((negative, positive)):
        ax.text(2 * x + 0.95, 2.0, name, ha="center", va="bottom")
    ax.text(1.95, 2.35, "the answer", ha="center", va="bottom", color="0.35")
    ax.text(-0.1, 2.35, "the truth", ha="right", va="bottom", color="0.35")
    _arrow(ax, (2.95, -0.02), (2.95, -0.32))
    ax.text(2.95, -0.36, f"precision\n{tp:,} / {tp + fp:,} = {tp / (tp + fp):.2f}", ha="center", va="top")
    ax.set(xlim=(-1.6, 6.2), ylim=(-0.85, 2.65))
    ax.set_axis_off()
    ax.figure.set_label(
        f"A confusion matrix: {tn} true negatives, {fp} false positives, {fn} false negatives, {tp} true positives. "
        "A row gives specificity or recall, the column of the positive answers gives precision."
    )
    return quiet(ax)


def plot_threshold(
    threshold: float = 0.5,
    class_names: Sequence[str] = ("negative", "positive"),
    score: str = "score",
    ax: Axes | None = None,
) -> Axes:
    """What a threshold does: two classes whose scores overlap, a line, and the errors on either side of it.

    Args:
        threshold: from 0 to 1; the classes have their middle at 0.35 and 0.65.
        class_names: the negative class, then the positive one, which has the higher scores.
        score: name of the axis.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: a threshold outside of 0 to 1.

    Example:
        >>> ax = plot_threshold(0.4, ("no crack", "crack"))
        >>> [text.get_text() for text in ax.texts][-2:]
        ["answer 'no crack'", "answer 'crack'"]
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold: {threshold}, expected a number from 0 to 1.")
    ax = new_axes(ax, (WIDTH, 2.7))
    x = np.linspace(0, 1, 401)
    hills = [np.exp(-((x - middle) ** 2) / (2 * 0.13**2)) for middle in (0.35, 0.65)]
    errors = ((x >= threshold, "false positives"), (x <= threshold, "false negatives"))
    for hill, name, color, (wrong, kind) in zip(hills, class_names, CLASS_COLORS, errors, strict=False):
        ax.plot(x, hill, color=color)
        middle = x[hill.argmax()]
        ax.text(middle, 1.05, name, ha="center", va="bottom", color=color)
        ax.fill_between(x, hill, where=wrong, color=color, alpha=0.35, lw=0, label=kind)
    ax.plot([threshold, threshold], [0, 1.38], color="0.2", lw=1.5)
    ax.text(threshold, 1.42, "threshold", ha="center", va="bottom")
    for side, name in zip((-1, 1), class_names, strict=True):
        _arrow(ax, (threshold, 1.33), (threshold + 0.07 * side, 1.33))
        where = {"ha": "right" if side < 0 else "left", "va": "center"}
        ax.text(threshold + 0.08 * side, 1.33, f"answer '{name}'", **where)
    ax.set(xlim=(0, 1), ylim=(0, 1.6), xticks=[], yticks=[], xlabel=f"{score}, from low to high")
    ax.spines[["left", "top", "right"]].set_visible(False)
    outside_legend(ax)
    ax.figure.set_label(
        f"Two overlapping hills of scores, {class_names[0]} and {class_names[1]}, and a threshold: the first hill "
        "right of it are false positives, the second left of it false negatives."
    )
    return quiet(ax)


def _grid(ax: Axes, place: tuple[float, float], side: float, cells: int, color: str) -> None:
    """A square of `cells` by `cells`, pale in its color; `place` is the middle of its left edge."""
    x, y = place[0], place[1] - side / 2
    ax.add_patch(Rectangle((x, y), side, side, fc=color, ec="none", alpha=0.3))
    lines = np.linspace(0, side, cells + 1)
    ax.hlines(y + lines, x, x + side, color=color, lw=0.8)
    ax.vlines(x + lines, y, y + side, color=color, lw=0.8)


def plot_resamples(right: Sequence[bool], resamples: Sequence[Sequence[int]], ax: Axes | None = None) -> Axes:
    """A sample of answers and what a bootstrap draws from it: a square an image, with its number, wrong ones in orange.

    Args:
        right: whether the answer to each image is right; at most twelve.
        resamples: positions of the images of each resample; some come twice or more, others not at all.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: too many images to draw, or a position that isn't one of the sample.

    Example:
        >>> ax = plot_resamples([True, True, False], [[0, 2, 2]])
        >>> [text.get_text() for text in ax.texts if "." in text.get_text()]
        ['0.67', '0.33']
    """
    right = np.asarray(right, dtype=bool)
    if not 1 <= len(right) <= 12:
        raise ValueError(f"right: {len(right)} images; from 1 to 12 can be drawn.")
    if not all(0 <= i < len(right) for drawn in resamples for i in drawn):
        raise ValueError(f"resamples: positions must be from 0 to {len(right) - 1}.")
    rows = {"sample": range(len(right)), **{f"resample {i}": drawn for i, drawn in enumerate(resamples, 1)}}
    ax = new_axes(ax, (WIDTH, 0.5 + 0.4 * len(rows)))
    widest = max(map(len, rows.values()))
    for row, (name, drawn) in enumerate(rows.items()):
        y = -1.15 * row - 0.5 * (row > 0)
        ax.text(-0.3, y + 0.45, name, ha="right", va="center")
        for x, i in enumerate(drawn):
            _square(ax, (x, y), str(i + 1), COLORS["blue" if right[i] else "orange"], marked=False)
        ax.text(widest + 0.4, y + 0.45, f"{right[list(drawn)].mean():.2f}", va="center")
    ax.text(widest + 0.4, 1.1, "right", va="bottom", fontsize=9, color="0.35")
    ax.set(xlim=(-3.4, widest + 1.8), ylim=(-1.15 * (len(rows) - 1) - 0.6, 1.8))
    ax.set_axis_off()
    return quiet(ax)


def plot_early_stopping(losses: Sequence[float], kept: int, stopped: int, ax: Axes | None = None) -> Axes:
    """Early stopping on a curve: the epoch that is kept, those that waited for a better one, and those never trained.

    Args:
        losses: on the validation images, one for each epoch, those never trained included.
        kept: the epoch that is kept; 1 is the first.
        stopped: the last epoch that is trained.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: not 1 <= kept <= stopped <= epochs.

    Example:
        >>> ax = plot_early_stopping([0.6, 0.4, 0.5, 0.5, 0.3], kept=2, stopped=4)
        >>> ax.get_title("left")
        'Patience 2: epoch 2 is kept, epoch 4 is the last'
    """
    if not 1 <= kept <= stopped <= len(losses):
        raise ValueError(f"kept, stopped: {kept} and {stopped}; expected 1 <= kept <= stopped <= {len(losses)}.")
    ax = new_axes(ax, (WIDTH, 2.8))
    epochs = np.arange(1, len(losses) + 1)
    ax.plot(epochs[stopped - 1 :], losses[stopped - 1 :], "o:", color="0.6", mfc="white", label="never trained")
    ax.plot(epochs[:stopped], losses[:stopped], "o-", color=SPLIT_COLORS["val"], label="trained")
    ax.plot(kept, losses[kept - 1], "o", ms=12, mfc="none", mec="black", mew=1.2, label="kept")
    ax.axvspan(kept, stopped, color=COLORS["sky"], alpha=0.25, lw=0, label="patience")
    ax.set(xlabel="epoch", ylabel="validation loss", xticks=epochs)
    ax.set_title(f"Patience {stopped - kept}: epoch {kept} is kept, epoch {stopped} is the last", loc="left")
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4)
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
    figure, axes = plt.subplots(1, len(dropped) + 1, figsize=(WIDTH, 0.8 + 0.35 * units), layout="constrained")
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
    figure, axes = plt.subplots(2, 1, figsize=(WIDTH, 4.2), layout="constrained")
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
                    _arrow(ax, (1.75 * i - 0.34, 0.4), (1.75 * i + 1.74, 0.4))
                    continue
                words = "random\nlayers: off" if rests else name
                _box(ax, (1.75 * i, y), (1.4, 0.8), words, "white" if rests else color)
                if i < 3 and not (boxes[i + 1][1] == change and y == 0 and not inside):
                    _arrow(ax, (1.75 * i + 1.41, y + 0.4), (1.75 * i + 1.74, y + 0.4))
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


def _square(ax: Axes, corner: tuple[float, float], text: str, color: str, marked: bool) -> None:
    x, y = corner
    ax.add_patch(Rectangle((x + 0.05, y), 0.9, 0.9, fc=color, alpha=0.35, ec="none"))
    edge = {"ec": COLORS["red"], "lw": 2.2} if marked else {"ec": color, "lw": 1}
    ax.add_patch(Rectangle((x + 0.05, y), 0.9, 0.9, fill=False, **edge))
    ax.text(x + 0.5, y + 0.43, text, ha="center", va="center")


def _numbers(ax: Axes, values: np.ndarray, rows: int, signed: bool) -> None:
    """A table of numbers with shaded cells, in axes that hold `rows` rows; of signed ones zero is white."""
    limit = np.abs(values).max() or 1
    lowest = -limit if signed else values.min()
    ax.imshow(values, cmap="coolwarm" if signed else "gray", vmin=lowest, vmax=limit, alpha=0.5)
    for (row, column), value in np.ndenumerate(values):
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec="0.5", lw=0.8, clip_on=False))
        ax.text(column, row, f"{value:.4g}", ha="center", va="center", fontsize=10)
    ax.set_ylim(rows - 0.5, -0.5)  # as high as the others: cells of one size
    ax.set_axis_off()


def _as_list(tensors: object) -> list:
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


def _box(ax: Axes, corner: tuple[float, float], size: tuple[float, float], text: str, color: str) -> None:
    """A rounded box, pale in its color, with text in its middle."""
    style = "round,pad=0,rounding_size=0.1"
    ax.add_patch(FancyBboxPatch(corner, *size, boxstyle=style, fc="white", ec="none"))
    ax.add_patch(FancyBboxPatch(corner, *size, boxstyle=style, fc=color, ec="none", alpha=0.3))
    edge = "0.4" if color == "white" else color
    ax.add_patch(FancyBboxPatch(corner, *size, boxstyle=style, fc="none", ec=edge, lw=1.5))
    ax.text(corner[0] + size[0] / 2, corner[1] + size[1] / 2, text, ha="center", va="center")


def _arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], size: float = 11, color: str = "0.35"
) -> None:
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=size, shrinkA=0, shrinkB=0, color=color))


def _color_of(layer: keras.Layer) -> str:
    name = type(layer).__name__
    return next((color for words, color in KINDS.items() if words in name), "white")
