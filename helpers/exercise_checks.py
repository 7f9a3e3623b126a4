"""What the tests of the exercises compute anew, from numbers alone, to compare a student's answer with.

A test that runs the numbers accepts every way to write an answer, and sees what a list of layers hides, such as pixels
that are rescaled twice.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

ACTIVATIONS: dict[str, Callable] = {
    "relu": lambda x: np.maximum(x, 0),
    "linear": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def convolve(maps: np.ndarray, kernel: np.ndarray, bias: np.ndarray, padding: str = "valid") -> np.ndarray:
    """A convolution with stride 1, as `keras.layers.Conv2D` computes it.

    Args:
        maps: (n, rows, columns, channels).
        kernel: (height, width, channels, filters), of odd height and width.
        bias: (filters,).
        padding: "valid" or "same".

    Returns:
        (n, rows, columns, filters) float64; fewer rows and columns without padding.
    """
    height, width = kernel.shape[:2]
    if padding == "same":
        maps = np.pad(maps, ((0, 0), (height // 2,) * 2, (width // 2,) * 2, (0, 0)))
    windows = sliding_window_view(maps, (height, width), axis=(1, 2))  # (n, rows, columns, channels, height, width)
    return np.einsum("nrcihw,hwif->nrcf", windows, kernel, optimize=True) + bias


def pool(maps: np.ndarray, how: Callable = np.max) -> np.ndarray:
    """Pooling over squares of 2 by 2; an odd last row or column is left out.

    Args:
        maps: (n, rows, columns, channels).
        how: of each square, such as np.max or np.mean.
    """
    n, rows, columns, channels = maps.shape
    squares = maps[:, : rows // 2 * 2, : columns // 2 * 2].reshape(n, rows // 2, 2, columns // 2, 2, channels)
    return how(squares, axis=(2, 4))


def pooled_cnn(
    weights: Sequence[np.ndarray],
    images: np.ndarray,
    scale: float = 1 / 255,
    offset: float = 0.0,
    activation: str = "relu",
    last: str = "sigmoid",
    how: Callable = np.max,
    paddings: Sequence[str] = ("valid", "valid"),
) -> np.ndarray:
    """What a network of convolutions, each followed by pooling, then global average pooling and one unit, answers.

    Args:
        weights: kernel and bias of each layer in their order, as `get_weights` gives them.
        images: (n, rows, columns, channels) pixels.
        scale, offset: of the pixels before the first convolution.
        activation: of the convolutions; one of ACTIVATIONS.
        last: of the unit.
        how: of the pooling, such as np.max; None where there is none.
        paddings: of each convolution, "valid" or "same".

    Returns:
        (n,) numbers.

    Example:
        >>> kernel, unit = np.ones((1, 1, 1, 1)), np.ones((1, 1))
        >>> pooled_cnn([kernel, np.zeros(1), unit, np.zeros(1)], np.zeros((2, 4, 4, 1)), paddings=["valid"]).tolist()
        [0.5, 0.5]
    """
    maps = np.asarray(images, dtype=float) * scale + offset
    for kernel, bias, padding in zip(weights[::2], weights[1::2], paddings, strict=False):
        maps = ACTIVATIONS[activation](convolve(maps, kernel, bias, padding))
        maps = pool(maps, how) if how else maps
    return ACTIVATIONS[last](maps.mean(axis=(1, 2)) @ weights[-2] + weights[-1])[:, 0]


def loss_value(loss: Any, labels: Sequence[float], prob: Sequence[float]) -> float:
    """What a compiled loss gives for labels and probabilities, however it was named: "bce", a function or an object.

    Args:
        loss: as `model.loss` holds it; of a list or a dictionary the first.
        labels: (n,) 0 and 1.
        prob: (n,) probabilities.

    Returns:
        The mean; NaN where there is no such loss.

    Example:
        >>> round(loss_value("bce", [0, 1], [0.5, 0.5]), 4)
        0.6931
    """
    import keras

    loss = next(iter(loss.values())) if isinstance(loss, dict) else loss
    loss = loss[0] if isinstance(loss, list | tuple) else loss
    try:
        found = keras.losses.get(loss)
        columns = (np.asarray(values, dtype="float32")[:, None] for values in (labels, prob))
        return float(np.mean(keras.ops.convert_to_numpy(found(*columns))))
    except (TypeError, ValueError):
        return float("nan")


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
