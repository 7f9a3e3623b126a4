"""What a bundle must be before it is used: whole, of this version, unchanged, without foreign code, of one shape."""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from data_prework.image_files import MODES
from helpers.errors import CourseError
from helpers.heatmaps.feature_extractor import FeatureExtractor
from helpers.metrics import Scores

VERSION = 1
CANNOT_JUDGE, CANNOT_READ = "cannot judge", "cannot read"
MODEL, REFERENCE, ABOUT, CARD = "model.keras", "reference.npz", "bundle.json", "MODEL_CARD.md"
KINDS = {  # of the entries of bundle.json
    "name": str,
    "classes": list,
    "threshold": float,
    "input": dict,
    "scores": dict,
    "data": dict,
    "unlike": dict,
    "use": str,
    "limits": list,
    "licence": str,
    "sha256": dict,
}


class BundleError(CourseError, ValueError):
    """A bundle that cannot be used; the message says which file, what is wrong with it and what to do."""


def read_about(path: Path) -> dict:
    """The content of bundle.json.

    Args:
        path: of the file.

    Raises:
        BundleError: it can't be read, is of another version, or lacks an entry.
    """
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        lacking = [name for name in KINDS if name not in about]
        found = about["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{path}: cannot be read ({type(error).__name__}: {error}); copy the bundle again") from error
    if found != VERSION:
        raise BundleError(f"{path}: written by another version of the course ({found}, expected {VERSION})")
    if lacking:
        raise BundleError(f"{path}: has no entry {lacking[0]!r}; copy the bundle again")
    odd = [name for name, kind in KINDS.items() if not isinstance(about[name], kind)]
    if odd:
        raise BundleError(f"{path}: the entry {odd[0]!r} is {about[odd[0]]!r}; copy the bundle again")
    return about


def refuse_foreign_code(path: Path) -> None:
    """Look into the description of the network, which is text, before anything is built from it.

    Args:
        path: of model.keras.

    Raises:
        BundleError: it is no Keras model, or has a Lambda layer or one that is not Keras' own.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BundleError(f"{path}: not a Keras model ({first_line(error)}); save it again") from error
    for kind, module, name in _parts(config):
        if "lambda" in kind.lower() or (module and module.split(".")[0] not in ("keras", "builtins")):
            raise BundleError(
                f"{path}: refused. The part {name or kind!r} is of the kind {kind}, which can run any code on your "
                "computer when it is loaded. Build the model from Keras' own layers and save it again."
            )


def _parts(config: Any) -> Iterator[tuple[str, str, str]]:
    """(class, module, name) of everything that Keras would build from a description."""
    if isinstance(config, dict):
        if isinstance(config.get("class_name"), str):
            inner = config.get("config")
            name = inner.get("name", "") if isinstance(inner, dict) else ""
            yield config["class_name"], config.get("module") or "", str(name)
        for value in config.values():
            yield from _parts(value)
    elif isinstance(config, list):
        for value in config:
            yield from _parts(value)


def check_model(
    model: keras.Model, class_names: Sequence[str], threshold: float, scores: Scores
) -> tuple[tuple[int, int, str], list[str], FeatureExtractor]:
    """Whether a model fits its description.

    Args:
        model: as for `save_bundle`.
        class_names: the negative class, then the positive one.
        threshold: between 0 and 1.
        scores: measured at this threshold.

    Returns:
        (height, width, color mode) of its input, the classes, and its two parts.

    Raises:
        ValueError: it doesn't; the message names the argument.
    """
    classes = [str(name) for name in class_names]
    if len(classes) != 2 or len(set(classes)) != 2 or {CANNOT_JUDGE, CANNOT_READ} & set(classes):
        raise ValueError(f"class_names: {class_names!r}; expected two different names, the negative one first")
    if not isinstance(threshold, float | int | np.floating) or not 0 < threshold < 1:
        raise ValueError(f"threshold: {threshold!r} is no probability between 0 and 1")
    if not isinstance(scores, Scores) or abs(scores.threshold - threshold) > 1e-9:
        raise ValueError(f"scores: not measured at the threshold {threshold}; evaluate(labels, answers, threshold)")
    extractor = FeatureExtractor.from_model(model)
    height, width, channels = extractor.shape
    colors = {count: name for name, (_, count) in MODES.items()}
    if None in extractor.shape or channels not in colors:
        raise ValueError(f"model: takes {extractor.shape}, expected a fixed height and width and 1 or 3 channels")
    if extractor.classes != 2:
        raise ValueError(f"model: has {extractor.classes} classes, expected one sigmoid unit or two softmax units")
    answers = probabilities(model, np.random.default_rng(0).integers(0, 256, (2, *extractor.shape)))
    if not np.isfinite(answers).all() or answers.min() < 0 or answers.max() > 1:
        raise ValueError("model: its answers are no probabilities; end it with a sigmoid or softmax")
    return (height, width, colors[channels]), classes, extractor


def probabilities(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """The probability of the positive class.

    Args:
        model: ends in one sigmoid unit or two softmax units.
        images: (n, height, width, channels) pixels from 0 to 255, one batch.

    Returns:
        (n,) float32.
    """
    answers = model.predict_on_batch(np.asarray(images, np.float32))
    return answers[:, -1]


def sha256_of(path: Path) -> str:
    """The sha256 of a file in hexadecimal.

    Args:
        path: of the file.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def first_line(error: Exception) -> str:
    """Kind and first line of an error, at most 160 letters.

    Args:
        error: of any kind.
    """
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0][:160]}"
