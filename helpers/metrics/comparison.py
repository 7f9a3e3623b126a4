"""The difference between two classifiers on the same images with its paired interval, and many such differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from helpers.metrics.evaluation import point_value
from helpers.metrics.influence import binary_influence, unit_sums
from helpers.metrics.intervals import divided, divided_of_whole, too_few
from helpers.metrics.multiclass import (
    Placements,
    class_values,
    found_among,
    macro_values,
    whole_influence,
    whole_strata,
)
from helpers.metrics.names import metric_name, metrics_of
from helpers.metrics.validation import (
    check_binary,
    check_confidence,
    check_multiclass,
    group_codes,
    has_class_columns,
)

MANY = 3  # more comparisons than these are corrected for their number
ABOUT = {"recall": 1, "false_negative_rate": 1, "specificity": 0}  # metrics of one class of two
STRATIFIED = (*ABOUT, "balanced_accuracy", "roc_auc")  # metrics of two classes that don't depend on their shares


@dataclass(frozen=True)
class Difference:
    """By how much model A differs from model B on the same images; printing says it in a sentence.

    Attributes:
        metric: attribute name of the metric in `Scores`.
        value: A minus B.
        low, high: ends of the interval of `value`; both 0 where the models agree on every image.
        a, b: the metric of each model.
        n: images.
        n_groups: groups; as many as images where none were given.
        confidence: share of the interval, such as 0.95.
        n_classes: of the data.
        p: the two-sided p value of no difference; where it is under 1 - confidence, the interval leaves out 0.
        few_groups: the smallest number of groups of a class that the metric is about, where that is too small to tell
            models apart on new groups; else 0.
        comparisons: how many comparisons `p` was corrected for by Holm's method; 1: none.

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
    p: float = float("nan")
    few_groups: int = 0
    comparisons: int = 1

    @property
    def same(self) -> bool:
        """Whether the models agree on every image that the metric is about; such a difference has no interval."""
        return self.low == self.high

    @property
    def clear(self) -> bool:
        """Whether these images tell the models apart: no with few groups, after Holm's correction by the p value."""
        if self.few_groups:
            return False
        if self.comparisons > 1:
            return self.p < 1 - self.confidence
        return self.low > 0 or self.high < 0

    @property
    def text(self) -> str:
        """The difference in words: "accuracy +0.043 (+0.021 to +0.066)"."""
        ends = "the same on every image" if self.same else f"{self.low:+.3f} to {self.high:+.3f}"
        return f"{metrics_of(self.n_classes)[self.metric]} {self.value:+.3f} ({ends})"

    @property
    def verdict(self) -> str:
        """What the interval says, in a few words."""
        if self.same:
            return "no difference on these images"
        if self.few_groups:
            return f"too few groups to tell ({self.few_groups})"
        if self.clear:
            return "clear of 0"
        many = self.comparisons > 1 and (self.low > 0 or self.high < 0)
        return f"not clear of 0 among {self.comparisons} comparisons" if many else "not clear of 0"

    def __str__(self) -> str:
        models = f"{self.text}, from {self.b:.3f} to {self.a:.3f}"
        if self.same:
            return f"{models}; these images do not tell the two models apart."
        level = f"the paired {100 * self.confidence:g} % interval"
        if self.few_groups:
            return f"{models}; {level} is for more images of the same groups: {self.verdict}."
        if self.comparisons > 1:
            holm = f"Holm's p for {self.comparisons} comparisons is {self.p:.3f}"
            return f"{models}; {holm}: {self.verdict}."
        more = "" if self.clear else ": these images do not tell the two models apart"
        return f"{models}; {level} is {self.verdict}{more}."


