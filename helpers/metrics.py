"""Scores of a two-class classifier with intervals, and the difference between two classifiers.

Every value is scikit-learn's. Every interval comes from a percentile bootstrap that resamples images, or whole groups
(patients, photos) where images of one group resemble each other. How to choose among the metrics: Metrics Reloaded,
Nature Methods 2024, https://arxiv.org/abs/2206.01653.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn import metrics as sk

from helpers.checks import check_binary, check_options, group_codes

# Attribute of Scores -> its name in plain words, in the order of the tables.
METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "precision": "precision",
    "recall": "recall (sensitivity)",
    "specificity": "specificity",
    "false_negative_rate": "false-negative rate",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
}
LOWER_IS_BETTER = ("false_negative_rate",)
FEW_GROUPS = 10  # a class with fewer groups than this is resampled image by image
_CHUNK = 1_000_000  # weights held at once: keeps the memory flat in the number of images


@dataclass(frozen=True, repr=False)
class Scores:
    """What `evaluate` found: nine metrics as attributes, their intervals, and the counts behind them.

    `scores.recall` is a float in [0, 1], `scores.interval("recall")` its interval, `scores.text("recall")` both as
    "0.913 (0.889-0.933)". `sensitivity` is another name of `recall`. Printing gives a table with a warning in words.
    """

    accuracy: float
    balanced_accuracy: float
    precision: float
    recall: float
    specificity: float
    false_negative_rate: float
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

    def interval(self, name: str) -> tuple[float, float]:
        """Lower and upper end of the interval of the metric `name`; ValueError where there is no such metric."""
        return self.intervals[metric_name(name)]

    def text(self, name: str, digits: int = 3) -> str:
        """The metric `name` with its interval, as "0.913 (0.889-0.933)"."""
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
        """The scores that `to_dict` wrote; ValueError where entries are missing or unknown."""
        names = {f.name for f in fields(cls)}
        if not isinstance(plain, Mapping) or set(plain) != names or set(plain["intervals"]) != set(METRICS):
            raise ValueError(f"plain: not a dictionary of Scores.to_dict(), which has the entries {sorted(names)}.")
        ends = {
            name: tuple(float("nan") if end is None else float(end) for end in pair)
            for name, pair in plain["intervals"].items()
        }
        return cls(**{**plain, "intervals": ends})


@dataclass(frozen=True)
class Difference:
    """By how much model A differs from model B: `value` is A minus B, with `low` and `high` as its interval."""

    metric: str
    value: float
    low: float
    high: float
    a: float
    b: float
    n: int
    n_groups: int
    confidence: float = 0.95

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    @property
    def text(self) -> str:
        """The difference in words: "accuracy +0.043 (+0.021 to +0.066)"."""
        return f"{METRICS[self.metric]} {self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})"

    def __str__(self) -> str:
        verdict = "clear of 0" if self.clear else "not clear of 0: these images do not tell the two models apart"
        return f"{self.text}, from {self.b:.3f} to {self.a:.3f}; the {100 * self.confidence:g} % interval is {verdict}."


def evaluate(
    y_true: Iterable,
    y_prob: Iterable,
    threshold: float = 0.5,
    groups: Iterable | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Scores:
    """Score the probabilities of a two-class model.

    y_true: (n,) labels 0 and 1, both present. y_prob: (n,) or (n, 1) probabilities of class 1, in [0, 1]. An image
    counts as positive where y_prob >= threshold, compared in the precision of y_prob. groups: (n,) names of patients or
    photos; whole groups are then resampled, unless a class has only a few (the note says so). n_boot: number of
    resamples, drawn from `seed`, positive and negative groups apart, so that the shares of the classes stay.

    Precision is 0 where the model never answers 'positive'. PR AUC is the average precision; it depends on the share of
    positives, as accuracy, precision and F1 do. Should a resample of mixed groups lack a class, it is left out for the
    metrics that need it. Where a metric is exactly 0 or 1 every resample agrees and the bootstrap would claim
    certainty: there the interval is Wilson's for a proportion among the images that the metric is about, or among their
    groups, which is cautious (for balanced accuracy and the two areas: the smaller class; precision without a positive
    answer: 0 to 1). A model with one answer has a balanced accuracy of exactly 0.5, without an interval around it.

    Raises ValueError, naming the argument, for NaN, wrong shapes, unequal lengths, values outside [0, 1], labels other
    than 0 and 1, and labels of one class. 1,000 resamples of 2,000 images take well under two seconds.
    """
    y, prob, positive = check_binary(y_true, y_prob, threshold)
    codes = group_codes(groups, len(y))
    check_options(n_boot, confidence)
    values = _point_values(y, prob, positive)
    units, note = _resampled_units(y, codes)
    samples = _bootstrap(y, prob, positive, units, n_boot, seed)
    intervals = {}
    for name, value in values.items():
        if value in (0.0, 1.0):
            intervals[name] = _wilson(value, _units(name, y, positive, units), confidence)
        else:
            intervals[name] = _percentiles(samples[name], confidence)
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

    Arguments as for `evaluate`; prob_a and prob_b are the two models' probabilities for the same images in the same
    order. Both models meet the same resamples, so the interval is narrower than two single ones suggest. Where every
    resample has the same difference, the interval reaches as far as Wilson's for no case in n images (or groups).
    """
    name = metric_name(metric)
    y, a, positive_a = check_binary(y_true, prob_a, threshold, "prob_a")
    _, b, positive_b = check_binary(y_true, prob_b, threshold, "prob_b")
    codes = group_codes(groups, len(y))
    check_options(n_boot, confidence)
    value_a, value_b = _point_values(y, a, positive_a)[name], _point_values(y, b, positive_b)[name]
    value = value_a - value_b
    units, _ = _resampled_units(y, codes)
    samples = (
        _bootstrap(y, a, positive_a, units, n_boot, seed)[name]
        - _bootstrap(y, b, positive_b, units, n_boot, seed)[name]
    )
    low, high = _percentiles(samples, confidence)
    if low == high:
        reach = _wilson(0.0, _units(name, y, positive_a | positive_b, codes), confidence)[1]
        low, high = max(-1.0, value - reach), min(1.0, value + reach)
    return Difference(name, value, low, high, value_a, value_b, len(y), int(codes.max()) + 1, float(confidence))


