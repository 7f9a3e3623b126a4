"""A model as it goes out: a folder with the network, its labels, decision rule, scores and origin, and a card to read.

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
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from data_prework.catalogue import CATALOGUE
from helpers.deploy.bundle_checks import (
    ABOUT,
    CARD,
    MODEL,
    REFERENCE,
    WITH_RULE,
    BundleError,
    check_decision,
    check_model,
    first_line,
    probabilities,
    read_about,
    refuse_foreign_code,
    sha256_of,
)
from helpers.deploy.model_card import doubt, model_card
from helpers.deploy.out_of_distribution import Reference, ReferenceFileError
from helpers.deploy.rule import DecisionRule, by_class
from helpers.heatmaps.feature_extractor import FeatureExtractor, batches
from helpers.metrics import Scores
from helpers.run import current_profile


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from and what it is for, in words for the card.

    Attributes:
        dataset: name of the data set.
        source: of its images, "embedded" or "real".
        seed: of the training.
        use: what the model is for, in a sentence.
        limits: known weaknesses, one sentence each.
        licence: of the model; None: MIT, or that of the data set where it forbids something.
        split: what `scores` were measured on.
        bits: depth of 16-bit gray images, 8 to 16: `settings["bits"]` of the data set's about.json.
        profile: of the run that trained it, "quick" or "full"; None: that of this process.

    Example:
        >>> Provenance("concrete_cracks", "embedded", seed=7).split
        'test'
    """

    dataset: str
    source: str
    seed: int
    use: str = "Lessons on image classification."
    limits: Sequence[str] = ()
    licence: str | None = None
    split: str = "test"
    bits: int = 16
    profile: str | None = None

    def licences(self) -> tuple[str, str]:
        """The licence of the model, and that of the images in words: "" where the course knows none of them.

        Example:
            >>> Provenance("solar_cells", "real", seed=7).licences()[0]
            'CC BY-NC-SA 4.0, as the images that it learned from'
        """
        entry = CATALOGUE.get(self.dataset) if self.source == "real" else None
        if entry is None:
            return self.licence or "MIT", ""
        terms = f": {entry.terms}" if entry.terms else ""
        inherited = f"{entry.licence}, as the images that it learned from" if entry.terms else "MIT"
        return self.licence or inherited, f"{entry.licence}{terms}. {entry.citation}, {entry.page}"


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
        return self.rule.probabilities(_answers(self.model, images), by_class(prevalence, self.classes))

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


def save_bundle(
    folder: Path | str,
    model: keras.Model,
    class_names: Sequence[str],
    rule: DecisionRule | float | None,
    scores: Scores,
    train_images: np.ndarray,
    val_images: np.ndarray,
    provenance: Provenance,
    refuse: float = 0.02,
    train_labels: np.ndarray | None = None,
) -> Path:
    """Write a bundle, load it back, and only then put it in place.

    An older bundle of that name is replaced by one rename, and stays as it is where anything fails.

    Args:
        folder: of the new bundle; the last part of its path is the bundle's name.
        model: takes (n, height, width, 1 or 3) pixels from 0 to 255, as `load_dataset` gives them, and ends in one
            sigmoid unit or in softmax units, one for each class.
        class_names: of two classes the negative one, then the positive one; of more, in the order of the units.
        rule: calibration, costs, threshold, and when to ask a person, chosen on validation. A number is short for
            `DecisionRule(threshold=number)`, None, of more than two classes, for `DecisionRule()`.
        scores: of calibrated probabilities; of two classes, measured at the threshold of the rule; of more, with these
            class names, or with none.
        train_images: (n, height, width, channels) uint8, at least 20; new images are compared with them.
        val_images: (n, height, width, channels) uint8, at least 20; they set the limit of the comparison. Best images
            that chose nothing else: not the epoch, nor the threshold.
        provenance: for the card.
        refuse: share of ordinary images that may be above the limit, between 0 and 0.5.
        train_labels: (n,) int, class of each of `train_images`: some of every class are then kept for the comparison,
            also of a rare one. Worth giving for more than 2,000 images of many classes.

    Returns:
        The folder.

    Raises:
        ValueError: an argument does not fit, or the folder holds something else than a bundle.
        BundleError: the model would be refused when loaded: it has a Lambda layer, or one that is not Keras' own.

    Example:
        >>> from helpers.metrics import evaluate
        >>> model = keras.Sequential([
        ...     keras.Input((8, 8, 1)),
        ...     keras.layers.Rescaling(1 / 255),
        ...     keras.layers.GlobalAveragePooling2D(),
        ...     keras.layers.Dense(1, activation="sigmoid"),
        ... ])
        >>> images = np.random.default_rng(7).integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)
        >>> scores = evaluate([0, 1] * 20, [0.1, 0.9] * 20, threshold=0.4)
        >>> about = Provenance("concrete_cracks", "embedded", seed=7)
        >>> folder = save_bundle("dense", model, ["intact", "crack"], 0.4, scores, images[:20], images[20:], about)
        >>> load_bundle(folder).classes, sorted(path.name for path in folder.iterdir())
        (('intact', 'crack'), ['MODEL_CARD.md', 'bundle.json', 'model.keras', 'reference.npz'])
    """
    folder = Path(folder)
    if folder.exists() and not (folder / ABOUT).is_file():
        raise ValueError(f"folder: {folder} is there and is no bundle; give another name")
    scores = _named(scores, class_names)
    rule = rule if isinstance(rule, DecisionRule) else DecisionRule(threshold=rule)
    classes = check_decision(class_names, rule, scores)
    shape, extractor = check_model(model, len(classes))
    licence, images_licence = provenance.licences()
    about = {
        "version": WITH_RULE,
        "name": folder.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "classes": classes,
        "rule": rule.to_dict() | {"asked": _asked(model, rule, val_images)},
        "input": dict(zip(("height", "width", "color_mode"), shape, strict=True)) | {"bits": provenance.bits or 16},
        "scores": scores.to_dict(),
        "data": {
            "name": provenance.dataset,
            "source": provenance.source,
            "split": provenance.split,
            "train": len(train_images),
            "val": len(val_images),
            "licence": images_licence,
        },
        "unlike": {"refuse": refuse},
        "use": provenance.use,
        "limits": list(provenance.limits),
        "licence": licence,
        "training": {
            "seed": int(provenance.seed),
            "parameters": int(model.count_params()),
            "profile": provenance.profile or current_profile(),
        },
        "versions": {"python": platform.python_version(), **{n: version(n) for n in ("keras", "tensorflow", "pillow")}},
    }
    reference = Reference.fit(extractor, train_images, val_images, refuse, provenance.seed, train_labels)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    aside.chmod(0o755)  # mkdtemp makes it for its owner only
    try:
        _without_optimizer(model).save(aside / MODEL)
        reference.save(aside / REFERENCE)
        about["sha256"] = {name: sha256_of(aside / name) for name in (MODEL, REFERENCE)}
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


