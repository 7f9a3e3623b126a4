"""A bundle that was loaded, without running any code that might be hidden in it."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from helpers.deploy.bundle_checks import (
    ABOUT,
    MODEL,
    REFERENCE,
    BundleError,
    check_decision,
    check_model,
    first_line,
    probabilities,
    read_about,
    refuse_foreign_code,
    sha256_of,
)
from helpers.deploy.model_card import doubt
from helpers.deploy.out_of_distribution import Reference, ReferenceFileError
from helpers.deploy.rule import DecisionRule, by_class
from helpers.heatmaps.feature_extractor import FeatureExtractor, batches
from helpers.metrics import Scores


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle.

    Attributes:
        folder: where it was loaded from.
        name: of the bundle.
        model: (n, height, width, channels) pixels from 0 to 255 -> probabilities; not compiled.
        classes: by number; of two, the negative one and the positive one.
        rule: how probabilities become a decision.
        size: (height, width) of the model's input, in pixels.
        color_mode: "grayscale" or "rgb".
        about: all of bundle.json.
        reference: says how unlike the training images an image is.
        extractor: the model in two parts, for features and heatmaps.
    """

    folder: Path
    name: str
    model: keras.Model
    classes: tuple[str, ...]
    rule: DecisionRule
    size: tuple[int, int]
    color_mode: str
    about: dict = field(repr=False)
    reference: Reference = field(repr=False)
    extractor: FeatureExtractor = field(repr=False)

    def probabilities(self, images: np.ndarray, prevalence: Any = None) -> np.ndarray:
        """The calibrated probabilities of all classes.

        Args:
            images: (n, height, width, channels) pixels from 0 to 255, of the bundle's size and color mode.
            prevalence: share of the positive class where the images come from, as in `predict`; None: as in the images
                that calibrated the bundle.

        Returns:
            (n, classes) float.
        """
        return self.rule.probabilities(answers(self.model, images), by_class(prevalence, self.classes))

    @property
    def threshold(self) -> float | None:
        """Positive from this probability on; None of more than two classes."""
        return self.rule.threshold

    @property
    def temperature(self) -> float:
        """The logits are divided by it."""
        return self.rule.temperature

    @property
    def abstain(self) -> float:
        """Of more than two classes, a person is asked where the largest probability is below this."""
        return self.rule.abstain

    @property
    def scores(self) -> Scores:
        """What the model reached on the split that `about["data"]["split"]` names."""
        return Scores.from_dict(self.about["scores"])

    @property
    def bits(self) -> int:
        """Depth at which 16-bit gray images are read, as in training; 16 in older bundles."""
        return self.about["input"].get("bits", 16)

    @cached_property
    def identity(self) -> str:
        """A sha256 of all that the bundle holds, wherever its folder is and whatever that is called."""
        return hashlib.sha256(json.dumps(self.about, sort_keys=True).encode()).hexdigest()

    @property
    def key(self) -> str:
        """Name and the first 12 digits of `identity`: what feedback is kept under."""
        return f"{self.name}:{self.identity[:12]}"

    @cached_property
    def doubt(self) -> str:
        """Why nobody should rely on the answers, in a sentence; "" where run and scores give no such reason."""
        return doubt(self.about)


def load_bundle(folder: Path | str) -> Bundle:
    """Load a bundle without running any code that might be hidden in it.

    Args:
        folder: with model.keras, reference.npz and bundle.json.

    Raises:
        BundleError: a file is missing or not what bundle.json says; the model has a Lambda layer, or one that is not
            Keras' own; the model does not fit its description.
    """
    folder = Path(folder)
    missing = [name for name in (ABOUT, MODEL, REFERENCE) if not (folder / name).is_file()]
    if missing:
        raise BundleError(f"{folder}: not a whole bundle, {missing[0]} is missing; copy the whole folder again")
    about = read_about(folder / ABOUT)
    for name in (MODEL, REFERENCE):
        if sha256_of(folder / name) != about["sha256"].get(name):
            raise BundleError(
                f"{folder / name}: the content is not what {ABOUT} says (sha256 differs). It was damaged or exchanged; "
                "copy the bundle again from where it was made."
            )
    refuse_foreign_code(folder / MODEL)
    try:
        model = keras.saving.load_model(folder / MODEL, compile=False, safe_mode=True)
        reference = Reference.load(folder / REFERENCE)
        rule = DecisionRule.of_bundle(about)
        classes = check_decision(about["classes"], rule, Scores.from_dict(about["scores"]))
        shape, extractor = check_model(model, len(classes))
    except ReferenceFileError as error:
        raise BundleError(str(error)) from error
    except Exception as error:  # Keras fails on a foreign file in any way
        raise BundleError(f"{folder}: cannot be loaded ({first_line(error)}); save it again") from error
    if misfit := reference.misfit(extractor):
        raise BundleError(f"{folder / REFERENCE}: made for another model ({misfit}); save the bundle again")
    if shape != tuple(about["input"].get(name) for name in ("height", "width", "color_mode")):
        raise BundleError(f"{folder / ABOUT}: input is {about['input']}, but the model takes {shape}; save it again")
    return Bundle(
        folder,
        about["name"],
        model,
        tuple(classes),
        rule,
        shape[:2],
        shape[2],
        about,
        reference,
        extractor,
    )


def answers(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """The probabilities of a model, in batches.

    Args:
        model: takes (n, height, width, channels) pixels from 0 to 255.
        images: such pixels.

    Returns:
        (n, units) float.
    """
    return np.concatenate([probabilities(model, part) for part in batches(images)])
