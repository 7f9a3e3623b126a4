"""How much each image moves a metric: what variances by image or by group, and of paired differences, are made of.

The influence of an image is the derivative of the metric by its weight; the influences of all images have the sum 0.
The variance of the metric is the sum of squares of what the images of each unit move it together.
"""

from __future__ import annotations

import numpy as np


def cases(y: np.ndarray, positive: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The metrics of two classes that are shares: metric -> (what is counted, among which images).

    For F1 that is tp of tp + fp + fn, a share s from which F1 follows as 2 s / (1 + s).

    Args:
        y: (n,) int, labels 0 and 1.
        positive: (n,) bool, the answers.

    Source:
        Lam, Raghavan and Panella, Confidence intervals for the F1 score, arXiv 2309.14621.
    """
    true, every = y == 1, np.ones(len(y), dtype=bool)
    return {
        "accuracy": (true == positive, every),
        "precision": (true & positive, positive),
        "recall": (true & positive, true),
        "specificity": (~true & ~positive, ~true),
        "false_negative_rate": (true & ~positive, true),
        "negative_predictive_value": (~true & ~positive, ~positive),
        "f1": (true & positive, true | positive),
    }


def binary_influence(name: str, y: np.ndarray, prob: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """(n,) influence of each image on a metric of two classes.

    Args:
        name: one of `METRICS`.
        y: (n,) int, labels 0 and 1, both present.
        prob: (n,) float, probabilities of class 1.
        positive: (n,) bool, the answers.
    """
    if name == "roc_auc":
        return auc_influence(y, prob)[0]
    if name == "pr_auc":
        return average_precision_influence(y, prob)
    if name == "balanced_accuracy":
        return (binary_influence("recall", y, prob, positive) + binary_influence("specificity", y, prob, positive)) / 2
    hit, among = cases(y, positive)[name]
    if name == "f1":
        both = (y == 1).astype(float) + positive
        return (2 * hit - 2 * hit.sum() / both.sum() * both) / both.sum()
    return (hit - hit.sum() / max(among.sum(), 1) * among) / max(among.sum(), 1)


def auc_influence(y: np.ndarray, prob: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Influence on the ROC AUC, and which images are ranked wrongly against at least one of the other class.

    Args:
        y: (n,) int or bool, labels 0 and 1, both present.
        prob: (n,) float.

    Returns:
        (n,) float and (n,) bool.

    Source:
        DeLong, DeLong and Clarke-Pearson, Biometrics 1988; for groups Obuchowski, Biometrics 1997.
    """
    true = y == 1
    placed = np.empty(len(y))
    placed[true] = share_below(np.sort(prob[~true]), prob[true])
    placed[~true] = 1 - share_below(np.sort(prob[true]), prob[~true])
    area = placed[true].mean()
    return (placed - area) / np.where(true, true.sum(), (~true).sum()), placed < 1


def average_precision_influence(y: np.ndarray, prob: np.ndarray) -> np.ndarray:
    """(n,) influence of each image on the average precision.

    Args:
        y: (n,) int, labels 0 and 1, both present.
        prob: (n,) float.

    Source:
        Clemencon and Vayatis, Nonparametric estimation of the precision-recall curve, ICML 2009.
    """
    order = np.argsort(-prob, kind="stable")
    true = (y[order] == 1).astype(float)
    last = np.r_[np.flatnonzero(np.diff(prob[order])), len(y) - 1]  # images of one probability enter together
    step = np.repeat(np.arange(len(last)), np.diff(np.r_[-1, last]))
    above = last + 1.0
    positives = np.bincount(step, true)
    precision = positives.cumsum() / above
    m = true.sum()
    average = (positives * precision).sum() / m
    gained = (positives / above)[::-1].cumsum()[::-1]  # of a positive image, for the precision at and below it
    lost = (positives * precision / above)[::-1].cumsum()[::-1]
    influence = np.empty(len(y))
    influence[order] = (true * (precision[step] - average) + true * gained[step] - lost[step]) / m
    return influence


def macro_influence(name: str, y: np.ndarray, answers: np.ndarray, n_classes: int) -> np.ndarray:
    """(n,) influence of each image on a metric that is a mean over the classes with images.

    Args:
        name: "precision", "recall" or "f1".
        y, answers: (n,) int, numbers of the classes.
        n_classes: 3 or more.
    """
    right = y == answers
    true, said = np.bincount(y, minlength=n_classes), np.bincount(answers, minlength=n_classes)
    hits, present = np.bincount(y[right], minlength=n_classes), true > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        if name == "recall":
            return (right - (hits / true)[y]) / true[y] / present.sum()
        if name == "precision":
            return present[answers] * (right - (hits / said)[answers]) / said[answers] / present.sum()
        f1 = np.where(present, 2 * hits / (true + said), 0.0)
    weight = present / np.maximum(true + said, 1)
    moved = 2 * right * weight[y] - f1[y] * weight[y] - f1[answers] * weight[answers]
    return moved / present.sum()


def share_below(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Share of the ordered numbers below each value; equal ones count half.

    Args:
        ordered: (m,) float, rising.
        values: (n,) float.
    """
    return (np.searchsorted(ordered, values) + np.searchsorted(ordered, values, side="right")) / (2 * len(ordered))


def unit_sums(influence: np.ndarray, units: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """(units,) what the images of each unit move the metric together, each as large as few units make it.

    The spread of k units around their own mean is too small by (k - 1) / k; influences are enlarged by the root of it.

    Args:
        influence: (n,) float.
        units: (n,) int from 0, number of the unit of each image.
        strata: (n,) int from 0, within which the influences have the sum 0: the true class, or 0 for every image.
    """
    count = np.bincount(np.unique(np.stack([units, strata]), axis=1)[1])
    larger = np.sqrt(count / np.maximum(count - 1, 1))
    return np.bincount(units, influence * larger[strata])
