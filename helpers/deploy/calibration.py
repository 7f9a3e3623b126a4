"""Probabilities that mean what they say: a temperature for the logits, and a correction for another prevalence."""

from collections.abc import Iterable

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import t as student

from helpers.metrics.validation import check_binary, check_multiclass, group_codes, has_class_columns

BOUND = 7.0  # of the logarithm of a temperature


def fit_temperature(y_true: Iterable, y_prob: Iterable) -> float:
    """The temperature with the lowest log loss.

    Above 1 the model is too sure, below 1 too timid. No image gets another class.

    Args:
        y_true: (n,) class numbers, of validation images.
        y_prob: (n, classes) probabilities of the model, each row's sum 1; of two classes (n,) or (n, 1) of the
            positive one will do.

    Returns:
        From 0.001 to 1,000. 1 where none is the best: every image is answered right, so the lower the better; or the
        answers are no better than chance, so the higher the better.

    Raises:
        ValueError: labels or probabilities are wrong; the message names the argument.

    Source:
        Guo et al., On Calibration of Modern Neural Networks, arXiv 1706.04599.

    Example:
        >>> too_sure = np.array([[0.98, 0.01, 0.01], [0.01, 0.98, 0.01], [0.01, 0.01, 0.98], [0.98, 0.01, 0.01]])
        >>> temperature = fit_temperature([0, 1, 2, 1], too_sure)
        >>> round(temperature, 1), apply_temperature(too_sure, temperature).max(axis=1).round(2).tolist()
        (2.6, [0.75, 0.75, 0.75, 0.75])
    """
    y, logits = _labels_and_logits(y_true, y_prob)
    rows = np.arange(len(y))

    def log_loss(log_temperature: float) -> float:
        return -float(log_softmax(logits / np.exp(log_temperature), axis=1)[rows, y].mean())

    chance = logits[rows, y].mean() <= logits.mean()
    if chance or (logits.argmax(axis=1) == y).all():
        return 1.0
    return float(np.exp(minimize_scalar(log_loss, bounds=(-BOUND, BOUND), method="bounded").x))


def temperature_interval(
    y_true: Iterable, y_prob: Iterable, groups: Iterable | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """How well these images know the temperature that `fit_temperature` finds.

    Args:
        y_true, y_prob: as for `fit_temperature`.
        groups: (n,) of each image; images of one group count as one observation.
        confidence: of the interval.

    Returns:
        (low, high), symmetric on the scale of the logarithm, by Student's t over the groups. The whole range, from
        0.001 to 1,000, where `fit_temperature` finds none.

    Raises:
        ValueError: labels, probabilities or groups are wrong; the message names the argument.

    Source:
        White, Maximum likelihood estimation of misspecified models, Econometrica 50, 1982: the sandwich, by groups.

    Example:
        >>> rng = np.random.default_rng(7)
        >>> prob = rng.beta(0.5, 0.5, 500)
        >>> low, high = temperature_interval(rng.random(500) < prob, prob)
        >>> low < 1 < high
        True
    """
    y, logits = _labels_and_logits(y_true, y_prob)
    temperature = fit_temperature(y_true, y_prob)
    whole = float(np.exp(-BOUND)), float(np.exp(BOUND))
    if temperature == 1:
        return whole
    logits = logits / temperature
    prob, own = softmax(logits, axis=1), logits[np.arange(len(y)), y]
    mean = (prob * logits).sum(axis=1)
    slope = own - mean  # of an image's log loss, by the logarithm of the temperature
    curvature = (prob * logits**2).sum(axis=1) - mean**2 - slope
    sums = np.bincount(group_codes(groups, len(y)), weights=slope)
    if curvature.sum() <= 0:
        return whole
    error = np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1)) / curvature.sum()
    factor = np.exp(student.ppf((1 + confidence) / 2, len(sums) - 1) * error)
    return float(max(temperature / factor, whole[0])), float(min(temperature * factor, whole[1]))


def apply_temperature(y_prob: np.ndarray, temperature: float, intercept: float = 0.0) -> np.ndarray:
    """Probabilities after their logits were divided by a temperature.

    Args:
        y_prob: (n, classes) probabilities.
        temperature: above 0; 1 changes nothing.
        intercept: of two classes, added to the logit of the second one after the division; 0 changes nothing.

    Returns:
        (n, classes) float; a row sums to 1.

    Raises:
        ValueError: the temperature is no number above 0, or an intercept is given for more than two classes.

    Example:
        >>> apply_temperature(np.array([[0.8, 0.1, 0.1]]), 2.0).round(3).tolist()
        [[0.586, 0.207, 0.207]]
    """
    check_temperature(temperature)
    if temperature == 1 and intercept == 0:
        return y_prob
    if intercept and y_prob.shape[1] != 2:
        raise ValueError(f"intercept: {intercept!r} given for {y_prob.shape[1]} classes; it is for two")
    added = np.array([0.0, intercept]) if intercept else 0.0
    return softmax(_logits(y_prob) / temperature + added, axis=1)


def correct_prevalence(y_prob: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Probabilities for a place where the classes have other shares, and look as they did: label shift.

    Args:
        y_prob: (n, classes) calibrated probabilities.
        before: (classes,) shares where they were calibrated, above 0.
        after: (classes,) shares where they are used.

    Returns:
        (n, classes) float; a row sums to 1.

    Source:
        Saerens et al., Adjusting the outputs of a classifier to new a priori probabilities, Neural Computation 14,
        2002.

    Example:
        >>> correct_prevalence(np.array([[0.5, 0.5]]), np.array([0.5, 0.5]), np.array([0.9, 0.1])).round(3).tolist()
        [[0.9, 0.1]]
    """
    weighted = np.asarray(y_prob, dtype=float) * (np.asarray(after) / np.asarray(before))
    return weighted / weighted.sum(axis=1, keepdims=True)


def check_temperature(temperature: float) -> None:
    """Refuse what is no temperature.

    Args:
        temperature: number above 0.

    Raises:
        ValueError: it is something else.
    """
    number = isinstance(temperature, float | int | np.number) and not isinstance(temperature, bool)
    if not number or not 0 < temperature < np.inf:
        raise ValueError(f"temperature: {temperature!r} is no number above 0; fit_temperature(val_labels, val_prob)")


def _logits(prob: np.ndarray) -> np.ndarray:
    """Logits but for a constant in each row, which a softmax takes no notice of."""
    return np.log(np.clip(np.asarray(prob, dtype=float), np.finfo(np.float32).tiny, None))


def _labels_and_logits(y_true: Iterable, y_prob: Iterable) -> tuple[np.ndarray, np.ndarray]:
    """Class numbers, and the logits of two classes or more."""
    if has_class_columns(y_prob):
        y, prob, _ = check_multiclass(y_true, y_prob)
    else:
        y, positive, _ = check_binary(y_true, y_prob)
        prob = np.column_stack([1 - positive, positive])
    return y, _logits(prob)
