"""ROC AUC of a model that was trained on several draws of its training images, with intervals over groups."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from helpers.errors import CourseError


class MeanAUC(NamedTuple):
    """A mean over draws, or a difference of two, and the ends of its interval."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0: of a difference."""
        return self.low > 0 or self.high < 0


class DrawsError(CourseError, ValueError):
    """What was given are not the answers of several trainings for the same images."""


def auc_of_draws(
    y_true: Iterable,
    draws: Sequence[Iterable],
    groups: Iterable | None = None,
    minus: Sequence[Iterable] | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> MeanAUC:
    """Mean ROC AUC of several trainings, with an interval that resamples the groups of the scored images.

    The ROC AUC is the share of pairs, one image of each class, that are ranked the right way; a tie counts half. All
    trainings answer for the same images, so their pairs are averaged first, and a resample weighs the mean.

    Args:
        y_true: (n,) labels 0 and 1, both present.
        draws: for each training (n,) scores, larger for class 1.
        groups: (n,) names of patients or modules, resampled as a whole; None: every image for itself.
        minus: the same of another model: the result is then the difference, on the same resamples.
        n_boot: resamples; those without one of the classes are left out.
        seed: of the resampling.
        confidence: share of the interval, between 0 and 1.

    Raises:
        DrawsError: other labels, lengths that differ, or values that are no numbers.

    Example:
        >>> auc_of_draws([0, 0, 1, 1], draws=[[0.1, 0.2, 0.8, 0.9], [0.1, 0.6, 0.4, 0.9]]).value
        0.875
    """
    y = np.asarray(y_true)
    if y.ndim != 1 or set(np.unique(y)) != {0, 1}:
        raise DrawsError("y_true: give one label for each image, 0 or 1, and both of them.")
    names = np.arange(len(y)) if groups is None else np.asarray(groups)
    if names.shape != y.shape:
        raise DrawsError(f"groups: {len(names)} names for {len(y)} images.")
    ranked = _ranked(y, draws, "draws")
    if minus is not None:
        ranked = ranked - _ranked(y, minus, "minus")
    codes = np.unique(names, return_inverse=True)[1]
    n_groups = codes.max() + 1
    counts = np.random.default_rng(seed).multinomial(n_groups, np.full(n_groups, 1 / n_groups), n_boot)
    weights = counts[:, codes].astype(float)
    positive, negative = weights[:, y == 1], weights[:, y == 0]
    total = positive.sum(axis=1) * negative.sum(axis=1)
    samples = ((positive @ ranked) * negative).sum(axis=1)[total > 0] / total[total > 0]
    low, high = np.quantile(samples, [(1 - confidence) / 2, (1 + confidence) / 2])
    return MeanAUC(float(ranked.mean()), float(low), float(high))


def _ranked(y: np.ndarray, draws: Sequence[Iterable], argument: str) -> np.ndarray:
    """(positives, negatives): in what share of the draws the one has the larger score, a tie counting half."""
    scores = np.asarray(draws, dtype=float)
    if scores.ndim != 2 or scores.shape[1] != len(y) or not len(scores):
        raise DrawsError(f"{argument}: of shape {scores.shape}; give {len(y)} scores for each of the trainings.")
    if not np.isfinite(scores).all():
        raise DrawsError(f"{argument}: some scores are no numbers.")
    total = np.zeros((int((y == 1).sum()), int((y == 0).sum())))
    for one in scores:
        above = one[y == 1][:, np.newaxis] - one[y == 0]
        total += (above > 0) + 0.5 * (above == 0)
    return total / len(scores)
