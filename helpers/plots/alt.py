"""What a figure shows, in numbers and words, for those who can't see it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

MOST = 6  # lines or bars that are told one by one


def alt_text(figure: Figure) -> str:
    """What a figure says to those who can't see it; notebooks store it with the image.

    Args:
        figure: its label, where it has one, is the text: `figure.set_label("Recall rises from 0.81 to 0.93.")`. Without
            one it's made of the titles, the axes' labels, and what is drawn: where lines begin and end, how long bars
            are, how many points and how many images without a title there are.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> figure, ax = plt.subplots()
        >>> _ = ax.set(title="Does it learn?", xlabel="epoch", ylabel="loss")
        >>> _ = ax.plot([1, 2, 3], [0.69, 0.2, 0.12], label="training")
        >>> alt_text(figure)
        'Does it learn? loss against epoch: training from 0.69 to 0.12'
        >>> figure.set_label("The loss falls from 0.69 to 0.12 in 20 epochs.")
        >>> alt_text(figure)
        'The loss falls from 0.69 to 0.12 in 20 epochs.'
    """
    if figure.get_label():
        return str(figure.get_label())
    parts = [figure.get_suptitle()]
    for ax in figure.axes:
        x, y = ax.get_xlabel(), ax.get_ylabel()
        axes, shown = f"{y} against {x}" if x and y else x or y, drawn(ax)
        parts += [ax.get_title(place) for place in ("left", "center", "right")]
        parts.append(f"{axes}: {shown}" if axes and shown else axes or shown)
        parts.append("" if shown else ", ".join(_legend(ax)))
    parts.append(_images(figure))
    lines = dict.fromkeys(" ".join(part.split()) for part in parts if part.strip())
    return " ".join(line if line[-1] in ".?!:;" else f"{line};" for line in lines).rstrip(";") or "Figure"


def drawn(ax: Axes) -> str:
    """What the lines, bars and points of one pair of axes show.

    Args:
        ax: drawn with matplotlib or seaborn.

    Returns:
        "" where there's nothing that a few numbers could tell, such as photos.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> ax = plt.figure().subplots()
        >>> _ = ax.barh(["dense", "CNN"], [0.81, 0.93])
        >>> drawn(ax)
        'dense 0.81, CNN 0.93'
    """
    return "; ".join(part for part in (_bars(ax), _lines(ax), _points(ax)) if part)


def _images(figure: Figure) -> str:
    """How many images have no title that tells of them; of a single one the size."""
    shown = [ax for ax in figure.axes if ax.images and not ax.get_xlabel() and not ax.get_ylabel()]
    untitled = [ax for ax in shown if not any(ax.get_title(place) for place in ("left", "center", "right"))]
    if len(shown) == 1 and untitled:
        height, width = shown[0].images[0].get_array().shape[:2]
        return f"an image of {width} × {height} pixels"
    return f"{len(shown)} images" if untitled else ""


def _legend(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def _number(value: float) -> str:
    """Three digits, without an exponent where one can read it."""
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size and size < 0.001:
        return f"{value:.1e}"
    return np.format_float_positional(value, precision=3, fractional=False, trim="-")


def _names(ax: Axes) -> dict:
    """Color -> the legend's word for it, because seaborn names the legend's entries, not the lines."""
    legend = ax.get_legend()
    if legend is None:
        return {}
    colors = [_color(handle) for handle in legend.legend_handles]
    named = zip(colors, _legend(ax), strict=False)
    return {color: name for color, name in named if color is not None and colors.count(color) == 1}


def _color(artist) -> tuple | None:
    """The color of a patch or a line, without its transparency; None where it has none."""
    given = artist.get_facecolor() if hasattr(artist, "get_facecolor") else getattr(artist, "get_color", lambda: "")()
    try:
        return to_rgb(np.atleast_2d(given)[0] if isinstance(given, np.ndarray) else given)
    except (ValueError, TypeError, IndexError):  # no color, or one of each point
        return None


def _name(artist, names: dict) -> str:
    label = str(artist.get_label())
    return label if label and not label.startswith("_") else names.get(_color(artist), "")


def _bars(ax: Axes) -> str:
    names, told = _names(ax), []
    for bars in (one for one in ax.containers if isinstance(one, BarContainer) and len(one)):
        lying = bars.orientation == "horizontal"
        if not lying and len(bars) > MOST:  # a histogram, as a rule
            highest = max(bars, key=lambda bar: np.nan_to_num(bar.get_height(), nan=-np.inf))
            told.append(f"{len(bars)} bars, the highest at {_number(highest.get_x() + highest.get_width() / 2)}")
            continue
        words = _words(ax.yaxis if lying else ax.xaxis)
        name = _name(bars, names) or _name(bars[0], names)
        each = [_bar(bar, lying, words) for bar in bars if np.isfinite(bar.get_width() + bar.get_height())]
        told.append(f"{name}: {', '.join(each)}" if name and len(ax.containers) > 1 else ", ".join(each))
    if sum(text.count(",") + 1 for text in told) > 3 * MOST:
        return ""
    return "; ".join(dict.fromkeys(told))


def _bar(bar, lying: bool, words: dict) -> str:
    at, length = (bar.get_y(), bar.get_width()) if lying else (bar.get_x(), bar.get_height())
    middle = at + (bar.get_height() if lying else bar.get_width()) / 2
    return f"{_word(words, middle)} {_number(length)}".strip()


def _words(axis) -> dict:
    """Place -> the word that stands there on an axis."""
    return dict(zip(axis.get_ticklocs(), (text.get_text() for text in axis.get_ticklabels()), strict=False))


def _word(words: dict, place: float) -> str:
    close = min(words, key=lambda one: abs(one - place), default=None)
    return words[close] if close is not None and abs(close - place) < 0.5 else ""


def _lines(ax: Axes) -> str:
    names, told = _names(ax), []
    for line in ax.lines:
        y = np.asarray(line.get_ydata(orig=False), dtype=float)
        y = y[np.isfinite(y)]
        label = str(line.get_label())
        if len(y) < 3 or (label.startswith("_") and _color(line) not in names and len(ax.lines) > MOST):
            continue  # a mark, or one of many lines that have no name
        x = np.asarray(line.get_xdata(orig=False), dtype=float)
        if np.ptp(y) == 0 < np.ptp(x):  # points in a row, such as the scores of several seeds
            told.append(f"{_word(_words(ax.yaxis), y[0])} {_number(np.nanmin(x))} to {_number(np.nanmax(x))}".strip())
            continue
        told.append(f"{_name(line, names)} {_course(y)}".strip())
    return "; ".join(dict.fromkeys(told)) if len(told) <= MOST else ""


def _course(y: np.ndarray) -> str:
    """Where a line begins and ends, and its lowest or highest point where that lies clearly beyond both."""
    text, margin = f"from {_number(y[0])} to {_number(y[-1])}", 0.1 * np.ptp(y)
    if y.min() < min(y[0], y[-1]) - margin:
        text += f", lowest {_number(y.min())}"
    if y.max() > max(y[0], y[-1]) + margin:
        text += f", highest {_number(y.max())}"
    return text


def _points(ax: Axes) -> str:
    sizes = [len(one.get_offsets()) for one in ax.collections if type(one).__name__ == "PathCollection"]
    return f"{sum(sizes)} points" if sum(sizes) >= 3 else ""
