"""Heatmaps laid over their images."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from PIL import Image

from helpers.plots.style import Panels

DENSEST = 0.8  # opacity of the strongest place


def fading(cmap: str = "viridis") -> ListedColormap:
    """A color map that fades out towards 0, so that an image shows unchanged where nothing speaks for the class.

    Args:
        cmap: matplotlib's name of a sequential color map.

    Returns:
        Its colors, from transparent to nearly opaque.

    Example:
        >>> colors = fading()
        >>> float(colors(0.0)[3]), float(colors(1.0)[3])
        (0.0, 0.8)
    """
    shares = np.linspace(0, 1, 256)
    colors = matplotlib.colormaps[cmap](shares)
    colors[:, 3] = DENSEST * shares**1.4  # weak evidence nearly transparent: a pale veil would hide the image
    return ListedColormap(colors, name=f"{cmap}_fading")


def plot_overlays(
    images: np.ndarray,
    maps: np.ndarray,
    titles: Sequence[str] | None = None,
    masks: np.ndarray | None = None,
    ncols: int = 3,
    title: str | None = None,
    vmax: float | None = None,
    cmap: str = "viridis",
) -> Panels:
    """Images in gray with their heatmaps laid over them, transparent where they are 0, and the scale beside them.

    Args:
        images: (n, height, width, channels) from 0 to 255.
        maps: (n, height, width) from `helpers.heatmaps.heatmap`.
        titles: one for each image.
        masks: (n, height, width) bool, outlined in white.
        ncols: images in a row; with three, text stays legible on a phone.
        title: above all of them.
        vmax: end of the scale, in units of the logit: all maps have one scale and can be compared. None: each map is
            scaled to its own strongest place.
        cmap: matplotlib's name of the color map.

    Returns:
        The axes, one for each image.

    Raises:
        ValueError: the numbers of images, maps, titles and masks differ.

    Example:
        >>> len(plot_overlays(np.zeros((2, 8, 8, 1)), np.ones((2, 8, 8)), titles=["found", "missed"]))
        2
    """
    for name, values in (("maps", maps), ("titles", titles), ("masks", masks)):
        if values is not None and len(values) != len(images):
            raise ValueError(f"{name}: {len(values)} given for {len(images)} images; give one for each.")
    maps = np.asarray(maps, dtype=float)
    strongest = maps.max((1, 2), keepdims=True) if vmax is None else vmax
    shares = np.divide(maps, strongest, out=np.zeros_like(maps), where=np.asarray(strongest) > 0)
    ncols = min(ncols, len(images))
    rows = -(-len(images) // ncols)
    size = min(1.4, 7.4 / ncols)
    extra = 0.27 if titles is not None else 0.05
    figure, axes = plt.subplots(
        rows, ncols, figsize=(size * ncols + 1.0, (size + extra) * rows + (0.35 if title else 0)), squeeze=False
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for i, ax in zip(range(len(images)), axes.flat, strict=False):
        ax.imshow(np.asarray(images[i], dtype=float).mean(-1), cmap="gray", vmin=0, vmax=255)
        shown = ax.imshow(shares[i], cmap=fading(cmap), vmin=0, vmax=1)
        if masks is not None and masks[i].any():
            ax.contour(masks[i], levels=[0.5], colors="white", linewidths=0.8)
        if titles is not None:
            ax.set_title(titles[i], fontsize=9)
    words = "share of the\nstrongest place" if vmax is None else f"share of\n{vmax:.2g} (logit)"
    figure.colorbar(shown, ax=axes, label=words, shrink=0.9, aspect=25, pad=0.02)
    if title:
        figure.suptitle(title)
    return Panels(axes.flat[: len(images)])


def overlay(image: np.ndarray, heat: np.ndarray, side: int = 320) -> np.ndarray:
    """One image in gray with its heatmap in viridis over it, transparent where it is 0.

    Args:
        image: (h, w, 1 or 3) uint8.
        heat: (h, w), 0 or more; scaled to its strongest place, and nothing is laid over where all is 0.
        side: pixels of the longer side of what is returned.

    Returns:
        (height, width, 3) uint8.

    Example:
        >>> overlay(np.zeros((32, 64, 1), dtype=np.uint8), np.ones((32, 64)), side=128).shape
        (64, 128, 3)
    """
    strongest = float(heat.max())
    share = heat / strongest if strongest > 0 else np.zeros(heat.shape)
    colors, alpha = np.split(fading()(share), [3], axis=2)
    mixed = (1 - alpha) * image.astype(float).mean(axis=2, keepdims=True) / 255 + alpha * colors
    height, width = image.shape[:2]
    scale = side / max(height, width)
    shown = Image.fromarray((255 * mixed).round().astype(np.uint8))
    return np.asarray(shown.resize((round(width * scale), round(height * scale)), Image.Resampling.BICUBIC))
