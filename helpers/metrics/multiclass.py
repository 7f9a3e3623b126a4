"""More than two classes: each class against the rest, for all resamples at once."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array
from sklearn import metrics as sk

from helpers.metrics.intervals import CHUNK, FEW_GROUPS, wilson
from helpers.metrics.names import CLASS_METRICS, MULTICLASS_METRICS

MACRO = tuple(CLASS_METRICS)  # the mean of their classes is a metric of the whole


def class_units(y: np.ndarray, codes: np.ndarray, n_classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Which unit is resampled with each image, and which units are drawn together.

    A unit is a group, or the image itself where there are no groups. The units of one class are drawn together, so that
    every resample has about the class shares of the images. Classes with fewer than FEW_GROUPS groups are put together,
    and with the next smallest where even those are too few; fewer than FEW_GROUPS in all are taken apart into images.

    Args:
        y: (n,) int, numbers of the classes.
        codes: (n,) int from 0, number of each image's group.
        n_classes: 3 or more.

    Returns:
        (n,) int number of the unit of each image, (units,) int what is drawn together, (classes,) int groups of each
        class that has too few, else 0, and whether all were taken apart into images.
    """
    n_groups = codes.max() + 1
    if n_groups == len(codes):
        return np.arange(len(y)), y, np.zeros(n_classes, dtype=int), False
    of_class = units_of_classes(y, codes, n_classes)
    few = np.where(of_class < FEW_GROUPS, of_class, 0)
    if n_groups < FEW_GROUPS:
        return np.arange(len(y)), y, few, True
    side = np.asarray(_table(codes, y, n_classes).argmax(axis=1)).ravel()  # a matrix in older SciPy
    count = np.bincount(side, minlength=n_classes)
    rising = np.argsort(count, kind="stable")
    smaller = np.cumsum(count[rising]) - count[rising]
    together = rising[(count[rising] < FEW_GROUPS) | (smaller < FEW_GROUPS)]
    return codes, np.where(np.isin(side, together), n_classes, side), few, False