def compare(
    y_true: Iterable,
    prob_a: Iterable,
    prob_b: Iterable,
    metric: str = "accuracy",
    threshold: float = 0.5,
    groups: Iterable | None = None,
    confidence: float = 0.95,
) -> Difference:
    """How much better model A is than model B on the same images: A minus B, with a paired interval.

    The variance is that of what each image, or all images of a group together, move the difference, with one pair of
    images added on which the models disagree, one for each; the interval has Student's t with units - 1 degrees of
    freedom of the smaller class. For accuracy by image that is Bonett and Price's interval, for ROC AUC the test of
    DeLong and of Obuchowski. Both models meet the same images, so it is narrower than two single intervals suggest:
    whether those overlap is no test.

    Models that agree on every image that the metric is about have a difference of 0 without an interval. Where a class
    has fewer than ten groups, its images are taken one by one, and the verdict is "too few groups to tell" (of more
    than two classes where such classes decide the metric).

    Args:
        y_true: (n,) labels 0 and 1, both present; or class numbers from 0, at least two of them present.
        prob_a, prob_b: (n,) or (n, 1) probabilities of class 1, in [0, 1], of the same images in the same order; or
            (n, classes).
        metric: one of `METRICS`, or "sensitivity" or "npv"; of more than two classes one of `MULTICLASS_METRICS`.
        threshold: from 0 to 1; an image counts as positive where its probability is at least this. Not for more than
            two classes.
        groups: (n,) names of patients or photos; None: every image for itself.
        confidence: share of the interval, between 0 and 1.

    Raises:
        ValueError: an unknown metric, or as `evaluate`.

    Source:
        Bonett and Price, Adjusted Wald confidence interval for a difference of binomial proportions based on paired
        data, J. Educational and Behavioral Statistics 2012; DeLong et al., Biometrics 1988; Obuchowski, Biometrics
        1997. Coverage is measured in tests/bench/coverage.py.

    Example:
        >>> difference = compare([0, 0, 1, 1], prob_a=[0.1, 0.2, 0.8, 0.9], prob_b=[0.1, 0.6, 0.4, 0.9])
        >>> difference.value, difference.a, difference.b
        (0.5, 1.0, 0.5)
    """
    check_confidence(confidence)
    columns = [has_class_columns(prob) for prob in (prob_a, prob_b)]
    if all(columns):
        name = metric_name(metric, n_classes=3)
        return _compare_multiclass(y_true, prob_a, prob_b, name, threshold, groups, confidence)
    if any(columns):
        raise ValueError("prob_a, prob_b: one has two classes and the other more; compare models of the same classes.")
    name = metric_name(metric, n_classes=2)
    y, a, positive_a = check_binary(y_true, prob_a, threshold, "prob_a")
    _, b, positive_b = check_binary(y_true, prob_b, threshold, "prob_b")
    codes = group_codes(groups, len(y))
    values = [point_value(name, y, *model) for model in ((a, positive_a), (b, positive_b))]
    moved = binary_influence(name, y, a, positive_a) - binary_influence(name, y, b, positive_b)
    differ = np.ones(len(y), dtype=bool) if name in ("roc_auc", "pr_auc") else positive_a != positive_b
    units, few = divided(codes, y, 2)
    strata = y if name in STRATIFIED else np.zeros_like(y)
    about = y == ABOUT[name] if name in ABOUT else np.ones(len(y), dtype=bool)
    few_groups = min((int(few[k]) for k in (0, 1) if few[k] and ABOUT.get(name, k) == k), default=0)
    difference, n_groups = values[0] - values[1], int(codes.max()) + 1
    ends = _paired(difference, moved[about], differ[about], units[about], strata[about], confidence)
    return Difference(name, difference, *ends[:2], *values, len(y), n_groups, confidence, 2, ends[2], few_groups)


