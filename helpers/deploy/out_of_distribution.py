"""How unlike the training images an image is: what a network that must answer cannot say by itself.

An image is described three times: by the network's last feature map, averaged; by statistics of its gray levels; and
by a thumbnail of 8 by 8 pixels. Each time its distance is the mean of those to its nearest training images, in units
of their spread (Sun et al., "Out-of-distribution detection with deep nearest neighbors",
arXiv 2204.06507). The worst of the three counts, divided by a limit that validation images set: above 1 is unlike.
"""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import laplace
from scipy.stats import beta
from sklearn.neighbors import NearestNeighbors

from helpers.errors import CourseError
from helpers.heatmaps.feature_extractor import FeatureExtractor, batches, images_at_once

NEIGHBOURS = 5
MOST = 2000  # training images that are kept
THUMBNAIL = 8  # pixels a side


class ReferenceFileError(CourseError, ValueError):
    """A file that is no reference to compare images with; the message names it and says what to do."""


def features(extractor: FeatureExtractor, images: np.ndarray) -> np.ndarray:
    """The last feature map of each image, averaged over its places.

    Args:
        extractor: of the model.
        images: (n, height, width, channels) pixels from 0 to 255.

    Returns:
        (n, features) float32.
    """
    parts = batches(images, images_at_once(images))
    return np.concatenate([extractor.features(part).numpy().mean((1, 2)) for part in parts])


def statistics(images: np.ndarray) -> np.ndarray:
    """Twelve numbers about each image, all in gray levels.

    Args:
        images: (n, height, width, 1 or 3) uint8.

    Returns:
        (n, 12) float32, the mean, spread, five percentiles, three of detail, color, and 255 times the share of pixels
        that are nearly black or white.

    Example:
        >>> black = np.zeros((1, 8, 8, 3), dtype=np.uint8)
        >>> found = statistics(black)
        >>> found.shape, float(found[0, 0]), float(found[0, -1])
        ((1, 12), 0.0, 255.0)
    """
    grey = images.astype(np.float32).mean(axis=3)
    axes = (1, 2)
    color = images.max(axis=3).astype(np.float32) - images.min(axis=3)
    at_the_ends = (grey < 3) | (grey > 252)
    columns = [
        grey.mean(axes),
        grey.std(axes),
        *np.percentile(grey, [5, 25, 50, 75, 95], axis=axes),
        np.abs(np.diff(grey, axis=2)).mean(axes),
        np.abs(np.diff(grey, axis=1)).mean(axes),
        np.abs(np.stack([laplace(image) for image in grey])).mean(axes),
        color.mean(axes),
        255 * at_the_ends.mean(axes),
    ]
    return np.column_stack(columns).astype(np.float32)


def thumbnails(images: np.ndarray) -> np.ndarray:
    """The mean gray level of each of 8 by 8 parts of an image.

    Args:
        images: (n, height, width, 1 or 3) uint8.

    Returns:
        (n, 64) float32.

    Example:
        >>> thumbnails(np.full((2, 32, 48, 1), 100, dtype=np.uint8)).shape
        (2, 64)
    """
    grey = images.astype(np.float32).mean(axis=3)
    size = (THUMBNAIL, THUMBNAIL)
    small = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX)).ravel() for image in grey]
    return np.stack(small)


def _views(extractor: FeatureExtractor) -> dict[str, Callable]:
    return {"features": lambda images: features(extractor, images), "statistics": statistics, "thumbnail": thumbnails}


def _kept(n: int, labels: np.ndarray | None, seed: int) -> np.ndarray:
    """Which of n training images are kept, in their order: at random, but some of every class where it is known."""
    shuffled = np.random.default_rng(seed).permutation(n)
    if labels is None:
        return np.sort(shuffled[:MOST])
    if np.shape(labels) != (n,):
        raise ValueError(f"labels: shape {np.shape(labels)} for {n} images of train; give one for each")
    classes = pd.Series(np.asarray(labels)[shuffled])
    first = (classes.groupby(classes).cumcount() < NEIGHBOURS).to_numpy()
    ordered = np.concatenate([shuffled[first], shuffled[~first]])
    return np.sort(ordered[: max(MOST, int(first.sum()))])