def draws(units: np.ndarray, strata: np.ndarray, n_boot: int, seed: int) -> Iterator[np.ndarray]:
    """(resamples, n) arrays of how often each image was drawn, a few resamples at a time.

    Args:
        units: (n,) int from 0, number of the unit of each image.
        strata: (units,) int; units of one number are drawn from each other.
        n_boot: resamples.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(strata, kind="stable")
    _, first, size = np.unique(strata[order], return_index=True, return_counts=True)
    low, high = np.repeat(first, size), np.repeat(first + size, size)
    rows = max(1, CHUNK // len(units))
    for start in range(0, n_boot, rows):
        m = min(rows, n_boot - start)
        drawn = rng.integers(low, high, (m, len(order))) + len(order) * np.arange(m)[:, None]
        times = np.empty((m, len(order)), dtype=np.float32)
        times[:, order] = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(m, -1)
        yield times[:, units]


class Tally:
    """What is counted in every resample, prepared once from labels and probabilities.

    Args:
        y: (n,) int, numbers of the classes.
        prob: (n, classes) float.
        top_k: the true class counts as found among so many of the largest probabilities.

    Attributes:
        answers: (n,) int, the class with the largest probability.
        found: (n,) bool, whether the true class is among the `top_k`.
        present: (classes,) bool, whether a class has an image.
        cells: (2, pairs) int, true and predicted class of each confusion that occurs.
        cell_counts: (pairs,) int, its images.
    """

    def __init__(self, y: np.ndarray, prob: np.ndarray, top_k: int) -> None:
        n_classes = prob.shape[1]
        self.answers = prob.argmax(axis=1)
        self.found = (np.argsort(prob, axis=1, kind="stable")[:, ::-1][:, :top_k] == y[:, None]).any(axis=1)
        self.present = np.bincount(y, minlength=n_classes) > 0
        wrong = np.flatnonzero(self.answers != y)
        pairs, which, self.cell_counts = np.unique(
            y[wrong] * n_classes + self.answers[wrong], return_inverse=True, return_counts=True
        )
        self.cells = np.stack(np.divmod(pairs, n_classes))
        rows, right = np.arange(len(y)), self.answers == y
        self._true = _table(rows, y, n_classes)
        self._said = _table(rows, self.answers, n_classes)
        self._right = _table(rows[right], y[right], n_classes, len(y))
        self._cell = _table(wrong, which, len(pairs), len(y))
        self._flags = np.stack([right, self.found], axis=1).astype(np.float32)
        above, below, self._auc = _placements(y, prob)
        self._above = csr_array((above, (rows, y)), shape=prob.shape)
        self._below = below

    def values(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric for many sets of weights at once.

        The ROC AUC of each class is linear in the weights of its images and of the rest; the product of both changes,
        which is smaller by the root of the number of images, is left out.

        Args:
            weights: (m, n) float32, 0 or more.

        Returns:
            "accuracy" and "top_k_accuracy": (m,); the metrics of each class: (m, classes), NaN where it has no image in
            a resample; "cells": (m, pairs), share of the true class.

        Source:
            DeLong et al., Comparing the areas under two or more correlated ROC curves, Biometrics 1988.
        """
        total = weights.sum(axis=1, keepdims=True, dtype=float)
        true, said, right = weights @ self._true, weights @ self._said, weights @ self._right
        with np.errstate(divide="ignore", invalid="ignore"):
            accuracy, found = (weights @ self._flags / total).T
            auc = (weights @ self._above) / true + (weights @ self._below) / (total - true) - self._auc
            values = {
                "precision": np.where(said > 0, right / said, 0.0),
                "recall": right / true,
                "f1": 2 * right / (true + said),
                "roc_auc": auc.clip(0, 1),
            }
            cells = (weights @ self._cell) / true[:, self.cells[0]]
        values = {name: np.where(true > 0, value, np.nan) for name, value in values.items()}
        return {"accuracy": accuracy, "top_k_accuracy": found, **values, "cells": cells}

    def samples(self, weights: Iterator[np.ndarray]) -> dict[str, np.ndarray]:
        """Every metric of all resamples.

        Args:
            weights: arrays (m, n) of weights.
        """
        parts = [self.values(part) for part in weights]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def macro_samples(samples: dict[str, np.ndarray], values: dict[str, float]) -> dict[str, np.ndarray]:
    """The metrics of the whole in every resample: the means of the classes that occur in it.

    Precision and F1 of few images are lower in resamples; over many classes that shift can exceed the spread. The macro
    metrics are therefore moved so that the mean of the resamples is the value.

    Args:
        samples: of `Tally.samples`.
        values: of `macro_values`.

    Returns:
        Metric of `MULTICLASS_METRICS` -> (n_boot,) float in [0, 1].
    """
    means = {name: np.nanmean(samples[name], axis=1) for name in MACRO}
    means = {name: (mean - mean.mean() + values[name]).clip(0, 1) for name, mean in means.items()}
    means["balanced_accuracy"] = means["recall"]
    return {name: means.get(name, samples.get(name)) for name in MULTICLASS_METRICS}


def class_values(y: np.ndarray, prob: np.ndarray, answers: np.ndarray) -> dict[str, np.ndarray]:
    """Every metric of each class against the rest, by scikit-learn.

    Args:
        y: (n,) int, numbers of the classes, at least two of them present.
        prob: (n, classes) float.
        answers: (n,) int.

    Returns:
        Metric of `CLASS_METRICS` -> (classes,) float, NaN where a class has no image.
    """
    n_classes = prob.shape[1]
    present = np.unique(y)
    precision, recall, f1, _ = sk.precision_recall_fscore_support(y, answers, labels=present, zero_division=0.0)
    auc = np.array([sk.roc_auc_score(y == label, prob[:, label]) for label in present])
    found = {"precision": precision, "recall": recall, "f1": f1, "roc_auc": auc}
    return {name: _spread(value, present, n_classes) for name, value in found.items()}


