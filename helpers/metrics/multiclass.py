"""More than two classes: each class against the rest, and the means of the classes, with their intervals."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from sklearn import metrics as sk

from helpers.metrics.influence import macro_influence, share_below, unit_sums
from helpers.metrics.intervals import auc_size, bounded, effective_sizes, grouped_size, share_interval, shares
from helpers.metrics.names import CLASS_METRICS, MULTICLASS_METRICS

MACRO = tuple(CLASS_METRICS)  # the mean of their classes is a metric of the whole


class Placements:
    """Where each class ranks its images among the rest, prepared once from labels and probabilities.

    Args:
        y: (n,) int, numbers of the classes.
        prob: (n, classes) float.

    Attributes:
        above: (n,) float, the share of the rest that the class of an image ranks below it.
        below: (n, classes) float, of an image the share of each other class that ranks above it.
        auc: (classes,) float, the ROC AUC; NaN where a class has no image.
        count: (classes,) int, images.
    """

    def __init__(self, y: np.ndarray, prob: np.ndarray) -> None:
        n, n_classes = prob.shape
        self.y, self.count = y, np.bincount(y, minlength=n_classes)
        self.above, self.below, self.auc = np.zeros(n), np.ones((n, n_classes)), np.full(n_classes, np.nan)
        for label in np.unique(y):
            of_class = y == label
            own, rest = np.sort(prob[of_class, label]), np.sort(prob[~of_class, label])
            self.above[of_class] = share_below(rest, prob[of_class, label])
            self.below[~of_class, label] = 1 - share_below(own, prob[~of_class, label])
            self.auc[label] = self.above[of_class].mean()

    @property
    def influence(self) -> np.ndarray:
        """(n, classes) influence of each image on the ROC AUC of each class; 0 where a class has no image.

        Source:
            DeLong, DeLong and Clarke-Pearson, Biometrics 1988.
        """
        n, present = len(self.y), self.count > 0
        moved = np.where(present, (self.below - np.where(present, self.auc, 0)) / np.maximum(n - self.count, 1), 0.0)
        moved[np.arange(n), self.y] = (self.above - self.auc[self.y]) / self.count[self.y]
        return moved

    def macro_influence(self) -> np.ndarray:
        """(n,) influence of each image on the mean ROC AUC of the classes."""
        return self.influence.sum(axis=1) / (self.count > 0).sum()

    def intervals(self, units: np.ndarray, confidence: float) -> np.ndarray:
        """(2, classes) intervals of the ROC AUC of each class; NaN where it has no image.

        Args:
            units: (n,) int from 0, number of the unit of each image.
            confidence: of the intervals, between 0 and 1.

        Source:
            Obuchowski, Nonparametric analysis of clustered ROC curve data, Biometrics 1997.
        """
        n, n_classes = self.below.shape
        pairs = np.unique(np.stack([units, self.y]), axis=1)[1]
        groups = np.bincount(pairs, minlength=n_classes)
        moved = self.influence
        moved[np.arange(n), self.y] *= np.sqrt(groups / np.maximum(groups - 1, 1))[self.y]
        together = csr_array((np.ones(n), (units, np.arange(n))))
        variance = ((together @ moved) ** 2).sum(axis=0)
        own = np.unique(np.stack([units, self.y])[:, self.above < 1], axis=1)[1]
        rest = ((together @ (self.below < 1).astype(float)) > 0).sum(axis=0)
        wrong = np.minimum(np.bincount(own, minlength=n_classes), rest)
        some = self.count > 0
        ends = np.full((2, n_classes), np.nan)
        size = grouped_size(auc_size(self.count[some], n - self.count[some]), units)
        ends[:, some] = bounded(self.auc[some], variance[some], size, wrong[some], groups[some], confidence)
        return ends


def class_intervals(
    y: np.ndarray, answers: np.ndarray, units: np.ndarray, n_classes: int, confidence: float
) -> dict[str, np.ndarray]:
    """(2, classes) intervals of precision, recall and F1 of each class against the rest; 0 to 1 where it has no image.

    Args:
        y, answers: (n,) int, numbers of the classes.
        units: (n,) int, number of the unit of each image.
        n_classes: 3 or more.
        confidence: of the intervals, between 0 and 1.
    """
    right, wrong = y == answers, y != answers
    union = np.r_[y, answers[wrong]]  # tp + fn, and fp
    f1 = shares(
        np.r_[right, np.zeros(wrong.sum(), dtype=bool)], union, np.r_[units, units[wrong]], n_classes, confidence
    )
    return {
        "precision": shares(right, answers, units, n_classes, confidence),
        "recall": shares(right, y, units, n_classes, confidence),
        "f1": 2 * f1 / (1 + f1),
    }


def confusions(
    y: np.ndarray, answers: np.ndarray, units: np.ndarray, n_classes: int, confidence: float
) -> list[list[float]]:
    """Each confusion that occurs: true class, predicted class, images, share of the true class, and its interval.

    Args:
        y, answers: (n,) int, numbers of the classes.
        units: (n,) int, number of the unit of each image; a confusion has the effective number of images of the recall.
        n_classes: 3 or more.
        confidence: of the intervals, between 0 and 1.
    """
    wrong = y != answers
    pairs, images = np.unique(y[wrong] * n_classes + answers[wrong], return_counts=True)
    true, predicted = np.divmod(pairs, n_classes)
    share = images / np.bincount(y, minlength=n_classes)[true]
    n, _ = effective_sizes(~wrong, y, units, n_classes, confidence)
    ends = share_interval(share, n[true], confidence)
    return [
        [int(a), int(b), int(count), *map(float, numbers)]
        for a, b, count, *numbers in zip(true, predicted, images, share, *ends, strict=True)
    ]


def whole_influence(
    name: str, y: np.ndarray, answers: np.ndarray, found: np.ndarray, placements: Placements
) -> np.ndarray:
    """(n,) influence of each image on a metric of all classes.

    Args:
        name: one of `MULTICLASS_METRICS`.
        y, answers: (n,) int, numbers of the classes.
        found: (n,) bool, whether the true class is among the largest probabilities.
        placements: of the same images.
    """
    if name == "roc_auc":
        return placements.macro_influence()
    if name in ("accuracy", "top_k_accuracy"):
        hit = found if name == "top_k_accuracy" else y == answers
        return (hit - hit.mean()) / len(y)
    return macro_influence("recall" if name == "balanced_accuracy" else name, y, answers, len(placements.count))


def whole_strata(name: str, y: np.ndarray) -> np.ndarray:
    """(n,) int: the images within which the influences on a metric of all classes have the sum 0.

    Args:
        name: one of `MULTICLASS_METRICS`.
        y: (n,) int, numbers of the classes.
    """
    return y if name in ("recall", "balanced_accuracy") else np.zeros_like(y)


def macro_intervals(
    values: dict[str, float],
    y: np.ndarray,
    answers: np.ndarray,
    units: np.ndarray,
    placements: Placements,
    confidence: float,
) -> dict[str, tuple[float, float]]:
    """Intervals of the means of the classes, from the variance by unit of what each image moves them.

    Args:
        values: metric of `MULTICLASS_METRICS` -> value.
        y, answers: (n,) int, numbers of the classes.
        units: (n,) int from 0, number of the unit of each image.
        placements: of the same images.
        confidence: of the intervals, between 0 and 1.
    """
    n_units, intervals = units.max() + 1, {}
    count = placements.count[placements.count > 0]
    for name in (*MACRO, "balanced_accuracy"):
        moved = whole_influence(name, y, answers, np.zeros(0), placements)
        variance = (unit_sums(moved, units, whole_strata(name, y)) ** 2).sum()
        wrong = placements.above < 1 if name == "roc_auc" else y != answers
        informative = min(len(np.unique(units[wrong])), len(np.unique(units[~wrong])) or n_units)
        each = auc_size(count, len(y) - count) if name == "roc_auc" else count
        expected = grouped_size(len(count) ** 2 / (1 / each).sum(), units)
        ends = bounded(values[name], variance, expected, informative, n_units, confidence)
        intervals[name] = (float(ends[0]), float(ends[1]))
    return intervals


def found_among(y: np.ndarray, prob: np.ndarray, top_k: int) -> np.ndarray:
    """(n,) bool: whether the true class is among the `top_k` largest probabilities.

    Args:
        y: (n,) int, numbers of the classes.
        prob: (n, classes) float.
        top_k: 1 or more.
    """
    return (np.argsort(prob, axis=1, kind="stable")[:, ::-1][:, :top_k] == y[:, None]).any(axis=1)


def class_values(y: np.ndarray, answers: np.ndarray, placements: Placements) -> dict[str, np.ndarray]:
    """Every metric of each class against the rest.

    Args:
        y: (n,) int, numbers of the classes, at least two of them present.
        answers: (n,) int.
        placements: of the same images.

    Returns:
        Metric of `CLASS_METRICS` -> (classes,) float, NaN where a class has no image.
    """
    present = np.unique(y)
    found = sk.precision_recall_fscore_support(y, answers, labels=present, zero_division=0.0)[:3]
    values = {name: np.full(len(placements.count), np.nan) for name in ("precision", "recall", "f1")}
    for column, value in zip(values.values(), found, strict=True):
        column[present] = value
    return values | {"roc_auc": placements.auc}


def macro_values(
    y: np.ndarray, answers: np.ndarray, found: np.ndarray, classes: dict[str, np.ndarray]
) -> dict[str, float]:
    """The metrics of the whole; macro ones over the classes that have images.

    Args:
        y, answers: (n,) int, numbers of the classes.
        found: (n,) bool, whether the true class is among the largest probabilities.
        classes: of `class_values`.
    """
    macro = {name: float(np.nanmean(classes[name])) for name in MACRO}
    whole = {"accuracy": float((y == answers).mean()), "top_k_accuracy": float(found.mean())}
    whole |= {"balanced_accuracy": macro["recall"]} | macro
    return {name: whole[name] for name in MULTICLASS_METRICS}
