"""A model as it goes out: a folder with the network, its labels, threshold, scores and origin, and a card to read.

model.keras     the network, its preprocessing inside, without the optimizer
reference.npz   numbers of training images, to tell whether a new image is unlike them
bundle.json     everything else; the only file that says how to use the other two, and their sha256
MODEL_CARD.md   the same for people
"""

import hashlib
import json
import platform
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from data_prework.image_files import MODES
from helpers.deploy.model_card import model_card
from helpers.deploy.out_of_distribution import Reference
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


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from and what it is for, in words for the card.

    dataset, source: name of the data set, "embedded" or "real". split: what `scores` were measured on. limits: known
    weaknesses, one sentence each.
    """

    dataset: str
    source: str
    seed: int
    use: str = "Lessons on image classification."
    limits: Sequence[str] = ()
    licence: str = "MIT"
    split: str = "test"


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle.

    Attributes:
        classes: the negative class and the positive one, whose probability the model gives.
        threshold: positive from this probability on.
        size, color_mode: (height, width) in pixels and "grayscale" or "rgb", of the model's input.
        about: all of bundle.json.
        extractor: the model in two parts, for features and heatmaps.
    """

    folder: Path
    name: str
    model: keras.Model
    classes: tuple[str, str]
    threshold: float
    size: tuple[int, int]
    color_mode: str
    about: dict = field(repr=False)
    reference: Reference = field(repr=False)
    extractor: FeatureExtractor = field(repr=False)

    @property
    def scores(self) -> Scores:
        """What the model reached on the split that `about["data"]["split"]` names."""
        return Scores.from_dict(self.about["scores"])

    @property
    def key(self) -> str:
        """Name and the first 12 digits of the model's sha256: what feedback is kept under."""
        return f"{self.name}:{self.about['sha256'][MODEL][:12]}"


