"""Refuse wrong input of the metrics by name: which argument, what is wrong, what to do."""

from collections.abc import Iterable

import numpy as np
import pandas as pd


def check_binary(
    y_true: Iterable, y_prob: Iterable, threshold: float = 0.5, name: str = "y_prob"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check labels, probabilities and threshold.

    Args:
        y_true: (n,) labels 0 and 1, both present.
        y_prob: (n,) or (n, 1) probabilities of class 1, in [0, 1].
        threshold: from 0 to 1; an answer is positive where the probability is at least this.
        name: of the argument with the probabilities, for the message.

    Returns:
        (n,) int64 labels, (n,) float64 probabilities, (n,) bool answers.

    Raises:
        ValueError: one of them is wrong; the message names the argument and says what to do.
    """
    y = check_labels(y_true)
    prob = _numbers(y_prob, name)
    if prob.ndim == 2 and prob.shape[1] == 1:
        prob = prob[:, 0]
    if prob.ndim != 1:
        hint = f" Pass the column of class 1: {name}[:, 1]." if prob.ndim == 2 and prob.shape[1] == 2 else ""
        raise ValueError(f"{name}: shape {prob.shape}, expected (n,) or (n, 1), one probability an image.{hint}")
    if len(prob) != len(y):
        raise ValueError(f"{name}: {len(prob)} values for {len(y)} labels in y_true; pass both for the same images.")
    if bad := int((~np.isfinite(prob)).sum()):
        raise ValueError(
            f"{name}: {bad} of {len(prob)} values are NaN or infinite; look for a training loss that became NaN."
        )
    if prob.min() < 0 or prob.max() > 1:
        raise ValueError(
            f"{name}: values from {prob.min():.3g} to {prob.max():.3g} lie outside [0, 1]. "
            "Are they logits? Apply a sigmoid first, for example scipy.special.expit."
        )
    if not isinstance(threshold, int | float | np.number) or not 0 <= threshold <= 1:
        raise ValueError(f"threshold: {threshold!r} is not a number in [0, 1]; 0.5 is the usual choice.")
    return y, prob.astype(float), prob >= float(threshold)


def check_labels(y_true: Iterable) -> np.ndarray:
    """Check the labels of two classes.

    Args:
        y_true: (n,) labels 0 and 1, both present.

    Returns:
        (n,) int64.

    Raises:
        ValueError: another shape, other labels, or one class alone; the message names y_true.
    """
    y = _numbers(y_true, "y_true")
    if y.ndim != 1:
        raise ValueError(
            f"y_true: shape {y.shape}, expected (n,), one label an image; a column becomes it by .ravel()."
        )
    if len(y) == 0:
        raise ValueError("y_true: empty; there is nothing to score. Was the right split selected?")
    found = np.unique(y)
    if not np.isin(found, (0, 1)).all():
        raise ValueError(f"y_true: labels {found[:5].tolist()} found, expected 0 and 1 only (1 is the positive class).")
    if len(found) == 1:
        raise ValueError(
            f"y_true: all {len(y)} labels are {int(found[0])}; scores need images of both classes. Were they shuffled?"
        )
    return y.astype(np.int64)


def _numbers(values: Iterable, name: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name}: rows of unequal length; pass one number an image.") from error
    if array.dtype.kind not in "buif":
        raise ValueError(
            f"{name}: holds {array.dtype} values, expected numbers; translate class names to 0 and 1 first."
        )
    return array


def group_codes(groups: Iterable | None, n: int) -> np.ndarray:
    """Number of each image's group.

    Args:
        groups: (n,) names; None: every image is its own group.
        n: images.

    Returns:
        (n,) int from 0.

    Raises:
        ValueError: another length, a missing name, or one group only; the message names groups.
    """
    if groups is None:
        return np.arange(n)
    names = np.asarray(groups)
    if names.shape != (n,):
        raise ValueError(f"groups: shape {names.shape}, expected ({n},), one group name an image.")
    codes, found = pd.factorize(names)
    if (codes < 0).any():
        raise ValueError(f"groups: {(codes < 0).sum()} of {n} names are missing; give every image a group.")
    if len(found) < 2:
        raise ValueError(f"groups: all images belong to the group {found[0]!r}; an interval needs at least two groups.")
    return codes


def check_options(n_boot: int, confidence: float) -> None:
    """Refuse what is no number of resamples, and no confidence.

    Args:
        n_boot: resamples, 1 or more.
        confidence: float between 0 and 1.

    Raises:
        ValueError: one of them is out of range; the message names it.
    """
    if not isinstance(n_boot, int | np.integer) or isinstance(n_boot, bool) or n_boot < 1:
        raise ValueError(f"n_boot: {n_boot!r} is not a number of resamples; 1000 is the usual choice.")
    if not isinstance(confidence, float) or not 0 < confidence < 1:
        raise ValueError(f"confidence: {confidence!r} does not lie between 0 and 1; 0.95 is the usual choice.")
