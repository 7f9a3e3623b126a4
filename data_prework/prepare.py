"""From a raw folder to a prepared one: scan, duplicates, groups, split, copy, and one rename at the end."""

import shutil
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from data_prework import shortcuts
from data_prework.catalogue import Entry, entry_for
from data_prework.group import NEAR, by_itself, by_pattern, hash_bits, merge, near_pairs, rule_groups
from data_prework.image_files import MAX_PIXELS, MIN_SIDE
from data_prework.manifest import prepared_folder
from data_prework.scan import RawFolderError, find_images, scan
from data_prework.sources.archives import npz_to_folders, unpack
from data_prework.split import SplitError, check_fractions, split_rows
from data_prework.store import write_prepared

Report = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """What decides a prepared data set besides its raw files; kept in about.json."""

    test: float = 0.2
    val: float = 0.15
    seed: int = 7
    random_split: bool = False
    group_pattern: str = ""
    near: int = NEAR
    min_side: int = MIN_SIDE
    max_pixels: int = MAX_PIXELS


def prepare(
    name: str,
    raw: Path | str,
    settings: Settings | None = None,
    data_dir: Path | None = None,
    wait: float = 600,
    verbose: bool = True,
) -> Path:
    """Turn a raw folder or zip into the prepared data set `name`.

    Args:
        name: a data set of the catalogue, or a name of one's own.
        raw: folder or .zip with one folder per class (or train/test folders with these); nothing in it is changed.
        settings: fractions, seed and limits, see `Settings`.
        data_dir: folder of all data; `default_data_dir()` if not given.
        wait: seconds to wait while another process prepares the same data set.
        verbose: print the report, one line a step.

    Returns:
        The prepared folder. If an up-to-date one is there, it is kept as it is.

    Raises:
        RawFolderError, GroupError, SplitError, UnpackError: each says what is wrong and what to do.
    """
    settings, report = settings or Settings(), print if verbose else _silent
    entry = entry_for(name)
    check_fractions(settings.test, settings.val)
    if settings.group_pattern:
        by_pattern(settings.group_pattern)  # a wrong one is told before the long work
    raw = Path(raw).expanduser().resolve()
    if not raw.exists():
        raise RawFolderError(
            f"{raw}: no such folder or file. Give the folder (or zip) that holds one folder per class."
        )
    truth = raw.with_name(raw.name + "_truth")
    embedded = (truth / "draws.csv").is_file()  # only the drawn stand-ins have it
    folder = prepared_folder(name, embedded, data_dir)
    if folder.resolve().is_relative_to(raw) or raw.is_relative_to(folder.resolve()):
        raise RawFolderError(f"{raw}: the prepared data set would be written inside it. Move your images elsewhere.")
    with _alone(folder, wait, report), _opened(raw, entry, folder, report) as root:
        rows, rejected = describe_files(root, entry, settings, report)
        rows, dropped, pairs = drop_duplicates(rows, settings.near, report)
        rows = add_groups(rows, pairs, entry, settings, report)
        rows, leaked = split(rows, entry, settings, report)
        rejected = pd.concat([rejected, dropped, leaked], ignore_index=True)
        report_shortcuts(rows, report)
        return write_prepared(folder, name, entry, settings, root, truth if embedded else None, rows, rejected, report)


def describe_files(root: Path, entry: Entry, settings: Settings, report: Report) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scan: one row a usable file, and the table of rejected ones (path, label, reason)."""
    found, ignored = find_images(root)
    if ignored:
        report(f"layout      ignored beside train and test: {', '.join(ignored)}")
    labels = {item.label for item in found}
    if entry.classes and labels != set(entry.classes):
        raise RawFolderError(
            f"{root}: found the classes {', '.join(sorted(labels))}; {entry.name} has {', '.join(entry.classes)}. "
            "Rename the folders, or prepare it under a name of your own."
        )
    rows, rejected = [], []
    for item, facts, reason in scan(found, settings.min_side, settings.max_pixels):
        where = {"raw": _printable(item.path.relative_to(root).as_posix()), "label": _printable(item.label)}
        if facts is None:
            rejected.append(where | {"reason": reason})
        else:
            rows.append(where | {"stem": item.path.stem, "official": item.split} | facts)
    report(f"scan        {len(found)} files, {len(rejected)} rejected" + _reasons(rejected))
    unused = labels - {row["label"] for row in rows}
    if unused:
        raise RawFolderError(
            f"{root}: no usable image of {', '.join(map(_printable, sorted(unused)))}. "
            f"Of {len(found)} files {len(rejected)} are rejected, the first one: {rejected[0]['raw']}, "
            f"{rejected[0]['reason']}"
        )
    return pd.DataFrame(rows), pd.DataFrame(rejected, columns=["raw", "label", "reason"])


def _printable(text: str) -> str:
    """Bytes of a file name that are no text become \\udcNN, so that the name can be written and printed."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _reasons(rejected: list[dict]) -> str:
    kinds = pd.Series([row["reason"].split(":")[0] for row in rejected], dtype=object).value_counts()
    return ": " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()) if len(kinds) else ""