def save_bundle(
    folder: Path | str,
    model: keras.Model,
    class_names: Sequence[str],
    threshold: float,
    scores: Scores,
    train_images: np.ndarray,
    val_images: np.ndarray,
    provenance: Provenance,
    refuse: float = 0.02,
) -> Path:
    """Write a bundle, load it back, and only then put it in place; returns the folder.

    An older bundle of that name is replaced by one rename, and stays as it is where anything fails.

    Args:
        model: takes (n, height, width, 1 or 3) pixels from 0 to 255, as `load_dataset` gives them, and ends in one
            sigmoid unit or two softmax units.
        class_names: the negative class, then the positive one.
        threshold, scores: as chosen on validation; the scores must be measured at this threshold.
        train_images, val_images: uint8; the first are what new images are compared with, the second set the limit.
        refuse: share of `val_images` that is to be above the limit.

    Raises:
        ValueError: an argument does not fit, or the folder holds something else than a bundle.
        BundleError: the model would be refused when loaded: it has a Lambda layer, or one that is not Keras' own.
    """
    folder = Path(folder)
    if folder.exists() and not (folder / ABOUT).is_file():
        raise ValueError(f"folder: {folder} is there and is no bundle; give another name")
    shape, classes, extractor = _checked(model, class_names, threshold, scores)
    about = {
        "version": VERSION,
        "name": folder.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "classes": classes,
        "threshold": float(threshold),
        "input": dict(zip(("height", "width", "color_mode"), shape, strict=True)),
        "scores": scores.to_dict(),
        "data": {
            "name": provenance.dataset,
            "source": provenance.source,
            "split": provenance.split,
            "train": len(train_images),
            "val": len(val_images),
        },
        "unlike": {"refuse": refuse},
        "use": provenance.use,
        "limits": list(provenance.limits),
        "licence": provenance.licence,
        "training": {"seed": int(provenance.seed), "parameters": int(model.count_params())},
        "versions": {"python": platform.python_version(), **{n: version(n) for n in ("keras", "tensorflow", "pillow")}},
    }
    reference = Reference.fit(extractor, train_images, val_images, refuse, provenance.seed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    aside.chmod(0o755)  # mkdtemp makes it for its owner only
    try:
        _without_optimizer(model).save(aside / MODEL)
        reference.save(aside / REFERENCE)
        about["sha256"] = {name: _sha256(aside / name) for name in (MODEL, REFERENCE)}
        (aside / ABOUT).write_text(json.dumps(about, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        (aside / CARD).write_text(model_card(about), encoding="utf-8")
        again = load_bundle(aside)
        if not np.allclose(probabilities(again.model, val_images[:8]), probabilities(model, val_images[:8]), atol=1e-5):
            raise BundleError(f"{folder}: the saved model answers otherwise than the model; it was not kept")
        _put_in_place(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def load_bundle(folder: Path | str) -> Bundle:
    """Load a bundle without running any code that might be hidden in it.

    Raises:
        BundleError: a file is missing or not what bundle.json says; the model has a Lambda layer, or one that is not
            Keras' own; the model does not fit its description.
    """
    folder = Path(folder)
    missing = [name for name in (ABOUT, MODEL, REFERENCE) if not (folder / name).is_file()]
    if missing:
        raise BundleError(f"{folder}: not a whole bundle, {missing[0]} is missing; copy the whole folder again")
    about = _read_about(folder / ABOUT)
    for name in (MODEL, REFERENCE):
        if _sha256(folder / name) != about["sha256"].get(name):
            raise BundleError(
                f"{folder / name}: the content is not what {ABOUT} says (sha256 differs). It was damaged or exchanged; "
                "copy the bundle again from where it was made."
            )
    _refuse_foreign_code(folder / MODEL)
    try:
        model = keras.saving.load_model(folder / MODEL, compile=False, safe_mode=True)
        reference = Reference.load(folder / REFERENCE)
        shape, classes, extractor = _checked(
            model, about["classes"], about["threshold"], Scores.from_dict(about["scores"])
        )
    except Exception as error:  # Keras fails on a foreign file in any way
        raise BundleError(f"{folder}: cannot be loaded ({_first_line(error)}); save it again") from error
    if shape != tuple(about["input"].get(name) for name in ("height", "width", "color_mode")):
        raise BundleError(f"{folder / ABOUT}: input is {about['input']}, but the model takes {shape}; save it again")
    return Bundle(
        folder,
        about["name"],
        model,
        tuple(classes),
        about["threshold"],
        shape[:2],
        shape[2],
        about,
        reference,
        extractor,
    )


def find_bundles(folder: Path | str) -> list[Path]:
    """Folders of the bundles in a folder, by name; the folder itself where it is one."""
    folder = Path(folder)
    if (folder / ABOUT).is_file():
        return [folder]
    return sorted(path.parent for path in folder.glob(f"*/{ABOUT}") if not path.parent.name.startswith("."))


def _without_optimizer(model: keras.Model) -> keras.Model:
    """A copy of the network alone: what an optimizer keeps is twice as large as the weights."""
    try:
        plain = type(model).from_config(model.get_config())
    except (TypeError, ValueError) as error:
        raise BundleError(f"model: refused, a copy of it could not be made safely ({_first_line(error)})") from error
    plain.set_weights(model.get_weights())
    return plain


def probabilities(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """(n,) of the positive class."""
    answers = model.predict_on_batch(np.asarray(images, np.float32))
    return answers[:, -1]


def _checked(
    model: keras.Model, class_names: Sequence[str], threshold: float, scores: Scores
) -> tuple[tuple[int, int, str], list[str], FeatureExtractor]:
    """((height, width, color mode), classes, extractor) of a model that fits its description."""
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


def _read_about(path: Path) -> dict:
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


def _refuse_foreign_code(path: Path) -> None:
    """Look into the description of the network, which is text, before anything is built from it."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BundleError(f"{path}: not a Keras model ({_first_line(error)}); save it again") from error
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


def _put_in_place(aside: Path, folder: Path) -> None:
    if not folder.exists():
        aside.rename(folder)
        return
    old = aside.with_name(f"{aside.name}-old")
    folder.rename(old)
    try:
        aside.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0][:160]}"
