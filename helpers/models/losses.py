"""Refuse a loss that doesn't fit labels and last layer, before a training runs for hours towards nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from helpers.errors import CourseError

BINARY, CATEGORICAL, SPARSE = "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"
KINDS = {  # name of a loss in small letters without underscores -> the labels it takes
    "binarycrossentropy": BINARY,
    "binaryfocalcrossentropy": BINARY,
    "categoricalcrossentropy": CATEGORICAL,
    "categoricalfocalcrossentropy": CATEGORICAL,
    "sparsecategoricalcrossentropy": SPARSE,
}
ACTIVATIONS = ("sigmoid", "softmax")
NO_PROBABILITIES = ("linear", "relu", "tanh", "elu", "selu", "gelu", "silu", "leaky_relu", "softplus")


class LossError(CourseError, ValueError):
    """Loss, last layer and labels don't fit each other; the message names those that do."""


@dataclass(frozen=True)
class Labels:
    """What is known about labels.

    Attributes:
        n_classes: number of classes; None where it isn't known.
        columns: of one-hot labels; None: class numbers.
        exclusive: whether each image has one class.
    """

    n_classes: int | None
    columns: int | None = None
    exclusive: bool = True


def check_loss(model: keras.Model, labels: Any, n_classes: int | None = None) -> None:
    """Refuse a compiled model whose loss doesn't fit its last layer and the labels.

    Losses other than the cross-entropies, and models with several outputs, are left alone. `fit_best` asks this before
    it trains.

    Args:
        model: compiled.
        labels: (n,) or (n, 1) class numbers from 0, or (n, classes) one-hot; or batches of (images, labels), of which
            only the types are looked at.
        n_classes: of the data set; None: as the labels say.

    Raises:
        LossError: the message names the loss and the last layer that fit.
        ValueError: the model isn't compiled.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
        >>> model.compile("adam", "binary_crossentropy")
        >>> check_loss(model, [0, 1, 1, 0])
        >>> check_loss(model, [0, 1, 2, 1])
        Traceback (most recent call last):
        ...
        helpers.models.losses.LossError: loss: 'binary_crossentropy' with 1 output unit can't learn 3 classes. ...
    """
    if not getattr(model, "compiled", False):
        raise ValueError("model: not compiled; call model.compile(optimizer, loss, metrics) first.")
    loss, outputs = model.loss, getattr(model, "outputs", None) or []
    loss = loss[0] if isinstance(loss, list | tuple) and len(loss) == 1 else loss
    if len(outputs) != 1 or len(outputs[0].shape) != 2 or outputs[0].shape[1] is None:
        return
    units, activation = int(outputs[0].shape[1]), _activation(model)
    known = labels_of(labels, n_classes)
    fault = _fault(loss, units, activation, known)
    if fault:
        raise LossError(f"loss: {fault} {_right(units, known)}")


def labels_of(labels: Any, n_classes: int | None = None) -> Labels:
    """What labels, or batches of images and labels, say about the classes.

    Batches are not read: that would move the order in which they are shuffled. Those of `helpers.data` and of
    `keras.utils.image_dataset_from_directory` know the names of their classes.

    Args:
        labels: array of labels, or batches.
        n_classes: None: as the labels say.

    Raises:
        LossError: labels that are no numbers, or below 0.
    """
    spec = getattr(labels, "element_spec", None)
    if n_classes is None and hasattr(labels, "class_names"):
        n_classes = len(labels.class_names)
    if spec is not None:
        shape = spec[1].shape if isinstance(spec, tuple) and len(spec) > 1 and hasattr(spec[1], "shape") else None
        columns = int(shape[1]) if shape is not None and shape.rank == 2 and (shape[1] or 0) > 1 else None
        return Labels(columns or n_classes, columns)
    if isinstance(labels, keras.utils.PyDataset) or not isinstance(labels, Iterable):
        return Labels(n_classes)
    values = np.asarray(labels)
    if values.dtype.kind not in "buif":
        raise LossError(f"labels: hold {values.dtype} values, expected class numbers from 0.")
    if values.size and values.min() < 0:
        raise LossError(f"labels: the smallest is {values.min():g}; class numbers begin with 0.")
    if values.ndim == 2 and values.shape[1] > 1:
        sums = values.sum(axis=1)
        return Labels(values.shape[1], values.shape[1], exclusive=bool(np.allclose(sums, 1, atol=1e-3)))
    most = float(values.max(initial=0))
    return Labels(max(n_classes or 2, int(np.ceil(most)) + 1))