def macro_values(
    y: np.ndarray, prob: np.ndarray, answers: np.ndarray, top_k: int, classes: dict[str, np.ndarray]
) -> dict[str, float]:
    """The metrics of the whole, by scikit-learn; macro ones over the classes that have images.

    Args:
        y, prob, answers: as in `class_values`.
        top_k: as in `Tally`.
        classes: of `class_values`.
    """
    macro = {name: float(np.nanmean(classes[name])) for name in MACRO}
    found = sk.top_k_accuracy_score(y, prob, k=top_k, labels=range(prob.shape[1]))
    whole = {"accuracy": float(sk.accuracy_score(y, answers)), "balanced_accuracy": macro["recall"]}
    return {name: (whole | macro | {"top_k_accuracy": float(found)})[name] for name in MULTICLASS_METRICS}


def percentile_columns(samples: np.ndarray, confidence: float) -> np.ndarray:
    """(2, columns) ends of the percentile interval of each column; NaN is left out.

    Args:
        samples: (n_boot, columns) float.
        confidence: share of the samples between the ends.
    """
    ends = np.full((2, samples.shape[1]), np.nan)
    some = ~np.isnan(samples).all(axis=0)
    whole = some & ~np.isnan(samples).any(axis=0)
    shares = [(1 - confidence) / 2, (1 + confidence) / 2]
    ends[:, whole] = np.quantile(samples[:, whole], shares, axis=0)
    ends[:, some & ~whole] = np.nanquantile(samples[:, some & ~whole], shares, axis=0)
    return ends


def wilson_where_certain(values: np.ndarray, ends: np.ndarray, units: np.ndarray, confidence: float) -> np.ndarray:
    """Intervals of proportions, Wilson's where all resamples agree: a bootstrap would claim certainty there.

    Args:
        values: (columns,) float.
        ends: (2, columns) float, of `percentile_columns`.
        units: (columns,) int, images or groups that each value is about.
        confidence: of the interval.
    """
    ends = ends.copy()
    certain = (values == 0) | (values == 1) | (ends[0] == ends[1])
    for i in np.flatnonzero(certain):
        ends[:, i] = wilson(values[i], int(units[i]), confidence)
    return ends


def units_of_classes(y: np.ndarray, units: np.ndarray, n_classes: int) -> np.ndarray:
    """(classes,) int: units with an image of each class.

    Args:
        y: (n,) int, numbers of the classes.
        units: (n,) int, number of the unit of each image.
        n_classes: 3 or more.
    """
    return np.bincount(np.unique(np.stack([units, y]), axis=1)[1], minlength=n_classes)


def effective_units(counts: np.ndarray) -> int:
    """How many units a mean over classes is about: classes x harmonic mean of their units.

    With equal classes that is the number of all units; a few small classes make it smaller, as they do the certainty.

    Args:
        counts: (classes,) int, units of each class; classes without any are left out.

    Example:
        >>> effective_units(np.array([50, 50, 50])), effective_units(np.array([50, 50, 2]))
        (150, 16)
    """
    counts = counts[counts > 0]
    return int(len(counts) ** 2 / (1 / counts).sum() + 1e-9)


def _table(rows: np.ndarray, columns: np.ndarray, n_columns: int, n_rows: int | None = None) -> csr_array:
    ones = np.ones(len(rows), dtype=np.float32)
    return csr_array((ones, (rows, columns)), shape=(n_rows or rows.max() + 1, n_columns))


def _placements(y: np.ndarray, prob: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each image, the share of the rest that its class ranks below it; of the rest, the share of the class above.

    Returns:
        (n,) float32, (n, classes) float32 with 0 for the images of the class itself, and (classes,) the ROC AUC.
    """
    n, n_classes = prob.shape
    above, below, auc = np.zeros(n, np.float32), np.zeros((n, n_classes), np.float32), np.zeros(n_classes)
    for label in np.unique(y):
        of_class = y == label
        own, rest = np.sort(prob[of_class, label]), np.sort(prob[~of_class, label])
        above[of_class] = _share_below(rest, prob[of_class, label])
        below[~of_class, label] = 1 - _share_below(own, prob[~of_class, label])
        auc[label] = above[of_class].mean(dtype=float)
    return above, below, auc


def _share_below(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Share of the ordered numbers below each value; equal ones count half."""
    return (np.searchsorted(ordered, values) + np.searchsorted(ordered, values, side="right")) / (2 * len(ordered))


def _spread(values: np.ndarray, places: np.ndarray, size: int) -> np.ndarray:
    whole = np.full(size, np.nan)
    whole[places] = values
    return whole
