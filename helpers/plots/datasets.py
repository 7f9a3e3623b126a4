"""What is in a data set: how many images of each class, and their sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from data_prework.manifest import SPLITS
from helpers.plots.style import (
    CLASS_COLORS,
    PALETTE,
    PHONE_WIDTH,
    SPLIT_COLORS,
    WIDEST,
    new_axes,
    outside_legend,
    quiet,
    shortened,
)

OTHERS = "#bbbbbb"
ALL_SHOWN, ENDS_SHOWN = 30, 10  # of more classes the largest and smallest are shown


def plot_class_balance(
    frame: pd.DataFrame,
    by: str | None = "split",
    label: str = "label",
    class_names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Bars of images per class, for each value of the column `by`, with the count and the share within it written on.

    More than six classes lie below each other, the largest on top; of more than 30 the ten largest and ten smallest.

    Args:
        frame: one row for each image, such as a manifest.
        by: column that divides the images; None: all together.
        label: column of the class.
        class_names: order of the classes, the negative one first; None: the sorted labels.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: the frame is empty or lacks a column, or `class_names` lacks a class.

    Example:
        >>> frame = pd.DataFrame({"split": ["train", "train", "test"], "label": ["crack", "no crack", "crack"]})
        >>> ax = plot_class_balance(frame)
        >>> [bars.get_label() for bars in ax.containers], [int(bar.get_height()) for bar in ax.containers[0]]
        (['crack', 'no crack'], [1, 1])
    """
    names = _classes(frame, label, class_names)
    _check_columns(frame, [by] if by is not None else [])
    parts = [("all images", frame)] if by is None else _ordered_parts(frame, by)
    if len(names) > len(CLASS_COLORS):
        return _many_classes(names, parts, label, by, ax)
    ax = new_axes(ax, (min(WIDEST, 2.2 + 0.75 * len(names) * len(parts)), 3.6))
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        counts = np.array([(part[label] == name).sum() for _, part in parts])
        shares = [100 * count / len(part) for count, (_, part) in zip(counts, parts, strict=True)]
        places = np.arange(len(parts)) + (i - (len(names) - 1) / 2) * width
        bars = ax.bar(places, counts, width * 0.95, color=_class_color(i), label=str(name))
        texts = [f"{count:,}\n{share:.0f} %" for count, share in zip(counts, shares, strict=True)]
        ax.bar_label(bars, texts, fontsize=9, padding=2)
    ax.set_xticks(range(len(parts)), [f"{part_name}\n({len(part):,})" for part_name, part in parts])
    ax.margins(y=0.2)
    ax.set(ylabel="images", xlabel="" if by is None else f"{by} (images)", title="How many images of each class?")
    outside_legend(ax, title="class")
    return quiet(ax)


def _many_classes(
    names: Sequence[str], parts: list[tuple[str, pd.DataFrame]], label: str, by: str | None, ax: Axes | None
) -> Axes:
    """A row for each class, its parts one after the other, with the count of all."""
    counts = pd.DataFrame({name: part[label].value_counts() for name, part in parts}, index=list(names)).fillna(0)
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    between = counts.iloc[ENDS_SHOWN:-ENDS_SHOWN].sum(axis=1) if len(counts) > ALL_SHOWN else []
    places = np.arange(len(counts))
    if len(between):
        counts = pd.concat([counts[:ENDS_SHOWN], counts[-ENDS_SHOWN:]])
        places = np.delete(np.arange(2 * ENDS_SHOWN + 1), ENDS_SHOWN)
    height = 0.24 * (places[-1] + 1)
    ax = new_axes(ax, (PHONE_WIDTH, 1.9 + height))
    start = np.zeros(len(counts))
    for i, (part, images) in enumerate(counts.items()):
        color = SPLIT_COLORS.get({"validation": "val"}.get(part, part), PALETTE[i % len(PALETTE)])
        color = CLASS_COLORS[0] if by is None else color
        ax.barh(places, images, 0.8, left=start, color=color, label=f"{part} ({len(parts[i][1]):,})")
        start += images.to_numpy()
    for place, images in zip(places, start, strict=True):
        ax.annotate(f"{images:,.0f}", (images, place), (4, 0), textcoords="offset points", va="center", fontsize=10)
    if len(between):
        text = f"{len(between):,} more classes of {between.min():,.0f} to {between.max():,.0f} images"
        ax.text(0.02, ENDS_SHOWN, text, transform=ax.get_yaxis_transform(), va="center", style="italic", fontsize=10)
    ax.set_yticks(places, [shortened(name) for name in counts.index], fontsize=10)
    ax.set_ylim(places[-1] + 0.6, -0.6)
    ax.margins(x=0.12)
    ax.set(xlabel="images", title=f"How many images of each of {len(names):,} classes?")
    if by is not None:
        ax.legend(loc="upper center", bbox_to_anchor=(0.4, -0.55 / height), ncols=2, title=f"{by} (images)")
    return quiet(ax)


