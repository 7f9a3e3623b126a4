"""Pretrained networks that take raw pixels: their preprocessing is inside, and they come frozen.

Two ways to put a head on one, both saved whole by `model.save("name.keras")` and loaded without this module:

    flat    keras.Model(backbone.input, head(backbone.output))
    nested  keras.Sequential([backbone, *head])
"""

import contextlib
import io
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import requests
from keras import layers

from data_prework.sources.http import DownloadError
from data_prework.sources.weights import (
    WEIGHTS,
    PackagedWeightsError,
    fetch_weights,
    find_weights,
    weights_folder,
)
from helpers.errors import CourseError
from helpers.models.course_backbone import WEIGHTS as COURSE_WEIGHTS
from helpers.models.course_backbone import course_network
from helpers.models.efficientnet_lite import LITE0, lite0_features, load_lite0

COURSE = "course"
NAMES = (*WEIGHTS, LITE0, COURSE)
FALLBACKS = (LITE0, COURSE, "random", "error")
SUFFIXES = (".h5", ".keras")  # .weights.h5 is one of the first
SMALLEST_SIDE = {"Xception": 71}  # pixels; 32 for all others
_MEAN_BGR = (103.939, 116.779, 123.68)  # of ImageNet, 0-255
# what each was trained on, in the words of keras.applications; those not named here scale their input themselves
_EXPECTS = {"VGG16": "caffe", "VGG19": "caffe", "ResNet50": "caffe", "Xception": "tf", "MobileNetV2": "tf"}


class NoWeightsError(CourseError, OSError):
    """The weights that were asked for are not to be had; the message says why and how to get them."""


def load_backbone(
    name: str,
    weights: str | Path | None = "imagenet",
    image_shape: tuple[int | None, int | None, int] = (None, None, 3),
    fallback: str = LITE0,
    report: Callable[[str], None] = print,
) -> keras.Model:
    """A network without its classification top: raw pixels in, feature map out, frozen.

    Pixels are 0-255, RGB or gray; gray is repeated to three channels inside. The model's name says which weights it
    has: "VGG16_imagenet", "VGG16_random", "VGG16_file" or "course_backbone".

    Args:
        name: one of `NAMES`; upper and lower case don't matter. "EfficientNetLite0" has its ImageNet weights in a
            package and needs no connection; give it images of 128 pixels or more. "course" is the course's own small
            network.
        weights: "imagenet": from Keras' cache, from the folder that `python -m data_prework weights` fills, or by
            download; for the name "course" its own. A path: of a .weights.h5, .h5 or .keras file of this network
            without top. None: random.
        image_shape: (height, width, channels) in pixels; None for any height or width, 3 channels or 1.
        fallback: what to give when ImageNet weights are not to be had: "EfficientNetLite0", or "course" where its
            package isn't installed; "course" the course's own network; "random" the same network with random weights;
            "error" raises.
        report: takes one line about a download or a fallback.

    Returns:
        A functional model (n, height, width, channels) -> (n, rows, columns, features) float32, trainable=False. Its
        dropout layers are switched off, so a frozen network gives the same features in training as in prediction.

    Raises:
        ValueError: an argument is unknown or does not fit, or the weight file is of another network.
        FileNotFoundError: the path of a weight file leads nowhere.
        NoWeightsError: no ImageNet weights, and fallback is "error".

    Example:
        >>> backbone = load_backbone("course", weights=None, image_shape=(64, 64, 1))
        >>> backbone.name, backbone.output_shape, backbone.trainable
        ('course_backbone_random', (None, 4, 4, 192), False)
    """
    name = _known(name)
    check_image_shape(name, image_shape)
    if fallback not in FALLBACKS:
        raise ValueError(f"fallback: {fallback!r} is not one of {', '.join(FALLBACKS)}")
    if weights in ("imagenet", COURSE):
        if weights == COURSE and name != COURSE:
            raise ValueError(
                f"weights: those of the course fit its own network only, not {name}; load_backbone('course')"
            )
        try:
            return _pretrained(name, image_shape, report)
        except NoWeightsError as error:
            if fallback == "error":
                raise
            return _instead(name, image_shape, fallback, str(error), report)
    label = "random" if weights is None else "file"
    backbone = _build(name, image_shape, f"{'course_backbone' if name == COURSE else name}_{label}")
    if weights is not None:
        _load(backbone, Path(weights).expanduser(), name)
    return backbone


