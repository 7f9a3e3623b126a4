"""The small convolutional network that most lessons train: 61,000 parameters, minutes on two cores."""

from collections.abc import Sequence

import keras
from keras import layers


def small_cnn(
    input_shape: tuple[int | None, int | None, int],
    n_classes: int = 2,
    filters: Sequence[int] = (16, 32, 64, 64),
    dropout: float = 0.0,
) -> keras.Sequential:
    """Blocks of convolution, batch normalization, ReLU and pooling, then global average pooling and one dense layer.

    It takes images from 0 to 255 and is not compiled yet.

    Args:
        input_shape: (height, width, channels) of an image in pixels; None for a height or width of any size.
        n_classes: two give one sigmoid unit, more a softmax unit each.
        filters: of each block; every block halves height and width.
        dropout: share of the pooled features that training leaves out.

    Raises:
        ValueError: fewer than two classes, or images too small for so many blocks.

    Example:
        >>> small_cnn((64, 64, 1)).count_params()
        60817
        >>> small_cnn((64, 64, 3), n_classes=5).output_shape
        (None, 5)
    """
    if n_classes < 2:
        raise ValueError(f"n_classes: {n_classes}; a classifier needs at least two.")
    smallest = 2 ** len(filters)
    if any(side is not None and side < smallest for side in input_shape[:2]):
        raise ValueError(
            f"input_shape: {tuple(input_shape)}; {len(filters)} blocks halve the side so often that images need at "
            f"least {smallest} pixels. Take larger images or fewer filters."
        )
    model = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255)])
    for block, count in enumerate(filters, 1):
        model.add(layers.Conv2D(count, 3, padding="same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))  # the usual .99 needs more steps than small data sets have
        model.add(layers.ReLU(name=f"relu{block}"))
        model.add(layers.MaxPooling2D())
    model.add(layers.GlobalAveragePooling2D())
    if dropout:
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(1, activation="sigmoid") if n_classes == 2 else layers.Dense(n_classes, "softmax"))
    return model
