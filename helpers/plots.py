"""The figures of the course, in one style: at most 900 pixels wide, text of 9 points or more, one colour for one thing.

Every function returns the figure or the axes and never shows it; end the cell with `plt.show()`. A wrong argument is
rejected by name with a ValueError.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import confusion_matrix

from helpers.metrics import LOWER_IS_BETTER, METRICS, Scores, metric_name
from helpers.style import CLASS_COLOURS, PALETTE, SPLIT_COLOURS, WIDEST, model_colour

_SPLIT_WORDS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}


def sample_grid(
    images: Sequence[np.ndarray] | np.ndarray,
    titles: Sequence[object] | None = None,
    columns: int = 6,
    title: str | None = None,
    size: float = 1.3,
) -> Figure:
    """Show images side by side, each whole; grey images in grey.

    images: uint8, (n, height, width), (n, height, width, 1 or 3), or a list of single images of any sizes. titles: one
    short text an image. size: width of a cell in inches, made smaller where `columns` would not fit; images of other
    proportions than most are shown whole with a margin.
    """
    pictures = [_picture(image, i) for i, image in enumerate(images)]
    if not pictures:
        raise ValueError("images: empty; there is nothing to show.")
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"titles: {len(titles)} texts for {len(pictures)} images; give one an image.")
    if not isinstance(columns, int) or columns < 1:
        raise ValueError(f"columns: {columns!r} is not a number of columns.")
    columns = min(columns, len(pictures))
    cell = min(size, WIDEST / columns)
    letters = max(8, int(cell * 72 / 5.2))
    words = [textwrap.fill(str(t), letters) for t in titles] if titles is not None else [""] * len(pictures)
    rows = -(-len(pictures) // columns)
    tall = float(np.clip(np.median([p.shape[0] / p.shape[1] for p in pictures]), 0.5, 2))
    extra = max(w.count("\n") + 1 if w else 0 for w in words) * 0.17
    heading = 0.0 if title is None else 0.35
    figure, cells = plt.subplots(
        rows,
        columns,
        figsize=(cell * columns, rows * (cell * tall + extra) + heading),
        layout="constrained",
        squeeze=False,
    )
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)
    for ax in cells.flat:
        ax.set_axis_off()
    for ax, picture, text in zip(cells.flat, pictures, words, strict=False):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
        height, width = picture.shape[:2]
        dx, dy = max(0.0, height / tall - width) / 2, max(0.0, width * tall - height) / 2
        ax.set(xlim=(-0.5 - dx, width - 0.5 + dx), ylim=(height - 0.5 + dy, -0.5 - dy))
        ax.set_title(text, fontsize=9, loc="center", pad=3)
    if title is not None:
        figure.suptitle(title, fontsize=11)
    return figure


def class_balance(
    frame: pd.DataFrame,
    by: str | None = "split",
    label: str = "label",
    class_names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Bars of images per class, for each value of the column `by`, with the count and the share within it written on.

    frame: one row an image. by=None: all images together. class_names: order of the classes, the negative one first;
    the sorted labels unless given.
    """
    names = _classes(frame, label, class_names)
    _check_columns(frame, [by] if by is not None else [])
    parts = [("all images", frame)] if by is None else _ordered_parts(frame, by)
    ax = _axes(ax, (min(WIDEST, 2.2 + 0.75 * len(names) * len(parts)), 3.6))
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        counts = np.array([(part[label] == name).sum() for _, part in parts])
        shares = [100 * count / len(part) for count, (_, part) in zip(counts, parts, strict=True)]
        places = np.arange(len(parts)) + (i - (len(names) - 1) / 2) * width
        bars = ax.bar(places, counts, width * 0.95, color=_class_colour(i), label=str(name))
        texts = [f"{count:,}\n{share:.0f} %" for count, share in zip(counts, shares, strict=True)]
        ax.bar_label(bars, texts, fontsize=9, padding=2)
    ax.set_xticks(range(len(parts)), [f"{part_name}\n({len(part):,})" for part_name, part in parts])
    ax.margins(y=0.2)
    ax.set(ylabel="images", xlabel="" if by is None else f"{by} (images)", title="How many images of each class?")
    _legend(ax, title="class")
    return ax


