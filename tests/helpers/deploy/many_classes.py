"""Small bundles of many classes for the tests: a network set by hand that reads the class from the gray level."""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from helpers.deploy.bundle import Provenance, save_bundle
from helpers.deploy.rule import DecisionRule
from helpers.metrics import MulticlassScores, evaluate

SIDE = 32


def levels(n_classes: int, sharp: float = 1.0) -> keras.Model:
    """Class = which of n_classes equal parts of 0 to 255 the mean gray level lies in; `sharp` scales the logits."""
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(2, 3, padding="same", name="conv"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(n_classes, activation="softmax", name="answer"),
        ]
    )
    kernel = np.zeros((3, 3, 1, 2))
    kernel[1, 1] = 1
    model.get_layer("conv").set_weights([kernel, np.zeros(2)])
    places, scale = centers(n_classes) / 255, sharp * 4 * n_classes
    weights = scale * np.stack([places, places])  # each of two equal channels brings half
    model.get_layer("answer").set_weights([weights, -scale * places**2])
    return model


def centers(n_classes: int) -> np.ndarray:
    """The gray level in the middle of each class."""
    return 255 * (np.arange(n_classes) + 0.5) / n_classes


def images(n_classes: int, of_each: int, seed: int = 0, spread: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images and their labels; the gray level strays from the middle of its class."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(n_classes), of_each)
    level = centers(n_classes)[labels] + rng.normal(0, spread * 255 / n_classes, len(labels))
    noise = rng.normal(0, 4, (len(labels), SIDE, SIDE, 1))
    return np.clip(level[:, None, None, None] + noise, 0, 255).astype(np.uint8), labels


def names(n_classes: int) -> list[str]:
    return [f"kind {i}" for i in range(n_classes)]


def scores_of(model: keras.Model, class_names: list[str]) -> MulticlassScores:
    test, labels = images(len(class_names), 4, seed=2)
    return evaluate(labels, model.predict(test, verbose=0), class_names=class_names)


def many_bundle(
    folder: Path, class_names: list[str], model: keras.Model | None = None, rule: dict | None = None, **changes
) -> Path:
    """Save a whole bundle; `rule` are fields of its decision rule, `changes` replace arguments of save_bundle."""
    n = len(class_names)
    model = model or levels(n)
    arguments = {
        "class_names": class_names,
        "rule": DecisionRule(**(rule or {})),
        "scores": changes.get("scores") or scores_of(model, class_names),
        "train_images": images(n, max(3, 60 // n))[0],
        "val_images": images(n, max(2, 40 // n), seed=1)[0],
        "provenance": Provenance("levels", "embedded", seed=7, limits=["Knows gray levels only."]),
        **changes,
    }
    return save_bundle(folder, model, **arguments)
