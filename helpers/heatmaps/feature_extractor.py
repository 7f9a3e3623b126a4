"""A Keras model in two parts, feature extractor and head, so that a heatmap can stand between them.

Whatever the model is made of (Sequential, functional, with a nested base, saved and loaded again), its layers are run
one by one, up to the logit: the number before the sigmoid or softmax, which does not saturate. The widely copied recipe
keras.Model(model.inputs, [layer.output, model.output]) fails on Sequential models and nested bases in Keras 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

BATCH, SIDE = 64, 128  # images at once, up to so many pixels a side; fewer of larger ones


@dataclass(frozen=True)
class FeatureExtractor:
    """A model in two parts: `features(images)` gives a feature map, `head(map)` one logit for each class.

    `heatmap` explains any number of images with it, which takes the model apart only once.

    Attributes:
        layer: name of the layer whose output is the feature map; empty where the model has no convolution.
        classes: number of classes; one sigmoid unit has two.
        one_unit: whether the model ends in one unit.
        shape: (height, width, channels) of an image; None where the model takes any.
        before, after: the layers of the two parts, in order.
    """

    layer: str
    classes: int
    one_unit: bool
    shape: tuple
    before: tuple[Callable, ...]
    after: tuple[Callable, ...]

    @classmethod
    def from_model(cls, model: keras.Model, layer: str | None = None) -> FeatureExtractor:
        """Take a model apart at a feature map.

        Args:
            model: built, Sequential or functional, one input of images (n, height, width, channels), one output.
            layer: name of the layer whose output is the map, also one inside a nested base, if that is a plain chain
                of layers. None: the last one that still has rows and columns. An earlier layer gives a finer map of
                simpler patterns. A model without a convolution has no map; occlusion and gradients explain it all
                the same.

        Raises:
            ValueError: the model isn't built, has several inputs or outputs, or no such layer.

        Example:
            >>> model = keras.Sequential([
            ...     keras.Input((8, 8, 1)),
            ...     keras.layers.Conv2D(4, 3, name="last"),
            ...     keras.layers.GlobalAveragePooling2D(),
            ...     keras.layers.Dense(1, activation="sigmoid"),
            ... ])
            >>> parts = FeatureExtractor.from_model(model)
            >>> parts.layer, tuple(parts.features(np.zeros((2, 8, 8, 1))).shape)
            ('last', (2, 6, 6, 4))
        """
        if not isinstance(model, keras.Model) or not getattr(model, "outputs", None):
            raise ValueError("model: not a built Sequential or functional model; begin it with keras.Input.")
        if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.inputs[0].shape) != 4:
            raise ValueError("model: expected one input of images (n, height, width, channels) and one output.")
        steps, shape = _steps(model), tuple(model.inputs[0].shape[1:])
        steps = [*steps[:-1], *_without_activation(steps[-1])]
        values, shapes = tf.zeros((1, *(side or 64 for side in shape))), []
        for step in steps:
            values = _call([step], values)
            shapes.append(values.shape)
        maps = [i for i, found in enumerate(shapes) if len(found) == 4 and any(map(_convolves, steps[: i + 1]))]
        if layer is not None:
            named = [i for i in maps if steps[i].name == layer]
            if not named:
                others = ", ".join(steps[i].name for i in maps) or "none, the model has no convolutional layer"
                raise ValueError(f"layer: {layer!r} gives no feature map; layers that do: {others}.")
            maps = named
        cut = maps[-1] + 1 if maps else 0
        name = steps[cut - 1].name if cut else ""
        units = shapes[-1][-1]
        return cls(name, max(2, units), units == 1, shape, tuple(steps[:cut]), tuple(steps[cut:]))

    def features(self, images: Any) -> tf.Tensor:
        """The feature map of images.

        Args:
            images: (n, height, width, channels) numbers in the range that the model takes.

        Returns:
            (n, rows, columns, channels) float32; the images themselves where the model has no convolution.
        """
        return _call(self.before, tf.cast(images, tf.float32))

    def head(self, features: tf.Tensor) -> tf.Tensor:
        """The logits of feature maps.

        Args:
            features: (n, rows, columns, channels) float32, from `features`.

        Returns:
            (n, classes) float32; one sigmoid unit gives minus and plus its logit.
        """
        logits = _call(self.after, features)
        return tf.concat([-logits, logits], 1) if logits.shape[1] == 1 else logits

    def logits(self, images: np.ndarray) -> np.ndarray:
        """The logits of any number of images, in batches.

        Args:
            images: (n, height, width, channels) numbers in the range that the model takes.

        Returns:
            (n, classes) float32.
        """
        parts = batches(images, images_at_once(images))
        return np.concatenate([self.head(self.features(part)).numpy() for part in parts])

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """The probabilities of any number of images, in batches.

        Args:
            images: (n, height, width, channels) numbers in the range that the model takes.

        Returns:
            (n, classes) float32; a row sums to 1.
        """
        logits = self.logits(images)
        return tf.nn.softmax(logits / 2 if self.one_unit else logits).numpy()

    def score(self, images: tf.Tensor, targets: np.ndarray) -> tf.Tensor:
        """The logit of one class for each image, differentiable.

        Args:
            images: (n, height, width, channels) numbers in the range that the model takes.
            targets: (n,) int, number of a class.

        Returns:
            (n,) float32.
        """
        return tf.gather(self.head(self.features(images)), targets, batch_dims=1)

    def tail(self) -> list[str]:
        """Kinds of the layers behind the feature map that do more than pass it on."""
        return [type(step).__name__ for step in self.after if not isinstance(step, keras.layers.Dropout)]


class _Logits:
    """The last dense layer without its sigmoid or softmax."""

    def __init__(self, dense: keras.layers.Dense):
        self.name, self.dense = dense.name, dense

    @property
    def kernel(self) -> Any:
        return self.dense.kernel

    def __call__(self, values: tf.Tensor) -> tf.Tensor:
        logits = keras.ops.matmul(values, self.kernel)
        return logits + self.dense.bias if self.dense.use_bias else logits


def _call(steps: Sequence[Callable], values: tf.Tensor) -> tf.Tensor:
    """One step after the other, as in prediction: no dropout, no augmentation, running averages."""
    for step in steps:
        values = step(values, training=False) if isinstance(step, keras.Layer) else step(values)
    return values


def _producer(tensor: keras.KerasTensor) -> tuple[Any, list[keras.KerasTensor]]:
    """The operation that made a symbolic tensor, and the tensors that it was made from.

    The one place that reads names which Keras keeps private. Its public `operation.input` raises an AttributeError for
    a layer that is used in two models, as every backbone is that stands in a model and in its feature extractor, and
    knows no operations such as x / 255. The tests run it with the oldest and the newest Keras that the course allows.
    """
    operation, node, _ = tensor._keras_history
    return operation, operation._inbound_nodes[node].input_tensors


def _steps(model: keras.Model) -> list[Callable]:
    """The chain of layers from input to output, nested chains unfolded; what branches stays one step at its start."""
    tensor, steps = model.outputs[0], []
    while True:
        operation, sources = _producer(tensor)
        if len(sources) != 1:
            break
        if getattr(operation, "outputs", None) and len(operation.inputs) == len(operation.outputs) == 1:
            steps[:0] = _steps(operation)
        else:  # an operation such as x / 255 keeps its constants in the graph only
            plain = isinstance(operation, keras.Layer)
            steps[:0] = [operation if plain else keras.Model(sources[0], tensor, name=operation.name)]
        tensor = sources[0]
    return [keras.Model(model.inputs[0], tensor, name=operation.name), *steps] if sources else steps


def _without_activation(step: Callable) -> list[Callable]:
    """The last step up to the logit."""
    ends = ("sigmoid", "softmax")
    operation = _producer(step.outputs[0])[0] if isinstance(step, keras.Model) else step
    if getattr(getattr(operation, "activation", None), "__name__", "") in ends:
        return [_Logits(step)] if isinstance(step, keras.layers.Dense) else []
    return [] if type(operation).__name__.lower() in ends else [step]


def _convolves(step: Any) -> bool:
    return "Conv" in type(step).__name__ or any(map(_convolves, getattr(step, "layers", ())))


def batches(values: np.ndarray, rows: int = BATCH) -> Iterator[np.ndarray]:
    """An array in parts of at most so many rows.

    Args:
        values: (n, ...).
        rows: 1 or more.
    """
    return (values[start : start + rows] for start in range(0, len(values), rows))


def images_at_once(images: np.ndarray) -> int:
    """How many images to run a network on, layer by layer, with all its feature maps in memory.

    Args:
        images: (n, height, width, channels).

    Example:
        >>> images_at_once(np.zeros((1, 64, 64, 1))), images_at_once(np.zeros((1, 224, 224, 1)))
        (64, 20)
    """
    height, width = images.shape[1:3]
    return max(1, min(BATCH, BATCH * SIDE**2 // (height * width)))
