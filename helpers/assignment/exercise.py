"""A data set, numbers of the student's own, and a fair comparison.

`make assignments` writes the values of notebooks/exercises/settings.toml into each notebook's call of `start`, so that
a student's notebook is complete by itself. The source notebooks, run as they stand, read the file.
"""

import hashlib
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from data_prework.files import PROJECT
from data_prework.manifest import COURSE, default_data_dir, find_prepared, read_about
from data_prework.prepare import prepare
from data_prework.synthetic import synthesize
from helpers.data import Dataset, load_dataset, load_manifest, locate

CHOICES = {"dataset": "chest_xray", "difficulty": 1.0, "seed": 7, "seed_per_student": True, "points": {}}
LIMITS = {
    "name_from": "cell",
    "at_once": 2,
    "seconds_per_cell": 120,
    "seconds_per_submission": 600,
    "memory_gb": 4.0,
    "printed_mb": 1.0,
    "notebook_mb": 20.0,
    "hidden_tests_in_feedback": True,
}
KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    dict: "a list of tasks, as in { task1 = 2 }",
}
SETTINGS = PROJECT / "notebooks" / "exercises" / "settings.toml"


@dataclass(frozen=True)
class Exercise:
    """One assignment for one student. The same name and seed always give the same numbers.

    Attributes:
        name: of the assignment, such as "01_explore".
        student: name or number.
        dataset: name of the data set, which has two classes.
        difficulty: of the drawn images, 1 as the course draws them.
        seed: the student's own, or that of all.

    Example:
        >>> anna = Exercise("01_explore", "anna", "chest_xray", difficulty=1.0, seed=7)
        >>> anna.rng("task1").integers(100) == anna.rng("task1").integers(100)
        np.True_
    """

    name: str
    student: str
    dataset: str
    difficulty: float
    seed: int

    @property
    def source(self) -> str:
        """ "embedded" for the data sets that the course draws, "real" for one's own."""
        return "embedded" if self.dataset in COURSE else "real"

    @property
    def classes(self) -> list[str]:
        """Names of the two classes; the second is the positive one, the class that is looked for."""
        return read_about(self._read(locate)).classes

    def rng(self, task: str) -> np.random.Generator:
        """Random numbers of this student for one task; a test that asks again gets the same ones.

        Args:
            task: its name, such as "task1".
        """
        return np.random.default_rng([self.seed, *task.encode()])

    def manifest(self, share: float = 0.8) -> pd.DataFrame:
        """This student's part of the manifest, in its order.

        Args:
            share: of the rows, from 0 to 1.

        Raises:
            NotPreparedError: the data set is not there.
        """
        table = self._read(load_manifest)
        kept = self.rng("manifest").random(len(table)) < share
        return table[kept].reset_index(drop=True)

    def data(self, image_size: int, color_mode: str = "grayscale", images: int = 240) -> Dataset:
        """Images chosen by this student's seed.

        Args:
            image_size: side in pixels.
            color_mode: "grayscale" or "rgb".
            images: about how many, of all splits together.

        Raises:
            NotPreparedError: the data set is not there.
            ManifestError: it is damaged.
            ValueError: an argument is out of its range.
        """
        return self._read(load_dataset, image_size=image_size, color_mode=color_mode, max_images=images, seed=self.seed)

    def _read(self, load: Callable, **options):
        return load(self.dataset, source=self.source, data_dir=_data_dir_of(self.dataset, self.difficulty), **options)


def start(
    name: str,
    student: str,
    dataset: str | None = None,
    difficulty: float = 1.0,
    seed: int = 7,
    seed_per_student: bool = True,
    settings: Path = SETTINGS,
) -> Exercise:
    """Begin an assignment; prints one line that says for whom and on which data.

    Args:
        name: of the assignment, such as "01_explore".
        student: the name or number that decides this student's numbers.
        dataset: with it the values given here count; without it those of the settings file.
        difficulty: of the drawn images; larger is harder, 1 is as the course draws them.
        seed: of the assignment.
        seed_per_student: whether each student gets numbers of their own; else all get the same.
        settings: the settings file, TOML.

    Raises:
        ValueError: the name of the student is missing, or a value is out of range.

    Example:
        >>> start("01_explore", student="", dataset="chest_xray")
        Traceback (most recent call last):
        ...
        ValueError: Type your name or number into the first cell, as in STUDENT = "anna", and run it again.
    """
    if dataset is None:
        chosen = read_settings(settings)[name]
        dataset, difficulty = chosen["dataset"], chosen["difficulty"]
        seed, seed_per_student = chosen["seed"], chosen["seed_per_student"]
    if seed_per_student and not plain(str(student)):
        raise ValueError('Type your name or number into the first cell, as in STUDENT = "anna", and run it again.')
    own = own_seed(seed, str(student)) if seed_per_student else seed
    exercise = Exercise(name, str(student), dataset, float(difficulty), own)
    if len(exercise.classes) != 2:
        raise ValueError(f"{dataset} has the classes {', '.join(exercise.classes)}; the exercises need exactly two.")
    whose = f"for {student}" if seed_per_student else "the same for all"
    print(f"Exercise {name} · {whose} · data: {dataset} · classes: {' and '.join(exercise.classes)}")
    return exercise


