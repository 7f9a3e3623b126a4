"""Intervals by resampling: which units are drawn, how often, and all metrics of all resamples at once."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import binomtest

FEW_GROUPS = 10  # a class with fewer groups than this is resampled image by image
CHUNK = 1_000_000  # weights held at once: keeps the memory flat in the number of images


def _sides(y: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(groups,) bool: whether at least half of a group's images are positive."""
    return np.bincount(codes, weights=y) / np.bincount(codes) >= 0.5


def resampled_units(y: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, str]:
    """Which unit is resampled with each image: its group, or the image itself where groups are too few.

    A handful of groups cannot be resampled: two of them allow three different draws. Groups of a class that has fewer
    than FEW_GROUPS are therefore taken apart into images.

    Args:
        y: (n,) int, labels 0 and 1.
        codes: (n,) int from 0, number of each image's group.

    Returns:
        (n,) int number of the unit of each image, and a sentence where it is not the group, else "".
    """
    if codes.max() + 1 == len(codes):
        return codes, ""
    side, said, apart = _sides(y, codes), [], np.zeros(len(codes), dtype=bool)
    for value, words in ((True, "positive"), (False, "negative")):
        count = int((side == value).sum())
        if 0 < count < FEW_GROUPS:
            apart |= side[codes] == value
            said.append(
                f"Only {count} group(s) are mostly {words}: these were resampled image by image, so the intervals "
                "may be too narrow for pictures from new groups."
            )
    units = np.where(apart, codes.max() + 1 + np.arange(len(codes)), codes)
    return np.unique(units, return_inverse=True)[1], " ".join(said)


def _weights(y: np.ndarray, codes: np.ndarray, n_boot: int, seed: int) -> Iterator[np.ndarray]:
    """(resamples, n) arrays of how often each image was drawn, a few resamples at a time.

    Units that are mostly positive and units that are mostly negative are drawn separately, so that every resample has
    about the class shares of the images.
    """
    rng = np.random.default_rng(seed)
    side = _sides(y, codes)
    rows = max(1, CHUNK // len(codes))
    for start in range(0, n_boot, rows):
        size = min(rows, n_boot - start)
        times = np.zeros((size, len(side)))
        for members in (np.flatnonzero(side), np.flatnonzero(~side)):
            k = len(members)
            drawn = rng.integers(0, max(k, 1), (size, k)) + k * np.arange(size)[:, None]
            times[:, members] = np.bincount(drawn.ravel(), minlength=size * k).reshape(size, k)
        yield times[:, codes]


def bootstrap(
    y: np.ndarray, prob: np.ndarray, positive: np.ndarray, codes: np.ndarray, n_boot: int, seed: int
) -> dict[str, np.ndarray]:
    """All metrics of many resamples.

    Args:
        y: (n,) int, labels 0 and 1.
        prob: (n,) float, probabilities of class 1.
        positive: (n,) bool, the answers.
        codes: (n,) int from 0, number of the unit that is drawn with each image.
        n_boot: resamples.
        seed: of the draws.

    Returns:
        Metric -> (n_boot,) float64, NaN where a resample lacks the class that the metric is about.
    """
    parts = [weighted_metrics(y, prob, positive, weights) for weights in _weights(y, codes, n_boot, seed)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def weighted_metrics(
    y: np.ndarray, prob: np.ndarray, positive: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """All metrics for many sets of weights at once: scikit-learn's with sample_weight, without a loop.

    Args:
        y: (n,) int, labels 0 and 1.
        prob: (n,) float, probabilities of class 1.
        positive: (n,) bool, the answers.
        weights: (m, n) float, 0 or more.

    Returns:
        Metric -> (m,) float64, NaN where the weighted images lack the class that the metric is about.
    """
    order = np.argsort(-prob, kind="stable")
    y, prob, positive, weights = y[order].astype(float), prob[order], positive[order].astype(float), weights[:, order]
    ties = np.flatnonzero(np.r_[True, np.diff(prob) != 0])  # images of one probability enter the curves together
    pos = np.add.reduceat(weights * y, ties, axis=1)
    neg = np.add.reduceat(weights * (1 - y), ties, axis=1)
    pos_above, neg_above = pos.cumsum(axis=1), neg.cumsum(axis=1)
    p, n = pos_above[:, -1], neg_above[:, -1]
    tp, fp = weights @ (y * positive), weights @ ((1 - y) * positive)
    tn, fn = n - fp, p - tp
    with np.errstate(divide="ignore", invalid="ignore"):
        recall, specificity = tp / p, tn / n
        step_precision = np.nan_to_num(pos_above / (pos_above + neg_above))
        return {
            "accuracy": (tp + tn) / (p + n),
            "balanced_accuracy": (recall + specificity) / 2,
            "precision": np.where(tp + fp > 0, tp / (tp + fp), 0.0),
            "recall": recall,
            "specificity": specificity,
            "false_negative_rate": fn / p,
            "negative_predictive_value": np.where(tn + fn > 0, tn / (tn + fn), 0.0),
            "f1": np.where(p > 0, 2 * tp / (tp + fp + p), np.nan),
            "roc_auc": (neg * (pos_above - pos / 2)).sum(axis=1) / (p * n),
            "pr_auc": (pos * step_precision).sum(axis=1) / p,
        }


def percentiles(samples: np.ndarray, confidence: float) -> tuple[float, float]:
    """Ends of the percentile interval.

    Args:
        samples: (n_boot,) float, the values of the resamples; NaN is left out.
        confidence: share of the samples between the ends.

    Returns:
        Lower and upper end; NaN where no resample has a value.
    """
    valid = samples[~np.isnan(samples)]
    if len(valid) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(valid, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def units_of(name: str, y: np.ndarray, positive: np.ndarray, codes: np.ndarray) -> int:
    """How many images (or groups) a metric is about: those of its denominator, or of the smaller class.

    Args:
        name: attribute name of the metric in `Scores`.
        y: (n,) int, labels 0 and 1.
        positive: (n,) bool, the answers.
        codes: (n,) int from 0, number of each image's group.
    """
    count = {label: len(np.unique(codes[y == label])) for label in (0, 1)}
    if name == "accuracy":
        return int(codes.max()) + 1
    if name == "precision":
        return len(np.unique(codes[positive]))
    if name == "negative_predictive_value":
        return len(np.unique(codes[~positive]))
    if name in ("recall", "false_negative_rate", "f1"):
        return count[1]
    return count[0] if name == "specificity" else min(count.values())


def wilson(share: float, n: int, confidence: float) -> tuple[float, float]:
    """Wilson's interval for a share of n cases.

    Args:
        share: in [0, 1].
        n: cases.
        confidence: of the interval, between 0 and 1.

    Returns:
        Lower and upper end; 0 and 1 where n is 0.

    Source:
        Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927.

    Example:
        >>> low, high = wilson(0.9, 50, confidence=0.95)
        >>> f"{low:.3f} to {high:.3f}"
        '0.786 to 0.957'
    """
    if n == 0:
        return 0.0, 1.0
    ends = binomtest(round(share * n), n).proportion_ci(confidence, method="wilson")
    return float(ends.low), float(ends.high)
