"""The contract between data_prework and helpers: one manifest.csv for each prepared data set.

A prepared data set is a folder `NAME/` with

    manifest.csv            one row an image; the only file that changes its content, by one atomic rename
    files-<id>/about.json   version, settings, counts, where the images come from
    files-<id>/images/      the images          files-<id>/masks/   masks, where the raw folder had them
    files-<id>/rejected.csv what was left out, and why
    files-<id>/arrays/      resized copies, made by helpers.data when first needed

A new preparation writes a new `files-<id>` beside the old one and then renames its manifest into place. Whoever reads
the manifest therefore sees the old data set or the new one, never half of each.
"""

import csv
import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path

import pandas as pd

from data_prework.errors import CourseError
from data_prework.files import PROJECT, atomic_write
from data_prework.names import as_text, from_text, printable

VERSION = 1
SPLITS = ("train", "val", "test")
SOURCES = ("real", "embedded")  # photographs and X-rays that were brought, or the drawn stand-ins
COURSE = ("chest_xray", "concrete_cracks", "monuments")  # the data sets that the lessons use
# real images without a drawn stand-in, which lessons use where they are prepared -> the command that gets them
OPTIONAL = {"solar_cells": "make solar"}
COLUMNS = {
    "path": "str",  # relative to the manifest, with forward slashes
    "label": "str",
    "split": "str",  # train, val or test
    "group": "str",  # images of one group are never on two sides of a split
    "width": "int",  # pixels, as prepared
    "height": "int",
    "mode": "str",  # color mode of the raw file, in Pillow's words: L is gray
    "encoding": "str",  # of the raw file: format, and for JPEG the estimated quality
    "bytes": "int",  # size of the raw file
    "sha256": "str",  # of the prepared file
    "phash": "str",  # 256-bit perceptual hash in hexadecimal
    "mask": "str",  # relative to the manifest, or empty
    "source": "str",
    "licence": "str",
    "author": "str",
}
# after these, the columns of the data set's own, see `About.columns`
FREE_TEXT = ("label", "group", "source", "licence", "author")  # as people wrote them; spreadsheets must not run them


class ManifestError(CourseError, ValueError):
    """A prepared folder that does not keep the contract; the message says which file and what to do."""


@dataclass(frozen=True)
class About:
    """Facts about a whole prepared data set, as `about.json` holds them.

    Attributes:
        version: of the contract.
        classes: their names, in the order of their numbers; of two, the second is the positive one.
        source: "real", or "embedded" for the drawn stand-ins.
        prepared: the day, as YYYY-MM-DD.
        settings: what the preparation was asked for, see `data_prework.prepare.Settings`.
        counts: split -> class -> number of images.
        published_splits: those that the publisher of the images made.
        rejected: number of files that were left out.
        groups: number of groups.
        group_rule: what makes a group, in words.
        positive: of two classes, the one that is looked for; "" where there are more, and in older files.
        columns: those that only this data set has, name -> "str", "int" or "float".
    """

    version: int
    name: str
    title: str
    classes: list[str]
    source: str
    prepared: str
    settings: dict
    counts: dict[str, dict[str, int]]
    published_splits: list[str]
    rejected: int
    groups: int
    group_rule: str
    licence: str
    positive: str = ""
    columns: dict[str, str] = field(default_factory=dict)


def default_data_dir() -> Path:
    """Folder of all data: the environment variable COURSE_DATA, or `data` in the project."""
    place = os.environ.get("COURSE_DATA")
    return Path(place).expanduser() if place else PROJECT / "data"


def default_source() -> str:
    """ "real" or "embedded", as the environment variable COURSE_SOURCE says; "real" where it says nothing.

    Raises:
        ValueError: it says something else.
    """
    source = os.environ.get("COURSE_SOURCE") or "real"
    if source not in SOURCES:
        raise ValueError(f"the environment variable COURSE_SOURCE is {source!r}; it must be {' or '.join(SOURCES)}")
    return source


def stand_in(name: str) -> str:
    """The data set that is used for one of the course: what the environment variable COURSE_DATASET names, if it does.

    Example:
        >>> stand_in("leaves")
        'leaves'
    """
    return os.environ.get("COURSE_DATASET") or name if name in COURSE else name


def prepared_folder(name: str, embedded: bool, data_dir: Path | None = None) -> Path:
    """Where a prepared data set belongs: `data_dir/NAME`, or `data_dir/embedded/NAME` for the drawn stand-ins.

    Example:
        >>> prepared_folder("leaves", embedded=False, data_dir=Path("data")).as_posix()
        'data/leaves'
    """
    data_dir = data_dir or default_data_dir()
    return data_dir / "embedded" / name if embedded else data_dir / name


def find_prepared(name: str, source: str = "real", data_dir: Path | None = None) -> Path | None:
    """Folder of a prepared data set, or None.

    Args:
        source: "embedded" looks only for the drawn stand-in, "real" takes it where there is nothing else. What has
            none, such as the solar cells, is found either way.
        data_dir: folder of all data; `default_data_dir()` if not given.

    Raises:
        ValueError: another source.
    """
    places = [prepared_folder(name, embedded=True, data_dir=data_dir)]
    if source not in SOURCES:
        raise ValueError(f"source is {source!r}; it must be 'embedded' or 'real'")
    if source == "real" or name in OPTIONAL:
        places.insert(0, prepared_folder(name, embedded=False, data_dir=data_dir))
    return next((place for place in places if (place / "manifest.csv").is_file()), None)


