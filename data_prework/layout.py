"""What a raw folder means: which folders are classes, which are splits, and what is left out.

This is the one place that decides it, by names alone, before any file is read. The tree as it was understood is part
of the report. Where two readings are possible it refuses to guess, and says how to choose.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_prework.errors import CourseError
from data_prework.folder_tree import SHOWN, Folder, pattern_in, shown_names, walk
from data_prework.manifest import SPLITS
from data_prework.split_names import split_names

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".rar", ".7z", ".bz2", ".xz", ".npz")


class RawFolderError(CourseError, ValueError):
    """A raw folder whose layout cannot be read; the message says what was found and what is expected."""


@dataclass(frozen=True)
class Found:
    """A file of the raw folder that should be an image: absolute path, class, official split ("" where none)."""

    path: Path
    label: str
    split: str


@dataclass(frozen=True)
class Layout:
    """A raw folder as it was understood.

    Attributes:
        root: the folder that holds the classes or the splits.
        files: in the order of their paths.
        notes: what was left out or joined, and why; one sentence each.
    """

    root: Path
    files: list[Found]
    notes: list[str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        """Names of the classes, sorted."""
        return sorted({one.label for one in self.files})

    def lines(self) -> list[str]:
        """The tree and the notes, for the report: a line for each split, with its classes and their files."""
        lines = [f"{self.root.name or self.root}/"]
        counts = Counter((one.split, one.label) for one in self.files)
        for split in dict.fromkeys(("", *SPLITS)):
            inside = {label: count for (of, label), count in sorted(counts.items()) if of == split}
            if inside:
                shown = [f"{label} {count:,}" for label, count in list(inside.items())[:SHOWN]]
                more = f" and {len(inside) - SHOWN:,} more" if len(inside) > SHOWN else ""
                files = sum(inside.values())
                head = f"{split}: " if split else ""
                lines.append(f"  {head}{files:,} files in {len(inside):,} classes: {', '.join(shown)}{more}")
        return lines + [f"  {note}" for note in self.notes]


def read_layout(
    root: Path | str, depth: int | None = None, splits: bool = True, leave_out: Sequence[str] = ()
) -> Layout:
    """Understand a raw folder whose classes are folders.

    Args:
        root: with one folder per class, or one per split with these inside.
        depth: how many levels below root (or below the splits) the class folders are; None: one, and a refusal where
            that isn't evident.
        splits: False: folders called train or test are classes like all others.
        leave_out: names of folders that are not read.

    Raises:
        RawFolderError: no folder, fewer than two classes, a layout without class folders, or one with two readings.
    """
    root = Path(root)
    if not root.is_dir():
        raise RawFolderError(f"{root}: no such folder. Give the folder that contains one folder per class.")
    tree, notes = walk(root, tuple(leave_out)), []
    tree = _without_wrappers(tree, splits, notes)
    top = tree.with_images()
    named = split_names(folder.name for folder in top) if splits else {}
    if named:
        _check_splits(tree, top, named)
        parts = [(named[folder.name], folder) for folder in top if folder.name in named]
        notes += [_beside(folder) for folder in top if folder.name not in named]
    else:
        parts = [("", tree)]
    found = []
    for split, folder in parts:
        if split and not folder.with_images():
            notes.append(f"left out: {folder.name}, {len(folder.images):,} files without class folders, so unlabeled")
            continue
        for place, label, images in _classes(folder, depth, splits, notes):
            inner = split or place
            found += [Found(path, label, inner) for path in images]
        if folder.images:
            notes.append(f"left out: {len(folder.images):,} files directly in {folder.name}, outside of every class")
    notes += _aside(tree)
    found = _one_spelling(found, notes)
    layout = Layout(tree.path, sorted(found, key=lambda one: one.path), notes)
    _check_classes(layout, tree)
    return layout


def _without_wrappers(tree: Folder, splits: bool, notes: list[str]) -> Folder:
    """Step into a folder that is the only one with images (archives often nest), unless it is a split or a class."""
    while not tree.images:
        inside = tree.with_images()
        if len(inside) != 1 or not inside[0].with_images():
            break
        if splits and split_names([inside[0].name]):
            break
        beside = [folder.name for folder in tree.folders if folder is not inside[0]]
        if beside:
            notes.append(f"left out: {shown_names(beside)}, without an image in it")
        tree = inside[0]
    return tree


def _check_splits(tree: Folder, top: list[Folder], named: dict[str, str]) -> None:
    """Refuse splits that hold no class folders, and names that may be either."""
    inside = [folder for folder in top if folder.name in named]
    flat = [folder for folder in inside if not folder.with_images()]
    beside = [folder for folder in top if folder.name not in named]
    if beside and len(flat) == len(inside):
        names, others = (shown_names(folder.name for folder in of) for of in (flat, beside))
        raise RawFolderError(
            f"{tree.path}: {names} may be a split without labels, or a class like {others}. "
            f"Say which: --no-splits reads it as a class, --leave-out {flat[0].name} leaves it out."
        )
    kinds = {name for folder in inside for name in (one.name.lower() for one in folder.folders)}
    if "labels" in kinds and kinds <= {"images", "labels"}:
        raise RawFolderError(
            f"{tree.path}: this is YOLO's layout, images/ and labels/ in each split: boxes in images, not a class for "
            "each image. Sort the images (or what is in the boxes) into one folder per class first."
        )
    if len(flat) < len(inside):
        return
    files = [path.name.lower() for folder in inside for path in folder.others]
    if any(name.endswith(".json") for name in files):
        raise RawFolderError(
            f"{tree.path}: this looks like COCO's layout, splits with images and a .json of annotations: boxes in "
            "images, not a class for each image. Sort the images into one folder per class first."
        )
    raise RawFolderError(_unlabeled(tree, inside))


def _unlabeled(tree: Folder, inside: list[Folder]) -> str:
    """What to do where splits hold images and no class folders."""
    where = f"{tree.path}: {shown_names(folder.name for folder in inside)} contain images but no class folders. "
    pattern = pattern_in([path.name for folder in inside for path in folder.images])
    if pattern:
        return where + f"The labels seem to be in the file names: --label-pattern '{pattern}'"
    tables = [path for folder in tree.everywhere() for path in folder.others if path.suffix.lower() in (".csv", ".tsv")]
    if tables:
        return where + f"The labels may be in a table: --labels {tables[0].relative_to(tree.path)}"
    return (
        where + "If a table says the labels, give it with --labels FILE.csv; if the file names do, give "
        "--label-pattern; detection layouts such as COCO's or YOLO's have boxes, not a class for each image."
    )


def _classes(folder: Folder, depth: int | None, splits: bool, notes: list[str]) -> list[tuple[str, str, list[Path]]]:
    """(split, label, files) of the class folders in a folder; the split is that of folders inside the classes."""
    if depth is not None:
        return _classes_at(folder, depth)
    top = folder.with_images()
    inner = [{one.name for one in each.with_images()} for each in top]
    shared = set.intersection(*inner) if len(top) > 1 else set()
    if len(shared) > 1:
        named = split_names(shared) if splits else {}
        if named.keys() == shared:  # cat/train, cat/test, dog/train, dog/test
            return [(named[one.name], each.name, one.all_files()) for each in top for one in each.with_images()]
        if not any(each.images for each in top):
            names, classes = shown_names(sorted(shared)), shown_names(each.name for each in top)
            raise RawFolderError(
                f"{folder.path}: {classes} each hold the same folders ({names}). Which are the classes? "
                f"--depth 1 takes {classes}; --depth 2 takes {names} within each; or give one of them alone: "
                f"--from {top[0].path}"
            )
    nested = [each for each in top if len(each.with_images()) > 1]
    if nested and not any(each.images for each in top):
        inside = shown_names(one.name for one in nested[0].with_images())
        notes.append(f"{nested[0].name} holds folders ({inside}), which belong to it; --depth 2 makes them the classes")
    return [("", each.name, each.all_files()) for each in top]


def _classes_at(folder: Folder, depth: int) -> list[tuple[str, str, list[Path]]]:
    """The class folders so many levels below; of two with one name, each takes its parent's in front."""
    if depth < 1:
        raise RawFolderError(f"--depth {depth}: class folders are 1 level below or more")
    level = folder.with_images()
    for _ in range(depth - 1):
        level = [below for each in level for below in each.with_images()]
    alike = Counter(each.name for each in level)
    names = [each.name if alike[each.name] == 1 else f"{each.path.parent.name}-{each.name}" for each in level]
    return [("", name, each.all_files()) for name, each in zip(names, level, strict=True)]


