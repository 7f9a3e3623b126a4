"""Scores of several models side by side: a table, and the same as text of a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from helpers.metrics.names import metric_name
from helpers.metrics.scores import Scores

TABLE_COLUMNS = ("accuracy", "recall", "specificity", "roc_auc")
MULTICLASS_COLUMNS = ("accuracy", "balanced_accuracy", "f1", "roc_auc")


def score_table(
    scores: Mapping[str, Scores],
    columns: Iterable[str] | None = None,
    digits: int = 3,
) -> pd.DataFrame:
    """Scores of several models side by side: one row a model, one column a metric.

    Args:
        scores: model name -> Scores, one or more, of the same number of classes.
        columns: metrics; None: accuracy, recall, specificity and ROC AUC, of more than two classes accuracy, balanced
            accuracy, F1 and ROC AUC.
        digits: behind the decimal point.

    Returns:
        Strings like "0.913 (0.889-0.933)"; the columns have the metrics' names in plain words, the index is "model".

    Raises:
        ValueError: no scores, or an unknown metric.

    Example:
        >>> from helpers.metrics import evaluate
        >>> scores = evaluate([0, 1] * 20, [0.1, 0.9, 0.6, 0.4] * 10)
        >>> score_table({"dense": scores}, columns=["accuracy"], digits=2).loc["dense", "accuracy"][:4]
        '0.50'
    """
    first = check_scores(scores)
    if columns is None:
        columns = TABLE_COLUMNS if first.n_classes == 2 else MULTICLASS_COLUMNS
    names = [metric_name(column, "columns", first.n_classes) for column in columns]
    rows = {model: [s.text(name, digits) for name in names] for model, s in scores.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=[first.metrics[n] for n in names]).rename_axis("model")


def check_scores(scores: Any, argument: str = "scores", or_else: str = "") -> Scores:
    """The first of several models' scores.

    Args:
        scores: model name -> Scores.
        argument: whose value it is, for the message.
        or_else: what else could have been given.

    Raises:
        ValueError: it is something else, empty, or of different numbers of classes.
    """
    if not isinstance(scores, Mapping) or not scores or not all(isinstance(s, Scores) for s in scores.values()):
        raise ValueError(
            f"{argument}: expected a dictionary of model name -> Scores{or_else}; make each with "
            "evaluate(y_true, y_prob)."
        )
    numbers = sorted({s.n_classes for s in scores.values()})
    if len(numbers) > 1:
        raise ValueError(f"{argument}: of {' and '.join(map(str, numbers))} classes; compare models of one data set.")
    return next(iter(scores.values()))


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
