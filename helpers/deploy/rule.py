"""From probabilities to a decision: calibration, costs, threshold, and when to ask a person; all fields of a bundle."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from helpers.deploy.calibration import apply_temperature, check_temperature, correct_prevalence

COSTS = ("miss", "false_alarm", "ask")
VALUES = ("temperature", "intercept", "threshold", "abstain")  # that may have an interval


@dataclass(frozen=True)
class DecisionRule:
    """How the probabilities of a model become a decision.

    Attributes:
        threshold: of two classes, positive from this calibrated probability on, between 0 and 1. None of more classes:
            the largest probability decides.
        temperature: the logits are divided by it, as `fit_temperature` finds it; 1: as the model answers.
        intercept: of two classes, added to the logit of the positive class after the division. With `temperature` this
            is Platt's calibration, scikit-learn's "sigmoid". 0: none.
        costs: what the threshold was made of: "miss", "false_alarm" and "ask", a person's look at one image, in one
            unit; empty where it was chosen otherwise.
        ask: of two classes, a person is asked from the first of these probabilities on and below the second; None:
            never.
        abstain: of more classes, a person is asked where the largest probability is below this, from 0 to 1.
        prevalence: share of the positive class among the images that calibrated; of more classes one share for each.
            None: not known, so probabilities can't be corrected for another one.
        intervals: 95 % intervals (low, high) of "temperature", "intercept", "threshold" or "abstain".
        images: how many images chose all this; None: not known.

    Example:
        >>> rule = DecisionRule.from_costs(miss=10, false_alarm=1, ask=0.2, temperature=1.5, prevalence=0.3)
        >>> round(rule.threshold, 3), rule.ask
        (0.091, (0.02, 0.8))
    """

    threshold: float | None = None
    temperature: float = 1.0
    intercept: float = 0.0
    costs: Mapping[str, float] = field(default_factory=dict)
    ask: tuple[float, float] | None = None
    abstain: float = 0.0
    prevalence: float | tuple[float, ...] | None = None
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    images: int | None = None

    @classmethod
    def from_costs(cls, miss: float, false_alarm: float, ask: float | None = None, **fields: Any) -> "DecisionRule":
        """The rule of two classes with the lowest expected cost, where the probabilities are calibrated.

        Args:
            miss: cost of a positive that is called negative, above 0.
            false_alarm: cost of a negative that is called positive, above 0.
            ask: cost of a person's look at an image; None: nobody is asked.
            fields: the other attributes.

        Returns:
            Positive from false_alarm / (false_alarm + miss) on. Where a look is cheaper than the expected cost of both
            answers, a person is asked.

        Raises:
            ValueError: a cost isn't above 0.

        Source:
            Chow, On optimum recognition error and reject tradeoff, IEEE Transactions on Information Theory 16, 1970.
        """
        costs = {"miss": miss, "false_alarm": false_alarm} | ({} if ask is None else {"ask": ask})
        _check_costs(costs)
        threshold = false_alarm / (false_alarm + miss)
        band = None if ask is None or ask >= miss * threshold else (ask / miss, 1 - ask / false_alarm)
        return cls(threshold=threshold, costs=costs, ask=band, **fields)

    @property
    def calibrated(self) -> bool:
        """Whether the probabilities are others than the model's own."""
        return self.temperature != 1 or self.intercept != 0

    def probabilities(self, prob: np.ndarray, prevalence: Any = None) -> np.ndarray:
        """Calibrated probabilities, for a place with another share of the classes where it is given.

        Args:
            prob: (n, classes) of the model.
            prevalence: as in `predict`; a dictionary must have been made a list.

        Returns:
            (n, classes) float; a row sums to 1.

        Raises:
            ValueError: the prevalence doesn't fit, or the rule doesn't know the one that it was calibrated at.
        """
        found = apply_temperature(prob, self.temperature, self.intercept)
        if prevalence is None:
            return found
        n_classes = found.shape[1]
        if self.prevalence is None:
            raise ValueError(
                "prevalence: this bundle doesn't say at which one it was calibrated, so it can't correct its "
                "probabilities; save it again with DecisionRule(prevalence=...)"
            )
        return correct_prevalence(found, shares(self.prevalence, n_classes), shares(prevalence, n_classes))

    def to_dict(self) -> dict:
        """Plain numbers for JSON; `from_dict` reads them."""
        plain = asdict(self)
        plain["intervals"] = {name: [float(end) for end in ends] for name, ends in self.intervals.items()}
        plain["costs"] = {name: float(cost) for name, cost in self.costs.items()}
        for name in ("ask", "prevalence"):
            value = plain[name]
            plain[name] = value if value is None or np.isscalar(value) else [float(part) for part in value]
        floats = {name: float(plain[name]) for name in ("temperature", "intercept", "abstain")}
        threshold = None if self.threshold is None else float(self.threshold)
        return plain | floats | {"threshold": threshold, "images": None if self.images is None else int(self.images)}

    @classmethod
    def from_dict(cls, plain: Mapping) -> "DecisionRule":
        """The rule that `to_dict` wrote; entries of a later version are left out.

        Args:
            plain: from `to_dict`.
        """
        known = {name: plain[name] for name in cls.__dataclass_fields__ if name in plain}
        for name in ("ask", "prevalence"):
            if isinstance(known.get(name), list):
                known[name] = tuple(known[name])
        if isinstance(known.get("intervals"), Mapping):
            known["intervals"] = {name: tuple(ends) for name, ends in known["intervals"].items()}
        return cls(**known)

    @classmethod
    def of_bundle(cls, about: Mapping) -> "DecisionRule":
        """The rule in a bundle.json of any version.

        Args:
            about: its content.
        """
        if "rule" in about:
            return cls.from_dict(about["rule"])
        return cls(about.get("threshold"), about.get("temperature", 1.0), abstain=about.get("abstain", 0.0))

    def check(self, n_classes: int) -> None:
        """Refuse what can't decide between so many classes.

        Args:
            n_classes: 2 or more.

        Raises:
            ValueError: a field is wrong; the message names it.
        """
        check_temperature(self.temperature)
        if not _is_number(self.intercept) or not np.isfinite(self.intercept):
            raise ValueError(f"intercept: {self.intercept!r} is no number")
        check_abstain(self.abstain)
        _check_costs(self.costs)
        _check_intervals(self.intervals)
        if self.prevalence is not None:
            shares(self.prevalence, n_classes)
        if n_classes == 2:
            self._check_two_classes()
        elif self.threshold is not None:
            raise ValueError(
                f"threshold: {self.threshold!r} given for {n_classes} classes, of which the largest probability "
                "decides; give None, and abstain= where a person is to be asked below a probability"
            )
        elif self.intercept or self.ask is not None or self.costs:
            raise ValueError("intercept, ask, costs: for two classes; of more, give abstain=")

    def _check_two_classes(self) -> None:
        if not _is_number(self.threshold) or not 0 < self.threshold < 1:
            raise ValueError(f"threshold: {self.threshold!r} is not a probability between 0 and 1")
        if self.abstain:
            raise ValueError("abstain: for more than two classes; of two, ask=(low, high) says when to ask a person")
        if self.ask is not None and not (
            np.shape(self.ask) == (2,) and all(map(_is_number, self.ask)) and 0 <= self.ask[0] < self.ask[1] <= 1
        ):
            raise ValueError(f"ask: {self.ask!r}; expected two probabilities (low, high), the lower one first")


