"""The difference between two classifiers on the same images, with a paired bootstrap interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from helpers.metrics.evaluation import point_values
from helpers.metrics.intervals import bootstrap, percentiles, resampled_units, units_of, wilson
from helpers.metrics.multiclass import (
    Tally,
    class_units,
    class_values,
    draws,
    effective_units,
    macro_samples,
    macro_values,
    units_of_classes,
)
from helpers.metrics.names import metric_name, metrics_of
from helpers.metrics.validation import check_binary, check_multiclass, check_options, group_codes, has_class_columns


@dataclass(frozen=True)
class Difference:
    """By how much model A differs from model B on the same images; printing says it in a sentence.

    Attributes:
        metric: attribute name of the metric in `Scores`.
        value: A minus B.
        low, high: ends of the interval of `value`.
        a, b: the metric of each model.
        n: images.
        n_groups: groups; as many as images where none were given.
        confidence: share of the interval, such as 0.95.
        n_classes: of the data.

    Example:
        >>> difference = Difference("accuracy", value=0.043, low=0.021, high=0.066, a=0.943, b=0.9, n=500, n_groups=500)
        >>> difference.clear, difference.text
        (True, 'accuracy +0.043 (+0.021 to +0.066)')
    """

    metric: str
    value: float
    low: float
    high: float
    a: float
    b: float
    n: int
    n_groups: int
    confidence: float = 0.95
    n_classes: int = 2

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    @property
    def text(self) -> str:
        """The difference in words: "accuracy +0.043 (+0.021 to +0.066)"."""
        return f"{metrics_of(self.n_classes)[self.metric]} {self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})"

    def __str__(self) -> str:
        verdict = "clear of 0" if self.clear else "not clear of 0: these images do not tell the two models apart"
        return f"{self.text}, from {self.b:.3f} to {self.a:.3f}; the {100 * self.confidence:g} % interval is {verdict}."


def compare(
    y_true: Iterable,
    prob_a: Iterable,
    prob_b: Iterable,
    metric: str = "accuracy",
    threshold: float = 0.5,
    groups: Iterable | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Difference:
    """How much better model A is than model B on the same images: A minus B, with a paired bootstrap interval.

    Both models meet the same resamples, so the interval is narrower than two single ones suggest. Where every resample
    has the same difference, the interval reaches as far as Wilson's for no case in n images (or groups).

    Args:
        y_true: (n,) labels 0 and 1, both present; or class numbers from 0, at least two of them present.
        prob_a, prob_b: (n,) or (n, 1) probabilities of class 1, in [0, 1], of the same images in the same order; or
            (n, classes).
        metric: one of `METRICS`, or "sensitivity" or "npv"; of more than two classes one of `MULTICLASS_METRICS`.
        threshold: from 0 to 1; an image counts as positive where its probability is at least this. Not for more than
            two classes.
        groups: (n,) names of patients or photos, resampled as a whole; None: every image for itself.
        n_boot: resamples, 1 or more.
        seed: of the resampling.
        confidence: share of the interval, between 0 and 1.

    Raises:
        ValueError: an unknown metric, or as `evaluate`.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993.

    Example:
        >>> difference = compare([0, 0, 1, 1], prob_a=[0.1, 0.2, 0.8, 0.9], prob_b=[0.1, 0.6, 0.4, 0.9])
        >>> difference.value, difference.a, difference.b
        (0.5, 1.0, 0.5)
    """
    columns = [has_class_columns(prob) for prob in (prob_a, prob_b)]
    if all(columns):
        name = metric_name(metric, n_classes=3)
        return _compare_multiclass(y_true, prob_a, prob_b, name, threshold, groups, n_boot, seed, confidence)
    if any(columns):
        raise ValueError("prob_a, prob_b: one has two classes and the other more; compare models of the same classes.")
    name = metric_name(metric, n_classes=2)
    y, a, positive_a = check_binary(y_true, prob_a, threshold, "prob_a")
    _, b, positive_b = check_binary(y_true, prob_b, threshold, "prob_b")
    codes = group_codes(groups, len(y))
    check_options(n_boot, confidence)
    value_a, value_b = point_values(y, a, positive_a)[name], point_values(y, b, positive_b)[name]
    units, _ = resampled_units(y, codes)
    samples = (
        bootstrap(y, a, positive_a, units, n_boot, seed)[name] - bootstrap(y, b, positive_b, units, n_boot, seed)[name]
    )
    about = units_of(name, y, positive_a | positive_b, codes)
    low, high = _ends(samples, value_a - value_b, about, confidence)
    return Difference(name, value_a - value_b, low, high, value_a, value_b, len(y), int(codes.max()) + 1, confidence)


def _compare_multiclass(
    y_true: Iterable,
    prob_a: Iterable,
    prob_b: Iterable,
    name: str,
    threshold: float,
    groups: Iterable | None,
    n_boot: int,
    seed: int,
    confidence: float,
) -> Difference:
    checked = [
        check_multiclass(y_true, prob, threshold, name=argument)
        for argument, prob in (("prob_a", prob_a), ("prob_b", prob_b))
    ]
    y, (n_classes, n_classes_b) = checked[0][0], [prob.shape[1] for _, prob, _ in checked]
    if n_classes != n_classes_b:
        raise ValueError(f"prob_b: {n_classes_b} classes, prob_a has {n_classes}; compare models of the same classes.")
    codes = group_codes(groups, len(y))
    check_options(n_boot, confidence)
    units, strata, _, _ = class_units(y, codes, n_classes)
    values, samples = [], []
    for _, prob, top_k in checked:
        tally = Tally(y, prob, top_k)
        classes = class_values(y, prob, tally.answers)
        whole = macro_values(y, prob, tally.answers, top_k, classes)
        values.append(whole[name])
        samples.append(macro_samples(tally.samples(draws(units, strata, n_boot, seed)), whole)[name])
    about = effective_units(units_of_classes(y, units, n_classes))
    low, high = _ends(samples[0] - samples[1], values[0] - values[1], about, confidence)
    n_groups = int(codes.max()) + 1
    return Difference(name, values[0] - values[1], low, high, *values, len(y), n_groups, confidence, n_classes)


def _ends(samples: np.ndarray, value: float, about: int, confidence: float) -> tuple[float, float]:
    """Ends of the interval; where all resamples agree, as far as Wilson's for no case among so many units."""
    low, high = percentiles(samples, confidence)
    if low == high:
        reach = wilson(0.0, about, confidence)[1]
        return max(-1.0, value - reach), min(1.0, value + reach)
    return low, high
