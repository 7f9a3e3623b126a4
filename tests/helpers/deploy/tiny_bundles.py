"""Small bundles for the tests: a network set by hand that calls dark images positive, on the data set `squares`."""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from helpers.data import Dataset, load_dataset
from helpers.deploy.bundle import Provenance, save_bundle
from helpers.metrics import Scores, evaluate

SIDE = 32


def darkness(bias: float = 9.0, channels: int = 1, extra: tuple = ()) -> keras.Model:
    """Probability of "dark" = sigmoid(bias - 20 x mean grey level); `extra` layers stand before the last unit."""
    model = keras.Sequential([keras.Input((SIDE, SIDE, channels)), layers.Rescaling(1 / 255)])
    model.add(layers.Conv2D(1, 3, padding="same", activation="relu", name="conv"))
    model.add(layers.GlobalAveragePooling2D())
    for layer in extra:
        model.add(layer)
    model.add(layers.Dense(1, activation="sigmoid", name="answer"))
    kernel = np.zeros((3, 3, channels, 1))
    kernel[1, 1] = -1 / channels  # 1 minus the grey level: a map of darkness
    model.get_layer("conv").set_weights([kernel, np.ones(1)])
    model.get_layer("answer").set_weights([np.array([[20.0]]), np.array([bias - 20])])
    return model


def squares(color_mode: str = "grayscale") -> Dataset:
    return load_dataset("squares", SIDE, color_mode, source="real")


def good_scores() -> Scores:
    """Those of `darkness()`, for a bundle whose own model is poor on purpose and shall not say so."""
    data = squares()
    return evaluate(data.test.labels, darkness().predict(data.test.images, verbose=0)[:, 0], 0.5)


def tiny_bundle(folder: Path, model: keras.Model | None = None, threshold: float = 0.5, **changes) -> Path:
    """Save a whole bundle; `changes` replace arguments of save_bundle."""
    model = model or darkness()
    data = squares("grayscale" if model.input_shape[-1] == 1 else "rgb")
    answers = model.predict(data.test.images, verbose=0)[:, 0]
    arguments = {
        "class_names": data.class_names,
        "rule": threshold,
        "scores": evaluate(data.test.labels, answers, threshold),
        "train_images": data.train.images,
        "val_images": np.concatenate([data.val.images] * 3),  # there are few of them
        "provenance": Provenance("squares", data.source, seed=7, limits=["Knows nothing but darkness."]),
        **changes,
    }
    return save_bundle(folder, model, **arguments)
