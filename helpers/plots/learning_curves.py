"""Scores against the number of training images."""

import pandas as pd
from matplotlib.axes import Axes

from helpers.plots.style import PALETTE, new_axes, quiet

COLUMNS = ("model", "images", "value", "low", "high")


def plot_learning_curves(
    curve: pd.DataFrame,
    title: str = "",
    ylabel: str = "ROC AUC",
    colors: dict[str, str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """One line for each model: a score with its interval against the number of training images, on a log scale.

    Args:
        curve: a row for each point, with the columns "model", "images", "value", "low", and "high".
        title: above the axes.
        ylabel: name of the score.
        colors: "#rrggbb" by model; None: in the order of the palette.
        ax: where to draw; None: a new figure.

    Raises:
        ValueError: a column is missing, or there is no row.

    Example:
        >>> rows = [("frozen", 50, 0.91, 0.88, 0.93), ("frozen", 100, 0.94, 0.92, 0.96)]
        >>> ax = plot_learning_curves(pd.DataFrame(rows, columns=COLUMNS))
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['frozen']
    """
    missing = [name for name in COLUMNS if name not in curve]
    if missing or curve.empty:
        raise ValueError(
            f"curve: expected rows with the columns {', '.join(COLUMNS)}; {missing or 'all rows'} missing."
        )
    ax = new_axes(ax, (5.5, 3.8))
    models = list(dict.fromkeys(curve["model"]))
    for i, model in enumerate(models):
        part = curve[curve["model"] == model].sort_values("images")
        at, value = part["images"].to_numpy(), part["value"].to_numpy()
        at = at * 1.06 ** (i - (len(models) - 1) / 2)  # side by side, so that no interval hides another
        reach = [value - part["low"].to_numpy(), part["high"].to_numpy() - value]
        color = (colors or {}).get(model, PALETTE[i % len(PALETTE)])
        ax.errorbar(at, value, reach, color=color, marker="o", ms=5, capsize=3, label=model)
    sizes = sorted(set(curve["images"]))
    ax.set_xscale("log")
    ax.minorticks_off()
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.set(xlabel="training images", ylabel=ylabel, title=title)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=min(3, len(models)))
    points = [f"{row.model} {row.images}: {row.value:.3f}" for row in curve.itertuples()]
    ax.figure.set_label(f"{title} {ylabel} by training images. {'; '.join(points)}.".strip())
    return quiet(ax)
