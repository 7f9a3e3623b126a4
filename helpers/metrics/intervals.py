"""Intervals in closed form: shares, areas under curves and means of classes, of images that may come in groups."""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, betaincinv, betaln, ndtri, stdtrit
from scipy.stats import binomtest

FEW_GROUPS = 10  # fewer groups than this say little about new groups
# How much the images of a group resemble each other: what is thought possible before any error was seen.
CORRELATIONS = np.array([0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 0.95])
EXPECTED_CORRELATION = 0.2
_BORDERS = np.r_[0, (CORRELATIONS[1:] + CORRELATIONS[:-1]) / 2, 1]
_LOG_PRIOR = np.log(np.diff(betainc(1, 1 / EXPECTED_CORRELATION - 1, _BORDERS)))
ASSUMED_UNITS = 3  # weight of the assumed variance of an area or a mean of classes, against the units with an error


def wilson(share: float, n: int, confidence: float) -> tuple[float, float]:
    """Wilson's interval for a share of n cases.

    Args:
        share: in [0, 1].
        n: cases; a whole number, also as a float, as a row of a table holds it.
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
    n = int(n) if n == int(n) else n
    ends = binomtest(round(share * n), n).proportion_ci(confidence, method="wilson")
    return float(ends.low), float(ends.high)


def share_interval(share: np.ndarray | float, n: np.ndarray | float, confidence: float = 0.95) -> np.ndarray:
    """Wilson's interval, with the end towards 0 or 1 of Jeffreys' interval where that lies farther out.

    Wilson's alone covers as little as .90 at a true share of .99 and Jeffreys' as little as .88 at .97; the wider of
    their ends covers at least .929 at any n from 30 to 1,000. It needs no whole numbers.

    Args:
        share: in [0, 1].
        n: images, or the effective number of them, above 0; 0 gives the interval from 0 to 1.
        confidence: of the interval, between 0 and 1.

    Returns:
        (2, ...) lower and upper ends.

    Source:
        Wilson 1927; Brown, Cai and DasGupta, Interval estimation for a binomial proportion, Statistical Science 2001.

    Example:
        >>> [f"{low:.3f} to {high:.3f}" for low, high in share_interval(np.array([0.9, 1.0]), 50).T]
        ['0.786 to 0.961', '0.929 to 1.000']
    """
    share, n = np.broadcast_arrays(np.asarray(share, dtype=float), np.asarray(n, dtype=float))
    some = n > 0
    p, n = np.where(some, share, 0.5), np.where(some, n, 1.0)
    z = ndtri((1 + confidence) / 2)
    center = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    tails = np.reshape([(1 - confidence) / 2, (1 + confidence) / 2], (2, *[1] * p.ndim))
    jeffreys = betaincinv(p * n + 0.5, (1 - p) * n + 0.5, tails)
    low = np.where(p < 0.5, np.minimum(center - reach, jeffreys[0]), center - reach)
    high = np.where(p > 0.5, np.maximum(center + reach, jeffreys[1]), center + reach)
    low, high = np.where((p > 0) & some, low, 0.0), np.where((p < 1) & some, high, 1.0)
    return np.stack([low, high])


def divided(
    codes: np.ndarray, y: np.ndarray, n_classes: int, fewest: int = FEW_GROUPS
) -> tuple[np.ndarray, np.ndarray]:
    """What counts as one unit: the group, or the image in classes of too few groups, whose spread can't be estimated.

    Args:
        codes: (n,) int from 0, number of each image's group.
        y: (n,) int, numbers of the classes.
        n_classes: 2 or more.
        fewest: groups that a class needs.

    Returns:
        (n,) int number of the unit of each image, and (classes,) int: the groups of a class that has fewer than
        `fewest` of them and more images than groups, else 0.
    """
    groups = np.bincount(np.unique(np.stack([codes, y]), axis=1)[1], minlength=n_classes)
    few = np.where((groups < fewest) & (groups < np.bincount(y, minlength=n_classes)), groups, 0)
    units = np.where(few[y] > 0, codes.max() + 1 + np.arange(len(y)), codes)
    return np.unique(units, return_inverse=True)[1], few


def divided_of_whole(codes: np.ndarray, y: np.ndarray, n_classes: int) -> np.ndarray:
    """(n,) int: what counts as one unit for a metric of all of several classes, which together have more groups.

    Only classes of a single group are taken apart into images, or all where there are fewer than FEW_GROUPS in all.

    Args:
        codes, y, n_classes: as in `divided`.
    """
    return divided(codes, y, n_classes, 2 if codes.max() + 1 >= FEW_GROUPS else len(codes))[0]


def too_few(weights: np.ndarray, groups: np.ndarray, few: np.ndarray) -> int:
    """The smallest number of groups of a class, where a metric of several classes rests on too few; else 0.

    By Satterthwaite's formula the degrees of freedom of a weighted sum over the classes, which are to be those of
    FEW_GROUPS groups.

    Args:
        weights: (classes,) float, of each class in the metric.
        groups: (classes,) int.
        few: (classes,) int, groups of the classes that have too few, else 0.

    Example:
        >>> one_small = np.array([100, 80, 3])
        >>> too_few(np.array([1, 1, 1]), one_small, np.array([0, 0, 3]))
        3
        >>> too_few(np.array([300, 240, 9]), one_small, np.array([0, 0, 3]))
        0
        >>> too_few(np.ones(40), np.full(40, 6), np.full(40, 6))
        0
    """
    if not few.any():
        return 0
    part = weights[groups > 0] ** 2 / groups[groups > 0]
    degrees = part.sum() ** 2 / (part**2 / np.maximum(groups[groups > 0] - 1, 0.5)).sum()
    return int(few[few > 0].min()) if degrees < FEW_GROUPS - 1 else 0


def effective_sizes(
    hit: np.ndarray, column: np.ndarray, units: np.ndarray, n_columns: int, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """How many independent images the images of each column are worth, as images of one group resemble each other.

    The number is n / (1 + (m - 1) r): m is the mean number of images beside an image in its group, itself included, and
    r the correlation of right and wrong within groups, the posterior mean of a beta-binomial model. What is known
    beforehand is Beta(1, 4) with the mean .2; it decides where there is no error yet. For groups the number is smaller
    by the square of t / z with groups - 1 degrees of freedom. Images of their own count whole.

    Args:
        hit: (n,) bool, what is counted.
        column: (n,) int, of which share an image is a case.
        units: (n,) int, number of the group of each image.
        n_columns: number of the shares.
        confidence: of the interval, between 0 and 1.

    Returns:
        (columns,) float, the effective numbers of images, and the same had no image been wrong; 0 without images.

    Source:
        Kish, Survey Sampling, 1965 (design effect); Korn and Graubard, Confidence intervals for proportions with small
        expected number of positive counts, Survey Methodology 1998 (degrees of freedom); Williams, Biometrics 1975
        (beta-binomial).

    Example:
        >>> hit, groups = np.repeat([True, False], [90, 10]), np.repeat(np.arange(20), 5)
        >>> one_group_each, _ = effective_sizes(hit, np.zeros(100, int), np.arange(100), 1)
        >>> by_group, _ = effective_sizes(hit, np.zeros(100, int), groups, 1)
        >>> int(one_group_each[0]), int(by_group[0])
        (100, 23)
    """
    n_units = int(units.max(initial=0)) + 1
    pairs, which = np.unique(np.asarray(column, dtype=np.int64) * n_units + units, return_inverse=True)
    of = pairs // n_units
    size, hits = np.bincount(which).astype(float), np.bincount(which, hit)
    n, groups = np.bincount(of, size, n_columns), np.bincount(of, minlength=n_columns)
    total = np.bincount(of, hits, n_columns)
    beside = np.bincount(of, size**2, n_columns) / np.maximum(n, 1) - 1
    grouped = (groups < n) & (groups > 1)
    upper = (1 + confidence) / 2
    narrower = np.where(grouped, (ndtri(upper) / stdtrit(np.maximum(groups - 1.0, 1), upper)) ** 2, 1.0)
    expected = np.where(grouped, n / (1 + beside * EXPECTED_CORRELATION) * narrower, n)
    if not grouped.any():
        return n, n
    several = grouped[of] & (size > 1)
    share = (total + 0.5) / (n + 1)
    found = _correlations(hits[several], size[several], of[several], share)
    undecided = (total == 0) | (total == n)
    return np.where(grouped & ~undecided, n / (1 + beside * found) * narrower, expected), expected


def _correlations(hits: np.ndarray, size: np.ndarray, of: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(columns,) posterior mean of the correlation within groups, from the (pairs,) counts of groups and columns."""
    p = share[of]
    likelihood = np.empty((len(CORRELATIONS), len(share)))
    for row, correlation in enumerate(CORRELATIONS):
        if correlation == 0:
            terms = hits * np.log(p) + (size - hits) * np.log(1 - p)
        else:
            scale = 1 / correlation - 1
            terms = betaln(hits + p * scale, size - hits + (1 - p) * scale) - betaln(p * scale, (1 - p) * scale)
        likelihood[row] = np.bincount(of, terms, len(share))
    weights = likelihood + _LOG_PRIOR[:, None]
    weights = np.exp(weights - weights.max(axis=0))
    return CORRELATIONS @ weights / weights.sum(axis=0)


