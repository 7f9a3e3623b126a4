"""How a training went: its metrics over the epochs, alone or beside others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from helpers.plots.style import COLORS, PHONE_WIDTH, SPLIT_COLORS, WIDEST, Panels, new_axes, quiet


def plot_history(history: Any, metrics: Sequence[str] | None = None, title: str | None = None) -> Panels:
    """Every metric of a training over the epochs, training and validation in one axes, with the best epoch marked.

    The best epoch has the lowest validation loss, or the lowest loss where nothing was validated.

    Args:
        history: what `model.fit` returned, or its dictionary of lists, one value for each epoch.
        metrics: names without `val_`; None: all.
        title: None: the best epoch.

    Returns:
        The axes, one for each metric.

    Raises:
        ValueError: no history, or a metric that wasn't recorded.

    Example:
        >>> panels = plot_history({"loss": [0.9, 0.5, 0.3], "val_loss": [0.9, 0.6, 0.7]})
        >>> panels.figure.get_suptitle()
        'Lowest validation loss in epoch 2 of 3'
    """
    values = _history(history, "history")
    names = list(dict.fromkeys(name.removeprefix("val_") for name in values))
    wanted = names if metrics is None else list(metrics)
    for name in wanted:
        if name not in names:
            raise ValueError(f"metrics: {name!r} was not recorded; there are {', '.join(names)}.")
    if not wanted:
        raise ValueError("metrics: empty; name at least one, or pass None for all.")
    epochs = max(len(v) for v in values.values())
    best, rule = _best_epoch(values, epochs)
    ncols = 1 if len(wanted) <= 3 else 2
    rows = -(-len(wanted) // ncols)
    width, height = (PHONE_WIDTH, 2.1) if ncols == 1 else (WIDEST, 2.7)
    figure, cells = plt.subplots(rows, ncols, figsize=(width, height * rows + 0.9), layout="constrained", squeeze=False)
    figure.get_layout_engine().set(wspace=0.05)
    handles = {}
    for ax in cells.flat[len(wanted) :]:
        ax.set_visible(False)
    for ax, name in zip(cells.flat, wanted, strict=False):
        for key, split, marker in ((name, "train", "s"), (f"val_{name}", "val", "o")):
            if key in values:
                x = _epochs(values[key], epochs)
                style = {"color": SPLIT_COLORS[split], "marker": marker if epochs <= 12 else None, "ms": 4}
                label = "training" if split == "train" else "validation"
                (handles[label],) = ax.plot(x, values[key], label=label, **style)
                if best is not None and best in x:
                    at_best = values[key][x == best][0]
                    ring = {"ms": 9, "mfc": "none", "mec": "black", "mew": 1.2, "clip_on": False}
                    ax.plot(best, at_best, "o", zorder=4, label="_best", **ring)
        if best is not None:
            label = f"best epoch: {best}"
            handles[label] = ax.axvline(best, color="black", ls=":", lw=1.2, zorder=1, label=label)
        _epoch_axis(ax, epochs)
        ax.set_ylabel(_words(name))
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=3)
    if title is None and best is not None:
        title = f"Lowest {rule} in epoch {best} of {epochs}"
    if title:
        figure.suptitle(title)
    return Panels(cells.flat[: len(wanted)])


def plot_histories(
    histories: Mapping[str, Any], metric: str = "loss", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """One metric of several trainings over the epochs: a color for each, dashed in training, solid in validation.

    Args:
        histories: name -> what `model.fit` returned, or its dictionary of lists.
        metric: name without `val_`.
        title: None: a question about the metric.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: no histories, or a metric that wasn't recorded.

    Example:
        >>> ax = plot_histories({"SGD": {"loss": [0.9, 0.8]}, "Adam": {"loss": [0.9, 0.5]}})
        >>> [line.get_label() for line in ax.lines]
        ['SGD, training', 'Adam, training']
    """
    if not isinstance(histories, Mapping) or not histories:
        raise ValueError('histories: expected a dictionary of name -> history, for example {"SGD": history}.')
    ax = new_axes(ax, (PHONE_WIDTH, 4.2))
    curves = {name: _history(history, f"histories[{name!r}]") for name, history in histories.items()}
    longest = max(len(v) for values in curves.values() for v in values.values())
    colors = [color for name, color in COLORS.items() if name not in ("pink", "yellow")]  # too pale for lines
    handles, styles = [], {}
    for i, (name, values) in enumerate(curves.items()):
        if metric not in values and f"val_{metric}" not in values:
            raise ValueError(f"metric: {metric!r} was not recorded in {name!r}; there are {', '.join(values)}.")
        epochs = max(len(v) for v in values.values())
        color = colors[i % len(colors)]
        for key, line, fill, split in ((metric, "--", "white", "training"), (f"val_{metric}", "-", None, "validation")):
            if key in values:
                style = {"ls": line, "marker": "o" if longest <= 12 else None, "ms": 5, "mfc": fill}
                ax.plot(_epochs(values[key], epochs), values[key], color=color, label=f"{name}, {split}", **style)
                styles[split] = Line2D([], [], color="0.35", label=split, **style)
        handles.append(Line2D([], [], color=color, label=str(name), lw=4))
    handles += styles.values()
    best = "lowest" if "loss" in metric or "error" in metric else "best"
    _epoch_axis(ax, longest)
    ax.set(ylabel=_words(metric), title=title or f"Which training reaches the {best} {_words(metric)}?")
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)  # below: a phone is narrow
    return quiet(ax)


def _history(history: Any, argument: str) -> dict[str, np.ndarray]:
    values = getattr(history, "history", history)
    if not isinstance(values, Mapping) or not values:
        raise ValueError(f"{argument}: expected what model.fit returned or its dictionary, with one epoch at least.")
    curves = {}
    for name, numbers in values.items():
        try:
            curves[name] = np.asarray(numbers, dtype=float)
        except (TypeError, ValueError):
            curves[name] = np.empty(0)
        if curves[name].ndim != 1 or curves[name].size == 0:
            raise ValueError(f"{argument}: {name!r} is not a list of one number an epoch; leave it out.")
    return curves


def _epochs(values: np.ndarray, epochs: int) -> np.ndarray:
    return np.arange(1, len(values) + 1) * (epochs // len(values))  # validated every few epochs only: stretched


def _best_epoch(values: Mapping[str, np.ndarray], epochs: int) -> tuple[int | None, str]:
    for key, rule in (("val_loss", "validation loss"), ("loss", "training loss")):
        if key in values and np.isfinite(values[key]).any():
            at = int(np.argmin(np.where(np.isfinite(values[key]), values[key], np.inf)))
            return int(_epochs(values[key], epochs)[at]), rule
    return None, ""


def _epoch_axis(ax: Axes, epochs: int) -> None:
    ax.set_xlabel("epoch")
    ax.set_xlim(0.5, epochs + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    ax.grid(alpha=0.3)


def _words(name: str) -> str:
    words = name.replace("_", " ")
    return {"auc": "AUC", "roc auc": "ROC AUC", "pr auc": "PR AUC", "lr": "learning rate"}.get(words, words)