def _compare_multiclass(
    y_true: Iterable,
    prob_a: Iterable,
    prob_b: Iterable,
    name: str,
    threshold: float,
    groups: Iterable | None,
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
    values, moved, answered = [], [], []
    for _, prob, top_k in checked:
        answers, found = prob.argmax(axis=1), found_among(y, prob, top_k)
        placements = Placements(y, prob)
        values.append(macro_values(y, answers, found, class_values(y, answers, placements))[name])
        moved.append(whole_influence(name, y, answers, found, placements))
        answered.append(found if name == "top_k_accuracy" else answers)
    differ = np.ones(len(y), dtype=bool) if name == "roc_auc" else answered[0] != answered[1]
    units = divided_of_whole(codes, y, n_classes)
    difference = values[0] - values[1]
    ends = _paired(difference, moved[0] - moved[1], differ, units, whole_strata(name, y), confidence)
    images = np.bincount(y, minlength=n_classes)
    groups_of = np.bincount(np.unique(np.stack([codes, y]), axis=1)[1], minlength=n_classes)
    weights = images if name in ("accuracy", "top_k_accuracy") else images > 0
    few_groups = too_few(weights.astype(float), groups_of, divided(codes, y, n_classes)[1])
    n_groups = int(codes.max()) + 1
    return Difference(
        name, difference, *ends[:2], *values, len(y), n_groups, confidence, n_classes, ends[2], few_groups
    )


def _paired(
    value: float, moved: np.ndarray, differ: np.ndarray, units: np.ndarray, strata: np.ndarray, confidence: float
) -> tuple[float, float, float]:
    """Lower end, upper end and p value of a difference, from what each image moves it."""
    if not (differ & (moved != 0)).any():
        return 0.0, 0.0, 1.0
    units = np.unique(units, return_inverse=True)[1]
    labels = np.unique(strata, return_inverse=True)[1]
    pairs = np.unique(np.stack([units, labels]), axis=1)[1]
    disagreement = (moved[differ] ** 2).mean()
    error = np.sqrt((unit_sums(moved, units, labels) ** 2).sum() + 2 * disagreement)
    degrees = max(int(np.bincount(pairs).min()) - 1, 1)
    reach = stats.t.ppf((1 + confidence) / 2, degrees) * error
    p = 2 * stats.t.sf(abs(value) / error, degrees)
    return float(max(value - reach, -1.0)), float(min(value + reach, 1.0)), float(p)


def holm(differences: Mapping[str, Difference]) -> dict[str, Difference]:
    """The same differences with p values corrected for their number: `clear` and the sentence then go by these.

    Of many comparisons without any true difference, one in twenty is clear by chance. Holm's correction keeps the
    chance that any of them is at 5 %. The intervals stay those of single comparisons.

    Args:
        differences: name -> Difference of `compare`, all those that were made.

    Raises:
        ValueError: no differences, or corrected ones.

    Source:
        Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 1979.

    Example:
        >>> y, a, b = [0, 1] * 50, [0.1, 0.9] * 50, [0.1, 0.9] * 45 + [0.9, 0.1] * 5
        >>> once = compare(y, a, b)
        >>> corrected = holm({f"model {i}": once for i in range(20)})["model 7"]
        >>> once.clear, corrected.clear, corrected.verdict
        (True, False, 'not clear of 0 among 20 comparisons')
    """
    if not isinstance(differences, Mapping) or not differences:
        raise ValueError("differences: expected a dictionary of name -> Difference; make each with compare(...).")
    if not all(isinstance(found, Difference) and found.comparisons == 1 for found in differences.values()):
        raise ValueError("differences: some are no results of compare(...), or are corrected already; pass those.")
    p = np.array([found.p for found in differences.values()])
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    return {
        name: replace(found, p=float(value), comparisons=len(p))
        for (name, found), value in zip(differences.items(), corrected, strict=True)
    }


def difference_table(differences: Mapping[str, Difference], digits: int = 3) -> pd.DataFrame:
    """Differences side by side with their verdicts; more than three are corrected for their number by Holm's method.

    Args:
        differences: name -> Difference of `compare`, all those that were made, or of `holm`.
        digits: behind the decimal point.

    Returns:
        Strings: difference, interval, p or "p (Holm)", verdict; the index is "comparison".

    Raises:
        ValueError: no differences.

    Example:
        >>> y, a, b = [0, 1] * 50, [0.1, 0.9] * 50, [0.1, 0.9] * 45 + [0.9, 0.1] * 5
        >>> difference_table({"CNN - dense": compare(y, a, b)}).loc["CNN - dense", "verdict"]
        'clear of 0'
    """
    if not isinstance(differences, Mapping) or not all(isinstance(found, Difference) for found in differences.values()):
        raise ValueError("differences: expected a dictionary of name -> Difference; make each with compare(...).")
    if len(differences) == 0 or (len(differences) > MANY and {d.comparisons for d in differences.values()} == {1}):
        differences = holm(differences)
    corrected = any(found.comparisons > 1 for found in differences.values())
    rows = {
        name: [
            f"{found.value:+.{digits}f}",
            "none" if found.same else f"{found.low:+.{digits}f} to {found.high:+.{digits}f}",
            "" if found.same else f"{found.p:.3f}" if found.p >= 0.001 else "< 0.001",
            found.verdict,
        ]
        for name, found in differences.items()
    }
    level = f"{100 * next(iter(differences.values())).confidence:g} % interval"
    columns = ["difference", level, "p (Holm)" if corrected else "p", "verdict"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("comparison")
