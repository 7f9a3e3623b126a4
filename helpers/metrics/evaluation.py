"""Scores of a classifier with intervals.

Every value is scikit-learn's. Every interval comes from a percentile bootstrap that resamples images, or whole groups
(patients, photos) where images of one group resemble each other. How to choose among the metrics: Metrics Reloaded,
Nature Methods 2024, https://arxiv.org/abs/2206.01653.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from sklearn import metrics as sk

from helpers.metrics.intervals import FEW_GROUPS, bootstrap, percentiles, resampled_units, units_of, wilson
from helpers.metrics.multiclass import (
    MACRO,
    Tally,
    class_units,
    class_values,
    draws,
    effective_units,
    macro_samples,
    macro_values,
    percentile_columns,
    units_of_classes,
    wilson_where_certain,
)
from helpers.metrics.names import CLASS_METRICS
from helpers.metrics.scores import BinaryScores, MulticlassScores, listed
from helpers.metrics.validation import (
    check_binary,
    check_class_names,
    check_multiclass,
    check_options,
    group_codes,
    has_class_columns,
)


def evaluate(
    y_true: Iterable,
    y_prob: Iterable,
    threshold: float = 0.5,
    groups: Iterable | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    class_names: Iterable[str] | None = None,
    top_k: int | None = None,
) -> BinaryScores | MulticlassScores:
    """Score the probabilities of a model of two classes or more, with a percentile bootstrap interval for every metric.

    Of two classes, the second is the positive one. Precision is 0 where the model never answers 'positive', the
    negative predictive value where it never answers 'negative'. PR AUC is the average precision; it depends on the
    share of positives, as accuracy, precision, negative predictive value and F1 do.

    Of more classes, the one with the largest probability is the answer. Macro metrics are the means of the classes,
    each against the rest; classes without an image are left out, and `note` names them.

    The groups of each class are resampled apart, so that the shares of the classes stay; of two classes a group belongs
    to the one that most of its images have. Should a resample of mixed groups lack a class, it is left out for the
    metrics that need it. Where a metric is exactly 0 or 1, every resample agrees and the bootstrap would claim
    certainty: there the interval is Wilson's for a proportion among the images that the metric is about, or among their
    groups, which is cautious (for balanced accuracy and the two areas: the smaller class; precision without a positive
    answer, negative predictive value without a negative one: 0 to 1; macro metrics: classes times the harmonic mean of
    their images). A model with one answer has a balanced accuracy of exactly 0.5, without an interval around it.

    Args:
        y_true: (n,) labels 0 and 1, both present; or class numbers from 0, at least two of them present.
        y_prob: (n,) or (n, 1) probabilities of class 1, in [0, 1]; or (n, classes) probabilities, each row's sum 1.
        threshold: from 0 to 1; an image counts as positive where y_prob >= threshold, compared in the precision of
            y_prob. Not for more than two classes.
        groups: (n,) names of patients or photos; whole groups are then resampled, unless a class has fewer than ten
            (`note` says so). None: every image for itself.
        n_boot: resamples, 1 or more; 1,000 of 2,000 images take well under two seconds, of 5,000 images of 200 classes
            a few.
        seed: of the resampling.
        confidence: share of the intervals, between 0 and 1.
        class_names: by class number; None: of two classes no names, of more "class 0", "class 1", ....
        top_k: of more than two classes: how many of the largest probabilities count for the top-k accuracy; None: 5, or
            2 where there are fewer than ten classes.

    Raises:
        ValueError: NaN, wrong shapes, unequal lengths, values outside [0, 1], labels without a class, labels of one
            class; the message names the argument.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993; the choice of metrics follows Metrics Reloaded,
        arXiv 2206.01653.

    Example:
        >>> scores = evaluate([0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.4, 0.9])
        >>> scores.accuracy, scores.recall, scores.fp
        (0.6, 0.5, 1)
        >>> evaluate([0, 1, 2], [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.3, 0.4, 0.3]]).balanced_accuracy
        0.6666666666666666
    """
    options = {"n_boot": n_boot, "seed": seed, "confidence": confidence}
    if has_class_columns(y_prob):
        return _evaluate_multiclass(y_true, y_prob, threshold, groups, class_names, top_k, **options)
    if top_k is not None:
        raise ValueError(f"top_k: {top_k!r} given for two classes; leave it out.")
    return _evaluate_binary(y_true, y_prob, threshold, groups, class_names, **options)


def _evaluate_binary(
    y_true: Iterable,
    y_prob: Iterable,
    threshold: float,
    groups: Iterable | None,
    class_names: Iterable[str] | None,
    n_boot: int,
    seed: int,
    confidence: float,
) -> BinaryScores:
    y, prob, positive = check_binary(y_true, y_prob, threshold)
    names = check_class_names(class_names, 2) if class_names is not None else ()
    codes = group_codes(groups, len(y))
    check_options(n_boot, confidence)
    values = point_values(y, prob, positive)
    units, note = resampled_units(y, codes)
    samples = bootstrap(y, prob, positive, units, n_boot, seed)
    intervals = {}
    for name, value in values.items():
        if value in (0.0, 1.0):
            intervals[name] = wilson(value, units_of(name, y, positive, units), confidence)
        else:
            intervals[name] = percentiles(samples[name], confidence)
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
        note=note,
        intervals=intervals,
        class_names=names,
    )


def _evaluate_multiclass(
    y_true: Iterable,
    y_prob: Iterable,
    threshold: float,
    groups: Iterable | None,
    class_names: Iterable[str] | None,
    top_k: int | None,
    n_boot: int,
    seed: int,
    confidence: float,
) -> MulticlassScores:
    y, prob, top_k = check_multiclass(y_true, y_prob, threshold, top_k)
    n_classes = prob.shape[1]
    names = check_class_names(class_names, n_classes)
    codes = group_codes(groups, len(y))
    check_options(n_boot, confidence)
    tally = Tally(y, prob, top_k)
    units, strata, few, apart = class_units(y, codes, n_classes)
    samples = tally.samples(draws(units, strata, n_boot, seed))
    classes = class_values(y, prob, tally.answers)
    whole = macro_values(y, prob, tally.answers, top_k, classes)
    of_class, of_answer = units_of_classes(y, units, n_classes), units_of_classes(tally.answers, units, n_classes)
    intervals = {}
    for name, sample in macro_samples(samples, whole).items():
        about = effective_units(of_class) if name in (*MACRO, "balanced_accuracy") else len(strata)
        certain = whole[name] in (0.0, 1.0)
        intervals[name] = wilson(whole[name], about, confidence) if certain else percentiles(sample, confidence)
    columns = {"images": np.bincount(y, minlength=n_classes).tolist()}
    for name in CLASS_METRICS:
        ends = percentile_columns(samples[name], confidence)
        about = of_answer if name == "precision" else of_class
        ends = wilson_where_certain(classes[name], ends, about, confidence)
        for suffix, column in (("", classes[name]), ("_low", ends[0]), ("_high", ends[1])):
            columns[f"{name}{suffix}"] = [None if np.isnan(value) else float(value) for value in column]
    true, predicted = tally.cells
    shares = tally.cell_counts / np.array(columns["images"])[true]
    ends = wilson_where_certain(shares, percentile_columns(samples["cells"], confidence), of_class[true], confidence)
    cells = zip(true, predicted, tally.cell_counts, shares, *ends, strict=True)
    return MulticlassScores(
        **whole,
        top_k=top_k,
        n=len(y),
        n_groups=int(codes.max()) + 1,
        class_names=names,
        confidence=float(confidence),
        grouped=groups is not None,
        note=" ".join(filter(None, [_absent(tally.present, names), _few(few, apart, names)])),
        intervals=intervals,
        class_columns=columns,
        cells=[[*map(int, cell[:3]), *map(float, cell[3:])] for cell in cells],
    )


def _absent(present: np.ndarray, names: tuple[str, ...]) -> str:
    absent = [name for name, there in zip(names, present, strict=True) if not there]
    if not absent:
        return ""
    return (
        f"Without an image here: {listed(absent)}; the macro metrics are those of the other {present.sum():,} classes."
    )


def _few(few: np.ndarray, apart: bool, names: tuple[str, ...]) -> str:
    found = [f"{name} ({count})" for name, count in zip(names, few, strict=True) if count]
    if not found:
        return ""
    so = (
        "these few can't be resampled, so images were: the intervals may be too narrow for images from new groups."
        if apart
        else "their own intervals are rough."
    )
    return f"Classes of fewer than {FEW_GROUPS} groups: {listed(found)}; {so}"


def point_values(y: np.ndarray, prob: np.ndarray, positive: np.ndarray) -> dict[str, float]:
    """Every metric without its interval, by scikit-learn.

    Args:
        y: (n,) int, labels 0 and 1, both present.
        prob: (n,) float, probabilities of class 1.
        positive: (n,) bool, the answers.

    Returns:
        Metric -> value in [0, 1].
    """
    recall = sk.recall_score(y, positive)
    values = {
        "accuracy": sk.accuracy_score(y, positive),
        "balanced_accuracy": sk.balanced_accuracy_score(y, positive),
        "precision": sk.precision_score(y, positive, zero_division=0.0),
        "recall": recall,
        "specificity": sk.recall_score(y, positive, pos_label=0),
        "false_negative_rate": 1 - recall,
        "negative_predictive_value": sk.precision_score(y, positive, pos_label=0, zero_division=0.0),
        "f1": sk.f1_score(y, positive, zero_division=0.0),
        "roc_auc": sk.roc_auc_score(y, prob),
        "pr_auc": sk.average_precision_score(y, prob),
    }
    return {name: float(value) for name, value in values.items()}
