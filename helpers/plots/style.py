"""One look for all figures: the table of colours, sizes that read well on a phone, and pictures of few bytes."""

import io
import sys
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

# The one table of colours, from seaborn's "colorblind" palette: safe with the common colour-vision deficiencies.
PALETTE = tuple(sns.color_palette("colorblind").as_hex())
CLASS_COLOURS = (PALETTE[0], PALETTE[1], PALETTE[2], PALETTE[4], PALETTE[5], PALETTE[9])  # negative, positive, others
SPLIT_COLOURS = {"train": PALETTE[2], "val": PALETTE[4], "test": PALETTE[5]}
MODEL_COLOURS = {  # the first family whose words occur in a model's name
    "shortcut": (PALETTE[7], ("majority", "shortcut", "threshold", "file size", "encoding", "always")),
    "transfer": (PALETTE[2], ("transfer", "pretrained", "fine-tun", "mobilenet", "efficientnet", "resnet", "vgg")),
    "tuned": (PALETTE[4], ("tuned",)),
    "cnn": (PALETTE[3], ("cnn", "conv")),
    "dense": (PALETTE[0], ("dense", "mlp")),
    "linear": (PALETTE[9], ("logistic", "linear")),
}
OTHER_MODEL = "#444444"
WIDEST = 8.6  # inches: 860 pixels, which leaves room for the margin that Jupyter adds
MOST_BYTES = 60_000


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


def small_picture(figure: Figure) -> tuple[str, bytes]:
    """The figure in few bytes, for notebooks that stay small: its type and content.

    A PNG of at most 256 colours, a third of the usual bytes; where that passes 60 kB, as photos do, a JPEG. The colours
    are chosen so that none is far off: the median cut gives most of them to a photo and none to a colour bar.
    """
    whole, png, jpeg = io.BytesIO(), io.BytesIO(), io.BytesIO()
    figure.savefig(whole, format="png", bbox_inches="tight")
    picture = Image.open(whole).convert("RGB")
    picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(png, "PNG", optimize=True)
    if png.tell() <= MOST_BYTES:
        return "image/png", png.getvalue()
    picture.save(jpeg, "JPEG", quality=80, optimize=True)
    return "image/jpeg", jpeg.getvalue()


def _encoded_as(kind: str, figure: Figure) -> bytes | None:
    found, content = small_picture(figure)
    return content if found == kind else None


def model_colour(name: str) -> str:
    """The colour of a model's family, found by the words in its name; dark grey for an unknown family."""
    for colour, words in MODEL_COLOURS.values():
        if any(word in name.lower() for word in words):
            return colour
    return OTHER_MODEL


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The axes that were given, or new ones of a size in inches; ValueError for anything else."""
    if ax is None:
        return plt.subplots(figsize=size, layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise ValueError(f"ax: {type(ax).__name__} given, expected one matplotlib Axes, for example plt.gca().")
    return ax


def outside_legend(ax: Axes, **options: Any) -> None:
    """A legend beside the axes, where it never covers data."""
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), alignment="left", **options)