def _limit(distances: np.ndarray, refuse: float) -> float:
    """The distance that at most a share `refuse` of new ones exceeds on average, were they drawn like these."""
    return float(np.sort(distances)[_rank(len(distances), refuse) - 1])


def _rank(n: int, refuse: float) -> int:
    return min(n, int(np.ceil((n + 1) * (1 - refuse) - 1e-9)))


def refusal_range(n: int, refuse: float) -> tuple[float, float]:
    """The share of ordinary images that a limit may refuse when n images set it.

    Args:
        n: images that set the limit, each drawn by itself: with groups the range is wider.
        refuse: the share that was asked for.

    Returns:
        (low, high), the middle 95 % of the beta distribution of that share.

    Source:
        Vovk, Conditional validity of inductive conformal predictors, Machine Learning 92, 2013.

    Example:
        >>> [round(end, 3) for end in refusal_range(200, 0.02)]
        [0.005, 0.043]
    """
    above = n - _rank(n, refuse) + 1
    return tuple(float(end) for end in beta.ppf([0.025, 0.975], above, n + 1 - above))


class Reference:
    """What is kept of the training images. `unlike(extractor, images)` compares new ones with it.

    Args:
        arrays: as `fit` and `load` make them; three tables of training images, their scales and limits.

    Source:
        Sun et al., Out-of-distribution detection with deep nearest neighbors, arXiv 2204.06507.
    """

    def __init__(self, arrays: dict[str, np.ndarray]):
        """arrays: as `fit` and `load` make them; three tables of training images, their scales and limits."""
        self.arrays = arrays
        self._nearest = {
            view: NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(arrays[view]))).fit(arrays[view])
            for view in ("features", "statistics", "thumbnail")
        }

    @classmethod
    def fit(
        cls,
        extractor: FeatureExtractor,
        train: np.ndarray,
        val: np.ndarray,
        refuse: float = 0.02,
        seed: int = 7,
        labels: np.ndarray | None = None,
    ) -> "Reference":
        """Remember training images, and set the limit so that at most a share `refuse` of images like `val` is above.

        Args:
            extractor: of the model.
            train: (n, height, width, channels) uint8, at least 20; at most 2,000 are kept, by seed.
            val: (n, height, width, channels) uint8, at least 20, and 1 / refuse - 1 to keep the promise; best images
                that chose nothing else.
            refuse: share of new images, on average, between 0 and 0.5.
            seed: chooses what is kept of `train`.
            labels: (n,) int, class of each image of `train`: at least five of every class are then kept, so that a
                rare class is not unlike; beyond 400 classes that may be more than 2,000 images.

        Raises:
            ValueError: too few images, another number of labels, or `refuse` is not between 0 and 0.5.
        """
        if not 0 < refuse < 0.5:
            raise ValueError(f"refuse: {refuse!r}; a share between 0 and 0.5, such as 0.02")
        for name, images in (("train", train), ("val", val)):
            if len(images) < 20:
                raise ValueError(f"{name}: {len(images)} images are too few to say what is usual; give 20 or more")
        kept = _kept(len(train), labels, seed)
        arrays = {}
        for view, describe in _views(extractor).items():
            table = describe(train[kept])
            spread = table.std(axis=0)
            # what hardly varies in training must not decide alone
            scale = np.maximum(spread, max(0.01 * float(spread.max()), 1e-6)).astype(np.float32)
            arrays |= {view: (table - table.mean(axis=0)) / scale, f"{view}_mean": table.mean(axis=0)}
            arrays |= {f"{view}_scale": scale, f"{view}_limit": np.float32(1)}
        reference = cls(arrays)
        distances = reference.distances(extractor, val)
        for view, values in distances.items():
            reference.arrays[f"{view}_limit"] = np.float32(max(_limit(values, refuse), 1e-6))
        worst = reference.unlike(extractor, val)
        for view in distances:  # the worst of three is above its limit more often than one alone
            reference.arrays[f"{view}_limit"] *= np.float32(_limit(worst, refuse) * (1 + 1e-6))
        return reference

    def misfit(self, extractor: FeatureExtractor) -> str:
        """Why this can't be the reference of a model, in words; "" where it can.

        Args:
            extractor: of the model.
        """
        blank = np.zeros((1, *extractor.shape), np.uint8)
        widths = {
            view: (self.arrays[view].shape[1], describe(blank).shape[1]) for view, describe in _views(extractor).items()
        }
        return next(
            (f"{view} of {kept} numbers, expected {now}" for view, (kept, now) in widths.items() if kept != now), ""
        )

    def distances(self, extractor: FeatureExtractor, images: np.ndarray) -> dict[str, np.ndarray]:
        """How far images are from the training images, in three respects.

        Args:
            extractor: of the model.
            images: (n, height, width, channels) uint8.

        Returns:
            "features", "statistics" and "thumbnail" -> (n,) float, mean distance to the nearest training images over
            its limit; above 1 the image is unlike in this respect.
        """
        found = {}
        for view, describe in _views(extractor).items():
            points = (describe(images) - self.arrays[f"{view}_mean"]) / self.arrays[f"{view}_scale"]
            found[view] = self._nearest[view].kneighbors(points)[0].mean(axis=1) / self.arrays[f"{view}_limit"]
        return found

    def unlike(self, extractor: FeatureExtractor, images: np.ndarray) -> np.ndarray:
        """The largest of the three distances.

        Args:
            extractor: of the model.
            images: (n, height, width, channels) uint8.

        Returns:
            (n,) float; 1 is the limit, above it an image is unlike the training images.
        """
        return np.max(list(self.distances(extractor, images).values()), axis=0)

    def save(self, path: Path) -> None:
        """Write all tables into one .npz file.

        Args:
            path: of the file, its ending included.
        """
        content = io.BytesIO()
        np.savez_compressed(content, **self.arrays)
        path.write_bytes(content.getvalue())

    @classmethod
    def load(cls, path: Path) -> "Reference":
        """Read what `save` wrote, numbers only.

        Args:
            path: of the .npz file.

        Raises:
            ReferenceFileError: the file is another one, or damaged, or holds what can't be compared with, such as NaN.
        """
        try:
            with np.load(path, allow_pickle=False) as found:
                arrays = {name: found[name] for name in found.files}
        except Exception as error:  # NumPy fails on a foreign file in any way
            words = f"{path}: cannot be read ({type(error).__name__}); copy the bundle again"
            raise ReferenceFileError(words) from error
        expected = {f"{view}{end}" for view in _views(None) for end in ("", "_mean", "_scale", "_limit")}
        if set(arrays) != expected:
            raise ReferenceFileError(f"{path}: not a reference of this course's bundles; copy the bundle again")
        if wrong := next(filter(None, (_fault(view, arrays) for view in _views(None))), ""):
            raise ReferenceFileError(f"{path}: {wrong}, so no image can be compared with it; save the bundle again")
        return cls(arrays)


def _fault(view: str, arrays: dict[str, np.ndarray]) -> str:
    """What is wrong with the numbers of one view, in words; "" where nothing is."""
    table, limit = arrays[view], arrays[f"{view}_limit"]
    shapes = {f"{view}_mean": table.shape[1:], f"{view}_scale": table.shape[1:], f"{view}_limit": ()}
    if table.ndim != 2 or 0 in table.shape:
        return f"{view} has the shape {table.shape}, expected (images, numbers)"
    for name, shape in ({view: table.shape} | shapes).items():
        if arrays[name].shape != shape or arrays[name].dtype.kind != "f":
            return f"{name} is {arrays[name].dtype} of the shape {arrays[name].shape}, expected float of {shape}"
        if not np.isfinite(arrays[name]).all():
            return f"{name} holds NaN or infinite numbers"
    above = {f"{view}_limit": limit, f"{view}_scale": arrays[f"{view}_scale"]}
    return next((f"{name} has numbers that are not above 0" for name, found in above.items() if found.min() <= 0), "")
