"""Diagrams of how a model is judged: splits, resamples, the terms of a confusion matrix, a threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from helpers.plots.networks.shapes import arrow, box, square
from helpers.plots.style import CLASS_COLORS, COLORS, PHONE_WIDTH, new_axes, outside_legend, quiet


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
    ax = new_axes(ax, (PHONE_WIDTH, 0.15 + 0.95 * len(splits)))
    gap = max(len(train) for train, _ in splits.values()) + 0.8
    for row, (name, sides) in enumerate(splits.items()):
        y, (train, test) = -2.3 * row, ([groups[i] for i in side] for side in sides)
        both = sorted(set(train) & set(test))
        for x, words, letters in ((0, "training", train), (gap, "test", test)):
            ax.text(x, y + 1.15, words, va="bottom", fontsize=9, color="0.35")
            for i, letter in enumerate(sorted(letters)):
                square(ax, (x + i, y), letter, COLORS[colors[letter]], letter in both)
        ax.text(-0.4, y + 0.45, name, ha="right", va="center")
        words = f"on both sides: {', '.join(both) or 'none'}"
        ax.text(gap - 0.8, y - 0.12, words, ha="right", va="top", fontsize=9, color=COLORS["red"] if both else "0.35")
    widest = max(len(test) for _, test in splits.values())
    ax.set(xlim=(-3.6, gap + widest), ylim=(-2.3 * (len(splits) - 1) - 0.8, 1.9))
    ax.set_axis_off()
    return quiet(ax)


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
    ax = new_axes(ax, (PHONE_WIDTH, 0.5 + 0.4 * len(rows)))
    widest = max(map(len, rows.values()))
    for row, (name, drawn) in enumerate(rows.items()):
        y = -1.15 * row - 0.5 * (row > 0)
        ax.text(-0.3, y + 0.45, name, ha="right", va="center")
        for x, i in enumerate(drawn):
            square(ax, (x, y), str(i + 1), COLORS["blue" if right[i] else "orange"], marked=False)
        ax.text(widest + 0.4, y + 0.45, f"{right[list(drawn)].mean():.2f}", va="center")
    ax.text(widest + 0.4, 1.1, "right", va="bottom", fontsize=9, color="0.35")
    ax.set(xlim=(-3.4, widest + 1.8), ylim=(-1.15 * (len(rows) - 1) - 0.6, 1.8))
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
    ax = new_axes(ax, (PHONE_WIDTH, 3.3))
    negative, positive = class_names
    right, wrong = COLORS["green"], COLORS["red"]
    for x, y, name, count, color in (
        (0, 1, "true negatives", tn, right),
        (1, 1, "false positives", fp, wrong),
        (0, 0, "false negatives", fn, wrong),
        (1, 0, "true positives", tp, right),
    ):
        box(ax, (2 * x, y), (1.9, 0.9), f"{name}\n{count:,}", color)
    for y, name, rate, part, whole in ((1, negative, "specificity", tn, tn + fp), (0, positive, "recall", tp, tp + fn)):
        ax.text(-0.1, y + 0.45, name, ha="right", va="center")
        arrow(ax, (3.95, y + 0.45), (4.3, y + 0.45))
        ax.text(4.35, y + 0.45, f"{rate}\n{part:,} / {whole:,} = {part / whole:.2f}", va="center")
    for x, name in enumerate((negative, positive)):
        ax.text(2 * x + 0.95, 2.0, name, ha="center", va="bottom")
    ax.text(1.95, 2.35, "the answer", ha="center", va="bottom", color="0.35")
    ax.text(-0.1, 2.35, "the truth", ha="right", va="bottom", color="0.35")
    arrow(ax, (2.95, -0.02), (2.95, -0.32))
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
    ax = new_axes(ax, (PHONE_WIDTH, 2.7))
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
        arrow(ax, (threshold, 1.33), (threshold + 0.07 * side, 1.33))
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