def drop_duplicates(rows: pd.DataFrame, near: int, report: Report) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Drop exact copies and every file of an image that is in two classes.

    Returns:
        rows kept, rows dropped, near-duplicate pairs of the kept ones by position.
    """
    bits = hash_bits(rows["phash"])
    pairs = near_pairs(bits, near)
    labels = rows["label"].to_numpy()
    torn = pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]
    conflict = pd.Series(False, index=rows.index)
    conflict.iloc[torn.ravel()] = True
    # copies of an image in conflict are in conflict too: the whole cluster goes
    cluster = merge(pd.Series(range(len(rows)), index=rows.index), pairs)
    conflict = conflict.groupby(cluster).transform("any")
    # an official test image is kept rather than its copy in train
    first = rows.assign(rank=rows["official"].map({"test": 0, "val": 1}).fillna(2)).sort_values(["rank", "raw"])
    copy = first.duplicated("raw_sha256").reindex(rows.index) & ~conflict
    kept = rows[~conflict & ~copy].reset_index(drop=True)
    dropped = pd.concat(
        [
            rows[conflict].assign(reason="conflict: the same image is in two classes"),
            rows[copy].assign(reason="exact duplicate: another file has the same bytes"),
        ]
    )[["raw", "label", "reason"]]
    gone = sorted(set(labels) - set(kept["label"]))
    if gone:
        raise RawFolderError(f"every image of {', '.join(gone)} is also in another class; there is nothing to learn.")
    pairs = near_pairs(hash_bits(kept["phash"]), near)
    report(
        f"duplicates  {int(copy.sum())} exact copies dropped, {int(conflict.sum())} files of an image in two classes "
        f"dropped, {len(pairs)} near-duplicate pairs kept together (distance <= {near} of 256 bits)"
    )
    return kept, dropped, pairs


def add_groups(rows: pd.DataFrame, pairs: np.ndarray, entry: Entry, settings: Settings, report: Report) -> pd.DataFrame:
    """Add the column group: the data set's rule, joined where two groups share a near-duplicate."""
    rule = by_pattern(settings.group_pattern) if settings.group_pattern else entry.group
    # without a rule the path is the group: cat/1.jpg of train and cat/1.jpg of test have nothing in common
    own = rows["raw"] if rule is by_itself else rule_groups(rows, rule)
    groups = merge(own, pairs)
    sizes = groups.value_counts()
    words = f"pattern {settings.group_pattern}" if settings.group_pattern else entry.group_words
    report(
        f"groups      {len(sizes)} groups ({words}), "
        f"{int((sizes > 1).sum())} with more than one image, the largest with {int(sizes.max())}"
    )
    return rows.assign(group=groups)


def split(rows: pd.DataFrame, entry: Entry, settings: Settings, report: Report) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add the column split; images whose group is also in an official test or val split are dropped from the others."""
    rows = rows.assign(official=rows["official"].where(rows["official"].isin(entry.keep_splits), ""))
    in_test = set(rows.loc[rows["official"] == "test", "group"])
    in_val = set(rows.loc[rows["official"] == "val", "group"])
    leak = ((rows["official"] != "test") & rows["group"].isin(in_test)) | (
        (rows["official"] == "") | (rows["official"] == "train")
    ) & rows["group"].isin(in_val)
    leaked = rows.loc[leak, ["raw", "label"]].assign(reason="leak: its group is also in an official test or val split")
    rows = rows[~leak].reset_index(drop=True)
    missing = set(leaked["label"]) - set(rows.loc[~rows["official"].isin(("test", "val")), "label"])
    if missing:
        raise SplitError(
            f"every training image of class {', '.join(sorted(missing))} shares a group with an official test or val "
            "image, so none may be trained on. Give a finer group rule."
        )
    rows["split"] = split_rows(rows, settings.test, settings.val, settings.seed, settings.random_split)
    counts = rows["split"].value_counts()
    report(
        f"split       train {counts['train']}, val {counts['val']}, test {counts['test']}"
        + (" (test as published)" if in_test else "")
        + (f", {len(leaked)} dropped because their group is in a published test or val split" if len(leaked) else "")
        + (", AT RANDOM: groups stand on two sides, so scores on it will be too good" if settings.random_split else "")
    )
    return rows, leaked


def report_shortcuts(rows: pd.DataFrame, report: Report) -> None:
    """Tell encoding, size and color mode per class, and warn where one of them predicts the class."""
    train = rows[rows["split"] == "train"]
    for label, facts in shortcuts.per_class(train).iterrows():
        report(
            f"files       {label}: median {facts['width']:.0f} x {facts['height']:.0f} pixels, mostly "
            f"{facts['most common encoding']}, color modes {facts['color modes']}"
        )
    for warning in shortcuts.warnings_for(train):
        report(f"WARNING     {warning}")


def _silent(line: str) -> None:
    """Takes a line of the report and says nothing."""


@contextmanager
def _alone(folder: Path, wait: float, report: Report):
    """Hold the data set's lock; the system frees it when a process dies."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.parent / f".{folder.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report(f"waiting     another process prepares {folder.name}")
        try:
            lock.acquire(timeout=wait)
        except Timeout:
            raise TimeoutError(
                f"{folder}: another process has been preparing it for {wait:.0f} s; try again later"
            ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _opened(raw: Path, entry: Entry, folder: Path, report: Report):
    """The raw folder itself, or what a zip (or MedMNIST's .npz) holds, in a folder that is gone afterwards."""
    place = folder.with_name(f".{folder.name}.unpacked")
    shutil.rmtree(place, ignore_errors=True)  # of a run that was killed; we hold the lock
    if raw.is_dir():
        yield raw
        return
    report(f"unpacking   {raw.name}")
    try:
        arrays = raw.suffix == ".npz"
        yield npz_to_folders(raw, place / "raw", entry.classes) if arrays else unpack(raw, place / "raw")
    finally:
        shutil.rmtree(place, ignore_errors=True)