def image_sizes(
    frame: pd.DataFrame,
    label: str = "label",
    class_names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Width against height of every image in pixels, coloured by class. frame: columns width, height and `label`."""
    names = _classes(frame, label, class_names)
    _check_columns(frame, ["width", "height"])
    ax = _axes(ax, (6.6, 4.4))
    mixed = frame.sample(frac=1, random_state=0)  # so that no class hides the other
    colours = mixed[label].map({name: _class_colour(i) for i, name in enumerate(names)})
    ax.scatter(mixed["width"], mixed["height"], c=colours, s=16, alpha=0.45, linewidths=0)
    handles = [
        Line2D([], [], marker="o", ls="", color=_class_colour(i), label=f"{name} ({(frame[label] == name).sum():,})")
        for i, name in enumerate(names)
    ]
    ax.set(xlabel="width (pixels)", ylabel="height (pixels)", title="Does the size of an image tell its class?")
    sizes = frame[["width", "height"]].drop_duplicates()
    if len(sizes) == 1:
        w, h = sizes.iloc[0]
        ax.set_title(f"All {len(frame):,} images are {w} × {h} pixels")
    _legend(ax, handles=handles, title="class")
    return ax


def history_plot(history: Any, metrics: Sequence[str] | None = None, title: str | None = None) -> Figure:
    """Every metric of a training over the epochs, training and validation in one axes, with the best epoch marked.

    history: what `model.fit` returned, or its dictionary of lists, one value an epoch. metrics: names without "val_";
    all unless given. The best epoch has the lowest validation loss, or the lowest loss where nothing was validated.
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
    columns = min(3, len(wanted))
    rows = -(-len(wanted) // columns)
    width = 4.8 if columns == 1 else WIDEST
    figure, cells = plt.subplots(rows, columns, figsize=(width, 2.7 * rows + 0.7), layout="constrained", squeeze=False)
    figure.get_layout_engine().set(wspace=0.05)
    handles = {}
    for ax in cells.flat[len(wanted) :]:
        ax.set_visible(False)
    for ax, name in zip(cells.flat, wanted, strict=False):
        for key, split, marker in ((name, "train", "s"), (f"val_{name}", "validation", "o")):
            if key in values:
                x = _epochs(values[key], epochs)
                style = {"color": SPLIT_COLOURS[split], "marker": marker if epochs <= 12 else None, "ms": 4}
                label = "training" if split == "train" else split
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
    return figure


def compare_histories(
    histories: Mapping[str, Any], metric: str = "loss", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """One metric of several trainings over the epochs: a colour a training, dashed in training, solid in validation.

    histories: name -> what `model.fit` returned, or its dictionary of lists.
    """
    if not isinstance(histories, Mapping) or not histories:
        raise ValueError('histories: expected a dictionary of name -> history, for example {"SGD": history}.')
    ax = _axes(ax, (7.6, 3.8))
    curves = {name: _history(history, f"histories[{name!r}]") for name, history in histories.items()}
    longest = max(len(v) for values in curves.values() for v in values.values())
    colours = [PALETTE[i] for i in (0, 1, 2, 3, 4, 5, 7, 9)]
    handles, styles = [], {}
    for i, (name, values) in enumerate(curves.items()):
        if metric not in values and f"val_{metric}" not in values:
            raise ValueError(f"metric: {metric!r} was not recorded in {name!r}; there are {', '.join(values)}.")
        epochs = max(len(v) for v in values.values())
        colour = colours[i % len(colours)]
        for key, line, fill, split in ((metric, "--", "white", "training"), (f"val_{metric}", "-", None, "validation")):
            if key in values:
                style = {"ls": line, "marker": "o" if longest <= 12 else None, "ms": 5, "mfc": fill}
                ax.plot(_epochs(values[key], epochs), values[key], color=colour, label=f"{name}, {split}", **style)
                styles[split] = Line2D([], [], color="0.35", label=split, **style)
        handles.append(Line2D([], [], color=colour, label=str(name), lw=4))
    handles += styles.values()
    best = "lowest" if "loss" in metric or "error" in metric else "best"
    _epoch_axis(ax, longest)
    ax.set(ylabel=_words(metric), title=title or f"Which training reaches the {best} {_words(metric)}?")
    _legend(ax, handles=handles)
    return ax


def confusion_matrix_plot(
    y_true: Iterable,
    y_prob_or_pred: Iterable,
    class_names: Sequence[str],
    threshold: float = 0.5,
    ax: Axes | None = None,
) -> Axes:
    """Counts of true against predicted class, each with its share of the true class.

    y_true: (n,) class numbers 0, 1, .... y_prob_or_pred: (n,) or (n, 1) floats are probabilities of class 1, positive
    where they reach the threshold; (n,) integers are predicted class numbers.
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
    ax = _axes(ax, (min(WIDEST, side + 0.6), min(WIDEST, side)))
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
    return ax


def score_intervals(
    scores_or_frame: Mapping[str, Scores] | pd.DataFrame,
    metric: str = "balanced_accuracy",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The leaderboard as a figure: one dot a model with its interval, best on top, the numbers beside it.

    scores_or_frame: name -> Scores, or the frame of `load_results`. Chance (0.5) is a dotted line for balanced accuracy
    and ROC AUC.
    """
    name = metric_name(metric)
    rows = _score_rows(scores_or_frame, name)
    rows = rows.sort_values("value", ascending=name not in LOWER_IS_BETTER, kind="stable", ignore_index=True)
    ax = _axes(ax, (WIDEST, 1.3 + 0.42 * len(rows)))
    for i, row in rows.iterrows():
        colour = model_colour(row["model"])
        ax.plot([row["low"], row["high"]], [i, i], color=colour, lw=3, alpha=0.6, solid_capstyle="butt")
        ax.plot(row["value"], i, "o", ms=7, color=colour)
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
    return ax


def _picture(image: np.ndarray, i: int) -> np.ndarray:
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise ValueError(
            f"images: image {i} has the type {array.dtype}, expected uint8 from 0 to 255; "
            "pictures from 0 to 1 become that by (255 * images).round().astype('uint8')."
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise ValueError(
            f"images: image {i} has the shape {array.shape}, expected (height, width) or (height, width, 1 or 3); "
            "for a single picture pass [image]."
        )
    return array


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    if ax is None:
        return plt.subplots(figsize=size, layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise ValueError(f"ax: {type(ax).__name__} given, expected one matplotlib Axes, for example plt.gca().")
    return ax


def _legend(ax: Axes, **options: Any) -> None:
    ax.legend(
        loc="upper left", bbox_to_anchor=(1.0, 1.0), alignment="left", **options
    )  # beside the axes: it never covers data


def _check_columns(frame: pd.DataFrame, columns: Iterable[str]) -> None:
    if not isinstance(frame, pd.DataFrame) or frame.empty:
        raise ValueError("frame: expected a data frame with one row an image, and at least one row.")
    for column in columns:
        if column not in frame.columns:
            raise ValueError(f"frame: has no column {column!r}; there are {', '.join(map(str, frame.columns))}.")
        if frame[column].isna().any():
            raise ValueError(f"frame: the column {column!r} has {frame[column].isna().sum()} missing values.")


def _classes(frame: pd.DataFrame, label: str, class_names: Sequence[str] | None) -> list:
    _check_columns(frame, [label])
    found = sorted(frame[label].unique(), key=str)
    if class_names is None:
        return found
    if missing := set(found) - set(class_names):
        raise ValueError(f"class_names: lacks {', '.join(sorted(map(str, missing)))}, which the frame has.")
    return list(class_names)


def _class_colour(i: int) -> str:
    return CLASS_COLOURS[i % len(CLASS_COLOURS)]


def _ordered_parts(frame: pd.DataFrame, by: str) -> list[tuple[str, pd.DataFrame]]:
    order = list(_SPLIT_WORDS)
    values = sorted(frame[by].unique(), key=lambda v: (order.index(v) if v in order else len(order), str(v)))
    return [(_SPLIT_WORDS.get(value, str(value)), frame[frame[by] == value]) for value in values]


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