def shares(prevalence: Any, n_classes: int) -> np.ndarray:
    """The share of every class.

    Args:
        prevalence: of two classes the share of the positive one, between 0 and 1; of more one for each class.
        n_classes: 2 or more.

    Returns:
        (classes,) float, of sum 1.

    Raises:
        ValueError: it is something else.

    Example:
        >>> shares(0.25, 2).tolist(), shares([0.5, 0.25, 0.25], 3).tolist()
        ([0.75, 0.25], [0.5, 0.25, 0.25])
    """
    if n_classes == 2 and _is_number(prevalence):
        found = np.array([1 - prevalence, prevalence], dtype=float)
    elif isinstance(prevalence, Iterable) and not isinstance(prevalence, str | Mapping):
        found = np.asarray(list(prevalence))
    else:
        found = np.array([])
    numbers = found.shape == (n_classes,) and np.issubdtype(found.dtype, np.number) and np.isfinite(found).all()
    if not numbers or found.min() <= 0 or abs(found.sum() - 1) > 0.01:
        expected = (
            "the share of the positive class, between 0 and 1"
            if n_classes == 2
            else f"the shares of all {n_classes} classes, above 0 and of sum 1"
        )
        raise ValueError(f"prevalence: {prevalence!r}; expected {expected}")
    return found / found.sum()


def by_class(prevalence: Any, class_names: Sequence[str]) -> Any:
    """A prevalence that is given by names of classes as a list in their order; others as they are.

    Args:
        prevalence: as in `predict`.
        class_names: of the bundle.

    Raises:
        ValueError: a class is missing or unknown.
    """
    if not isinstance(prevalence, Mapping):
        return prevalence
    if set(prevalence) != set(class_names):
        raise ValueError(f"prevalence: given for {list(prevalence)}, the classes are {list(class_names)}")
    return [prevalence[name] for name in class_names]


def check_abstain(abstain: float) -> None:
    """Refuse what is no limit of the largest probability.

    Args:
        abstain: from 0, always an answer, to 1.

    Raises:
        ValueError: it is something else.
    """
    if not _is_number(abstain) or not 0 <= abstain <= 1:
        raise ValueError(f"abstain: {abstain!r} is not a probability from 0 to 1")


def _check_costs(costs: Mapping[str, float]) -> None:
    odd = not isinstance(costs, Mapping) or set(costs) - set(COSTS)
    if odd or not all(_is_number(cost) and 0 < cost < np.inf for cost in costs.values()):
        raise ValueError(f"costs: {costs!r}; expected numbers above 0 for {', '.join(COSTS)}")


def _check_intervals(intervals: Mapping[str, tuple[float, float]]) -> None:
    odd = not isinstance(intervals, Mapping) or set(intervals) - set(VALUES)
    if odd or not all(np.shape(ends) == (2,) and ends[0] <= ends[1] for ends in intervals.values()):
        raise ValueError(f"intervals: {intervals!r}; expected (low, high) for one of {', '.join(VALUES)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, float | int | np.number) and not isinstance(value, bool)
