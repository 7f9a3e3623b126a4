"""One look for all figures: the table of colors, sizes that read well on a phone, and images of few bytes."""

import io
import sys
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from helpers.plots.alt import alt_text

# The one table of colors, from seaborn's "colorblind" palette: safe with the common color-vision deficiencies.
PALETTE = tuple(sns.color_palette("colorblind").as_hex())
_NAMES = ("blue", "orange", "green", "red", "purple", "brown", "pink", "gray", "yellow", "sky")
COLORS = dict(zip(_NAMES, PALETTE, strict=True))
CLASS_COLORS = tuple(COLORS[name] for name in ("blue", "orange", "green", "purple", "brown", "sky"))  # negative first
SPLIT_COLORS = {"train": COLORS["green"], "val": COLORS["purple"], "test": COLORS["brown"]}
MODEL_COLORS = {  # the first family whose words occur in a model's name
    "shortcut": (COLORS["gray"], ("majority", "shortcut", "threshold", "file size", "encoding", "always")),
    "transfer": (COLORS["green"], ("transfer", "pretrained", "fine-tun", "mobilenet", "efficientnet", "resnet", "vgg")),
    "tuned": (COLORS["purple"], ("tuned",)),
    "cnn": (COLORS["red"], ("cnn", "conv")),
    "dense": (COLORS["blue"], ("dense", "mlp")),
    "linear": (COLORS["sky"], ("logistic", "linear")),
}
OTHER_MODEL = "#444444"
WIDEST = 8.6  # inches: 860 pixels, which leaves room for the margin that Jupyter adds
PHONE_WIDTH = 5.5  # inches: on a phone, 360 pixels wide, text of 10 points still has 9 pixels
MOST_BYTES = 60_000
MOST_OFF = 8  # gray levels of 255 in 1 % of the pixels: photos are 10 to 14 off, charts and overlays at most 6


def use_style() -> None:
    """Set the course's look once, for every figure that follows; inside a notebook figures are stored small."""
    sns.set_theme(
        style="ticks",
        palette="colorblind",
        font="DejaVu Sans",
        rc={
            "figure.dpi": 100,
            "savefig.dpi": 100,
            "figure.figsize": (6.4, 4.0),
            "figure.constrained_layout.use": True,
            "figure.max_open_warning": 0,
            "font.size": 10,
            "axes.titlesize": 11,
            "axes.labelsize": 10,
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            "legend.fontsize": 9,
            "legend.title_fontsize": 9,
            "legend.frameon": False,
            "figure.titlesize": 12,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "lines.linewidth": 1.8,
            "image.cmap": "gray",
        },
    )
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None and "inline" in plt.get_backend():
        plt.close(plt.figure(figsize=(1, 1)))  # the inline backend sets its own formatter at the first figure
        for kind in ("image/png", "image/jpeg"):
            encode = partial(_encoded_as, kind)
            shell.display_formatter.formatters[kind].for_type(Figure, encode)


def small_image(figure: Figure) -> tuple[str, bytes]:
    """The figure in few bytes, for notebooks that stay small.

    A PNG of at most 256 colors, a third of the usual bytes; a JPEG where that passes 60 kB or where 256 colors would
    draw bands into a sky, as in photos. The colors are chosen so that none is far off: the median cut gives most of
    them to a photo and none to a color bar.

    Args:
        figure: as it is to be shown.

    Returns:
        Its type, "image/png" or "image/jpeg", and its content.
    """
    whole, png, jpeg = io.BytesIO(), io.BytesIO(), io.BytesIO()
    figure.savefig(whole, format="png", bbox_inches="tight")
    image = Image.open(whole).convert("RGB")
    few = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(png, "PNG", optimize=True)
    off = np.abs(np.asarray(image, dtype=int) - np.asarray(few.convert("RGB"), dtype=int))
    if png.tell() <= MOST_BYTES and np.percentile(off, 99) <= MOST_OFF:
        return "image/png", png.getvalue()
    image.save(jpeg, "JPEG", quality=85, subsampling=0, optimize=True)  # full color resolution keeps text crisp
    return "image/jpeg", jpeg.getvalue()


def _encoded_as(kind: str, figure: Figure) -> tuple[bytes, dict[str, str]] | None:
    # Drawn twice, a figure may pass the limit once: the PNG formatter, which IPython asks first, decides for both.
    if kind == "image/png":
        figure._small_image = small_image(figure)
    found, content = figure._small_image
    return (content, {"alt": alt_text(figure)}) if found == kind else None


def model_color(name: str) -> str:
    """The color of a model's family, found by the words in its name.

    Args:
        name: of the model, in any words; upper and lower case do not matter.

    Returns:
        "#rrggbb"; dark gray for an unknown family.

    Example:
        >>> model_color("small CNN") == COLORS["red"], model_color("my model")
        (True, '#444444')
    """
    for color, words in MODEL_COLORS.values():
        if any(word in name.lower() for word in words):
            return color
    return OTHER_MODEL


def shortened(name: str, letters: int = 18) -> str:
    """A name that fits beside an axis.

    Args:
        name: in any words.
        letters: at most so many; the middle of a longer name is left out, because names often differ at both ends.

    Example:
        >>> shortened("chest"), shortened("n01440764_tench_Tinca_tinca")
        ('chest', 'n0144076…nca_tinca')
    """
    name = str(name)
    half = (letters - 1) // 2
    return name if len(name) <= letters else f"{name[:half]}…{name[len(name) - letters + half + 1 :]}"


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The axes that were given, or new ones.

    Args:
        ax: None: a new figure.
        size: (width, height) of a new figure, in inches.

    Raises:
        ValueError: `ax` is something else.
    """
    if ax is None:
        return plt.subplots(figsize=size, layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise ValueError(f"ax: {type(ax).__name__} given, expected one matplotlib Axes, for example plt.gca().")
    return ax


class Panels(list):
    """The axes of a figure with several of them, in reading order. As the last line of a cell it shows nothing.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> panels = Panels(plt.figure().subplots(1, 2))
        >>> len(panels), panels.figure is panels[0].figure
        (2, True)
    """

    @property
    def figure(self) -> Figure:
        """The figure that the axes are part of."""
        return self[0].figure

    def _ipython_display_(self) -> None:
        """IPython shows what this shows: nothing, because the figure itself appears below the cell."""


def quiet(ax: Axes) -> Axes:
    """The same axes, which show nothing as the last line of a cell; without it IPython prints `<Axes: ...>`.

    Args:
        ax: changed in place.
    """
    ax._ipython_display_ = lambda: None
    return ax


def outside_legend(ax: Axes, **options: Any) -> None:
    """A legend beside the axes, where it never covers data.

    Args:
        ax: with labeled lines or bars.
        options: of `Axes.legend`, such as title.
    """
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), alignment="left", **options)
