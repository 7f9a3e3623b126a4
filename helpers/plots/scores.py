"""How good a model is: its confusion matrix, and scores of several models with their intervals."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from sklearn.metrics import confusion_matrix

from helpers.metrics import LOWER_IS_BETTER, METRICS, Scores, metric_name
from helpers.plots.style import WIDEST, model_color, new_axes, quiet


def plot_confusion_matrix(
    y_true: Iterable,
    y_prob_or_pred: Iterable,
    class_names: Sequence[str],
    threshold: float = 0.5,
    ax: Axes | None = None,
) -> Axes:
    """Counts of true against predicted class, each with its share of the true class.

    Args:
        y_true: (n,) int, class numbers 0, 1, ....
        y_prob_or_pred: (n,) or (n, 1) float, probabilities of class 1; or (n,) int, predicted class numbers.
        class_names: by class number.
        threshold: a probability that reaches it counts as class 1.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: lengths that differ, unknown class numbers, or values that are no probabilities.

    Example:
        >>> ax = plot_confusion_matrix([0, 1, 1], [0.1, 0.9, 0.2], ["normal", "pneumonia"])
        >>> [text.get_text() for text in ax.texts]
        ['1\\n100.0 %', '0\\n0.0 %', '1\\n50.0 %', '1\\n50.0 %']
    """
    names = [str(name) for name in class_names]
    true = _class_numbers(y_true, "y_true", len(names))
    given = np.asarray(y_prob_or_pred)
    given = given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given
    if given.dtype.kind == "f":
        if len(names) != 2:
            raise ValueError(f"y_prob_or_pred: probabilities need two classes, there are {len(names)}; pass classes.")
        if not np.isfinite(given).all() or given.min(initial=0) < 0 or given.max(initial=0) > 1:
            raise ValueError("y_prob_or_pred: NaN, or values outside [0, 1]. Are they logits? Apply a sigmoid first.")
        given = (given >= float(threshold)).astype(int)
    predicted = _class_numbers(given, "y_prob_or_pred", len(names))
    if len(true) != len(predicted):
        raise ValueError(f"y_prob_or_pred: {len(predicted)} values for {len(true)} labels in y_true.")
    counts = confusion_matrix(true, predicted, labels=range(len(names)))
    totals = counts.sum(axis=1, keepdims=True)
    rates = counts / np.maximum(totals, 1)
    side = 2.6 + 0.8 * len(names)
    ax = new_axes(ax, (min(WIDEST, side + 0.6), min(WIDEST, side)))
    ax.imshow(rates, cmap="cividis", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        text = f"{count:,}\n{100 * rates[row, column]:.1f} %" if totals[row, 0] else "0"
        dark = rates[row, column] < 0.55
        ax.text(column, row, text, ha="center", va="center", fontsize=11, color="white" if dark else "black")
    ax.set_xticks(range(len(names)), names)
    ax.set_yticks(range(len(names)), names, rotation=90, va="center")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    right = int(np.trace(counts))
    ax.set(xlabel="predicted class", ylabel="true class (a row: 100 %)")
    ax.yaxis.labelpad = 8
    ax.set_title(f"{right:,} of {len(true):,} right ({100 * right / len(true):.1f} %)")
    return quiet(ax)


def plot_scores(
    scores_or_frame: Mapping[str, Scores] | pd.DataFrame,
    metric: str = "balanced_accuracy",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The leaderboard as a figure: one dot for each model with its interval, best on top, the numbers beside it.

    Args:
        scores_or_frame: name -> `helpers.metrics.Scores`, or the frame of `helpers.results.load_results`.
        metric: name of the metric; chance (0.5) is a dotted line for balanced accuracy and ROC AUC.
        title: None: a question about the metric.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: no scores, or an unknown metric.

    Example:
        >>> from helpers.metrics import evaluate
        >>> y_true = [0, 1] * 20
        >>> models = {"dense": [0.1, 0.9, 0.6, 0.4] * 10, "small CNN": [0.1, 0.9, 0.2, 0.8] * 10}
        >>> ax = plot_scores({name: evaluate(y_true, y_prob) for name, y_prob in models.items()})
        >>> [label.get_text() for label in ax.get_yticklabels()]
        ['dense', 'small CNN']
    """
    name = metric_name(metric)
    rows = _score_rows(scores_or_frame, name)
    rows = rows.sort_values("value", ascending=name not in LOWER_IS_BETTER, kind="stable", ignore_index=True)
    ax = new_axes(ax, (WIDEST, 1.3 + 0.42 * len(rows)))
    for i, row in rows.iterrows():
        color = model_color(row["model"])
        ax.plot([row["low"], row["high"]], [i, i], color=color, lw=3, alpha=0.6, solid_capstyle="butt")
        ax.plot(row["value"], i, "o", ms=7, color=color)
        ax.annotate(
            f"{row['value']:.3f} ({row['low']:.3f}-{row['high']:.3f})",
            xy=(1.02, i),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
        )
    if name in ("balanced_accuracy", "roc_auc"):
        ax.axvline(0.5, color="0.4", ls=":", lw=1.2)
        ax.annotate("chance", xy=(0.5, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=9)
    ax.set_yticks(range(len(rows)), [textwrap.fill(model, 34) for model in rows["model"]])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.grid(axis="x", alpha=0.3)
    ax.set(xlabel=f"{METRICS[name]}: value (dot) and interval (bar)")
    best = "lowest" if name in LOWER_IS_BETTER else "best"
    ax.set_title(title or f"Which model has the {best} {METRICS[name]}?", pad=18)
    return quiet(ax)


def _class_numbers(values: Iterable, argument: str, n_classes: int) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{argument}: shape {array.shape}, expected (n,) with at least one image.")
    if array.dtype.kind not in "buif" or not np.isin(array, range(n_classes)).all():
        raise ValueError(f"{argument}: expected class numbers from 0 to {n_classes - 1}, one for each of class_names.")
    return array.astype(int)


def _score_rows(scores: Mapping[str, Scores] | pd.DataFrame, name: str) -> pd.DataFrame:
    if isinstance(scores, pd.DataFrame):
        if not {"model", name, f"{name}_low", f"{name}_high"} <= set(scores.columns) or scores.empty:
            raise ValueError("scores_or_frame: not a table of load_results(run) with at least one row.")
        models = scores["model"].astype(str)
        for column in ("lesson", "seed", "dataset"):
            if models.duplicated().any() and column in scores and scores[column].nunique() > 1:
                models = models + f", {column} " + scores[column].astype(str)
        values, low, high = (scores[column] for column in (name, f"{name}_low", f"{name}_high"))
        return pd.DataFrame({"model": models, "value": values, "low": low, "high": high})
    if not isinstance(scores, Mapping) or not scores or not all(isinstance(s, Scores) for s in scores.values()):
        raise ValueError(
            "scores_or_frame: expected a dictionary of model name -> Scores, or the frame of load_results."
        )
    rows = [(str(model), getattr(s, name), *s.interval(name)) for model, s in scores.items()]
    return pd.DataFrame(rows, columns=["model", "value", "low", "high"])