def unfreeze(backbone: keras.Model, last: int | None = None, from_layer: str | None = None) -> list[str]:
    """Let the top of a backbone learn; every BatchNormalization stays frozen and keeps the averages it has.

    Compile the model that holds the backbone again afterwards, with a small learning rate.

    Args:
        backbone: as `load_backbone` gives it, or another functional model; inside a larger model or not.
        last: so many layers with weights, counted from the end, BatchNormalization not counted; None: all.
        from_layer: or: this layer and all that come after it.

    Returns:
        The names of the layers that now learn, in order.

    Raises:
        ValueError: both are given, or there is no such layer, or not so many.

    Example:
        >>> backbone = load_backbone("course", weights=None)
        >>> len(unfreeze(backbone, last=2)), len(unfreeze(backbone))
        (2, 10)
    """
    if last is not None and from_layer is not None:
        raise ValueError("last and from_layer: give one of the two")
    names = [layer.name for layer in backbone.layers]
    learnable = [i for i, layer in enumerate(backbone.layers) if layer.weights and not _is_norm(layer)]
    start = 0
    if from_layer is not None:
        if from_layer not in names:
            raise ValueError(
                f"from_layer: {backbone.name} has no layer {from_layer!r}; its last are {', '.join(names[-8:])}"
            )
        start = names.index(from_layer)
    if last is not None:
        if not 1 <= last <= len(learnable):
            raise ValueError(
                f"last: {last} layers; {backbone.name} has {len(learnable)} with weights, ask for 1 to so many"
            )
        start = learnable[-last]
    backbone.trainable = True  # a frozen container hides what its layers say
    for i, layer in enumerate(backbone.layers):
        layer.trainable = i >= start and not _is_norm(layer)
    return [names[i] for i in learnable if i >= start]


def _pretrained(name: str, image_shape: tuple, report: Callable[[str], None]) -> keras.Model:
    """The network with the weights that it was trained to; NoWeightsError where they are not to be had."""
    if name == LITE0:
        backbone = _build(name, image_shape, f"{name}_imagenet")
        try:
            load_lite0(backbone)
        except PackagedWeightsError as error:
            raise NoWeightsError(f"ImageNet weights for {name}: {error}.") from error
        return backbone
    path = COURSE_WEIGHTS if name == COURSE else _imagenet_file(name, report)
    backbone = _build(name, image_shape, "course_backbone" if name == COURSE else f"{name}_imagenet")
    _load(backbone, path, name)
    return backbone


def _instead(name: str, image_shape: tuple, fallback: str, why: str, report: Callable[[str], None]) -> keras.Model:
    """What the fallback gives, and one line that says so."""
    if fallback == "random":
        report(f"Note: {why} The course gives {name} with random weights instead.")
        return _build(name, image_shape, f"{name}_random")
    if fallback == LITE0 != name:
        try:
            backbone = _pretrained(LITE0, image_shape, report)
            report(f"Note: {why} The course gives {LITE0} with ImageNet weights instead.")
            return backbone
        except NoWeightsError as error:
            why = f"{why} {error}"
    report(f"Note: {why} The course gives its own small network instead.")
    return _pretrained(COURSE, image_shape, report)


def _known(name: str) -> str:
    for known in NAMES:
        if isinstance(name, str) and name.lower() == known.lower():
            return known
    raise ValueError(f"name: {name!r} is not a backbone of the course; there are {', '.join(NAMES)}")


