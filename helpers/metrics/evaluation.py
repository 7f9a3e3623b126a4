"""Scores of a classifier with intervals.

Every value equals scikit-learn's. Every interval is in closed form: for images that were drawn one by one, or in groups
(patients, photos) whose images resemble each other. How to choose among the metrics: Metrics Reloaded, Nature Methods
2024, https://arxiv.org/abs/2206.01653.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from sklearn import metrics as sk

from helpers.metrics.influence import auc_influence, average_precision_influence, binary_influence, cases, unit_sums
from helpers.metrics.intervals import (
    auc_size,
    bounded,
    divided,
    divided_of_whole,
    grouped_size,
    shares,
    square_and_add,
)
from helpers.metrics.multiclass import (
    Placements,
    class_intervals,
    class_values,
    confusions,
    found_among,
    macro_intervals,
    macro_values,
)
from helpers.metrics.names import CLASS_METRICS, METRICS
from helpers.metrics.scores import BinaryScores, MulticlassScores, listed
from helpers.metrics.validation import (
    check_binary,
    check_class_names,
    check_confidence,
    check_multiclass,
    group_codes,
    has_class_columns,
)

LEAST_CARRIERS = 6  # units
NO_INTERVAL = (float("nan"), float("nan"))


def evaluate(
    y_true: Iterable,
    y_prob: Iterable,
    threshold: float = 0.5,
    groups: Iterable | None = None,
    confidence: float = 0.95,
    class_names: Iterable[str] | None = None,
    top_k: int | None = None,
) -> BinaryScores | MulticlassScores:
    """Score the probabilities of a model of two classes or more, with an interval for every metric.

    Of two classes, the second is the positive one. Precision is 0 where the model never answers 'positive', the
    negative predictive value where it never answers 'negative'. PR AUC is the average precision; it depends on the
    share of positives, as accuracy, precision, negative predictive value and F1 do.

    Of more classes, the one with the largest probability is the answer. Macro metrics are the means of the classes,
    each against the rest; classes without an image are left out, and `note` names them.

    Intervals have one method for each kind of metric. No end is better than without any error. By image, one more error
    never raises an end for a share; by group, and for areas and means of classes, it may where it shows that errors are
    spread more evenly than they seemed:

    - Shares (accuracy, top-k accuracy, recall, specificity, precision, negative predictive value): Wilson's interval,
      with the end towards 0 or 1 of Jeffreys' where that lies farther out. Where images come in groups, the effective
      number of images takes the place of their number, with the design effect of a beta-binomial model and Student's t
      (`helpers.metrics.intervals.effective_sizes`).
    - F1: the same, of tp / (tp + fp + fn), of which F1 is a function.
    - Balanced accuracy of two classes: from the intervals of recall and specificity, by square-and-add.
    - ROC AUC: the variance of DeLong, by group that of Obuchowski, as an effective number of images in the interval of
      shares; average precision and the means of classes: the same with the variance of the delta method.

    Intervals answer for more images, and where there are groups for more groups, like these, in the same mix of
    classes. Fewer than ten groups of a class say little about new groups: the images of such a class are taken one by
    one, its intervals answer for more images of these groups only, and `few_groups` and `note` say so. A model that
    gives one answer has an accuracy, balanced accuracy, precision and F1 that follow from the mix of classes alone:
    they have no interval (NaN); neither have the areas of a model that gives one probability.

    Args:
        y_true: (n,) labels 0 and 1, both present; or class numbers from 0, at least two of them present.
        y_prob: (n,) or (n, 1) probabilities of class 1, in [0, 1]; or (n, classes) probabilities, each row's sum 1.
        threshold: from 0 to 1; an image counts as positive where y_prob >= threshold, compared in the precision of
            y_prob. Not for more than two classes.
        groups: (n,) names of patients or photos; None: every image for itself.
        confidence: share of the intervals, between 0 and 1.
        class_names: by class number; None: of two classes no names, of more "class 0", "class 1", ....
        top_k: of more than two classes: how many of the largest probabilities count for the top-k accuracy; None: 5, or
            2 where there are fewer than ten classes.

    Raises:
        ValueError: NaN, wrong shapes, unequal lengths, values outside [0, 1], labels without a class, labels of one
            class; the message names the argument.

    Source:
        Shares: Brown, Cai and DasGupta, Statistical Science 2001; groups: Korn and Graubard, Survey Methodology 1998;
        F1: arXiv 2309.14621; square-and-add: Zou and Donner, Statistics in Medicine 2008; areas: DeLong et al.,
        Biometrics 1988, Obuchowski, Biometrics 1997. Coverage is measured in tests/bench/coverage.py. The choice of
        metrics follows Metrics Reloaded, arXiv 2206.01653.

    Example:
        >>> scores = evaluate([0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.4, 0.9])
        >>> scores.accuracy, scores.recall, scores.fp
        (0.6, 0.5, 1)
        >>> evaluate([0, 1, 2], [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3]]).balanced_accuracy
        0.6666666666666666
    """
    check_confidence(confidence)
    if has_class_columns(y_prob):
        return _evaluate_multiclass(y_true, y_prob, threshold, groups, confidence, class_names, top_k)
    if top_k is not None:
        raise ValueError(f"top_k: {top_k!r} given for two classes; leave it out.")
    return _evaluate_binary(y_true, y_prob, threshold, groups, confidence, class_names)


def _evaluate_binary(
    y_true: Iterable,
    y_prob: Iterable,
    threshold: float,
    groups: Iterable | None,
    confidence: float,
    class_names: Iterable[str] | None,
) -> BinaryScores:
    y, prob, positive = check_binary(y_true, y_prob, threshold)
    names = check_class_names(class_names, 2) if class_names is not None else ()
    codes = group_codes(groups, len(y))
    values = {name: point_value(name, y, prob, positive) for name in METRICS}
    units, few = divided(codes, y, 2)
    few_groups = _few_groups(few, names or ("negative", "positive"))
    tn, fp, fn, tp = (int(count) for count in sk.confusion_matrix(y, positive, labels=[0, 1]).ravel())
    return BinaryScores(
        **values,
        tp=tp,
        fp=fp,
        tn=tn,
        fn=fn,
        n=len(y),
        n_groups=int(codes.max()) + 1,
        threshold=float(threshold),
        prevalence=float(y.mean()),
        confidence=float(confidence),
        grouped=groups is not None,
        note=_few_words(few_groups),
        intervals=binary_intervals(values, y, prob, positive, units, confidence),
        class_names=names,
        few_groups=few_groups,
    )


def binary_intervals(
    values: dict[str, float],
    y: np.ndarray,
    prob: np.ndarray,
    positive: np.ndarray,
    units: np.ndarray,
    confidence: float,
) -> dict[str, tuple[float, float]]:
    """Intervals of all metrics of two classes, by the methods that `evaluate` names.

    Args:
        values: metric of `METRICS` -> value.
        y: (n,) int, labels 0 and 1, both present.
        prob: (n,) float, probabilities of class 1.
        positive: (n,) bool, the answers.
        units: (n,) int from 0, number of the unit of each image.
        confidence: of the intervals, between 0 and 1.
    """
    ends = {}
    for name, (hit, among) in cases(y, positive).items():
        ends[name] = shares(hit[among], np.zeros(among.sum(), dtype=int), units[among], 1, confidence)[:, 0]
    ends["f1"] = 2 * ends["f1"] / (1 + ends["f1"])
    sums = [unit_sums(binary_influence(name, y, prob, positive), units, y) for name in ("recall", "specificity")]
    size = np.sqrt((sums[0] ** 2).sum() * (sums[1] ** 2).sum())
    together = max(float(sums[0] @ sums[1] / size), 0.0) if size > 0 else 0.0
    both = np.stack([ends["recall"], ends["specificity"]], axis=1)
    ends["balanced_accuracy"] = square_and_add((values["recall"], values["specificity"]), both, (0.5, 0.5), together)
    ends |= area_intervals(values, y, prob, units, confidence)
    if positive.all() or not positive.any():
        said = "precision" if positive.all() else "negative_predictive_value"
        ends |= dict.fromkeys(("accuracy", "balanced_accuracy", "f1", said), NO_INTERVAL)
    return {name: (float(ends[name][0]), float(ends[name][1])) for name in values}


def area_intervals(
    values: dict[str, float], y: np.ndarray, prob: np.ndarray, units: np.ndarray, confidence: float
) -> dict[str, np.ndarray | tuple[float, float]]:
    """Intervals of ROC AUC and PR AUC of two classes.

    Args:
        values: of both.
        y: (n,) int, labels 0 and 1, both present.
        prob: (n,) float, probabilities of class 1.
        units: (n,) int from 0, number of the unit of each image.
        confidence: of the intervals, between 0 and 1.
    """
    if prob.min() == prob.max():
        return {"roc_auc": NO_INTERVAL, "pr_auc": NO_INTERVAL}
    moved, wrong = auc_influence(y, prob)
    groups = min(len(np.unique(units[y == label])) for label in (0, 1))
    informative = min(len(np.unique(units[wrong & (y == label)])) for label in (0, 1))
    ends = {}
    for name, influence, strata, size in (
        ("roc_auc", moved, y, auc_size(y.sum(), len(y) - y.sum())),
        ("pr_auc", average_precision_influence(y, prob), np.zeros_like(y), y.sum()),
    ):
        squares = unit_sums(influence, units, strata) ** 2
        carried = groups
        if name == "pr_auc" and squares.any():  # few negatives that rank high may carry most of its variance
            carried = min(groups, max(squares.sum() ** 2 / (squares**2).sum(), LEAST_CARRIERS))
        ends[name] = bounded(values[name], squares.sum(), grouped_size(size, units), informative, carried, confidence)
    return ends


def _evaluate_multiclass(
    y_true: Iterable,
    y_prob: Iterable,
    threshold: float,
    groups: Iterable | None,
    confidence: float,
    class_names: Iterable[str] | None,
    top_k: int | None,
) -> MulticlassScores:
    y, prob, top_k = check_multiclass(y_true, y_prob, threshold, top_k)
    n_classes = prob.shape[1]
    names = check_class_names(class_names, n_classes)
    codes = group_codes(groups, len(y))
    answers, found = prob.argmax(axis=1), found_among(y, prob, top_k)
    units, few = divided(codes, y, n_classes)
    few_groups = _few_groups(few, names)
    placements = Placements(y, prob)
    classes = class_values(y, answers, placements)
    whole = macro_values(y, answers, found, classes)
    together = divided_of_whole(codes, y, n_classes)
    intervals = macro_intervals(whole, y, answers, together, placements, confidence)
    for name, hit in (("accuracy", y == answers), ("top_k_accuracy", found)):
        ends = shares(hit, np.zeros_like(y), together, 1, confidence)[:, 0]
        intervals[name] = (float(ends[0]), float(ends[1]))
    one_answer, one_row = (answers == answers[0]).all(), (prob == prob[0]).all()
    if one_answer:
        intervals |= dict.fromkeys(("accuracy", "balanced_accuracy", "precision", "recall", "f1"), NO_INTERVAL)
    if one_row:
        intervals |= dict.fromkeys(("roc_auc", "top_k_accuracy"), NO_INTERVAL)
    ends = class_intervals(y, answers, units, n_classes, confidence)
    ends["roc_auc"] = placements.intervals(units, confidence)
    if one_answer:
        ends["precision"][:, answers[0]] = ends["f1"][:, answers[0]] = np.nan
    if one_row:
        ends["roc_auc"][:] = np.nan
    columns = {"images": placements.count.tolist()}
    for name in CLASS_METRICS:
        low, high = np.where(placements.count > 0, ends[name], np.nan)
        for suffix, column in (("", classes[name]), ("_low", low), ("_high", high)):
            columns[f"{name}{suffix}"] = [None if np.isnan(value) else float(value) for value in column]
    return MulticlassScores(
        **whole,
        top_k=top_k,
        n=len(y),
        n_groups=int(codes.max()) + 1,
        class_names=names,
        confidence=float(confidence),
        grouped=groups is not None,
        note=" ".join(filter(None, [_absent(placements.count > 0, names), _few_words(few_groups)])),
        intervals={name: intervals[name] for name in whole},
        class_columns=columns,
        cells=confusions(y, answers, units, n_classes, confidence),
        few_groups=few_groups,
    )


def _absent(present: np.ndarray, names: tuple[str, ...]) -> str:
    absent = [name for name, there in zip(names, present, strict=True) if not there]
    if not absent:
        return ""
    return (
        f"Without an image here: {listed(absent)}; the macro metrics are those of the other {present.sum():,} classes."
    )


def _few_groups(few: np.ndarray, names: tuple[str, ...]) -> dict[str, int]:
    return {name: int(count) for name, count in zip(names, few, strict=True) if count}


def _few_words(few_groups: dict[str, int]) -> str:
    if not few_groups:
        return ""
    found = listed([f"{count} of {name}" for name, count in few_groups.items()])
    return f"Few groups: {found}. Their intervals are for more images of the same groups, not for new groups."


def point_value(name: str, y: np.ndarray, prob: np.ndarray, positive: np.ndarray) -> float:
    """One metric without its interval, by scikit-learn.

    Args:
        name: one of `METRICS`.
        y: (n,) int, labels 0 and 1, both present.
        prob: (n,) float, probabilities of class 1.
        positive: (n,) bool, the answers.
    """
    values = {
        "accuracy": lambda: sk.accuracy_score(y, positive),
        "balanced_accuracy": lambda: sk.balanced_accuracy_score(y, positive),
        "precision": lambda: sk.precision_score(y, positive, zero_division=0.0),
        "recall": lambda: sk.recall_score(y, positive),
        "specificity": lambda: sk.recall_score(y, positive, pos_label=0),
        "false_negative_rate": lambda: 1 - sk.recall_score(y, positive),
        "negative_predictive_value": lambda: sk.precision_score(y, positive, pos_label=0, zero_division=0.0),
        "f1": lambda: sk.f1_score(y, positive, zero_division=0.0),
        "roc_auc": lambda: sk.roc_auc_score(y, prob),
        "pr_auc": lambda: sk.average_precision_score(y, prob),
    }
    return float(values[name]())