def _one_spelling(found: list[Found], notes: list[str]) -> list[Found]:
    """Labels that differ only in capitals, or in how an accent is stored, become one class."""
    spellings = {}
    for one in found:
        plain = unicodedata.normalize("NFC", one.label).casefold()
        spellings.setdefault(plain, Counter())[one.label] += 1
    chosen = {}
    for counts in spellings.values():
        first = min(counts, key=lambda label: (-counts[label], label))
        chosen |= {label: unicodedata.normalize("NFC", first) for label in counts}
        if len(counts) > 1:
            notes.append(f"joined: {shown_names(sorted(counts))} are one class, {chosen[first]}")
    return [Found(one.path, chosen[one.label], one.split) for one in found]


def _check_classes(layout: Layout, tree: Folder) -> None:
    """At least two classes, and every class in every split."""
    if len(layout.classes) < 2:
        names = shown_names(layout.classes) if layout.classes else "none"
        raise RawFolderError(
            f"{layout.root}: found {len(layout.classes)} class folder(s) with files ({names}). "
            "Expected one folder per class, or train/ and test/ folders with one folder per class in each."
            + (f" {_hint(tree)}" if _hint(tree) else "")
        )


def check_published(layout: Layout) -> None:
    """Refuse published splits of which one lacks a class.

    Raises:
        RawFolderError: it says which split lacks which class.
    """
    inside = {}
    for one in layout.files:
        inside.setdefault(one.split, set()).add(one.label)
    for split, labels in inside.items():
        if missing := sorted(set(layout.classes) - labels):
            here = shown_names(sorted(set(inside) - {split}))
            raise RawFolderError(
                f"{layout.root}: the {split} split has no folder of {shown_names(missing)}, which {here} has. Add it, "
                f"rename it, or have all images split anew: --no-published-splits"
            )