def plot_image_sizes(
    frame: pd.DataFrame,
    label: str = "label",
    class_names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Width against height of every image in pixels, colored by class.

    Of more than six classes those have a color whose typical size is furthest from that of all images.

    Args:
        frame: one row for each image, with the columns width, height and `label`.
        label, class_names, ax: as in `plot_class_balance`.

    Raises:
        ValueError: the frame is empty or lacks a column, or `class_names` lacks a class.

    Example:
        >>> frame = pd.DataFrame({"width": [64, 80], "height": [64, 60], "label": ["crack", "no crack"]})
        >>> plot_image_sizes(frame).get_xlabel()
        'width (pixels)'
    """
    names = _classes(frame, label, class_names)
    _check_columns(frame, ["width", "height"])
    ax = new_axes(ax, (6.6, 4.4))
    mixed = frame.sample(frac=1, random_state=0)  # so that no class hides the other
    color_of = {name: _class_color(i) for i, name in enumerate(names)}
    if len(names) > len(CLASS_COLORS):
        mixed, names = _unusual_sizes(mixed, label)
        color_of = dict(zip(names, (*CLASS_COLORS[:-1], OTHERS), strict=True))
    colors = mixed[label].map(color_of)
    ax.scatter(mixed["width"], mixed["height"], c=colors, s=16, alpha=0.45, linewidths=0)
    handles = [
        Line2D([], [], marker="o", ls="", color=color_of[name], label=f"{name} ({(mixed[label] == name).sum():,})")
        for name in names
    ]
    ax.set(xlabel="width (pixels)", ylabel="height (pixels)", title="Does the size of an image tell its class?")
    sizes = frame[["width", "height"]].drop_duplicates()
    if len(sizes) == 1:
        w, h = sizes.iloc[0]
        ax.set_title(f"All {len(frame):,} images are {w} × {h} pixels")
    outside_legend(ax, handles=handles, title="class")
    return quiet(ax)


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


def _unusual_sizes(frame: pd.DataFrame, label: str) -> tuple[pd.DataFrame, list[str]]:
    """The rows with all classes but the five of the most unusual size as one, which is drawn first and in gray."""
    sizes = np.log(frame[["width", "height"]].clip(lower=1))
    distance = (sizes.groupby(frame[label]).median() - sizes.median()).abs().sum(axis=1)
    shown = list(distance.sort_values(ascending=False, kind="stable").index[: len(CLASS_COLORS) - 1])
    others = f"{len(distance) - len(shown):,} other classes"
    rest = ~frame[label].isin(shown)
    words = frame[label].map(lambda name: shortened(name, 24)).where(~rest, others)
    mixed = frame.assign(**{label: words}).iloc[np.argsort(~rest, kind="stable")]
    return mixed, [*(shortened(name, 24) for name in shown), others]


def _class_color(i: int) -> str:
    return CLASS_COLORS[i % len(CLASS_COLORS)]


def _ordered_parts(frame: pd.DataFrame, by: str) -> list[tuple[str, pd.DataFrame]]:
    order = {split: place for place, split in enumerate(SPLITS)}
    values = sorted(frame[by].unique(), key=lambda v: (order.get(v, len(order)), str(v)))
    return [("validation" if value == "val" else str(value), frame[frame[by] == value]) for value in values]
