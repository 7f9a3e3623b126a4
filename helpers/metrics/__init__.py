"""Scores of a classifier, their intervals, and comparisons."""

from helpers.metrics.comparison import Difference, compare
from helpers.metrics.intervals import wilson
from helpers.metrics.scores import LOWER_IS_BETTER, METRICS, Scores, evaluate, markdown, metric_name, score_table

__all__ = [
    "LOWER_IS_BETTER",
    "METRICS",
    "Difference",
    "Scores",
    "compare",
    "evaluate",
    "markdown",
    "metric_name",
    "score_table",
    "wilson",
]
