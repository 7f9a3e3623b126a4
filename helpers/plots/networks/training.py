"""Diagrams of how a training goes: stopping, a search and its brackets, several replicas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from helpers.plots.networks.shapes import arrow, box
from helpers.plots.style import COLORS, PALETTE, PHONE_WIDTH, SPLIT_COLORS, new_axes, quiet


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
    ax = new_axes(ax, (PHONE_WIDTH, 2.8))
    epochs = np.arange(1, len(losses) + 1)
    ax.plot(epochs[stopped - 1 :], losses[stopped - 1 :], "o:", color="0.6", mfc="white", label="never trained")
    ax.plot(epochs[:stopped], losses[:stopped], "o-", color=SPLIT_COLORS["val"], label="trained")
    ax.plot(kept, losses[kept - 1], "o", ms=12, mfc="none", mec="black", mew=1.2, label="kept")
    ax.axvspan(kept, stopped, color=COLORS["sky"], alpha=0.25, lw=0, label="patience")
    ax.set(xlabel="epoch", ylabel="validation loss", xticks=epochs)
    ax.set_title(f"Patience {stopped - kept}: epoch {kept} is kept, epoch {stopped} is the last", loc="left")
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4)
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
    ax = new_axes(ax, (PHONE_WIDTH, 0.4 + 1.25 * len(workers)))
    middle = 1.6 * (len(workers) - 1) / 2
    box(ax, (0, middle - 0.6), (2.5, 1.2), f"{oracle}\nkeeps the list\nof trials", COLORS["blue"])
    for row, name in enumerate(workers):
        y = 1.6 * (len(workers) - 1 - row)
        box(ax, (4.6, y - 0.6), (3.4, 1.2), f"{name}\nbuilds, trains on train,\nscores on val", COLORS["orange"])
        near = middle + 0.35 * (y - middle) / max(middle, 1)  # the arrows of several workers fan out
        for words, lift, ends in (("values", 0.22, (2.54, 4.56)), ("score", -0.22, (4.56, 2.54))):
            heights = {2.54: near + lift, 4.56: y + lift}
            arrow(ax, *((x, heights[x]) for x in ends))
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
    ax = new_axes(ax, (PHONE_WIDTH, 1.3 + 0.17 * total))
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
    ax = new_axes(ax, (PHONE_WIDTH, 1.0 + 0.8 * replicas))
    middle = (replicas - 1) / 2
    box(ax, (0, middle - 0.4), (1.3, 0.8), f"batch of\n{batch}", "white")
    for row in range(replicas):
        arrow(ax, (1.32, middle), (1.83, row))
        box(ax, (1.85, row - 0.3), (1.55, 0.6), f"{batch // replicas} images", COLORS["sky"])
        arrow(ax, (3.42, row), (3.83, row))
        box(ax, (3.85, row - 0.3), (1.6, 0.6), f"replica {replicas - row}", COLORS["orange"])
        arrow(ax, (5.47, row), (6.13, middle))
    box(ax, (6.15, middle - 0.4), (1.6, 0.8), "mean of the\ngradients", COLORS["green"])
    ax.text(3.9, -0.75, "the same step for every replica", ha="center", va="center")
    ax.set(xlim=(-0.1, 7.85), ylim=(-1, replicas - 0.4))
    ax.set_axis_off()
    ax.figure.set_label(f"A batch of {batch} images is cut into {replicas} parts; the mean gradient moves all.")
    return quiet(ax)
