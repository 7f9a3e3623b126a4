"""Scores of a classifier, their intervals, and comparisons."""

from helpers.metrics.comparison import Difference, compare, difference_table, holm
from helpers.metrics.evaluation import evaluate
from helpers.metrics.intervals import wilson
from helpers.metrics.learning_curves import MeanAUC, auc_of_draws
from helpers.metrics.names import LOWER_IS_BETTER, METRICS, MULTICLASS_METRICS, metric_name
from helpers.metrics.scores import BinaryScores, MulticlassScores, Scores
from helpers.metrics.tables import markdown, score_table

__all__ = [
    "LOWER_IS_BETTER",
    "METRICS",
    "MULTICLASS_METRICS",
    "BinaryScores",
    "Difference",
    "MeanAUC",
    "MulticlassScores",
    "Scores",
    "auc_of_draws",
    "compare",
    "difference_table",
    "evaluate",
    "holm",
    "markdown",
    "metric_name",
    "score_table",
    "wilson",
]