def find_bundles(folder: Path | str) -> list[Path]:
    """Folders of the bundles in a folder, and in the folders that it holds.

    Args:
        folder: holds bundles, or is one.

    Returns:
        Sorted by name; the folder itself where it is a bundle; empty where there is none.

    Example:
        >>> home = Path("bundles")
        >>> for name in ("small_cnn", "dense"):
        ...     (home / name).mkdir(parents=True)
        ...     _ = (home / name / "bundle.json").write_text("{}", encoding="utf-8")
        >>> [path.name for path in find_bundles(home)]
        ['dense', 'small_cnn']
    """
    folder = Path(folder)
    if (folder / ABOUT).is_file():
        return [folder]
    found = {path.parent for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{ABOUT}")}
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def bundle_labels(folders: Sequence[Path]) -> list[str]:
    """What to call bundles so that no two have one name: the folder's name, with those above it where it takes them.

    Args:
        folders: of the bundles, each once.

    Example:
        >>> bundle_labels([Path("spring/cracks"), Path("autumn/cracks"), Path("autumn/rust")])
        ['spring/cracks', 'autumn/cracks', 'rust']
    """
    whole = [folder.absolute() for folder in folders]
    longest = max((len(folder.parts) for folder in whole), default=0)
    labels = {}
    for depth in range(1, longest + 1):
        waiting = [folder for folder in whole if folder not in labels]
        shorter = ["/".join(folder.parts[-depth:]) for folder in waiting]
        labels |= {f: name for f, name in zip(waiting, shorter, strict=True) if shorter.count(name) == 1}
    return [labels.get(folder, str(folder)) for folder in whole]


def _named(scores: Scores, class_names: Sequence[str]) -> Scores:
    """Scores of more than two classes that were measured without names, with them."""
    unnamed = getattr(scores, "class_names", ()) == tuple(f"class {i}" for i in range(len(class_names)))
    return replace(scores, class_names=tuple(map(str, class_names))) if unnamed else scores


def _asked(model: keras.Model, rule: DecisionRule, images: np.ndarray) -> float:
    """Share of images about which a person is asked."""
    prob = rule.probabilities(_answers(model, images))
    if prob.shape[1] > 2:
        return float((prob.max(axis=1) < rule.abstain).mean())
    low, high = rule.ask or (1, 0)
    return float(((prob[:, 1] >= low) & (prob[:, 1] < high)).mean())


def _answers(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.concatenate([probabilities(model, part) for part in batches(images)])


def _without_optimizer(model: keras.Model) -> keras.Model:
    """A copy of the network alone: what an optimizer keeps is twice as large as the weights."""
    try:
        plain = type(model).from_config(model.get_config())
    except (TypeError, ValueError) as error:
        raise BundleError(f"model: refused, a copy of it could not be made safely ({first_line(error)})") from error
    plain.set_weights(model.get_weights())
    return plain


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