def read_manifest(folder: Path) -> pd.DataFrame:
    """Read and check `folder/manifest.csv`.

    Returns:
        One row an image, with the columns and types of `COLUMNS`, then those of the data set's own, with the types of
        `About.columns`. `read_about` gives the facts about the whole.

    Raises:
        ManifestError: the file is missing, was cut off, or was written by another version.
    """
    path, again = _existing(folder)
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (ValueError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: not readable as a table ({error}). {again}") from error
    missing = [column for column in COLUMNS if column not in frame]
    if missing or frame.empty:
        what = f"the columns {', '.join(missing)} are missing" if missing else "it has no rows"
        raise ManifestError(f"{path}: {what}. {again}")
    try:
        frame = frame.astype({column: kind for column, kind in COLUMNS.items() if kind == "int"})
        frame = frame.assign(**{column: frame[column].map(from_text) for column in FREE_TEXT})
    except ValueError as error:
        raise ManifestError(f"{path}: a value is not a number ({error}). {again}") from error
    cut = ~frame["phash"].str.fullmatch("[0-9a-f]{64}") | ~frame["sha256"].str.fullmatch("[0-9a-f]{64}")
    if cut.any() or not path.read_bytes().endswith(b"\n"):
        raise ManifestError(f"{path}: a row is damaged or cut off. {again}")
    wrong = sorted(set(frame["split"]) - set(SPLITS))
    if wrong:
        raise ManifestError(f"{path}: unknown split {wrong[0]!r}; known: {', '.join(SPLITS)}. {again}")
    own = read_about(folder).columns  # refuses what another version wrote
    if missing := [column for column in own if column not in frame]:
        raise ManifestError(f"{path}: the columns {', '.join(missing)} are missing. {again}")
    try:
        return typed(frame, own)
    except ValueError as error:
        raise ManifestError(f"{path}: a value is not a number ({error}). {again}") from error


def typed(frame: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """The columns of a data set's own, read as texts, in their types.

    Args:
        frame: with these columns.
        columns: name -> "str", "int" or "float".

    Raises:
        ValueError: a value is not a number.

    Example:
        >>> typed(pd.DataFrame({"soft_label": ["0.25"], "cell_type": ["mono"]}), {"soft_label": "float"}).iloc[0, 0]
        np.float64(0.25)
    """
    texts = {column: frame[column].map(from_text) for column, kind in columns.items() if kind == "str"}
    numbers = {column: kind for column, kind in columns.items() if kind != "str"}
    return frame.assign(**texts).astype(numbers)


def read_about(folder: Path) -> About:
    """Read and check the `about.json` of a prepared data set.

    Raises:
        ManifestError: it is missing or damaged, or was written by another version.
    """
    path, again = _existing(folder)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            first = next(csv.DictReader(file))["path"]
    except (StopIteration, KeyError, ValueError, csv.Error) as error:
        raise ManifestError(f"{path}: lists no images. {again}") from error
    about = path.with_name(first.split("/", 1)[0]) / "about.json"
    try:
        facts = json.loads(about.read_text(encoding="utf-8"))
        version = facts.get("version")
        if version != VERSION:
            raise ManifestError(f"{about}: version {version}, expected {VERSION}. {again}")
        return About(**{one.name: facts[one.name] for one in fields(About) if one.name in facts})
    except ManifestError:
        raise
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ManifestError(f"{about}: missing or damaged ({error}). {again}") from error


def _existing(folder: Path) -> tuple[Path, str]:
    """The manifest of a folder, and the sentence that says how to make it anew."""
    path = Path(folder) / "manifest.csv"
    again = f"Prepare it again: python -m data_prework prepare {Path(folder).name}"
    if not path.is_file():
        raise ManifestError(f"{path}: there is no prepared data set. {again}")
    return path, again


def two_largest(about: About) -> list[str]:
    """The two classes with most training images, in their order; all lessons but those on more classes take two.

    Args:
        about: of a prepared data set.
    """
    train = about.counts.get("train", {})
    largest = sorted(about.classes, key=lambda label: -train.get(label, 0))[:2]
    return [label for label in about.classes if label in largest]


def files_folder(folder: Path, frame: pd.DataFrame) -> Path:
    """The `files-<id>` folder that a manifest points to."""
    return Path(folder) / frame["path"].iloc[0].split("/", 1)[0]


def _as_cell(text: str) -> str:
    return as_text(printable(text))


def write_manifest(folder: Path, frame: pd.DataFrame, columns: dict[str, str] | None = None) -> None:
    """Write `folder/manifest.csv`, sorted by path, aside first and then renamed over the old one.

    Args:
        folder: of the data set.
        frame: one row an image.
        columns: of the data set's own, name -> "str", "int" or "float".
    """
    path, own = Path(folder) / "manifest.csv", columns or {}
    ordered = frame[[*COLUMNS, *own]].sort_values("path", kind="stable")
    texts = [*FREE_TEXT, *(column for column, kind in own.items() if kind == "str")]
    ordered = ordered.assign(**{column: ordered[column].map(_as_cell) for column in texts})
    with atomic_write(path) as aside:
        ordered.to_csv(aside, index=False, lineterminator="\n")
