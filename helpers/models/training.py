"""Train and keep the best epoch; predict a split and score it: what most lessons do with a model."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from helpers.data import Split
from helpers.metrics import Scores, evaluate
from helpers.models.losses import check_loss, labels_of


@dataclass(frozen=True)
class Training:
    """What a training leaves behind besides the weights.

    Attributes:
        history: metric -> one value for each epoch, as Keras' `History.history`.
        best_epoch: whose weights the model has now, from 1.
        seconds: of the whole training.
    """

    history: dict[str, list[float]]
    best_epoch: int
    seconds: float


def fit_best(
    model: keras.Model,
    *training: Any,
    validation_data: Any,
    epochs: int,
    patience: int | None = None,
    monitor: str = "val_loss",
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **options: Any,
) -> Training:
    """`model.fit`, after which the model has the weights of its best epoch.

    A loss that doesn't fit the labels is refused before the first epoch, as by `check_loss`. The best weights come back
    whether or not the training ends early: it's Keras' own `EarlyStopping(restore_best_weights=True)`.

    Args:
        model: compiled.
        training: images and labels, or batches of both.
        validation_data: images and labels, or batches; they decide which epoch is the best.
        epochs: at most so many.
        patience: end after so many epochs without a better one; None: never before `epochs`.
        monitor: the metric that decides; for names with "auc", "accuracy", "precision" or "recall" larger is better.
        callbacks: more of them.
        options: of `fit`, such as batch_size and class_weight; `verbose` is 0 unless given.

    Raises:
        LossError: loss, last layer and labels don't fit each other; the message names those that do.
        ValueError: the model isn't compiled, or `monitor` wasn't measured.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
        >>> model.compile("adam", "binary_crossentropy")
        >>> x, y = np.eye(2), np.array([0, 1])
        >>> fit_best(model, x, y, validation_data=(x, y), epochs=3).best_epoch
        3
    """
    if not model.compiled:
        raise ValueError("model: not compiled; call model.compile(optimizer, loss, metrics) first.")
    labels = training[1] if len(training) > 1 else options.get("y", training[0] if training else options.get("x"))
    check_loss(model, labels, _n_classes(labels, validation_data))
    larger = any(name in monitor for name in ("auc", "accuracy", "precision", "recall"))
    keep_best = keras.callbacks.EarlyStopping(
        monitor,
        patience=epochs if patience is None else patience,
        mode="max" if larger else "min",
        restore_best_weights=True,
    )
    start = time.perf_counter()
    fitted = model.fit(
        *training,
        validation_data=validation_data,
        epochs=epochs,
        callbacks=[*callbacks, keep_best],
        **{"verbose": 0, **options},
    )
    seconds = time.perf_counter() - start
    if monitor not in fitted.history:
        raise ValueError(f"monitor: {monitor!r} was not measured; there are {', '.join(fitted.history)}.")
    values = np.asarray(fitted.history[monitor])
    return Training(fitted.history, int(np.nanargmax(values) if larger else np.nanargmin(values)) + 1, seconds)


def _n_classes(labels: Any, validation_data: Any) -> int | None:
    """Number of classes as far as training or validation tell it; only validation batches may be read for it."""
    known = labels_of(labels)
    if known.columns or (known.n_classes or 0) > 2 or validation_data is None:
        return known.n_classes
    pair = isinstance(validation_data, tuple | list)
    found = labels_of(validation_data[1] if pair else validation_data)
    if known.n_classes is None and found.n_classes is None and hasattr(validation_data, "element_spec"):
        highest = [int(np.max(batch[1])) for batch in validation_data.as_numpy_iterator()]
        return max([1, *highest]) + 1
    return found.n_classes if known.n_classes is None else max(known.n_classes, found.n_classes or 0)


def predict_and_evaluate(model: keras.Model, split: Split, threshold: float = 0.5, batch_size: int = 256) -> Scores:
    """Scores of a model on one split, with intervals by group.

    Args:
        model: takes the split's images; its output is (n, 1), the probability of class 1, or (n, classes), a softmax.
        split: of a data set with as many classes.
        threshold: from 0 to 1; a probability that reaches it counts as class 1. Not for more than two classes.
        batch_size: images at once.

    Raises:
        ValueError: the model's output doesn't fit the classes, or the split has one class only.

    Example:
        >>> import pandas as pd
        >>> images = np.array([10, 40, 200, 250], dtype=np.uint8).reshape(4, 1, 1, 1)
        >>> labels, groups = np.array([0, 0, 1, 1]), np.array(["a", "b", "c", "d"])
        >>> split = Split(images, labels, groups, frame=pd.DataFrame(), batch_size=32, seed=None)
        >>> layers = [keras.Input((1, 1, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
        >>> predict_and_evaluate(keras.Sequential(layers), split).accuracy
        1.0
    """
    prob = model.predict(split.images, batch_size=batch_size, verbose=0)
    names = getattr(split, "class_names", None) or None
    n_classes = len(names) if names else int(np.max(split.labels, initial=1)) + 1
    if prob.ndim != 2 or (prob.shape[1] < n_classes and (n_classes > 2 or prob.shape[1] != 1)):
        wanted = (
            "(n, 1), one sigmoid unit, or (n, 2)" if n_classes == 2 else f"(n, {n_classes}), a softmax unit a class"
        )
        raise ValueError(f"model: its output has the shape {prob.shape}, expected {wanted}.")
    if names and prob.shape[1] > n_classes:
        raise ValueError(f"model: its output has the shape {prob.shape}, the data {n_classes} classes.")
    return evaluate(split.labels, prob, threshold, groups=split.groups, class_names=names)
