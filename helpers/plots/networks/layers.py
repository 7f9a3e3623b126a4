"""Diagrams of networks: a neuron, layers of neurons, gradients, a model's layers with their shapes, a backbone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from helpers.plots.networks.shapes import arrow, box
from helpers.plots.style import COLORS, PHONE_WIDTH, new_axes, quiet

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
    ax = new_axes(ax, (PHONE_WIDTH, 0.7 + 0.48 * len(inputs)))
    rows = np.linspace(len(inputs) - 1, 0, len(inputs)) + np.r_[[0] * (len(inputs) - 1), -0.5]
    middle = rows.mean()
    for i, (name, y) in enumerate(zip(inputs, rows, strict=True), 1):
        last = i == len(inputs)
        ax.text(-0.2, y, name, ha="right", va="center")
        ax.add_patch(Circle((0, y), 0.11, color=COLORS["blue"]))
        arrow(ax, (0.12, y), (2.62, middle))
        letter = "n" if last else str(i)
        ax.text(1.1, y + (middle - y) * 0.44 + 0.12, f"$\\times\\, w_{{{letter}}}$", ha="center", fontsize=11)
    ax.text(0, rows[-2:].mean(), "⋮", ha="center", va="center", fontsize=13)
    ax.add_patch(Circle((3, middle), 0.38, fc="white", ec=COLORS["orange"], lw=2))
    ax.text(3, middle, "Σ", ha="center", va="center", fontsize=15)
    ax.text(3, middle + 0.62, "+ bias", ha="center", va="center")
    arrow(ax, (3.4, middle), (3.95, middle))
    box(ax, (3.97, middle - 0.32), (1.35, 0.64), activation, COLORS["orange"])
    arrow(ax, (5.34, middle), (5.85, middle))
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
    ax = new_axes(ax, (PHONE_WIDTH, 0.9 + 0.42 * max(units)))
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
    ax = new_axes(ax, (PHONE_WIDTH, 0.7 + 0.44 * len(steps)))
    ax.text(4.3, 0.75, "value ↓", ha="center", va="center", color=forward)
    ax.text(6.6, 0.75, "gradient ↑", ha="center", va="center", color=backward)
    for row, (name, (value, gradient)) in enumerate(steps.items()):
        box(ax, (0, -row - 0.29), (3.1, 0.58), name, "white")
        ax.text(4.3, -row, value, ha="center", va="center", color=forward)
        ax.text(6.6, -row, gradient, ha="center", va="center", color=backward)
        if row:
            arrow(ax, (1.0, 0.71 - row), (1.0, 0.29 - row), size=9, color=forward)
            arrow(ax, (2.1, 0.29 - row), (2.1, 0.71 - row), size=9, color=backward)
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
    ax = new_axes(ax, (PHONE_WIDTH, 0.5 + 0.36 * len(steps)))
    for row, (kind, shape, count, color) in enumerate(steps):
        y = -row
        box(ax, (0, y - 0.31), (3.1, 0.62), kind, color)
        size = " × ".join("any" if side is None else f"{side:,}" for side in shape[1:]) or "1"
        ax.text(3.4, y, size, va="center")
        ax.text(7.6, y, "" if not count else f"{count:,} parameters", ha="right", va="center")
        if row:
            arrow(ax, (1.55, y + 0.69), (1.55, y + 0.31), size=8)
    ax.set(xlim=(-0.1, 7.7), ylim=(0.5 - len(steps), 0.5))
    ax.set_axis_off()
    ax.set_title(title or f"{model.count_params():,} parameters")
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
    ax = new_axes(ax, (PHONE_WIDTH, 1.9))
    box(ax, (0, 0), (1.3, 1.2), "image", "white")
    arrow(ax, (1.32, 0.6), (1.78, 0.6))
    box(ax, (1.8, 0), (3.4, 1.2), f"{backbone}\nknows edges,\ntextures, parts", TRAINED if trainable else FROZEN)
    x = 5.2
    for name in head:
        arrow(ax, (x + 0.02, 0.6), (x + 0.38, 0.6))
        box(ax, (x + 0.4, 0.15), (1.15, 0.9), name, TRAINED)
        x += 1.55
    arrow(ax, (x + 0.02, 0.6), (x + 0.38, 0.6))
    ax.text(x + 0.45, 0.6, "class", va="center")
    ways = ("trained further, slowly" if trainable else "frozen: weights stay", "new: trained on our images")
    for at, words in ((3.5, ways[0]), ((5.6 + x) / 2, ways[1])):
        ax.text(at, -0.35, words, ha="center", va="center", fontsize=9)
    ax.set(xlim=(-0.1, x + 1.2), ylim=(-0.65, 1.4))
    ax.set_axis_off()
    ax.figure.set_label(f"An image passes through {backbone} ({ways[0]}), then {', '.join(head)} ({ways[1]}).")
    return quiet(ax)


def _as_list(tensors: object) -> list:
    return list(tensors) if isinstance(tensors, list | tuple) else [tensors]


def _color_of(layer: keras.Layer) -> str:
    name = type(layer).__name__
    return next((color for words, color in KINDS.items() if words in name), "white")
