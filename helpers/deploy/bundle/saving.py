"""Write a bundle: model, reference, description and card; it is loaded back before it is put in place."""

import json
import platform
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np

from data_prework.catalogue import CATALOGUE
from helpers.deploy.bundle.loading import answers, load_bundle
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
    sha256_of,
)
from helpers.deploy.model_card import model_card
from helpers.deploy.out_of_distribution import Reference
from helpers.deploy.rule import DecisionRule
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


def _named(scores: Scores, class_names: Sequence[str]) -> Scores:
    """Scores of more than two classes that were measured without names, with them."""
    unnamed = getattr(scores, "class_names", ()) == tuple(f"class {i}" for i in range(len(class_names)))
    return replace(scores, class_names=tuple(map(str, class_names))) if unnamed else scores


def _asked(model: keras.Model, rule: DecisionRule, images: np.ndarray) -> float:
    """Share of images about which a person is asked."""
    prob = rule.probabilities(answers(model, images))
    if prob.shape[1] > 2:
        return float((prob.max(axis=1) < rule.abstain).mean())
    low, high = rule.ask or (1, 0)
    return float(((prob[:, 1] >= low) & (prob[:, 1] < high)).mean())


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
