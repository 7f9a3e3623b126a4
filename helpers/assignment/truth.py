"""The right answers of tasks whose solution must not stand in a test that students see."""

from typing import Any

import numpy as np


def average_maps(backbone: Any, images: np.ndarray) -> np.ndarray:
    """The mean of each map that a backbone gives, over its places.

    Args:
        backbone: keras.Model (n, rows, columns, channels) -> (n, r, c, maps).
        images: (n, rows, columns, channels) as the backbone takes them.

    Returns:
        (n, maps) float32.
    """
    return np.asarray(backbone.predict(images, verbose=0)).mean(axis=(1, 2))


def decision_cost(
    labels: np.ndarray, prob: np.ndarray, threshold: float, miss: float = 1.0, alarm: float = 1.0
) -> float:
    """What the mistakes of a threshold cost, for 100 images.

    Args:
        labels: (n,) 0 and 1.
        prob: (n,) probabilities of class 1; an image is called positive where it is at least the threshold.
        threshold: From 0 to 1.
        miss, alarm: The cost of a missed positive and of a negative that is called positive.

    Example:
        >>> decision_cost(np.array([0, 1]), np.array([0.6, 0.7]), 0.65, miss=5, alarm=1)
        0.0
    """
    called, positive = np.asarray(prob) >= threshold, np.asarray(labels) == 1
    return float(100 * np.mean(miss * (positive & ~called) + alarm * (~positive & called)))


def share_verdict(k: int, n: int, limit: float, at_least: bool = True) -> str:
    """Whether Wilson's 95 % interval of a share keeps to a limit as a whole.

    Args:
        k, n: The share is k of n.
        limit: From 0 to 1.
        at_least: Whether the share should be at least the limit; else at most.

    Returns:
        "met", "failed", or "open" where the limit is inside the interval.
    """
    from scipy.stats import binomtest

    low, high = binomtest(int(k), int(n)).proportion_ci(method="wilson")
    above, below = ("met", "failed") if at_least else ("failed", "met")
    return above if low >= limit else below if high <= limit else "open"


def unseen_probability(judge: Any, pixels: np.ndarray, labels: np.ndarray, folds: Any, groups: Any) -> np.ndarray:
    """The probability of class 1 of each image, from a judge that was fitted on the other folds.

    Args:
        judge: A scikit-learn classifier.
        pixels: (n, numbers).
        labels: (n,) 0 and 1.
        folds: As `cv` of scikit-learn's `cross_val_predict`.
        groups: (n,) names, or None.
    """
    from sklearn.model_selection import cross_val_predict

    return cross_val_predict(judge, pixels, labels, groups=groups, cv=folds, method="predict_proba")[:, 1]