def _fault(loss: Any, units: int, activation: str | None, labels: Labels) -> str:
    """What doesn't fit, in a sentence; "" where nothing is known to be wrong."""
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    kind, classes = KINDS.get(name.lower().replace("_", "")), labels.n_classes
    name = repr(kind or name)
    unit_words = f"{units} output unit{'s' if units > 1 else ''}"
    if units == 1 and activation == "softmax":
        return "a softmax over 1 output unit is 1 for every image."
    if units == 1 and (classes or 0) > 2 and (kind or activation in ACTIVATIONS):
        return f"{name} with {unit_words} can't learn {classes} classes."
    if kind is None:
        return ""
    if labels.columns and units != labels.columns:
        return f"the labels have {labels.columns} columns, the model {unit_words}."
    if kind == BINARY:
        if labels.columns is None and units > 1:
            return f"{name} takes labels of 0 and 1 with a column for each of the {unit_words}, not class numbers."
        if activation == "softmax" and units > 2:
            return f"{name} judges each of the {unit_words} by itself, but the softmax makes them exclusive."
    elif units == 1:
        return f"{name} needs an output unit for each class, the model has {unit_words}."
    elif kind == SPARSE and labels.columns:
        return f"{name} takes class numbers, these labels are one-hot with {labels.columns} columns."
    elif kind == CATEGORICAL and labels.columns is None:
        return f"{name} takes one-hot labels, these are class numbers."
    elif classes is not None and units < classes:
        return f"the model has {unit_words} for {classes} classes."
    elif kind == CATEGORICAL and not labels.exclusive:
        return f"{name} is for one class an image, these labels have other sums than 1."
    logits = getattr(loss, "_fn_kwargs", {}).get("from_logits", getattr(loss, "from_logits", False))
    return _activation_fault(name, bool(logits), activation, "sigmoid" if kind == BINARY else "softmax", units)


def _activation_fault(name: str, logits: bool, activation: str | None, wanted: str, units: int) -> str:
    if activation not in (*ACTIVATIONS, *NO_PROBABILITIES):
        return ""
    if logits and activation in ACTIVATIONS:
        return f"{name} with from_logits=True expects a last layer without activation, this one has a {activation}."
    if not logits and activation not in (wanted, "softmax" if units == 2 else wanted):
        return f"{name} expects probabilities, the last layer ends in {activation!r}, not in a {wanted}."
    return ""


def _right(units: int, labels: Labels) -> str:
    """The loss and the last layer that fit the labels, in a sentence."""
    if labels.columns and not labels.exclusive:
        return f'Labels of several classes an image: Dense({labels.columns}, activation="sigmoid") with "{BINARY}".'
    if labels.columns:
        return f'One-hot labels: Dense({labels.columns}, activation="softmax") with "{CATEGORICAL}".'
    if labels.n_classes is None:
        number = units if units > 1 else "number of classes"
        return f'Class numbers: Dense({number}, activation="softmax") with "{SPARSE}".'
    if labels.n_classes == 2:
        return (
            f'Labels of 0 and 1: Dense(1, activation="sigmoid") with "{BINARY}", or Dense(2, activation="softmax") '
            f'with "{SPARSE}".'
        )
    layer = f'Dense({labels.n_classes}, activation="softmax")'
    return f'Class numbers from 0 to {labels.n_classes - 1}: {layer} with "{SPARSE}".'


def _activation(model: keras.Model) -> str | None:
    """Name of the activation that the output comes from; None where it can't be told."""
    layer = model.layers[-1] if isinstance(model, keras.Sequential) else model.outputs[0]._keras_history.operation
    if isinstance(layer, keras.Model):
        return _activation(layer) if getattr(layer, "outputs", None) else None
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    activation = getattr(layer, "activation", None)
    return getattr(activation, "__name__", None)