def read_settings(path: Path = SETTINGS) -> dict:
    """The settings file as a dictionary: "grading", and one entry an assignment, with defaults for what it leaves out.

    Args:
        path: of the TOML file.

    Raises:
        ValueError: it is not readable as TOML, or holds a name or a value that does not fit; the message says where.

    Example:
        >>> read_settings()["01_explore"]["points"]["task1"]
        1
    """
    try:
        written = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from error
    settings = {"grading": LIMITS} | written
    for section, values in settings.items():
        known = LIMITS if section == "grading" else CHOICES
        if not isinstance(values, dict):
            raise ValueError(f"{path}: {section} stands outside of the sections; put it below one, as in [01_explore]")
        if unknown := set(values) - set(known):
            raise ValueError(f"{path}: [{section}] has {', '.join(unknown)}; known are {', '.join(known)}")
        for key, value in values.items():
            _check_kind(f"{path}: [{section}] {key}", value, type(known[key]))
        for task, points in values.get("points", {}).items():
            _check_kind(f"{path}: [{section}] points of {task}", points, float)
        settings[section] = known | values
    if settings["grading"]["name_from"] not in ("cell", "folder"):
        raise ValueError(f'{path}: name_from is {settings["grading"]["name_from"]!r}; it must be "cell" or "folder"')
    return settings


def _check_kind(where: str, value: object, kind: type) -> None:
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise ValueError(f"{where} = {value!r}; it must be {KINDS[kind]}")


def plain(student: str) -> str:
    """A name without its capitals, spaces and marks: two spellings of one name become the same.

    Args:
        student: name or number.

    Example:
        >>> plain("Anna-Lena Groß") == plain("anna lena GROSS")
        True
    """
    return "".join(letter for letter in student.casefold() if letter.isalnum())


def own_seed(seed: int, student: str) -> int:
    """A student's own seed, from that of the assignment and from the name.

    Args:
        seed: of the assignment.
        student: name or number; capitals, spaces and marks don't matter.

    Returns:
        From 0 to 2**32 - 1.

    Example:
        >>> own_seed(7, "Anna") == own_seed(7, "anna"), own_seed(7, "anna") == own_seed(7, "ben")
        (True, False)
    """
    digest = hashlib.sha256(f"{seed}:{plain(student)}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def close(given, expected, tolerance: float = 1e-6) -> bool:
    """Whether a student's answer is what is expected, but for rounding; it never raises.

    Args:
        given: the student's number, or array of numbers.
        expected: a number, or an array of the same shape.
        tolerance: largest difference, absolute and relative.

    Example:
        >>> close(0.1 + 0.2, 0.3), close([1, 2], [1, 2, 3]), close("0.3", 0.3)
        (True, False, False)
    """
    try:
        given, expected = np.asarray(given), np.asarray(expected, dtype=float)
    except ValueError:  # a list of lists of different lengths
        return False
    if given.dtype.kind not in "biuf" or given.shape != expected.shape:
        return False
    return bool(np.allclose(given, expected, rtol=tolerance, atol=tolerance))


def reject(given, mistakes: dict) -> None:
    """Fail with the sentence of the mistake that was made.

    Args:
        given: the student's number or numbers.
        mistakes: sentence -> what somebody gets who makes this mistake.

    Raises:
        AssertionError: `given` is one of these values.

    Example:
        >>> reject(0.8, {"This is the share of the negatives.": 0.2})
    """
    for sentence, value in mistakes.items():
        assert not close(given, value), sentence


def _data_dir_of(dataset: str, difficulty: float) -> Path | None:
    """The data folder that holds the data set as it is drawn at a difficulty; draws it where it is missing."""
    if difficulty == 1:
        return None
    if dataset not in COURSE:
        raise ValueError(f"difficulty is {difficulty:g}, but {dataset} is not drawn by the course: leave it at 1.")
    data_dir = default_data_dir() / "exercises" / f"difficulty-{difficulty:g}"
    if find_prepared(dataset, "embedded", data_dir) is None:
        raw = data_dir / "raw" / dataset
        if not raw.is_dir():
            synthesize(dataset, raw, difficulty=difficulty)
        prepare(dataset, raw, data_dir=data_dir, verbose=False)
    return data_dir
