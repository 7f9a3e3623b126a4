"""Each class against the rest: its scores, what it is taken for, its curves. Of many classes the few that matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from helpers.metrics.names import CLASS_METRICS
from helpers.metrics.scores import SHOWN_CLASSES, MulticlassScores
from helpers.metrics.validation import check_binary, check_class_names, check_multiclass, has_class_columns
from helpers.plots.style import CLASS_COLORS, COLORS, PHONE_WIDTH, new_axes, quiet, shortened

KINDS = {"roc": "ROC", "precision_recall": "precision-recall"}


def plot_class_scores(
    scores: MulticlassScores, metric: str = "f1", worst: int | None = None, ax: Axes | None = None
) -> Axes:
    """One metric of each class with its interval, the lowest on top, and their mean as a dotted line.

    Args:
        scores: of more than two classes.
        metric: "precision", "recall", "f1" or "roc_auc", each class against the rest.
        worst: so many classes; None: all, or the worst ten where there are more than 20.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: the scores of two classes, or an unknown metric.

    Example:
        >>> from helpers.metrics import evaluate
        >>> prob = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.6, 0.2], [0.1, 0.1, 0.8]] * 5)
        >>> ax = plot_class_scores(evaluate([0, 1, 2, 2] * 5, prob, class_names=["arch", "dome", "tower"]), "recall")
        >>> [label.get_text() for label in ax.get_yticklabels()]
        ['tower (10)', 'arch (5)', 'dome (5)']
    """
    _check_multiclass_scores(scores)
    if metric not in CLASS_METRICS:
        raise ValueError(f"metric: {metric!r} is not one of {', '.join(CLASS_METRICS)}.")
    rows = scores.per_class
    rows = rows[rows["images"] > 0].sort_values(metric, kind="stable")
    if worst is None and len(rows) > SHOWN_CLASSES:
        worst = 10
    shown = rows.head(len(rows) if worst is None else worst)
    names = [f"{shortened(name)} ({images:,})" for name, images in shown["images"].items()]
    ax = _interval_rows(names, shown[metric], shown[f"{metric}_low"], shown[f"{metric}_high"], ax)
    mean = rows[metric].mean()
    ax.axvline(mean, color="0.4", ls=":", lw=1.2, zorder=0)
    ax.annotate("mean", xy=(mean, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=10)
    words = CLASS_METRICS[metric]
    ax.set(xlabel=f"{words}: value (dot) and interval (bar)", ylabel="class (images)")
    few = f"the {len(shown)} lowest of {len(rows):,} classes" if len(shown) < len(rows) else "which class is hardest?"
    ax.set_title(f"{words} of each class against the rest:\n{few}", pad=18)
    return quiet(ax)


def plot_confusions(scores: MulticlassScores, top: int = 10, ax: Axes | None = None) -> Axes:
    """The pairs of classes that are confused most, as shares of the true class with intervals.

    Args:
        scores: of more than two classes.
        top: number of pairs.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: the scores of two classes, or nothing is confused.

    Example:
        >>> from helpers.metrics import evaluate
        >>> prob = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.6, 0.2], [0.1, 0.1, 0.8]] * 5)
        >>> ax = plot_confusions(evaluate([0, 1, 2, 2] * 5, prob, class_names=["arch", "dome", "tower"]))
        >>> [label.get_text() for label in ax.get_yticklabels()]
        ['tower: 5 of 10\\n→ dome']
    """
    _check_multiclass_scores(scores)
    pairs = scores.confusions(top)
    if pairs.empty:
        raise ValueError("scores: every image is right; there is no confusion to show.")
    images = scores.per_class["images"]
    names = [
        f"{shortened(row.true)}: {row.images:,} of {images[row.true]:,}\n→ {shortened(row.predicted)}"
        for row in pairs.itertuples()
    ]
    ax = _interval_rows(names, pairs["share"], pairs["low"], pairs["high"], ax, height=0.46)
    ax.set(xlabel="share of the true class", ylabel="true class, → predicted class")
    wrong = sum(cell[2] for cell in scores.cells)
    title = (
        f"{pairs['images'].sum():,} of {wrong:,} errors\nare in {len(pairs)} of {len(scores.cells):,} pairs of classes"
    )
    ax.set_title(title)
    return quiet(ax)


def plot_curves(
    y_true: Iterable,
    y_prob: Iterable,
    class_names: Sequence[str] | None = None,
    kind: str = "roc",
    labeled: int = 5,
    ax: Axes | None = None,
) -> Axes:
    """ROC or precision-recall curves: of two classes one, of more each class against the rest with their mean.

    Of many classes, those with the smallest areas are labeled and the others drawn in gray. Where the mean is nearly 1
    over most of the x axis, only the rest is shown.

    Args:
        y_true: (n,) int, class numbers from 0.
        y_prob: (n,) or (n, 1) float, probabilities of class 1; or (n, classes).
        class_names: by class number; None: "class 0", "class 1", ....
        kind: "roc" or "precision_recall".
        labeled: so many curves get a color and a name, from 0 to 6.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: as `helpers.metrics.evaluate`, or another kind.

    Source:
        Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 2006.

    Example:
        >>> prob = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.6, 0.2], [0.1, 0.1, 0.8]])
        >>> ax = plot_curves([0, 1, 2, 2], prob, ["arch", "dome", "tower"])
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['arch: 1.00', 'dome: 1.00', 'tower: 1.00', 'mean: 1.00']
    """
    if kind not in KINDS:
        raise ValueError(f"kind: {kind!r} is not one of {', '.join(KINDS)}.")
    if not isinstance(labeled, int) or not 0 <= labeled <= len(CLASS_COLORS):
        raise ValueError(f"labeled: {labeled!r} is not a number from 0 to {len(CLASS_COLORS)}.")
    if has_class_columns(y_prob):
        y, prob, _ = check_multiclass(y_true, y_prob)
        chosen = list(np.unique(y))
    else:
        y, positive, _ = check_binary(y_true, y_prob)
        prob, chosen = np.stack([1 - positive, positive], axis=1), [1]
    names = check_class_names(class_names, prob.shape[1])
    grid = np.linspace(0, 1, 501)
    curves = {label: _curve(y == label, prob[:, label], kind) for label in chosen}
    heights = {label: np.interp(grid, *curve[:2]) for label, curve in curves.items()}
    order = sorted(chosen, key=lambda label: curves[label][2])
    named = order[:labeled] if len(chosen) > 1 else chosen
    ax = new_axes(ax, (PHONE_WIDTH, 5.6))
    for label in order[len(named) :]:
        ax.plot(*curves[label][:2], color="0.75", lw=0.7, alpha=min(1, 20 / len(order)), zorder=1)
    for i, label in enumerate(named):
        text = f"{shortened(names[label])}: {curves[label][2]:.2f}"
        ax.plot(*curves[label][:2], color=CLASS_COLORS[i] if len(chosen) > 1 else CLASS_COLORS[1], label=text)
    if len(chosen) > 1:
        mean = np.mean(list(heights.values()), axis=0)
        area = np.mean([curve[2] for curve in curves.values()])
        ax.plot(grid, mean, color="black", ls="--", lw=2.2, label=f"mean: {area:.2f}")
    if kind == "roc":
        ax.plot([0, 1], [0, 1], color="0.4", ls=":", lw=1.2, zorder=0)
        ax.set(xlabel="false-positive rate", ylabel="recall (true-positive rate)")
    else:
        ax.set(xlabel="recall", ylabel="precision")
    left, right = _zoom(grid, np.mean(list(heights.values()), axis=0), kind)
    margin = 0.01 * (right - left)
    ax.set(xlim=(left - margin, right + margin), ylim=(-0.01, 1.02))
    ax.grid(alpha=0.3)
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.45, -0.13), ncols=2, title=_area_words(kind, len(chosen), len(named))
    )
    rest = f"{shortened(names[1])} against {shortened(names[0])}" if len(chosen) == 1 else "each class against the rest"
    ax.set_title(f"{KINDS[kind]}, {rest}")
    return quiet(ax)


def _zoom(grid: np.ndarray, mean: np.ndarray, kind: str) -> tuple[float, float]:
    """The part of the x axis where the curves bend: of good models a corner."""
    if kind == "roc":
        return 0.0, next((x for x in (0.1, 0.2, 0.5) if np.interp(x, grid, mean) > 0.97), 1.0)
    return next((x for x in (0.9, 0.8, 0.5) if np.interp(x, grid, mean) > 0.97), 0.0), 1.0


def _area_words(kind: str, classes: int, named: int) -> str:
    area = "area under the curve" if kind == "roc" else "average precision"
    others = classes - named
    return area + (f"; {named} smallest, {others:,} others in gray" if others else "")


def _curve(positive: np.ndarray, prob: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray, float]:
    """x rising, y, and the area, by scikit-learn."""
    if kind == "roc":
        false_positives, recall, _ = roc_curve(positive, prob)
        return false_positives, recall, float(roc_auc_score(positive, prob))
    precision, recall, _ = precision_recall_curve(positive, prob)
    return recall[::-1], precision[::-1], float(average_precision_score(positive, prob))


def _interval_rows(
    names: Sequence[str], values: pd.Series, low: pd.Series, high: pd.Series, ax: Axes | None, height: float = 0.3
) -> Axes:
    """A dot with its interval for each name, the first on top."""
    ax = new_axes(ax, (PHONE_WIDTH, 1.4 + height * len(names)))
    places = np.arange(len(names))
    ax.hlines(places, low, high, color=COLORS["blue"], lw=3, alpha=0.5)
    ax.plot(values, places, "o", ms=6, color=COLORS["blue"])
    ax.set_yticks(places, names, fontsize=10)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="x", labelsize=10)
    ax.grid(axis="x", alpha=0.3)
    return ax


def _check_multiclass_scores(scores: MulticlassScores) -> None:
    if not isinstance(scores, MulticlassScores):
        raise ValueError(
            "scores: expected those of more than two classes, evaluate(y_true, y_prob) with y_prob of the shape "
            "(n, classes)."
        )