def score_table(
    scores: Mapping[str, Scores],
    columns: Iterable[str] = ("accuracy", "recall", "specificity", "roc_auc"),
    digits: int = 3,
) -> pd.DataFrame:
    """One row a model, one column a metric, as strings like "0.913 (0.889-0.933)"; column names in plain words."""
    if not isinstance(scores, Mapping) or not scores or not all(isinstance(s, Scores) for s in scores.values()):
        raise ValueError(
            "scores: expected a dictionary of model name -> Scores; make each with evaluate(y_true, y_prob)."
        )
    names = [metric_name(column, "columns") for column in columns]
    rows = {model: [s.text(name, digits) for name in names] for model, s in scores.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=[METRICS[n] for n in names]).rename_axis("model")


def markdown(frame: pd.DataFrame) -> str:
    """A data frame as a Markdown table, with its index as the first column."""
    header = [str(frame.index.name or ""), *map(str, frame.columns)]
    rows = [[str(index), *map(str, row)] for index, row in zip(frame.index, frame.to_numpy(), strict=True)]
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def metric_name(name: str, argument: str = "metric") -> str:
    """The attribute name of a metric ("sensitivity" becomes "recall"); ValueError for an unknown one."""
    if name == "sensitivity":
        return "recall"
    if name not in METRICS:
        raise ValueError(f"{argument}: {name!r} is not one of {', '.join(METRICS)}.")
    return name


def _point_values(y: np.ndarray, prob: np.ndarray, positive: np.ndarray) -> dict[str, float]:
    recall = sk.recall_score(y, positive)
    values = {
        "accuracy": sk.accuracy_score(y, positive),
        "balanced_accuracy": sk.balanced_accuracy_score(y, positive),
        "precision": sk.precision_score(y, positive, zero_division=0.0),
        "recall": recall,
        "specificity": sk.recall_score(y, positive, pos_label=0),
        "false_negative_rate": 1 - recall,
        "f1": sk.f1_score(y, positive, zero_division=0.0),
        "roc_auc": sk.roc_auc_score(y, prob),
        "pr_auc": sk.average_precision_score(y, prob),
    }
    return {name: float(value) for name, value in values.items()}


