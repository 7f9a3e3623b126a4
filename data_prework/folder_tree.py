"""The folders and files of a raw folder, as they lie there, and which names are worth a remark."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# files beside images that are never images themselves
OTHER_FILES = frozenset(
    re.findall(
        r"\S+",
        ".txt .csv .tsv .json .jsonl .xml .yaml .yml .md .rst .html .htm .pdf .doc .docx .xls .xlsx .mat .npy .npz .h5 "
        ".hdf5 .pkl .pickle .parquet .feather .db .sqlite .zip .tar .gz .tgz .rar .7z .py .ipynb .sh .ini .cfg .log "
        ".lock .names .data .cache",
    )
)
SYSTEM = ("__MACOSX", "Thumbs.db", "desktop.ini", "Icon\r")
SHOWN = 6  # names in a line of the report


@dataclass
class Folder:
    """A folder of the raw data: its images, other files and folders, and what of it is left aside."""

    path: Path
    images: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.name

    def all_images(self) -> list[Path]:
        """Images of the folder and of all folders below."""
        return [*self.images, *(path for folder in self.folders for path in folder.all_images())]

    def all_files(self) -> list[Path]:
        """Images and other files of the folder and of all folders below; the reader rejects the others by name."""
        return [*self.images, *self.others, *(path for folder in self.folders for path in folder.all_files())]

    def with_images(self) -> list[Folder]:
        """The sub-folders that hold an image at any depth."""
        return [folder for folder in self.folders if folder.all_images()]

    def everywhere(self) -> list[Folder]:
        """The folder and all folders below it."""
        return [self, *(below for folder in self.folders for below in folder.everywhere())]


def walk(root: Path, leave_out: tuple[str, ...] = (), above: frozenset[str] = frozenset()) -> Folder:
    """Read the names of a folder and of all folders below it; no file is opened, a link in a circle is not followed.

    Args:
        root: the folder.
        leave_out: names of folders that are not read.
        above: real paths of the folders above, to find circles.
    """
    folder, above = Folder(root), above | {os.path.realpath(root)}
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        path = root / entry.name
        if entry.name.startswith(".") or entry.name in SYSTEM:
            folder.aside.append(f"{entry.name}: hidden, or the system's own")
        elif not entry.is_dir():
            (folder.others if path.suffix.lower() in OTHER_FILES else folder.images).append(path)
        elif entry.name in leave_out:
            folder.aside.append(f"{entry.name}: as requested")
        elif entry.name.startswith("_"):
            folder.aside.append(f'{entry.name}: its name begins with "_"; rename it if it is a class')
        elif os.path.realpath(path) in above:
            folder.aside.append(f"{entry.name}: a link to a folder above it")
        else:
            folder.folders.append(walk(path, leave_out, above))
    return folder


def pattern_in(names: Sequence[str]) -> str:
    """A regular expression for labels in front of numbers in file names, "" where there seem to be none.

    Example:
        >>> pattern_in(["cat.0.jpg", "cat.1.jpg", "dog.0.jpg", "dog.7.jpg"])
        '^([A-Za-z]+)[._-]'
        >>> pattern_in(["p1.jpg", "p2.jpg"])
        ''
    """
    pattern = r"^([A-Za-z]+)[._-]"
    labels = Counter(match[1] for name in names if (match := re.match(pattern, name)))
    labels = {label: count for label, count in labels.items() if count > 1}
    return pattern if 2 <= len(labels) <= len(names) / 2 and sum(labels.values()) >= len(names) / 2 else ""


def shown_names(names: Iterable[str]) -> str:
    """The first names, comma-separated, and how many more there are; control characters are spelled out."""
    names = [name.encode("unicode_escape").decode() if not name.isprintable() else name for name in names]
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
