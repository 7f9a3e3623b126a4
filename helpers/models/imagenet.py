"""A whole ImageNet network that names photos, and the names of its 1,000 classes."""

import csv
from functools import cache
from pathlib import Path

import keras
import numpy as np

from data_prework.sources.weights import PackagedWeightsError
from helpers.models.backbones import NoWeightsError, check_image_shape, pixel_input
from helpers.models.efficientnet_lite import CLASSES, LITE0, lite0_features, lite0_probabilities, load_lite0

_NAMES = Path(__file__).resolve().parent / "pretrained" / "imagenet_classes.csv"  # imagenet_classes.md tells whose


def load_imagenet_classifier(
    image_shape: tuple[int | None, int | None, int] = (224, 224, 3), weights: str | None = "imagenet"
) -> keras.Model:
    """EfficientNet-Lite0 with its top: raw pixels in, the probabilities of 1,000 ImageNet classes out.

    Its layer "logits" gives their logits. `decode_predictions` names the classes.

    Args:
        image_shape: (height, width, channels) in pixels; None for any height or width, 3 channels (RGB) or 1 (gray).
            It was trained on 224 x 224.
        weights: "imagenet", from the package; None: random.

    Returns:
        keras.Model (n, height, width, channels) 0-255 -> (n, 1000) float32, trainable=False.

    Raises:
        ValueError: an argument does not fit.
        NoWeightsError: the package with the weights isn't installed, or its file isn't the published one.

    Example:
        >>> load_imagenet_classifier(weights=None).output_shape
        (None, 1000)
    """
    if weights not in ("imagenet", None):
        raise ValueError(f'weights: {weights!r}; give "imagenet", or None for random ones')
    check_image_shape(LITE0, image_shape)
    inputs, pixels = pixel_input(image_shape)
    label = f"{LITE0}_{'random' if weights is None else weights}_classifier"
    network = keras.Model(inputs, lite0_probabilities(lite0_features(pixels)), name=label)
    if weights is not None:
        try:
            load_lite0(network)
        except PackagedWeightsError as error:
            raise NoWeightsError(f"ImageNet weights for {LITE0}: {error}.") from error
    network.trainable = False
    return network


def decode_predictions(probabilities: np.ndarray, top: int = 3) -> list[list[tuple[str, str, float]]]:
    """Name the most probable classes of each image, as `decode_predictions` of keras.applications does.

    Args:
        probabilities: (n, 1000), from an ImageNet network.
        top: so many classes for each image, 1 to 1000.

    Returns:
        For each image a list of (WordNet ID, name, probability), the most probable first.

    Raises:
        ValueError: another shape, or `top` is out of range.

    Example:
        >>> decode_predictions(np.eye(1000)[[985]], top=1)
        [[('n11939491', 'daisy', 1.0)]]
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] != CLASSES:
        raise ValueError(f"probabilities: of the shape {probabilities.shape}; give (n, {CLASSES})")
    if not 1 <= top <= CLASSES:
        raise ValueError(f"top: {top}; give 1 to {CLASSES}")
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return [
        [(*_names()[place], float(row[place])) for place in places]
        for row, places in zip(probabilities, best, strict=True)
    ]


@cache
def _names() -> list[tuple[str, str]]:
    """(WordNet ID, name) of each class; the name is the first of its synonyms, as in keras.applications."""
    with _NAMES.open(encoding="utf-8", newline="") as file:
        return [(row["wordnet_id"], row["names"].split(", ")[0].replace(" ", "_")) for row in csv.DictReader(file)]
