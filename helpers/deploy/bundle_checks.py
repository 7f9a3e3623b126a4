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
from data_prework.names import printable
from helpers.deploy.rule import DecisionRule
from helpers.errors import CourseError
from helpers.heatmaps.feature_extractor import FeatureExtractor
from helpers.metrics import Scores

TWO_CLASSES, MORE_CLASSES, WITH_RULE = 1, 2, 3  # versions of bundle.json; the first two are only read
CANNOT_JUDGE, CANNOT_READ, ASK = "cannot judge", "cannot read", "ask a person"
MODEL, REFERENCE, ABOUT, CARD = "model.keras", "reference.npz", "bundle.json", "MODEL_CARD.md"
KINDS = {  # of the entries of bundle.json
    "name": str,
    "classes": list,
    "input": dict,
    "scores": dict,
    "data": dict,
    "unlike": dict,
    "use": str,
    "limits": list,
    "licence": str,
    "sha256": dict,
}
DECISION = {
    TWO_CLASSES: {"threshold": float},
    MORE_CLASSES: {"temperature": float, "abstain": float},
    WITH_RULE: {"rule": dict},
}
ROW_SUM_TOLERANCE = 0.01  # half precision, over a thousand classes


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
        about = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
        found = about["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleError(f"{path}: cannot be read ({type(error).__name__}: {error}); copy the bundle again") from error
    if found not in list(DECISION):  # it may be anything
        raise BundleError(
            f"{path}: written by another version of the course ({found!r}, expected one of {list(DECISION)}); "
            "update the course, or save the model again"
        )
    kinds = KINDS | DECISION[found]
    lacking = [name for name in kinds if name not in about]
    if lacking:
        raise BundleError(f"{path}: has no entry {lacking[0]!r}; copy the bundle again")
    odd = [name for name, kind in kinds.items() if not isinstance(about[name], kind)]
    if odd:
        raise BundleError(f"{path}: the entry {odd[0]!r} is {about[odd[0]]!r}; copy the bundle again")
    return about


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} found where a number is expected")


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
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError) as error:
        raise BundleError(f"{path}: not a Keras model ({first_line(error)}); save it again") from error
    for kind, module, name in _parts(config):
        if "lambda" in kind.lower() or (module and module.split(".")[0] not in ("keras", "builtins")):
            raise BundleError(
                f"{path}: refused. The part {name or kind!r} is of the kind {kind}, which can run any code on your "
                "computer when it is loaded. Build the model from Keras' own layers and save it again."
            )


def _parts(config: Any) -> Iterator[tuple[str, str, str]]:
    """(class, module, name) of everything that Keras would build from a description."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(part.get("class_name"), str):
                inner = part.get("config")
                name = inner.get("name", "") if isinstance(inner, dict) else ""
                yield part["class_name"], part.get("module") or "", str(name)
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def check_decision(class_names: Sequence[str], rule: DecisionRule, scores: Scores) -> list[str]:
    """Whether classes, decision rule and scores fit each other.

    Args:
        class_names, rule, scores: as for `save_bundle`.

    Returns:
        The classes.

    Raises:
        ValueError: they don't; the message names the argument.
    """
    classes = [str(name) for name in class_names]
    odd = next((name for name in classes if not name.strip() or not _can_be_written(name)), None)
    if odd is not None:
        raise ValueError(f"class_names: {odd!r} cannot be written into a file; rename the class")
    taken = {CANNOT_JUDGE, CANNOT_READ, ASK}
    if isinstance(class_names, str) or len(classes) < 2 or len(set(classes)) != len(classes) or taken & set(classes):
        raise ValueError(
            f"class_names: {listed(classes)}; expected two or more different names, the negative one first where there "
            f"are two, and none of {', '.join(sorted(taken))}"
        )
    rule.check(len(classes))
    if len(classes) > 2:
        _check_more_classes(classes, scores)
    elif not isinstance(scores, Scores) or scores.n_classes != 2 or abs(scores.threshold - rule.threshold) > 1e-9:
        raise ValueError(
            f"scores: not measured at the threshold {rule.threshold}; evaluate(labels, answers, threshold)"
        )
    return classes


def _check_more_classes(classes: list[str], scores: Scores) -> None:
    if not isinstance(scores, Scores) or scores.n_classes != len(classes):
        raise ValueError(f"scores: not of {len(classes)} classes; evaluate(labels, probabilities, class_names=...)")
    if scores.class_names != tuple(classes):
        raise ValueError(
            f"scores: of the classes {listed(scores.class_names)}, but class_names are {listed(classes)}; "
            "evaluate(labels, probabilities, class_names=...) with the same names in the same order"
        )


def check_model(model: keras.Model, n_classes: int) -> tuple[tuple[int, int, str], FeatureExtractor]:
    """Whether a model takes images and gives probabilities of so many classes.

    Args:
        model: as for `save_bundle`.
        n_classes: 2 or more.

    Returns:
        (height, width, color mode) of its input, and its two parts.

    Raises:
        ValueError: it doesn't; the message names the argument.
    """
    extractor = FeatureExtractor.from_model(model)
    height, width, channels = extractor.shape
    colors = {count: name for name, (_, count) in MODES.items()}
    if None in extractor.shape or channels not in colors:
        raise ValueError(f"model: takes {extractor.shape}, expected a fixed height and width and 1 or 3 channels")
    if len(model.outputs[0].shape) != 2:
        raise ValueError(f"model: answers in the shape {model.outputs[0].shape}, expected (n, classes)")
    if extractor.classes != n_classes:
        raise ValueError(f"model: has {extractor.classes} classes, class_names {n_classes}; give one name for each")
    answers = probabilities(model, np.random.default_rng(0).integers(0, 256, (2, *extractor.shape)))
    if not np.isfinite(answers).all() or answers.min() < 0 or answers.max() > 1:
        raise ValueError("model: its outputs are not probabilities; end it with a sigmoid or softmax")
    if n_classes > 2 and np.abs(answers.sum(axis=1) - 1).max() > ROW_SUM_TOLERANCE:
        raise ValueError("model: the probabilities of an image do not add up to 1; end it with a softmax")
    return (height, width, colors[channels]), extractor


def probabilities(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """The model's own probabilities of all classes.

    Args:
        model: ends in one sigmoid unit, or in softmax units.
        images: (n, height, width, channels) pixels from 0 to 255, one batch.

    Returns:
        (n, classes) float32; one sigmoid unit has two classes.
    """
    answers = np.asarray(model.predict_on_batch(np.asarray(images, np.float32)), np.float32)
    return np.hstack([1 - answers, answers]) if answers.shape[1] == 1 else answers


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names in a sentence, on one line; long ones are cut, and of many the number of the others is said.

    Args:
        names: of classes.
        most: so many are written out.

    Example:
        >>> listed(["arch", "dome"]), listed(["arch", "dome", "tower"], most=2)
        ('arch, dome', 'arch, dome and 1 more')
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(one_line, names[:most])) + more


def one_line(name: str, most: int = 60) -> str:
    """A name on one line, cut in its middle where it is long.

    Args:
        name: of a class.
        most: letters.

    Example:
        >>> one_line("arch  of Titus"), one_line("a" * 100, most=9)
        ('arch of Titus', 'aaaa…aaaa')
    """
    words = printable(" ".join(name.split()))
    half = (most - 1) // 2
    return words if len(words) <= most else f"{words[: most - 1 - half]}…{words[-half:]}"


def _can_be_written(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


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
