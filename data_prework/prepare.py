"""From a raw folder to a prepared one: read, drop duplicates, group, split, write."""

import os
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from data_prework.catalogue import Entry, entry_for
from data_prework.columns import add_columns
from data_prework.duplicates import NEAR, drop_duplicates
from data_prework.folder_tree import shown_names
from data_prework.group import add_groups, by_pattern
from data_prework.image_files import MAX_PIXELS, MIN_SIDE, check_bits
from data_prework.labels import layout_from_names, layout_from_table
from data_prework.layout import Layout, RawFolderError, check_published, read_layout
from data_prework.manifest import prepared_folder
from data_prework.scan import gray_bits, read_files
from data_prework.shortcuts import report_shortcuts
from data_prework.sources.archives import npz_to_folders, unpack
from data_prework.split import add_splits, check_fractions
from data_prework.store import write_prepared

Report = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """What decides a prepared data set besides its raw files; kept in about.json. `--help` of the command explains."""

    depth: int = 0
    no_splits: bool = False
    no_published_splits: bool = False
    leave_out: tuple[str, ...] = ()
    labels: str = ""
    file_column: str = ""
    label_column: str = ""
    split_column: str = ""
    label_pattern: str = ""
    positive: str = ""
    test: float = 0.2
    val: float = 0.15
    seed: int = 7
    random_split: bool = False
    group_pattern: str = ""
    near: int = NEAR
    min_side: int = MIN_SIDE
    max_pixels: int = MAX_PIXELS
    bits: int = 0


def prepare(
    name: str,
    raw: Path | str,
    settings: Settings | None = None,
    data_dir: Path | None = None,
    wait: float = 600,
    verbose: bool = True,
) -> Path:
    """Turn a raw folder or archive into the prepared data set `name`.

    Args:
        name: a data set of the catalogue, or a name of one's own.
        raw: folder, zip or tar with one folder per class, or in another layout that the settings explain; nothing in
            it is changed.
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
    check_bits(settings.bits)
    rule, words = entry.group, entry.group_words
    if settings.group_pattern:
        rule, words = by_pattern(settings.group_pattern), f"pattern {settings.group_pattern}"
    raw = Path(raw).expanduser().resolve()
    if not raw.exists():
        raise RawFolderError(
            f"{raw}: no such folder or file. Give the folder (or archive) that contains one folder per class."
        )
    truth = raw.with_name(raw.name + "_truth")
    embedded = (truth / "draws.csv").is_file()  # only the drawn stand-ins have it
    folder = prepared_folder(name, embedded, data_dir)
    if folder.resolve().is_relative_to(raw) or raw.is_relative_to(folder.resolve()):
        raise RawFolderError(f"{raw}: the prepared data set would be written inside it. Move your images elsewhere.")
    with _alone(folder, wait, report), _opened(raw, entry, folder, report) as root:
        layout = understand(root, settings)
        report("layout      " + "\n            ".join(layout.lines()))
        classes = class_order(entry, layout.classes, settings.positive, root)
        report(f"classes     {_said(classes)}")
        rows, rejected = read_files(layout, root, settings.min_side, settings.max_pixels, report, settings.bits)
        settings = replace(settings, bits=gray_bits(rows, settings.bits, report))
        rows = add_columns(rows, root, entry)
        rows, dropped = drop_duplicates(rows, root, settings.near, report)
        rows = add_groups(rows, rule, words, report)
        keep = () if settings.no_published_splits else entry.keep_splits
        shares = settings.test, settings.val
        rows, leaked = add_splits(rows, keep, *shares, settings.seed, settings.random_split, report, entry.balance)
        report_shortcuts(rows, report)
        rejected = pd.concat([rejected, dropped, leaked], ignore_index=True)
        truth = truth if embedded else None
        return write_prepared(folder, name, entry, classes, settings, root, truth, rows, rejected, report)


def understand(root: Path, settings: Settings) -> Layout:
    """The raw folder as its folders, a table or the names of its files tell it.

    Raises:
        RawFolderError: it can't be understood, or not in one way alone.
    """
    if settings.labels and settings.label_pattern:
        raise RawFolderError("--labels and --label-pattern both say where the labels are; give one of them")
    if settings.leave_out:
        there = {name for _, folders, _ in os.walk(root, followlinks=True) for name in folders}
        if missing := sorted(set(settings.leave_out) - there):
            raise RawFolderError(f"--leave-out {missing[0]}: there is no folder of this name in {root}")
    if settings.labels:
        columns = settings.file_column, settings.label_column, settings.split_column
        layout = layout_from_table(root, settings.labels, *columns, settings.leave_out)
    elif settings.label_pattern:
        layout = layout_from_names(root, settings.label_pattern, settings.leave_out)
    else:
        layout = read_layout(root, settings.depth or None, not settings.no_splits, settings.leave_out)
    if not settings.no_published_splits:
        check_published(layout)
    return layout


def class_order(entry: Entry, found: list[str], positive: str, root: Path) -> list[str]:
    """The classes in the order of their numbers; of two, the second is the positive one.

    Args:
        entry: of the catalogue; its classes must be those found, if it names some.
        found: names of the classes of the raw folder, sorted.
        positive: the class asked for, "" for none.
        root: named in the errors.

    Raises:
        RawFolderError: other classes than expected, or no such positive class.

    Example:
        >>> class_order(entry_for("leaves"), ["healthy", "rust"], "healthy", Path("raw"))
        ['rust', 'healthy']
    """
    if entry.classes and set(found) != set(entry.classes):
        raise RawFolderError(
            f"{root}: found the classes {shown_names(found)}; {entry.name} has {', '.join(entry.classes)}. "
            "Rename the folders, or prepare it under a name of your own."
        )
    classes = list(entry.classes) or found
    if not positive:
        return classes
    if positive not in classes:
        raise RawFolderError(f"--positive {positive}: no such class; there are {shown_names(classes)}")
    if len(classes) != 2:
        raise RawFolderError(
            f"--positive {positive}: only one of two classes can be the positive one, not of {len(classes)}"
        )
    return [one for one in classes if one != positive] + [positive]


def _said(classes: list[str]) -> str:
    if len(classes) == 2:
        return f"{classes[0]} and {classes[1]}; {classes[1]} is the positive one, which --positive changes"
    return f"{len(classes):,}: {shown_names(classes)}"


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
    """The raw folder itself, or what an archive (or MedMNIST's .npz) holds, in a folder that is gone afterwards."""
    place = folder.with_name(f".{folder.name}.unpacked")
    shutil.rmtree(place, ignore_errors=True)  # of a run that was killed; we hold the lock
    if raw.is_dir():
        yield raw
        return
    report(f"unpacking   {raw.name}")
    try:
        arrays = raw.suffix.lower() == ".npz"
        yield npz_to_folders(raw, place / "raw", entry.classes) if arrays else unpack(raw, place / "raw")
    finally:
        shutil.rmtree(place, ignore_errors=True)
