"""Does a heatmap point at what the mask marks, and does the network need what it marks? Scores, baselines, intervals.

Against a mask: the pointing game (Zhang et al., arXiv 1608.00507) and the energy inside (Score-CAM, 1910.01279).
Without one: deletion and insertion curves (RISE, 1806.07421), with blur in place of black. Compare each with
`baseline_maps`: on a large mask, or one in the middle, a map that knows nothing scores well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.special import stdtrit

from data_prework.manifest import ManifestError
from helpers.data import Dataset
from helpers.heatmaps.feature_extractor import FeatureExtractor
from helpers.heatmaps.methods import blurred, checked_targets
from helpers.metrics.intervals import FEW_GROUPS, shares
from helpers.metrics.scores import with_interval
from helpers.metrics.validation import check_confidence


@dataclass(frozen=True)
class Mean:
    """A mean over images with its interval.

    Attributes:
        value: the mean.
        low, high: ends of its interval; NaN where all numbers are the same, which tells nothing of their spread.
        n: images that have a number.
        grouped: whether images of one group count as fewer.
        few_groups: number of groups where it is too small to say anything about new ones, else 0.
    """

    value: float
    low: float
    high: float
    n: int
    grouped: bool
    few_groups: int = 0

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0; of the mean of a paired difference: whether the two differ. No with few
        groups.
        """
        return not self.few_groups and (self.low > 0 or self.high < 0)

    def __str__(self) -> str:
        return with_interval(self.value, self.low, self.high)


def load_masks(data: Dataset, split: str) -> np.ndarray:
    """The masks of a split, at the size of its images: a pixel is in where the mask touches it.

    Args:
        data: a data set with masks, such as a drawn one.
        split: "train", "val" or "test".

    Returns:
        (n, height, width) bool, in the order of the split; all False for an image without a mask.

    Raises:
        ValueError: no image of the split has a mask.
        ManifestError: a file is missing or can't be read.
    """
    part = data[split]
    size = part.images.shape[1:3]
    names = part.frame["mask"].fillna("")
    if not names.str.len().any():
        raise ValueError(f"data: {data.name} has no masks; only the drawn data sets know where to look.")
    masks = np.zeros((len(part), *size), dtype=bool)
    for i, name in enumerate(names):
        if name:
            try:
                with Image.open(data.folder / name) as image:
                    share = image.convert("L").resize(size[::-1], Image.Resampling.BOX)
            except OSError as error:
                raise ManifestError(f"{data.folder / name}: {error}. Prepare {data.name} again.") from None
            masks[i] = np.asarray(share) > 0
    return masks


def mask_scores(maps: np.ndarray, masks: np.ndarray) -> pd.DataFrame:
    """How well heatmaps point at what masks mark.

    Several strongest places count by their share, and an all-zero map as an even one: both scores are then the share of
    the mask.

    Args:
        maps: (n, height, width) numbers, 0 or more.
        masks: (n, height, width) bool.

    Returns:
        One row an image, with the columns `pointing` (is the strongest place inside the mask?) and `energy` (share of
        the map inside), both from 0 to 1; NaN where the mask is empty.

    Raises:
        ValueError: the shapes differ.

    Source:
        The pointing game, Zhang et al., arXiv 1608.00507; the energy inside, Wang et al., arXiv 1910.01279.

    Example:
        >>> maps, masks = np.zeros((1, 4, 4)), np.zeros((1, 4, 4), dtype=bool)
        >>> maps[0, 1, 1], maps[0, 3, 3], masks[0, :2, :2] = 3, 1, True
        >>> mask_scores(maps, masks).to_dict("records")
        [{'pointing': 1.0, 'energy': 0.75}]
    """
    maps, masks = np.asarray(maps, dtype=float), np.asarray(masks, dtype=bool)
    if maps.shape != masks.shape or maps.ndim != 3:
        raise ValueError(f"masks: shape {masks.shape}, maps {maps.shape}; both must be (n, height, width).")
    flat, inside = maps.reshape(len(maps), -1), masks.reshape(len(masks), -1)
    flat = np.where(flat.max(1, keepdims=True) > 0, flat, 1.0)
    best = flat == flat.max(1, keepdims=True)
    pointing = (best & inside).sum(1) / best.sum(1)
    energy = (flat * inside).sum(1) / flat.sum(1)
    scores = pd.DataFrame({"pointing": pointing, "energy": energy})
    scores.loc[~inside.any(1)] = np.nan
    return scores


