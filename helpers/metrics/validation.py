"""Refuse wrong input of the metrics by name: which argument, what is wrong, what to do."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

ROW_SUM_TOLERANCE = 0.01  # half precision, over a thousand classes


def check_binary(
    y_true: Iterable, y_prob: Iterable, threshold: float = 0.5, name: str = "y_prob"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check labels, probabilities and threshold.

    Args:
        y_true: (n,) labels 0 and 1, both present.
        y_prob: (n,) or (n, 1) probabilities of class 1, in [0, 1]; or (n, 2) of both classes, each row's sum 1.
        threshold: from 0 to 1; an answer is positive where the probability is at least this.
        name: of the argument with the probabilities, for the message.

    Returns:
        (n,) int64 labels, (n,) float64 probabilities, (n,) bool answers.

    Raises:
        ValueError: one of them is wrong; the message names the argument and says what to do.
    """
    y = check_labels(y_true)
    prob = _numbers(y_prob, name)
    if prob.ndim == 2 and (prob.shape[1] == 1 or _two_columns_of_one_answer(prob)):
        prob = prob[:, -1]
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
    y = _label_numbers(y_true)
    found = np.unique(y)
    if not np.isin(found, (0, 1)).all():
        raise ValueError(
            f"y_true: labels {found[:5].tolist()} found, expected 0 and 1 only (1 is the positive class). Of more than "
            "two classes pass probabilities of the shape (n, classes), one column a class."
        )
    if len(found) == 1:
        raise ValueError(
            f"y_true: all {len(y)} labels are {int(found[0])}; scores need images of both classes. Were they shuffled?"
        )
    return y.astype(np.int64)


def has_class_columns(y_prob: Iterable) -> bool:
    """Whether probabilities have a column for each of more than two classes.

    Args:
        y_prob: of any shape.
    """
    shape = np.shape(y_prob) if isinstance(y_prob, np.ndarray) else _numbers(y_prob, "y_prob").shape
    return len(shape) == 2 and shape[1] > 2


def check_multiclass(
    y_true: Iterable, y_prob: Iterable, threshold: float = 0.5, top_k: int | None = None, name: str = "y_prob"
) -> tuple[np.ndarray, np.ndarray, int]:
    """Check labels and probabilities of more than two classes.

    Args:
        y_true: (n,) class numbers from 0, at least two of them present.
        y_prob: (n, classes) probabilities, each row's sum 1.
        threshold: 0.5, for there is none.
        top_k: from 1 to the number of classes less 1; None: 5, or 2 where there are fewer than ten classes.
        name: of the argument with the probabilities, for the message.

    Returns:
        (n,) int64 labels, (n, classes) float32 or float64 probabilities, and `top_k`.

    Raises:
        ValueError: one of them is wrong; the message names the argument and says what to do.
    """
    prob = _numbers(y_prob, name)
    if prob.ndim != 2 or prob.shape[1] < 3:
        raise ValueError(f"{name}: shape {prob.shape}, expected (n, classes), one probability of each class.")
    n_classes = prob.shape[1]
    y = _label_numbers(y_true)
    wrong = np.unique(y[~np.isin(y, np.arange(n_classes))])
    if len(wrong):
        raise ValueError(
            f"y_true: labels {wrong[:5].tolist()} found, expected class numbers from 0 to {n_classes - 1}, as {name} "
            f"has {n_classes} columns."
        )
    if len(np.unique(y)) == 1:
        raise ValueError(
            f"y_true: all {len(y)} labels are {int(y[0])}; scores need images of two classes at least. Were they "
            "shuffled?"
        )
    if len(prob) != len(y):
        raise ValueError(f"{name}: {len(prob)} rows for {len(y)} labels in y_true; pass both for the same images.")
    prob = prob if prob.dtype in (np.float32, np.float64) else prob.astype(float)
    _check_rows(prob, name)
    if threshold != 0.5:
        raise ValueError(
            f"threshold: {threshold!r} given for {n_classes} classes, of which the largest probability decides; leave "
            "it out."
        )
    if top_k is None:
        top_k = 5 if n_classes >= 10 else 2
    if not isinstance(top_k, int | np.integer) or isinstance(top_k, bool) or not 1 <= top_k < n_classes:
        raise ValueError(f"top_k: {top_k!r} is not a number from 1 to {n_classes - 1}.")
    return y.astype(np.int64), prob, int(top_k)


def check_class_names(class_names: Iterable[str] | None, n_classes: int) -> tuple[str, ...]:
    """The names of the classes, one for each.

    Args:
        class_names: by class number; None: "class 0", "class 1", ....
        n_classes: number of the classes.

    Raises:
        ValueError: another number of names, or one name twice.
    """
    if class_names is None:
        return tuple(f"class {i}" for i in range(n_classes))
    names = (class_names,) if isinstance(class_names, str) else tuple(map(str, class_names))
    if len(names) != n_classes or len(set(names)) != n_classes:
        raise ValueError(
            f"class_names: {len(set(names))} different names for {n_classes} classes; give one for each, in the order "
            "of their numbers."
        )
    return names


def _label_numbers(y_true: Iterable) -> np.ndarray:
    """(n,) numbers, one at least."""
    y = _numbers(y_true, "y_true")
    if y.ndim != 1:
        one_hot = y.ndim == 2 and y.shape[1] > 1
        become = "one-hot rows become it by .argmax(axis=1)" if one_hot else "a column becomes it by .ravel()"
        raise ValueError(f"y_true: shape {y.shape}, expected (n,), one label an image; {become}.")
    if len(y) == 0:
        raise ValueError("y_true: empty; there is nothing to score. Was the right split selected?")
    return y


def _check_rows(prob: np.ndarray, name: str) -> None:
    """Refuse rows that are no probabilities of exclusive classes."""
    if bad := int((~np.isfinite(prob)).any(axis=1).sum()):
        raise ValueError(
            f"{name}: {bad} of {len(prob)} rows have NaN or infinite values; look for a training loss that became NaN."
        )
    if prob.min() < 0 or prob.max() > 1:
        raise ValueError(
            f"{name}: values from {prob.min():.3g} to {prob.max():.3g} lie outside [0, 1]. "
            "Are they logits? Apply a softmax first, for example scipy.special.softmax(logits, axis=1)."
        )
    sums = prob.sum(axis=1, dtype=float)
    if np.abs(sums - 1).max() > ROW_SUM_TOLERANCE:
        raise ValueError(
            f"{name}: the rows' sums go from {sums.min():.3g} to {sums.max():.3g}, expected 1. Does the model end in "
            'sigmoid units? Of exclusive classes the last layer is Dense(classes, activation="softmax").'
        )


def _two_columns_of_one_answer(prob: np.ndarray) -> bool:
    """Whether these are the probabilities of both of two classes, as two softmax units give them."""
    return prob.shape[1] == 2 and len(prob) > 0 and bool(np.allclose(prob.sum(axis=1), 1, atol=ROW_SUM_TOLERANCE))


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


def check_confidence(confidence: float) -> None:
    """Refuse what is no confidence.

    Args:
        confidence: float between 0 and 1.

    Raises:
        ValueError: it is something else; the message names it.
    """
    if not isinstance(confidence, float) or not 0 < confidence < 1:
        raise ValueError(f"confidence: {confidence!r} does not lie between 0 and 1; 0.95 is the usual choice.")
