"""The course's own backbone: a small residual network, trained on drawings by helpers/course/pretrain.py."""

from pathlib import Path

FIELD = 16  # one cell of the feature map stands for so many pixels of the image, in width and in height
WIDTHS = (64, 128, 192)
WEIGHTS = Path(__file__).resolve().parent / "pretrained" / "course_backbone.weights.h5"  # report.json lies beside it


def course_network(channels: int = 3, momentum: float = 0.9):
    """The backbone without weights of its own: raw pixels 0-255 in, feature map out, any size of image.

    A convolution with stride 2, then three residual blocks, each after a pooling: four halvings in all.

    Args:
        channels: 3, as the pretrained weights want it, or 1.
        momentum: of the running averages of batch normalization.

    Returns:
        keras.Model (n, h, w, channels) -> (n, h / 16, w / 16, 192) float32, about 0.87 million parameters.

    Source:
        The residual block: He et al., Deep Residual Learning for Image Recognition, arXiv 1512.03385.

    Example:
        >>> course_network(channels=1).output_shape
        (None, None, None, 192)
    """
    import keras
    from keras import layers

    def convolution(x, filters: int, size: int = 3, strides: int = 1):
        x = layers.Conv2D(filters, size, strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization(momentum=momentum)(x)

    image = keras.Input((None, None, channels), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = layers.ReLU()(convolution(x, 32, 5, 2))
    for filters in WIDTHS:
        x = layers.MaxPooling2D()(x)
        change = layers.ReLU()(convolution(x, filters))
        change = convolution(change, filters)
        x = layers.ReLU()(layers.Add()([change, convolution(x, filters, 1)]))
    return keras.Model(image, x, name="course_backbone")