def shares(
    hit: np.ndarray, column: np.ndarray, units: np.ndarray, n_columns: int, confidence: float = 0.95
) -> np.ndarray:
    """(2, columns) intervals of shares: `share_interval` of the effective number of images.

    No end is better than without any error: errors that lie in groups of their own show that images of one group do not
    resemble each other much, and would narrow the interval by more than they move it.

    Args:
        hit, column, units, n_columns, confidence: as in `effective_sizes`.
    """
    n, expected = effective_sizes(hit, column, units, n_columns, confidence)
    images = np.bincount(column, minlength=n_columns)
    share = np.bincount(column, hit, n_columns) / np.maximum(images, 1)
    return _no_better(share_interval(share, n, confidence), expected, confidence)


def bounded(
    value: np.ndarray | float,
    variance: np.ndarray | float,
    expected_n: np.ndarray | float,
    informative: np.ndarray | int,
    groups: np.ndarray | int,
    confidence: float = 0.95,
) -> np.ndarray:
    """Intervals of areas under curves and means of classes: `share_interval` of an effective number of images.

    The number is value (1 - value) / variance, smaller by the square of t / z. Near 1 the variance comes from a few
    errors, therefore it is mixed with that of a share of `expected_n` images, with weights `informative` and
    ASSUMED_UNITS. No end is better than without any error.

    Args:
        value: in [0, 1].
        variance: estimated.
        expected_n: how many images the value is worth without any error.
        informative: units with an error.
        groups: units of the smaller class; t has one degree of freedom less.
        confidence: of the interval, between 0 and 1.

    Returns:
        (2, ...) lower and upper ends.
    """
    spread = value * (1 - np.asarray(value, dtype=float))
    mixed = informative * np.asarray(variance) + ASSUMED_UNITS * spread / expected_n
    n = np.where(spread > 0, spread * (informative + ASSUMED_UNITS) / np.where(mixed > 0, mixed, 1), expected_n)
    upper = (1 + confidence) / 2
    narrower = (ndtri(upper) / stdtrit(np.maximum(np.asarray(groups) - 1.0, 1), upper)) ** 2
    return _no_better(share_interval(value, n * narrower, confidence), expected_n * narrower, confidence)


