"""Scores of a two-class classifier with intervals, and the difference between two classifiers.

Every value is scikit-learn's. Every interval comes from a percentile bootstrap that resamples images, or whole groups
(patients, photos) where images of one group resemble each other. How to choose among the metrics: Metrics Reloaded,
Nature Methods 2024, https://arxiv.org/abs/2206.01653.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields

import numpy as np
import pandas as pd
from sklearn import metrics as sk

from helpers.metrics.intervals import bootstrap, percentiles, resampled_units, units_of, wilson
from helpers.metrics.validation import check_binary, check_options, group_codes

# Attribute of Scores -> its name in plain words, in the order of the tables.
METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "precision": "precision",
    "recall": "recall (sensitivity)",
    "specificity": "specificity",
    "false_negative_rate": "false-negative rate",
    "negative_predictive_value": "negative predictive value",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
}
LOWER_IS_BETTER = ("false_negative_rate",)
_NPV = "negative_predictive_value"


@dataclass(frozen=True, repr=False)
class Scores:
    """What `evaluate` found: ten metrics as attributes, their intervals, and the counts behind them.

    `sensitivity` is another name of `recall`, `npv` of `negative_predictive_value`. Printing gives a table with a
    warning in words.

    Attributes:
        accuracy, balanced_accuracy, precision, recall, specificity, f1, roc_auc, pr_auc: in [0, 1].
        false_negative_rate: share of the positive images that were missed.
        negative_predictive_value: share of the images called negative that are negative.
        tp, fp, tn, fn: images that are true positive, false positive, true negative, false negative.
        n: images.
        n_groups: groups; as many as images where none were given.
        threshold: an image counts as positive from this probability on.
        prevalence: share of the positive images.
        confidence: share of the intervals, such as 0.95.
        grouped: whether groups were given.
        note: what was done otherwise because groups are few, in words.
        intervals: metric -> (lower end, upper end).

    Example:
        >>> scores = evaluate([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])
        >>> scores.recall, scores.prevalence, (scores.tp, scores.fp, scores.tn, scores.fn)
        (0.5, 0.5, (1, 1, 1, 1))
    """

    accuracy: float
    balanced_accuracy: float
    precision: float
    recall: float
    specificity: float
    false_negative_rate: float
    negative_predictive_value: float
    f1: float
    roc_auc: float
    pr_auc: float
    tp: int
    fp: int
    tn: int
    fn: int
    n: int
    n_groups: int
    threshold: float
    prevalence: float
    confidence: float = 0.95
    grouped: bool = False
    note: str = ""
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def sensitivity(self) -> float:
        """The share of positive images that were found: another name of recall."""
        return self.recall

    @property
    def npv(self) -> float:
        """The share of the images called negative that are negative: another name of negative_predictive_value."""
        return self.negative_predictive_value

    def interval(self, name: str) -> tuple[float, float]:
        """Lower and upper end of the interval of a metric.

        Args:
            name: one of `METRICS`, or "sensitivity" or "npv".

        Raises:
            ValueError: there is no such metric.
        """
        return self.intervals[metric_name(name)]

    def text(self, name: str, digits: int = 3) -> str:
        """A metric with its interval, as "0.913 (0.889-0.933)".

        Args:
            name: one of `METRICS`, or "sensitivity" or "npv".
            digits: behind the decimal point.

        Raises:
            ValueError: there is no such metric.
        """
        low, high = self.interval(name)
        return f"{getattr(self, metric_name(name)):.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"

    @property
    def warning(self) -> str:
        """What a reader of these numbers must know, in words; empty where there is nothing to say."""
        said = []
        if self.tp + self.fp in (0, self.n):
            answer, found = ("negative", "specificity") if self.tp + self.fp == 0 else ("positive", "recall")
            share = 1 - self.prevalence if answer == "negative" else self.prevalence
            said.append(
                f"This model answers '{answer}' for every image: its {found} of 1 and its accuracy of {share:.3f} "
                f"(the share of that class) need no look at the pictures."
            )
        if self.tp + self.fp == 0:
            said.append("It never answers 'positive', so precision has no value; it is written as 0.")
        if self.tn + self.fn == 0:
            said.append("It never answers 'negative', so the negative predictive value has none; it is written as 0.")
        low, high = self.intervals["roc_auc"]
        if high < 0.5:
            said.append(
                f"It ranks the images worse than chance, ROC AUC {self.text('roc_auc')}: are the two classes swapped?"
            )
        elif low <= 0.5:
            said.append(
                f"It ranks the images no better than chance: ROC AUC {self.text('roc_auc')} does not exclude 0.5."
            )
        return " ".join(said)

    def table(self) -> pd.DataFrame:
        """One row a metric: its value and its interval, as strings."""
        rows = {
            words: [f"{getattr(self, name):.3f}", "{:.3f}-{:.3f}".format(*self.intervals[name])]
            for name, words in METRICS.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=["value", f"{100 * self.confidence:g} % interval"])

    def _summary(self) -> str:
        among = f"{self.n:,} images of {self.n_groups:,} groups" if self.grouped else f"{self.n:,} images"
        text = (
            f"{among}, {100 * self.prevalence:.1f} % positive; positive where the probability is at least "
            f"{self.threshold:g}: {self.tp:,} true and {self.fp:,} false positives, "
            f"{self.tn:,} true and {self.fn:,} false negatives."
        )
        return f"{text} {self.note}".strip()

    def __str__(self) -> str:
        return "\n".join(filter(None, [self.table().to_string(), self._summary(), self.warning]))

    def __repr__(self) -> str:
        return f"Scores(n={self.n}, {', '.join(f'{name}={getattr(self, name):.3f}' for name in METRICS)})"

    def _repr_html_(self) -> str:
        warning = f"<p><strong>{self.warning}</strong></p>" if self.warning else ""
        return f"{self.table().to_html()}<p>{self._summary()}</p>{warning}"

    def to_dict(self) -> dict:
        """The scores as plain numbers, ready for JSON; an end of an interval that has no value becomes None."""
        plain = asdict(self)
        ends = {name: [None if np.isnan(end) else end for end in ends] for name, ends in self.intervals.items()}
        return {**plain, "intervals": ends}

    @classmethod
    def from_dict(cls, plain: Mapping) -> Scores:
        """The scores that `to_dict` wrote.

        Scores written before the negative predictive value was measured get it from their counts, with Wilson's
        interval.

        Args:
            plain: what `to_dict` returned, or the same read from JSON.

        Raises:
            ValueError: entries are missing or unknown.
        """
        names = {f.name for f in fields(cls)}
        plain = _with_npv(plain) if isinstance(plain, Mapping) and set(plain) == names - {_NPV} else plain
        if not isinstance(plain, Mapping) or set(plain) != names or set(plain["intervals"]) != set(METRICS):
            raise ValueError(f"plain: not a dictionary of Scores.to_dict(), which has the entries {sorted(names)}.")
        ends = {
            name: tuple(float("nan") if end is None else float(end) for end in pair)
            for name, pair in plain["intervals"].items()
        }
        return cls(**{**plain, "intervals": ends})


def evaluate(
    y_true: Iterable,
    y_prob: Iterable,
    threshold: float = 0.5,
    groups: Iterable | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Scores:
    """Score the probabilities of a two-class model, with a percentile bootstrap interval for every metric.

    Precision is 0 where the model never answers 'positive', the negative predictive value where it never answers
    'negative'. PR AUC is the average precision; it depends on the share of positives, as accuracy, precision, negative
    predictive value and F1 do.

    Positive and negative groups are resampled apart, so that the shares of the classes stay. Should a resample of mixed
    groups lack a class, it is left out for the metrics that need it. Where a metric is exactly 0 or 1, every resample
    agrees and the bootstrap would claim certainty: there the interval is Wilson's for a proportion among the images
    that the metric is about, or among their groups, which is cautious (for balanced accuracy and the two areas: the
    smaller class; precision without a positive answer, negative predictive value without a negative one: 0 to 1). A
    model with one answer has a balanced accuracy of exactly 0.5, without an interval around it.

    Args:
        y_true: (n,) labels 0 and 1, both present.
        y_prob: (n,) or (n, 1) probabilities of class 1, in [0, 1].
        threshold: from 0 to 1; an image counts as positive where y_prob >= threshold, compared in the precision of
            y_prob.
        groups: (n,) names of patients or photos; whole groups are then resampled, unless a class has fewer than ten
            (`note` says so). None: every image for itself.
        n_boot: resamples, 1 or more; 1,000 of 2,000 images take well under two seconds.
        seed: of the resampling.
        confidence: share of the intervals, between 0 and 1.

    Raises:
        ValueError: NaN, wrong shapes, unequal lengths, values outside [0, 1], labels other than 0 and 1, labels of one
            class; the message names the argument.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993; the choice of metrics follows Metrics Reloaded,
        arXiv 2206.01653.

    Example:
        >>> scores = evaluate([0, 0, 0, 1, 1], [0.1, 0.2, 0.7, 0.4, 0.9])
        >>> scores.accuracy, scores.recall, scores.fp
        (0.6, 0.5, 1)
    """
    y, prob, positive = check_binary(y_true, y_prob, threshold)
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
    return Scores(
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
    )


def score_table(
    scores: Mapping[str, Scores],
    columns: Iterable[str] = ("accuracy", "recall", "specificity", "roc_auc"),
    digits: int = 3,
) -> pd.DataFrame:
    """Scores of several models side by side: one row a model, one column a metric.

    Args:
        scores: model name -> Scores, one or more.
        columns: metrics, as in `METRICS`.
        digits: behind the decimal point.

    Returns:
        Strings like "0.913 (0.889-0.933)"; the columns have the metrics' names in plain words, the index is "model".

    Raises:
        ValueError: no scores, or an unknown metric.

    Example:
        >>> scores = evaluate([0, 1] * 20, [0.1, 0.9, 0.6, 0.4] * 10)
        >>> score_table({"dense": scores}, columns=["accuracy"], digits=2).loc["dense", "accuracy"][:4]
        '0.50'
    """
    if not isinstance(scores, Mapping) or not scores or not all(isinstance(s, Scores) for s in scores.values()):
        raise ValueError(
            "scores: expected a dictionary of model name -> Scores; make each with evaluate(y_true, y_prob)."
        )
    names = [metric_name(column, "columns") for column in columns]
    rows = {model: [s.text(name, digits) for name in names] for model, s in scores.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=[METRICS[n] for n in names]).rename_axis("model")


def markdown(frame: pd.DataFrame) -> str:
    """A data frame as a Markdown table, with its index as the first column.

    Args:
        frame: any values; a "|" in a text is escaped.

    Example:
        >>> print(markdown(pd.DataFrame({"accuracy": ["0.91"]}, index=pd.Index(["dense"], name="model"))))
        | model | accuracy |
        | --- | --- |
        | dense | 0.91 |
    """
    header = [str(frame.index.name or ""), *map(str, frame.columns)]
    rows = [[str(index), *map(str, row)] for index, row in zip(frame.index, frame.to_numpy(), strict=True)]
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def metric_name(name: str, argument: str = "metric") -> str:
    """The attribute name of a metric.

    Args:
        name: one of `METRICS`, or the short "sensitivity" and "npv".
        argument: whose value `name` is, for the message.

    Raises:
        ValueError: there is no such metric.

    Example:
        >>> metric_name("sensitivity"), metric_name("npv")
        ('recall', 'negative_predictive_value')
    """
    name = {"sensitivity": "recall", "npv": _NPV}.get(name, name)
    if name not in METRICS:
        raise ValueError(f"{argument}: {name!r} is not one of {', '.join(METRICS)}.")
    return name


def _with_npv(plain: Mapping) -> dict:
    """Scores written without the negative predictive value, with it."""
    negative = plain["tn"] + plain["fn"]
    value = plain["tn"] / negative if negative else 0.0
    ends = list(wilson(value, negative, plain["confidence"]))
    return {**plain, _NPV: value, "intervals": {**plain["intervals"], _NPV: ends}}


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
        _NPV: sk.precision_score(y, positive, pos_label=0, zero_division=0.0),
        "f1": sk.f1_score(y, positive, zero_division=0.0),
        "roc_auc": sk.roc_auc_score(y, prob),
        "pr_auc": sk.average_precision_score(y, prob),
    }
    return {name: float(value) for name, value in values.items()}
