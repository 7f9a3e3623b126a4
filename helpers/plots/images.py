"""What is in a data set: images side by side, how many of each class, their sizes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
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
    Panels,
    new_axes,
    outside_legend,
    quiet,
    shortened,
)

OTHERS = "#bbbbbb"
ALL_SHOWN, ENDS_SHOWN = 30, 10  # of more classes the largest and smallest are shown

_SPLIT_WORDS = {split: split for split in SPLITS} | {"val": "validation"}


def plot_images(
    images: Sequence[np.ndarray] | np.ndarray,
    titles: Sequence[object] | None = None,
    ncols: int = 6,
    title: str | None = None,
    size: float = 1.3,
) -> Panels:
    """Show images side by side, each whole; gray images in gray.

    Args:
        images: uint8 from 0 to 255, (n, height, width), (n, height, width, 1 or 3), or a list of single images of any
            sizes. Images of other proportions than most are shown whole with a margin.
        titles: one short text for each image.
        ncols: images in a row.
        title: above all of them.
        size: width of one image in inches, made smaller where `ncols` would not fit.

    Returns:
        The axes, one for each image.

    Raises:
        ValueError: no image, another shape or type, or a number of titles that doesn't fit.

    Example:
        >>> panels = plot_images(np.zeros((3, 8, 8), dtype=np.uint8), titles=["a", "b", "c"])
        >>> [ax.get_title() for ax in panels]
        ['a', 'b', 'c']
    """
    shown = [_checked(image, i) for i, image in enumerate(images)]
    if not shown:
        raise ValueError("images: empty; there is nothing to show.")
    if titles is not None and len(titles) != len(shown):
        raise ValueError(f"titles: {len(titles)} texts for {len(shown)} images; give one an image.")
    if not isinstance(ncols, int) or ncols < 1:
        raise ValueError(f"ncols: {ncols!r} is not a number of columns.")
    ncols = min(ncols, len(shown))
    cell = min(size, PHONE_WIDTH / ncols)
    letters = max(8, int(cell * 72 / 5.2))
    words = [textwrap.fill(str(t), letters) for t in titles] if titles is not None else [""] * len(shown)
    rows = -(-len(shown) // ncols)
    tall = float(np.clip(np.median([one.shape[0] / one.shape[1] for one in shown]), 0.5, 2))
    extra = max(w.count("\n") + 1 if w else 0 for w in words) * 0.17
    heading = 0.0 if title is None else 0.35
    figure, cells = plt.subplots(
        rows,
        ncols,
        figsize=(cell * ncols, rows * (cell * tall + extra) + heading),
        layout="constrained",
        squeeze=False,
    )
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)
    for ax in cells.flat:
        ax.set_axis_off()
    for ax, image, text in zip(cells.flat, shown, words, strict=False):
        ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        height, width = image.shape[:2]
        dx, dy = max(0.0, height / tall - width) / 2, max(0.0, width * tall - height) / 2
        ax.set(xlim=(-0.5 - dx, width - 0.5 + dx), ylim=(height - 0.5 + dy, -0.5 - dy))
        ax.set_title(text, fontsize=9, loc="center", pad=3)
    if title is not None:
        figure.suptitle(title, fontsize=11)
    return Panels(cells.flat[: len(shown)])


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


def _checked(image: np.ndarray, i: int) -> np.ndarray:
    array = np.asarray(image)
    if array.dtype != np.uint8:
        raise ValueError(
            f"images: image {i} has the type {array.dtype}, expected uint8 from 0 to 255; "
            "images from 0 to 1 become that by (255 * images).round().astype('uint8')."
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise ValueError(
            f"images: image {i} has the shape {array.shape}, expected (height, width) or (height, width, 1 or 3); "
            "for a single image pass [image]."
        )
    return array


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