def grouped_size(images: np.ndarray | float, units: np.ndarray) -> np.ndarray | float:
    """How many images a number of images is worth, before any error was seen, as they come in groups.

    Args:
        images: numbers of images.
        units: (n,) int, number of the group of each image.

    Example:
        >>> [round(float(grouped_size(100, groups)), 1) for groups in (np.arange(100), np.arange(100) // 5)]
        [100.0, 55.6]
    """
    sizes = np.bincount(units)
    return images / (1 + ((sizes**2).sum() / sizes.sum() - 1) * EXPECTED_CORRELATION)


def auc_size(positives: np.ndarray | float, negatives: np.ndarray | float) -> np.ndarray | float:
    """How many images a ROC AUC near 1 is worth.

    Args:
        positives, negatives: numbers of images.

    Source:
        Newcombe, Confidence intervals for an effect size measure based on the Mann-Whitney statistic, part 2, method 5,
        Statistics in Medicine 2006, at an area of 1.

    Example:
        >>> round(auc_size(50, 50), 1), round(auc_size(10, 990), 1)
        (98.0, 39.5)
    """
    return positives * negatives / (1 + ((positives + negatives) / 2 - 1) / 2)


def _no_better(ends: np.ndarray, expected_n: np.ndarray, confidence: float) -> np.ndarray:
    best_low, best_high = share_interval(1.0, expected_n, confidence)[0], share_interval(0.0, expected_n, confidence)[1]
    return np.stack([np.minimum(ends[0], best_low), np.maximum(ends[1], best_high)])


def square_and_add(
    values: tuple[float, float], ends: np.ndarray, weights: tuple[float, float], correlation: float = 0.0
) -> tuple[float, float]:
    """Interval of a weighted sum of two values from their own intervals.

    Args:
        values: two numbers.
        ends: (2, 2) lower ends and upper ends.
        weights: of the values, 0 or more.
        correlation: of the values.

    Source:
        Newcombe, Statistics in Medicine 1998; Zou and Donner, Construction of confidence limits about effect measures,
        Statistics in Medicine 2008.

    Example:
        >>> ends = np.array([[0.8, 0.7], [1.0, 0.9]])
        >>> [round(end, 3) for end in square_and_add((0.9, 0.8), ends, (0.5, 0.5))]
        [0.779, 0.921]
    """
    value = float(np.dot(weights, values))
    below, above = weights * (np.asarray(values) - ends[0]), weights * (ends[1] - np.asarray(values))
    reach = [float(np.sqrt(a * a + b * b + 2 * correlation * a * b)) for a, b in (below, above)]
    return value - reach[0], value + reach[1]
