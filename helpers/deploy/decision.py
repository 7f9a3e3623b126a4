"""The decisions of a bundle: the threshold of two classes, of more the largest probability, or to ask a person."""

from typing import Any

import numpy as np
import pandas as pd

from helpers.deploy.bundle import Bundle
from helpers.deploy.bundle_checks import ASK, CANNOT_JUDGE, CANNOT_READ, one_line
from helpers.deploy.calibration import correct_prevalence
from helpers.deploy.rule import by_class, check_abstain, shares

TWO_CLASSES = ("probability",)  # columns of the answer
MORE_CLASSES = ("class", "probability", "class_2", "probability_2", "class_3", "probability_3")
NUMBERS = ("probability", "probability_2", "probability_3", "unlike")
SHOWN = 6  # decisions in the summary


def answer_columns(bundle: Bundle) -> tuple[str, ...]:
    """The columns of `predict` that say what the model answers.

    Args:
        bundle: the one that judges.
    """
    return TWO_CLASSES if len(bundle.classes) == 2 else MORE_CLASSES


def answer(probabilities: np.ndarray, bundle: Bundle) -> dict[str, str | float]:
    """The answer about one image: of two classes the probability of the positive one, of more the top three.

    Args:
        probabilities: (classes,) float.
        bundle: the one that judged.

    Returns:
        One of `answer_columns` -> its value.
    """
    if len(bundle.classes) == 2:
        return {"probability": float(probabilities[1])}
    best = np.argsort(-probabilities, kind="stable")[: len(MORE_CLASSES) // 2]
    values = (value for i in best for value in (bundle.classes[i], float(probabilities[i])))
    return dict(zip(MORE_CLASSES, values, strict=True))


def decide(
    frame: pd.DataFrame, bundle: Bundle, threshold: float | None = None, abstain: float | None = None
) -> pd.DataFrame:
    """The table of `predict` with decisions and notes at another limit; the images are not judged anew.

    Args:
        frame: from `predict`.
        bundle: the one that judged.
        threshold: of two classes, positive from this probability on, from 0 to 1; None: the bundle's own.
        abstain: of more, a person is asked where the largest probability is below this, from 0 to 1; None: the
            bundle's own.

    Raises:
        ValueError: a limit is no probability, or not one for so many classes.
    """
    limit = limit_of(bundle, threshold, abstain)
    probability, read, unlike = frame["probability"], frame["probability"].notna(), frame["unlike"] > 1
    words = frame["unlike"].map("unlike the training images ({:.2f} times the limit)".format).where(unlike, "")
    if len(bundle.classes) == 2:
        low, high = bundle.rule.ask or (1, 0)
        asked = (probability >= low) & (probability < high)
        decision = np.where(probability >= limit, bundle.classes[1], bundle.classes[0])
        reason = f"the probability is from {low:.3g} to {high:.3g}"
    else:
        asked = probability < limit
        decision = frame["class"]
        reason = f"the largest probability is below {limit:g}"
    decision = np.where(asked, ASK, decision)
    words = words.where(unlike | ~asked, reason)
    decision = np.where(unlike, CANNOT_JUDGE, decision)
    return frame.assign(decision=np.where(read, decision, CANNOT_READ), note=frame["note"].where(~read, words))


def at_prevalence(frame: pd.DataFrame, bundle: Bundle, prevalence: float) -> pd.DataFrame:
    """The table of `predict` for a place with another prevalence; the images are not judged anew.

    Args:
        frame: from `predict` without a prevalence, of two classes.
        bundle: the one that judged.
        prevalence: share of the positive class there, between 0 and 1.

    Returns:
        The table with other probabilities; `decide` makes decisions of them.

    Raises:
        ValueError: it is no share, or the bundle doesn't say at which one it was calibrated.
    """
    check_prevalence(bundle, prevalence)
    positive = frame["probability"].to_numpy(dtype=float)
    before, after = shares(bundle.rule.prevalence, 2), shares(prevalence, 2)
    found = correct_prevalence(np.column_stack([1 - positive, positive]), before, after)
    return frame.assign(probability=found[:, 1])


def limit_of(bundle: Bundle, threshold: float | None = None, abstain: float | None = None) -> float:
    """The limit that decides: a threshold of two classes, of more the least probability of an answer.

    Args:
        bundle, threshold, abstain: as for `decide`.

    Raises:
        ValueError: a limit is no probability, or not one for so many classes.
    """
    if len(bundle.classes) == 2:
        if abstain is not None:
            raise ValueError(f"abstain: {abstain!r} given, but of two classes the threshold decides; give threshold")
        limit = bundle.threshold if threshold is None else threshold
        if not 0 <= limit <= 1:
            raise ValueError(f"threshold: {threshold!r} is not a probability from 0 to 1")
        return limit
    if threshold is not None:
        raise ValueError(
            f"threshold: {threshold!r} given, but of {len(bundle.classes)} classes the largest probability decides; "
            "give abstain to ask a person where it is too low"
        )
    limit = bundle.abstain if abstain is None else abstain
    check_abstain(limit)
    return limit


def check_prevalence(bundle: Bundle, prevalence: Any) -> None:
    """Refuse a prevalence that a bundle can't correct for.

    Args:
        bundle, prevalence: as for `predict`.

    Raises:
        ValueError: it doesn't fit the classes, or the bundle doesn't say at which one it was calibrated.
    """
    if prevalence is not None:
        n_classes = len(bundle.classes)
        bundle.rule.probabilities(np.full((1, n_classes), 1 / n_classes), by_class(prevalence, bundle.classes))


def summary(frame: pd.DataFrame) -> str:
    """One line: how many images, and how many of each decision; of many, the most frequent classes.

    Args:
        frame: from `predict`.
    """
    counts, others = frame["decision"].value_counts(sort=False), ""
    if len(counts) > SHOWN:
        no_class = counts[counts.index.isin((CANNOT_JUDGE, CANNOT_READ, ASK))]
        classes = counts.drop(no_class.index).sort_values(ascending=False, kind="stable")
        kept = SHOWN - 1 - len(no_class)
        counts = pd.concat([classes[:kept], no_class])
        others = f", {classes[kept:].sum()} of {len(classes) - kept} more classes"
    words = ", ".join(f"{count} {one_line(decision)}" for decision, count in counts.items())
    return f"{len(frame)} image{'' if len(frame) == 1 else 's'}: {words}{others}"