def _sides(y: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """(groups,) bool: whether at least half of a group's images are positive."""
    return np.bincount(codes, weights=y) / np.bincount(codes) >= 0.5


def _resampled_units(y: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, str]:
    """(n,) number of the unit that is resampled with each image, and a sentence where it is not the group.

    A handful of groups cannot be resampled: two of them allow three different draws. Groups of a class that has fewer
    than FEW_GROUPS are therefore taken apart into images.
    """
    if codes.max() + 1 == len(codes):
        return codes, ""
    side, said, apart = _sides(y, codes), [], np.zeros(len(codes), dtype=bool)
    for value, words in ((True, "positive"), (False, "negative")):
        count = int((side == value).sum())
        if 0 < count < FEW_GROUPS:
            apart |= side[codes] == value
            said.append(
                f"Only {count} group(s) are mostly {words}: these were resampled image by image, so the intervals "
                "may be too narrow for pictures from new groups."
            )
    units = np.where(apart, codes.max() + 1 + np.arange(len(codes)), codes)
    return np.unique(units, return_inverse=True)[1], " ".join(said)


def _weights(y: np.ndarray, codes: np.ndarray, n_boot: int, seed: int) -> Iterator[np.ndarray]:
    """(resamples, n) arrays of how often each image was drawn, a few resamples at a time.

    Units that are mostly positive and units that are mostly negative are drawn separately, so that every resample has
    about the class shares of the images.
    """
    rng = np.random.default_rng(seed)
    side = _sides(y, codes)
    rows = max(1, _CHUNK // len(codes))
    for start in range(0, n_boot, rows):
        size = min(rows, n_boot - start)
        times = np.zeros((size, len(side)))
        for members in (np.flatnonzero(side), np.flatnonzero(~side)):
            k = len(members)
            drawn = rng.integers(0, max(k, 1), (size, k)) + k * np.arange(size)[:, None]
            times[:, members] = np.bincount(drawn.ravel(), minlength=size * k).reshape(size, k)
        yield times[:, codes]


def _bootstrap(
    y: np.ndarray, prob: np.ndarray, positive: np.ndarray, codes: np.ndarray, n_boot: int, seed: int
) -> dict[str, np.ndarray]:
    parts = [weighted_metrics(y, prob, positive, weights) for weights in _weights(y, codes, n_boot, seed)]
    return {name: np.concatenate([part[name] for part in parts]) for name in METRICS}


def weighted_metrics(
    y: np.ndarray, prob: np.ndarray, positive: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """All metrics for many sets of weights at once: scikit-learn's with sample_weight, without a loop.

    y, prob, positive: (n,) labels, probabilities, answers. weights: (m, n), at least 0. Returns (m,) arrays, NaN where
    the weighted images lack the class that a metric is about.
    """
    order = np.argsort(-prob, kind="stable")
    y, prob, positive, weights = y[order].astype(float), prob[order], positive[order].astype(float), weights[:, order]
    ties = np.flatnonzero(np.r_[True, np.diff(prob) != 0])  # images of one probability enter the curves together
    pos = np.add.reduceat(weights * y, ties, axis=1)
    neg = np.add.reduceat(weights * (1 - y), ties, axis=1)
    pos_above, neg_above = pos.cumsum(axis=1), neg.cumsum(axis=1)
    p, n = pos_above[:, -1], neg_above[:, -1]
    tp, fp = weights @ (y * positive), weights @ ((1 - y) * positive)
    with np.errstate(divide="ignore", invalid="ignore"):
        recall, specificity = tp / p, (n - fp) / n
        step_precision = np.nan_to_num(pos_above / (pos_above + neg_above))
        return {
            "accuracy": (tp + n - fp) / (p + n),
            "balanced_accuracy": (recall + specificity) / 2,
            "precision": np.where(tp + fp > 0, tp / (tp + fp), 0.0),
            "recall": recall,
            "specificity": specificity,
            "false_negative_rate": (p - tp) / p,
            "f1": np.where(p > 0, 2 * tp / (tp + fp + p), np.nan),
            "roc_auc": (neg * (pos_above - pos / 2)).sum(axis=1) / (p * n),
            "pr_auc": (pos * step_precision).sum(axis=1) / p,
        }


def _percentiles(samples: np.ndarray, confidence: float) -> tuple[float, float]:
    valid = samples[~np.isnan(samples)]
    if len(valid) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(valid, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _units(name: str, y: np.ndarray, positive: np.ndarray, codes: np.ndarray) -> int:
    """How many images (or groups) a metric is about: those of its denominator, or of the smaller class."""
    count = {label: len(np.unique(codes[y == label])) for label in (0, 1)}
    if name == "accuracy":
        return int(codes.max()) + 1
    if name == "precision":
        return len(np.unique(codes[positive]))
    if name in ("recall", "false_negative_rate", "f1"):
        return count[1]
    return count[0] if name == "specificity" else min(count.values())


def _wilson(share: float, n: int, confidence: float) -> tuple[float, float]:
    if n == 0:
        return 0.0, 1.0
    ends = binomtest(round(share * n), n).proportion_ci(confidence, method="wilson")
    return float(ends.low), float(ends.high)