def _hint(tree: Folder) -> str:
    """The option that may help where the images are not in class folders."""
    images = tree.all_images()
    if pattern := pattern_in([path.name for path in images]):
        return f"If the labels are in the file names: --label-pattern '{pattern}'"
    others = [path for folder in tree.everywhere() for path in folder.others]
    if archives := [path.name for path in others if path.suffix.lower() in ARCHIVES]:
        return f"There are archives in it ({shown_names(archives)}): unpack them, or give one with --from."
    tables = [path for path in others if path.suffix.lower() in (".csv", ".tsv")]
    return f"If a table says them: --labels {tables[0].relative_to(tree.path)}" if tables else ""


def _beside(folder: Folder) -> str:
    return f"left out: {folder.name}, {len(folder.all_images()):,} files beside the splits"


def _aside(tree: Folder) -> list[str]:
    """Notes on what the walk left aside, the same reason in one line, and on folders without an image."""
    reasons = {}
    for folder in tree.everywhere():
        for one in folder.aside:
            name, _, reason = one.partition(": ")
            reasons.setdefault(reason, []).append((folder.path / name).relative_to(tree.path).as_posix())
    notes = [f"left out: {shown_names(names)}, {reason}" for reason, names in reasons.items()]
    empty = [folder.path.relative_to(tree.path).as_posix() for folder in tree.folders if not folder.all_images()]
    return notes + ([f"left out: {shown_names(empty)}, without an image in it"] if empty else [])
