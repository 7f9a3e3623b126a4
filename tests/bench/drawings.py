"""Figures of the measurements, drawn from the tables that the parts printed."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers.plots.style import COLORS, PALETTE, use_style


def tables(text: str) -> list[pd.DataFrame]:
    """Every Markdown table in a text, its cells as strings."""
    found = []
    for block in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.strip().splitlines()]
        found.append(pd.DataFrame(rows, columns=head))
    return found


def _number(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column.str.replace(",", ""))


def _against_images(text: str, columns: list[str], by: str | None, title: str) -> Figure:
    """One panel a column against the number of images, one line for each value of `by`, speeds on a log scale."""
    (table,) = tables(text)
    figure, axes = plt.subplots(1, len(columns), figsize=(8.6, 3.8))
    figure.suptitle(title)
    ways = list(dict.fromkeys(table[by])) if by else [None]
    for ax, column in zip(axes, columns, strict=True):
        for color, marker, way in zip(PALETTE, "osD^v", ways, strict=False):
            rows = table[table[by] == way] if by else table
            ax.plot(_number(rows["images"]) / 1000, _number(rows[column]), marker=marker, color=color, label=way)
        ax.set(xlabel="thousands of images", ylabel=column)
        if "images/s" in column:
            ax.set(yscale="log", ylim=(5e2, 1e6))
        else:
            ax.set_ylim(bottom=0)
    if by:
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def pipeline(text: str) -> Figure:
    """Speed of the first and of later passes, and memory, of each way to read images."""
    columns = ["images/s, first pass", "images/s, later", "peak MB"]
    return _against_images(text, columns, "way", "What is kept in memory is fast from the second pass on")


def growth(text: str) -> Figure:
    """Seconds and memory of preparing a folder."""
    return _against_images(text, ["seconds", "peak MB"], None, "Preparing takes time in step with the images")


def models(text: str) -> Figure:
    """Accuracy of every model with its interval, a panel for each data set."""
    names, found = re.findall(r"^\*\*(\w+)\*\*", text, re.MULTILINE), tables(text)
    heights = [len(table) for table in found]
    figure, axes = plt.subplots(
        len(found), 1, figsize=(8.6, 1.5 + 0.26 * sum(heights)), sharex=True, height_ratios=heights, squeeze=False
    )
    for ax, name, table in zip(axes[:, 0], names, found, strict=True):
        table = table[::-1].reset_index(drop=True)
        for y, (model, accuracy) in enumerate(zip(table["model"], table["accuracy"], strict=True)):
            numbers = [float(number) for number in re.findall(r"\d\.\d+", accuracy)]
            colour = COLORS["green"] if model.startswith("course") else COLORS["blue"]
            if len(numbers) == 3:
                ax.plot(numbers[1:], [y, y], color=colour, lw=3, alpha=0.4)
                ax.plot(numbers[0], y, "o", color=colour)
        ax.set_yticks(range(len(table)), table["model"])
        ax.set_title(f"{name}: projects' models (blue), the course's (green)")
        ax.grid(axis="x", alpha=0.3)
    axes[-1, 0].set_xlabel("accuracy on the test split, with 95 % interval")
    return figure


def curves(text: str) -> Figure:
    """Area under the curve against the number of training images: a panel a data set, a line a network."""
    (table,) = tables(text)
    table[["data", "weights"]] = table.iloc[:, 0].str.rsplit(", ", n=1, expand=True).to_numpy()
    sizes = [column for column in table.columns if column == "all" or column.isdecimal()]
    names = list(dict.fromkeys(table["data"]))
    figure, axes = plt.subplots(-(-len(names) // 2), 2, figsize=(8.6, 2.6 * -(-len(names) // 2) + 0.6), squeeze=False)
    for ax in axes.flat[len(names) :]:
        ax.axis("off")
    for ax, name in zip(axes.flat, names, strict=False):
        for colour, marker, (_, row) in zip(PALETTE, "osD", table[table["data"] == name].iterrows(), strict=False):
            numbers = [[float(number) for number in re.findall(r"\d\.\d+", row[size])] for size in sizes]
            mean, low, high = np.transpose(numbers)
            ax.plot(range(len(sizes)), mean, marker=marker, color=colour, label=row["weights"])
            ax.fill_between(range(len(sizes)), low, high, color=colour, alpha=0.2, lw=0)
        ax.set(title=name, xticks=range(len(sizes)), xticklabels=sizes, ylabel="ROC AUC", xlabel="training images")
        ax.grid(alpha=0.3)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


DRAWINGS: dict[str, tuple[Callable[[str], Figure], str]] = {
    "pipeline": (pipeline, "Images a second and memory against the number of images, for five ways to read them"),
    "growth": (growth, "Seconds and memory of preparing a folder against the number of images in it"),
    "curves": (curves, "ROC AUC against the number of training images, for three networks, a panel for each data set"),
    "models": (models, "Test accuracy with interval of each model, one panel for each data set"),
}


def draw(part: str, text: str, folder: Path) -> str:
    """Write the part's figure to `folder` and return the line that shows it, "" for a part without a figure."""
    if part not in DRAWINGS:
        return ""
    use_style()
    make, words = DRAWINGS[part]
    figure, image = make(text), io.BytesIO()
    figure.savefig(image, format="png", dpi=100)
    plt.close(figure)
    folder.mkdir(exist_ok=True)
    (folder / f"{part}.png").write_bytes(image.getvalue())
    return f"![{words}]({folder.name}/{part}.png)"
