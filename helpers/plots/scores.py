"""How good a model is: its confusion matrix, and scores of several models with their intervals."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from sklearn.metrics import confusion_matrix

from helpers.metrics import LOWER_IS_BETTER, METRICS, MULTICLASS_METRICS, Scores, metric_name
from helpers.metrics.scores import with_interval
from helpers.metrics.tables import check_scores
from helpers.plots.style import PHONE_WIDTH, model_color, new_axes, quiet, shortened

COUNTS_WRITTEN, SHARES_WRITTEN = 5, 13  # classes of a confusion matrix whose cells hold counts and shares, or shares
MOST_TICKS = 15


def plot_confusion_matrix(
    y_true: Iterable,
    y_prob_or_pred: Iterable,
    class_names: Sequence[str],
    threshold: float = 0.5,
    ax: Axes | None = None,
) -> Axes:
    """Counts of true against predicted class, each with its share of the true class.

    Six classes to 13 have the shares alone, more have colors alone; `plot_confusions` names the pairs that matter.

    Args:
        y_true: (n,) int, class numbers 0, 1, ....
        y_prob_or_pred: (n,) or (n, 1) float, probabilities of class 1; (n, classes) float, the largest decides;
            or (n,) int, predicted class numbers.
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
    if given.ndim == 2 and given.dtype.kind == "f":
        if given.shape[1] != len(names) or not np.isfinite(given).all():
            raise ValueError(f"y_prob_or_pred: NaN, or {given.shape[1]} columns for {len(names)} classes.")
        given = given.argmax(axis=1) if len(names) > 2 else given[:, 1]
    if given.dtype.kind == "f":
        if len(names) != 2:
            raise ValueError(
                f"y_prob_or_pred: probabilities need two classes, there are {len(names)}; pass classes or all columns."
            )
        if not np.isfinite(given).all() or given.min(initial=0) < 0 or given.max(initial=0) > 1:
            raise ValueError("y_prob_or_pred: NaN, or values outside [0, 1]. Are they logits? Apply a sigmoid first.")
        given = (given >= float(threshold)).astype(int)
    predicted = _class_numbers(given, "y_prob_or_pred", len(names))
    if len(true) != len(predicted):
        raise ValueError(f"y_prob_or_pred: {len(predicted)} values for {len(true)} labels in y_true.")
    counts = confusion_matrix(true, predicted, labels=range(len(names)))
    totals = counts.sum(axis=1, keepdims=True)
    rates = counts / np.maximum(totals, 1)
    two = len(names) == 2
    ax = new_axes(ax, (4.8, 4.2) if two else (PHONE_WIDTH, 5.4))
    norm = PowerNorm(1 if len(names) <= SHARES_WRITTEN else 0.5, vmin=0, vmax=1)  # else rare confusions stay unseen
    shown = ax.imshow(rates, cmap="cividis", norm=norm, interpolation="nearest")
    for (row, column), count in np.ndenumerate(counts) if len(names) <= SHARES_WRITTEN else ():
        text = _cell_text(count, rates[row, column], totals[row, 0], len(names))
        dark = rates[row, column] < 0.55
        size = 11 if two else 10
        ax.text(column, row, text, ha="center", va="center", fontsize=size, color="white" if dark else "black")
    if two:
        ax.set_xticks(range(2), names)
        ax.set_yticks(range(2), names, rotation=90, va="center")
    else:
        _class_ticks(ax, names)
    if len(names) > SHARES_WRITTEN:
        ax.get_figure().colorbar(shown, ax=ax, label="share of the true class", shrink=0.6, aspect=25, pad=0.02)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    right = int(np.trace(counts))
    unit = "in %" if COUNTS_WRITTEN < len(names) <= SHARES_WRITTEN else "100 %"
    ax.set(xlabel="predicted class", ylabel=f"true class (a row: {unit})")
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
        metric: name of the metric; chance is a dotted line for balanced accuracy (0.5, or 1 / classes) and ROC AUC.
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
    rows, n_classes = _score_rows(scores_or_frame, name)
    words = (METRICS if n_classes == 2 else METRICS | MULTICLASS_METRICS)[name]
    rows = rows.sort_values("value", ascending=name not in LOWER_IS_BETTER, kind="stable", ignore_index=True)
    alone = ax is None
    ax = new_axes(ax, (PHONE_WIDTH, 1.3 + 0.42 * len(rows)))
    for i, row in rows.iterrows():
        color = model_color(row["model"])
        ax.plot([row["low"], row["high"]], [i, i], color=color, lw=3, alpha=0.6, solid_capstyle="butt")
        ax.plot(row["value"], i, "o", ms=7, color=color)
        ax.annotate(
            with_interval(row["value"], row["low"], row["high"]),
            xy=(1.02, i),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
        )
    chance = {"roc_auc": 0.5, "balanced_accuracy": 1 / n_classes if n_classes else None}.get(name)
    if chance is not None:
        ax.axvline(chance, color="0.4", ls=":", lw=1.2)
        ax.annotate("chance", xy=(chance, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=9)
    ax.set_yticks(range(len(rows)), [textwrap.fill(model, 20) for model in rows["model"]])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.grid(axis="x", alpha=0.3)
    ax.set(xlabel=f"{words}: value (dot) and interval (bar)")
    title = title or f"Which model has the {'lowest' if name in LOWER_IS_BETTER else 'best'} {words}?"
    ax.set_title(title, pad=18)
    if alone:
        said = [f"{row.model} {with_interval(row.value, row.low, row.high)}" for row in rows.itertuples()]
        ends = " is the best, the worst is ".join(dict.fromkeys((said[-1], said[0])))
        ax.figure.set_label(f"{title} {words}: {ends}.")
    return quiet(ax)


def _cell_text(count: int, rate: float, total: int, n_classes: int) -> str:
    if n_classes <= COUNTS_WRITTEN:
        return f"{count:,}\n{100 * rate:.1f} %" if total else "0"
    if not count:
        return ""
    return f"{100 * rate:.0f}" if rate >= 0.005 else "<1"


def _class_ticks(ax: Axes, names: Sequence[str]) -> None:
    """Names beside rows and columns; of many classes every so many, that they don't touch each other."""
    step = -(-len(names) // MOST_TICKS)
    places = range(0, len(names), step)
    words = [shortened(names[i]) for i in places]
    ax.set_xticks(places, words, rotation=90, fontsize=10)
    ax.set_yticks(places, words, fontsize=10)


def _class_numbers(values: Iterable, argument: str, n_classes: int) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{argument}: shape {array.shape}, expected (n,) with at least one image.")
    if array.dtype.kind not in "buif" or not np.isin(array, range(n_classes)).all():
        raise ValueError(f"{argument}: expected class numbers from 0 to {n_classes - 1}, one for each of class_names.")
    return array.astype(int)


def _score_rows(scores: Mapping[str, Scores] | pd.DataFrame, name: str) -> tuple[pd.DataFrame, int]:
    """Model, value, low and high; and the number of classes, 0 where it differs."""
    if isinstance(scores, pd.DataFrame):
        if not {"model", name, f"{name}_low", f"{name}_high"} <= set(scores.columns) or scores.empty:
            raise ValueError("scores_or_frame: not a table of load_results(run) with at least one row.")
        scores = scores[scores[name].notna()]
        if scores.empty:
            raise ValueError(f"metric: {name!r} was measured for no model of the frame, for the number of its classes.")
        found = scores["n_classes"].unique() if "n_classes" in scores else [2]
        models = scores["model"].astype(str)
        for column in ("lesson", "seed", "dataset"):
            if models.duplicated().any() and column in scores and scores[column].nunique() > 1:
                models = models + f", {column} " + scores[column].astype(str)
        values, low, high = (scores[column] for column in (name, f"{name}_low", f"{name}_high"))
        frame = pd.DataFrame({"model": models, "value": values, "low": low, "high": high})
        return frame, int(found[0]) if len(found) == 1 else 0
    n_classes = check_scores(scores, "scores_or_frame", ", or the frame of load_results").n_classes
    metric_name(name, n_classes=n_classes)
    rows = [(str(model), getattr(s, name), *s.interval(name)) for model, s in scores.items()]
    return pd.DataFrame(rows, columns=["model", "value", "low", "high"]), n_classes