def baseline_maps(kind: str, shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """Maps that know nothing about the images, to compare scores with.

    Args:
        kind: "random" (smooth noise) or "centre" (a soft spot in the middle).
        shape: (n, height, width), in pixels.
        seed: of the noise.

    Returns:
        (n, height, width) float64 from 0 to 1.

    Raises:
        ValueError: another kind.

    Example:
        >>> maps = baseline_maps("centre", (2, 9, 9))
        >>> maps.shape, float(maps[0, 4, 4])
        ((2, 9, 9), 1.0)
    """
    n, height, width = shape
    if kind == "random":
        noise = np.random.default_rng(seed).normal(size=shape)
        smooth = gaussian_filter(noise, (0, height / 16, width / 16), mode="wrap")
        low, high = smooth.min((1, 2), keepdims=True), smooth.max((1, 2), keepdims=True)
        return (smooth - low) / (high - low)
    if kind != "centre":
        raise ValueError(f"kind: {kind!r} is not 'random' or 'centre'.")
    rows, columns = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.repeat(np.exp(-4 * (rows**2 + columns**2))[None], n, axis=0)


def curves(
    model: keras.Model | FeatureExtractor,
    images: np.ndarray,
    maps: np.ndarray,
    target: Any = None,
    steps: int = 8,
    class_names: Sequence[str] | None = None,
) -> dict[str, np.ndarray]:
    """Deletion and insertion: the probability of the class while more and more pixels are blurred, or sharpened.

    Deletion blurs the image, the strongest places of the map first; insertion starts from the blurred image and
    sharpens them first. The mean along a curve is its score: a map that marks what the network needs has a low deletion
    and a high insertion. They judge the map by the network, not by the truth, on images unlike any it has seen.

    Args:
        model: a Keras classifier, or its `FeatureExtractor`.
        images: (n, height, width, channels) in the range that the model takes.
        maps: (n, height, width), one for each image.
        target: number or name of a class, or one for each image; None: the class that the model answers.
        steps: after 0/steps, 1/steps ... of the pixels the probability is measured.
        class_names: in the order of the model's classes; needed where `target` is a name.

    Returns:
        "deletion" and "insertion" -> (n, steps + 1) float32.

    Raises:
        ValueError: maps of another shape, or an unknown class.

    Source:
        RISE, Petsiuk et al., arXiv 1806.07421, with blur in place of black.

    Example:
        >>> layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(1, activation="sigmoid")]
        >>> found = curves(keras.Sequential(layers), np.ones((2, 8, 8, 1)), np.ones((2, 8, 8)), steps=4)
        >>> {name: values.shape for name, values in found.items()}
        {'deletion': (2, 5), 'insertion': (2, 5)}
    """
    extractor = model if isinstance(model, FeatureExtractor) else FeatureExtractor.from_model(model)
    images = np.asarray(images, dtype=np.float32)
    if np.shape(maps) != images.shape[:3]:
        raise ValueError(f"maps: shape {np.shape(maps)}, expected {images.shape[:3]}, one for each image.")
    targets, plain = checked_targets(extractor, images, target, class_names), blurred(images)
    flat = np.asarray(maps, dtype=float).reshape(len(images), -1)
    ties = np.random.default_rng(0).permutation(flat.shape[1])
    order = np.lexsort((np.broadcast_to(ties, flat.shape), -flat))
    rank = np.argsort(order, axis=1).reshape(images.shape[:3])
    found = {"deletion": [], "insertion": []}
    for count in np.linspace(0, flat.shape[1], steps + 1):
        first = (rank < count)[..., None]
        mixed = {"deletion": np.where(first, plain, images), "insertion": np.where(first, images, plain)}
        for name, half_blurred in mixed.items():
            found[name].append(extractor.probabilities(half_blurred)[np.arange(len(images)), targets])
    return {name: np.stack(values, axis=1) for name, values in found.items()}


def mean_interval(values: Iterable[float], groups: Iterable | None = None, confidence: float = 0.95) -> Mean:
    """Mean of one number an image, with its interval.

    Where all numbers are 0 or 1, such as those of the pointing game, the mean is a share with its interval as in
    `evaluate`; else the interval is Student's, of the sums of the groups. Where all numbers lie from 0 to 1, so
    does the interval. For a paired difference of two methods pass the difference of their numbers.

    Args:
        values: (n,) numbers; NaN is left out.
        groups: (n,) names of patients or photos, whose images count as fewer; fewer than ten groups tell too little of
            their spread, then images count one by one (`grouped` is False). None: every image for itself.
        confidence: share of the interval, between 0 and 1.

    Raises:
        ValueError: all values are NaN, or as many groups as values are not given.

    Example:
        >>> print(mean_interval([0.0, 1.0, 1.0, float("nan")]), mean_interval([0.2, 0.4, 0.3]))
        0.667 (0.208-0.961) 0.300 (0.052-0.548)
    """
    values = np.asarray(values, dtype=float)
    check_confidence(confidence)
    kept = ~np.isnan(values)
    if values.ndim != 1 or not kept.any():
        raise ValueError("values: expected (n,) numbers, at least one of them not NaN.")
    names = np.arange(len(values)) if groups is None else np.asarray(groups)
    if names.shape != values.shape:
        raise ValueError(f"groups: shape {names.shape}, expected {values.shape}, one group name an image.")
    codes = np.unique(names[kept], return_inverse=True)[1]
    n_groups = int(codes.max()) + 1
    grouped = groups is not None and n_groups >= FEW_GROUPS
    few_groups = 0 if grouped or groups is None else n_groups
    if not grouped:
        codes = np.arange(kept.sum())
    numbers = values[kept]
    if np.isin(numbers, (0, 1)).all():
        low, high = shares(numbers == 1, np.zeros(len(numbers), int), codes, 1, confidence)[:, 0]
    else:
        low, high = _student(numbers, codes, confidence)
        if numbers.min() >= 0 and numbers.max() <= 1:  # shares
            low, high = max(low, 0.0), min(high, 1.0)
    return Mean(float(numbers.mean()), float(low), float(high), len(numbers), bool(grouped), few_groups)


def _student(numbers: np.ndarray, codes: np.ndarray, confidence: float) -> tuple[float, float]:
    """Student's interval of a mean from the sums of deviations in each group, with groups - 1 degrees of freedom."""
    count = codes.max() + 1
    if np.ptp(numbers) == 0 or count < 2:
        return np.nan, np.nan
    sums = np.bincount(codes, numbers - numbers.mean())
    error = np.sqrt(count / (count - 1) * (sums**2).sum()) / len(numbers)
    reach = stdtrit(count - 1, (1 + confidence) / 2) * error
    return numbers.mean() - reach, numbers.mean() + reach
