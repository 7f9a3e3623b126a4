"""What the diagrams are made of: boxes, arrows, squares with a number, grids."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from helpers.plots.style import COLORS


def grid(ax: Axes, place: tuple[float, float], side: float, cells: int, color: str) -> None:
    """A square grid, pale in its color.

    Args:
        ax: where to draw.
        place: (x, y) of the middle of its left edge.
        side: length of its side.
        cells: in a row, and rows.
        color: of its lines and its ground.
    """
    x, y = place[0], place[1] - side / 2
    ax.add_patch(Rectangle((x, y), side, side, fc=color, ec="none", alpha=0.3))
    lines = np.linspace(0, side, cells + 1)
    ax.hlines(y + lines, x, x + side, color=color, lw=0.8)
    ax.vlines(x + lines, y, y + side, color=color, lw=0.8)


def square(ax: Axes, corner: tuple[float, float], text: str, color: str, marked: bool) -> None:
    """A square of .9 by .9 with text in its middle, pale in its color.

    Args:
        ax: where to draw.
        corner: (x, y) of the lower left corner of its place.
        text: in its middle.
        color: of its edge and its ground.
        marked: whether its edge is red.
    """
    x, y = corner
    ax.add_patch(Rectangle((x + 0.05, y), 0.9, 0.9, fc=color, alpha=0.35, ec="none"))
    edge = {"ec": COLORS["red"], "lw": 2.2} if marked else {"ec": color, "lw": 1}
    ax.add_patch(Rectangle((x + 0.05, y), 0.9, 0.9, fill=False, **edge))
    ax.text(x + 0.5, y + 0.43, text, ha="center", va="center")


def draw_numbers(ax: Axes, values: np.ndarray, rows: int, signed: bool) -> None:
    """A table of numbers with shaded cells.

    Args:
        ax: where to draw.
        values: (height, width).
        rows: that the axes have room for, so that cells of several tables have one size.
        signed: whether zero is white, and colors tell the sign; else gray levels.
    """
    limit = np.abs(values).max() or 1
    lowest = -limit if signed else values.min()
    ax.imshow(values, cmap="coolwarm" if signed else "gray", vmin=lowest, vmax=limit, alpha=0.5)
    for (row, column), value in np.ndenumerate(values):
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec="0.5", lw=0.8, clip_on=False))
        ax.text(column, row, f"{value:.4g}", ha="center", va="center", fontsize=10)
    ax.set_ylim(rows - 0.5, -0.5)  # as high as the others: cells of one size
    ax.set_axis_off()


def box(ax: Axes, corner: tuple[float, float], size: tuple[float, float], text: str, color: str) -> None:
    """A rounded box, pale in its color, with text in its middle.

    Args:
        ax: where to draw.
        corner: (x, y) of its lower left corner.
        size: (width, height).
        text: in its middle.
        color: of its edge and its ground.
    """
    style = "round,pad=0,rounding_size=0.1"
    ax.add_patch(FancyBboxPatch(corner, *size, boxstyle=style, fc="white", ec="none"))
    ax.add_patch(FancyBboxPatch(corner, *size, boxstyle=style, fc=color, ec="none", alpha=0.3))
    edge = "0.4" if color == "white" else color
    ax.add_patch(FancyBboxPatch(corner, *size, boxstyle=style, fc="none", ec=edge, lw=1.5))
    ax.text(corner[0] + size[0] / 2, corner[1] + size[1] / 2, text, ha="center", va="center")


def arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], size: float = 11, color: str = "0.35"
) -> None:
    """A straight arrow with a filled head.

    Args:
        ax: where to draw.
        start: (x, y) of its beginning.
        end: (x, y) of its head.
        size: of its head, in points.
        color: of line and head.
    """
    ax.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=size, shrinkA=0, shrinkB=0, color=color))
