"""Probabilities that mean what they say: one temperature for the answers of more than two classes."""

from collections.abc import Iterable

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from helpers.metrics.validation import check_multiclass

BOUND = 7.0  # of the logarithm of a temperature


def fit_temperature(y_true: Iterable, y_prob: Iterable) -> float:
    """The temperature with the lowest log loss.

    Above 1 the model is too sure, below 1 too timid. No image gets another class.

    Args:
        y_true: (n,) class numbers, of validation images.
        y_prob: (n, classes) probabilities of the model, more than two classes, each row's sum 1.

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
    y, prob, _ = check_multiclass(y_true, y_prob)
    logits, rows = _logits(prob), np.arange(len(y))

    def log_loss(log_temperature: float) -> float:
        return -float(log_softmax(logits / np.exp(log_temperature), axis=1)[rows, y].mean())

    chance = logits[rows, y].mean() <= logits.mean()
    if chance or (logits.argmax(axis=1) == y).all():
        return 1.0
    return float(np.exp(minimize_scalar(log_loss, bounds=(-BOUND, BOUND), method="bounded").x))


def apply_temperature(y_prob: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities after their logits were divided by a temperature.

    Args:
        y_prob: (n, classes) probabilities.
        temperature: above 0; 1 changes nothing.

    Returns:
        (n, classes) float; a row sums to 1.

    Raises:
        ValueError: the temperature is no number above 0.

    Example:
        >>> apply_temperature(np.array([[0.8, 0.1, 0.1]]), 2.0).round(3).tolist()
        [[0.586, 0.207, 0.207]]
    """
    check_temperature(temperature)
    return y_prob if temperature == 1 else softmax(_logits(y_prob) / temperature, axis=1)


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
