"""The layers of the five reference projects' networks; reference_models.py says which project used which.

All take raw pixels from 0 to 255 and end in one sigmoid unit. `shape` is (height, width, channels). No network is
compiled.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
from keras import layers

from helpers.models.backbones import COURSE, LITE0, load_backbone

# layers that load_backbone puts in front of a network
PREPROCESSING = ("caffe_preprocessing", "tf_preprocessing", "lite_preprocessing")


@keras.saving.register_keras_serializable("reference_networks")
class AlwaysChange(layers.Layer):
    """Random flip, rotation and zoom in every call, at prediction too, as in S2-M4."""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.ways = [layers.RandomFlip("horizontal"), layers.RandomRotation(0.05), layers.RandomZoom(0.2)]

    def build(self, input_shape):
        for way in self.ways:
            way.build(input_shape)

    def call(self, images):
        for way in self.ways:
            images = way(images, training=True)
        return images

    def compute_output_shape(self, input_shape):
        return input_shape


def dense_stack(shape: tuple[int, int, int], units: Sequence[int]) -> keras.Sequential:
    """Flattened pixels through dense layers.

    Args:
        shape: (height, width, channels) of the images, in pixels.
        units: of each dense layer.
    """
    return keras.Sequential([*_pixels(shape), layers.Flatten(), *_dense(units), _unit()])


def conv_stack(
    shape: tuple[int, int, int],
    filters: Sequence[int],
    dense: Sequence[int] = (),
    kernel: int = 3,
    padding: str = "valid",
    pool: bool = True,
    dropout: float = 0.0,
    head_dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    l2_on_first: bool = True,
) -> keras.Sequential:
    """Convolutions, each with its pooling and dropout; flatten, dropout, dense layers.

    Args:
        shape: (height, width, channels) of the images, in pixels.
        filters: of each convolution.
        dense: units of each dense layer before the last unit.
        kernel: side of the kernels, in pixels.
        padding: of the convolutions, "valid" or "same".
        pool: whether a 2 by 2 pooling follows each convolution.
        dropout: share left out after each convolution.
        head_dropout: share of the flattened features that is left out.
        l1, l2: strengths of the penalties on every kernel but the last unit's.
        l2_on_first: False leaves the first convolution without penalty.
    """
    body = []
    for number, count in enumerate(filters):
        penalty = _penalty(l1, l2) if number or l2_on_first else None
        body.append(layers.Conv2D(count, kernel, padding=padding, activation="relu", kernel_regularizer=penalty))
        body += [layers.MaxPooling2D()] if pool else []
        body += [layers.Dropout(dropout)] if dropout else []
    head = [layers.Flatten(), *([layers.Dropout(head_dropout)] if head_dropout else [])]
    return keras.Sequential([*_pixels(shape), *body, *head, *_dense(dense, _penalty(l1, l2)), _unit()])


def wide_head(shape: tuple[int, int, int], momentum: float = 0.99) -> keras.Sequential:
    """S0-M2: one convolution, flatten, and a dense head with batch normalization and dropout.

    Its dense layer of 64 has no activation.

    Args:
        shape: (height, width, channels) of the images, in pixels.
        momentum: of the running averages of batch normalization.
    """
    body = [layers.Conv2D(32, 3, padding="same", activation="relu"), layers.BatchNormalization(momentum=momentum)]
    head = [layers.Flatten()]
    for units, activation in ((128, "relu"), (64, None)):
        head += [layers.Dense(units, activation), layers.BatchNormalization(momentum=momentum), layers.Dropout(0.5)]
    return keras.Sequential([*_pixels(shape), *body, *head, _unit()])


def dense_per_position(
    shape: tuple[int, int, int], dropout: float = 0.0, always_change: bool = False
) -> keras.Sequential:
    """S2-M2 to M4: three convolutions, then a dense layer on every position, with the same weights at each.

    Args:
        shape: (height, width, channels) of the images, in pixels.
        dropout: share of the flattened features that is left out.
        always_change: put `AlwaysChange` in front.
    """
    body = []
    for filters in (32, 64, 128):
        body += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D()]
    body += [layers.Dense(128, activation="relu"), layers.Flatten()]
    body += [layers.Dropout(dropout)] if dropout else []
    return keras.Sequential([*_pixels(shape, AlwaysChange() if always_change else None), *body, _unit()])


def bottleneck(
    shape: tuple[int, int, int],
    filters: Sequence[int] = (32, 32, 64, 64),
    dense: Sequence[int] = (128, 128, 256),
    l1: float = 0.01,
    l2: float = 0.01,
    one_unit: bool = True,
) -> keras.Sequential:
    """S1-M5: four convolutions with pooling and dropout, then dense layers behind a bottleneck of one sigmoid unit.

    Args:
        shape: (height, width, channels) of the images, in pixels.
        filters: of the four convolutions; all but the first are penalized.
        dense: units of the three dense layers; the first is penalized.
        l1, l2: strengths of the penalties.
        one_unit: as the report prints the code, a sigmoid unit follows the first dense layer, and a second head
            begins behind it, so all that the images say passes through one number. False is the second reading: the
            cell was extended and the old last layer left in by accident.
    """
    penalty = _penalty(l1, l2)
    body = []
    for number, count in enumerate(filters):
        body.append(layers.Conv2D(count, 3, activation="relu", kernel_regularizer=penalty if number else None))
        body += [layers.MaxPooling2D(), layers.Dropout(0.25)]
    head = [layers.Flatten(), *_dense(dense[:1], penalty), *([_unit(), layers.Flatten()] if one_unit else [])]
    return keras.Sequential([*_pixels(shape), *body, *head, *_dense(dense[1:]), _unit()])


def late_pooling(shape: tuple[int, int, int]) -> keras.Sequential:
    """S4-M4: the first of its three convolutions is not pooled.

    Args:
        shape: (height, width, channels) of the images, in pixels.
    """
    body = [layers.Conv2D(32, 3, activation="relu")]
    for filters in (64, 128):
        body += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D(), layers.Dropout(0.25)]
    head = [layers.Flatten(), *_dense((64,)), layers.Dropout(0.5)]
    return keras.Sequential([*_pixels(shape), *body, *head, _unit()])


def on_backbone(
    shape: tuple[int, int, int],
    name: str,
    units: Sequence[int] = (),
    l2: float = 0.0,
    activation: str | None = "relu",
    norm: bool = False,
    dropout: float = 0.0,
    pooled: bool = False,
    momentum: float = 0.99,
    divided: bool = False,
    weights: str | Path | None = "imagenet",
    fallback: str = LITE0,
    report: Callable[[str], None] = print,
) -> keras.Sequential:
    """A frozen backbone with its preprocessing inside, and a dense head.

    A gray image becomes three channels by a convolution that learns, as in S2-M5.

    Args:
        shape: (height, width, channels) of the images, in pixels.
        name: of the backbone, as in `load_backbone`.
        units, activation, l2, norm, dropout: dense layers of the head, each with L2, batch normalization and dropout.
        pooled: average of each map in front of the head, where the others flatten the maps.
        momentum: of the batch normalization in the head.
        divided: feed pixels / 255 past the network's own preprocessing, as S0 and S1 did.
        weights, fallback, report: as in `load_backbone`; weights "course" takes the course's backbone in its place.

    Raises:
        ValueError: as `load_backbone`.
        NoWeightsError: as `load_backbone`.
    """
    loaded, weights = (COURSE, COURSE) if weights == COURSE else (name, weights)
    base = load_backbone(loaded, weights, (*shape[:2], 3), fallback, report)
    start = [keras.Input(shape), *([layers.Conv2D(3, 3, padding="same")] if shape[2] == 1 else [])]
    start += [layers.Rescaling(1 / 255), _without_preprocessing(base)] if divided else [base]
    head = [layers.GlobalAveragePooling2D() if pooled else layers.Flatten()]
    for count in units:
        head.append(layers.Dense(count, activation, kernel_regularizer=_penalty(0, l2)))
        head += [layers.BatchNormalization(momentum=momentum)] if norm else []
        head += [layers.Dropout(dropout)] if dropout else []
    return keras.Sequential([*start, *head, _unit()])


def split_at_backbone(model: keras.Sequential) -> tuple[keras.Model, keras.Sequential]:
    """The two parts of an `on_backbone` network: run the frozen part once, and fit the head on what it gives.

    The head is made of the model's own layers, so once it is fitted the whole model predicts with it. Compile the head
    before.

    Args:
        model: Sequential, with a frozen model as one of its layers and nothing before it that learns.

    Returns:
        The features, images (n, height, width, channels) -> maps (n, rows, columns, features), and the head,
        maps -> probability (n, 1).

    Raises:
        ValueError: there is no frozen backbone, or something before it learns, so that its answers would change.

    Example:
        >>> model = on_backbone((32, 32, 3), "course", weights=None, pooled=True)
        >>> features, head = split_at_backbone(model)
        >>> features.output_shape, head.output_shape
        ((None, 2, 2, 192), (None, 1))
    """
    places = [i for i, layer in enumerate(model.layers) if isinstance(layer, keras.Model)]
    if not places:
        raise ValueError(f"model: {model.name} has no backbone in it; fit it as a whole")
    before, after = model.layers[: places[0] + 1], model.layers[places[0] + 1 :]
    if any(layer.trainable_weights for layer in before):
        raise ValueError(f"model: in {model.name} the backbone, or a layer before it, learns; fit it as a whole")
    features = keras.Sequential([keras.Input(model.input_shape[1:]), *before])
    return features, keras.Sequential([keras.Input(features.output_shape[1:]), *after])


def _pixels(shape: tuple[int, int, int], change: layers.Layer | None = None) -> list:
    return [keras.Input(shape), *([change] if change else []), layers.Rescaling(1 / 255)]


def _dense(units: Sequence[int], penalty: keras.Regularizer | None = None) -> list[layers.Layer]:
    return [layers.Dense(count, activation="relu", kernel_regularizer=penalty) for count in units]


def _unit() -> layers.Dense:
    return layers.Dense(1, activation="sigmoid")


def _penalty(l1: float, l2: float) -> keras.Regularizer | None:
    return keras.regularizers.L1L2(l1, l2) if l1 or l2 else None


def _without_preprocessing(base: keras.Model) -> keras.Model:
    """The same frozen layers from behind the preprocessing on; a network that scales inside itself stays whole."""
    for layer in base.layers:
        if layer.name in PREPROCESSING:
            return keras.Model(layer.output, base.output, name=f"{base.name}_without_preprocessing")
    return base
