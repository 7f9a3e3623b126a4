"""The metrics by name: attribute of the scores -> its name in plain words, in the order of the tables."""

METRICS = {  # of two classes
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
MULTICLASS_METRICS = {  # of more classes; macro: the mean of the classes, each against the rest
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "precision": "macro precision",
    "recall": "macro recall",
    "f1": "macro F1",
    "roc_auc": "macro ROC AUC",
    "top_k_accuracy": "top-k accuracy",
}
CLASS_METRICS = {"precision": "precision", "recall": "recall", "f1": "F1", "roc_auc": "ROC AUC"}  # of one class
LOWER_IS_BETTER = ("false_negative_rate",)


def metrics_of(n_classes: int) -> dict[str, str]:
    """The metrics of two classes, or of more.

    Args:
        n_classes: 2 or more.
    """
    return METRICS if n_classes == 2 else MULTICLASS_METRICS


def metric_name(name: str, argument: str = "metric", n_classes: int | None = None) -> str:
    """The attribute name of a metric.

    Args:
        name: one of `METRICS` or `MULTICLASS_METRICS`, or the short "sensitivity" and "npv".
        argument: whose value `name` is, for the message.
        n_classes: only metrics of so many classes; None: of any number.

    Raises:
        ValueError: there is no such metric.

    Example:
        >>> metric_name("sensitivity"), metric_name("npv")
        ('recall', 'negative_predictive_value')
    """
    name = {"sensitivity": "recall", "npv": "negative_predictive_value"}.get(name, name)
    known = METRICS | MULTICLASS_METRICS if n_classes is None else metrics_of(n_classes)
    if name not in known:
        what = "" if n_classes is None else f", the metrics of {'two' if n_classes == 2 else 'more than two'} classes"
        raise ValueError(f"{argument}: {name!r} is not one of {', '.join(known)}{what}.")
    return name
