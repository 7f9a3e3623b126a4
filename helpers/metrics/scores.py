"""What was measured, with intervals: the scores of two classes, and of more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from html import escape
from typing import ClassVar

import numpy as np
import pandas as pd

from helpers.metrics.intervals import wilson
from helpers.metrics.names import CLASS_METRICS, METRICS, MULTICLASS_METRICS, metric_name, metrics_of

_NPV = "negative_predictive_value"
SHOWN_CLASSES = 20  # of more classes the worst ten are printed


class Scores(ABC):
    """What `evaluate` found, for any number of classes: metrics as attributes, their intervals, the counts behind them.

    Printing gives a table with a warning in words. Of two classes it is a `BinaryScores`, of more a `MulticlassScores`.

    Attributes:
        n: images.
        n_groups: groups; as many as images where none were given.
        class_names: by number; empty where none were given for two classes.
        confidence: share of the intervals, such as 0.95.
        grouped: whether groups were given.
        note: what a reader must know about images and groups, in words.
        intervals: metric -> (lower end, upper end); NaN where a metric has no interval.
        few_groups: class -> number of its groups, where these are too few to say something about new groups.

    Example:
        >>> from helpers.metrics import evaluate
        >>> scores = evaluate([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9])
        >>> scores.recall, scores.prevalence, (scores.tp, scores.fp, scores.tn, scores.fn)
        (0.5, 0.5, (1, 1, 1, 1))
    """

    n: int
    n_groups: int
    class_names: tuple[str, ...]
    confidence: float
    grouped: bool
    note: str
    intervals: dict[str, tuple[float, float]]
    few_groups: dict[str, int]
    _optional: ClassVar[tuple[str, ...]] = ("few_groups",)
    _methods: ClassVar[str] = ""

    @property
    def n_classes(self) -> int:
        """Number of the classes."""
        return len(self.class_names) or 2

    @property
    def metrics(self) -> dict[str, str]:
        """Metric -> its name in plain words."""
        return metrics_of(self.n_classes)

    def interval(self, name: str) -> tuple[float, float]:
        """Lower and upper end of the interval of a metric.

        Args:
            name: one of `metrics`, or "sensitivity" or "npv".

        Raises:
            ValueError: there is no such metric.
        """
        return self.intervals[metric_name(name, n_classes=self.n_classes)]

    def text(self, name: str, digits: int = 3) -> str:
        """A metric with its interval, as "0.913 (0.889-0.933)"; the value alone where it has none.

        Args:
            name: one of `metrics`, or "sensitivity" or "npv".
            digits: behind the decimal point.

        Raises:
            ValueError: there is no such metric.
        """
        value = getattr(self, metric_name(name, n_classes=self.n_classes))
        return with_interval(value, *self.interval(name), digits)

    @property
    @abstractmethod
    def warning(self) -> str:
        """What a reader of these numbers must know, in words; empty where there is nothing to say."""

    @property
    def _among(self) -> str:
        return f"{self.n:,} images of {self.n_groups:,} groups" if self.grouped else f"{self.n:,} images"

    @property
    def _interval_words(self) -> str:
        return f"{100 * self.confidence:g} % interval"

    def table(self) -> pd.DataFrame:
        """One row a metric: its value and its interval, as strings."""
        rows = {
            words: [f"{getattr(self, name):.3f}", _ends_text(*self.intervals[name])]
            for name, words in self.metrics.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index", columns=["value", self._interval_words])

    def _tables(self) -> dict[str, pd.DataFrame]:
        return {"": self.table()}

    @property
    def method(self) -> str:
        """How the intervals were found, in a sentence."""
        by_group = ", images of one group counting as fewer (beta-binomial)" if self.grouped else ""
        return f"Intervals: {self._methods}{by_group}."

    @abstractmethod
    def _summary(self) -> str:
        """Images, groups and counts in a sentence."""

    def __str__(self) -> str:
        lines = [line for above, table in self._tables().items() for line in (above, table.to_string())]
        return "\n".join(filter(None, [*lines, self._summary(), self.method, self.warning]))

    def __repr__(self) -> str:
        return f"Scores(n={self.n}, {', '.join(f'{name}={getattr(self, name):.3f}' for name in self.metrics)})"

    def _repr_html_(self) -> str:
        warning = f"<p><strong>{escape(self.warning, quote=False)}</strong></p>" if self.warning else ""
        tables = "".join(
            (f"<p>{escape(above)}</p>" if above else "") + table.to_html() for above, table in self._tables().items()
        )
        foot = f"<p>{escape(self._summary(), quote=False)}</p><p>{escape(self.method, quote=False)}</p>"
        return f"{tables}{foot}{warning}"

    def to_dict(self) -> dict:
        """The scores as plain numbers, ready for JSON; an end of an interval that has no value becomes None."""
        plain = {name: value for name, value in asdict(self).items() if value or name not in self._optional}
        ends = {name: [None if np.isnan(end) else end for end in ends] for name, ends in self.intervals.items()}
        return {**plain, "intervals": ends}

    @staticmethod
    def from_dict(plain: Mapping) -> BinaryScores | MulticlassScores:
        """The scores that `to_dict` wrote.

        Scores written before the negative predictive value was measured get it from their counts, with Wilson's
        interval.

        Args:
            plain: what `to_dict` returned, or the same read from JSON.

        Raises:
            ValueError: entries are missing or unknown.
        """
        kind = MulticlassScores if isinstance(plain, Mapping) and "class_columns" in plain else BinaryScores
        names = {f.name for f in fields(kind)}
        needed = names - set(kind._optional)
        if kind is BinaryScores and isinstance(plain, Mapping) and needed - set(plain) == {_NPV}:
            plain = _with_npv(plain)
        known = METRICS if kind is BinaryScores else MULTICLASS_METRICS
        if not isinstance(plain, Mapping) or not needed <= set(plain) <= names or set(plain["intervals"]) != set(known):
            raise ValueError(f"plain: not a dictionary of Scores.to_dict(), which has the entries {sorted(needed)}.")
        ends = {
            name: tuple(float("nan") if end is None else float(end) for end in pair)
            for name, pair in plain["intervals"].items()
        }
        return kind(**{**plain, "intervals": ends, "class_names": tuple(plain.get("class_names", ()))})


def with_interval(value: float, low: float, high: float, digits: int = 3) -> str:
    """A value with its interval in words; alone where it has none.

    Args:
        value: of a metric.
        low, high: ends of its interval; NaN where it has none.
        digits: behind the decimal point.

    Example:
        >>> with_interval(0.913, 0.889, 0.933), with_interval(0.5, float("nan"), float("nan"))
        ('0.913 (0.889-0.933)', '0.500')
    """
    return f"{value:.{digits}f}" if np.isnan(low) else f"{value:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def _ends_text(low: float, high: float) -> str:
    return "none" if np.isnan(low) else f"{low:.3f}-{high:.3f}"


@dataclass(frozen=True, repr=False)
class BinaryScores(Scores):
    """The scores of two classes: ten metrics about the second, the positive one.

    `sensitivity` is another name of `recall`, `npv` of `negative_predictive_value`.

    Attributes:
        accuracy, balanced_accuracy, precision, recall, specificity, f1, roc_auc, pr_auc: in [0, 1].
        false_negative_rate: share of the positive images that were missed.
        negative_predictive_value: share of the images called negative that are negative.
        tp, fp, tn, fn: images that are true positive, false positive, true negative, false negative.
        threshold: an image counts as positive from this probability on.
        prevalence: share of the positive images.
        n, n_groups, class_names, confidence, grouped, note, intervals, few_groups: as in `Scores`.
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
    class_names: tuple[str, ...] = ()
    few_groups: dict[str, int] = field(default_factory=dict)
    _optional: ClassVar[tuple[str, ...]] = ("class_names", "few_groups")
    _methods: ClassVar[str] = (
        "Wilson and Jeffreys for shares and F1, square-and-add for balanced accuracy, DeLong for ROC AUC, "
        "the delta method for PR AUC"
    )

    @property
    def sensitivity(self) -> float:
        """The share of positive images that were found: another name of recall."""
        return self.recall

    @property
    def npv(self) -> float:
        """The share of the images called negative that are negative: another name of negative_predictive_value."""
        return self.negative_predictive_value

    @property
    def warning(self) -> str:
        """What a reader of these numbers must know, in words; empty where there is nothing to say."""
        said = []
        if self.tp + self.fp in (0, self.n):
            answer, found = ("negative", "specificity") if self.tp + self.fp == 0 else ("positive", "recall")
            share = 1 - self.prevalence if answer == "negative" else self.prevalence
            said.append(
                f"This model answers '{answer}' for every image: its {found} of 1 and its accuracy of {share:.3f} "
                "(the share of that class, without an interval) need no look at the images."
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
        elif np.isnan(low):
            said.append("It gives every image the same probability, no better than chance: its areas have no interval.")
        elif low <= 0.5:
            said.append(
                f"It ranks the images no better than chance: ROC AUC {self.text('roc_auc')} does not exclude 0.5."
            )
        return " ".join(said)

    def _summary(self) -> str:
        positive = f" ({self.class_names[1]})" if self.class_names else ""
        text = (
            f"{self._among}, {100 * self.prevalence:.1f} % positive{positive}; positive where the probability is at "
            f"least {self.threshold:g}: {self.tp:,} true and {self.fp:,} false positives, "
            f"{self.tn:,} true and {self.fn:,} false negatives."
        )
        return f"{text} {self.note}".strip()


@dataclass(frozen=True, repr=False)
class MulticlassScores(Scores):
    """The scores of more than two classes: of all together, and of each class against the rest.

    Attributes:
        accuracy: share of the images whose class has the largest probability.
        balanced_accuracy: the mean recall of the classes, which is also `recall`.
        precision, recall, f1, roc_auc: macro, the mean of the classes that have images, each against the rest.
        top_k_accuracy: share of the images whose class is among the `top_k` largest probabilities.
        top_k: see there.
        class_columns: column -> one value for each class: images and the metrics with _low and _high; None where a
            class has no image.
        cells: (true class, predicted class, images, share of the true class, low, high) of each confusion that occurs.
        n, n_groups, class_names, confidence, grouped, note, intervals, few_groups: as in `Scores`.

    Example:
        >>> from helpers.metrics import evaluate
        >>> prob = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3], [0.1, 0.2, 0.7]]
        >>> scores = evaluate([0, 1, 2, 2], prob, class_names=["arch", "dome", "tower"])
        >>> scores.accuracy, float(scores.per_class.loc["tower", "recall"]), scores.confusion_matrix.tolist()
        (0.75, 0.5, [[1, 0, 0], [0, 1, 0], [0, 1, 1]])
    """

    accuracy: float
    balanced_accuracy: float
    precision: float
    recall: float
    f1: float
    roc_auc: float
    top_k_accuracy: float
    top_k: int
    n: int
    n_groups: int
    class_names: tuple[str, ...]
    confidence: float
    grouped: bool
    note: str
    intervals: dict[str, tuple[float, float]]
    class_columns: dict[str, list]
    cells: list[list]
    few_groups: dict[str, int] = field(default_factory=dict)
    _methods: ClassVar[str] = (
        "Wilson and Jeffreys for shares and F1, DeLong for ROC AUC, the delta method for macro metrics"
    )

    @property
    def metrics(self) -> dict[str, str]:
        """Metric -> its name in plain words."""
        return MULTICLASS_METRICS | {"top_k_accuracy": f"top-{self.top_k} accuracy"}

    @property
    def per_class(self) -> pd.DataFrame:
        """One row a class: images; precision, recall, f1 and roc_auc with _low and _high, NaN where it has no image."""
        index = pd.Index(self.class_names, name="class")
        return (
            pd.DataFrame(self.class_columns, index=index)
            .astype({"images": int})
            .astype({column: float for column in self.class_columns if column != "images"})
        )

    @property
    def confusion_matrix(self) -> np.ndarray:
        """(classes, classes) int, images by true class (row) and predicted class (column)."""
        counts = np.zeros((self.n_classes, self.n_classes), dtype=int)
        for true, predicted, images, *_ in self.cells:
            counts[true, predicted] = images
        np.fill_diagonal(counts, np.array(self.class_columns["images"]) - counts.sum(axis=1))
        return counts

    def confusions(self, top: int | None = 10) -> pd.DataFrame:
        """The pairs of classes that are confused most, as numbers.

        Args:
            top: number of rows; None: every pair that occurs.

        Returns:
            Columns true, predicted, images, share (of the images of the true class), low, high.
        """
        frame = pd.DataFrame(self.cells, columns=["true", "predicted", "images", "share", "low", "high"])
        frame = frame.sort_values(["images", "share"], ascending=False, kind="stable", ignore_index=True)
        names = dict(enumerate(self.class_names))
        return frame.assign(true=frame["true"].map(names), predicted=frame["predicted"].map(names)).head(
            len(frame) if top is None else top
        )

    def class_table(self, worst: int | None = None, by: str = "f1", digits: int = 2) -> pd.DataFrame:
        """One row a class: its images and its metrics with their intervals, as strings.

        Args:
            worst: only so many classes, the lowest first; None: all, in their order.
            by: the metric that ranks them.
            digits: behind the decimal point.

        Raises:
            ValueError: `by` is no metric of a class.
        """
        if by not in CLASS_METRICS:
            raise ValueError(f"by: {by!r} is not one of {', '.join(CLASS_METRICS)}.")
        rows = self.per_class
        if worst is not None:
            rows = rows[rows["images"] > 0].sort_values(by, kind="stable").head(worst)
        shown = rows[["images"]].map("{:,}".format)
        for name, words in CLASS_METRICS.items():
            ends = zip(rows[name], rows[f"{name}_low"], rows[f"{name}_high"], strict=True)
            shown[words] = [
                "no image" if np.isnan(value) else with_interval(value, low, high, digits) for value, low, high in ends
            ]
        return shown

    @property
    def warning(self) -> str:
        """What a reader of these numbers must know, in words; empty where there is nothing to say."""
        said = []
        counts = self.confusion_matrix
        answered = counts.sum(axis=0) > 0
        never = [name for name, a, c in zip(self.class_names, answered, counts, strict=True) if c.sum() and not a]
        if answered.sum() == 1:
            said.append(
                f"This model answers {self.class_names[int(answered.argmax())]!r} for every image: its accuracy of "
                f"{self.accuracy:.3f} is the share of that class, without an interval."
            )
        elif never:
            said.append(f"It never answers {listed(never)}, so precision has no value there; it is written as 0.")
        low, high = self.intervals["roc_auc"]
        if high < 0.5:
            said.append(
                f"It ranks the images worse than chance, macro ROC AUC {self.text('roc_auc')}: is the order of the "
                "classes another one?"
            )
        elif np.isnan(low):
            said.append(
                "It gives every image the same probabilities, no better than chance: its areas have no interval."
            )
        elif low <= 0.5:
            said.append(
                f"It ranks the images no better than chance: macro ROC AUC {self.text('roc_auc')} does not exclude 0.5."
            )
        return " ".join(said)

    def _tables(self) -> dict[str, pd.DataFrame]:
        if self.n_classes <= SHOWN_CLASSES:
            return {"": self.table(), "Each class against the rest:": self.class_table().rename_axis(None)}
        return {"": self.table(), "The ten classes with the lowest F1:": self.class_table(worst=10).rename_axis(None)}

    def _summary(self) -> str:
        images = [count for count in self.class_columns["images"] if count]
        between = f"{min(images):,}" if min(images) == max(images) else f"{min(images):,} to {max(images):,}"
        right = self.n - sum(cell[2] for cell in self.cells)
        pairs = "; ".join(
            f"{row.true} taken for {row.predicted} ({row.images:,} of {round(row.images / row.share):,})"
            for row in self.confusions(3).itertuples()
        )
        text = (
            f"{self._among} in {len(images):,} classes, {between} images a class; the largest probability decides: "
            f"{right:,} right, {self.n - right:,} wrong. {f'Most often: {pairs}.' if pairs else ''}"
        )
        return f"{text.strip()} {self.note}".strip()


def listed(names: list[str], most: int = 5) -> str:
    """Names in a sentence; of many the first few and the number of the others.

    Args:
        names: one or more.
        most: so many are written out.

    Example:
        >>> listed(["a", "b"]), listed(["a", "b", "c", "d"], most=2)
        ('a, b', 'a, b and 2 more')
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _with_npv(plain: Mapping) -> dict:
    """Scores written without the negative predictive value, with it."""
    negative = plain["tn"] + plain["fn"]
    value = plain["tn"] / negative if negative else 0.0
    ends = list(wilson(value, negative, plain["confidence"]))
    return {**plain, _NPV: value, "intervals": {**plain["intervals"], _NPV: ends}}
