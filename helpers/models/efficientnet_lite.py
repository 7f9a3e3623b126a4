"""EfficientNet-Lite0 in plain Keras, and its ImageNet weights, which come in a package and need no connection.

The Lite family is EfficientNet for small computers: no squeeze-and-excitation, and ReLU6 in place of swish.

Source:
    Tan and Le, EfficientNet, arXiv 1905.11946; Lite: github.com/tensorflow/tpu, models/official/efficientnet/lite.
"""

import warnings
from pathlib import Path

import keras
from keras import layers

from data_prework.files import atomic_write
from data_prework.sources.torch_file import read_tensors
from data_prework.sources.weights import PackagedWeightsError, find_packaged, weights_folder

LITE0 = "EfficientNetLite0"
FEATURES, CLASSES = 1280, 1000
# kernel, stride of the first block, expansion, filters, blocks
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
# axes of a PyTorch tensor in the order that Keras wants
_AXES = {layers.Conv2D: (2, 3, 1, 0), layers.DepthwiseConv2D: (2, 3, 0, 1), layers.Dense: (1, 0)}


def lite0_features(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """The network without its top; layers are called as in the EfficientNets of keras.applications.

    Args:
        pixels: (n, height, width, 3), RGB, 0-255. The weights know (pixels - 127) / 128, which is inside.

    Returns:
        Feature maps (n, height / 32, width / 32, 1280), 0 to 6.

    Example:
        >>> image = keras.Input((224, 224, 3))
        >>> keras.Model(image, lite0_features(image)).output_shape
        (None, 7, 7, 1280)
    """
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="lite_preprocessing")(pixels)
    x = _convolution(x, "stem", 32, 3, 2)
    for stage, (kernel, stride, expansion, filters, blocks) in enumerate(STAGES, start=1):
        for block in range(blocks):
            name = f"block{stage}{'abcd'[block]}"
            x = _block(x, name, kernel, 1 if block else stride, expansion, filters)
    return _convolution(x, "top", FEATURES)


def lite0_probabilities(features: keras.KerasTensor) -> keras.KerasTensor:
    """The top of the network, which names 1,000 things.

    Args:
        features: (n, rows, columns, 1280), from `lite0_features`.

    Returns:
        (n, 1000) probabilities of the ImageNet classes; the layer before, "logits", gives their logits.

    Example:
        >>> features = keras.Input((7, 7, 1280))
        >>> keras.Model(features, lite0_probabilities(features)).count_params()
        1281000
    """
    x = layers.GlobalAveragePooling2D(name="avg_pool")(features)
    return layers.Softmax(name="probabilities")(layers.Dense(CLASSES, name="logits")(x))


def load_lite0(network: keras.Model) -> None:
    """Put the ImageNet weights into a network of the two functions above.

    They come from the package, which is faster than from a file of Keras. A .weights.h5 file in the folder of weights,
    written once, serves where the package isn't installed.

    Args:
        network: with its top or without.

    Raises:
        PackagedWeightsError: the package isn't installed, or its file isn't the published one, and none was kept.
    """
    top = "" if any(layer.name == "logits" for layer in network.layers) else "_notop"
    kept = weights_folder() / f"efficientnet_lite0{top}.weights.h5"
    try:
        path = find_packaged(LITE0)
    except PackagedWeightsError:
        if _load(network, kept):
            return
        raise
    _put(network, path)
    if not kept.is_file():
        _keep(network, kept)


def _block(x, name: str, kernel: int, stride: int, expansion: int, filters: int):
    """An inverted residual block: expand, convolve each channel by itself, project."""
    entry = x
    if expansion > 1:
        x = _convolution(x, f"{name}_expand", expansion * x.shape[-1])
    x = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, name=f"{name}_dwconv")(x)
    x = _activation(_norm(x, name), name)
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}_project_conv")(x)
    x = _norm(x, f"{name}_project")
    return layers.Add(name=f"{name}_add")([x, entry]) if stride == 1 and entry.shape[-1] == filters else x


def _convolution(x, name: str, filters: int, kernel: int = 1, stride: int = 1):
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return _activation(_norm(x, name), name)


def _norm(x, name: str):
    return layers.BatchNormalization(epsilon=1e-3, momentum=0.9, name=f"{name}_bn")(x)


def _activation(x, name: str):
    return layers.ReLU(max_value=6, name=f"{name}_activation")(x)


def _load(network: keras.Model, path: Path) -> bool:
    """Whether the kept file was there and sound."""
    if not path.is_file():
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network.load_weights(path)
    except Exception:  # each kind of damage raises another; the package has the weights
        return False
    return True


def _keep(network: keras.Model, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as new:
            network.save_weights(new)
    except (OSError, RuntimeError):  # a full disk, or a folder of somebody else: the package has them
        return


def _put(network: keras.Model, path: Path) -> None:
    """Both, the file and the layers, are in the order of computation; without its top a network needs fewer tensors."""
    tensors = iter([one for name, one in read_tensors(path).items() if not name.endswith("num_batches_tracked")])
    for layer in network.layers:
        values = [next(tensors) for _ in layer.weights]
        if type(layer) in _AXES:
            values[0] = values[0].transpose(_AXES[type(layer)])
        layer.set_weights(values)