def pixel_input(image_shape: tuple[int | None, int | None, int]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input of a network, and its pixels in three channels.

    Args:
        image_shape: (height, width, channels) in pixels; None for any height or width, 3 channels or 1.

    Returns:
        (n, height, width, channels), and the same with gray repeated to three channels.

    Example:
        >>> gray, pixels = pixel_input((32, 32, 1))
        >>> gray.shape, pixels.shape
        ((None, 32, 32, 1), (None, 32, 32, 3))
    """
    inputs = keras.Input(image_shape, name="pixels")
    return inputs, layers.Concatenate(name="grey_to_rgb")([inputs] * 3) if image_shape[2] == 1 else inputs


def check_image_shape(name: str, image_shape: tuple[int | None, int | None, int]) -> None:
    """Refuse images that a network can't take.

    Args:
        name: one of `NAMES`.
        image_shape: (height, width, channels) in pixels.

    Raises:
        ValueError: too small, or neither 3 channels nor 1.

    Example:
        >>> check_image_shape("VGG16", (32, None, 3))
    """
    smallest = SMALLEST_SIDE.get(name, 32)
    if len(image_shape) != 3 or image_shape[2] not in (1, 3):
        raise ValueError(f"image_shape: {image_shape!r}; give (height, width, channels) with 3 channels, or 1 for grey")
    if any(side is not None and side < smallest for side in image_shape[:2]):
        raise ValueError(f"image_shape: {image_shape!r}; {name} needs {smallest} pixels or more on each side")


def _is_norm(layer: layers.Layer) -> bool:
    return isinstance(layer, layers.BatchNormalization)


def _build(name: str, image_shape: tuple[int | None, int | None, int], label: str) -> keras.Model:
    """The network on raw pixels, frozen, one flat graph of standard layers."""
    inputs, pixels = pixel_input(image_shape)
    if name == COURSE:
        backbone = _moved(course_network(channels=3), inputs, pixels, label)
    elif name == LITE0:
        backbone = keras.Model(inputs, lite0_features(pixels), name=label)
    else:
        if _EXPECTS.get(name) == "caffe":
            blue_first = keras.ops.flip(pixels, axis=-1)
            pixels = layers.Rescaling(1.0, offset=[-mean for mean in _MEAN_BGR], name="caffe_preprocessing")(blue_first)
        elif _EXPECTS.get(name) == "tf":
            pixels = layers.Rescaling(1 / 127.5, offset=-1.0, name="tf_preprocessing")(pixels)
        network = getattr(keras.applications, name)(include_top=False, weights=None, input_tensor=pixels)
        backbone = keras.Model(inputs, network.outputs[0], name=label)
        for layer in backbone.layers:
            if isinstance(layer, layers.Dropout):
                layer.rate = 0.0
    backbone.trainable = False
    return backbone


def _moved(network: keras.Model, inputs: keras.KerasTensor, pixels: keras.KerasTensor, label: str) -> keras.Model:
    """The same layers, anew, on another input."""

    def call(layer, *args, **kwargs):
        return layer(*(pixels if arg is inputs else arg for arg in args), **kwargs)

    copy = keras.models.clone_model(network, input_tensors=inputs, call_function=call)
    return keras.Model(inputs, copy.outputs[0], name=label)


def _load(backbone: keras.Model, path: Path, name: str) -> None:
    if not path.is_file():
        make = "python -m helpers.course pretrain makes it" if path == COURSE_WEIGHTS else "check the path"
        raise FileNotFoundError(f"weights: there is no file {path}; {make}")
    if path.suffix not in SUFFIXES:
        raise ValueError(f"weights: {path.name} ends in {path.suffix!r}; expected a .weights.h5, .h5 or .keras file")
    try:
        with warnings.catch_warnings():  # Keras warns of every operation without weights that the file does not name
            warnings.simplefilter("ignore")
            backbone.load_weights(path)
    except Exception as error:  # each format and each kind of damage raises another
        cause = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise ValueError(
            f"weights: {path} does not fit {name} without its top: another network, or a damaged file ({cause})"
        ) from error


def _imagenet_file(name: str, report: Callable[[str], None]) -> Path:
    """A sound file of the ImageNet weights; NoWeightsError, within about two seconds, where none is to be had."""
    path = find_weights(name)
    if path is not None:
        return path
    source = WEIGHTS[name]
    if not _answers(source.urls[0]):
        raise _no_weights(name, "there is no such file here, and no connection to get it")
    report(f"Fetching the ImageNet weights of {name} ({source.size_mb:.0f} MB) into {weights_folder()} ...")
    try:
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():  # no progress bar into notebooks
            warnings.simplefilter("ignore")
            return fetch_weights(name, retries=2)
    except DownloadError as error:
        raise _no_weights(name, str(error).splitlines()[1].strip()) from error


def _no_weights(name: str, why: str) -> NoWeightsError:
    return NoWeightsError(f"ImageNet weights for {name}: {why}. To get them: python -m data_prework weights {name}.")


def _answers(url: str, seconds: float = 1.5) -> bool:
    """Whether a server answers at all, asked aside because looking up its name has no timeout of its own."""
    heard = threading.Event()

    def ask() -> None:
        with contextlib.suppress(requests.RequestException):
            requests.head(url, timeout=seconds)
            heard.set()

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds + 0.5)
    return heard.is_set()
