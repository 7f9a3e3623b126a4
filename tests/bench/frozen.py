"""Features of images from a network that is not trained: computed once, then a head in seconds.

A convolutional network gives a stack of maps after each of its stages. Of each map the mean, the largest value and the
standard deviation are kept: a fine crack hardly moves the mean of a map and does move its largest value.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from data_prework.files import atomic_write

KEPT = Path("build/features")
SOURCES = {
    "ImageNet": "EfficientNet-Lite0 with ImageNet weights",
    "drawings": "the course's backbone, trained on drawings",
    "untrained": "EfficientNet-Lite0 with random weights",
}
# the last layer of each stage of EfficientNet-Lite0, and the channels of its maps
STAGES = {
    "block3b_add": 40,
    "block4c_add": 80,
    "block5c_add": 112,
    "block6d_add": 192,
    "block7a_project_bn": 320,
    "top_activation": 1280,
}
STATISTICS = ("mean", "max", "std")
VIEWS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda images: images,
    "mirrored": lambda images: images[:, :, ::-1],
    "turned by 180": lambda images: images[:, ::-1, ::-1],
    "upside down": lambda images: images[:, ::-1],
}
BATCH = 32


@dataclass(frozen=True)
class Features:
    """values: (n, columns) float32. seconds: of processor time that computing them took."""

    values: np.ndarray
    seconds: float


def backbone(source: str, shape: tuple[int, int, int], seed: int = 7):
    """The network of a source, frozen: raw pixels in, its last maps out."""
    import keras

    from helpers.models import load_backbone

    keras.utils.set_random_seed(seed)
    name = "course" if source == "drawings" else "EfficientNetLite0"
    return load_backbone(name, None if source == "untrained" else "imagenet", shape, fallback="error")


def statistics_of(network, names: list[str]):
    """A model that gives mean, largest value and standard deviation of the maps of these layers, layer by layer."""
    import keras
    from keras import ops

    parts = []
    for name in names:
        maps = network.get_layer(name).output
        parts += [ops.mean(maps, (1, 2)), ops.max(maps, (1, 2)), ops.std(maps, (1, 2))]
    return keras.Model(network.input, keras.layers.Concatenate()(parts))


def columns_of(wanted: dict[str, tuple[str, ...]]) -> np.ndarray:
    """Columns of the statistics of some stages, as `statistics_of` orders them for all of `STAGES`."""
    places, start = [], 0
    for name, channels in STAGES.items():
        for statistic in STATISTICS:
            if statistic in wanted.get(name, ()):
                places.append(np.arange(start, start + channels))
            start += channels
    return np.concatenate(places)


def compute(images: np.ndarray, source: str, view: str = "as it is", stages: bool = False) -> Features:
    """Features of images (n, side, side, channels) uint8.

    Args:
        images: raw pixels.
        source: one of `SOURCES`.
        view: one of `VIEWS`.
        stages: the three statistics of all `STAGES` of EfficientNet-Lite0; False: the mean of the last maps.
    """
    import keras
    import tensorflow as tf

    network = backbone(source, images.shape[1:])
    model = (
        statistics_of(network, list(STAGES))
        if stages
        else keras.Model(network.input, keras.layers.GlobalAveragePooling2D()(network.output))
    )
    ask = tf.function(lambda batch: model(batch, training=False), reduce_retracing=True)
    begin, found = time.process_time(), []
    for start in range(0, len(images), BATCH):
        batch = VIEWS[view](images[start : start + BATCH]).astype(np.float32)
        found.append(ask(tf.constant(batch)).numpy())
    return Features(np.concatenate(found), time.process_time() - begin)


def kept(name: str, make: Callable[[], Features], folder: Path = KEPT) -> Features:
    """Features from a file of the folder, or made now and written there.

    Args:
        name: of the file: data set, side, source and view, all that the features depend on.
        make: computes them.
        folder: is made where it is missing.
    """
    path = folder / f"{name.replace(' ', '_')}.npz"
    if path.is_file():
        with np.load(path) as file:
            return Features(file["values"].astype(np.float32), float(file["seconds"]))
    features = make()
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as aside, aside.open("wb") as file:
        np.savez(file, values=features.values, seconds=features.seconds)
    return features
